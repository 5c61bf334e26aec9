"""A line to another place: /bin/sh there, its input and its output. SSH, `docker exec` and `kubectl exec` are lines."""

from __future__ import annotations

import asyncio
import contextlib
from asyncio.subprocess import PIPE
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from watchkeeper.plugins.remote.errors import away


class Reader(Protocol):
    """What a shell prints."""

    async def readline(self) -> bytes:
        """Read one line; empty at the end."""
        ...

    async def readexactly(self, n: int) -> bytes:
        """Read so many bytes; raises asyncio.IncompleteReadError where it ends before."""
        ...


@dataclass(slots=True)
class Channel:
    """One shell at the other end."""

    reader: Reader
    write: Callable[[bytes], Awaitable[None]]
    #: lets go of it; what was begun under a wrapper goes on
    close: Callable[[], Awaitable[None]]
    #: what it said on its standard error, for a sentence about why it ended
    said: Callable[[], str]


class Line(Protocol):
    """A place where /bin/sh can be started."""

    #: how people call it: "deploy@web-1", "container shop_web_1"
    name: str

    async def open(self, fixed: str | None) -> tuple[Channel, str]:
        """Start /bin/sh; gives it with what names the place for good (a pod's name, say), which comes back as `fixed` later.

        Raises Transient where the place does not answer, Permanent or ConfigError where it never will.
        """
        ...

    async def close(self) -> None:
        """Let go of connections."""
        ...


async def open_process(words: Sequence[str], environment: dict[str, str] | None = None) -> Channel:
    """Start a local program whose input and output are a shell elsewhere."""
    try:
        process = await asyncio.create_subprocess_exec(
            *words, stdin=PIPE, stdout=PIPE, stderr=PIPE, env=environment, limit=1_000_000, start_new_session=True
        )
    except OSError as problem:
        raise away(words[0], f"it could not be started: {problem.strerror}", "Is it installed?") from problem
    assert process.stdin is not None
    assert process.stdout is not None
    stdin, said = process.stdin, bytearray()

    async def listen() -> None:
        assert process.stderr is not None
        while piece := await process.stderr.read(4096):
            said[:] = (said + piece)[-4096:]

    listening = asyncio.create_task(listen())

    async def write(data: bytes) -> None:
        stdin.write(data)
        await stdin.drain()

    async def close() -> None:
        stdin.close()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(1.0):
                await process.wait()
        if process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            await stdin.wait_closed()
        await listening

    return Channel(process.stdout, write, close, lambda: said.decode(errors="replace").strip())
