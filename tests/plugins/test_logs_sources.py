"""Logs of systemd's journal, of containers of a real engine, and of a real nginx."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import subprocess
import time
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientSession, web
from tests.conftest import need
from tests.plugins.conftest import free_port, wait_for
from tests.plugins.dockerd import IMAGE, Dockerd

from watchkeeper.plugins.logs.journal import JournalSource
from watchkeeper.watch.probe import Probe

Make = Callable[..., Probe]
JOURNAL_REMOTE = shutil.which("systemd-journal-remote", path="/lib/systemd:/usr/lib/systemd")
NGINX = shutil.which("nginx") or shutil.which("/usr/sbin/nginx")


class Journal:
    """A folder of journal files, written by systemd's own program from entries in its exchange format."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._boot = uuid.uuid4().hex
        self._machine = uuid.uuid4().hex
        self._written = 0

    def write(self, *entries: dict[str, str]) -> None:
        text = b""
        for entry in entries:
            self._written += 1
            fields = {
                "__REALTIME_TIMESTAMP": str(time.time_ns() // 1_000 + self._written),
                "__MONOTONIC_TIMESTAMP": str(1_000_000 + self._written),
                "_BOOT_ID": self._boot,
                "_MACHINE_ID": self._machine,
                **entry,
            }
            for name, value in fields.items():
                if "\n" in value:
                    text += name.encode() + b"\n" + len(value.encode()).to_bytes(8, "little") + value.encode() + b"\n"
                else:
                    text += f"{name}={value}\n".encode()
            text += b"\n"
        assert JOURNAL_REMOTE
        command = [JOURNAL_REMOTE, f"--output={self.folder / 'remote.journal'}", "--compress=no", "-"]
        subprocess.run(command, input=text, check=True, stderr=subprocess.PIPE)


@pytest.fixture
def journal(tmp_path: Path) -> Journal:
    need(JOURNAL_REMOTE is not None and shutil.which("journalctl") is not None, "systemd-journal-remote and journalctl")
    (tmp_path / "journal").mkdir()
    return Journal(tmp_path / "journal")


def sshd_entry(message: str) -> dict[str, str]:
    return {"MESSAGE": message, "PRIORITY": "6", "SYSLOG_IDENTIFIER": "sshd", "_PID": "77", "_SYSTEMD_UNIT": "ssh.service"}


async def test_the_journal_is_read_on_from_its_end(probe: Make, journal: Journal) -> None:
    journal.write({"MESSAGE": "from before", "PRIORITY": "3"})
    made = probe("logs", journal=True, journal_directory="journal", logins=True, patterns={"oom": "Out of memory"})
    first = await made.look()
    journal.write(
        {"MESSAGE": "Out of memory: Killed process 12 (python)", "PRIORITY": "3", "SYSLOG_IDENTIFIER": "kernel"},
        {"MESSAGE": "level=error msg=x", "PRIORITY": "6", "SYSLOG_IDENTIFIER": "shop"},
        {"MESSAGE": "well\nERROR in the second line", "PRIORITY": "6", "SYSLOG_IDENTIFIER": "shop"},
        sshd_entry("Failed password for root from 192.0.2.7 port 4711 ssh2"),
    )
    second = await made.look()
    third = await made.look()
    assert first.values == {"up": 1.0}
    assert (second.values["errors"], second.values["oom"], second.values["failed_logins"]) == (3.0, 1.0, 1.0)
    assert second.values["lines_per_minute"] == 5 * 4
    # the window holds what was read; nothing is read twice
    assert third.values["errors"] == 3.0


async def test_the_journal_of_some_units(probe: Make, journal: Journal) -> None:
    made = probe("logs", journal=["shop.service"], journal_directory="journal")
    journal.write({"MESSAGE": "ERROR a", "_SYSTEMD_UNIT": "shop.service"})
    await made.look()
    journal.write(
        {"MESSAGE": "ERROR b", "_SYSTEMD_UNIT": "shop.service"}, {"MESSAGE": "ERROR c", "_SYSTEMD_UNIT": "other.service"}
    )
    assert (await made.look()).values["errors"] == 1.0


async def test_a_journal_that_is_flooded_goes_on_at_its_end(probe: Make, journal: Journal) -> None:
    journal.write({"MESSAGE": "from before"})
    made = probe("logs", journal=True, journal_directory="journal", max_bytes=30_000)
    await made.look()
    journal.write(*({"MESSAGE": f"ERROR {n} {'x' * 300}", "PRIORITY": "6"} for n in range(500)))
    flooded = await made.look()
    journal.write({"MESSAGE": "the end"})
    after = await made.look()
    assert "the rest was passed over, and the counts are projected" in flooded.detail
    assert flooded.values["errors"] > 30
    assert "passed over" not in after.detail


async def test_a_journal_that_is_not_there_was_not_looked_at(
    probe: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    need(shutil.which("journalctl") is not None, "journalctl")
    look = await probe("logs", journal=True, journal_directory="none").look()
    assert (look.values, "journalctl says" in str(look.problem)) == ({}, True)
    (tmp_path / "journalctl").write_text("#!/bin/sh\nexec sleep 60\n")
    (tmp_path / "journalctl").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    hangs = await probe("logs", journal=True, timeout_s=0.2).look()
    assert hangs.problem == "journalctl printed nothing in time"
    hint = "Hint: You are currently not seeing messages from other users and the system."
    (tmp_path / "journalctl").write_text(f"#!/bin/sh\necho '{hint}' >&2\necho '{{}}'\n")
    part = await probe("logs", journal=True).look()
    assert "may read a part of the journal alone" in str(part.problem)
    monkeypatch.setenv("PATH", str(tmp_path / "empty"))
    none = await probe("logs", journal=True).look()
    assert none.problem == "journalctl cannot be run: No such file or directory"


async def test_entries_that_are_no_text_and_lines_that_are_no_entries(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    entries = [
        {"__CURSOR": "s=1;i=2", "MESSAGE": [69, 82, 82, 79, 82, 255], "PRIORITY": "9"},
        {"__CURSOR": "s=1;i=3", "MESSAGE": None, "PRIORITY": 3, "__REALTIME_TIMESTAMP": "x"},
        {"__CURSOR": "s=1;i=4", "MESSAGE": ["two", "values"]},
        ["no entry"],
    ]
    printed = "\n".join([*(json.dumps(entry) for entry in entries), "{", "[" * 5_000])
    (tmp_path / "printed").write_text(printed)
    (tmp_path / "journalctl").write_text(f'#!/bin/sh\necho "$@" >> {tmp_path}/asked\ncat {tmp_path}/printed\n')
    (tmp_path / "journalctl").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    found: list[str] = []
    source = JournalSource((), None)
    for _ in range(2):
        await source.read(lambda _tally, line, _level: found.append(line), 100_000, time.monotonic() + 5)
    assert found == ["?: ERROR\ufffd", "?: ", "?: two"]
    assert "--after-cursor=s=1;i=4" in (tmp_path / "asked").read_text()


@pytest.mark.parametrize("terminal", [False, True], ids=["framed", "terminal"])
async def test_containers_of_a_real_engine(probe: Make, engine: Dockerd, terminal: bool) -> None:
    name = "shop-terminal" if terminal else "shop"
    script = "echo ERROR from before; while read line; do echo $line; echo WARN on the other stream >&2; done; sleep 60"
    flags = ["-dit" if terminal else "-di", "--network", "none", "--name", name]
    engine.docker("run", *flags, IMAGE, "/bin/sh", "-c", f"mkfifo /tmp/in; ({script}) < /tmp/in & exec 3>/tmp/in; wait")
    made = probe("logs", containers=[name], docker_host=engine.host)
    await _printed(engine, name, 1)
    assert (await made.look()).values == {"up": 1.0}
    engine.docker("exec", name, "/bin/sh", "-c", "echo 'ERROR no answer' > /tmp/in; echo fine > /tmp/in")
    await _printed(engine, name, 5)
    look, again = await made.look(), await made.look()
    assert (look.values["errors"], look.values["warnings_per_minute"], look.values["lines_per_minute"]) == (1.0, 8.0, 16.0)
    assert again.values["errors"] == 1.0
    gone = await probe("logs", containers=["none"], docker_host=engine.host).look()
    assert gone.problem == "the engine has no container named none"


async def _printed(engine: Dockerd, name: str, lines: int) -> None:
    """Wait until the engine has so many lines of a container, of both streams."""
    for _ in range(100):
        done = subprocess.run(["docker", "logs", name], capture_output=True, env=engine.environment, check=True)
        if done.stdout.count(b"\n") + done.stderr.count(b"\n") >= lines:
            return
        await asyncio.sleep(0.05)
    raise AssertionError(f"{name} printed {done.stdout!r} and {done.stderr!r}")


async def test_an_engine_that_is_away_hangs_or_refuses_was_not_looked_at(probe: Make, tmp_path: Path, site: Any) -> None:
    async def answer(request: web.Request) -> web.StreamResponse:
        if request.path.endswith("/json") and "hang" not in request.path:
            return web.json_response({"Config": {"Tty": False}} if "odd" not in request.path else ["nothing"])
        if "hang" in request.path:
            await asyncio.sleep(5)
        if "odd" in request.path:
            return web.Response(body=b"\x01\x00\x00\x00\xff\xff\xff\xff no stamp\n" + b"\x00" * 5)
        return web.json_response({"message": "configured logging driver does not support reading"}, status=500)

    host = (await site(answer)).replace("http://", "tcp://")
    away = await probe("logs", containers=["shop"], docker_host=f"unix://{tmp_path}/none.sock").look()
    refused = await probe("logs", containers=["shop"], docker_host=host).look()
    hangs = await probe("logs", containers=["hang"], docker_host=host, timeout_s=0.2).look()
    odd = probe("logs", containers=["odd"], docker_host=host)
    assert (await odd.look()).values == {"up": 1.0}
    assert (await odd.look()).values["lines_per_minute"] == 0.0
    assert str(away.problem).startswith("the engine cannot be asked")
    assert "does not support reading" in str(refused.problem)
    assert hangs.problem == "the engine did not answer in time"


async def test_the_access_log_of_a_real_nginx(probe: Make, tmp_path: Path) -> None:
    need(NGINX is not None, "nginx")
    port = free_port()
    log = tmp_path / "access.log"
    (tmp_path / "nginx.conf").write_text(
        f"""
        daemon off; {"user root;" if os.geteuid() == 0 else ""} pid {tmp_path}/pid; error_log {tmp_path}/error.log; events {{}}
        http {{
          log_format timed '$remote_addr - $remote_user [$time_local] "$request" $status $body_bytes_sent '
                           '"$http_referer" "$http_user_agent" $request_time $upstream_cache_status';
          access_log {log} timed;
          client_body_temp_path {tmp_path}/b; proxy_temp_path {tmp_path}/p; fastcgi_temp_path {tmp_path}/f;
          uwsgi_temp_path {tmp_path}/u; scgi_temp_path {tmp_path}/s;
          proxy_cache_path {tmp_path}/cache keys_zone=shop:1m;
          server {{ listen 127.0.0.1:{port}; proxy_cache shop; proxy_cache_valid 200 1m;
            location = /up {{ return 200 well; }}
            location = /broken {{ return 503; }}
            location = /cached {{ proxy_pass http://127.0.0.1:{port}/up; }}
          }}
        }}
        """
    )
    with subprocess.Popen([str(NGINX), "-c", tmp_path / "nginx.conf"], stderr=subprocess.DEVNULL) as server:
        try:
            wait_for(port)
            made = probe("access_log", files="access.log")
            await made.look()
            async with ClientSession() as session:
                for path in ("up", "broken", "none", "cached", "cached", "cached", 'up?q="502'):
                    async with session.get(f"http://127.0.0.1:{port}/{path}", headers={"User-Agent": 'x" 500 MISS'}) as answer:
                        await answer.read()
            for _ in range(100):
                if log.read_text().count("\n") >= 8:
                    break
                await asyncio.sleep(0.02)
            look = await made.look()
        finally:
            server.terminate()
    # seven asked, and one that nginx asked itself
    assert look.values["requests_per_minute"] == 8 * 4
    assert look.values["status_5xx_percent"] == pytest.approx(100 / 8)
    assert look.values["status_4xx_percent"] == pytest.approx(100 / 8)
    assert look.values["cache_hit_percent"] == pytest.approx(100 * 2 / 3)
    assert 0.0 <= look.values["latency_p95_seconds"] < 60.0
