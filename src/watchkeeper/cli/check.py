"""`watchkeeper check`: the morning table. One look at every signal, then what else is asked first of a service."""

from __future__ import annotations

import shutil
import sys
import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Annotated

import typer

from watchkeeper.actions.views.morning import Line, Morning, Verdict, morning
from watchkeeper.app import App, furnish_probes
from watchkeeper.base.durations import format_duration
from watchkeeper.cli.options import ConfigOption, FormatOption, print_json, with_app
from watchkeeper.cli.plain import plain
from watchkeeper.cli.printing import in_colour
from watchkeeper.watch.rules import number_words

#: what the exit status says; 2 is also what a wrong call gives
STATUS: dict[Verdict, int] = {"well": 0, "bad": 1, "blind": 2}
_SHOWN = {
    "ok": ("ok", "32"),
    "pending": ("over", "33"),
    "firing": ("FIRING", "31"),
    "blind": ("BLIND", "35"),
    "unwatched": ("-", "35"),
}
_LEAST, _WIDE, _MOST = 60, 100, 160
HEADS = ("STATE", "COMPONENT", "SIGNAL", "WHAT", "NOW", "LIMIT", "SINCE")
WORDS = ("COMPONENT", "SIGNAL", "WHAT", "LIMIT")
_GAP = "  "


def check(
    config: ConfigOption = None,
    format: FormatOption = "text",
    strict: Annotated[bool, typer.Option("--strict", help="A threshold that waits for a signal counts as one not seen.")] = False,
    sentences: Annotated[bool, typer.Option("--sentences", "-s", help="The sentence also below what is well.")] = False,
) -> int:
    """Look at every signal once and print how the service stands.

    Exit status: 0 all is well, 1 something is over its limit or an incident is open, 2 something cannot be seen and nothing is
    known to be bad. It needs no Watchkeeper that runs, and disturbs none.
    """

    async def work(app: App) -> Morning:
        furnish_probes(app)
        return await morning(app, _progress, strict)

    found = with_app(config, work)
    if format == "json":
        print_json(asdict(found) | {"exit_status": STATUS[found.verdict]})
    else:
        width = min(_MOST, max(_LEAST, shutil.get_terminal_size((100, 24)).columns))
        for line in lines_of(found, width, in_colour(), sentences):
            print(line)
    return STATUS[found.verdict]


def _progress(done: int, of: int) -> None:
    if not sys.stderr.isatty():
        return
    print("\r\x1b[K" if done == of else f"\r\x1b[KLooked at {done} of {of} signals …", end="", file=sys.stderr, flush=True)


def lines_of(found: Morning, width: int, colours: bool, sentences: bool = False) -> Iterator[str]:
    """Give the lines of the table, none longer than `width`."""
    yield from _wrapped(f"{found.service}, {found.now:%Y-%m-%d %H:%M} UTC: {found.sentence}", width)
    if found.halted:
        yield "Everything automatic is stopped: watchkeeper unhalt"
    if found.lines:
        yield ""
        yield from _table(found, width, colours, sentences)
    yield ""
    yield from _facts(found, width)


def _table(found: Morning, width: int, colours: bool, sentences: bool) -> Iterator[str]:
    known = any(line.since is not None for line in found.lines)
    left_out = {*(() if width >= _WIDE else ("SIGNAL",)), *(() if known else ("SINCE",))}
    heads = tuple(head for head in HEADS if head not in left_out)
    rows = [tuple(plain(_cells(line, found.now)[head]) for head in heads) for line in found.lines]
    wide = [max(len(row[place]) for row in [heads, *rows]) for place in range(len(heads))]
    _shrink(wide, [heads.index(head) for head in heads if head in WORDS], width)
    yield _joined(heads, wide)
    before: str | None = None
    for line, row in zip(found.lines, rows, strict=True):
        shown = ["" if head == "COMPONENT" and line.component == before else cell for head, cell in zip(heads, row, strict=True)]
        before = line.component
        text = _joined(shown, wide)
        colour = _SHOWN[line.state][1]
        yield f"\x1b[{colour}m{text[: wide[0]]}\x1b[0m{text[wide[0] :]}" if colours else text
        if sentences or line.state != "ok":
            where = f" (line {line.line})" if line.line else ""
            yield from _wrapped(line.sentence + where, width, " " * (wide[0] + len(_GAP)))


def _cells(line: Line, now: datetime) -> dict[str, str]:
    value = "-" if line.value is None or line.state == "blind" else line.word or number_words(line.value, line.unit)
    since = "-" if line.since is None else format_duration(round(max(0.0, (now - line.since).total_seconds())))
    return {
        "STATE": _SHOWN[line.state][0],
        "COMPONENT": line.component or "-",
        "SIGNAL": line.signal,
        "WHAT": line.subject,
        "NOW": value,
        "LIMIT": (f"{line.limit} [{line.severity}]" if line.severity else line.limit) or "-",
        "SINCE": since,
    }


def _shrink(wide: list[int], words: Sequence[int], width: int) -> None:
    """Take from the widest columns of words until the table fits; numbers keep their room as long as it goes."""
    most = width - len(_GAP) * (len(wide) - 1)
    while sum(wide) > most:
        place = max(words, key=lambda column: wide[column])
        if wide[place] <= 8:
            place = max(range(len(wide)), key=lambda column: wide[column])
        wide[place] -= 1


def _joined(cells: Sequence[str], wide: Sequence[int]) -> str:
    cut = (cell if len(cell) <= room else f"{cell[: max(0, room - 1)]}…" for cell, room in zip(cells, wide, strict=True))
    return _GAP.join(cell.ljust(room) for cell, room in zip(cut, wide, strict=True)).rstrip()


def _facts(found: Morning, width: int) -> Iterator[str]:
    total = sum(found.alerts.values())
    by = ", ".join(f"{severity or 'without a severity'} {count}" for severity, count in found.alerts.items())
    held = f"; {found.held_back} held back by silences" if found.held_back else ""
    yield from _wrapped(f"Alerts, 24 h:      {f'{total} ({by}){held}' if total else 'none'}", width)
    logs = "; ".join(f"{log.signal} {log.lines:,.0f} (most {log.most_per_minute:,.3g} a minute)" for log in found.logs)
    yield from _wrapped(f"Log errors, 24 h:  {logs or 'no signal reads a log'}", width)
    backups = "; ".join(
        f"{each.signal} {f'{format_duration(round(each.age_s))} ago' if each.age_s is not None else each.sentence} ({each.state})"
        for each in found.backups
    )
    yield from _wrapped(f"Last backup:       {backups or 'no signal tells of one'}", width)
    yield f"Open incidents:    {len(found.incidents) or 'none'}"
    for incident in found.incidents:
        age = format_duration(round((found.now - incident.opened_at).total_seconds()))
        yield from _wrapped(
            f"{incident.severity or '-'}  {incident.title}: {incident.status} for {age} ({incident.id})", width, "  "
        )
    yield f"Last runs:         {'' if found.runs else 'none'}".rstrip()
    for run in found.runs:
        yield from _wrapped(f"{run.started_at:%m-%d %H:%M}  {run.title}: {run.state} ({run.id})", width, "  ")
    if found.waiting:
        yield from _wrapped(
            f"Not watched:       {found.waiting} of the runbook's thresholds (watchkeeper signals says why)", width
        )


def _wrapped(text: str, width: int, indent: str = "") -> Iterator[str]:
    more = indent + "  "
    yield from textwrap.wrap(plain(text), width, initial_indent=indent, subsequent_indent=more, break_on_hyphens=False)
