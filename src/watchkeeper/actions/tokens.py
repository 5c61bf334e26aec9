"""Tokens of programs: given out, listed and taken back by an owner, each with its line in the ledger."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import Connection

from watchkeeper.actions.permission import done_by, require
from watchkeeper.app import App
from watchkeeper.base.errors import InputError, NotFound
from watchkeeper.estate.model import AUTOMATION, ROLES
from watchkeeper.people.access import find_person, name_of
from watchkeeper.people.identity import Actor, make_token
from watchkeeper.people.ledger import ApiToken, drop_api_tokens, list_api_tokens
from watchkeeper.people.permission import LEAST
from watchkeeper.store import ledger

LONGEST = timedelta(days=366)
#: a token that ends within this time is spoken of, so that nothing stops by surprise
SOON = timedelta(days=14)


async def give_token(
    app: App,
    actor: Actor,
    name: str,
    role: str,
    lifetime: timedelta,
    *,
    person: str = "",
    only: frozenset[str] | None = None,
) -> str:
    """Make a token for a program and give it: it cannot be read again.

    `person` answers for it, and is whom it counts as where two people are wanted; left out, that is who gives it. `only` narrows
    it to some of what its role may.
    """
    require(actor, "give token")
    _check(app, name, role, lifetime, only)
    answers = name_of(app.estate, person) if person else (actor.person or actor.name)
    if person and find_person(app.estate, person) is None and app.estate.people:
        raise InputError(f"watchkeeper.toml does not know {person!r}.", hint="Name one of [people].", code="WK155")
    now, service = app.clock.now(), app.estate.service

    def work(connection: Connection) -> str:
        token = make_token(connection, now, name, "api", lifetime, role, person=answers, service=service, scopes=only)
        body = {"role": role, "until": (now + lifetime).isoformat(), "answers": answers}
        body |= {"only": ", ".join(sorted(only))} if only is not None else {}
        ledger.append(connection, now, actor.name, "token given", name, body=body)
        return token

    return await done_by(app, actor, "give token", work)


def _check(app: App, name: str, role: str, lifetime: timedelta, only: frozenset[str] | None) -> None:
    if not name.strip() or len(name) > 100 or not name.isprintable():
        raise InputError(f"{name!r} cannot be the name of a token.", hint="Name the program that will use it.", code="WK155")
    if name.casefold() == AUTOMATION or find_person(app.estate, name) is not None:
        hint = "A program has a name of its own; say with --person who answers for it."
        raise InputError(f"{name!r} is the name of somebody else.", hint=hint, code="WK155")
    if role not in ROLES:
        raise InputError(f"There is no role {role!r}.", hint=f"One of: {', '.join(ROLES)}.", code="WK156")
    if not timedelta(0) < lifetime <= LONGEST:
        raise InputError("A token lasts between a moment and a year.", hint="Try --days 90.", code="WK157")
    for word in sorted(only or ()):
        if word not in LEAST:
            raise InputError(f"Nobody can ask for {word!r}.", hint=f"One of: {', '.join(LEAST)}.", code="WK156")


async def tokens_out(app: App, actor: Actor) -> list[ApiToken]:
    """List what is known of the tokens that open something now."""
    require(actor, "give token")
    now = app.clock.now()
    return await app.database.read(lambda c: list_api_tokens(c, now))


def warning_of(app: App, token: ApiToken, now: datetime) -> str | None:
    """Say what is about to go wrong with a token; None where nothing is."""
    left = token.expires_at - now
    if left <= SOON:
        return f"The token {token.actor} ends in {left.days} days: make its successor." if left.days else (
            f"The token {token.actor} ends at {token.expires_at:%Y-%m-%d %H:%M} UTC: make its successor now."
        )  # fmt: skip
    if app.estate.people and token.person and find_person(app.estate, token.person) is None:
        return f"{token.person}, who answers for the token {token.actor}, is not in watchkeeper.toml."
    return None


def warnings(app: App) -> list[str]:
    """Say what is about to go wrong with the tokens that are out, at start-up; for a moment that may wait for the disk."""
    now = app.clock.now()
    found = app.database.read_now(lambda c: list_api_tokens(c, now))
    return [sentence for token in found if (sentence := warning_of(app, token, now))]


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
