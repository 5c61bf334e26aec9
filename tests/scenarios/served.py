"""A small service with a runbook, `watchkeeper serve` as a process of its own, and people's hands: terminal, API, browser."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import httpx

T = TypeVar("T")

#: printed by a command of the runbook in two halves; nobody may ever read it
SECRET = "correct-horse-battery-staple"

TOML = """
[service]
name = "shop"
runbook = "runbook.md"

[variables]
API_KEY = {{ env = "SCENARIO_API_KEY", secret = true }}

[targets.local]
kind = "shell"
timeout = "{timeout}"

[policy]
approval = "{approval}"
"""

RUNBOOK = """
# Shop runbook

## Procedures

### Restart the shop

1. Look at it:

```bash
uptime
```

2. Restart it:

```bash
kill -HUP $(cat shop.pid)
```

3. Check that it answers:

```bash
cat answer.txt
```
"""


class Served:
    """A folder with a runbook, and the Watchkeeper that serves it."""

    def __init__(self, folder: Path, runbook: str = RUNBOOK, timeout: str = "60s", approval: str = "15 min") -> None:
        self.folder = folder
        self.environment = {**os.environ, "SCENARIO_API_KEY": SECRET, "COLUMNS": "200", "PYTHONUNBUFFERED": "1"}
        self.environment.pop("WATCHKEEPER_STATE", None)
        (folder / "runbook.md").write_text(runbook)
        (folder / "watchkeeper.toml").write_text(TOML.format(timeout=timeout, approval=approval))
        self.process: subprocess.Popen[str] | None = None
        self.address = ""
        self._waiting: httpx.Client | None = None

    def start(self) -> None:
        """Serve, and read where the console is."""
        call = [sys.executable, "-m", "watchkeeper", "serve", "--port", "0"]
        log = (self.folder / "serve.log").open("w")
        self.process = subprocess.Popen(call, cwd=self.folder, env=self.environment, stdout=log, stderr=log, text=True)
        log.close()
        said = self.until(lambda: re.search(r"Console: (http\S+)", (self.folder / "serve.log").read_text()))
        self.address = said[1]

    def stop(self) -> None:
        """End it as Ctrl-C does."""
        if self._waiting is not None:
            self._waiting.close()
            self._waiting = None
        if self.process is not None:
            self.process.terminate()
            self.process.wait(30)
            self.process = None

    def cli(self, *arguments: str, status: int | None = 0) -> str:
        """Call the command line; gives what it printed."""
        call = [sys.executable, "-m", "watchkeeper", *arguments]
        done = subprocess.run(
            call, cwd=self.folder, env=self.environment, capture_output=True, text=True, timeout=60, check=False
        )
        assert status is None or done.returncode == status, (arguments, done.returncode, done.stdout, done.stderr)
        return done.stdout + done.stderr

    def start_run(self, procedure: str) -> str:
        """Start a procedure; gives the run's id."""
        found: str = json.loads(self.cli("run", "start", procedure, "--why", "a scenario", "--format", "json"))["run"]
        return found

    def run(self, run_id: str) -> dict[str, Any]:
        """Give a run as the command line shows it to programs."""
        found: dict[str, Any] = json.loads(self.cli("run", "show", run_id, "--format", "json"))
        return found

    def asked(self, run_id: str) -> str:
        """Wait until a run asks; gives the act."""
        return self.until(lambda: next((key for key, state in self.states(run_id).items() if state == "asking"), None))

    def ended(self, run_id: str) -> dict[str, Any]:
        """Wait until a run is over; gives it."""
        self.until(lambda: self._view(run_id)["run"]["ended_at"])
        return self.run(run_id)

    def states(self, run_id: str) -> dict[str, str]:
        """Give how each act of a run stands."""
        return {act["key"]: act["state"] for step in self._view(run_id)["steps"] for act in step["acts"]}

    def _view(self, run_id: str) -> dict[str, Any]:
        """Give a run as the API shows it: to wait by the command line would be to start a program ten times a second."""
        if self._waiting is None:
            self._waiting = self.browser()
        found: dict[str, Any] = self._waiting.get(f"/api/v1/runs/{run_id}").json()
        return found

    def browser(self) -> httpx.Client:
        """Give a client that is signed in to the console, and may act over the API too."""
        base, _, _ = self.address.partition("/sign-in")
        with httpx.Client(base_url=base, follow_redirects=True, timeout=30) as visitor:
            page = visitor.get(self.cli("address").strip())
            cookies = httpx.Cookies(visitor.cookies)
        headers = {"x-csrf": page.text.split('name="csrf" value="', 1)[1].split('"', 1)[0]}
        return httpx.Client(base_url=base, follow_redirects=True, timeout=30, cookies=cookies, headers=headers)

    def until(self, look: Callable[[], T | None], within_s: float = 45.0) -> T:
        """Look until there is something; fails with the log of the server where there never is."""
        end = time.monotonic() + within_s
        while time.monotonic() < end:
            found = look()
            if found:
                return found
            time.sleep(0.1)
        raise AssertionError("waited for nothing\n" + (self.folder / "serve.log").read_text())
