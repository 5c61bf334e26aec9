"""StatsD over a real UDP port: what programs send, what is bounded, and what a flood costs the rest of the process."""

from __future__ import annotations

import asyncio
import doctest
import socket
from collections.abc import Callable, Iterator
from typing import Any, TypeAlias

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.plugins.conftest import free_port

from watchkeeper.base.errors import ConfigError
from watchkeeper.plugins.statsd import gathered, lines
from watchkeeper.plugins.statsd.gathered import MOST_MEMBERS, Gathered
from watchkeeper.plugins.statsd.lines import read_line
from watchkeeper.watch.probe import Look, Probe

Make = Callable[..., Probe]
Program: TypeAlias = "Callable[..., Shop]"


@pytest.fixture
def program(probe: Make) -> Iterator[Program]:
    """Make programs that send to probes of their own."""
    made: list[Shop] = []

    def make(**options: Any) -> Shop:
        made.append(Shop(probe, **options))
        return made[-1]

    yield make
    for each in made:
        each.out.close()


class Shop:
    """A program that sends, and the probe that listens to it."""

    def __init__(self, probe: Make, **options: Any) -> None:
        self.port = free_port()
        self.probe = probe("statsd", address=f"127.0.0.1:{self.port}", **options)
        self.out = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)

    def send(self, *packets: bytes) -> None:
        for packet in packets:
            self.out.sendto(packet, ("127.0.0.1", self.port))

    async def look(self, wait_s: float = 0.05) -> Look:
        await asyncio.sleep(wait_s)
        return await self.probe.look()


async def test_counters_gauges_timers_sets_and_checks(program: Program) -> None:
    shop = program(by=["route"], counters=["errors"])
    first = await shop.look()
    assert (first.values, first.detail) == ({"up": 0.0}, "it listens now")
    shop.send(
        b"orders:3|c|@0.5|#route:cart,user:17\norders:1|c\n",
        b"queue:10|g\nqueue:-3|g\nqueue:+1|g",
        *(b"page:%d|ms|#route:/p" % n for n in range(1, 101)),
        b"size:1:2:3|h|#a\nsize:4|d",
        b"users:anna|s\nusers:ben|s\nusers:anna|s",
        b"_sc|db.ok|0\n_sc|mail|2|m:refused",
        b"broken\nbroken:x|c\nbroken:1|q\n_e{5,4}:title|text",
    )
    look = await shop.look()
    values = look.values
    assert (values["up"], values["orders"], values['orders{route="cart"}']) == (1.0, 7.0, 6.0)
    assert values["orders_per_s"] > values['orders_per_s{route="cart"}'] > 0
    assert (values["queue"], values["users"], values["db.ok_up"], values["mail_up"]) == (8.0, 2.0, 1.0, 0.0)
    assert (values["page_p50_seconds"], values["page_p95_seconds"], values["page_max_seconds"]) == (0.05, 0.095, 0.1)
    assert values['page_p99_seconds{route="/p"}'] == 0.099
    assert (values["size_max"], values["size_avg"], values["size_count"]) == (4.0, 2.5, 4.0)
    assert (values["errors"], values["errors_per_s"], values["bad_lines"]) == (0.0, 0.0, 3.0)
    later = (await shop.look()).values
    assert (later["orders"], later["queue"], later["users"], later["page_count"]) == (0.0, 8.0, 0.0, 0.0)
    assert later["page_p95_seconds"] == 0.095  # within its window still


