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
    add_session,
    add_token,
    drop_session,
    read_api_token,
    read_session,
    take_once,
)
from watchkeeper.people.permission import Role

TokenKind: TypeAlias = Literal["once", "api"]
#: whoever could read the printed address sits at the machine
_AT_THE_MACHINE: tuple[str, ...] = ("owner",)
_ADDRESS = "printed address"

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
    #: who answers for it, where that is not the actor itself
    person: str = ""
    #: what a narrowed token may ask for at most; None: all that its role may
    scopes: frozenset[str] | None = None

    @property
    def origin(self) -> dict[str, str]:
        """Give what the ledger keeps beside the name."""
        return {key: said for key, said in (("by", self.by), ("from", self.where), ("person", self.person)) if said}


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
    connection: Connection, now: datetime, actor: str, kind: TokenKind, lifetime: timedelta, role: Role = "owner"
) -> str:
    """Make a token for an actor and give it; it cannot be read again."""
    token = secrets.token_urlsafe(32)
    add_token(connection, digest_of(token), actor, kind, now, now + lifetime, role)
    return token


def use_token(connection: Connection, now: datetime, token: str, lifetime: timedelta = SESSION_LIFETIME) -> Session:
    """Spend a one-time token and open a session; refused where it is unknown, spent or too old, without saying which."""
    actor = take_once(connection, digest_of(token), now)
    if actor is None:
        raise Refused(
            "This address does not open the console: it was used already, or it is too old.",
            hint="Print a new one with `watchkeeper address`.",
            code="WK321",
        )
    cookie, csrf = secrets.token_urlsafe(32), secrets.token_urlsafe(32)
    add_session(connection, digest_of(cookie), actor, csrf, now, now + lifetime)
    return Session(Actor(actor, _AT_THE_MACHINE, _ADDRESS), csrf, now + lifetime, cookie)


def session_of(connection: Connection, now: datetime, cookie: str) -> Session | None:
    """Find the session that a cookie stands for; None where there is none or it is over."""
    found = read_session(connection, digest_of(cookie), now) if cookie else None
    return None if found is None else Session(Actor(found[0], _AT_THE_MACHINE, _ADDRESS), found[1], found[2])


def end_session(connection: Connection, cookie: str) -> bool:
    """Sign out; False where nobody was signed in."""
    return drop_session(connection, digest_of(cookie))


def actor_of_token(connection: Connection, now: datetime, token: str) -> Actor | None:
    """Find the actor of a program's token; None where it is unknown, too old, or made for something else."""
    found = read_api_token(connection, digest_of(token), now) if token else None
    return None if found is None else Actor(found[0], (found[1],), f"token {found[0]}")


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
