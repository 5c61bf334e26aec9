"""When a contact of the book is told: around the clock, in business hours, when an incident is escalated, when it is critical.

The words beside a contact enter, with the instant, the severity and how far the incident was escalated; whether the contact is
told leaves, with the sentence why not. A contact without such words is told always. Where the book has no ladder, but says of its
contacts when, they make one: who is there always, then who is there in business hours or on escalation, then who hears only of
what is critical.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from watchkeeper.book.model import Book, Contact
from watchkeeper.estate.hours import Hours, Office, parse_hours
from watchkeeper.people.gravity import gravity, severity_of

_ALWAYS = re.compile(r"24\s?[/x×]\s?7|around the clock|round the clock|always|rund um die uhr|24h/24|7j/7", re.IGNORECASE)
_BUSINESS = re.compile(
    r"\b(?:business|office|working|work)[\s-]*(?:hours|days?)\b|\bweekdays\b|bürozeiten|geschäftszeiten|"
    r"heures (?:de bureau|ouvrées)|horario (?:laboral|de oficina|comercial)|horário comercial|godziny pracy|"
    r"営業時間|工作时间|업무 ?시간",
    re.IGNORECASE,
)
_ESCALATED = re.compile(r"escalat|eskal|escalad|escalonad|エスカレ|升级", re.IGNORECASE)
_GRAVEST = re.compile(r"\b(?:critical|severe|major|disaster|kritisch|critique|crític\w+|krytyczn\w+)\b|重大|严重", re.IGNORECASE)
_CODES = re.compile(r"\b(?:P|SEV-?|S)[0-5]\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Condition:
    """When a contact is told, as the book says it."""

    words: str
    line: int
    always: bool = False
    #: in these hours; `office` stands for the service's own business hours
    office: bool = False
    hours: Hours | None = None
    escalated: bool = False
    #: of the gravest severity alone, or of those named
    gravest: bool = False
    codes: tuple[str, ...] = ()

    @property
    def rank(self) -> int:
        """Give the level that it makes in a book without a ladder."""
        if self.gravest or self.codes:
            return 3
        return 1 if self.always else 2


def condition_of(contact: Contact) -> Condition | None:
    """Read the words beside a contact; None where there are none that say when.

    >>> condition_of(Contact(line=4, role="CTO", hours="critical escalations only")).gravest
    True
    """
    said = " ".join((contact.hours or "").split())
    if not said:
        return None
    codes = tuple(code.upper() for code in _CODES.findall(said))
    found = Condition(
        words=said,
        line=contact.line,
        always=_ALWAYS.search(said) is not None,
        office=_BUSINESS.search(said) is not None,
        hours=parse_hours(said),
        escalated=_ESCALATED.search(said) is not None,
        gravest=not codes and _GRAVEST.search(said) is not None,
        codes=codes,
    )
    telling = found.always or found.office or found.hours or found.escalated or found.gravest or found.codes
    return found if telling else None


def withheld(
    condition: Condition | None, book: Book, office: Office, severity: str | None, *, now: datetime, escalated: bool
) -> str | None:
    """Say why a contact is not told now; None where it is."""
    if condition is None or condition.always:
        return None
    at = f"line {condition.line} says “{condition.words}”"
    if (condition.gravest or condition.codes) and not _is_for(condition, book, severity):
        return f"{at}, and the incident is {severity or 'of no severity'}"
    if condition.escalated and escalated:
        return None
    if condition.hours is not None and not condition.hours.hold(now):
        return f"{at}, and it is {_local(now, condition.hours.zone)}"
    if condition.office and not office.is_open(now):
        assumed = "" if office.stated else "; nothing states the business hours, so the usual ones count"
        return f"{at}, and it is {_local(now, office.hours.zone)}{assumed}"
    if condition.escalated and not (condition.office or condition.hours or condition.gravest or condition.codes):
        return f"{at}, and nothing was escalated yet"
    return None


def opens_at(condition: Condition | None, office: Office, now: datetime) -> datetime | None:
    """Give the instant at which the hours of a withheld contact begin next; None where it waits for no hours."""
    if condition is None or not (condition.office or condition.hours):
        return None
    return (Office(condition.hours) if condition.hours else office).opens_at(now)


def by_condition(contacts: Sequence[Contact]) -> list[tuple[int, Contact, Condition]]:
    """Give the levels that contacts make where the book has no ladder; none where it says of none of them when."""
    known = [(contact, found) for contact in contacts if (found := condition_of(contact)) is not None]
    ranks = sorted({found.rank for _, found in known})
    return sorted(
        ((ranks.index(found.rank) + 1, contact, found) for contact, found in known), key=lambda one: (one[0], one[1].line)
    )


def _is_for(condition: Condition, book: Book, severity: str | None) -> bool:
    """Tell whether an incident is as grave as a contact wants it."""
    if severity is None:
        return False
    if condition.codes:
        named = [code for code in condition.codes if severity_of(book, code) is not None]
        least = max((gravity(book, code) for code in named), default=None)
        return severity.upper() in condition.codes or (least is not None and gravity(book, severity) <= least)
    return gravity(book, severity) == 0 if book.severities else _GRAVEST.search(severity) is not None


def _local(now: datetime, zone: str) -> str:
    return f"{now.astimezone(ZoneInfo(zone)):%H:%M on %A}"
