"""A host over SSH: the job there outlives the connection and us, and is found again over a new one."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar

from watchkeeper.base.secrets import Secret
from watchkeeper.estate.config import target_options
from watchkeeper.estate.model import Estate, TargetConfig
from watchkeeper.estate.table import Table
from watchkeeper.plugins.remote.line import Channel
from watchkeeper.plugins.remote.target import RemoteTarget
from watchkeeper.plugins.ssh.connection import Connections, Host
from watchkeeper.run.values.clients import CLIENT_OPTIONS


class SshTarget(RemoteTarget):
    """Runs jobs on a host over SSH."""

    options: ClassVar[Mapping[str, str]] = {
        "host": "name or address of the host",
        "port": "its port (default 22)",
        "user": "who signs in there",
        "key": "file of the private key; else the agent's keys and those of ~/.ssh",
        "agent": "whether the SSH agent is asked (default true)",
        "password": "password, as a variable that is a secret",
        "password_file": "file that holds the password",
        "known_hosts": "file of the hosts' keys (default ~/.ssh/known_hosts)",
        "ssh_config": "an OpenSSH client configuration to read as well; none is read by itself",
        "jump": "host to go through, as user@host:port",
        "connect_timeout": "how long a connection may take (default 10s)",
        "keepalive": "how often the host is asked whether it is there (default 15s)",
        "folder": "where jobs lie there (default ~/.local/state/watchkeeper/jobs)",
        "become": "user as whom commands run, by sudo without a password",
        "flood_bytes": "output beyond which a command is stopped (default 10 GB; only head and tail are kept of a long one)",
        **CLIENT_OPTIONS,
    }

    def __init__(self, config: TargetConfig, estate: Estate) -> None:
        super().__init__(config, estate, SshLine(_host(target_options(config, estate), estate.folder)))


class SshLine:
    """A line over SSH."""

    def __init__(self, host: Host) -> None:
        self.name = host.label
        self._connections = Connections(host)

    async def open(self, fixed: str | None) -> tuple[Channel, str]:
        """Start /bin/sh on the host."""
        return await self._connections.shell(), ""

    async def close(self) -> None:
        """End the connections."""
        await self._connections.close()


def _host(table: Table, folder: Path) -> Host:
    jump, timeout = table.maybe_text("jump"), table.duration("connect_timeout", 10.0, 0.1)
    known = Path(table.text("known_hosts", "~/.ssh/known_hosts")).expanduser()
    key, config = table.maybe_text("key"), table.maybe_text("ssh_config")
    common = {
        "key": str(folder / Path(key).expanduser()) if key else None,
        "agent": table.flag("agent", True),
        "known_hosts": folder / known,
        "config": str(folder / Path(config).expanduser()) if config else None,
        "connect_timeout_s": timeout,
        "keepalive_s": table.duration("keepalive", 15.0, 0.1),
    }
    through = _jump(table, jump, common) if jump else None
    port = int(table.number("port", 22, 1, 65535))
    return Host(table.text("host"), port, table.maybe_text("user"), password=_password(table, folder), jump=through, **common)  # type: ignore[arg-type]


def _jump(table: Table, text: str, common: Mapping[str, object]) -> Host:
    user, _, rest = text.rpartition("@")
    name, _, port = rest.partition(":")
    if not name or (port and not port.isdigit()):
        raise table.error("jump", f"{table.name('jump')} is {text!r}.", 'Write it as "user@host" or "user@host:port".')
    return Host(name, int(port or 22), user or None, **common)  # type: ignore[arg-type]


def _password(table: Table, folder: Path) -> Secret | None:
    value, file = table.take("password"), table.maybe_text("password_file")
    if isinstance(value, str):
        raise table.error("password", f"{table.name('password')} stands in the file for all to read.", "Use password_file = …")
    if value is not None:
        return value if isinstance(value, Secret) else None
    if file is None:
        return None
    path = folder / Path(file).expanduser()
    try:
        return Secret(path.read_text().strip(), "password")
    except OSError as problem:
        raise table.error("password_file", f"{path} cannot be read: {problem.strerror}.", "Name a file that can.") from None
