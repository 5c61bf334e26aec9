"""Connections to SSH hosts, shared by all that runs on a host. A host's key is always checked; no terminal is ever asked for."""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import asyncssh

from watchkeeper.base.errors import OutsideError, Permanent
from watchkeeper.base.secrets import Secret
from watchkeeper.plugins.remote.errors import away, unfit
from watchkeeper.plugins.remote.line import Channel

#: channels on one connection; sshd's MaxSessions is 10 unless told otherwise
_CHANNELS = 8


@dataclass(frozen=True, slots=True)
class Host:
    """How a host is reached."""

    name: str
    port: int = 22
    user: str | None = None
    #: file of a private key; empty: the agent's, and those of ~/.ssh
    key: str | None = None
    agent: bool = True
    password: Secret | None = None
    known_hosts: Path = Path("~/.ssh/known_hosts")
    config: str | None = None
    jump: Host | None = None
    connect_timeout_s: float = 10.0
    keepalive_s: float = 15.0

    @property
    def label(self) -> str:
        """Give the name by which people know it."""
        at = f"{self.user}@{self.name}" if self.user else self.name
        return at if self.port == 22 else f"{at}:{self.port}"


@dataclass(eq=False)
class _Connection:
    ssh: asyncssh.SSHClientConnection
    channels: int = 0
    lost: bool = False


