"""`watchkeeper drill`: an estate is broken in every way its faults know, and what its runbook makes of that is measured."""

from __future__ import annotations

import asyncio
import contextlib
import importlib
import json
import logging
import os
import shutil
import signal
import statistics
import tempfile
import time
from collections.abc import Callable, Coroutine, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from watchkeeper.base.durations import format_duration
from watchkeeper.base.errors import InputError
from watchkeeper.cli.options import Format, print_json

if TYPE_CHECKING:
    from watchkeeper.drill.model import Alone, Break, Course, Judged

T = TypeVar("T")
COLOURS = {"signal red": "red", "alert": "red", "broken": "red", "opened": "yellow", "verified": "green", "resolved": "green"}
ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
#: columns of a terminal from which the table of an estate has all of its own
WIDE = 140
#: columns that may be folded, and those that a narrower terminal does without
FOLDED = ("procedure", "cause")
WORDY = ("pace", "severity", *FOLDED)
NUMBERS = ("pace", "detected", "asked", "recovered", "promise", "restarts alone")
VERDICTS = {"green": ("as expected", "green"), "red": ("NOT as expected", "red"), "waits": ("waits", "red")}


def drill(
    folders: Annotated[list[Path] | None, typer.Argument(help="Folder of the estate, or of several.", metavar="DIR...")] = None,
    estate: Annotated[str | None, typer.Option("--estate", help="An estate by its name: estates/NAME.")] = None,
    all_: Annotated[bool, typer.Option("--all", help="Every fault; so it is where no --fault is given.")] = False,
    fault: Annotated[list[str] | None, typer.Option("--fault", help="A fault to play; may be given several times.")] = None,
    list_: Annotated[bool, typer.Option("--list", help="List the faults.")] = False,
    pace: Annotated[float | None, typer.Option(min=1, max=1000, help="Pace of all faults, instead of their own.")] = None,
    beside_restarts: Annotated[bool, typer.Option("--beside-restarts", help="Also with restart policies alone.")] = False,
    only_restarts: Annotated[bool, typer.Option("--only-restarts", help="With restart policies alone.")] = False,
    keep: Annotated[bool, typer.Option("--keep", help="Leave the estate up and Watchkeeper's state where it is.")] = False,
    port: Annotated[int, typer.Option(help="Port of the console; 0 takes a free one.")] = 0,
    thinks: Annotated[float, typer.Option(min=0, help="Real seconds the person on call takes to answer.")] = 5.0,
    record: Annotated[Path | None, typer.Option("--record", help="File to which each row is added, as a line of JSON.")] = None,
    side_by_side: Annotated[int, typer.Option(min=1, help="How many faults of several estates are played at a time.")] = 2,
    format: Annotated[Format, typer.Option("--format", help="text for people, json for programs.")] = "text",
) -> int:
    """Break an estate on purpose, and see what its runbook makes of it."""
    if bool(folders) == (estate is not None):
        raise InputError("Which estate?", hint="Name its folder, or --estate NAME for estates/NAME.", code="WK925")
    if all_ and fault:
        raise InputError("Both --all and --fault are given.", hint="Give one of them.", code="WK925")
    if only_restarts and (beside_restarts or len(folders or []) > 1):
        raise InputError("--only-restarts stands alone.", hint="Name one estate, without --beside-restarts.", code="WK925")
    chosen_folders = folders or [Path("estates") / str(estate)]
    if len(chosen_folders) > 1:
        given = [f"--fault={name}" for name in fault or []] + ([f"--pace={pace}"] if pace else []) + [f"--thinks={thinks}"]
        given += ["--beside-restarts"] if beside_restarts else []
        given += [f"--record={record.absolute()}"] if record else []
        return _several(chosen_folders, given + (["--keep"] if keep else []), side_by_side, format)
    course: Course = importlib.import_module("watchkeeper.drill.reading").read_course(chosen_folders[0])
    if list_:
        for each in course.faults:
            print(f"{each.name:28} {each.sentence}")
        return 0
    chosen = _chosen(course, fault or [])
    logging.basicConfig(level=logging.ERROR, format="%(levelname)s %(message)s")
    play = importlib.import_module("watchkeeper.drill.play")
    console = Console(stderr=format == "json", highlight=False)
    show = _Show(console, course.name, record, console_told=len(chosen) == 1 or port != 0)
    with _folder(keep) as made:
        options = play.Options(made, pace, beside_restarts, keep, port, thinks)
        if only_restarts:
            alone = _until_told(play.drill_alone(course, chosen, options, show))
            if format == "json":
                found = [{"fault": name, **each.as_dict()} for name, each in alone.items()]
                print_json({"estate": course.name, "restarts_alone": found})
            return 0
        rows = _until_told(play.drill(course, chosen, options, show))
        if keep:
            console.print(f"{course.name} stays up; Watchkeeper's state is in {made}.", soft_wrap=True)
    if format == "json":
        print_json({"estate": course.name, "faults": [row.as_dict() for row in rows]})
    else:
        console.print(table_of(course.name, rows, console.width))
    console.print(summary_of(rows), soft_wrap=True)
    return 0 if all(row.verdict != "red" for row in rows) else 1


