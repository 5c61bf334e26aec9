"""What letting something dangerous run takes beside the permission for it: its name typed, a reason, a second person. Pure."""

from __future__ import annotations

from datetime import datetime

from watchkeeper.base.errors import Conflict, InputError, Refused
from watchkeeper.estate.model import Policy
from watchkeeper.run.model import Act, Run

#: gated alike: what can destroy, and what no rule knows
GRAVE = ("destroy", "unknown")


def to_type(run: Run, act: Act) -> str | None:
    """Give the name that whoever approves an act types to show that they know what it touches; None where none is asked for."""
    return (run.component or run.plan.title) if act.kind == "command" and act.risk in GRAVE else None


def check_approval(run: Run, act: Act, person: str, why: str, confirm: str, policy: Policy, now: datetime) -> None:
    """Refuse an approval that lacks what its risk takes."""
    name = to_type(run, act)
    if name is not None and not why.strip():
        raise InputError(
            f"To approve what {'can destroy' if act.risk == 'destroy' else 'is unknown'} takes a reason.",
            hint="Say what makes you sure; it goes into the ledger.",
            code="WK159",
        )
    if name is not None and " ".join(confirm.split()) != " ".join(name.split()):
        said = f"{confirm!r} is not it" if confirm.strip() else "nothing was typed"
        raise InputError(
            f"To approve this its name is typed, exactly: {name}; {said}.",
            hint="It keeps the wrong window from approving; in the terminal it is --confirm NAME.",
            code="WK158",
        )
    check_second(run, act, person, policy, now)


def check_second(run: Run, act: Act, person: str, policy: Policy, now: datetime) -> None:
    """Refuse the second approval by somebody who approved exactly this already, where the policy wants two people."""
    standing = run.acts[act.key]
    stands = standing.approved_until is not None and standing.approved_until > now
    if act.risk in policy.two_people and stands and person in standing.approvers:
        raise Refused(
            f"{person} approved it already; the policy wants a second person for what is {act.risk}.",
            hint="Whichever way you come in, you are one person. Somebody else approves it.",
            code="WK326",
        )


def check_seen(run: Run, act: Act, seen: datetime | None) -> None:
    """Refuse an answer to a question that is not the one put now: what would run may have changed between look and answer."""
    if seen is not None and run.acts[act.key].asked_at != seen:
        raise Conflict(
            "What is asked has changed since you saw it, so nothing was done.",
            hint="Look at the run again, then answer.",
            code="WK317",
        )
