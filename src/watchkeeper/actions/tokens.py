"""Tokens of programs: given out, listed and taken back by an owner, each with its line in the ledger."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import Connection

from watchkeeper.actions.permission import done_by, require
from watchkeeper.app import App
from watchkeeper.base.errors import InputError, NotFound
from watchkeeper.people.identity import Actor, make_token
from watchkeeper.people.ledger import ApiToken, drop_api_tokens, list_api_tokens
from watchkeeper.people.permission import ROLES
from watchkeeper.store import ledger

LONGEST = timedelta(days=366)


async def give_token(app: App, actor: Actor, name: str, role: str, lifetime: timedelta) -> str:
    """Make a token for a program and give it: it cannot be read again."""
    require(actor, "give token")
    if not name.strip() or len(name) > 100 or not name.isprintable():
        raise InputError(f"{name!r} cannot be the name of a token.", hint="Name the program that will use it.", code="WK155")
    if role not in ROLES:
        raise InputError(f"There is no role {role!r}.", hint=f"One of: {', '.join(ROLES)}.", code="WK156")
    if not timedelta(0) < lifetime <= LONGEST:
        raise InputError("A token lasts between a moment and a year.", hint="Try --days 90.", code="WK157")
    now = app.clock.now()

    def work(connection: Connection) -> str:
        token = make_token(connection, now, name, "api", lifetime, role)
        body = {"role": role, "until": (now + lifetime).isoformat()}
        ledger.append(connection, now, actor.name, "token given", name, body=body)
        return token

    return await done_by(app, actor, "give token", work)


async def tokens_out(app: App, actor: Actor) -> list[ApiToken]:
    """List what is known of the tokens that open something now."""
    require(actor, "give token")
    now = app.clock.now()
    return await app.database.read(lambda c: list_api_tokens(c, now))


async def take_back(app: App, actor: Actor, name: str, why: str = "") -> int:
    """Take back all tokens of a program at once; gives how many there were."""
    now = app.clock.now()

    def work(connection: Connection) -> int:
        dropped = drop_api_tokens(connection, name)
        if not dropped:
            raise NotFound(f"{name!r} has no token.", hint="`watchkeeper token list` shows them.", code="WK208")
        ledger.append(connection, now, actor.name, "token taken back", name, why=why, body={"tokens": dropped})
        return dropped

    return await done_by(app, actor, "give token", work)
