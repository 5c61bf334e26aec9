"""The AWS command line: names, sizes and counts from → to, described before anything is changed."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from watchkeeper.run.effect.kubernetes import at
from watchkeeper.run.effect.model import Answers, Effect, Look, Seen, unseen
from watchkeeper.run.effect.place import Place
from watchkeeper.run.effect.words import counted, listed, sentence

_WHERE = frozenset({"--region", "--profile", "--endpoint-url", "--ca-bundle", "--no-verify-ssl"})


class _Call:
    """One call: its service, its verb, its options, and the same account and region for what looks."""

    def __init__(self, place: Place) -> None:
        self.place = place
        self.where = place.pick(_WHERE)
        self.options: dict[str, str] = {}
        self.words: list[str] = []
        texts, position = place.texts, 0
        while position < len(texts):
            text = texts[position]
            position += 1
            if not text.startswith("--"):
                self.words.append(text)
            elif "=" in text:
                self.options[text.partition("=")[0]] = text.partition("=")[2]
            elif position < len(texts) and not texts[position].startswith("--"):
                self.options[text] = texts[position]
                position += 1
            else:
                self.options[text] = ""

    def look(self, *words: str) -> Look:
        return Look(self.place.script(self.place.own(*words, *self.where, "--output", "json")))

    def do(self, *words: str) -> str:
        return self.place.script(self.place.own(*words, *self.where))


def of_place(place: Place) -> Effect | None:
    """Give the effect of a call of aws; None where its verb is not known, or a shell works a word of it out."""
    call = _Call(place)
    family = _FAMILIES.get(" ".join(call.words[:2]))
    return family(call) if family and place.static() else None


def _told(output: str) -> Any:
    try:
        return json.loads(output)
    except ValueError:
        return None


# --- DNS


def _records(call: _Call) -> Effect | None:
    zone, batch = call.options.get("--hosted-zone-id"), _told(call.options.get("--change-batch", ""))
    changes = at(batch, "Changes")
    if not zone or not isinstance(changes, list) or not changes:
        return None
    wanted = [(str(change.get("Action")).upper(), change.get("ResourceRecordSet") or {}) for change in changes]
    looks = tuple(_record(call, zone, record) for _, record in wanted)

    def read(answers: Answers) -> Seen:
        if not all(answer.ok for answer in answers):
            return unseen(next(answer for answer in answers if not answer.ok))
        told, before = [], []
        for (action, new), answer in zip(wanted, answers, strict=True):
            old = next((one for one in at(_told(answer.output), "ResourceRecordSets") or [] if _same(one, new)), None)
            name = f"{new.get('Type')} {str(new.get('Name')).rstrip('.')}"
            told.append(f"{name}: {_value(old)} → {'none' if action == 'DELETE' else _value(new)}")
            if old and old.get("TTL"):
                told.append(f"resolvers keep the old one for up to {counted(old['TTL'], 'second')}")
            before.append(old)
        return Seen(sentence(told), "; ".join(told), before)

    def undo(before: Any) -> str:
        back = [{"Action": "UPSERT", "ResourceRecordSet": old} if old else {"Action": "DELETE", "ResourceRecordSet": new}
            for old, (_, new) in zip(before, wanted, strict=True)]  # fmt: skip
        return call.do(
            "route53", "change-resource-record-sets", "--hosted-zone-id", zone, "--change-batch", json.dumps({"Changes": back})
        )

    def happened(before: Any, now: Seen) -> bool | None:
        reached = before and all(
            (old is None) if action == "DELETE" else _value(old) == _value(new)
            for old, (action, new) in zip(now.before or [], wanted, strict=False)
        )
        return True if reached and now.before and now.before != before else None

    return Effect(read, looks, undo, happened)


def _record(call: _Call, zone: str, record: Mapping[str, Any]) -> Look:
    start = ("--start-record-name", str(record.get("Name")), "--start-record-type", str(record.get("Type")))
    return call.look("route53", "list-resource-record-sets", "--hosted-zone-id", zone, *start, "--max-items", "1")


def _same(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    names = [str(each.get("Name")).rstrip(".").lower() for each in (one, other)]
    return names[0] == names[1] and all(one.get(key) == other.get(key) for key in ("Type", "SetIdentifier"))


def _value(record: Mapping[str, Any] | None) -> str:
    if not record:
        return "none"
    alias = at(record, "AliasTarget", "DNSName")
    values = [str(one.get("Value")) for one in record.get("ResourceRecords") or []]
    ttl = f" (TTL {record['TTL']} s)" if record.get("TTL") else ""
    return f"{alias or listed(values)}{ttl}"


# --- counts and sizes


def _described(
    call: _Call,
    look: Look,
    path: tuple[str | int, ...],
    options: Mapping[str, str],
    back: Callable[[Mapping[str, Any]], str] | None,
    remarks: Callable[[Any], list[str]] = lambda item: [],
    no_way: str = "No way back is known.",
) -> Effect:
    """Give an effect that describes one thing; `options` are the call's options with the field that each of them sets."""
    given = {option: field for option, field in options.items() if option in call.options}

    def read(answers: Answers) -> Seen:
        item = at(_told(answers[0].output), *path) if answers[0].ok else None
        if not isinstance(item, dict):
            return unseen(answers[0])
        pairs = [(field, item.get(field), call.options[option]) for option, field in given.items()]
        changed = [(field, old, new) for field, old, new in pairs if str(old) != new]
        told = [f"{field} {old} → {new}" for field, old, new in changed] + remarks(item)
        scope = "; ".join(f"{field} {old} → {new}" for field, old, new in changed)
        before = {option: item.get(field) for option, field in given.items()}
        return Seen(sentence(told or ["everything stays as it is"]), f"{' '.join(call.words[:2])} {scope or 'nothing'}", before)

    def undo(before: Any) -> str | None:
        return back(before) if back and before and all(value is not None for value in before.values()) else None

    def happened(before: Any, now: Seen) -> bool | None:
        return True if given and before and now.before and now.before != before and now.scope.endswith(" nothing") else None

    return Effect(read, (look,), undo, happened, no_way)


