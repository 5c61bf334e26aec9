"""How a sentence of a procedure is put together: label and rest, condition and action, waiting time, commands in code.

Spans or words go in, their parts come out; what they mean for the procedure is decided elsewhere.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache

from watchkeeper.base.durations import find_durations
from watchkeeper.book.model import Command
from watchkeeper.book.openings import Opening
from watchkeeper.book.read.instructions import is_instruction
from watchkeeper.book.read.labels import is_caution, stage_of
from watchkeeper.book.shell import read_alone, read_inline
from watchkeeper.book.vocabulary import Matcher
from watchkeeper.text.blocks import Block, Span

_WAIT = Matcher(re.compile(
    r"\b(?:wait|pause|allow|monitor|observe|watch|sleep|hold|warten|attendre|esperar|aguardar|poczekaj)\b"
    r"(?!\s+(?:until|for the))|待機|待つ|待ち|待って|等待|대기|기다",
    re.IGNORECASE,
), (
    "wait", "pause", "allow", "monitor", "observe", "watch", "sleep", "hold", "warten", "attendre", "esperar", "aguardar",
    "poczekaj",
))  # fmt: skip
_PARENTHESIS = re.compile(
    r"\s*\((?P<what>(?:only )?(?:if|when|falls|wenn|si|unless)\b[^()]*|optional(?:ly)?)\)\s*:?\s*$", re.IGNORECASE
)
LEADING_IF = Opening(
    r"^",
    r"if|when|in case(?: of)?|once|unless|falls|wenn|si|se|jeśli",
    r"\s+(?P<what>.{2,140}?)\s*(?:,|:|→|"
    r"-+>|=>|\bthen\b)\s*(?P<do>\S.*)$",
    re.IGNORECASE | re.DOTALL,
    name="how",
)
_TRAILING_IF = re.compile(
    r"^(?P<do>.{4,}?)\s+(?P<how>if|falls|wenn|only if|in case)\s+(?P<what>(?!you\b|it'?s a\b)[^.;]{2,80}?)"
    r"(?P<code>:\s*[\ue000-\uf8ff].*)?$",
    re.IGNORECASE | re.DOTALL,
)


_CJK_IF = re.compile(
    r"^(?:(?P<what>[^。、,]{2,60}?)(?:の場合|場合|たら|なら|的话|경우|으면|하면)[はには에]{0,2}\s*[、,，:：]\s*|(?:如果|若|当|もし|만약)(?P<other>[^，,、。]{2,60}?)"
    r"(?:时|的话)?[，,、]\s*(?:则|就|请)?)(?P<do>\S.*)$",
    re.DOTALL,
)


_COMMENT_NUMBER = re.compile(r"^(?:step\s+)?\d+(?:\.\d+)*[.):]\s*", re.IGNORECASE)


def clean_comment(text: str) -> str:
    """Take numbers, rulers and the final colon off a comment."""
    said = _COMMENT_NUMBER.sub("", text.strip(" -=─*#"))
    return said.strip().rstrip(":：").strip()


@lru_cache(maxsize=8192)
def split_condition(text: str) -> tuple[str | None, str]:
    """Split "If X, do Y", "Do Y if X" and "Do Y (if X)" into condition and action; no condition: (None, text).

    >>> split_condition("If that fails, restart it"), split_condition("Scale up if needed")
    (('that fails', 'restart it'), ('needed', 'Scale up'))
    """
    if "`" not in text:
        return _split(text.strip())
    codes: list[str] = []

    def hide(found: re.Match[str]) -> str:
        codes.append(found.group())
        return chr(0xE000 + len(codes) - 1)

    when, action = _split(_CODE.sub(hide, text.strip()))

    def show(words: str) -> str:
        return re.sub(
            "[\ue000-\uf8ff]",
            lambda found: codes[ord(found.group()) - 0xE000] if ord(found.group()) - 0xE000 < len(codes) else "",
            words,
        )

    return (show(when) if when else None), show(action)


_OTHERWISE = Opening(
    r"^\W{0,3}",
    r"otherwise|else|if not|andernfalls|ansonsten|sonst|sinon|de lo contrario|si no|caso contrário|senão|w przeciwnym razie",
    r"(?:\s*[,:→]\s*|(?<=otherwise)\s+|(?<=Otherwise)\s+|(?<=sonst)\s+|(?<=Sonst)\s+)(?P<do>\S.*)$",
    re.IGNORECASE | re.DOTALL,
    name="how",
)
_NEW_CASE = re.compile(
    r"(?<=[.!?;])\s+(?=(?:If|When|Otherwise|Else|In case|Unless|Falls|Wenn|Andernfalls|Sonst|Si|Sinon|De lo contrario|En caso|"
    r"Se|Caso|Jeśli|otherwise|if not)\b)"
)
_ENDING = re.compile(r"[.!?;]\s")


def cases_of(spans: tuple[Span, ...]) -> list[tuple[Span, ...]]:
    """Cut a line before each sentence that sets a condition of its own ("… If X, do Y. Otherwise do Z.")."""
    for span in spans:
        if span.kind == "text" and len(span.text) > 3 and _ENDING.search(span.text):
            break
    else:
        if len(spans) == 1:
            return [spans]
        said = tuple([span for span in spans if span.text])
        return [said] if any(span.text.strip() for span in said) else [spans]
    rows: list[list[Span]] = [[]]
    for span in spans:
        parts = _NEW_CASE.split(span.text) if span.kind == "text" and len(span.text) > 3 else [span.text]
        for number, part in enumerate(parts):
            if number:
                rows.append([])
            if part:
                rows[-1].append(span if len(parts) == 1 else replace(span, text=part))
    return [tuple(row) for row in rows if any(span.text.strip() for span in row)] or [spans]


#: a condition that goes on after its first comma: "If A, but B: …"
_GOES_ON = re.compile(
    r"(?:but|and|or|yet|while|although|even though|nor|aber|und|oder|mais|et|ou|pero|y|o|mas|e|ale|oraz|lub)\s", re.IGNORECASE
)


def cut_caution(condition: str) -> tuple[str, str | None]:
    """Cut the warning off that stands after a condition: "the source is gone. Caution: it must stay so".

    >>> cut_caution("the disk is full. Caution: this deletes files"), cut_caution("the disk is full")
    (('the disk is full', 'Caution: this deletes files'), ('the disk is full', None))
    """
    first, stop, rest = condition.partition(". ")
    if stop and is_caution(rest) and first.count("`") % 2 == 0:
        return first, rest.strip()
    return condition, None


_CODE = re.compile(r"`[^`]*`")


_IF_WORD = re.compile(r"^(?:only )?(?:if|when|falls|wenn|si)\s+", re.IGNORECASE)
_NO_WORD = re.compile(r"^[\W_]*(?:\d+[.)]\s*)?")
_MORE = re.compile(r"(?P<what>.{2,140}?)\s*(?:,|:|→|-+>|=>|\bthen\b)\s*(?P<do>\S.*)$", re.IGNORECASE | re.DOTALL)
_FINDS_OUT = re.compile(
    r"^(?:check|verify|see|determine|find out|confirm|ask|test|identify|decide|assess|validate)\b(?!.*,)", re.IGNORECASE
)
_STOPPED = re.compile(r"[.!?:]$")
_IF_WORDS = ("if", "falls", "wenn", "in case")


def _split(said: str) -> tuple[str | None, str]:
    found = _PARENTHESIS.search(said) if ")" in said else None
    if found:
        what = _IF_WORD.sub("", found.group("what"))
        return (what, said[: found.start()].rstrip(" :"))
    other = _OTHERWISE.match(said)
    if other:
        return other.group("how").lower(), other.group("do").strip()
    marks = _NO_WORD.match(said)
    found = LEADING_IF.match(said[marks.end() :] if marks else said)
    if found and not found.group("how").lower().startswith("once"):
        what, action = found.group("what"), found.group("do").strip()
        if _GOES_ON.match(action):
            more = _MORE.match(action)
            if more is None:
                return None, said
            what, action = f"{what}, {more.group('what')}", more.group("do").strip()
        return (f"not: {what}" if found.group("how").lower() == "unless" else what), action
    found = None if said.isascii() else _CJK_IF.match(said)
    if found:
        return found.group("what") or found.group("other"), found.group("do").strip()
    found = _TRAILING_IF.match(said.rstrip(".")) if any(map(said.lower().__contains__, _IF_WORDS)) else None
    if (
        found
        and not _STOPPED.search(found.group("do").rstrip())
        and is_instruction(found.group("do"))
        and not _FINDS_OUT.match(found.group("do"))
    ):
        return found.group("what").strip(), f"{found.group('do').strip(' ,')}{found.group('code') or ''}"
    return None, said


def wait_of(text: str) -> float | None:
    """Give the seconds that a step asks to wait, None where it does not."""
    found = _WAIT.search(text)
    if not found:
        return None
    rest = text[found.start() :]
    after = next((one.high_s for one in find_durations(rest[:80])), None)
    return after if after is not None else next((one.high_s for one in find_durations(text[:160])), None)


_LABELLED = re.compile(r"^\s*(?:[^\w\s]{1,3}\s*)?(?:if\b|[\w /-]{2,30}:\s)", re.IGNORECASE)


def lines_of(block: Block) -> list[tuple[int, tuple[Span, ...]]]:
    """Split a paragraph into its lines where a line begins with a label of its own; else it stays whole."""
    rows: list[list[Span]] = [[]]
    for span in block.spans:
        parts = span.text.split("\n") if span.kind in ("text", "strong", "emphasis") else [span.text]
        for number, part in enumerate(parts):
            if number:
                rows.append([])
            if part:
                rows[-1].append(replace(span, text=part, line=span.line + number) if len(parts) > 1 else span)
    rows = [row for row in rows if row]
    if not rows:
        return [(block.line, (Span("text", block.text, block.line),))] if block.text else []
    merged: list[list[Span]] = []
    for row in rows:
        starts = row[0].kind == "strong" or _LABELLED.match(row[0].text) is not None
        if merged and not starts:
            merged[-1] += [Span("text", " ", row[0].line), *row]
        else:
            merged.append(list(row))
    return [(row[0].line, tuple(row)) for row in merged]


_LETTER = re.compile(r"\w")
_COLON = re.compile(r"^\s*(?:\([^()]*\))?\s*[:：]")
_TAIL = re.compile(r"^\s*(\([^()]*\))?\s*[:：]?\s*")
_ARROW = re.compile(r"^\s*(?:→|->|=>|–|—|-)\s+")
_PLAIN_LABEL = re.compile(r"^([^\n:：`]{2,60})[:：]\s*(.*)$", re.DOTALL)


def label_of(spans: tuple[Span, ...]) -> tuple[str | None, str]:
    """Give the label that a line begins with (bold, or short before a colon at its end) and the rest of the line."""
    real = [span for span in spans if span.text.strip()]
    if not real:
        return None, ""
    lead = 0
    while lead < len(real) - 1 and real[lead].kind == "text" and not _LETTER.search(real[lead].text):
        lead += 1
    first = real[lead]
    if first.kind in ("strong", "emphasis"):
        rest = marked(real[lead + 1 :])
        if first.text.rstrip().endswith((":", "：")) or _COLON.match(rest) or not rest.strip():
            tail = _TAIL.match(rest)
            extra = tail.group(1) if tail and tail.group(1) else ""
            return f"{_mark_inner(first).strip().rstrip(':：')} {extra}".strip(), rest[
                tail.end() :
            ].strip() if tail else rest.strip()
        if _ARROW.match(rest):
            return _mark_inner(first).strip(), _ARROW.sub("", rest).strip()
        return None, ""
    plain = _PLAIN_LABEL.match(marked(real).strip()) if first.kind == "text" else None
    if plain and stage_of(plain.group(1)) is not None:
        return plain.group(1), plain.group(2).strip()
    return None, ""


def marked(spans: Sequence[Span]) -> str:
    """Give the text of spans with its code in backticks, also the code inside bold words."""
    if len(spans) == 1 and spans[0].kind == "text":
        return spans[0].text
    return "".join([f"`{span.text}`" if span.kind == "code" else _mark_inner(span) if span.code else span.text for span in spans])


def _mark_inner(span: Span) -> str:
    text, start = span.text, 0
    for code in span.code:
        at = text.find(code, start)
        if at >= 0:
            text = f"{text[:at]}`{code}`{text[at + len(code) :]}"
            start = at + len(code) + 2
    return text


def unmarked(text: str) -> str:
    """Take the backticks of `marked` off."""
    return text.replace("`", "")


def commands_in(spans: tuple[Span, ...]) -> list[Command]:
    """Give the commands among the code spans."""
    codes = [(code, span.line) for span in spans for code in ((span.text,) if span.kind == "code" else span.code)]
    found = [(read_inline(code, line), code, line) for code, line in codes]
    if len(found) > 1 and any(command is not None for command, _, _ in found):
        found = [(command or read_alone(code, line), code, line) for command, code, line in found]
    return [command for command, _, _ in found if command is not None]
