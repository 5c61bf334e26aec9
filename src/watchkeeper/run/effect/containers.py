"""Docker and compose: which containers, from which state, what a change of the files would make anew, what a prune would take."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from typing import Any

from watchkeeper.book.programs import find, word_set
from watchkeeper.book.syntax import Word
from watchkeeper.run.effect.model import Answers, Effect, Look, Seen, unseen
from watchkeeper.run.effect.place import Place
from watchkeeper.run.effect.words import counted, listed, sentence

_FORMAT = (
    '{"id":{{json .Id}},"name":{{json .Name}},"state":{{json .State.Status}},"since":{{json .State.StartedAt}},'
    '"image":{{json .Config.Image}},"labels":{{json .Config.Labels}},"mounts":{{json .Mounts}}}'
)
_GLOBALS = word_set(
    "-f --file -p --project-name --profile --env-file --project-directory -c --context -H --host --config --ansi -l --log-level"
)
_HASH, _SERVICE = "com.docker.compose.config-hash", "com.docker.compose.service"
ANEW = "No way back: the containers that are gone cannot be had again, new ones can be made from the same files."


class _Call:
    """One call of docker or compose: its own options, its verb, and the words after it."""

    def __init__(self, place: Place) -> None:
        program = find(place.name)
        values = (program.values | program.globals) if program else frozenset()
        self.place = place
        self.front: list[Word] = []
        self.verb = ""
        self.rest: list[Word] = []
        self.flags: list[Word] = []
        position = 0
        while position < len(place.words):
            word = place.words[position]
            position += 1
            if word.text.startswith("-") and len(word.text) > 1:
                taken = [word]
                if word.text in values | word_set("-t --timeout --time --scale -s --signal") and position < len(place.words):
                    taken.append(place.words[position])
                    position += 1
                (self.flags if self.verb else self.front).extend(taken)
            elif not self.verb:
                self.verb = word.text
            else:
                self.rest.append(word)

    def own(self, *words: Word | str) -> str:
        return self.place.own(*self.front, *words)

    def inspect(self, *ids: Word | str) -> Look:
        """Look at containers by name."""
        return Look(self.place.script(self.own("inspect", "--type", "container", "--format", _FORMAT, "--", *ids)))

    def inspect_of_compose(self, *listing: Word | str) -> Look:
        """Look at the containers that compose lists."""
        docker = f"xargs -r {_docker(self.place)} inspect --type container --format '{_FORMAT}'"
        return Look(self.place.script(self.own("ps", "-q", *listing), docker))

    def flag(self, *names: str) -> bool:
        return any(word.text in names or word.text.split("=")[0] in names for word in self.flags)


def _docker(place: Place) -> str:
    """Give docker itself as compose's neighbour, with the host or context that is meant."""
    path = re.match(r"\S*/(?=docker)", place.program.raw)
    return f"{path[0] if path else ''}{'podman' if place.name.startswith('podman') else 'docker'}"


def _rows(output: str) -> list[dict[str, Any]]:
    found = []
    for line in output.splitlines():
        try:
            row = json.loads(line)
        except ValueError:
            continue
        if isinstance(row, dict) and "state" in row:
            found.append({**row, "name": str(row.get("name", "")).lstrip("/")})
    return found


def of_docker(place: Place) -> Effect | None:
    """Give the effect of a call of docker; None where its verb is not known."""
    call = _Call(place)
    words = [call.verb, *(word.text for word in call.rest[:1])]
    if call.verb == "container" and call.rest:
        call.verb, call.rest = call.rest[0].text, call.rest[1:]
    if words[1:] == ["prune"]:
        return _prune(call, words[0])
    if words in (["volume", "rm"], ["volume", "remove"]) and len(call.rest) > 1:
        return _volume(call)
    if call.verb in _STATES and call.rest:
        names = call.rest
        return _states(call, call.verb, call.inspect(*names), lambda name: call.place.script(call.own(name, *names)))
    return None


def of_compose(place: Place) -> Effect | None:
    """Give the effect of a call of compose; None where its verb is not known."""
    call = _Call(place)
    services = call.rest
    if call.verb in _STATES:
        look = call.inspect_of_compose("-a", *services)
        return _states(call, call.verb, look, lambda name: place.script(call.own(name, *services)))
    if call.verb == "down":
        return _down(call)
    if call.verb in ("up", "scale"):
        return _up(call)
    return None


#: verb -> what it does, the state in which a container then is, the verb of the way back for those that ran
_STATES: Mapping[str, tuple[str, str | None, str | None]] = {
    "restart": ("restarts", "running", None),
    "stop": ("stops", "exited", "start"),
    "kill": ("kills", "exited", "start"),
    "start": ("starts", "running", "stop"),
    "pause": ("pauses", "paused", "unpause"),
    "unpause": ("lets go on", "running", "pause"),
    "rm": ("removes", None, None),
}


