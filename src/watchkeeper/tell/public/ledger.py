"""The rows of the public page: what was written for it, what was announced, who asked to be told, and what they were told."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict
from datetime import datetime
from typing import Any

from sqlalchemy import Column, Connection, Index, Row, String, Table, Text, delete, func, insert, select, update

from watchkeeper.store.schema import Instant, Json, Serial, metadata
from watchkeeper.tell.public.model import Maintenance, Post, Subscriber

posts = Table(
    "public_post",
    metadata,
    Column("id", Serial, primary_key=True),
    Column("incident_id", String(40), nullable=False),
    Column("at", Instant, nullable=False),
    Column("progress", String(20), nullable=False),
    Column("text", Text, nullable=False),
    Column("author", String(200), nullable=False),
    Index("ix_public_post_incident", "incident_id", "at"),
)

works = Table(
    "public_maintenance",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("title", Text, nullable=False),
    Column("text", Text, nullable=False),
    Column("components", Json, nullable=False),
    Column("begins_at", Instant, nullable=False),
    Column("ends_at", Instant, nullable=False),
    Column("announced_at", Instant, nullable=False),
    Column("author", String(200), nullable=False),
    Index("ix_public_maintenance_ends_at", "ends_at"),
)

subscribers = Table(
    "public_subscriber",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("kind", String(20), nullable=False),
    Column("address", String(500), nullable=False, unique=True),
    Column("token", String(100), nullable=False, unique=True),
    Column("asked_at", Instant, nullable=False),
    Column("confirmed_at", Instant),
    Index("ix_public_subscriber_asked_at", "asked_at"),
)

#: news that subscribers were told, so that each is told once
told = Table("public_told", metadata, Column("key", String(200), primary_key=True), Column("at", Instant, nullable=False))


def add_post(connection: Connection, post: Post) -> None:
    """Write what somebody says to the public."""
    connection.execute(insert(posts).values(**asdict(post)))


def read_posts(connection: Connection, incidents: Iterable[str]) -> list[Post]:
    """Give what was written about some incidents, oldest first."""
    query = select(posts).where(posts.c.incident_id.in_(list(incidents))).order_by(posts.c.at, posts.c.id)
    return [Post(row.incident_id, row.at, row.progress, row.text, row.author) for row in connection.execute(query)]


def announce(connection: Connection, work: Maintenance) -> None:
    """Write an announced maintenance."""
    connection.execute(insert(works).values(**{**asdict(work), "components": list(work.components)}))


def withdraw(connection: Connection, work_id: str, now: datetime) -> bool:
    """End an announced maintenance now, or take it back where it has not begun; False where there is none that is not over."""
    not_over = (works.c.id == work_id) & (works.c.ends_at > now)
    if connection.execute(delete(works).where(not_over, works.c.begins_at > now)).rowcount:
        return True
    return connection.execute(update(works).where(not_over).values(ends_at=now)).rowcount == 1


def read_works(connection: Connection, since: datetime) -> list[Maintenance]:
    """Give the announced maintenance that ends after an instant, the next first."""
    rows = connection.execute(select(works).where(works.c.ends_at > since).order_by(works.c.begins_at, works.c.id))
    return [Maintenance(**{**row._asdict(), "components": tuple(row.components)}) for row in rows]


def subscribe(connection: Connection, wanted: Subscriber) -> Subscriber:
    """Write somebody who asked to be told; gives who has that address already, if somebody has."""
    found = connection.execute(select(subscribers).where(subscribers.c.address == wanted.address)).first()
    if found is not None:
        return _subscriber(found)
    connection.execute(insert(subscribers).values(**asdict(wanted)))
    return wanted


def subscriber_by(connection: Connection, *, token: str | None = None, id: str | None = None) -> Subscriber | None:
    """Give a subscriber by the token of their links or by their id; None where there is none."""
    mine = subscribers.c.token == token if token is not None else subscribers.c.id == id
    row = connection.execute(select(subscribers).where(mine)).first()
    return _subscriber(row) if row else None


def confirm(connection: Connection, token: str, now: datetime) -> bool:
    """Write down that somebody said so a second time; False where nobody has this token."""
    mine = (subscribers.c.token == token) & subscribers.c.confirmed_at.is_(None)
    done = connection.execute(update(subscribers).where(mine).values(confirmed_at=now)).rowcount == 1
    return done or subscriber_by(connection, token=token) is not None


def leave(connection: Connection, *, token: str | None = None, id: str | None = None) -> bool:
    """Forget a subscriber; False where there was none."""
    mine = subscribers.c.token == token if token is not None else subscribers.c.id == id
    return connection.execute(delete(subscribers).where(mine)).rowcount == 1


def read_subscribers(connection: Connection, confirmed: bool = True) -> list[Subscriber]:
    """Give the subscribers, in the order in which they asked; those who confirmed, or all."""
    query = select(subscribers).order_by(subscribers.c.asked_at, subscribers.c.id)
    if confirmed:
        query = query.where(subscribers.c.confirmed_at.is_not(None))
    return [_subscriber(row) for row in connection.execute(query)]


def unconfirmed_since(connection: Connection, since: datetime) -> int:
    """Count those who asked after an instant and have not confirmed."""
    waiting = subscribers.c.confirmed_at.is_(None) & (subscribers.c.asked_at > since)
    return connection.execute(select(func.count()).select_from(subscribers).where(waiting)).scalar_one()


def forget_unconfirmed(connection: Connection, before: datetime) -> int:
    """Forget those who asked before an instant and never confirmed; returns how many."""
    old = subscribers.c.confirmed_at.is_(None) & (subscribers.c.asked_at < before)
    return connection.execute(delete(subscribers).where(old)).rowcount


def was_told(connection: Connection, key: str) -> bool:
    """Tell whether a piece of news was told."""
    return connection.execute(select(told.c.key).where(told.c.key == key)).first() is not None


def note_told(connection: Connection, key: str, now: datetime) -> bool:
    """Write down that a piece of news was told; False where that stood there already."""
    if was_told(connection, key):
        return False
    connection.execute(insert(told).values(key=key, at=now))
    return True


def _subscriber(row: Row[Any]) -> Subscriber:
    return Subscriber(**row._asdict())
