"""Real peers for the probes: a web server, bare sockets, Redis and PostgreSQL."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from tests.conftest import need
from tests.plugins.dockerd import BUSYBOX, DOCKERD, Dockerd, start_dockerd

from watchkeeper.base.errors import WatchkeeperError
from watchkeeper.demo.database import wait_until_ready
from watchkeeper.demo.servers import Servers, find
from watchkeeper.estate import plugins
from watchkeeper.estate.model import Estate, SignalConfig
from watchkeeper.watch.probe import Probe

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
Conversation = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@pytest.fixture
async def probe(tmp_path: Path) -> AsyncIterator[Callable[..., Probe]]:
    """Make a probe of a kind with its options."""
    probes: list[Probe] = []

    def make(kind: str, metrics: dict[str, str] | None = None, timeout_s: float = 5.0, **options: Any) -> Probe:
        signal = SignalConfig("probe", kind, 3, timeout_s=timeout_s, metrics=metrics or {}, options=options)
        estate = options.pop("estate", None) or Estate(tmp_path / "watchkeeper.toml", "shop", tmp_path / "runbook.md")
        probes.append(plugins.load(plugins.SIGNALS, kind)(signal, estate))
        return probes[-1]

    yield make
    for made in probes:
        await made.close()


@pytest.fixture
async def site() -> AsyncIterator[Callable[[Handler], Awaitable[str]]]:
    """Serve one handler under every path; gives its address."""
    runners: list[web.AppRunner] = []

    async def serve(handler: Handler) -> str:
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", handler)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await runner.setup()
        runners.append(runner)
        port = free_port()
        await web.TCPSite(runner, "127.0.0.1", port).start()
        return f"http://127.0.0.1:{port}"

    yield serve
    for runner in runners:
        await runner.cleanup()


@pytest.fixture
async def peer() -> AsyncIterator[Callable[[Conversation], Awaitable[int]]]:
    """Listen with one conversation on a bare socket; gives the port. Conversations still at it end with the test."""
    servers: list[asyncio.Server] = []
    talks: set[asyncio.Task[Any]] = set()

    async def listen(talk: Conversation) -> int:
        async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            task = asyncio.current_task()
            assert task is not None
            talks.add(task)
            with contextlib.suppress(ConnectionError, asyncio.CancelledError):
                await talk(reader, writer)
            writer.transport.abort()

        server = await asyncio.start_server(handle, "127.0.0.1", 0)
        servers.append(server)
        port: int = server.sockets[0].getsockname()[1]
        return port

    yield listen
    for server in servers:
        server.close()
    for talk in talks:
        talk.cancel()
    await asyncio.gather(*talks, return_exceptions=True)


@pytest.fixture
def closed_port() -> int:
    """A port on which nothing listens."""
    return free_port()


@pytest.fixture(scope="session")
def dockerd() -> Iterator[Dockerd]:
    need(DOCKERD is not None and shutil.which("docker") is not None, "Docker (Debian: docker.io)")
    need(BUSYBOX is not None, "busybox (Debian: busybox-static)")
    need(os.geteuid() == 0, "root, to start a Docker Engine")
    made = start_dockerd()
    yield made
    made.close()


@pytest.fixture(scope="module")
def engine(dockerd: Dockerd) -> Iterator[Dockerd]:
    """A real Docker Engine with no containers, for the tests of one file."""
    yield dockerd
    if containers := dockerd.docker("ps", "-aq").split():
        dockerd.docker("rm", "-fv", *containers)


@pytest.fixture(scope="session")
def folder() -> Iterator[Path]:
    """A folder that PostgreSQL's user may enter; pytest's own are closed to it when the tests run as root."""
    made = Path(tempfile.mkdtemp(prefix="watchkeeper-servers-"))
    made.chmod(0o755)
    yield made
    shutil.rmtree(made, ignore_errors=True)


@pytest.fixture(scope="session")
def servers(folder: Path) -> Servers:
    try:
        return find(folder)
    except WatchkeeperError as problem:
        if os.environ.get("WATCHKEEPER_TEST_EVERYTHING") == "1":
            raise
        pytest.skip(f"missing here: {problem}")


@pytest.fixture(scope="session")
def redis_port(servers: Servers) -> Iterator[int]:
    port = free_port()
    bounds = ["--maxmemory", "100mb", "--maxclients", "20"]
    command = [str(servers.redis_server), "--port", str(port), "--bind", "127.0.0.1", "--save", "", *bounds]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as server:
        wait_for(port)
        yield port
        server.terminate()


@pytest.fixture(scope="session")
def postgres_dsn(servers: Servers, folder: Path) -> Iterator[str]:
    with postgres(servers, folder / "postgres", connections=8) as port:
        yield f"host=127.0.0.1 port={port} user=postgres dbname=postgres"


@contextlib.contextmanager
def postgres(servers: Servers, home: Path, connections: int, *more: str, of: int | None = None) -> Iterator[int]:
    """Run a PostgreSQL of our own in a folder, with more settings, or as the replica of the one on a port; gives its port."""
    home.mkdir()
    as_user: dict[str, Any] = {"cwd": home}
    if servers.user is not None:
        owner = pwd.getpwnam(servers.user)
        os.chown(home, owner.pw_uid, owner.pw_gid)
        as_user |= {"user": owner.pw_uid, "group": owner.pw_gid, "extra_groups": []}
    port = free_port()
    initdb = [str(servers.postgres / "initdb"), "-D", "data", "-U", "postgres", "--auth=trust", "--no-sync", "--locale=C"]
    initdb += ["--encoding=UTF8"]
    copy = [str(servers.postgres / "pg_basebackup"), "-D", "data", "-R", "-X", "stream", "-c", "fast", "--no-sync"]
    copy += ["-d", f"host=127.0.0.1 port={of} user=postgres application_name=replica"]
    subprocess.run(initdb if of is None else copy, check=True, stdout=subprocess.DEVNULL, timeout=60, **as_user)
    settings = [
        "fsync=off",
        f"max_connections={connections}",
        "superuser_reserved_connections=1",
        "unix_socket_directories=",
        f"port={port}",
        *more,
    ]
    options = [word for setting in settings for word in ("-c", setting)]
    command = [str(servers.postgres / "postgres"), "-D", "data", *options]
    with subprocess.Popen(command, stderr=subprocess.DEVNULL, **as_user) as server:
        try:
            wait_for(port)
            wait_until_ready(port, servers)
            yield port
        finally:
            # fast: a server waits for no client, and not for ever for an archive that takes nothing
            server.send_signal(signal.SIGINT)
            try:
                server.wait(20)
            except subprocess.TimeoutExpired:
                server.send_signal(signal.SIGQUIT)


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
        return port


def wait_for(port: int) -> None:
    for _ in range(400):
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        time.sleep(0.025)
    raise AssertionError(f"nothing listens on {port}")


@pytest.fixture(scope="session")
def aws() -> Iterator[dict[str, Any]]:
    """A server that speaks the API of AWS (moto): what a client needs to ask it, and what a signal does."""
    from moto.server import ThreadedMotoServer

    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    url = f"http://{host}:{port}"
    keys = {"aws_access_key_id": "AKIA" + "A" * 16, "aws_secret_access_key": "b" * 40}
    own = {"access_key": keys["aws_access_key_id"], "secret_key": keys["aws_secret_access_key"]}
    yield {
        "client": {"region_name": "eu-central-1", "endpoint_url": url, **keys},
        "options": {"region": "eu-central-1", "endpoint_url": url, **own},
    }
    server.stop()
