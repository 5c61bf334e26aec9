"""Read the comparison of a PromQL expression: its metric, operator, value and unit, without running anything."""

from __future__ import annotations

import ast
import operator
import re
from collections.abc import Callable
from dataclasses import dataclass

from watchkeeper.book.model import Comparison as Operator

_LABELS = re.compile(r"\{[^{}]*\}|\[[^\[\]]*\]|\"[^\"]*\"|'[^']*'")
_COMPARE = re.compile(r"(?P<op>>=|<=|==|!=|>|<)\s*(?:bool\s+)?(?P<figure>\(?-?[\d.][\d.e+*/^() -]*)")
_METRIC = re.compile(r"\b([a-zA-Z_:][a-zA-Z0-9_:]*)\b(?!\s*\()")
_GROUPING = re.compile(r"\b(?:by|without|on|ignoring|group_left|group_right)\s*\([^()]*\)")
_WORDS = frozenset(
    [
        "by",
        "on",
        "without",
        "and",
        "or",
        "unless",
        "bool",
        "ignoring",
        "group_left",
        "group_right",
        "offset",
        "le",
        "sum",
        "rate",
        "avg",
        "max",
        "min",
        "count",
        "increase",
        "irate",
    ]
)
_ARITHMETIC: dict[type[ast.AST], Callable[[float, float], float]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
}


@dataclass(frozen=True, slots=True)
class Expression:
    """One comparison of an expression."""

    op: Operator
    value: float
    unit: str | None
    metric: str
    #: the range the rate is taken over, in the expression's own words ("5m")
    window: str | None


def read_expression(expression: str) -> list[Expression]:
    """Read the comparisons of an expression; empty where it has none.

    >>> [(e.metric, e.op, e.value, e.unit) for e in read_expression('up{job="shop"} == 0')]
    [('up', '==', 0.0, None)]
    """
    text = re.sub(r"#[^\n]*", " ", expression)
    window = re.search(r"\[(\d+[smhdw])", text)
    plain = _LABELS.sub(" ", text)
    found: list[Expression] = []
    last = 0
    for match in _COMPARE.finditer(plain):
        value = _figure(match["figure"])
        if value is None:
            continue
        side = _GROUPING.sub(" ", plain[last : match.start()])
        last = match.end()
        metric = next((name for name in _METRIC.findall(side) if name.lower() not in _WORDS and not name.isdigit()), "")
        found.append(Expression(match["op"], value, _unit(side, value), metric, window[1] if window else None))  # type: ignore[arg-type]
    return found


def _figure(text: str) -> float | None:
    """Compute a figure such as `14.4 * 0.01` or `2^30`."""
    text = text.strip()
    while text.count("(") != text.count(")") and text:
        text = text[:-1].rstrip() if text.endswith((")", "(")) else text.lstrip("(").rstrip()
        if text.count("(") > text.count(")") and not text.startswith("("):
            return None
    if len(text) > 60:
        return None
    try:
        return _value(ast.parse(text.strip(" +*/^").replace("^", "**"), mode="eval").body)
    except (SyntaxError, ValueError, ZeroDivisionError, OverflowError, RecursionError, MemoryError):
        return None


def _value(node: ast.AST) -> float:
    if isinstance(node, ast.Constant) and isinstance(node.value, int | float):
        return float(node.value)
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        return -_value(node.operand)
    if isinstance(node, ast.BinOp):
        left, right = _value(node.left), _value(node.right)
        if isinstance(node.op, ast.Pow):
            if abs(right) > 64:
                raise ValueError("too large")
            return float(left**right)
        step = _ARITHMETIC.get(type(node.op))
        if step is not None:
            return float(step(left, right))
    raise ValueError("not a figure")


def _unit(side: str, value: float) -> str | None:
    if re.search(r"\*\s*100\b|\b100\s*\*", side) or re.search(r"percent(?:age)?\b|_percent", side):
        return "percent"
    if (
        re.search(r"histogram_quantile|_seconds(?:_bucket|_sum)?\b", side)
        and not re.search(r"\brate\s*\([^()]*_count", side)
        and "_seconds_count" not in side
    ):
        return "seconds"
    if "/" in side:
        return "ratio" if 0 <= value <= 1 else None
    if re.search(r"_ratio\b", side):
        return "ratio"
    if re.search(r"_bytes\b", side):
        return "bytes"
    if re.search(r"\b(?:rate|irate|deriv)\s*\(", side):
        return None
    if re.search(r"_(?:count|total|connections|length|size|depth|lag|messages|pending)\b|\bcount\s*\(|\bincrease\s*\(", side):
        return "count"
    return None
