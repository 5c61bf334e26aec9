"""Carries a run on: load its log, decide, do exactly one thing, write what came of it.

`advance` is what a durable engine calls again and again. It may be called once too often, after a crash or beside another call:
the log says what is next, and the journal keeps an act from being done twice. Long waits end the drive; a due row of kind "run"
or a person's answer begins it anew.
"""

from __future__ import annotations

import asyncio
import logging
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import Connection

from watchkeeper.base.clock import Clock, pace_of
from watchkeeper.base.errors import Conflict, Refused, Transient
from watchkeeper.book.model import Severity
from watchkeeper.estate.model import Bindings, Estate
from watchkeeper.run import ledger as rows
from watchkeeper.run import live
from watchkeeper.run.decide import decide
from watchkeeper.run.facts import World, gather, hard_brakes
from watchkeeper.run.fold import evolve, outcome_to_json, preview_to_json
from watchkeeper.run.gate import Gate, gate, unattended
from watchkeeper.run.journal import Journal, Note
from watchkeeper.run.known import Facts, sealed
from watchkeeper.run.model import Act, Ask, Do, Done, Event, Preview, Run, Settle, Skip, Wait
from watchkeeper.run.output import forget_jobs, job_id
from watchkeeper.run.perform import Performer
from watchkeeper.run.preview import Previewer
from watchkeeper.run.target import Target
from watchkeeper.run.undo import offer
from watchkeeper.store import due
from watchkeeper.store.database import Database
from watchkeeper.store.membership import RUN

log = logging.getLogger(__name__)

#: a wait up to this long is slept through; a longer one becomes a due row
NAP = timedelta(seconds=2)
RETRY_S = 1.0
#: what was seen when an act ended serves for what is next this long; whatever an intent depends on is asked again with it
FRESH = timedelta(seconds=1)
#: looking at what an approval would cover takes at most about this long; what was not seen by then is asked about by itself
LOOKING = timedelta(seconds=30)
KIND = "run"


@dataclass(frozen=True, slots=True)
class Seen:
    """A run and what its next decision needs, as they stood at an instant."""

    run: Run
    facts: Facts
    at: datetime


