"""Who may come in: the people with their roles, their passwords and their sessions, as an owner sees and ends them."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from watchkeeper.actions.permission import done_by, require
from watchkeeper.app import App
from watchkeeper.base.errors import NotFound
from watchkeeper.estate.model import Person
from watchkeeper.people import passwords
from watchkeeper.people.access import find_person, role_of
from watchkeeper.people.identity import Actor
from watchkeeper.people.ledger import (
    SessionRow,
    drop_password,
    drop_sessions,
    keep_password,
    list_sessions,
    passwords_set,
)
from watchkeeper.store import ledger


@dataclass(frozen=True, slots=True)
class Member:
    """Somebody of watchkeeper.toml or with an open session, and how they may come in."""

    id: str
    name: str
    role: str | None
    email: str
    password_set_at: datetime | None
    #: (by which credential, from where, until when) of each open session
    sessions: tuple[tuple[str, str, datetime], ...]


async def members(app: App, actor: Actor) -> list[Member]:
    """List who is in watchkeeper.toml and who has an open session."""
    require(actor, "end sessions")
    now, service = app.clock.now(), app.estate.service

    def work(connection: Connection) -> tuple[dict[str, datetime], list[SessionRow]]:
        return passwords_set(connection), list_sessions(connection, now, service)

    words, sessions = await app.database.read(work)
    people = list(app.estate.people.values())
    strangers = dict.fromkeys(s.actor for s in sessions if s.actor not in app.estate.people)
    listed = [(p.id, p.name, p.email) for p in people] + [(name, name, "") for name in strangers]
    return [
        Member(key, name, role_of(app.estate, key), email, words.get(key), _open(sessions, key)) for key, name, email in listed
    ]


def _open(sessions: list[SessionRow], actor: str) -> tuple[tuple[str, str, datetime], ...]:
    return tuple((s.by, s.opened_from, s.expires_at) for s in sessions if s.actor == actor)


async def set_password(app: App, actor: Actor, name: str, word: str) -> str:
    """Set a person's password; whoever they were signed in as by the old one stays so until signed out. Gives their name."""
    require(actor, "give access")
    person, now = _listed(app, name), app.clock.now()
    kept = await asyncio.to_thread(passwords.hash_password, word, person.id)

    def work(connection: Connection) -> None:
        keep_password(connection, person.id, kept, now)
        ledger.append(connection, now, actor.name, "password set", person.id)

    await done_by(app, actor, "give access", work)
    return person.name


async def drop_password_of(app: App, actor: Actor, name: str, why: str = "") -> None:
    """Take a person's password away."""
    now = app.clock.now()

    def work(connection: Connection) -> None:
        found = find_person(app.estate, name)
        key = found.id if found else name
        if not drop_password(connection, key):
            raise NotFound(f"{name!r} has no password.", hint="`watchkeeper people list` shows who has one.", code="WK290")
        ledger.append(connection, now, actor.name, "password taken away", key, why=why)

    await done_by(app, actor, "give access", work)


async def end_sessions(app: App, actor: Actor, name: str | None, why: str = "") -> int:
    """End all sessions of somebody, or of everybody (None), and void addresses that were printed for them; gives how many."""
    now = app.clock.now()
    found = find_person(app.estate, name) if name else None
    key = found.id if found else name

    def work(connection: Connection) -> int:
        ended = drop_sessions(connection, app.estate.service, key)
        ledger.append(connection, now, actor.name, "sessions ended", key or "everybody", why=why, body={"sessions": ended})
        return ended

    mine = key is not None and key == actor.name
    return await done_by(app, actor, "look" if mine else "end sessions", work)


def _listed(app: App, name: str) -> Person:
    person = find_person(app.estate, name)
    if person is None:
        hint = f"Add [people.{name}] with `access` to watchkeeper.toml first."
        raise NotFound(f"watchkeeper.toml does not know {name!r}.", hint=hint, code="WK291")
    return person
