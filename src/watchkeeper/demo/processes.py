"""Remembers the processes that an estate started, by pid and start time, so that exactly these are stopped, even by a later
program that finds the folder."""

from __future__ import annotations

import json
import subprocess
import time
from pathlib import Path

import psutil


class Processes:
    """The estate's own processes, written to a file as they are started."""

    def __init__(self, record: Path) -> None:
        self._record = record
        self._children: dict[int, subprocess.Popen[bytes]] = {}
        #: what this object started, so that it can be ended even when somebody removed the file
        self._started: dict[str, tuple[int, float]] = {}

    def start(self, name: str, command: list[str], cwd: Path, environment: dict[str, str], log: Path) -> int:
        """Start a process in a session of its own, so that the terminal's Ctrl-C does not reach it; give its pid."""
        with log.open("ab") as output:
            child = subprocess.Popen(
                command, cwd=cwd, env=environment, stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True
            )
        self._children[child.pid] = child
        self._started[name] = (child.pid, psutil.Process(child.pid).create_time())
        self._write(self._known())
        return child.pid

    def find(self, name: str) -> psutil.Process | None:
        """Find a process that was started under this name and still lives."""
        pid, began = self._known().get(name, (0, 0.0))
        try:
            process = psutil.Process(pid)
            same = pid > 0 and abs(process.create_time() - began) < 0.01
            return process if same and not is_over(process) else None
        except psutil.NoSuchProcess:
            return None

    def stop(self, name: str, patience_s: float) -> None:
        """End a process and everything beneath it: asked first, killed when its patience is over."""
        process = self.find(name)
        if process is not None:
            family = [process, *descendants(process)]
            process.terminate()
            wait_until_over([process], patience_s)
            for left in family:
                kill(left)
            wait_until_over(family, 5)
        known = self._known()
        pid, _ = known.pop(name, (0, 0.0))
        self._started.pop(name, None)
        if pid in self._children:
            self._children.pop(pid).wait()
        self._write(known)

    def reap(self) -> None:
        """Take note of own children that another program has ended, so that none is left as a zombie."""
        for pid in [pid for pid, child in self._children.items() if child.poll() is not None]:
            del self._children[pid]

    def names(self) -> list[str]:
        """Give the names of everything that was started and not yet stopped."""
        return list(self._known())

    def _known(self) -> dict[str, tuple[int, float]]:
        written = json.loads(self._record.read_text()) if self._record.exists() else {}
        return {**{name: (int(pid), float(began)) for name, (pid, began) in written.items()}, **self._started}

    def _write(self, known: dict[str, tuple[int, float]]) -> None:
        if self._record.parent.exists():
            self._record.write_text(json.dumps(known))


def is_over(process: psutil.Process) -> bool:
    """Say whether a process has ended; one that its parent has not taken note of yet has ended too."""
    try:
        return not process.is_running() or process.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def wait_until_over(processes: list[psutil.Process], patience_s: float) -> None:
    """Wait until all have ended or patience is over."""
    deadline = time.monotonic() + patience_s
    while not all(is_over(process) for process in processes) and time.monotonic() < deadline:
        time.sleep(0.05)


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
