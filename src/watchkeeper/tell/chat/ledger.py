"""The rows of chat channels: what of an incident was written where, so that nothing is lost and nothing said twice unmarked."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Column, Connection, Integer, String, Table, and_, insert, select, update

from watchkeeper.store.locks import hold
from watchkeeper.store.schema import Instant, metadata
from watchkeeper.tell.chat.model import Channel

channels = Table(
    "chat_channel",
    metadata,
    Column("incident_id", String(40), primary_key=True),
    Column("chat", String(100), primary_key=True),
    Column("channel", String(100), nullable=False),
    Column("written", Integer, nullable=False),
    Column("begun", Integer, nullable=False),
    Column("topic", String(300), nullable=False),
    Column("made_at", Instant, nullable=False),
    Column("private", Integer, nullable=False, server_default="0"),
)
said = Table("chat_event", metadata, Column("id", String(200), primary_key=True), Column("at", Instant, nullable=False))


def read_channel(connection: Connection, incident_id: str, chat: str) -> Channel | None:
    """Give an incident's channel of a chat."""
    row = connection.execute(select(channels).where(_of(incident_id, chat))).first()
    return Channel(*row) if row is not None else None


def with_channel(connection: Connection, chat: str, incident_ids: Sequence[str]) -> set[str]:
    """Give those of some incidents that have a channel in a chat."""
    query = select(channels.c.incident_id).where(channels.c.chat == chat, channels.c.incident_id.in_(incident_ids))
    return set(connection.execute(query).scalars()) if incident_ids else set()


def channel_of(connection: Connection, chat: str, channel: str) -> Channel | None:
    """Give whose channel it is."""
    row = connection.execute(select(channels).where(channels.c.chat == chat, channels.c.channel == channel)).first()
    return Channel(*row) if row is not None else None


def add_channel(connection: Connection, incident_id: str, chat: str, channel: str, now: datetime, private: bool = False) -> None:
    """Keep a new channel; one that the incident had before is left."""
    connection.execute(channels.delete().where(_of(incident_id, chat)))
    named = {"incident_id": incident_id, "chat": chat, "channel": channel, "made_at": now, "private": int(private)}
    connection.execute(insert(channels).values(**named, written=0, begun=-1, topic=""))


def update_channel(connection: Connection, incident_id: str, chat: str, **values: Any) -> None:
    """Change how far it is written, or its topic."""
    connection.execute(update(channels).where(_of(incident_id, chat)).values(**values))


def is_taken(connection: Connection, event_id: str) -> bool:
    """Tell whether something was taken."""
    return connection.execute(select(said.c.id).where(said.c.id == event_id)).first() is not None


def take_event(connection: Connection, event_id: str, now: datetime) -> bool:
    """Take something that was said or pressed, once; tells whether it was new."""
    hold(connection, "chat events")
    known = event_id[:200]
    if is_taken(connection, known):
        return False
    connection.execute(insert(said).values(id=known, at=now))
    return True


def forget_events(connection: Connection, before: datetime) -> int:
    """Drop those that nobody sends again."""
    return connection.execute(said.delete().where(said.c.at < before)).rowcount


def _of(incident_id: str, chat: str) -> Any:
    return and_(channels.c.incident_id == incident_id, channels.c.chat == chat)
