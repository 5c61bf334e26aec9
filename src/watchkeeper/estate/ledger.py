"""The rows of the books that were ever in force: a run and an incident name theirs by digest."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Column, Connection, String, Table, Text, insert, select

from watchkeeper.store.locks import hold
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


def remember_book(connection: Connection, now: datetime, digest: str, service: str, path: str, source: str) -> None:
    """Keep the source of a book once; a digest that is known stays as it was first seen."""
    hold(connection, "books")  # workers that start together remember the same one
    if read_book_source(connection, digest) is None:
        connection.execute(insert(books).values(digest=digest, service=service, path=path, at=now, source=source))


def read_book_source(connection: Connection, digest: str) -> str | None:
    """Give the source of a book by its digest; None where it was never in force here."""
    source: str | None = connection.execute(select(books.c.source).where(books.c.digest == digest)).scalar()
    return source
