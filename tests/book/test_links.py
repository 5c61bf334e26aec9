"""A runbook brings the runbooks that it links to, and nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest

from watchkeeper.book.contract import to_contract
from watchkeeper.book.reader import MOST_LINKED, read_book, read_source

INDEX = """# Depot runbook

- Queue > 500 for 5 minutes: see [the queue](more/queue.md#workers-stuck)
- [History](history.md), [gone](nowhere.md), [outside](../outside.md), [site](https://example.org/queue.md)

## Restart the depot

1. `systemctl restart depot`
"""
QUEUE = """# Queue

## Workers stuck

1. Restart them: `systemctl restart depot-worker`
2. See [the disk](../disk%20full.md) and [back](../index.md)
"""
DISK = "# Disk\n\n- Disk usage > 90%\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    place = tmp_path / "book"
    (place / "more").mkdir(parents=True)
    (place / "index.md").write_text(INDEX)
    (place / "more" / "queue.md").write_text(QUEUE)
    (place / "disk full.md").write_text(DISK)
    (place / "history.md").write_text("# History\n\nThe depot was built by two people.\n\n[the other](other.md)\n")
    (place / "other.md").write_text("# Other\n\n- CPU > 95%\n")
    (tmp_path / "outside.md").write_text("# Outside\n\n- Memory > 95%\n")
    return place


def test_links_are_followed_from_file_to_file_each_once(folder: Path) -> None:
    book = read_book(folder / "index.md")
    assert book.title == "Depot runbook"
    assert [(p.id, p.file) for p in book.procedures] == [
        ("restart-the-depot", "index.md"),
        ("more-queue/workers-stuck", "more/queue.md"),
    ]
    assert [(t.subject, t.file) for t in book.thresholds] == [("Queue", "index.md"), ("Disk usage", "disk full.md")]
    assert {item.get("file") for item in to_contract(book)["commands"]} <= {"index.md", "more/queue.md"}


def test_the_ids_of_the_file_itself_are_what_they_are_alone(folder: Path) -> None:
    alone = read_source("index.md", INDEX)
    assert [p.id for p in read_book(folder / "index.md").procedures][: len(alone.procedures)] == [p.id for p in alone.procedures]


def test_a_change_of_a_linked_runbook_is_a_new_version_of_the_book(folder: Path) -> None:
    before = read_book(folder / "index.md").digest
    (folder / "disk full.md").write_text(DISK.replace("90", "95"))
    assert read_book(folder / "index.md").digest != before


def test_a_file_that_leads_to_no_runbook_is_read_as_it_is(folder: Path) -> None:
    source = "# Alone\n\n- CPU > 95%\n\n[history](history.md) [itself](alone.md)\n"
    (folder / "alone.md").write_text(source)
    assert read_book(folder / "alone.md") == read_source(str(folder / "alone.md"), source)


def test_a_symbolic_link_does_not_lead_out(folder: Path) -> None:
    (folder / "trap.md").symlink_to(folder.parent / "outside.md")
    (folder / "alone.md").write_text("# Alone\n\n- CPU > 95%\n\n[trap](trap.md)\n")
    assert [t.subject for t in read_book(folder / "alone.md").thresholds] == ["CPU"]


@pytest.mark.parametrize("broken", [b"", b"\x00\x01\x02", b"PK\x03\x04" + bytes(50)])
def test_a_linked_file_that_is_no_text_is_left_out(folder: Path, broken: bytes) -> None:
    (folder / "disk full.md").write_bytes(broken)
    assert len(read_book(folder / "index.md").procedures) == 2


def test_what_is_followed_is_bounded_in_number_and_bytes(folder: Path) -> None:
    for number in range(MOST_LINKED + 20):
        (folder / f"n{number}.md").write_text(f"# N\n\n- CPU > {number % 90 + 1}%\n\n[next](n{number + 1}.md)\n")
    (folder / "alone.md").write_text("# Alone\n\n[first](n0.md)\n")
    assert len({t.file for t in read_book(folder / "alone.md").thresholds}) == MOST_LINKED
    small = read_book(folder / "alone.md", max_bytes=300)
    assert 1 <= len({t.file for t in small.thresholds}) < 10


def test_a_line_means_the_line_of_the_file_that_was_named(folder: Path) -> None:
    book = read_book(folder / "index.md").of_file("index.md")
    assert [t.subject for t in book.thresholds] == ["Queue"]
    assert {p.file for p in book.procedures} == {"index.md"}


def test_a_folder_of_many_files_with_cycles_is_one_book_whose_facts_name_their_file(folder: Path) -> None:
    for number in range(200):
        place = folder / f"team{number % 4}" / f"n{number}.md"
        place.parent.mkdir(exist_ok=True)
        place.write_text(f"# N{number}\n\n- CPU > {number % 90 + 1}%\n\n[next](../team{(number + 1) % 4}/n{number + 1}.md#top)\n")
    book = read_book(folder)
    assert book.title == "Depot runbook"
    assert len({t.file for t in book.thresholds}) == 200 + 3
    contract = to_contract(book)
    assert all(item["file"] for kind in ("thresholds", "procedures", "links", "commands") for item in contract[kind])
    assert len({p.id for p in book.procedures}) == len(book.procedures)


def test_what_is_not_followed_is_listed_with_the_links(folder: Path) -> None:
    (folder / "diagram.png").write_bytes(b"\x89PNG\r\n")
    (folder / "alone.md").write_text("# Alone\n\n- CPU > 95%\n\n[a](../outside.md) [b](gone.md) [c](diagram.png) [d](#top)\n")
    book = read_book(folder / "alone.md")
    assert [link.url for link in book.links] == ["../outside.md", "gone.md", "diagram.png"]
    assert {t.subject for t in book.thresholds} == {"CPU"}
