"""Remembers the processes that an estate started, by pid and start time, so that exactly these are stopped, even by a later
program that finds the folder."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import psutil


class Processes:
    """The estate's own processes, written to a file as they are started."""

    def __init__(self, record: Path) -> None:
        self._record = record
        self._children: dict[int, subprocess.Popen[bytes]] = {}

    def start(self, name: str, command: list[str], cwd: Path, environment: dict[str, str], log: Path) -> int:
        """Start a process in a session of its own, so that the terminal's Ctrl-C does not reach it; give its pid."""
        with log.open("ab") as output:
            child = subprocess.Popen(
                command, cwd=cwd, env=environment, stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True
            )
        self._children[child.pid] = child
        known = self._known()
        known[name] = (child.pid, psutil.Process(child.pid).create_time())
        self._record.write_text(json.dumps(known))
        return child.pid

    def find(self, name: str) -> psutil.Process | None:
        """Find a process that was started under this name and still lives."""
        pid, began = self._known().get(name, (0, 0.0))
        try:
            process = psutil.Process(pid)
            same = pid > 0 and abs(process.create_time() - began) < 0.01
            return process if same and process.status() != psutil.STATUS_ZOMBIE else None
        except psutil.NoSuchProcess:
            return None

    def stop(self, name: str, patience_s: float) -> None:
        """End a process and everything beneath it: asked first, killed when its patience is over."""
        process = self.find(name)
        if process is not None:
            family = [process, *descendants(process)]
            process.terminate()
            self._wait(process, patience_s)
            for left in family:
                if left.is_running():
                    kill(left)
            psutil.wait_procs(family, timeout=5)
        known = self._known()
        pid, _ = known.pop(name, (0, 0.0))
        if pid in self._children:
            self._children.pop(pid).wait()
        self._record.write_text(json.dumps(known))

    def names(self) -> list[str]:
        """Give the names of everything that was started and not yet stopped."""
        return list(self._known())

    def _wait(self, process: psutil.Process, patience_s: float) -> None:
        child = self._children.get(process.pid)
        try:
            if child is not None:
                child.wait(patience_s)
            else:
                process.wait(patience_s)
        except (subprocess.TimeoutExpired, psutil.TimeoutExpired):
            pass

    def _known(self) -> dict[str, tuple[int, float]]:
        if not self._record.exists():
            return {}
        return {name: (int(pid), float(began)) for name, (pid, began) in json.loads(self._record.read_text()).items()}


def descendants(process: psutil.Process) -> list[psutil.Process]:
    """Give everything beneath a process; empty where it is gone."""
    try:
        return process.children(recursive=True)
    except psutil.NoSuchProcess:
        return []


def kill(process: psutil.Process) -> None:
    """Kill a process that may be gone already; psutil refuses when the pid was given to another."""
    try:
        process.kill()
    except psutil.NoSuchProcess:
        pass
