"""What the book is bound to, as watchkeeper.toml says it: variables, targets, signals, people and policy."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, TypeAlias

from watchkeeper.base.secrets import Secret
from watchkeeper.book.model import Threshold
from watchkeeper.estate.hours import USUAL, Hours, Office
from watchkeeper.estate.rota import Rota

Mode: TypeAlias = Literal["observe", "ask", "act"]
Permission: TypeAlias = Literal["run", "ask", "never"]
Role: TypeAlias = Literal["viewer", "responder", "operator", "owner"]
#: each with all that the one before it may: people.permission says what that is
ROLES: tuple[Role, ...] = ("viewer", "responder", "operator", "owner")
#: an incident is on the public page in the page's own words, or only once somebody has written of it
Publish: TypeAlias = Literal["itself", "written"]
#: stands for any service in a person's `access`
EVERY_SERVICE = "*"
#: the name under which our own loop acts; nobody else can have it
AUTOMATION = "automation"


@dataclass(frozen=True, slots=True)
class Variable:
    """A value that the runbook's commands need, with where it came from."""

    name: str
    value: str | Secret
    #: "literal", "env NAME" or "file PATH"
    source: str
    line: int

    def reveal(self) -> str:
        """Give the raw value."""
        return self.value.reveal() if isinstance(self.value, Secret) else self.value


