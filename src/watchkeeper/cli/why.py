"""`watchkeeper why`: the sentence behind the state of a threshold, a signal, an alert or an incident."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from datetime import datetime
from typing import Annotated

import typer

from watchkeeper.actions.views.why import AlertWhy, Explained, ThresholdWhy
from watchkeeper.actions.views.why import why as explain
from watchkeeper.cli.options import ConfigOption, FormatOption, print_json, with_app
from watchkeeper.cli.plain import plain

WIDTH = 80
_LABEL = 12


def why(
    what: Annotated[str, typer.Argument(help="A threshold's words, a signal's name, or an alert's or incident's id.")],
    config: ConfigOption = None,
    format: FormatOption = "text",
) -> None:
    """Say why a threshold, a signal, an alert or an incident stands as it does: what decided it, and where that is written."""
    found = with_app(config, lambda app: explain(app, what))
    if format == "json":
        print_json(asdict(found))
        return
    for line in lines(found):
        print(line)


def lines(found: Explained) -> Iterator[str]:
    """Put an answer into lines of at most eighty columns."""
    for sentence in (*found.incident, *found.signals.values()):
        yield from _wrapped(sentence, "")
    blocks: list[Iterable[str]] = [_threshold(each) for each in found.thresholds]
    blocks += [_alert(each) for each in found.alerts]
    blocks += [_labelled("waits", sentence) for sentence in found.waiting]
    for number, block in enumerate(blocks):
        if number or found.incident or found.signals:
            yield ""
        yield from block
    if found.more:
        yield ""
        yield f"{found.more:,} more thresholds have that name."


def _threshold(found: ThresholdWhy) -> Iterator[str]:
    severity = f" [{found.severity}]" if found.severity else ""
    yield from _wrapped(f"{found.subject}{severity}: {found.state}", "")
    since = f" (since {_clock(found.since)})" if found.since else ""
    yield from _labelled("now", f"{found.sentence}{since}")
    yield from _labelled("threshold", f"{found.where}: {found.says}")
    if found.component:
        yield from _labelled("component", found.component)
    yield from _labelled("reading", f"{found.reading} of {found.signal}, {found.bound_at}. {found.because}")
    yield from _labelled("window", found.window)
    yield from _labelled("damping", found.damping)
    if not found.samples:
        yield from _labelled("samples", "none that are recent enough to judge by")
    for number, sample in enumerate(found.samples):
        yield from _labelled("samples" if number == 0 else "", f"{_clock(sample.at)}  {sample.words}")
    for alert in found.alerts:
        yield from _alert(alert)


def _alert(found: AlertWhy) -> Iterator[str]:
    until = f", ended {_clock(found.ended_at)}" if found.ended_at else ", open"
    yield from _labelled("alert", f"{found.id}: fired {_clock(found.fired_at)}{until}. {found.sentence}")
    yield from _labelled("silence", found.silence or "")
    yield from _labelled("inhibition", found.grouping or "")
    yield from _labelled("incident", f"{found.incident}: {found.title}" if found.incident else "")


def _labelled(label: str, text: str) -> Iterator[str]:
    if text:
        yield from _wrapped(text, f"  {label:{_LABEL}}")


def _wrapped(text: str, label: str) -> Iterator[str]:
    wrapped = textwrap.wrap(plain(text), WIDTH - len(label), break_on_hyphens=False) or [""]
    for number, line in enumerate(wrapped):
        yield f"{label if number == 0 else ' ' * len(label)}{line}".rstrip()


def _clock(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M:%S}"
