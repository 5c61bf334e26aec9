"""Coming in as oneself: by a password, or by a provider. Each opens a session in the person's own name, or says why not.

A try is counted before it is looked at, so that many at once gain nothing. What is wrong is never said apart: whether somebody is
known, has a password or may do anything is nobody's business who cannot sign in.
"""

from __future__ import annotations

import asyncio
import importlib
import logging
import secrets
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection

from watchkeeper.app import App
from watchkeeper.base.durations import format_duration
from watchkeeper.base.errors import ConfigError, NotFound, Refused
from watchkeeper.estate.model import ROLES, Role
from watchkeeper.people import passwords
from watchkeeper.people.access import find_person, person_of_email, role_of
from watchkeeper.people.identity import Actor, Session, digest_of, open_session
from watchkeeper.people.ledger import (
    add_errand,
    forgive,
    keep_password,
    read_guess,
    read_password,
    take_errand,
    write_guess,
)
from watchkeeper.store import ledger
from watchkeeper.store.locks import hold

log = logging.getLogger(__name__)

#: how long somebody may take at the provider
ERRAND_LIFETIME = timedelta(minutes=10)
#: two passwords are judged at once: each takes 64 MiB and a core for a moment
_JUDGES = ThreadPoolExecutor(2, thread_name_prefix="password")


async def sign_in_by_password(app: App, name: str, word: str, where: str) -> Session:
    """Open a session for who knows their password; Refused where not, and for a while after many wrong ones."""
    now = app.clock.now()
    person = find_person(app.estate, name)
    keys = {f"person:{(person.id if person else name).strip().casefold()[:100]}": passwords.FREE_OF_PERSON}
    keys |= {f"address:{where}": passwords.FREE_OF_ADDRESS} if where else {}
    waits, kept = await app.database.write(lambda c: _count(c, keys, person.id if person else "", now, where))
    if waits is not None:
        raise Refused(
            "There were too many wrong passwords, so this one was not tried.",
            hint=f"Wait {format_duration(waits.total_seconds())}. The printed address opens the console meanwhile.",
            code="WK327",
        )
    right = await asyncio.get_running_loop().run_in_executor(_JUDGES, passwords.fits, kept, word)
    if not right or person is None or role_of(app.estate, person.id) is None:
        raise Refused("That name and password do not belong together.", hint="An owner sets a new one.", code="WK333")
    again = passwords.hash_password(word, person.id) if kept and passwords.is_outdated(kept) else None

    def work(connection: Connection) -> Session:
        for key in keys:
            forgive(connection, key, wholly=key.startswith("person:"))
        if again:
            keep_password(connection, person.id, again, now)
        return _enter(connection, app, Actor(person.id, (), "password", where), now)

    return await app.database.write(work)


def _count(
    connection: Connection, keys: Mapping[str, int], person: str, now: datetime, where: str
) -> tuple[timedelta | None, str | None]:
    """Count a try before it is looked at; gives how long it must wait, else the password that is kept."""
    for key in sorted(keys):
        hold(connection, f"guesses of {key}")  # two tries at one instant would count as one on PostgreSQL
    found = {key: read_guess(connection, key) for key in keys}
    until = max((guess.wait_until for guess in found.values() if guess and guess.wait_until), default=now)
    if until > now:
        return until - now, None
    for key, free in keys.items():
        guess = found[key]
        failures = 1 + (guess.failures if guess and now - guess.last_at < passwords.FORGOTTEN else 0)
        wait = passwords.wait_after(failures, free)
        write_guess(connection, key, failures, now, now + wait if wait else None)
        if wait and failures in (free + 1, free + 10):
            said = f"{failures} wrong passwords in a row: the next try waits."
            log.warning("%s (%s)", said, key, extra={"action": "sign_in_held_back"})
            with ledger.on_behalf(connection, {"from": where}):
                ledger.append(connection, now, "nobody", "sign-in held back", key[:200], why=said)
    return None, read_password(connection, person) if person else None


# --- by a provider


async def depart(app: App, back: str, browser: str) -> str:
    """Give the provider's address to send a browser to; `browser` is the cookie that ties the errand to it."""
    provider, now = _provider(app), app.clock.now()
    leaving = await provider.begin(back, now)
    until = now + ERRAND_LIFETIME
    kept = (digest_of(leaving.state), digest_of(browser), leaving.nonce, leaving.verifier, until)
    await app.database.write(lambda c: add_errand(c, *kept, now))
    return str(leaving.address)


async def arrive(app: App, given: Mapping[str, str], back: str, browser: str, where: str) -> Session:
    """Open a session for who came back from the provider; Refused where nobody went from this browser, or they may do nothing."""
    provider, now = _provider(app), app.clock.now()
    errand = await app.database.write(lambda c: take_errand(c, digest_of(given.get("state", "")), now))
    if errand is None or not browser or errand.browser != digest_of(browser):
        raise Refused(
            "Nobody went to the provider from this browser, or it is too long ago.",
            hint="Begin at the sign-in page.",
            code="WK331",
        )
    claims = await provider.finish(given, back, errand.verifier, errand.nonce, now)
    actor = _recognise(app, claims, where)
    return await app.database.write(lambda c: _enter(c, app, actor, now))


def new_browser() -> str:
    """Give a cookie that ties an errand to a browser."""
    return secrets.token_urlsafe(32)


def _recognise(app: App, claims: Any, where: str) -> Actor:
    oidc = app.estate.access.oidc
    assert oidc is not None
    email = claims.email.strip().casefold() if claims.email_verified or oidc.unverified_email else ""
    if "@" not in email:
        problem = "gave no e-mail address" if not claims.email else "does not call your e-mail address verified"
        raise Refused(f"You are not signed in: {oidc.name} {problem}.", hint="An owner can look into it.", code="WK332")
    person = person_of_email(app.estate, email)
    granted = [oidc.groups[group] for group in claims.groups if group in oidc.groups]
    role: Role | None = max(granted, key=ROLES.index, default=None)
    name = person.id if person else email
    if role is None and (person is None or role_of(app.estate, person.id) is None):
        hint = "An owner adds [people] with this e-mail address and `access`, or maps one of your groups to a role."
        raise Refused(f"You are not signed in: {email} may do nothing here.", hint=hint, code="WK332")
    return Actor(name, (role,) if role else (), f"provider {oidc.name}", where)


def _provider(app: App) -> Any:
    oidc = app.estate.access.oidc
    if oidc is None:
        raise NotFound("Nobody signs in by a provider here.", hint="[access.oidc] in watchkeeper.toml names one.", code="WK293")
    if app.provider is None:
        try:
            plugin = importlib.import_module("watchkeeper.plugins.oidc.provider")
        except ImportError:
            hint = "pip install 'watchkeeper[oidc]'"
            raise ConfigError("What signs people in by a provider is not installed.", hint=hint, code="WK146") from None
        app.provider = plugin.OidcProvider(oidc)
    return app.provider


def _enter(connection: Connection, app: App, actor: Actor, now: datetime) -> Session:
    lifetime = timedelta(seconds=app.estate.access.session_s)
    session = open_session(connection, now, actor, lifetime, service=app.estate.service)
    with ledger.on_behalf(connection, actor.origin):
        ledger.append(connection, now, actor.name, "sign in", "console")
    return session
