"""Our only loop. It brings what one chapter wrote to the next, and acts as `automation` through actions, never past them.

One turn:
1. flips of thresholds become alerts, alerts become incidents, and the first rung of the ladder is told;
2. an incident without a run gets the procedure that fits, or a person is told that none does;
3. runs that ask, and incidents that recovered, are judged; what is over is resolved, told and reviewed;
4. due rows (ladders, clocks, waits of runs) are claimed and acted on.
A turn that fails because the database is away is taken again; nothing is lost, since the rows are the truth.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine
from datetime import datetime, timedelta
from pathlib import Path

import aiohttp
from sqlalchemy import Connection

from watchkeeper.actions import acts
from watchkeeper.alert import board
from watchkeeper.alert import ledger as alerts
from watchkeeper.app import App
from watchkeeper.base.errors import ConfigError, Refused, Transient, WatchkeeperError
from watchkeeper.incident import clocks, lifecycle, opening
from watchkeeper.incident import ledger as incidents
from watchkeeper.incident.model import Incident
from watchkeeper.learn import review
from watchkeeper.people import ladder
from watchkeeper.run import ledger as runs
from watchkeeper.run.choose import choose
from watchkeeper.run.model import Run
from watchkeeper.store import due
from watchkeeper.store.anchor import write_anchor
from watchkeeper.store.ledger import read_head
from watchkeeper.tell import ledger as notices
from watchkeeper.tell import message, outbox
from watchkeeper.verify import rules as verify
from watchkeeper.watch import ledger as watch
from watchkeeper.watch.watcher import Watcher

log = logging.getLogger("watchkeeper.loop")

IDLE_S = 1.0
ENDED = ("succeeded", "failed", "cancelled")


class Loop:
    """Drives one App until it is stopped."""

    def __init__(self, app: App) -> None:
        self.app = app
        self._kept_at: datetime | None = None
        self._children: list[asyncio.Task[None]] = []

    async def run(self) -> None:
        """Watch and act until cancelled."""
        app = self.app
        if app.engine is None or app.interpreter is None:
            raise ConfigError("The application is not furnished.", hint="Call furnish(app) first.", code="WK128")
        if app.database.dialect == "sqlite":
            await app.database.write(due.void_claims)
        await app.engine.open(app.interpreter.advance)
        watcher = Watcher(app.database, app.clock, app.estate, app.bindings, app.probes, app.wake)
        self._children = [
            asyncio.create_task(watcher.run(), name="watcher"),
            asyncio.create_task(self._forever("turn", self.turn), name="turn"),
            asyncio.create_task(self._forever("tell", self.tell), name="tell"),
            asyncio.create_task(self._forever("keep", self.keep), name="keep"),
        ]
        try:
            await asyncio.gather(*self._children)
        finally:
            for child in self._children:
                child.cancel()
            await asyncio.gather(*self._children, return_exceptions=True)
            await app.engine.close()

    async def _forever(self, name: str, work: Callable[[], Coroutine[object, object, float]]) -> None:
        """Call again and again; each call says how long to rest. A failure is logged and tried again, never the end."""
        while True:
            try:
                rest = await work()
            except Transient as problem:
                log.warning("%s", problem, extra={"action": f"{name}_put_off"})
                rest = IDLE_S
            except WatchkeeperError as problem:
                log.error("%s", problem, extra={"action": f"{name}_failed"})
                rest = IDLE_S
            if name == "turn":
                await self.app.woken(rest)
            else:
                await self.app.clock.sleep(rest)

    async def turn(self) -> float:
        """Take one turn; returns how long to rest unless somebody wakes us, in seconds."""
        await self.react()
        open_now = await self.app.database.read(lambda c: incidents.list_incidents(c, open_only=True))
        for incident in open_now:
            await self.attend(incident)
        await self.owed()
        return 0.2 if open_now else IDLE_S

    # 1 ---------------------------------------------------------------- flips -> alerts -> incidents -> first notice

    async def react(self) -> None:
        """Take the flips, group the alerts, and tell the first rung, in one transaction."""
        app, now = self.app, self.app.clock.now()
        wait = app.settings.number("group_wait_s")

        def work(connection: Connection) -> None:
            board.take_flips(connection, app.bindings, now)
            for incident in opening.group_alerts(connection, app.book, app.bindings, app.estate.service, now, wait):
                self._tell_rung(connection, incident, now)

        await app.database.write(work)

    def _tell_rung(self, connection: Connection, incident: Incident, now: datetime) -> None:
        rungs = ladder.rungs(self.app.book, incident.severity)
        role = rungs[0].role if rungs else ""
        people = ladder.people_for(role, self.app.estate) or list(self.app.estate.people.values())[:1]
        words = message.compose("initial", self.app.book, incident, self._facts(incident))
        outbox.write_notices(connection, now, "initial", incident, people, words, level=1)

    def _facts(self, incident: Incident) -> dict[str, str]:
        address = f"{self.app.address}/incidents/{incident.id}" if self.app.address else ""
        return {"link": address, "service": self.app.estate.service}

    # 2 + 3 ------------------------------------------------------------ one incident

    async def attend(self, incident: Incident) -> None:
        """Do what an open incident needs now: start its procedure, judge it, or nothing."""
        app = self.app
        mine = await app.database.read(lambda c: runs.list_runs(c, incident_id=incident.id))
        last = mine[-1] if mine else None
        if last is not None and last.state == "asking":
            await self._tell_question(incident, last)
        if await self._judge(incident, last):
            return
        if last is None and incident.procedure_id is None and incident.status != "recovered":
            await self._begin(incident)

    async def _begin(self, incident: Incident) -> None:
        """Choose a procedure for an incident and start it; a person is told where none fits or nothing may run."""
        app = self.app
        linked = await app.database.read(lambda c: alerts.alerts_of(c, incident.id))
        choice = choose(app.book, linked, incident, app.bindings)
        now = app.clock.now()

        def write(connection: Connection) -> None:
            chosen = choice.procedure_id or ""
            incidents.update_incident(connection, incident.id, procedure_id=chosen, because=choice.sentence)
            incidents.add_entry(connection, incident.id, now, "chosen", acts.AUTOMATION, choice.sentence, {"procedure": chosen})

        await app.database.write(write)
        if choice.procedure_id is None:
            return
        try:
            await acts.start_run(app, acts.AUTOMATION, choice.procedure_id, incident.id, why=choice.sentence)
        except Refused as refusal:
            sentence = str(refusal)
            await app.database.write(
                lambda c: incidents.add_entry(c, incident.id, now, "refused", acts.AUTOMATION, sentence)
            )

    async def _tell_question(self, incident: Incident, run: Run) -> None:
        """Tell whoever is next on the ladder what the run asks, once a question."""
        app, now = self.app, self.app.clock.now()
        key, standing = next(((k, s) for k, s in run.acts.items() if s.state == "asking"), (None, None))
        if key is None or standing is None:
            return
        facts = {**self._facts(incident), "question": standing.question or ""}

        def work(connection: Connection) -> None:
            rungs = ladder.rungs(app.book, incident.severity)
            people = ladder.people_for(rungs[0].role if rungs else "", app.estate) or list(app.estate.people.values())[:1]
            words = message.compose("ask", app.book, incident, facts)
            outbox.write_notices(connection, now, "ask", incident, people, words, level=f"{run.id}/{key}/{standing.attempt}")

        await app.database.write(work)

    async def _judge(self, incident: Incident, run: Run | None) -> bool:
        """Hold the incident against its verification; True when it is over."""
        app, now = self.app, self.app.clock.now()

        def work(connection: Connection) -> bool:
            linked = alerts.alerts_of(connection, incident.id)
            keys = sorted({alert.key for alert in linked})
            standings = watch.read_standings(connection)
            since = watch.healthy_since(connection, keys)
            mine = {key: standings[key] for key in keys if key in standings}
            verdict = verify.judge(run, mine, since, app.estate.policy.hold_s, now)
            if verdict.kind == "verified":
                self._resolve(connection, incident, run, verdict.sentence, now)
                return True
            if verdict.healthy_since is not None and incident.status in ("open", "acknowledged"):
                lifecycle.recovered(connection, verdict.healthy_since, incident.id, verdict.sentence)
            elif verdict.healthy_since is None and incident.status == "recovered":
                lifecycle.reopen(connection, now, incident.id, verdict.sentence)
            if verdict.kind == "failed" and run is not None and runs.mark_judged(connection, run.id):
                incidents.add_entry(connection, incident.id, now, "verdict", acts.AUTOMATION, verdict.sentence)
                people = list(app.estate.people.values())
                words = message.compose("update", app.book, incident, {**self._facts(incident), "update": verdict.sentence})
                outbox.write_notices(connection, now, "update", incident, people, words, level=run.id)
            return False

        over = await app.database.write(work)
        if over and run is not None and run.state not in ENDED:
            await acts.cancel_run(app, acts.AUTOMATION, run.id, "The service is healthy again; nothing more is needed.")
        return over

    def _resolve(self, connection: Connection, incident: Incident, run: Run | None, sentence: str, now: datetime) -> None:
        """End an incident: verdict, resolution, notices to those who were told, review."""
        app = self.app
        incidents.add_entry(connection, incident.id, now, "verified", acts.AUTOMATION, sentence)
        ended = lifecycle.resolve(connection, now, incident.id, acts.AUTOMATION, sentence)
        if run is not None:
            runs.mark_judged(connection, run.id)
        told = {notice.person for notice in notices.list_notices(connection, incident_id=incident.id)}
        people = [person for person in app.estate.people.values() if person.id in told]
        words = message.compose("resolution", app.book, ended, self._facts(ended))
        outbox.write_notices(connection, now, "resolution", ended, people, words, level=1)
        review.write(connection, app.book, app.bindings, ended, now, app.state)

    # 4 ---------------------------------------------------------------- what is owed

    async def owed(self) -> None:
        """Claim what is due and act on it; each is settled only after its effect."""
        app = self.app
        for row in await app.database.write(lambda c: due.claim(c, app.clock.now(), app.owner)):
            if row.kind == "run":
                assert app.engine is not None
                await app.engine.drive(row.subject, int(row.body.get("turn", 0)))
                await app.database.write(lambda c, key=row.key: due.settle(c, key, app.clock.now()))
            elif row.kind == "clock":
                await app.database.write(lambda c, row=row: self._clock_due(c, row))
            else:
                await app.database.write(lambda c, key=row.key: due.settle(c, key, app.clock.now()))

    def _clock_due(self, connection: Connection, row: due.Due) -> None:
        now = self.app.clock.now()
        incident = incidents.get_incident(connection, row.subject)
        if incident is not None:
            for kind, people, level, facts in clocks.clock_due(connection, row, self.app.book, self.app.estate, incident, now):
                words = message.compose(kind, self.app.book, incident, {**self._facts(incident), **facts})
                outbox.write_notices(connection, now, kind, incident, people, words, level=level)
        due.settle(connection, row.key, now)

    # beside the turn -------------------------------------------------- notices and housekeeping

    async def tell(self) -> float:
        """Send what waits in the outbox; returns how long to rest, in seconds."""
        app = self.app
        if app.notifier is None:
            return IDLE_S
        sent = await outbox.send_waiting(app.database, app.clock, app.notifier, app.estate, app.owner)
        return 0.0 if sent else 0.3

    async def keep(self) -> float:
        """Anchor the ledger, ping the dead man's switch, and drop old samples; returns how long to rest, in seconds."""
        app, now = self.app, self.app.clock.now()
        head = await app.database.read(read_head)
        anchor = Path(app.settings.text("anchor_file") or app.state / "ledger.anchor")
        await asyncio.to_thread(write_anchor, anchor, head, now)
        log.info("The ledger stands at entry %d, %s", head.seq, head.hash, extra={"action": "ledger_anchored"})
        if url := app.settings.text("dead_man_url"):
            await _ping(url)
        if self._kept_at is None or now - self._kept_at > timedelta(hours=1):
            self._kept_at = now
            old = now - timedelta(days=app.settings.number("keep_samples_days"))
            await app.database.write(lambda c: watch.prune(c, old))
        return 60.0


async def _ping(url: str) -> None:
    try:
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=10)) as session:
            await session.get(url)
    except (aiohttp.ClientError, TimeoutError) as problem:
        log.error("The dead man's switch could not be reached: %s", problem, extra={"action": "dead_man_failed"})
