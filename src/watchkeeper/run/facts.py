"""Gathers what a decision needs beside the log, from rows and the estate, in one read."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from sqlalchemy import Connection

from watchkeeper.alert.ledger import alerts_of
from watchkeeper.book.model import Severity
from watchkeeper.estate.model import Bindings, Estate
from watchkeeper.incident.sent import standings_of
from watchkeeper.run import ledger as rows
from watchkeeper.run.conditions import asks_of_trouble, watches
from watchkeeper.run.gate import Brakes, overwhelmed, unattended
from watchkeeper.run.judge import threshold_holds
from watchkeeper.run.known import Facts, Watched
from watchkeeper.run.model import Act, Input, Run
from watchkeeper.run.operation import command_of, digest
from watchkeeper.run.values.clients import languages
from watchkeeper.run.values.filling import fill
from watchkeeper.watch.ledger import read_standings

#: within this time the same procedure on the same component asks: at the third time, or once one did not help
REPEATS = timedelta(hours=1)
FREE_REPEATS = 2


@dataclass(frozen=True, slots=True)
class Still:
    """What is the same at every step of a run while its inputs are."""

    inputs: object
    #: which looks are over; what they list may be a choice for what is missing
    looks: object
    languages: frozenset[str]
    languages_of: Mapping[str, frozenset[str]]
    missing: Mapping[str, tuple[Input, ...]]
    refused: Mapping[str, str]
    digests: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class World:
    """What stays the same while the configuration does."""

    estate: Estate
    bindings: Bindings
    severities: tuple[Severity, ...] = ()
    verify_s: float = 30.0
    #: what follows from a run's plan and the estate alone, kept while the run goes on
    still: dict[str, Still] = field(default_factory=dict, compare=False)


def gather(connection: Connection, run: Run, world: World, now: datetime) -> Facts:
    """Gather the facts for the next decision about a run."""
    open_acts = [act for act in run.plan.acts if run.acts[act.key].state in ("to-do", "failed") and act.skip is None]
    still = world.still.get(run.id)
    if still is None or still.inputs != _inputs(run) or (still.missing and still.looks != _looks(run)):
        still = world.still[run.id] = _still(run, world.estate, now)
    return Facts(
        policy=world.estate.policy,
        brakes=brakes(connection, run, world, now, any(act.mutating for act in open_acts)),
        severities=severity_words(run.severity, world.severities),
        languages=still.languages,
        languages_of=still.languages_of,
        missing=still.missing,
        refused=still.refused,
        digests=still.digests,
        readings=_readings(connection, open_acts, world),
        watched=_watched(connection, run, world, open_acts, now),
        verify_s=world.verify_s,
    )


def _inputs(run: Run) -> object:
    """Give all of a run that its commands are rendered with."""
    return (dict(run.given), dict(run.labels), dict(run.carried), run.folder)


def _looks(run: Run) -> object:
    return [run.acts[act.key].state for act in run.plan.acts if not act.mutating]


def _still(run: Run, estate: Estate, now: datetime) -> Still:
    target = estate.targets.get(run.target)
    commands = {act.key: command for act in run.plan.acts if (command := command_of(act)) is not None and act.skip is None}
    targets = {act.key: estate.targets.get(run.target_of(act)) for act in run.plan.acts}
    filled = {key: fill(command, run, estate, now) for key, command in commands.items()}
    digests = {key: digest(command, estate, own, run) for key, command in commands.items() if (own := targets[key])}
    return Still(
        _inputs(run),
        _looks(run),
        languages(target.options) if target else frozenset(),
        {act.key: languages(own.options) if (own := targets[act.key]) else frozenset() for act in run.plan.acts if act.target},
        {key: each.missing for key, each in filled.items() if each.missing},
        {key: each.refused for key, each in filled.items() if each.refused},
        {key: each for key, each in digests.items() if each is not None},
    )


def brakes(connection: Connection, run: Run, world: World, now: datetime, for_change: bool) -> Brakes:
    """Say what speaks against acting unattended; only a halt matters where nothing is changed."""
    if not for_change:
        return Brakes(rows.halted(connection))
    hard = hard_brakes(connection, run, world, now)
    if not unattended(run):
        return hard
    earlier = rows.earlier_changes(connection, run.plan.procedure_id, run.component, now, REPEATS, run.id)
    where = f" on {run.component}" if run.component else ""
    return replace(
        hard,
        # whether it helps is known once it has ended: until then it is waited for, and nobody is asked whether to do it again
        busy=hard.busy or (f"“{run.plan.title}” is being carried out{where} already." if None in earlier else None),
        overwhelmed=overwhelmed(world.bindings, read_standings(connection)),
        repeated=_repeated(run.plan.title, where, [each for each in earlier if each is not None]),
    )


def hard_brakes(connection: Connection, run: Run, world: World, now: datetime) -> Brakes:
    """Say what may not be overrun by a change that is meant right now."""
    component = run.component or world.estate.service
    found = rows.obstacles(connection, component, run.id, now)
    if found.holder is not None:
        return Brakes(found.halted, busy=f"{component} is being changed by {found.holder}.")
    other = found.other if unattended(run) else None
    return Brakes(found.halted, busy=f"Another unattended change is under way: {other}." if other else None)


def severity_words(severity: str | None, severities: Iterable[Severity]) -> frozenset[str]:
    """Give all words that the book has for a severity: its code and its name."""
    if severity is None:
        return frozenset()
    known = [{each.code, each.name or each.code} for each in severities]
    same = [words for words in known if severity.casefold() in {word.casefold() for word in words}]
    return frozenset({severity}.union(*same))


def _repeated(title: str, where: str, turned_out_well: Sequence[bool]) -> str | None:
    if not all(turned_out_well):
        return f"“{title}” ran{where} within the last hour and did not help."
    if len(turned_out_well) >= FREE_REPEATS:
        return f"“{title}” ran{where} {len(turned_out_well)} times within the last hour already."
    return None


def _readings(connection: Connection, acts: Iterable[Act], world: World) -> Mapping[str, tuple[bool | None, str]]:
    asked = {act.key: act.condition.threshold for act in acts if act.condition is not None and act.condition.threshold}
    if not asked:
        return {}
    standings = read_standings(connection)
    return {key: threshold_holds(threshold, world.bindings, standings.values()) for key, threshold in asked.items()}


def _watched(connection: Connection, run: Run, world: World, acts: Iterable[Act], now: datetime) -> tuple[Watched, ...]:
    """Give the thresholds that a run is about, where one of its acts may ask for them."""
    waiting = any(standing.state == "waiting" for standing in run.acts.values())
    if not waiting and not any(asks_of_trouble(act) or watches(act) for act in acts):
        return ()
    keys = {alert.rule for alert in alerts_of(connection, run.incident_id)} if run.incident_id else set()
    sent = standings_of(connection, run.incident_id, now) if run.incident_id else {}
    if not keys and run.component:
        keys = {bound.key for bound in world.bindings.bound if bound.component == run.component}
    standings = read_standings(connection)
    found = [standing for key in sorted(keys) if (standing := standings.get(key)) is not None]
    return tuple(
        Watched({"firing": True, "blind": None}.get(standing.state, False), standing.since, standing.sentence)
        for standing in (*found, *sent.values())
    )
