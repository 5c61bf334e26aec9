"""History: every sample is in the sums exactly once, whatever comes late, is done twice or dies in the middle."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import textwrap
from datetime import datetime, timedelta

import pytest
from sqlalchemy import Connection, func, select
from tests.conftest import DATABASE_URL

from watchkeeper.store.database import Database
from watchkeeper.watch.ledger import samples, write_samples
from watchkeeper.watch.model import Sample
from watchkeeper.watch.past import history
from watchkeeper.watch.past.rollup import LEVELS, Bucket, of_samples, start_of


def looks(now: datetime, count: int, every_s: float = 15.0, signals: int = 2, seed: int = 1) -> list[Sample]:
    chance = random.Random(seed)
    return [
        Sample(f"s{number % signals}", now + timedelta(seconds=number * every_s), 0.1, {"x": chance.uniform(-9, 9)})
        if chance.random() < 0.9
        else Sample(f"s{number % signals}", now + timedelta(seconds=number * every_s), 0.1, {}, "away")
        for number in range(count)
    ]


def whole(connection: Connection) -> dict[tuple[int, str, datetime], Bucket]:
    found = {}
    for name in connection.execute(select(history.buckets.c.signal).distinct()).scalars():
        for level_s in LEVELS:
            for bucket in history.read_buckets(
                connection, name, level_s, datetime.min.replace(tzinfo=NOW.tzinfo), NOW.replace(year=2100)
            ):
                found[level_s, name, bucket.at] = bucket
    return found


NOW = datetime.fromisoformat("2026-03-14T12:00:00+00:00")


def wanted(seen: list[Sample]) -> dict[tuple[int, str, datetime], Bucket]:
    parts: dict[tuple[int, str, datetime], list[Sample]] = {}
    for each in seen:
        for level_s in LEVELS:
            parts.setdefault((level_s, each.signal, start_of(each.at, level_s)), []).append(each)
    return {key: of_samples(key[1], key[2], found) for key, found in parts.items()}


def same(found: dict[tuple[int, str, datetime], Bucket], expected: dict[tuple[int, str, datetime], Bucket]) -> None:
    assert set(found) == set(expected)
    for key, bucket in expected.items():
        mine = found[key]
        assert (mine.looks, mine.blind) == (bucket.looks, bucket.blind), key
        for name, each in bucket.readings.items():
            one = mine.readings[name]
            assert (one.count, one.least, one.most) == (each.count, each.least, each.most)
            assert one.total == pytest.approx(each.total)


def all_up(database: Database, at_once: int = 300) -> None:
    while database.write_now(lambda c: history.sum_up(c, at_once)):
        pass


def test_each_sample_is_in_every_level_once(database: Database) -> None:
    seen = looks(NOW, 1000)
    for place in range(0, len(seen), 77):
        database.write_now(lambda c, place=place: write_samples(c, seen[place : place + 77]))
        database.write_now(lambda c: history.sum_up(c, 50))
    all_up(database)
    assert database.write_now(history.sum_up) == 0
    assert database.read_now(history.behind) == 0
    same(database.read_now(whole), wanted(seen))


def test_what_comes_late_is_put_into_its_old_bucket(database: Database) -> None:
    seen = looks(NOW, 400)
    database.write_now(lambda c: write_samples(c, [*seen[:100], *seen[300:]]))
    all_up(database)
    database.write_now(lambda c: write_samples(c, seen[100:300]))
    all_up(database)
    same(database.read_now(whole), wanted(seen))


def test_only_what_is_in_the_sums_goes_and_the_sums_stay_whole(database: Database) -> None:
    seen = looks(NOW, 2000)
    database.write_now(lambda c: write_samples(c, seen))
    before = start_of(NOW + timedelta(hours=4), 3600)
    assert database.write_now(lambda c: history.forget_raw(c, before)) == 0, "nothing was summed up yet"
    all_up(database)
    assert database.write_now(lambda c: history.forget_raw(c, before)) == sum(each.at < before for each in seen)
    late = Sample("s0", NOW + timedelta(seconds=1), 0.1, {"x": 1e6})
    database.write_now(lambda c: write_samples(c, [late]))
    all_up(database)
    same(database.read_now(whole), wanted(seen))
    later = NOW + timedelta(hours=2)
    for level_s in LEVELS:
        while database.write_now(lambda c, level_s=level_s: history.forget(c, level_s, later)):
            pass
    assert {at for _, _, at in database.read_now(whole)} == {at for _, _, at in wanted(seen) if at >= later}


def test_pruning_takes_a_bounded_piece_and_cuts_no_instant(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(history, "_PRUNED_AT_ONCE", 10)
    seen = looks(NOW, 400, every_s=5.0, signals=4)
    database.write_now(lambda c: write_samples(c, seen))
    all_up(database)
    gone = database.write_now(lambda c: history.forget(c, 60, NOW + timedelta(days=1)))
    assert 0 < gone <= 14
    left = {at for level_s, _, at in database.read_now(whole) if level_s == 60}
    assert min(left) > NOW
    rounds = 0
    while database.write_now(lambda c: history.forget(c, 60, NOW + timedelta(days=1))):
        rounds += 1
        assert rounds < 200
    assert not [1 for level_s, _, _ in database.read_now(whole) if level_s == 60]


SUMMING = """
import sys
from pathlib import Path
from watchkeeper.store.database import open_database
from watchkeeper.watch.past import history
database = open_database(sys.argv[1], Path(sys.argv[2]))
print("ready", flush=True)
while database.write_now(lambda c: history.sum_up(c, 40)):
    print("piece", flush=True)