def _until_told(work: Coroutine[Any, Any, T]) -> T:
    """Run to the end, or end in order at the first signal: an estate takes its time to be stopped, and is told once.

    What is under way is cancelled where it waits; a signal that breaks into whatever runs could lose a process just begun.
    """

    async def main() -> T:
        task, loop = asyncio.current_task(), asyncio.get_running_loop()
        assert task is not None

        def end() -> None:
            if not task.cancelling():
                task.cancel()

        for number in ENDING:
            loop.add_signal_handler(number, end)
        return await work

    try:
        return asyncio.run(main())
    except asyncio.CancelledError:
        raise KeyboardInterrupt from None


def _several(folders: list[Path], options: list[str], side_by_side: int, format: Format) -> int:
    """Drill several estates and print one table for each, or all rows as JSON."""
    several = importlib.import_module("watchkeeper.drill.several")
    console, width = Console(stderr=format == "json", highlight=False), max(len(folder.name) for folder in folders)

    def say(name: str, line: str) -> None:
        console.print(f"{name:{width}} | {line}", markup=False, soft_wrap=True)

    found = _until_told(several.drill_several(folders, options, side_by_side, say))
    if format == "json":
        estates = [{"estate": name, "faults": [row.as_dict() for row in rows]} for name, rows in found.items()]
        print_json({"estates": estates})
    else:
        for name, rows in found.items():
            console.print(table_of(name, rows, console.width))
    console.print(summary_of([row for rows in found.values() for row in rows]), soft_wrap=True)
    return 0 if all(row.verdict != "red" for rows in found.values() for row in rows) else 1


def _chosen(course: Course, names: list[str]) -> tuple[Break, ...]:
    known = {each.name: each for each in course.faults}
    for name in names:
        if name not in known:
            raise InputError(f"{course.name} has no fault {name!r}.", hint=f"The faults: {', '.join(known)}.", code="WK926")
    return tuple(known[name] for name in names) or course.faults


@contextlib.contextmanager
def _folder(keep: bool) -> Iterator[Path]:
    made = Path(tempfile.mkdtemp(prefix="watchkeeper-drill-"))
    try:
        yield made
    finally:
        if not keep:
            shutil.rmtree(made, ignore_errors=True)


class _Show:
    """A drill in a terminal."""

    def __init__(self, console: Console, estate: str, record: Path | None, *, console_told: bool) -> None:
        self._console, self._console_told = console, console_told
        self._estate, self._record = estate, record
        self._started = time.monotonic()

    def stage(self, sentence: str) -> None:
        self._console.print(f"{time.monotonic() - self._started:7.0f} s  {sentence}", style="dim", soft_wrap=True)

    def begins(self, fault: Break, number: int, of: int, pace: float) -> None:
        paced = f", the book's time {pace:g} times faster" if pace != 1 else ""
        self._console.print(f"\n{number}/{of}  [bold]{fault.name}[/bold]{paced}")

    def console(self, address: str) -> None:
        """Say it where one fault is played, or a port was asked for; a line for each of many would be noise."""
        if self._console_told:
            self._console.print(f"Console: {address}", markup=False, soft_wrap=True)

    def say(self, elapsed: float, stage: str, sentence: str) -> None:
        line = Table.grid(padding=(0, 2))
        line.add_column(width=8, justify="right", no_wrap=True)
        line.add_column(width=11, no_wrap=True)
        line.add_column(overflow="fold")
        line.add_row(f"{elapsed:.1f} s", Text(stage, style=COLOURS.get(stage, "cyan")), Text(" ".join(sentence.split())))
        self._console.print(line)

    def judged(self, row: Judged) -> None:
        said, colour = VERDICTS[row.verdict]
        self._console.print(f"  {said}{f' for {row.waits_for}' if row.verdict == 'waits' else ''}", style=f"bold {colour}")
        for sentence in row.why:
            self._console.print(Text(f"  - {sentence}", style="red"))
        self._keep(row.as_dict())

    def alone(self, fault: Break, found: Alone) -> None:
        self._console.print(f"  {fault.name}: {said_alone(found)}", highlight=False)
        self._keep({"fault": fault.name, "restarts_alone": found.as_dict()})

    def _keep(self, row: Mapping[str, Any]) -> None:
        if self._record is None:
            return
        played_at = datetime.now(UTC).isoformat(timespec="seconds")
        line = {"estate": self._estate, "played_at": played_at, "cores": os.cpu_count(), **row}
        with self._record.open("a", encoding="utf-8") as file:
            file.write(json.dumps(line, ensure_ascii=False) + "\n")