async def test_silence_is_no_zero(program: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    shop = program(fresh=1.0)
    await shop.look()
    shop.send(b"orders:1|c")
    assert (await shop.look()).values["orders"] == 1.0
    shop.probe._last_packet_s -= 61.0  # type: ignore[attr-defined]
    assert (await shop.look()).problem == "no packet came for 1 min 1 s"
    shop.send(b"orders:1|c")
    assert (await shop.look()).values["orders"] == 1.0


async def test_names_without_end_and_a_flood_are_bounded(program: Program) -> None:
    shop = program(max_names=50, counters=["a"])
    await shop.look()
    shop.send(*(b"name%d:1|c" % n for n in range(500)))
    full = await shop.look()
    assert full.values["names"] == 50.0
    assert "450 lines had names or values for which there is no room" in full.detail
    shop = program(counters=["a"])
    await shop.look()
    packet = b"\n".join([b"a:1|c"] * 1_000)
    turns = 0
    for _ in range(40):
        shop.send(*[packet] * 50)
        await asyncio.sleep(0)
        turns += 1
    flooded = await shop.look()
    assert (turns, flooded.values["throttled"]) == (40, 1.0)
    assert 0 < flooded.values["a"] < 2_000_000
    assert "counters are too low" in flooded.detail


async def test_a_port_that_is_taken_is_a_problem_and_one_that_is_closed_is_free_again(program: Program, probe: Make) -> None:
    shop = program()
    await shop.look()
    other = probe("statsd", address=f"127.0.0.1:{shop.port}")
    assert "cannot listen on" in ((await other.look()).problem or "")
    await shop.probe.close()
    assert (await other.look()).values == {"up": 0.0}
    with pytest.raises(ConfigError, match="address"):
        probe("statsd", address="8125")


@given(st.binary(max_size=200))
def test_any_bytes_are_a_line_or_none(raw: bytes) -> None:
    found = read_line(raw)
    if found is not None:
        made = Gathered(["a"], 10, 60.0)
        made.take(found, 0.0)
        assert all(isinstance(value, float) for value in made.readings(1.0, 1.0).values())


@pytest.mark.parametrize(
    "raw", [b"", b"a", b"a:1", b":1|c", b"a:|c", b"a:nan|g", b"a:inf|c", b"a:1|c|@0", b"a:1|c|@2", b"a:1_0|c", b"a\x00:1|c",
            b"a" * 201 + b":1|c", b"_sc|x|7", b"_sc|x", b"a:1:x|ms"],
)  # fmt: skip
def test_what_says_nothing(raw: bytes) -> None:
    assert read_line(raw) is None


def test_a_set_and_a_timer_are_bounded() -> None:
    made = Gathered([], 10, 60.0)
    for n in range(MOST_MEMBERS + 5_000):
        made.take(lines.Line("users", "set", members=(b"%d" % n,)), 0.0)
        made.take(lines.Line("page", "timer", (float(n),)), 0.0)
    found = made.readings(1.0, 1.0)
    assert (found["users"], found["page_count"]) == (MOST_MEMBERS, MOST_MEMBERS + 5_000)
    assert made.readings(700.0, 1.0) == {"users": 0.0, "page_count": 0.0, "page_per_s": 0.0}
    assert len(made) == 0


def test_the_examples_in_the_docstrings() -> None:
    for module in (lines, gathered):
        assert doctest.testmod(module).failed == 0


async def test_a_flood_of_packets_that_say_nothing_leaves_the_rest_of_the_process_its_turn(program: Program) -> None:
    probe = program().probe

    class Endless:
        """A socket in which there is always one more empty packet, until far more were read than one turn may."""

        left = 100_000

        def recv(self, most: int) -> bytes:
            self.left -= 1
            if self.left == 0:
                raise BlockingIOError
            return b"\n"

    flood = Endless()
    probe._take(flood, 0.0)  # type: ignore[attr-defined]
    assert flood.left > 90_000


async def test_numbers_without_measure_blind_nothing(program: Program) -> None:
    shop = program()
    await shop.look()
    shop.send(b"a:1e308:1e308|c", b"t:1e308:1e308|ms", b"b:1|c|@1e-300", b"orders:3|c")
    found = await shop.look()
    assert (found.problem, found.values["orders"], found.values["bad_lines"]) == (None, 3.0, 3.0)


def test_many_sets_and_timers_together_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gathered, "MOST_KEPT", 1_000)
    taken = Gathered((), 100, 60.0)
    for name in range(50):
        for member in range(100):
            line = read_line(b"visitors%d:%d|s" % (name, member))
            assert line is not None
            taken.take(line, 1.0)
    assert taken.turned_away == 4_000
    assert sum(taken.readings(2.0, 1.0).values()) == 1_000
    line = read_line(b"visitors0:x|s")
    assert line is not None
    taken.take(line, 3.0)
    assert taken.turned_away == 0
