"""kubectl set, patch, apply and delete: what of the objects would be otherwise, and the exact objects for the way back."""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable, Iterator, Mapping
from fnmatch import fnmatchcase
from typing import Any

from watchkeeper.run.effect.kubernetes import BASIC, CHOOSING, WHERE, Kubectl, Object, at, containers, gone, name_of, objects
from watchkeeper.run.effect.model import Answers, Effect, Look, Seen, unseen
from watchkeeper.run.effect.place import Place
from watchkeeper.run.effect.words import counted, listed, one_line, sentence

NO_WAY = "No way back: the previous object is not kept."
#: kinds whose values are secrets: they are neither shown nor kept
_SECRET = ("Secret",)


def _set(field: str) -> Callable[[Kubectl], Effect | None]:
    """Give the effect of `kubectl set image|env|resources`, whose `field` of the containers changes."""

    def family(kubectl: Kubectl) -> Effect | None:
        named = kubectl.named(2)
        given = [word.text for word in kubectl.words[2:] if "=" in word.text or word.text.endswith("-")]
        if not named or any(word.text == "--all" for word in kubectl.place.words):
            return None
        looks = (kubectl.get(*named, *kubectl.place.pick(CHOOSING)),)
        wanted = _wanted(kubectl, field, given)
        only = kubectl.options.value("-c", "--containers") or "*"

        def read(answers: Answers) -> Seen:
            found = objects(answers[0])
            if not found:
                return unseen(answers[0])
            told, before = [], []
            for item in found:
                told += [f"{name_of(item)} {change}" for change in _changes(item, field, wanted, only)]
                kept = [{"name": each["name"], field: each.get(field)} for each in containers(item)]
                before.append([name_of(item), kept])
            scope = "; ".join(told)
            told = told or [f"{listed(name_of(item) for item in found)} stays as it is"]
            return Seen(sentence([*told, "its pods are replaced"] if scope else told), scope or "nothing", before)

        def undo(before: Any) -> str:
            parts = []
            for name, kept in reversed(before):
                patch: list[dict[str, Any]] = []
                for number, container in enumerate(kept):
                    path = f"/spec/template/spec/containers/{number}"
                    patch.append({"op": "test", "path": f"{path}/name", "value": container["name"]})
                    if container[field] is None:
                        patch += [
                            {"op": "add", "path": f"{path}/{field}", "value": []},
                            {"op": "remove", "path": f"{path}/{field}"},
                        ]
                    else:
                        patch.append({"op": "add", "path": f"{path}/{field}", "value": container[field]})
                parts.append(kubectl.do("patch", name, "--type=json", "-p", json.dumps(patch, ensure_ascii=False)))
            return " && ".join(parts)

        def happened(before: Any, now: Seen) -> bool | None:
            return True if before and now.before and now.scope == "nothing" and now.before != before else None

        return Effect(read, looks, undo, happened)

    return family


def _wanted(kubectl: Kubectl, field: str, given: list[str]) -> list[tuple[str, str | None]]:
    """Give what is to be set: container → image, name → value (None: taken away), "limits.cpu" → amount."""
    if field == "resources":
        found = []
        for kind in ("limits", "requests"):
            amounts = kubectl.options.value(f"--{kind}") or ""
            found += [(f"{kind}.{part.split('=')[0]}", part.partition("=")[2]) for part in amounts.split(",") if "=" in part]
        return list(found)
    return [
        (text[:-1], None) if text.endswith("-") and "=" not in text else (text.partition("=")[0], text.partition("=")[2])
        for text in given
    ]


def _changes(item: Object, field: str, wanted: list[tuple[str, str | None]], only: str) -> Iterator[str]:
    for container in containers(item):
        if not fnmatchcase(container["name"], only):
            continue
        for name, value in wanted:
            if field == "image":
                if name in ("*", container["name"]) and container.get("image") != value:
                    yield f"{container['name']}: {container.get('image')} → {value}"
                continue
            if field == "env":
                old = next((each for each in container.get("env") or [] if each.get("name") == name), None)
                said = old.get("value", "a reference") if old is not None else None
            else:
                kind, _, what = name.partition(".")
                said = at(container, "resources", kind, what)
            if said != value:
                yield f"{container['name']} {name}: {_shown(name, said)} → {_shown(name, value)}"