def _states(call: _Call, verb: str, look: Look, back: Callable[[str], str]) -> Effect:
    does, goal, way = _STATES[verb]

    def read(answers: Answers) -> Seen:
        rows = _rows(answers[0].output)
        if not rows and not answers[0].ok and "No such" not in answers[0].output:
            return unseen(answers[0])
        if not rows:
            return Seen(f"{does[0].upper()}{does[1:]} nothing: there is no such container.", f"{verb} nothing", [])
        names = [f"{row['name']} ({row['state']})" for row in rows]
        told = [f"{does} {counted(len(rows), 'container')}: {listed(names)}"]
        if verb == "rm":
            anonymous = [
                m for row in rows for m in row.get("mounts") or [] if re.fullmatch(r"[0-9a-f]{64}", str(m.get("Name", "")))
            ]
            told += ["its writable layer and its logs go with it"]
            told += (
                [f"{counted(len(anonymous), 'volume')} without a name goes too"]
                if anonymous and call.flag("-v", "-fv", "--volumes")
                else []
            )
        before = [[row["name"], row["id"], row["state"], row["since"]] for row in rows]
        scope = " ".join([verb, *sorted(f"{row['name']}:{row['state']}" for row in rows)])
        return Seen(sentence(told), scope, before)

    def undo(before: Any) -> str | None:
        changed = [state for _, _, state, _ in before if state != goal]
        same = len({state for _, _, state, _ in before}) == 1
        return back(way) if way and changed and same and before[0][2] in ("running", "exited", "paused", "created") else None

    def happened(before: Any, now: Seen) -> bool | None:
        if not before or now.before is None:
            return None
        after = {row[1]: row for row in now.before}
        if verb == "rm":
            return True if not any(old[1] in after for old in before) else None
        if verb == "restart":
            return True if all(old[1] in after and after[old[1]][3] > old[3] for old in before) else None
        reached = all(old[1] in after and after[old[1]][2] == goal for old in before)
        return True if reached and any(old[2] != goal for old in before) else None

    no_way = (
        ANEW
        if verb == "rm"
        else "No way back is needed: the same containers run again."
        if verb == "restart"
        else "No way back is known."
    )
    return Effect(read, (look,), undo, happened, no_way)


def _down(call: _Call) -> Effect:
    with_volumes = call.flag("-v", "--volumes")
    look = call.inspect_of_compose("-a")

    def read(answers: Answers) -> Seen:
        rows = _rows(answers[0].output)
        if not answers[0].ok:
            return unseen(answers[0])
        volumes = sorted(
            {str(mount.get("Name")) for row in rows for mount in row.get("mounts") or [] if mount.get("Type") == "volume"}
        )
        told = [
            f"stops and removes {counted(len(rows), 'container')}: {listed(row['name'] for row in rows)}",
            "their logs go with them",
        ]
        if with_volumes:
            told.append(
                f"deletes {counted(len(volumes), 'volume')} with all data: {listed(volumes)}"
                if volumes
                else "there are no volumes"
            )
        told += ["deletes their images"] if call.flag("--rmi") else []
        scope = f"down {' '.join(sorted(row['name'] for row in rows))} {' '.join(volumes) if with_volumes else ''}"
        return Seen(sentence(told), scope, [row["id"] for row in rows])

    def happened(before: Any, now: Seen) -> bool | None:
        return True if before and now.before is not None and not set(before) & set(now.before) else None

    no_way = "No way back: what is in the volumes comes back only from a backup." if with_volumes else ANEW
    return Effect(read, (look,), happened=happened, no_way_back=no_way)


def _scales(call: _Call) -> dict[str, str]:
    texts = [word.text for word in call.flags]
    pairs = [texts[n + 1] for n, text in enumerate(texts[:-1]) if text == "--scale"]
    pairs += [text.partition("=")[2] for text in texts if text.startswith("--scale=")]
    pairs += [word.text for word in call.rest if call.verb == "scale"]
    return {pair.partition("=")[0]: pair.partition("=")[2] for pair in pairs if "=" in pair}


