"""What a report changes, held against what was heard before: opened, repeated, over, old news. Pure.

The same delivery twice is one: what is already so stays so, and what was over stays over. What is over without having begun is
said and changes nothing. A sender's clock is believed only between its own instants, never against ours.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from watchkeeper.alert.model import Known, Named, Report
from watchkeeper.alert.naming import fits_labels
from watchkeeper.base.words import words
from watchkeeper.estate.model import Hook, Route

#: the same beginning said again this soon after it was over is a delivery that came twice; later it fires again
TWICE = timedelta(seconds=120)
#: a beginning further back is not believed: a clock is wrong
LONGEST_BACK = timedelta(days=30)

Move = Literal["open", "again", "blind", "end", "old", "unheard", "acknowledged"]


@dataclass(frozen=True, slots=True)
class Heard:
    """What a report changes, and since when it counts."""

    move: Move
    #: the status that is kept of the alert
    status: str
    began_at: datetime
    at: datetime


def hear(report: Report, known: Known | None, now: datetime) -> Heard:
    """Decide what a report changes."""
    at = report.at or now
    fires = known is not None and known.status in ("firing", "blind")
    began = report.began_at or (known.began_at if known is not None and fires else at)
    if report.status == "acknowledged":
        return Heard("acknowledged", known.status if known else "unheard", began, at)
    if report.status == "resolved":
        return _over(report, known, fires, began, at)
    status = "blind" if report.status == "blind" else "firing"
    if known is None:
        return Heard("open", status, began, at)
    if fires:
        if at < known.at and status != known.status:
            return Heard("old", known.status, known.began_at, known.at)
        return Heard("blind" if status == "blind" else "again", status, max(began, known.began_at), max(at, known.at))
    if report.began_at is None:
        old = at < known.at
    else:
        old = began < known.began_at or (began == known.began_at and now - known.heard_at < TWICE)
    return Heard("old", known.status, known.began_at, known.at) if old else Heard("open", status, began, max(at, known.at))


def _over(report: Report, known: Known | None, fires: bool, began: datetime, at: datetime) -> Heard:
    if known is None:
        return Heard("unheard", "unheard", began, at)
    earlier = report.began_at is not None and report.began_at < known.began_at
    if not fires or earlier or (report.at is not None and at < known.at):
        return Heard("old", known.status, known.began_at, known.at)
    return Heard("end", "resolved", known.began_at, at)


def since(heard: Heard, now: datetime) -> datetime:
    """Give the instant since which it fires, by a sender's clock that may be wrong."""
    return heard.began_at if now - LONGEST_BACK <= heard.began_at <= now else now


def group_of(report: Report, hook: Hook) -> str:
    """Give what an alert without a component is grouped by: the hook's labels, else the sender's own group, else its name."""
    if hook.group_by:
        own = "/".join(f"{label}={report.labels.get(label, '')}" for label in hook.group_by)
    else:
        own = report.group or report.name
    return f"{hook.name}:{own}"[:200]


def route_of(named: Named, report: Report | None, hook: str | None, routes: Iterable[Route]) -> str | None:
    """Give the first route that fits an alert; None where none does."""
    for route in routes:
        if (
            (route.hook is None or route.hook == hook)
            and (not route.labels or (report is not None and fits_labels(route.labels, report.labels)))
            and (route.component is None or words(route.component) == words(named.component or ""))
            and (route.subject is None or words(route.subject) <= words(named.subject))
            and (route.severity is None or route.severity.casefold() == (named.severity or "").casefold())
        ):
            return route.name
    return None
