"""Binds the book's thresholds to the readings of signals. The owner's mapping decides; what does not fit stays unbound and
says what would bind it.

A metric's words name a threshold where they are its subject (case, order, plural and punctuation do not matter), or exactly its
canonical metric ("queue_length"); words that are left over may only be empty ones, a statistic, or the signal's own component.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cache, lru_cache

from watchkeeper.base.words import likeness, words
from watchkeeper.book.model import Book, Comparison, Dependency, Metric, Threshold
from watchkeeper.book.vocabulary import METRICS
from watchkeeper.estate.as_written import language_of, reading_of
from watchkeeper.estate.model import Bindings, Bound, Charted, Estate, SignalConfig, Unbound
from watchkeeper.estate.objectives import as_alert, budget_of, burning
from watchkeeper.estate.states import name_in, speaks_of_absence
from watchkeeper.estate.units import factor, unit_of

_SIGNS = {">": "above", ">=": "from", "<": "below", "<=": "to", "==": "equal", "!=": "not", "is": "is"}
_STATISTICS: dict[str, frozenset[str]] = {
    "p50": frozenset({"p50", "50th", "median", "percentile"}),
    "p90": frozenset({"p90", "90th", "percentile"}),
    "p95": frozenset({"p95", "95th", "percentile"}),
    "p99": frozenset({"p99", "99th", "percentile"}),
    "avg": frozenset({"avg", "average", "mean"}),
    "max": frozenset({"max", "maximum", "peak"}),
    "rate": frozenset({"rate"}),
}
#: statistics of several readings of one signal; a rate is a reading of its own
_TAKEN_HERE = frozenset({"p50", "p90", "p95", "p99", "avg", "max"})
_PERCENTILES = frozenset({"p50", "p90", "p95", "p99"})
#: the time over which a percentile or an average is taken where the book names none
WINDOW_S = 300.0
_KNOWN = {known.name: known for known in METRICS}
#: words around a metric that name nothing ("CPU usage of each host, on average"), and those that mean a machine
_NOISE = frozenset({"all", "answer", "any", "behind", "each", "every", "in", "on", "only", "over", "per", "request"})
_MACHINES = frozenset({"host", "instance", "machine", "node", "server", "system", "vm"})
_EMPTY = frozenset(
    {
        "are", "count", "current", "is", "level", "number", "overall", "percent", "percentage", "total", "usage", "utilisation",
        "utilization", "value",
    }
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Match:
    """A reading that fits a threshold."""

    signal: SignalConfig
    metric: str
    reading: str
    #: 3.1 the same text, 3 the same words, 2 but for spare words, 1 the canonical metric, below that what the kind itself
    #: knows, 0.5 the component's own state;
    #: the statistic makes a quarter more or less
    rank: float
    because: str


def bind(book: Book, estate: Estate) -> Bindings:
    """Bind each threshold of the book, and name the metrics that nothing in the book speaks of."""
    alerts = [threshold for threshold in book.thresholds if threshold.role == "alert"]
    bound, unbound = _join_groups(*_bind_all(alerts, alerts, _keys(alerts), estate))
    bound = _told_apart(bound, estate)
    kept = [threshold for threshold in book.thresholds if threshold.role == "objective"]
    keys = [f"objective-{key}" for key in _keys(kept)]
    objectives, waiting = _bind_all(kept, [as_alert(objective) for objective in kept], keys, estate)
    bound += _budgets(objectives, estate, {item.key for item in bound} | {item.key for item in unbound})
    charted = tuple(_charted(book, estate))
    return Bindings(tuple(bound), tuple(unbound), tuple(_unused(book, estate)), tuple(objectives), tuple(waiting), charted)


def _bind_all(
    thresholds: Sequence[Threshold], sought: Sequence[Threshold], keys: Sequence[str], estate: Estate
) -> tuple[list[Bound], list[Unbound]]:
    """Bind thresholds; a reading is sought for each as it stands in `sought`, with the bad side of the comparison."""
    bound: list[Bound] = []
    unbound: list[Unbound] = []
    whole: set[tuple[str, str, int]] = set()
    for threshold, as_sought, key in zip(thresholds, sought, keys, strict=True):
        if (asked := _ask_as_written(key, threshold, estate)) is not None:
            # a rule of several comparisons is sent whole and decided once
            if (asked.signal, asked.reading, threshold.line) not in whole or asked.threshold is threshold:
                bound.append(asked)
            whole.add((asked.signal, asked.reading, threshold.line))
            continue
        match, sentence = find_reading(as_sought, estate)
        scale = factor(match.reading, threshold.unit) if match and threshold.op != "is" else 1.0
        if match is None:
            unbound.append(Unbound(key, threshold, sentence))
        elif scale is None:
            unbound.append(Unbound(key, threshold, _misfit(threshold, match)))
        else:
            component = match.signal.component
            window_s = _window_s(threshold, match)
            made = Bound(key, threshold, match.signal.name, match.reading, component, match.because, scale)
            bound.append(replace(made, window_s=window_s, margin=match.signal.margin, every_s=match.signal.every_s))
    return bound, unbound


def _told_apart(bound: Sequence[Bound], estate: Estate) -> list[Bound]:
    """Bind the states of one thing that the book tells apart each to the reading that says just that.

    "Backup failed" and "Backup missing" are two lines, and each fires for its own reason; where the book has only one of them it
    stays at `up`, which is bad for either, so that nothing goes unsaid. An owner's own word for a state stays.
    """
    own: dict[str, dict[str, str]] = {}
    for item in bound:
        reading = estate.signals[item.signal].states.get(item.threshold.state or "")
        if item.reading == "up" and item.threshold.op == "is" and reading and not _is_named(item.threshold, estate):
            own.setdefault(item.signal, {})[item.key] = reading
    return [
        item
        if len(set(own.get(item.signal, {}).values())) < 2 or item.key not in own[item.signal]
        else replace(
            item,
            reading=own[item.signal][item.key],
            because=f"{item.because} Its states are told apart: {item.threshold.state!r} is {own[item.signal][item.key]!r}.",
        )
        for item in bound
    ]


def _is_named(threshold: Threshold, estate: Estate) -> bool:
    """Say whether an owner's metric has a threshold's words together with its state."""
    wanted = words(f"{_name(threshold)} {threshold.state}")
    return any(words(metric) in (wanted, words(threshold.subject)) and words(metric) != words(_name(threshold))
               for signal in estate.signals.values() for metric in signal.metrics)  # fmt: skip


def _budgets(objectives: Iterable[Bound], estate: Estate, taken: set[str]) -> Iterable[Bound]:
    """Give what fires while the budget of an objective that is a service level is spent too fast."""
    for item in objectives:
        budget = budget_of(item.threshold, item.reading, _is_single(item.reading, estate.signals[item.signal]))
        key = item.key.replace("objective-", "budget-", 1)
        if budget is not None and key not in taken:
            said = f"{item.because} Its budget follows from the objective in line {item.threshold.line}."
            yield replace(
                item, key=key, threshold=burning(item.threshold), because=said, window_s=None, margin=0.0, budget=budget,
                objective=item.threshold,
            )  # fmt: skip


def _charted(book: Book, estate: Estate) -> Iterable[Charted]:
    """Find a reading for each metric that the book names without a threshold; of two that fit alike it is nobody's."""
    for metric in book.metrics:
        for op in (">", "<"):
            match, _ = find_reading(spoken(metric, op), estate, any_unit=True)
            if match is not None:
                yield Charted(metric.subject, metric.line, match.signal.name, match.reading)
                break


