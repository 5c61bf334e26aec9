"""A runbook becomes a page on which every line can be pointed at and nothing of it becomes code."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import pytest

from watchkeeper.actions.views.model import FactView
from watchkeeper.web.markdown import SHOWN, render

ALLOWED = {
    "a", "b", "blockquote", "br", "code", "del", "details", "div", "em", "h1", "h2", "h3", "h4", "h5", "h6", "hr", "li", "ol",
    "p", "pre", "s", "span", "strong", "summary", "table", "tbody", "td", "th", "thead", "tr", "ul",
}  # fmt: skip


class Reader(HTMLParser):
    """Collects what a browser would see."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: list[tuple[str, str | None]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes += attrs


@pytest.mark.parametrize(
    "hostile",
    [
        "<script>alert(1)</script>",
        "text <img src=x onerror=alert(1)> text",
        "<div onclick=alert(1)>\n\nx\n\n</div>",
        "[a](javascript:alert(1))",
        "[a](JaVaScRiPt:alert(1))",
        "[a](data:text/html;base64,PHNjcmlwdD4=)",
        "[a](vbscript:x)",
        "![<script>](javascript:alert(1))",
        '![a](https://x.example/"onerror="alert(1))',
        '<https://x.example/"onmouseover="alert(1)>',
        "```<script>\n</code></pre><script>alert(1)</script>\n```",
        "    </code></pre><script>alert(1)</script>",
        "---\ntitle: </pre><script>alert(1)</script>\n---\n",
        "| a | b |\n| --- | --- |\n| <script> | </table> |",
        '[a]: javascript:x "\\"onload=alert(1)"\n\n[a]',
        "&lt;script&gt; &#60;script&#62;",
    ],
)
def test_nothing_of_a_runbook_becomes_code(hostile: str) -> None:
    fact = FactView(1, "<i>", hostile, '" onload="x', "/book")
    made = render(f"# T\n\n{hostile}\n", [fact]) + render(hostile, [fact])
    seen = Reader()
    seen.feed(made)
    assert seen.tags <= ALLOWED
    for name, value in seen.attributes:
        assert name in ("id", "class", "href", "title", "rel", "start", "tabindex")
        assert name != "href" or not re.match(r"\s*(javascript|data|vbscript):", value or "", re.IGNORECASE)


def test_lines_have_anchors_in_text_tables_lists_and_code() -> None:
    made = render("# One\n\ntwo\n\n- three\n- four\n\n```bash\nfive\nsix\n```\n\n| a |\n| - |\n| b |\n")
    assert re.findall(r'id="(L\d+)"', made) == ["L1", "L3", "L5", "L6", "L8", "L9", "L10", "L13", "L15"]


def test_a_table_of_contents_leads_to_its_headings() -> None:
    made = render("- [Who & whom](#who--whom)\n- [Über](#über)\n\n## Who & whom\n\n## Über\n\n## Über\n")
    assert re.findall(r'href="#([^"]+)"', made) == re.findall(r'<a id="(s-[^"]+)">', made) == ["s-who--whom", "s-über"]


def test_a_fact_stands_beside_the_smallest_block_around_its_line() -> None:
    made = render("# One\n\n- two\n- three\n\nfour\n", [FactView(4, "Threshold", "three it is")])
    note, rest = made.index("three it is"), made.index("<p>three") if "<p>three" in made else made.index(">three<")
    assert made.index("two") < note < rest < made.index("four")


def test_a_fact_on_a_line_without_a_block_still_has_its_anchor() -> None:
    made = render("# One\n\nfirst\nsecond\n", [FactView(4, "Contact", "on the second line")])
    assert made.count('id="L4"') == 1


def test_commands_show_their_risk_on_their_line() -> None:
    facts = [FactView(2, "Command · read", "only looks", "read"), FactView(3, "Command · destroy", "deletes", "destroy")]
    made = render("```bash\nls\nrm -rf cache\n```\n", facts)
    assert '<span class="l is-read" id="L2">ls</span>' in made
    assert (
        '<span class="l is-destroy" id="L3">rm -rf cache <span class="risk is-destroy" title="deletes">destroy</span></span>'
        in made
    )


def test_equal_notes_are_one_with_all_their_lines() -> None:
    made = render("```\na\nb\n```\n", [FactView(n, "Command · read", f"reason {n}", "read") for n in (2, 3)])
    assert made.count("Command · read") == 1
    assert 'href="#L2"' in made
    assert 'href="#L3"' in made


def test_many_notes_are_folded() -> None:
    made = render("x\n", [FactView(1, "Fact", f"number {n}") for n in range(SHOWN + 3)])
    assert "<summary>3 more</summary>" in made


def test_a_book_without_words_is_no_trouble() -> None:
    assert "nothing" in render("", [FactView(7, "Fact", "nothing")])
