"""Which signals would watch what a book asks for: its thresholds, its objectives and the metrics that it only names.

A book and what the kinds of signals offer enter; signals with the readings that would decide each line of the book leave. What
no kind reads by itself waits for a command of the owner's where it raises an alert, and is only listed where it does not.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from watchkeeper.base.words import words
from watchkeeper.book.model import Book, Component, Metric, Threshold
from watchkeeper.estate.offers import Candidate, Offer, candidates, evidence
from watchkeeper.estate.states import name_in

#: what watches where no kind does
COMMAND = "command"
#: below this a kind is a guess that the book shows nothing of
LIKELY = 0.1
#: a kind that is less likely than the first by more than this is not worth a word
NEAR = 0.1


@dataclass(frozen=True, slots=True)
class Line:
    """One line below a signal's metrics: what decides one threshold of the book."""

    wanted: Threshold | Metric
    #: the book's metric words
    metric: str
    #: "" where the kind asks the book's own words as they stand
    reading: str
    check: bool = False
    #: other kinds that could read it, with their readings
    others: tuple[tuple[str, str], ...] = ()


@dataclass
class Proposal:
    """A signal that would decide some lines of a book."""

    name: str
    kind: str
    component: str | None
    offer: Offer | None
    lines: list[Line] = field(default_factory=list)
    #: further options that its readings need
    extra: dict[str, None] = field(default_factory=dict)


def metric_of(wanted: Threshold | Metric) -> str:
    """Give the words by which the book calls what is to be read."""
    if isinstance(wanted, Threshold) and wanted.op == "is":
        return one_line(name_in(wanted.subject, wanted.state or "down"))
    return one_line(wanted.subject)


def propose(book: Book, given: Sequence[Offer]) -> tuple[list[Proposal], list[Threshold | Metric]]:
    """Group what a book asks for by the signal that could decide it; what nothing reads by itself comes second."""
    found: dict[str, Proposal] = {}
    unread: list[Threshold | Metric] = []
    shown = evidence(book)
    for wanted, metric in _asked(book):
        component = component_of(book, metric)
        fitting = candidates(wanted, component, given, shown)
        first = with_fallback(fitting, wanted, component, given)
        if first is None:
            unread.append(wanted)
            continue
        proposal = place(book, found, metric, component, first)
        others = tuple(
            dict.fromkeys(
                (each.offer.kind, each.reading)
                for each in fitting[1:4]
                if each.reading and each.score >= max(LIKELY, first.score - NEAR)
            )
        )
        proposal.lines.append(Line(wanted, metric, first.reading, first.check, others))
        if first.line:
            proposal.extra[first.line] = None
    return list(found.values()), unread


def component_of(book: Book, metric: str) -> Component | None:
    """Find the component that a metric's words name, the longest name first."""
    said = words(metric)
    fitting = [component for component in book.components if words(component.name) <= said]
    return max(fitting, key=lambda component: len(words(component.name)), default=None)


def one_line(text: str) -> str:
    """Put a text on one line."""
    return re.sub(r"[\x00-\x1f\x7f\s]+", " ", text).strip()


def slug(text: str) -> str:
    """Give a name that can be a bare key: letters and digits of the text, hyphens between."""
    return re.sub(r"[^a-z0-9]+", "-", text.casefold()).strip("-")[:60] or "service"


def _asked(book: Book) -> Iterator[tuple[Threshold | Metric, str]]:
    """Give each thing to be read once, thresholds that raise alerts first."""
    seen: set[str] = set()
    alerts = [threshold for threshold in book.thresholds if threshold.role == "alert"]
    kept = [threshold for threshold in book.thresholds if threshold.role == "objective"]
    wanted: Iterable[Threshold | Metric] = (*alerts, *kept, *book.metrics)
    for each in wanted:
        metric = metric_of(each)
        if metric and metric.casefold() not in seen:
            seen.add(metric.casefold())
            yield each, metric


def with_fallback(
    fitting: Sequence[Candidate], wanted: Threshold | Metric, component: Component | None, given: Sequence[Offer]
) -> Candidate | None:
    """Give the likeliest kind. For what none reads: an address for a component's state, else a command; nothing for what raises
    no alert."""
    if fitting:
        return fitting[0]
    if not isinstance(wanted, Threshold) or wanted.role != "alert":
        return None
    is_state = wanted.op == "is"
    kind = "http" if is_state and component else COMMAND
    offer = next((each for each in given if each.kind == kind), None)
    return Candidate(offer, "up" if is_state else "value", "", False, 0.0) if offer else None


def place(book: Book, found: dict[str, Proposal], metric: str, component: Component | None, first: Candidate) -> Proposal:
    """Give the proposal that a line belongs to: one a kind and component, one a metric for commands."""
    offer = first.offer
    if offer.named:
        return found.setdefault(offer.named, Proposal(offer.named, offer.kind, None, offer))
    if component is None and offer.kind != COMMAND:
        component = next((part for part in book.components if _is_called(part, offer)), None)
    label = component.name if component else metric if offer.kind == COMMAND else ""
    whole = offer.kind == COMMAND or words(offer.kind.replace("_", " ")) <= words(label)
    name = slug(label if whole else f"{label} {offer.kind}")
    return found.setdefault(name, Proposal(name, offer.kind, component.name if component else None, offer))


def _is_called(component: Component, offer: Offer) -> bool:
    """Say whether a component is made with what a kind looks at, by the kind's own names."""
    return bool(words(f"{component.name} {component.technology or ''}") & offer.called)
