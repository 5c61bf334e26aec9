"""Housekeeping by our own automation: the ledger's head is anchored outside, and what is old goes as retention says.

Nothing is dropped that an open incident or run still needs, and no ledger entry before it is on disk elsewhere.
"""

from __future__ import annotations

import asyncio
import logging
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path

from sqlalchemy import Connection, select

from watchkeeper.actions.acts import AUTOMATION
from watchkeeper.alert import taking
from watchkeeper.app import App
from watchkeeper.incident import changes
from watchkeeper.incident.ledger import incidents
from watchkeeper.run import retention
from watchkeeper.run.interpreter import KIND
from watchkeeper.settings import Settings
from watchkeeper.store import due, export, workers
from watchkeeper.store.anchor import NAME, write_anchor
from watchkeeper.store.ledger import Head, read_head
from watchkeeper.store.locks import hold
from watchkeeper.tell.chat import ledger as chat
from watchkeeper.watch import arrivals
from watchkeeper.watch import ledger as watch
from watchkeeper.watch.past import history
from watchkeeper.watch.past.rollup import LEVELS, Kept, forget_before, kept

log = logging.getLogger(__name__)

#: how often old rows are looked for
OFTEN = timedelta(hours=1)
#: wake-ups of runs that were done are of no use to anybody after this time
DUES_KEPT = timedelta(days=30)
#: what was last heard of an alert that is over keeps a late delivery from opening it again
REPORTS_KEPT = timedelta(days=7)
#: a change is suspected for a day, and stays for whoever looks back
CHANGES_KEPT = timedelta(days=400)


#: pieces of samples that one call brings into the sums or drops, so that nothing else waits for long
MOST_PIECES = 500
#: the settings for the levels of sums, in their order
SUMS = ("keep_minutes_days", "keep_5_minutes_days", "keep_hours_days")


class Keeper:
    """Keeps house for one App."""

    def __init__(self, app: App) -> None:
        self.app = app
        self._kept_at: datetime | None = None
        self._anchored: Head | None = None
        self._outputs_until: datetime | None = None

    async def anchor(self) -> None:
        """Write the ledger's head outside the database, where it moved."""
        app = self.app
        head = await app.database.read(read_head)
        if head != self._anchored:
            await asyncio.to_thread(write_anchor, anchor_file(app), head, app.clock.now())
            log.info("The ledger stands at entry %d, %s", head.seq, head.hash, extra={"action": "ledger_anchored"})
            self._anchored = head

    async def forget(self) -> None:
        """Drop what is older than the settings keep, once an hour; a bounded piece of each kind at a time."""
        app, now = self.app, self.app.clock.now()
        if self._kept_at is not None and now - self._kept_at < OFTEN:
            return
        self._kept_at = now
        database = app.database
        await self._forget_samples(now)
        await database.write(lambda c: due.forget(c, KIND, now - DUES_KEPT))
        settled = select(incidents.c.id).where(incidents.c.status == "resolved")
        await database.write(lambda c: taking.forget(c, now - REPORTS_KEPT, settled))
        await database.write(lambda c: chat.forget_events(c, now - DUES_KEPT))
        await database.write(lambda c: changes.forget_changes(c, now - CHANGES_KEPT))
        if outputs := self._older_than("keep_outputs_days", now):
            until = self._outputs_until
            self._outputs_until = await database.write(lambda c: retention.drop_outputs(c, outputs, until))
        if logs := self._older_than("keep_events_days", now):
            await database.write(lambda c: retention.drop_logs(c, logs))
        if entries := self._older_than("keep_ledger_days", now):
            await self.export_ledger(entries)

    async def sum_up(self) -> None:
        """Bring the new samples into the sums by which long times are shown, a piece at a time."""
        for _ in range(MOST_PIECES):
            if await self.app.database.write(history.sum_up) < history.AT_ONCE:
                return

    async def _forget_samples(self, now: datetime) -> None:
        """Drop old samples and sums until none is left, a piece at a time; only samples that are in the sums go."""
        database, kept = self.app.database, kept_by(self.app.settings)
        if samples := forget_before(kept.raw, now):
            for _ in range(MOST_PIECES):
                if not await database.write(lambda c: history.forget_raw(c, samples)):
                    break
            await database.write(lambda c: watch.prune(c, samples))
            await database.write(lambda c: workers.forget_workers(c, samples))
            await database.write(lambda c: arrivals.forget_arrivals(c, self.app.estate.signals, samples))
        for level_s, days in zip(LEVELS, kept.sums, strict=True):
            if before := forget_before(days, now):
                for _ in range(MOST_PIECES):
                    if not await database.write(partial(history.forget, level_s=level_s, before=before)):
                        break

    async def export_ledger(self, before: datetime) -> Path | None:
        """Export the ledger's entries from before an instant and cut them: file, anchor, then one transaction that cuts.

        Gives the file; None where there was nothing to export. A crash between leaves a file that the next time writes again.
        """
        app = self.app
        last = await app.database.read(lambda c: export.exportable(c, before))
        if last is None:
            return None
        given = app.settings.text("export_folder")
        folder = Path(given) if given else app.state / "exports"
        path, sha256 = await app.database.read(lambda c: export.write_export(c, folder, last))
        await asyncio.to_thread(write_anchor, anchor_file(app), last, app.clock.now())

        def work(connection: Connection) -> bool:
            hold(connection, "ledger cut")
            mine = export.exportable(connection, before) == last
            if mine:
                export.cut(connection, app.clock.now(), AUTOMATION, last, path, sha256)
            return mine

        if not await app.database.write(work):
            return None
        log.info("The ledger up to entry %d is in %s.", last.seq, path, extra={"action": "ledger_exported"})
        return path

    def _older_than(self, setting: str, now: datetime) -> datetime | None:
        days = self.app.settings.number(setting)
        return now - timedelta(days=days) if days > 0 else None


def kept_by(settings: Settings) -> Kept:
    """Give how long samples and their sums are kept."""
    return kept(settings.number("keep_samples_days"), *(settings.number(name) for name in SUMS))


def anchor_file(app: App) -> Path:
    """Give the file to which this process writes anchors."""
    return Path(app.settings.text("anchor_file") or app.state / NAME)
