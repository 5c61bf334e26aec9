"""What spares a reader its pattern never spares it one that would have matched."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from watchkeeper.book.read import metric_names, placeholders
from watchkeeper.book.vocabulary import ALERT_WORDS, METRICS, OBJECTIVE_WORDS, matcher

GROUPS = (ALERT_WORDS, OBJECTIVE_WORDS, *(metric.words for metric in METRICS), ("*leiter*", "*-x y", "é*", "a b*", "*z"))
MATCHERS = tuple(matcher(words) for words in GROUPS)
WORDS = sorted({word for words in GROUPS for word in words})
PIECES = st.sampled_from([*(part for word in WORDS for part in (word.replace("*", ""), word.replace("*", "x"))), "x", "of", "ſ"])
TEXTS = st.lists(st.tuples(PIECES, st.sampled_from((" ", "_", "-", "", ". ", "\n", "  "))), max_size=5).map(
    lambda pairs: "".join(piece + between for piece, between in pairs)
)


@settings(max_examples=300, deadline=None, derandomize=True)
@given(TEXTS, st.booleans())
def test_a_matcher_finds_what_its_pattern_finds(text: str, capitals: bool) -> None:
    said = text.upper() if capitals else text
    for one in MATCHERS:
        found, plain = one.search(said), one.pattern.search(said)
        assert (found and found.span()) == (plain and plain.span()), one.pattern.pattern


STATISTIC_WORDS = (
    "P95", "p50", "95th", "50th", "99TH", "quantile(0.9", "quantile(0.95", "95. Perzentil", "95e centile", "AVG", "mean",
    "Durchschnittlich", "average", "moyenne", "promedio", "média", "max (", "Maximum", "peak", "irate(", "increase(", "median",
    "p99.9", "p90",
)  # fmt: skip


@pytest.mark.parametrize("text", STATISTIC_WORDS)
def test_every_statistic_passes_its_gate(text: str) -> None:
    assert metric_names._STATISTIC.search(text)
    assert metric_names.statistic_of(text) is not None


def test_every_sample_name_passes_its_gate() -> None:
    for way in re.findall(r"[a-z]+[-_a-z]*(?:\[a-z\]\+[^|]*)?", placeholders._SAMPLES.pattern):
        assert len(way) < 4 or way == "suspect" or any(part in way for part in placeholders._IN_SAMPLES), way