def _shown(name: str, value: Any) -> str:
    secret = any(word in name.lower() for word in ("secret", "passw", "token", "key", "credential"))
    return "none" if value is None else "(not shown)" if secret else one_line(str(value), 60)


def _patch(kubectl: Kubectl) -> Effect | None:
    named, text = kubectl.named(), kubectl.options.value("-p", "--patch")
    if text is None:
        words = kubectl.place.words
        position = next((n for n, word in enumerate(words) if word.text in ("-p", "--patch")), None)
        text = words[position + 1].text if position is not None and position + 1 < len(words) else None
    try:
        patch = json.loads(text or "")
    except ValueError:
        return None
    if not named or not isinstance(patch, dict) or not kubectl.place.static():
        return None
    leaves = list(_leaves(patch, ()))
    tops = sorted({path[:2] if path[0] == "metadata" else path[:1] for path, _ in leaves})
    looks = (kubectl.get(*named),)

    def read(answers: Answers) -> Seen:
        found = objects(answers[0])
        if not found:
            return unseen(answers[0])
        if len(found) != 1 or found[0].get("kind") in _SECRET:
            return Seen(f"Changes {', '.join('.'.join(path) for path, _ in leaves)}; the values are not shown.", f"patch {text}")
        item = found[0]
        pairs = [(".".join(path), at(item, *path), value) for path, value in leaves]
        changed = [(path, old, new) for path, old, new in pairs if old != new]
        told = [f"{path} {_value(old)} → {_value(new)}" for path, old, new in changed] or ["everything stays as it is"]
        scope = f"{name_of(item)} " + ("; ".join(told) if changed else "nothing")
        before = {"name": name_of(item), "was": [["/".join(top), at(item, *top)] for top in tops]}
        return Seen(sentence([f"{name_of(item)}: {told[0]}", *told[1:]]), scope, before)

    def undo(before: Any) -> str:
        steps: list[dict[str, Any]] = []
        for path, old in before["was"]:
            steps.append({"op": "add", "path": f"/{path}", "value": old if old is not None else {}})
            steps += [{"op": "remove", "path": f"/{path}"}] if old is None else []
        return kubectl.do("patch", before["name"], "--type=json", "-p", json.dumps(steps, ensure_ascii=False))

    def happened(before: Any, now: Seen) -> bool | None:
        return True if before and now.before and now.scope.endswith(" nothing") and now.before != before else None

    return Effect(read, looks, undo, happened, NO_WAY)


def _leaves(value: Mapping[str, Any], path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Any]]:
    for key, each in value.items():
        if isinstance(each, dict) and each:
            yield from _leaves(each, (*path, str(key)))
        else:
            yield (*path, str(key)), each


def _value(value: Any) -> str:
    return "none" if value is None else one_line(value if isinstance(value, str) else json.dumps(value), 60)


def _apply(kubectl: Kubectl) -> Effect | None:
    files = kubectl.place.pick(frozenset({"-f", "--filename", "-k", "--kustomize", "-R", "--recursive"}))
    if not files or kubectl.place.call.stdin:
        return None
    place = kubectl.place
    looks = (
        Look(place.script(place.own("diff", *files, *kubectl.where))),
        Look(place.script(place.own("get", *files, *kubectl.where, "-o", "json", "--ignore-not-found"))),
    )

    def read(answers: Answers) -> Seen:
        if answers[0].status not in (0, 1) or (answers[0].status == 1 and not answers[0].output.startswith("diff ")):
            return unseen(answers[0])
        lines = [line for line in answers[0].output.splitlines() if "generation:" not in line and "resourceVersion:" not in line]
        things = [line.split("/")[-1] for line in lines if line.startswith("diff ")]
        plus = [line for line in lines if line.startswith("+") and not line.startswith("+++")]
        minus = [line for line in lines if line.startswith("-") and not line.startswith("---")]
        if not things:
            return Seen("Changes nothing: the cluster has it like this already.", "nothing", None)
        told = [
            f"changes {counted(len(things), 'object')}: {listed(things)}",
            f"{counted(len(plus), 'line')} more, {len(minus)} fewer",
        ]
        found = objects(answers[1]) or []
        kept = [_bare(item) for item in found]
        whole = len(found) == len(things) and not any(item.get("kind") in _SECRET for item in found)
        return Seen(sentence(told), "\n".join([*things, *sorted(minus), *sorted(plus)])[:4000], kept if whole else None)

    def undo(before: Any) -> str | None:
        if place.levels[-1].before or len(place.levels) > 1:
            return None
        manifest = json.dumps({"apiVersion": "v1", "kind": "List", "items": before}, ensure_ascii=False)
        return place.script(f"printf %s {shlex.quote(manifest)}", place.own("replace", *kubectl.where, "-f", "-"))

    def happened(before: Any, now: Seen) -> bool | None:
        return True if now.scope == "nothing" else None

    return Effect(read, looks, undo, happened, "No way back: new objects and secrets are not put back.")


