"""Flips become alerts once, whoever asks how often."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import insert

from watchkeeper.alert import ledger
from watchkeeper.alert.board import is_calm, take_flips
from watchkeeper.alert.model import Alert
from watchkeeper.book.model import Threshold
from watchkeeper.estate.model import Bindings, Bound
from watchkeeper.store.database import Database
from watchkeeper.watch.ledger import flips, standings


def bindings(role: str = "alert") -> Bindings:
    threshold = Threshold(line=7, role=role, subject="Shop application", op="is", state="down", for_s=10, severity="P1")  # type: ignore[arg-type]
    return Bindings(tuple(Bound(key, threshold, "health", "up", "Shop application", "") for key in ("shop-down", "shop-slow")))


def flip(database: Database, after: str, at: datetime, key: str = "shop-down", before: str = "ok") -> None:
    values = {"key": key, "before": before, "after": after, "at": at, "value": 0.0, "sentence": f"It is {after}.", "taken": 0}
    database.write_now(lambda c: c.execute(insert(flips).values(**values)))


def stand(database: Database, state: str, since: datetime, key: str = "shop-down", breached: datetime | None = None) -> None:
    values = {"key": key, "signal": "health", "state": state, "since": since, "breached_since": breached, "value": 0.0}
    values |= {"at": since, "sentence": ""}
    database.write_now(lambda c: c.execute(insert(standings).values(**values)))


def take(database: Database, now: datetime, role: str = "alert", pace: float = 1.0) -> list[Alert]:
    return database.write_now(lambda c: take_flips(c, bindings(role), now, pace=pace))


def open_ones(database: Database) -> list[Alert]:
    return database.read_now(ledger.open_alerts)


def test_a_flip_to_firing_opens_one_alert(database: Database, now: datetime) -> None:
    stand(database, "firing", now, breached=now - timedelta(seconds=12))
    flip(database, "pending", now - timedelta(seconds=12))
    flip(database, "firing", now, before="pending")
    [alert] = take(database, now)
    assert (alert.subject, alert.component, alert.severity, alert.sentence) == (
        "Shop application",
        "Shop application",
        "P1",
        "It is firing.",
    )
    assert (alert.breached_at, alert.fired_at, alert.ended_at) == (now - timedelta(seconds=12), now, None)
    assert take(database, now) == []
    assert open_ones(database) == [alert]


def test_the_start_of_a_breach_that_is_forgotten_is_counted_back(database: Database, now: datetime) -> None:
    flip(database, "firing", now)
    assert take(database, now)[0].breached_at == now - timedelta(seconds=10)


def test_a_second_flip_to_firing_keeps_the_open_alert(database: Database, now: datetime) -> None:
    flip(database, "firing", now)
    flip(database, "blind", now + timedelta(seconds=5), before="firing")
    flip(database, "firing", now + timedelta(seconds=9), before="blind")
    assert len(take(database, now)) == 1
    assert len(open_ones(database)) == 1


def test_a_flip_to_ok_ends_the_alert_at_its_own_instant(database: Database, now: datetime) -> None:
    flip(database, "firing", now)
    take(database, now)
    flip(database, "ok", now + timedelta(seconds=30), before="firing")
    [ended] = take(database, now + timedelta(seconds=31))
    assert ended.ended_at == now + timedelta(seconds=30)
    assert open_ones(database) == []


def test_objectives_and_thresholds_that_are_gone_raise_nothing(database: Database, now: datetime) -> None:
    flip(database, "firing", now)
    assert take(database, now, role="objective") == []
    flip(database, "firing", now, key="not-in-the-book")
    assert take(database, now) == []


def test_a_signal_is_blind_after_a_minute_and_once_for_all_its_thresholds(database: Database, now: datetime) -> None:
    stand(database, "blind", now)
    stand(database, "blind", now, key="shop-slow")
    assert take(database, now + timedelta(seconds=59)) == []
    [alert] = take(database, now + timedelta(seconds=60))
    assert (alert.key, alert.subject, alert.severity, alert.component) == (
        "blind:health",
        "health is blind",
        None,
        "Shop application",
    )
    assert alert.sentence == "health has given no reading for 1 min: nobody sees what it watches."
    assert take(database, now + timedelta(seconds=70)) == []


def test_a_look_that_failed_and_went_well_the_next_time_makes_nothing_blind_however_fast_the_clock_is(
    database: Database, now: datetime
) -> None:
    stand(database, "blind", now)
    assert take(database, now + timedelta(seconds=599), pace=120) == []
    assert len(take(database, now + timedelta(seconds=600), pace=120)) == 1


def test_sight_ends_the_alert_of_a_blind_signal(database: Database, now: datetime) -> None:
    stand(database, "blind", now)
    take(database, now + timedelta(seconds=60))
    database.write_now(lambda c: c.execute(standings.update().values(state="ok")))
    [ended] = take(database, now + timedelta(seconds=65))
    assert (ended.subject, ended.ended_at) == ("health is blind", now + timedelta(seconds=65))


def test_it_is_calm_where_taking_would_change_nothing(database: Database, now: datetime) -> None:
    def calm() -> bool:
        return database.read_now(is_calm)

    assert calm()
    flip(database, "firing", now)
    assert not calm()
    take(database, now)
    assert not calm()
    flip(database, "ok", now + timedelta(seconds=30), before="firing")
    take(database, now + timedelta(seconds=31))
    assert calm()
    stand(database, "blind", now)
    assert not calm()


def symptom(database: Database, now: datetime, *others: tuple[str, float, str | None]) -> str | None:
    """Fire a figure without a severity beside others (subject, value, severity) of the same component; give the alert's own."""
    said = [("Memory usage", 85.0, None), *others]
    of = [
        Threshold(role="alert", subject=subject, metric="memory_usage", op=">", value=value, severity=severity, line=1)
        for subject, value, severity in said
    ]
    bound = Bindings(tuple(Bound(f"key-{n}", each, "health", "memory", "Shop application", "") for n, each in enumerate(of)))
    flip(database, "firing", now, key="key-0")
    return database.write_now(lambda c: take_flips(c, bound, now))[0].severity


def test_a_symptom_has_the_severity_that_the_book_gives_the_same_figure_elsewhere(database: Database, now: datetime) -> None:
    assert symptom(database, now, ("Memory usage", 85.0, "P2"), ("Memory usage", 95.0, "P1")) == "P2"


def test_a_symptom_of_another_value_has_no_severity_of_it(database: Database, now: datetime) -> None:
    assert symptom(database, now, ("Memory usage", 95.0, "P1")) is None


def test_a_symptom_that_the_book_calls_two_things_has_none(database: Database, now: datetime) -> None:
    assert symptom(database, now, ("Memory usage", 85.0, "P2"), ("Memory usage", 85.0, "P1")) is None
