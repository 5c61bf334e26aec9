"""Runs the loop and the console in one process, until it is told to stop."""

from __future__ import annotations

import asyncio
import contextlib
import json
import signal
import socket
from collections.abc import AsyncIterator, Callable, Iterator, Sequence

import uvicorn
from fastapi import APIRouter, FastAPI

from watchkeeper.app import App, furnish, only_one
from watchkeeper.base.errors import ConfigError
from watchkeeper.loop import Loop
from watchkeeper.web.site import create_site, plain_address, printed_address

#: where a running console writes down where it listens, in the state folder
CONSOLE = "console.json"


class _Server(uvicorn.Server):
    """uvicorn without its signal handlers: stopping is ours."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave the signals alone."""
        yield


@contextlib.asynccontextmanager
async def serving(
    app: App, host: str, port: int, routers: Sequence[APIRouter] = ()
) -> AsyncIterator[tuple[str, asyncio.Task[None]]]:
    """Open everything and give the address to open in a browser, with the task that ends when the loop does.

    `routers` stand beside the pages: the JSON API.
    """
    listener = _listen(host, port)
    bound = int(listener.getsockname()[1])
    public = app.settings.text("public_url").rstrip("/")
    app.address = public or plain_address(host, bound)
    with only_one(app.state):
        furnish(app)
        console_file = app.state / CONSOLE
        console_file.write_text(json.dumps({"host": host, "port": bound}))
        site = create_site(app, routers, host, public=public)
        config = _uvicorn(app, site)
        server = _Server(config)
        console = asyncio.create_task(server.serve(sockets=[listener]), name="console")
        loop = asyncio.create_task(Loop(app).run(), name="loop")
        try:
            yield printed_address(app, host, bound), loop
        finally:
            app.leave()
            server.should_exit = True
            loop.cancel()
            await asyncio.gather(loop, console, return_exceptions=True)
            listener.close()
            console_file.unlink(missing_ok=True)
            await app.close()


async def serve(app: App, host: str, port: int, ready: Callable[[str], None], routers: Sequence[APIRouter] = ()) -> None:
    """Serve until SIGINT or SIGTERM; acts under way are finished first."""
    stop = asyncio.Event()
    running = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        running.add_signal_handler(number, stop.set)
    async with serving(app, host, port, routers) as (address, loop):
        ready(address)
        stopped = asyncio.create_task(stop.wait())
        done, _ = await asyncio.wait({stopped, loop}, return_when=asyncio.FIRST_COMPLETED)
        stopped.cancel()
        if loop in done:
            await loop


def _uvicorn(app: App, site: FastAPI) -> uvicorn.Config:
    """Believe nobody about who calls but the proxies that are named: anybody can write X-Forwarded-For."""
    proxies = [each.strip() for each in app.settings.text("proxies").split(",") if each.strip()]
    quiet = {"log_level": "warning", "lifespan": "off", "access_log": False, "server_header": False}
    believed = {"proxy_headers": bool(proxies), "forwarded_allow_ips": proxies}
    return uvicorn.Config(site, timeout_graceful_shutdown=2, **quiet, **believed)  # type: ignore[arg-type]


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except OSError as problem:
        listener.close()
        raise ConfigError(
            f"The console cannot listen on {host}:{port}: {problem.strerror}.",
            hint="Take another port with --port, or 0 for a free one.",
            code="WK127",
        ) from None
    listener.listen(128)
    return listener