def spoken(metric: Metric, op: Comparison = ">") -> Threshold:
    """Give a metric that the book names as a threshold without a value, to be matched like one."""
    return Threshold(line=metric.line, role="objective", subject=metric.subject, metric=metric.metric, op=op)


def with_needs(book: Book, estate: Estate) -> Book:
    """Give the book with what the owner says of who needs what, beside what its own diagram says: an outage of a vendor that the
    diagram does not show is then known for a cause."""
    said = [
        Dependency(line=0, source=source, needs=signal.component)
        for signal in estate.signals.values()
        if signal.component
        for source in signal.needed_by
    ]
    return replace(book, dependencies=(*book.dependencies, *said)) if said else book


def asked_of(bindings: Bindings, signal: str) -> tuple[str, ...]:
    """Give the readings of a signal that thresholds are bound to, each once."""
    return tuple(dict.fromkeys(bound.reading for bound in bindings.bound if bound.signal == signal))


def _ask_as_written(key: str, threshold: Threshold, estate: Estate) -> Bound | None:
    """Bind a threshold that the book states in the language of a signal; None where no signal, or an owner's own word, has it."""
    signals = [signal for signal in estate.signals.values() if signal.speaks == threshold.source]
    if not signals or threshold.role != "alert":
        return None
    named = [signal for signal in estate.signals.values() if any(_rank(threshold, m, signal)[0] >= 2.0 for m in signal.metrics)]
    found = reading_of(threshold)
    if named or found is None:
        return None
    near = {signal.name: likeness(words(signal.component or ""), words(threshold.subject)) for signal in signals}
    signal = max(signals, key=lambda each: near[each.name])  # the first of the file where none is nearer
    reading, judged = found
    because = (
        f"The book states {threshold.subject!r} in {language_of(threshold)}; "
        f"the signal {signal.name} (line {signal.line}) asks it as it stands."
    )
    return Bound(key, judged, signal.name, reading, signal.component, because, margin=signal.margin, every_s=signal.every_s)


