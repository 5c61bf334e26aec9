"""When contacts are told: what the words beside them mean, and the ladder that they make where the book has none."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from watchkeeper.book.model import Book, Contact, Escalation, Severity
from watchkeeper.estate.hours import Office, parse_hours
from watchkeeper.people.conditions import by_condition, condition_of, opens_at, withheld
from watchkeeper.people.ladder import condition_for, rungs

HOURS = parse_hours("Mon-Fri 09:00-17:00 Europe/Berlin")
assert HOURS is not None
OFFICE = Office(HOURS, frozenset({date(2026, 6, 4)}), frozenset({(12, 25)}))
NIGHT, NOON = datetime(2026, 6, 3, 1, tzinfo=UTC), datetime(2026, 6, 3, 11, tzinfo=UTC)
GRADED = Book(
    title="Shop", service="shop", severities=tuple(Severity(line=n, code=f"P{n}") for n in range(4)),
)  # fmt: skip


def contact(hours: str | None, role: str = "Lead", line: int = 7) -> Contact:
    return Contact(line=line, role=role, email="lead@shop.example", hours=hours)


@pytest.mark.parametrize(
    ("words", "severity", "now", "escalated", "told"),
    [
        ("24/7", "P3", NIGHT, False, True),
        ("around the clock", None, NIGHT, False, True),
        (None, "P3", NIGHT, False, True),
        ("ask at the front desk", "P3", NIGHT, False, True),  # it does not say when
        ("business hours", "P3", NIGHT, False, False),
        ("business hours", "P3", NOON, False, True),
        ("Bürozeiten", "P3", NIGHT, True, False),
        ("business hours + escalation", "P3", NIGHT, False, False),
        ("business hours + escalation", "P3", NIGHT, True, True),
        ("on escalation only", "P3", NOON, False, False),
        ("on escalation only", "P3", NOON, True, True),
        ("critical escalations only", "P0", NIGHT, True, True),
        ("critical escalations only", "P1", NOON, True, False),
        ("critical only", None, NOON, True, False),
        ("P0/P1 only", "P1", NIGHT, False, True),
        ("P0/P1 only", "P2", NIGHT, True, False),
        ("P1 only", "P0", NIGHT, True, True),  # who wants to hear of a P1 wants to hear of worse
        ("Mon-Fri 08:00-10:00 UTC", "P3", NIGHT, False, False),
        ("Mon-Fri 10:00-12:00 UTC", "P3", NOON, False, True),
    ],
)
def test_whether_a_contact_is_told(words: str | None, severity: str | None, now: datetime, escalated: bool, told: bool) -> None:
    why = withheld(condition_of(contact(words)), GRADED, OFFICE, severity, now=now, escalated=escalated)
    assert (why is None) is told, why
    if why is not None:
        assert why.startswith(f"line 7 says “{words}”, and ")


def test_without_severities_only_the_word_itself_is_critical() -> None:
    condition = condition_of(contact("critical escalations only"))
    bare = Book(title="Shop", service="shop")
    assert withheld(condition, bare, OFFICE, "critical", now=NIGHT, escalated=True) is None
    assert withheld(condition, bare, OFFICE, "warning", now=NIGHT, escalated=True) == (
        "line 7 says “critical escalations only”, and the incident is warning"
    )


def test_when_hours_begin_next() -> None:
    condition = condition_of(contact("business hours"))
    assert opens_at(condition, OFFICE, NIGHT) == datetime(2026, 6, 3, 7, tzinfo=UTC)
    # after Wednesday's come a holiday's, which are none
    assert opens_at(condition, OFFICE, datetime(2026, 6, 3, 16, tzinfo=UTC)) == datetime(2026, 6, 5, 7, tzinfo=UTC)
    assert opens_at(condition_of(contact("critical only")), OFFICE, NIGHT) is None


def test_business_days_end_with_their_hours() -> None:
    friday, christmas = datetime(2026, 6, 5, 11, tzinfo=UTC), datetime(2026, 12, 24, 11, tzinfo=UTC)
    assert OFFICE.ends_after(friday, 1) == datetime(2026, 6, 8, 15, tzinfo=UTC)
    assert OFFICE.ends_after(NOON, 1) == datetime(2026, 6, 5, 15, tzinfo=UTC)
    assert OFFICE.ends_after(christmas, 1) == datetime(2026, 12, 28, 16, tzinfo=UTC)
    assert OFFICE.ends_after(NOON, 40) is None


def test_the_hours_of_the_nights_on_which_the_clocks_are_moved() -> None:
    assert OFFICE.opens_at(datetime(2026, 3, 28, 12, tzinfo=UTC)) == datetime(2026, 3, 30, 7, tzinfo=UTC)
    assert OFFICE.opens_at(datetime(2026, 10, 24, 12, tzinfo=UTC)) == datetime(2026, 10, 26, 8, tzinfo=UTC)


CONTACTS = (
    contact("critical only", "CTO", 4),
    contact("24/7", "On-call", 1),
    contact("business hours", "Product", 3),
    contact("business hours, and on escalation", "Lead", 2),
    contact(None, "Vendor", 5),
)


def test_contacts_make_a_ladder_where_the_book_has_none() -> None:
    found = [(level, one.role) for level, one, _ in by_condition(CONTACTS)]
    assert found == [(1, "On-call"), (2, "Lead"), (2, "Product"), (3, "CTO")]
    ladder = rungs(Book(title="Shop", service="shop", contacts=CONTACTS), "critical")
    assert [(rung.level, rung.role, rung.after_s) for rung in ladder] == [
        (1, "On-call", 0.0), (2, "Lead", 900.0), (2, "Product", 900.0), (3, "CTO", 1800.0),
    ]  # fmt: skip
    assert ladder[1].sentence == (
        "Level 2, Lead, is told after 15 min (line 2: the book has no ladder; its contact says "
        "“business hours, and on escalation”)."
    )


def test_a_ladder_of_the_book_is_the_ladder_and_contacts_only_say_when() -> None:
    rung = Escalation(line=9, level=1, role="Lead")
    book = Book(title="Shop", service="shop", contacts=CONTACTS, escalation=(rung,))
    assert [one.role for one in rungs(book, None)] == ["Lead"]
    condition = condition_for("the lead", book)
    assert condition is not None
    assert condition.line == 2
    assert condition_for("", book) is None


def test_contacts_that_say_nothing_of_when_make_no_ladder() -> None:
    ladder = rungs(Book(title="Shop", service="shop", contacts=(contact(None), contact("call twice"))), None)
    assert [rung.role for rung in ladder] == [""]
