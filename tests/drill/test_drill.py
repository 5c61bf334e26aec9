"""The whole tool on a tiny estate with a real server: what recovers, what does not, what is lost, and what restarts alone do."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from watchkeeper.cli import execute

pytestmark = [pytest.mark.slow, pytest.mark.real]


def drilled(folder: Path, *options: str) -> tuple[int, dict[str, Any]]:
    call = [sys.executable, "-m", "watchkeeper", "drill", str(folder), "--format", "json", *options]
    done = subprocess.run(call, capture_output=True, text=True, timeout=240)
    assert done.stdout, done.stderr
    return done.returncode, {row["fault"]: row for row in json.loads(done.stdout)["faults"]}


def test_a_fault_recovers_by_its_procedure_and_restarts_alone_are_shown_beside_it(tiny_estate: Path) -> None:
    status, rows = drilled(tiny_estate, "--fault", "killed", "--beside-restarts")
    killed = rows["killed"]
    assert killed["why"] == []
    assert (status, killed["verdict"]) == (0, "green")
    assert (killed["severity"], killed["procedure"], killed["cause"]) == ("SEV1", "Kiosk is not answering", "Kiosk")
    assert killed["recovered"] is True
    assert killed["detected_book_s"] >= 20 > killed["detected_s"]
    assert killed["acknowledged"] > 0
    assert killed["restarts_alone"]["felt"] is True
    assert killed["restarts_alone"]["well_after_s"] is not None
    # all that was started is gone
    assert not (tiny_estate / ".env").exists()


def test_restart_policies_alone_are_measured_and_recorded_without_us(tiny_estate: Path, tmp_path: Path) -> None:
    record = tmp_path / "played.jsonl"
    call = [sys.executable, "-m", "watchkeeper", "drill", str(tiny_estate), "--fault", "killed", "--only-restarts", "--record"]
    done = subprocess.run([*call, str(record), "--format", "json"], capture_output=True, text=True, timeout=240)
    (killed,) = json.loads(done.stdout)["restarts_alone"]
    assert (killed["fault"], killed["felt"]) == ("killed", True)
    assert killed["well_after_s"] is not None
    row = json.loads(record.read_text())
    assert (row["estate"], row["fault"], row["restarts_alone"]["felt"]) == ("kiosk", "killed", True)
    assert not (tiny_estate / ".env").exists()
    both = subprocess.run([*call, str(record), "--beside-restarts"], capture_output=True, text=True, timeout=60)
    assert (both.returncode, both.stderr.splitlines()[0]) == (3, "watchkeeper: --only-restarts stands alone. [WK925]")


def test_restart_policies_alone_are_not_measured_on_what_could_not_be_put_right(tiny_estate: Path, tmp_path: Path) -> None:
    killed = tiny_estate / "faults" / "killed.toml"
    killed.write_text(killed.read_text().replace('mend = "./estate mend"', 'mend = "false"'))
    record = tmp_path / "played.jsonl"
    call = [sys.executable, "-m", "watchkeeper", "drill", str(tiny_estate), "--only-restarts", "--fault", "killed"]
    done = subprocess.run([*call, "--fault", "hung", "--record", str(record)], capture_output=True, text=True, timeout=240)
    assert "`false` ended with status 1" in done.stderr
    assert "[WK924]" in done.stderr
    assert (done.returncode, record.exists()) == (1, False), "what was seen of it may be the fault's or the estate's"
    assert not (tiny_estate / ".env").exists()


def test_what_is_lost_and_what_stays_broken_is_red(tiny_estate: Path) -> None:
    status, rows = drilled(tiny_estate, "--fault", "forgotten", "--fault", "hung")
    assert status == 1
    forgotten, hung = rows["forgotten"], rows["hung"]
    assert forgotten["recovered"] is True
    assert forgotten["why"] == list(forgotten["harm"])
    assert (forgotten["lost"], hung["lost"]) == (1, 0)
    assert "promises to customers are gone" in forgotten["harm"][0]
    assert not any("promises" in said for said in hung["harm"]), "what an earlier fault lost is no fault of this one"
    assert hung["recovered"] is False
    assert hung["severity_right"] is False
    assert any(said.startswith("It did not recover: “Kiosk is down” is not over") for said in hung["why"])


def test_several_estates_are_drilled_side_by_side_in_one_table(tiny_estate: Path, tmp_path: Path) -> None:
    other = shutil.copytree(tiny_estate, tmp_path / "stall")
    call = [sys.executable, "-m", "watchkeeper", "drill", str(tiny_estate), str(other), "--fault", "killed", "--format", "json"]
    done = subprocess.run(call, capture_output=True, text=True, timeout=240)
    estates = {each["estate"]: each["faults"] for each in json.loads(done.stdout)["estates"]}
    assert {name: [row["why"] for row in rows] for name, rows in estates.items()} == {"kiosk": [[]], "stall": [[]]}
    assert done.returncode == 0
    assert "2 faults: 2 noticed, 2 with the right severity, procedure and cause; 2 recovered" in done.stderr


def test_several_that_are_ended_stop_their_estates_however_often_they_are_told(tiny_estate: Path, tmp_path: Path) -> None:
    other = shutil.copytree(tiny_estate, tmp_path / "stall")
    call = [sys.executable, "-m", "watchkeeper", "drill", str(tiny_estate), str(other), "--fault", "hung"]
    with subprocess.Popen(call, stderr=subprocess.STDOUT, stdout=subprocess.PIPE, text=True, start_new_session=True) as drill:
        assert drill.stdout is not None
        told = 0
        for line in drill.stdout:
            told += "The kiosk hangs" in line
            if told == 2:
                break
        assert (tiny_estate / ".env").exists()
        # a terminal tells everybody, and who drills several then tells each of them again
        os.killpg(drill.pid, signal.SIGINT)
        said = drill.stdout.read()
        assert drill.wait(timeout=60) != 0
    assert "Traceback" not in said
    assert not (tiny_estate / ".env").exists()
    assert not (other / ".env").exists()


def test_an_estate_is_stopped_also_where_nobody_listens_any_more(tiny_estate: Path) -> None:
    call = [sys.executable, "-m", "watchkeeper", "drill", str(tiny_estate), "--fault", "hung", "--format", "json"]
    with subprocess.Popen(call, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True) as drill:
        assert drill.stderr is not None
        assert any("The kiosk hangs" in line for line in drill.stderr)
        assert (tiny_estate / ".env").exists()
        drill.stderr.close()
        drill.terminate()
        assert drill.wait(timeout=60) != 0
    assert not (tiny_estate / ".env").exists()


def test_it_says_what_is_missing(tiny_estate: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert execute(["drill"]) == 3
    assert "[WK925]" in capsys.readouterr().err
    assert execute(["drill", str(tiny_estate), "--fault", "flood"]) == 3
    assert "has no fault 'flood'" in capsys.readouterr().err
    assert execute(["drill", str(tiny_estate), "--list"]) == 0
    assert "The kiosk's process is killed." in capsys.readouterr().out