def _up(call: _Call) -> Effect | None:
    scales = _scales(call)
    services = [word for word in call.rest if "=" not in word.text]
    keep = call.flag("--no-recreate") or call.verb == "scale"
    looks = (call.inspect_of_compose("-a"), Look(call.place.script(call.own("config", "--hash", "*"))))

    def read(answers: Answers) -> Seen:
        if not answers[0].ok or not answers[1].ok:
            return unseen(answers[0] if not answers[0].ok else answers[1])
        rows = _rows(answers[0].output)
        hashes = dict(line.split()[:2] for line in answers[1].output.splitlines() if len(line.split()) == 2)
        wanted = [word.text for word in services] or list(hashes)
        told, before = [], {}
        for service in wanted:
            own = [row for row in rows if (row.get("labels") or {}).get(_SERVICE) == service]
            running = [row for row in own if row["state"] == "running"]
            before[service] = len(running)
            old = sorted({str((row.get("labels") or {}).get(_HASH)) for row in own} - {hashes.get(service)})
            if service in scales and str(len(running)) != scales[service]:
                told.append(f"{service}: {len(running)} → {scales[service]} containers")
            elif not own:
                told.append(f"makes {service}")
            if own and (call.flag("--force-recreate") or (old and not keep)):
                told.append(f"makes {service} anew{': its files changed' if old else ''}")
            elif own and len(running) < len(own) and service not in scales:
                told.append(f"starts {service}")
            if service not in scales and len(running) > 1 and "--scale" in str(call.flags) and not services:
                told.append(f"{service} goes from {len(running)} to what its files say")
        told = told or ["everything stays as it is"]
        return Seen(sentence(told), "; ".join(told), before)

    def undo(before: Any) -> str | None:
        only = {service: many for service, many in before.items() if service in scales}
        if not only or set(only) != set(scales):
            return None
        pairs = [word for service, many in only.items() for word in ("--scale", f"{service}={many}")]
        return call.place.script(call.own("up", "-d", "--no-recreate", "--no-deps", *pairs, *only))

    def happened(before: Any, now: Seen) -> bool | None:
        if not scales or not before or not now.before:
            return None
        reached = all(str(now.before.get(service)) == many for service, many in scales.items())
        return True if reached and before != now.before else None

    return Effect(read, looks, undo, happened, ANEW)


_PRUNES = {
    "system": ("stopped containers, unused networks, dangling images and the build cache", ("container", "image", "volume")),
    "container": ("stopped containers", ("container",)),
    "image": ("images", ("image",)),
    "volume": ("volumes that no container uses", ("volume",)),
    "network": ("networks that no container uses", ()),
    "builder": ("the build cache", ()),
}


def _prune(call: _Call, what: str) -> Effect | None:
    if what not in _PRUNES:
        return None
    text, kinds = _PRUNES[what]
    every = call.flag("-a", "--all", "-af", "-fa")
    volumes = what == "volume" or call.flag("--volumes")
    looks = (
        Look(
            call.place.script(
                call.own("ps", "-a", "--filter", "status=exited", "--filter", "status=created", "--format", "{{.Names}}")
            )
        ),
        Look(
            call.place.script(
                call.own("images", "--filter", "dangling=true", "--format", "{{.ID}} {{.Repository}} {{.CreatedSince}}")
            )
        ),
        Look(call.place.script(call.own("volume", "ls", "-q", "--filter", "dangling=true"))),
        Look(call.place.script(call.own("system", "df", "--format", "{{.Type}}: {{.Reclaimable}}"))),
    )

    def read(answers: Answers) -> Seen:
        if not answers[3].ok:
            return unseen(answers[3])
        stopped, dangling, unused = (answer.output.split("\n")[:-1] if answer.ok else [] for answer in answers[:3])
        told = [f"deletes {text}"]
        if "container" in kinds:
            told.append(f"{counted(len(stopped), 'container')}{f' ({listed(stopped)})' if stopped else ''} with their logs")
        if "image" in kinds:
            told.append(
                "all images without a container"
                if every
                else f"{counted(len(dangling), 'dangling image')}: an image to roll back to may be among them"
            )
        if volumes:
            told.append(f"{counted(len(unused), 'volume')} with all data{f': {listed(unused)}' if unused else ''}")
        told += [f"frees up to {listed(answers[3].output.strip().splitlines(), 4)}"]
        scope = f"prune {what} {sorted(stopped)} {len(dangling) if 'image' in kinds else ''} {sorted(unused) if volumes else ''}"
        return Seen(sentence(told), scope)

    return Effect(read, looks, no_way_back="No way back: what is pruned is gone.")


def _volume(call: _Call) -> Effect:
    names = call.rest[1:]
    looks = tuple(
        Look(call.place.script(call.own("ps", "-a", "--filter", f"volume={name.text}", "--format", "{{.Names}}")))
        for name in names
    )

    def read(answers: Answers) -> Seen:
        if not all(answer.ok for answer in answers):
            return unseen(next(answer for answer in answers if not answer.ok))
        used = [name for answer in answers for name in answer.output.split()]
        told = [f"deletes {counted(len(names), 'volume')} with all data: {listed(name.text for name in names)}"]
        told += [f"used by {listed(used)}"] if used else ["no container uses it"]
        return Seen(sentence(told), f"volume rm {' '.join(name.text for name in names)} {sorted(used)}")

    return Effect(read, looks, no_way_back="No way back: what is in a volume comes back only from a backup.")
