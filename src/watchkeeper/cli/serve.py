"""`watchkeeper serve`: watch the service and operate it from its runbook, with the console."""

from __future__ import annotations

import asyncio
import logging
import signal
from pathlib import Path
from typing import Annotated

import typer

from watchkeeper.actions.tokens import warnings
from watchkeeper.api.chat import router as chat
from watchkeeper.api.hooks import router as hooks
from watchkeeper.api.incidents import router as incidents
from watchkeeper.api.metrics import router as metrics
from watchkeeper.api.oncall import router as on_call
from watchkeeper.api.routes import router as api
from watchkeeper.app import find_config, open_app
from watchkeeper.people.ladder import findings
from watchkeeper.people.rota_ledger import find_gaps
from watchkeeper.settings import load_settings
from watchkeeper.web.serving import serve as serve_console


def serve(
    config: Annotated[Path | None, typer.Argument(help="watchkeeper.toml or its folder. [WATCHKEEPER_CONFIG]")] = None,
    host: Annotated[str | None, typer.Option(help="Address to listen on. [WATCHKEEPER_HOST]")] = None,
    port: Annotated[int | None, typer.Option(help="Port of the console; 0 takes a free one. [WATCHKEEPER_PORT]")] = None,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Log every decision.")] = False,
) -> None:
    """Watch the service and operate it from its runbook, with the console, until Ctrl-C."""
    logging.basicConfig(level=logging.INFO if verbose else logging.WARNING, format="%(asctime)s %(levelname)s %(message)s")
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    settings = load_settings()
    app = open_app(find_config(config), settings)

    def ready(address: str) -> None:
        bound = len(app.bindings.bound)
        name, mode = app.estate.runbook.name, app.estate.policy.mode
        print(f"Watching {app.estate.service} from {name}: {bound} thresholds, mode {mode}.")
        for waiting in app.bindings.unbound:
            print(f"  not watched: {waiting.sentence}")
        for sentence in findings(app.book, app.estate):
            print(f"  not reached: {sentence}")
        for gap in app.database.read_now(lambda c: find_gaps(c, app.estate, app.clock.now())).values():
            if gap is not None:
                print(f"  not on call: {gap}")
        for sentence in warnings(app):
            print(f"  token: {sentence}")
        print(f"Console: {address}", flush=True)

    wanted = port if port is not None else int(settings.number("port"))
    asyncio.run(serve_console(app, host or settings.text("host"), wanted, ready, [api, incidents, on_call, hooks, chat, metrics]))
