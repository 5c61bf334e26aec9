"""The outbox: a notice is a row in the transaction of what it tells of, and is sent until its person has it.

1. What waits is claimed under a lease; its tries are counted before anything is sent.
2. A person's addresses are tried in order. Each is written down before it is tried, so that a successor of a dead sender knows
   that it may have arrived, and marks its own try as a repeat, under the same id.
3. Of many for one person at once one digest is made; what asks for an answer goes by itself.
4. What was accepted is recorded with a line in the timeline; what was not comes back later; what can never be, or not within a
   day, is given up loudly.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, timedelta
from typing import TypeAlias

from sqlalchemy import Connection

from watchkeeper.base.clock import Clock, pace_of
from watchkeeper.base.durations import format_duration
from watchkeeper.base.errors import Permanent, Refused, Transient
from watchkeeper.base.secrets import Scrubber, Secret
from watchkeeper.estate.model import Estate, Person
from watchkeeper.incident import ledger as incidents
from watchkeeper.incident import timers
from watchkeeper.incident.lifecycle import AUTOMATION
from watchkeeper.incident.model import Incident
from watchkeeper.people.ladder import addresses, may_wake, quiet_until
from watchkeeper.store import ledger
from watchkeeper.store.database import Database
from watchkeeper.tell.ledger import claim_notices, list_notices, something_waits, update_notice, write_notice
from watchkeeper.tell.model import Message, Notice
from watchkeeper.tell.notifier import Notifier

log = logging.getLogger(__name__)

#: the lines with links that a notice to its person carries
LinksOf: TypeAlias = Callable[[Notice], Awaitable[tuple[str, ...]]]
#: gives somebody whom watchkeeper.toml does not know, by the name that a notice has for them; None where there is nobody
OutsiderOf: TypeAlias = Callable[[str], Awaitable[Person | None]]

BACKOFF_S = (1.0, 5.0, 30.0, 120.0, 600.0)
GIVE_UP = timedelta(hours=24)
#: longer than one address may take, so that a living sender is never taken for a dead one
LEASE = timedelta(seconds=45)
ADDRESS_TIMEOUT_S = 30.0
#: so many notices for one person at once are one digest; what asks for an answer, and a page by hand, never is in one
DIGEST_FROM = 4
#: the page of a ladder has the level's number, and this much for each ladder that the incident had before
ROUND = 1000
_DIGESTED = frozenset({"initial", "update", "resolution", "escalation", "late", "severity"})


def notice_id(incident_id: str, kind: str, level: int, person: str) -> str:
    """Make the id under which a notice is written once, and which goes with every try."""
    return f"{incident_id}/{kind}/{level}/{person}"[:200]


def write_notices(
    connection: Connection,
    now: datetime,
    kind: str,
    incident: Incident,
    people: Sequence[Person],
    message: Message,
    level: int = 0,
) -> list[str]:
    """Write a notice for each person in the caller's transaction; gives the ids of those that were not there yet."""
    if message.missing:
        raise Refused(
            f"The message has slots that nothing fills: {', '.join(message.missing)}.",
            hint="A draft is never sent; fill the slots or send the plain message.",
            code="WK341",
        )
    written = []
    for person in people:
        key = notice_id(incident.id, kind, level, person.id)
        notice = Notice(key, incident.id, person.id, kind, message.subject, message.body, "waiting", 0, now)
        quiet = quiet_until(person, incident.severity, now)
        if write_notice(connection, notice, quiet):
            written.append(key)
            if quiet is not None:
                woken = ", ".join(person.wake)
                sentence = (
                    f"{person.name} is not woken: quiet until {quiet:%H:%M} UTC but for {woken}. The notice ({kind}) waits."
                )
                incidents.add_entry(connection, incident.id, now, "held", AUTOMATION, sentence, {"notice": key})
    return written


def level_of(notice: Notice) -> int | None:
    """Give the level of the ladder that a notice pages; None where it is no page of a ladder."""
    if notice.kind not in ("initial", "escalation"):
        return None
    return int(notice.id.split("/")[-2]) % ROUND


def people_told(connection: Connection, estate: Estate, incident_id: str) -> tuple[Person, ...]:
    """Give those to whom notices of an incident were written, as long as they can be told."""
    ids = {notice.person for notice in list_notices(connection, incident_id, 1000)}
    return tuple(p for p in estate.people.values() if p.id in ids and addresses(p))


