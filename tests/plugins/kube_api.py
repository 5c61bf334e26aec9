"""A stand-in for a Kubernetes API server: the real protocol, as far as kubectl needs it to find pods and run programs in them.

Each pod is a folder of this machine, and what is run in it is a real process whose HOME is that folder. Streams go over
WebSocket (v5.channel.k8s.io), as with a real server since Kubernetes 1.30.
"""

from __future__ import annotations

import asyncio
import json
import os
from asyncio.subprocess import PIPE
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from aiohttp import WSMsgType, web

_STDIN, _STDOUT, _STDERR, _STATUS, _CLOSE = 0, 1, 2, 3, 255


@dataclass
class KubeApi:
    """One cluster with one namespace."""

    folder: Path
    pods: list[dict[str, Any]] = field(default_factory=list)
    port: int = 0
    _runner: web.AppRunner | None = None

    def add_pod(self, name: str, created: str, *, ready: bool = True, leaving: bool = False, app: str = "web") -> Path:
        """Add a pod; gives its folder."""
        metadata = {"name": name, "namespace": "shop", "labels": {"app": app}, "creationTimestamp": created}
        if leaving:
            metadata["deletionTimestamp"] = created
        status = {"phase": "Running", "conditions": [{"type": "Ready", "status": "True" if ready else "False"}]}
        spec = {"containers": [{"name": "main", "image": "none"}]}
        self.pods.append({"kind": "Pod", "apiVersion": "v1", "metadata": metadata, "spec": spec, "status": status})
        (self.folder / name).mkdir()
        return self.folder / name

    async def open(self) -> None:
        """Listen, and write a kubeconfig."""
        app = web.Application()
        app.router.add_get("/version", _answer({"major": "1", "minor": "32", "gitVersion": "v1.32.4"}))
        app.router.add_get("/api", _answer({"kind": "APIVersions", "versions": ["v1"]}))
        app.router.add_get("/apis", self._groups)
        app.router.add_get("/api/v1", _answer(_resources("v1", "pods", "Pod")))
        app.router.add_get("/apis/apps/v1", _answer(_resources("apps/v1", "deployments", "Deployment")))
        app.router.add_get("/api/v1/namespaces/shop/pods", self._list)
        app.router.add_get("/api/v1/namespaces/shop/pods/{name}", self._pod)
        app.router.add_get("/apis/apps/v1/namespaces/shop/deployments/{name}", self._deployment)
        app.router.add_get("/api/v1/namespaces/shop/pods/{name}/exec", self._exec)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.5)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        self.port = self._runner.addresses[0][1]
        cluster = {"name": "c", "cluster": {"server": f"http://127.0.0.1:{self.port}"}}
        context = {"name": "prod", "context": {"cluster": "c", "user": "u", "namespace": "default"}}
        config = {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [cluster],
            "contexts": [context],
            "users": [{"name": "u", "user": {}}],
        }
        (self.folder / "kubeconfig").write_text(json.dumps(config))

    async def close(self) -> None:
        """Stop listening."""
        if self._runner is not None:
            await self._runner.cleanup()

    async def _groups(self, request: web.Request) -> web.Response:
        version = {"groupVersion": "apps/v1", "version": "v1"}
        group = {"name": "apps", "versions": [version], "preferredVersion": version}
        return web.json_response({"kind": "APIGroupList", "apiVersion": "v1", "groups": [group]})

    async def _list(self, request: web.Request) -> web.Response:
        key, _, value = request.query.get("labelSelector", "").partition("=")
        items = [pod for pod in self.pods if not key or pod["metadata"]["labels"].get(key) == value]
        return web.json_response({"kind": "PodList", "apiVersion": "v1", "metadata": {}, "items": items})

    async def _pod(self, request: web.Request) -> web.Response:
        name = request.match_info["name"]
        found = next((pod for pod in self.pods if pod["metadata"]["name"] == name), None)
        return web.json_response(found) if found else _missing("pods", name)

    async def _deployment(self, request: web.Request) -> web.Response:
        name = request.match_info["name"]
        if name != "web":
            return _missing("deployments.apps", name)
        spec = {"selector": {"matchLabels": {"app": "web"}}}
        return web.json_response({"kind": "Deployment", "apiVersion": "apps/v1", "metadata": {"name": name}, "spec": spec})

    async def _exec(self, request: web.Request) -> web.StreamResponse:
        name, words = request.match_info["name"], request.query.getall("command")
        if all(pod["metadata"]["name"] != name for pod in self.pods):
            return _missing("pods", name)
        socket = web.WebSocketResponse(protocols=("v5.channel.k8s.io",))
        await socket.prepare(request)
        environment = {"PATH": os.environ["PATH"], "HOME": str(self.folder / name)}
        process = await asyncio.create_subprocess_exec(
            *words, stdin=PIPE, stdout=PIPE, stderr=PIPE, env=environment, cwd=environment["HOME"], start_new_session=True
        )
        assert process.stdout
        assert process.stderr

        async def pump(stream: asyncio.StreamReader, channel: int) -> None:
            while piece := await stream.read(32_768):
                await socket.send_bytes(bytes([channel]) + piece)

        async def feed() -> None:
            assert process.stdin
            async for message in socket:
                if message.type is WSMsgType.BINARY and message.data[:1] == bytes([_STDIN]):
                    process.stdin.write(message.data[1:])
                elif message.type is WSMsgType.BINARY and message.data == bytes([_CLOSE, _STDIN]):
                    process.stdin.close()
            process.stdin.close()

        feeding = asyncio.create_task(feed())
        await asyncio.gather(pump(process.stdout, _STDOUT), pump(process.stderr, _STDERR), return_exceptions=True)
        status = await process.wait()
        said: dict[str, Any] = {"metadata": {}, "status": "Success"}
        if status:
            causes = [{"reason": "ExitCode", "message": str(status)}]
            said |= {
                "status": "Failure",
                "reason": "NonZeroExitCode",
                "message": f"status {status}",
                "details": {"causes": causes},
            }
        if not socket.closed:
            await socket.send_bytes(bytes([_STATUS]) + json.dumps(said).encode())
            await socket.close()
        feeding.cancel()
        await asyncio.gather(feeding, return_exceptions=True)
        return socket


def _answer(value: dict[str, Any]) -> Callable[[web.Request], Awaitable[web.Response]]:
    async def answer(request: web.Request) -> web.Response:
        return web.json_response(value)

    return answer


def _resources(version: str, name: str, kind: str) -> dict[str, Any]:
    one = {"name": name, "singularName": kind.lower(), "namespaced": True, "kind": kind, "verbs": ["get", "list"]}
    return {"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": version, "resources": [one]}


def _missing(what: str, name: str) -> web.Response:
    said = {"kind": "Status", "apiVersion": "v1", "status": "Failure", "reason": "NotFound", "code": 404, "metadata": {}}
    said |= {"message": f'{what} "{name}" not found', "details": {"name": name, "kind": what}}
    return web.json_response(said, status=404)
