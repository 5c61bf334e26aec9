"""What the page of who is on call shows, and its JSON twin."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection

from watchkeeper.actions.views.frame import read_frame
from watchkeeper.actions.views.model import Frame
from watchkeeper.app import App
from watchkeeper.estate.rota import Rota
from watchkeeper.people.model import Change, Handover, Shift
from watchkeeper.people.rota import around, gap_finding, shifts
from watchkeeper.people.rota_ledger import read_changes, read_handovers
from watchkeeper.tell.paging import channels

#: how far ahead the shifts are shown
AHEAD = timedelta(days=14)


@dataclass(frozen=True, slots=True)
class RotaView:
    """A rota: who is on call, until when, who is next, and what people changed and left."""

    name: str
    #: the runbook's words that mean it
    roles: tuple[str, ...]
    zone: str
    people: tuple[str, ...]
    #: the shift that goes on; with nobody in it there is a gap
    now: Shift
    #: None: nobody comes after
    next: Shift | None
    #: the days ahead, span by span
    ahead: tuple[Shift, ...]
    #: overrides and swaps that are not over
    changes: tuple[Change, ...]
    notes: tuple[Handover, ...]
    #: where it leaves nobody on call within the next weeks
    gap: str | None


@dataclass(frozen=True, slots=True)
class PersonLine:
    """Somebody who can be told."""

    id: str
    name: str
    roles: tuple[str, ...]
    #: the rotas for which they are on call
    on_call: tuple[str, ...]
    #: kinds of their addresses, in the order in which they are tried
    channels: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class OnCallView:
    """Who is on call."""

    frame: Frame
    at: datetime
    rotas: tuple[RotaView, ...]
    people: tuple[PersonLine, ...]


async def who_is_on_call(app: App, at: datetime | None = None) -> OnCallView:
    """Show who is on call at an instant, and who is next."""
    now = app.clock.now()
    when = at or now

    def work(connection: Connection) -> OnCallView:
        known = read_changes(connection, min(when, now) - timedelta(days=400))
        rotas = tuple(_rota(connection, rota, known, when, now) for rota in app.estate.rotas.values())
        people = []
        for person in app.estate.people.values():
            mine = tuple(rota.name for rota in rotas if person.id in rota.now.people)
            people.append(PersonLine(person.id, person.name, person.roles, mine, tuple(channels(person))))
        return OnCallView(read_frame(connection, app, now), when, rotas, tuple(people))

    return await app.database.read(work)


def _rota(connection: Connection, rota: Rota, known: list[Change], when: datetime, now: datetime) -> RotaView:
    shift, following = around(rota, known, when)
    return RotaView(
        name=rota.name,
        roles=rota.roles,
        zone=rota.zone,
        people=rota.people,
        now=shift,
        next=following,
        ahead=tuple(shifts(rota, known, when, when + AHEAD)),
        changes=tuple(change for change in known if change.rota == rota.name and change.ends_at > max(when, now)),
        notes=tuple(read_handovers(connection, rota.name)),
        gap=gap_finding(rota, known, when),
    )
