"""A small stand-in for the API server of Kubernetes, for the real kubectl: discovery, objects, scale, three kinds of patch."""

from __future__ import annotations

import copy
import json
from typing import Any

from aiohttp import web

_KINDS = {
    ("apps/v1", "deployments"): ("Deployment", ["deploy"]),
    ("apps/v1", "replicasets"): ("ReplicaSet", ["rs"]),
    ("apps/v1", "statefulsets"): ("StatefulSet", ["sts"]),
    ("apps/v1", "daemonsets"): ("DaemonSet", ["ds"]),
    ("autoscaling/v2", "horizontalpodautoscalers"): ("HorizontalPodAutoscaler", ["hpa"]),
    ("v1", "pods"): ("Pod", ["po"]),
    ("v1", "configmaps"): ("ConfigMap", ["cm"]),
    ("v1", "nodes"): ("Node", ["no"]),
}
_OF_THE_CLUSTER = ("nodes",)
_VERBS = ["create", "delete", "get", "list", "patch", "update", "watch"]


class KubeObjects:
    """The objects of one namespace, "shop", and how they are asked for and changed."""

    def __init__(self) -> None:
        self.objects: dict[tuple[str, str], dict[str, Any]] = {}
        self.asked: list[tuple[str, str]] = []
        #: kinds that may not be listed
        self.forbidden: set[str] = set()
        self._version = 1

    def put(self, plural: str, item: dict[str, Any]) -> None:
        """Put an object there."""
        version = next(version for version, name in _KINDS if name == plural)
        kind = _KINDS[version, plural][0]
        metadata = {"namespace": "shop", "uid": f"uid-{item['metadata']['name']}", "resourceVersion": "1", **item["metadata"]}
        self.objects[plural, metadata["name"]] = {"apiVersion": version, "kind": kind, **item, "metadata": metadata}

    def get(self, plural: str, name: str) -> dict[str, Any]:
        """Give an object as it is now."""
        return copy.deepcopy(self.objects[plural, name])

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Answer one request as the API server would."""
        self.asked.append((request.method, request.path))
        parts = [part for part in request.path.split("/") if part]
        if parts in (["api"], ["apis"]) or (len(parts) in (2, 3) and parts[-1] not in _OF_THE_CLUSTER):
            return self._discovery(parts)
        if "namespaces" not in parts and parts[-1] not in _OF_THE_CLUSTER:
            return _status(404, "NotFound", f"no such path {request.path}")
        plural, *rest = parts[parts.index("namespaces") + 2 :] if "namespaces" in parts else parts[-1:]
        if plural in self.forbidden:
            return _status(403, "Forbidden", f"{plural} is forbidden: User cannot list resource")
        if not rest:
            items = [item for (kind, _), item in self.objects.items() if kind == plural]
            return web.json_response({"kind": "List", "apiVersion": "v1", "metadata": {"resourceVersion": "1"}, "items": items})
        item = self.objects.get((plural, rest[0]))
        if item is None:
            return _status(404, "NotFound", f'{plural} "{rest[0]}" not found')
        if request.method == "DELETE":
            del self.objects[plural, rest[0]]
            return web.json_response({"kind": "Status", "apiVersion": "v1", "status": "Success"})
        if request.method in ("PATCH", "PUT"):
            body, how = await request.json(), request.content_type
            try:
                if request.method == "PUT":
                    item = {**body, "metadata": {**item["metadata"], **body["metadata"]}}
                else:
                    item = _json_patch(item, body) if "json-patch" in how else _merge(item, body)
            except ValueError as problem:
                return _status(422, "Invalid", str(problem))
            self._version += 1
            item["metadata"]["resourceVersion"] = str(self._version)
            self.objects[plural, rest[0]] = item
        if rest[1:] == ["scale"]:
            scale = {"spec": {"replicas": item["spec"]["replicas"]}, "status": {"replicas": item["spec"]["replicas"]}}
            return web.json_response({"kind": "Scale", "apiVersion": "autoscaling/v1", "metadata": item["metadata"], **scale})
        return web.json_response(item)

    def _discovery(self, parts: list[str]) -> web.StreamResponse:
        if parts == ["api"]:
            return web.json_response({"kind": "APIVersions", "versions": ["v1"]})
        groups = sorted({version.split("/")[0] for version, _ in _KINDS if "/" in version})
        if parts == ["apis"]:
            return web.json_response({"kind": "APIGroupList", "groups": [_group(name) for name in groups]})
        version = "/".join(parts[1:])
        found = [
            {
                "name": plural,
                "singularName": kind.lower(),
                "namespaced": plural not in _OF_THE_CLUSTER,
                "kind": kind,
                "shortNames": short,
                "verbs": _VERBS,
            }
            for (own, plural), (kind, short) in _KINDS.items()
            if own == version
        ]
        if not found:
            return _status(404, "NotFound", f"no such path /{'/'.join(parts)}")
        if version == "apps/v1":
            found.append({"name": "deployments/scale", "singularName": "", "namespaced": True, "kind": "Scale",
                "group": "autoscaling", "version": "v1", "verbs": ["get", "patch", "update"]})  # fmt: skip
        return web.json_response({"kind": "APIResourceList", "groupVersion": version, "resources": found})


def _group(name: str) -> dict[str, Any]:
    version = next(version for version, _ in _KINDS if version.startswith(f"{name}/"))
    one = {"groupVersion": version, "version": version.split("/")[1]}
    return {"name": name, "versions": [one], "preferredVersion": one}


def _status(code: int, reason: str, message: str) -> web.Response:
    body = {"kind": "Status", "apiVersion": "v1", "status": "Failure", "reason": reason, "message": message, "code": code}
    return web.json_response(body, status=code)


def _merge(base: Any, patch: Any) -> Any:
    """Merge as the server does: objects by key, lists of named things by name, null takes away."""
    if isinstance(base, list) and isinstance(patch, list) and all(isinstance(one, dict) and "name" in one for one in patch):
        merged = {one["name"]: one for one in base}
        for one in patch:
            if one.get("$patch") == "delete":
                merged.pop(one["name"], None)
            else:
                merged[one["name"]] = _merge(merged.get(one["name"], {}), one)
        return list(merged.values())
    if not isinstance(base, dict) or not isinstance(patch, dict):
        return patch
    made = dict(base)
    for key, value in patch.items():
        if key.startswith("$"):
            continue
        if value is None:
            made.pop(key, None)
        else:
            made[key] = _merge(made.get(key, {} if isinstance(value, dict) else []), value)
    return made


def _json_patch(base: dict[str, Any], steps: list[dict[str, Any]]) -> dict[str, Any]:
    made = json.loads(json.dumps(base))
    for step in steps:
        *path, last = [part.replace("~1", "/").replace("~0", "~") for part in step["path"].split("/")[1:]]
        at: Any = made
        for part in path:
            at = at[int(part)] if isinstance(at, list) else at[part]
        key: Any = int(last) if isinstance(at, list) else last
        if step["op"] == "test":
            if at[key] != step["value"]:
                raise ValueError("the test of the patch failed")
        elif step["op"] == "remove":
            del at[key]
        else:
            at[key] = step["value"]
    return made  # type: ignore[no-any-return]
