"""The parser that knows only the rules a text can need reads every text as the one that knows all."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from watchkeeper.text.markdown import read_text
from watchkeeper.text.parser import full_parser, parser_for

MARKS = (
    "- ", "1. ", "2) ", "+ ", "* ", "> ", "    ", "\t", " ", "# ", "###### ", "#", "---", "===", "--", "-", "* * *", "_ _ _",
    "***", "|", "|-|", ":-:", "| a | b |", "```", "~~~", "`", "!!! note", "??? tip", "[a]: b", "<b>", "<!--", "-->", "words",
    "a: b", "١. ", "",
)  # fmt: skip

LINES = st.lists(st.sampled_from(MARKS), max_size=4).map("".join)
TEXTS = st.lists(LINES, max_size=8).map("\n".join)

ALL = full_parser()
#: the front matter plug-in also takes a list's first line for its beginning; ours asks that the file begin with it
ALL_BUT_FRONT_MATTER = full_parser().disable(["front_matter"])


def tokens(parser: MarkdownIt, text: str) -> list[dict[str, object]]:
    return [token.as_dict() for token in parser.parse(text, {})]


@settings(max_examples=400, deadline=None, derandomize=True)
@given(TEXTS)
def test_no_rule_is_missed(text: str) -> None:
    assert tokens(parser_for(text), text) == tokens(ALL if text.startswith("---") else ALL_BUT_FRONT_MATTER, text)


def test_a_rule_whose_mark_is_absent_is_not_asked() -> None:
    asked = parser_for("# Shop\n\n- one\n- two\n").get_active_rules()["block"]
    assert asked == ["code", "list", "heading", "paragraph"]


def test_a_list_that_begins_with_dashes_is_no_front_matter() -> None:
    assert [block.kind for block in read_text("- - ---2. shop\n---===\n").blocks] == ["list"]
