"""What happens when a clock of an incident comes due: the next level is told, a late response is said, an update goes out.

A claimed due row enters; rows of the outbox, the timeline and the ledger are written in the caller's transaction, in which the
due row is settled too, so that nothing happens twice. Nobody is paged whose contact is a placeholder: that is said instead, and
the next level is told at once.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta

from sqlalchemy import Connection

from watchkeeper.alert.ledger import alerts_of
from watchkeeper.base.durations import format_duration
from watchkeeper.book.model import Book
from watchkeeper.estate.model import Estate, Person
from watchkeeper.incident import ledger as incidents
from watchkeeper.incident import timers
from watchkeeper.incident.lifecycle import AUTOMATION
from watchkeeper.incident.model import ClockRun, Entry, Incident
from watchkeeper.incident.routing import routed
from watchkeeper.incident.rules import ladder, update_every_s
from watchkeeper.people.conditions import opens_at, withheld
from watchkeeper.people.gravity import gravity
from watchkeeper.people.ladder import Reach, condition_for, reach, repeats, rungs, together
from watchkeeper.people.rota_ledger import who_is_on_call
from watchkeeper.store import due as dues
from watchkeeper.store import ledger
from watchkeeper.tell.ledger import list_notices
from watchkeeper.tell.message import compose, facts_of, promised_update
from watchkeeper.tell.outbox import ROUND, level_of, notice_id, people_told, write_notices

log = logging.getLogger(__name__)

#: how long a level waits while the incident is recovered and only held open
HELD_BACK = timedelta(seconds=30)


def clock_due(
    connection: Connection,
    due: dues.Due,
    book: Book,
    estate: Estate,
    incident: Incident,
    now: datetime,
    facts: Mapping[str, str] | None = None,
) -> str:
    """Do what a clock asks for and settle it; says what was done. `facts` adds to what messages know ("link", "done" …)."""
    run = timers.read_clock(due.at, due.body)
    room = _Telling(connection, book, estate, incident, now, dict(facts or {}))
    taken = incident.acknowledged_by not in (None, AUTOMATION)
    if incident.status == "recovered" and run.kind != "update" and not taken:
        dues.put_off(connection, due.key, now + HELD_BACK)
        return "The incident is recovered and held; nobody more is told unless it turns red again."
    if incident.status == "resolved" or (run.kind in ("rung", "respond") and taken):
        kept = {
            "rung": f"level {run.level} need not be told",
            "respond": "nobody is late",
            "clause": "nothing more is called for",
        }
        what = kept.get(run.kind, "no update is owed")
        sentence = f"{_status(incident)}, so {what}."
    elif run.kind == "rung":
        kept_back, later = room.kept_back(run.role, run.level)
        sentence = " ".join(filter(None, (room.rung(run, kept_back), room.climb_again(run))))
        if later is not None:
            timers.put_off(connection, incident, run, due.key, later)
            return sentence
    elif run.kind == "respond":
        sentence = room.late(run, due.key)
    elif run.kind == "clause":
        sentence = room.clause(run)
    else:
        sentence = room.update(run)
    dues.settle(connection, due.key, now)
    return sentence


def tell_again(
    connection: Connection,
    kind: str,
    book: Book,
    estate: Estate,
    incident: Incident,
    now: datetime,
    facts: Mapping[str, str] | None = None,
    level: int = 0,
) -> list[str]:
    """Write a notice ("update", "resolution", "ask") to everybody who was told of the incident; gives the ids of the new ones."""
    room = _Telling(connection, book, estate, incident, now, dict(facts or {}))
    return room.write(kind, people_told(connection, estate, incident.id), level)


def _status(incident: Incident) -> str:
    return (
        f"{incident.acknowledged_by} has the incident"
        if incident.status == "acknowledged"
        else f"The incident is {incident.status}"
    )


class _Telling:
    """One clock of one incident, and those who are told."""

    def __init__(
        self, connection: Connection, book: Book, estate: Estate, incident: Incident, now: datetime, facts: dict[str, str]
    ) -> None:
        self.connection, self.book, self.estate, self.incident, self.now = connection, book, estate, incident, now
        self.facts = facts

    def rung(self, run: ClockRun, kept_back: str | None = None) -> str:
        """Tell a level of the ladder; where it reaches nobody, or is kept back, say so and bring the next level forward."""
        found = reach(run.role, self.book, self.estate, who_is_on_call(self.connection, self.estate, self.now))
        if kept_back is not None:
            found = Reach((), f"{run.role}: {kept_back}.")
        if found.nobody:
            sentence = f"Level {run.level} of the ladder reaches nobody: {found.sentence}"
            beside = self._beside(run)
            following = None if beside else timers.bring_forward(self.connection, self.incident, run.level, self.now, run.round)
            # a gap in the last level must not be the end of it: better somebody off duty than nobody at all
            instead = reach(run.role, self.book, self.estate).people if following is None and not beside and found.rotas else ()
            if beside:
                sentence = f"{found.sentence} Level {run.level} is also {beside}."
            elif following is not None:
                sentence = f"{sentence} Level {following} is told at once."
            elif instead:
                sentence = f"{sentence} There is no further level, so all who take turns in it are told."
            self._entry("not-told", sentence, {"level": run.level, "role": run.role})
            if kept_back is None:
                log.warning("%s", sentence, extra={"action": "level_reaches_nobody", "incident": self.incident.id})
            if not instead:
                return sentence
            found = Reach(instead, sentence, found.rotas)
        first = not run.lap and (run.level <= 1 or together(self.book, self.incident.severity) is not None)
        kind = "initial" if first else "escalation"
        open_for = format_duration((self.now - self.incident.opened_at).total_seconds())
        why = "" if first else f"nobody took the incident within {open_for}, and you are {run.role} (level {run.level})"
        number = run.level + ROUND * run.round
        known = self._known(run, notice_id(self.incident.id, kind, number, ""))
        fresh = tuple(person for person in found.people if person.id not in known)
        graver = self._graver(tuple(person for person in found.people if person.id in known), run)
        names = ", ".join(p.name for p in fresh)
        if not self.write(kind, fresh, number, why=why):
            return graver or f"Level {run.level} ({', '.join(p.name for p in found.people)}) was told before."
        if not first:
            sentence = f"Nobody took the incident within {open_for}: level {run.level} ({run.role}: {names}) is told."
            self._entry("escalated", sentence, {"level": run.level, "role": run.role})
            ledger.append(self.connection, self.now, AUTOMATION, "incident.escalate", self.incident.id, why=sentence)
            return sentence
        return f"Level {run.level} is told: {names}."

    def climb_again(self, run: ClockRun) -> str:
        """Begin the ladder anew after its last level, as often as watchkeeper.toml or the book has it; says so, or nothing."""
        route, _ = routed(alerts_of(self.connection, self.incident.id), self.estate.alerting)
        levels = ladder(self.book, self.incident, route)
        rule = repeats(self.book, self.estate.ladder, self.incident.severity)
        if not rule.left(run.lap) or run.level < max((rung.level for rung in levels), default=0):
            return ""
        if timers.last_round(self.connection, self.incident.id) > run.round:
            return ""  # another role of the last level came due before, or this one waited for its hours meanwhile
        first = min(rung.due_at for rung in levels)
        for rung in levels:
            at = self.now + timedelta(seconds=rule.wait_s) + (rung.due_at - first)
            again = replace(rung, due_at=at, round=run.round + 1, lap=run.lap + 1)
            timers.set_clock(self.connection, self.incident, again)
        wait, which = format_duration(rule.wait_s), rule.say(run.lap + 1)
        sentence = f"That was the last level: the ladder begins again in {wait} unless somebody takes the incident ({which})."
        self._entry("again", sentence, {"round": run.round + 1})
        return sentence

    def kept_back(self, role: str, level: int) -> tuple[str | None, datetime | None]:
        """Say why a role is not told now, by the words beside its contact, and when it is told after all; None where it is."""
        condition = condition_for(role, self.book)
        why = withheld(condition, self.book, self.estate.office, self.incident.severity, now=self.now, escalated=level > 1)
        return why, opens_at(condition, self.estate.office, self.now) if why else None

    def _beside(self, run: ClockRun) -> str:
        """Name another role of the same level that is told now; empty where there is none."""
        on_call = who_is_on_call(self.connection, self.estate, self.now)
        others = (r.role for r in rungs(self.book, self.incident.severity) if r.level == run.level and r.role != run.role)
        told = (role for role in others if self.kept_back(role, run.level)[0] is None)
        return next((role for role in told if not reach(role, self.book, self.estate, on_call).nobody), "")

    def _known(self, run: ClockRun, mine: str) -> set[str]:
        """Give those whom another severity's ladder told at the same level, and those who just heard that it is graver.

        A ladder that begins again pages everybody again: to it nobody is known. `mine` is how the ids of its own pages begin.
        """
        if run.lap:
            return set()
        changes = self._changes()
        heard = f"{self.incident.id}/severity/{len(changes)}/" if changes and run.due_at <= changes[-1].at else None
        return {
            notice.person
            for notice in list_notices(self.connection, self.incident.id, 1000)
            if (level_of(notice) == run.level and not notice.id.startswith(mine)) or (heard and notice.id.startswith(heard))
        }

    def _graver(self, people: tuple[Person, ...], run: ClockRun) -> str:
        """Say to those who know of the incident that it is graver now, where they do not know yet; says to whom, or nothing."""
        changes, names = self._changes(), ", ".join(p.name for p in people)
        last = changes[-1].body if changes else {}
        raised = bool(changes) and gravity(self.book, last.get("to")) < gravity(self.book, last.get("from"))
        if raised and self.write("severity", people, len(changes), why=f"it is {self.incident.severity} now"):
            return f"Level {run.level} is told that it is {self.incident.severity} now: {names}."
        return ""

    def _changes(self) -> list[Entry]:
        return incidents.severity_changes(self.connection, self.incident.id)

    def late(self, run: ClockRun, key: str) -> str:
        """Say that nobody answered in time, once, to those who were told."""
        after = format_duration((self.now - self.incident.opened_at).total_seconds())
        sentence = f"Nobody has taken the incident after {after}. {run.sentence}"
        if incidents.has_entry(self.connection, self.incident.id, ["late"], "clock", key):
            return "That it is late was said before."
        self._entry("late", sentence, {"clock": key})
        self.write("late", people_told(self.connection, self.estate, self.incident.id), 0, why=sentence)
        return sentence

    def clause(self, run: ClockRun) -> str:
        """Do what the procedure asks for where it has not helped in time: propose another, or tell the next who was not told."""
        known = people_told(self.connection, self.estate, self.incident.id)
        procedure = next((each for each in self.book.procedures if each.id == run.role), None)
        if procedure is not None:
            sentence = f"{run.sentence} It has not recovered."
            self._entry("proposed", sentence, {"procedure": procedure.id})
            self.write("proposal", known, int(run.due_at.timestamp()), why=sentence, question=f"Start “{procedure.title}”?")
            return sentence
        on_call = who_is_on_call(self.connection, self.estate, self.now)
        for rung in rungs(self.book, self.incident.severity):
            found = reach(rung.role, self.book, self.estate, on_call)
            fresh = tuple(person for person in found.people if person not in known)
            if not fresh or self.kept_back(rung.role, max(rung.level, 2))[0] is not None:
                continue
            if self.write("escalation", fresh, rung.level, why=run.sentence):
                names = ", ".join(person.name for person in fresh)
                sentence = f"{run.sentence} It has not recovered: level {rung.level} ({rung.role}: {names}) is told."
                self._entry("escalated", sentence, {"level": rung.level, "role": rung.role})
                ledger.append(self.connection, self.now, AUTOMATION, "incident.escalate", self.incident.id, why=sentence)
                return sentence
        sentence = f"{run.sentence} It has not recovered, and everybody of the ladder was told before."
        self._entry("escalated", sentence, {})
        return sentence

    def update(self, run: ClockRun) -> str:
        """Send the update that the book promises to those who were told, and owe the next one."""
        people = people_told(self.connection, self.estate, self.incident.id)
        self.write("update", people, run.level + 1)
        cadence = update_every_s(self.book)
        every_s = cadence[0] if cadence else routed(alerts_of(self.connection, self.incident.id), self.estate.alerting)[1]
        if every_s is not None:
            following = timers.again(run, timedelta(seconds=every_s), self.now)
            timers.set_clock(self.connection, self.incident, following)
        if not people:
            return "An update was due; nobody was told of the incident yet."
        return f"An update was due and goes to {', '.join(p.name for p in people)}."

    def write(self, kind: str, people: tuple[Person, ...], level: int, why: str = "", question: str = "") -> list[str]:
        """Compose a message and write it for these people."""
        more = (
            promised_update(self.book, self.now)
            | self.facts
            | {name: said for name, said in (("why", why), ("question", question)) if said}
        )
        facts = facts_of(self.incident, kind, self.now, more)
        message = compose(kind, self.book, self.incident, facts)
        return write_notices(self.connection, self.now, kind, self.incident, people, message, level)

    def _entry(self, kind: str, sentence: str, body: dict[str, object]) -> None:
        incidents.add_entry(self.connection, self.incident.id, self.now, kind, AUTOMATION, sentence, body)
