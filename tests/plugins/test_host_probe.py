"""What the host probe reads of the machine of the tests, and how it takes full, hanging and read-only file systems."""

from __future__ import annotations

import asyncio
import os
import subprocess
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest
from tests.conftest import need

from watchkeeper.base.errors import ConfigError
from watchkeeper.plugins.host import local
from watchkeeper.plugins.host.figures import Mount, Seen, Space, newer_kernel, readings_of, watched
from watchkeeper.watch.probe import Probe

Make = Callable[..., Probe]


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Path]:
    """A file system of 4 MB, of which 3 MB and most inodes are in use."""
    need(os.geteuid() == 0, "root, to mount a file system")
    point = tmp_path / "small"
    point.mkdir()
    options = "size=4m,nr_inodes=40"
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", options, "wk-test", point], capture_output=True, check=False)
    need(done.returncode == 0, "the right to mount a file system")
    (point / "filling").write_bytes(b"x" * 3 * 1024 * 1024)
    for number in range(34):
        (point / str(number)).touch()
    yield point
    subprocess.run(["umount", "-l", point], check=True)


async def test_the_figures_of_this_machine(probe: Make) -> None:
    made = probe("host")
    first = await made.look()
    assert first.problem is None
    assert "cpu_percent" not in first.values, "a first look has nothing to compare with"
    assert "net_in_bytes_per_s" not in first.values
    await asyncio.sleep(0.05)
    sum(number * number for number in range(300_000))
    values = (await made.look()).values
    assert 0 < values["cpu_percent"] <= 100
    assert 0 <= values["iowait_percent"] <= 100
    assert 0 < values["memory_percent"] < 100
    total = psutil.virtual_memory().total
    assert values["memory_used_bytes"] + values["memory_available_bytes"] == pytest.approx(total, rel=0.01)
    assert values["load_per_cpu"] == pytest.approx(values["load_1"] / (psutil.cpu_count() or 1))
    assert values["processes"] > 1
    assert values["uptime_seconds"] > 0
    assert values["net_bytes_per_s"] == pytest.approx(values["net_in_bytes_per_s"] + values["net_out_bytes_per_s"])
    assert values["mounts_bad"] == 0
    assert values["disk_percent"] + values["disk_free_percent"] == pytest.approx(100)


async def test_the_fullest_disk_is_named_with_its_inodes(probe: Make, small: Path) -> None:
    look = await probe("host", mounts=["/", str(small)]).look()
    name = str(small).strip("/").replace("/", "_").replace("-", "_")
    assert look.values["disk_percent"] >= 75
    assert look.values[f"{name}_disk_percent"] == pytest.approx(75, abs=1)
    assert look.values[f"{name}_inodes_percent"] == pytest.approx(90, abs=3)
    assert look.values["disk_free_bytes"] <= 1024 * 1024
    assert f"{small} uses" in look.detail
    assert "root_disk_percent" in look.values


async def test_a_mount_that_became_read_only_is_bad_and_so_is_one_that_is_gone(probe: Make, small: Path) -> None:
    made = probe("host", mounts=[str(small), "/no/such/mount"])
    first = await made.look()
    assert first.values["mounts_bad"] == 1
    assert "/no/such/mount is not mounted" in first.detail
    subprocess.run(["mount", "-o", "remount,ro", small], check=True)
    second = await made.look()
    assert second.values["mounts_bad"] == 2
    assert f"{small} became read-only" in second.detail


