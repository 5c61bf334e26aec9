"""What the pages and their JSON twins show: facts of several chapters put together for one reader.

Rows and book facts enter, these frozen nouns leave; they carry sentences, never markup. The names are those of the JSON API:
fields may be added, none renamed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, TypeAlias

from watchkeeper.incident.model import ChangeEvent
from watchkeeper.incident.relations import Relation
from watchkeeper.incident.roles import PhaseOfIncident
from watchkeeper.run.exercised import Exercised
from watchkeeper.run.hypotheses import Hypothesis
from watchkeeper.run.model import Input

#: worst first: firing, blind, pending, ok; unwatched: nothing looks at it
Health: TypeAlias = Literal["firing", "blind", "pending", "ok", "unwatched"]
#: met or missed: a promise, kept or not; told: a rung of the ladder that was climbed; stopped: not needed any more
ClockState: TypeAlias = Literal["running", "late", "met", "missed", "told", "stopped"]


#: how far back a curve may reach
Span: TypeAlias = Literal["1h", "24h", "7d", "30d", "1y"]
SPANS: Mapping[Span, float] = {"1h": 3600.0, "24h": 86_400.0, "7d": 604_800.0, "30d": 2_592_000.0, "1y": 31_536_000.0}


@dataclass(frozen=True, slots=True)
class Brake:
    """Who stopped everything automatic, when and why."""

    at: datetime
    actor: str
    why: str


@dataclass(frozen=True, slots=True)
class Frame:
    """What stands around every page: how the service is, and how much Watchkeeper may do."""

    service: str
    mode: str
    now: datetime
    health: Health
    #: the whole in one sentence
    sentence: str
    open_incidents: int
    #: runs that wait for a person
    asking: int
    blind: int
    halted: Brake | None = None


@dataclass(frozen=True, slots=True)
class ThresholdView:
    """A threshold of the book and how it stands."""

    key: str
    subject: str
    #: "> 80 % for 2 min"
    says: str
    severity: str | None
    component: str | None
    line: int
    state: Health
    sentence: str
    #: why this signal decides it, or what would
    because: str
    signal: str | None = None
    reading: str | None = None
    value: float | None = None
    unit: str | None = None
    #: "down", "well": for a threshold that is a state and not a number
    word: str | None = None
    since: datetime | None = None
    breached_since: datetime | None = None
    at: datetime | None = None


@dataclass(frozen=True, slots=True)
class ComponentView:
    """A part of the service with the thresholds that watch it."""

    name: str
    state: Health
    thresholds: tuple[ThresholdView, ...]


@dataclass(frozen=True, slots=True)
class ClockView:
    """A promise of the book with its deadline, and whether it was kept."""

    kind: str
    due_at: datetime
    state: ClockState
    sentence: str
    role: str = ""
    level: int = 0


@dataclass(frozen=True, slots=True)
class RunLine:
    """A run in a list."""

    id: str
    title: str
    procedure_id: str
    incident_id: str | None
    component: str | None
    severity: str | None
    state: str
    sentence: str
    actor: str
    started_at: datetime
    ended_at: datetime | None
    #: acts that are over, of all
    done: int = 0
    acts: int = 0


@dataclass(frozen=True, slots=True)
class RunNote:
    """A run in a line about something else."""

    id: str
    title: str
    state: str


@dataclass(frozen=True, slots=True)
class IncidentLine:
    """An incident in a list."""

    id: str
    title: str
    severity: str | None
    status: str
    cause: str | None
    began_at: datetime
    opened_at: datetime
    acknowledged_by: str | None
    resolved_at: datetime | None
    #: the deadline that comes next; None where none is running
    next_clock: ClockView | None = None
    #: the latest
    run: RunNote | None = None
    #: only those whom it concerns see it
    private: bool = False


@dataclass(frozen=True, slots=True)
class Overview:
    """How the service stands."""

    frame: Frame
    components: tuple[ComponentView, ...]
    unwatched: tuple[ThresholdView, ...]
    #: runs that wait for a person
    asking: tuple[RunLine, ...]
    incidents: tuple[IncidentLine, ...]
    past: tuple[IncidentLine, ...]
    runs: tuple[RunLine, ...]


@dataclass(frozen=True, slots=True)
class EntryView:
    """One line of a timeline."""

    seq: int
    at: datetime
    kind: str
    actor: str
    sentence: str
    run_id: str | None = None


@dataclass(frozen=True, slots=True)
class AlertView:
    """One alert of an incident."""

    id: str
    subject: str
    component: str | None
    severity: str | None
    breached_at: datetime
    fired_at: datetime
    ended_at: datetime | None
    value: float | None
    sentence: str
    explained_by: str | None
    line: int | None = None
    #: the sender of [hooks] that says so; None: Watchkeeper saw it itself
    source: str | None = None
    #: since when nobody has spoken of it
    stale_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class NoticeView:
    """One message to one person."""

    id: str
    person: str
    kind: str
    subject: str
    body: str
    state: str
    tries: int
    at: datetime
    sent_at: datetime | None
    channel: str | None
    problem: str | None


@dataclass(frozen=True, slots=True)
class ProcedureLine:
    """A procedure that a person may start."""

    id: str
    title: str
    kind: str
    line: int
    steps: int
    commands: int
    #: the most dangerous risk among its commands
    risk: str


@dataclass(frozen=True, slots=True)
class VendorView:
    """A vendor of the book's contacts: how it is called and reached."""

    name: str
    address: str
    line: int
    file: str | None


