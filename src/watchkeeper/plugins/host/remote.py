"""Looks at a host at the end of a configured target: one shell there, which prints what the kernel says of itself."""

from __future__ import annotations

import re
import shlex
import time
from collections.abc import Mapping, Sequence
from typing import Any

from watchkeeper.base.errors import ConfigError, Transient
from watchkeeper.estate import plugins
from watchkeeper.estate.model import Estate
from watchkeeper.plugins.host.figures import Mount, Seen, Space, newer_kernel, watched
from watchkeeper.plugins.remote.errors import unfit
from watchkeeper.plugins.remote.target import RemoteTarget

_MOST_BYTES, _DISKS_S, _LEFT_ALONE_S = 2_000_000, 3.0, 300.0
_KERNEL = """
LC_ALL=C; export LC_ALL
say() { printf '\\n@%s\\n' "$1"; }
say stat; cat /proc/stat </dev/null | grep '^cpu'
say meminfo; cat /proc/meminfo
say loadavg; cat /proc/loadavg
say uptime; cat /proc/uptime
say network; cat /proc/net/dev
say disks; cat /proc/diskstats
say files; cat /proc/sys/fs/file-nr
say mounts; cat /proc/mounts
say processes; set -- /proc/[0-9]*; echo "$#"
say running; uname -r
say installed; ls /boot
say reboot; ls /var/run/reboot-required /run/reboot-required
"""
_WHOLE_DISK = re.compile(r"^(?:[shv]d[a-z]+|xvd[a-z]+|nvme\d+n\d+|mmcblk\d+)$")
_MODES = ("user", "nice", "system", "idle", "iowait", "irq", "softirq", "steal")
_DF = re.compile(r"^(?P<device>.*?)\s+(?P<size>\d+)\s+(?P<used>\d+)\s+(?P<free>\d+)\s+\S+\s+(?P<point>/.*)$")

Sections = Mapping[str, Sequence[str]]


class Remote:
    """A host elsewhere."""

    def __init__(self, name: str, estate: Estate, mounts: Sequence[str], where: str) -> None:
        self._name, self._wanted = name, tuple(mounts)
        config = estate.targets.get(name)
        kind: Any = plugins.load(plugins.TARGETS, config.kind) if config is not None else object
        if config is None or not issubclass(kind, RemoteTarget):
            raise ConfigError(
                f"There is no target {name!r} that leads to another host.",
                hint='Name one of [targets.NAME] with kind = "ssh".',
                code="WK132",
                where=where,
            )
        self._target: RemoteTarget = kind(config, estate)
        self._writable: set[str] = set()
        self._hung_until_s = 0.0

    async def look(self) -> Seen:
        """Look once. Raises Transient where the host does not answer, another WatchkeeperError where it cannot be looked at."""
        text = await self._target.read(_KERNEL, most_bytes=_MOST_BYTES)
        at_s = time.monotonic()
        sections = sections_of(text)
        if not sections.get("stat"):
            raise unfit(self._name, "it has no /proc to read", "Only Linux can be looked at from afar.")
        found = mounts_of(sections)
        chosen = watched(found, self._wanted)
        points = [mount.point for mount in chosen]
        spaces, bad, notes = await self._spaces(points)
        for point in sorted(mount.point for mount in found if mount.is_readonly and mount.point in self._writable):
            bad.append(point)
            notes.append(f"{point} became read-only")
        self._writable |= {mount.point for mount in chosen if not mount.is_readonly}
        missing = [point for point in self._wanted if point not in points]
        bad += missing
        notes += [f"{point} is not mounted" for point in missing]
        return seen_of(sections, at_s, spaces, tuple(bad), tuple(notes))

    async def close(self) -> None:
        """Let go of the line."""
        await self._target.close()

    async def _spaces(self, points: Sequence[str]) -> tuple[dict[str, Space], list[str], list[str]]:
        if not points:
            return {}, [], []
        if time.monotonic() < self._hung_until_s:
            return {}, list(points), ["the disks did not answer, and are left alone for a while"]
        named = " ".join(shlex.quote(point) for point in points)
        script = f"LC_ALL=C; export LC_ALL\nprintf '@blocks\\n'; df -P -k {named}\nprintf '\\n@inodes\\n'; df -P -i {named}\n"
        try:
            text = await self._target.read(script, within_s=_DISKS_S, most_bytes=_MOST_BYTES)
        except Transient:
            # one mount on a dead server holds up df for all of them, and each df that hangs stays there
            self._hung_until_s = time.monotonic() + _LEFT_ALONE_S
            return {}, list(points), ["the disks do not answer"]
        return spaces_of(sections_of(text), points), [], []


def sections_of(text: str) -> dict[str, list[str]]:
    """Take apart what the script printed: lines below each `@name`.

    >>> sections_of("@a\\n1\\n2\\n\\n@b\\n")
    {'a': ['1', '2'], 'b': []}
    """
    found: dict[str, list[str]] = {}
    lines: list[str] = []
    for line in text.splitlines():
        if re.fullmatch(r"@[a-z]+", line):
            lines = found.setdefault(line[1:], [])
        elif line.strip():
            lines.append(line)
    return found


