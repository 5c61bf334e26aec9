"""The rows of identity: one-time tokens and the sessions they open. Only hashes are kept."""

from __future__ import annotations

from sqlalchemy import Column, String, Table

from watchkeeper.store.schema import Instant, metadata

tokens = Table(
    "token",
    metadata,
    Column("hash", String(64), primary_key=True),
    Column("actor", String(200), nullable=False),
    #: "once" for the printed address, "api" for programs
    Column("kind", String(20), nullable=False),
    Column("made_at", Instant, nullable=False),
    Column("expires_at", Instant, nullable=False),
    Column("used_at", Instant),
)

sessions = Table(
    "session",
    metadata,
    Column("hash", String(64), primary_key=True),
    Column("actor", String(200), nullable=False),
    Column("csrf", String(64), nullable=False),
    Column("made_at", Instant, nullable=False),
    Column("expires_at", Instant, nullable=False),
)
