"""What the page, the API and the command line show of how long incidents took and how much people were paged."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, func, select

from watchkeeper.actions.views.frame import read_frame
from watchkeeper.actions.views.model import Frame
from watchkeeper.app import App
from watchkeeper.incident.ledger import incidents
from watchkeeper.incident.model import Incident
from watchkeeper.incident.relations import merged_away
from watchkeeper.learn.ledger import reviews
from watchkeeper.learn.measures import promises
from watchkeeper.learn.over_time import By, Kept, Lived, Load, Times, loads, over_time, promises_kept
from watchkeeper.store.sight import unseen_ids
from watchkeeper.tell.ledger import outbox

#: how a private incident counts for who may not see it: by its times alone
PRIVATE = "private"
#: kinds of notices that wake somebody
PAGING = ("initial", "escalation", "severity", "late", "ask", "proposal", "page")


@dataclass(frozen=True, slots=True)
class MeasuresView:
    """How long incidents took over a span, and how much people were paged."""

    frame: Frame
    since: datetime
    days: int
    by: By
    groups: tuple[Times, ...]
    months: tuple[Times, ...]
    people: tuple[Load, ...]
    #: the promises of the book, month by month, the newest first
    promises: tuple[Kept, ...]
    #: incidents that are over and have no review yet, and are not counted
    uncounted: int


async def measures(app: App, days: int = 90, by: By = "severity") -> MeasuresView:
    """Show the measures of the incidents that began within so many days."""
    now = app.clock.now()
    return await app.database.read(lambda c: _read(c, app, now, days, by))


def _read(connection: Connection, app: App, now: datetime, days: int, by: By) -> MeasuresView:
    since = now - timedelta(days=days)
    table = incidents.c
    query = select(incidents, reviews.c.measures).join(reviews, reviews.c.incident_id == table.id).where(table.began_at >= since)
    titles = {procedure.id: procedure.title for procedure in app.book.procedures}
    rows, left_out = connection.execute(query).all(), unseen_ids(connection)
    held = [
        (f"{row.began_at:%Y-%m}", row.severity, promise)
        for row in rows
        for promise in promises(app.book, _incident(row), row.measures, office=app.estate.office)
    ]
    lived = [
        Lived(
            "" if row.id in left_out else row.id,
            row.service,
            row.severity,
            PRIVATE if row.id in left_out else row.cause,
            PRIVATE if row.id in left_out else titles.get(row.procedure_id, row.procedure_id),
            row.began_at,
            row.measures,
        )
        for row in rows
    ]
    unread = table.id.not_in(select(reviews.c.incident_id)) & table.id.not_in(merged_away)
    over = select(func.count()).select_from(incidents).where(table.began_at >= since, table.status == "resolved", unread)
    uncounted = connection.execute(over).scalar_one()
    sent = select(outbox.c.person, outbox.c.sent_at).where(
        outbox.c.state == "sent", outbox.c.kind.in_(PAGING), outbox.c.sent_at >= since
    )
    names = {person.id: person.name for person in app.estate.people.values()}
    pages = [(names[row.person], row.sent_at) for row in connection.execute(sent) if row.person in names]
    return MeasuresView(
        frame=read_frame(connection, app, now),
        since=since,
        days=days,
        by=by,
        groups=tuple(over_time(lived, by)),
        months=tuple(over_time(lived, "month")),
        people=tuple(loads(pages, app.estate.office.hours.zone)),
        promises=tuple(promises_kept(held)),
        uncounted=uncounted,
    )


def _incident(row: Row[Any]) -> Incident:
    return Incident(**{name: getattr(row, name) for name in Incident.__slots__})


def as_csv(view: MeasuresView) -> str:
    """Give the groups as comma-separated values, times in seconds; by person, how often each was paged."""
    import csv
    import io

    made = io.StringIO()
    writer = csv.writer(made)
    if view.by == "promise":
        writer.writerow(["month", "severity", "promise", "promised_s", "incidents", "kept", "longest_s"])
        for held in view.promises:
            longest = "" if held.longest_s is None else f"{held.longest_s:.1f}"
            about = (held.month, _cell(held.severity), held.promise, f"{held.promised_s:.0f}")
            writer.writerow([*about, held.incidents, held.kept, longest])
        return made.getvalue()
    if view.by == "person":
        writer.writerow(["person", "pages", "at_night", "nights", "worst_night"])
        writer.writerows([_cell(load.person), load.pages, load.at_night, load.nights, load.worst_night] for load in view.people)
        return made.getvalue()
    writer.writerow([view.by, "incidents", "mttd_s", "mtta_s", "mttm_s", "mttr_s", "longest_s", "longest_incident"])
    for each in view.groups:
        times = (each.mttd_s, each.mtta_s, each.mttm_s, each.mttr_s, each.longest_s)
        writer.writerow(
            [_cell(each.group), each.incidents, *("" if t is None else f"{t:.1f}" for t in times), each.longest_id or ""]
        )
    return made.getvalue()


def _cell(text: str) -> str:
    """Keep a text a text: a spreadsheet takes one that begins so for a formula."""
    return f"'{text}" if text[:1] in "=+-@\t" else text
