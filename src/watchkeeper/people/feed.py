"""Shifts as an iCalendar feed (RFC 5545), for the calendars in which people already live.

Instants are written in UTC, so that no calendar program needs to know a zone; an event keeps its UID as long as the same people
begin at the same instant, so that a change moves no other event.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta

from watchkeeper.people.model import Shift

#: how often a calendar program should ask again
REFRESH = timedelta(minutes=15)


def write_feed(title: str, shifts: Iterable[Shift], names: Mapping[str, str], service: str, now: datetime) -> bytes:
    """Give the calendar of some shifts; gaps are written too, as what they are."""
    from icalendar import Calendar, Event, vDuration  # only who serves a feed pays for it

    calendar = Calendar()
    calendar.add("prodid", "-//Watchkeeper//On call//EN")
    calendar.add("version", "2.0")
    calendar.add("method", "PUBLISH")
    calendar.add("x-wr-calname", title)
    calendar.add("refresh-interval", vDuration(REFRESH), parameters={"VALUE": "DURATION"})
    calendar.add("x-published-ttl", vDuration(REFRESH))
    for shift in shifts:
        called = " and ".join(names.get(person, person) for person in shift.people)
        event = Event()
        event.add("uid", _uid(shift, service))
        event.add("dtstamp", now)
        event.add("dtstart", shift.begins_at)
        event.add("dtend", shift.ends_at)
        event.add("summary", f"On call for {shift.rota}: {called}" if called else f"Nobody is on call for {shift.rota}")
        event.add("description", shift.sentence)
        event.add("transp", "TRANSPARENT")
        calendar.add_component(event)
    written: bytes = calendar.to_ical()
    return written


def _uid(shift: Shift, service: str) -> str:
    said = f"{service}/{shift.rota}/{'+'.join(shift.people)}/{shift.begins_at.isoformat()}"
    return f"{hashlib.sha256(said.encode()).hexdigest()[:32]}@watchkeeper"
