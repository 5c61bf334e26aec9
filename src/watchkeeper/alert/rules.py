"""Which alerts belong to one cause: an alert is explained by the deepest component beneath it that is red as well.

Open and waiting alerts, open incidents, standings and the book's diagram enter; one Grouping a waiting alert leaves, each with
its sentence. No alert is lost: each one opens, joins or waits, and none waits longer than `LONGEST_WAIT`, a budget `BUDGET_WAIT`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from watchkeeper.alert.graph import Graph, Place
from watchkeeper.alert.model import Alert, Grouping, OpenIncident
from watchkeeper.base.durations import format_duration
from watchkeeper.estate.model import Bindings, Bound
from watchkeeper.watch.model import Standing

#: the longest that an alert waits for what may explain it and is about to fire: a dependency, or that its own component is down
LONGEST_WAIT = timedelta(seconds=15)
#: the same for a budget that burns: it counts what has been, and is ours; where the book has an alert for it, that one says more
BUDGET_WAIT = timedelta(seconds=60)
#: a threshold fires on the first sample after its duration, so a little later than the duration says
SAMPLE_SLACK = timedelta(seconds=5)
#: a signal is called blind by an alert after this long without a reading
BLIND_GRACE = timedelta(seconds=60)
#: how long a look takes that succeeds after one that failed, by the machine's time
ONE_LOOK = timedelta(seconds=5)
BLIND = "blind:"


def blind_key(signal: str) -> str:
    """Give the key of the alert that says a signal is blind."""
    return f"{BLIND}{signal}"


def blind_grace(pace: float) -> timedelta:
    """Say how long a signal may give no reading; `pace` is how many seconds of the clock pass in one of the machine's."""
    return max(BLIND_GRACE, ONE_LOOK * pace)


def keys_to_watch(alerts: Sequence[Alert], bindings: Bindings) -> tuple[str, ...]:
    """Give the thresholds that must be healthy before these alerts count as over; of a blind signal all it decides.

    A budget that burned goes on to count what is past, for its window: beside other thresholds it says nothing about now.
    """
    keys: dict[str, None] = {}
    budgets = {bound.key for bound in bindings.bound if bound.budget is not None}
    for alert in alerts:
        if alert.source is not None:
            continue  # its sender says when it is over
        if alert.key.startswith(BLIND):
            signal = alert.key.removeprefix(BLIND)
            keys |= {b.key: None for b in bindings.bound if b.signal == signal and b.threshold.role == "alert"}
        else:
            keys[alert.key] = None
    now = tuple(key for key in keys if key not in budgets)
    return now or tuple(keys)


def _is_state(bound: Bound) -> bool:
    """Say whether a threshold is that something is down or the like; a budget that burns counts what has been."""
    return bound.threshold.op == "is" and bound.budget is None


@dataclass(frozen=True, slots=True)
class Scene:
    """All that grouping looks at."""

    waiting: Sequence[Alert]
    open_alerts: Sequence[Alert]
    incidents: Sequence[OpenIncident]
    standings: Mapping[str, Standing]
    bindings: Bindings
    graph: Graph
    now: datetime
    group_wait_s: float


def place_of(alert: Alert, graph: Graph, bounds: Mapping[str, Bound]) -> Place:
    """Say where an alert stands in the diagram; one without a component stands with its signal, or alone."""
    if alert.component:
        return graph.place(alert.component)
    if alert.grouped:
        return f"group:{alert.grouped}"
    bound = bounds.get(alert.key)
    return f"signal:{bound.signal}" if bound else f"key:{alert.key}"


def group(scene: Scene) -> list[Grouping]:
    """Decide for each waiting alert whether it opens an incident, joins one, or waits; oldest first."""
    board = _Board(scene)
    decided: dict[str, Grouping] = {}
    leaders: dict[Place, Grouping] = {}
    # causes before their dependents, so that a dependent finds what its cause does
    waiting = sorted(scene.waiting, key=lambda a: (board.root(a) != board.places[a.id], a.fired_at, a.id))
    for alert in waiting:
        root = board.root(alert)
        grouping = board.join(alert, root) or board.wait(alert, root) or board.follow(alert, root, leaders)
        if grouping.move == "open":
            leaders[root] = grouping
        elif grouping.new_cause and grouping.incident_id is not None:
            board.moved[grouping.incident_id] = root
        decided[alert.id] = grouping
    return [decided[alert.id] for alert in sorted(scene.waiting, key=lambda a: (a.fired_at, a.id))]


