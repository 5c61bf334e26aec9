"""How the alerts of others stand in an incident, and what is said when one of them is not heard of any more."""

from __future__ import annotations

import logging
from datetime import datetime

from sqlalchemy import Connection, func, select

from watchkeeper.alert.ledger import alerts
from watchkeeper.alert.taking import fall_silent as mark_silent
from watchkeeper.base.words import counted
from watchkeeper.estate.model import Alerting
from watchkeeper.incident.ledger import add_entry
from watchkeeper.incident.lifecycle import AUTOMATION
from watchkeeper.store import ledger
from watchkeeper.watch.model import Standing

log = logging.getLogger(__name__)


def standings_of(connection: Connection, incident_id: str, now: datetime) -> dict[str, Standing]:
    """Give how each sender's alerts of an incident stand together, as if each sender were a threshold.

    They fire while one of them does; they are blind while all that are open were not heard of for too long; else they are well,
    since the last of them was over.
    """
    mine = alerts.c.incident_id == incident_id
    leads = select(alerts.c.source).where(mine, alerts.c.lead == 1, alerts.c.source.is_not(None)).distinct()
    return {source: _standing(connection, incident_id, source, now) for source in connection.execute(leads).scalars()}


def _standing(connection: Connection, incident_id: str, source: str, now: datetime) -> Standing:
    own = (alerts.c.incident_id == incident_id, alerts.c.source == source)
    still = (*own, alerts.c.ended_at.is_(None))
    firing = connection.execute(select(alerts.c.fired_at).where(*still, alerts.c.stale_at.is_(None)).limit(1)).scalar()
    if firing is not None:
        return Standing(source, "firing", firing, firing, None, now, f"{source} has not said that it is over.")
    stale = connection.execute(select(alerts.c.stale_at).where(*still).limit(1)).scalar()
    if stale is not None:
        return Standing(source, "blind", stale, None, None, now, f"{source} does not say any more whether it still fires.")
    # of all senders, and of Watchkeeper's own alerts: later than the last is never earlier than this one's last
    over = connection.execute(select(func.max(alerts.c.ended_at)).where(alerts.c.incident_id == incident_id)).scalar() or now
    return Standing(source, "ok", over, None, None, now, f"{source} says that it is over.")


def fall_silent(connection: Connection, alerting: Alerting, now: datetime) -> int:
    """Say of each incident how many of its alerts nobody has spoken of for too long: they count as blind, never as well."""
    found = mark_silent(connection, alerting, now)
    for incident_id, source, number in found:
        sentence = (
            f"{source} has not spoken of {counted(number, 'firing alert')} for too long: nobody knows whether they still hold."
        )
        if incident_id is not None:
            add_entry(connection, incident_id, now, "blind", AUTOMATION, sentence, {"source": source, "alerts": number})
        ledger.append(connection, now, AUTOMATION, "alert.blind", incident_id or source, why=sentence)
        log.warning("%s", sentence, extra={"action": "alerts_fell_silent", "hook": source})
    return len(found)
