"""A Kubernetes API server for one compose project: real kubectl before it, real containers behind it (README.md)."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import copy
import json
import os
from base64 import b64encode
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import protobuf
import streams
import yaml
from aiohttp import web
from engine import Engine, EngineError
from kinds import BY_PLACE, Kind, groups, open_api, open_api_index, resources
from node import Node
from patches import PatchError, by_json_patch, merged, strategic
from tables import table
from workloads import Workloads

from store import ApiError, Object, Store, completed, stamp

_TURN_S, _MEASURE_S = 3.0, 15.0
_VERSION = {"major": "1", "minor": "32", "gitVersion": "v1.32.4", "platform": "linux/amd64"}


class Server:
    """The HTTP face over store, node and controllers."""

    def __init__(self, engine: Engine, folder: Path | None) -> None:
        self.store = Store(folder / "objects.json" if folder else None)
        self.engine = engine
        self.node = Node(engine, self.store, folder / "patterns.json" if folder else None)
        self.workloads = Workloads(self.store, self.node)
        self._wake = asyncio.Event()
        self.store.changed = self._wake.set
        for name in ("default", "kube-system"):
            self.store.put("namespaces", _namespace(name))

    def app(self) -> web.Application:
        """Give the application."""
        app = web.Application(middlewares=[_as_status], client_max_size=16_000_000)
        for path, value in (
            ("/version", _VERSION),
            ("/api", {"kind": "APIVersions", "versions": ["v1"]}),
            ("/apis", groups()),
            ("/openapi/v3", open_api_index()),
        ):
            app.router.add_get(path, _answer(value))
        for path in ("/healthz", "/livez", "/readyz"):
            app.router.add_get(path, self._well)
        app.router.add_get("/openapi/v3/{path:.+}", self._open_api)
        app.router.add_post("/apis/authorization.k8s.io/v1/selfsubjectaccessreviews", self._may)
        app.router.add_get("/apis/metrics.k8s.io/v1beta1/{path:.+}", self._metrics)
        app.router.add_route("*", "/api/v1{path:(/.*)?}", self._object)
        app.router.add_route("*", "/apis/{group}/{version}{path:(/.*)?}", self._object)
        app.cleanup_ctx.append(self._loops)
        return app

    async def _loops(self, app: web.Application) -> AsyncIterator[None]:
        await self.engine.open()
        tasks = [asyncio.create_task(each()) for each in (self._turn, self._listen, self._measure)]
        yield
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self.store.save()
        await self.engine.close()

    async def _turn(self) -> None:
        while True:
            self._wake.clear()
            with contextlib.suppress(EngineError):
                await self.workloads.turn()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._wake.wait(), _TURN_S)
            await asyncio.sleep(0.1)

    async def _listen(self) -> None:
        while True:
            try:
                async for event in self.engine.events():
                    if not str(event.get("Action", "")).startswith("exec_"):
                        self._wake.set()
            except EngineError:
                self._wake.set()
            await asyncio.sleep(2.0)

    async def _measure(self) -> None:
        while True:
            if self.store.list("horizontalpodautoscalers"):
                await self.node.measure()
                if self.workloads.autoscale():
                    self._wake.set()
            await asyncio.sleep(_MEASURE_S)

    async def _well(self, request: web.Request) -> web.Response:
        return web.Response(text="ok")

    async def _open_api(self, request: web.Request) -> web.Response:
        path = request.match_info["path"].removeprefix("apis/").removeprefix("api/")
        return web.json_response(open_api(path))

    async def _may(self, request: web.Request) -> web.Response:
        asked = await request.json()
        return web.json_response({**asked, "status": {"allowed": True}}, status=201)

    async def _metrics(self, request: web.Request) -> web.Response:
        await self.node.measure()
        if not self.node.usage:
            await asyncio.sleep(1.0)
            await self.node.measure()
        parts = request.match_info["path"].split("/")
        if parts[0] == "nodes":
            used = [sum(each) for each in zip(*self.node.usage.values(), strict=True)] or [0.0, 0.0]
            item = {
                "metadata": {"name": self.node.name},
                "timestamp": stamp(),
                "window": "15s",
                "usage": _usage(used[0], used[1]),
            }
            one = {"kind": "NodeMetrics", "apiVersion": "metrics.k8s.io/v1beta1", **item}
            return web.json_response(
                one if len(parts) > 1 else _list("NodeMetrics", "metrics.k8s.io/v1beta1", [item], self.store.version)
            )
        namespace = parts[1] if parts[0] == "namespaces" else ""
        name = parts[3] if len(parts) > 3 else ""
        items = []
        for pod in _chosen(self.store.list("pods", namespace), request):
            used_by = self.node.usage.get(streams.container_id(pod))
            if used_by and name in ("", pod["metadata"]["name"]):
                containers = [{"name": pod["spec"]["containers"][0]["name"], "usage": _usage(*used_by)}]
                metadata = {key: pod["metadata"].get(key) for key in ("name", "namespace", "labels")}
                items.append({"metadata": metadata, "timestamp": stamp(), "window": "15s", "containers": containers})
        if name and not items:
            raise ApiError(404, "NotFound", f'podmetrics.metrics.k8s.io "{namespace}/{name}" not found', "pods", name)
        if name:
            return web.json_response({"kind": "PodMetrics", "apiVersion": "metrics.k8s.io/v1beta1", **items[0]})
        return web.json_response(_list("PodMetrics", "metrics.k8s.io/v1beta1", items, self.store.version))

    async def _object(self, request: web.Request) -> web.StreamResponse:
        """Find out what is asked for, and do it."""
        parts = [part for part in request.match_info["path"].split("/") if part]
        group = request.match_info.get("group")
        group_version = f"{group}/{request.match_info['version']}" if group else "v1"
        if not parts:
            found = resources(group_version)
            if found is None:
                raise ApiError(404, "NotFound", "the server could not find the requested resource")
            return web.json_response(found)
        namespace = ""
        if parts[0] == "namespaces" and len(parts) > 2 and parts[2] not in ("status", "finalize"):
            namespace, parts = parts[1], parts[2:]
        kind = BY_PLACE.get((group_version, parts[0]))
        if kind is None:
            raise ApiError(404, "NotFound", "the server could not find the requested resource")
        name, part = (*parts[1:], "", "")[:2]
        if part in ("log", "exec") and kind.plural == "pods":
            pod = self.store.get("pods", namespace, name)
            flow = streams.logs if part == "log" else streams.execute
            return await flow(request, self.engine, pod)
        if part == "eviction":
            self.workloads.end_pod(self.store.get("pods", namespace, name))
            return web.json_response({"kind": "Status", "apiVersion": "v1", "status": "Success"}, status=201)
        if part == "scale" and kind.scaled:
            return await self._scale(request, kind, namespace, name)
        if part not in ("", "status", "finalize"):
            raise ApiError(404, "NotFound", f"the server could not find the requested resource ({part})")
        return await self._verb(request, kind, namespace, name)

    async def _verb(self, request: web.Request, kind: Kind, namespace: str, name: str) -> web.StreamResponse:
        if request.method == "GET" and request.query.get("watch") in ("true", "1"):
            return await self._watch(request, kind, namespace)
        if request.method == "GET" and name:
            return self._shown(request, kind, [self.store.get(kind.plural, namespace, name)], one=True)
        if request.method == "GET":
            return self._shown(request, kind, _chosen(self.store.list(kind.plural, namespace), request), one=False)
        if request.method == "POST":
            return self._created(request, kind, namespace, await _body(request, kind.name))
        if request.method == "DELETE":
            return await self._deleted(request, kind, namespace, name)
        if request.method in ("PUT", "PATCH"):
            return await self._changed(request, kind, namespace, name)
        raise ApiError(405, "MethodNotAllowed", "the server does not allow this method on the requested resource")

    def _shown(self, request: web.Request, kind: Kind, items: list[Object], *, one: bool) -> web.Response:
        version = str(self.store.version)
        if "as=Table" in request.headers.get("Accept", ""):
            full = request.query.get("includeObject") == "Object"
            return web.json_response(table(kind.plural, items, version, datetime.now(UTC), full=full))
        return web.json_response(items[0] if one else _list(kind.name, kind.group_version, items, self.store.version))

    def _created(self, request: web.Request, kind: Kind, namespace: str, item: Object) -> web.Response:
        metadata = item.setdefault("metadata", {})
        if kind.namespaced:
            metadata["namespace"] = namespace or metadata.get("namespace") or "default"
            self.store.get("namespaces", "", metadata["namespace"])
        if "name" not in metadata:
            metadata["name"] = f"{metadata.get('generateName', 'object-')}{self.store.version:x}"
        if self.store.find(kind.plural, metadata.get("namespace", ""), metadata["name"]):
            called = f"{kind.plural}.{kind.group}" if kind.group else kind.plural
            raise ApiError(409, "AlreadyExists", f'{called} "{metadata["name"]}" already exists', kind.plural, metadata["name"])
        return web.json_response(self._kept(request, kind, item, None), status=201)

    async def _changed(self, request: web.Request, kind: Kind, namespace: str, name: str) -> web.Response:
        body = await _body(request, kind.name)
        if request.content_type == "application/apply-patch+yaml":
            found = self.store.find(kind.plural, namespace, name)
            if found is None:
                body["metadata"] |= {"name": name}
                return self._created(request, kind, namespace, body)
            return web.json_response(self._kept(request, kind, strategic(found, body), found))
        held = self.store.get(kind.plural, namespace, name)
        if request.method == "PUT":
            self._check_version(kind, held, body)
            return web.json_response(self._kept(request, kind, body, held))
        how = {"application/merge-patch+json": merged, "application/json-patch+json": by_json_patch}.get(
            request.content_type, strategic
        )
        try:
            patched = how(held, body)
        except PatchError as problem:
            raise ApiError(422, "Invalid", str(problem), kind.plural, name) from problem
        if isinstance(body, dict):
            self._check_version(kind, held, body)
        return web.json_response(self._kept(request, kind, patched, held))

    def _check_version(self, kind: Kind, held: Object, body: Object) -> None:
        version = body.get("metadata", {}).get("resourceVersion")
        if version and version != held["metadata"]["resourceVersion"]:
            name = held["metadata"]["name"]
            said = "the object has been modified; please apply your changes to the latest version"
            message = f'Operation cannot be fulfilled on {kind.plural} "{name}": {said}'
            raise ApiError(409, "Conflict", message, kind.plural, name)

    def _kept(self, request: web.Request, kind: Kind, item: Object, held: Object | None) -> Object:
        if kind.name == "Secret" and "stringData" in item:
            said = {key: b64encode(str(value).encode()).decode() for key, value in item.pop("stringData").items()}
            item["data"] = {**(item.get("data") or {}), **said}
        item = with_defaults(kind, item)
        if "dryRun" in request.query:
            return completed(kind, item, held)
        kept = self.store.put(kind.plural, item)
        self._wake.set()
        return kept

    async def _deleted(self, request: web.Request, kind: Kind, namespace: str, name: str) -> web.Response:
        options = await _body(request, kind.name) if request.can_read_body and "json" in request.content_type else {}
        items = (
            [self.store.get(kind.plural, namespace, name)] if name else _chosen(self.store.list(kind.plural, namespace), request)
        )
        grace = request.query.get("gracePeriodSeconds", options.get("gracePeriodSeconds"))
        if "dryRun" not in request.query and not options.get("dryRun"):
            for item in items:
                self._end(kind, item, None if grace is None else int(grace))
            self._wake.set()
        if name:
            found = self.store.find(kind.plural, namespace, name)
            details = {"name": name, "kind": kind.plural, "group": kind.group, "uid": items[0]["metadata"]["uid"]}
            return web.json_response(
                found or {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "details": details}
            )
        return web.json_response(_list(kind.name, kind.group_version, items, self.store.version))

    def _end(self, kind: Kind, item: Object, grace_s: int | None) -> None:
        """Take an object away with all that belongs to it."""
        namespace, name = item["metadata"].get("namespace", ""), item["metadata"]["name"]
        if kind.plural == "pods":
            self.workloads.end_pod(item, grace_s)
            return
        self.store.remove(kind.plural, namespace, name)
        for (group_version, plural), owned in BY_PLACE.items():
            for each in self.store.list(plural):
                owners = [one["uid"] for one in each["metadata"].get("ownerReferences") or []]
                within = kind.plural == "namespaces" and owned.namespaced and each["metadata"].get("namespace") == name
                if item["metadata"]["uid"] in owners or within:
                    self._end(BY_PLACE[group_version, plural], each, grace_s)

    async def _scale(self, request: web.Request, kind: Kind, namespace: str, name: str) -> web.Response:
        held = self.store.get(kind.plural, namespace, name)
        if request.method in ("PUT", "PATCH"):
            body = await _body(request, kind.name)
            changed = by_json_patch(_scale_of(held), body) if isinstance(body, list) else strategic(_scale_of(held), body)
            if "dryRun" not in request.query:
                spec = {**held["spec"], "replicas": int(changed["spec"].get("replicas", 0))}
                held = self.store.put(kind.plural, {**held, "spec": spec})
                self._wake.set()
        return web.json_response(_scale_of(held))

    async def _watch(self, request: web.Request, kind: Kind, namespace: str) -> web.StreamResponse:
        """Tell what changes, one line of JSON each, until the caller goes or its time is over."""
        query = request.query
        answer = web.StreamResponse(headers={"Content-Type": "application/json"})
        await answer.prepare(request)
        as_table = "as=Table" in request.headers.get("Accept", "")
        queue = self.store.watch()
        loop = asyncio.get_running_loop()
        until = loop.time() + float(query.get("timeoutSeconds") or 1_800)

        async def tell(what: str, item: Object) -> None:
            if namespace in ("", item["metadata"].get("namespace", "")) and _chosen([item], request):
                shown = table(kind.plural, [item], item["metadata"]["resourceVersion"], datetime.now(UTC)) if as_table else item
                await answer.write(json.dumps({"type": what, "object": shown}).encode() + b"\n")

        try:
            version = query.get("resourceVersion", "")
            initial = query.get("sendInitialEvents") == "true"
            if initial or version in ("", "0"):
                for item in self.store.list(kind.plural, namespace):
                    await tell("ADDED", item)
                if initial:
                    metadata = {"resourceVersion": str(self.store.version), "annotations": {"k8s.io/initial-events-end": "true"}}
                    mark = {"kind": kind.name, "apiVersion": kind.group_version, "metadata": metadata}
                    await answer.write(json.dumps({"type": "BOOKMARK", "object": mark}).encode() + b"\n")
            else:
                for _, what, plural, item in self.store.since(int(version)):
                    if plural == kind.plural:
                        await tell(what, item)
            while (left := until - loop.time()) > 0:
                try:
                    _, what, plural, item = await asyncio.wait_for(queue.get(), left)
                except TimeoutError:
                    break
                if plural == kind.plural:
                    await tell(what, item)
        except ConnectionError:
            pass
        finally:
            self.store.unwatch(queue)
        return answer


def with_defaults(kind: Kind, item: Object) -> Object:
    """Give an object with what the API fills in, or raise ApiError where it cannot be."""
    item = copy.deepcopy(item)
    spec = item.get("spec") or {}
    if kind.name == "Namespace":
        item["status"] = {"phase": "Active"}
    if kind.name == "Deployment":
        rolling = {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": "25%", "maxUnavailable": "25%"}}
        spec = {"replicas": 1, "strategy": rolling, "revisionHistoryLimit": 10, "progressDeadlineSeconds": 600, **spec}
        if not isinstance(spec["replicas"], int) or spec["replicas"] < 0:
            name, said = item["metadata"]["name"], spec["replicas"]
            message = (
                f'Deployment.apps "{name}" is invalid: spec.replicas: Invalid value: {said}: must be greater than or equal to 0'
            )
            raise ApiError(422, "Invalid", message)
        labels = (spec.get("template", {}).get("metadata") or {}).get("labels") or {}
        if not (spec.get("selector", {}).get("matchLabels") or {"": ""}).items() <= labels.items():
            name = item["metadata"]["name"]
            message = (
                f'Deployment.apps "{name}" is invalid: spec.template.metadata.labels: `selector` does not match template `labels`'
            )
            raise ApiError(422, "Invalid", message)
    if kind.name in ("Deployment", "Job", "StatefulSet", "DaemonSet") and spec.get("template"):
        never = kind.name == "Job"
        inner = {
            "restartPolicy": "Never" if never else "Always",
            "terminationGracePeriodSeconds": 30,
            "dnsPolicy": "ClusterFirst",
        }
        template = spec["template"]
        spec = {
            **spec,
            "template": {"metadata": template.get("metadata") or {}, "spec": {**inner, **(template.get("spec") or {})}},
        }
    if kind.name == "Job":
        spec = {"backoffLimit": 6, "completions": 1, "parallelism": 1, **spec}
        spec.setdefault("selector", {"matchLabels": {"job-name": item["metadata"]["name"]}})
    if kind.name == "Service":
        spec = {"type": "ClusterIP", "clusterIP": "10.96.0.10", "clusterIPs": ["10.96.0.10"], "sessionAffinity": "None", **spec}
        spec["ports"] = [{"protocol": "TCP", "targetPort": each["port"], **each} for each in spec.get("ports") or []]
    if kind.name == "HorizontalPodAutoscaler" and int(spec.get("minReplicas", 1)) > int(spec.get("maxReplicas", 1)):
        name = item["metadata"]["name"]
        message = f'HorizontalPodAutoscaler.autoscaling "{name}" is invalid: spec.maxReplicas: must be at least `minReplicas`'
        raise ApiError(422, "Invalid", message)
    return {**item, "spec": spec} if spec else item


@web.middleware
async def _as_status(request: web.Request, handler: Any) -> web.StreamResponse:
    """Say every refusal as the API says it."""
    try:
        answer: web.StreamResponse = await handler(request)
        return answer
    except ApiError as problem:
        code, reason, message, kind, name = problem.code, problem.reason, str(problem), problem.kind, problem.name
    except EngineError as problem:
        code, reason, message, kind, name = 503, "ServiceUnavailable", str(problem), "", ""
    except web.HTTPNotFound:
        code, reason, message, kind, name = 404, "NotFound", "the server could not find the requested resource", "", ""
    said = {
        "kind": "Status",
        "apiVersion": "v1",
        "metadata": {},
        "status": "Failure",
        "code": code,
        "reason": reason,
        "message": message,
    }
    return web.json_response({**said, "details": {"name": name, "kind": kind}}, status=code)


def _chosen(items: list[Object], request: web.Request) -> list[Object]:
    """Give the objects that the request's selectors choose."""
    labels, fields = request.query.get("labelSelector", ""), request.query.get("fieldSelector", "")
    return [each for each in items if _labelled(each["metadata"].get("labels") or {}, labels) and _field(each, fields)]


