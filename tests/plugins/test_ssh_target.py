"""Hosts over SSH: what scripts get there, what becomes of jobs when lines are cut and we die, and who is trusted."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from tests.conftest import need
from tests.plugins.remote_jobs import MakeJob, carry_out, job_maker
from tests.plugins.sshd import SSHD, Sshd, make_key, start_sshd

from watchkeeper.base.errors import Permanent, Transient
from watchkeeper.estate.model import Estate, TargetConfig
from watchkeeper.plugins.remote import target as remote
from watchkeeper.plugins.shell.processes import start_of
from watchkeeper.plugins.ssh.target import SshTarget
from watchkeeper.run.target import Found

MakeTarget = Callable[..., SshTarget]


@pytest.fixture(scope="module")
def sshd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sshd]:
    need(SSHD is not None, "sshd (Debian: openssh-server)")
    server = start_sshd(tmp_path_factory.mktemp("sshd"))
    yield server
    server.close()


@pytest.fixture
async def make_target(tmp_path: Path, sshd: Sshd) -> AsyncIterator[MakeTarget]:
    made: list[SshTarget] = []

    def make(
        server: Sshd = sshd, words: dict[str, str] | None = None, path: tuple[Path, ...] = (), **options: object
    ) -> SshTarget:
        given = {**server.options, "folder": str(tmp_path / "there"), **options}
        config = TargetConfig("web", "ssh", 1, tmp_path, options=given, words=words or {}, path=path)
        made.append(SshTarget(config, Estate(tmp_path / "watchkeeper.toml", "shop", tmp_path / "runbook.md")))
        return made[-1]

    yield make
    for target in made:
        await target.close()


@pytest.fixture
def target(make_target: MakeTarget) -> SshTarget:
    return make_target()


@pytest.fixture
def job(tmp_path: Path) -> MakeJob:
    return job_maker(tmp_path)


@pytest.mark.parametrize(
    ("script", "status", "output"),
    [
        ("echo one; echo two >&2; exit 3", 3, "one\ntwo\n"),
        ("cat; echo read nothing", 0, "read nothing\n"),
        ("test -t 0 || test -t 1 || echo no terminal", 0, "no terminal\n"),
        ("false | true", 1, ""),
        ("pwd", 0, "{folder}\n"),
        ('echo "$NAME"', 0, "it's $(touch pwned) -rf\nsecond line\n"),
        ("echo 'quotes'\ncat <<EOF\nlines $((1 + 1))\nEOF", 0, "quotes\nlines 2\n"),
        ("no-such-program-here", 127, None),
        ("printf '\\033[31mred\\033[0m\\n'", 0, "\x1b[31mred\x1b[0m\n"),
    ],
)
async def test_a_script_gets_what_it_needs_and_no_more(
    target: SshTarget, job: MakeJob, tmp_path: Path, script: str, status: int, output: str | None
) -> None:
    found = await carry_out(target, job(script, variables={"NAME": "it's $(touch pwned) -rf\nsecond line"}))
    assert found[0] == status
    if output is not None:
        assert found[1] == output.format(folder=tmp_path)
    assert not (tmp_path / "pwned").exists()
    assert [path.name for path in (tmp_path / "there").iterdir()] == ["place"]


async def test_the_environment_is_minimal(target: SshTarget, job: MakeJob) -> None:
    _, output = await carry_out(target, job("env"))
    names = {line.split("=")[0] for line in output.splitlines()}
    assert names <= {"HOME", "USER", "LOGNAME", "PATH", "LANG", "TERM", "PWD", "OLDPWD", "SHLVL", "_", "WATCHKEEPER_JOB"}


async def test_no_list_of_processes_shows_a_value_and_no_file_keeps_it(target: SshTarget, job: MakeJob, tmp_path: Path) -> None:
    mine = job("ps -eo args; sleep 0.1", variables={"TOKEN": "tk-0123456789"})
    await target.start(mine)
    found = await target.wait(mine)
    assert found.exit_status == 0
    assert "tk-0123456789" not in target.read_output(mine)
    assert "wrapper" in target.read_output(mine)
    there = tmp_path / "there" / mine.id
    assert not (there / "variables").exists()
    assert there.stat().st_mode & 0o077 == 0
    assert {path.stat().st_mode & 0o077 for path in there.iterdir()} == {0}


async def test_output_is_shown_as_it_comes(target: SshTarget, job: MakeJob, tmp_path: Path) -> None:
    pieces: list[str] = []
    slow = job("echo one; until [ -e go ]; do sleep 0.05; done; echo two")
    await target.start(slow)

    def show(piece: str) -> None:
        pieces.append(piece)
        (tmp_path / "go").touch()

    await target.wait(slow, show)
    assert pieces == ["one\n", "two\n"]


async def test_all_jobs_of_a_host_share_one_connection(target: SshTarget, job: MakeJob, sshd: Sshd) -> None:
    before = {process.pid for process in sshd.sessions()}
    jobs = [job("sleep 0.3; echo ok", f"1.{n}.1") for n in range(6)]
    await asyncio.gather(*(target.start(each) for each in jobs))
    # one of an earlier test may still be saying goodbye
    assert len({process.pid for process in sshd.sessions()} - before) == 1
    assert [(await target.wait(each)).exit_status for each in jobs] == [0] * 6


async def test_more_jobs_than_one_connection_carries(target: SshTarget, job: MakeJob) -> None:
    jobs = [job("sleep 0.3; echo ok", f"1.{n}.1") for n in range(14)]
    await asyncio.gather(*(target.start(each) for each in jobs))
    assert [(await target.wait(each)).exit_status for each in jobs] == [0] * 14


async def test_a_connection_cut_in_the_middle_is_opened_anew_and_the_job_goes_on(
    target: SshTarget, job: MakeJob, tmp_path: Path, sshd: Sshd
) -> None:
    mine = job("echo begun >> marks; for n in 1 2 3 4 5 6; do echo $n; sleep 0.2; done; exit 4")
    await target.start(mine)
    waiting = asyncio.create_task(target.wait(mine))
    for _ in range(2):
        await asyncio.sleep(0.35)
        while not sshd.cut():
            await asyncio.sleep(0.02)
    assert (await waiting).exit_status == 4
    assert target.read_output(mine) == "1\n2\n3\n4\n5\n6\n"
    assert (tmp_path / "marks").read_text() == "begun\n"


async def test_a_successor_adopts_over_a_new_connection_what_still_runs(
    target: SshTarget, make_target: MakeTarget, job: MakeJob, tmp_path: Path
) -> None:
    mine = job("echo begun >> marks; until [ -e go ]; do sleep 0.05; done; echo end; exit 5")
    await target.start(mine)
    await target.close()
    successor = make_target()
    assert (await successor.find(mine)).state == "running"
    (tmp_path / "go").touch()
    assert (await successor.wait(mine)).exit_status == 5
    assert successor.read_output(mine) == "end\n"
    assert (await successor.find(mine)).exit_status == 5
    assert (tmp_path / "marks").read_text() == "begun\n"


async def test_another_worker_adopts_what_it_did_not_send(
    target: SshTarget, make_target: MakeTarget, job: MakeJob, tmp_path: Path
) -> None:
    mine = job("until [ -e go ]; do sleep 0.05; done; exit 6")
    await target.start(mine)
    same = replace(mine, folder=tmp_path / "elsewhere" / mine.id)
    other = make_target()
    assert (await other.find(same)).state == "running"
    (tmp_path / "go").touch()
    assert (await other.wait(same)).exit_status == 6


async def test_what_was_never_sent_is_proved_never_begun_and_cannot_begin_late(target: SshTarget, job: MakeJob) -> None:
    mine = job("true")
    assert (await target.find(mine)).state == "never-begun"
    assert (await target.find(mine)).state == "never-begun"
    assert await carry_out(target, mine) == (0, "")


async def test_what_was_sent_and_never_began_is_proved_there(
    target: SshTarget, job: MakeJob, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    mine = job("touch began")
    monkeypatch.setattr(SshTarget, "_begin", lambda self, job: "exit 0\n")  # the line dies before it is told to begin
    await target.start(mine)
    assert await target.wait(mine) == Found("never-begun", sentence="Its wrapper never ran there.")
    assert not (tmp_path / "began").exists()


async def test_the_time_limit_is_kept_there_when_nobody_of_us_lives(
    target: SshTarget, make_target: MakeTarget, job: MakeJob, tmp_path: Path
) -> None:
    mine = job("(setsid bash -c 'trap \"\" TERM; echo $$ > daemon; sleep 60' &); echo $$ > main; sleep 60", timeout_s=1.0)
    await target.start(mine)
    await target.close()
    there = tmp_path / "there" / mine.id
    while not (there / "exit").read_text().strip():
        await asyncio.sleep(0.05)
    while start_of(int((tmp_path / "daemon").read_text())) is not None:
        await asyncio.sleep(0.05)
    assert start_of(int((tmp_path / "main").read_text())) is None
    found = await make_target().wait(mine)
    assert (found.state, found.timed_out) == ("ended", True)


async def test_what_is_stopped_is_stopped_with_all_it_started(target: SshTarget, job: MakeJob, tmp_path: Path) -> None:
    mine = job("(setsid bash -c 'echo $$ > daemon; sleep 60' &); sleep 60")
    await target.start(mine)
    waiting = asyncio.create_task(target.wait(mine))
    while not (tmp_path / "daemon").exists():
        await asyncio.sleep(0.01)
    await target.kill(mine)
    found = await waiting
    assert (found.state, found.sentence) == ("ended", "It was stopped by a person.")
    assert start_of(int((tmp_path / "daemon").read_text())) is None


async def test_a_daemon_does_not_hold_the_step_open_and_lives_on(target: SshTarget, job: MakeJob, tmp_path: Path) -> None:
    assert await carry_out(target, job("(setsid sleep 30 & echo $! > daemon); echo started")) == (0, "started\n")
    daemon = int((tmp_path / "daemon").read_text())
    assert start_of(daemon) is not None
    os.kill(daemon, signal.SIGKILL)


async def test_what_killed_its_wrapper_is_waited_for_and_its_status_is_lost(
    target: SshTarget, job: MakeJob, tmp_path: Path
) -> None:
    mine = job("kill -9 $PPID; sleep 0.8; echo end >> marks")
    await target.start(mine)
    found = await target.wait(mine)
    assert (found.state, found.sentence) == ("lost", "Nobody saw how it ended: its wrapper was killed.")
    assert (tmp_path / "marks").read_text() == "end\n"


@pytest.mark.slow
async def test_two_gigabytes_of_output_fill_neither_disk(target: SshTarget, job: MakeJob, tmp_path: Path) -> None:
    mine = job("echo first; head -c 2000000000 /dev/zero | tr '\\0' a; echo; echo last", output_bytes=1_000_000)
    there, most = tmp_path / "there" / mine.id / "output", 0
    await target.start(mine)
    waiting = asyncio.create_task(target.wait(mine))
    while not waiting.done():
        most = max(most, there.stat().st_blocks * 512)
        await asyncio.sleep(0.02)
    assert (await waiting).exit_status == 0
    assert there.stat().st_size > 2_000_000_000
    assert most < 1_500_000_000
    assert (mine.folder / "output").stat().st_blocks * 512 < 30_000_000
    kept = target.read_output(mine)
    assert kept.startswith("first\n")
    assert kept.endswith("last\n")
    assert len(kept) < 1_100_000


async def test_a_flood_is_stopped(make_target: MakeTarget, job: MakeJob) -> None:
    target = make_target(flood_bytes=5_000_000)
    mine = job("echo first; yes 'a long line of nothing at all'", output_bytes=1000)
    await target.start(mine)
    found = await target.wait(mine)
    assert (found.state, found.sentence) == ("ended", "It printed more than can be kept and was stopped.")
    assert target.read_output(mine).startswith("first\n")


async def test_a_place_made_anew_proves_nothing(target: SshTarget, job: MakeJob, tmp_path: Path) -> None:
    mine = job("sleep 0.1")
    await target.start(mine)
    await target.wait(mine)
    (tmp_path / "there").rename(tmp_path / "gone")
    found = await target.find(mine)
    assert found.state == "lost"
    assert "made anew" in found.sentence


async def test_an_unknown_host_is_refused_with_what_to_do(make_target: MakeTarget, job: MakeJob, tmp_path: Path) -> None:
    target = make_target(known_hosts=str(tmp_path / "none"))
    with pytest.raises(Permanent, match=r"is not known.*It showed SHA256:") as refused:
        await target.start(job("touch began"))
    assert "ssh-keyscan -p" in str(refused.value.hint)
    assert not (tmp_path / "began").exists()


async def test_a_host_with_another_key_is_refused(make_target: MakeTarget, job: MakeJob, tmp_path: Path, sshd: Sshd) -> None:
    (tmp_path / "known").write_text(f"[127.0.0.1]:{sshd.port} {make_key(tmp_path / 'other')}\n")
    with pytest.raises(Permanent, match="another key than"):
        await make_target(known_hosts=str(tmp_path / "known")).start(job("true"))


async def test_a_key_that_nobody_knows_is_refused_without_asking(make_target: MakeTarget, job: MakeJob, tmp_path: Path) -> None:
    make_key(tmp_path / "stranger")
    with pytest.raises(Permanent, match="lets nobody in"):
        await make_target(key=str(tmp_path / "stranger")).start(job("true"))


async def test_a_host_that_hangs_or_is_away_is_said_to_be(make_target: MakeTarget, job: MakeJob) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        with pytest.raises(Transient, match=r"nothing came within 0\.5 s"):
            await make_target(port=port, connect_timeout="500ms").start(job("true"))
    with pytest.raises(Transient, match="Connection refused"):
        await make_target(port=port).start(job("true", "1.2.1"))


async def test_a_connection_that_hangs_is_given_up_for_a_new_one(
    target: SshTarget, job: MakeJob, sshd: Sshd, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(remote, "SILENCE_S", 1.0)
    mine = job("echo one; until [ -e go ]; do sleep 0.05; done; echo two; exit 4")
    await target.start(mine)
    hanging = sshd.sessions()
    for process in hanging:
        process.suspend()
    try:
        (mine.folder.parents[1] / "go").touch()
        assert (await target.wait(mine)).exit_status == 4
        assert target.read_output(mine) == "one\ntwo\n"
    finally:
        for process in hanging:
            process.kill()


async def test_a_host_that_goes_away_for_good_leaves_it_lost(
    tmp_path: Path, make_target: MakeTarget, job: MakeJob, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(remote, "PATIENCE_S", 1.0)
    server = start_sshd(tmp_path / "other")
    target = make_target(server)
    mine = job("sleep 0.5", timeout_s=1.0)
    await target.start(mine)
    server.close()
    found = await target.wait(mine)
    assert found.state == "lost"
    assert "does not answer" in found.sentence
    assert (await target.find(mine)).state == "lost"


async def test_a_host_behind_another_is_reached_through_it(
    tmp_path: Path, make_target: MakeTarget, job: MakeJob, sshd: Sshd
) -> None:
    inner = start_sshd(tmp_path / "inner")
    try:
        known = (inner.folder / "known_hosts").read_text() + (sshd.folder / "known_hosts").read_text()
        (tmp_path / "known").write_text(known)
        with (sshd.folder / "authorized_keys").open("a") as keys:
            keys.write((inner.folder / "user_key.pub").read_text())
        target = make_target(inner, jump=f"127.0.0.1:{sshd.port}", known_hosts=str(tmp_path / "known"))
        assert await carry_out(target, job("echo $SSH_CONNECTION; echo through")) == (0, "\nthrough\n")
        assert sshd.sessions()
        await target.close()
    finally:
        inner.close()


async def test_the_runbooks_words_mean_there_what_the_estate_says(make_target: MakeTarget, job: MakeJob, tmp_path: Path) -> None:
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "kubectl").write_text('#!/bin/sh\necho kubectl "$@"\n')
    (tmp_path / "bin" / "kubectl").chmod(0o755)
    target = make_target(words={"kubectl": "kubectl --context prod"}, path=(tmp_path / "bin",))
    assert await carry_out(target, job("kubectl get pods")) == (0, "kubectl --context prod get pods\n")


async def test_a_folder_that_cannot_be_written_is_said(make_target: MakeTarget, job: MakeJob) -> None:
    with pytest.raises(Permanent, match="no folder there, for /proc/nowhere"):
        await make_target(folder="/proc/nowhere").start(job("true"))


async def test_the_doctor_hears_whether_it_works(make_target: MakeTarget, tmp_path: Path) -> None:
    assert await make_target().examine() == f"Commands run as jobs below {tmp_path}/there on {make_target()._line.name}."