"""


def test_a_kill_in_the_middle_neither_loses_nor_doubles(database: Database) -> None:
    seen = looks(NOW, 3000)
    database.write_now(lambda c: write_samples(c, seen))
    chance = random.Random(5)
    url = DATABASE_URL or database.url
    folder = str(database.path.parent) if not DATABASE_URL else "."  # type: ignore[attr-defined]
    killed = 0
    for _ in range(4):
        command = [sys.executable, "-c", textwrap.dedent(SUMMING), url, folder]
        with subprocess.Popen(command, stdout=subprocess.PIPE, env=dict(os.environ)) as child:
            assert child.stdout is not None
            for _ in range(chance.randint(2, 9)):
                child.stdout.readline()
            child.send_signal(signal.SIGKILL)
            killed += child.wait() == -signal.SIGKILL
    assert killed
    assert database.read_now(lambda c: c.execute(select(func.count()).select_from(samples)).scalar()) == len(seen)
    all_up(database)
    same(database.read_now(whole), wanted(seen))


def test_after_a_long_rest_in_which_all_samples_went_new_ones_are_summed_up(database: Database) -> None:
    database.write_now(lambda c: write_samples(c, looks(NOW, 50)))
    all_up(database)
    later = NOW + timedelta(days=30)
    before = start_of(later - timedelta(days=7), 3600)
    while database.write_now(lambda c: history.forget_raw(c, before)):
        pass
    assert database.read_now(lambda c: c.execute(select(func.count()).select_from(samples)).scalar()) <= 1
    new = looks(later, 20, seed=2)
    database.write_now(lambda c: write_samples(c, new))
    all_up(database)
    found = database.read_now(whole)
    same({key: bucket for key, bucket in found.items() if key[2] >= before}, wanted(new))


def test_numbers_of_samples_that_begin_anew_are_noticed(database: Database) -> None:
    database.write_now(lambda c: write_samples(c, looks(NOW, 50)))
    all_up(database)
    database.write_now(lambda c: c.execute(samples.delete()))
    later = NOW + timedelta(days=1)
    new = looks(later, 20, seed=3)
    database.write_now(lambda c: write_samples(c, new))
    all_up(database)
    same({key: bucket for key, bucket in database.read_now(whole).items() if key[2] >= later}, wanted(new))
