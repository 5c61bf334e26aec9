"""The expressions over scraped series, and pages that are not what they should be."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from aiohttp import web

from watchkeeper.base.errors import ConfigError
from watchkeeper.plugins.prometheus.evaluate import Evaluation, History, Missing
from watchkeeper.plugins.prometheus.exposition import FormatError, read_exposition
from watchkeeper.plugins.prometheus.expression import ExpressionError, parse, selectors_of
from watchkeeper.watch.probe import Probe

Make = Callable[..., Probe]


def evaluate(expression: str, *pages: str, step_s: float = 10.0) -> tuple[float, list[str]]:
    """Evaluate over pages scraped `step_s` apart."""
    found = parse(expression)
    selectors = list(selectors_of(found))
    history = History(max((selector.window_s or 0.0 for selector in selectors), default=0.0))
    for turn, page in enumerate(pages):
        history.add(turn * step_s, read_exposition(page, {selector.metric for selector in selectors}))
    evaluation = Evaluation(history)
    return evaluation.number(found), evaluation.notes


def requests(**by_status: float) -> str:
    lines = [f'requests_total{{path="/",status="{name[1:]}"}} {value}' for name, value in by_status.items()]
    return "\n".join(["# TYPE requests_total counter", *lines, ""])


GAUGES = 'temp{room="a"} 20\ntemp{room="b"} 30\nup 1\nbig 1e9\nodd{a="x\\"y\\\\z\\n}"} 4 1700000000000\nnan_gauge NaN\n'


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("1 + 2 * 3 - 4 / 2", 5.0),
        ("-(2 + 3)", -5.0),
        ("up", 1.0),
        ('temp{room="a"}', 20.0),
        ('temp{room!="a"}', 30.0),
        ("temp{room=~'b|c'}", 30.0),
        ('temp{room!~"b.*", other=""}', 20.0),
        ("sum(temp)", 50.0),
        ("max(temp) - min(temp)", 10.0),
        ("avg(temp)", 25.0),
        ("count(temp)", 2.0),
        ('count(temp{room="none"})', 0.0),
        ("big / 1e9", 1.0),
        ('odd{a="x\\"y\\\\z\n}"}', 4.0),
        ("percent(sum(temp), 200)", 25.0),
        ("ratio(1, 4)", 0.25),
    ],
)
def test_values_at_the_last_look(expression: str, value: float) -> None:
    assert evaluate(expression, GAUGES)[0] == pytest.approx(value)


@pytest.mark.parametrize(
    ("expression", "why"),
    [
        ("temp", "temp has 2 series; put sum, max, min or avg around it or filter by labels"),
        ('temp{room="none"}', "temp has no such series"),
        ("nothing", "the target does not expose nothing"),
        ("rate(nothing_total[1m])", "the target does not expose nothing_total"),
        ("rate(up[1m])", "up needs two looks within 1 min"),
        ("1 / 0", "the divisor is 0"),
        ('max(temp{room="none"})', "there is no such series"),
    ],
)
def test_what_is_not_there_is_missing_and_never_zero(expression: str, why: str) -> None:
    with pytest.raises(Missing) as caught:
        evaluate(expression, GAUGES)
    assert str(caught.value) == why


def test_a_rate_is_the_growth_by_the_time_between_the_looks() -> None:
    pages = (requests(s200=100.0), requests(s200=160.0), requests(s200=300.0))
    assert evaluate("rate(requests_total[30s])", *pages)[0] == 10.0
    assert evaluate("increase(requests_total[30s])", *pages)[0] == 200.0
    assert evaluate("rate(requests_total[10s])", *pages)[0] == 14.0


def test_a_counter_that_starts_anew_is_a_reset() -> None:
    assert evaluate("increase(requests_total[1m])", requests(s200=100.0), requests(s200=130.0), requests(s200=5.0))[0] == 35.0


def test_a_series_that_appears_between_two_looks_began_at_zero() -> None:
    pages = (requests(s200=100.0), requests(s200=120.0, s500=20.0))
    share = 'percent(rate(requests_total{status=~"5.."}[1m]), rate(requests_total[1m]))'
    assert evaluate(share, *pages)[0] == 50.0


def test_no_traffic_is_a_share_of_zero_that_says_so_and_an_unknown_metric_is_not() -> None:
    share = 'percent(rate(requests_total{status=~"5.."}[1m]), rate(requests_total[1m]))'
    assert evaluate(share, requests(), requests()) == (0.0, ["nothing was counted, so its share is taken as 0"])
    with pytest.raises(Missing):
        evaluate(share, "other 1\n", "other 1\n")


def buckets(*counts: float) -> str:
    bounds = ("0.1", "0.5", "1.0", "+Inf")
    return "".join(f'took_seconds_bucket{{le="{le}"}} {count}\n' for le, count in zip(bounds, counts, strict=True))


@pytest.mark.parametrize(
    ("fraction", "grown", "value"),
    [
        (0.5, (100, 100, 100, 100), 0.05),
        (0.95, (90, 90, 100, 100), 0.75),
        (0.95, (0, 0, 0, 100), 1.0),
        (0.0, (100, 100, 100, 100), 0.0),
        (0.95, (0, 0, 0, 0), 0.0),
    ],
)
def test_a_quantile_is_interpolated_within_its_bucket(fraction: float, grown: tuple[float, ...], value: float) -> None:
    pages = buckets(10, 20, 30, 40), buckets(*(a + b for a, b in zip((10, 20, 30, 40), grown, strict=True)))
    for histogram in ("took_seconds[1m]", "took_seconds_bucket[1m]", "rate(took_seconds_bucket[1m])"):
        assert evaluate(f"quantile({fraction}, {histogram})", *pages)[0] == pytest.approx(value)


def test_old_looks_are_dropped_and_memory_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    history = History(30.0)
    for turn in range(100):
        history.add(turn * 10.0, read_exposition("a 1\n", {"a"}))
    assert [at for at, _ in history.scrapes] == [950.0, 960.0, 970.0, 980.0, 990.0]
    monkeypatch.setattr("watchkeeper.plugins.prometheus.evaluate.MOST_VALUES", 20)
    for turn in range(100, 200):
        history.add(turn * 0.1 + 990.0, read_exposition("a 1\n", {"a"}))
    assert len(history.scrapes) <= 11
    assert history.scrapes[-1][0] == pytest.approx(1009.9)


@pytest.mark.parametrize(
    "expression",
    [
        "", "1 +", "a[", "a[soon]", "a{b}", 'a{b="c"', "rate(a)", "a[30s]", "sum(a[30s])", "f(a)", "percent(a)", "a b",
        "a{b=~'('}",
        "quantile(2, a[1m])", "quantile(0.9, a)", "rate(1)", "@", "(" * 60 + "1" + ")" * 60, "-" * 60 + "1", "rate(sum(a)[1m])",
    ],
)  # fmt: skip
def test_what_is_not_an_expression_is_refused(expression: str) -> None:
    with pytest.raises(ExpressionError):
        parse(expression)


@pytest.mark.parametrize(
    ("page", "said"),
    [
        ("<!DOCTYPE html>\n<p>hello</p>", "line 1 is not in the Prometheus text format: '<!DOCTYPE html>'"),
        ('{"error": "no"}\n[1]', "line 2 is not in the Prometheus text format: '[1]'"),
        ("a 1\na", "line 2 is not in"),
        ("a one", "line 1 has no number: 'a one'"),
        ("a{b=c} 1", "line 1 has a label that cannot be read: 'b=c} 1'"),
        ('a{b="c} 1', "line 1 has a label"),
        ("a{} ", "line 1 has no number"),
    ],
)
def test_a_page_in_another_format_is_refused_with_its_line(page: str, said: str) -> None:
    with pytest.raises(FormatError) as caught:
        read_exposition(page, {"a"})
    assert str(caught.value).startswith(said)


def test_the_number_of_series_is_bounded() -> None:
    with pytest.raises(FormatError, match="more than 10 "):
        read_exposition("".join(f'a{{b="{n}"}} 1\n' for n in range(11)), {"a"}, most_series=10)


async def test_a_page_is_read_twice_for_a_rate(probe: Make, site: Any) -> None:
    pages = iter([requests(s200=1.0), requests(s200=101.0, s500=100.0)])

    async def handler(request: web.Request) -> web.Response:
        return web.Response(text=next(pages))

    share = 'percent(rate(requests_total{status="500"}[1m]), rate(requests_total[1m]))'
    made = probe("prometheus", {"error rate": share, "page": "up"}, url=await site(handler))
    first = await made.look()
    assert set(first.values) == {"up", "seconds"}
    assert first.detail == "requests_total needs two looks within 1 min"
    second = await made.look()
    assert second.values[share] == 50.0


@pytest.mark.parametrize(
    ("answer", "values", "said"),
    [
        (web.Response(status=500), {"up": 0.0}, "500 Internal Server Error"),
        (web.Response(text="<html>"), {}, "line 1 is not in the Prometheus text format"),
        (web.Response(text="a 1\n" * 300), {}, "larger than 1,000 bytes"),
    ],
)
async def test_a_page_that_cannot_be_read(
    probe: Make, site: Any, answer: web.Response, values: dict[str, float], said: str
) -> None:
    async def handler(request: web.Request) -> web.Response:
        return answer

    look = await probe("prometheus", {"a": "a"}, url=await site(handler), max_bytes=1_000).look()
    look.values.pop("seconds", None)
    assert look.values == values
    assert said in f"{look.problem} {look.detail}"


async def test_a_target_that_is_away_is_down(probe: Make, closed_port: int) -> None:
    look = await probe("prometheus", {"a": "a"}, url=f"http://127.0.0.1:{closed_port}/metrics").look()
    assert (look.values, look.problem) == ({"up": 0.0}, None)
    await asyncio.sleep(0)


def test_an_expression_that_cannot_be_read_is_an_error_of_the_file(probe: Make) -> None:
    with pytest.raises(ConfigError, match="is not an expression: rate and increase need a duration") as caught:
        probe("prometheus", {"error rate": "rate(errors_total)"}, url="http://127.0.0.1/metrics")
    assert (caught.value.code, (caught.value.where or "")[-2:]) == ("WK136", ":3")
