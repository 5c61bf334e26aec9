from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import psutil

from watchkeeper.demo.processes import Processes, is_over

PARENT = "import subprocess, sys; subprocess.Popen(['sleep', '60']); print('ready', flush=True); import time; time.sleep(60)"
STUBBORN = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('ready', flush=True); time.sleep(60)"


def started(folder: Path, program: str) -> tuple[Processes, psutil.Process]:
    processes = Processes(folder / "processes.json")
    log = folder / "log"
    pid = processes.start("it", [sys.executable, "-c", program], folder, dict(os.environ), log)
    while "ready" not in log.read_text():
        pass
    return processes, psutil.Process(pid)


def test_a_process_ends_with_its_children(tmp_path: Path) -> None:
    processes, process = started(tmp_path, PARENT)
    family = [process, *process.children()]
    assert len(family) == 2
    processes.stop("it", patience_s=5)
    assert all(is_over(member) for member in family)
    assert processes.names() == []


def test_one_that_does_not_listen_is_killed(tmp_path: Path) -> None:
    processes, process = started(tmp_path, STUBBORN)
    processes.stop("it", patience_s=0.1)
    assert is_over(process)


def test_what_was_started_is_ended_though_the_record_is_gone(tmp_path: Path) -> None:
    processes, process = started(tmp_path, PARENT)
    (tmp_path / "processes.json").unlink()
    processes.stop("it", patience_s=5)
    assert is_over(process)


def test_a_pid_that_now_belongs_to_another_is_left_alone(tmp_path: Path) -> None:
    stranger = subprocess.Popen(["sleep", "60"])
    try:
        began = psutil.Process(stranger.pid).create_time()
        (tmp_path / "processes.json").write_text(json.dumps({"it": [stranger.pid, began - 100]}))
        processes = Processes(tmp_path / "processes.json")
        assert processes.find("it") is None
        processes.stop("it", patience_s=0.1)
        assert stranger.poll() is None
        assert processes.names() == []
    finally:
        stranger.kill()
        stranger.wait()
