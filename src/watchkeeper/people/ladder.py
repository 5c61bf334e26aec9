"""The book's ladder: who is told, after how long, and who of the estate that is.

The book's rungs and role words enter; rungs with instants (seconds after the incident opened), people and sentences leave. A
contact that is only a placeholder is a finding and is never paged.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from watchkeeper.base.durations import format_duration
from watchkeeper.base.secrets import Secret
from watchkeeper.base.words import likeness, words
from watchkeeper.book.model import Book, Climb, ClimbKind, Contact, Escalation
from watchkeeper.estate.model import Estate, LadderRule, Person
from watchkeeper.estate.rota import Rota
from watchkeeper.people.conditions import Condition, by_condition, condition_of
from watchkeeper.people.gravity import severity_of
from watchkeeper.people.model import OnCall

#: how long a level has where the book names levels without times and the severity promises no response time
DEFAULT_STEP_S = 900.0
#: from the last level until the ladder begins again, where it does and nothing says when
DEFAULT_WAIT_S = 600.0

_ON_CALL = re.compile(r"\bon[\s_-]?call\b", re.IGNORECASE)
_SPLIT = re.compile(r"\s*(?:,|/|;|\+|&|\band\b|\bund\b|\bet\b|\by\b)\s*", re.IGNORECASE)
_SYNONYMS = {"admin": "administrator", "sysadmin": "administrator", "mgr": "manager", "eng": "engineer", "tech": "technical"}
_PLACEHOLDER = re.compile(
    r"(?<![A-Za-z0-9])x{3,}(?![A-Za-z0-9])|\[[^\[\]:]*\]|<[^<>]*>|\{[^{}]*\}|\byour[-_ .]?(?:domain|company|org|team|name|phone)"
    r"|change[-_]?me|\bexample\.(?:com|org|net)\b|\b555[-. ]?01\d\d\b|^\s*(?:tbd|tba|todo|n/a|none)?\s*$",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Rung:
    """One level of a ladder: its role words and when it is told, in seconds after the incident opened."""

    level: int
    role: str
    after_s: float
    #: line of the book; 0 where the book has no ladder
    line: int
    sentence: str


@dataclass(frozen=True, slots=True)
class Repeats:
    """How often a ladder begins again, and how long after its last level."""

    #: None: as long as nobody takes the incident
    times: int | None
    wait_s: float
    #: line of the book that says so; 0 where watchkeeper.toml does, or nothing
    line: int = 0

    def left(self, lap: int) -> bool:
        """Tell whether a ladder that was begun again so often begins once more."""
        return self.times is None or lap < self.times

    def say(self, lap: int) -> str:
        """Say which of the repeats comes next, and where it stands."""
        which = f"{lap} of {self.times}" if self.times is not None else ""
        return ", ".join(part for part in (which, f"line {self.line}" if self.line else "") if part)


@dataclass(frozen=True, slots=True)
class Reach:
    """Who a role is, and the sentence that says so, or why nobody is."""

    people: tuple[Person, ...]
    sentence: str
    #: the rotas that the role means; empty where it means people by name or role
    rotas: tuple[Rota, ...] = ()

    @property
    def nobody(self) -> bool:
        """Tell whether the role reaches nobody: a finding."""
        return not self.people


def rungs(book: Book, severity: str | None) -> list[Rung]:
    """Give the ladder of a severity in order.

    With no ladder in the book its contacts make one, where it says of them when they are told; else there is one rung with no
    role: everybody, at once.
    """
    ladder, which = _ladder(book, severity)
    if not ladder and (contacts := by_condition(book.contacts)):
        return _rungs_of(contacts, book, severity)
    if not ladder:
        return [Rung(1, "", 0.0, 0, "The book has no ladder: everybody whom watchkeeper.toml names is told at once.")]
    ladder = sorted(ladder, key=lambda e: (e.level, e.line))
    levels = sorted({e.level for e in ladder})
    own = {n: next((e.after_s for e in ladder if e.level == n and e.after_s is not None), None) for n in levels}
    times, reading = _times([own[n] for n in levels], book, severity)
    at = dict(zip(levels, times, strict=True))
    if (climb := together(book, severity)) is not None:
        at, reading = dict.fromkeys(levels, 0.0), f"line {climb.line} has all levels told at once"
    return [Rung(e.level, e.role, at[e.level], e.line, _say(e, at[e.level], which, reading)) for e in ladder]


def together(book: Book, severity: str | None) -> Climb | None:
    """Give what the book says of telling all levels of a severity at once; None where it says nothing of it."""
    return _climb(book, severity, "together")


def repeats(book: Book, rule: LadderRule, severity: str | None) -> Repeats:
    """Say how often the ladder of a severity begins again: by watchkeeper.toml, else by the book, else never."""
    climb = _climb(book, severity, "again")
    wait_s = rule.wait_s or (climb.after_s if climb is not None else None) or DEFAULT_WAIT_S
    if rule.repeat is not None:
        return Repeats(rule.repeat, wait_s)
    return Repeats(0, wait_s) if climb is None else Repeats(climb.times, wait_s, climb.line)


def _climb(book: Book, severity: str | None, kind: ClimbKind) -> Climb | None:
    """Find what is said of the ladder of a severity, or of all of them."""
    known = severity_of(book, severity)
    names = {words(n) for n in (severity, known.code if known else None, known.name if known else None) if n}
    said = [climb for climb in book.climbs if climb.kind == kind]
    own = (climb for climb in said if climb.severity is not None and words(climb.severity) in names)
    return next(own, None) or next((climb for climb in said if climb.severity is None), None)


def _rungs_of(contacts: Sequence[tuple[int, Contact, Condition]], book: Book, severity: str | None) -> list[Rung]:
    times, _ = _times([None] * max(level for level, _, _ in contacts), book, severity)
    return [
        Rung(level, contact.role, times[level - 1], contact.line, _say_contact(level, contact, condition, times[level - 1]))
        for level, contact, condition in contacts
    ]


def _say_contact(level: int, contact: Contact, condition: Condition, after_s: float) -> str:
    when = "at once" if after_s == 0 else f"after {format_duration(after_s)}"
    because = f"the book has no ladder; its contact says “{condition.words}”"
    return f"Level {level}, {contact.role}, is told {when} (line {contact.line}: {because})."


def _ladder(book: Book, severity: str | None) -> tuple[list[Escalation], str]:
    """Choose the rungs of a severity from a matrix, or those for all."""
    for_all = [e for e in book.escalation if e.severity is None]
    if len(for_all) == len(book.escalation):
        return for_all, ""
    known = severity_of(book, severity)
    names = {words(n) for n in (severity, known.code if known else None, known.name if known else None) if n}
    own = [e for e in book.escalation if e.severity is not None and words(e.severity) in names]
    if own:
        return own, f"the ladder of {own[0].severity}"
    if for_all:
        return for_all, "the ladder for all severities"
    first = book.escalation[0].severity
    because = f"{severity} has none" if severity else "the incident has no severity"
    return [e for e in book.escalation if e.severity == first], f"the ladder of {first}, the first, because {because}"


def _times(own: Sequence[float | None], book: Book, severity: str | None) -> tuple[list[float], str]:
    """Turn the times of the levels into instants, and say which reading was used."""
    if all(time is None for time in own):
        promised = severity_of(book, severity)
        step = (promised.respond_within_s if promised else None) or DEFAULT_STEP_S
        why = f"the book gives no times: each level has {format_duration(step)}"
        return [n * step for n in range(len(own))], why
    if own[0]:
        why = "the first level has a time of its own, so a time says how long its level has before the next is told"
        given: list[float | None] = [0.0, *own[:-1]]
    else:
        why = "the first level is told at once, so a time says when its level is told"
        given = [0.0, *own[1:]]
    times: list[float] = []
    for time in given:
        last = times[-1] if times else 0.0
        times.append(last + DEFAULT_STEP_S if time is None else max(last, time))
    return times, why


def _say(rung: Escalation, after_s: float, which: str, reading: str) -> str:
    when = "at once" if after_s == 0 else f"after {format_duration(after_s)}"
    because = "; ".join(part for part in (which, reading) if part)
    return f"Level {rung.level}, {rung.role}, is told {when} (line {rung.line}: {because})."


def is_placeholder(address: str) -> bool:
    """Tell whether an address is only a place where one is missing.

    >>> is_placeholder("+1-XXX-XXX-XXXX"), is_placeholder("[Phone]"), is_placeholder("+49 30 1234567")
    (True, True, False)
    """
    return _PLACEHOLDER.search(address) is not None


def addresses(person: Person, severity: str | None = None) -> tuple[Secret | str, ...]:
    """Give a person's addresses without placeholders, in the order in which they are tried for a severity."""
    given = (*person.urgent, *person.notify) if may_wake(person, severity) else person.notify
    return tuple(a for a in given if not is_placeholder(a.reveal() if isinstance(a, Secret) else a))


