"""Notices without an incident: somebody is paged by hand, somebody's turn begins, somebody stands in for another.

All go through the outbox, in the caller's transaction, under ids that are written once.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import Connection

from watchkeeper.base.secrets import Secret
from watchkeeper.book.model import Book
from watchkeeper.estate.model import Estate, Person
from watchkeeper.people.ladder import Reach, addresses, reach
from watchkeeper.people.rota import said_at, shifts
from watchkeeper.people.rota_ledger import read_changes, read_handovers, who_is_on_call
from watchkeeper.tell.ledger import write_notice
from watchkeeper.tell.model import Notice

#: a turn that began longer ago is not announced any more: its people know by now
ANNOUNCED = timedelta(hours=1)


def whom(connection: Connection, book: Book, estate: Estate, said: str, now: datetime) -> Reach:
    """Say who is meant by a person, a role or a rota at an instant."""
    return reach(said, book, estate, who_is_on_call(connection, estate, now))


def would_reach(found: Reach) -> str:
    """Say whom a page would reach, and by what.

    >>> would_reach(Reach((Person("anna", "Anna", 1, (), ("tgram://a/b", "mailto://c")),), ""))
    'would reach Anna by tgram, then mailto'
    """
    each = [f"{person.name} by {', then '.join(channels(person))}" for person in found.people]
    return f"would reach {'; '.join(each)}" if each else f"would reach nobody: {found.sentence}"


def channels(person: Person) -> list[str]:
    """Give the kinds of a person's addresses in the order in which they are tried; what else stands in them is not shown."""
    return [(a.reveal() if isinstance(a, Secret) else a).split(":", 1)[0] for a in addresses(person)]


def write_page(
    connection: Connection, now: datetime, page_id: str, people: Sequence[Person], kind: str, subject: str, body: str
) -> list[str]:
    """Write a notice without an incident for each person; gives the ids of those that were not there yet."""
    written = []
    for person in people:
        key = f"{page_id}/{person.id}"[:200]
        if write_notice(connection, Notice(key, None, person.id, kind, subject[:200], body, "waiting", 0, now)):
            written.append(key)
    return written


def announce(connection: Connection, estate: Estate, now: datetime) -> list[str]:
    """Tell those whose turn has just begun, with what was left for them; gives the ids of the new notices.

    Who is on call on the other side of the hand-over too is not told; a rota that announces nothing tells only what was left.
    """
    written: list[str] = []
    for rota in estate.rotas.values():
        changes = read_changes(connection, now - ANNOUNCED)
        lately = shifts(rota, changes, now - ANNOUNCED, now + timedelta(microseconds=1))
        if len(lately) < 2 or not lately[-1].people:
            continue
        before, begun = lately[-2], lately[-1]
        left = [note for note in read_handovers(connection, rota.name, since=begun.begins_at - timedelta(days=14)) if note.text]
        fresh = [note for note in left if note.author not in begun.people and note.at <= begun.begins_at][:1]
        if not fresh and not rota.announce:
            continue
        new = [estate.people[p] for p in begun.people if p not in before.people and p in estate.people]
        names = {p.id: p.name for p in estate.people.values()}
        notes = [f"{names.get(n.author, n.author)} left for you at {said_at(n.at, rota.zone)}: {n.text}" for n in fresh]
        body = "\n".join([f"You are on call for {rota.name} since {said_at(begun.begins_at, rota.zone)}.", *notes])
        page_id = f"on-call/{rota.name}/{begun.begins_at.isoformat()}"
        reachable = [person for person in new if addresses(person)]
        written += write_page(connection, now, page_id, reachable, "on-call", f"You are on call for {rota.name}", body)
    return written
