"""The rows of alerts."""

from __future__ import annotations

from sqlalchemy import Column, Float, Index, String, Table, Text

from watchkeeper.store.schema import Instant, metadata

alerts = Table(
    "alert",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("key", String(200), nullable=False),
    Column("subject", Text, nullable=False),
    Column("component", String(200)),
    Column("severity", String(50)),
    Column("breached_at", Instant, nullable=False),
    Column("fired_at", Instant, nullable=False),
    Column("ended_at", Instant),
    Column("value", Float),
    Column("sentence", Text, nullable=False),
    Column("incident_id", String(40)),
    Column("explained_by", String(200)),
    Index("ix_alert_open", "ended_at", "key"),
    Index("ix_alert_incident", "incident_id"),
)