def mounts_of(sections: Sections) -> list[Mount]:
    """Read /proc/mounts."""
    parts = [line.split() for line in sections.get("mounts", ())]
    return [
        Mount(_unescaped(each[1]), _unescaped(each[0]), each[2], "ro" in each[3].split(",")) for each in parts if len(each) >= 4
    ]


def spaces_of(sections: Sections, points: Sequence[str]) -> dict[str, Space]:
    """Read what df says of blocks and of inodes."""
    inodes = {found["point"]: found for line in sections.get("inodes", ()) if (found := _DF.match(line))}
    spaces = {}
    for line in sections.get("blocks", ()):
        found = _DF.match(line)
        if found is None or found["point"] not in points:
            continue
        nodes = inodes.get(found["point"])
        spaces[found["point"]] = Space(
            float(found["used"]) * 1_024,
            float(found["free"]) * 1_024,
            float(nodes["size"]) if nodes else 0.0,
            float(nodes["free"]) if nodes else 0.0,
        )
    return spaces


def seen_of(sections: Sections, at_s: float, spaces: Mapping[str, Space], bad: tuple[str, ...], notes: tuple[str, ...]) -> Seen:
    """Read what the kernel says of itself; what cannot be read is missing."""
    stat = [line.split() for line in sections.get("stat", ())]
    whole = next((each[1:] for each in stat if each[0] == "cpu"), [])
    # ticks are hundredths of a second for whoever reads /proc
    cpu = {mode: _number(ticks) / 100 for mode, ticks in zip(_MODES, whole, strict=False)}
    return Seen(
        at_s=at_s,
        cpus=max(1, len(stat) - 1),
        cpu_seconds=cpu,
        network=_network(sections),
        disks=_disks(sections),
        plain=_plain(sections),
        mounts=spaces,
        bad_mounts=bad,
        reboot=_reboot(sections),
        notes=notes,
    )


def _plain(sections: Sections) -> dict[str, float]:
    values: dict[str, float] = {}
    memory = {
        line.split(":")[0]: _number(line.split(":")[1].split()[0]) * 1_024 for line in sections.get("meminfo", ()) if ":" in line
    }
    total, available = memory.get("MemTotal", 0.0), memory.get("MemAvailable")
    if total and available is not None:
        values |= {"memory_percent": 100.0 * (total - available) / total, "memory_used_bytes": total - available}
        values["memory_available_bytes"] = available
    if memory.get("SwapTotal"):
        values["swap_percent"] = 100.0 * (memory["SwapTotal"] - memory.get("SwapFree", 0.0)) / memory["SwapTotal"]
    load = _words(sections, "loadavg")
    values |= {name: _number(text) for name, text in zip(("load_1", "load_5", "load_15"), load, strict=False)}
    for section, name in (("uptime", "uptime_seconds"), ("processes", "processes")):
        words = _words(sections, section)
        values |= {name: _number(words[0])} if words else {}
    files = [_number(word) for word in _words(sections, "files")]
    if len(files) == 3:
        values["open_files"] = files[0]
        values |= {"open_files_percent": 100.0 * files[0] / files[2]} if 0 < files[2] < 2**62 else {}
    return values


def _network(sections: Sections) -> dict[str, dict[str, float]]:
    found = {}
    for line in sections.get("network", ()):
        name, colon, rest = line.partition(":")
        counted = [_number(word) for word in rest.split()]
        if colon and len(counted) >= 12:
            received, sent = counted[:8], counted[8:]
            errors, drops = received[2] + sent[2], received[3] + sent[3]
            found[name.strip()] = {"in_bytes": received[0], "out_bytes": sent[0], "errors": errors, "drops": drops}
    return found


def _disks(sections: Sections) -> dict[str, float]:
    whole = [line.split() for line in sections.get("disks", ())]
    whole = [each for each in whole if len(each) >= 10 and _WHOLE_DISK.match(each[2])]
    # the kernel counts in sectors of 512 bytes, whatever the disk has
    return (
        {"read": sum(_number(each[5]) for each in whole) * 512, "written": sum(_number(each[9]) for each in whole) * 512}
        if whole
        else {}
    )


def _reboot(sections: Sections) -> str | None:
    if sections.get("reboot"):
        return "a reboot is asked for"
    running, installed = _words(sections, "running"), sections.get("installed", ())
    if not running:
        return None
    kernels = [name.removeprefix("vmlinuz-") for name in installed if name.startswith("vmlinuz-")]
    newer = newer_kernel(running[0], kernels)
    return f"the kernel {newer} is installed and {running[0]} runs" if newer else "" if installed else None


def _words(sections: Sections, name: str) -> list[str]:
    lines = sections.get(name, ())
    return lines[0].split() if lines else []


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return 0.0


def _unescaped(text: str) -> str:
    """Give a path of /proc/mounts, which writes blanks as octal numbers."""
    return re.sub(r"\\([0-7]{3})", lambda found: chr(int(found[1], 8)), text)