async def send_waiting(
    database: Database,
    clock: Clock,
    notifier: Notifier,
    estate: Estate,
    limit: int = 20,
    links: LinksOf | None = None,
    outsider: OutsiderOf | None = None,
) -> int:
    """Send what is due, all persons at once; returns how many notices arrived.

    `links` gives the lines that a notice carries only as it is sent: what is stored of it, and shown, must open nothing.
    `outsider` gives those who are told and are nobody of [people].
    """
    now = clock.now()
    if not await database.read(lambda connection: something_waits(connection, now)):
        return 0
    claimed = await database.write(lambda connection: claim_notices(connection, now, LEASE * pace_of(clock), limit))
    sender = _Sender(database, clock, notifier, estate, links, outsider)
    arrived = await asyncio.gather(*(sender.send(group) for group in _grouped(claimed)))
    return sum(arrived)


def _grouped(claimed: Sequence[Notice]) -> list[list[Notice]]:
    """Put what one person would get too much of at once into one digest."""
    alone = [notice for notice in claimed if notice.kind not in _DIGESTED]
    by_person: dict[str, list[Notice]] = {}
    for notice in claimed:
        if notice.kind in _DIGESTED:
            by_person.setdefault(notice.person, []).append(notice)
    groups = [[notice] for notice in alone]
    for mine in by_person.values():
        groups += [mine] if len(mine) >= DIGEST_FROM else [[notice] for notice in mine]
    return groups


def digest_of(notices: Sequence[Notice]) -> tuple[str, str]:
    """Give subject and body of a digest: each notice's subject with the first lines of its body."""
    lines = [f"{len(notices)} notices at once, so here they are together."]
    for notice in notices:
        first = " ".join(notice.body.split())[:200]
        lines += ["", notice.subject, first]
    return f"{len(notices)} notices: {notices[0].subject}"[:200], "\n".join(lines)


def wait_before(tries: int) -> timedelta:
    """Give the time to wait after that many tries: 1 s, 5 s, 30 s, 2 min, then 10 min each."""
    return timedelta(seconds=BACKOFF_S[min(max(tries, 1), len(BACKOFF_S)) - 1])


def _climb_on(connection: Connection, notice: Notice, now: datetime) -> None:
    """Tell the next level at once where one level's notices were all given up: nobody of it will take the incident."""
    incident = incidents.get_incident(connection, notice.incident_id or "")
    is_open = incident is not None and incident.status in ("open", "acknowledged")
    waits = incident is not None and is_open and incident.acknowledged_by in (None, AUTOMATION)
    if incident is None or not waits or notice.kind not in ("initial", "escalation"):
        return
    of_level = notice.id.rpartition("/")[0]
    beside = [each for each in list_notices(connection, incident.id, 1000) if each.id.rpartition("/")[0] == of_level]
    if any(each.state != "failed" for each in beside):
        return
    round, level = divmod(int(of_level.rpartition("/")[2]), ROUND)
    following = timers.bring_forward(connection, incident, level, now, round)
    if following is not None:
        sentence = f"Nobody of level {level} could be told, so level {following} is told at once."
        incidents.add_entry(connection, incident.id, now, "escalated", AUTOMATION, sentence, {"level": following})