def _back(call: _Call, *words: str, keep: tuple[str, ...]) -> Callable[[Mapping[str, Any]], str]:
    kept = [part for option in keep if option in call.options for part in (option, call.options[option])]
    return lambda before: call.do(*words, *kept, *(part for option, value in before.items() for part in (option, str(value))))


def _group(call: _Call) -> Effect | None:
    name = call.options.get("--auto-scaling-group-name")
    if not name:
        return None
    look = call.look("autoscaling", "describe-auto-scaling-groups", "--auto-scaling-group-names", name)
    options = {"--desired-capacity": "DesiredCapacity", "--min-size": "MinSize", "--max-size": "MaxSize"}

    def remarks(item: Any) -> list[str]:
        many = counted(len(item.get("Instances") or []), "instance")
        return [f"the group holds {item.get('MinSize')} to {item.get('MaxSize')}, {many} now"]

    back = _back(call, *call.words[:2], keep=("--auto-scaling-group-name",))
    return _described(call, look, ("AutoScalingGroups", 0), options, back, remarks)


def _task_service(call: _Call) -> Effect | None:
    cluster, name = call.options.get("--cluster", "default"), call.options.get("--service")
    if not name:
        return None
    look = call.look("ecs", "describe-services", "--cluster", cluster, "--services", name)

    def remarks(item: Any) -> list[str]:
        anew = ["all tasks are replaced"] if "--force-new-deployment" in call.options else []
        return [*anew, f"{item.get('runningCount')} of {item.get('desiredCount')} tasks run now"]

    back = _back(call, "ecs", "update-service", keep=("--cluster", "--service"))
    return _described(
        call, look, ("services", 0), {"--desired-count": "desiredCount", "--task-definition": "taskDefinition"}, back, remarks
    )


def _database(call: _Call) -> Effect | None:
    name = call.options.get("--db-instance-identifier")
    if not name:
        return None
    look = call.look("rds", "describe-db-instances", "--db-instance-identifier", name)
    verb = call.words[1]

    def remarks(item: Any) -> list[str]:
        told = [f"{name} is {item.get('DBInstanceStatus')} ({item.get('DBInstanceClass')}, {item.get('Engine')})"]
        if verb == "promote-read-replica":
            source = item.get("ReadReplicaSourceDBInstanceIdentifier")
            told.append(
                f"it stops following {source} for good; fence {source} first"
                if source
                else "it follows nobody: there is nothing to promote"
            )
        if verb == "reboot-db-instance":
            over = "--force-failover" in call.options
            told.append("it fails over to its standby" if over and item.get("MultiAZ") else "it is away meanwhile")
        if verb == "modify-db-instance":
            told.append("at once" if "--apply-immediately" in call.options else "in its next maintenance window")
        return told

    options = {
        "--db-instance-class": "DBInstanceClass",
        "--backup-retention-period": "BackupRetentionPeriod",
        "--allocated-storage": "AllocatedStorage",
    }
    modifies = verb == "modify-db-instance" and "--allocated-storage" not in call.options
    back = _back(call, "rds", verb, keep=("--db-instance-identifier",)) if modifies else None
    no_way = "No way back: a promoted replica does not follow again, and storage does not shrink."
    return _described(call, look, ("DBInstances", 0), options, back, remarks, no_way)


def _volume(call: _Call) -> Effect | None:
    name = call.options.get("--volume-id")
    if not name:
        return None
    look = call.look("ec2", "describe-volumes", "--volume-ids", name)
    options = {"--size": "Size", "--volume-type": "VolumeType", "--iops": "Iops"}
    no_way = "No way back: a volume does not shrink, and takes no second change for six hours."
    return _described(call, look, ("Volumes", 0), options, None, no_way=no_way)


_FAMILIES: Mapping[str, Callable[[_Call], Effect | None]] = {
    "route53 change-resource-record-sets": _records,
    "autoscaling set-desired-capacity": _group,
    "autoscaling update-auto-scaling-group": _group,
    "ecs update-service": _task_service,
    "rds modify-db-instance": _database,
    "rds promote-read-replica": _database,
    "rds reboot-db-instance": _database,
    "ec2 modify-volume": _volume,
}