class Interpreter:
    """Drives runs, one thing at a time."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        estate: Estate,
        bindings: Bindings,
        targets: Mapping[str, Target],
        state: Path,
        journal: Journal,
        *,
        severities: tuple[Severity, ...] = (),
        output_bytes: int = 2_000_000,
        verify_s: float = 30.0,
    ) -> None:
        self._database = database
        self._clock = clock
        self._state = state
        self._journal = journal
        self.world = World(estate, bindings, severities, verify_s * pace_of(clock))
        self._previewer = Previewer(estate, targets, state)
        self._performer = Performer(journal, clock, estate, targets, state, output_bytes, database)
        self._locks: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        #: runs as last seen; only what was appended since is read again
        self._seen: dict[str, Run] = {}
        #: what was seen in the transaction of an act's outcome, for the decision that comes right after it
        self._ahead: dict[str, Seen] = {}

    async def advance(self, run_id: str) -> bool:
        """Do the next thing of a run; answers whether there is more to do now."""
        worker = self._journal.worker
        async with self._locks[run_id]:
            try:
                if worker is not None:
                    worker.check()
                    if not await worker.claim(RUN + run_id):
                        # a peer drives it; whoever called us brings news, so the run is looked at once the peer lets go
                        self._forget(run_id)
                        await self._clock.sleep(RETRY_S)
                        return True
                more = await self._advance(run_id)
                if worker is not None and not more:
                    await worker.let_go(RUN + run_id)
                return more
            except Transient as problem:
                log.warning("%s", problem, extra={"action": "run_put_off", "run": run_id})
            except (Conflict, Refused) as problem:
                self._forget(run_id)
                if problem.code == "WK311":
                    return True
                log.info("%s", problem, extra={"action": "run_held", "run": run_id})
            except Exception as problem:
                log.exception("A run broke.", extra={"action": "run_broke", "run": run_id})
                await self._give_up(run_id, problem)
                return False
            await self._clock.sleep(RETRY_S)
            return True

    async def kill(self, run_id: str) -> bool:
        """End the act that a run has under way here; its outcome is written as of any other."""
        return await self._performer.kill(run_id)

    async def drain(self, grace_s: float = 25.0) -> bool:
        """Wait for the acts under way; answers whether all ended in time."""
        return await self._performer.drain(grace_s)

    async def _advance(self, run_id: str) -> bool:
        now = self._clock.now()
        found = self._ahead.pop(run_id, None)
        if found is None or now - found.at > FRESH * pace_of(self._clock):
            found = await self._database.read(lambda connection: self._look(connection, run_id))
        if found is None:
            self._forget(run_id)
            return False
        run, facts = found.run, found.facts
        step = decide(run, facts, now)
        notes: list[Note] = []
        after = run
        while isinstance(step, Skip | Settle):
            notes.append(_note(step))
            after = evolve(after, Event(after.seq + 1, now, notes[-1].kind, "automation", notes[-1].act, notes[-1].body))
            step = decide(after, facts, now)
        if notes:
            await self._journal.note(run, notes, now)
        self._seen[run_id] = after
        match step:
            case Do():
                return await self._do(after, step, facts)
            case Ask():
                await self._ask(after, step, facts)
                return False
            case Wait():
                return await self._wait(after, step, now)
            case Done():
                await self._finish(after, step, now)
                return False
        raise AssertionError(step)

    def _look(self, connection: Connection, run_id: str) -> Seen | None:
        now, seen = self._clock.now(), self._seen.get(run_id)
        run = rows.catch_up(connection, seen) if seen else rows.load_run(connection, run_id)
        if run is None or run.ended_at is not None:
            return None
        return Seen(run, gather(connection, run, self.world, now), now)

    async def _do(self, run: Run, do: Do, facts: Facts) -> bool:
        """Carry out an act; where it would by now do something else than a person approved, ask again instead."""
        before = None
        if do.act.mutating and run.acts[do.act.key].state != "running":
            effect = self._previewer.effect(do.act, run)
            if effect is not None and effect.looks:
                before = await self._preview(run, do.act)
            approved = run.acts[do.act.key].preview
            if before and approved and run.acts[do.act.key].approved_until and before.scope != approved.scope:
                by = " and ".join(run.acts[do.act.key].approvers)
                sentence = f"What it would do is no longer what {by} approved, which was: {approved.sentence}"
                await self._ask(run, Ask(do.act, "approve", sentence), facts)
                return False
        digest, allowed = facts.meant(do.act, run) or "", self._allowed(run, do, facts)
        ahead = await self._performer.perform(run, do, digest, allowed, lambda c: self._look(c, run.id), before)
        if ahead is not None:
            self._ahead[run.id] = ahead
        return True

    async def _ask(self, run: Run, ask: Ask, facts: Facts) -> None:
        """Put a question to a person, with what the act would do and what an approval would cover besides.

        A person who started the run approves all its changes with the first; each of them is looked at for that.
        """
        offered = f" {offer(run)}" if ask.question == "failed" else ""
        body: dict[str, Any] = {"question": ask.question, "sentence": f"{ask.sentence}{offered}".strip()}
        if ask.question == "input":
            body["inputs"] = [asdict(each) for each in facts.missing.get(ask.act.key, ())]
        if ask.question == "approve":
            began = self._clock.now()
            covered = [ask.act]
            if not unattended(run) and ask.act.risk == "change":
                covered += [act for act in run.plan.acts if act.risk == "change" and run.acts[act.key].state == "to-do"]
            previews: dict[str, Preview] = {}
            for act in dict.fromkeys(covered):
                if act is ask.act or self._clock.now() - began < LOOKING * pace_of(self._clock):
                    found = await self._preview(run, act)
                    previews |= {act.key: found} if found else {}
            seen = {key: sealed(facts.digests[key], preview) for key, preview in previews.items() if key in facts.digests}
            body |= {"digests": seen, "previews": {key: preview_to_json(preview) for key, preview in previews.items()}}
        await self._journal.note(run, [Note("asked", ask.act.key, body)], self._clock.now())

    async def _preview(self, run: Run, act: Act) -> Preview | None:
        return await self._previewer.preview(job_id(run.id, act.key, run.acts[act.key].attempt), act, run)

    def _allowed(self, run: Run, do: Do, facts: Facts) -> Callable[[Connection], Gate]:
        """Give the check that the journal makes in the intent's own transaction: halt, other changes, policy and approval."""

        def check(connection: Connection) -> Gate:
            now = self._clock.now()
            if not do.act.mutating:
                halted = rows.halted(connection)
                return Gate("never", halted) if halted else Gate("run", do.sentence)
            found = hard_brakes(connection, run, self.world, now)
            if found.halted:
                return Gate("never", found.halted)
            if found.busy:
                raise Conflict(found.busy, code="WK312")
            digest = facts.meant(do.act, run)
            return gate(do.act, run, self.world.estate.policy, facts.brakes, now, facts.severities, digest)

        return check

    async def _wait(self, run: Run, wait: Wait, now: datetime) -> bool:
        if wait.until is None:
            return False
        act = wait.act.key if wait.act else None
        begins = act is not None and run.acts[act].state == "to-do"
        notes = [Note("waiting", act, {"until": wait.until.isoformat(), "sentence": wait.sentence})] if begins else []
        at = min(wait.until, wait.look_at or wait.until)
        if at - now <= NAP:
            if notes:
                await self._journal.note(run, notes, now)
            await self._clock.sleep((at - now).total_seconds())
            return True
        key = f"{KIND}:{run.id}:{int(at.timestamp())}"
        owed = due.Due(key, KIND, run.id, at, {"sentence": wait.sentence})
        await self._journal.note(run, notes, now, also=lambda connection: due.schedule(connection, owed))
        return False

    async def _finish(self, run: Run, done: Done, now: datetime) -> None:
        def also(connection: Connection) -> None:
            rows.release_leases(connection, run.id, now)
            due.cancel(connection, run.id, KIND)
            live.forget(connection, run.id)

        body = {"state": done.state, "sentence": done.sentence}
        if done.state != "succeeded" and (offered := offer(run)):
            body["offer"] = offered
        await self._journal.note(run, [Note("ended", None, body)], now, also)
        forget_jobs(self._state, run.id)
        self._forget(run.id)

    async def _give_up(self, run_id: str, problem: Exception) -> None:
        """End a run that Watchkeeper itself cannot carry on, so that a person takes over instead of waiting."""
        self._seen.pop(run_id, None)
        try:
            run = await self._database.read(lambda connection: rows.load_run(connection, run_id))
            if run is not None and run.ended_at is None:
                sentence = f"Watchkeeper itself failed and cannot carry it on: {type(problem).__name__}: {problem}"
                await self._finish(run, Done("failed", sentence), self._clock.now())
        except Exception:
            log.exception("The broken run could not be ended.", extra={"action": "run_broke", "run": run_id})

    def _forget(self, run_id: str) -> None:
        self._seen.pop(run_id, None)
        self._ahead.pop(run_id, None)
        self.world.still.pop(run_id, None)


def _note(step: Skip | Settle) -> Note:
    if isinstance(step, Skip):
        return Note("skipped", step.act.key, {"sentence": step.sentence})
    return Note("outcome", step.act.key, {"attempt": 0, "outcome": outcome_to_json(step.outcome)})
