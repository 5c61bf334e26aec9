"""The page for the public, read from the rows."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import Connection, func, or_, select

from watchkeeper.alert.ledger import alerts
from watchkeeper.app import App
from watchkeeper.base.errors import NotFound
from watchkeeper.estate.model import StatusPage
from watchkeeper.incident import ledger as incidents
from watchkeeper.incident.model import Incident
from watchkeeper.tell.public import ledger, rules
from watchkeeper.tell.public.model import PublicPage, Spell
from watchkeeper.watch.ledger import read_standings, samples
from watchkeeper.watch.past.history import buckets
from watchkeeper.watch.past.rollup import LEVELS

#: incidents that are looked at, newest first; more than so many in two weeks do not help a reader
MOST = 60


def the_page_of(app: App) -> StatusPage:
    """Give what watchkeeper.toml says of the public's page; NotFound where there is none."""
    if app.estate.statuspage is None:
        raise NotFound(
            "The public has no page.",
            hint='Add [statuspage] to watchkeeper.toml; title = "Our shop" is enough.',
            code="WK540",
        )
    return app.estate.statuspage


def address_of(app: App) -> str:
    """Give where the public reads the page, without a slash at the end; empty where that is not known."""
    config = the_page_of(app)
    return config.address or (f"{app.address}/status" if app.address else "")


async def public_page(app: App) -> PublicPage:
    """Read the page as it is now."""
    the_page_of(app)
    now = app.clock.now()
    return await app.database.read(lambda connection: read_page(connection, app, now))


def read_page(connection: Connection, app: App, now: datetime) -> PublicPage:
    """Read the page at an instant."""
    config = the_page_of(app)
    named = public_names(app)
    since = now - timedelta(days=rules.DAYS)
    spells = _spells(connection, app, named, since)
    works = ledger.read_works(connection, now)
    watched_from = _watched_from(connection)
    standings = read_standings(connection)
    blind = {b.component for b in app.bindings.bound if b.key in standings and standings[b.key].state == "blind"}
    shown = [
        rules.component(
            name,
            [spell for _, spell in spells],
            any(named.get(each or "") == name for each in blind),
            works,
            watched_from,
            now,
        )
        for name in dict.fromkeys(named.values())
    ]
    found = _incidents(connection, now)
    since_when = {each.id: each.private_at for each in found}
    posts = [
        each
        for each in ledger.read_posts(connection, list(since_when))
        # of a private incident only what was published knowing that
        if (private_at := since_when[each.incident_id]) is None or each.at >= private_at
    ]
    itself = config.publish == "itself"
    told = [
        rules.incident(
            each,
            [s for of, s in spells if of == each.id],
            [p for p in posts if p.incident_id == each.id],
            by_itself=itself and not each.is_private,
        )
        for each in found
    ]
    return rules.page(
        config.title,
        address_of(app),
        shown,
        [each for each in told if each is not None],
        works,
        now,
        by_mail=config.mail is not None,
    )


def public_names(app: App) -> dict[str, str]:
    """Give the components that the public sees, with their public names: those that the file names, else all that are watched."""
    config = the_page_of(app)
    if config.components:
        return dict(config.components)
    watched = (*(b.component for b in app.bindings.bound), *(s.component for s in app.estate.signals.values()))
    return {name: name for name in watched if name} or {app.estate.service: config.title}


def _spells(connection: Connection, app: App, named: dict[str, str], since: datetime) -> list[tuple[str | None, Spell]]:
    """Give when public components were not well, each with its incident."""
    states = {bound.key for bound in app.bindings.bound if bound.threshold.op == "is"}
    columns = (
        alerts.c.key,
        alerts.c.threshold,
        alerts.c.component,
        alerts.c.breached_at,
        alerts.c.ended_at,
        alerts.c.incident_id,
    )
    recent = or_(alerts.c.ended_at.is_(None), alerts.c.ended_at > since)
    private = set(
        connection.execute(select(incidents.incidents.c.id).where(incidents.incidents.c.private_at.is_not(None))).scalars()
    )
    found = []
    for row in connection.execute(select(*columns).where(recent, alerts.c.lead == 1).order_by(alerts.c.breached_at)):
        if row.incident_id in private:
            continue  # what a private incident's alerts say is not for the public
        name = named.get(row.component or app.estate.service)
        if name is not None:
            impact = "outage" if states & {row.key, row.threshold} else "degraded"
            found.append((row.incident_id, Spell(name, impact, row.breached_at, row.ended_at)))  # type: ignore[arg-type]
    return found


def _incidents(connection: Connection, now: datetime) -> list[Incident]:
    recent = [each for each in incidents.list_incidents(connection, limit=MOST) if _is_recent(each, now)]
    still_open = incidents.list_incidents(connection, open_only=True, limit=MOST)
    return list({each.id: each for each in (*recent, *still_open)}.values())


def _is_recent(found: Incident, now: datetime) -> bool:
    return found.resolved_at is None or now - found.resolved_at <= rules.PAST


def _watched_from(connection: Connection) -> datetime | None:
    """Give since when anything is watched: the oldest sums, else the oldest samples."""
    oldest: datetime | None = connection.execute(select(func.min(buckets.c.at)).where(buckets.c.level_s == LEVELS[-1])).scalar()
    return oldest or connection.execute(select(func.min(samples.c.at))).scalar()