def _window_s(threshold: Threshold, match: Match) -> float | None:
    """Give the time over which the book's statistic is taken here; None where the reading is what the book speaks of.

    An owner's expression or query gives the number as it is to be judged; a reading that every signal of the kind has is a
    single value.
    """
    if threshold.statistic not in _TAKEN_HERE or threshold.op == "is" or not _is_single(match.reading, match.signal):
        return None
    return threshold.for_s or WINDOW_S


def _is_single(reading: str, signal: SignalConfig) -> bool:
    """Say whether a reading is one value a look: it is the kind's own, and no percentile by its name."""
    return reading in signal.readings and not _PERCENTILES & set(reading.split("_"))


def find_reading(threshold: Threshold, estate: Estate, any_unit: bool = False) -> tuple[Match | None, str]:
    """Find the reading that decides a threshold, and the sentence why there is one or none."""
    matches = [match for signal in estate.signals.values() for match in _matches(threshold, signal, any_unit)]
    if not matches:
        return None, f"No signal has a metric named {_name(threshold)!r}.{_nearest(threshold, estate)}"
    best = max(match.rank for match in matches)
    first = [match for match in matches if match.rank == best]
    if len({(match.signal.name, match.reading) for match in first}) > 1:
        wanted = words(_name(threshold))
        near = {match.signal.name: likeness(words(match.signal.component or ""), wanted) for match in first}
        closest = [match for match in first if near[match.signal.name] == max(near.values()) > 0]
        if len({(match.signal.name, match.reading) for match in closest}) != 1:
            where = " and ".join(f"{match.metric!r} of the signal {match.signal.name}" for match in first)
            return None, f"More than one reading fits {threshold.subject!r}: {where}. Name one of them exactly as the book does."
        first = closest
    return first[0], first[0].because


def _matches(threshold: Threshold, signal: SignalConfig, any_unit: bool = False) -> Iterable[Match]:
    for metric, reading in signal.metrics.items():
        rank, because = _rank(threshold, metric, signal)
        if rank:
            said = f"{because} is the metric {metric!r} of the signal {signal.name} (line {_line(signal, metric)})."
            yield Match(signal, metric, reading, rank, said)
    known = known_reading(threshold, signal, any_unit)
    rank = _known_rank(threshold, signal) if known is not None else 0.0
    if known is not None and rank:
        kind = f"a {signal.kind} signal's own reading {known!r}"
        said = f"The book's {threshold.subject!r} is {threshold.metric}, which is {kind} ({signal.name}, line {signal.line})."
        yield Match(signal, threshold.metric or "", known, rank, said)
    component = signal.component or ""
    absent = threshold.op == "is" and speaks_of_absence(threshold.state or "down")
    if absent and "up" not in signal.metrics.values() and words(component) == words(_name(threshold)):
        said = f"The state of {component!r} is the reading 'up' of its signal {signal.name} (line {signal.line})."
        yield Match(signal, component, "up", 0.5, said)


