"""What was seen of a host, and the readings that follow from it. Pure: two sightings enter, numbers and words leave."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

#: file systems of the kernel's own, of images and of containers: full by nature, or not a disk
_PSEUDO = frozenset(
    {
        "autofs", "binfmt_misc", "bpf", "cgroup", "cgroup2", "configfs", "debugfs", "devfs", "devpts", "devtmpfs", "efivarfs",
        "erofs", "fuse.gvfsd-fuse", "fuse.lxcfs", "fuse.portal", "fuse.snapfuse", "fusectl", "hugetlbfs", "iso9660", "mqueue",
        "nsfs", "proc", "pstore", "ramfs", "rpc_pipefs", "securityfs", "selinuxfs", "squashfs", "sysfs", "tmpfs", "tracefs",
    }
)  # fmt: skip
_LAYERED = frozenset({"overlay", "aufs", "fuse.fuse-overlayfs"})
_OF_CONTAINERS = re.compile(r"^(?:/var)?/(?:snap|run|lib/(?:docker|containers?|containerd|kubelet))/")
#: interfaces that only pass on what a real one carries too
_PASSING_ON = re.compile(r"^(?:lo\d*|veth.*|docker\d+|br-.*|virbr.*|cni\d*|cali.*|flannel.*|tunl\d+|ifb\d+|dummy\d+)$")
_MOST_MOUNTS, _MOST_INTERFACES = 64, 32


@dataclass(frozen=True, slots=True)
class Mount:
    """A file system in the tree."""

    point: str
    device: str = ""
    kind: str = ""
    is_readonly: bool = False


@dataclass(frozen=True, slots=True)
class Space:
    """How full a file system is."""

    used_bytes: float
    #: what ordinary users can still have
    free_bytes: float
    inodes: float = 0.0
    inodes_free: float = 0.0

    @property
    def percent(self) -> float:
        """Give how full it is, as df does."""
        whole = self.used_bytes + self.free_bytes
        return 100.0 * self.used_bytes / whole if whole else 0.0

    @property
    def inodes_percent(self) -> float | None:
        """Give the share of its inodes in use; None where it has no fixed number of them."""
        return 100.0 * (self.inodes - self.inodes_free) / self.inodes if self.inodes else None


@dataclass(frozen=True, slots=True)
class Seen:
    """One sighting of a host. What could not be had is missing."""

    at_s: float
    cpus: int = 1
    #: mode -> seconds since it booted, over all CPUs
    cpu_seconds: Mapping[str, float] = field(default_factory=dict)
    #: counters since it booted: interface -> what passed, and what the disks read and wrote
    network: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    disks: Mapping[str, float] = field(default_factory=dict)
    #: readings that are as they are
    plain: Mapping[str, float] = field(default_factory=dict)
    mounts: Mapping[str, Space] = field(default_factory=dict)
    #: mount points that did not answer, or that became read-only
    bad_mounts: tuple[str, ...] = ()
    #: why a reboot is pending; empty where none is, None where it cannot be told
    reboot: str | None = None
    notes: tuple[str, ...] = ()


def readings_of(before: Seen | None, now: Seen) -> tuple[dict[str, float], list[str]]:
    """Give the readings of a host and what is to be said of them; rates only where it was seen before."""
    notes = list(now.notes)
    values = {**now.plain, **_mounts(now, notes)}
    if now.reboot is not None:
        values["reboot_pending"] = float(bool(now.reboot))
        notes += [now.reboot] if now.reboot else []
    if "load_1" in values:
        values["load_per_cpu"] = values["load_1"] / max(1, now.cpus)
    if before is not None and now.at_s > before.at_s:
        values |= _cpu(before.cpu_seconds, now.cpu_seconds) | _network(before, now, notes)
        for name in ("read", "written"):
            rate = _rate(before.disks.get(name), now.disks.get(name), now.at_s - before.at_s)
            values |= {} if rate is None else {f"disk_{name}_bytes_per_s": rate}
    return values, notes


def is_watched(mount: Mount) -> bool:
    """Say whether a mount is a disk that can fill up.

    >>> is_watched(Mount("/", "overlay", "overlay")), is_watched(Mount("/snap/core/1", "/dev/loop0", "squashfs", True))
    (True, False)
    """
    if mount.kind in _PSEUDO or mount.is_readonly or _OF_CONTAINERS.match(mount.point):
        return False
    return mount.kind not in _LAYERED or mount.point == "/"


def watched(mounts: Iterable[Mount], wanted: Iterable[str] = ()) -> list[Mount]:
    """Choose the mounts to look at: those that are wanted, else each device once, under its shortest path."""
    names = set(wanted)
    if names:
        last = {mount.point: mount for mount in mounts if mount.point in names}
        return sorted(last.values(), key=lambda mount: mount.point)
    found: dict[str, Mount] = {}
    for mount in sorted(filter(is_watched, mounts), key=lambda mount: (len(mount.point), mount.point)):
        found.setdefault(mount.device if "/" in mount.device else mount.point, mount)
    return sorted(found.values(), key=lambda mount: mount.point)[:_MOST_MOUNTS]


def name_of(point: str) -> str:
    """Give the name that a mount's readings begin with.

    >>> name_of("/"), name_of("/var/lib/postgresql")
    ('root', 'var_lib_postgresql')
    """
    return re.sub(r"[^A-Za-z0-9]+", "_", point).strip("_") or "root"


def newer_kernel(running: str, installed: Iterable[str]) -> str | None:
    """Give the newest installed kernel of the running one's flavour where it is newer than that.

    >>> newer_kernel("6.1.0-18-amd64", ["6.1.0-9-amd64", "6.1.0-21-amd64", "6.5.0-1-rt-amd64"])
    '6.1.0-21-amd64'
    >>> newer_kernel("6.1.0-21-amd64", ["6.1.0-18-amd64"])
    """
    mine = [version for version in installed if _flavour(version) == _flavour(running)]
    newest = max(mine, key=_order, default=None)
    return newest if newest is not None and _order(newest) > _order(running) else None


def _flavour(version: str) -> str:
    return "".join(re.findall(r"[A-Za-z]+", version))


def _order(version: str) -> tuple[int, ...]:
    return tuple(int(digits) for digits in re.findall(r"\d+", version))


def _mounts(now: Seen, notes: list[str]) -> dict[str, float]:
    values: dict[str, float] = {"mounts_bad": float(len(now.bad_mounts))}
    if not now.mounts:
        return values
    for point, space in now.mounts.items():
        values[f"{name_of(point)}_disk_percent"] = space.percent
        values[f"{name_of(point)}_disk_free_bytes"] = space.free_bytes
        if space.inodes_percent is not None:
            values[f"{name_of(point)}_inodes_percent"] = space.inodes_percent
    point, fullest = max(now.mounts.items(), key=lambda item: item[1].percent)
    values |= {"disk_percent": fullest.percent, "disk_free_percent": 100.0 - fullest.percent}
    values["disk_free_bytes"] = min(space.free_bytes for space in now.mounts.values())
    notes.append(f"the fullest disk is {point} with {fullest.percent:.0f} %")
    inodes = {point: space.inodes_percent for point, space in now.mounts.items() if space.inodes_percent is not None}
    if inodes:
        point = max(inodes, key=lambda point: inodes[point])
        values["inodes_percent"] = inodes[point]
        if inodes[point] >= fullest.percent:
            notes.append(f"{point} uses {inodes[point]:.0f} % of its inodes")
    return values


def _cpu(before: Mapping[str, float], now: Mapping[str, float]) -> dict[str, float]:
    # a counter of the kernel may go back a little (iowait does), which is no time that passed
    passed = {mode: max(0.0, now[mode] - before[mode]) for mode in now if mode in before}
    whole = sum(passed.values())
    if not whole:
        return {}
    shares = {mode: 100.0 * seconds / whole for mode, seconds in passed.items()}
    values = {"cpu_percent": max(0.0, 100.0 - shares.get("idle", 0.0) - shares.get("iowait", 0.0))}
    return values | {f"{mode}_percent": shares[mode] for mode in ("iowait", "steal") if mode in shares}


def _network(before: Seen, now: Seen, notes: list[str]) -> dict[str, float]:
    values: dict[str, float] = {}
    real = sorted(name for name in now.network if not _PASSING_ON.match(name))
    worst = (0.0, "")
    for interface in real[:_MOST_INTERFACES]:
        then = before.network.get(interface, {})
        for name, counted in now.network[interface].items():
            rate = _rate(then.get(name), counted, now.at_s - before.at_s)
            if rate is not None:
                values[f"{name_of(interface)}_net_{name}_per_s"] = rate
                values[f"net_{name}_per_s"] = values.get(f"net_{name}_per_s", 0.0) + rate
                worst = max(worst, (rate, interface)) if name == "errors" else worst
    if worst[0]:
        notes.append(f"{worst[1]} has errors")
    if "net_in_bytes_per_s" in values and "net_out_bytes_per_s" in values:
        values["net_bytes_per_s"] = values["net_in_bytes_per_s"] + values["net_out_bytes_per_s"]
    return values


def _rate(before: float | None, now: float | None, passed_s: float) -> float | None:
    return (now - before) / passed_s if before is not None and now is not None and now >= before else None
