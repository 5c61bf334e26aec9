"""What to write into watchkeeper.toml for a threshold that waits for a signal: the exact lines.

A threshold, the book and the estate enter; lines leave. They go below a signal that is there where one of the kind fits, else
they are a signal of their own. Nothing is contacted.
"""

from __future__ import annotations

from collections.abc import Sequence

from watchkeeper.book.model import Book, Metric, Threshold
from watchkeeper.estate.init import metric_lines, signal_lines
from watchkeeper.estate.model import Estate
from watchkeeper.estate.offers import Offer, candidates, evidence
from watchkeeper.estate.proposals import COMMAND, Line, component_of, metric_of, place, with_fallback


def lines_for(wanted: Threshold | Metric, book: Book, estate: Estate, given: Sequence[Offer]) -> list[str]:
    """Give the lines that would let a signal decide a threshold; none where no kind can."""
    metric = metric_of(wanted)
    component = component_of(book, metric)
    first = with_fallback(candidates(wanted, component, given, evidence(book)), wanted, component, given)
    if first is None:
        return []
    name = component.name if component else None
    there = next(
        (
            signal
            for signal in estate.signals.values()
            if signal.kind == first.offer.kind and signal.kind != COMMAND and (name is None or signal.component == name)
        ),
        None,
    )
    line = Line(wanted, metric, first.reading, first.check)
    if there is not None:
        return [f"[signals.{there.name}.metrics]    # line {there.line}", *_below(line)]
    proposal = place(book, {}, metric, component, first)
    proposal.extra |= {first.line: None} if first.line else {}
    return [*"\n".join(signal_lines(proposal)).strip().splitlines(), f"[signals.{proposal.name}.metrics]", *_below(line)]


def _below(line: Line) -> list[str]:
    return [text for text in metric_lines(line) if not text.startswith("# line")]
