"""Which procedure of the book meets an incident? Pure: a choice with its sentence, or none and the candidates for a person.

A procedure that the alert's own actions name goes before all others, then the one among whose symptoms the book has the alert.
Else the words of the incident are held against titles, symptoms and causes; a word that every procedure has says little, one
that few have says much. Where the best two are near each other, nobody guesses.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from watchkeeper.alert.model import Alert
from watchkeeper.alert.rules import BLIND
from watchkeeper.book.model import Book, Procedure, Threshold
from watchkeeper.book.vocabulary import METRICS, matcher
from watchkeeper.estate.model import Bindings
from watchkeeper.incident.model import Incident
from watchkeeper.people.gravity import gravity
from watchkeeper.run.model import Run

#: kinds that answer an incident only where the book names them for it
ONLY_NAMED = frozenset({"restore", "deploy", "routine", "reference", "backup"})
#: the second best within this share of the best makes the choice a person's
NEAR = 0.9
#: less than this is no match
FAINT = 1.5

#: words that mean the same trouble
_SAME: tuple[tuple[str, ...], ...] = (
    ("down", "unavailable", "outage", "dead", "crash", "crashed", "crashing", "stopped", "unreachable", "offline", "exited"),
    ("hang", "hangs", "hung", "stuck", "frozen", "unresponsive", "timeout", "timeouts"),
    ("slow", "latency", "performance", "degraded", "degradation", "slowness"),
    ("error", "errors", "5xx", "500", "failing", "exceptions"),
    ("fail", "failed", "failure", "failures", "fails"),
    ("queue", "queues", "backlog", "jobs", "tasks"),
    ("worker", "workers", "consumer", "consumers"),
    ("connection", "connections", "pool"),
    ("exhausted", "exhaustion", "saturated", "saturation", "limit"),
    ("disk", "storage", "space", "filesystem", "volume"),
    ("memory", "ram", "oom", "heap", "leak"),
    ("cpu", "load", "processor"),
    ("replica", "replication", "standby"),
    ("certificate", "certificates", "ssl", "tls", "cert"),
    ("payment", "payments", "billing"),
    ("deploy", "deployment", "release", "rollout", "version", "rollback"),
    ("database", "databases", "db"),
    ("app", "application", "applications"),
    ("api", "apis", "endpoint", "endpoints"),
    ("high", "elevated", "increased", "spike", "growing", "grows", "large"),
)  # fmt: skip
_CONCEPT = {word: same[0] for same in _SAME for word in same}
_PHRASES = (
    (re.compile(r"not (?:running|reachable|available|up)|(?:does|is) not start(?:ed)?"), "down"),
    (re.compile(r"not (?:responding|answering)|(?:does not|no) (?:answer|respon\w+)|no response"), "hang"),
    (re.compile(r"\b(?:max_connections|too many clients|too many connections)\b"), "connection exhausted"),
)
_EMPTY = frozenset(
    re.findall(
        r"\w+",
        """the a an of for to in on at is are was be with and or not no if when than then more less above below over under by from
        it its all any this that issue issues problem problems procedure runbook step steps minute minutes second seconds percent
        check service services system alert critical warning out has have been value per rate count""",
    )
)
_WORD = re.compile(r"[^\W_][\w.-]*[^\W_]|[^\W_]")
_METRIC_WORDS = tuple((metric.name, matcher(metric.words)) for metric in METRICS)
_NAMING = re.compile(r"follow|see|run|use|perform|execute|start|refer|procedure|runbook|playbook|[#\[“\"'`→]", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Candidate:
    """A procedure that may be meant, and how well it fits."""

    procedure_id: str
    title: str
    score: float
    #: the words by which it was found
    words: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Choice:
    """The procedure for an incident, or none; the sentence says why."""

    procedure_id: str | None
    sentence: str
    score: float = 0.0
    runners_up: tuple[Candidate, ...] = ()


def choose(book: Book, alerts: Sequence[Alert], incident: Incident, bindings: Bindings) -> Choice:
    """Choose a procedure of the book for an incident."""
    thresholds = bindings.thresholds
    # while the cause itself has not fired, its symptoms' own actions would lead astray
    causes = [alert for alert in alerts if alert.explained_by is None]
    if causes and all(alert.key.startswith(BLIND) for alert in causes):
        return Choice(None, "Nobody sees how it is, and a procedure is not begun on a guess: a person looks.")
    told_of = [thresholds[alert.rule] for alert in causes if alert.rule in thresholds]
    named = _named(book.procedures, told_of)
    if len(named) == 1:
        return Choice(named[0].id, f"The book's own actions for this alert name “{named[0].title}”.", 100.0)
    if not named and len(own := _whose_own(book.procedures, told_of)) == 1:
        return Choice(own[0].id, f"“{own[0].title}” is what the book has done for this alert itself.", 100.0)
    if len(named) > 1 and len(first := _named(book.procedures, _gravest(book, causes, thresholds))) == 1:
        return Choice(first[0].id, f"The book's own actions for the gravest of these alerts name “{first[0].title}”.", 100.0)
    guessed = [procedure for procedure in book.procedures if procedure.kind not in ONLY_NAMED]
    listed = [] if named else _symptoms_of(guessed, told_of)
    gravest = _symptoms_of(listed, _gravest(book, causes, thresholds)) or listed
    if len(gravest) == 1:
        which = "this alert" if len(listed) == 1 else "the gravest of these alerts"
        return Choice(gravest[0].id, f"The book has {which} among the symptoms of “{gravest[0].title}”.", 100.0)
    pool = named or gravest or guessed
    # a heading that names the book as a whole says nothing about the procedures below it
    whole = frozenset(_plain(each) for each in (book.title, book.service) if each)
    ranked = _rank(pool, _incident_words(causes, alerts, incident, thresholds), whole)
    if not ranked or ranked[0].score < FAINT:
        return Choice(None, "No procedure of the book speaks of this.", runners_up=tuple(ranked[:3]))
    best, others = ranked[0], tuple(ranked[1:4])
    if others and others[0].score >= NEAR * best.score:
        near = [best, *(other for other in others if other.score >= NEAR * best.score)]
        titles = ", ".join(f"“{candidate.title}”" for candidate in near)
        return Choice(None, f"Several procedures fit about as well, so a person chooses: {titles}.", best.score, (best, *others))
    then = f"; the next best is “{others[0].title}”" if others else ""
    return Choice(best.procedure_id, f"“{best.title}” speaks of {_listed(best.words)}{then}.", best.score, others)


def another(
    book: Book, alerts: Sequence[Alert], bindings: Bindings, done: Collection[str], *, only_states: bool = False
) -> Choice | None:
    """Choose a procedure after one did not help: what an alert of the incident names by its own actions and nobody carried out.

    A symptom may fire before its cause has lasted long enough to count, and its procedure finds nothing to do; once the cause
    has fired too, its own actions are what the book wants. Nothing is guessed here: only what an alert names, and only where it
    names one; what is explained by another component has no say, since its own actions would lead astray. `only_states` leaves
    figures out: a rate goes on for a while after its cause is gone, but what is down is down. None where there is no such.
    """
    thresholds = {key: each for key, each in bindings.thresholds.items() if not only_states or each.op == "is"}
    causes = [alert for alert in alerts if alert.explained_by is None]
    for alert in sorted(causes, key=lambda alert: -alert.fired_at.timestamp()):
        named = _named(book.procedures, [thresholds[alert.rule]]) if alert.rule in thresholds and alert.ended_at is None else []
        if len(named) == 1 and named[0].id not in done:
            said = f"“{alert.subject}” fires as well, and the book's own actions for it name “{named[0].title}”."
            return Choice(named[0].id, said, 100.0)
    return None


def tried(runs: Sequence[Run], ourselves: str) -> set[str]:
    """Give the procedures that were tried, of an incident's runs, the newest first.

    One that we stopped for another's sake before it changed anything was not; what was stopped last is not begun again at once.
    """
    return {run.plan.procedure_id for run in runs if run is runs[0] or run.cancelled_by != ourselves or _has_changed(run)}


def _has_changed(run: Run) -> bool:
    return any(act.mutating and run.acts[act.key].since is not None for act in run.plan.acts)


def _gravest(book: Book, alerts: Sequence[Alert], thresholds: Mapping[str, Threshold]) -> list[Threshold]:
    """Give the thresholds of the gravest alerts, where some are graver than others."""
    ranks = {alert.id: gravity(book, alert.severity) for alert in alerts}
    least = min(ranks.values(), default=0)
    return [thresholds[alert.rule] for alert in alerts if ranks[alert.id] == least and alert.rule in thresholds]


def _named(procedures: Iterable[Procedure], thresholds: Sequence[Threshold]) -> list[Procedure]:
    """Give the procedures that the thresholds' actions name."""
    return named_in(procedures, [action for threshold in thresholds for action in threshold.actions])


