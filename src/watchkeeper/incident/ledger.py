"""The rows of incidents and their timelines."""

from __future__ import annotations

from sqlalchemy import Column, Index, Integer, String, Table, Text, UniqueConstraint

from watchkeeper.store.schema import Instant, Json, Serial, metadata

incidents = Table(
    "incident",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("service", String(100), nullable=False),
    Column("title", Text, nullable=False),
    Column("severity", String(50)),
    Column("status", String(20), nullable=False),
    Column("cause", String(200)),
    Column("began_at", Instant, nullable=False),
    Column("opened_at", Instant, nullable=False),
    Column("acknowledged_at", Instant),
    Column("acknowledged_by", String(200)),
    Column("recovered_at", Instant),
    Column("resolved_at", Instant),
    Column("procedure_id", String(300)),
    Column("because", Text, nullable=False, server_default=""),
    Column("book", String(64), nullable=False, server_default=""),
    Index("ix_incident_status", "status", "opened_at"),
)

timeline = Table(
    "timeline",
    metadata,
    Column("id", Serial, primary_key=True),
    Column("incident_id", String(40), nullable=False),
    Column("seq", Integer, nullable=False),
    Column("at", Instant, nullable=False),
    Column("kind", String(30), nullable=False),
    Column("actor", String(200), nullable=False),
    Column("sentence", Text, nullable=False),
    Column("body", Json, nullable=False),
    UniqueConstraint("incident_id", "seq"),
)
