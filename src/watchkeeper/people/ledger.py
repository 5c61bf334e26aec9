"""The rows of identity: tokens and the sessions they open. Only hashes of what opens a door are kept."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Column, Connection, String, Table, delete, insert, select, update

from watchkeeper.store.schema import Instant, metadata

tokens = Table(
    "token",
    metadata,
    Column("hash", String(64), primary_key=True),
    Column("actor", String(200), nullable=False),
    #: "once" for the printed address, "api" for programs
    Column("kind", String(20), nullable=False),
    #: what its bearer may ask for: people.permission.ROLES
    Column("role", String(20), nullable=False, server_default="owner"),
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


@dataclass(frozen=True, slots=True)
class ApiToken:
    """What is known of a program's token; not the token."""

    actor: str
    role: str
    made_at: datetime
    expires_at: datetime


def add_token(
    connection: Connection, digest: str, actor: str, kind: str, made_at: datetime, expires_at: datetime, role: str
) -> None:
    """Keep the hash of a new token."""
    row = {"hash": digest, "actor": actor, "kind": kind, "role": role, "made_at": made_at, "expires_at": expires_at}
    connection.execute(insert(tokens).values(**row))


def take_once(connection: Connection, digest: str, now: datetime) -> str | None:
    """Use up a one-time token and give its actor; None where it is unknown, used or too old. Of two takers one wins."""
    fresh = (tokens.c.hash == digest) & (tokens.c.kind == "once") & tokens.c.used_at.is_(None) & (tokens.c.expires_at > now)
    if not connection.execute(update(tokens).where(fresh).values(used_at=now)).rowcount:
        return None
    return str(connection.execute(select(tokens.c.actor).where(tokens.c.hash == digest)).scalar_one())


def read_api_token(connection: Connection, digest: str, now: datetime) -> tuple[str, str] | None:
    """Give (actor, role) of a program's token; None where it is unknown or too old."""
    valid = (tokens.c.hash == digest) & (tokens.c.kind == "api") & (tokens.c.expires_at > now)
    row = connection.execute(select(tokens.c.actor, tokens.c.role).where(valid)).first()
    return None if row is None else (row.actor, row.role)


def list_api_tokens(connection: Connection, now: datetime) -> list[ApiToken]:
    """Give what is known of each program's token that still opens something, by name."""
    chosen = select(tokens.c.actor, tokens.c.role, tokens.c.made_at, tokens.c.expires_at)
    valid = (tokens.c.kind == "api") & (tokens.c.expires_at > now)
    return [ApiToken(*row) for row in connection.execute(chosen.where(valid).order_by(tokens.c.actor, tokens.c.made_at))]


def drop_api_tokens(connection: Connection, actor: str) -> int:
    """Take back all tokens of a program; gives how many there were."""
    return connection.execute(delete(tokens).where((tokens.c.kind == "api") & (tokens.c.actor == actor))).rowcount


def add_session(connection: Connection, digest: str, actor: str, csrf: str, made_at: datetime, expires_at: datetime) -> None:
    """Keep the hash of a new session; sessions that ended before are swept out."""
    connection.execute(delete(sessions).where(sessions.c.expires_at <= made_at))
    connection.execute(insert(sessions).values(hash=digest, actor=actor, csrf=csrf, made_at=made_at, expires_at=expires_at))


def read_session(connection: Connection, digest: str, now: datetime) -> tuple[str, str, datetime] | None:
    """Give (actor, CSRF token, end) of a session; None where it is unknown or over."""
    alive = (sessions.c.hash == digest) & (sessions.c.expires_at > now)
    row = connection.execute(select(sessions.c.actor, sessions.c.csrf, sessions.c.expires_at).where(alive)).first()
    return None if row is None else (row.actor, row.csrf, row.expires_at)


def drop_session(connection: Connection, digest: str) -> bool:
    """End a session; False where there was none."""
    return bool(connection.execute(delete(sessions).where(sessions.c.hash == digest)).rowcount)
