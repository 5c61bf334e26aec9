"""Asked before every act that comes from outside: may this caller do that? A refusal is written nowhere and changes nothing."""

from __future__ import annotations

from watchkeeper.app import App
from watchkeeper.base.errors import Refused
from watchkeeper.people.identity import Actor
from watchkeeper.people.permission import may, needed_to_answer, refusal
from watchkeeper.run import ledger as runs


def require(actor: Actor, what: str) -> str:
    """Give the actor's name where they may ask for this; Refused where not."""
    if may(actor.roles, what):
        return actor.name
    hint = "An owner gives out another token: watchkeeper token make NAME --role ROLE."
    raise Refused(refusal(actor.name, actor.roles, what), hint=hint, code="WK323")


async def require_to_answer(app: App, actor: Actor, run_id: str, act_key: str, answer: str) -> str:
    """Give the actor's name where they may give this answer to this act of a run; Refused where not."""
    run = await app.database.read(lambda c: runs.load_run(c, run_id))
    risk = next((act.risk for act in run.plan.acts if act.key == act_key), "read") if run else "read"
    return require(actor, needed_to_answer(answer, risk))
