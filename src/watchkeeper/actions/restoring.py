"""What follows when the database was restored from a backup: a new epoch, in which unfinished runs ask before each change."""

from __future__ import annotations

import logging
from datetime import datetime
from pathlib import Path

from sqlalchemy import Connection

from watchkeeper.actions.acts import AUTOMATION, drive_at
from watchkeeper.actions.permission import done_by, require
from watchkeeper.app import App
from watchkeeper.base.errors import InputError
from watchkeeper.people.identity import Actor
from watchkeeper.run.reopening import reopen_runs
from watchkeeper.store import ledger, workers
from watchkeeper.store.anchor import anchor_files, read_anchors
from watchkeeper.store.locks import hold
from watchkeeper.store.restoration import Gap, begin_epoch, find_gap

log = logging.getLogger(__name__)

_NOTICED = "The ledger lacks entries that were anchored outside: the database was restored from a backup, or cut."


def known_anchors(app: App) -> list[tuple[int, str]]:
    """Read every anchor that lies here: the file in force, and those of workers below the state folder."""
    given = app.settings.text("anchor_file")
    return [each for path in anchor_files(app.state, Path(given) if given else None) for each in read_anchors(path)]


async def restored(app: App, actor: Actor, why: str) -> tuple[int, Gap]:
    """Say that the database was restored; gives the epoch that began, and the ledger entries that are lost by it."""
    require(actor, "restored")
    if not why.strip():
        raise InputError("A restored database needs a reason.", hint="Say which backup, and why.", code="WK168")
    now, anchors = app.clock.now(), known_anchors(app)

    def work(connection: Connection) -> tuple[int, Gap]:
        gap = find_gap(connection, anchors)
        return _begin(connection, now, actor.name, why, gap, declared=True), gap

    return await done_by(app, actor, "restored", work)


async def notice(app: App) -> int | None:
    """Look for a restoration that nobody told of; gives the epoch that it begins, None where all is as it was left.

    It makes the runs ask and excuses nothing: until an owner says `watchkeeper restored`, the audit goes on naming what is gone.
    """
    now, anchors = app.clock.now(), known_anchors(app)
    if not anchors or not await app.database.read(lambda connection: find_gap(connection, anchors, anew=True)):
        return None

    def work(connection: Connection) -> int | None:
        hold(connection, "restoration")
        gap = find_gap(connection, anchors, anew=True)
        return _begin(connection, now, AUTOMATION, _NOTICED, gap, declared=False) if gap else None

    epoch = await app.database.write(work)
    if epoch is not None:
        log.error("%s Unfinished runs ask before each change.", _NOTICED, extra={"action": "restoration_noticed"})
    return epoch


def _begin(connection: Connection, now: datetime, actor: str, why: str, gap: Gap, *, declared: bool) -> int:
    epoch = begin_epoch(connection, now, actor, why, gap)
    for peer in workers.open_workers(connection):
        workers.close(connection, peer.id, now, "The database was restored.")
    sentence = f"The database was restored ({why.rstrip('.')}): it may have been done already."
    for run_id in reopen_runs(connection, now, epoch, sentence):
        drive_at(connection, run_id, now)
    body = {"epoch": epoch, "lost_from": gap.first, "lost_to": gap.last, "declared": declared}
    ledger.append(connection, now, actor, ledger.RESTORED, f"epoch {epoch}", why=why, body=body)
    return epoch
