"""Read the escalation ladder: who is told next, and after how long, from lists, headings, fences and tables."""

from __future__ import annotations

import re
from collections.abc import Iterator

from watchkeeper.base.durations import find_durations
from watchkeeper.book.model import Escalation
from watchkeeper.book.openings import Opening
from watchkeeper.book.read.climbs import said_of
from watchkeeper.book.read.ordering import in_order
from watchkeeper.book.read.passages import Passage, Passages, TableAt, clean
from watchkeeper.book.read.severity_words import severity_code, severity_of, severity_word
from watchkeeper.book.vocabulary import ESCALATION_WORDS, IMMEDIATE, ROLE_WORDS, matcher

_ESCALATION = matcher(ESCALATION_WORDS)
_IMMEDIATE = matcher(IMMEDIATE)
_ROLE = matcher(ROLE_WORDS)
_LEVEL = Opening(
    r"^\W*",
    "level|l|tier|niveau|nivel|nível|stufe|ebene|poziom|レベル|级别|レベル|단계",
    r"\s*-?\s*(?P<n>[1-9])\b\W*(?P<rest>.*)$",
    re.IGNORECASE | re.DOTALL,
)
_PAGE = re.compile(
    r"(?:^|,\s*|\bthen\s+|→\s*)(?:escalate\s+(?:immediately\s+)?to|page|call|notify|phone|contact|informiere|"
    r"rufe|appeler|llamar a)\s+(?:the\s+)?(?P<role>[^,.;()]+?)(?:\s+(?:if|after|within|immediately|when|wenn|"
    r"falls)\b.*)?$",
    re.IGNORECASE,
)
_UNANSWERED = re.compile(
    r"\b(?:if|wenn|falls|si|after|nach)\b[^,]*?(?:not|no|un|kein|nicht|non|sin|without)\w*[^,]*?\b(?:in|within|"
    r"after|for|nach|binnen|en|dans)\b",
    re.IGNORECASE,
)
_CLOCK = re.compile(
    r"^\W*(?P<time>(?:T\s*\+\s*|after\s+|nach\s+|après\s+|después de\s+|após\s+|within\s+|"
    r"\+\s*)?\d[\d.,\s–-]*\s?[a-zà-ž]*|T\s*\+\s*0|"
    r"immediate(?:ly)?|sofort|immédiat(?:ement)?|inmediato|imediato|at once)\.?(?:\s+(?:unresolved|without \w+|"
    r"no (?:answer|ack\w*)))?\s*"
    r"(?::|→|->|=>|–|—)\s*(?P<role>\S.*)$",
    re.IGNORECASE,
)
_CHAIN = re.compile(r"\s*(?:→|⇒|->|=>|➡)\s*")
#: a column that says how long until the next is told
_ESCALATING = re.compile(r"e[sk][ck]al|升级|エスカ|에스컬", re.IGNORECASE)
_CONTACT_COLUMN = re.compile(
    r"contact|manager|escalat|level\s*\d|on-?call|lead|primary|secondary|tertiary|1st|2nd|3rd|first|second|third", re.IGNORECASE
)


def read_ladder(passages: Passages) -> tuple[Escalation, ...]:
    """Read all rungs; "escalate after 15 minutes" inside one procedure belongs to that procedure, not here."""
    found: list[Escalation] = []
    for table in passages.tables:
        found.extend(_from_table(table))
    for passage in passages.all:
        if passage.kind == "comment":
            continue
        if passage.parent is None and (match := _LEVEL.match(passage.text)):
            found.extend(_level(passage, match))
        text = passage.text
        if ">" in text or (not text.isascii() and ("→" in text or "⇒" in text or "➡" in text)):
            found.extend(_chain(passage))
    found.extend(_headed(passages))
    for group in _lists(passages):
        found.extend(_ordered(group))
        found.extend(_unanswered(group))
        found.extend(_timed(group))
        found.extend(_clocked(group))
    return in_order(found, lambda e: (e.line, e.level, e.role))


def after_seconds(text: str) -> float | None:
    """Read after how long a rung is reached; of a range its beginning; "immediately" is 0."""
    duration = next(iter(find_durations(text)), None)
    if duration is not None:
        return duration.low_s
    return 0.0 if _IMMEDIATE.search(text) else None


