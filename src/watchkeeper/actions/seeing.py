"""As whom the rows are read: pages, answers of the API and acts go without the private incidents that concern others.

One place decides (`incident.privacy`), here it is asked for each private incident, and the ledgers of all chapters leave out what
may not be seen: for who may not see it, a private incident does not exist.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TypeVar

from sqlalchemy import Connection, select

from watchkeeper.alert.ledger import alerts
from watchkeeper.app import App
from watchkeeper.estate.model import Estate, Person
from watchkeeper.incident.ledger import incidents, timeline
from watchkeeper.incident.privacy import may_see, sees_all
from watchkeeper.incident.roles import assigned
from watchkeeper.learn.follow_up import follow_ups
from watchkeeper.people.identity import Actor
from watchkeeper.run.ledger import runs
from watchkeeper.store.database import Database, Work
from watchkeeper.store.sight import ALL_SEEN, Unseen, without
from watchkeeper.tell.ledger import outbox

T = TypeVar("T")


def seen_by(app: App, actor: Actor) -> App:
    """Give the application with its rows as somebody may see them."""
    return app if sees_all(actor) else replace(app, database=_Seen(app.database, actor))


def unseen_by(connection: Connection, actor: Actor) -> Unseen:
    """Give what somebody may not see: the private incidents that do not concern them, with their runs, alerts and follow-ups."""
    if sees_all(actor):
        return ALL_SEEN
    query = select(incidents.c.id, incidents.c.title).where(incidents.c.private_at.is_not(None))
    private = {row.id: row.title for row in connection.execute(query)}
    known = concerning(connection, actor.name) if private else set()
    ids = frozenset(each for each in private if not may_see(actor, private=True, concerned=each in known))
    if not ids:
        return ALL_SEEN
    beside = set[str]()
    for table in (runs, alerts, follow_ups):
        beside |= set(connection.execute(select(table.c.id).where(table.c.incident_id.in_(ids))).scalars())
    return Unseen(ids, frozenset(beside), frozenset(private[each] for each in ids))


def concerning(connection: Connection, name: str) -> set[str]:
    """Give the private incidents that concern somebody.

    They were told of it, have a role or a follow-up in it, took it, opened it, or said that it is private.
    """
    private = select(incidents.c.id).where(incidents.c.private_at.is_not(None))
    said = (timeline.c.kind.in_(("opened", "private")), timeline.c.actor == name)
    ways = (
        select(outbox.c.incident_id).where(outbox.c.person == name, outbox.c.incident_id.in_(private)),
        select(assigned.c.incident_id).where(assigned.c.person == name, assigned.c.incident_id.in_(private)),
        select(follow_ups.c.incident_id).where(follow_ups.c.owner == name, follow_ups.c.incident_id.in_(private)),
        select(timeline.c.incident_id).where(*said, timeline.c.incident_id.in_(private)),
        select(incidents.c.id).where(incidents.c.private_at.is_not(None), incidents.c.acknowledged_by == name),
    )
    return {each for way in ways for each in connection.execute(way).scalars()}


def concerned(connection: Connection, estate: Estate, incident_id: str) -> tuple[Person, ...]:
    """Give the people of the file whom a private incident concerns."""
    return tuple(person for person in estate.people.values() if incident_id in concerning(connection, person.id))


class _Seen(Database):
    """A database as somebody may see it."""

    def __init__(self, database: Database, actor: Actor) -> None:
        self._database, self._actor = database, actor
        self.url, self.dialect = database.url, database.dialect

    async def write(self, work: Work[T]) -> T:
        """Run work in a transaction; what may not be seen cannot be changed either."""
        return await self._database.write(lambda connection: self._without(connection, work))

    async def read(self, work: Work[T]) -> T:
        """Run work that changes nothing."""
        return await self._database.read(lambda connection: self._without(connection, work))

    def write_now(self, work: Work[T]) -> T:
        """Write from a thread that has no event loop."""
        return self._database.write_now(lambda connection: self._without(connection, work))

    def read_now(self, work: Work[T]) -> T:
        """Read from a thread that has no event loop."""
        return self._database.read_now(lambda connection: self._without(connection, work))

    def _without(self, connection: Connection, work: Work[T]) -> T:
        with without(connection, unseen_by(connection, self._actor)):
            return work(connection)
