"""The small language of readings over scraped series: parsed here, evaluated in `evaluate.py`.

    expression := term (("+" | "-") term)*          term   := factor (("*" | "/") factor)*
    factor     := number | "-" factor | "(" expression ")" | call | selector
    call       := name "(" expression ("," expression)* ")"
    selector   := metric ["{" label ("=" | "!=" | "=~" | "!~") "text" {"," ...} "}"] ["[" duration "]"]

Functions: rate, increase (of a selector with a duration), sum, max, min, avg, count (over series), percent(a, b), ratio(a, b),
quantile(q, histogram[duration]). Text enters, a tree leaves; an ExpressionError says where the text cannot be read.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeAlias

from watchkeeper.base.durations import parse_duration

RANGE_FUNCTIONS = ("rate", "increase")
SERIES_FUNCTIONS = ("sum", "max", "min", "avg", "count")
FUNCTIONS = {**dict.fromkeys((*RANGE_FUNCTIONS, *SERIES_FUNCTIONS), 1), "percent": 2, "ratio": 2, "quantile": 2}

_TOKEN = re.compile(
    r"\s*(?:(?P<number>\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)(?![\w:])|(?P<name>[a-zA-Z_:][a-zA-Z0-9_:]*)"
    r"|(?P<text>\"(?:[^\"\\]|\\.)*\"|'(?:[^'\\]|\\.)*')|(?P<window>\[[^\]]*\])|(?P<sign>=~|!~|!=|[-+*/(){},=]))"
)
_DEPTH = 50


class ExpressionError(ValueError):
    """The expression cannot be read."""


@dataclass(frozen=True, slots=True)
class Number:
    """A number."""

    value: float


@dataclass(frozen=True, slots=True)
class Matcher:
    """What a label must be."""

    label: str
    sign: str
    text: str
    pattern: re.Pattern[str] | None = None

    def fits(self, value: str) -> bool:
        """Say whether a label's value is wanted; a label that is not there is empty."""
        same = self.pattern.fullmatch(value) is not None if self.pattern else value == self.text
        return same if self.sign in ("=", "=~") else not same


@dataclass(frozen=True, slots=True)
class Selector:
    """Series of one metric, at the last scrape or over a window."""

    metric: str
    matchers: tuple[Matcher, ...] = ()
    window_s: float | None = None


@dataclass(frozen=True, slots=True)
class Call:
    """A function of expressions."""

    function: str
    arguments: tuple[Expression, ...]


@dataclass(frozen=True, slots=True)
class Operation:
    """Two expressions put together."""

    sign: str
    left: Expression
    right: Expression


Expression: TypeAlias = Number | Selector | Call | Operation


def parse(text: str) -> Expression:
    """Read an expression.

    >>> parse("2 * up").right
    Selector(metric='up', matchers=(), window_s=None)
    """
    parser = _Parser(text)
    found = parser.expression(0)
    if parser.token is not None:
        raise parser.error("nothing more was expected")
    _check(found)
    return found


def selectors_of(expression: Expression) -> Iterator[Selector]:
    """Give all selectors of an expression; of a quantile the one of its buckets."""
    match expression:
        case Selector():
            yield expression
        case Call(function="quantile", arguments=(_, histogram)):
            yield buckets_of(histogram)
        case Call():
            for argument in expression.arguments:
                yield from selectors_of(argument)
        case Operation():
            yield from selectors_of(expression.left)
            yield from selectors_of(expression.right)


def buckets_of(histogram: Expression) -> Selector:
    """Give the selector of a histogram's buckets; `rate(...)` around it and the missing `_bucket` are allowed."""
    inner = histogram.arguments[0] if isinstance(histogram, Call) else histogram
    if isinstance(inner, Call) and inner.function in RANGE_FUNCTIONS:
        inner = inner.arguments[0]
    if not isinstance(inner, Selector) or inner.window_s is None:
        raise ExpressionError("quantile needs a histogram with a duration, as in quantile(0.95, request_seconds_bucket[1m])")
    metric = inner.metric if inner.metric.endswith("_bucket") else f"{inner.metric}_bucket"
    return Selector(metric, inner.matchers, inner.window_s)


