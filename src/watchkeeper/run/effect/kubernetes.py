"""kubectl: replicas, images, settings and objects from → to, and the autoscaler that would have the last word."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

from watchkeeper.book.programs import find, word_set
from watchkeeper.book.syntax import Word
from watchkeeper.run.effect.model import Answer, Answers, Effect, Look, Seen, plain, unseen
from watchkeeper.run.effect.place import Place, Said
from watchkeeper.run.effect.words import counted, listed, sentence

Object: TypeAlias = Mapping[str, Any]

_CLUSTER = word_set("--context --kubeconfig --cluster --user -s --server --as --as-group --token")
WHERE = _CLUSTER | {"-n", "--namespace"}
CHOOSING = word_set("-l --selector --field-selector")
_NOT_FOUND = ("NotFound", "not found")


class Kubectl:
    """One call of kubectl: its verb, what it names, and the same cluster and namespace for what looks."""

    def __init__(self, place: Place) -> None:
        """Take the place of the program."""
        self.place = place
        self.where = place.pick(WHERE)
        self.options = place.arguments
        self.words = _plain_words(place)
        self.verb = self.words[0].text if self.words else ""

    def named(self, skip: int = 1) -> list[Word]:
        """Give the words that name resources: those after the verb that assign nothing."""
        return [word for word in self.words[skip:] if "=" not in word.text and not word.text.endswith("-")]

    def get(self, *words: Said, form: str = "json") -> Look:
        """Give the look that reads resources."""
        return Look(self.place.script(self.place.own("get", *words, *self.where, "-o", form)))

    def do(self, *words: Said) -> str:
        """Give the command that does something in the same cluster and namespace."""
        return self.place.script(self.place.own(*words, *self.where))


def _plain_words(place: Place) -> list[Word]:
    program = find("kubectl")
    values = program.values if program else frozenset()
    found: list[Word] = []
    position = 0
    while position < len(place.words):
        word = place.words[position]
        position += 1
        if word.text == "--":
            break
        if len(word.text) < 2 or word.text[0] != "-":
            found.append(word)
        elif word.text in values or word.text in ("-f", "--filename", "-p"):
            position += 1
    return found


def objects(answer: Answer) -> list[dict[str, Any]] | None:
    """Read the objects that `get -o json` gave; None where it gave none."""
    if not answer.ok:
        return None
    try:
        found = json.loads(answer.output) if answer.output.strip() else {"items": []}
    except ValueError:
        return None
    if not isinstance(found, dict):
        return None
    items = found.get("items") if "items" in found else [found]
    return [item for item in items or [] if isinstance(item, dict)]


def name_of(item: Object) -> str:
    """Give "deployment/web"."""
    return f"{str(item.get('kind', '')).lower()}/{item.get('metadata', {}).get('name', '')}"


def gone(answer: Answer) -> bool:
    """Tell whether the server says that there is no such thing."""
    return not answer.ok and any(word in answer.output for word in _NOT_FOUND)


def at(item: Any, *path: str | int) -> Any:
    """Give what lies under a path of an object; None where nothing does."""
    for key in path:
        try:
            item = item[key]
        except (KeyError, IndexError, TypeError):
            return None
    return item


def containers(item: Object) -> list[dict[str, Any]]:
    """Give the containers of a workload's pods."""
    return list(at(item, "spec", "template", "spec", "containers") or [])


# --- scale, restart, rollback


def _scale(kubectl: Kubectl) -> Effect | None:
    named, to = kubectl.named(), kubectl.options.value("--replicas")
    if not named or to is None:
        return None
    looks = (kubectl.get(*named, *kubectl.place.pick(CHOOSING)), kubectl.get("hpa"))

    def read(answers: Answers) -> Seen:
        found = objects(answers[0])
        if not found:
            return unseen(answers[0])
        told, scope, before = [], [], []
        for item in found:
            now, held = at(item, "spec", "replicas"), _autoscaler(item, objects(answers[1]) or [])
            told.append(f"{name_of(item)}: replicas {now} → {to}")
            if held:
                told.append(f"an HPA ({held[0]}–{held[1]}) will override it")
            elif to == "0":
                told.append("nothing of it runs then")
            scope.append(f"{name_of(item)} {now} → {to} {held or ''}")
            before.append([name_of(item), now])
        return Seen(sentence(told), "\n".join(scope), before)

    def undo(before: Any) -> str:
        return " && ".join(kubectl.do("scale", name, f"--replicas={replicas}") for name, replicas in reversed(before))

    def happened(before: Any, now: Seen) -> bool | None:
        wanted = bool(before and now.before) and all(str(many) == to for _, many in now.before)
        return True if wanted and any(str(many) != to for _, many in before) else None

    return Effect(read, looks, undo, happened)


def _autoscaler(item: Object, scalers: Sequence[Object]) -> tuple[Any, Any] | None:
    for scaler in scalers:
        target = at(scaler, "spec", "scaleTargetRef") or {}
        if f"{str(target.get('kind', '')).lower()}/{target.get('name')}" == name_of(item):
            return at(scaler, "spec", "minReplicas") or 1, at(scaler, "spec", "maxReplicas")
    return None


