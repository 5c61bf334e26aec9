"""Who calls: a browser by the cookie of its session, a program by its token. Both faces ask here, so that they agree."""

from __future__ import annotations

from dataclasses import replace

from sqlalchemy import Connection
from starlette.requests import HTTPConnection

from watchkeeper.app import App
from watchkeeper.base.errors import Refused
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
    found = await app.database.read(lambda c: session_of(c, now, cookie or ""))
    if found is None:
        raise not_signed_in()
    return replace(found, actor=replace(found.actor, where=where))


async def program_for(app: App, token: str, where: str = "") -> Actor:
    """Give the actor of a program's token; Refused as above where it opens nothing."""
    now = app.clock.now()
    found = await app.database.read(lambda c: actor_of_token(c, now, token))
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
        session = use_token(connection, now, token.strip())
        with ledger.on_behalf(connection, replace(session.actor, where=where).origin):
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


def one_time_token(app: App, actor: str) -> str:
    """Make the token of a printed address; for a thread or a moment that may wait for the disk."""
    now = app.clock.now()
    return app.database.write_now(lambda c: make_token(c, now, actor, "once", ADDRESS_LIFETIME))


def not_signed_in() -> Refused:
    """Give the error for a caller without identity."""
    return Refused(
        "Nobody is signed in.",
        hint="Open the address that Watchkeeper printed; programs send `Authorization: Bearer TOKEN`.",
        code=NOT_SIGNED_IN,
    )
