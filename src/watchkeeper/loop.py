"""Our only loop. It brings what one chapter wrote to the next, and acts as `automation` through actions, never past them.

One turn:
1. flips of thresholds become alerts, alerts become incidents, and the first rung of the ladder is told;
2. an incident without a run gets the procedure that fits, or a person is told that none does;
3. runs that ask, and incidents that recovered, are judged; what is over is resolved, told and reviewed;
4. due rows (ladders, clocks, waits of runs) are claimed and acted on.
Of several workers one takes 1 to 3, under a claim that each of its writes holds; all of them take 4, watch their share of the
signals, drive runs and send notices.
A turn that fails because the database is away is taken again; nothing is lost, since the rows are the truth.
"""

from __future__ import annotations

import asyncio
import logging
import time
import zlib
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial

import aiohttp
from sqlalchemy import Connection

from watchkeeper.actions import acts, links, public, restoring
from watchkeeper.actions.affected import KIND, count
from watchkeeper.actions.changes import ChangeWatch
from watchkeeper.actions.chat import ChatWriter
from watchkeeper.actions.following_up import export_waiting, nag
from watchkeeper.actions.keeping import Keeper
from watchkeeper.alert import board
from watchkeeper.alert import ledger as alerts
from watchkeeper.alert.rules import keys_to_watch
from watchkeeper.app import App
from watchkeeper.base.clock import pace_of
from watchkeeper.base.durations import format_duration
from watchkeeper.base.errors import ConfigError, Refused, Transient, WatchkeeperError
from watchkeeper.incident import ledger as incidents
from watchkeeper.incident import lifecycle, opening, sent
from watchkeeper.incident.model import Incident
from watchkeeper.incident.privacy import why_private
from watchkeeper.learn import ledger as reviews
from watchkeeper.learn import review
from watchkeeper.run import ledger as runs
from watchkeeper.run.beside import is_evidence
from watchkeeper.run.choose import Choice, another, choose, tried
from watchkeeper.run.model import Run
from watchkeeper.store import due, workers
from watchkeeper.store.membership import RUN, SIGNAL, TURN, Membership
from watchkeeper.tell import message, outbox
from watchkeeper.tell.clocks import clock_due, tell_again
from watchkeeper.tell.ledger import list_notices, void_claims
from watchkeeper.tell.outbox import people_told
from watchkeeper.tell.paging import announce
from watchkeeper.verify import rules as verify
from watchkeeper.watch import ledger as watch
from watchkeeper.watch.watcher import Watcher

log = logging.getLogger("watchkeeper.loop")

IDLE_S = 1.0
#: what a peer writes wakes nobody here, so that it is looked for more often
IDLE_BESIDE_OTHERS_S = 0.25
#: how long a review waits for the last notices to arrive, so that it can say so
TELLING_TAKES = timedelta(seconds=3)
#: how often the public's page is read for news: apart from notices, which must not wait for it
NEWS_S = 5.0
CHAT_S = 2.0
FOLLOW_S = 60.0
ENDED = ("succeeded", "failed", "cancelled")


