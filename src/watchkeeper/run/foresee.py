"""Says of each act of a plan what would happen to it if the procedure were started now: pure, and nothing is run.

It asks the same rules that decide in a run, so that what the plan foresees and what the run does cannot part. What depends on an
earlier act's answer is foreseen as if its branch applied.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal, TypeAlias

from watchkeeper.book.model import Command
from watchkeeper.run.decide import of_new
from watchkeeper.run.known import Facts, obstacle
from watchkeeper.run.model import Act, Ask, Do, Run, Settle, Skip, Standing, Wait

Foreseen: TypeAlias = Literal["runs", "asks", "cannot", "left out", "waits", "decides"]


@dataclass(frozen=True, slots=True)
class Foresight:
    """What would happen to one act."""

    #: "runs" by itself, "asks" a person, "cannot" run as it stands, is "left out", "waits", or "decides" by what is known
    what: Foreseen
    sentence: str


def foresee(run: Run, facts: Facts, now: datetime) -> dict[str, Foresight]:
    """Foresee every act of a run that has not begun."""
    return {act.key: _of_act(act, run, facts, now) for act in run.plan.acts}


def _of_act(act: Act, run: Run, facts: Facts, now: datetime) -> Foresight:
    step = of_new(act, Standing(), run, facts, now)
    stuck = act.skip is None and act.command is not None and _stuck(act, act.command, facts)
    match step:
        case Do():
            return Foresight("runs", step.sentence)
        case Ask() if act.kind != "manual" and step.question == "manual":
            return Foresight(
                "cannot", _capital(f"{obstacle(act, facts)}; a person is asked to do it.") if stuck else step.sentence
            )
        case Ask():
            return Foresight("asks", step.sentence)
        case Skip():
            return Foresight("cannot" if stuck else "left out", step.sentence)
        case Wait():
            return Foresight("waits", step.sentence)
        case Settle():
            return Foresight("decides", step.outcome.sentence)
    return Foresight("runs", "")


def _stuck(act: Act, command: Command, facts: Facts) -> bool:
    return act.key in facts.refused or act.key in facts.missing or not facts.speaks(act, command.language)


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