@dataclass(frozen=True, slots=True)
class TargetConfig:
    """A place where commands run."""

    name: str
    kind: str
    line: int
    #: absolute folder in which commands run
    directory: Path
    #: absolute folders put before PATH
    path: tuple[Path, ...] = ()
    timeout_s: float = 300.0
    options: Mapping[str, Any] = field(default_factory=dict)
    #: the book's components and hosts whose commands run here
    stands_for: tuple[str, ...] = ()
    #: a word of the book's commands -> what runs instead of it here
    words: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class SignalConfig:
    """One probe: what it looks at, how often, and which of its readings are which metrics of the book."""

    name: str
    kind: str
    line: int
    component: str | None = None
    every_s: float = 15.0
    timeout_s: float = 10.0
    #: the book's metric words (or a canonical metric) -> this signal's reading
    metrics: Mapping[str, str] = field(default_factory=dict)
    #: readings that every signal of this kind has: single values, not statistics of many
    readings: frozenset[str] = frozenset()
    #: canonical metric -> the readings that are it, as every signal of this kind has them without a word of the owner's;
    #: with ":low" behind it those that are bad when they are low, where the metric itself is bad when it is high
    known: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    #: True: a metric of the book that names no component means this kind ("CPU usage" is the host's)
    general: bool = False
    #: thresholds of the book in this language ("promql") are readings of it as they stand
    speaks: str | None = None
    #: state of the book -> the reading that says just that, where a book tells several states of one thing apart; `up` is all
    states: Mapping[str, str] = field(default_factory=dict)
    #: the readings that thresholds are bound to, beside those of `metrics`
    asked: tuple[str, ...] = ()
    #: share of a limit by which a reading must be back on its good side before a threshold that fired is well again
    margin: float = 0.0
    #: components that need this one, beside those of which the book's diagram says so
    needed_by: tuple[str, ...] = ()
    #: looks outside the schedule that it may have within a minute, to confirm a first failure and to decide what is pending
    confirm: int = 6
    #: what only this kind knows: url, dsn, command, queries …; $VARIABLES already filled in
    options: Mapping[str, Any] = field(default_factory=dict)
    #: the same before $VARIABLES were filled in, to show to people
    shown: Mapping[str, Any] = field(default_factory=dict)
    #: path of a key below this table -> its line in the file
    lines: Mapping[tuple[str | int, ...], int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who can be told, and the runbook's role words that are theirs."""

    id: str
    name: str
    line: int
    roles: tuple[str, ...] = ()
    #: Apprise URLs, in the order in which they are tried
    notify: tuple[Secret | str, ...] = ()
    #: those that are tried first for the severities that may wake them
    urgent: tuple[Secret | str, ...] = ()
    #: who they are in a chat: their member id
    chat: tuple[str, ...] = ()
    #: hours in which only some severities reach them at once, and which those are
    quiet: tuple[Hours, ...] = ()
    wake: tuple[str, ...] = ()
    #: by which an identity provider knows them
    email: str = ""
    #: their names as users of the machines on which Watchkeeper's command line is used
    logins: tuple[str, ...] = ()
    #: service, or "*" for any -> what they may
    access: Mapping[str, Role] = field(default_factory=dict, hash=False)


@dataclass(frozen=True, slots=True)
class Oidc:
    """The provider by which people sign in to the console."""

    issuer: str
    client_id: str
    client_secret: Secret | str = ""
    #: what the button says
    name: str = ""
    scopes: tuple[str, ...] = ("openid", "email", "profile")
    groups_claim: str = "groups"
    #: group of the provider -> role
    groups: Mapping[str, Role] = field(default_factory=dict, hash=False)
    #: take an e-mail address that the provider does not call verified
    unverified_email: bool = False


@dataclass(frozen=True, slots=True)
class Access:
    """How people come in, beside the printed address."""

    #: role of a listed person who has none of their own; None: they are only told
    default: Role | None = None
    #: how long a link in a notice is good for, in seconds; 0: notices carry none
    links_s: float = 3600.0
    #: how long a session lasts, in seconds
    session_s: float = 12 * 3600.0
    oidc: Oidc | None = None


@dataclass(frozen=True, slots=True)
class PolicyRule:
    """An owner's line about one act: the procedure, the exact command, and what is allowed."""

    line: int
    procedure: str | None = None
    command: str | None = None
    risk: str | None = None
    severity: str | None = None
    component: str | None = None
    #: who started the run; "automation" is nobody
    person: str | None = None
    #: the line counts only within these hours
    hours: Hours | None = None
    allow: Permission = "ask"


@dataclass(frozen=True, slots=True)
class Policy:
    """What may run without a person. The default is safe: reading runs, everything else asks."""

    mode: Mode = "ask"
    #: severities (the book's own codes or names) for which a `change` may run unattended
    change_allowed: tuple[str, ...] = ()
    rules: tuple[PolicyRule, ...] = ()
    #: risks that take two different people: who started the run and who approves, or two who approve
    two_people: frozenset[str] = frozenset()
    #: how long a threshold must be healthy again before the incident counts as recovered
    hold_s: float = 60.0
    #: how long an approval stays valid
    approval_s: float = 900.0


@dataclass(frozen=True, slots=True)
class InputRule:
    """What an owner says about a placeholder of the book: which values it may have."""

    name: str
    line: int = 0
    pattern: str | None = None
    choices: tuple[str, ...] = ()
    #: a command that only reads; each line of its output is a choice
    query: str | None = None
    default: str | None = None
    #: what may be given, in words
    words: str | None = None
    may_begin_with_dash: bool = False
    may_have_lines: bool = False


@dataclass(frozen=True, slots=True)
class Hook:
    """A sender of alerts that watchkeeper.toml lets in, under its own address and token."""

    name: str
    kind: str
    line: int = 0
    #: what the sender must show: in the address, as Bearer token, as password or, of PagerDuty's clients, as routing key
    token: Secret | None = None
    #: signs each delivery, where the sender can sign
    secret: Secret | None = None
    #: what all its alerts are about, where it does not say so itself
    component: str | None = None
    #: the labels that make alerts one group; empty: as the sender groups them, else by their names
    group_by: tuple[str, ...] = ()
    #: the labels whose value may name a component of the book
    component_labels: tuple[str, ...] = ()
    #: name of an alert there -> the words of the book's threshold that it means
    alerts: Mapping[str, str] = field(default_factory=dict, hash=False)
    #: how long a firing alert may go without a word of it before nobody knows any more whether it holds
    stale_s: float = 24 * 3600.0
    #: the most alerts taken a minute
    rate: float = 600_000.0
    #: topics of SNS whose confirmation is answered
    topics: tuple[str, ...] = ()
    #: of the kind "mapping": where in the body what stands, as paths such as "alert.name"
    fields: Mapping[str, str] = field(default_factory=dict, hash=False)
    #: of the kind "mapping": words of the status that mean firing and resolved
    firing: tuple[str, ...] = ()
    resolved: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Route:
    """Who is told of some alerts first, instead of the first rung of the book's ladder."""

    name: str
    line: int
    #: people of [people] by id, or role words
    tell: tuple[str, ...]
    #: what an alert must have, each where it is given
    labels: Mapping[str, str] = field(default_factory=dict, hash=False)
    component: str | None = None
    severity: str | None = None
    subject: str | None = None
    hook: str | None = None
    #: how often it is said again while it fires; None: as the book or [alerts] says
    repeat_s: float | None = None


@dataclass(frozen=True, slots=True)
class Alerting:
    """What watchkeeper.toml says about alerts: who may send some, who is told first, and how often again."""

    hooks: Mapping[str, Hook] = field(default_factory=dict, hash=False)
    routes: tuple[Route, ...] = ()
    #: how often a firing alert is said again where the book promises no updates; None: never
    repeat_s: float | None = None
    #: so many groups of one sender within ten minutes are one storm
    storm: int = 20

    def route(self, name: str | None) -> Route | None:
        """Give a route by its name; None where there is none of that name any more."""
        return next((route for route in self.routes if route.name == name), None) if name else None

    def secrets(self) -> list[Secret]:
        """Give every secret in use, for scrubbing."""
        return [s for hook in self.hooks.values() for s in (hook.token, hook.secret) if s is not None]


@dataclass(frozen=True, slots=True)
class Affected:
    """What is counted of an incident, by a command that only reads."""

    name: str
    line: int
    command: str
    timeout_s: float


TrackerKind: TypeAlias = Literal["github", "jira", "webhook"]


@dataclass(frozen=True, slots=True)
class Tracker:
    """Where follow-ups are kept besides."""

    name: str
    kind: TrackerKind
    line: int
    url: str
    #: owner/repository, or a key of Jira
    project: str = ""
    #: of a Jira in the cloud, whose token goes with a name
    user: str = ""
    token: Secret | None = None
    labels: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class LadderRule:
    """How often the book's ladder is climbed again while nobody takes an incident; None: as the book says."""

    repeat: int | None = None
    #: from its last level until it begins again
    wait_s: float | None = None


@dataclass(frozen=True, slots=True)
class StatusPage:
    """The page for the public, as watchkeeper.toml says it."""

    title: str
    line: int = 0
    #: where the public reads it, where that is not the console's own address
    address: str = ""
    publish: Publish = "itself"
    #: component -> its public name; empty: all that are watched, under their own names
    components: Mapping[str, str] = field(default_factory=dict, hash=False)
    #: Apprise URL of the mail server by which those who subscribed are told; None: nobody can subscribe by mail
    mail: Secret | str | None = None


@dataclass(frozen=True, slots=True)
class Chat:
    """A chat in which each incident has a channel."""

    name: str
    line: int
    token: Secret
    signing_secret: Secret
    #: those that get a channel; empty: all
    severities: tuple[str, ...] = ()
    api: str = ""


@dataclass(frozen=True, slots=True)
class ChangeSource:
    """A git repository whose commits are changes of the service."""

    name: str
    line: int
    repository: Path
    branch: str = "HEAD"
    component: str | None = None


@dataclass(frozen=True, slots=True)
class ReleaseFeed:
    """A list of releases on the web: an app store's look-up, any JSON by pointers, or Atom."""

    name: str
    line: int
    url: str
    component: str | None = None
    #: JSON pointers: to the releases, and within each of them
    items: str = "/results"
    version: str = "/version"
    at: str = "/currentVersionReleaseDate"
    link: str = "/trackViewUrl"
    every_s: float = 1800.0


@dataclass(frozen=True, slots=True)
class Estate:
    """watchkeeper.toml, read and checked."""

    path: Path
    service: str
    runbook: Path
    variables: Mapping[str, Variable] = field(default_factory=dict)
    targets: Mapping[str, TargetConfig] = field(default_factory=dict)
    signals: Mapping[str, SignalConfig] = field(default_factory=dict)
    people: Mapping[str, Person] = field(default_factory=dict)
    rotas: Mapping[str, Rota] = field(default_factory=dict)
    #: "docker", "kubernetes" or "systemd", where the file says it; it chooses among the alternatives of the book
    platform: str | None = None
    office: Office = USUAL
    #: by the name of the placeholder
    inputs: Mapping[str, InputRule] = field(default_factory=dict)
    policy: Policy = field(default_factory=Policy)
    access: Access = field(default_factory=Access)
    alerting: Alerting = field(default_factory=Alerting)
    ladder: LadderRule = LadderRule()
    changes: Mapping[str, ChangeSource | ReleaseFeed] = field(default_factory=dict)
    chats: Mapping[str, Chat] = field(default_factory=dict)
    affected: Mapping[str, Affected] = field(default_factory=dict)
    #: the first of them gets every follow-up
    trackers: Mapping[str, Tracker] = field(default_factory=dict)
    #: None: the public has no page
    statuspage: StatusPage | None = None

    @property
    def folder(self) -> Path:
        """Give the folder of watchkeeper.toml, against which its paths are taken."""
        return self.path.parent

    @property
    def runs_on(self) -> str | None:
        """Give the platform that the file names, else the one that its targets show; None where they show none or several."""
        if self.platform is not None:
            return self.platform
        kinds = {target.kind for target in self.targets.values()} & {"docker", "compose", "kubernetes"}
        shown = {"docker" if kind == "compose" else kind for kind in kinds}
        return shown.pop() if len(shown) == 1 else None

    def where(self, line: int) -> str:
        """Give file:line of a line of watchkeeper.toml."""
        return f"{self.path}:{line}"

    def secrets(self) -> tuple[Secret, ...]:
        """Give every secret in use, for scrubbing."""
        own = [v.value for v in self.variables.values() if isinstance(v.value, Secret)]
        told = (u for p in self.people.values() for u in (*p.notify, *p.urgent) if isinstance(u, Secret))
        known_to_provider = [self.access.oidc.client_secret] if self.access.oidc else []
        chats = [secret for chat in self.chats.values() for secret in (chat.token, chat.signing_secret)]
        trackers = [tracker.token for tracker in self.trackers.values()]
        beside = [*known_to_provider, *chats, *trackers, self.statuspage.mail if self.statuspage else None]
        return (*own, *told, *self.alerting.secrets(), *(s for s in beside if isinstance(s, Secret)))


@dataclass(frozen=True, slots=True)
class Budget:
    """How much of what is seen may be bad, over how long, and how a look says so."""

    #: the share that may be bad, from 0 to 1
    share: float
    #: up: a look is bad where the reading is 0; within: where it misses the objective's limit; share: the reading is the good
    #: share of what the look saw; bad: it is the bad share
    counts: Literal["up", "within", "share", "bad"]
    period_s: float


@dataclass(frozen=True, slots=True)
class Bound:
    """A threshold of the book with the reading that decides it."""

    #: stable name of the threshold: made of its subject, comparison and severity, unique in the book
    key: str
    threshold: Threshold
    signal: str
    reading: str
    component: str | None
    #: why this reading: one sentence
    because: str
    #: what the reading is multiplied by to stand in the threshold's unit
    factor: float = 1.0
    #: keys of the thresholds that must be breached as well ("CPU > 80 % and memory > 85 %")
    together_with: tuple[str, ...] = ()
    #: the statistic is taken here, over the readings of this time; None: the reading is what the book speaks of
    window_s: float | None = None
    #: see SignalConfig
    margin: float = 0.0
    every_s: float = 15.0
    #: it fires while the budget of this objective of the book is spent too fast; None: it fires at its own comparison
    budget: Budget | None = None
    #: the objective that the budget is of
    objective: Threshold | None = None


@dataclass(frozen=True, slots=True)
class Charted:
    """A metric that the book names without a threshold, with the reading that shows it."""

    subject: str
    line: int
    signal: str
    reading: str


@dataclass(frozen=True, slots=True)
class Unbound:
    """A threshold that no signal decides, and what would."""

    key: str
    threshold: Threshold
    sentence: str


@dataclass(frozen=True, slots=True)
class Bindings:
    """Which readings decide which thresholds, what waits for a signal, and which signals nothing uses."""

    bound: tuple[Bound, ...] = ()
    unbound: tuple[Unbound, ...] = ()
    #: (signal, metric words, line, sentence): bound to no threshold
    unused: tuple[tuple[str, str, int, str], ...] = ()
    #: objectives with the reading that shows whether they are kept, and those that wait for one; they raise no alert themselves
    objectives: tuple[Bound, ...] = ()
    waiting: tuple[Unbound, ...] = ()
    #: metrics named without a threshold that a reading shows
    charted: tuple[Charted, ...] = ()

    @property
    def thresholds(self) -> dict[str, Threshold]:
        """Give all thresholds of the book by their keys, those without a signal too: others may send alerts about them."""
        waiting = {each.key: each.threshold for each in self.unbound}
        return waiting | {each.key: each.threshold for each in self.bound}
