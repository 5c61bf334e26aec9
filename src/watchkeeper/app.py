"""Wiring only: one object that holds what the chapters need, opened from a watchkeeper.toml."""

from __future__ import annotations

import asyncio
import fcntl
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import IO, Any
from uuid import uuid4

import psutil

from watchkeeper.base.clock import Clock, SystemClock
from watchkeeper.base.errors import Conflict, InputError
from watchkeeper.base.secrets import Scrubber
from watchkeeper.book.model import Book
from watchkeeper.book.reader import read_book
from watchkeeper.estate import ledger as estate_ledger
from watchkeeper.estate import plugins
from watchkeeper.estate.bind import asked_of, bind, with_needs
from watchkeeper.estate.config import load_estate
from watchkeeper.estate.model import Bindings, Estate
from watchkeeper.run.adopting import MARK
from watchkeeper.run.chronicle import chronicle
from watchkeeper.run.engine import Engine
from watchkeeper.run.interpreter import Interpreter
from watchkeeper.run.journal import Journal
from watchkeeper.run.target import Target
from watchkeeper.settings import Settings, load_settings
from watchkeeper.store.database import Database, open_database
from watchkeeper.store.membership import Membership
from watchkeeper.store.migrate import migrate
from watchkeeper.tell.notifier import Notifier
from watchkeeper.watch.probe import Probe

CONFIG = "watchkeeper.toml"


@dataclass
class App:
    """Everything that is wired together. It decides nothing."""

    settings: Settings
    clock: Clock
    state: Path
    database: Database
    estate: Estate
    book: Book
    bindings: Bindings
    scrubber: Scrubber
    #: this process, for claims and leases
    owner: str
    probes: Mapping[str, Probe] = field(default_factory=dict)
    targets: Mapping[str, Target] = field(default_factory=dict)
    notifier: Notifier | None = None
    engine: Engine | None = None
    interpreter: Interpreter | None = None
    #: this process among the workers of its database
    worker: Membership | None = None
    #: who people sign in by, once somebody did: an OidcProvider
    provider: Any = None
    #: address of the console once it listens
    address: str = ""
    #: those who follow a run over the network now
    followers: set[object] = field(default_factory=set)
    #: how late our loop last woke up, in seconds
    lag_s: float = 0.0
    _woken: asyncio.Event = field(default_factory=asyncio.Event)
    _leaving: asyncio.Event = field(default_factory=asyncio.Event)

    def wake(self) -> None:
        """Say that there is something to do now; the rows say what."""
        self._woken.set()

    async def woken(self, within_s: float) -> None:
        """Wait until somebody wakes us, at most that long."""
        try:
            await asyncio.wait_for(self._woken.wait(), within_s)
        except TimeoutError:
            pass
        self._woken.clear()

    def leave(self) -> None:
        """Say that we are about to stop, so that who follows a run is let go."""
        self._leaving.set()

    async def left(self, within_s: float) -> bool:
        """Wait until we are about to stop, at most that long; answers whether we are."""
        try:
            await asyncio.wait_for(self._leaving.wait(), within_s)
        except TimeoutError:
            return False
        return True

    async def close(self) -> None:
        """Let go of probes and the database; what runs outside goes on."""
        for probe in self.probes.values():
            await probe.close()
        for target in self.targets.values():
            await target.close()
        self.database.close()


def find_config(given: Path | None = None) -> Path:
    """Find watchkeeper.toml: the given file or folder, or the one in this folder."""
    path = given or Path(os.environ.get("WATCHKEEPER_CONFIG", CONFIG))
    path = path / CONFIG if path.is_dir() else path
    if not path.is_file():
        raise InputError(
            f"There is no {path}.",
            hint="`watchkeeper init RUNBOOK` writes one beside the runbook; or name one: watchkeeper serve PATH.",
            code="WK126",
        )
    return path.resolve()


def open_app(config: Path, settings: Settings | None = None, clock: Clock | None = None) -> App:
    """Read the configuration and the book and open the database. Nothing is contacted and nothing runs yet."""
    estate, settings = load_estate(config), settings or load_settings()
    book = read_book(estate.runbook, max_bytes=int(settings.number("max_book_bytes")))
    app = _open(estate, book, settings, clock or SystemClock())
    remembered = app.database.read_now(lambda c: estate_ledger.read_book_source(c, app.book.digest))
    if remembered is None:
        source = estate.runbook.read_text(errors="replace") if estate.runbook.is_file() else ""
        now, digest, path = app.clock.now(), app.book.digest, str(estate.runbook)
        app.database.write_now(lambda c: estate_ledger.remember_book(c, now, digest, estate.service, path, source))
    return app


