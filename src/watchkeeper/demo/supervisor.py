"""Talks to the estate's supervisord over its own socket: what runs, start it, what is its pid."""

from __future__ import annotations

import http.client
import socket
import time
from dataclasses import dataclass
from pathlib import Path
from xmlrpc.client import Fault, dumps, loads

from watchkeeper.base.errors import WatchkeeperError


class SocketConnection(http.client.HTTPConnection):
    """HTTP over a unix socket."""

    def __init__(self, path: Path) -> None:
        super().__init__("localhost", timeout=30)
        self._path = path

    def connect(self) -> None:
        """Connect to the socket's file."""
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(str(self._path))


@dataclass(frozen=True, slots=True)
class Program:
    """A program of supervisord as it stands now; pid 0 where it does not run."""

    name: str
    state: str
    pid: int


class Supervisor:
    """The few calls the estate needs."""

    def __init__(self, control: Path) -> None:
        self._control = control

    def call(self, method: str, *arguments: object) -> object:
        """Make one XML-RPC call; its fault is a WatchkeeperError, no supervisord an OSError."""
        connection = SocketConnection(self._control)
        try:
            body = dumps(arguments, f"supervisor.{method}")  # type: ignore[arg-type]
            connection.request("POST", "/RPC2", body.encode(), {"Content-Type": "text/xml"})
            answer, _ = loads(connection.getresponse().read().decode())
        except Fault as fault:
            raise WatchkeeperError(f"supervisord refused {method}: {fault.faultString}.", code="WK907") from fault
        finally:
            connection.close()
        return answer[0]

    def programs(self) -> dict[str, Program]:
        """Give all programs by name."""
        found = self.call("getAllProcessInfo")
        assert isinstance(found, list)
        return {p["name"]: Program(p["name"], p["statename"], p["pid"]) for p in found}

    def start(self, name: str, wait: bool = False) -> None:
        """Start a program unless it runs; with `wait` until it has stayed up for its first second."""
        if self.programs()[name].state not in ("RUNNING", "STARTING"):
            self.call("startProcess", name, wait)

    def wait_until_stopped(self, name: str, patience_s: float = 10) -> None:
        """Wait until supervisord has noticed that a program ended."""
        deadline = time.monotonic() + patience_s
        while self.programs()[name].pid:
            if time.monotonic() > deadline:
                raise WatchkeeperError(f"{name} did not end within {patience_s:.0f} s.", code="WK907")
            time.sleep(0.05)

    def is_there(self) -> bool:
        """Say whether supervisord answers."""
        try:
            self.call("getState")
        except OSError:
            return False
        return True

    def wait_until_there(self, patience_s: float = 10) -> None:
        """Wait until supervisord answers."""
        deadline = time.monotonic() + patience_s
        while not self.is_there():
            if time.monotonic() > deadline:
                raise WatchkeeperError(
                    "supervisord did not start.",
                    hint="supervisord.out and supervisord.log in logs/ of the estate's folder say why.",
                    code="WK907",
                )
            time.sleep(0.05)
