"""What an incident is called, how grave it is, and which clocks run on it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from watchkeeper.alert.model import Alert
from watchkeeper.book.model import Book, Escalation, Phase, Severity, Template, Threshold
from watchkeeper.incident.model import Incident
from watchkeeper.incident.rules import IMMEDIATELY_S, call, clocks, one_title, title, update_every_s
from watchkeeper.people.gravity import gravity, in_order

NOW = datetime(2026, 3, 14, 12, 0, tzinfo=UTC)


def severities(*codes: str | tuple[str, float | None]) -> tuple[Severity, ...]:
    pairs = [(c, None) if isinstance(c, str) else c for c in codes]
    return tuple(Severity(line=n, code=code, respond_within_s=within) for n, (code, within) in enumerate(pairs, 1))


def book(*codes: str | tuple[str, float | None], **more: object) -> Book:
    return Book(title="Shop", service="shop", severities=severities(*codes), **more)  # type: ignore[arg-type]


def alert(subject: str = "Shop application", severity: str | None = None, *, component: str | None = "Shop application",
          value: float | None = None, explained_by: str | None = None, key: str | None = None) -> Alert:  # fmt: skip
    return Alert(
        f"alt-{key or subject}", key or subject, subject, component, severity, NOW, NOW, None, value, "", "inc-1", explained_by
    )


def down(subject: str = "Shop application", state: str = "down") -> Threshold:
    return Threshold(line=1, role="alert", subject=subject, op="is", state=state)


def above(value: float, unit: str | None = "percent") -> Threshold:
    return Threshold(line=1, role="alert", subject="x", op=">", value=value, unit=unit)


@pytest.mark.parametrize(
    ("codes", "ordered"),
    [
        (("P0", "P1", "P2"), ["P0", "P1", "P2"]),
        (("P3", "P2", "P1"), ["P1", "P2", "P3"]),
        (("SEV-2", "SEV-1"), ["SEV-1", "SEV-2"]),
        (("Critical", "Warning"), ["Critical", "Warning"]),
        (("minor", "P1"), ["minor", "P1"]),
        ((("Low", 3600.0), ("High", 60.0)), ["High", "Low"]),
        ((("Red", 60.0), ("Blue", None)), ["Red", "Blue"]),
    ],
)
def test_the_books_own_order(codes: tuple[str, ...], ordered: list[str]) -> None:
    assert [s.code for s in in_order(severities(*codes))] == ordered


def test_the_gravest_severity_counts_and_that_of_what_follows_as_well() -> None:
    known = book("P1", "P2", "P3")
    alerts = [alert("a", "p3"), alert("b", "P2"), alert("c", "P1", explained_by="database")]
    assert (call(known, alerts).severity, call(known, alerts).sentence) == ("P1", "The book calls c P1.")


def test_a_word_that_the_book_does_not_define_stays_and_comes_last() -> None:
    known = book("P1", "P2")
    assert call(known, [alert("a", "critical")]).severity == "critical"
    assert call(known, [alert("a", "critical")]).sentence == "The book calls a critical, a word that it does not define."
    assert call(known, [alert("a", "critical"), alert("b", "P2")]).severity == "P2"
    assert call(known, [alert("a")]).severity is None
    assert gravity(known, "P1") < gravity(known, "P2") < gravity(known, "critical") < gravity(known, None)
    assert gravity(known, "critical") == gravity(known, "red") < gravity(known, "warning") < gravity(known, None)


@pytest.mark.parametrize(
    ("given", "threshold", "expected"),
    [
        (alert("Application", component="Shop application"), down(), "Shop application is down"),
        (alert("Application down", component="Shop application"), down(), "Shop application is down"),
        (alert("Backup failed", component=None), down(state="failed"), "Backup failed"),
        (alert("Nightly job", component="Workers"), down(state="stuck"), "Nightly job is stuck"),
        (alert("error rate", value=31.0), above(5), "error rate 31 % > 5 % (Shop application)"),
        (alert("error rate > 5%", value=31.4159), above(5), "error rate 31.4 % > 5 % (Shop application)"),
        (alert("p95 latency", value=2.5), above(0.5, "seconds"), "p95 latency 2.5 s > 500 ms (Shop application)"),
        (alert("Queue length", component="queue", value=1200.0), above(100, None), "Queue length 1200 > 100"),
        (alert("Celery workers", component="workers"), down(), "Workers are down"),
        (alert("metrics is blind"), None, "Metrics is blind"),
    ],
)
def test_titles_in_words(given: Alert, threshold: Threshold | None, expected: str) -> None:
    assert one_title(given, threshold) == expected


def test_the_title_is_of_the_gravest_and_a_state_before_a_number() -> None:
    alerts = [alert("error rate", "P1", value=31.0), alert("Application", "P1"), alert("Cache", "P2", component="cache")]
    thresholds = {"error rate": above(5), "Application": down(), "Cache": down()}
    assert title(alerts, thresholds, book("P1", "P2")) == "Shop application is down"


def incident(severity: str | None = "P1") -> Incident:
    return Incident("inc-1", "shop", "Shop application is down", severity, "open", "Shop application", NOW, NOW)


LADDER = (Escalation(line=31, level=1, role="On-call", after_s=900), Escalation(line=32, level=2, role="Lead", after_s=1800))


def test_the_clocks_of_an_incident_in_order() -> None:
    templates = (Template(line=50, name="Initial", body="We investigate [issue].\nUpdates: every 30 minutes"),)
    found = clocks(book(("P1", 300.0), escalation=LADDER, templates=templates), incident())
    assert [(c.kind, c.level, c.role, c.due_at - NOW) for c in found] == [
        ("rung", 1, "On-call", timedelta()), ("respond", 0, "", timedelta(minutes=5)), ("rung", 2, "Lead", timedelta(minutes=15)),
        ("update", 0, "", timedelta(minutes=30)),
    ]  # fmt: skip
    assert found[1].sentence == "The book promises a response within 5 min (P1, line 1)."
    assert found[3].sentence == "The book promises an update every 30 min (line 50)."


def test_a_threshold_may_promise_more_than_its_severity() -> None:
    strict = Threshold(line=70, role="alert", subject="x", op="is", state="down", respond_within_s=60)
    respond = next(c for c in clocks(book(("P1", 300.0)), incident(), [strict]) if c.kind == "respond")
    assert (respond.due_at - NOW, respond.sentence) == (
        timedelta(minutes=1),
        "The book promises a response within 1 min (line 70).",
    )


def test_an_immediate_response_is_late_after_a_minute() -> None:
    respond = next(c for c in clocks(book(("P1", 0.0)), incident()) if c.kind == "respond")
    assert respond.due_at - NOW == timedelta(seconds=IMMEDIATELY_S)


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("Updates: Will provide updates every 15 minutes", 900),
        ("We'll provide an update within 30 minutes.", 1800),
        ("Nächste Aktualisierung alle 20 Minuten", 1200),
        ("The shop checks every 15 minutes", None),
        ("Update: fixed", None),
    ],
)
def test_how_often_the_book_promises_an_update(body: str, expected: float | None) -> None:
    found = update_every_s(Book(title=None, service=None, templates=(Template(line=5, name="t", body=body),)))
    assert (found[0] if found else None) == expected
    told = update_every_s(Book(title=None, service=None, phases=(Phase(line=6, name="Mitigate", tasks=(body,)),)))
    assert (told[0] if told else None) == expected