def said_alone(found: Alone) -> str:
    """Say what restart policies alone made of a fault."""
    if not found.felt:
        return "not felt from outside"
    return "not well again" if found.well_after_s is None else f"well again after {found.well_after_s:.0f} s"


def table_of(name: str, rows: list[Judged], width: int = WIDE) -> Table:
    """Make the table of an estate; a terminal that is not WIDE gets the figures alone, so that none of them is cut."""
    wide = width >= WIDE
    cells: dict[str, Callable[[Judged], str | Text]] = {
        "fault": lambda row: Text(row.fault, style=VERDICTS[row.verdict][1]),
        "pace": lambda row: f"{row.pace:g}",
        "detected": lambda row: _times(row.detected_s, row.detected_book_s, beside=wide),
        "severity": lambda row: _right(row.severity, row.severity_right),
        "procedure": lambda row: _right(row.procedure, row.procedure_right),
        "cause": lambda row: _right(row.cause, row.cause_right),
        "asked": lambda row: f"{row.approvals} ({row.thought_s:g} s)" if row.approvals and wide else str(row.approvals),
        "recovered": lambda row: _recovered(row, beside=wide),
        "promise": _promise,
        "harm": lambda row: Text(str(len(row.harm)), style="red" if row.harm else "green"),
        **({"restarts alone": _alone} if any(row.alone is not None for row in rows) else {}),
    }
    shown = {heading: cell for heading, cell in cells.items() if wide or heading not in WORDY}
    caption = None if wide else f"The other columns need a terminal of {WIDE} columns, or --format json."
    table = Table(title=name, title_justify="left", caption=caption, caption_justify="left", box=SIMPLE_HEAD, pad_edge=False)
    for heading in shown:
        table.add_column(heading, justify="right" if heading in NUMBERS else "left", no_wrap=heading not in FOLDED)
    for row in rows:
        table.add_row(*(cell(row) for cell in shown.values()))
    return table


def summary_of(rows: list[Judged]) -> str:
    """Say what a drill came to in one sentence."""
    took = [row.recovered_s for row in rows if row.recovered and row.recovered_s is not None]
    median = f", median {statistics.median(took):.0f} s" if took else ""
    noticed = sum(row.detected_s is not None for row in rows)
    right = sum(row.severity_right and row.procedure_right and row.cause_right for row in rows)
    waits = sum(row.verdict == "waits" for row in rows)
    harm = sum(len(row.harm) for row in rows)
    red = sum(row.verdict == "red" for row in rows)
    return (
        f"{len(rows)} faults: {noticed} noticed, {right} with the right severity, procedure and cause; "
        f"{len(took)} recovered{median}; {waits} wait for somebody outside; {harm} harms; {red} not as expected."
    )


def _recovered(row: Judged, *, beside: bool) -> Text:
    if row.recovered:
        return _times(row.recovered_s, row.recovered_book_s, beside=beside)
    return Text("waits" if row.waits_for else "no", style="red")


def _times(real_s: float | None, book_s: float | None, *, beside: bool) -> Text:
    if real_s is None or book_s is None:
        return Text("–", style="red")
    return Text(f"{real_s:.0f} s" if abs(real_s - book_s) < 1 or not beside else f"{real_s:.0f} s ({book_s:.0f} s)")


def _right(said: str | None, right: bool) -> Text:
    return Text(said or "–", style="" if right else "red")


def _promise(row: Judged) -> Text:
    if row.promise_s is None:
        return Text("–")
    return Text(format_duration(row.promise_s), style="green" if row.promise_kept else "red")


def _alone(row: Judged) -> Text:
    if row.alone is None or not row.alone.felt:
        return Text("–")
    after_s = row.alone.well_after_s
    return Text("no", style="red") if after_s is None else Text(f"{after_s:.0f} s")