@dataclass
class Connections:
    """The open connections of one target, and of its jump host."""

    host: Host
    _open: list[_Connection] = field(default_factory=list)
    _turn: asyncio.Lock = field(default_factory=asyncio.Lock)
    _before: Connections | None = None

    async def shell(self) -> Channel:
        """Start /bin/sh on the host; raises Transient or Permanent with the reason and what to do."""
        async with self._turn:
            connection = await self._ready()
            connection.channels += 1
        try:
            async with asyncio.timeout(self.host.connect_timeout_s):
                process = await connection.ssh.create_process("/bin/sh", encoding=None, request_pty=False)
        except (asyncssh.Error, OSError) as problem:
            connection.channels -= 1
            connection.lost = True
            raise away(self.host.label, f"it gave no shell: {_said(problem)}") from problem
        said = bytearray()

        async def listen() -> None:
            with contextlib.suppress(asyncssh.Error, OSError):
                while piece := await process.stderr.read(4096):
                    said[:] = (said + piece)[-4096:]

        listening = asyncio.create_task(listen())

        async def write(data: bytes) -> None:
            with _cut(connection):
                process.stdin.write(data)
                await process.stdin.drain()

        async def close() -> None:
            connection.channels -= 1
            try:
                process.stdin.write_eof()
                process.close()
                async with asyncio.timeout(2.0):
                    await process.wait_closed()
            except TimeoutError:
                # a host that does not even let go of a channel hangs: nobody is to use this connection any more
                connection.lost = True
            except (asyncssh.Error, OSError):
                pass
            listening.cancel()
            await asyncio.gather(listening, return_exceptions=True)
            if connection.lost and not connection.channels:
                await self._drop(connection)

        return Channel(_Reader(process.stdout, connection), write, close, lambda: said.decode(errors="replace").strip())

    async def close(self) -> None:
        """End all connections; what runs on the host goes on."""
        for connection in list(self._open):
            await self._drop(connection)
        if self._before is not None:
            await self._before.close()

    async def _ready(self) -> _Connection:
        for connection in list(self._open):
            if connection.lost or connection.ssh.is_closed():
                if not connection.channels:
                    await self._drop(connection)
            elif connection.channels < _CHANNELS:
                return connection
        made = _Connection(await self._connect())
        self._open.append(made)
        return made

    async def _drop(self, connection: _Connection) -> None:
        if connection in self._open:
            self._open.remove(connection)
        connection.ssh.abort()
        with contextlib.suppress(asyncssh.Error, OSError, TimeoutError):
            async with asyncio.timeout(2.0):
                await connection.ssh.wait_closed()

    async def _connect(self) -> asyncssh.SSHClientConnection:
        host, known = self.host, self.host.known_hosts.expanduser()
        tunnel = None
        if host.jump is not None:
            self._before = self._before or Connections(host.jump)
            async with self._before._turn:
                tunnel = (await self._before._ready()).ssh
        given: dict[str, Any] = {"tunnel": tunnel} if tunnel is not None else {}
        if host.key:
            given["client_keys"] = [host.key]
        if not host.agent:
            given["agent_path"] = None
            given["client_keys"] = given.get("client_keys") or None
        if host.user:
            given["username"] = host.user
        if host.password is not None:
            given["password"] = host.password.reveal()
        try:
            async with asyncio.timeout(host.connect_timeout_s):
                return await asyncssh.connect(
                    host.name,
                    host.port,
                    known_hosts=str(known) if known.is_file() else b"",
                    config=[host.config] if host.config else None,
                    keepalive_interval=host.keepalive_s,
                    keepalive_count_max=2,
                    **given,
                )
        except asyncssh.HostKeyNotVerifiable as problem:
            raise await self._untrusted(known, tunnel) from problem
        except asyncssh.PermissionDenied as problem:
            raise Permanent(
                f"{host.label} lets nobody in: {_said(problem)}.",
                hint="Name a key it knows with key = …, give the agent one, or use password_file = …",
                code="WK428",
            ) from problem
        except (asyncssh.KeyImportError, asyncssh.KeyEncryptionError) as problem:
            raise unfit(host.label, f"the key {host.key} is none: {_said(problem)}") from problem
        except TimeoutError as problem:
            raise away(host.label, f"nothing came within {host.connect_timeout_s:g} s") from problem
        except (asyncssh.Error, OSError) as problem:
            raise away(host.label, _said(problem)) from problem

    async def _untrusted(self, known: Path, tunnel: asyncssh.SSHClientConnection | None) -> OutsideError:
        host = self.host
        shown = ""
        with contextlib.suppress(asyncssh.Error, OSError, TimeoutError):
            async with asyncio.timeout(host.connect_timeout_s):
                through: dict[str, Any] = {"tunnel": tunnel} if tunnel is not None else {}
                key = await asyncssh.get_server_host_key(host.name, host.port, config=None, **through)
                shown = f" It showed {key.get_fingerprint()}." if key else ""
        listed = asyncssh.read_known_hosts(str(known)).match(host.name, "", host.port)[0] if known.is_file() else ()
        if listed:
            return Permanent(
                f"{host.label} has another key than {known} says: it was installed anew, or somebody stands in between.{shown}",
                hint="Ask who runs it. Only when they confirm the new key, take the old line out of that file.",
                code="WK429",
            )
        scan = f"ssh-keyscan -p {host.port} {host.name} >> {known}"
        return Permanent(
            f"{host.label} is not known: {known} has no key of it.{shown}",
            hint=f"Compare the fingerprint with the host's own (ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub), then: {scan}",
            code="WK429",
        )


class _cut:  # noqa: N801 - reads as the statement that it is
    """Make a lost connection an end of the line, and have nobody use it any more."""

    def __init__(self, connection: _Connection) -> None:
        self._connection = connection

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: object, problem: BaseException | None, trace: object) -> None:
        if isinstance(problem, asyncssh.Error | OSError):
            self._connection.lost = True
            raise EOFError(_said(problem)) from problem


@dataclass(slots=True)
class _Reader:
    """What a shell prints; a lost connection is an end."""

    _stream: asyncssh.SSHReader[bytes]
    _connection: _Connection

    async def readline(self) -> bytes:
        """Read one line."""
        return await self._read(self._stream.readline)

    async def readexactly(self, n: int) -> bytes:
        """Read so many bytes."""
        return await self._read(lambda: self._stream.readexactly(n))

    async def _read(self, read: Callable[[], Awaitable[bytes]]) -> bytes:
        with _cut(self._connection):
            return await read()
        raise AssertionError


def _said(problem: BaseException) -> str:
    if isinstance(problem, OSError) and problem.strerror and problem.errno and problem.errno > 0:
        return os.strerror(problem.errno)
    return str(problem).strip().rstrip(".") or type(problem).__name__
