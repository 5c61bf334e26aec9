"""The rows of reviews."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Column, Connection, String, Table, Text, delete, insert, select

from watchkeeper.incident.ledger import incidents
from watchkeeper.incident.relations import merged_away
from watchkeeper.store.schema import Instant, Json, metadata
from watchkeeper.store.sight import unseen_ids

reviews = Table(
    "review",
    metadata,
    Column("incident_id", String(40), primary_key=True),
    Column("at", Instant, nullable=False),
    #: path of the Markdown file, relative to the state folder
    Column("path", Text, nullable=False),
    Column("markdown", Text, nullable=False),
    #: detection_s, opening_s, recovery_s … as measured
    Column("measures", Json, nullable=False),
)


@dataclass(frozen=True, slots=True)
class Review:
    """What was written when an incident ended."""

    incident_id: str
    at: datetime
    path: str
    markdown: str
    measures: Mapping[str, float | None]


def save_review(connection: Connection, review: Review) -> None:
    """Keep a review; a later one of the same incident replaces it."""
    connection.execute(delete(reviews).where(reviews.c.incident_id == review.incident_id))
    values = {name: getattr(review, name) for name in Review.__slots__} | {"measures": dict(review.measures)}
    connection.execute(insert(reviews).values(**values))


def get_review(connection: Connection, incident_id: str) -> Review | None:
    """Give the review of an incident; None where there is none yet."""
    seen = reviews.c.incident_id.not_in(unseen_ids(connection))
    row = connection.execute(select(reviews).where(reviews.c.incident_id == incident_id, seen)).first()
    return Review(**row._asdict()) if row else None


def unreviewed(connection: Connection, limit: int = 5) -> list[str]:
    """Give the incidents that are over and have no review yet, oldest first; what goes on in another has none of its own."""
    over = (incidents.c.status == "resolved", incidents.c.id.not_in(select(reviews.c.incident_id)))
    query = select(incidents.c.id).where(*over, incidents.c.id.not_in(merged_away))
    return list(connection.execute(query.order_by(incidents.c.resolved_at).limit(limit)).scalars())
