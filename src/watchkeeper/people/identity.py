"""Who somebody is: tokens that are shown once, and the sessions they open.

A token is 256 random bits; only its SHA-256 is kept, so that a stolen database opens nothing (a guess is hopeless, hence no
slow hash). A one-time token opens one session and is then spent; a program's token is sent with each request and has a role.
Nothing here decides what an actor may do: `people.permission` does.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import pwd
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal, TypeAlias

from sqlalchemy import Connection

from watchkeeper.base.errors import Refused
from watchkeeper.people.ledger import (
    ApiToken,
    SessionRow,
    add_session,
    add_token,
    drop_session,
    read_api_token,
    read_session,
    take_once,
)

TokenKind: TypeAlias = Literal["once", "api"]
PRINTED_ADDRESS = "printed address"

#: how long a printed address opens the console
ADDRESS_LIFETIME = timedelta(hours=1)
#: how long a session lasts: one shift
SESSION_LIFETIME = timedelta(hours=12)


@dataclass(frozen=True, slots=True)
class Actor:
    """Somebody, or some program, that asks for something by name."""

    name: str
    roles: tuple[str, ...] = ()
    #: by which credential: "printed address", "token deploy-bot", "terminal" …; empty for our own loop
    by: str = ""
    #: from where: an address of the network, "this machine"
    where: str = ""
    #: the person as whom it counts: itself, or who answers for a program
    person: str = ""
    #: what a narrowed token may ask for at most; None: all that its role may
    scopes: frozenset[str] | None = None

    @property
    def origin(self) -> dict[str, str]:
        """Give what the ledger keeps beside the name."""
        person = self.person if self.person != self.name else ""
        return {key: said for key, said in (("by", self.by), ("from", self.where), ("person", person)) if said}


@dataclass(frozen=True, slots=True)
class Session:
    """An actor who has signed in."""

    actor: Actor
    #: proves that a form came from a page of this session
    csrf: str
    expires_at: datetime
    #: what the browser sends back; empty where the session was read and not opened
    cookie: str = ""


def make_token(
    connection: Connection,
    now: datetime,
    actor: str,
    kind: TokenKind,
    lifetime: timedelta,
    role: str = "owner",
    *,
    person: str = "",
    service: str = "",
    scopes: frozenset[str] | None = None,
) -> str:
    """Make a token for an actor and give it; it cannot be read again."""
    token = secrets.token_urlsafe(32)
    add_token(connection, digest_of(token), kind, ApiToken(actor, role, now, now + lifetime, person, service, scopes))
    return token


def use_token(
    connection: Connection,
    now: datetime,
    token: str,
    lifetime: timedelta = SESSION_LIFETIME,
    *,
    service: str = "",
    where: str = "",
) -> Session:
    """Spend a one-time token and open a session; refused where it is unknown, spent or too old, without saying which."""
    found = take_once(connection, digest_of(token), now, service)
    if found is None:
        raise Refused(
            "This address does not open the console: it was used already, or it is too old.",
            hint="Print a new one with `watchkeeper address`.",
            code="WK321",
        )
    actor = Actor(found[0], _roles(found[1]), PRINTED_ADDRESS, where)
    return open_session(connection, now, actor, lifetime, service=service)


def open_session(
    connection: Connection, now: datetime, actor: Actor, lifetime: timedelta = SESSION_LIFETIME, *, service: str = ""
) -> Session:
    """Open a session for somebody who has shown who they are; its cookie cannot be read again."""
    cookie, csrf = secrets.token_urlsafe(32), secrets.token_urlsafe(32)
    role = actor.roles[0] if actor.roles else ""
    row = SessionRow(digest_of(cookie), actor.name, csrf, role, actor.by, actor.where[:100], now, now + lifetime)
    add_session(connection, row, service)
    return Session(actor, csrf, row.expires_at, cookie)


def session_of(connection: Connection, now: datetime, cookie: str, service: str = "") -> Session | None:
    """Find the session that a cookie stands for; None where there is none or it is over."""
    found = read_session(connection, digest_of(cookie), now, service) if cookie else None
    if found is None:
        return None
    actor = Actor(found.actor, _roles(found.role), found.by, found.opened_from)
    return Session(actor, found.csrf, found.expires_at)


def end_session(connection: Connection, cookie: str) -> bool:
    """Sign out; False where nobody was signed in."""
    return drop_session(connection, digest_of(cookie))


def actor_of_token(connection: Connection, now: datetime, token: str, service: str = "") -> Actor | None:
    """Find the actor of a program's token; None where it is unknown, too old, or made for something else."""
    found = read_api_token(connection, digest_of(token), now, service) if token else None
    if found is None:
        return None
    return Actor(found.actor, (found.role,), f"token {found.actor}", person=found.person, scopes=found.scopes)


def _roles(role: str) -> tuple[str, ...]:
    return (role,) if role else ()


def user_here() -> str:
    """Give the name of the system's user that this process runs as; its number where it has no name, as in a container."""
    try:
        return pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:
        return f"user {os.geteuid()}"


def same_token(given: str, expected: str) -> bool:
    """Compare two tokens in a time that tells nothing about either."""
    return hmac.compare_digest(given.encode(), expected.encode())


def digest_of(token: str) -> str:
    """Give what is kept of a token."""
    return hashlib.sha256(token.encode()).hexdigest()
