"""Processes that may not be ours: tell them by pid and start time, wait for their end, end them with all they started."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil

_TICKS = os.sysconf("SC_CLK_TCK")
#: how often, and after which pause, a process that shows no environment is looked at again; oftener where it shows no words:
#: that is an exec, which takes long on a busy machine
_LOOKS = 5
_LOOKS_AT_AN_EXEC = 100
_AN_EXEC_S = 0.002


def boot_id() -> str:
    """Give what tells this boot of the machine from any other; empty where the system does not say."""
    with contextlib.suppress(OSError):
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    return ""


def start_of(pid: int) -> int | None:
    """Give the start of a living process in clock ticks since boot; None where there is none (a zombie is none)."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return None
    rest = stat[stat.rindex(")") + 2 :].split()
    return None if rest[0] in "ZX" else int(rest[19])


def age_s(start_ticks: int) -> float:
    """Give the age of a process, whatever the wall clock did meanwhile."""
    return time.clock_gettime(time.CLOCK_BOOTTIME) - start_ticks / _TICKS


async def gone(pid: int, start_ticks: int, within_s: float) -> bool:
    """Wait until a process is gone, ours or adopted; answers False where it still lives after that long."""
    try:
        handle = os.pidfd_open(pid) if sys.platform == "linux" else -1
    except OSError:
        _reap(pid)
        return True
    try:
        if start_of(pid) != start_ticks:
            _reap(pid)
            return True
        loop = asyncio.get_running_loop()
        ended = asyncio.Event()
        loop.add_reader(handle, ended.set)
        try:
            await asyncio.wait_for(ended.wait(), within_s)
        except TimeoutError:
            return False
        finally:
            loop.remove_reader(handle)
        _reap(pid)
        return True
    finally:
        os.close(handle)


def _reap(pid: int) -> None:
    with contextlib.suppress(ChildProcessError):
        os.waitpid(pid, os.WNOHANG)


def marked(variable: str, mark: str) -> list[psutil.Process]:
    """Find the living processes of this user that carry a mark in their environment, wherever they went."""
    wanted = f"{variable}={mark}".encode()
    pids = psutil.pids()
    environments = {pid: _environment(pid) for pid in pids}
    for looks in range(_LOOKS_AT_AN_EXEC):
        # a process in the middle of an exec shows none for an instant
        bare = [pid for pid in pids if environments[pid] == [] and (looks < _LOOKS or not _words(pid))]
        if not bare:
            break
        time.sleep(_AN_EXEC_S)
        environments |= {pid: _environment(pid) for pid in bare}
    found = []
    for pid in pids:
        with contextlib.suppress(psutil.Error):
            if wanted in (environments[pid] or ()):
                found.append(psutil.Process(pid))
    return [process for process in found if lives(process)]


def _environment(pid: int) -> list[bytes] | None:
    """Give the environment of a process; empty where it shows none, None where it may not be seen, is the kernel's or is over."""
    try:
        environment = Path(f"/proc/{pid}/environ").read_bytes()
        if environment:
            return environment.split(b"\0")
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return None
    state, parent = stat[stat.rindex(")") + 2 :].split()[:2]
    return None if state in "ZX" or parent in ("0", "2") else []


def _words(pid: int) -> bytes:
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    return b"gone"


async def end_group(leader: int, grace_s: float, strays: Callable[[], list[psutil.Process]] = list) -> None:
    """End a process group, the children that left it, and the strays that are known otherwise: TERM, and KILL after the grace."""
    children = _children(leader)
    for number in (signal.SIGTERM, signal.SIGKILL):
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(leader, number)
        others = [*children, *strays()]
        for stray in others:
            with contextlib.suppress(psutil.Error):
                stray.send_signal(number)
        deadline = time.monotonic() + grace_s
        while time.monotonic() < deadline:
            _reap(leader)
            if not _group_lives(leader) and not any(lives(stray) for stray in others):
                return
            await asyncio.sleep(0.02)


def _children(pid: int) -> list[psutil.Process]:
    try:
        return psutil.Process(pid).children(recursive=True)
    except psutil.Error:
        return []


def lives(process: psutil.Process) -> bool:
    """Say whether a process runs; one that has ended and was not asked after yet does not."""
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.Error:
        return False


def _group_lives(leader: int) -> bool:
    try:
        os.killpg(leader, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error, ProcessLookupError):
            if os.getpgid(process.pid) == leader and process.status() != psutil.STATUS_ZOMBIE:
                return True
    return False