def _rank(threshold: Threshold, metric: str, signal: SignalConfig) -> tuple[float, str]:
    """Say how well a metric's words name a threshold; 0 where they do not."""
    plain, mine, statistic = _said(metric)
    spoken_as, texts = _spoken_as(threshold.subject, threshold.state, threshold.op == "is")
    if statistic and threshold.statistic and statistic != threshold.statistic:
        return 0.0, ""
    bonus = 0.25 if statistic and statistic == threshold.statistic else -0.25 if statistic else 0.0
    if plain in spoken_as:
        return 3.1 + max(bonus, 0.0), f"The book's {threshold.subject!r}"
    for theirs in texts:
        if mine == theirs:
            return 3.0 + bonus, f"The book's {threshold.subject!r}"
        if mine - theirs <= _EMPTY and theirs - mine <= _EMPTY | words(signal.component or "") and mine & theirs - _EMPTY:
            return 2.0 + bonus, f"The book's {threshold.subject!r}, but for {_listed(mine ^ theirs)},"
    if threshold.metric and threshold.op != "is" and metric.strip() == threshold.metric:
        return 1.0, f"What the book calls {threshold.subject!r} ({threshold.metric})"
    return 0.0, ""


@lru_cache(maxsize=20_000)
def _said(metric: str) -> tuple[str, frozenset[str], str | None]:
    """Give a metric's words as they are compared, and the statistic that they name."""
    return metric.strip().casefold(), *_without_statistic(words(metric))


@lru_cache(maxsize=20_000)
def _spoken_as(subject: str, state: str | None, is_state: bool) -> tuple[frozenset[str], tuple[frozenset[str], ...]]:
    """Give how a threshold may be called, as texts and as words: every metric is held against each of them."""
    name = name_in(subject, state or "down") if is_state else subject
    texts = dict.fromkeys((name, subject, f"{name} {state}" if state else name))
    return frozenset(text.strip().casefold() for text in texts), tuple(_without_statistic(words(text))[0] for text in texts)


def known_reading(threshold: Threshold, signal: SignalConfig, any_unit: bool = False) -> str | None:
    """Give the kind's own reading for a threshold's canonical metric, in its unit and on its bad side; None where there is none.

    "Disk usage > 80 %" and "free disk < 20 %" are one metric and two readings.
    """
    metric = _KNOWN.get(threshold.metric or "")
    if metric is None or threshold.op in ("is", "==", "!="):
        return None
    side = "high" if threshold.op[0] == ">" else "low"
    found = signal.known.get(metric.name if side == metric.bad else f"{metric.name}:{side}", ())
    unit = None if threshold.unit == "count" else threshold.unit
    if found and (any_unit or (threshold.role == "objective" and found[0] == "up")):
        return found[0]
    return next((r for r in found if unit_of(r) == unit or (unit and unit_of(r) and factor(r, unit) is not None)), None)


def _known_rank(threshold: Threshold, signal: SignalConfig) -> float:
    """Say how well a kind's own metric fits a threshold: by the component that its subject names besides the metric itself.

    "Redis memory" is not the host's memory, and "CPU usage" without a name is.
    """
    rest = _without_statistic(words(_name(threshold)))[0] - metric_words(threshold.metric or "") - _EMPTY - _NOISE
    own = words(signal.component or "") | words(signal.kind) | words(signal.name) | (_MACHINES if signal.general else frozenset())
    if not rest:
        return 0.75 if signal.general else 0.6
    return 0.7 + 0.01 * len(rest & own) if rest <= own else 0.0


@cache
def metric_words(metric: str) -> frozenset[str]:
    """Give all words by which books call a canonical metric."""
    phrases = _KNOWN[metric].words if metric in _KNOWN else ()
    return words(metric.replace("_", " ")).union(*(words(phrase.replace("*", " ")) for phrase in phrases))


def _name(threshold: Threshold) -> str:
    return name_in(threshold.subject, threshold.state or "down") if threshold.op == "is" else threshold.subject


