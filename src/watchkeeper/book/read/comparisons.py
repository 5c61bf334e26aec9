"""Find comparisons in a sentence: "p95 latency > 5s for 10 minutes", "weniger als 15%", "5-50%", "3+ times".

A text enters; comparisons with operator, value, unit, duration and the words they are about leave. Whether a comparison
is a threshold, and of which kind, is decided elsewhere.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import chain
from typing import cast

from watchkeeper.base.durations import NUMBER, find_durations, number, number_not_after
from watchkeeper.base.quantities import Quantity, read_quantity
from watchkeeper.book.model import Comparison as Operator
from watchkeeper.book.read.figures import in_figures
from watchkeeper.book.read.holds import LEADING_HOLD, hold_after
from watchkeeper.book.read.metric_names import statistic_of
from watchkeeper.book.read.operators import EITHER, FEWER, MORE, SUFFIXES, SYMBOLS, WORD_OPS, adjusted, operators
from watchkeeper.book.vocabulary import matcher

_LOW = number_not_after(r"\w.,/-")
_RANGE = re.compile(
    rf"(?P<low>{_LOW})\s*(?P<low_unit>%|k|ms|s|[KMGT]i?B)?\s*(?:-|–|—|~|to|bis|"
    rf"à)\s*(?P<high>{NUMBER})(?![\w.,-]*-\d)",
    re.IGNORECASE,
)

#: the same in words: "between 5% and 50%"
_BETWEEN = re.compile(
    rf"\b(?:between|zwischen|entre)\s+(?P<low>{NUMBER})\s*(?P<low_unit>%|k|ms|s|[KMGT]i?B)?\s+(?:and|und|et|y|e)\s+"
    rf"(?P<high>{NUMBER})",
    re.IGNORECASE,
)

_PLUS = re.compile(
    r"(?<![\w.,/-])\d{1,9}\s?\+\s+(?=(?:times|consecutive|failed|failures|errors|restarts|attempts|retries|pods|"
    r"users|veces|mal|fois|vezes|razy|回|次)\b)",
    re.IGNORECASE,
)

_SEPARATOR = re.compile(
    r"\s(?:or|and|oder|und|ou|et|o|y|e|lub|i|OR|AND)\s|[;,|]\s|[;|]|→|⇒|->|=>|\.\s|[?!]\s?|\n(?=[-*])|、|。|或|または",
    re.IGNORECASE,
)

_BARE_NUMBER = re.compile(number_not_after(r"\w.,<>=≥≤/-"))

_DIGIT = re.compile(r"\d")

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


#: a range that its words say before its figures do: "Error rate between 5% and 50% (5-50%)"
_SPELT_OUT = re.compile(
    r"(?P<subject>.+?)\s+(?:between|from)\s+[\d.,]+\s?\S{0,3}\s+(?:and|to)\s+[\d.,]+\s?\S{0,3}\s*\(\s*$", re.IGNORECASE
)


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
    #: it is said to be a mark at which somebody is told
    marked: bool = False


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
    for match in operators(text):
        if match.start() < last:
            continue
        quantity = read_quantity(text, match.end())
        if quantity is None:
            continue
        word = match["word"] if match.lastgroup == "word" else None
        op = WORD_OPS[" ".join(word.lower().split())] if word else SYMBOLS[match["symbol"]]
        before = text[last : match.start()]
        if quantity.unit in ("seconds", "days") and op in (">", ">=") and LEADING_HOLD.search(before):
            if found and _near(text, found[-1].end, match.start()):
                found[-1] = replace(found[-1], for_s=_seconds(quantity))
            last = quantity.end
            continue
        if word and word.lower() == "over" and quantity.unit in ("seconds", "days") and found and not _SEPARATOR.search(before):
            found[-1] = replace(found[-1], for_s=_seconds(quantity))
            last = quantity.end
            continue
        op, end = adjusted(op, text, quantity)
        found.append(_comparison(text, op, quantity, match.start(), end, last, bool(word)))
        last = end
    if not text.isascii():
        found.extend(_suffixed(text))
    found.extend(_ranges(text, found))
    if "+" in text:
        found.extend(_pluses(text, found))
    if EITHER.search(text):
        found.extend(_or_more(text, found))
    found.extend(_marks(text, found))
    found.sort(key=lambda c: c.start)
    return tuple(_with_durations(text, found))


def _near(text: str, start: int, end: int) -> bool:
    between = text[start:end]
    return len(between) < 60 and "." not in between.replace("..", "")


def _seconds(quantity: Quantity) -> float:
    return quantity.value * 86400 if quantity.unit == "days" else quantity.value


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
    for match in re.finditer(
        r"(?<![A-Za-z0-9.,<>=≥≤])\d[\d.,]*\s*[^\s\d]{0,4}?\s?(以上|以下|を超え|超|未満|未满|이상|이하|초과|미만)", text
    ):
        quantity = read_quantity(text, match.start())
        if quantity is not None and quantity.unit != "seconds":
            op = cast(Operator, SUFFIXES[match[1]])
            yield _comparison(text, op, quantity, match.start(), match.end(), 0, True)


def _ranges(text: str, taken: list[Comparison]) -> Iterator[Comparison]:
    spelt_out = _BETWEEN.finditer(text) if "tween" in text or "wischen" in text or "ntre" in text else ()
    for match in chain(_RANGE.finditer(text), spelt_out):
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
        if spelt := _SPELT_OUT.match(text, 0, match.start()):
            if _BETWEEN.search(text, 0, match.start()):
                continue  # its words were read
            base = replace(base, subject=_clause(spelt["subject"], len(spelt["subject"]), 0))
        yield replace(base, ranged=True)
        yield replace(base, op="<=", value=high.value, start=match.start() + 1, ranged=True)


def _pluses(text: str, taken: list[Comparison]) -> Iterator[Comparison]:
    for match in _PLUS.finditer(text):
        if any(c.start <= match.start() < c.end for c in taken):
            continue
        value = float(re.sub(r"\D", "", match.group()))
        yield Comparison(">=", value, "count", match.start(), match.end(), _clause(text, match.start(), 0), statistic=None)


def _or_more(text: str, taken: list[Comparison]) -> Iterator[Comparison]:
    """Find "90% or more" and "5 or fewer", which have no operator before the figure."""
    for match in _BARE_NUMBER.finditer(text):
        if any(c.start <= match.start() < c.end for c in taken):
            continue
        quantity = read_quantity(text, match.start())
        if quantity is None or quantity.unit in ("seconds", "days"):
            continue
        for op, pattern in ((">=", MORE), ("<=", FEWER)):
            suffix = pattern.match(text, quantity.end)
            if suffix:
                yield _comparison(text, cast(Operator, op), quantity, match.start(), suffix.end(), 0, True)


#: "Alert at 70%", "API-Limits bei 90%": the mark at which somebody is told
_MARK = re.compile(
    r"(?:\b(?:alert|alarm|warn|warning|page|notify)\s+(?:at|from|bei|ab)|"
    r"(?P<of>limits?|quotas?|usage|utili[sz]ation|capacity|auslastung|kontingente?|füllstand|uso|utilisation|remplissage)\s+"
    r"(?:at|reach(?:es|ing)?|hits?|bei|ab|à|al|em))\s+(?=\d[\d.,]*\s?%)",
    re.IGNORECASE,
)

#: "predicted to fill in 24h", "will run out within 4 hours": what is left is less than that
_PREDICTED = re.compile(
    r"(?:predict\w*|project\w*|forecast\w*|expected|going|will|likely)\s+(?:to\s+)?(?:be\s+)?(?:fill\w*|full|exhaust\w*|run(?:ning)?\s+out)"
    r"(?:\s+up)?\s+(?:in|within)\s+(?:the\s+next\s+)?(?=\d)",
    re.IGNORECASE,
)


def _marks(text: str, taken: list[Comparison]) -> Iterator[Comparison]:
    """Find marks that are named without an operator."""
    for match in _MARK.finditer(text) if "%" in text else ():
        quantity = read_quantity(text, match.end())
        if quantity is not None and not any(c.start <= match.end() < c.end for c in taken):
            start = match.end("of") if match["of"] else match.start()
            yield replace(_comparison(text, ">=", quantity, start, quantity.end, 0, True), marked=True)
    for match in _PREDICTED.finditer(text) if "ill" in text or "ull" in text or "out" in text or "xhaust" in text else ():
        duration = next(find_durations(text[match.end() :]), None)
        if duration is not None and duration.start == 0:
            yield Comparison(
                "<", duration.high_s, "seconds", match.start(), match.end() + duration.end, "time until full", marked=True
            )  # fmt: skip


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
