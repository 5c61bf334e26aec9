"""What stands around every page, and how each threshold of the book stands."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime

from sqlalchemy import Connection, func, or_, select

from watchkeeper.actions.views.model import Brake, ComponentView, Frame, Health, ThresholdView
from watchkeeper.alert import ledger as alerts
from watchkeeper.alert.model import Alert
from watchkeeper.app import App
from watchkeeper.base.durations import format_duration
from watchkeeper.book.model import Threshold
from watchkeeper.estate.model import Bound, Unbound
from watchkeeper.incident.ledger import incidents
from watchkeeper.incident.rules import quantity
from watchkeeper.run.ledger import brakes, runs
from watchkeeper.store.sight import unseen_ids
from watchkeeper.watch.ledger import read_standings
from watchkeeper.watch.model import Standing

WORST_FIRST: tuple[Health, ...] = ("firing", "blind", "pending", "ok", "unwatched")


def read_frame(connection: Connection, app: App, now: datetime, standings: Mapping[str, Standing] | None = None) -> Frame:
    """Read how the whole stands."""
    found = read_standings(connection) if standings is None else standings
    thresholds = [threshold_view(bound, found.get(bound.key)) for bound in app.bindings.bound]
    said = said_by_others(connection)
    thresholds += [unwatched_view(each, said[each.key]) for each in app.bindings.unbound if each.key in said]
    left_out = unseen_ids(connection)
    asking = (runs.c.state == "asking", or_(runs.c.incident_id.is_(None), runs.c.incident_id.not_in(left_out)))
    waiting = connection.execute(select(func.count()).select_from(runs).where(*asking)).scalar_one()
    still_open = connection.execute(
        select(func.count()).select_from(incidents).where(incidents.c.status != "resolved", incidents.c.id.not_in(left_out))
    ).scalar_one()
    brake = connection.execute(select(brakes).where(brakes.c.name == "halt")).first()
    health = worst(t.state for t in thresholds)
    return Frame(
        service=app.estate.service,
        mode=app.estate.policy.mode,
        now=now,
        health=health,
        sentence=whole_sentence(thresholds, still_open),
        open_incidents=still_open,
        asking=waiting,
        blind=sum(t.state == "blind" for t in thresholds),
        halted=Brake(brake.at, brake.actor, brake.why) if brake else None,
    )


def worst(states: Iterable[Health]) -> Health:
    """Give the worst of some states; unwatched where there are none."""
    return min(states, key=WORST_FIRST.index, default="unwatched")


def whole_sentence(thresholds: list[ThresholdView], open_incidents: int) -> str:
    """Say how the whole stands in one sentence.

    Blindness is never called well, and an open incident is said even where every threshold is healthy again.
    """
    total = len(thresholds)
    if not total:
        return "Nothing is watched: no threshold of the runbook is bound to a signal."
    firing, blind = (sum(t.state == state for t in thresholds) for state in ("firing", "blind"))
    parts = []
    if firing:
        parts.append(f"{_count(firing, 'threshold')} {'is' if firing == 1 else 'are'} broken")
    if blind:
        parts.append(f"{_count(blind, 'threshold')} cannot be seen")
    if any(t.state == "unwatched" for t in thresholds):
        parts.append("not every threshold was looked at yet")
    if parts:
        said = " and ".join(parts)
        return said[:1].upper() + said[1:] + "."
    if open_incidents:
        verb = "is" if open_incidents == 1 else "are"
        return f"All {total} thresholds are well; {_count(open_incidents, 'incident')} {verb} still open."
    if any(t.state == "pending" for t in thresholds):
        return "Something is over its threshold, not yet for long enough to count."
    return "The one threshold that is watched is well." if total == 1 else f"All {total} thresholds are well."


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def threshold_view(bound: Bound, standing: Standing | None) -> ThresholdView:
    """Put a bound threshold and its standing together; without a standing it was not looked at yet."""
    threshold = bound.threshold
    return ThresholdView(
        key=bound.key,
        subject=threshold.subject,
        says=says(threshold),
        severity=threshold.severity,
        component=bound.component,
        line=threshold.line,
        state=standing.state if standing else "unwatched",
        sentence=standing.sentence if standing else "Not looked at yet.",
        because=bound.because,
        signal=bound.signal,
        reading=bound.reading,
        value=standing.value if standing else None,
        unit=threshold.unit,
        word=state_word(threshold, standing),
        since=standing.since if standing else None,
        breached_since=standing.breached_since if standing else None,
        at=standing.at if standing else None,
    )


def state_word(threshold: Threshold, standing: Standing | None) -> str | None:
    """Give the word for a threshold that is a state and not a number."""
    if threshold.op != "is" or standing is None or standing.state == "blind":
        return None
    return "well" if standing.state == "ok" else threshold.state or "down"


def said_by_others(connection: Connection) -> dict[str, Alert]:
    """Give the open alerts that others sent about thresholds of the book, the oldest of each by the threshold's key."""
    found: dict[str, Alert] = {}
    for alert in alerts.open_about(connection):
        found.setdefault(alert.threshold or "", alert)
    return found


def unwatched_view(unbound: Unbound, said: Alert | None = None) -> ThresholdView:
    """Show a threshold that no signal decides; an alert that others sent about it says how it stands."""
    threshold = unbound.threshold
    return ThresholdView(
        key=unbound.key,
        subject=threshold.subject,
        says=says(threshold),
        severity=threshold.severity,
        component=said.component if said else None,
        line=threshold.line,
        state="unwatched" if said is None else "firing" if said.stale_at is None else "blind",
        sentence=unbound.sentence if said is None else said.sentence,
        because=unbound.sentence if said is None else f"No signal decides it; {said.source} sends alerts about it.",
        value=said.value if said else None,
        unit=threshold.unit,
        since=said.fired_at if said else None,
    )


def says(threshold: Threshold) -> str:
    """Say a threshold's comparison: "> 80 % for 2 min", "is down"."""
    said = (
        f"is {threshold.state or 'down'}"
        if threshold.op == "is"
        else f"{threshold.op} {quantity(threshold.value, threshold.unit)}"
    )
    said = f"{threshold.statistic} {said}" if threshold.statistic else said
    return f"{said} for {format_duration(threshold.for_s)}" if threshold.for_s else said


def components(thresholds: Iterable[ThresholdView], service: str) -> tuple[ComponentView, ...]:
    """Group thresholds by the component they watch, worst first, else as the book has them."""
    groups: dict[str, list[ThresholdView]] = {}
    for threshold in thresholds:
        groups.setdefault(threshold.component or service, []).append(threshold)
    found = [
        ComponentView(
            name, worst(t.state for t in members), tuple(sorted(members, key=lambda t: (WORST_FIRST.index(t.state), t.line)))
        )
        for name, members in groups.items()
    ]
    return tuple(sorted(found, key=lambda c: WORST_FIRST.index(c.state)))