@lru_cache(maxsize=20_000)
def _without_statistic(found: frozenset[str]) -> tuple[frozenset[str], str | None]:
    for statistic, names in _STATISTICS.items():
        if statistic != "rate" and found & (names - {"percentile"}) and found - names:
            return found - names, statistic
    return found, None


def _join_groups(bound: list[Bound], unbound: list[Unbound]) -> tuple[list[Bound], list[Unbound]]:
    """Tell the members of each "and" group of each other; one that is not whole can decide nothing."""
    broken = {item.threshold.group for item in unbound if _is_compound(item.threshold)}
    members: dict[str, list[Bound]] = {}
    for item in bound:
        if _is_compound(item.threshold):
            members.setdefault(item.threshold.group or "", []).append(item)
    whole: list[Bound] = []
    for item in bound:
        group = item.threshold.group if _is_compound(item.threshold) else None
        if group in broken and group is not None:
            said = f"{item.threshold.subject!r} is bound, but it counts only together with a comparison that is not."
            unbound.append(Unbound(item.key, item.threshold, said))
        elif group is not None:
            others = tuple(other.key for other in members[group] if other.key != item.key)
            whole.append(replace(item, together_with=others))
        else:
            whole.append(item)
    return whole, unbound


def _is_compound(threshold: Threshold) -> bool:
    return threshold.group is not None and threshold.group_by == "and"


def _keys(thresholds: Sequence[Threshold]) -> list[str]:
    """Name each threshold by subject, comparison and severity; equal ones are counted in the order of the book."""
    found: dict[str, int] = {}
    names = []
    for threshold in thresholds:
        value = threshold.state if threshold.op == "is" else f"{threshold.value:g}" if threshold.value is not None else ""
        name = _name(threshold)
        statistic = None if (threshold.statistic or "") in name.casefold() else threshold.statistic
        parts = (name, statistic, _SIGNS[threshold.op], value, threshold.unit, threshold.severity)
        key = re.sub(r"[^\w.]+", "-", " ".join(part for part in parts if part).casefold()).strip("-") or "threshold"
        if len(key) > 150:
            key = f"{key[:130]}-{hashlib.sha256(key.encode()).hexdigest()[:12]}"
        found[key] = found.get(key, 0) + 1
        names.append(key if found[key] == 1 else f"{key}-{found[key]}")
    return names


def _unused(book: Book, estate: Estate) -> Iterable[tuple[str, str, int, str]]:
    """Name the metrics that no threshold, objective, branch condition or named metric of the book speaks of."""
    named = list(book.thresholds)
    named += [
        step.condition.threshold
        for procedure in book.procedures
        for step in procedure.steps
        if step.condition and step.condition.threshold
    ]
    named += [spoken(metric) for metric in book.metrics]
    for signal in estate.signals.values():
        for metric in signal.metrics:
            if not any(_rank(threshold, metric, signal)[0] for threshold in named):
                line = _line(signal, metric)
                said = f"{estate.where(line)}: no threshold of the book speaks of {metric!r}, so nothing fires on it."
                yield signal.name, metric, line, said


def _line(signal: SignalConfig, metric: str) -> int:
    return signal.lines.get(("metrics", metric), signal.line)


def _nearest(threshold: Threshold, estate: Estate) -> str:
    wanted = words(_name(threshold))
    scored = [
        (len(wanted & words(metric)), f"{metric!r} of the signal {signal.name}")
        for signal in estate.signals.values()
        for metric in signal.metrics
    ]
    score, name = max(scored, default=(0, ""))
    near = f" The nearest is {name}." if score else ""
    key = json.dumps(_name(threshold), ensure_ascii=False)
    return f'{near} Write {key} = "<reading>" below [signals.<name>.metrics].'


def _misfit(threshold: Threshold, match: Match) -> str:
    return (
        f"{threshold.subject!r} is in {threshold.unit} in the book, and the reading {match.reading!r} of the signal "
        f"{match.signal.name} gives {unit_of(match.reading)}. Map it to a reading in {threshold.unit}."
    )


def _listed(found: Iterable[str]) -> str:
    return " and ".join(repr(word) for word in sorted(found))
