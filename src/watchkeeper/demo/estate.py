"""The sample estate: starts a real shop under one folder, waits until it is well, and stops everything it started.

All calls block; run them in a thread beside an event loop. Nothing outside the folder is written, except the socket of
supervisord where the folder's path is too long for one, and only our own processes are ever ended.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from urllib.error import HTTPError, URLError
from urllib.request import urlopen

from watchkeeper.base.errors import WatchkeeperError
from watchkeeper.demo import database, layout, servers
from watchkeeper.demo.catcher import Catcher, Notice
from watchkeeper.demo.processes import Processes
from watchkeeper.demo.supervisor import Program, Supervisor

#: a unix socket's path has at most 107 characters, and supervisord writes its own pid behind it first
LONGEST_SOCKET = 95
SERVICES = ("postgres-primary", "postgres-replica", "redis-broker", "sandbox-gateway", "shop", "shop-worker", "shop-beat")
Progress = Callable[[str], None]


def say_nothing(sentence: str) -> None:
    """Ignore a progress sentence."""


class Estate:
    """A shop with its servers, its team's runbook and its customers, in one folder."""

    def __init__(
        self, folder: Path, rename: Mapping[str, str] | None = None, on_notice: Callable[[Notice], None] | None = None
    ) -> None:
        """Name the folder; `rename` gives the sample's services, headings and words other names, whole words each."""
        self.folder = folder.resolve()
        found = layout.load(self.folder)
        if found is not None and rename is not None and dict(rename) != found.rename:
            raise WatchkeeperError(
                f"The estate in {folder} was made under other names.", hint="Choose a new folder.", code="WK908"
            )
        self.layout = found or layout.create(rename or {})
        self.processes = Processes(self.folder / "run" / "processes.json")
        self.supervisor = Supervisor(self._control())
        self.catcher = Catcher(self.layout.ports["catcher"], self.folder / "run" / "notices.jsonl", on_notice)

    @property
    def toml_path(self) -> Path:
        """Give the path of the team's watchkeeper.toml."""
        return self.folder / "watchkeeper.toml"

    @property
    def runbook_path(self) -> Path:
        """Give the path of the team's runbook."""
        return self.folder / "runbook.md"

    @property
    def environment(self) -> dict[str, str]:
        """Give the environment in which a command of the runbook can be run by hand in the estate's folder."""
        complete = layout.service_environment(self.layout, self.folder)
        return {name: complete[name] for name in (*layout.variables(self.layout), "PATH")}

    def named(self, service: str) -> str:
        """Give the name that this estate uses for a service of the sample."""
        return self.layout.named(service)

    def start(self, progress: Progress = say_nothing) -> None:
        """Start everything and return when the shop is well and has customers; on failure stop what was started."""
        if self.processes.find("supervisord") is not None:
            raise WatchkeeperError(f"The estate in {self.folder} runs already.", hint="Stop it first.", code="WK909")
        try:
            self._start(progress)
        except BaseException:
            self.stop()
            raise

    def _start(self, progress: Progress) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        self.folder.chmod(0o755)
        progress(f"Laying out the shop in {self.folder}.")
        found = servers.find(self.folder)
        self._check_entry(found.user)
        layout.write(self.folder, self.layout, found, self._control())
        environment = layout.service_environment(self.layout, self.folder)
        self._start_process("supervisord", ["-m", "supervisor.supervisord", "-c", "supervisord.conf"], environment)
        self.supervisor.wait_until_there()
        for name in ("redis-broker", "sandbox-gateway"):
            self.supervisor.start(self.named(name))
        progress("Making a PostgreSQL primary.")
        empty = database.prepare(self.folder, self.layout, found)
        self.supervisor.start(self.named("postgres-primary"))
        database.wait_until_ready(self.layout.ports["postgres"], found)
        if empty:
            database.fill(self.layout)
        progress("Opening the shop, its worker and its clock.")
        for name in ("shop", "shop-worker", "shop-beat"):
            self.supervisor.start(self.named(name))
        progress("Copying the primary into a streaming replica.")
        database.copy_to_replica(self.folder, self.layout, found)
        self.supervisor.start(self.named("postgres-replica"))
        self.wait_until_well()
        self._start_process("shoppers", ["-m", "watchkeeper.demo.shoppers"], environment)
        self.catcher.start()
        progress(f"The shop is open at {self.environment['SHOP_URL']} and has customers.")

    def wait_until_well(self, patience_s: float = 30) -> None:
        """Wait until every service runs and the shop says that all it needs is there."""
        deadline = time.monotonic() + patience_s
        while ill := self.complaints():
            if time.monotonic() > deadline:
                raise WatchkeeperError(
                    f"The shop was not well within {patience_s:.0f} s: {'; '.join(ill)}.",
                    hint=f"The logs are in {self.folder / 'logs'}.",
                    code="WK910",
                )
            time.sleep(0.2)

    def complaints(self) -> list[str]:
        """Give a sentence for each thing that is not as it should be; empty when all is well."""
        programs = self.programs()
        found = [f"{name} is {programs[name].state}" for name in map(self.named, SERVICES) if programs[name].state != "RUNNING"]
        status, health = self.health()
        if status != 200:
            found.append(f"the shop's health is {status} {json.dumps(health)}")
        return found

    def health(self) -> tuple[int, dict[str, str]]:
        """Ask the shop how it is: HTTP status and body; status 0 where it does not answer."""
        try:
            with urlopen(f"{self.environment['SHOP_URL']}/health", timeout=3) as answer:  # noqa: S310 - loopback
                return answer.status, json.load(answer)
        except HTTPError as answer:
            with answer:
                return answer.code, json.load(answer)
        except (URLError, OSError, ValueError):
            return 0, {}

    def programs(self) -> dict[str, Program]:
        """Give supervisord's programs by the names they have here."""
        return self.supervisor.programs()

    def pid(self, service: str) -> int:
        """Give the pid of a service of the sample; 0 where it does not run."""
        return self.programs()[self.named(service)].pid

    def start_stray(self, name: str, arguments: list[str]) -> int:
        """Start a Python process that belongs to no service, as somebody at a terminal would; give its pid."""
        return self._start_process(name, arguments, layout.service_environment(self.layout, self.folder))

    def release(self, version: str, changed: Mapping[str, str]) -> None:
        """Put a new release of the shop beside the others, with the text of some modules changed."""
        layout.release(self.folder, version, self.layout, changed)

    def stop(self) -> None:
        """Stop everything this estate started, also what an earlier program started in this folder, and nothing else."""
        self.catcher.stop()
        for name in self.processes.names():
            if name != "supervisord":
                self.processes.stop(name, patience_s=2)
        self.processes.stop("supervisord", patience_s=25)
        self.processes.reap()
        control = self._control()
        if control.parent.parent != self.folder:
            shutil.rmtree(control.parent, ignore_errors=True)

    def _start_process(self, name: str, arguments: list[str], environment: dict[str, str]) -> int:
        log = self.folder / "logs" / f"{name}.out"
        return self.processes.start(name, [sys.executable, *arguments], self.folder, {**os.environ, **environment}, log)

    def _control(self) -> Path:
        """Give the path of supervisord's socket: in the folder, or in a short one made for this estate alone."""
        path = self.folder / "run" / "supervisor.sock"
        if len(str(path).encode()) <= LONGEST_SOCKET:
            return path
        short = Path(tempfile.gettempdir()) / f"watchkeeper-{self.layout.webhook_secret[:8]}"
        short.mkdir(mode=0o700, exist_ok=True)
        return short / "supervisor.sock"

    def _check_entry(self, user: str | None) -> None:
        if user is not None and not servers.can_enter(user, self.folder):
            raise WatchkeeperError(
                f"PostgreSQL runs as the user {user} here, who cannot enter {self.folder}.",
                hint="Choose a folder that other users may enter, for example under /tmp.",
                code="WK903",
            )
