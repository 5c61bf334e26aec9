"""Name the passages that look operational and were not understood, so that a person looks at them."""

from __future__ import annotations

import re
from collections.abc import Iterator

from watchkeeper.book.model import Book, Unread
from watchkeeper.book.read.comparisons import find_comparisons
from watchkeeper.book.read.metric_names import metric_of
from watchkeeper.book.read.passages import Passages
from watchkeeper.text.blocks import Block

_CODE = frozenset(
    {
        "json",
        "python",
        "py",
        "javascript",
        "js",
        "typescript",
        "ts",
        "java",
        "go",
        "html",
        "css",
        "xml",
        "diff",
        "log",
        "mermaid",
        "csharp",
        "ruby",
        "php",
        "toml",
        "hcl",
        "tf",
    }
)
_FLOW = re.compile(r"[→↓│├└┌▼]|-->")


def read_unread(passages: Passages, book: Book) -> tuple[Unread, ...]:
    """Find comparisons of known metrics that became no fact, and fences of which nothing was taken."""
    lines = _lines(book)
    found: list[Unread] = []
    for passage in passages.all:
        if passage.kind not in ("item", "prose") or passage.line in lines or "\n" in passage.text or len(passage.text) > 300:
            continue
        comparisons = [c for c in find_comparisons(passage.text) if not c.worded and not c.ranged]
        if comparisons and metric_of(comparisons[0].subject) is not None:
            found.append(
                Unread(
                    line=passage.line,
                    text=passage.text[:120],
                    why="It compares something that we know, but neither heading nor words say who should act or what is "
                    "to be kept.",
                )
            )
    for block, _section, _under in passages.fences:
        if (
            block.info not in _CODE
            and block.text.strip()
            and ("?" in block.text or not _FLOW.search(block.text))
            and not any(n in lines for n in range(block.line - 1, block.end_line + 1))
        ):
            found.append(Unread(line=block.line, text=_words(block), why=_why(block)))
    return tuple(sorted(found, key=lambda u: u.line))


def _words(block: Block) -> str:
    """Give the first line of a block that has words, not a rule or a border."""
    rows = [row.strip() for row in block.text.split("\n") if row.strip()]
    return next((row for row in rows if re.search(r"\w", row)), rows[0])[:120]


def _why(block: Block) -> str:
    language = f"tagged {block.info}" if block.info else "without a language"
    return f"Nothing was taken from this block {language}: neither commands, configuration, a message nor alerts that we know."


def _lines(book: Book) -> frozenset[int]:
    return frozenset(_stated(book))


def _stated(book: Book) -> Iterator[int]:
    kinds = (
        book.thresholds,
        book.recovery,
        book.severities,
        book.escalation,
        book.climbs,
        book.contacts,
        book.schedules,
        book.templates,
        book.checklists,
        book.components,
        book.dependencies,
        book.growth,
        book.baselines,
        book.metrics,
        book.configs,
        book.phases,
        book.commands,
        book.links,
    )
    for items in kinds:
        for item in items:
            yield item.line
    for procedure in book.procedures:
        for step in procedure.steps:
            yield step.line
            for command in step.commands:
                yield command.line
