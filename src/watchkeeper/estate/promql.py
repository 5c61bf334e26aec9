"""Makes the reading of a threshold that the book states in PromQL: an expression for the server that always gives one number.

A threshold enters; its reading, with the comparison that is then judged here, leaves, or None where the text cannot be sent as
it stands. Nothing is contacted, and nothing of the expression is computed here.
"""

from __future__ import annotations

import re
from dataclasses import replace

from watchkeeper.book.model import Threshold

_COMPARISON = re.compile(r">=|<=|==|!=|>|<")
_JOINED = re.compile(r"\b(?:and|or|unless|bool)\b", re.IGNORECASE)
_FIGURE = re.compile(r"[-+]?[\d.eE+*/^() -]+")
_LONGEST = 4_000


def reading_of(threshold: Threshold) -> tuple[str, Threshold] | None:
    """Give the PromQL reading of a threshold and what is then judged of it.

    Where the rule compares one expression with a number, that expression's worst series is the reading and the book's own
    comparison judges it. Anything else is sent whole, and what is judged is how many series it gives: alerts fire by it.

    >>> rule = Threshold(line=1, role="alert", subject="s", op=">", value=5.0, source="promql", text="rate(a[1m]) > 5")
    >>> reading_of(rule)[0]
    'topk(1, rate(a[1m]))'
    >>> reading_of(replace(rule, text="up == 0 or absent(up)"))[0]
    'count(up == 0 or absent(up)) or vector(0)'
    """
    text = threshold.text.strip()
    plain = _without_inner(text)
    if not text or len(text) > _LONGEST or "#" in plain:
        return None
    found = list(_COMPARISON.finditer(plain))
    if len(found) == 1 and threshold.op in (">", ">=", "<", "<=") and not _JOINED.search(plain):
        sign = found[0]
        left, right = text[: sign.start()].strip(), text[sign.end() :].strip()
        if sign.group() == threshold.op and left and _FIGURE.fullmatch(right):
            return f"{'topk' if threshold.op[0] == '>' else 'bottomk'}(1, {left})", threshold
    judged = replace(threshold, op=">", value=0.0, unit="count", statistic=None, group=None)
    return f"count({text}) or vector(0)", judged


def _without_inner(text: str) -> str:
    """Blank what stands within quotes and brackets, so that only the outermost signs are left where they were.

    Quotes or brackets that do not close come out as a text with a "#" in it, as a comment does.
    """
    out: list[str] = []
    depth, quote, at = 0, "", 0
    while at < len(text):
        char = text[at]
        if quote:
            if char == "\\" and quote != "`":
                out.append(" ")
                at += 1
            elif char == quote:
                quote = ""
            out.append(" ")
        elif char in "\"'`":
            quote = char
            out.append(" ")
        elif char in "([{":
            out.append(char if char == "(" else " ")
            depth += 1
        elif char in ")]}":
            depth -= 1
            if depth < 0:
                return f"{text}#"
            out.append(char if char == ")" else " ")
        else:
            out.append(char if depth == 0 or char == "#" else " ")
        at += 1
    return "".join(out)[: len(text)] if not quote and depth == 0 else f"{text}#"