@dataclass(frozen=True, slots=True)
class IncidentView:
    """One incident with all that belongs to it."""

    frame: Frame
    id: str
    title: str
    severity: str | None
    severity_name: str | None
    status: str
    cause: str | None
    because: str
    procedure_id: str | None
    began_at: datetime
    opened_at: datetime
    acknowledged_at: datetime | None
    acknowledged_by: str | None
    recovered_at: datetime | None
    resolved_at: datetime | None
    clocks: tuple[ClockView, ...]
    timeline: tuple[EntryView, ...]
    alerts: tuple[AlertView, ...]
    runs: tuple[RunLine, ...]
    notices: tuple[NoticeView, ...]
    procedures: tuple[ProcedureLine, ...]
    #: who has which role in it, and where it stands among the phases of the book
    roles: Mapping[str, str] = field(default_factory=dict)
    phases: tuple[PhaseOfIncident, ...] = ()
    #: causes that its procedure names, and what was changed in the day before
    hypotheses: tuple[Hypothesis, ...] = ()
    suspects: tuple[ChangeEvent, ...] = ()
    #: incidents that it hangs together with, and earlier ones of its cause
    related: tuple[Relation, ...] = ()
    #: whom outside it concerns
    vendors: tuple[VendorView, ...] = ()
    #: severities that somebody may give it
    severities: tuple[str, ...] = ()
    #: an update in the book's own words, to be finished by a person, and what is still to be filled in
    draft: str = ""
    draft_lacks: tuple[str, ...] = ()
    #: what can be counted of it
    countable: tuple[str, ...] = ()
    #: there is a page for the public
    has_public: bool = False
    #: the review, once written
    reviewed_at: datetime | None = None
    #: only those whom it concerns see it
    private: bool = False
    #: how many alerts there are in all, how many of them still fire, and how many stand before those of this page
    alerts_total: int = 0
    alerts_open: int = 0
    alerts_skipped: int = 0


@dataclass(frozen=True, slots=True)
class EffectView:
    """What an act would do, as it was looked at, and how it would be put back."""

    sentence: str
    way_back: str


@dataclass(frozen=True, slots=True)
class ActView:
    """One act of a run, or of the plan of one."""

    key: str
    step: int
    kind: str
    text: str
    line: int
    phase: str | None
    command: str | None
    language: str | None
    risk: str
    #: why the risk is what it is
    risk_because: str
    caution: str | None
    #: "2.1": the branch on whose answer it depends
    branch: str | None
    #: the words of the branch condition
    condition: str | None
    expects: str | None
    state: str = "to-do"
    attempt: int = 1
    sentence: str = ""
    exit_status: int | None = None
    output: str = ""
    #: the output is only its end
    cut: bool = False
    holds: bool | None = None
    #: the character after the last of the output so far, while it runs
    output_end: int = 0
    approved_by: str | None = None
    started_at: datetime | None = None
    ended_at: datetime | None = None
    wait_until: datetime | None = None
    asked_at: datetime | None = None
    #: the question put to a person, in words
    question: str | None = None
    #: answers that a person may give now
    answers: tuple[str, ...] = ()
    #: what it would do, as a person was shown it; after it began, as it was seen right before
    effect: EffectView | None = None
    #: (key, command) of the other acts that approving this one lets run too
    covers: tuple[tuple[str, str], ...] = ()
    #: the other open boxes of its step, which a person may tick with it
    boxes: tuple[tuple[str, str], ...] = ()
    #: what starting it now would come to: "runs", "asks", "cannot", "left out", "waits", "decides"; None in a run
    foreseen: str | None = None
    #: the name that approving it takes; None where none is asked for
    to_type: str | None = None
    #: what a person is asked for, with the answer "input"
    inputs: tuple[Input, ...] = ()
    #: what people gave for its placeholders, by name
    values: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class StepView:
    """One step of the book with its acts."""

    n: int
    text: str
    line: int
    phase: str | None
    when: str | None
    acts: tuple[ActView, ...]


@dataclass(frozen=True, slots=True)
class EventView:
    """One line of a run's log."""

    seq: int
    at: datetime
    kind: str
    actor: str
    act: str | None
    sentence: str


@dataclass(frozen=True, slots=True)
class PieceView:
    """Part of what an act printed: words and colours (SGR sequences), without secrets."""

    act: str
    attempt: int
    #: at which character of the output it begins, and the character after its last
    start: int
    end: int
    text: str
    #: how many characters before it are shown nowhere
    left_out: int = 0


