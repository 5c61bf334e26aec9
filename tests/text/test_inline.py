"""Inline text that is read without the parser is read as the parser reads it."""

from __future__ import annotations

from itertools import groupby

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from watchkeeper.text.blocks import Span
from watchkeeper.text.inline import simple_spans
from watchkeeper.text.markdown import inline_spans

PIECES = (
    "**", "`", "a", "If ", "[", "](", "](#a-b)", "]", "(#x)", " ", "\n", "x.", ":", "_", "*", "[A b](#c-d)", "**If `x y` z:**",
    "` c `", "**a", "b**", "!", "(", ")", "``", "\\", "<b>", "é", "&amp;", "#", "1", "**Run `x`**", "~~",
)  # fmt: skip
TEXTS = st.lists(st.sampled_from(PIECES), min_size=1, max_size=9).map(
    lambda pieces: "\n".join(line.strip() for line in "".join(pieces).split("\n")).strip()
)
PARSER = MarkdownIt("commonmark").enable("strikethrough")


def joined(spans: tuple[Span, ...]) -> list[object]:
    """Give spans with the plain text between two others as one."""
    groups = [(plain, list(group)) for plain, group in groupby(spans, lambda span: span.kind == "text")]
    return [one for plain, group in groups for one in (["".join(span.text for span in group)] if plain else group)]


def parsed(text: str) -> tuple[Span, ...]:
    return inline_spans([t for b in PARSER.parseInline(text) for t in b.children or ()], 1)


@settings(max_examples=1500, deadline=None, derandomize=True)
@given(TEXTS)
def test_what_needs_no_parser_is_read_as_the_parser_reads_it(text: str) -> None:
    spans = simple_spans(text, 1)
    if spans is not None:
        assert joined(spans) == joined(parsed(text))


@pytest.mark.parametrize(
    ("text", "span"),
    [
        ("[How it is built](#how-it-is-built)", Span("link", "How it is built", 1, "#how-it-is-built")),
        ("**If `redis-cli ping` fails:**", Span("strong", "If redis-cli ping fails:", 1, code=("redis-cli ping",))),
    ],
)
def test_a_link_within_the_page_and_bold_words_with_code_need_no_parser(text: str, span: Span) -> None:
    assert simple_spans(text, 1) == (span,) == parsed(text)


@pytest.mark.parametrize("text", ["[a](javascript:x)", "[a](#b c)", "![a](#b)", "**a `b** c` d", "[`a`](#b)"])
def test_what_only_the_parser_can_tell_is_left_to_it(text: str) -> None:
    assert simple_spans(text, 1) is None
