"""A run: a procedure of the book being carried out, as a list of acts and a log of events.

The log is the run: `evolve(run, event)` folds it, `decide(run, …)` says what is next. Nothing else is state.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, TypeAlias

from watchkeeper.book.model import Command, Condition, Expectation, Risk, StepPhase

#: condition: decides a branch; command: runs; wait: a timer; manual: a person does it and says so
ActKind: TypeAlias = Literal["condition", "command", "wait", "manual"]
ActState: TypeAlias = Literal[
    "to-do", "running", "waiting", "asking", "done", "failed", "unknown", "skipped",
]  # fmt: skip
RunState: TypeAlias = Literal["running", "waiting", "asking", "succeeded", "failed", "cancelled"]


@dataclass(frozen=True, slots=True)
class Input:
    """A value that a command needs before it can run, and which values may be given."""

    #: "pod_name", by which a person gives it
    name: str
    #: as the book writes it: "<pod-name>"
    token: str
    kind: str = "text"
    #: what a value must match from end to end; None where any may be given
    pattern: str | None = None
    #: that in words: "a date"
    words: str = "a text"
    #: values to choose from
    choices: tuple[str, ...] = ()
    #: only a choice may be given
    listed: bool = False
    #: a command of watchkeeper.toml whose output lists the choices
    query: str | None = None
    default: str | None = None
    may_begin_with_dash: bool = False
    may_have_lines: bool = False
    #: what its places in the command narrow a value to
    limits: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Act:
    """The smallest thing a run does: one command, one question, one wait."""

    #: "3.1": step and place in it; unique in the run
    key: str
    step: int
    kind: ActKind
    text: str
    line: int
    phase: StepPhase | None = None
    command: Command | None = None
    risk: Risk = "read"
    #: key of the condition act on whose answer this one depends
    branch: str | None = None
    condition: Condition | None = None
    expects: Expectation | None = None
    caution: str | None = None
    wait_s: float | None = None
    #: the command as the book has it, where a bounded twin runs instead; an owner's line about either holds for both
    stands_for: str | None = None
    #: why the plan leaves it out from the start; None where it is to be done
    skip: str | None = None
    #: the target of the estate on which it runs; None: the run's own
    target: str | None = None
    #: what words of the command mean there, each as one sentence
    words: tuple[str, ...] = ()
    #: variables that later acts take from it; "PWD" where it changes the folder for them
    keeps: tuple[str, ...] = ()
    #: the name of the input whose choices it lists
    lists: str | None = None

    @property
    def mutating(self) -> bool:
        """Tell whether doing it twice could differ from doing it once."""
        return self.kind == "command" and self.risk != "read"


@dataclass(frozen=True, slots=True)
class Plan:
    """A procedure made into acts: what `--plan` prints and what a run carries with it for good."""

    procedure_id: str
    title: str
    #: digest of the book it was read from; a run goes on under it when the file changes
    book: str
    line: int
    acts: tuple[Act, ...]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of one attempt at an act."""

    #: "ok", "failed", "timeout", "unknown", "cancelled"; "lost" for a reading that is simply done again
    result: str
    exit_status: int | None = None
    #: scrubbed; head and tail where it was long
    output: str = ""
    started_at: datetime | None = None
    ended_at: datetime | None = None
    #: why it counts as what it counts
    sentence: str = ""
    #: a condition's answer
    holds: bool | None = None
    #: what it leaves to later acts, by the names of variables
    kept: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Event:
    """One line of a run's log."""

    seq: int
    at: datetime
    #: "started", "intent", "outcome", "skipped", "asked", "approved", "answered", "waiting", "cancelled", "ended"
    kind: str
    actor: str = "automation"
    act: str | None = None
    body: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Preview:
    """What an act would do, as it was looked at without changing anything."""

    #: "deletes 1,204 rows in jobs."
    sentence: str
    #: what an approval stands for: which things, from → to
    scope: str
    #: the command that puts it back, or why there is none, as one sentence
    way_back: str = ""
    #: the previous value, for the way back and for evidence; None where there is none
    before: Any = None


@dataclass(frozen=True, slots=True)
class Standing:
    """How one act of a run stands."""

    state: ActState = "to-do"
    attempt: int = 1
    outcome: Outcome | None = None
    approved_by: str | None = None
    #: all who approved exactly this, while their approvals stand
    approvers: tuple[str, ...] = ()
    approved_until: datetime | None = None
    #: digest of what was approved
    approved_digest: str | None = None
    asked_at: datetime | None = None
    #: the acts that an approval would let run: a person who started the run approves all its changes at once
    covers: tuple[str, ...] = ()
    #: the question put to a person, while asking
    question: str | None = None
    wait_until: datetime | None = None
    #: when its first attempt began
    since: datetime | None = None
    #: why it was asked or skipped
    sentence: str = ""
    #: what a person is asked for, while the question is "input"
    inputs: tuple[Input, ...] = ()
    #: what was seen when a person was last asked about it
    preview: Preview | None = None
    #: what was seen right before its first attempt, and before its latest
    original: Preview | None = None
    before: Preview | None = None


@dataclass(frozen=True, slots=True)
class Run:
    """A run as its log tells it."""

    id: str
    plan: Plan
    incident_id: str | None
    severity: str | None
    component: str | None
    #: who started it
    actor: str
    started_at: datetime
    state: RunState = "running"
    acts: Mapping[str, Standing] = field(default_factory=dict)
    ended_at: datetime | None = None
    #: why it ended as it did
    sentence: str = ""
    #: who cancelled it; empty where nobody did
    cancelled_by: str = ""
    seq: int = 0
    #: the target on which its commands run, where an act names no other
    target: str = "local"
    #: as whom the one who started it counts where two people are wanted; empty: by the name
    person: str = ""
    #: the database was restored since it began: why each change asks again; empty where it was not
    reopened: str = ""
    #: what people gave for inputs, by their names
    given: Mapping[str, str] = field(default_factory=dict)
    #: what the incident says, by the names that inputs have
    labels: Mapping[str, str] = field(default_factory=dict)
    #: variables that earlier acts left, and the folder they went to
    carried: Mapping[str, str] = field(default_factory=dict)
    folder: str | None = None

    def target_of(self, act: Act) -> str:
        """Give the target on which an act runs."""
        return act.target or self.target


# --- what the interpreter says is next


@dataclass(frozen=True, slots=True)
class Do:
    """Carry out one act, as this attempt."""

    act: Act
    attempt: int
    sentence: str


@dataclass(frozen=True, slots=True)
class Ask:
    """Put a question to a person and stop until it is answered."""

    act: Act
    #: "approve" (may it run), "settle" (did it happen), "manual" (do it and say so), "branch" (does it hold), "failed" (what
    #: now), "input" (with which values)
    question: str
    sentence: str


@dataclass(frozen=True, slots=True)
class Skip:
    """Leave an act out."""

    act: Act
    sentence: str


@dataclass(frozen=True, slots=True)
class Settle:
    """Write down an outcome that needs nothing to be run: a branch decided by what is known, a wait that is over."""

    act: Act
    outcome: Outcome


@dataclass(frozen=True, slots=True)
class Wait:
    """Nothing to do until then, or until somebody answers (None)."""

    until: datetime | None
    sentence: str
    #: the act that waits, where it is a step of its own
    act: Act | None = None
    #: when to look whether it may end before that; None: not before its end
    look_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Done:
    """The run is over."""

    state: RunState
    sentence: str


Next: TypeAlias = Do | Ask | Skip | Settle | Wait | Done