async def test_a_mount_that_hangs_holds_up_nothing_else_and_is_asked_once(probe: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    release, asked, real = threading.Event(), [], os.statvfs

    def hang(point: str) -> os.statvfs_result:
        asked.append(point)
        release.wait(20)
        return real(point)

    monkeypatch.setattr(local.os, "statvfs", hang)
    monkeypatch.setattr(local, "_MOUNT_S", 0.05)
    made = probe("host", mounts=["/"])
    for _ in range(2):
        look = await made.look()
        assert (look.values["up"], look.values["mounts_bad"]) == (1.0, 1.0)
        assert "disk_percent" not in look.values
        assert "/ does not answer" in look.detail
    assert asked == ["/"]
    release.set()


def test_pseudo_image_and_container_file_systems_are_left_out_and_a_device_counts_once() -> None:
    mounts = [
        Mount("/", "/dev/sda1", "ext4"),
        Mount("/srv", "/dev/sda1", "ext4"),
        Mount("/data", "/dev/sdb1", "xfs"),
        Mount("/mnt/nas", "nas:/share", "nfs4"),
        Mount("/boot/efi", "/dev/sda2", "vfat", is_readonly=True),
        Mount("/snap/core/1", "/dev/loop0", "squashfs", is_readonly=True),
        Mount("/var/lib/docker/overlay2/a/merged", "overlay", "overlay"),
        Mount("/dev/shm", "tmpfs", "tmpfs"),
    ]
    assert [mount.point for mount in watched(mounts)] == ["/", "/data", "/mnt/nas"]
    assert [mount.point for mount in watched([Mount("/", "overlay", "overlay")])] == ["/"], "in a container it is the disk"
    assert [mount.point for mount in watched(mounts, ["/dev/shm"])] == ["/dev/shm"], "who names one means it"
    many = [Mount(f"/m{number}", f"/dev/m{number}", "ext4") for number in range(500)]
    assert len(watched(many)) == 64


def test_processors_and_interfaces_between_two_looks() -> None:
    busy = {"user": 10.0, "idle": 100.0, "iowait": 0.0, "steal": 0.0}
    eth0 = {"in_bytes": 1_000.0, "errors": 0.0}
    before = Seen(0.0, 4, busy, {"eth0": eth0, "veth12": eth0, "lo": eth0})
    later = {"user": 16.0, "idle": 101.0, "iowait": 2.0, "steal": 1.0}
    now = Seen(10.0, 4, later, {"eth0": {"in_bytes": 6_000.0, "errors": 50.0}, "veth12": {"in_bytes": 9e9}})
    values, notes = readings_of(before, now)
    assert (values["cpu_percent"], values["iowait_percent"], values["steal_percent"]) == (70.0, 20.0, 10.0)
    assert (values["net_in_bytes_per_s"], values["eth0_net_errors_per_s"]) == (500.0, 5.0)
    assert "veth12_net_in_bytes_per_s" not in values
    assert "eth0 has errors" in notes
    fresh, _ = readings_of(now, Seen(20.0, 4, busy, {"eth0": eth0}))
    assert "net_in_bytes_per_s" not in fresh, "a counter that went back has no rate"


def test_a_full_disk_is_full_as_df_counts() -> None:
    values, _ = readings_of(None, Seen(0.0, mounts={"/": Space(95.0, 0.0), "/data": Space(0.0, 0.0, 10, 0)}))
    assert (values["disk_percent"], values["disk_free_bytes"], values["inodes_percent"]) == (100.0, 0.0, 100.0)


def test_a_reboot_is_pending_where_a_package_asks_for_it_or_a_newer_kernel_waits(tmp_path: Path) -> None:
    assert local.reboot_pending(tmp_path) is None, "no folder of kernels: it cannot be told"
    (tmp_path / "boot").mkdir()
    (tmp_path / "boot" / f"vmlinuz-{os.uname().release}").touch()
    assert local.reboot_pending(tmp_path) == ""
    (tmp_path / "run").mkdir()
    (tmp_path / "run/reboot-required").touch()
    (tmp_path / "run/reboot-required.pkgs").write_text("linux-image\nlibc6\nlibc6\n")
    assert local.reboot_pending(tmp_path) == "a reboot is asked for by libc6, linux-image"
    assert newer_kernel("5.15.0-91-generic", ["5.15.0-101-generic", "6.2.0-1-lowlatency"]) == "5.15.0-101-generic"
    assert newer_kernel("4.18.0-477.el8.x86_64", ["4.18.0-513.el8.x86_64", "4.18.0-477.el8.x86_64"]) == "4.18.0-513.el8.x86_64"
    assert newer_kernel("6.12.1-custom", ["5.10.0-8-amd64"]) is None


def test_readings_that_no_host_has_are_refused(probe: Make) -> None:
    probe("host", {"Data disk": "data_disk_percent"})
    with pytest.raises(ConfigError, match="cpu_percentage") as caught:
        probe("host", {"CPU": "cpu_percentage"})
    assert "'cpu_percent'" in (caught.value.hint or "")
