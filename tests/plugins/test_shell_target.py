"""The shell as a target: what scripts get, what stops them, what is found of them later."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest
from tests.conftest import need

from watchkeeper.base.errors import Permanent
from watchkeeper.demo.servers import Servers
from watchkeeper.estate.model import Estate, TargetConfig
from watchkeeper.plugins.shell.processes import boot_id, marked, start_of
from watchkeeper.plugins.shell.target import ShellTarget
from watchkeeper.plugins.shell.wrapper import WRAPPER
from watchkeeper.run.target import Found, Job


@pytest.fixture
def target(tmp_path: Path) -> ShellTarget:
    return target_in(tmp_path)


def target_in(folder: Path, **values: object) -> ShellTarget:
    config = TargetConfig("local", "shell", 1, folder, **values)  # type: ignore[arg-type]
    return ShellTarget(config, Estate(folder / "watchkeeper.toml", "shop", folder / "runbook.md"))


@pytest.fixture
def job(tmp_path: Path) -> Callable[..., Job]:
    def make(script: str, name: str = "run-1.1.1.1", language: str = "bash", **values: object) -> Job:
        return Job(name, script, language, tmp_path / "jobs" / name, **values)  # type: ignore[arg-type]

    return make


async def carry_out(target: ShellTarget, job: Job) -> tuple[int | None, str]:
    await target.start(job)
    found = await target.wait(job)
    assert found.state == "ended", found
    return found.exit_status, target.read_output(job)


@pytest.mark.parametrize(
    ("script", "status", "output"),
    [
        ("echo one; echo two >&2; exit 3", 3, "one\ntwo\n"),
        ("cat; echo read nothing", 0, "read nothing\n"),
        ("test -t 0 || test -t 1 || echo no terminal", 0, "no terminal\n"),
        ("false | true", 1, ""),
        ("pwd", 0, "{folder}\n"),
        ("echo $TERM $LANG", 0, "dumb C.UTF-8\n"),
        ('echo "$NAME"', 0, "it's $(touch pwned) -rf\n"),
        ("echo 'quotes'\ncat <<EOF\nlines\nEOF", 0, "quotes\nlines\n"),
        ("no-such-program-here", 127, None),
        ("kill -TERM $$", 143, "Terminated\n"),
    ],
)
async def test_a_script_gets_what_it_needs_and_no_more(
    target: ShellTarget, job: Callable[..., Job], tmp_path: Path, script: str, status: int, output: str | None
) -> None:
    found = await carry_out(target, job(script, variables={"NAME": "it's $(touch pwned) -rf"}))
    assert found[0] == status
    if output is not None:
        assert found[1] == output.format(folder=tmp_path)
    assert not (tmp_path / "pwned").exists()


async def test_the_environment_is_minimal(target: ShellTarget, job: Callable[..., Job], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OUR_OWN_TOKEN", "do not show")
    _, output = await carry_out(target, job("env"))
    names = {line.split("=")[0] for line in output.splitlines()}
    assert "OUR_OWN_TOKEN" not in names
    assert names <= {
        "HOME",
        "USER",
        "LOGNAME",
        "TZ",
        "TMPDIR",
        "PATH",
        "LANG",
        "TERM",
        "PWD",
        "OLDPWD",
        "SHLVL",
        "_",
        "WATCHKEEPER_JOB",
    }


async def test_the_estates_folders_come_first_in_path(tmp_path: Path, job: Callable[..., Job]) -> None:
    (tmp_path / "bin").mkdir()
    tool = tmp_path / "bin" / "shopctl"
    tool.write_text("#!/bin/sh\necho shopctl $1\n")
    tool.chmod(0o755)
    assert await carry_out(target_in(tmp_path, path=(tmp_path / "bin",)), job("shopctl status")) == (0, "shopctl status\n")


async def test_a_missing_directory_is_a_failure_with_words(tmp_path: Path, job: Callable[..., Job]) -> None:
    status, output = await carry_out(target_in(tmp_path / "gone"), job("true"))
    assert status == 126
    assert "gone" in output


async def test_what_never_ends_is_stopped_with_its_children(target: ShellTarget, job: Callable[..., Job], tmp_path: Path) -> None:
    endless = job("(trap '' TERM; echo $BASHPID > child; sleep 60) & sleep 60", timeout_s=0.4)
    await target.start(endless)
    found = await target.wait(endless)
    assert (found.state, found.timed_out) == ("ended", True)
    child = int((tmp_path / "child").read_text())
    assert start_of(child) is None


async def test_what_floods_is_stopped_and_its_head_and_tail_kept(tmp_path: Path, job: Callable[..., Job]) -> None:
    flooding = job("echo first; yes 'a long line of nothing at all'", output_bytes=1000)
    target = target_in(tmp_path, options={"flood_bytes": 3_000_000})
    await target.start(flooding)
    found = await target.wait(flooding)
    assert (found.state, found.timed_out, found.sentence) == ("ended", False, "It printed more than can be kept and was stopped.")
    output = target.read_output(flooding)
    assert len(output) < 1200
    assert output.startswith("first\n")
    assert "bytes left out" in output
    assert "nothing at all" in output[-120:]


async def test_a_daemon_does_not_hold_the_step_open(target: ShellTarget, job: Callable[..., Job], tmp_path: Path) -> None:
    status, output = await carry_out(target, job("sleep 30 & echo $! > daemon; echo started"))
    assert (status, output) == (0, "started\n")
    daemon = int((tmp_path / "daemon").read_text())
    assert start_of(daemon) is not None, "the step waited until the daemon had ended"
    os.kill(daemon, signal.SIGKILL)


async def test_output_is_shown_as_it_comes(target: ShellTarget, job: Callable[..., Job]) -> None:
    pieces: list[str] = []
    slow = job("echo one; sleep 0.4; echo two")
    await target.start(slow)
    await target.wait(slow, pieces.append)
    assert pieces == ["one\n", "two\n"]


async def test_files_are_for_us_alone(target: ShellTarget, job: Callable[..., Job]) -> None:
    mine = job("true")
    await carry_out(target, mine)
    assert mine.folder.stat().st_mode & 0o777 == 0o700
    assert {path.stat().st_mode & 0o077 for path in mine.folder.iterdir() if path.name in ("script", "output")} == {0}


async def test_a_successor_finds_what_runs_and_how_it_ended(target: ShellTarget, job: Callable[..., Job], tmp_path: Path) -> None:
    begun = job("sleep 0.4; exit 5")
    await target.start(begun)
    successor = target_in(tmp_path)
    while not (begun.folder / "pid.0").exists():
        await asyncio.sleep(0.001)
    assert (await successor.find(begun)).state == "running"
    assert (await successor.wait(begun)).exit_status == 5
    assert (await successor.find(begun)).exit_status == 5


async def test_what_is_proved_not_to_have_begun_cannot_begin_any_more(
    target: ShellTarget, job: Callable[..., Job], tmp_path: Path
) -> None:
    late = job("touch began")
    assert (await target.find(late)).state == "never-begun"
    assert (await target.find(late)).state == "never-begun"
    # a predecessor's wrapper that was slow to get going comes with the number of the first claim
    arguments = ["sh", "-c", WRAPPER, "job", str(late.folder), "0", str(tmp_path), "", boot_id(), "touch", "began"]
    process = await asyncio.create_subprocess_exec(*arguments, stderr=asyncio.subprocess.DEVNULL)
    assert await process.wait() == 125
    assert not (tmp_path / "began").exists()


@pytest.mark.parametrize(
    ("boot", "sentence"),
    [
        (None, "Nobody saw how it ended: its wrapper was killed."),
        ("another", "Nobody saw how it ended: the machine restarted."),
    ],
)
async def test_a_wrapper_that_left_no_status_is_lost(
    target: ShellTarget, job: Callable[..., Job], boot: str | None, sentence: str
) -> None:
    lost = job("sleep 60")
    await target.start(lost)
    while not (lost.folder / "pid.0").exists():
        await asyncio.sleep(0.001)
    assert (await target.find(lost)).state == "running"
    claim = lost.folder / "pid.0"
    pid, start, own, _ = claim.read_text().split()
    os.killpg(int(pid), signal.SIGKILL)
    claim.write_text(f"{pid} {start} {boot or own} .\n")
    assert await target.wait(lost) == Found("lost", sentence=sentence)


async def test_a_torn_status_is_no_status(target: ShellTarget, job: Callable[..., Job]) -> None:
    torn = job("exit 0")
    await carry_out(target, torn)
    (torn.folder / "exit").write_text("0")
    assert (await target.find(torn)).state == "lost"


async def test_statements_go_to_the_client_that_the_target_names(tmp_path: Path, job: Callable[..., Job]) -> None:
    (tmp_path / "client").write_text('#!/bin/sh\necho "$@"\ncat\n')
    (tmp_path / "client").chmod(0o755)
    target = target_in(tmp_path, options={"psql": "psql -h /run/shop", "redis_cli": "./client -p 6400"}, path=(tmp_path,))
    (tmp_path / "psql").symlink_to(tmp_path / "client")
    assert await carry_out(target, job("SELECT '$HOME';", language="sql")) == (
        0,
        "-h /run/shop -X -v ON_ERROR_STOP=1\nSELECT '$HOME';\n",
    )
    assert await carry_out(target, job("LLEN orders", "run-1.2.1.1", language="redis")) == (0, "-p 6400\nLLEN orders\n")
    (tmp_path / "docker").symlink_to(tmp_path / "client")
    behind = target_in(tmp_path, options={"psql": "docker exec -i db psql -U shop"}, path=(tmp_path,))
    status, shown = await carry_out(behind, job("SELECT 1;", "run-1.3.1.1", language="sql", durable=False, timeout_s=7.0))
    assert (status, shown) == (
        0,
        "exec -i db psql -U shop -X -v ON_ERROR_STOP=1 -q --single-transaction -c SET TRANSACTION READ ONLY "
        "-c SET LOCAL statement_timeout = 7000 -f -\nSELECT 1;\n",
    )


async def test_sql_that_only_reads_cannot_write_and_ends(
    tmp_path: Path, job: Callable[..., Job], servers: Servers, postgres_dsn: str
) -> None:
    target = target_in(tmp_path, options={"psql": f"{servers.postgres / 'psql'} '{postgres_dsn}' -At"})
    made = await carry_out(target, job("CREATE TABLE t (n int);\nINSERT INTO t VALUES (1), (2);", language="sql"))
    assert made[0] == 0, made

    async def read(script: str, name: str, timeout_s: float = 30.0) -> tuple[int | None, str]:
        return await carry_out(target, job(script, name, "sql", durable=False, timeout_s=timeout_s))

    assert await read("SELECT count(*) FROM t;", "run-1.2.1.1") == (0, "2\n")
    status, said = await read("WITH gone AS (DELETE FROM t RETURNING n) SELECT count(*) FROM gone;", "run-1.3.1.1")
    assert status != 0
    assert "read-only transaction" in said
    status, said = await read("SELECT pg_sleep(60);", "run-1.5.1.1", 0.5)
    assert status != 0
    assert "statement timeout" in said or status in (137, 143)  # whichever clock came first
    assert await read("SELECT count(*) FROM t;", "run-1.6.1.1") == (0, "2\n")


async def test_python_runs_as_python(target: ShellTarget, job: Callable[..., Job]) -> None:
    assert await carry_out(target, job("print(6 * 7)", language="python")) == (0, "42\n")


@pytest.mark.slow
async def test_two_gigabytes_of_output_do_not_fill_the_disk(target: ShellTarget, job: Callable[..., Job]) -> None:
    large = job("echo first; head -c 2000000000 /dev/zero | tr '\\0' a; echo; echo last", output_bytes=1_000_000)
    output, most = large.folder / "output", 0
    await target.start(large)
    waiting = asyncio.create_task(target.wait(large))
    while not waiting.done():
        most = max(most, output.stat().st_blocks * 512)
        await asyncio.sleep(0.005)
    found = await waiting
    assert (found.state, found.exit_status) == ("ended", 0)
    assert output.stat().st_size > 2_000_000_000
    assert most < 300_000_000
    assert output.stat().st_blocks * 512 < 20_000_000
    kept = target.read_output(large)
    assert len(kept) < 1_100_000
    assert kept.startswith("first\n")
    assert kept.endswith("last\n")


@pytest.mark.parametrize("how", ["timeout", "cancelled"])
async def test_what_daemonised_is_ended_with_the_rest(
    target: ShellTarget, job: Callable[..., Job], tmp_path: Path, how: str
) -> None:
    # twice forked, in a session of its own, its parent gone: only its environment still says whose it is
    script = "(setsid bash -c 'echo $$ > daemon; exec sleep 60' &); sleep 60"
    leaving = job(script, timeout_s=0.6 if how == "timeout" else 60.0)
    await target.start(leaving)
    waiting = asyncio.create_task(target.wait(leaving))
    while not (tmp_path / "daemon").exists() or not (tmp_path / "daemon").read_text():
        await asyncio.sleep(0.01)
    daemon = int((tmp_path / "daemon").read_text())
    assert os.getsid(daemon) == daemon
    assert daemon not in {
        p.pid for p in psutil.Process(int((leaving.folder / "pid.0").read_text().split()[0])).children(recursive=True)
    }
    if how == "cancelled":
        await target.kill(leaving)
    found = await waiting
    assert (found.state, found.timed_out) == ("ended", how == "timeout")
    assert start_of(daemon) is None


async def test_what_killed_its_wrapper_is_waited_for_and_its_status_is_lost(
    target: ShellTarget, job: Callable[..., Job], tmp_path: Path
) -> None:
    orphan = job("kill -9 $PPID; echo $$ > alone; sleep 0.6; echo end >> marks")
    await target.start(orphan)
    while not (tmp_path / "alone").exists():
        await asyncio.sleep(0.01)
    successor = target_in(tmp_path)
    assert (await successor.find(orphan)).state == "running"
    found = await target.wait(orphan)
    assert (found.state, found.sentence) == ("lost", "Nobody saw how it ended: its wrapper was killed.")
    assert (tmp_path / "marks").read_text() == "end\n"


async def test_what_killed_its_wrapper_keeps_to_its_time_limit(
    target: ShellTarget, job: Callable[..., Job], tmp_path: Path
) -> None:
    orphan = job("kill -9 $PPID; echo $$ > alone; sleep 60", timeout_s=0.5)
    await target.start(orphan)
    found = await target.wait(orphan)
    assert (found.state, found.timed_out) == ("ended", True)
    assert start_of(int((tmp_path / "alone").read_text())) is None


async def test_a_wrapper_that_was_killed_before_we_looked_at_it_is_outlasted_all_the_same(
    target: ShellTarget, job: Callable[..., Job], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks: list[int] = []

    def late(pid: int) -> int | None:
        looks.append(pid)
        while len(looks) == 1 and (not (tmp_path / "alone").exists() or start_of(pid) is not None):
            time.sleep(0.01)
        return start_of(pid)

    monkeypatch.setattr("watchkeeper.plugins.shell.target.start_of", late)
    orphan = job("kill -9 $PPID; echo $$ > alone; sleep 60", timeout_s=0.5)
    await target.start(orphan)
    found = await target.wait(orphan)
    assert (found.state, found.timed_out) == ("ended", True)
    assert start_of(int((tmp_path / "alone").read_text())) is None


def test_a_process_that_execs_again_and_again_is_seen(tmp_path: Path) -> None:
    again = tmp_path / "again"
    again.write_text('n=$(($1+1)); [ $n -lt 400 ] && exec bash "$0" $n\n')
    with subprocess.Popen(["bash", str(again), "0"], env={"WK_TEST_MARK": "here", "PATH": os.environ["PATH"]}) as process:
        looks = []
        while process.poll() is None:
            looks.append(bool(marked("WK_TEST_MARK", "here")))
    # at its end it has let go of its memory already, and is no zombie yet for as long as the machine is busy with others
    while looks and not looks[-1]:
        looks.pop()
    assert len(looks) > 3
    assert all(looks)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    need(os.geteuid() == 0, "root, to mount a small disk")
    disk = tmp_path / "disk"
    disk.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=256k", "watchkeeper-test", disk], check=True)
    yield disk
    subprocess.run(["umount", disk], check=True)


async def test_a_full_disk_keeps_no_status_from_being_seen(tmp_path: Path, small_disk: Path) -> None:
    target = target_in(tmp_path)
    filling = Job("run-1.1.1.1", f"cat /dev/zero > {small_disk}/all; exit 7", "bash", small_disk / "jobs" / "run-1.1.1.1")
    await target.start(filling)
    assert await target.wait(filling) == Found("ended", 7, sentence="It ended with status 7.")
    assert os.statvfs(small_disk).f_bavail == 0
    with pytest.raises(Permanent, match="could not be started: No space left on device"):
        await target.start(Job("run-1.1.2.1", "true", "bash", small_disk / "jobs" / "run-1.1.2.1"))


@pytest.fixture
def open_folder(tmp_path: Path) -> Iterator[Path]:
    """A folder that any user may enter, as the parents of tmp_path are not."""
    need(os.geteuid() == 0 and shutil.which("sudo") is not None, "sudo, and root to use it without a password")
    folder = Path(tempfile.mkdtemp(dir="/tmp"))
    folder.chmod(0o777)
    yield folder
    shutil.rmtree(folder)


async def test_another_user_runs_it_and_gets_values_that_no_list_of_processes_shows(
    open_folder: Path, job: Callable[..., Job]
) -> None:
    target = target_in(open_folder, options={"become": "nobody"})
    script = 'id -un; echo "$TOKEN" | wc -c; cat; ps -eo args | grep -c "tk-[0]123" || true'
    status, output = await carry_out(target, job(script, variables={"TOKEN": "tk-0123456789 it's $(id)"}))
    assert (status, output) == (0, "nobody\n25\n0\n")
    assert await carry_out(target, job("print('six')", "run-1.1.2.1", "python")) == (0, "six\n")


async def test_what_another_user_runs_is_ended_too(open_folder: Path, job: Callable[..., Job]) -> None:
    target = target_in(open_folder, options={"become": "nobody"})
    endless = job("(setsid bash -c 'echo $$ > daemon; sleep 60' &); sleep 60", timeout_s=0.8)
    await target.start(endless)
    found = await target.wait(endless)
    assert (found.state, found.timed_out) == ("ended", True)
    assert start_of(int((open_folder / "daemon").read_text())) is None


@pytest.fixture
def tools(tmp_path: Path) -> Callable[..., Path]:
    """Programs that say their name and words."""

    def make(*names: str) -> Path:
        folder = tmp_path / "tools"
        folder.mkdir(exist_ok=True)
        for name in names:
            (folder / name).write_text(f'#!/bin/sh\n[ "$1 $2" != "compose version" ] || exit 1\necho {name} "$@"\n')
            (folder / name).chmod(0o755)
        return folder

    return make


@pytest.mark.parametrize(
    ("installed", "script", "output"),
    [
        (("docker-compose", "docker"), "docker compose up -d 'web one'", "docker-compose up -d web one\n"),
        (("docker-compose", "docker"), "docker-compose ps", "docker-compose ps\n"),
        (("docker-compose", "docker"), "docker ps", "docker ps\n"),
        (("kubectl",), "kubectl get pods", "kubectl --context prod -n shop get pods\n"),
        (("kubectl",), "kubectl get pods -n other | cat", "kubectl --context prod -n shop get pods -n other\n"),
        (("kubectl", "sudo"), "sudo -u kubectl X=1 kubectl get pods", "sudo -u kubectl X=1 {words}/kubectl get pods\n"),
        (("sudo",), "sudo ls", "sudo ls\n"),
    ],
)
async def test_the_runbooks_words_mean_what_the_estate_says(
    tmp_path: Path,
    job: Callable[..., Job],
    tools: Callable[..., Path],
    installed: tuple[str, ...],
    script: str,
    output: str,
) -> None:
    target = target_in(tmp_path, words={"kubectl": "kubectl --context prod -n shop"}, path=(tools(*installed),))
    mine = job(script)
    assert await carry_out(target, mine) == (0, output.format(words=mine.folder / "words"))
    assert (mine.folder / "script").read_text() == script + "\n"


async def test_a_sudo_that_the_estate_names_is_run_in_the_place_of_ours(
    tmp_path: Path, job: Callable[..., Job], tools: Callable[..., Path]
) -> None:
    target = target_in(tmp_path, words={"sudo": "on-node sudo", "df": "on-node df"}, path=(tools("on-node", "sudo"),))
    assert await carry_out(target, job("sudo df -h")) == (0, "on-node sudo df -h\n")


async def test_docker_compose_means_the_plugin_where_only_that_is_installed(
    tmp_path: Path, job: Callable[..., Job], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "tools"
    folder.mkdir()
    (folder / "docker").write_text('#!/bin/sh\necho docker "$@"\n')
    (folder / "docker").chmod(0o755)
    for name in ("bash", "sh", "sync"):
        (folder / name).symlink_to(f"/bin/{name}")
    monkeypatch.setenv("PATH", str(folder))
    assert await carry_out(target_in(tmp_path), job("docker-compose restart web")) == (0, "docker compose restart web\n")
    assert await carry_out(target_in(tmp_path), job("docker compose ps", "run-1.1.2.1")) == (0, "docker compose ps\n")


@pytest.mark.slow
async def test_the_time_limit_is_kept_when_nobody_of_us_lives(tmp_path: Path, job: Callable[..., Job]) -> None:
    lasting = job("(setsid bash -c 'trap \"\" TERM; echo $$ > daemon; sleep 60' &); sleep 60", timeout_s=3.0)
    program = (
        "import asyncio, sys; from pathlib import Path; from watchkeeper.run.target import Job;"
        "from watchkeeper.estate.model import Estate, TargetConfig; from watchkeeper.plugins.shell.target import ShellTarget;"
        "here, script, job_id, folder = Path(sys.argv[1]), sys.argv[2], sys.argv[3], Path(sys.argv[4]);"
        "target = ShellTarget(TargetConfig('local', 'shell', 1, here), Estate(here / 'w', 'shop', here / 'r'));"
        "job = Job(job_id, script, 'bash', folder, timeout_s=3.0);"
        "asyncio.run(target.start(job)); asyncio.run(target.wait(job))"
    )
    words = [sys.executable, "-c", program, str(tmp_path), lasting.script, lasting.id, str(lasting.folder)]
    worker = await asyncio.create_subprocess_exec(*words)
    while not (lasting.folder / "guard").exists():
        await asyncio.sleep(0.02)
    worker.kill()
    await worker.wait()
    while not (lasting.folder / "exit").exists() or not (lasting.folder / "exit").read_text().strip():
        await asyncio.sleep(0.05)
    daemon = int((tmp_path / "daemon").read_text())
    while start_of(daemon) is not None:
        await asyncio.sleep(0.05)
    found = await target_in(tmp_path).find(lasting)
    assert (found.state, found.timed_out) == ("ended", True)