def _restart(kubectl: Kubectl) -> Effect | None:
    named = kubectl.named(2)
    if not named and not kubectl.place.pick(CHOOSING):
        return None
    looks = (kubectl.get(*named, *kubectl.place.pick(CHOOSING)),)

    def read(answers: Answers) -> Seen:
        found = objects(answers[0])
        if not found:
            return unseen(answers[0])
        told, before = [], []
        for item in found:
            how = at(item, "spec", "strategy", "type") or at(item, "spec", "updateStrategy", "type") or ""
            pods = at(item, "spec", "replicas") or at(item, "status", "desiredNumberScheduled") or 0
            ready = at(item, "status", "readyReplicas") or at(item, "status", "numberReady") or 0
            told.append(f"replaces {counted(pods, 'pod')} of {name_of(item)}, {ready} of them ready")
            told += ["all at once: nothing serves meanwhile"] if how == "Recreate" else []
            told += ["none will start: it is paused"] if at(item, "spec", "paused") else []
            mark = "kubectl.kubernetes.io/restartedAt"
            before.append([name_of(item), at(item, "spec", "template", "metadata", "annotations", mark)])
        return Seen(sentence(told), f"restart {' '.join(name_of(item) for item in found)}", before)

    def happened(before: Any, now: Seen) -> bool | None:
        return (
            True
            if before and now.before and all(old[1] != new[1] for old, new in zip(before, now.before, strict=False))
            else None
        )

    return Effect(read, looks, happened=happened, no_way_back="No way back is needed: the new pods are like the old ones.")


_REVISION = "deployment.kubernetes.io/revision"


def _roll_back(kubectl: Kubectl) -> Effect | None:
    named, to = kubectl.named(2), kubectl.options.value("--to-revision")
    if not named:
        return None
    looks = (kubectl.get(*named), kubectl.get("replicasets"))

    def read(answers: Answers) -> Seen:
        found, sets = objects(answers[0]), objects(answers[1])
        if not found or len(found) != 1 or found[0].get("kind") != "Deployment":
            return (
                unseen(answers[0])
                if not found
                else Seen(f"Goes back to the last revision of {name_of(found[0])}.", name_of(found[0]))
            )
        item = found[0]
        revision = at(item, "metadata", "annotations", _REVISION)
        uid = at(item, "metadata", "uid")
        own = [
            each for each in sets or [] if uid in [at(owner, "uid") for owner in at(each, "metadata", "ownerReferences") or []]
        ]
        by_number = {int(at(each, "metadata", "annotations", _REVISION) or 0): each for each in own}
        earlier = [number for number in by_number if str(number) != revision]
        wanted = int(to) if to and to.isdigit() and int(to) else max(earlier, default=0)
        told = [f"{name_of(item)} revision {revision} → {wanted or 'none: there is no earlier one'}"]
        if wanted in by_number:
            olds = {each["name"]: each.get("image") for each in containers(item)}
            news = {each["name"]: each.get("image") for each in containers(by_number[wanted])}
            told += [f"{name}: {olds.get(name)} → {image}" for name, image in news.items() if olds.get(name) != image]
            told += ["its images stay the same"] if olds == news else []
        elif wanted:
            told.append(f"revision {wanted} is not kept any more")
        told.append("migrations of a database stay as they are")
        before = {"name": name_of(item), "revision": revision} if revision else None
        return Seen(sentence(told), f"rollback {name_of(item)} {revision} → {wanted}", before)

    def undo(before: Any) -> str:
        return kubectl.do("rollout", "undo", before["name"], f"--to-revision={before['revision']}")

    def happened(before: Any, now: Seen) -> bool | None:
        return True if before and now.before and now.before["revision"] != before["revision"] else None

    return Effect(read, looks, undo, happened, "No way back is known.")


def _node(kubectl: Kubectl) -> Effect | None:
    named = kubectl.named()
    if len(named) != 1:
        return None
    node, where = named[0], kubectl.place.pick(_CLUSTER)
    own = kubectl.place.own(
        "get", "pods", "--all-namespaces", "--field-selector", f"spec.nodeName={node.text}", *where, "-o", "json"
    )
    look = Look(kubectl.place.script(own))
    back = "cordon" if kubectl.verb == "uncordon" else "uncordon"
    if not node.static:
        return None

    def read(answers: Answers) -> Seen:
        found = objects(answers[0])
        if found is None:
            return unseen(answers[0])
        owners = [at(item, "metadata", "ownerReferences", 0, "kind") for item in found]
        moved = [owner for owner in owners if owner not in ("DaemonSet", "Node")]
        if kubectl.verb != "drain":
            verb = "takes no new pods" if kubectl.verb == "cordon" else "takes new pods again"
            return Seen(f"{node.text} {verb}; {counted(len(found), 'pod')} run there.", f"{kubectl.verb} {node.text}", [])
        lonely = [name_of(item) for item, owner in zip(found, owners, strict=True) if owner is None]
        told = [f"evicts {counted(len(moved), 'pod')} from {node.text}"]
        told += [f"{listed(lonely)}: of no controller, so gone for good"] if lonely else []
        return Seen(sentence(told), f"drain {node.text} {' '.join(sorted(lonely))}", [])

    return Effect(read, (look,), lambda before: kubectl.do(back, node))


#: verb, or verb and what follows it -> family
BASIC: Mapping[str, Callable[[Kubectl], Effect | None]] = {
    "scale": _scale,
    "rollout restart": _restart,
    "rollout undo": _roll_back,
    **dict.fromkeys(("drain", "cordon", "uncordon"), _node),
    "rollout pause": lambda kubectl: plain("Holds what is rolled out; what runs goes on."),
}