def _whose_own(procedures: Iterable[Procedure], thresholds: Sequence[Threshold]) -> list[Procedure]:
    """Give the procedures whose steps are an alert's own actions, with nothing besides: the alert's block in the book."""
    wanted = [(threshold.file, {_plain(action) for action in threshold.actions}) for threshold in thresholds if threshold.actions]
    found = []
    for procedure in procedures:
        steps = {_plain(step.text) for step in procedure.steps}
        if any(file == procedure.file and steps == actions for file, actions in wanted):
            found.append(procedure)
    return found


def _symptoms_of(procedures: Iterable[Procedure], thresholds: Sequence[Threshold]) -> list[Procedure]:
    """Give the procedures among whose symptoms the thresholds stand."""
    stated = {(threshold.file, _plain(threshold.text)) for threshold in thresholds}
    return [each for each in procedures if any((each.file, _plain(symptom)) in stated for symptom in each.symptoms)]


def named_in(procedures: Iterable[Procedure], texts: Iterable[str]) -> list[Procedure]:
    """Give the procedures that texts name, by title or anchor; of several where one title is in the others, the longest alone."""
    actions = list(texts)
    found = []
    for procedure in procedures:
        title, anchor = _plain(procedure.title), "-".join(_plain(procedure.title).split())
        for action in actions:
            text = _plain(action)
            by_anchor = f"#{anchor}" in action.casefold() or procedure.id in action
            by_title = len(title) > 3 and f" {title} " in f" {text} " and bool(_NAMING.search(action) or text == title)
            if by_anchor or by_title:
                found.append(procedure)
                break
    longest = max((len(_plain(procedure.title)) for procedure in found), default=0)
    inside = [procedure for procedure in found if len(_plain(procedure.title)) == longest]
    swallowed = all(_plain(procedure.title) in _plain(inside[0].title) for procedure in found) if inside else False
    return inside if swallowed else found


