"""What may be behind an incident: the causes that its procedure names, each confirmed or struck by what was seen. Pure.

The procedure, the runs of the incident, its alerts, how the thresholds stand and what changed before enter; hypotheses leave. A
branch whose condition speaks of a cause decides it; else a threshold that is about the same thing does, red or well. What
nothing speaks of stays open: a person confirms or strikes it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from watchkeeper.alert.model import Alert
from watchkeeper.book.model import Procedure
from watchkeeper.estate.model import Bound
from watchkeeper.incident.model import ChangeEvent
from watchkeeper.run.choose import words
from watchkeeper.run.model import Run
from watchkeeper.watch.model import Standing

Finding: TypeAlias = Literal["open", "confirmed", "struck"]

#: what a thing may be said to do, which does not say what the thing is
_STATES = frozenset({"down", "hang", "slow", "error", "fail", "exhausted", "high", "invalid"})
_FILLERS = frozenset({
    "run", "reached", "cannot", "does", "what", "asked", "until", "wait", "through", "way", "too", "small", "so", "there",
    "them", "much", "many", "busy", "full", "grown", "usage", "must", "itself", "last", "brought", "wrong", "under", "short",
    "rate", "count", "state", "gone", "longer", "again", "every", "nobody", "somebody",
})  # fmt: skip
#: what a figure of this kind says of, it says of many things
_OF_MANY = frozenset({"metric:usage", "metric:crash_rate", "metric:error_rate", "metric:response_time", "metric:availability"})


@dataclass(frozen=True, slots=True)
class Hypothesis:
    """A cause that the book names, and what was seen of it."""

    cause: str
    finding: Finding
    #: why; empty while nothing speaks of it
    sentence: str


def hypotheses(
    procedure: Procedure | None,
    runs: Sequence[Run],
    alerts: Sequence[Alert],
    bounds: Iterable[Bound],
    standings: Mapping[str, Standing],
    changes: Sequence[ChangeEvent] = (),
) -> list[Hypothesis]:
    """Give the causes that a procedure names, in its order."""
    if procedure is None:
        return []
    held = [(bound, standings[bound.key]) for bound in bounds if bound.key in standings and bound.threshold.role == "alert"]
    return [_judge(cause, runs, alerts, held, changes) for cause in procedure.causes]


def _judge(
    cause: str,
    runs: Sequence[Run],
    alerts: Sequence[Alert],
    held: Sequence[tuple[Bound, Standing]],
    changes: Sequence[ChangeEvent],
) -> Hypothesis:
    said = words(cause)
    for run in reversed(runs):
        for act in run.plan.acts:
            outcome = run.acts[act.key].outcome
            if act.kind == "condition" and outcome is not None and outcome.holds is not None and _alike(said, words(act.text)):
                holds = "holds" if outcome.holds else "does not hold"
                sentence = f"“{act.text}” {holds} (line {act.line} of the runbook)."
                return Hypothesis(cause, "confirmed" if outcome.holds else "struck", sentence)
    for alert in alerts:
        if alert.ended_at is None and _alike(said, words(f"{alert.subject} {alert.component or ''}")):
            return Hypothesis(cause, "confirmed", f"{alert.subject} fires: {alert.sentence}")
    for bound, standing in held:
        if _alike(said, words(f"{bound.threshold.subject} {bound.threshold.state or ''} {bound.component or ''}")):
            if standing.state == "firing":
                return Hypothesis(cause, "confirmed", standing.sentence)
            if standing.state == "ok":
                return Hypothesis(cause, "struck", standing.sentence)
    if "deploy" in said:
        return _deployed(cause, changes)
    return Hypothesis(cause, "open", "")


def _deployed(cause: str, changes: Sequence[ChangeEvent]) -> Hypothesis:
    """Judge a cause that is a deployment: one that is known of makes it likely, and only a look confirms it."""
    if changes:
        return Hypothesis(cause, "open", f"The latest before it: {changes[0].sentence}")
    return Hypothesis(cause, "open", "No deployment and no other change of the day before is known here.")


def _alike(one: frozenset[str], other: frozenset[str]) -> bool:
    """Tell whether two texts speak of one thing: of one figure, or the things of the one are all in the other."""
    if {word for word in one & other if word.startswith("metric:")} - _OF_MANY:
        return True
    things, theirs = _things(one), _things(other)
    states, their_states = one & _STATES, other & _STATES
    if not things or not theirs or (states and their_states and not states & their_states):
        return False
    return things <= theirs or theirs <= things


def _things(said: frozenset[str]) -> frozenset[str]:
    return frozenset(word for word in said if word not in _STATES | _FILLERS and not word.startswith("metric:"))
