"""The rows of the books that were ever in force: a run and an incident name theirs by digest."""

from __future__ import annotations

from sqlalchemy import Column, String, Table, Text

from watchkeeper.store.schema import Instant, metadata

books = Table(
    "book",
    metadata,
    Column("digest", String(64), primary_key=True),
    Column("service", String(100), nullable=False),
    Column("path", Text, nullable=False),
    Column("at", Instant, nullable=False),
    Column("source", Text, nullable=False),
)