def may_wake(person: Person, severity: str | None) -> bool:
    """Tell whether an incident of a severity reaches somebody at any hour."""
    return severity is not None and severity.casefold() in {each.casefold() for each in person.wake}


def quiet_until(person: Person, severity: str | None, now: datetime) -> datetime | None:
    """Give the instant at which somebody's quiet hours end, where an incident of a severity waits for it; else None."""
    until, waits = now, False
    if may_wake(person, severity):
        return None
    for _ in person.quiet:  # one span may begin before the other has ended
        for hours in person.quiet:
            if hours.hold(until) and (ends := hours.ends_at(until)) is not None:
                until, waits = ends, True
    return until if waits else None


def people_for(role: str, estate: Estate) -> list[Person]:
    """Find the people whose own role words are most like these; an empty role means everybody. Rotas are not asked."""
    return [each for each in _holders(role, list(estate.people.values())) if isinstance(each, Person)]


def rotas_for(role: str, estate: Estate) -> list[Rota]:
    """Find the rotas that role words mean: no person's own name or role may be more like them."""
    if not role.strip() or not estate.rotas:
        return []
    found = _holders(role, [*estate.people.values(), *estate.rotas.values()])
    return [each for each in found if isinstance(each, Rota)]


def _holders(role: str, among: Sequence[Person | Rota]) -> list[Person | Rota]:
    if not role.strip():
        return list(among)
    found = _best(role, among)
    if not found and len(parts := [part for part in _SPLIT.split(role) if part]) > 1:
        found = [holder for part in parts for holder in _best(part, among)]
        found = [holder for n, holder in enumerate(found) if holder not in found[:n]]
    return found


