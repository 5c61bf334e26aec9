"""A night as a timeline: things break at a time on the clocks, Watchkeeper dies and rises, and who was paged is asked.

    await night.at("02:10").breaks("Front")
    await night.at("02:11").expect("anna")

All of Watchkeeper that decides is real (watching, grouping, incidents, ladders, rotas, the outbox, the database); only the clock,
the probes and the notifier are the night's. Times are on the clocks of one zone; a time that they show twice takes its offset.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from watchkeeper.actions import acts, oncall
from watchkeeper.app import interpreter_of
from watchkeeper.base.secrets import Secret
from watchkeeper.book.model import Book
from watchkeeper.estate.config import load_estate
from watchkeeper.estate.model import Estate, Policy, SignalConfig
from watchkeeper.incident import ledger as incidents
from watchkeeper.loop import Loop
from watchkeeper.people.identity import Actor
from watchkeeper.people.ladder import addresses
from watchkeeper.store import due
from watchkeeper.store.database import Database
from watchkeeper.tell.ledger import void_claims
from watchkeeper.testing.doubles import DirectEngine, RecordingNotifier
from watchkeeper.testing.world import COMPONENTS, Broken, Truth, WorldClock, night_app, night_book
from watchkeeper.watch.watcher import Watcher

SERVICE = '[service]\nname = "night"\nrunbook = "runbook.md"\nmode = "observe"\n\n'


class Timeline:
    """One night on the clocks of a zone; `toml` is the rest of its watchkeeper.toml: people, rotas, routes."""

    def __init__(self, database: Database, folder: Path, starts: str, zone: str, toml: str, book: Book | None = None) -> None:
        self.zone = ZoneInfo(zone)
        self.clock = WorldClock(datetime.fromisoformat(starts).replace(tzinfo=self.zone).astimezone(UTC))
        self.database, self.folder, self.book = database, folder, book or night_book()
        (folder / "runbook.md").write_text("# Night\n")
        (folder / "watchkeeper.toml").write_text(SERVICE + toml)
        self.estate = self._estate()
        self.truth = Truth()
        self.dead_channels: set[str] = set()
        self.notifier = RecordingNotifier(fails=lambda address: address.split(":", 1)[0] in self.dead_channels)
        self._asked = 0
        self._plans: list[Callable[[], Awaitable[None]]] = []
        self._rises = 0
        self._rise()

    def _estate(self) -> Estate:
        signals = {
            name: SignalConfig(name, "world", 1, component=name, every_s=60.0, metrics={name: "up"}) for name in COMPONENTS
        }
        estate = load_estate(self.folder / "watchkeeper.toml", {})
        return replace(estate, signals=signals, policy=Policy(mode="observe", hold_s=120.0))

    def _rise(self) -> None:
        self._rises += 1
        app = night_app(self.database, self.clock, self.folder, self.estate, self.book, self.truth, f"timeline-{self._rises}")
        app.notifier, app.engine = self.notifier, DirectEngine()
        app.interpreter = interpreter_of(app)
        self.app, self.loop = app, Loop(app)
        self.loop.worker.alone = True  # one process lives through this night, whatever its database
        self.watcher = Watcher(self.database, self.clock, self.estate, app.bindings, app.probes, app.wake)
        self.database.write_now(due.void_claims)
        self.database.write_now(void_claims)

    # --- time

    def at(self, local: str) -> Timeline:
        """Live until a time on the clocks: "02:10", or with its offset where they show it twice: "02:10+01:00"."""
        self._plans.append(lambda: self._live_until(self._instant(local)))
        return self

    def _instant(self, local: str) -> datetime:
        now = self.clock.now()
        day = now.astimezone(self.zone).date()
        for following in (day, day + timedelta(days=1), day + timedelta(days=2)):
            found = datetime.fromisoformat(f"{following.isoformat()}T{local}")
            found = (found if found.tzinfo else found.replace(tzinfo=self.zone)).astimezone(UTC)
            if found >= now:
                return found
        raise Broken(f"{local} does not come within two days")

    async def _live_until(self, end: datetime) -> None:
        while True:
            for name in COMPONENTS:
                await self.watcher.look_once(name)
            await self.loop.turn()
            await self.loop.tell()
            if self.clock.now() >= end:
                return
            await self.clock.sleep(min(60.0, (end - self.clock.now()).total_seconds()))

    async def _done(self) -> None:
        plans, self._plans = self._plans, []
        for plan in plans:
            await plan()

    # --- what happens

    async def breaks(self, *names: str) -> None:
        """Break components."""
        await self._done()
        self.truth.down.update(names)

    async def repaired(self, *names: str) -> None:
        """Repair them."""
        await self._done()
        self.truth.down.difference_update(names)

    async def channel_dies(self, scheme: str) -> None:
        """Have a kind of address take nothing any more."""
        await self._done()
        self.dead_channels.add(scheme)

    async def dies(self, until: str) -> None:
        """Have Watchkeeper die, and rise again at a time; meanwhile nobody looks and nobody tells."""
        await self._done()
        end = self._instant(until)
        await self.clock.sleep((end - self.clock.now()).total_seconds())
        self._rise()

    async def acknowledges(self, person: str) -> None:
        """Have a person take every open incident."""
        await self._done()
        for incident in await self.database.read(lambda c: incidents.list_incidents(c, open_only=True)):
            await acts.acknowledge(self.app, Actor(person, ("responder",), "link"), incident.id)

    async def swaps(self, first: str, second: str, rota: str = "") -> None:
        """Have two people exchange their next shifts."""
        await self._done()
        await oncall.swap(self.app, Actor(first, ("responder",), "terminal"), rota, first, second)

    # --- what is asked

    async def expect(self, *paged: str) -> None:
        """Hold who was paged since the last time this was asked, in order: "anna", or "anna by mailto" where not by her first."""
        await self._done()
        found = [self._named(address) for address, subject, _ in self.notifier.sent[self._asked :] if "On call" not in subject]
        self._asked = len(self.notifier.sent)
        if sorted(found) != sorted(paged):
            local = self.clock.now().astimezone(self.zone)
            raise Broken(
                f"At {local:%H:%M %Z} {', '.join(paged) or 'nobody'} should have been paged, and {found or 'nobody'} was."
            )

    def sentences(self, kind: str) -> list[str]:
        """Give the lines of a kind of all timelines."""

        def work(connection: object) -> list[str]:
            listed = incidents.list_incidents(connection)  # type: ignore[arg-type]
            entries = [e for i in listed for e in incidents.read_timeline(connection, i.id)]  # type: ignore[arg-type]
            return [entry.sentence for entry in entries if entry.kind == kind]

        return self.database.read_now(work)

    def _named(self, address: str) -> str:
        for person in self.estate.people.values():
            mine = [a.reveal() if isinstance(a, Secret) else a for a in addresses(person)]
            if address in mine:
                return person.id if mine[0] == address else f"{person.id} by {address.split(':', 1)[0]}"
        return address
