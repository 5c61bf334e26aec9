"""How incidents hang together: merged into another, split from another, related by a person's word; and earlier ones like it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, TypeAlias

from sqlalchemy import Column, Connection, Index, String, Table, Text, and_, delete, insert, or_, select

from watchkeeper.incident.ledger import incidents
from watchkeeper.incident.model import Incident
from watchkeeper.store.schema import Instant, metadata
from watchkeeper.store.sight import unseen_ids

RelationKind: TypeAlias = Literal["merged", "split", "related"]
#: how many earlier ones are named
MOST_EARLIER = 3

relations = Table(
    "incident_relation",
    metadata,
    #: the one that was merged into `other_id`, or split from it; of two related ones either
    Column("incident_id", String(40), primary_key=True),
    Column("other_id", String(40), primary_key=True),
    Column("kind", String(20), nullable=False),
    Column("why", Text, nullable=False),
    Column("actor", String(200), nullable=False),
    Column("at", Instant, nullable=False),
    Index("ix_incident_relation_other_id", "other_id"),
)
#: what went on in another incident has no end of its own to be told or reviewed
merged_away = select(relations.c.incident_id).where(relations.c.kind == "merged")


@dataclass(frozen=True, slots=True)
class Relation:
    """Another incident, and how one hangs together with it."""

    other_id: str
    title: str
    status: str
    #: "merged into", "took in", "split from", "gave off", "related", "earlier"
    how: str
    why: str
    at: datetime


def relate(connection: Connection, one: str, other: str, kind: RelationKind, why: str, actor: str, now: datetime) -> bool:
    """Keep that two incidents hang together; of two related ones it is kept once. Tells whether it was new."""
    same = and_(relations.c.incident_id == one, relations.c.other_id == other)
    turned = and_(relations.c.incident_id == other, relations.c.other_id == one)
    known = connection.execute(select(relations.c.kind).where(or_(same, turned))).scalars().all()
    if kind in known or (kind == "related" and known):
        return False
    connection.execute(delete(relations).where(or_(same, turned), relations.c.kind == "related"))
    row = {"incident_id": one, "other_id": other, "kind": kind, "why": why, "actor": actor, "at": now}
    connection.execute(insert(relations).values(**row))
    return True


def relations_of(connection: Connection, incident_id: str) -> list[Relation]:
    """Give the incidents that one hangs together with, the newest word first."""
    found = []
    for mine, other, words in (
        (relations.c.incident_id, relations.c.other_id, {"merged": "merged into", "split": "split from"}),
        (relations.c.other_id, relations.c.incident_id, {"merged": "took in", "split": "gave off"}),
    ):
        query = select(relations, incidents.c.id, incidents.c.title, incidents.c.status)
        seen = incidents.c.id.not_in(unseen_ids(connection))
        rows = connection.execute(query.join(incidents, incidents.c.id == other).where(mine == incident_id, seen))
        found += [Relation(r.id, r.title, r.status, words.get(r.kind, "related"), r.why, r.at) for r in rows]
    return sorted(found, key=lambda each: each.at, reverse=True)


def earlier_like(connection: Connection, incident: Incident, but: Sequence[str] = ()) -> list[Relation]:
    """Give the newest incidents before one that had its cause."""
    if incident.cause is None:
        return []
    like = (incidents.c.cause == incident.cause, incidents.c.service == incident.service)
    before = (incidents.c.opened_at < incident.opened_at, incidents.c.id.not_in([incident.id, *but, *unseen_ids(connection)]))
    newest = select(incidents).where(*like, *before).order_by(incidents.c.opened_at.desc()).limit(MOST_EARLIER)
    said = f"{incident.cause} was taken for its cause too."
    return [Relation(r.id, r.title, r.status, "earlier", said, r.opened_at) for r in connection.execute(newest)]
