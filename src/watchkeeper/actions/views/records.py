"""What the pages show of what was kept: the ledger of acts and decisions, and the reviews."""

from __future__ import annotations

from sqlalchemy import Connection, select

from watchkeeper.actions.views.frame import read_frame
from watchkeeper.actions.views.records_model import ActEntry, LedgerView, ReviewLine, Reviews, ReviewView
from watchkeeper.app import App
from watchkeeper.base.errors import NotFound
from watchkeeper.incident.ledger import incidents
from watchkeeper.learn import follow_up
from watchkeeper.learn.ledger import reviews
from watchkeeper.store.ledger import entries, read_head, verify
from watchkeeper.store.sight import tells_of_unseen, unseen_ids

PAGE = 100
#: a chain longer than this is not walked for a page
WALKED = 5_000


async def the_ledger(app: App, before: int | None = None) -> LedgerView:
    """Show a page of the ledger, newest first, and whether the chain holds."""
    now = app.clock.now()

    def work(connection: Connection) -> LedgerView:
        head = read_head(connection)
        query = select(entries).order_by(entries.c.seq.desc()).limit(PAGE)
        # what tells of an incident that is not to be seen is left out; the chain is checked with it
        rows = connection.execute(query.where(entries.c.seq < before) if before else query).all()
        walked = head.seq <= WALKED
        return LedgerView(
            frame=read_frame(connection, app, now),
            entries=tuple(
                ActEntry(r.seq, r.at, r.actor, r.act, r.subject, r.why, r.hash, r.body)
                for r in rows
                if not tells_of_unseen(connection, r.subject, r.why, body=r.body)
            ),
            head=head.seq,
            head_hash=head.hash,
            broken=tuple(broken.sentence for broken in verify(connection, {})[1]) if walked else (),
            verified=walked,
            older=rows[-1].seq if rows and rows[-1].seq > 1 else None,
        )

    return await app.database.read(work)


async def all_reviews(app: App) -> Reviews:
    """Show the newest reviews."""
    now = app.clock.now()
    joined = reviews.join(incidents, incidents.c.id == reviews.c.incident_id)
    query = select(reviews, incidents.c.title, incidents.c.severity).select_from(joined).order_by(reviews.c.at.desc()).limit(200)

    def work(connection: Connection) -> Reviews:
        seen = query.where(incidents.c.id.not_in(unseen_ids(connection)))
        found = [ReviewLine(r.incident_id, r.title, r.severity, r.at, r.measures) for r in connection.execute(seen)]
        return Reviews(read_frame(connection, app, now), tuple(found), tuple(follow_up.listed(connection, open_only=True)))

    return await app.database.read(work)


async def one_review(app: App, incident_id: str) -> ReviewView:
    """Show the review of an incident; raises NotFound."""
    now = app.clock.now()
    joined = reviews.join(incidents, incidents.c.id == reviews.c.incident_id)
    query = (
        select(reviews, incidents.c.title, incidents.c.severity).select_from(joined).where(reviews.c.incident_id == incident_id)
    )

    def work(connection: Connection) -> ReviewView:
        row = connection.execute(query.where(incidents.c.id.not_in(unseen_ids(connection)))).first()
        if row is None:
            raise NotFound(
                f"There is no review of {incident_id}.", hint="It is written once the incident is resolved.", code="WK204"
            )
        line = ReviewLine(row.incident_id, row.title, row.severity, row.at, row.measures)
        to_do = tuple(follow_up.listed(connection, incident_id))
        return ReviewView(read_frame(connection, app, now), line, row.markdown, to_do, tuple(app.estate.people))

    return await app.database.read(work)