def _best(role: str, among: Sequence[Person | Rota]) -> list[Person | Rota]:
    wanted = _role_words(role)
    scores = [max(likeness(wanted, _role_words(name)) for name in _names(each)) for each in among]
    best = max(scores, default=0.0)
    return [each for each, score in zip(among, scores, strict=True) if score == best] if best else []


def _names(holder: Person | Rota) -> tuple[str, ...]:
    return (*holder.roles, holder.name, holder.id) if isinstance(holder, Person) else (*holder.roles, holder.name)


def _role_words(role: str) -> frozenset[str]:
    return frozenset(_SYNONYMS.get(word, word) for word in words(_ON_CALL.sub("oncall", role)))


def reach(role: str, book: Book, estate: Estate, on_call: Mapping[str, OnCall] | None = None) -> Reach:
    """Say who of the estate can be told for a role; nobody is a finding, with what the book has instead.

    `on_call` is who is on call at the instant in question, by rota: a role that means a rota is whoever that is. Without it all
    people of the rota stand for it.
    """
    meant = rotas_for(role, estate)
    if meant:
        return _on_call(role, estate, meant, on_call)
    found = people_for(role, estate)
    reachable = tuple(p for p in found if addresses(p))
    named = role or "everybody"
    if reachable:
        return Reach(reachable, f"{named}: {', '.join(p.name for p in reachable)}.")
    if found:
        names = ", ".join(p.name for p in found)
        return Reach((), f"{named}: {names} has no address that can be used; nobody is told.")
    contact = _contact(role, book)
    if contact is None:
        return Reach((), f"{named}: nobody in watchkeeper.toml has this role; nobody is told.")
    given = next((a for a in (contact.phone, contact.email, contact.channel) if a), "empty contact")
    instead = f"the book's {given}{', a placeholder,' if is_placeholder(given) else ''} (line {contact.line}) is not used"
    return Reach((), f"{named}: nobody in watchkeeper.toml has this role, and {instead}.")


def _on_call(role: str, estate: Estate, rotas: Sequence[Rota], on_call: Mapping[str, OnCall] | None) -> Reach:
    """Give who is on call for some rotas, or why nobody is: a gap, or nobody with an address."""
    found: dict[str, Person] = {}
    said: list[str] = []
    for rota in rotas:
        now = on_call.get(rota.name) if on_call is not None else None
        ids = rota.people if on_call is None else now.people if now is not None else ()
        people = [estate.people[each] for each in ids if each in estate.people]
        reachable = {person.id: person for person in people if addresses(person)}
        found |= reachable
        if reachable:
            said.append(f"{', '.join(p.name for p in reachable.values())} (on call for {rota.name})")
        elif not ids:
            said.append(f"nobody is on call for {rota.name}")
        else:
            said.append(f"{', '.join(ids)}, on call for {rota.name}, has no address that can be used")
    end = "." if found else "; nobody is told."
    return Reach(tuple(found.values()), f"{role}: {', '.join(said)}{end}", tuple(rotas))


def condition_for(role: str, book: Book) -> Condition | None:
    """Give when the book says that a role's contact is told; None where it says nothing of it."""
    contact = _contact(role, book) if role.strip() else None
    return condition_of(contact) if contact is not None else None


def _contact(role: str, book: Book) -> Contact | None:
    wanted = _role_words(role)
    best = max(book.contacts, key=lambda c: likeness(wanted, _role_words(c.role)), default=None)
    return best if best is not None and likeness(wanted, _role_words(best.role)) else None


def findings(book: Book, estate: Estate) -> list[str]:
    """Give a sentence for each rung of any severity that reaches nobody, and each address that is a placeholder."""
    said: dict[str, None] = {}
    for severity in [s.code for s in book.severities] or [None]:  # type: ignore[list-item]
        for rung in rungs(book, severity):
            answer = reach(rung.role, book, estate)
            if answer.nobody:
                at = f"Level {rung.level} (line {rung.line})" if rung.line else "The incident"
                said[f"{at} reaches nobody: {answer.sentence}"] = None
    for person in estate.people.values():
        for word in person.wake if book.severities else ():
            if severity_of(book, word) is None:
                known = ", ".join(severity.code for severity in book.severities)
                line = f"{person.name} (line {person.line} of watchkeeper.toml)"
                said[f"{line}: {word!r} may wake them, and the book has no such severity ({known})."] = None
        for address in (*person.urgent, *person.notify):
            if is_placeholder(address.reveal() if isinstance(address, Secret) else address):
                shown = "an address" if isinstance(address, Secret) else address
                where = f"{person.name} (line {person.line} of watchkeeper.toml)"
                said[f"{where}: {shown} is a placeholder and is never paged."] = None
    return list(said)
