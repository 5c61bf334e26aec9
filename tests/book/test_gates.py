"""What spares a reader its pattern never spares it one that would have matched."""

from __future__ import annotations

import gc
import re
import sys
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from watchkeeper.book.openings import Opening
from watchkeeper.book.read import figures, metric_names, operators, passages, placeholders
from watchkeeper.book.reader import read_source
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


OPENINGS = sorted(
    {
        (name, one)
        for name, module in sys.modules.items()
        if name.startswith("watchkeeper.book.")
        for one in vars(module).values()
        if isinstance(one, Opening)
    },
    key=lambda pair: (pair[0], pair[1].pattern.pattern),
)
BEGINNINGS = st.sampled_from(sorted({word for _, one in OPENINGS for word in re.findall(r"[^\W\d_]+", one.pattern.pattern)}))
FIRST_LINES = st.tuples(
    st.sampled_from(("", "** ", "1. ", "→")),
    BEGINNINGS,
    st.sampled_from((" ", ": ", " 2", ", ", "1")),
    st.sampled_from(("x, do y", "5")),
)


@settings(max_examples=600, deadline=None, derandomize=True)
@given(FIRST_LINES, st.sampled_from((str, str.upper, str.capitalize)))
def test_an_opening_matches_what_its_pattern_matches(parts: tuple[str, ...], written: Callable[[str], str]) -> None:
    text = "".join((parts[0], written(parts[1]), *parts[2:]))
    for _, one in OPENINGS:
        found, plain = one.match(text), one.pattern.match(text)
        assert (found and found.span()) == (plain and plain.span()), one.pattern.pattern


def test_openings_are_there_and_begin_with_letters() -> None:
    assert len(OPENINGS) >= 10
    with pytest.raises(ValueError, match="letter"):
        Opening("^", r"\d|a", "")


@given(st.text(alphabet="aé5 :：*_.\n-#\u00a0ß", max_size=12))
def test_a_label_loses_the_same_marks_as_by_patterns(words: str) -> None:
    marks = re.compile(r"^[\W_]+|[\s:：*_.]+$")
    assert passages.clean(words) == (
        words if words and words[0].isalnum() and words[-1].isalnum() else marks.sub("", marks.sub("", words)).strip()
    )


@pytest.mark.parametrize("text", ["CPU over5%", "load above 5", "über 80 %", "mayor a 3", "más de $5", "at least 3", "大于 5"])
def test_a_worded_operator_passes_its_gate(text: str) -> None:
    assert [match["word"] for match in operators.operators(text)]


@pytest.mark.parametrize("text", ["in five minutes", "within an hour", "fünf Minuten", "dreißig Tage", "una hora"])
def test_a_spelled_number_passes_its_gate(text: str) -> None:
    assert figures.in_figures(text) != text


def test_cycles_are_looked_for_again_after_reading() -> None:
    read_source("book.md", "# A\n")
    assert gc.isenabled()
    gc.disable()
    try:
        read_source("book.md", "# A\n")
        assert not gc.isenabled(), "what somebody else held back stays so"
    finally:
        gc.enable()
