"""Print a book as the published contract, version 1: the nouns of `book.model` as plain lists and objects.

A Book enters, JSON-ready values leave. Unknown is null. Only the contract's own names differ from ours: a dependency's
`source` and `needs` are `from` and `to`, a finding's `class_` is `class`.
"""

from __future__ import annotations

from dataclasses import fields, is_dataclass
from typing import Any

from watchkeeper.book.model import Book

VERSION = 1
_NAMES = {"class_": "class"}
_RENAMED: dict[str, dict[str, str]] = {"Dependency": {"source": "from", "needs": "to"}}


def to_contract(book: Book) -> dict[str, Any]:
    """Give the contract's object for a book; `file` is there only when the book is a folder."""
    out: dict[str, Any] = {"contract": VERSION, "title": book.title, "service": book.service, "digest": book.digest}
    for slot in fields(book):
        if slot.name not in out:
            out[slot.name] = plain(getattr(book, slot.name))
    return out


def plain(value: object) -> Any:
    """Give lists, objects and scalars for any noun; whole floats become integers."""
    if is_dataclass(value) and not isinstance(value, type):
        names = _RENAMED.get(type(value).__name__, _NAMES)
        return {
            names.get(slot.name, slot.name): plain(item)
            for slot in fields(value)
            if (item := getattr(value, slot.name)) is not None or slot.name != "file"
        }
    if isinstance(value, tuple | list):
        return [plain(item) for item in value]
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value
