"""One act on many targets: order, batches, when it stops, and that a crash in the middle does no member twice."""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path

import pytest
from tests.plugins.group_worker import group_in, job_in

from watchkeeper.base.errors import ConfigError
from watchkeeper.run.target import Found, longest_s

#: each member writes its name into one file when it begins, and may fail by its name
MARK = 'echo "$(basename "$PWD")" >> ../marks; '


def marks(folder: Path) -> list[str]:
    path = folder / "marks"
    return path.read_text().split() if path.exists() else []


async def carry_out(folder: Path, script: str, count: int = 4, **options: object) -> tuple[Found, str]:
    target, job = group_in(folder, count, **options), job_in(folder, script)
    await target.start(job)
    return await target.wait(job), target.read_output(job)


def statuses(found: Found) -> dict[str, int | None]:
    return {part.name: part.found.exit_status for part in found.parts}


async def test_every_member_runs_it_in_order_and_has_its_own_outcome_and_output(tmp_path: Path) -> None:
    found, output = await carry_out(tmp_path, MARK + "basename $PWD; [ $(basename $PWD) != web-4 ] || exit 7")
    assert marks(tmp_path) == ["web-1", "web-2", "web-3", "web-4"]
    assert statuses(found) == {"web-1": 0, "web-2": 0, "web-3": 0, "web-4": 7}
    assert [part.output for part in found.parts] == ["web-1\n", "web-2\n", "web-3\n", "web-4\n"]
    assert output.startswith("== web-1: status 0\nweb-1\n== web-2: status 0\n")
    assert output.endswith("== web-4: status 7\nweb-4\n")


async def test_the_order_may_be_reversed(tmp_path: Path) -> None:
    await carry_out(tmp_path, MARK, order="reversed")
    assert marks(tmp_path) == ["web-4", "web-3", "web-2", "web-1"]


@pytest.mark.parametrize(("batch", "together"), [(1, 1), (3, 3), ("50%", 2), ("100%", 4), ("1%", 1)])
async def test_so_many_run_at_a_time(tmp_path: Path, batch: object, together: int) -> None:
    script = "touch ../running-$$; ls .. | grep -c running; sleep 0.3; ls .. | grep -c running; rm ../running-$$"
    found, _ = await carry_out(tmp_path, script, batch=batch)
    seen = [int(number) for part in found.parts for number in part.output.split()]
    assert max(seen) <= together
    assert (max(seen) > 1) == (together > 1)


@pytest.mark.parametrize(
    ("stop_at", "begun"),
    [(1, ["web-1", "web-2"]), (2, ["web-1", "web-2", "web-3"]), ("50%", ["web-1", "web-2", "web-3"]), (4, None)],
)
async def test_it_stops_once_so_many_failed(tmp_path: Path, stop_at: object, begun: list[str] | None) -> None:
    found, output = await carry_out(tmp_path, MARK + "[ $(basename $PWD) = web-1 ]", stop_at=stop_at)
    assert marks(tmp_path) == (begun or ["web-1", "web-2", "web-3", "web-4"])
    left = [part.name for part in found.parts if part.found.state == "never-begun"]
    assert left == [name for name in ("web-1", "web-2", "web-3", "web-4") if begun is not None and name not in begun]
    assert ("left out, for too many failed" in output) == bool(left)


async def test_what_counts_as_failed_is_what_the_runbook_expects(tmp_path: Path) -> None:
    target = group_in(tmp_path, 3)
    job = job_in(tmp_path, MARK + "echo not well", passes=lambda found, output: "not well" not in output)
    await target.start(job)
    await target.wait(job)
    assert marks(tmp_path) == ["web-1"]


async def test_a_person_who_stops_it_stops_what_runs_and_leaves_out_the_rest(tmp_path: Path) -> None:
    target, job = group_in(tmp_path, 3), job_in(tmp_path, MARK + "sleep 60")
    await target.start(job)
    waiting = asyncio.create_task(target.wait(job))
    while not marks(tmp_path):
        await asyncio.sleep(0.01)
    await target.kill(job)
    found = await waiting
    assert marks(tmp_path) == ["web-1"]
    assert found.parts[0].found.sentence == "It was stopped by a person."
    assert [part.found.state for part in found.parts[1:]] == ["never-begun", "never-begun"]


@pytest.mark.parametrize("batch", [1, 2])
@pytest.mark.parametrize("dies_at", ["web-1", "web-2", "web-3"])
async def test_killed_in_the_middle_a_successor_goes_on_and_does_no_member_twice(
    tmp_path: Path, dies_at: str, batch: int
) -> None:
    script = MARK + f"[ $(basename $PWD) != {dies_at} ] || touch ../here; sleep 0.3; echo end"
    words = [sys.executable, Path(__file__).parent / "group_worker.py", tmp_path, script, "4", json.dumps({"batch": batch})]
    worker = await asyncio.create_subprocess_exec(*map(str, words))
    while not (tmp_path / "here").exists():
        await asyncio.sleep(0.01)
    worker.kill()
    await worker.wait()
    successor, job = group_in(tmp_path, 4, batch=batch), job_in(tmp_path, script)
    assert (await successor.find(job)).state == "running"
    found = await successor.wait(job)
    assert statuses(found) == {"web-1": 0, "web-2": 0, "web-3": 0, "web-4": 0}
    assert sorted(marks(tmp_path)) == ["web-1", "web-2", "web-3", "web-4"]
    assert (await successor.find(job)).state == "ended"
    assert await successor.wait(job) == found


async def test_a_member_of_which_nobody_knows_makes_the_whole_unknown(tmp_path: Path) -> None:
    found, _ = await carry_out(tmp_path, "[ $(basename $PWD) != web-2 ] || kill -9 $PPID", stop_at=9)
    assert found.state == "lost"
    assert {part.name: part.found.state for part in found.parts}["web-2"] == "lost"


async def test_what_never_began_is_known_never_to_have_begun(tmp_path: Path) -> None:
    assert (await group_in(tmp_path, 2).find(job_in(tmp_path, "true"))).state == "never-begun"


async def test_its_time_is_that_of_all_batches(tmp_path: Path) -> None:
    target, job = group_in(tmp_path, 10, batch=3), job_in(tmp_path, "sleep 60", timeout_s=0.5)
    assert longest_s(target, job) == 2.0


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"members": []}, "has no members"),
        ({"members": ["web-1", "web-1"]}, "or one twice"),
        ({"members": ["web-1", "web-9"]}, "names 'web-9'"),
        ({"members": ["all"]}, "names 'all'"),
        ({"batch": 0}, "batch is 0"),
        ({"batch": "120%"}, "batch is '120%'"),
        ({"stop_at": "some"}, "stop_at is 'some'"),
        ({"order": "random"}, "order is 'random'"),
    ],
)
def test_what_cannot_be_meant_is_said(tmp_path: Path, options: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        group_in(tmp_path, 2, **options)