def _bare(item: Object) -> dict[str, Any]:
    """Give an object as it can be put back: without what the server keeps for itself."""
    own = ("uid", "resourceVersion", "generation", "creationTimestamp", "managedFields", "selfLink")
    metadata = {key: value for key, value in item.get("metadata", {}).items() if key not in own}
    return {**{key: value for key, value in item.items() if key != "status"}, "metadata": metadata}


_GRAVE = {
    "namespace": "everything in it goes with it",
    "persistentvolumeclaim": "its data goes with it unless the volume is retained",
    "persistentvolume": "its data may go with it",
    "customresourcedefinition": "all objects of its kind go with it",
    "statefulset": "its pods stop",
    "deployment": "its pods stop",
}


def _delete(kubectl: Kubectl) -> Effect | None:
    place = kubectl.place
    chosen = place.pick(CHOOSING | {"-f", "--filename", "-k"} | {"-A", "--all-namespaces"})
    named = kubectl.named()
    if not named and not chosen:
        return None
    look = Look(place.script(place.own("get", *named, *place.pick(WHERE), *chosen, "-o", "json")))

    def read(answers: Answers) -> Seen:
        if gone(answers[0]):
            return Seen("Deletes nothing: there is no such object.", "delete nothing", [])
        found = objects(answers[0])
        if found is None:
            return unseen(answers[0])
        kinds = {str(item.get("kind", "")).lower() for item in found}
        told = [f"deletes {counted(len(found), 'object')}: {listed(name_of(item) for item in found)}"]
        told += [f"{kind}: {_GRAVE[kind]}" for kind in sorted(kinds & _GRAVE.keys())]
        owned = [
            str(at(item, "metadata", "ownerReferences", 0, "kind")) for item in found if at(item, "metadata", "ownerReferences")
        ]
        told += [f"{listed(sorted(set(owned)))} makes {'it' if len(owned) == 1 else 'them'} anew"] if owned else []
        lonely = [name_of(item) for item in found if item.get("kind") == "Pod" and not at(item, "metadata", "ownerReferences")]
        told += [f"{listed(lonely)}: of no controller, so gone for good"] if lonely else []
        uids = [at(item, "metadata", "uid") for item in found]
        return Seen(sentence(told), f"delete {' '.join(sorted(kinds))} {len(lonely)} {len(found) if not owned else ''}", uids)

    def happened(before: Any, now: Seen) -> bool | None:
        return True if before and now.before is not None and not set(before) & set(now.before) else None

    return Effect(
        read, (look,), happened=happened, no_way_back="No way back: what was deleted is applied anew from its manifest."
    )


def of_place(place: Place) -> Effect | None:
    """Give the effect of a call of kubectl; None where its verb is not known."""
    kubectl = Kubectl(place)
    second = kubectl.words[1].text if len(kubectl.words) > 1 else ""
    family = _VERBS.get(f"{kubectl.verb} {second}") or _VERBS.get(kubectl.verb)
    return family(kubectl) if family else None


_VERBS: Mapping[str, Callable[[Kubectl], Effect | None]] = {
    **BASIC,
    "set image": _set("image"),
    "set env": _set("env"),
    "set resources": _set("resources"),
    "patch": _patch,
    "apply": _apply,
    "delete": _delete,
}