def _level(passage: Passage, match: re.Match[str]) -> Iterator[Escalation]:
    """Read "Level 2: Team Lead (+15 minutes)" in any kind of passage."""
    escalating = _ESCALATION.within(passage.context)
    rest = match["rest"].strip()
    if severity_word(rest[:12]) or (not escalating and not _ROLE.search(rest)) or not rest or len(passage.text) > 240:
        return
    if not escalating and passage.kind not in ("heading", "item"):
        return
    bracket = (
        re.match(r"^\(?(?P<role>[^()]+)\)\s*:?\s*(?P<rest>.*)$", rest, re.DOTALL)
        if rest.count(")") == 1 and passage.text.strip()[2:5].strip()[:1] == "("
        else None
    )
    timed = re.match(r"^\(?(?P<time>[^()]*\d[^()]*)\)\s*[:–—-]\s*(?P<rest>\S.*)$", rest, re.DOTALL)
    if timed and bracket is None:
        rest = f"{timed['rest']} ({timed['time']})"
    named = re.match(r"^[(:\s–—-]*(?P<role>[^():\n]+)", rest)
    role = clean(bracket["role"] if bracket else named["role"] if named else rest)
    role = re.split(r"\s[–—-]\s|,|\s\d", role, maxsplit=1)[0].strip() or role
    timing = " ".join(re.findall(r"\(([^()]*)\)", rest)) or (
        rest if re.search(r"after|\+|within|nach|après|\d\s?-\s?\d", rest) else ""
    )
    after = after_seconds(timing) if re.search(r"\d", timing) or _IMMEDIATE.search(timing) else None
    if after is None and passage.kind == "heading":
        after = None
    yield Escalation(
        line=passage.line,
        level=int(match["n"]),
        role=role,
        after_s=after,
        severity=severity_of((passage.section.title,)) if re.search(r"\bP\d|\bSEV", passage.section.title) else None,
    )


def rungs_of(text: str) -> list[tuple[str, float | None]]:
    """Read a chain of roles with their times; empty where the text is none.

    >>> rungs_of("On-call engineer → Team lead (30 min) → CTO")
    [('On-call engineer', None), ('Team lead', 1800.0), ('CTO', None)]
    """
    parts = [part.strip(" .*`") for part in _CHAIN.split(text)]
    if len(parts) < 2 or any(not part or len(part.split()) > 8 for part in parts):
        return []
    roles = [clean(re.sub(r"\([^()]*\)", "", part)) for part in parts]
    if sum(bool(_ROLE.search(role)) for role in roles) * 3 < len(roles) * 2 or any(
        severity_code(part) or "?" in part for part in parts
    ):
        return []
    return [(role, after_seconds(part) if re.search(r"\d", part) else None) for role, part in zip(roles, parts, strict=True)]


def _chain(passage: Passage) -> Iterator[Escalation]:
    """Read "On-call → team lead → CTO" beneath a heading or behind a label that speaks of escalation."""
    if passage.kind == "heading" or "\n" in passage.text or not _CHAIN.search(passage.text):
        return
    if not any(_ESCALATION.search(words) for words in (passage.label, *passage.context[:2])):
        return
    severity = severity_of((passage.label,))
    for level, (role, after) in enumerate(rungs_of(passage.body), 1):
        yield Escalation(line=passage.line, level=level, role=role, after_s=after, severity=severity)


def _lists(passages: Passages) -> Iterator[list[Passage]]:
    """Group the sibling items of each list."""
    group: list[Passage] = []
    for passage in passages.all:
        if passage.kind == "item" and passage.block is not None:
            key = (id(passage.section), passage.under, id(passage.parent))
            if group and (id(group[0].section), group[0].under, id(group[0].parent)) != key:
                yield group
                group = []
            group.append(passage)
        elif passage.kind in ("heading", "prose") and group:
            yield group
            group = []
    if group:
        yield group


_ROLE_ENDS = re.compile(r"[(（:]|\s[–—-]\s|→")


