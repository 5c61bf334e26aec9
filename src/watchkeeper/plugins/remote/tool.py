"""A command-line tool that leads elsewhere (docker, kubectl): asked for one answer, or opened as a line."""

from __future__ import annotations

import asyncio
import contextlib
import os
from asyncio.subprocess import DEVNULL, PIPE
from collections.abc import Callable, Sequence
from pathlib import Path

from watchkeeper.plugins.remote.errors import away

#: what of our environment the tools need: where they keep their configuration, and how they reach their servers
_PASSED = ("HOME", "USER", "LOGNAME", "TMPDIR", "XDG_RUNTIME_DIR", "DOCKER_HOST", "DOCKER_CONTEXT", "DOCKER_CONFIG",
    "DOCKER_CERT_PATH", "DOCKER_TLS_VERIFY", "KUBECONFIG", "HTTPS_PROXY", "HTTP_PROXY", "NO_PROXY", "AWS_PROFILE", "AWS_REGION",
    "GOOGLE_APPLICATION_CREDENTIALS")  # fmt: skip


def environment(path: Sequence[Path], **more: str) -> dict[str, str]:
    """Give the environment in which a tool runs."""
    own = {name: os.environ[name] for name in _PASSED if name in os.environ}
    folders = ":".join([*map(str, path), os.environ.get("PATH", "/usr/local/bin:/usr/bin:/bin")])
    return {"HOME": "/", **own, "PATH": folders, "LANG": "C.UTF-8", **more}


async def ask(
    words: Sequence[str], given: dict[str, str], within_s: float = 20.0, most_bytes: int = 50_000_000
) -> tuple[int, str, str]:
    """Run a tool to its end; gives status, output and what it said.

    Raises Transient where it is missing, does not end, or prints more than so many bytes.
    """
    try:
        process = await asyncio.create_subprocess_exec(*words, stdin=DEVNULL, stdout=PIPE, stderr=PIPE, env=given)
    except OSError as problem:
        raise away(words[0], f"it could not be started: {problem.strerror}", "Is it installed?") from problem
    assert process.stdout is not None
    assert process.stderr is not None
    try:
        async with asyncio.timeout(within_s):
            streams = (process.stdout, process.stderr)
            output, said = await asyncio.gather(*(_read(stream, most_bytes, process.kill) for stream in streams))
            if output is None or said is None:
                raise away(words[0], f"it printed more than {most_bytes:,} bytes")
            await process.wait()
    except TimeoutError:
        raise away(words[0], f"nothing came within {within_s:g} s") from None
    finally:
        if process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.communicate()
    return process.returncode or 0, output.decode(errors="replace"), said.decode(errors="replace").strip()


async def _read(stream: asyncio.StreamReader, most_bytes: int, stop: Callable[[], None]) -> bytes | None:
    """Read a stream to its end; where it is longer than so many bytes its writer is stopped, and None comes back."""
    parts, size = [], 0
    while part := await stream.read(65_536):
        parts.append(part)
        size += len(part)
        if size > most_bytes:
            with contextlib.suppress(ProcessLookupError):
                stop()
            return None
    return b"".join(parts)
