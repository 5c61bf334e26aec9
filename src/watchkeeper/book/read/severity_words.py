"""Read the severity a heading, label, column or cell names: a code ("P1", "SEV-2"), else a word ("warning")."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache

from watchkeeper.book.read.passages import Passages
from watchkeeper.book.vocabulary import SEVERITY_CODE, SEVERITY_WORDS, Battery, matcher

_WORDS = Battery((word, matcher(words)) for word, words in SEVERITY_WORDS)
_NUMBERED = re.compile(
    r"(?<!\w)(?:severity|level|niveau|nivel|stufe|tier)\s*(?P<n>[0-5])(?!\w)\s*[(:–—-]*\s*(?P<word>\w+)?", re.IGNORECASE
)
#: words that say a severity only in brackets, at the end of a heading or next to "alert"
_EVERYDAY = {"high", "low", "medium", "minor", "major", "info"}
_LABEL = re.compile(
    r"(?:alert )?severity|priority|schweregrad|priorität|gravité|sévérité|severidad|prioridad|severidade|"
    r"priorytet|重大度|優先度|严重级别|优先级|심각도",
    re.IGNORECASE,
)
_ALERTS = re.compile(r"\b(?:alert|alarm|warn|severity|priority|incident|issue)", re.IGNORECASE)


@lru_cache(maxsize=4096)
def severity_code(text: str) -> str | None:
    """Give the severity code a text names, in capitals: "P0", "SEV-1".

    >>> severity_code("Critical Alerts (p0)"), severity_code("p95 latency")
    ('P0', None)
    """
    match = SEVERITY_CODE.search(text)
    if match is None:
        return None
    code = match["code"].upper().replace(" ", "").replace("_", "")
    return _SPELT.sub(lambda m: "SEV" if m[0][0] == "S" else "P", code)


_SPELT = re.compile(r"^(?:SEVERITY|PRIORITY|PRIO)[-_ ]?")


@lru_cache(maxsize=4096)
def severity_word(text: str, *, strict: bool = False) -> str | None:
    """Give the severity word of a text in English. `strict`: everyday words count only where they surely mean one."""
    sure = ((word, match) for word, match in _WORDS.search(text) if not strict or word not in _EVERYDAY or _surely(text, match))
    return next((word for word, _ in sure), None)


def _surely(text: str, match: re.Match[str]) -> bool:
    around = text[max(0, match.start() - 2) : match.start()], text[match.end() : match.end() + 2]
    if "(" in around[0] or "[" in around[0] or ")" in around[1] or match.group().strip() == text.strip():
        return True
    return bool(_ALERTS.match(text[match.end() :].lstrip(" -–—:")))


def severity_of(texts: Iterable[str]) -> str | None:
    """Give the severity of the first text that names one: its code, else its word."""
    for text in texts:
        found = severity_code(text) or numbered_severity(text) or severity_word(text, strict=True)
        if found:
            return found
    return None


def severity_labels(passages: Passages) -> dict[int, str]:
    """Give by section (its id) the severity that a label of its own states: "Severity: warning"."""
    found: dict[int, str] = {}
    for passage in passages.all:
        if passage.label and passage.body and passage.kind in ("prose", "item") and _LABEL.fullmatch(passage.label):
            said = severity_code(passage.body) or severity_word(passage.body)
            if said:
                found.setdefault(id(passage.section), said)
    return found


@lru_cache(maxsize=4096)
def numbered_severity(text: str) -> str | None:
    """Give the word of "Severity 1 (Critical)", else "SEV1"."""
    match = _NUMBERED.search(text)
    if match is None or not match.group().lower().startswith("severity"):
        return None
    word = severity_word(match["word"] or "")
    return word or f"SEV{match['n']}"