def _ordered(group: list[Passage]) -> Iterator[Escalation]:
    """Read a numbered list of roles under a heading that speaks of escalation: "1. On-call engineer (15 minutes)"."""
    first = group[0]
    if first.block is None or first.block.number is None or len(group) < 2 or any(_LEVEL.match(p.text) for p in group):
        return
    nearest = first.under[-1] if first.under else first.section.title
    if not _ESCALATION.search(nearest) or re.search(r"contact|when|kontakt|decision|criteria|if\b", nearest, re.IGNORECASE):
        return
    if any(p.children for p in group) or sum(bool(_ROLE.search(p.text)) for p in group) * 2 < len(group):
        return
    if any(_PAGE.search(p.text) or len(p.text) > 80 for p in group):
        return
    for passage in group:
        if said_of(passage.text) is not None:
            continue  # it is said of all of them
        role = clean(_ROLE_ENDS.split(passage.text, maxsplit=1)[0])
        yield Escalation(
            line=passage.line,
            level=passage.block.number or 1 if passage.block else 1,
            role=role,
            after_s=after_seconds(passage.text),
        )


_TIMED_HEADING = re.compile(r"\((?P<time>[^()]*\d[^()]*)\)\s*:?\s*$")
_LATER = re.compile(r"[>≥+]|after|over|more than|nach|après|después|após|mais de|más de|plus de|mehr als", re.IGNORECASE)


def _headed(passages: Passages) -> Iterator[Escalation]:
    """Read headings beside each other that each say from when on whom to call: "Executive escalation (> 15 minutes)"."""
    for around in passages.sections:
        timed = [(one, match) for one in around.sections if (match := _TIMED_HEADING.search(one.title)) is not None]
        timed = [(one, match) for one, match in timed if _ESCALATION.search(one.title)]
        if len(timed) < 2:
            continue
        for level, (section, match) in enumerate(timed, 1):
            after = after_seconds(match["time"]) if _LATER.search(match["time"]) else 0.0
            for passage in passages.in_section(section):
                if passage.kind == "item" and passage.parent is None and passage.label and _ROLE.search(passage.label):
                    yield Escalation(line=passage.line, level=level, role=clean(passage.label), after_s=after)


def _unanswered(group: list[Passage]) -> Iterator[Escalation]:
    """Read "1. Page on-call 2. If not responding in 30 seconds, page manager" under a severity or escalation heading."""
    context = group[0].context
    if not _ESCALATION.within(context) and not any(severity_code(words) for words in context):
        return
    timed = [p for p in group if _UNANSWERED.search(p.text) and _PAGE.search(p.text) and after_seconds(p.text) is not None]
    if not timed:
        return
    for index, passage in enumerate(group, 1):
        match = _PAGE.search(passage.text)
        if match is None or (not _ROLE.search(match["role"]) and passage not in timed):
            continue
        yield Escalation(
            line=passage.line,
            level=index,
            role=match["role"].strip(),
            after_s=after_seconds(passage.text) if passage in timed else None,
            severity=severity_of(passage.context),
        )


_THEN = re.compile(r"(?:→|->|=>|⇒)\s*(?P<then>.+)$")


def _timed(group: list[Passage]) -> Iterator[Escalation]:
    """Read "15 min without improvement → page Ben" beneath a heading that speaks of escalation."""
    if not _ESCALATION.within(group[0].context):
        return
    level = 0
    for passage in group:
        first = next(find_durations(passage.text), None)
        arrow = _THEN.search(passage.text)
        match = _PAGE.search(arrow["then"].rstrip(".")) if arrow else None
        if first is not None and first.start < 4 and match is not None:
            level += 1
            yield Escalation(line=passage.line, level=level, role=match["role"].strip(), after_s=first.low_s)


def _clocked(group: list[Passage]) -> Iterator[Escalation]:
    """Read "T+10 min: secondary on-call" and "After 30 minutes: team lead" beneath a heading that speaks of escalation."""
    nearest = group[0].under[-1] if group[0].under else group[0].section.title
    if not _ESCALATION.search(nearest) or len(group) < 2:
        return
    rungs: list[tuple[Passage, str, float]] = []
    for passage in group:
        match = _CLOCK.match(passage.text)
        if match is None:
            return
        after = after_seconds(match["time"])
        role = clean(re.split(r"[(（,.;]|\s[–—-]\s", match["role"], maxsplit=1)[0])
        role = re.sub(r"^(?:page|call|notify|escalate to|inform|contact)\s+(?:the\s+)?", "", role, flags=re.IGNORECASE)
        rungs.append((passage, role, after if after is not None else 0.0))
    if sum(bool(_ROLE.search(role)) for _, role, _ in rungs) * 2 < len(rungs):
        return
    for level, (passage, role, after) in enumerate(rungs, 1):
        yield Escalation(line=passage.line, level=level, role=role, after_s=after)


