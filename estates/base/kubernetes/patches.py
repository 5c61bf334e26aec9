"""The patches that kubectl sends: merge, strategic merge and JSON patch. Pure."""

from __future__ import annotations

import copy
from typing import Any

#: lists of objects that are merged by a key of their members, by the name of the list
_KEYS = {
    "containers": ("name",),
    "initContainers": ("name",),
    "ephemeralContainers": ("name",),
    "volumes": ("name",),
    "env": ("name",),
    "imagePullSecrets": ("name",),
    "ports": ("containerPort", "port"),
    "volumeMounts": ("mountPath",),
    "conditions": ("type",),
    "hostAliases": ("ip",),
    "ownerReferences": ("uid",),
    "addresses": ("type",),
}
#: lists of plain values that are joined instead of replaced
_JOINED = ("finalizers",)


class PatchError(Exception):
    """A patch that cannot be applied."""


def merged(target: Any, patch: Any) -> Any:
    """Apply a JSON merge patch (RFC 7386).

    >>> merged({"a": 1, "b": {"c": 2}}, {"a": None, "b": {"d": 3}})
    {'b': {'c': 2, 'd': 3}}
    """
    if not isinstance(patch, dict):
        return copy.deepcopy(patch)
    result = dict(target) if isinstance(target, dict) else {}
    for name, value in patch.items():
        if value is None:
            result.pop(name, None)
        else:
            result[name] = merged(result.get(name), value)
    return result


def strategic(target: Any, patch: Any) -> Any:
    """Apply a strategic merge patch: as a merge patch, but lists of named things are merged by name.

    >>> strategic({"env": [{"name": "A", "value": "1"}]}, {"env": [{"name": "B", "value": "2"}]})
    {'env': [{'name': 'A', 'value': '1'}, {'name': 'B', 'value': '2'}]}
    """
    if not isinstance(patch, dict):
        return copy.deepcopy(patch)
    if patch.get("$patch") == "replace":
        return {name: copy.deepcopy(value) for name, value in patch.items() if name != "$patch"}
    if patch.get("$patch") == "delete":
        return {}
    result = dict(target) if isinstance(target, dict) else {}
    if "$retainKeys" in patch:
        result = {name: value for name, value in result.items() if name in patch["$retainKeys"]}
    for name, value in patch.items():
        if name.startswith("$deleteFromPrimitiveList/"):
            held = name.split("/", 1)[1]
            result[held] = [each for each in result.get(held, []) if each not in value]
        if name.startswith("$"):
            continue
        if value is None:
            result.pop(name, None)
        elif isinstance(value, list):
            result[name] = _list(name, result.get(name), value)
        else:
            result[name] = strategic(result.get(name), value)
    return {name: _ordered(name, value, patch.get(f"$setElementOrder/{name}")) for name, value in result.items()}


def by_json_patch(target: Any, steps: list[dict[str, Any]]) -> Any:
    """Apply a JSON patch (RFC 6902).

    >>> by_json_patch({"a": [1]}, [{"op": "add", "path": "/a/-", "value": 2}, {"op": "remove", "path": "/a/0"}])
    {'a': [2]}
    """
    result = copy.deepcopy(target)
    for step in steps:
        path, op = str(step["path"]), step["op"]
        if op in ("move", "copy"):
            value = copy.deepcopy(_find(result, str(step["from"])))
            if op == "move":
                result = _set(result, str(step["from"]), "remove", None)
            result = _set(result, path, "add", value)
        elif op == "test":
            if _find(result, path) != step.get("value"):
                raise PatchError(f"the value at {path} is another one")
        else:
            result = _set(result, path, op, copy.deepcopy(step.get("value")))
    return result


def _list(name: str, held: Any, patch: list[Any]) -> list[Any]:
    if name in _JOINED:
        return [*(held or []), *(each for each in patch if each not in (held or []))]
    members = [each for each in patch if isinstance(each, dict)]
    key = next((one for one in _KEYS.get(name, ()) if members and all(one in each or "$patch" in each for each in members)), None)
    if key is None or not isinstance(held, list):
        return [copy.deepcopy(each) for each in patch if not (isinstance(each, dict) and "$patch" in each)]
    if any(each.get("$patch") == "replace" for each in members):
        return [copy.deepcopy(each) for each in members if each.get("$patch") != "replace"]
    result = list(held)
    for each in members:
        at = next((index for index, one in enumerate(result) if isinstance(one, dict) and one.get(key) == each.get(key)), None)
        if each.get("$patch") == "delete":
            result = [one for index, one in enumerate(result) if index != at]
        elif at is None:
            result.append(strategic({}, each))
        else:
            result[at] = strategic(result[at], each)
    return result


def _ordered(name: str, value: Any, order: Any) -> Any:
    if not isinstance(order, list) or not isinstance(value, list) or not all(isinstance(each, dict) for each in order):
        return value
    key = next((one for one in _KEYS.get(name, ()) if all(one in each for each in order)), None)
    if key is None:
        return value
    places = {each[key]: place for place, each in enumerate(order)}
    return sorted(value, key=lambda each: places.get(each.get(key), len(places)))


def _parts(path: str) -> list[str]:
    return [part.replace("~1", "/").replace("~0", "~") for part in path.split("/")[1:]]


def _find(target: Any, path: str) -> Any:
    for part in _parts(path):
        try:
            target = target[int(part)] if isinstance(target, list) else target[part]
        except (KeyError, IndexError, ValueError, TypeError):
            raise PatchError(f"there is nothing at {path}") from None
    return target


def _set(target: Any, path: str, op: str, value: Any) -> Any:
    parts = _parts(path)
    if not parts:
        return value
    held = (
        _find(target, "/" + "/".join(each.replace("~", "~0").replace("/", "~1") for each in parts[:-1])) if parts[:-1] else target
    )
    last = parts[-1]
    if isinstance(held, list):
        at = len(held) if last == "-" else int(last)
        if op == "add":
            held.insert(at, value)
        elif op == "replace":
            held[at] = value
        else:
            del held[at]
    elif op == "remove":
        if last not in held:
            raise PatchError(f"there is nothing at {path}")
        del held[last]
    else:
        held[last] = value
    return target
