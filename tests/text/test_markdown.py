"""Markdown as people write it, read into blocks that know their lines."""

from __future__ import annotations

import pytest

from watchkeeper.text.blocks import Block
from watchkeeper.text.markdown import read_text


def kinds(blocks: tuple[Block, ...]) -> list[str]:
    return [block.kind for block in blocks]


def test_sections_nest_by_heading_level() -> None:
    root = read_text("# Shop\n\n## One\ntext\n### Deep\n\n## Two\n").root
    (shop,) = root.sections
    assert [section.title for section in shop.sections] == ["One", "Two"]
    assert shop.sections[0].sections[0].path == ("Shop", "One")
    assert (shop.sections[0].line, shop.sections[0].end_line) == (3, 6)


def test_numbered_list_broken_by_unindented_fences_is_one_list() -> None:
    (steps,) = read_text("1. stop\n```bash\nstop shop\n```\n2. start\n```bash\nstart shop\n```\n3. look\n").blocks[:1]
    assert [item.number for item in steps.children] == [1, 2, 3]
    assert [child.text for item in steps.children for child in item.children] == ["stop shop", "start shop"]


def test_fence_lines_are_those_inside() -> None:
    (fence,) = read_text("```sh\na\nb\n```\n").blocks
    assert (fence.line, fence.end_line, fence.info, fence.text) == (2, 3, "sh", "a\nb")


def test_hash_lines_in_fences_and_comments_are_no_headings() -> None:
    text = read_text("<!--\n# hidden\n-->\n# Real\n```bash\n# look\n```\n")
    assert [section.title for section in text.root.sections] == ["Real"]
    assert text.blocks[0].kind == "comment"


def test_angle_words_in_prose_survive() -> None:
    (paragraph,) = read_text("Restart <service name> or <pod>.<br>Then wait\n").blocks
    assert paragraph.text == "Restart <service name> or <pod>.\nThen wait"


def test_task_items_keep_their_box() -> None:
    (boxes,) = read_text("- [ ] tell **Ben**\n- [x] done\n- plain\n").blocks
    assert [item.checked for item in boxes.children] == [False, True, None]
    assert boxes.children[0].text == "tell Ben"


def test_table_cells_and_lines() -> None:
    (table,) = read_text("| Metric | Warning |\n|---|---|\n| CPU | > 70% |\n").blocks
    assert [[cell.text for cell in row.children] for row in table.children] == [["Metric", "Warning"], ["CPU", "> 70%"]]
    assert [row.line for row in table.children] == [1, 3]


def test_drawn_table_is_a_table() -> None:
    (table,) = read_text("```\n┌────┬────┐\n│ A  │ B  │\n├────┼────┤\n│ P0 │ 5m │\n└────┴────┘\n```\n").blocks
    assert (table.kind, table.info) == ("table", "drawn")
    assert [cell.text for cell in table.children[1].children] == ["P0", "5m"]
    assert table.children[1].line == 5


def test_html_table_is_a_table() -> None:
    (table,) = read_text("<table>\n<tr><th>Code</th></tr>\n<tr>\n<td>SEV-1</td></tr>\n</table>\n").blocks
    assert [(row.line, row.children[0].text) for row in table.children] == [(2, "Code"), (3, "SEV-1")]


@pytest.mark.parametrize(
    "source",
    [
        "!!! warning\n    Never twice\n",
        "> [!WARNING]\n> Never twice\n",
        "```{warning}\nNever twice\n```\n",
        "> **Warning**: Never twice\n",
    ],
)
def test_admonitions_of_every_dialect(source: str) -> None:
    (block,) = read_text(source).blocks
    assert (block.kind, block.info) == ("admonition", "warning")
    assert "Never twice" in block.text


def test_long_sentence_above_a_rule_is_no_heading() -> None:
    assert kinds(read_text("This sentence ends here.\n---\n").blocks) == ["paragraph", "rule"]
    assert kinds(read_text("Restore\n-------\n").blocks) == ["heading"]


def test_front_matter() -> None:
    assert kinds(read_text("---\nowner: anna\n---\n# Shop\n").blocks) == ["front-matter", "heading"]


@pytest.mark.parametrize(
    "source", [b"", b"\x00\x01", b"\xff\xfe", "> " * 500, "- " * 3000, "[" * 5000, "```", "<table><tr>", "|a|\n|-"]
)
def test_nothing_makes_it_raise(source: str | bytes) -> None:
    read_text(source)
