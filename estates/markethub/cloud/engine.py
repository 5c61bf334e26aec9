"""The container engine, as far as a cloud needs it: containers of this project are started, ended and cut off."""

from __future__ import annotations

import http.client
import json
import socket
from typing import Any
from urllib.parse import quote


class _Connection(http.client.HTTPConnection):
    def __init__(self, path: str) -> None:
        super().__init__("docker", timeout=60)
        self._path = path

    def connect(self) -> None:
        """Connect to the engine's socket."""
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)


class Engine:
    """One engine, for the containers of one compose project."""

    def __init__(self, path: str, project: str) -> None:
        self._path, self._project = path, project

    def container(self, service: str) -> dict[str, Any]:
        """Give the container of a service, as the engine describes it."""
        labels = [f"com.docker.compose.project={self._project}", f"com.docker.compose.service={service}"]
        found = self._ask("GET", f"/containers/json?all=1&filters={quote(json.dumps({'label': labels}))}")
        answer: dict[str, Any] = self._ask("GET", f"/containers/{found[0]['Id']}/json")
        return answer

    def restart(self, service: str) -> None:
        """Have a service's container begin anew, also where it stands still."""
        found = self.container(service)
        if found["State"]["Paused"]:
            self._ask("POST", f"/containers/{found['Id']}/unpause")
        self._ask("POST", f"/containers/{found['Id']}/restart?t=2")

    def cut_off(self, service: str) -> None:
        """Take a service's container out of every network."""
        found = self.container(service)
        for network in found["NetworkSettings"]["Networks"]:
            self._ask("POST", f"/networks/{network}/disconnect", {"Container": found["Id"], "Force": True})

    def signal(self, service: str, name: str) -> None:
        """Send a signal to the first process of a service's container."""
        self._ask("POST", f"/containers/{self.container(service)['Id']}/kill?signal={name}")

    def _ask(self, method: str, path: str, body: Any = None) -> Any:
        connection = _Connection(self._path)
        said = None if body is None else json.dumps(body)
        connection.request(method, f"/v1.40{path}", said, {"Content-Type": "application/json"})
        answer = connection.getresponse()
        text = answer.read()
        connection.close()
        if answer.status >= 400:
            raise RuntimeError(f"{method} {path}: {answer.status} {text[:200].decode(errors='replace')}")
        return json.loads(text) if text.strip() else None
