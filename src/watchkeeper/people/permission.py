"""Who may ask for what: four roles, each with all that the one before it may. Pure; a refusal comes with its sentence.

`viewer` looks; `responder` takes incidents, pages people, says who is on call instead, starts runs, answers them and pulls the
brake; `operator` also approves what can destroy or is unknown, and lifts the brake; `owner` also sees every private incident,
gives out tokens and says that the database was restored. Whoever sits at the machine is its owner.
"""

from __future__ import annotations

from watchkeeper.estate.model import ROLES, Role

#: what is asked for -> the least role that may
LEAST: dict[str, Role] = {
    "look": "viewer",
    "acknowledge": "responder",
    "resolve": "responder",
    "open incident": "responder",
    "set severity": "responder",
    "note": "responder",
    "keep private": "responder",
    "count": "responder",
    "push": "responder",
    "silence": "responder",
    "override": "responder",
    "page": "responder",
    "calendar": "responder",
    "start": "responder",
    "run command": "responder",
    "answer": "responder",
    "cancel": "responder",
    "resume": "responder",
    "undo": "responder",
    "preview": "responder",
    "tell public": "responder",
    "send alerts": "responder",
    "halt": "responder",
    "unhalt": "operator",
    "approve destroy": "operator",
    "approve unknown": "operator",
    "see private": "owner",
    "give token": "owner",
    "restored": "owner",
    "end sessions": "owner",
    "give access": "owner",
}


def may(roles: tuple[str, ...], what: str) -> bool:
    """Tell whether somebody with these roles may ask for something.

    >>> may(("responder",), "halt"), may(("responder",), "unhalt"), may((), "look")
    (True, False, False)
    """
    least = ROLES.index(LEAST[what])
    return any(role in ROLES[least:] for role in roles)


def needed_to_answer(answer: str, risk: str) -> str:
    """Name what an answer to a run asks for: to approve what can destroy takes more than to approve a change.

    >>> needed_to_answer("approve", "destroy"), needed_to_answer("approve", "change"), needed_to_answer("skip", "destroy")
    ('approve destroy', 'answer', 'answer')
    """
    letting = answer in ("approve", "again")
    return f"approve {risk}" if letting and risk in ("destroy", "unknown") else "answer"


def refusal(name: str, roles: tuple[str, ...], what: str) -> str:
    """Say why somebody may not.

    >>> refusal("deploy-bot", ("viewer",), "halt")
    'deploy-bot may not do this (halt): it takes a responder, and the role is viewer.'
    """
    article = "an" if LEAST[what][0] in "aeiou" else "a"
    return f"{name} may not do this ({what}): it takes {article} {LEAST[what]}, and the role is {', '.join(roles) or 'none'}."
