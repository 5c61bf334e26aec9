"""The rows of identity: tokens, sessions, passwords and what guards them. Only hashes of what opens a door are kept."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Column, ColumnElement, Connection, Integer, String, Table, Text, delete, insert, or_, select, update
from sqlalchemy.exc import IntegrityError

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
    #: the person who answers for a program
    Column("person", String(200), nullable=False, server_default=""),
    #: the service it is good for; empty: any that this database holds
    Column("service", String(100), nullable=False, server_default=""),
    #: what it is narrowed to, with commas; NULL: all that its role may
    Column("scopes", Text),
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
    #: what the credential itself grants; what watchkeeper.toml grants is added at each request
    Column("role", String(20), nullable=False, server_default=""),
    #: by which credential it was opened, and from where
    Column("by", String(200), nullable=False, server_default=""),
    Column("opened_from", String(100), nullable=False, server_default=""),
    Column("service", String(100), nullable=False, server_default=""),
    Column("made_at", Instant, nullable=False),
    Column("expires_at", Instant, nullable=False),
)

passwords = Table(
    "password",
    metadata,
    Column("person", String(200), primary_key=True),
    #: argon2id with its salt and costs
    Column("hash", String(300), nullable=False),
    Column("set_at", Instant, nullable=False),
)

#: failed sign-ins of a person or an address, and until when the next is not even tried
guesses = Table(
    "guess",
    metadata,
    Column("key", String(250), primary_key=True),
    Column("failures", Integer, nullable=False),
    Column("last_at", Instant, nullable=False),
    Column("wait_until", Instant),
)

#: links of notices that were used; a link is good once
used_links = Table(
    "used_link",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("person", String(200), nullable=False),
    Column("used_at", Instant, nullable=False),
    Column("expires_at", Instant, nullable=False),
)

#: sign-ins that went to the provider and have not come back
errands = Table(
    "errand",
    metadata,
    #: of the state that the provider hands back
    Column("hash", String(64), primary_key=True),
    #: of the cookie that ties it to the browser that began
    Column("browser", String(64), nullable=False),
    Column("nonce", String(64), nullable=False),
    Column("verifier", String(128), nullable=False),
    Column("expires_at", Instant, nullable=False),
)


#: more people than this are not at the provider at once; a flood pushes out its own
MOST_ERRANDS = 500


@dataclass(frozen=True, slots=True)
class ApiToken:
    """What is known of a program's token; not the token."""

    actor: str
    role: str
    made_at: datetime
    expires_at: datetime
    #: who answers for it
    person: str = ""
    service: str = ""
    #: what it is narrowed to; None: all that its role may
    scopes: frozenset[str] | None = None


@dataclass(frozen=True, slots=True)
class SessionRow:
    """What is known of an open session; not its cookie."""

    hash: str
    actor: str
    csrf: str
    role: str
    by: str
    opened_from: str
    made_at: datetime
    expires_at: datetime


def add_token(connection: Connection, digest: str, kind: str, token: ApiToken) -> None:
    """Keep the hash of a new token with what it is good for."""
    scopes = None if token.scopes is None else ",".join(sorted(token.scopes))
    row: dict[str, Any] = {"hash": digest, "kind": kind, "actor": token.actor, "role": token.role, "person": token.person}
    row |= {"service": token.service, "scopes": scopes, "made_at": token.made_at, "expires_at": token.expires_at}
    connection.execute(insert(tokens).values(**row))


def take_once(connection: Connection, digest: str, now: datetime, service: str) -> tuple[str, str] | None:
    """Use up a one-time token and give (actor, role); None where it is unknown, used or too old. Of two takers one wins."""
    fresh = (tokens.c.hash == digest) & (tokens.c.kind == "once") & tokens.c.used_at.is_(None) & (tokens.c.expires_at > now)
    if not connection.execute(update(tokens).where(fresh, _of_service(service)).values(used_at=now)).rowcount:
        return None
    row = connection.execute(select(tokens.c.actor, tokens.c.role).where(tokens.c.hash == digest)).one()
    return row.actor, row.role


