"""The rows of watching: samples, how each threshold stands, and the flips that the alert chapter claims."""

from __future__ import annotations

from sqlalchemy import Column, Float, Index, Integer, String, Table, Text

from watchkeeper.store.schema import Instant, Json, Serial, metadata

samples = Table(
    "sample",
    metadata,
    Column("id", Serial, primary_key=True),
    Column("signal", String(100), nullable=False),
    Column("at", Instant, nullable=False),
    Column("took_s", Float, nullable=False),
    Column("readings", Json, nullable=False),
    Column("problem", Text),
    Column("detail", Text, nullable=False),
    Index("ix_sample_signal_at", "signal", "at"),
)

standings = Table(
    "standing",
    metadata,
    Column("key", String(200), primary_key=True),
    Column("signal", String(100), nullable=False),
    Column("state", String(10), nullable=False),
    Column("since", Instant, nullable=False),
    Column("breached_since", Instant),
    Column("value", Float),
    Column("at", Instant, nullable=False),
    Column("sentence", Text, nullable=False),
)

flips = Table(
    "flip",
    metadata,
    Column("id", Serial, primary_key=True),
    Column("key", String(200), nullable=False),
    Column("before", String(10), nullable=False),
    Column("after", String(10), nullable=False),
    Column("at", Instant, nullable=False),
    Column("value", Float),
    Column("sentence", Text, nullable=False),
    #: 1 once the alert chapter has taken it, in the same transaction as its alert rows
    Column("taken", Integer, nullable=False, server_default="0"),
    Index("ix_flip_taken", "taken", "id"),
)
