"""The rows of the outbox."""

from __future__ import annotations

from sqlalchemy import Column, Index, Integer, String, Table, Text

from watchkeeper.store.schema import Instant, metadata

outbox = Table(
    "outbox",
    metadata,
    #: also the idempotency key: made of incident, kind, level and person, so that the same notice is written once
    Column("id", String(200), primary_key=True),
    Column("incident_id", String(40)),
    Column("person", String(100), nullable=False),
    Column("kind", String(30), nullable=False),
    Column("subject", Text, nullable=False),
    Column("body", Text, nullable=False),
    Column("state", String(20), nullable=False),
    Column("tries", Integer, nullable=False, server_default="0"),
    Column("at", Instant, nullable=False),
    Column("next_at", Instant, nullable=False),
    Column("lease_until", Instant),
    Column("sent_at", Instant),
    Column("channel", String(50)),
    Column("problem", Text),
    Index("ix_outbox_state", "state", "next_at"),
    Index("ix_outbox_incident", "incident_id"),
)