def read_api_token(connection: Connection, digest: str, now: datetime, service: str) -> ApiToken | None:
    """Give what a program's token is good for; None where it is unknown, too old or for another service."""
    valid = (tokens.c.hash == digest) & (tokens.c.kind == "api") & (tokens.c.expires_at > now)
    row = connection.execute(_SHOWN.where(valid, _of_service(service))).first()
    return None if row is None else _api_token(row)


def list_api_tokens(connection: Connection, now: datetime) -> list[ApiToken]:
    """Give what is known of each program's token that still opens something, by name."""
    valid = (tokens.c.kind == "api") & (tokens.c.expires_at > now)
    return [_api_token(row) for row in connection.execute(_SHOWN.where(valid).order_by(tokens.c.actor, tokens.c.made_at))]


def drop_api_tokens(connection: Connection, actor: str) -> int:
    """Take back all tokens of a program; gives how many there were."""
    return connection.execute(delete(tokens).where((tokens.c.kind == "api") & (tokens.c.actor == actor))).rowcount


_SHOWN = select(
    tokens.c.actor,
    tokens.c.role,
    tokens.c.made_at,
    tokens.c.expires_at,
    tokens.c.person,
    tokens.c.service,
    tokens.c.scopes,
)


def _of_service(service: str) -> ColumnElement[bool]:
    return or_(tokens.c.service == service, tokens.c.service == "")


def _api_token(row: Any) -> ApiToken:
    scopes = None if row.scopes is None else frozenset(filter(None, row.scopes.split(",")))
    return ApiToken(row.actor, row.role, row.made_at, row.expires_at, row.person, row.service, scopes)


# --- passwords, and what guards them


@dataclass(frozen=True, slots=True)
class Guess:
    """How often somebody, or somewhere, was wrong lately."""

    failures: int
    last_at: datetime
    wait_until: datetime | None


def read_password(connection: Connection, person: str) -> str | None:
    """Give what is kept of a person's password; None where they have none."""
    return connection.execute(select(passwords.c.hash).where(passwords.c.person == person)).scalar()


def keep_password(connection: Connection, person: str, kept: str, now: datetime) -> None:
    """Keep a person's password instead of the one before."""
    drop_password(connection, person)
    connection.execute(insert(passwords).values(person=person, hash=kept, set_at=now))


def drop_password(connection: Connection, person: str) -> bool:
    """Forget a person's password; False where there was none."""
    return bool(connection.execute(delete(passwords).where(passwords.c.person == person)).rowcount)


def passwords_set(connection: Connection) -> dict[str, datetime]:
    """Give who has a password and since when."""
    return {row.person: row.set_at for row in connection.execute(select(passwords.c.person, passwords.c.set_at))}


def read_guess(connection: Connection, key: str) -> Guess | None:
    """Give how often a key was wrong lately, and hold its row; None where it was not."""
    row = connection.execute(select(guesses).where(guesses.c.key == key).with_for_update()).first()
    return None if row is None else Guess(row.failures, row.last_at, row.wait_until)


def write_guess(connection: Connection, key: str, failures: int, now: datetime, wait_until: datetime | None) -> None:
    """Write how often a key was wrong; what nobody tried for a day is swept out."""
    connection.execute(delete(guesses).where(or_(guesses.c.key == key, guesses.c.last_at < now - timedelta(days=1))))
    connection.execute(insert(guesses).values(key=key, failures=failures, last_at=now, wait_until=wait_until))


def forgive(connection: Connection, key: str, *, wholly: bool) -> None:
    """Take back the count of a try that was right: of a person wholly, of an address that one."""
    if wholly:
        connection.execute(delete(guesses).where(guesses.c.key == key))
    else:
        one_less = update(guesses).where(guesses.c.key == key, guesses.c.failures > 0)
        connection.execute(one_less.values(failures=guesses.c.failures - 1, wait_until=None))


