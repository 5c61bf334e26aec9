"""Looks at this machine through psutil. A mount that does not answer holds up nothing but its own thread."""

from __future__ import annotations

import asyncio
import contextlib
import os
import threading
import time
from collections.abc import Sequence
from concurrent.futures import Future
from pathlib import Path

import psutil

from watchkeeper.plugins.host.figures import Mount, Seen, Space, newer_kernel, watched

#: how long a mount may take to say how full it is; one on a dead server takes for ever
_MOUNT_S = 2.0


class Local:
    """This machine."""

    def __init__(self, mounts: Sequence[str]) -> None:
        self._wanted = tuple(mounts)
        self._asked: dict[str, Future[Space | str]] = {}
        self._writable: set[str] = set()

    async def look(self) -> Seen:
        """Look once."""
        found = await asyncio.to_thread(_partitions)
        chosen = watched(found, self._wanted)
        spaces, bad, notes = await self._spaces(chosen)
        for point in sorted(mount.point for mount in found if mount.is_readonly and mount.point in self._writable):
            bad.append(point)
            notes.append(f"{point} became read-only")
        self._writable |= {mount.point for mount in chosen if not mount.is_readonly}
        notes += [f"{point} is not mounted" for point in self._wanted if all(mount.point != point for mount in chosen)]
        bad += [point for point in self._wanted if all(mount.point != point for mount in chosen)]
        return await asyncio.to_thread(_seen, spaces, tuple(bad), notes)

    async def close(self) -> None:
        """Do nothing: nothing is held between looks."""

    async def _spaces(self, mounts: Sequence[Mount]) -> tuple[dict[str, Space], list[str], list[str]]:
        spaces: dict[str, Space] = {}
        bad: list[str] = []
        notes: list[str] = []
        asked = {mount.point: self._ask(mount.point) for mount in mounts}
        if asked:
            await asyncio.wait([asyncio.wrap_future(each) for each in asked.values()], timeout=_MOUNT_S)
        for point, each in asked.items():
            if not each.done():
                bad.append(point)
                notes.append(f"{point} does not answer")
            elif isinstance(found := each.result(), Space):
                spaces[point] = found
            else:
                notes.append(f"{point}: {found}")
        return spaces, bad, notes

    def _ask(self, point: str) -> Future[Space | str]:
        """Ask a mount on a thread of its own; one that has not answered yet is not asked again."""
        asked = self._asked.get(point)
        if asked is None or asked.done():
            asked = self._asked[point] = Future()
            asked.set_running_or_notify_cancel()
            threading.Thread(target=_space, args=(point, asked), name=f"statvfs {point}", daemon=True).start()
        return asked


def _space(point: str, asked: Future[Space | str]) -> None:
    try:
        found = os.statvfs(point)
    except OSError as problem:
        asked.set_result(problem.strerror or str(problem))
        return
    used = (found.f_blocks - found.f_bfree) * found.f_frsize
    asked.set_result(Space(used, found.f_bavail * found.f_frsize, found.f_files, found.f_favail))


def _partitions() -> list[Mount]:
    parts = psutil.disk_partitions(all=True)
    return [Mount(part.mountpoint, part.device, part.fstype, "ro" in part.opts.split(",")) for part in parts]


def _seen(spaces: dict[str, Space], bad: tuple[str, ...], notes: list[str]) -> Seen:
    memory, swap = psutil.virtual_memory(), psutil.swap_memory()
    plain = {
        "memory_percent": memory.percent,
        "memory_used_bytes": float(memory.total - memory.available),
        "memory_available_bytes": float(memory.available),
        "processes": float(len(psutil.pids())),
        "uptime_seconds": max(0.0, time.time() - psutil.boot_time()),
    }
    if swap.total:
        plain["swap_percent"] = swap.percent
    plain |= dict(zip(("load_1", "load_5", "load_15"), psutil.getloadavg(), strict=True))
    plain |= _open_files()
    cpu = psutil.cpu_times()._asdict()
    network = {
        name: {
            "in_bytes": float(each.bytes_recv),
            "out_bytes": float(each.bytes_sent),
            "errors": float(each.errin + each.errout),
            "drops": float(each.dropin + each.dropout),
        }
        for name, each in psutil.net_io_counters(pernic=True, nowrap=False).items()
    }
    disks: dict[str, float] = {}
    with contextlib.suppress(OSError, RuntimeError, ValueError, NotImplementedError):
        counted = psutil.disk_io_counters(nowrap=False)
        disks = {"read": float(counted.read_bytes), "written": float(counted.write_bytes)} if counted else {}
    return Seen(
        at_s=time.monotonic(),
        cpus=psutil.cpu_count() or 1,
        # a guest's time is in the user's too
        cpu_seconds={mode: seconds for mode, seconds in cpu.items() if not mode.startswith("guest")},
        network=network,
        disks=disks,
        plain=plain,
        mounts=spaces,
        bad_mounts=bad,
        reboot=reboot_pending(Path("/")),
        notes=tuple(notes),
    )


def _open_files() -> dict[str, float]:
    with contextlib.suppress(OSError, ValueError):
        used, _, most = (float(word) for word in Path("/proc/sys/fs/file-nr").read_text().split())
        # a kernel without a limit says the largest number there is
        return {"open_files": used} | ({"open_files_percent": 100.0 * used / most} if 0 < most < 2**62 else {})
    return {}


def reboot_pending(root: Path) -> str | None:
    """Say why this machine waits for a reboot; empty where it does not, None where it cannot be told."""
    for name in ("var/run/reboot-required", "run/reboot-required"):
        if (root / name).exists():
            packages: list[str] = []
            with contextlib.suppress(OSError):
                packages = sorted(set((root / f"{name}.pkgs").read_text(errors="replace").split()))[:5]
            return f"a reboot is asked for{' by ' + ', '.join(packages) if packages else ''}"
    try:
        installed = [path.name.removeprefix("vmlinuz-") for path in (root / "boot").iterdir() if path.name.startswith("vmlinuz-")]
    except OSError:
        return None
    newer = newer_kernel(os.uname().release, installed)
    if not installed:
        return None
    return f"the kernel {newer} is installed and {os.uname().release} runs" if newer else ""
