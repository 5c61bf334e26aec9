"""Rows of watching come back as they went in, on either database."""

from __future__ import annotations

import math
from datetime import datetime, timedelta

from sqlalchemy import select

from watchkeeper.store.database import Database
from watchkeeper.watch import ledger
from watchkeeper.watch.model import Sample, Standing, State


def standing(key: str, state: State, at: datetime, value: float | None = 1.0) -> Standing:
    return Standing(key, state, at, None, value, at, f"{key} is {state}")


def test_samples_come_back_oldest_first_and_the_newest_of_too_many(database: Database, now: datetime) -> None:
    made = [Sample("shop", now + timedelta(seconds=n), 0.01, {"up": 1.0, "n": float(n)}, None, f"look {n}") for n in range(5)]
    database.write_now(lambda connection: ledger.write_samples(connection, made))
    since = now + timedelta(seconds=1)
    assert database.read_now(lambda c: ledger.read_samples(c, "shop", since)) == made[1:]
    assert database.read_now(lambda c: ledger.read_samples(c, "shop", now, limit=2)) == made[3:]
    assert database.read_now(lambda c: ledger.read_samples(c, "other", now)) == []


def test_values_and_texts_that_a_database_does_not_take_are_kept_as_they_can_be(database: Database, now: datetime) -> None:
    odd = Sample("shop", now, 0.0, {"a": math.inf, "b": -math.inf, "c": math.nan}, "half\ud800", "zero\0é")
    database.write_now(lambda connection: ledger.write_sample(connection, odd))
    back = database.read_now(ledger.latest_samples)["shop"]
    assert (back.values["a"], back.values["b"], math.isnan(back.values["c"])) == (math.inf, -math.inf, True)
    assert (back.problem, back.detail) == ("half?", "zero\ufffdé")


def test_the_latest_sample_of_each_signal(database: Database, now: datetime) -> None:
    made = [Sample(name, now + timedelta(seconds=n), 0.0, {"n": float(n)}) for n in range(3) for name in ("a", "b", "c")]
    database.write_now(lambda connection: ledger.write_samples(connection, made))
    assert {name: s.values["n"] for name, s in database.read_now(ledger.latest_samples).items()} == {"a": 2, "b": 2, "c": 2}


def test_a_standing_is_replaced_and_one_that_nothing_decides_any_more_is_forgotten_unless_it_fires(
    database: Database, now: datetime
) -> None:
    first = [("shop", standing("a", "ok", now)), ("shop", standing("b", "firing", now)), ("shop", standing("c", "ok", now))]
    database.write_now(lambda connection: ledger.save_standings(connection, first))
    database.write_now(lambda connection: ledger.save_standings(connection, [("shop", standing("a", "blind", now, None))]))
    assert database.read_now(ledger.read_standings)["a"] == standing("a", "blind", now, None)
    assert database.write_now(lambda connection: ledger.forget_standings(connection, ["a"])) == 1
    assert sorted(database.read_now(ledger.read_standings)) == ["a", "b"]


def test_a_flip_is_written_once_and_taken_once(database: Database, now: datetime) -> None:
    for _ in range(2):
        database.write_now(lambda connection: ledger.add_flip(connection, "ok", standing("a", "firing", now)))
    flips = database.read_now(ledger.untaken_flips)
    assert [(flip.key, flip.before, flip.after, flip.at) for flip in flips] == [("a", "ok", "firing", now)]
    assert database.write_now(lambda connection: ledger.take_flip(connection, flips[0].id))
    assert not database.write_now(lambda connection: ledger.take_flip(connection, flips[0].id))
    assert database.read_now(ledger.untaken_flips) == []


def test_healthy_since_is_the_last_to_get_well_and_none_while_one_is_not(database: Database, now: datetime) -> None:
    later = now + timedelta(minutes=1)
    well = [("s", standing("a", "ok", now)), ("s", standing("b", "ok", later)), ("s", standing("c", "blind", now))]
    database.write_now(lambda connection: ledger.save_standings(connection, well))
    assert database.read_now(lambda c: ledger.healthy_since(c, ["a", "b"])) == later
    assert database.read_now(lambda c: ledger.healthy_since(c, ["a", "c"])) is None
    assert database.read_now(lambda c: ledger.healthy_since(c, ["a", "unknown"])) is None
    assert database.read_now(lambda c: ledger.healthy_since(c, [])) is None


def test_prune_drops_taken_flips_only(database: Database, now: datetime) -> None:
    old, new = now - timedelta(days=8), now
    for key, at in (("a", old), ("b", old), ("c", new)):
        database.write_now(lambda c, key=key, at=at: ledger.add_flip(c, "ok", standing(key, "firing", at)))
    for flip in database.read_now(ledger.untaken_flips):
        if flip.key != "b":
            database.write_now(lambda c, flip=flip: ledger.take_flip(c, flip.id))
    database.write_now(lambda c: ledger.prune(c, now - timedelta(days=7)))
    assert database.read_now(lambda c: sorted(c.execute(select(ledger.flips.c.key)).scalars())) == ["b", "c"]