# --- errands to a provider


@dataclass(frozen=True, slots=True)
class Errand:
    """Somebody who went to the provider: what must be the same when they come back."""

    browser: str
    nonce: str
    verifier: str


def add_errand(
    connection: Connection, digest: str, browser: str, nonce: str, verifier: str, until: datetime, now: datetime
) -> None:
    """Remember an errand; those whose time is over are swept out, and of too many the oldest."""
    connection.execute(delete(errands).where(errands.c.expires_at <= now))
    kept = select(errands.c.hash).order_by(errands.c.expires_at.desc()).limit(MOST_ERRANDS).scalar_subquery()
    connection.execute(delete(errands).where(errands.c.hash.not_in(kept)))
    row = {"hash": digest, "browser": browser, "nonce": nonce, "verifier": verifier, "expires_at": until}
    connection.execute(insert(errands).values(**row))


def take_errand(connection: Connection, digest: str, now: datetime) -> Errand | None:
    """Take an errand, once; None where there is none or its time is over."""
    row = connection.execute(select(errands).where(errands.c.hash == digest, errands.c.expires_at > now)).first()
    if row is None or not connection.execute(delete(errands).where(errands.c.hash == digest)).rowcount:
        return None
    return Errand(row.browser, row.nonce, row.verifier)


# --- links


def is_link_used(connection: Connection, link_id: str) -> bool:
    """Tell whether a link was used."""
    return connection.execute(select(used_links.c.id).where(used_links.c.id == link_id)).first() is not None


def use_link(connection: Connection, link_id: str, person: str, now: datetime, until: datetime) -> bool:
    """Use up a link; False where it was used before. Of two users one wins; what is too old to be used is swept out."""
    connection.execute(delete(used_links).where(used_links.c.expires_at <= now))
    row = {"id": link_id, "person": person, "used_at": now, "expires_at": until}
    try:
        with connection.begin_nested():
            connection.execute(insert(used_links).values(**row))
    except IntegrityError:
        return False
    return True


# --- sessions


def add_session(connection: Connection, row: SessionRow, service: str) -> None:
    """Keep a new session by the hash of its cookie; sessions that ended before are swept out."""
    connection.execute(delete(sessions).where(sessions.c.expires_at <= row.made_at))
    connection.execute(insert(sessions).values(**asdict(row), service=service))


def read_session(connection: Connection, digest: str, now: datetime, service: str) -> SessionRow | None:
    """Give a session; None where it is unknown, over or of another service."""
    alive = (sessions.c.hash == digest) & (sessions.c.expires_at > now) & (sessions.c.service == service)
    row = connection.execute(_SESSION.where(alive)).first()
    return None if row is None else SessionRow(**row._mapping)


def list_sessions(connection: Connection, now: datetime, service: str, actor: str | None = None) -> list[SessionRow]:
    """Give the open sessions of somebody, or all, newest first."""
    alive = _SESSION.where(sessions.c.expires_at > now, sessions.c.service == service).order_by(sessions.c.made_at.desc())
    found = connection.execute(alive if actor is None else alive.where(sessions.c.actor == actor))
    return [SessionRow(**row._mapping) for row in found]


def drop_session(connection: Connection, digest: str) -> bool:
    """End a session; False where there was none."""
    return bool(connection.execute(delete(sessions).where(sessions.c.hash == digest)).rowcount)


def drop_sessions(connection: Connection, service: str, actor: str | None) -> int:
    """End all sessions of somebody, or of everybody (None), and what would open new ones; gives how many sessions there were."""
    mine = sessions.c.service == service
    unused = (tokens.c.kind == "once") & _of_service(service)
    if actor is not None:
        mine, unused = mine & (sessions.c.actor == actor), unused & (tokens.c.actor == actor)
    connection.execute(delete(tokens).where(unused))
    return connection.execute(delete(sessions).where(mine)).rowcount


_SESSION = select(*(sessions.c[name] for name in SessionRow.__dataclass_fields__))
