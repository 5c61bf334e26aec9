"""Where a job of a worker that is gone is looked for, and what follows from finding nothing there."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from watchkeeper.run.adopting import MARK, sight_of
from watchkeeper.run.target import Job
from watchkeeper.store.membership import process_space
from watchkeeper.store.workers import Worker
from watchkeeper.testing import FakeTarget

NOW = datetime(2026, 3, 14, tzinfo=UTC)
HERE = "boot-1.mine"


@pytest.fixture
def peer(tmp_path: Path) -> Worker:
    state = tmp_path / "peer"
    state.mkdir()
    (state / MARK).write_text("theirs")
    return Worker(1, "peer", "host", "boot-1.theirs", process_space(), str(state), "", 3, NOW, NOW)


@pytest.fixture
def job(tmp_path: Path) -> Job:
    return Job("run-1.1.1.1", "true", "bash", tmp_path / "mine" / "jobs" / "run-1.1.1.1")


def test_our_own_is_where_it_was_and_proves(job: Job) -> None:
    found = sight_of(job, FakeTarget(), HERE, HERE, None)
    assert (found.job, found.proves, found.in_sight) == (job, True, True)


def test_a_peers_folder_on_this_machine_proves_as_our_own_does(job: Job, peer: Worker, tmp_path: Path) -> None:
    found = sight_of(job, FakeTarget(), peer.place, HERE, peer)
    assert found.job.folder == tmp_path / "peer" / "jobs" / "run-1.1.1.1"
    assert (found.proves, found.in_sight) == (True, True)


@pytest.mark.parametrize(
    "change",
    [
        {"place": "boot-2.theirs"},
        {"processes": "pid:[1]"},
        {"processes": ""},
        {"place": "boot-1.another"},
        {"state": "/nowhere"},
    ],
    ids=str,
)
def test_another_machine_boot_container_or_folder_proves_nothing(job: Job, peer: Worker, change: dict[str, str]) -> None:
    other = replace(peer, **change)  # type: ignore[arg-type]
    found = sight_of(job, FakeTarget(), other.place, HERE, other)
    assert (found.job, found.proves, found.in_sight) == (job, False, False)


def test_of_a_worker_that_nobody_knows_nothing_is_in_sight(job: Job, peer: Worker) -> None:
    for known in (None, peer):
        found = sight_of(job, FakeTarget(), "boot-9.other", HERE, known)
        assert (found.job, found.proves, found.in_sight) == (job, False, False)


def test_after_a_restart_of_this_machine_what_it_left_is_in_sight(job: Job) -> None:
    found = sight_of(job, FakeTarget(), "boot-0.mine", HERE, None)
    assert (found.proves, found.in_sight) == (False, True)


def test_what_a_job_did_at_the_other_end_of_a_line_is_in_sight_of_everybody(job: Job) -> None:
    class Remote(FakeTarget):
        elsewhere = True

    found = sight_of(job, Remote(), "boot-9.other", HERE, None)
    assert (found.proves, found.in_sight) == (False, True)
