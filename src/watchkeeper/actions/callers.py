"""Who calls: a browser by the cookie of its session, a program by its token. Both faces ask here, so that they agree."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from sqlalchemy import Connection
from starlette.requests import HTTPConnection

from watchkeeper.app import App
from watchkeeper.base.errors import Refused
from watchkeeper.people.access import name_of, person_of, role_of
from watchkeeper.people.identity import (
    ADDRESS_LIFETIME,
    Actor,
    Session,
    actor_of_token,
    end_session,
    make_token,
    same_token,
    session_of,
    use_token,
)
from watchkeeper.store import ledger

#: signing in is asked for, not forbidden
NOT_SIGNED_IN = "WK320"


def cookie_name(port: int | None) -> str:
    """Name the session's cookie: browsers do not tell ports apart, and two consoles may run on one machine."""
    return f"watchkeeper-{port or 80}"


def address_of(connection: HTTPConnection) -> str:
    """Give the address that a request comes from; a proxy's word for it counts only where the proxy is trusted."""
    return connection.client.host if connection.client else ""


async def session_for(app: App, cookie: str | None, where: str = "") -> Session:
    """Give the session of a cookie; Refused with the code of "not signed in" where there is none."""
    now = app.clock.now()
    found = await app.database.read(lambda c: session_of(c, now, cookie or "", app.estate.service))
    roles = () if found is None else _roles_now(app, found.actor)
    if found is None or not roles:
        raise not_signed_in()
    person = person_of(app.estate, found.actor.name)
    return replace(found, actor=replace(found.actor, roles=roles, where=where, person=person))


def _roles_now(app: App, actor: Actor) -> tuple[str, ...]:
    """Give what the credential granted and what watchkeeper.toml grants now: who was taken out of it is out at once."""
    role = role_of(app.estate, actor.name)
    return (*actor.roles, *([role] if role else ()))


async def program_for(app: App, token: str, where: str = "") -> Actor:
    """Give the actor of a program's token; Refused as above where it opens nothing."""
    now = app.clock.now()
    found = await app.database.read(lambda c: actor_of_token(c, now, token, app.estate.service))
    if found is None:
        raise not_signed_in()
    return replace(found, where=where)


def check_csrf(session: Session, given: str) -> None:
    """Refuse what did not come from a page of this session."""
    if not same_token(given, session.csrf):
        raise Refused(
            "This did not come from a page of your session, so nothing was done.",
            hint="Load the page again and repeat it there; over the API send the session's token as X-CSRF.",
            code="WK322",
        )


async def sign_in(app: App, token: str, where: str = "") -> Session:
    """Spend a one-time token and open a session; the ledger keeps who came."""
    now = app.clock.now()

    def work(connection: Connection) -> Session:
        service, lifetime = app.estate.service, timedelta(seconds=app.estate.access.session_s)
        session = use_token(connection, now, token.strip(), lifetime, service=service, where=where)
        with ledger.on_behalf(connection, session.actor.origin):
            ledger.append(connection, now, session.actor.name, "sign in", "console")
        return session

    return await app.database.write(work)


async def sign_out(app: App, actor: Actor, cookie: str) -> None:
    """End a session."""
    now = app.clock.now()

    def work(connection: Connection) -> None:
        end_session(connection, cookie)
        with ledger.on_behalf(connection, actor.origin):
            ledger.append(connection, now, actor.name, "sign out", "console")

    await app.database.write(work)


def one_time_token(app: App, actor: str, role: str = "owner") -> str:
    """Make the token of a printed address; for a thread or a moment that may wait for the disk.

    Whoever could read the address sits at the machine and is its owner; with no role it opens what watchkeeper.toml gives.
    """
    now, name, service = app.clock.now(), name_of(app.estate, actor), app.estate.service
    return app.database.write_now(lambda c: make_token(c, now, name, "once", ADDRESS_LIFETIME, role, service=service))


def not_signed_in() -> Refused:
    """Give the error for a caller without identity."""
    return Refused(
        "Nobody is signed in.",
        hint="Open the address that Watchkeeper printed; programs send `Authorization: Bearer TOKEN`.",
        code=NOT_SIGNED_IN,
    )
