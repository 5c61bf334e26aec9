"""The objects of the cluster: versioned, told to whoever watches, and written to a file so that a restart forgets nothing."""

from __future__ import annotations

import asyncio
import copy
import json
import uuid
from collections import deque
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from kinds import BY_PLURAL, Kind

Object = dict[str, Any]
_KEPT_CHANGES = 5_000
_KEPT_EVENTS = 500


class ApiError(Exception):
    """An answer of the API server that is not success."""

    def __init__(self, code: int, reason: str, message: str, kind: str = "", name: str = "") -> None:
        super().__init__(message)
        self.code, self.reason, self.kind, self.name = code, reason, kind, name


class Store:
    """All objects, by their plural, namespace and name."""

    def __init__(self, file: Path | None = None) -> None:
        self._objects: dict[tuple[str, str, str], Object] = {}
        self._changes: deque[tuple[int, str, str, Object]] = deque(maxlen=_KEPT_CHANGES)
        self._watchers: set[asyncio.Queue[tuple[int, str, str, Object]]] = set()
        self._file = file
        self.version = 1
        #: called after each change that a person asked for
        self.changed: Callable[[], None] = lambda: None
        if file and file.exists():
            said = json.loads(file.read_text())
            self.version = said["version"]
            self._objects = {tuple(each["at"]): each["object"] for each in said["objects"]}

    def find(self, plural: str, namespace: str, name: str) -> Object | None:
        """Give an object, or None."""
        return self._objects.get((plural, namespace, name))

    def get(self, plural: str, namespace: str, name: str) -> Object:
        """Give an object, or raise ApiError."""
        found = self.find(plural, namespace, name)
        if found is None:
            group = BY_PLURAL[plural].group
            called = f"{plural}.{group}" if group else plural
            raise ApiError(404, "NotFound", f'{called} "{name}" not found', called, name)
        return found

    def list(self, plural: str, namespace: str = "") -> list[Object]:
        """Give the objects of a kind, of one namespace or of all."""
        found = [one for (kind, space, _), one in self._objects.items() if kind == plural and namespace in ("", space)]
        return sorted(found, key=lambda one: (one["metadata"].get("namespace", ""), one["metadata"]["name"]))

    def put(self, plural: str, item: Object) -> Object:
        """Put an object there, new or changed; one that is as it was stays untouched."""
        kind = BY_PLURAL[plural]
        at = (plural, item["metadata"].get("namespace", ""), item["metadata"]["name"])
        held = self._objects.get(at)
        item = completed(kind, item, held)
        if held is not None and _content(held) == _content(item):
            return held
        self.version += 1
        item["metadata"]["resourceVersion"] = str(self.version)
        self._objects[at] = item
        self._tell("MODIFIED" if held else "ADDED", plural, item)
        return item

    def remove(self, plural: str, namespace: str, name: str) -> Object | None:
        """Take an object away."""
        gone = self._objects.pop((plural, namespace, name), None)
        if gone is not None:
            self.version += 1
            gone = copy.deepcopy(gone)
            gone["metadata"]["resourceVersion"] = str(self.version)
            self._tell("DELETED", plural, gone)
        return gone

    def event(self, of: Object, reason: str, message: str, kind: str = "Normal", by: str = "kubelet") -> None:
        """Note what happened to an object, as `kubectl get events` shows it."""
        metadata = of["metadata"]
        namespace = metadata.get("namespace", "default")
        about = {"kind": of["kind"], "apiVersion": of["apiVersion"], "name": metadata["name"], "namespace": namespace}
        about["uid"] = metadata.get("uid", "")
        now = stamp()
        for one in self.list("events", namespace):
            if one["involvedObject"] == about and one["reason"] == reason and one["message"] == message:
                self.put("events", {**one, "count": one["count"] + 1, "lastTimestamp": now})
                return
        said = {"type": kind, "reason": reason, "message": message, "count": 1, "firstTimestamp": now, "lastTimestamp": now}
        names = {"name": f"{metadata['name']}.{uuid.uuid4().hex[:16]}", "namespace": namespace}
        self.put("events", {"metadata": names, "involvedObject": about, "source": {"component": by}, **said})
        kept = sorted(self.list("events", namespace), key=lambda one: str(one["lastTimestamp"]))
        for old in kept[: max(0, len(kept) - _KEPT_EVENTS)]:
            self.remove("events", namespace, old["metadata"]["name"])

    def watch(self) -> asyncio.Queue[tuple[int, str, str, Object]]:
        """Begin to watch: what changes from now on comes through the queue."""
        queue: asyncio.Queue[tuple[int, str, str, Object]] = asyncio.Queue()
        self._watchers.add(queue)
        return queue

    def unwatch(self, queue: asyncio.Queue[tuple[int, str, str, Object]]) -> None:
        """End it."""
        self._watchers.discard(queue)

    def since(self, version: int) -> Iterable[tuple[int, str, str, Object]]:
        """Give the changes after a version."""
        return [change for change in self._changes if change[0] > version]

    def save(self) -> None:
        """Write everything to the file, as one."""
        if self._file:
            said = {"version": self.version, "objects": [{"at": at, "object": one} for at, one in self._objects.items()]}
            beside = self._file.with_suffix(".new")
            beside.write_text(json.dumps(said))
            beside.replace(self._file)

    def _tell(self, what: str, plural: str, item: Object) -> None:
        change = (self.version, what, plural, copy.deepcopy(item))
        self._changes.append(change)
        for queue in self._watchers:
            queue.put_nowait(change)


def completed(kind: Kind, item: Object, held: Object | None) -> Object:
    """Give an object with all that a server adds: uid, time, generation."""
    item = copy.deepcopy(item)
    item |= {"apiVersion": kind.group_version, "kind": kind.name}
    metadata = item["metadata"]
    before = held["metadata"] if held else {}
    metadata["uid"] = before.get("uid") or metadata.get("uid") or str(uuid.uuid4())
    metadata["creationTimestamp"] = before.get("creationTimestamp") or metadata.get("creationTimestamp") or stamp()
    metadata["resourceVersion"] = before.get("resourceVersion", "0")
    metadata.pop("managedFields", None)
    if "spec" in item:
        changed = held is None or held.get("spec") != item["spec"]
        metadata["generation"] = int(before.get("generation", 0)) + changed
    return item


def _content(item: Object) -> Object:
    metadata = {name: value for name, value in item["metadata"].items() if name != "resourceVersion"}
    return {**item, "metadata": metadata}


def stamp(when: datetime | None = None) -> str:
    """Give a time as the API writes it.

    >>> stamp(datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC))
    '2026-01-02T03:04:05Z'
    """
    return (when or datetime.now(UTC)).strftime("%Y-%m-%dT%H:%M:%SZ")
