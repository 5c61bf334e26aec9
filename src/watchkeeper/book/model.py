"""The nouns of a runbook: frozen, each with the line on which the file states it.

The field names are those of the published contract (docs/reference/contract.md, version 1): `watchkeeper show --format json`
prints these classes. Values are normalised: durations in seconds, sizes in bytes, shares in percent. What the file does not
say is None or empty, never a guess. Every class with a `line` also has `file`, set only when the book is a folder.
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields, replace
from typing import Any, Literal, TypeAlias

from watchkeeper.base.nouns import built_fast

Risk: TypeAlias = Literal["read", "change", "destroy", "unknown"]
StepPhase: TypeAlias = Literal["diagnose", "act", "verify", "prevent", "communicate"]
ProcedureKind: TypeAlias = Literal[
    "emergency", "troubleshooting", "incident", "routine", "deploy", "rollback", "backup", "restore", "failover",
    "security", "performance", "capacity", "reference", "other",
]  # fmt: skip
Comparison: TypeAlias = Literal[">", ">=", "<", "<=", "==", "!=", "is"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Stated:
    """Something the file states."""

    #: 1-based line of the source file
    line: int
    #: path of the file inside a folder of runbooks; None for a single file
    file: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Component(Stated):
    """A part of the system and what it is made with."""

    name: str
    technology: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Dependency(Stated):
    """`source` needs `needs` to work. In the contract the two are called `from` and `to`."""

    source: str
    needs: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Link(Stated):
    """A named address."""

    name: str
    url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Contact(Stated):
    """A person, role, team, vendor or channel with an address, or with a place where one is missing."""

    role: str
    phone: str | None = None
    email: str | None = None
    channel: str | None = None
    hours: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Severity(Stated):
    """A severity as this document calls it."""

    code: str
    name: str | None = None
    criteria: tuple[str, ...] = ()
    #: 0 = immediately
    respond_within_s: float | None = None
    #: "next business day" is 1: by the end of it
    respond_within_days: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Phase(Stated):
    """A stage of incident response."""

    name: str
    starts_s: float | None = None
    ends_s: float | None = None
    tasks: tuple[str, ...] = ()
    severity: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Escalation(Stated):
    """One rung of a ladder: who is told when nobody has taken the incident after `after_s`."""

    level: int
    role: str
    after_s: float | None = None
    severity: str | None = None


ClimbKind: TypeAlias = Literal["again", "together"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Climb(Stated):
    """What is said of the whole ladder: that it begins again, or that all its levels are told at once."""

    kind: ClimbKind
    #: from its last level until it begins again
    after_s: float | None = None
    #: how often it begins again; None: as long as nobody takes the incident
    times: int | None = None
    severity: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Threshold(Stated):
    """One single comparison that says when somebody must act, or which value is to be kept."""

    role: Literal["alert", "objective"]
    subject: str
    metric: str | None = None
    statistic: str | None = None
    op: Comparison
    value: float | None = None
    #: the word of a state (`op` "is"): "down", "failed"
    state: str | None = None
    unit: str | None = None
    for_s: float | None = None
    severity: str | None = None
    respond_within_s: float | None = None
    actions: tuple[str, ...] = ()
    source: str = "prose"
    #: thresholds of one compound statement share a group
    group: str | None = None
    #: how the members of a group combine: "or" or "and"
    group_by: Literal["or", "and"] = "or"
    #: the words from which it was read
    text: str = ""
    #: what the definition of a monitor has its team told, with its slots ({{value}}) as they stand
    message: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Recovery(Stated):
    """A promised recovery time (rto) or point (rpo); 0 seconds = none / real time."""

    kind: Literal["rto", "rpo"]
    subject: str
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule(Stated):
    """Work that recurs."""

    title: str
    every: str | None = None
    rrule: str | None = None
    at: str | None = None
    until: str | None = None
    timezone: str | None = None
    automated: bool | None = None
    tasks: tuple[str, ...] = ()
    procedure: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Template(Stated):
    """A message to be sent, with slots."""

    name: str
    channel: str | None = None
    body: str
    placeholders: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Checklist(Stated):
    """A group of boxes to tick."""

    title: str
    items: tuple[str, ...] = ()
    #: the line of each item
    lines: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Growth(Stated):
    """A projection: `subject` grows by `percent` within `within_s`."""

    subject: str
    percent: float | None = None
    within_s: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Baseline(Stated):
    """A value that is usual today."""

    subject: str
    value: float | str | None = None
    unit: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric(Stated):
    """A metric named without a threshold."""

    subject: str
    metric: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Config(Stated):
    """A block of configuration: never a command."""

    kind: str
    target: str | None = None
    values: dict[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentFacts(Stated):
    """What the file says about itself."""

    version: str | None = None
    owner: str | None = None
    updated: str | None = None
    next_review: str | None = None
    review_every: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Placeholder(Stated):
    """Something a reader must replace or set before use; `line` is its first line."""

    token: str
    kind: Literal["env", "angle", "bracket", "brace", "word", "date"]
    lines: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Expectation(Stated):
    """What the book says a command should give; judged against its exit status and output."""

    #: shows / lacks: output contains `value` or not (words, case ignored); empty / some: whether there is output at all;
    #: succeeds / fails: exit status; above / below: the first number in the output against `value`; between: from `value` to
    #: `upto`; every: each row of a table is in the state `value`
    kind: Literal["shows", "lacks", "empty", "some", "succeeds", "fails", "above", "below", "between", "every"]
    value: str | float | None = None
    #: alternatives for shows / lacks ("STOPPED or EXITED"); includes `value`. The state of the rows that are counted
    any_of: tuple[str, ...] = ()
    upto: float | None = None
    #: what the number is of: "percent", "ms", "bytes"
    unit: str | None = None
    #: rows are counted where more than a number is printed
    counts: bool = False
    text: str = ""


@built_fast
@dataclass(frozen=True, slots=True, kw_only=True)
class Command(Stated):
    """One logical command: a pipeline, an `a && b` list, a heredoc or an SQL statement is one."""

    text: str
    language: str = "bash"
    tools: tuple[str, ...] = ()
    target: str | None = None
    #: where the line before it in the same fence went: `ssh HOST`, or a shell inside a container
    session: str | None = None
    risk: Risk = "unknown"
    #: why the risk is what it is, as one sentence
    because: str = ""
    #: True: it only reads by what a script of the project is called, and nobody has seen what is in it
    believed: bool = False
    endless: bool = False
    interactive: bool = False
    placeholders: tuple[str, ...] = ()
    #: the platform an alternative is for ("docker", "kubernetes", "systemd"), or None
    alternative: str | None = None
    #: the comment or sentence that introduces it
    purpose: str | None = None
    expects: Expectation | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition(Stated):
    """A branch's condition made decidable: run `command` (read-only) and hold `test` against what it gives.

    `command` None means the named or nearest diagnosis of the same procedure; `threshold` is set instead where the condition
    speaks of a metric ("error rate is above 5%"). Where neither is known a person is asked.
    """

    text: str
    command: Command | None = None
    test: Expectation | None = None
    threshold: Threshold | None = None
    #: "previous step failed": decided by the outcome of the step before
    after_failure: bool = False


@built_fast
@dataclass(frozen=True, slots=True, kw_only=True)
class Step(Stated):
    """One instruction of a procedure, with or without commands."""

    n: int
    text: str
    phase: StepPhase | None = None
    #: the words of the branch condition, None where the step is always done
    when: str | None = None
    condition: Condition | None = None
    caution: str | None = None
    manual: bool = False
    commands: tuple[Command, ...] = ()
    #: "wait 5 minutes": how long, for a step that waits
    wait_s: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Procedure(Stated):
    """A section that somebody can carry out."""

    id: str
    title: str
    kind: ProcedureKind = "other"
    end_line: int
    #: titles of the enclosing sections, outermost first
    path: tuple[str, ...] = ()
    symptoms: tuple[str, ...] = ()
    causes: tuple[str, ...] = ()
    prevention: tuple[str, ...] = ()
    escalation: str | None = None
    steps: tuple[Step, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding(Stated):
    """Something wrong with the book."""

    rule: str
    class_: str
    severity: Literal["error", "warning", "note"]
    end_line: int
    message: str
    fix: str | None = None
    because: str = ""
    applies_to: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Unread(Stated):
    """A passage that looks operational and could not be understood."""

    text: str
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Book:
    """Everything a runbook says."""

    title: str | None
    service: str | None
    #: sha256 of the bytes that were read, hex: the version of the book
    digest: str = ""
    components: tuple[Component, ...] = ()
    dependencies: tuple[Dependency, ...] = ()
    links: tuple[Link, ...] = ()
    contacts: tuple[Contact, ...] = ()
    severities: tuple[Severity, ...] = ()
    phases: tuple[Phase, ...] = ()
    escalation: tuple[Escalation, ...] = ()
    climbs: tuple[Climb, ...] = ()
    thresholds: tuple[Threshold, ...] = ()
    recovery: tuple[Recovery, ...] = ()
    schedules: tuple[Schedule, ...] = ()
    templates: tuple[Template, ...] = ()
    checklists: tuple[Checklist, ...] = ()
    growth: tuple[Growth, ...] = ()
    baselines: tuple[Baseline, ...] = ()
    metrics: tuple[Metric, ...] = ()
    configs: tuple[Config, ...] = ()
    document: DocumentFacts | None = None
    procedures: tuple[Procedure, ...] = ()
    commands: tuple[Command, ...] = ()
    placeholders: tuple[Placeholder, ...] = ()
    findings: tuple[Finding, ...] = ()
    unread: tuple[Unread, ...] = ()

    def of_file(self, file: str) -> Book:
        """Give what stands in one file of a book that was read from several; all of it where it was read from one."""
        kept: dict[str, Any] = {
            slot.name: tuple(item for item in value if item.file in (None, file))
            for slot in fields(self)
            if isinstance(value := getattr(self, slot.name), tuple)
        }
        return replace(self, **kept)

    def procedure(self, procedure_id: str) -> Procedure | None:
        """Find a procedure by its id; None where the book has no such procedure."""
        return next((p for p in self.procedures if p.id == procedure_id), None)
