"""The operators of comparisons as people write them: signs, words of several languages, and words behind the figure."""

from __future__ import annotations

import re
from collections.abc import Iterable

from watchkeeper.base.quantities import Quantity
from watchkeeper.book.model import Comparison as Operator
from watchkeeper.book.vocabulary import matcher

_WORDS: tuple[tuple[Operator, tuple[str, ...]], ...] = (
    (
        ">=",
        (
            "at least",
            "at or above",
            "no less than",
            "not less than",
            "mindestens",
            "au moins",
            "al menos",
            "pelo menos",
            "co najmniej",
        ),
    ),
    (
        "<=",
        (
            "at most",
            "at or below",
            "no more than",
            "not more than",
            "höchstens",
            "au plus",
            "como máximo",
            "no máximo",
            "co najwyżej",
        ),
    ),
    (
        ">",
        (
            "more than",
            "greater than",
            "higher than",
            "larger than",
            "exceeds",
            "exceeding",
            "exceeded",
            "exceed",
            "above",
            "over",
            "older than",
            "longer than",
            "slower than",
            "mehr als",
            "größer als",
            "höher als",
            "über",
            "übersteigt",
            "plus de",
            "supérieur à",
            "supérieure à",
            "dépasse",
            "älter als",
            "länger als",
            "goes over",
            "rises above",
            "au-dessus de",
            "más de",
            "mayor que",
            "mayor a",
            "supera",
            "superior a",
            "por encima de",
            "mais de",
            "maior que",
            "acima de",
            "powyżej",
            "więcej niż",
            "przekracza",
            "超过",
            "大于",
            "高于",
        ),
    ),
    (
        "<",
        (
            "less than",
            "lower than",
            "fewer than",
            "smaller than",
            "below",
            "under",
            "weniger als",
            "kleiner als",
            "unter",
            "moins de",
            "inférieur à",
            "inférieure à",
            "en dessous de",
            "menos de",
            "menor que",
            "inferior a",
            "por debajo de",
            "abaixo de",
            "poniżej",
            "mniej niż",
            "低于",
            "小于",
            "少于",
        ),
    ),
)

WORD_OPS = {word: op for op, words in _WORDS for word in words}

SUFFIXES = {
    "以上": ">=",
    "以下": "<=",
    "超": ">",
    "を超え": ">",
    "未満": "<",
    "未满": "<",
    "이상": ">=",
    "이하": "<=",
    "초과": ">",
    "미만": "<",
}

SYMBOLS: dict[str, Operator] = {
    ">": ">",
    "<": "<",
    ">=": ">=",
    "<=": "<=",
    "≥": ">=",
    "≤": "<=",
    "⩾": ">=",
    "⩽": "<=",
    "==": "==",
    "!=": "!=",
    "≠": "!=",
}

_FIGURE = r"[~≈]?\s*(?=[-−]?[$€£]?\d)"

_SIGNED = re.compile(
    rf"(?P<symbol>(?<![-=<>\w])(?:>=|<=|≥|≤|⩾|⩽|==|!=|≠|>|<)|(?<=\w)(?:>=|<=|≥|≤|==|!=|>|<))\s*{_FIGURE}", re.IGNORECASE
)


def _said(words: Iterable[str]) -> str:
    """Make a pattern of worded operators, longest first."""
    return "|".join(re.escape(word).replace(r"\ ", r"\s+") for word in sorted(words, key=len, reverse=True))


_LATIN_OPS = tuple(word for word in WORD_OPS if word[0] < "\u2e80")

_CJK_OPS = tuple(word for word in WORD_OPS if word[0] >= "\u2e80")

_WORDED = re.compile(rf"(?P<word>(?<![\w-])(?:{_said(_LATIN_OPS)})|{_said(_CJK_OPS)})\s*{_FIGURE}", re.IGNORECASE)

MORE = re.compile(
    r"\s*(?:or|and|oder|ou|o|lub)\s+(?:more|higher|above|greater|over|mehr|höher|plus|más|mais|więcej)\b", re.IGNORECASE
)

FEWER = re.compile(r"\s*(?:or|and|oder|ou|o|lub)\s+(?:less|fewer|lower|below|weniger|moins|menos|mniej)\b", re.IGNORECASE)

#: the words that `MORE` and `FEWER` end in
EITHER = matcher(
    ("more", "higher", "above", "greater", "over", "mehr", "höher", "plus", "más", "mais", "więcej"),
    ("less", "fewer", "lower", "below", "weniger", "moins", "menos", "mniej"),
)

_SIGN = re.compile(r"[<>=≥≤⩾⩽≠]")

_WORD_BEFORE = re.compile(r"\b([A-Za-z]+)\s*[~≈]?\s*[-−]?[$€£]?\d")

_FOREIGN = re.compile(r"[^\x00-\x7f\W]")

_LAST_WORDS = frozenset(word.split()[-1] for word in WORD_OPS)

#: the same operators with anything behind them, as in "over5"
_OPS_BEFORE = matcher([f"{word}*" for word in _LATIN_OPS])


def operators(text: str) -> list[re.Match[str]]:
    """Find the operators before figures, in order; words only where the last one of an operator stands before a figure."""
    found = list(_SIGNED.finditer(text)) if _SIGN.search(text) else []
    worded = _OPS_BEFORE.possible(text) and any(match[1].lower() in _LAST_WORDS for match in _WORD_BEFORE.finditer(text))
    if worded or (not text.isascii() and _FOREIGN.search(text)):
        words = list(_WORDED.finditer(text))
        found = sorted([*found, *words], key=lambda match: match.start()) if found and words else found or words
    return found


def adjusted(op: Operator, text: str, quantity: Quantity) -> tuple[Operator, int]:
    """Turn "> 5 or more" into ">="; gives the operator and where its words end."""
    more = MORE.match(text, quantity.end)
    if more:
        return ">=", more.end()
    fewer = FEWER.match(text, quantity.end)
    return ("<=", fewer.end()) if fewer else (op, quantity.end)
