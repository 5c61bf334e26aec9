"""Faults of several estates side by side: who needs quiet is alone, waits only for who plays now, and ends with its process."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from pathlib import Path

import pytest

from watchkeeper.drill.turns import VARIABLE, make_places, turn


class Stage:
    """Writes down who plays beside whom."""

    def __init__(self) -> None:
        self.playing: set[str] = set()
        self.seen: list[set[str]] = []

    async def play(self, name: str, until: asyncio.Event, *, quiet: bool = False) -> None:
        async with turn(quiet=quiet):
            self.playing.add(name)
            self.seen.append(set(self.playing))
            await until.wait()
            self.playing.remove(name)


@pytest.fixture
def shared(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv(VARIABLE, str(tmp_path))
    make_places(tmp_path, 2)
    return tmp_path


async def _settled() -> None:
    await asyncio.sleep(0.4)


async def _playing(stage: Stage, names: set[str]) -> None:
    async with asyncio.timeout(20):
        while stage.playing != names:
            await asyncio.sleep(0.02)


async def test_who_needs_quiet_waits_for_the_others_and_nobody_who_comes_later_goes_before(shared: Path) -> None:
    stage, first, second = Stage(), asyncio.Event(), asyncio.Event()
    playing = [asyncio.create_task(stage.play(name, first)) for name in ("flood", "leak")]
    await _playing(stage, {"flood", "leak"})
    hot = asyncio.create_task(stage.play("hot", second, quiet=True))
    await _settled()
    later = asyncio.create_task(stage.play("later", second))
    await _settled()
    assert stage.playing == {"flood", "leak"}
    first.set()
    await asyncio.gather(*playing)
    await _playing(stage, {"hot"})
    await _settled()
    assert stage.playing == {"hot"}
    second.set()
    await asyncio.gather(hot, later)
    assert stage.seen[-2:] == [{"hot"}, {"later"}]


async def test_of_three_two_play_at_a_time_and_the_third_takes_the_place_that_is_free(shared: Path) -> None:
    stage, first, second = Stage(), asyncio.Event(), asyncio.Event()
    begun = asyncio.create_task(stage.play("flood", first))
    also = asyncio.create_task(stage.play("leak", second))
    await _playing(stage, {"flood", "leak"})
    third = asyncio.create_task(stage.play("hung", second))
    await _settled()
    assert stage.playing == {"flood", "leak"}
    first.set()
    await begun
    await _playing(stage, {"leak", "hung"})
    second.set()
    await asyncio.gather(also, third)


async def test_who_is_stopped_while_they_wait_holds_nobody_up(shared: Path) -> None:
    stage, first, second = Stage(), asyncio.Event(), asyncio.Event()
    playing = asyncio.create_task(stage.play("flood", first))
    await _playing(stage, {"flood"})
    hot = asyncio.create_task(stage.play("hot", second, quiet=True))
    await _settled()
    hot.cancel()
    with pytest.raises(asyncio.CancelledError):
        await hot
    leak = asyncio.create_task(stage.play("leak", second))
    await _playing(stage, {"flood", "leak"})
    first.set()
    second.set()
    await asyncio.gather(playing, leak)


async def test_a_drill_that_dies_gives_its_place_back(shared: Path) -> None:
    held = "import asyncio\nfrom watchkeeper.drill.turns import turn\nasync def main():\n    async with turn(quiet=True):\n"
    held += "        print('held', flush=True)\n        await asyncio.sleep(60)\nasyncio.run(main())"
    with subprocess.Popen([sys.executable, "-c", held], stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "held\n"
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.5), turn(quiet=False):
                pass
        other.kill()
    async with asyncio.timeout(20), turn(quiet=True):
        pass


async def test_an_estate_by_itself_never_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)
    async with turn(quiet=True), turn(quiet=True):
        pass