def _check(expression: Expression, windowed: bool = False) -> None:
    match expression:
        case Selector(metric=metric, window_s=window_s):
            if windowed and window_s is None:
                raise ExpressionError(f"rate and increase need a duration: {metric}[30s]")
            if not windowed and window_s is not None:
                raise ExpressionError(f"{metric} with a duration needs rate, increase or quantile around it")
        case Call(function="quantile", arguments=(fraction, histogram)):
            if not isinstance(fraction, Number) or not 0 <= fraction.value <= 1:
                raise ExpressionError("the first argument of quantile is a number from 0 to 1")
            buckets_of(histogram)
        case Call(function=function, arguments=arguments):
            is_range = function in RANGE_FUNCTIONS
            if is_range and not isinstance(arguments[0], Selector):
                raise ExpressionError(f"{function} takes a metric with a duration, as in {function}(requests_total[30s])")
            for argument in arguments:
                _check(argument, is_range)
        case Operation(left=left, right=right):
            _check(left)
            _check(right)


class _Parser:
    """Reads from left to right; `token` is the next one, None at the end."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self._start = 0
        self.token: tuple[str, str] | None = None
        self._next()

    def error(self, why: str) -> ExpressionError:
        rest = self._text[self._start :].strip()
        return ExpressionError(f"{why} at {rest[:30]!r}" if rest else f"{why} at the end")

    def _next(self) -> None:
        self._start = self._at
        if not self._text[self._at :].strip():
            self.token = None
            return
        match = _TOKEN.match(self._text, self._at)
        if match is None:
            raise self.error("this cannot be read")
        self._at = match.end()
        kind = match.lastgroup or ""
        self.token = (kind, match[kind])

    def _take(self, sign: str) -> None:
        if self.token != ("sign", sign):
            raise self.error(f"{sign!r} was expected")
        self._next()

    def _is(self, *signs: str) -> bool:
        return self.token is not None and self.token[0] == "sign" and self.token[1] in signs

    def expression(self, depth: int) -> Expression:
        if depth > _DEPTH:
            raise ExpressionError("the expression is nested too deeply")
        left = self._term(depth)
        while self._is("+", "-"):
            sign = (self.token or ("", ""))[1]
            self._next()
            left = Operation(sign, left, self._term(depth))
        return left

    def _term(self, depth: int) -> Expression:
        left = self._factor(depth)
        while self._is("*", "/"):
            sign = (self.token or ("", ""))[1]
            self._next()
            left = Operation(sign, left, self._factor(depth))
        return left

    def _factor(self, depth: int) -> Expression:
        if self._is("-"):
            self._next()
            if depth > _DEPTH:
                raise ExpressionError("the expression is nested too deeply")
            return Operation("-", Number(0.0), self._factor(depth + 1))
        if self._is("("):
            self._next()
            inner = self.expression(depth + 1)
            self._take(")")
            return inner
        kind, text = self.token or ("end", "")
        if kind == "number":
            self._next()
            return Number(float(text))
        if kind != "name":
            raise self.error("a number, a metric or a function was expected")
        self._next()
        return self._call(text, depth) if self._is("(") else self._selector(text)

    def _call(self, function: str, depth: int) -> Expression:
        if function not in FUNCTIONS:
            raise ExpressionError(f"there is no function {function!r}; there are {', '.join(FUNCTIONS)}")
        self._take("(")
        arguments = [self.expression(depth + 1)]
        while self._is(","):
            self._next()
            arguments.append(self.expression(depth + 1))
        self._take(")")
        if len(arguments) != FUNCTIONS[function]:
            raise ExpressionError(f"{function} takes {FUNCTIONS[function]} arguments, not {len(arguments)}")
        return Call(function, tuple(arguments))

    def _selector(self, metric: str) -> Expression:
        matchers: list[Matcher] = []
        if self._is("{"):
            self._next()
            while not self._is("}"):
                matchers.append(self._matcher())
                if not self._is("}"):
                    self._take(",")
            self._next()
        window_s = None
        if self.token is not None and self.token[0] == "window":
            window_s = parse_duration(self.token[1][1:-1])
            if not window_s:
                raise self.error("a duration such as [30s] was expected")
            self._next()
        return Selector(metric, tuple(matchers), window_s)

    def _matcher(self) -> Matcher:
        if self.token is None or self.token[0] != "name":
            raise self.error("a label was expected")
        label = self.token[1]
        self._next()
        if not self._is("=", "!=", "=~", "!~"):
            raise self.error("one of = != =~ !~ was expected")
        sign = (self.token or ("", ""))[1]
        self._next()
        if self.token is None or self.token[0] != "text":
            raise self.error("a text in quotes was expected")
        # as in PromQL a backslash escapes: "\\." is the pattern \.; a lone \. is taken for the pattern as well
        text = re.sub(r"\\([\"'\\])", r"\1", self.token[1][1:-1])
        self._next()
        try:
            return Matcher(label, sign, text, re.compile(text) if "~" in sign else None)
        except re.error as problem:
            raise ExpressionError(f"the pattern {text!r} of the label {label} cannot be read: {problem}") from None
