"""Housekeeping by our own automation: the ledger's head is anchored outside, and what is old goes as retention says.

Nothing is dropped that an open incident or run still needs, and no ledger entry before it is on disk elsewhere.
"""

from __future__ import annotations

import asyncio
import logging
from datetime import datetime, timedelta
from pathlib import Path

from sqlalchemy import Connection

from watchkeeper.actions.acts import AUTOMATION
from watchkeeper.app import App
from watchkeeper.run import retention
from watchkeeper.run.interpreter import KIND
from watchkeeper.store import due, export, workers
from watchkeeper.store.anchor import NAME, write_anchor
from watchkeeper.store.ledger import Head, read_head
from watchkeeper.store.locks import hold
from watchkeeper.watch import ledger as watch

log = logging.getLogger(__name__)

#: how often old rows are looked for
OFTEN = timedelta(hours=1)
#: wake-ups of runs that were done are of no use to anybody after this time
DUES_KEPT = timedelta(days=30)


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
        if samples := self._older_than("keep_samples_days", now):
            await database.write(lambda c: watch.prune(c, samples))
            await database.write(lambda c: workers.forget_workers(c, samples))
        await database.write(lambda c: due.forget(c, KIND, now - DUES_KEPT))
        if outputs := self._older_than("keep_outputs_days", now):
            until = self._outputs_until
            self._outputs_until = await database.write(lambda c: retention.drop_outputs(c, outputs, until))
        if logs := self._older_than("keep_events_days", now):
            await database.write(lambda c: retention.drop_logs(c, logs))
        if entries := self._older_than("keep_ledger_days", now):
            await self.export_ledger(entries)

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


def anchor_file(app: App) -> Path:
    """Give the file to which this process writes anchors."""
    return Path(app.settings.text("anchor_file") or app.state / NAME)
