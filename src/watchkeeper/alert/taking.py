"""Takes what others send into the rows of alerts: what is new is opened, what is over ends, and the rest is only heard again.

One transaction takes a bounded number of reports with a fixed number of statements, however many they are; all of it is written
or nothing. Taking the same again changes nothing but the count.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Select, bindparam, func, insert, select, update
from sqlalchemy.dialects.postgresql import insert as postgres_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert

from watchkeeper.alert.hearing import Heard, group_of, hear, route_of, since
from watchkeeper.alert.ledger import alerts, reports
from watchkeeper.alert.model import Alert, Known, Report
from watchkeeper.alert.naming import Names
from watchkeeper.base.ids import new_id
from watchkeeper.estate.model import Alerting, Hook
from watchkeeper.store.locks import hold

log = logging.getLogger(__name__)

#: reports taken in one transaction
AT_ONCE = 500
#: rows that fall silent in one transaction
SILENT_AT_ONCE = 1000
#: a sender that watchkeeper.toml names no more is waited for no longer than this
FORGOTTEN = timedelta(hours=24)
_KEPT = ("status", "began_at", "at", "heard_at", "alert_id", "name", "labels")


@dataclass
class Taken:
    """What a delivery changed, in numbers and where it is odd in sentences."""

    opened: int = 0
    again: int = 0
    ended: int = 0
    old: int = 0
    unheard: int = 0
    sentences: list[str] = field(default_factory=list)
    #: (incident, sentence): what the timelines are to say
    noted: list[tuple[str, str]] = field(default_factory=list)

    def add(self, other: Taken) -> None:
        """Count another part of the same delivery."""
        for name in ("opened", "again", "ended", "old", "unheard"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.sentences = [*self.sentences, *other.sentences][:10]
        self.noted += other.noted


def take(connection: Connection, hook: Hook, sent: Sequence[Report], names: Names, alerting: Alerting, now: datetime) -> Taken:
    """Take the reports of one sender, at most `AT_ONCE`; the last of several about one alert is what counts last."""
    hold(connection, f"hook {hook.name}")  # two deliveries of one sender are taken one after the other
    taking = _Taking(connection, hook, names, alerting, now)
    taking.look_up(sent)
    for report in sent:
        taking.hear(report)
    taking.write()
    return taking.taken


class _Taking:
    """The rows of one transaction, in memory until they are written together."""

    def __init__(self, connection: Connection, hook: Hook, names: Names, alerting: Alerting, now: datetime) -> None:
        self.connection, self.hook, self.names, self.alerting, self.now = connection, hook, names, alerting, now
        self.taken = Taken()
        self.known: dict[str, Known] = {}
        self.rows: dict[str, dict[str, Any]] = {}
        self.opened: dict[str, Alert] = {}
        self.ended: dict[str, None] = {}
        #: alert -> since when nobody sees whether it holds; None: somebody does again
        self.seen: dict[str, datetime | None] = {}

    def look_up(self, sent: Sequence[Report]) -> None:
        """Read what is known of all these alerts at once."""
        keys = list({self._key(report) for report in sent})
        for row in self.connection.execute(select(reports).where(reports.c.key.in_(keys))):
            self.known[row.key] = Known(row.key, row.status, row.began_at, row.at, row.heard_at, row.alert_id, row.times)

    def _key(self, report: Report) -> str:
        return f"{self.hook.name}:{report.id}"[:200]

    def hear(self, report: Report) -> None:
        """Take one report."""
        key = self._key(report)
        known = self.known.get(key)
        heard = hear(report, known, self.now)
        alert_id = known.alert_id if known else None
        if heard.move == "open":
            alert_id = self._open(key, report, heard)
        elif heard.move == "end" and alert_id is not None:
            self._end(alert_id)
        elif heard.move in ("again", "blind") and alert_id is not None:
            self.taken.again += 1
            if heard.status != (known.status if known else ""):
                self._turn(alert_id, heard.status)
        else:
            self._odd(report, heard, alert_id)
        times = known.times + 1 if known else 1
        self.known[key] = Known(key, heard.status, heard.began_at, heard.at, self.now, alert_id, times)
        self.rows[key] = {
            "key": key, "source": self.hook.name, "status": heard.status, "began_at": heard.began_at, "at": heard.at,
            "heard_at": self.now, "times": times, "alert_id": alert_id, "name": report.name, "labels": dict(report.labels),
        }  # fmt: skip

    def _open(self, key: str, report: Report, heard: Heard) -> str:
        named = self.names.find(report, self.hook)
        alert = Alert(
            id=new_id("alt", self.now),
            key=key,
            subject=named.subject,
            component=named.component,
            severity=named.severity,
            breached_at=since(heard, self.now),
            fired_at=self.now,
            ended_at=None,
            value=report.value,
            sentence=f"{self.hook.name} says: {report.sentence.rstrip('.')}. {named.sentence}",
            source=self.hook.name,
            threshold=named.threshold,
            grouped=None if named.component else group_of(report, self.hook),
            route=route_of(named, report, self.hook.name, self.alerting.routes),
            lead=0,
            stale_at=self.now if heard.status == "blind" else None,
        )
        self.opened[alert.id] = alert
        self.taken.opened += 1
        return alert.id

    def _end(self, alert_id: str) -> None:
        self.ended[alert_id] = None
        self.taken.ended += 1

    def _turn(self, alert_id: str, status: str) -> None:
        self.seen[alert_id] = self.now if status == "blind" else None

    def _odd(self, report: Report, heard: Heard, alert_id: str | None) -> None:
        if heard.move == "acknowledged":
            self._acknowledged(report, alert_id)
        elif heard.move in ("unheard", "end"):
            self.taken.unheard += 1
            self._say(f"{self.hook.name} says that {report.name} is over; it had not said that it began.")
        else:
            self.taken.old += 1

    def _acknowledged(self, report: Report, alert_id: str | None) -> None:
        """Write down that somebody has it over there; here the ladder goes on, because nobody here has said so."""
        self.taken.again += 1
        told = (
            f"{self.hook.name} says that somebody acknowledged {report.name} there; here nobody has taken the incident by that."
        )
        row = self.connection.execute(select(alerts.c.incident_id).where(alerts.c.id == alert_id)).first() if alert_id else None
        if row is not None and row.incident_id is not None:
            self.taken.noted.append((row.incident_id, told))
        self._say(told)

    def _say(self, sentence: str) -> None:
        if len(self.taken.sentences) < 10:
            self.taken.sentences.append(sentence)

    def write(self) -> None:
        """Write all of it."""
        if self.rows:
            self.connection.execute(_upsert(self.connection), list(self.rows.values()))
        # what began and was over within this delivery is written as both
        new = [_row(alert) | {"ended_at": self.now if alert.id in self.ended else None} for alert in self.opened.values()]
        if new:
            self.connection.execute(insert(alerts), new)
        if ended := [alert_id for alert_id in self.ended if alert_id not in self.opened]:
            end(self.connection, ended, self.now)
        for at in set(self.seen.values()):
            turned = [alert_id for alert_id, seen in self.seen.items() if seen == at]
            self.connection.execute(update(alerts).where(alerts.c.id.in_(turned)).values(stale_at=at))


def end(connection: Connection, alert_ids: Sequence[str], now: datetime) -> None:
    """End alerts; where one of them led others that still fire, one of those leads from now on."""
    connection.execute(
        update(alerts).where(alerts.c.id.in_(alert_ids), alerts.c.ended_at.is_(None)).values(ended_at=now, stale_at=None)
    )
    leads = select(alerts.c.incident_id, *(alerts.c[name] for name in ALIKE)).where(
        alerts.c.id.in_(alert_ids), alerts.c.lead == 1, alerts.c.incident_id.is_not(None)
    )
    for row in connection.execute(leads.distinct()).all():
        still = (alerts.c.incident_id == row.incident_id, alerts.c.ended_at.is_(None), *alike(row._asdict()))
        if connection.execute(select(alerts.c.id).where(*still, alerts.c.lead == 1).limit(1)).first() is None:
            heir = select(alerts.c.id).where(*still).order_by(alerts.c.id).limit(1).scalar_subquery()
            connection.execute(update(alerts).where(alerts.c.id == heir).values(lead=1))


_COLUMNS = tuple(column.name for column in alerts.c)


def _row(alert: Alert) -> dict[str, Any]:
    return {name: getattr(alert, name) for name in _COLUMNS}


#: alerts of one sender that are the same in all of these share what is decided about one of them
ALIKE = ("source", "component", "grouped", "severity", "threshold", "route")


def alike(row: Mapping[str, Any]) -> list[Any]:
    """Give the conditions for alerts like this one."""
    return [alerts.c[name].is_(None) if row[name] is None else alerts.c[name] == row[name] for name in ALIKE]


def fall_silent(connection: Connection, alerting: Alerting, now: datetime) -> list[tuple[str | None, str, int]]:
    """Mark the firing alerts that were not heard of for too long, of which nobody knows whether they hold.

    Gives (incident, hook, how many).
    """
    said: dict[tuple[str | None, str], int] = {}
    sources = connection.execute(select(reports.c.source).where(reports.c.status == "firing").distinct()).scalars().all()
    for source in sources:
        hold(connection, f"hook {source}")  # a delivery that is just being taken speaks of some of them
        hook = alerting.hooks.get(source)
        before = now - (timedelta(seconds=hook.stale_s) if hook else FORGOTTEN)
        quiet = (reports.c.source == source, reports.c.status == "firing", reports.c.heard_at < before)
        rows = connection.execute(select(reports.c.key, reports.c.alert_id).where(*quiet).limit(SILENT_AT_ONCE)).all()
        if not rows:
            continue
        mine = [row.alert_id for row in rows if row.alert_id]
        connection.execute(update(reports).where(reports.c.key.in_([row.key for row in rows])).values(status="blind"))
        connection.execute(update(alerts).where(alerts.c.id.in_(mine), alerts.c.ended_at.is_(None)).values(stale_at=now))
        counted = select(alerts.c.incident_id, func.count()).where(alerts.c.id.in_(mine), alerts.c.ended_at.is_(None))
        for incident_id, count in connection.execute(counted.group_by(alerts.c.incident_id)).all():
            said[(incident_id, source)] = said.get((incident_id, source), 0) + count
    return [(incident_id, source, count) for (incident_id, source), count in said.items()]


def forget(connection: Connection, before: datetime, settled: Select[tuple[str]]) -> int:
    """Drop what was heard of alerts that were over before an instant, a bounded number at once; returns how many.

    One of which nobody has spoken since is over as well where its alert is, or where its incident is one of the settled.
    """
    still = select(alerts.c.id).where(alerts.c.id == reports.c.alert_id, alerts.c.ended_at.is_(None))
    still = still.where(alerts.c.incident_id.is_(None) | alerts.c.incident_id.not_in(settled))
    quiet = (reports.c.status == "blind") & ~still.exists()
    ended = reports.c.status.in_(("resolved", "unheard")) | quiet
    over = select(reports.c.key).where(ended, reports.c.heard_at < before).limit(5000)
    return connection.execute(reports.delete().where(reports.c.key.in_(over))).rowcount


def _upsert(connection: Connection) -> Any:
    make = postgres_insert if connection.dialect.name == "postgresql" else sqlite_insert
    new = make(reports).values({column.name: bindparam(column.name) for column in reports.c})
    kept = {name: new.excluded[name] for name in _KEPT}
    return new.on_conflict_do_update(index_elements=[reports.c.key], set_=kept | {"times": new.excluded.times})