def _labelled(labels: dict[str, str], selector: str) -> bool:
    """Say whether labels fit a selector.

    >>> _labelled({"app": "web"}, "app=web,tier!=db"), _labelled({"app": "web"}, "app in (api,web)"), _labelled({}, "app")
    (True, True, False)
    """
    depth, terms = 0, [""]
    for letter in selector:
        depth += {"(": 1, ")": -1}.get(letter, 0)
        if letter == "," and not depth:
            terms.append("")
        else:
            terms[-1] += letter
    for term in (each.strip() for each in terms if each.strip()):
        if " in (" in term or " notin (" in term:
            key, _, values = term.replace(" notin ", " in ").partition(" in ")
            within = labels.get(key.strip()) in [each.strip() for each in values.strip("()").split(",")]
            fits = within != (" notin (" in term)
        elif "!=" in term:
            key, _, value = term.partition("!=")
            fits = labels.get(key) != value
        elif "=" in term:
            key, _, value = term.replace("==", "=").partition("=")
            fits = labels.get(key) == value
        else:
            fits = term not in labels if term.startswith("!") else term in labels
        if not fits:
            return False
    return True


def _field(item: Object, selector: str) -> bool:
    for term in (each for each in selector.split(",") if each):
        path, _, value = term.replace("==", "=").partition("=")
        wanted = not path.endswith("!")
        found: Any = item
        for part in path.rstrip("!").split("."):
            found = found.get(part) if isinstance(found, dict) else None
        if (str(found if found is not None else "") == value) != wanted:
            return False
    return True


