"""Read what a book says of its ladder as a whole: that it begins again, and of which severity all levels hear at once."""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass

from watchkeeper.base.durations import find_durations
from watchkeeper.book.model import Climb, ClimbKind, Escalation
from watchkeeper.book.read.ordering import in_order
from watchkeeper.book.read.passages import Passage, Passages
from watchkeeper.book.read.severity_words import severity_code, severity_of, severity_word
from watchkeeper.book.vocabulary import AGAIN, ALL_OF_THEM, ESCALATION_WORDS, SEVERITY_CODE, matcher

_ESCALATION = matcher(ESCALATION_WORDS)
_AGAIN = matcher(AGAIN)
_ALL = matcher(ALL_OF_THEM)
_SENTENCE = re.compile(r"(?<=[.!?;])\s+")
_EVERY = re.compile(r"(?:\b(?:every|each|alle|cada)|\btou(?:te)?s\s+les)\s+(?=\d)", re.IGNORECASE)
_AFTER = re.compile(r"\b(?:after|in|nach|después de|tras|al cabo de|après|au bout de|após|depois de)\s+(?=\d)", re.IGNORECASE)
#: begins from its first level
_FROM_THE_TOP = re.compile(
    r"(?:start|begin|go|loop|come|return|restart|repeat)\w*\b.{0,30}?(?:level\s*1|first\s+level|the\s+(?:top|start|beginning))\b"
    r"|\b(?:restart|repeat)s?\s+(?:the\s+)?(?:whole\s+|entire\s+)?(?:ladder|escalation|chain|cycle|policy)\b"
    r"|(?:ladder|chain|cycle|policy|escalation)\s+(?:is\s+)?(?:starts?|begins?|restart\w*|repeat\w*)\b"
    r"|\bvon\s+vorne?\b|(?:wieder|erneut)\b.{0,30}?(?:stufe|ebene)\s*1\b"
    r"|(?:empezar|comenzar|volver|reiniciar|empieza|comienza|vuelve)\b.{0,40}?(?:nivel\s*1|primer\s+nivel|principio)\b"
    r"|(?:recommenc|reprend|revenir)\w*\b.{0,30}?(?:niveau\s*1|premier\s+niveau|début)\b"
    r"|(?:recomeç|começ|volta)\w*\b.{0,30}?(?:n[ií]vel\s*1|primeiro\s+n[ií]vel|in[ií]cio)\b",
    re.IGNORECASE,
)
_CALL = re.compile(
    r"\b(?:re-?)?(?:pag|call|notif|alert|ring|repeat|wiederhol|alarmier|anruf|angeruf|benachrichtig|ruf|repet|repit|répét|rappel|"
    r"llam|avis|lig|cham|acion|prév|appel)",
    re.IGNORECASE,
)
_TIMES = re.compile(r"\b(?P<n>\d{1,2})\s*-?\s*(?:times|x|mal|veces|fois|vezes)\b|\b(?P<word>once|twice|zweimal)\b", re.IGNORECASE)
_UNTIL = re.compile(r"\b(?:until|till|bis|hasta|jusqu|até)\b", re.IGNORECASE)
_NOT = re.compile(
    r"\b(?:not|never|don't|nicht|nie|jamais|nunca|ne)\s+(?:be\s+)?(?:repeat|page|call|start|go|begin|wiederhol|erneut|repet|rappel)",
    re.IGNORECASE,
)
#: what else is said again: news and looks, not pages
_OTHER = re.compile(
    r"\b(?:updates?|status|communicat\w*|stakeholders?|customers?|checks?|tests?|backups?|drills?|reviews?|meetings?|posts?)\b",
    re.IGNORECASE,
)
_WHOM = re.compile(
    r"\b(?:everyone|everybody|all\s+(?:of\s+(?:them|these)|contacts|roles|people|two|three|four|five|six|[2-9])|"
    r"(?P<levels>all\s+(?:the\s+)?(?:levels|rungs|tiers)|(?:the\s+)?(?:whole|entire|full)\s+(?:ladder|chain)|alle\s+(?:stufen|ebenen)|"
    r"todos\s+los\s+niveles|tous\s+les\s+niveaux|todos\s+os\s+n[ií]veis)|alle|todos|tous)\b",
    re.IGNORECASE,
)
_HEARS = re.compile(
    r"\b(?:pag|notif|hear|told|tell|call|alert|inform|contact|alarm|benachrichtig|angeruf|erfahr|avis|llam|prév|appel|chamad|acion)",
    re.IGNORECASE,
)
_TOGETHER = re.compile(
    r"\b(?:at\s+once|immediately|simultaneously|in\s+parallel|at\s+the\s+same\s+time|straight\s+away|right\s+away|sofort|"
    r"gleichzeitig|zugleich|a\s+la\s+vez|de\s+inmediato|inmediatamente|al\s+mismo\s+tiempo|simultáneamente|en\s+même\s+temps|"
    r"immédiatement|simultanément|ao\s+mesmo\s+tempo|imediatamente|simultaneamente)\b",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Said:
    """What one sentence says of a ladder."""

    kind: ClimbKind
    after_s: float | None = None
    times: int | None = None


def read_climbs(passages: Passages, ladder: Sequence[Escalation]) -> tuple[Climb, ...]:
    """Read what stands beside the rungs of a ladder, beneath a heading or label that speaks of escalation."""
    if not ladder:
        return ()
    lines = sorted({rung.line for rung in ladder})
    holding = {id(s): s for s in passages.sections if bisect_left(lines, s.line) < bisect_right(lines, s.end_line)}
    # a title over the whole file says nothing of its parts
    rooms = [s for s in holding.values() if (s.level > 1 or not s.sections) and _ESCALATION.search(s.title)]
    inside = {id(section) for room in rooms for section in room.walk()}
    found: list[Climb] = []
    for passage in passages.all:
        here = id(passage.section)
        if here not in inside and not (passage.under and here in holding and _ESCALATION.within(passage.under)):
            continue
        if passage.kind not in ("heading", "comment"):
            found.extend(_of_passage(passage))
    return in_order(found, lambda climb: (climb.line, climb.kind, climb.severity or ""))


def _of_passage(passage: Passage) -> list[Climb]:
    found: list[Climb] = []
    at = 0
    for sentence in _SENTENCE.split(passage.text):
        at = passage.text.find(sentence, at)
        said = said_of(sentence)
        if said is None:
            continue
        severities = _severities(sentence, passage)
        if said.kind == "together" and not severities and _whom_levels(sentence) is None:
            continue
        for severity in severities or [None]:
            line = passage.line_at(at)
            found.append(Climb(line=line, kind=said.kind, after_s=said.after_s, times=said.times, severity=severity))
    return found


def _whom_levels(sentence: str) -> str | None:
    match = _WHOM.search(sentence)
    return match["levels"] if match else None


def _severities(sentence: str, passage: Passage) -> list[str | None]:
    codes = dict.fromkeys(severity_code(match.group()) for match in SEVERITY_CODE.finditer(sentence))
    named: str | None = None if codes else severity_word(sentence, strict=True)
    around = None if codes or named else severity_of((*passage.under[::-1], passage.section.title))
    return [*codes] or [severity for severity in (named, around) if severity]


def said_of(sentence: str) -> Said | None:
    """Say what a sentence says of the ladder that it stands beside; None where it is about something else.

    >>> said_of("Repeat every 10 minutes until acknowledged.")
    Said(kind='again', after_s=600.0, times=None)
    >>> said_of("If nobody answers, start again from level 1."), said_of("In a P0 all four hear of it at once.").kind
    (Said(kind='again', after_s=None, times=None), 'together')
    >>> said_of("Page again after 5 minutes"), said_of("Repeat the update every 30 minutes")
    (Said(kind='again', after_s=300.0, times=1), None)
    """
    if _ALL.search(sentence) and _WHOM.search(sentence) and _HEARS.search(sentence) and _TOGETHER.search(sentence):
        return Said("together")
    if not _AGAIN.search(sentence) or _NOT.search(sentence) or _OTHER.search(sentence):
        return None
    times = _times(sentence)
    every, after = _length(_EVERY, sentence), _length(_AFTER, sentence)
    if _FROM_THE_TOP.search(sentence):
        return Said("again", every or after, times)
    if not _CALL.search(sentence):
        return None
    if every is not None:
        return Said("again", every, times)
    if after is not None:
        return Said("again", after, times if times or _UNTIL.search(sentence) else 1)
    return None


def _length(before: re.Pattern[str], sentence: str) -> float | None:
    match = before.search(sentence)
    first = next(iter(find_durations(sentence[match.end() :])), None) if match else None
    return first.low_s if first is not None and first.start == 0 else None


def _times(sentence: str) -> int | None:
    match = _TIMES.search(sentence)
    if match is None:
        return None
    return int(match["n"]) if match["n"] else 1 if match["word"].lower() == "once" else 2