def _incident_words(
    causes: Sequence[Alert], alerts: Sequence[Alert], incident: Incident, thresholds: Mapping[str, Threshold]
) -> dict[str, float]:
    """Give the incident's words with their weights: what is taken for the cause weighs more than what follows from it."""
    weights: dict[str, float] = {}

    def add(text: str | None, weight: float) -> None:
        for word in words(text or ""):
            raise_to(word, weight)

    def raise_to(word: str, weight: float) -> None:
        weights[word] = max(weights.get(word, 0.0), weight)

    add(incident.cause, 3.0)
    add(incident.title, 2.0 if causes else 0.5)
    for alert in alerts:
        share = 1.0 if alert in causes else 0.3
        add(alert.component, 2.0 * share)
        add(alert.subject, 3.0 * share)
        add(alert.sentence, 0.5 * share)
        threshold = thresholds.get(alert.rule)
        if threshold is not None:
            add(threshold.text, 2.0 * share)
            add(threshold.state, 2.0 * share)
            add(" ".join(threshold.actions), 0.7 * share)
            if threshold.metric:
                raise_to(f"metric:{threshold.metric}", 2.0 * share)
    return weights


def _rank(procedures: Sequence[Procedure], incident: Mapping[str, float], whole: frozenset[str]) -> list[Candidate]:
    texts = [(procedure, words(procedure.title), _symptoms(procedure, whole)) for procedure in procedures]
    spread = Counter(word for _, title, symptoms in texts for word in title | symptoms)
    ranked = []
    for procedure, title, symptoms in texts:
        hits: dict[str, float] = {}
        fit = len([word for word in title if word in incident]) / len(title) if title else 0.0
        for found, weight in ((title, 1.0 + 2.0 * fit), (symptoms - title, 0.8)):
            for word in found & incident.keys():
                hits[word] = weight * incident[word] * math.log(1 + len(texts) / spread[word])
        runnable = 1.0 if any(step.commands for step in procedure.steps) else 0.6
        best = tuple(word.removeprefix("metric:").replace("_", " ") for word in sorted(hits, key=lambda w: (-hits[w], w))[:4])
        ranked.append(Candidate(procedure.id, procedure.title, round(runnable * sum(hits.values()), 2), best))
    return sorted((candidate for candidate in ranked if candidate.score > 0), key=lambda c: (-c.score, c.procedure_id))


def _symptoms(procedure: Procedure, whole: frozenset[str]) -> frozenset[str]:
    above = [heading for heading in procedure.path[-1:] if _plain(heading) not in whole]
    return words(" . ".join((*procedure.symptoms, *procedure.causes, *above)))


def words(text: str) -> frozenset[str]:
    """Give the words of a text that say something, each as the first of those that mean the same.

    >>> sorted(words("The database is not responding: too many connections"))
    ['connection', 'database', 'exhausted', 'hang', 'metric:database_connections']
    """
    plain = text.casefold()
    metrics = {f"metric:{name}" for name, pattern in _METRIC_WORDS if pattern.search(plain)}
    for pattern, meant in _PHRASES:
        plain = pattern.sub(meant, plain)
    said = (word for word in _WORD.findall(plain) if word not in _EMPTY and not word.isdigit())
    return frozenset({_stem(word) for word in said} | metrics)


def _stem(word: str) -> str:
    if word in _CONCEPT:
        return _CONCEPT[word]
    short = word[:-1] if len(word) > 4 and word.endswith("s") and not word.endswith("ss") else word
    return _CONCEPT.get(short, short)


def _plain(text: str) -> str:
    return " ".join(re.findall(r"\w+", re.sub(r"^[\d.\s]+", "", text.casefold())))


def _listed(found: Sequence[str]) -> str:
    return ", ".join(found[:-1]) + f" and {found[-1]}" if len(found) > 1 else "".join(found)
