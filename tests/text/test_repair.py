"""What is mended before Markdown is parsed, and that lines stay those of the file."""

from __future__ import annotations

import pytest

from watchkeeper.text.markdown import read_text


def what(source: str | bytes) -> list[tuple[str, int]]:
    return [(repair.what, repair.line) for repair in read_text(source).repairs]


def test_double_encoded_line_is_restored_and_others_left_alone() -> None:
    text = read_text(
        "# Café à Łódź\n\n" + "Down → up ✅".encode().decode("cp1252", "replace").replace("\ufffd", "") + "\n## Größe\n"
    )
    assert [block.text for block in text.blocks if block.kind == "heading"] == ["Café à Łódź", "Größe"]
    assert what("a\nArrow â†“ down\n") == [("mojibake", 2)]
    assert read_text("Arrow â†“ down\n").blocks[0].text == "Arrow ↓ down"


@pytest.mark.parametrize(
    ("source", "repair"),
    [
        (b"\xef\xbb\xbf# Shop", ("bom", 1)),
        ("a\r\nb", ("crlf", 1)),
        ("CPU\u00a0high", ("nbsp", 1)),
        ("x\n持续时间：5m", ("fullwidth", 2)),
        (b"a\nb\xe9c", ("encoding", 2)),
    ],
)
def test_each_repair_is_told(source: str | bytes, repair: tuple[str, int]) -> None:
    assert repair in what(source)


def test_missing_closing_fence_does_not_swallow_the_rest() -> None:
    text = read_text("## A\n```bash\nrestart shop\n\n## B\n\nProse.\n```bash\nls\n```\n## C\n")
    assert [section.title for section in text.root.sections] == ["A", "B", "C"]
    assert [block.line for block in text.blocks if block.kind == "heading"] == [1, 5, 11]
    assert what("## A\n```bash\nrestart shop\n\n## B\n") == [("orphan-fence", 2)]


def test_stray_fence_mark_before_prose_is_dropped() -> None:
    text = read_text("## A\n```\n\n## B\n\n```bash\nls\n```\n")
    assert [section.title for section in text.root.sections] == ["A", "B"]
    assert [block.text for block in text.blocks if block.kind == "fence"] == ["ls"]


def test_comparison_wrapped_to_the_next_line_is_no_quotation() -> None:
    (paragraph,) = read_text("page Anna when errors are\n> 5% for an hour\n").blocks
    assert (paragraph.kind, paragraph.text) == ("paragraph", "page Anna when errors are\n> 5% for an hour")
    assert [block.kind for block in read_text("text\n\n> 5 people said so\n").blocks] == ["paragraph", "quote"]


def test_collapsed_labels_become_bold() -> None:
    (paragraph,) = read_text("**Severity:**Warning**Component:**Shop\n").blocks
    assert [span.text for span in paragraph.spans if span.kind == "strong"] == ["Severity:", "Component:"]


def test_fence_that_quotes_markdown_keeps_its_fences() -> None:
    text = read_text("```markdown\n## Report\n```bash\nls\n```\nmore\n```\n## After\n")
    assert [section.title for section in text.root.sections][-1] == "After"
