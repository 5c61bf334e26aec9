"""Find comparisons in a sentence: "p95 latency > 5s for 10 minutes", "weniger als 15%", "5-50%", "3+ times".

A text enters; comparisons with operator, value, unit, duration and the words they are about leave. Whether a comparison
is a threshold, and of which kind, is decided elsewhere.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import cast

from watchkeeper.base.durations import NUMBER, find_durations, number
from watchkeeper.base.quantities import Quantity, read_quantity
from watchkeeper.book.model import Comparison as Operator
from watchkeeper.book.read.figures import in_figures
from watchkeeper.book.vocabulary import METRICS, STATISTICS, Battery, KnownMetric, matcher

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
_WORD_OPS = {word: op for op, words in _WORDS for word in words}
_SUFFIXES = {
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
_SYMBOLS: dict[str, Operator] = {
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


_LATIN_OPS = tuple(word for word in _WORD_OPS if word[0] < "\u2e80")
_CJK_OPS = tuple(word for word in _WORD_OPS if word[0] >= "\u2e80")
_WORDED = re.compile(rf"(?P<word>(?<![\w-])(?:{_said(_LATIN_OPS)})|{_said(_CJK_OPS)})\s*{_FIGURE}", re.IGNORECASE)
_RANGE = re.compile(
    rf"(?<![\w.,/-])(?P<low>{NUMBER})\s*(?P<low_unit>%|k|ms|s|[KMGT]i?B)?\s*(?:-|–|—|~|to|bis|"
    rf"à)\s*(?P<high>{NUMBER})(?![\w.,-]*-\d)",
    re.IGNORECASE,
)
_PLUS = re.compile(
    r"(?<![\w.,/-])\d{1,9}\s?\+\s+(?=(?:times|consecutive|failed|failures|errors|restarts|attempts|retries|pods|"
    r"users|veces|mal|fois|vezes|razy|回|次)\b)",
    re.IGNORECASE,
)
_HOLDS = re.compile(
    r"(?:sustained\s+)?(?<!\w)(?:for|over|during|within|in|lasting|persist\w*\s+for|in\s+the\s+last|"
    r"over\s+the\s+last|last|für|per|während|seit|über|innerhalb(?:\s+von)?|in\s+den\s+letzten|pendant|depuis|"
    r"durante|por|przez|w\s+ciągu|w|od)"
    r"\s+(?:a|an|the|last|past|more\s+than|at\s+least|over|longer\s+than|mehr\s+als|plus\s+de|más\s+de|>=?|≥|~|\s)*\s*(?=\d)"
    r"|(?:持续(?:时间)?|継続|が|지속)\s*[:：]?\s*[>≥]?\s*(?=\d)",
    re.IGNORECASE,
)
_LEADING_HOLD = re.compile(
    r"(?:(?<!\w)(?:for|since|lasting|during|sustained|für|seit|während|pendant|depuis|durante|por|przez|od|after|"
    r"within|every|in\s+the\s+last))\s*$",
    re.IGNORECASE,
)
_SEPARATOR = re.compile(
    r"\s(?:or|and|oder|und|ou|et|o|y|e|lub|i|OR|AND)\s|[;,|]\s|[;|]|→|⇒|->|=>|\.\s|[?!]\s?|\n(?=[-*])|、|。|或|または",
    re.IGNORECASE,
)
_BARE_HOLD = re.compile(
    r"\s*[,/]?\s*(?=\d+\s?(?:s|m|min|h)\b\s*\)?)"
    r"|\s*[(（]\s*(?=\d+\s?(?:s|sec|seconds?|m|mins?|minutes?|h|hours?|minuten|分|分間|분|초|시간)\s*(?:(?:rolling |"
    r"moving )?(?:window|average|avg|"
    r"sustained)|継続|以上継続|持续|지속)\s*[)）])",
    re.IGNORECASE,
)
_MORE = re.compile(
    r"\s*(?:or|and|oder|ou|o|lub)\s+(?:more|higher|above|greater|over|mehr|höher|plus|más|mais|więcej)\b", re.IGNORECASE
)
_FEWER = re.compile(r"\s*(?:or|and|oder|ou|o|lub)\s+(?:less|fewer|lower|below|weniger|moins|menos|mniej)\b", re.IGNORECASE)
#: the words that `_MORE` and `_FEWER` end in
_EITHER = matcher(
    ("more", "higher", "above", "greater", "over", "mehr", "höher", "plus", "más", "mais", "więcej"),
    ("less", "fewer", "lower", "below", "weniger", "moins", "menos", "mniej"),
)
_BARE_NUMBER = re.compile(rf"(?<![\w.,<>=≥≤/-])(?:{NUMBER})")
_DIGIT = re.compile(r"\d")
_SIGN = re.compile(r"[<>=≥≤⩾⩽≠]")
_WORD_BEFORE = re.compile(r"\b([A-Za-z]+)\s*[~≈]?\s*[-−]?[$€£]?\d")
_FOREIGN = re.compile(r"[^\x00-\x7f\W]")
_LAST_WORDS = frozenset(word.split()[-1] for word in _WORD_OPS)
_OF = re.compile(
    r"\s*(?:of|von|de|du|del|do)\s+(?:the\s+)?(?:pool|max\w*|limit|capacity|total|quota|available|"
    r"\w+_max)\w*(?:\s+(?:size|connections|capacity))?",
    re.IGNORECASE,
)
_AFTER = re.compile(
    r"\s*(?:of\s+|the\s+)?(?P<words>[A-Za-zÀ-ž][\wÀ-ž'-]*(?:\s+(?!for\b|or\b|and\b|over\b|in\b|"
    r"within\b)[\wÀ-ž'-]+){0,3})"
)
_BREAK = re.compile(r"[,;|]")
_EXPIRING = re.compile(r"cert|expir|ssl|tls|zertifikat|abl[aä]uf|vencim|caduc|renew|証明書|证书|인증서", re.IGNORECASE)
_TIMES = re.compile(r"\s?(?:x|×|times)\b\s*(?:the\s+)?(?:normal|baseline|usual|average)?")
_RATE = re.compile(r"\b(?:rate|irate|deriv)\(")
_METRIC_UNIT = re.compile(
    r"_(seconds|bytes|count|total|percent|percentage|ratio|ms|milliseconds)(?:_\w+)?\b(?![{\w]*_)", re.IGNORECASE
)
_COUNTED = matcher(
    (
        "connections",
        "connection*",
        "messages",
        "errors",
        "failures",
        "restarts",
        "reboots",
        "pods",
        "requests",
        "times",
        "veces",
        "jobs",
        "items",
        "tasks",
        "queries",
        "users",
        "events",
        "attempts",
        "alerts",
        "nodes",
        "brokers",
        "replicas",
        "instances",
        "sessions",
        "threads",
        "processes",
        "files",
        "lag",
        "queue*",
        "count",
        "number",
        "total",
        "backlog",
        "depth",
        "replicas",
        "partitions",
        "records",
        "locks",
        "deadlocks",
        "nachrichten",
        "aufträge",
        "bestellungen",
        "dateien",
        "anfragen",
        "fichiers",
        "requêtes",
        "commandes",
        "mensajes",
        "pedidos",
        "archivos",
        "solicitudes",
        "orders",
        "transactions",
        "sessions",
        "neustart*",
        "verbindung*",
        "restarts",
        "reinicios",
        "fallos",
        "コネクション",
        "接続",
        "件",
        "回",
        "次",
        "个",
        "개",
    )
)
_SCORED = matcher(("score", "rating", "index", "apdex", "factor", "quality", "load", "rate", "ratio"))
_METRICS = Battery((metric, matcher(metric.words)) for metric in METRICS)
_STATISTICS = tuple((name, re.compile(pattern, re.IGNORECASE)) for name, pattern in STATISTICS)
_STATISTIC = re.compile("|".join(f"(?:{pattern})" for _, pattern in STATISTICS), re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Comparison:
    """One comparison in a text, with the words it is about as far as this text says them."""

    op: Operator
    value: float
    unit: str | None
    start: int
    end: int
    #: the words before the operator, within the same clause
    subject: str
    #: the operator was written as a word ("exceeds")
    worded: bool = False
    ranged: bool = False
    for_s: float | None = None
    statistic: str | None = None
    #: the words behind the value, within the same clause
    after: str = ""


def find_comparisons(text: str) -> list[Comparison]:
    """Find the comparisons of a text, in order.

    >>> [(c.subject, c.op, c.value, c.unit, c.for_s) for c in find_comparisons("CPU > 80% or memory > 85% for 10 minutes")]
    [('CPU', '>', 80.0, 'percent', 600.0), ('memory', '>', 85.0, 'percent', 600.0)]
    """
    return list(_comparisons(text))


@lru_cache(maxsize=2048)
def _comparisons(text: str) -> tuple[Comparison, ...]:
    text = in_figures(text)
    if not _DIGIT.search(text):
        return ()
    found: list[Comparison] = []
    last = 0
    for match in _operators(text):
        if match.start() < last:
            continue
        quantity = read_quantity(text, match.end())
        if quantity is None:
            continue
        word = match["word"] if match.lastgroup == "word" else None
        op = _WORD_OPS[" ".join(word.lower().split())] if word else _SYMBOLS[match["symbol"]]
        before = text[last : match.start()]
        if quantity.unit in ("seconds", "days") and op in (">", ">=") and _LEADING_HOLD.search(before):
            if found and _near(text, found[-1].end, match.start()):
                found[-1] = replace(found[-1], for_s=_seconds(quantity))
            last = quantity.end
            continue
        if word and word.lower() == "over" and quantity.unit in ("seconds", "days") and found and not _SEPARATOR.search(before):
            found[-1] = replace(found[-1], for_s=_seconds(quantity))
            last = quantity.end
            continue
        op, end = _adjusted(op, text, quantity)
        found.append(_comparison(text, op, quantity, match.start(), end, last, bool(word)))
        last = end
    found.extend(_suffixed(text))
    found.extend(_ranges(text, found))
    found.extend(_pluses(text, found))
    found.extend(_or_more(text, found))
    found.sort(key=lambda c: c.start)
    return tuple(_with_durations(text, found))


def _operators(text: str) -> list[re.Match[str]]:
    """Find the operators before figures, in order; words only where the last one of an operator stands before a figure."""
    found = list(_SIGNED.finditer(text)) if _SIGN.search(text) else []
    if any(match[1].lower() in _LAST_WORDS for match in _WORD_BEFORE.finditer(text)) or (
        not text.isascii() and _FOREIGN.search(text)
    ):
        worded = list(_WORDED.finditer(text))
        found = sorted([*found, *worded], key=lambda match: match.start()) if found and worded else found or worded
    return found


@lru_cache(maxsize=4096)
def metric_of(text: str) -> KnownMetric | None:
    """Give the metric that a subject speaks of: the most specific one we know."""
    return next((metric for metric, _ in _METRICS.search(text)), None)


@lru_cache(maxsize=4096)
def statistic_of(text: str) -> str | None:
    """Give the statistic that a text names: p95, avg …"""
    if not _STATISTIC.search(text):
        return None
    return next((name for name, pattern in _STATISTICS if pattern.search(text)), None)


def canonical_metric(text: str) -> str | None:
    """Give the canonical name of the metric a text speaks of; None where we know none."""
    metric = metric_of(text)
    return metric.name if metric and metric.name not in ("score", "lateness") else None


def _near(text: str, start: int, end: int) -> bool:
    between = text[start:end]
    return len(between) < 60 and "." not in between.replace("..", "")


def _seconds(quantity: Quantity) -> float:
    return quantity.value * 86400 if quantity.unit == "days" else quantity.value


def _adjusted(op: Operator, text: str, quantity: Quantity) -> tuple[Operator, int]:
    more = _MORE.match(text, quantity.end)
    if more:
        return ">=", more.end()
    fewer = _FEWER.match(text, quantity.end)
    return ("<=", fewer.end()) if fewer else (op, quantity.end)


def _comparison(text: str, op: Operator, quantity: Quantity, start: int, end: int, last: int, worded: bool) -> Comparison:
    of = _OF.match(text, end)
    clause = _clause(text, start, last)
    near = f"{clause} {_BREAK.split(text[end : end + 40], maxsplit=1)[0]}"
    unit = quantity.unit or _unit_of(clause, text[end : end + 24], quantity.value)
    value = quantity.value
    if unit == "days" and not _EXPIRING.search(text):
        value, unit = value * 86400, "seconds"
    if unit is None and _TIMES.match(text[end : end + 24]):
        unit = "ratio"
    after = _AFTER.match(text, of.end() if of else end)
    return Comparison(
        op,
        value,
        unit,
        start,
        of.end() if of else end,
        clause,
        worded,
        statistic=statistic_of(near),
        after=after["words"] if after else "",
    )


def _clause(text: str, start: int, last: int) -> str:
    """Give the words of the clause before an operator."""
    before = text[last:start]
    cut = 0
    for match in _SEPARATOR.finditer(before):
        cut = match.end()
    return before[cut:].strip(" \n\t*`\"'")


def _unit_of(subject: str, after: str, value: float) -> str | None:
    """Guess the unit of a bare number from the words around it."""
    if _RATE.search(subject):
        return None
    named = _METRIC_UNIT.search(subject)
    if named:
        word = named[1].lower()
        return {"total": "count", "percentage": "percent", "ms": None, "milliseconds": None}.get(word, word)
    if _COUNTED.search(after.split(".")[0].split(",")[0]):
        return "count"
    if value != int(value) or (_SCORED.search(subject) and not _COUNTED.search(subject)) or "==" in after:
        return None
    return "count" if _COUNTED.search(subject) else None


def counted_unit(comparison: Comparison, subject: str) -> str | None:
    """Say whether a bare whole number counts things of the subject ("connections"), or has the unit that its name ends in."""
    named = None if "rate(" in subject else _METRIC_UNIT.search(subject)
    if named and named[1].lower() in ("seconds", "bytes", "percent", "ratio"):
        return named[1].lower()
    if (
        comparison.op == "=="
        or comparison.value != int(comparison.value)
        or re.search(r"\b(?:rate|irate|deriv)\(|_ratio\b", subject)
    ):
        return None
    return "count" if _COUNTED.search(subject) else None


def _suffixed(text: str) -> Iterator[Comparison]:
    """Find comparisons of languages that set the operator behind: "5%以上"."""
    if text.isascii():
        return
    for match in re.finditer(
        r"(?<![A-Za-z0-9.,<>=≥≤])\d[\d.,]*\s*[^\s\d]{0,4}?\s?(以上|以下|を超え|超|未満|未满|이상|이하|초과|미만)", text
    ):
        quantity = read_quantity(text, match.start())
        if quantity is not None and quantity.unit != "seconds":
            op = cast(Operator, _SUFFIXES[match[1]])
            yield _comparison(text, op, quantity, match.start(), match.end(), 0, True)


def _ranges(text: str, taken: list[Comparison]) -> Iterator[Comparison]:
    for match in _RANGE.finditer(text):
        if any(c.start <= match.start() < c.end for c in taken):
            continue
        if len(match["low"]) > 15:
            continue
        high = read_quantity(text, match.start("high"))
        if high is None or high.unit in ("seconds", "days"):
            continue
        low = read_quantity(text, match.start("low"))
        scale = high.value / number(match["high"]) if number(match["high"]) else 1.0
        low_value = low.value if low and match["low_unit"] else number(match["low"]) * scale
        if low_value >= high.value:
            continue
        base = _comparison(text, ">=", replace(high, value=low_value), match.start(), high.end, 0, False)
        yield replace(base, ranged=True)
        yield replace(base, op="<=", value=high.value, start=match.start() + 1, ranged=True)


def _pluses(text: str, taken: list[Comparison]) -> Iterator[Comparison]:
    for match in _PLUS.finditer(text) if "+" in text else ():
        if any(c.start <= match.start() < c.end for c in taken):
            continue
        value = float(re.sub(r"\D", "", match.group()))
        yield Comparison(">=", value, "count", match.start(), match.end(), _clause(text, match.start(), 0), statistic=None)


def _or_more(text: str, taken: list[Comparison]) -> Iterator[Comparison]:
    """Find "90% or more" and "5 or fewer", which have no operator before the figure."""
    for match in _BARE_NUMBER.finditer(text) if _EITHER.search(text) else ():
        if any(c.start <= match.start() < c.end for c in taken):
            continue
        quantity = read_quantity(text, match.start())
        if quantity is None or quantity.unit in ("seconds", "days"):
            continue
        for op, pattern in ((">=", _MORE), ("<=", _FEWER)):
            suffix = pattern.match(text, quantity.end)
            if suffix:
                yield _comparison(text, cast(Operator, op), quantity, match.start(), suffix.end(), 0, True)


def _with_durations(text: str, found: list[Comparison]) -> list[Comparison]:
    """Give each comparison the duration said after it; one at the very end belongs to all that have none."""
    out: list[Comparison] = []
    for index, comparison in enumerate(found):
        stop = found[index + 1].start if index + 1 < len(found) else len(text)
        if comparison.for_s is None:
            for_s, end = hold_after(text, comparison.end, stop)
            if for_s is not None:
                comparison = replace(comparison, for_s=for_s, end=end)
        out.append(comparison)
    if len(out) > 1 and out[-1].for_s is not None and all(c.for_s is None for c in out[:-1]):
        joined = text[out[0].end : out[-1].start]
        if "." not in joined.replace("..", "") and ";" not in joined and "\n" not in joined:
            out = [replace(c, for_s=out[-1].for_s) for c in out]
    return out


def hold_after(text: str, start: int, stop: int) -> tuple[float | None, int]:
    """Read how long something must hold: "for 5 minutes", "10m)", "w 5 minut"; gives seconds and where that ends."""
    tail = text[start:stop]
    sentence = re.split(r"\.\s|;|→|\n\n|\s(?:or|oder|ou)\s(?!more|mehr|plus)", tail, maxsplit=1, flags=re.IGNORECASE)[0][:120]
    match = _HOLDS.search(sentence)
    if match and match.start() < 70:
        for duration in find_durations(sentence[match.end() :]):
            if duration.start == 0:
                return duration.high_s, start + match.end() + duration.end
            break
    bare = _BARE_HOLD.match(sentence)
    if bare:
        for duration in find_durations(sentence[bare.end() :]):
            if duration.start == 0:
                return duration.high_s, start + bare.end() + duration.end
            break
    period = re.search(
        r"(?:over|in|during|within)\s+(?:a|an|the|each|every)\s+(\d+)[- ](minute|hour|second)\b", sentence, re.IGNORECASE
    )
    if period:
        return float(period[1]) * {"second": 1, "minute": 60, "hour": 3600}[period[2].lower()], start + period.end()
    return None, start
