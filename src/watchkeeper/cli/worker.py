"""`watchkeeper worker`: one of several that work on the same PostgreSQL."""

from __future__ import annotations

import asyncio
import logging
import signal
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Annotated

import typer

from watchkeeper.app import App, find_config, furnish, only_one, open_app
from watchkeeper.base.errors import ConfigError, Conflict
from watchkeeper.loop import Loop
from watchkeeper.settings import Settings, load_settings

#: most workers that may run from one state folder, on one machine
MOST = 64


def worker(
    config: Annotated[Path | None, typer.Argument(help="watchkeeper.toml or its folder. [WATCHKEEPER_CONFIG]")] = None,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Log every decision.")] = False,
) -> None:
    """Work beside others on one PostgreSQL until SIGTERM: watch a share of the signals, drive runs, tell people."""
    logging.basicConfig(level=logging.INFO if verbose else logging.WARNING, format="%(asctime)s %(levelname)s %(message)s")
    settings = load_settings()
    if not settings.text("database_url").startswith(("postgres://", "postgresql://")):
        raise ConfigError(
            "A worker needs a PostgreSQL that it shares with the others.",
            hint="Set WATCHKEEPER_DATABASE_URL; on SQLite `watchkeeper serve` alone does everything.",
            code="WK129",
        )
    path = find_config(config)
    with ExitStack() as held:
        state = _own_folder(path.parent / settings.text("state"), held)
        app = open_app(path, Settings({**settings.values, "state": str(state)}))
        asyncio.run(_work(app))


def _own_folder(state: Path, held: ExitStack) -> Path:
    """Give the first folder below the state folder in which no other worker works, and hold it."""
    for number in range(1, MOST + 1):
        folder = state / f"worker-{number}"
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with suppress(Conflict):
            held.enter_context(only_one(folder))
            return folder
    raise Conflict(f"{MOST} workers work from {state} already.", hint="Set WATCHKEEPER_STATE to another folder.", code="WK329")


async def _work(app: App) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    furnish(app)
    loop = asyncio.create_task(Loop(app).run(), name="loop")
    stopped = asyncio.create_task(stop.wait())
    print(f"Working on {app.estate.service} in {app.state.name}.", flush=True)
    try:
        done, _ = await asyncio.wait({stopped, loop}, return_when=asyncio.FIRST_COMPLETED)
        if loop in done:
            await loop
    finally:
        for task in (stopped, loop):
            task.cancel()
        await asyncio.gather(stopped, loop, return_exceptions=True)
        await app.close()
