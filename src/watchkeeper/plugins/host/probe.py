"""Looks at a host: processors, memory, disks, network, load, and whether it waits for a reboot."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping
from typing import ClassVar

import psutil

from watchkeeper.base.errors import Transient, WatchkeeperError
from watchkeeper.estate.config import check_readings, options_of
from watchkeeper.estate.model import Estate, SignalConfig
from watchkeeper.plugins.host.figures import Seen, readings_of
from watchkeeper.plugins.host.local import Local
from watchkeeper.plugins.host.remote import Remote
from watchkeeper.watch.probe import Look

_OF_ONE = re.compile(r"\w+_(?:disk_percent|disk_free_bytes|inodes_percent|net_(?:in_bytes|out_bytes|errors|drops)_per_s)")


class HostProbe:
    """This machine, or the one at the end of a target."""

    readings: ClassVar[Mapping[str, str]] = {
        "up": "1 where it answers, else 0; a machine that looks at itself always does",
        "cpu_percent": "time since the last look in which the processors worked, in percent of all of them",
        "iowait_percent": "time in which they waited for disks, in percent",
        "steal_percent": "time that the hypervisor gave to others, in percent",
        "load_1": "load over one minute: processes that run or wait; `load_5` and `load_15` over 5 and 15",
        "load_5": "load over 5 minutes",
        "load_15": "load over 15 minutes",
        "load_per_cpu": "load over one minute for each processor",
        "memory_percent": "memory that could not be had by a new program, in percent",
        "memory_used_bytes": "the same in bytes",
        "memory_available_bytes": "memory that could be had, in bytes",
        "swap_percent": "swap in use, in percent; missing where there is none",
        "disk_percent": "how full the fullest disk is, in percent, as df counts",
        "disk_free_percent": "what is free on it, in percent",
        "disk_free_bytes": "what is free where least is, in bytes",
        "inodes_percent": "inodes in use where most are, in percent",
        "mounts_bad": "mounts that do not answer, became read-only, or are named in `mounts` and not there",
        "disk_read_bytes_per_s": "bytes read from all disks, per second",
        "disk_written_bytes_per_s": "bytes written to them, per second",
        "net_bytes_per_s": "bytes received and sent on all real interfaces, per second",
        "net_in_bytes_per_s": "bytes received, per second",
        "net_out_bytes_per_s": "bytes sent, per second",
        "net_errors_per_s": "packets with errors, per second",
        "net_drops_per_s": "packets dropped, per second",
        "processes": "processes",
        "open_files": "files that are open",
        "open_files_percent": "the same as a share of what the kernel allows, in percent; missing where it has no limit",
        "uptime_seconds": "time since it booted, in seconds",
        "reboot_pending": "1 where a reboot is asked for or a newer kernel is installed than runs, else 0",
        "*": "<mount>_disk_percent, _disk_free_bytes, _inodes_percent (`/var/lib` is var_lib, `/` is root), and "
        "<interface>_net_in_bytes_per_s, _net_out_bytes_per_s, _net_errors_per_s, _net_drops_per_s",
    }
    metrics: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "cpu_usage": ("cpu_percent",),
        "load_average": ("load_1",),
        "memory_usage": ("memory_percent", "memory_used_bytes"),
        "swap_usage": ("swap_percent",),
        "disk_usage": ("disk_percent",),
        "disk_usage:low": ("disk_free_percent", "disk_free_bytes"),
        "inode_usage": ("inodes_percent",),
        "network_traffic": ("net_bytes_per_s",),
    }
    options: ClassVar[Mapping[str, str]] = {
        "target": "the host at the end of [targets.NAME], of kind ssh (default: this machine)",
        "mounts": "the mount points that are looked at (default: every disk that can be written to)",
    }
    called: ClassVar[tuple[str, ...]] = ("host", "node", "server", "machine")
    general: ClassVar[bool] = True

    def __init__(self, signal: SignalConfig, estate: Estate) -> None:
        options = options_of(signal, estate)
        mounts, target = options.texts("mounts"), options.maybe_text("target")
        self._machine = Remote(target, estate, mounts, options.where("target")) if target else Local(mounts)
        plain = [name for name in self.readings if name != "*"]
        check_readings(signal, estate, [*plain, *(name for name in signal.metrics.values() if _OF_ONE.fullmatch(name))])
        self._timeout_s = signal.timeout_s
        self._before: Seen | None = None

    async def look(self) -> Look:
        """Look once."""
        try:
            async with asyncio.timeout(self._timeout_s):
                now = await self._machine.look()
        except TimeoutError:
            return Look(problem=f"it could not be read within {self._timeout_s:g} s")
        except Transient as problem:
            return Look({"up": 0.0}, detail=problem.message)
        except WatchkeeperError as problem:
            return Look(problem=problem.message)
        except (psutil.Error, OSError, RuntimeError) as problem:
            return Look(problem=f"it could not be read: {str(problem).splitlines()[0][:200]}")
        values, notes = readings_of(self._before, now)
        self._before = now
        return Look({"up": 1.0, **values}, detail="; ".join(notes))

    async def close(self) -> None:
        """Let go of the line."""
        await self._machine.close()
