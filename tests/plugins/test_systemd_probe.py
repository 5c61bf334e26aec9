"""Units of a real systemd: one that runs for a user in a mount namespace of its own, so that no machine needs to be booted."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.conftest import need

from watchkeeper.base.errors import ConfigError
from watchkeeper.plugins.systemd.probe import read_units, well
from watchkeeper.watch.probe import Probe

Make = Callable[..., Probe]
SYSTEMD = next((path for path in ("/lib/systemd/systemd", "/usr/lib/systemd/systemd") if Path(path).exists()), None)
#: systemd runs for a user only where it believes that it also runs the machine
_BEGIN = "mount -t tmpfs none /run/systemd && mkdir /run/systemd/system && exec {systemd} --user --unit=basic.target"
_UNITS = {
    "basic.target": "[Unit]\nDescription=basic\n",
    "good.service": "[Service]\nExecStart=/bin/sleep 1000\n",
    "alias.service": None,
    "bad.service": "[Unit]\nStartLimitBurst=3\nStartLimitIntervalSec=60\n"
    "[Service]\nExecStart=/bin/false\nRestart=always\nRestartSec=10ms\n",
    "often.service": "[Unit]\nStartLimitIntervalSec=0\n"
    "[Service]\nExecStart=/bin/sh -c 'sleep 0.2; exit 1'\nRestart=always\nRestartSec=10ms\n",
    "once.service": "[Service]\nType=oneshot\nExecStart=/bin/true\n",
    "never.service": "[Service]\nExecStart=/bin/sleep 1000\n",
}


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The folder of a user's systemd that has been told to start its units."""
    need(SYSTEMD is not None and shutil.which("systemctl") is not None, "systemd (Debian: systemd)")
    need(os.geteuid() == 0 and shutil.which("unshare") is not None, "root, to run a systemd of our own")
    folder = tmp_path_factory.mktemp("sd")
    folder.chmod(0o700)
    (folder / "units").mkdir()
    for name, text in _UNITS.items():
        if text is None:
            (folder / "units" / name).symlink_to("good.service")
        else:
            (folder / "units" / name).write_text(text)
    given = {
        **os.environ,
        "XDG_RUNTIME_DIR": str(folder),
        "SYSTEMD_UNIT_PATH": f"{folder}/units:/usr/lib/systemd/user",
        "HOME": str(folder),
    }
    words = ["unshare", "--mount", "sh", "-c", _BEGIN.format(systemd=SYSTEMD)]
    with (folder / "log").open("wb") as log, subprocess.Popen(words, env=given, stdout=log, stderr=log) as manager:
        for _ in range(200):
            if (folder / "systemd/private").exists() or manager.poll() is not None:
                break
            time.sleep(0.05)
        need(manager.poll() is None, f"systemd for a user: {(folder / 'log').read_text()[-300:]}")
        start = ["systemctl", "--user", "--no-block", "start", "good", "often", "once", "bad"]
        subprocess.run(start, env=given, check=True, timeout=20)
        for _ in range(200):
            state = ["systemctl", "--user", "is-failed", "bad"]
            if subprocess.run(state, env=given, capture_output=True, text=True, check=False).stdout.strip() == "failed":
                break
            time.sleep(0.05)
        yield folder
        manager.terminate()
        try:
            manager.wait(10)
        except subprocess.TimeoutExpired:
            manager.kill()


async def test_units_that_run_fail_rest_and_are_not_there(probe: Make, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(home))
    look = await probe("systemd", user=True, units=["good", "alias", "once.service", "bad", "never", "none"]).look()
    assert look.problem is None
    values = look.values
    assert (values["up"], values["units_wanted"], values["units_well"]) == (0, 6, 3)
    assert (values["good_up"], values["alias_up"], values["once_up"]) == (1, 1, 1)
    assert (values["bad_up"], values["never_up"], values["none_up"]) == (0, 0, 0)
    assert values["units_failed"] >= 1
    assert values["good_uptime_seconds"] >= 0
    assert values.get("good_memory_bytes", 1) > 0
    assert "restarts" not in values, "a first look has nothing to compare with"
    assert "bad.service is failed (failed), because of exit-code" in look.detail
    assert "none.service is not-found" in look.detail
    assert "never.service is inactive (dead)" in look.detail


async def test_restarts_are_counted_within_the_window(probe: Make, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(home))
    made = probe("systemd", {"Often restarts": "often_restarts"}, user=True, units=["often", "good"])
    await made.look()
    for _ in range(100):
        look = await made.look()
        if look.values["restarts"]:
            break
        time.sleep(0.05)
    assert look.values["often_restarts"] >= 1
    assert look.values["good_restarts"] == 0
    assert look.values["restarts"] == look.values["often_restarts"]
    assert "often.service was restarted" in look.detail


async def test_without_units_all_that_failed_count(probe: Make, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(home))
    look = await probe("systemd", user=True).look()
    assert look.values["up"] == 0
    assert look.values["units_failed"] >= 1
    assert "failed: bad.service" in look.detail


async def test_no_systemd_and_no_systemctl_were_not_looked_at(
    probe: Make, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    need(shutil.which("systemctl") is not None, "systemctl (Debian: systemd)")
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    monkeypatch.delenv("DBUS_SESSION_BUS_ADDRESS", raising=False)
    look = await probe("systemd", user=True, units="shop").look()
    assert look.values == {}
    assert "Failed to connect to bus" in (look.problem or "")
    monkeypatch.setenv("PATH", str(tmp_path))
    assert "could not be started" in ((await probe("systemd").look()).problem or "")


async def test_a_systemctl_that_hangs_or_floods_was_not_looked_at(
    probe: Make, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    program = tmp_path / "systemctl"
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    for text, said in (("exec sleep 60", "nothing came within"), ("exec yes Id=shop.service", "more than 4,000,000 bytes")):
        program.write_text(f"#!/bin/sh\n{text}\n")
        program.chmod(0o755)
        look = await probe("systemd", timeout_s=1.0, units="shop").look()
        assert look.values == {}
        assert said in (look.problem or "")


def test_what_systemctl_shows_is_read_whatever_it_is() -> None:
    assert read_units("") == []
    assert read_units("\n\nnoise\nId=a.service\nDescription=a = b\n\n\n") == [{"Id": "a.service", "Description": "a = b"}]
    assert not well({})
    assert not well({"LoadState": "masked", "ActiveState": "active"})
    assert not well({"ActiveState": "inactive", "Type": "oneshot", "Result": "exit-code"})
    assert not well({"ActiveState": "activating", "Type": "simple", "SubState": "auto-restart"})


def test_names_that_are_no_units_are_refused(probe: Make) -> None:
    for unit in ("-H evil", "shop; reboot", "*"):
        with pytest.raises(ConfigError, match="is no unit"):
            probe("systemd", units=unit)