def open_rows(config: Path) -> App:
    """Open what only the rows are needed for: the brake, an answer, a list. A variable or a runbook that is missing here is no
    reason to refuse; where the configuration cannot be read, its folder alone says which rows are meant."""
    try:
        return open_app(config)
    except InputError:
        estate = Estate(path=config, service=config.parent.name, runbook=config.parent / "runbook.md")
        return _open(estate, Book(title=None, service=None), load_settings(), SystemClock())


def _open(estate: Estate, book: Book, settings: Settings, clock: Clock) -> App:
    state = estate.folder / settings.text("state")
    state.mkdir(mode=0o700, parents=True, exist_ok=True)
    database = open_database(settings.text("database_url"), state)
    migrate(database)
    worker = Membership(database, clock, place_of(state), state, settings.number("worker_lease_s"))
    return App(
        settings=settings,
        clock=clock,
        state=state,
        database=database,
        estate=estate,
        book=with_needs(book, estate),
        bindings=bind(book, estate),
        scrubber=Scrubber(estate.secrets()),
        owner=worker.id,
        worker=worker,
    )


def furnish(app: App) -> None:
    """Load the plug-ins that the configuration names: probes, targets, notifier, engine."""
    furnish_probes(app)
    furnish_targets(app)
    app.notifier = plugins.load("watchkeeper.notifiers", "apprise")()
    app.engine = plugins.load("watchkeeper.engines", app.settings.text("engine"))(app.state, app.settings.values)
    app.interpreter = interpreter_of(app)


def furnish_probes(app: App) -> None:
    """Load the probes alone: all that looking at signals needs."""
    signals = {name: replace(signal, asked=asked_of(app.bindings, name)) for name, signal in app.estate.signals.items()}
    app.probes = {name: plugins.load("watchkeeper.signals", signal.kind)(signal, app.estate) for name, signal in signals.items()}
    for probe in app.probes.values():
        if (attach := getattr(probe, "attach", None)) is not None:
            attach(app.database, app.clock)


def furnish_targets(app: App) -> None:
    """Load the targets alone: all that a look needs."""
    app.targets = {
        name: plugins.load("watchkeeper.targets", target.kind)(target, app.estate) for name, target in app.estate.targets.items()
    }


def interpreter_of(app: App, journal: Journal | None = None) -> Interpreter:
    """Give the interpreter of runs on this application's rows and targets."""
    return Interpreter(
        app.database,
        app.clock,
        app.estate,
        app.bindings,
        app.targets,
        app.state,
        journal or Journal(app.database, app.owner, place_of(app.state), told=chronicle, worker=app.worker),
        severities=app.book.severities,
        output_bytes=int(app.settings.number("step_output_bytes")),
    )


def place_of(state: Path) -> str:
    """Give the id of this boot of the machine and of this state folder together, up to 64 characters.

    What a job left is proof only for who looks where it was put: another worker on the same kernel, in a container of its own
    say, has the same boot and another folder, and that nothing lies there says nothing.
    """
    kernel = Path("/proc/sys/kernel/random/boot_id")
    boot = kernel.read_text().strip() if kernel.is_file() else f"{psutil.boot_time():.0f}"
    state.mkdir(mode=0o700, parents=True, exist_ok=True)
    mark = state / MARK
    if not mark.exists():
        made = state / f"{MARK}.{uuid4().hex}"
        made.write_text(uuid4().hex[:20])
        with suppress(FileExistsError):
            os.link(made, mark)  # appears whole or not at all, and the first to make it wins
        made.unlink()
    return f"{boot}.{mark.read_text()}"


@contextmanager
def only_one(state: Path) -> Iterator[IO[str]]:
    """Hold the state folder's lock: one Watchkeeper a folder, and a second one says so."""
    with (state / "lock").open("a+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            lock.seek(0)
            raise Conflict(
                f"Watchkeeper already runs on {state} (process {lock.read().strip() or 'unknown'}).",
                hint="Stop that one first, or set WATCHKEEPER_STATE to another folder.",
                code="WK315",
            ) from None
        lock.seek(0)
        lock.truncate()
        lock.write(str(os.getpid()))
        lock.flush()
        yield lock
