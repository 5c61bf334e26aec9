"""What the run tests share: small procedures made by hand, an estate with one shell target, and runs without a database."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from watchkeeper.app import place_of
from watchkeeper.base.clock import SystemClock
from watchkeeper.book.model import Book, Command, Condition, Expectation, Procedure, Severity, Step
from watchkeeper.estate import plugins
from watchkeeper.estate.model import Bindings, Estate, Policy, TargetConfig, Variable
from watchkeeper.incident.model import Incident
from watchkeeper.plugins.shell.target import ShellTarget
from watchkeeper.run.answering import answer
from watchkeeper.run.decide import decide
from watchkeeper.run.fold import begin, evolve, outcome_to_json
from watchkeeper.run.interpreter import Interpreter
from watchkeeper.run.journal import Journal
from watchkeeper.run.known import Facts
from watchkeeper.run.ledger import load_run, read_events
from watchkeeper.run.model import Do, Event, Next, Outcome, Plan, Run, Settle, Skip
from watchkeeper.run.placing import place
from watchkeeper.run.plan import plan
from watchkeeper.run.starting import start_run
from watchkeeper.store.database import Database

CRITICAL = Severity(code="P1", name="Critical", line=1)
UNATTENDED = Policy(mode="act", change_allowed=("Critical",))


def command(text: str, risk: str = "read", **values: Any) -> Command:
    tool = text.split()[0] if text.split() else ""
    return Command(text=text, line=values.pop("line", 1), risk=risk, tools=values.pop("tools", (tool,)), **values)  # type: ignore[arg-type]


def step(n: int, *commands: Command, phase: str | None = "act", text: str = "", **values: Any) -> Step:
    return Step(n=n, text=text or f"Step {n}", line=10 * n, phase=phase, commands=commands, **values)  # type: ignore[arg-type]


def branch(text: str, check: Command | None = None, test: Expectation | None = None, **values: Any) -> Condition:
    return Condition(text=text, line=values.pop("line", 5), command=check, test=test, **values)


def expect(kind: str, value: str | float | None = None) -> Expectation:
    return Expectation(kind=kind, value=value, line=1)  # type: ignore[arg-type]


def procedure(*steps: Step, title: str = "Web is down", **values: Any) -> Procedure:
    return Procedure(id=title.lower().replace(" ", "-"), title=title, line=1, end_line=99, steps=steps, **values)


def plan_of(*steps: Step, platform: str | None = None) -> Plan:
    return plan(Book(title="Shop", service="shop", digest="d1"), procedure(*steps), platform)


def estate_in(
    folder: Path, policy: Policy = UNATTENDED, variables: Mapping[str, Variable] | None = None, **target: Any
) -> Estate:
    config = TargetConfig("local", "shell", 1, folder, **target)
    return Estate(folder / "watchkeeper.toml", "shop", folder / "runbook.md", variables or {}, {"local": config}, policy=policy)


def run_of(plan: Plan, now: datetime, actor: str = "automation", severity: str | None = "P1") -> Run:
    return begin(Run("run-1", plan, None, severity, "web", actor, now))


class Story:
    """A run told event by event, without a database: what `decide` says is done with the outcomes given for each act."""

    def __init__(self, plan: Plan, now: datetime, facts: Facts | None = None, actor: str = "automation") -> None:
        self.run = run_of(plan, now, actor)
        self.now = now
        self.facts = facts or Facts(policy=UNATTENDED, severities=frozenset({"P1", "Critical"}))
        self.done: list[str] = []

    def add(self, kind: str, act: str | None = None, actor: str = "automation", **body: Any) -> None:
        self.run = evolve(self.run, Event(self.run.seq + 1, self.now, kind, actor, act, body))

    def next(self) -> Next:
        """Take all that needs nothing to be run, and give what is next then."""
        while True:
            found = decide(self.run, self.facts, self.now)
            if isinstance(found, Skip):
                self.add("skipped", found.act.key, sentence=found.sentence)
            elif isinstance(found, Settle):
                self.add("outcome", found.act.key, outcome=outcome_to_json(found.outcome))
            else:
                return found

    def play(self, outcomes: Mapping[str, Outcome] | None = None, at_most: int = 100) -> Next:
        """Do what is to be done, each with the outcome given for its act ("ok" where none is), until something else is next."""
        for _ in range(at_most):
            found = self.next()
            if not isinstance(found, Do):
                return found
            self.done.append(found.act.key)
            self.add("intent", found.act.key, attempt=found.attempt)
            self.now += timedelta(seconds=1)
            outcome = (outcomes or {}).get(found.act.key, Outcome("ok", 0))
            self.add("outcome", found.act.key, outcome=outcome_to_json(replace(outcome, ended_at=self.now)))
        return found


NO_BINDINGS = Bindings()


class Desk:
    """An interpreter on a real shell and database, and the hands to start runs, answer and look."""

    def __init__(
        self,
        database: Database,
        folder: Path,
        policy: Policy | None = None,
        journal: Callable[..., Journal] = Journal,
        **values: Any,
    ) -> None:
        self.database, self.folder = database, folder
        verify_s, others = values.pop("verify_s", 2.0), values.pop("others", ())
        estate = estate_in(folder, policy or UNATTENDED, **values)
        self.estate = replace(estate, targets={**estate.targets, **{other.name: other for other in others}})
        self.clock = SystemClock()
        self.target = ShellTarget(self.estate.targets["local"], self.estate)
        self.others = {o.name: plugins.load(plugins.TARGETS, o.kind)(o, self.estate) for o in others}
        self.interpreter = Interpreter(
            database,
            self.clock,
            self.estate,
            NO_BINDINGS,
            {"local": self.target, **self.others},
            folder / "state",
            journal(database, "test", place_of(folder / "state")),
            severities=(CRITICAL,),
            verify_s=verify_s,
        )

    def start(
        self, *steps: Step, actor: str = "automation", title: str = "Web is down", component: str = "web", **more: Any
    ) -> str:
        made = plan(Book(title="Shop", service="shop", digest="d1"), procedure(*steps, title=title))
        return self.start_plan(place(made, self.estate), actor, component, **more)

    def start_plan(self, made: Plan, actor: str = "automation", component: str = "web", **more: Any) -> str:
        incident = Incident("inc-1", "shop", "Web is down", "P1", "open", component, self.clock.now(), self.clock.now())
        return self.database.write_now(lambda c: start_run(c, self.clock.now(), made, incident, actor, "local", **more))

    async def drive(self, run_id: str) -> Run:
        """Advance until the run waits or is over."""
        while await self.interpreter.advance(run_id):
            pass
        return self.look(run_id)

    def answer(self, run_id: str, act: str, what: str, actor: str = "Anna", **values: Any) -> None:
        self.database.write_now(lambda c: answer(c, self.clock.now(), run_id, act, what, actor, **values))

    def look(self, run_id: str) -> Run:
        run = self.database.read_now(lambda c: load_run(c, run_id))
        assert run is not None
        return run

    def log(self, run_id: str) -> list[Event]:
        return self.database.read_now(lambda c: read_events(c, run_id))

    def marks(self) -> list[str]:
        """Give what the steps of a run wrote, each a line."""
        path = self.folder / "marks"
        return path.read_text().split() if path.exists() else []


def mark(word: str, risk: str = "change", then: str = "") -> Command:
    """Give a command that leaves a mark, so that doing it twice shows."""
    return command(f"echo {word} >> marks{'; ' + then if then else ''}", risk)