@dataclass(frozen=True, slots=True)
class NewsItem:
    """One line of a run's log, or one piece of output, and the mark with which to go on after it."""

    mark: str
    event: EventView | None = None
    output: PieceView | None = None


@dataclass(frozen=True, slots=True)
class NewsView:
    """What is new of a run since a mark, and how it stands."""

    run: RunLine
    news: tuple[NewsItem, ...]
    #: where to go on: give it back as `after`
    mark: str
    #: the run is over: nothing more will come
    over: bool
    #: the acts that ask a person now
    asks: tuple[ActView, ...]


@dataclass(frozen=True, slots=True)
class RunView:
    """One run with its acts and its log."""

    frame: Frame
    run: RunLine
    target: str
    line: int
    #: digest of the book under which it runs
    book: str
    #: the book in force is another one by now
    book_changed: bool
    steps: tuple[StepView, ...]
    events: tuple[EventView, ...]
    #: where to go on following it
    mark: str
    incident_title: str | None = None
    #: the ended run on which this one goes on, and the one that goes on where this one ended
    resumes: str | None = None
    resumed_by: str | None = None
    #: what of it can be put back, as one sentence; empty where it changed nothing
    way_back: str = ""
    #: it may be taken back now
    undoable: bool = False


@dataclass(frozen=True, slots=True)
class ProcedureView:
    """What carrying out a procedure would do; nothing is run."""

    frame: Frame
    procedure: ProcedureLine
    symptoms: tuple[str, ...]
    steps: tuple[StepView, ...]
    #: of how many acts starting it now would come to what, and how many commands have which risk
    would: Mapping[str, int] = field(default_factory=dict)
    risks: Mapping[str, int] = field(default_factory=dict)
    #: (id, title) of the incidents that are open
    incidents: tuple[tuple[str, str], ...] = ()
    #: what came of it when it was carried out; None where it was not within a year
    exercised: Exercised | None = None


@dataclass(frozen=True, slots=True)
class SeriesView:
    """One reading of a signal over a span of time."""

    reading: str
    #: what the book calls it, where a threshold uses it; else the reading
    label: str
    last: float | None
    least: float | None
    most: float | None
    #: (seconds before now, value), oldest first
    points: tuple[tuple[float, float], ...]
    #: where the book's thresholds lie
    limits: tuple[float, ...] = ()
    unit: str | None = None
    #: where a point stands for many samples: (seconds before now, least, most), oldest first
    band: tuple[tuple[float, float, float], ...] = ()


@dataclass(frozen=True, slots=True)
class SignalView:
    """One signal, its latest sample and what it decides."""

    name: str
    kind: str
    component: str | None
    every_s: float
    #: its options before variables were filled in
    options: Mapping[str, Any]
    state: Health
    at: datetime | None
    took_s: float | None
    detail: str
    problem: str | None
    values: Mapping[str, float]
    thresholds: tuple[ThresholdView, ...]
    series: tuple[SeriesView, ...]


@dataclass(frozen=True, slots=True)
class SenderView:
    """A sender of [hooks], and what was heard of it."""

    name: str
    kind: str
    component: str | None
    #: None: nothing came yet
    heard_at: datetime | None
    firing: int
    #: alerts of which nobody knows whether they still fire
    blind: int


@dataclass(frozen=True, slots=True)
class SignalsView:
    """All signals, and the thresholds that none decides."""

    frame: Frame
    signals: tuple[SignalView, ...]
    unwatched: tuple[ThresholdView, ...]
    #: (signal, metric words, sentence): bound to no threshold
    unused: tuple[tuple[str, str, str], ...]
    #: how long the curves reach back: one of SPANS
    span: Span = "1h"
    #: who else sends alerts
    senders: tuple[SenderView, ...] = ()


@dataclass(frozen=True, slots=True)
class FactView:
    """Something the book says, at its line."""

    line: int
    kind: str
    sentence: str
    #: a state or risk that colours it; empty where it has none
    tone: str = ""
    #: what more there is to see: a page of the console
    link: str | None = None


@dataclass(frozen=True, slots=True)
class BookView:
    """The runbook as written, and what was understood of it."""

    frame: Frame
    title: str
    path: str
    digest: str
    read_at: datetime | None
    source: str
    facts: tuple[FactView, ...]
    procedures: tuple[ProcedureLine, ...]
    counts: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Incidents:
    """All incidents, newest first."""

    frame: Frame
    incidents: tuple[IncidentLine, ...]
    #: the words that were looked for
    search: str = ""
    #: the last of this page, where there are older ones
    older: str | None = None
    #: what an incident that is opened by hand may be called
    severities: tuple[str, ...] = ()
    components: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Runs:
    """All runs, newest first."""

    frame: Frame
    runs: tuple[RunLine, ...]
    #: the state that they were asked for by; None for all
    state: str | None = None
