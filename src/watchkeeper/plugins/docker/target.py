"""The inside of a container, through `docker exec`: by the container's name, or as a service of a compose project.

Weaker than a host: a job ends with its container, and a container made anew knows nothing of the job, which is then said.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar

from watchkeeper.estate.config import target_options
from watchkeeper.estate.model import Estate, TargetConfig
from watchkeeper.plugins.remote.errors import away, unfit
from watchkeeper.plugins.remote.line import Channel, open_process
from watchkeeper.plugins.remote.target import RemoteTarget
from watchkeeper.plugins.remote.tool import ask, environment
from watchkeeper.run.values.clients import CLIENT_OPTIONS


class DockerTarget(RemoteTarget):
    """Runs jobs inside a container."""

    options: ClassVar[Mapping[str, str]] = {
        "container": "name of the container",
        "service": "or: service of a compose project, of which the first running container is taken",
        "compose_file": "the project's file (default: the one in the folder of watchkeeper.toml)",
        "project": "the project's name, where it is not that of the folder",
        "user": "user inside the container",
        "docker_host": "the engine's address, such as unix:///run/docker.sock (default: as docker itself finds it)",
        "folder": "where jobs lie inside (default ~/.local/state/watchkeeper/jobs)",
        "become": "user as whom commands run inside, by sudo without a password",
        "flood_bytes": "output beyond which a command is stopped (default 10 GB; only head and tail are kept of a long one)",
        **CLIENT_OPTIONS,
    }

    def __init__(self, config: TargetConfig, estate: Estate) -> None:
        super().__init__(config, estate, DockerLine(config, estate))


class DockerLine:
    """A line into a container."""

    def __init__(self, config: TargetConfig, estate: Estate) -> None:
        table = target_options(config, estate)
        self._container, self._service = table.maybe_text("container"), table.maybe_text("service")
        if (self._container is None) == (self._service is None):
            raise table.error("container", f"{table.name()} needs one of `container` and `service`.", "Name one of them.")
        self._file, self._project = table.maybe_text("compose_file"), table.maybe_text("project")
        self._folder, self._user = estate.folder, table.maybe_text("user")
        host = table.maybe_text("docker_host")
        # folders of the configuration are inside the container; the tools are ours
        self._environment = environment((), **({"DOCKER_HOST": host} if host else {}))
        self.name = f"container {self._container}" if self._container else f"service {self._service}"

    async def open(self, fixed: str | None) -> tuple[Channel, str]:
        """Start /bin/sh inside; `fixed` is the container's id."""
        found = fixed or await (self._of_service() if self._service else self._of_name())
        user = ["-u", self._user] if self._user else []
        return await open_process(["docker", "exec", "-i", *user, found, "/bin/sh"], self._environment), found

    async def close(self) -> None:
        """Do nothing: each line is a process of its own."""

    async def _of_name(self) -> str:
        words = ["docker", "inspect", "--type", "container", "--format", "{{.Id}} {{.State.Running}}", str(self._container)]
        status, output, said = await ask(words, self._environment)
        if status:
            raise (unfit if "no such" in said.casefold() else away)(self.name, said or "docker gave no reason")
        container, running = output.split()
        if running != "true":
            raise away(self.name, "it does not run")
        return container

    async def _of_service(self) -> str:
        file = ["-f", str(self._folder / Path(self._file))] if self._file else ["--project-directory", str(self._folder)]
        project = ["-p", self._project] if self._project else []
        words = [*await compose(self._environment), *file, *project, "ps", "-q", str(self._service)]
        status, output, said = await ask(words, self._environment)
        if status:
            raise away(self.name, said.splitlines()[-1] if said else "docker compose gave no reason")
        for container in output.split():
            look = ["docker", "inspect", "--format", "{{.State.Running}}", container]
            if (await ask(look, self._environment))[1].strip() == "true":
                return container
        raise away(self.name, "it has no running container")


async def compose(given: dict[str, str]) -> list[str]:
    """Give the words that start Docker Compose here: the plug-in of docker, else the program of its own."""
    if (await ask(["docker", "compose", "version"], given))[0] == 0:
        return ["docker", "compose"]
    if shutil.which("docker-compose", path=given["PATH"]):
        return ["docker-compose"]
    raise unfit("Docker Compose", "it is not installed here", "Install docker-compose, or docker's plug-in.")
