"""A whole book: files, folders, what is refused, and the published contract."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from watchkeeper.base.errors import BookError
from watchkeeper.book.contract import to_contract
from watchkeeper.book.reader import read_book, read_source

SHOP = """# Shop runbook

## Alerts
- Error rate > 5% for 5 minutes

## Service dependencies
```
shop → database
```

## Restart the shop
1. Restart it:
   ```bash
   docker compose restart shop
   ```
"""


def test_one_file(tmp_path: Path) -> None:
    path = tmp_path / "shop.md"
    path.write_text(SHOP)
    book = read_book(path)
    assert (book.title, book.service) == ("Shop runbook", "Shop")
    assert [t.value for t in book.thresholds] == [5]
    assert [p.title for p in book.procedures] == ["Restart the shop"]
    assert book.thresholds[0].file is None


def test_folder_is_one_book_whose_facts_name_their_file(tmp_path: Path) -> None:
    (tmp_path / "README.md").write_text("# All of it\n\n- Latency (alert): > 2s\n")
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "shop.md").write_text(SHOP)
    (tmp_path / ".hidden").mkdir()
    (tmp_path / ".hidden" / "x.md").write_text(SHOP)
    (tmp_path / "empty.md").write_text("")
    book = read_book(tmp_path)
    assert book.title == "All of it"
    assert sorted({t.file for t in book.thresholds if t.file}) == ["README.md", "deep/shop.md"]
    assert book.procedures[0].id.startswith("deep-shop/")
    assert book.procedures[0].steps[0].commands[0].file == "deep/shop.md"


def test_digest_is_that_of_the_bytes(tmp_path: Path) -> None:
    assert read_source("a", SHOP).digest == read_source("b", SHOP.encode()).digest != read_source("a", SHOP + " ").digest


@pytest.mark.parametrize(
    ("name", "content", "code"),
    [
        ("a.md", b"", "WK111"),
        ("a.md", b" \n\n", "WK111"),
        ("a.md", b"\x00\x01\x02", "WK112"),
        ("a.pdf", b"%PDF-1.4", "WK116"),
        ("a.md", bytes(range(1, 9)) * 99, "WK112"),
        ("a.json", b"{}", "WK116"),
        ("a.txt", b"<!DOCTYPE html><p>x", "WK116"),
        ("a.md", b"x" * 2001, "WK114"),
    ],
)
def test_refusals_are_one_sentence_and_a_hint(tmp_path: Path, name: str, content: bytes, code: str) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(BookError) as caught:
        read_book(path, max_bytes=2000)
    assert (caught.value.code, caught.value.exit_status) == (code, 3)
    assert caught.value.hint
    assert caught.value.message.count(". ") == 0


def test_one_broken_file_of_a_folder_is_named_and_the_rest_is_read(tmp_path: Path) -> None:
    (tmp_path / "shop.md").write_text("# Shop\n\n## Restart\n\n1. Restart the shop\n")
    (tmp_path / "picture.md").write_bytes(bytes(range(256)) * 40)
    (tmp_path / "empty.md").write_text("")
    book = read_book(tmp_path)
    assert [procedure.id for procedure in book.procedures] == ["shop/restart"]
    assert [(one.file, "is binary, not text" in one.why) for one in book.unread] == [("picture.md", True)]
    (tmp_path / "shop.md").unlink()
    with pytest.raises(BookError, match="is binary"):
        read_book(tmp_path)


def test_missing_files_and_folders_without_markdown(tmp_path: Path) -> None:
    with pytest.raises(BookError, match="cannot be read"):
        read_book(tmp_path / "none.md")
    with pytest.raises(BookError, match="no Markdown file"):
        read_book(tmp_path)


def test_stub_has_nothing_to_carry_out() -> None:
    book = read_source(
        "stub", "# Runbook\n\n## Overview\n\nTBD\n\n## Contacts\n\n| Name | Phone |\n|---|---|\n\n## Alerts\n\nTo be written.\n"
    )
    assert (book.procedures, book.commands, book.thresholds, book.contacts, book.schedules) == ((), (), (), (), ())


def test_what_was_not_understood_is_named() -> None:
    book = read_source("x", "# Shop\n\n## Notes\n\n```\nfrobnicate the widget\n```\n")
    assert [unread.line for unread in book.unread] == [6]


def test_contract_renames_and_is_json() -> None:
    told = to_contract(read_source("x", SHOP))
    assert told["contract"] == 1
    assert [(d["from"], d["to"]) for d in told["dependencies"]] == [("shop", "database")]
    assert told["thresholds"][0]["value"] == 5
    assert "file" not in told["thresholds"][0]
    assert told["document"] is None
    assert isinstance(json.loads(json.dumps(told)), dict)


@pytest.mark.parametrize(
    "source",
    [
        b"",
        b"\xff" * 50,
        "|" * 500,
        "> " * 300,
        "- " * 200,
        "```" * 99,
        "5% > " * 400,
        "P1: " * 300,
        "a@b." * 300,
        "**" * 500,
        "\u202e\u0000" * 9,
    ],
)
def test_nothing_makes_it_raise(source: bytes | str) -> None:
    to_contract(read_source("x", source))
