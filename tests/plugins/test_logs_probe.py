"""What the logs probe reads of files that are written, renamed, cut, flooded and taken away, and what it makes of the lines."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import threading
import time
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import asyncssh
import pytest
from tests.conftest import need
from tests.plugins.sshd import SSHD, start_sshd

from watchkeeper.base.errors import ConfigError
from watchkeeper.base.secrets import Secret
from watchkeeper.estate.model import Estate, Variable
from watchkeeper.plugins.logs.files import FilesSource
from watchkeeper.plugins.logs.lines import CRITICAL, ERROR, INFO, WARNING, read_line
from watchkeeper.plugins.logs.logins import Logins
from watchkeeper.plugins.logs.source import Unreadable
from watchkeeper.plugins.logs.tally import Tally, Window
from watchkeeper.watch.probe import Probe

Make = Callable[..., Probe]
COMBINED = b'192.0.2.7 - - [14/Mar/2026:12:00:01 +0000] "GET /cart HTTP/1.1" 200 512 "-" "Mozilla/5.0" 0.040 HIT\n'


def append(path: Path, text: str) -> None:
    with path.open("a") as file:
        file.write(text)


async def lines_of(source: FilesSource, most: int = 8_000_000) -> list[str]:
    found: list[str] = []
    await source.read(lambda _tally, line, _level: found.append(line), most, time.monotonic() + 10)
    return found


@pytest.mark.parametrize(
    ("line", "level"),
    [
        ("2026-03-14 12:00:01,123 ERROR shop.pay: no answer", ERROR),
        ("2026/03/14 12:00:01 [error] 12#0: *1 connect() failed (111: Connection refused)", ERROR),
        ("[Sat Mar 14 12:00:01.2 2026] [core:crit] [pid 1] disk is full", CRITICAL),
        ("2026-03-14 12:00:01 UTC [12] FATAL:  too many connections", CRITICAL),
        ("E0314 12:00:01.123456       1 leader.go:42] lost", ERROR),
        ('ts=2026-03-14T12:00:01Z level=warn msg="an error is likely"', WARNING),
        ('{"level":"ERROR","message":"x"}', ERROR),
        ('{"level":50,"msg":"x","time":1}', ERROR),
        ('{"log":{"level":"warning"},"message":"ERROR in the text"}', WARNING),
        ('{"log":"ERROR x\\n","stream":"stderr","time":"2026-03-14T12:00:01Z"}', ERROR),
        ('{"severity":"INFO","message":"0 errors"}', INFO),
        ("processed 3 items with no error", None),
        ("GET /error-page", None),
        ('{"level": ' + "[" * 9_000, None),
        ("", None),
    ],
)
def test_the_level_of_a_line(line: str, level: int | None) -> None:
    assert read_line(line).level == level


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("sshd[7]: Failed password for root from 192.0.2.7 port 52311 ssh2", (1, "192.0.2.7")),
        ("sshd[7]: Failed password for invalid user admin from 2001:db8::7 port 52311 ssh2", (1, "2001:db8::7")),
        ("sshd[7]: message repeated 3 times: [ Failed password for root from 192.0.2.7 port 52311 ssh2]", (3, "192.0.2.7")),
        ("sshd[7]: Failed publickey for shop from 192.0.2.7 port 1 ssh2: ED25519 SHA256:abc", (1, "192.0.2.7")),
        # the name of a user cannot blame another address
        (
            "sshd[7]: Failed password for invalid user x from 198.51.100.1 port 22 ssh2 from 192.0.2.7 port 9 ssh2",
            (1, "192.0.2.7"),
        ),
        ("sshd[7]: Failed none for invalid user admin from 192.0.2.7 port 52311 ssh2", None),
        ("sshd[7]: Connection closed by invalid user admin 192.0.2.7 port 52311 [preauth]", (1, "192.0.2.7")),
        ("sshd[7]: Disconnected from authenticating user root 192.0.2.7 port 52311 [preauth]", (1, "192.0.2.7")),
        ("sshd[7]: Accepted publickey for shop from 192.0.2.7 port 52311 ssh2", None),
        # what PAM says of sshd has been said by sshd
        (
            "sshd[7]: pam_unix(sshd:auth): authentication failure; logname= uid=0 euid=0 tty=ssh ruser= rhost=192.0.2.7",
            None,
        ),
        ("sshd[7]: PAM 2 more authentication failures; logname= uid=0 euid=0 tty=ssh ruser= rhost=192.0.2.7  user=root", None),
        (
            "sudo: pam_unix(sudo:auth): authentication failure; logname=shop uid=1000 euid=0 tty=/dev/pts/0 ruser=shop rhost=",
            (1, "this machine"),
        ),
        (
            "vsftpd: pam_unix(vsftpd:auth): authentication failure; logname= uid=0 euid=0 tty=ftp ruser=a rhost=192.0.2.9",
            (1, "192.0.2.9"),
        ),
        (
            "su: PAM 2 more authentication failures; logname= uid=1000 euid=0 tty=pts/0 ruser=shop rhost=  user=root",
            (2, "this machine"),
        ),
        ("sudo: pam_unix(sudo:session): session opened for user root(uid=0) by shop(uid=1000)", None),
    ],
)
def test_a_failed_login_counts_once(line: str, found: tuple[int, str] | None) -> None:
    assert Logins().failed(line) == found


def test_an_attempt_that_was_refused_does_not_count_again_when_its_connection_ends() -> None:
    logins = Logins()
    assert logins.failed("sshd[7]: Failed password for root from 192.0.2.7 port 5 ssh2") == (1, "192.0.2.7")
    assert logins.failed("sshd[7]: Connection closed by authenticating user root 192.0.2.7 port 5 [preauth]") is None
    assert logins.failed("sshd[8]: Connection closed by authenticating user root 192.0.2.7 port 6 [preauth]") == (1, "192.0.2.7")


async def test_rates_by_level_and_pattern_begin_at_the_end_of_the_file(probe: Make, tmp_path: Path) -> None:
    log = tmp_path / "shop.log"
    log.write_text("ERROR from before\n")
    made = probe(
        "logs", {"timeouts": "timeouts_per_minute"}, files="shop.log", logins=False, patterns={"timeouts": r"timed?\s?out"}
    )
    first = await made.look()
    append(log, "INFO a\nWARN b\nERROR timed out\nFATAL timeout\nERROR is not whole")
    second = await made.look()
    append(log, " yet\n")
    third = await made.look()
    assert first.values == {"up": 1.0}
    # a look so soon after another stands for as long as the signal's own interval
    assert second.values == {
        "up": 1.0, "lines_per_minute": 16.0, "errors_per_minute": 8.0, "critical_per_minute": 4.0, "warnings_per_minute": 4.0,
        "errors": 2.0, "errors_percent": 50.0, "timeouts": 2.0, "timeouts_per_minute": 8.0,
    }  # fmt: skip
    assert third.values["errors"] == 3.0
    assert "an error: ERROR is not whole yet" in third.detail


async def test_a_file_that_is_renamed_is_read_to_its_end_and_the_new_one_from_its_beginning(tmp_path: Path) -> None:
    log, rotated = tmp_path / "shop.log", tmp_path / "shop.log.1"
    log.write_text("old\n")
    source = FilesSource(("shop.log*",), tmp_path)
    assert await lines_of(source) == []
    append(log, "one\n")
    log.rename(rotated)
    append(rotated, "two\nlast without an end")
    log.write_text("three\n")
    (tmp_path / "shop.log.2.gz").write_bytes(b"\x1f\x8b nothing to read\n")
    (tmp_path / "shop.log-20260313").write_text("read long ago\n")
    assert await lines_of(source) == ["one", "two", "last without an end", "three"]
    assert await lines_of(source) == []
    await source.close()


async def test_rotation_under_a_name_with_the_date_before_its_ending_counts_nothing_twice(tmp_path: Path) -> None:
    log = tmp_path / "shop.log"
    log.write_text("")
    source = FilesSource(("*.log",), tmp_path)
    await lines_of(source)
    append(log, "one\n")
    assert await lines_of(source) == ["one"]
    log.rename(tmp_path / "shop-20260314.log")
    log.write_text("two\n")
    assert await lines_of(source) == ["two"]
    assert await lines_of(source) == []
    await source.close()


@pytest.mark.parametrize("written", ["new\n", "longer than all that was there before it was cut to nothing\n"])
async def test_a_file_that_is_cut_to_nothing_is_read_from_its_beginning(tmp_path: Path, written: str) -> None:
    log = tmp_path / "shop.log"
    log.write_text("some that was there\n")
    source = FilesSource(("shop.log",), tmp_path)
    await lines_of(source)
    shutil.copy(log, tmp_path / "shop.log.1")
    os.truncate(log, 0)
    append(log, written)
    assert await lines_of(source) == [written.strip()]
    await source.close()


async def test_a_file_that_is_away_for_a_moment_is_borne_and_then_blind(probe: Make, tmp_path: Path) -> None:
    log = tmp_path / "shop.log"
    log.write_text("")
    made = probe("logs", files="shop.log")
    await made.look()
    log.unlink()
    gap, blind = await made.look(), await made.look()
    log.write_text("ERROR again\n")
    back = await made.look()
    assert (gap.problem, gap.values["lines_per_minute"]) == (None, 0.0)
    assert "is not there" in gap.detail
    assert (blind.values, str(blind.problem).endswith("shop.log is not there")) == ({}, True)
    assert back.values["errors"] == 1.0


async def test_what_cannot_be_read_is_blind_and_never_well(probe: Make, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "folder").mkdir()
    assert "No such file" in str((await probe("logs", files="shop.log").look()).problem)
    assert "no file is named" in str((await probe("logs", files="none/*.log").look()).problem)
    assert "is not a file" in str((await probe("logs", files="pipe").look()).problem)
    assert "is not a file" in str((await probe("logs", files="folder").look()).problem)


async def test_a_log_of_gigabytes_fills_no_memory_and_is_said_to_be_too_much(probe: Make, tmp_path: Path) -> None:
    log = tmp_path / "flood.log"
    log.write_bytes(b"")
    made = probe("logs", files="flood.log", max_bytes=300_000)
    await made.look()
    line = b"2026-03-14 12:00:01 ERROR the same again and again and again and again and again\n"
    with log.open("wb") as file:
        file.truncate(2_000_000_000)
        file.seek(0, os.SEEK_END)
        file.write(line * 10_000)
    tracemalloc.start()
    look = await made.look()
    assert tracemalloc.get_traced_memory()[1] < 5_000_000
    tracemalloc.stop()
    assert "more is written than the 300,000 bytes that are read at a look: 2,000," in look.detail
    assert look.values["errors"] > 10_000


async def test_a_line_without_an_end_is_cut_and_the_next_one_is_whole(tmp_path: Path) -> None:
    log = tmp_path / "shop.log"
    log.write_bytes(b"half a")
    source = FilesSource(("shop.log",), tmp_path)
    await lines_of(source)
    with log.open("ab") as file:
        file.write(b" line\n" + b"x" * 3_000_000 + b"\n\xff\xfe not text\r\n")
    found = await lines_of(source)
    assert [line[:20] for line in found] == ["x" * 20, "\ufffd\ufffd not text"]
    assert len(found[0]) <= 16_384 + 262_144
    await source.close()


async def test_a_read_that_does_not_come_back_is_not_begun_again(tmp_path: Path) -> None:
    log = tmp_path / "shop.log"
    log.write_text("")
    source = FilesSource(("shop.log",), tmp_path)
    await lines_of(source)
    append(log, "a\n")
    held, go = threading.Event(), threading.Event()

    def count(_tally: Tally, _line: str, _level: int | None) -> None:
        held.set()
        go.wait(10)

    first = asyncio.ensure_future(source.read(count, 1_000, time.monotonic() + 10))
    await asyncio.to_thread(held.wait, 10)
    with pytest.raises(Unreadable, match="has not come back"):
        await lines_of(source)
    go.set()
    await first
    await source.close()


async def test_new_kinds_of_lines_are_noticed_after_learning(probe: Make, tmp_path: Path) -> None:
    pytest.importorskip("drain3")
    log = tmp_path / "shop.log"
    log.write_text("")
    made = probe("logs", files="shop.log", new_patterns="all", learn="1ms")
    await made.look()
    append(log, "".join(f"INFO order {n} of customer {n * 7} paid in {n} ms\n" for n in range(20)))
    made._novelty._learn_s = 1_000.0  # type: ignore[attr-defined]
    learning = await made.look()
    made._novelty._learn_s = 0.0  # type: ignore[attr-defined]
    append(log, "INFO order 77 of customer 78 paid in 79 ms\nERROR cannot allocate 4096 bytes for 192.0.2.7\n")
    append(log, "ERROR cannot allocate 512 bytes for 192.0.2.8\n")
    found = await made.look()
    assert "new_patterns" not in learning.values
    assert found.values["new_patterns"] == 1.0
    assert "new: ERROR cannot allocate <N> bytes for <ADDRESS>" in found.detail


async def test_the_estates_secrets_are_taken_out_before_a_line_is_cut(probe: Make, tmp_path: Path) -> None:
    secret = Secret("correct-horse-battery", "TOKEN")
    variables = {"TOKEN": Variable("TOKEN", secret, "literal", 1)}
    estate = Estate(tmp_path / "watchkeeper.toml", "shop", tmp_path / "runbook.md", variables=variables)
    log = tmp_path / "shop.log"
    log.write_text("")
    made = probe("logs", files="shop.log", estate=estate)
    await made.look()
    append(log, f"ERROR {'x' * 100} token={secret.reveal()}\n")
    look = await made.look()
    assert "an error: ERROR xxx" in look.detail
    assert "correct" not in look.detail


async def test_failed_logins_of_a_real_sshd(probe: Make, tmp_path: Path) -> None:
    need(SSHD is not None, "sshd")
    server = start_sshd(tmp_path / "sshd", "LogLevel VERBOSE")
    # the first line of a setting counts, and this one stands after the tests' own
    config = tmp_path / "sshd" / "sshd_config"
    config.write_text(config.read_text().replace("PasswordAuthentication no", "PasswordAuthentication yes"))
    server.process.send_signal(signal.SIGHUP)
    log = tmp_path / "sshd" / "log"
    try:
        made = probe("logs", files="sshd/log", logins=True)
        await made.look()
        for name, password in (("nobody-here", "wrong-word"), ("root", "wrong-word"), ("root", None)):
            await _fail_to_log_in(server.port, name, password)
        for _ in range(200):
            if log.read_text().count("[preauth]") >= 3:
                break
            await asyncio.sleep(0.02)
        look = await made.look()
    finally:
        server.close()
    assert look.values["failed_logins"] == 3.0, log.read_text()
    assert look.values["failed_login_addresses"] == 1.0
    assert "3 failed logins from one address, most from 127.0.0.1 (3)" in look.detail


async def _fail_to_log_in(port: int, name: str, password: str | None) -> None:
    """Try a password, or end without having tried anything; a server that is starting again is waited for."""
    options: dict[str, Any] = {"password": password, "client_keys": None, "agent_path": None, "config": None}
    for _ in range(200):
        try:
            async with asyncssh.connect("127.0.0.1", port, username=name, known_hosts=None, **options):
                raise AssertionError("it was let in")
        except asyncssh.PermissionDenied:
            return
        except (OSError, asyncssh.ConnectionLost):
            await asyncio.sleep(0.02)
    raise AssertionError("sshd does not answer")


def test_a_window_forgets_and_projects() -> None:
    window = Window(60.0)
    part = Tally(factor=10.0)
    part.counts["lines"] = 5
    window.add(100.0, 15.0, part)
    window.add(130.0, 30.0, Tally())
    tally, covered_s = window.sum()
    assert (tally.count("lines"), covered_s) == (50.0, 45.0)
    window.add(170.0, 40.0, Tally())
    assert (window.sum()[0].count("lines"), window.sum()[1]) == (0.0, 70.0)


def test_options_that_cannot_be_used_are_refused(probe: Make) -> None:
    with pytest.raises(ConfigError, match="needs one of `files`, `journal` and `containers`"):
        probe("logs")
    with pytest.raises(ConfigError, match="needs one of"):
        probe("logs", files="a", journal=True)
    with pytest.raises(ConfigError, match="is not a pattern: look-around"):
        probe("logs", files="a", patterns={"bad": "(?=x)"})
    with pytest.raises(ConfigError, match="cannot be the name of a pattern"):
        probe("logs", files="a", patterns={"errors": "x"})
    with pytest.raises(ConfigError, match="timeouts_per_minut"):
        probe("logs", {"x": "timeouts_per_minut"}, files="a", patterns={"timeouts": "x"})
    with pytest.raises(ConfigError, match="is not the name of a container"):
        probe("logs", containers=["../shop"])
    with pytest.raises(ConfigError, match="is not an address of an engine"):
        probe("logs", containers=["shop"], docker_host="ssh://host")


async def test_an_access_log_gives_shares_percentiles_and_what_the_cache_answers(probe: Make, tmp_path: Path) -> None:
    log = tmp_path / "access.log"
    log.write_bytes(COMBINED)
    made = probe("access_log", {"x": "latency_p95_seconds"}, files="access.log")
    assert (await made.look()).values == {"up": 1.0}
    lines = [COMBINED] * 17
    lines += [b'::1 - shop [14/Mar/2026:12:00:01 +0000] "GET /?q=\\x22 502 9 HTTP/1.1" 502 7 "-" "HIT 5.0" 1.500 MISS\n'] * 2
    lines += [b'192.0.2.8 - - [14/Mar/2026:12:00:01 +0000] "\\x16\\x03\\x01" 400 157 "-" "-" 0.000 -\n']
    log.write_bytes(COMBINED + b"".join(lines))
    look = await made.look()
    assert look.values["requests_per_minute"] == 80.0
    assert (look.values["status_5xx_percent"], look.values["status_4xx_percent"]) == (10.0, 5.0)
    assert (look.values["latency_p50_seconds"], look.values["latency_p95_seconds"]) == (0.04, 1.5)
    assert look.values["cache_hit_percent"] == pytest.approx(100 * 17 / 19)


async def test_an_access_log_in_json_and_one_that_is_none(probe: Make, tmp_path: Path) -> None:
    log = tmp_path / "access.log"
    log.write_bytes(b"")
    made = probe("access_log", files="access.log", time_in="milliseconds")
    await made.look()
    append(log, '{"status": 503, "request_time": 1200, "cache_status": "MISS"}\n{"status": "200", "duration": "40"}\nnothing\n')
    look = await made.look()
    assert (look.values["status_5xx_percent"], look.values["latency_seconds"]) == (50.0, pytest.approx(0.62))
    assert "1 lines tell of no request" in look.detail
    other = probe("access_log", files="access.log")
    await other.look()
    append(log, "ERROR this is another kind of log\n")
    assert "none of its lines is one of an access log" in str((await other.look()).problem)
