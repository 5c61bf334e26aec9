"""A host looked at over a real sshd, beside what psutil says of it here; and hosts that are away, hang, or are no Linux."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
from tests.conftest import need
from tests.plugins.sshd import SSHD, Sshd, start_sshd

from watchkeeper.base.errors import ConfigError
from watchkeeper.estate.model import Estate, TargetConfig
from watchkeeper.plugins.host import remote
from watchkeeper.plugins.host.figures import Mount
from watchkeeper.watch.probe import Probe

Make = Callable[..., Probe]


@pytest.fixture(scope="module")
def sshd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sshd]:
    need(SSHD is not None, "sshd (Debian: openssh-server)")
    server = start_sshd(tmp_path_factory.mktemp("sshd"))
    yield server
    server.close()


def estate(folder: Path, kind: str = "ssh", **options: Any) -> Estate:
    target = TargetConfig("db", kind, 1, folder, options=options)
    return Estate(folder / "watchkeeper.toml", "shop", folder / "runbook.md", targets={"db": target})


async def test_a_host_over_ssh_gives_what_it_gives_of_itself(probe: Make, sshd: Sshd, tmp_path: Path) -> None:
    there = probe("host", {"Root": "root_disk_percent"}, estate=estate(tmp_path, **sshd.options), target="db")
    here = probe("host")
    first, near = await there.look(), await here.look()
    assert first.problem is None
    assert "cpu_percent" not in first.values
    await asyncio.sleep(0.05)
    far, near = await there.look(), await here.look()
    for reading in ("disk_percent", "inodes_percent", "memory_percent", "open_files_percent"):
        assert far.values[reading] == pytest.approx(near.values[reading], abs=3), reading
    for reading in ("uptime_seconds", "disk_free_bytes"):
        assert far.values[reading] == pytest.approx(near.values[reading], rel=0.02), reading
    assert set(near.values) <= set(far.values) | {"disk_read_bytes_per_s", "disk_written_bytes_per_s", "steal_percent"}
    assert 0 <= far.values["cpu_percent"] <= 100
    assert far.values.get("reboot_pending") == near.values.get("reboot_pending")
    assert far.values["load_per_cpu"] == pytest.approx(far.values["load_1"] / (psutil.cpu_count() or 1))
    assert far.values["net_in_bytes_per_s"] >= 0


async def test_a_host_that_is_away_is_down_and_one_that_lets_nobody_in_a_problem(
    probe: Make, sshd: Sshd, tmp_path: Path, closed_port: int
) -> None:
    away = await probe("host", estate=estate(tmp_path, **{**sshd.options, "port": closed_port}), target="db").look()
    assert (away.values, away.problem) == ({"up": 0.0}, None)
    stranger = await probe("host", estate=estate(tmp_path, **{**sshd.options, "user": "nobody"}), target="db").look()
    assert stranger.values == {}
    assert stranger.problem


async def test_disks_that_hang_are_bad_and_hold_up_nothing_else(
    probe: Make, sshd: Sshd, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(remote, "_DISKS_S", 0.2)
    monkeypatch.setattr(remote, "_KERNEL", remote._KERNEL + "\ndf() { sleep 30; }\n")
    made = probe("host", timeout_s=60, estate=estate(tmp_path, **sshd.options), target="db")
    real = made._machine._target.read  # type: ignore[attr-defined]
    asked = []

    async def read(script: str, **bounds: Any) -> str:
        asked.append(script)
        text: str = await real(script.replace("df -P", "sleep 30; df -P"), **bounds)
        return text

    made._machine._target.read = read  # type: ignore[attr-defined]
    for _ in range(2):
        look = await made.look()
        assert look.values["up"] == 1
        assert look.values["mounts_bad"] >= 1
        assert "memory_percent" in look.values
        assert "disk_percent" not in look.values
    assert len(asked) == 3, "what hung is left alone for a while"


async def test_a_place_that_prints_without_end_or_has_no_proc_was_not_looked_at(
    probe: Make, sshd: Sshd, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = probe("host", estate=estate(tmp_path, **sshd.options), target="db")
    monkeypatch.setattr(remote, "_KERNEL", "exec yes\n")
    endless = await made.look()
    assert "it printed too much" in endless.detail
    assert endless.values == {"up": 0.0}
    monkeypatch.setattr(remote, "_KERNEL", "echo hello\n")
    assert "no /proc to read" in ((await made.look()).problem or "")


def test_what_the_kernel_says_is_read_whatever_it_is() -> None:
    sections = remote.sections_of(
        "noise\n@stat\ncpu x y\n@meminfo\nMemTotal: ? kB\n@network\neth0: 1 2\n@disks\n8 0 sda 1\n@files\na b\n"
    )
    seen = remote.seen_of(sections, 1.0, {}, (), ())
    assert (seen.plain, seen.network, seen.disks, seen.reboot) == ({}, {}, {}, None)
    mounts = remote.mounts_of({"mounts": ["/dev/sda1 /mnt/my\\040disk ext4 rw,noatime 0 0", "short"]})
    assert mounts == [Mount("/mnt/my disk", "/dev/sda1", "ext4")]
    lines = ["Filesystem 1024-blocks Used Available Capacity Mounted on", "/dev/sda1 100 95 0 100% /mnt/my disk"]
    spaces = remote.spaces_of({"blocks": lines, "inodes": ["/dev/sda1 10 9 1 90% /mnt/my disk"]}, ["/mnt/my disk"])
    assert (spaces["/mnt/my disk"].percent, spaces["/mnt/my disk"].inodes_percent) == (100.0, 90.0)


def test_a_target_that_is_not_there_or_leads_nowhere_is_refused(probe: Make, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no target 'web'"):
        probe("host", estate=estate(tmp_path, host="h"), target="web")
    with pytest.raises(ConfigError, match="no target 'db' that leads to another host"):
        probe("host", estate=estate(tmp_path, kind="shell"), target="db")