class _Board:
    """The scene with each alert at its place."""

    def __init__(self, scene: Scene) -> None:
        self.scene = scene
        self.bounds = {bound.key: bound for bound in scene.bindings.bound}
        listed = {a.id: a for a in (*scene.waiting, *scene.open_alerts, *(a for i in scene.incidents for a in i.alerts))}
        self.places = {a.id: place_of(a, scene.graph, self.bounds) for a in listed.values()}
        self.red: dict[Place, list[Alert]] = {}
        self.firing: set[str] = {a.key for a in listed.values() if a.ended_at is None}
        for alert in listed.values():
            self.red.setdefault(self.places[alert.id], []).append(alert)
        #: incidents that another alert of this round found another cause of
        self.moved: dict[str, Place] = {}
        self._roots: dict[str, Place] = {}

    def root(self, alert: Alert) -> Place:
        """Find the place that explains an alert: red, needed by it, and needing nothing that is red; itself if there is none."""
        if alert.id not in self._roots:
            self._roots[alert.id] = self._find_root(alert)
        return self._roots[alert.id]

    def _find_root(self, alert: Alert) -> Place:
        own, reach = self.places[alert.id], self.scene.graph.beneath
        red = {p: n for p, n in reach(own).items() if self._is_red(p, alert)} | {own: 0}
        deepest = [p for p in red if all(p in reach(q) for q in reach(p) if q in red)]
        if own in deepest:  # alone, or in a ring of components that need each other: the one that broke first
            return min(deepest, key=lambda p: (self._since(p, alert), p))
        return min(deepest, key=lambda p: (self._since(p, alert), red[p], p))

    def _is_red(self, place: Place, alert: Alert) -> bool:
        """Tell whether a place has a firing alert, or had one when this alert's breach began."""
        return any(a.ended_at is None or a.ended_at >= alert.breached_at for a in self.red.get(place, ()) if a.id != alert.id)

    def _since(self, place: Place, alert: Alert) -> datetime:
        return min((a.breached_at for a in self.red.get(place, ())), default=alert.breached_at)

    def name(self, place: Place) -> str | None:
        """Give a place's name as its first alert has it; None where it is no component."""
        alerts = sorted(self.red.get(place, ()), key=lambda a: (a.fired_at, a.id))
        return next((a.component for a in alerts if a.component), None)

    def explained(self, alert: Alert, root: Place) -> str | None:
        """Name the component that explains an alert; None where the alert stands at the cause itself."""
        return None if self.places[alert.id] == root else self.name(root) or root

    def join(self, alert: Alert, root: Place) -> Grouping | None:
        """Join the incident of the cause, or make this the cause of one that it explains; None where there is none."""
        incidents = sorted(self.scene.incidents, key=lambda i: i.id)
        for incident in incidents:
            if self._cause_place(incident) == root:
                return self._joined(alert, incident, root)
        if root != self.places[alert.id]:
            return None
        for incident in incidents:
            if root in self.scene.graph.beneath(self._cause_place(incident) or ""):
                return self._beneath(alert, incident, root)
        for incident in incidents:
            if any(self.places[a.id] == root for a in incident.alerts):
                why = f"{alert.subject} was part of this incident before and joins it again."
                return Grouping(alert.id, "join", incident.cause, incident.id, why, explained_by=incident.cause)
        return None

    def _joined(self, alert: Alert, incident: OpenIncident, root: Place) -> Grouping:
        cause, explained = self.name(root), self.explained(alert, root)
        if explained:
            why = f"{alert.subject} is explained by {cause}, which {alert.component} depends on; it joins that incident."
        else:
            same = "the same group of alerts" if alert.grouped else "the same signal"
            why = f"{alert.subject} concerns {cause or same}, which has an open incident; it joins it."
        now_cause = cause if incident.id in self.moved else incident.cause
        return Grouping(alert.id, "join", now_cause, incident.id, why, explained_by=explained)

    def _beneath(self, alert: Alert, incident: OpenIncident, root: Place) -> Grouping:
        cause = self.name(root)
        if self._cause_place(incident) in self.scene.graph.beneath(root):
            why = f"{cause} and {incident.cause} need each other; {alert.subject} joins the incident that was first."
            return Grouping(alert.id, "join", incident.cause, incident.id, why, explained_by=incident.cause)
        why = f"{incident.cause} depends on {cause}, which is red too: {cause} is now taken for the cause."
        return Grouping(alert.id, "join", cause, incident.id, why, new_cause=True)

    def wait(self, alert: Alert, root: Place) -> Grouping | None:
        """Wait for a dependency that is about to fire, or for the time in which others may turn red; None where it is over."""
        now, limit = self.scene.now, alert.fired_at + self._patience(alert)
        ends = [(end, key) for end, key in self._about_to_fire(alert, root) if now < end <= limit]
        if ends:
            end, key = max(ends)
            name = self.bounds[key].component or self.bounds[key].threshold.subject
            here = self.scene.graph.place(name) == self.places[alert.id]
            where = f"{name} itself may be down" if here else f"{name}, on which {alert.component} depends, is breached too"
            left = format_duration((end - now).total_seconds())
            sentence = f"{where} and may explain it; waiting at most {left}."
            return Grouping(alert.id, "wait", None, None, sentence)
        # those of one cause wait together, from the first on: else a symptom would open the incident while its cause still waits
        first = min(a.fired_at for a in self.scene.waiting if self.root(a) == root)
        end = min(first + timedelta(seconds=self.scene.group_wait_s), limit)
        if now < end:
            left = format_duration((end - now).total_seconds())
            return Grouping(alert.id, "wait", None, None, f"Waiting {left} for an alert that may explain {alert.subject}.")
        return None

    def _patience(self, alert: Alert) -> timedelta:
        bound = self.bounds.get(alert.key)
        return BUDGET_WAIT if bound is not None and bound.budget is not None else LONGEST_WAIT

    def _about_to_fire(self, alert: Alert, root: Place) -> list[tuple[datetime, str]]:
        """List the pending thresholds that may explain an alert, with the instant by which each should have fired.

        These are what stands beneath its cause, and for a figure that its cause is down: a figure of what is down says little.
        """
        beneath = self.scene.graph.beneath(root)
        own = self.bounds.get(alert.key)
        is_figure = own is not None and not _is_state(own)
        found = []
        for key, standing in self.scene.standings.items():
            bound = self.bounds.get(key)
            if standing.state != "pending" or standing.breached_since is None or bound is None or key in self.firing:
                continue
            place = self.scene.graph.place(bound.component) if bound.component else None
            explains = place in beneath or (is_figure and place == root and _is_state(bound))
            if bound.threshold.role == "alert" and place is not None and explains:
                due = standing.breached_since + timedelta(seconds=bound.threshold.for_s or 0.0) + SAMPLE_SLACK
                found.append((due, key))
        return found

    def follow(self, alert: Alert, root: Place, leaders: Mapping[Place, Grouping]) -> Grouping:
        """Open an incident for the cause, or join the one that another waiting alert opens for it in this round."""
        cause, explained = self.name(root), self.explained(alert, root)
        leader = leaders.get(root)
        if leader is not None:
            same = f"the same cause: {cause}" if cause else "the same group"
            why = f"{alert.subject} is explained by {cause}." if explained else f"{alert.subject} has {same}."
            return Grouping(alert.id, "join", cause, None, why, leader=leader.alert_id, explained_by=explained)
        if explained:
            why = f"{alert.subject} is explained by {cause}, which has no incident of its own yet."
        elif alert.grouped and not cause:
            why = f"{alert.subject} names no component of the book; its group is taken for a cause of its own."
        elif cause:
            why = f"{alert.subject}: nothing that {cause} depends on is red, so {cause} is taken for the cause."
        else:
            why = f"{alert.subject} belongs to no component; it is taken for a cause of its own."
        return Grouping(alert.id, "open", cause, None, why, explained_by=explained)

    def _cause_place(self, incident: OpenIncident) -> Place | None:
        if incident.id in self.moved:
            return self.moved[incident.id]
        if incident.cause:
            return self.scene.graph.place(incident.cause)
        first = next((a for a in incident.alerts if a.explained_by is None), None)
        return self.places[first.id] if first else None
