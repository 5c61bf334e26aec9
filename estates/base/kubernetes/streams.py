"""What flows: the logs of a pod, a program run in one, and a port of one, carried as kubectl wants them."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime
from typing import Any

from aiohttp import WSMsgType, web
from engine import Engine, EngineError, Hijacked, frames
from workloads import container_id

from store import ApiError, Object

_STDIN, _STDOUT, _STDERR, _STATUS, _RESIZE, _CLOSE = 0, 1, 2, 3, 4, 255
#: a container's first words may be older than the moment at which the engine says it started
_EARLY_S = 0.3
_EXEC_PROTOCOLS = ("v5.channel.k8s.io",)


async def logs(request: web.Request, engine: Engine, pod: Object) -> web.StreamResponse:
    """Answer with what a pod printed since its container was started last; `previous` is what it printed before that."""
    query, container = request.query, container_id(pod)
    if not container:
        state = pod["status"]["containerStatuses"][0]["state"]["waiting"]
        name = pod["spec"]["containers"][0]["name"]
        message = f'container "{name}" in pod "{pod["metadata"]["name"]}" is waiting to start: {state["reason"]}'
        raise ApiError(400, "BadRequest", message)
    found = await engine.inspect(container)
    started = _stamp(found["State"]["StartedAt"])
    asked: dict[str, Any] = {"timestamps": "1" if query.get("timestamps") == "true" else None}
    asked["tail"] = query.get("tailLines")
    if query.get("previous") == "true":
        if not found["RestartCount"] and not pod["status"]["containerStatuses"][0]["restartCount"]:
            name = pod["spec"]["containers"][0]["name"]
            raise ApiError(
                400, "BadRequest", f'previous terminated container "{name}" in pod "{pod["metadata"]["name"]}" not found'
            )
        asked["until"] = f"{started - _EARLY_S:.6f}"
    else:
        began = started - _EARLY_S
        if "sinceSeconds" in query:
            began = max(began, datetime.now(UTC).timestamp() - float(query["sinceSeconds"]))
        if "sinceTime" in query:
            began = max(began, _stamp(query["sinceTime"]))
        asked |= {"since": f"{began:.6f}", "follow": "1" if query.get("follow") == "true" else None}
    answer = web.StreamResponse(headers={"Content-Type": "text/plain"})
    await answer.prepare(request)
    left = int(query["limitBytes"]) if "limitBytes" in query else None
    async for piece in engine.logs(container, **asked):
        await answer.write(piece if left is None else piece[:left])
        left = None if left is None else left - len(piece)
        if left is not None and left <= 0:
            break
    await answer.write_eof()
    return answer


async def execute(request: web.Request, engine: Engine, pod: Object) -> web.StreamResponse:
    """Run a program in a pod's container, over WebSocket."""
    query = request.query
    if not any(each in request.headers.get("Sec-WebSocket-Protocol", "") for each in _EXEC_PROTOCOLS):
        raise ApiError(400, "BadRequest", "unable to upgrade: only v5.channel.k8s.io over WebSocket is spoken here")
    tty = query.get("tty") == "true"
    try:
        running = await engine.execute(container_id(pod), query.getall("command"), tty=tty, stdin=query.get("stdin") == "true")
    except EngineError as problem:
        raise ApiError(500, "InternalError", f"Internal error occurred: {problem}") from problem
    socket = web.WebSocketResponse(protocols=_EXEC_PROTOCOLS)
    await socket.prepare(request)

    async def give() -> None:
        if tty:
            while piece := await running.reader.read(32_768):
                await socket.send_bytes(bytes([_STDOUT]) + piece)
            return
        async for channel, piece in frames(running.reader):
            await socket.send_bytes(bytes([_STDERR if channel == 2 else _STDOUT]) + piece)

    taking = asyncio.create_task(_take(socket, engine, running))
    giving = asyncio.create_task(give())
    await asyncio.wait({taking, giving}, return_when=asyncio.FIRST_COMPLETED)
    if not giving.done() and not socket.closed:
        await asyncio.wait({giving})
    for task in (giving, taking):
        task.cancel()
    await asyncio.gather(giving, taking, return_exceptions=True)
    running.writer.close()
    if not socket.closed:
        status = await engine.exit_status(running.id)
        await socket.send_bytes(bytes([_STATUS]) + json.dumps(_ended(status)).encode())
        await socket.close()
    return socket


async def _take(socket: web.WebSocketResponse, engine: Engine, running: Hijacked) -> None:
    async for message in socket:
        if message.type is not WSMsgType.BINARY or not message.data:
            continue
        channel, piece = message.data[0], message.data[1:]
        if channel == _STDIN:
            running.writer.write(piece)
            await running.writer.drain()
        elif channel == _CLOSE and piece == bytes([_STDIN]) and running.writer.can_write_eof():
            running.writer.write_eof()
        elif channel == _RESIZE:
            size = json.loads(piece)
            await engine.ask("POST", f"/exec/{running.id}/resize", h=size["Height"], w=size["Width"])


def _ended(status: int) -> Object:
    said: Object = {"metadata": {}, "status": "Success"}
    if status:
        causes = [{"reason": "ExitCode", "message": str(status)}]
        message = f"command terminated with non-zero exit code: error executing command, exit code {status}"
        said |= {"status": "Failure", "reason": "NonZeroExitCode", "message": message, "details": {"causes": causes}}
    return said


def _stamp(when: str) -> float:
    text = when.rstrip("Z")
    if "." in text:
        text = text[: text.index(".") + 7]
    found = datetime.fromisoformat(text)
    return (found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp()