_LEVEL_TITLE = re.compile(r"(?:escalation )?(?:level|tier|step|niveau|nivel|stufe|#)", re.IGNORECASE)
_ROLE_TITLE = re.compile(
    r"role|contact|who|person|team|rolle|rôle|rol\b|notify|kontakt|ansprech|responsable|responsável|連絡|联系|연락|escalate to",
    re.IGNORECASE,
)
_TIME_TITLE = re.compile(r"time|after|when|delay|elapsed|zeit|nach\b|délai|après|tiempo|経過|時間|时间", re.IGNORECASE)


def _from_table(table: TableAt) -> Iterator[Escalation]:
    header = [clean(title) for title in table.header]
    if len(header) < 2:
        return
    near = any(_ESCALATION.search(words) for words in (*table.context[:2], *header))
    level_column = next((n for n, title in enumerate(header) if _LEVEL_TITLE.fullmatch(title)), None)
    role_column = next((n for n, title in enumerate(header) if n != level_column and _ROLE_TITLE.search(title)), None)
    time_column = next((n for n, title in enumerate(header) if _TIME_TITLE.search(title)), None)
    if near and level_column is not None and role_column is not None and level_column != role_column:
        for index, row in enumerate(table.rows, 1):
            cells = [cell.text for cell in row.children]
            if max(role_column, level_column) >= len(cells) or severity_code(cells[level_column]):
                continue
            digits = re.search(r"\d", cells[level_column])
            after = after_seconds(cells[time_column]) if time_column is not None and time_column < len(cells) else None
            yield Escalation(
                line=row.line, level=int(digits.group()) if digits else index, role=clean(cells[role_column]), after_s=after
            )
        return
    if near and level_column is None and time_column == 0 and role_column is not None and role_column > 0:
        timed = [(row, [cell.text for cell in row.children]) for row in table.rows]
        for index, (row, cells) in enumerate(timed, 1):
            if role_column < len(cells) and (after := after_seconds(cells[0])) is not None:
                yield Escalation(line=row.line, level=index, role=clean(cells[role_column]), after_s=after)
        return
    if near and level_column is None and role_column is not None and time_column and _ESCALATING.search(header[time_column]):
        for row in table.rows:
            cells = [cell.text for cell in row.children]
            severity = severity_code(cells[0]) or severity_word(cells[0]) if cells else None
            if severity and max(role_column, time_column) < len(cells):
                after = after_seconds(cells[time_column])
                yield Escalation(line=row.line, level=1, role=clean(cells[role_column]), after_s=after, severity=severity)
        return
    chained = next((n for n, title in enumerate(header) if n and _ESCALATION.search(title)), None)
    if chained is not None:
        for row in table.rows:
            cells = [cell.text for cell in row.children]
            severity = severity_code(cells[0]) or severity_word(cells[0]) if cells else None
            for level, (role, after) in enumerate(rungs_of(cells[chained]) if severity and chained < len(cells) else [], 1):
                yield Escalation(line=row.line, level=level, role=role, after_s=after, severity=severity)
    columns = [n for n, title in enumerate(header) if n and _CONTACT_COLUMN.search(title)]
    if not near or len(columns) < 2:
        return
    for row in table.rows:
        cells = [cell.text for cell in row.children]
        severity = severity_code(cells[0]) or severity_word(cells[0]) if cells else None
        if severity is None:
            continue
        for level, n in enumerate(columns, 1):
            if n < len(cells) and re.search(r"\w", cells[n]):
                title_after = after_seconds(header[n]) if re.search(r"\d", header[n]) else None
                cell_after = after_seconds(cells[n]) if re.search(r"\d+\s?(?:m|h|s)", cells[n]) else None
                role = clean(re.sub(r"\([^()]*\d[^()]*\)", "", cells[n]))
                yield Escalation(
                    line=row.line,
                    level=level,
                    role=role,
                    after_s=cell_after if cell_after is not None else title_after,
                    severity=severity,
                )