async def _body(request: web.Request, kind: str) -> Any:
    if "protobuf" in request.content_type:
        found = protobuf.read(await request.read(), kind)
        if found is None:
            raise ApiError(415, "UnsupportedMediaType", f"a {kind} is understood only as JSON or YAML here: use kubectl apply -f")
        return found
    text = await request.text()
    if "yaml" in request.content_type:
        return yaml.safe_load(text)
    try:
        return json.loads(text) if text.strip() else {}
    except ValueError:
        raise ApiError(415, "UnsupportedMediaType", "only JSON and YAML are spoken here") from None


def _answer(value: Any) -> Any:
    async def answer(request: web.Request) -> web.Response:
        return web.json_response(value)

    return answer


def _list(kind: str, group_version: str, items: list[Object], version: int) -> Object:
    return {"kind": f"{kind}List", "apiVersion": group_version, "metadata": {"resourceVersion": str(version)}, "items": items}


def _namespace(name: str) -> Object:
    return {
        "metadata": {"name": name, "labels": {"kubernetes.io/metadata.name": name}},
        "spec": {},
        "status": {"phase": "Active"},
    }


def _scale_of(held: Object) -> Object:
    names = ("name", "namespace", "uid", "resourceVersion", "creationTimestamp")
    metadata = {name: held["metadata"].get(name) for name in names}
    labels = held["spec"].get("selector", {}).get("matchLabels") or {}
    status = {
        "replicas": (held.get("status") or {}).get("replicas", 0),
        "selector": ",".join(f"{key}={value}" for key, value in labels.items()),
    }
    return {
        "kind": "Scale",
        "apiVersion": "autoscaling/v1",
        "metadata": metadata,
        "spec": {"replicas": held["spec"].get("replicas", 1)},
        "status": status,
    }


def _usage(cores: float, memory: float) -> Object:
    return {"cpu": f"{int(cores * 1e9)}n", "memory": f"{int(memory // 1024)}Ki"}


def main() -> None:
    """Serve until ended."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--project", default=os.environ.get("COMPOSE_PROJECT_NAME"), help="compose project whose services are the workloads"
    )
    parser.add_argument(
        "--socket", default=os.environ.get("DOCKER_HOST", "unix:///var/run/docker.sock"), help="the engine's socket"
    )
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8001)
    parser.add_argument("--state", type=Path, help="folder in which objects are kept over restarts")
    said = parser.parse_args()
    if not said.project:
        parser.error("say --project, or set COMPOSE_PROJECT_NAME")
    if said.state:
        said.state.mkdir(parents=True, exist_ok=True)

    async def make() -> web.Application:
        return Server(Engine(said.socket.removeprefix("unix://"), said.project), said.state).app()

    web.run_app(make(), host=said.host, port=said.port, access_log=None, print=None, shutdown_timeout=0.5)


if __name__ == "__main__":
    main()
