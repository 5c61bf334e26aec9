"""Real pings on loopback in a network of the tests' own, where the kernel can be told to answer none and to allow no socket."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.conftest import need

from watchkeeper.base.errors import ConfigError
from watchkeeper.plugins.icmp import probe as icmp
from watchkeeper.plugins.icmp.echo import _token, request
from watchkeeper.watch.probe import Probe

Make = Callable[..., Probe]
_CHILD = """
import asyncio, json, pathlib, socket, sys
from watchkeeper.estate.model import Estate, SignalConfig
from watchkeeper.plugins.icmp import echo, probe
kinds = {"dgram": (socket.SOCK_DGRAM,), "raw": (socket.SOCK_RAW,), "none": ()}[sys.argv[1]]
probe.open_socket = lambda family: echo.open_socket(family, kinds)
options = json.loads(sys.argv[2])
signal = SignalConfig("ping", "icmp", 1, timeout_s=options.pop("timeout", 1.0), options=options)
look = asyncio.run(probe.IcmpProbe(signal, Estate(pathlib.Path("w.toml"), "shop", pathlib.Path("r.md"))).look())
print(json.dumps([look.values, look.problem, look.detail]))
"""


@pytest.fixture
def ping() -> Callable[..., Any]:
    """Ping in a network of its own with nothing but loopback; `sysctl` is set there before."""
    need(os.geteuid() == 0 and shutil.which("unshare") is not None, "root, to make a network")
    need(shutil.which("ip") is not None, "ip (Debian: iproute2)")

    def run(how: str, sysctl: dict[str, str] | None = None, **options: Any) -> Any:
        settings = "".join(f"echo {value} > /proc/sys/net/ipv4/{name}; " for name, value in (sysctl or {}).items())
        script = f'set -e; ip link set lo up; {settings}exec "$@"'
        words = ["unshare", "--net", "sh", "-c", script, "sh", sys.executable, "-c", _CHILD, how, json.dumps(options)]
        done = subprocess.run(words, capture_output=True, text=True, timeout=30, check=False)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    return run


@pytest.mark.parametrize("how", ["dgram", "raw", "none"])
@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_each_way_of_pinging_hears_every_answer(ping: Callable[..., Any], how: str, host: str) -> None:
    need(how != "none" or shutil.which("ping") is not None, "ping (Debian: iputils-ping)")
    values, problem, detail = ping(how, {"ping_group_range": "0 2147483647"}, host=host, interval=0.02)
    assert (values["up"], values["loss_percent"], problem) == (1.0, 0.0, None)
    assert 0 < values["seconds"] <= values["slowest_seconds"] < 1
    assert detail == "3 of 3 requests were answered"


@pytest.mark.parametrize("how", ["dgram", "raw", "none"])
def test_a_host_that_does_not_answer_is_down_with_all_lost(ping: Callable[..., Any], how: str) -> None:
    sysctl = {"ping_group_range": "0 2147483647", "icmp_echo_ignore_all": "1"}
    values, problem, detail = ping(how, sysctl, host="127.0.0.1", count=2, interval=0.02, timeout=0.5)
    assert (values, problem) == ({"up": 0.0, "loss_percent": 100.0}, None)
    assert detail.startswith("0 of ")


def test_a_host_without_a_way_to_it_is_down(ping: Callable[..., Any]) -> None:
    values, problem, detail = ping("raw", host="192.0.2.1")
    assert (values, problem, detail) == ({"up": 0.0, "loss_percent": 100.0}, None, "Network is unreachable")


async def test_a_name_that_nobody_knows_is_down(probe: Make) -> None:
    look = await probe("icmp", host="no-such-host.invalid").look()
    assert (look.values, look.problem) == ({"up": 0.0}, None)
    assert look.detail


async def test_without_a_socket_and_without_the_program_it_is_not_looked_at(
    probe: Make, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(icmp, "open_socket", lambda family: None)
    monkeypatch.setenv("PATH", str(tmp_path))
    look = await probe("icmp", host="127.0.0.1").look()
    assert look.values == {}
    assert "no program `ping`" in (look.problem or "")


def test_only_its_own_replies_count() -> None:
    token = b"0123456789abcdef"
    reply = b"\0" + request(socket.AF_INET, 1, token)[1:]
    assert _token(reply, socket.AF_INET, socket.SOCK_DGRAM) == token
    assert _token(b"\x45" + bytes(19) + reply, socket.AF_INET, socket.SOCK_RAW) == token
    for packet in (b"", b"\x4f", request(socket.AF_INET, 1, token), reply[:-1], reply + b"x", b"\x03" + reply[1:]):
        assert _token(packet, socket.AF_INET, socket.SOCK_RAW) is None


def test_what_ping_says_is_read_also_where_it_says_nothing_of_use() -> None:
    lost = "3 packets transmitted, 2 received, +1 errors, 33.3333% packet loss, time 400ms\nrtt min/avg/max = 1.0/2.5/4.0 ms"
    look = icmp.read_ping(lost, "")
    assert look.values == {"up": 1.0, "loss_percent": pytest.approx(100 / 3), "seconds": 0.0025, "slowest_seconds": 0.004}
    assert icmp.read_ping("", "ping: socket: Operation not permitted").problem == "ping: socket: Operation not permitted"
    assert icmp.read_ping("", "").problem == "ping printed nothing"


def test_options_that_cannot_be_used_are_refused(probe: Make) -> None:
    with pytest.raises(ConfigError, match=r"'-f 10\.0\.0\.1'"):
        probe("icmp", host="-f 10.0.0.1")
    with pytest.raises(ConfigError, match="longer than the timeout"):
        probe("icmp", host="127.0.0.1", count=50, interval="1s")
