"""The journal: what is meant is on disk before it is done, and what came of it after. The log of a run is written here alone.

`begin` is one transaction: not halted, policy and approval hold for exactly this digest, the component's lease is ours, nobody
appended meanwhile, intent and event written. `end` is one transaction too: outcome and event. An attempt that was begun and has
no outcome was begun by somebody who did not live to tell; that is found, never guessed.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeAlias, TypeVar

from sqlalchemy import Connection

from watchkeeper.base.errors import Refused
from watchkeeper.run import ledger as rows
from watchkeeper.run.fold import outcome_to_json, preview_to_json
from watchkeeper.run.gate import AUTOMATION, Gate
from watchkeeper.run.ledger import Attempt
from watchkeeper.run.model import Act, Event, Outcome, Preview, Run
from watchkeeper.store import ledger
from watchkeeper.store.database import Database
from watchkeeper.store.locks import hold
from watchkeeper.store.membership import RUN, Membership
from watchkeeper.store.workers import Worker, find_worker

T = TypeVar("T")
#: told of each event in its own transaction: the incident's timeline hangs on it
Told: TypeAlias = Callable[[Connection, Run, Event], None]


@dataclass(frozen=True, slots=True)
class Intent:
    """What is about to be done, as which attempt, and until when it holds its component."""

    run: Run
    act: Act
    attempt: int
    digest: str
    #: what the lease is taken on
    component: str
    until: datetime
    sentence: str
    #: what was seen right before it
    before: Preview | None = None


@dataclass(frozen=True, slots=True)
class Note:
    """An event that is no act: asked, skipped, waiting, an outcome that needed nothing to be run, ended."""

    kind: str
    act: str | None = None
    body: dict[str, Any] = field(default_factory=dict)


class Journal:
    """Writes runs."""

    def __init__(
        self, database: Database, owner: str, boot_id: str, told: Told | None = None, worker: Membership | None = None
    ) -> None:
        self._database = database
        self._owner = owner
        self.boot_id = boot_id
        self._told = told
        #: where several work on one database: what this one may drive
        self.worker = worker

    @property
    def owner(self) -> str:
        """Give the name under which attempts are begun here."""
        return self._owner if self.worker is None or self.worker.alone else self.worker.id

    async def find_worker(self, worker_id: str) -> Worker | None:
        """Give the worker that began an attempt, alive or not; None where it was none."""
        return await self._database.read(lambda connection: find_worker(connection, worker_id))

    async def write(self, work: Callable[[Connection], T]) -> T:
        """Run one journal write; when this returns, it is on disk."""
        return await self._database.write(work)

    async def begin(self, intent: Intent, now: datetime, allowed: Callable[[Connection], Gate]) -> Attempt | None:
        """Write the intent; gives None where it is fresh, else the attempt as a predecessor left it.

        Raises Refused where a halt, the policy or a missing approval forbids it, Conflict where another run holds the component
        or somebody else appended to the log.
        """
        run, act = intent.run, intent.act

        def work(connection: Connection) -> Attempt | None:
            if self.worker is not None:
                self.worker.guard(connection, RUN + run.id)
            if act.mutating and run.actor == AUTOMATION:
                # on PostgreSQL two who look at once would each see no other change under way
                hold(connection, "unattended change")
            earlier = rows.read_attempt(connection, run.id, act.key, intent.attempt)
            if earlier is not None:
                return earlier
            answer = allowed(connection)
            if answer.allow != "run":
                raise Refused(answer.sentence, code="WK303")
            body: dict[str, Any] = {"attempt": intent.attempt, "digest": intent.digest, "sentence": intent.sentence}
            if intent.before is not None:
                body["before"] = preview_to_json(intent.before)
            if act.mutating:
                body["fence"] = rows.take_lease(connection, intent.component, run.id, now, intent.until)
                about = {"act": act.key, "attempt": intent.attempt, "command": act.command.text if act.command else act.text}
                why = {"digest": intent.digest, "risk": act.risk, "target": run.target_of(act), "fence": body["fence"]}
                ledger.append(connection, now, run.actor, "act begun", run.id, why=intent.sentence, body={**about, **why})
            rows.write_intent(connection, run.id, act.key, intent.attempt, self.owner, self.boot_id, intent.digest, act.risk, now)
            self._append(connection, run, now, Note("intent", act.key, body), run.seq)
            return None

        return await self.write(work)

    async def end(
        self, run: Run, act: Act, attempt: int, outcome: Outcome, now: datetime, then: Callable[[Connection], T] | None = None
    ) -> T | None:
        """Write what came of an attempt, once; the second to say so changes nothing.

        `then` looks at how things stand after it, in the same transaction; that it fails does not touch the outcome.
        """

        def work(connection: Connection) -> T | None:
            if not rows.write_outcome(connection, run.id, act.key, attempt, outcome, now):
                return None
            if act.mutating:
                body = {"act": act.key, "attempt": attempt, "result": outcome.result, "exit_status": outcome.exit_status}
                ledger.append(connection, now, run.actor, "act ended", run.id, why=outcome.sentence, body=body)
            note = Note("outcome", act.key, {"attempt": attempt, "outcome": outcome_to_json(outcome)})
            self._append(connection, run, now, note, None)
            if then is not None:
                with contextlib.suppress(Exception), connection.begin_nested():
                    return then(connection)
            return None

        return await self.write(work)

    async def note(
        self, run: Run, notes: Sequence[Note], now: datetime, also: Callable[[Connection], None] | None = None
    ) -> None:
        """Append events that are no acts, all or none; `also` writes what belongs to them."""

        def work(connection: Connection) -> None:
            for place, note in enumerate(notes):
                self._append(connection, run, now, note, run.seq + place)
            if also is not None:
                also(connection)

        await self.write(work)

    def _append(self, connection: Connection, run: Run, now: datetime, note: Note, expect_seq: int | None) -> None:
        event = rows.append_event(
            connection,
            run.id,
            now,
            note.kind,
            act=note.act,
            body=note.body,
            expect_seq=expect_seq,
            stays_running=note.kind == "intent" and run.state == "running",
        )
        if self._told is not None:
            self._told(connection, run, event)
