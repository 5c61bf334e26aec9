"""Measured times beside promised ones."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from watchkeeper.alert.model import Alert
from watchkeeper.book.model import Book, Recovery, Severity
from watchkeeper.incident.model import Entry, Incident
from watchkeeper.learn.measures import measure, promises
from watchkeeper.run.model import Plan, Run

NOON = datetime(2026, 3, 14, 12, 0, tzinfo=UTC)


def at(seconds: float) -> datetime:
    return NOON + timedelta(seconds=seconds)


INCIDENT = Incident("inc-1", "shop", "Shop application is down", "P1", "resolved", "Shop application", at(0), at(12),
                    recovered_at=at(25), resolved_at=at(40))  # fmt: skip
ALERT = Alert("alt-1", "shop-down", "Shop", "Shop application", "P1", at(0), at(11), None, 0.0, "It is down.", "inc-1")
RUN = Run("run-1", Plan("p", "Restart", "d", 1, ()), "inc-1", "P1", None, "automation", at(13), "succeeded", {}, at(20))
TOLD = Entry("inc-1", 3, at(14), "told", "automation", "Anna was told.")


def test_the_times_of_an_incident() -> None:
    assert measure(INCIDENT, [ALERT], [TOLD], [RUN]) == {
        "detection_s": 11, "opening_s": 1, "telling_s": 2, "acknowledge_s": None, "response_s": 1,
        "recovery_s": 25, "resolution_s": 40,
    }  # fmt: skip


def test_what_did_not_happen_has_no_measure() -> None:
    bare = replace(INCIDENT, recovered_at=None, resolved_at=None)
    assert {k for k, v in measure(bare, []).items() if v is not None} == set()


def test_only_a_person_acknowledges() -> None:
    by = replace(INCIDENT, acknowledged_at=at(30), acknowledged_by="automation")
    assert measure(by, [ALERT])["acknowledge_s"] is None
    assert measure(replace(by, acknowledged_by="anna"), [ALERT])["acknowledge_s"] == 18


def book(*recovery: tuple[str, float], within: float | None = 300) -> Book:
    objectives = tuple(Recovery(line=50 + n, kind="rto", subject=s, seconds=v) for n, (s, v) in enumerate(recovery))
    severity = Severity(line=2, code="P1", name="Critical", respond_within_s=within)
    return Book(title=None, service="shop", severities=(severity,), recovery=objectives)


@pytest.mark.parametrize(
    ("given", "promised", "kept", "sentence"),
    [
        (book(("Critical systems", 900), ("Full system", 14400)), 900, True,
         "Recovery was promised within 15 min (Critical systems, line 50); it took 25 s."),
        (book(("Database", 60), ("shop application", 20)), 20, False,
         "Recovery was promised within 20 s (shop application, line 51); it took 25 s."),
        (book(("RTO", 900)), 900, True, "Recovery was promised within 15 min (RTO, line 50); it took 25 s."),
        (book(("", 900)), 900, True, "Recovery was promised within 15 min (all, line 50); it took 25 s."),
        (book(("Database", 60)), None, None, "None of the book's recovery times (Database) is for this."),
        (book(), None, None, "The book promises no recovery time."),
    ],
)  # fmt: skip
def test_the_recovery_time_that_is_meant(given: Book, promised: float | None, kept: bool | None, sentence: str) -> None:
    found = promises(given, INCIDENT, measure(INCIDENT, [ALERT], [], [RUN]))[1]
    assert (found.promised_s, found.kept, found.sentence) == (promised, kept, sentence)


@pytest.mark.parametrize(
    ("within", "measured", "kept", "sentence"),
    [
        (300.0, 1.0, True, "A response was promised within 5 min (P1, line 2); it took 1 s."),
        (300.0, 301.0, False, "A response was promised within 5 min (P1, line 2); it took 5 min 1 s."),
        (0.0, 30.0, True, "A response was promised at once (P1, line 2); it took 30 s."),
        (300.0, None, False, "A response was promised within 5 min (P1, line 2); nobody and nothing responded."),
        (None, 1.0, None, "The book promises no response time for P1."),
    ],
)
def test_the_response_that_was_promised(within: float | None, measured: float | None, kept: bool | None, sentence: str) -> None:
    found = promises(book(within=within), INCIDENT, {"response_s": measured})[0]
    assert (found.kept, found.sentence) == (kept, sentence)
