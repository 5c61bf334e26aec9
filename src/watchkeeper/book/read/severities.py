"""Read the severities a document defines: their codes, names, criteria and how soon somebody must respond."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from watchkeeper.base.durations import find_durations
from watchkeeper.book.model import Severity
from watchkeeper.book.openings import Opening
from watchkeeper.book.read.passages import Passage, Passages, TableAt, clean
from watchkeeper.book.read.severity_words import numbered_severity, severity_code, severity_word
from watchkeeper.book.vocabulary import IMMEDIATE, RESPONSE_COLUMNS, SEVERITY_HEADINGS, matcher

_HEADING = matcher(SEVERITY_HEADINGS)
_RESPONSE = matcher(RESPONSE_COLUMNS)
_IMMEDIATE = matcher(IMMEDIATE)
_CRITERIA = matcher(
    (
        "description",
        "definition",
        "criteria",
        "impact",
        "examples",
        "example",
        "meaning",
        "what",
        "trigger*",
        "condition*",
        "beschreibung",
        "définition",
        "descripción",
        "descrição",
        "opis",
        "bedeutung",
        "説明",
        "定義",
        "描述",
        "설명",
        "business impact",
        "system impact",
        "when",
        "scope",
    )
)
_CONTACTS = re.compile(r"\bcontact\b|\bescalat\w* to\b|\blevel [1-4]\b|\bprimary\b.*\bsecondary\b", re.IGNORECASE)
_DASHED = re.compile(r"^(?P<label>(?:SEV(?:ERITY)?[- ]?|P)[0-5]\b[^\n]{0,24}?)\s[-–—]\s(?P<body>[^\n]+)$", re.IGNORECASE)
_ANSWER = re.compile(
    r"(?:respon\w+|ack\w*|respuesta|resposta|risposta|réponse|reaktion\w*|reakcj\w*|対応(?:時間)?|初動|响应(?:时间)?|응답|대응)[^:.;]{0,20}?"
    r"(?:within|\bin\b|:|<|≤|—|–|en moins de|in weniger als|sous)\s*([^.;]+)",
    re.IGNORECASE,
)
_LEADING = Opening(
    r"^\W*",
    r"SEV(?:ERITY)?[-_ ]?[0-5]|P(?:RIO(?:RITY)?)?[-_ ]?[0-5]|S[-_ ]?[0-5]|critical|warning|info|high|medium|low|major|minor",
    r"\b",
    re.IGNORECASE,
)
_FOR_CODE = re.compile(
    r"(?P<time>immediate\w*|\d+\s?\w+)\s+(?:for|für|pour|para|dla)\s+(?P<code>(?:SEV[- ]?|P)[0-5])\b", re.IGNORECASE
)


def read_severities(passages: Passages) -> tuple[Severity, ...]:
    """Read the severities, each code once: where it is defined, not where it is used."""
    found: list[Severity] = []
    for table in passages.tables:
        found.extend(_from_table(table))
    found.extend(_from_sections(passages))
    found.extend(_from_passages(passages))
    best: dict[str, Severity] = {}
    for severity in sorted(found, key=lambda s: (s.respond_within_s is None, not s.criteria, s.line)):
        best.setdefault(severity.code.upper(), severity)
    kept = {id(s) for s in best.values()}
    codes = {s.code.upper() for s in best.values() if re.search(r"\d", s.code)}
    return tuple(
        sorted((s for s in found if id(s) in kept and not (codes and not re.search(r"\d", s.code))), key=lambda s: s.line)
    )


_WORKING_TIME = re.compile(r"\s*(?:business|working|werktag|jour ouvr|día hábil|dia útil|roboczy)", re.IGNORECASE)


def response_seconds(text: str) -> float | None:
    """Read how soon somebody must respond; "immediately" is 0, "next business day" is unknown.

    >>> response_seconds("Immediate (< 15 minutes)"), response_seconds("Immediate"), response_seconds("Next business day")
    (900.0, 0.0, None)
    """
    duration = next(iter(find_durations(text)), None)
    if duration is not None and not _WORKING_TIME.match(text[duration.end :]):
        return duration.high_s
    return 0.0 if _IMMEDIATE.search(text) else None


_BUSINESS_DAY = re.compile(
    r"(?:(?P<n>\d{1,2}|one|two|three|five)\s+|next\s+|following\s+)?(?:business|working)\s+days?\b|nächster? werktag|"
    r"(?:prochain )?jour ouvré (?:suivant)?|(?:siguiente )?día hábil(?: siguiente)?|próximo dia útil|następny dzień roboczy|"
    r"翌営業日|下一?个?工作日|다음 영업일",
    re.IGNORECASE,
)
_COUNTED = {"one": 1, "two": 2, "three": 3, "five": 5}


def response_days(text: str) -> int | None:
    """Read by the end of which business day somebody must respond; the next one is 1.

    >>> response_days("Next business day"), response_days("within 3 working days"), response_days("15 minutes")
    (1, 3, None)
    """
    match = _BUSINESS_DAY.search(text)
    if match is None:
        return None
    said = (match["n"] or "").lower()
    return _COUNTED.get(said) or (int(said) if said else 1)


def _named(text: str) -> tuple[str, str | None] | None:
    """Give the code and name that a cell, label or heading begins with."""
    text = clean(text)
    code = severity_code(text[:24])
    word = severity_word(text)
    if code:
        return code, _title(text, code) or (word.capitalize() if word else None)
    numbered = re.match(r"(?:severity|sev|priority|prio|level|niveau|nivel|schweregrad|gravité)\s*([0-5])\b", text, re.IGNORECASE)
    if numbered:
        prefix = "P" if numbered.group().lower().startswith("prio") else "SEV"
        return f"{prefix}{numbered[1]}", word.capitalize() if word else None
    if word and _LEADING.match(text) and len(text) < 60:
        return word.capitalize(), None
    if word and len(text) <= 12:
        return word.capitalize(), None
    return None


_TITLE_ENDS = re.compile(r"[)(:–—-]")


def _title(text: str, code: str) -> str | None:
    rest = re.sub(rf"^.*?{re.escape(code[:1])}\w*[-_ ]?{code[-1]}\W*", "", text, count=1, flags=re.IGNORECASE)
    rest = _TITLE_ENDS.split(rest.strip(" ()-–—:"), maxsplit=1)[0].strip()
    return rest[:40] or None


def _from_table(table: TableAt) -> Iterator[Severity]:
    header = [clean(title) for title in table.header]
    if len(header) < 2 or _CONTACTS.search(" ".join(header[1:])):
        return
    first = next(
        (
            n
            for n, title in enumerate(header[:2])
            if _HEADING.search(title) or re.fullmatch(r"level|code|sev\w*|class|prio\w*|nivel|stufe", title, re.IGNORECASE)
        ),
        None,
    )
    response = next((n for n, title in enumerate(header) if n != first and _RESPONSE.search(title)), None)
    criteria = [n for n, title in enumerate(header) if n != first and _CRITERIA.search(title)]
    near = bool(_HEADING.search(" ".join(table.context[:2])))
    if first is None and near and (response is not None or criteria):
        first = 0
    if first is None or (first > 0 and not near) or (response is None and not criteria):
        return
    for row in table.rows:
        cells = [cell.text for cell in row.children]
        named = _named(cells[first]) if first < len(cells) else None
        if named is None:
            continue
        yield Severity(
            line=row.line,
            code=named[0],
            name=named[1],
            criteria=tuple(" ".join(cells[n].split()) for n in criteria if n < len(cells) and cells[n].strip()),
            respond_within_s=response_seconds(cells[response]) if response is not None and response < len(cells) else None,
            respond_within_days=response_days(cells[response]) if response is not None and response < len(cells) else None,
        )


def _from_sections(passages: Passages) -> Iterator[Severity]:
    for section in passages.sections:
        if not section.level or not _LEADING.match(clean(section.title)):
            continue
        named = _named(section.title)
        if named is None:
            continue
        inside = list(passages.in_section(section))
        response = _response(section.title, inside)
        parent = section.path[-1] if section.path else ""
        if not response.said and not _HEADING.search(parent):
            continue
        if any(p.label.lower() in ("alert", "expr") for p in inside) or (not response.said and section.sections):
            continue
        yield Severity(
            line=section.line,
            code=named[0],
            name=named[1],
            criteria=_criteria(inside),
            respond_within_s=response.seconds,
            respond_within_days=response.days,
        )


@dataclass(frozen=True, slots=True)
class _Said:
    """What a section or label says about the time to respond."""

    said: bool
    seconds: float | None = None
    days: int | None = None


def _said(text: str) -> _Said:
    return _Said(True, response_seconds(text), response_days(text))


def _response(title: str, inside: list[Passage]) -> _Said:
    within = re.search(r"respon(?:se|d)[^:)]*?(?:within|:|<|in)\s*([^)]+)", title, re.IGNORECASE)
    if within:
        return _said(within[1])
    for passage in inside:
        if passage.label and _RESPONSE.match(passage.label) and passage.body:
            return _said(passage.body)
    return _Said(False)


def _criteria(inside: list[Passage]) -> tuple[str, ...]:
    found = [p.body for p in inside if p.label and _CRITERIA.match(p.label) and p.body]
    found += [
        p.text
        for p in inside
        if p.kind == "item" and p.parent is None and (not p.under or _CRITERIA.match(p.under[-1])) and not p.label
    ]
    return tuple(" ".join(text.split()) for text in found)


def _from_passages(passages: Passages) -> Iterator[Severity]:
    """Read lists ("- P0 (Critical): outage") and bold labels with a list beneath ("**P1 - High**:")."""
    by_label: dict[tuple[int, str], list[Passage]] = {}
    for passage in passages.all:
        if passage.under:
            by_label.setdefault((id(passage.section), passage.under[-1]), []).append(passage)
    for passage in passages.all:
        if passage.kind in ("heading", "comment", "fence"):
            continue
        if _RESPONSE.match(passage.label or ""):
            for match in _FOR_CODE.finditer(passage.body):
                said = _said(match["time"])
                code = match["code"].upper()
                yield Severity(line=passage.line, code=code, respond_within_s=said.seconds, respond_within_days=said.days)
        if passage.label and _HEADING.search(passage.label):
            yield from _enumerated(passage)
        label = passage.label or (clean(passage.text) if passage.kind == "item" and len(passage.text) < 60 else "")
        body = passage.body
        if not label and (dashed := _DASHED.match(passage.text)):
            label, body = dashed["label"], dashed["body"]
        if not label or not _LEADING.match(label) or not _defines(passage):
            continue
        named = _named(label)
        if named is None:
            continue
        inside = by_label.get((id(passage.section), label), []) + passage.children
        response = _response(label, inside)
        if not response.said:
            answer = _ANSWER.search(body)
            response = _said(answer[1]) if answer else _Said(True)
        criteria = ((body,) if body else ()) + tuple(p.text for p in inside if not _RESPONSE.match(p.label or ""))
        yield Severity(
            line=passage.line,
            code=named[0],
            name=named[1],
            criteria=criteria,
            respond_within_s=response.seconds,
            respond_within_days=response.days,
        )


_ONE_OF = re.compile(
    r"(?P<code>(?:SEV(?:ERITY)?[- ]?|P)[0-5])\s*(?:\((?P<name>[^()]{2,30})\)|[-–—=]\s*(?P<named>[A-Za-z][\w ]{1,24}))?",
    re.IGNORECASE,
)


def _enumerated(passage: Passage) -> Iterator[Severity]:
    """Read codes that one line names together: "P1 (critical) / P2 (major) / P3 (minor)"."""
    parts = [_ONE_OF.fullmatch(part.strip(" `*.")) for part in re.split(r"\s*[/|,;·]\s*", passage.body)]
    if len(parts) > 1 and all(parts):
        for part in parts:
            if part is not None:
                name = part["name"] or part["named"]
                yield Severity(line=passage.line, code=(severity_code(part["code"]) or part["code"]).upper(), name=name)


_ELSEWHERE = re.compile(
    r"alert|metric|threshold|post-?mortem|communicat|status update|notification|escalation matrix|sla\b", re.IGNORECASE
)
#: how soon each severity is answered says what the severities are, whatever else the heading is about
_ANSWERED = re.compile(
    r"\bresponse times?\b|\breaktionszeit|temps de réponse|délais? de réponse|tiempos? de respuesta|tempos? de resposta|"
    r"czasy? reakcji|対応時間|响应时间|대응 시간",
    re.IGNORECASE,
)
_AFTERWARDS = re.compile(r"post-?mortem|communicat", re.IGNORECASE)
_CRITERIA_OF = re.compile(r"\bSEV\b|\bcriteria\b|kriteri\w*|critères|criterios|critérios|definition", re.IGNORECASE)


def _defines(passage: Passage) -> bool:
    """Whether a passage stands where severities are defined."""
    under = passage.under[-1:]
    if under and passage.parent is None and not _HEADING.search(under[0]) and not _LEADING.match(under[0]):
        return False
    if passage.parent is not None and not _HEADING.search(passage.parent.text):
        return False
    title = passage.section.title
    near = (title, *under)
    if any(_ELSEWHERE.search(words) for words in near) and not any(_ANSWERED.search(words) for words in near):
        return bool(severity_code(passage.label)) and bool(_HEADING.search(title)) and not _AFTERWARDS.search(title)
    if any(_HEADING.search(words) or _ANSWERED.search(words) for words in near) or numbered_severity(passage.label) is not None:
        return True
    around = passage.section.path[-1] if passage.section.path else ""
    return bool(severity_code(passage.label)) and bool(_HEADING.search(around)) and bool(_CRITERIA_OF.search(title))
