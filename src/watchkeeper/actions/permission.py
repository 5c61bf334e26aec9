"""The one way to an act: may this caller ask for that, and on whose behalf is it written down? A refusal changes nothing."""

from __future__ import annotations

from typing import TypeVar

from sqlalchemy import Connection

from watchkeeper.actions.seeing import unseen_by
from watchkeeper.app import App
from watchkeeper.base.errors import Refused
from watchkeeper.people.identity import Actor
from watchkeeper.people.permission import may, refusal
from watchkeeper.store import ledger
from watchkeeper.store.database import Work
from watchkeeper.store.sight import without

T = TypeVar("T")


def require(actor: Actor, what: str) -> str:
    """Give the actor's name where they may ask for this; Refused where not."""
    if actor.scopes is not None and what not in actor.scopes:
        allowed = ", ".join(sorted(actor.scopes)) or "nothing"
        raise Refused(
            f"{actor.name} may not do this ({what}): the token is narrowed to {allowed}.",
            hint="An owner gives out another token: watchkeeper token make NAME --only WHAT.",
            code="WK323",
        )
    if may(actor.roles, what):
        return actor.name
    hint = "An owner gives more: `access` in [people] of watchkeeper.toml, or watchkeeper token make NAME --role ROLE."
    raise Refused(refusal(actor.name, actor.roles, what), hint=hint, code="WK323")


async def done_by(app: App, actor: Actor, what: str, work: Work[T], first: Work[None] | None = None) -> T:
    """Have an act done for somebody who may ask for it, in one transaction whose entries say for whom; then wake the loop.

    What they may not see is not there for the act either.
    `first` is what the credential itself asks for in that transaction: a link is used up by it.
    """
    require(actor, what)

    def told(connection: Connection) -> T:
        with ledger.on_behalf(connection, actor.origin), without(connection, unseen_by(connection, actor)):
            if first is not None:
                first(connection)
            return work(connection)

    done = await app.database.write(told)
    app.wake()
    return done
