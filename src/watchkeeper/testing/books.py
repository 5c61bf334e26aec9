"""A book from the words of a test."""

from __future__ import annotations

import textwrap

from watchkeeper.book.model import Book
from watchkeeper.book.reader import read_source


def book_from(markdown: str) -> Book:
    """Read a book from Markdown written in a test; its indentation is taken off."""
    return read_source("runbook.md", textwrap.dedent(markdown).lstrip().encode())