class _Sender:
    """Sends claimed notices and records what came of each."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        notifier: Notifier,
        estate: Estate,
        links: LinksOf | None = None,
        outsider: OutsiderOf | None = None,
    ) -> None:
        self.links, self.outsider = links, outsider
        self.database, self.clock, self.notifier, self.estate = database, clock, notifier, estate
        self.scrubber = Scrubber(estate.secrets())

    async def send(self, group: Sequence[Notice]) -> int:
        """Try each address of the person that some notices are for; gives how many arrived, all or none."""
        first = group[0]
        person = self.estate.people.get(first.person)
        if person is None and self.outsider is not None:
            person = await self.outsider(first.person)
        tried = addresses(person, await self._severity(person, group)) if person is not None else ()
        if person is None or not tried:
            why = "has no address that can be used" if person else "is not in watchkeeper.toml any more"
            for notice in group:
                await self._give_up(notice, f"{notice.person} {why}")
            return 0
        maybe, problems, hopeless = next((n.channel for n in group if n.channel), None), [], 0
        for address in tried:
            raw = address.reveal() if isinstance(address, Secret) else address
            channel = raw.split(":", 1)[0][:50]
            begun, until = channel if maybe is None else maybe, self.clock.now() + LEASE * pace_of(self.clock)
            group = [notice for notice in group if await self._still_ours(notice, begun, until)]
            if not group:
                return 0
            try:
                async with asyncio.timeout(ADDRESS_TIMEOUT_S):
                    await self._send_to(raw, group, repeat=maybe is not None)
            except TimeoutError:
                # it may have arrived after all, so whatever is sent from now on may be a repeat
                maybe = begun
                problems.append(f"{channel} did not answer within {format_duration(ADDRESS_TIMEOUT_S)}")
            except (Transient, Permanent) as problem:
                hopeless += isinstance(problem, Permanent)
                problems.append(f"{channel}: {self.scrubber.clean(problem.message.replace(raw, channel))}")
            else:
                together = f", {len(group)} notices together" if len(group) > 1 else ""
                arrived = [await self._arrived(n, person, channel, repeat=maybe is not None, how=together) for n in group]
                return sum(arrived)
        for notice in group:
            await self._failed(notice, person, maybe, "; ".join(problems), hopeless=hopeless == len(tried))
        return 0

    async def _severity(self, person: Person | None, group: Sequence[Notice]) -> str | None:
        """Give the severity of an incident of some notices that may wake their person; read only where it matters."""
        if person is None or not person.urgent:
            return None
        ids = {notice.incident_id for notice in group if notice.incident_id}
        found = await self.database.read(lambda c: [incidents.get_incident(c, each) for each in ids])
        severities = [incident.severity for incident in found if incident is not None]
        return next((each for each in severities if may_wake(person, each)), None)

    async def _still_ours(self, notice: Notice, channel: str, until: datetime) -> bool:
        mine = await self._note(notice, channel=channel, lease_until=until)
        if not mine:
            log.info("Somebody else finished %s.", notice.id, extra={"action": "notice_lost"})
        return mine

    async def _send_to(self, address: str, group: Sequence[Notice], *, repeat: bool) -> None:
        notice = group[0]
        if len(group) > 1:
            subject, body = digest_of(group)
            lines: tuple[str, ...] = ()
        else:
            subject, body = notice.subject, notice.body
            lines = await self.links(notice) if self.links else ()
        subject, body = self.scrubber.clean(subject), "\n".join((self.scrubber.clean(body), *lines))
        await self.notifier.send(address, subject, body, idempotency_key=notice.id, repeat=repeat)

    async def _note(self, notice: Notice, **values: object) -> bool:
        return await self.database.write(lambda connection: update_notice(connection, notice.id, **values))

    async def _arrived(self, notice: Notice, person: Person, channel: str, *, repeat: bool, how: str = "") -> bool:
        now = self.clock.now()
        again = ", perhaps for the second time" if repeat else ""
        sentence = f"{person.name} was told by {channel} at {now:%H:%M:%S} ({notice.kind}){how}{again}."
        body = {"notice": notice.id, "person": person.id, "kind": notice.kind, "channel": channel, "repeat": repeat}

        def work(connection: Connection) -> bool:
            values = {"state": "sent", "sent_at": now, "channel": channel, "problem": None, "lease_until": None}
            mine = update_notice(connection, notice.id, **values)
            if mine and notice.incident_id:
                incidents.add_entry(connection, notice.incident_id, now, "told", AUTOMATION, sentence, body)
            return mine

        log.info("%s", sentence, extra={"action": "notice_sent", "notice": notice.id})
        return await self.database.write(work)

    async def _failed(self, notice: Notice, person: Person, maybe: str | None, problem: str, *, hopeless: bool) -> None:
        now = self.clock.now()
        if hopeless or now - notice.at >= GIVE_UP:
            await self._give_up(notice, f"{person.name} could not be told: {problem}")
            return
        next_at = now + wait_before(notice.tries)
        said = problem.rstrip(".")
        log.warning("%s was not reached: %s.", person.name, said, extra={"action": "notice_put_off", "notice": notice.id})
        await self._note(notice, state="waiting", next_at=next_at, lease_until=None, channel=maybe, problem=problem[:2000])

    async def _give_up(self, notice: Notice, problem: str) -> None:
        now = self.clock.now()
        tries = "1 try" if notice.tries == 1 else f"{notice.tries} tries"
        sentence = f"{problem.rstrip('.')}. The notice ({notice.kind}) was given up after {tries}."

        def work(connection: Connection) -> None:
            values = {"state": "failed", "problem": problem[:2000], "lease_until": None}
            if not update_notice(connection, notice.id, **values):
                return
            if notice.incident_id:
                body = {"notice": notice.id, "person": notice.person, "kind": notice.kind}
                incidents.add_entry(connection, notice.incident_id, now, "not-told", AUTOMATION, sentence, body)
                _climb_on(connection, notice, now)
            ledger.append(connection, now, AUTOMATION, "notice.give-up", notice.id, why=sentence)

        log.error("%s", sentence, extra={"action": "notice_given_up", "notice": notice.id})
        await self.database.write(work)
