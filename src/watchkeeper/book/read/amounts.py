"""How much or how many a text expects: "between 1 and 5", "at least 3 replicas", "less than 100 ms", "3 pods Running"."""

from __future__ import annotations

import re

from watchkeeper.book.model import Expectation

_VALUE = r"\d+(?:,\d{3}(?!\d))*(?:[.,]\d+)?"
_SPAN = re.compile(
    rf"^(?:only\s+|about\s+|a total of\s+)?(?P<between>between\s+|from\s+)?(?P<low>{_VALUE})\s*(?P<unit>%|[a-zµ]+)?\s*"
    rf"(?P<to>-|–|—|to|and|bis|a)\s*(?P<high>{_VALUE})(?P<rest>\s*%?.*)$",
    re.IGNORECASE,
)
_EXACT = re.compile(r"^(?:exactly\s+|only\s+)?(?P<low>\d+)(?P<rest>\s+[a-z].*)$", re.IGNORECASE)
_UNIT = re.compile(
    r"^\s*(?:(?P<percent>%|percent\b)|(?P<ms>ms\b|milli-?seconds?\b)|(?P<s>s\b|secs?\b|seconds?\b)|(?P<min>min\b|minutes?\b)|"
    r"(?P<kb>ki?b\b)|(?P<mb>mi?b\b)|(?P<gb>gi?b\b)|(?P<tb>ti?b\b))",
    re.IGNORECASE,
)
_SCALE: dict[str, tuple[str, float]] = {
    "percent": ("percent", 1), "ms": ("ms", 1), "s": ("ms", 1000), "min": ("ms", 60_000), "kb": ("bytes", 1024),
    "mb": ("bytes", 1024**2), "gb": ("bytes", 1024**3), "tb": ("bytes", 1024**4),
}  # fmt: skip
_COUNTED = re.compile(
    r"^\s*(?:[a-z-]+\s+){0,2}?(?:rows?|lines?|entries|entry|results?|records?|matches|pods?|containers?|nodes?|replicas?|"
    r"instances?|processes|workers?|services|endpoints?|brokers?|members?|targets?)\b(?P<rest>.*)$",
    re.IGNORECASE | re.DOTALL,
)
_IN_STATE = re.compile(r"\b(Running|Ready|Up|Healthy|Active|Bound|Succeeded|Completed|Online)\b", re.IGNORECASE)
_ALL = re.compile(
    r"\b(?:all|every|each)\s+(?:of\s+)?(?:the\s+|your\s+)?(?:[\w-]+\s+){0,3}?"
    r"(?:pods?|containers?|services?|nodes?|replicas?|instances?|tasks?|workers?|process(?:es)?|components?|members?|brokers?|"
    r"programs?|ones)\s+(?:[\w\s,/-]{0,40}?\b)?(?P<state>Running|Ready|Up|Healthy|Active|Bound|Online|UP|RUNNING)\b"
    r"|\ball\s+(?:be\s+|are\s+|show(?:ing)?\s+|in\s+)?(?:the\s+)?(?:state\s+)?[`\"“']?"
    r"(?P<bare>Running|Ready|Up|Healthy|Active|Bound|Online)\b",
    re.IGNORECASE,
)
_DENIED = re.compile(r"\b(?:not|never|isn't|aren't|no longer|un\w+)\b", re.IGNORECASE)


def read_every(said: str, line: int) -> Expectation | None:
    """Read what is expected of every row of a table.

    >>> read_every("All pods should be Running", 1).value, read_every("All pods should not be Running", 1)
    ('Running', None)
    """
    found = _ALL.search(said)
    if found is None or _DENIED.search(found[0]):
        return None
    return Expectation(line=line, kind="every", value=found["state"] or found["bare"], text=said)


def read_span(what: str, line: int, said: str) -> Expectation | None:
    """Read a span of numbers, or an exact count of rows.

    >>> read_span("between 1 and 5", 1, "").upto, read_span("2-3 replicas", 1, "").counts, read_span("3 days", 1, "")
    (5.0, True, None)
    """
    span = _SPAN.match(what)
    # "80 and 443" are two numbers; "between 80 and 443" is a span
    if span and (span["between"] or span["to"].lower() != "and"):
        unit, scale = unit_of(span["rest"]) if unit_of(span["rest"])[0] else unit_of(span["unit"] or "")
        low, high = number_of(span["low"]) * scale, number_of(span["high"]) * scale
        if (
            low > high
            or re.match(r"[-–:/.]\d", span["rest"])
            or re.search(r"\bmin(?:ute)?s?\b", f"{span['unit']} {span['rest']}")
        ):
            return None
        counts, state = counted_in(span["rest"])
        return Expectation(line=line, kind="between", value=low, upto=high, unit=unit, counts=counts, any_of=state, text=said)
    exact = _EXACT.match(what)
    counts, state = counted_in(exact["rest"]) if exact else (False, ())
    if exact is None or not counts:
        return None
    number = float(exact["low"])
    return Expectation(line=line, kind="between", value=number, upto=number, counts=True, any_of=state, text=said)


def number_of(text: str) -> float:
    """Read a number as it is written: 1,000 is a thousand, 0,5 a half."""
    return float(re.sub(r",(?=\d{3}(?!\d))", "", text).replace(",", "."))


def unit_of(rest: str) -> tuple[str | None, float]:
    """Read the unit that follows a number: its kind ("percent", "ms", "bytes") and how many of the kind it is."""
    found = _UNIT.match(rest)
    if found is None:
        return None, 1.0
    return _SCALE[next(name for name, text in found.groupdict().items() if text)]


def counted_in(rest: str) -> tuple[bool, tuple[str, ...]]:
    """Say whether what follows a number names rows to count, and in which state they are to be."""
    found = _COUNTED.match(rest)
    state = _IN_STATE.search(found["rest"]) if found else None
    return found is not None, (state[1],) if state else ()
