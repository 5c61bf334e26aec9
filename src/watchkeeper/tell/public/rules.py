"""What the public page says. Pure: rows of incidents and alerts, what people posted and announced, and now enter; a page leaves.

Nothing of an incident's own title or timeline reaches the page: those are words for the team. The public reads which component is
not well and since when, in the page's own words, and whatever somebody wrote for the public.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta

from watchkeeper.incident.model import Incident
from watchkeeper.tell.public.model import (
    IMPACTS,
    Day,
    Impact,
    Maintenance,
    Post,
    PublicComponent,
    PublicIncident,
    PublicPage,
    Spell,
)

DAYS = 90
#: incidents that are over stay on the page for so long
PAST = timedelta(days=14)
#: maintenance is shown so long before it begins
AHEAD = timedelta(days=14)

SENTENCES: Mapping[Impact, str] = {
    "operational": "Everything works.",
    "maintenance": "Announced maintenance is under way.",
    "unknown": "We do not see all of it at the moment.",
    "degraded": "Some of it works badly.",
    "outage": "Some of it does not work.",
}
_SAID: Mapping[str, str] = {
    "investigating": "We are looking into a problem with {what}.",
    "monitoring": "{What} works again. We keep watching it.",
    "resolved": "{What} has worked without interruption since, and this is over.",
}


def worst(impacts: Iterable[Impact]) -> Impact:
    """Give the worst of some; operational where there are none."""
    return min(impacts, key=IMPACTS.index, default="operational")


def component(
    name: str, spells: Sequence[Spell], blind: bool, works: Iterable[Maintenance], watched_from: datetime | None, now: datetime
) -> PublicComponent:
    """Put one component together from its spells of the last days; `watched_from` None: it was never watched."""
    mine = [spell for spell in spells if spell.component == name]
    open_now = [spell.impact for spell in mine if spell.until is None]
    under_work = any(name in work.components and work.stage(now) == "in progress" for work in works)
    seen: list[Impact] = ["unknown"] if blind or watched_from is None else []
    standing = worst(open_now or seen)
    if under_work and standing != "operational":
        standing = "maintenance"  # what was announced explains it
    elif under_work:
        standing = worst([standing, "maintenance"])
    first = now.date() - timedelta(days=DAYS - 1)
    days = tuple(_day(mine, first + timedelta(days=number), watched_from, now) for number in range(DAYS))
    return PublicComponent(name, standing, days, _uptime(days, watched_from, now))


def _day(spells: Sequence[Spell], on: date, watched_from: datetime | None, now: datetime) -> Day:
    begins = datetime.combine(on, time.min, UTC)
    ends = min(begins + timedelta(days=1), now)
    if watched_from is None or watched_from >= ends:
        return Day(on, None, 0.0)
    touching = [spell for spell in spells if spell.since < ends and (spell.until or now) > begins]
    out = [(max(s.since, begins), min(s.until or now, ends)) for s in touching if s.impact == "outage"]
    return Day(on, worst(spell.impact for spell in touching), _covered_s(out))


def _covered_s(stretches: Iterable[tuple[datetime, datetime]]) -> float:
    """Give the seconds that some stretches of time cover together; where they overlap they count once."""
    total, until = 0.0, None
    for begins, ends in sorted(stretches):
        begins = begins if until is None else max(begins, until)
        if ends > begins:
            total += (ends - begins).total_seconds()
            until = ends
    return total


def _uptime(days: Sequence[Day], watched_from: datetime | None, now: datetime) -> float | None:
    if watched_from is None:
        return None
    begins = max(watched_from, datetime.combine(days[0].on, time.min, UTC))
    watched_s = (now - begins).total_seconds()
    return None if watched_s <= 0 else max(0.0, 1.0 - sum(day.out_s for day in days) / watched_s)


def incident(found: Incident, spells: Iterable[Spell], posts: Sequence[Post], *, by_itself: bool) -> PublicIncident | None:
    """Tell an incident to the public; None where it touches no public component, or nobody has written of it and must.

    `by_itself`: the page speaks of an incident in its own words before anybody writes.
    """
    mine = list(spells)
    components = tuple(dict.fromkeys(spell.component for spell in mine))
    written = [post for post in posts if post.incident_id == found.id]
    if not written and not (by_itself and components):
        return None
    what = _list(components) or "the service"
    own = _own_posts(found, what) if by_itself and components else []
    if written and written[-1].progress == "resolved":
        own = [post for post in own if post.progress != "resolved"]  # somebody has said so in better words
    told = sorted([*own, *written], key=lambda post: post.at)
    over = found.status == "resolved" or told[-1].progress == "resolved"
    ended = found.resolved_at or next((post.at for post in told if post.progress == "resolved"), None)
    return PublicIncident(
        id=found.id,
        title=f"Problem with {what}",
        impact=worst(spell.impact for spell in mine) if mine else "degraded",
        components=components,
        progress="resolved" if over else told[-1].progress,
        began_at=min([found.began_at, *(post.at for post in told)]),
        resolved_at=ended if over else None,
        posts=tuple(reversed(told)),
    )


def _own_posts(found: Incident, what: str) -> list[Post]:
    words = {"what": what, "What": what[:1].upper() + what[1:]}
    steps = (
        ("investigating", found.opened_at),
        ("monitoring", found.recovered_at),
        ("resolved", found.resolved_at if found.status == "resolved" else None),
    )
    return [Post(found.id, at, progress, _SAID[progress].format(**words)) for progress, at in steps if at is not None]  # type: ignore[arg-type]


def _list(names: Sequence[str]) -> str:
    """Join names as a sentence has them.

    >>> _list(("shop", "search", "payments"))
    'shop, search and payments'
    """
    return " and ".join(part for part in (", ".join(names[:-1]), *names[-1:]) if part)


def page(
    title: str,
    address: str,
    components: Sequence[PublicComponent],
    incidents: Iterable[PublicIncident],
    works: Iterable[Maintenance],
    now: datetime,
    *,
    by_mail: bool,
) -> PublicPage:
    """Put the whole page together."""
    told = sorted(incidents, key=lambda each: each.began_at, reverse=True)
    going_on = tuple(each for each in told if each.progress != "resolved")
    past = tuple(
        each for each in told if each.resolved_at is not None and now - each.resolved_at <= PAST and each not in going_on
    )
    near = sorted(
        (work for work in works if work.stage(now) != "completed" and work.begins_at - now <= AHEAD), key=lambda w: w.begins_at
    )
    standing = worst([*(each.now for each in components), *(each.impact for each in going_on)])
    sentence = SENTENCES[standing]
    if standing == "outage" and components and all(each.now == "outage" for each in components):
        sentence = "Nothing works."
    return PublicPage(title, address, now, standing, sentence, tuple(components), going_on, past, tuple(near), by_mail)