class Loop:
    """Drives one App until it is stopped."""

    def __init__(self, app: App) -> None:
        self.app = app
        self.worker = app.worker or Membership(app.database, app.clock, "", app.state, id=app.owner)
        #: for what one worker does at a time: each write holds the claim to the turn
        self.led = replace(app, database=self.worker.guarded(TURN))
        self._entered = asyncio.Event()
        self.keeper = Keeper(app)
        self.changes = ChangeWatch(app)
        self.chats = ChatWriter(app)
        self._children: list[asyncio.Task[None]] = []
        #: incidents of which is being counted what they affected
        self._counting: dict[str, asyncio.Task[None]] = {}

    async def run(self) -> None:
        """Watch and act until cancelled."""
        app = self.app
        if app.engine is None or app.interpreter is None:
            raise ConfigError("The application is not furnished.", hint="Call furnish(app) first.", code="WK128")
        if app.database.dialect == "sqlite":
            # the state folder's lock says that no other worker lives, so every claim is a dead one's
            await app.database.write(due.void_claims)
            await app.database.write(void_claims)
        await restoring.notice(app)
        await app.engine.open(self._advance)
        self.worker.executor = app.engine.executor
        await self.worker.enter()
        self._entered.set()
        await app.database.write(self._take_up)
        watcher = Watcher(app.database, app.clock, app.estate, app.bindings, app.probes, app.wake, self.worker)
        self._children = [
            asyncio.create_task(watcher.run(), name="watcher"),
            asyncio.create_task(self._forever("beat", partial(self.beat, watcher)), name="beat"),
            asyncio.create_task(self._forever("turn", self.turn), name="turn"),
            asyncio.create_task(self._forever("tell", self.tell), name="tell"),
            asyncio.create_task(self._forever("keep", self.keep), name="keep"),
        ]
        if app.estate.statuspage is not None:
            self._children.append(asyncio.create_task(self._forever("news", self.news), name="news"))
        if app.estate.chats:
            self._children.append(asyncio.create_task(self._forever("chat", self.chat), name="chat"))
        if app.estate.trackers:
            self._children.append(asyncio.create_task(self._forever("follow", self.follow), name="follow"))
        try:
            await asyncio.gather(*self._children)
        finally:
            beside = [*self._children, *self._counting.values()]
            for child in beside:
                child.cancel()
            await asyncio.gather(*beside, return_exceptions=True)
            await self.chats.close()
            await app.engine.close()
            await self.worker.leave(self._take_up)

    async def _advance(self, run_id: str) -> bool:
        assert self.app.interpreter is not None
        await self._entered.wait()
        return await self.app.interpreter.advance(run_id)

    def _take_up(self, connection: Connection) -> None:
        """Owe every run to the engine that nobody drives; a run that waits for a person just goes on waiting."""
        driven = workers.claims_of(connection, RUN)
        for run_id in runs.open_run_ids(connection):
            if RUN + run_id not in driven:
                acts.drive_at(connection, run_id, self.app.clock.now())

    async def beat(self, watcher: Watcher) -> float:
        """Renew our lease, take over from dead peers, and take our share of the signals; returns how long to rest, in seconds."""
        app, worker = self.app, self.worker
        if worker.alone:
            return 60.0
        assert app.engine is not None
        for executor in await worker.beat(self._take_up):
            await app.engine.take_over(executor)
            await worker.taken_over(executor)
        await watcher.take(await worker.share(SIGNAL, watcher.costs))
        return worker.rest_s

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
                before = time.monotonic()
                await self.app.clock.sleep(rest)
                if name == "tell":
                    self.app.lag_s = max(0.0, time.monotonic() - before - rest)

    async def turn(self) -> float:
        """Take one turn; returns how long to rest unless somebody wakes us, in seconds."""
        idle_s = IDLE_S if self.worker.alone else IDLE_BESIDE_OTHERS_S
        if await self.app.database.read(self._nothing_to_do):
            return idle_s
        if not await self.worker.claim(TURN):
            await self.owed()
            return idle_s
        await self.react()
        open_now = await self.app.database.read(lambda c: incidents.list_incidents(c, open_only=True))
        for incident in open_now:
            await self.attend(incident)
        unfinished = await self.conclude()
        await self.owed()
        return 0.2 if open_now or unfinished else idle_s

    def _nothing_to_do(self, connection: Connection) -> bool:
        """Tell, by looking only, that a whole turn would change nothing: most turns of a healthy service are such."""
        owed_at = due.next_at(connection)
        return (
            board.is_calm(connection)
            and (owed_at is None or owed_at > self.app.clock.now())
            and not incidents.list_incidents(connection, open_only=True, limit=1)
            and not reviews.unreviewed(connection, limit=1)
        )

    # 1 ---------------------------------------------------------------- flips -> alerts -> incidents

    async def react(self) -> None:
        """Take the flips and group the alerts into incidents, in one transaction; their clocks tell the first rung."""
        app, now = self.led, self.led.clock.now()
        wait = app.settings.number("group_wait_s")

        def work(connection: Connection) -> None:
            board.take_flips(connection, app.bindings, now, app.estate.alerting.routes, pace_of(app.clock))
            opening.group_alerts(
                connection, app.book, app.bindings, app.estate.service, now, wait, app.estate.alerting, app.estate.office
            )

        await app.database.write(work)

    def _link(self, incident: Incident) -> dict[str, str]:
        return {"link": f"{self.app.address}/incidents/{incident.id}"} if self.app.address else {}

    # 2 + 3 ------------------------------------------------------------ one incident

    async def attend(self, incident: Incident) -> None:
        """Do what an open incident needs now: start its procedure, judge it, or nothing."""
        app = self.led
        begun = await app.database.read(lambda c: runs.list_runs(c, incident_id=incident.id))
        for run in (each for each in begun if is_evidence(each.plan) and each.state == "asking"):
            await self._tell_question(incident, run)
        mine = [run for run in begun if not is_evidence(run.plan)]
        last = mine[0] if mine else None
        if last is not None and last.state not in ENDED and last.severity != incident.severity:
            await app.database.write(lambda c: runs.set_severity(c, last.id, incident.severity))
        if last is not None and last.state == "asking":
            await self._tell_question(incident, last)
            if incident.status == "recovered" and incident.recovered_at is not None:
                held = (app.clock.now() - incident.recovered_at).total_seconds()
                if held >= app.estate.policy.hold_s:
                    acted = verify.changed_before(last, incident.recovered_at) is not None
                    why = (
                        "The service is healthy again; the rest is not needed"
                        if acted
                        else "The service is healthy again by itself"
                    )
                    await acts.cancel_run(app, acts.OURSELVES, last.id, why)
                    return
        if await self._judge(incident, last):
            return
        if incident.procedure_id is None and incident.status != "recovered":
            if last is not None and last.state not in ENDED:
                await self._reconsider(incident, last)
            elif last is None or last.component != incident.cause:
                await self._begin(incident)
            else:
                await self._begin_another(incident, mine)
        elif last is not None and incident.status in ("open", "acknowledged"):
            ended_s = (app.clock.now() - last.ended_at).total_seconds() if last.ended_at is not None else 0.0
            if last.state == "failed" or (last.state == "succeeded" and ended_s >= verify.PATIENCE_S):
                await self._begin_another(incident, mine)
            elif last.state == "succeeded" and ended_s >= app.estate.policy.hold_s:
                await self._begin_another(incident, mine, only_states=True)

    async def _reconsider(self, incident: Incident, running: Run) -> None:
        """Another cause, or something graver: stop what is being carried out, unless it is what meets that as well."""
        app, now = self.led, self.led.clock.now()
        linked = await app.database.read(lambda c: alerts.alerts_of(c, incident.id))
        choice = choose(app.book, linked, incident, app.bindings)
        if choice.procedure_id != running.plan.procedure_id:
            same = running.component == incident.cause
            why = (
                "Something graver fires, for which the book wants another"
                if same
                else f"The cause turned out to be {incident.cause}"
            )
            await acts.cancel_run(app, acts.OURSELVES, running.id, why)
            return
        said = f"{choice.sentence} It is being carried out already."
        await app.database.write(lambda c: lifecycle.choose_procedure(c, now, incident.id, choice.procedure_id, said))

    async def _begin(self, incident: Incident) -> None:
        """Choose a procedure for an incident and start it; a person is told where none fits or nothing may run."""
        linked = await self.led.database.read(lambda c: alerts.alerts_of(c, incident.id))
        await self._carry_out(incident, choose(self.led.book, linked, incident, self.led.bindings))

    async def _begin_another(self, incident: Incident, begun: Sequence[Run], *, only_states: bool = False) -> None:
        """After a procedure that did not help, start what another alert names; a person's incident is left to them."""
        if incident.acknowledged_by not in (None, acts.AUTOMATION):
            return
        linked, told = await self.led.database.read(
            lambda c: (alerts.alerts_of(c, incident.id), incidents.read_timeline(c, incident.id))
        )
        refused = {str(entry.body.get("procedure", "")) for entry in told if entry.kind == "refused"}
        done = tried(begun, acts.AUTOMATION) | {incident.procedure_id or ""} | refused
        choice = another(self.led.book, linked, self.led.bindings, done, only_states=only_states)
        if choice is not None:
            await self._carry_out(incident, choice)

    async def _carry_out(self, incident: Incident, choice: Choice) -> None:
        app = self.led
        now = app.clock.now()
        chosen = choice.procedure_id or ""

        def work(connection: Connection) -> None:
            lifecycle.choose_procedure(connection, now, incident.id, chosen, choice.sentence)
            lifecycle.private_by_itself(connection, now, incident.id, why_private(procedure=app.book.procedure(chosen)))

        await app.database.write(work)
        if not chosen:
            return
        try:
            await acts.start_run(app, acts.OURSELVES, chosen, incident.id, why=choice.sentence)
        except Refused as refusal:
            said, body = str(refusal), {"procedure": chosen}
            await app.database.write(lambda c: incidents.add_entry(c, incident.id, now, "refused", acts.AUTOMATION, said, body))

    async def _tell_question(self, incident: Incident, run: Run) -> None:
        """Tell those who know of the incident what the run asks, once a question."""
        app, now = self.led, self.led.clock.now()
        act = next((each for each in run.plan.acts if run.acts[each.key].state == "asking"), None)
        if act is None:
            return
        standing = run.acts[act.key]
        what = act.command.text if act.command else act.text
        asked = int(standing.asked_at.timestamp() * 1000) if standing.asked_at else 0  # two questions may share a second
        more = self._link(incident) | {"question": f"{what} — {standing.sentence}"}
        facts = message.facts_of(incident, "ask", now, more)

        def work(connection: Connection) -> None:
            people = links.people_to_ask(app.estate, people_told(connection, app.estate, incident.id), run, act)
            words = message.compose("ask", app.book, incident, facts)
            outbox.write_notices(connection, now, "ask", incident, people, words, level=asked)

        await app.database.write(work)

    async def _judge(self, incident: Incident, run: Run | None) -> bool:
        """Hold the incident against its verification; True when it is over."""
        app, now = self.led, self.led.clock.now()

        def work(connection: Connection) -> bool:
            keys = keys_to_watch(alerts.alerts_of(connection, incident.id), app.bindings)
            standings = watch.read_standings(connection)
            since = watch.healthy_since(connection, keys)
            mine = {key: standings.get(key) for key in keys} | sent.standings_of(connection, incident.id, now)
            verdict = verify.judge(run, mine, since, app.estate.policy.hold_s, now)
            if verdict.kind == "verified":
                self._resolve(connection, incident, run, verdict.sentence, now)
                return True
            if verdict.healthy_since is not None and incident.status in ("open", "acknowledged"):
                hold = format_duration(app.estate.policy.hold_s)
                sentence = f"What was red is healthy again; the incident is held open for {hold} to see whether that lasts."
                lifecycle.recovered(connection, now, incident.id, verdict.healthy_since, sentence)
            elif verdict.healthy_since is None and incident.status == "recovered":
                lifecycle.reopen(connection, now, incident.id, verdict.sentence)
            if verdict.kind == "failed" and run is not None and run.id in runs.unjudged_runs(connection):
                runs.mark_judged(connection, run.id, verified=False)
                incidents.add_entry(connection, incident.id, now, "verdict", acts.AUTOMATION, verdict.sentence)
                facts = self._link(incident) | {"done": verdict.sentence}
                tell_again(connection, "ask", app.book, app.estate, incident, now, facts, level=int(now.timestamp()))
            return False

        return await app.database.write(work)

    def _resolve(self, connection: Connection, incident: Incident, run: Run | None, sentence: str, now: datetime) -> None:
        """End an incident by its verdict."""
        incidents.add_entry(connection, incident.id, now, "verified", acts.AUTOMATION, sentence)
        lifecycle.resolve(connection, now, incident.id, acts.AUTOMATION, sentence)
        if run is not None:
            runs.mark_judged(connection, run.id, verified=run.state == "succeeded")

    async def conclude(self) -> bool:
        """Tell of what is over, and once that is said write its review; answers whether there was anything to conclude."""
        app, now = self.led, self.led.clock.now()

        def work(connection: Connection) -> None:
            for incident_id in reviews.unreviewed(connection):
                if incident_id in uncounted:
                    continue
                incident = incidents.get_incident(connection, incident_id)
                if incident is None or incident.resolved_at is None:
                    continue
                tell_again(connection, "resolution", app.book, app.estate, incident, now, self._link(incident), level=1)
                unsent = any(n.state in ("waiting", "sending") for n in list_notices(connection, incident_id, 1000))
                if not unsent or now - incident.resolved_at > TELLING_TAKES:
                    review.write(connection, app.book, app.bindings, incident, now, app.state, app.estate)

        over = await app.database.read(reviews.unreviewed)
        uncounted = {each for each in over if app.estate.affected and not await self._is_counted(each)}
        if over:
            await app.database.write(work)
        return bool(over)

    async def _is_counted(self, incident_id: str) -> bool:
        """Have counted once what an incident affected, beside the turn; tells whether that is done, so that it is reviewed."""
        counting = self._counting.get(incident_id)
        if counting is None:
            if await self.app.database.read(lambda c: incidents.has_kind(c, incident_id, KIND)):
                return True
            self._counting[incident_id] = asyncio.create_task(self._count(incident_id), name=f"count {incident_id}")
            return False
        if counting.done():
            del self._counting[incident_id]
        return counting.done()

    async def _count(self, incident_id: str) -> None:
        try:
            await count(self.app, acts.OURSELVES, incident_id)
        except WatchkeeperError as problem:
            log.error("%s", problem, extra={"action": "count_failed", "incident": incident_id})

    # 4 ---------------------------------------------------------------- what is owed

    async def owed(self) -> None:
        """Claim what is due and act on it; each is settled only after its effect."""
        app = self.app
        for row in await app.database.write(lambda c: due.claim(c, app.clock.now(), self.worker.id)):
            if row.kind == "clock":
                await app.database.write(partial(self._clock_due, row=row))
                continue
            if row.kind == "run" and app.engine is not None:
                await app.engine.drive(row.subject, zlib.crc32(row.key.encode()))
            await app.database.write(partial(due.settle, key=row.key, now=app.clock.now()))

    def _clock_due(self, connection: Connection, row: due.Due) -> None:
        now = self.app.clock.now()
        incident = incidents.get_incident(connection, row.subject)
        if not due.is_open(connection, row.key):
            return  # another severity, or a later ladder, has dropped it since it was claimed
        if incident is None:
            due.settle(connection, row.key, now)
            return
        clock_due(connection, row, self.app.book, self.app.estate, incident, now, self._link(incident))

    # beside the turn -------------------------------------------------- notices and housekeeping

    async def tell(self) -> float:
        """Send what waits in the outbox; returns how long to rest, in seconds."""
        app = self.app
        if app.notifier is None:
            return IDLE_S
        lines, outsider = partial(links.lines_for, app), partial(public.outsider, app)
        sent = await outbox.send_waiting(app.database, app.clock, app.notifier, app.estate, links=lines, outsider=outsider)
        return 0.0 if sent else 0.3

    async def news(self) -> float:
        """Write a notice of what is new on the public's page to each who asked; returns how long to rest, in seconds."""
        await public.tell_news(self.app)
        return NEWS_S

    async def chat(self) -> float:
        """Write what is new of incidents into their channels; returns how long to rest, in seconds."""
        if await self.worker.claim(TURN):
            await self.chats.write()
        return CHAT_S

    async def follow(self) -> float:
        """Take new follow-ups to their trackers, apart from what must not wait for them; returns how long to rest, in seconds."""
        if await self.worker.claim(TURN):
            await export_waiting(self.app)
        return FOLLOW_S

    async def keep(self) -> float:
        """Anchor the ledger, ping the dead man's switch, and forget what is old; returns how long to rest, in seconds."""
        await self.keeper.anchor()
        if url := self.app.settings.text("dead_man_url"):
            await _ping(url)
        if await self.worker.claim(TURN):
            await self.keeper.sum_up()
            await self.led.database.write(lambda c: sent.fall_silent(c, self.app.estate.alerting, self.app.clock.now()))
            if self.app.estate.rotas:
                await self.led.database.write(lambda c: announce(c, self.app.estate, self.app.clock.now()))
            await self.changes.look()
            await self.led.database.write(lambda c: nag(c, self.app, self.app.clock.now()))
            await self.keeper.forget()
        return 60.0


async def _ping(url: str) -> None:
    try:
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=10)) as session:
            await session.get(url)
    except (aiohttp.ClientError, TimeoutError) as problem:
        log.error("The dead man's switch could not be reached: %s", problem, extra={"action": "dead_man_failed"})
