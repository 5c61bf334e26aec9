"""The person on call of a drill: one identity, who approves what is asked and answers what the fault says that they know.

What they take to think counts as the drill's time and is said; a question to which they have no answer stays open.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field

from watchkeeper.actions import acts
from watchkeeper.app import App
from watchkeeper.base.errors import WatchkeeperError
from watchkeeper.drill.commands import SHORT_S, Commands
from watchkeeper.drill.model import Break
from watchkeeper.drill.watching import Seen
from watchkeeper.people.identity import Actor
from watchkeeper.run.approving import to_type
from watchkeeper.run.model import Act, Run, Standing

ON_CALL = Actor("on-call", ("operator",), "drill", "this machine", "on-call")
#: how long they take to answer, in real seconds
THINKS_S = 5.0
#: begins an answer that is a command of the estate: the person does it, then says that it is done
BY_HAND = "$ "


@dataclass
class Approver:
    """Answers the questions of one fault's runs, each once, after thinking."""

    app: App
    commands: Commands
    fault: Break
    thinks_s: float = THINKS_S
    asked: list[str] = field(default_factory=list)
    open_questions: list[str] = field(default_factory=list)
    thought_s: float = 0.0
    _since: dict[tuple[object, ...], float] = field(default_factory=dict)

    async def attend(self, seen: Seen) -> None:
        """Answer what has been asked for long enough."""
        for run in (run for each in seen.incidents for run in each.runs if run.state == "asking"):
            for act in run.plan.acts:
                standing = run.acts[act.key]
                if standing.state == "asking":
                    await self._consider(run, act, standing)

    async def _consider(self, run: Run, act: Act, standing: Standing) -> None:
        question = (run.id, act.key, standing.asked_at)
        if question not in self._since:
            self._since[question] = time.monotonic()
            self.asked.append(f"{standing.question}: {words_of(act)}")
            if answer_of(self.fault, act, standing) is None:
                self.open_questions.append(f"{words_of(act)} ({standing.question})")
        answer, waited_s = answer_of(self.fault, act, standing), time.monotonic() - self._since[question]
        if answer is None or waited_s < self.thinks_s:
            return
        if answer.startswith(BY_HAND):
            status, _ = await self.commands.call(answer.removeprefix(BY_HAND), SHORT_S)
            answer = "done" if status == 0 else "abort"
        given, inputs = ("input", dict([answer.split("=", 1)])) if standing.question == "input" else (answer, None)
        confirm = to_type(run, act) or ""
        why = "The drill's person on call says so."
        try:
            await acts.answer(self.app, ON_CALL, run.id, act.key, given, why, confirm=confirm, inputs=inputs)
        except WatchkeeperError as problem:
            self.open_questions.append(f"{words_of(act)} ({problem})")
        self.thought_s += waited_s
        self._since[question] = float("inf")


def answer_of(fault: Break, act: Act, standing: Standing) -> str | None:
    """Give what the person on call says: what the fault's answers say of the step, else yes to what asks for approval."""
    said = next((answer for words, answer in fault.answers.items() if words.casefold() in words_of(act).casefold()), None)
    return said or ("approve" if standing.question == "approve" else None)


def words_of(act: Act) -> str:
    """Give an act as a person knows it: its command or its words."""
    return " ".join((act.command.text if act.command else act.text).split())
