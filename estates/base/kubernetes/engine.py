"""Docker's engine over its socket: the few calls that a node of a cluster needs."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import aiohttp

_VERSION = "v1.40"


class EngineError(Exception):
    """The engine refused, or cannot be reached."""

    def __init__(self, said: str, status: int = 0) -> None:
        super().__init__(said)
        self.status = status


@dataclass(slots=True)
class Hijacked:
    """A process in a container whose streams are ours."""

    id: str
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter


class Engine:
    """One engine, reached through a Unix socket."""

    def __init__(self, socket: str, project: str) -> None:
        self._socket = socket
        self.project = project
        self._session: aiohttp.ClientSession | None = None

    async def open(self) -> None:
        """Make the session; nothing is asked yet."""
        self._session = aiohttp.ClientSession("http://docker", connector=aiohttp.UnixConnector(self._socket, limit=0))

    async def close(self) -> None:
        """End it."""
        if self._session:
            await self._session.close()

    async def ask(self, method: str, path: str, body: Any = None, timeout_s: float = 60.0, **query: Any) -> Any:
        """Ask for JSON, or raise EngineError with what the engine says."""
        assert self._session
        limit = aiohttp.ClientTimeout(total=timeout_s)
        try:
            async with self._session.request(
                method, f"/{_VERSION}{path}", json=body, params=_words(query), timeout=limit
            ) as answer:
                text = await answer.text()
        except (aiohttp.ClientError, OSError, TimeoutError) as problem:
            raise EngineError(f"the container runtime does not answer: {problem}") from problem
        if answer.status >= 400:
            raise EngineError(_message(text), answer.status)
        return json.loads(text) if text.strip() and "json" in answer.content_type else None

    async def containers(self) -> list[dict[str, Any]]:
        """List the project's containers, also those that have ended."""
        labels = [f"com.docker.compose.project={self.project}"]
        found: list[dict[str, Any]] = await self.ask("GET", "/containers/json", all="1", filters=json.dumps({"label": labels}))
        return found

    async def inspect(self, container: str) -> dict[str, Any]:
        """Give all that the engine knows of a container."""
        found: dict[str, Any] = await self.ask("GET", f"/containers/{container}/json")
        return found

    async def image(self, name: str) -> dict[str, Any]:
        """Give all that the engine knows of an image."""
        found: dict[str, Any] = await self.ask("GET", f"/images/{name}/json")
        return found

    async def events(self) -> AsyncIterator[dict[str, Any]]:
        """Give what happens to the project's containers, as it happens."""
        assert self._session
        kinds = {"type": ["container"], "label": [f"com.docker.compose.project={self.project}"]}
        query, limit = {"filters": json.dumps(kinds)}, aiohttp.ClientTimeout(total=None)
        try:
            async with self._session.get(f"/{_VERSION}/events", params=query, timeout=limit) as answer:
                async for line in answer.content:
                    yield json.loads(line)
        except (aiohttp.ClientError, OSError) as problem:
            raise EngineError(f"the container runtime does not answer: {problem}") from problem

    async def logs(self, container: str, **query: Any) -> AsyncIterator[bytes]:
        """Give what a container printed, both streams as one, as it comes."""
        assert self._session
        limit = aiohttp.ClientTimeout(total=None)
        wanted = _words({"stdout": "1", "stderr": "1", **query})
        async with self._session.get(f"/{_VERSION}/containers/{container}/logs", params=wanted, timeout=limit) as answer:
            if answer.status >= 400:
                raise EngineError(_message(await answer.text()), answer.status)
            if "multiplexed" not in answer.headers.get("Content-Type", "multiplexed") and "raw-stream" in answer.content_type:
                # an engine before 1.42 says raw-stream for both; frames begin with a stream's number and three zeros
                first = await answer.content.read(8)
                if first[1:4] != b"\0\0\0":
                    yield first
                    async for piece in answer.content.iter_any():
                        yield piece
                    return
                yield await answer.content.readexactly(int.from_bytes(first[4:8]))
            async for _, piece in frames(answer.content):
                yield piece

    async def execute(self, container: str, words: list[str], *, tty: bool, stdin: bool) -> Hijacked:
        """Start a program in a container, and give its streams."""
        wanted = {"Cmd": words, "AttachStdout": True, "AttachStderr": True, "AttachStdin": stdin, "Tty": tty}
        made = await self.ask("POST", f"/containers/{container}/exec", wanted)
        reader, writer = await asyncio.open_unix_connection(self._socket)
        body = json.dumps({"Detach": False, "Tty": tty}).encode()
        head = (
            f"POST /{_VERSION}/exec/{made['Id']}/start HTTP/1.1\r\nHost: docker\r\nContent-Type: application/json\r\n"
            f"Connection: Upgrade\r\nUpgrade: tcp\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        writer.write(head.encode() + body)
        await writer.drain()
        answer = (await reader.readuntil(b"\r\n\r\n")).decode()
        if " 101 " not in answer.split("\r\n", 1)[0] and " 200 " not in answer.split("\r\n", 1)[0]:
            said = await reader.read(2_000)
            writer.close()
            raise EngineError(_message(said.decode(errors="replace")))
        return Hijacked(str(made["Id"]), reader, writer)

    async def exit_status(self, exec_id: str) -> int:
        """Give the exit status of a program that has ended."""
        for _ in range(50):
            found = await self.ask("GET", f"/exec/{exec_id}/json")
            if not found.get("Running"):
                return int(found.get("ExitCode") or 0)
            await asyncio.sleep(0.1)
        return 0


async def frames(stream: asyncio.StreamReader | aiohttp.StreamReader) -> AsyncIterator[tuple[int, bytes]]:
    """Take apart a stream in which standard output (1) and standard error (2) are mixed."""
    while True:
        try:
            head = await stream.readexactly(8)
            yield head[0], await stream.readexactly(int.from_bytes(head[4:8]))
        except (asyncio.IncompleteReadError, ConnectionError):
            return


def _words(query: dict[str, Any]) -> dict[str, str]:
    return {name: str(value) for name, value in query.items() if value is not None}


def _message(text: str) -> str:
    try:
        return str(json.loads(text[text.index("{") : text.rindex("}") + 1])["message"])
    except (ValueError, KeyError):
        return text.strip()[:400] or "it gave no reason"
