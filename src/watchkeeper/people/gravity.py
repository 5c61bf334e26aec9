"""How grave a severity of the book is: which one a word means, and their order. The book's own are mapped onto no others."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise

from watchkeeper.base.words import words
from watchkeeper.book.model import Book, Severity

_NUMBER = re.compile(r"^([A-Za-z -]*?)[-_ ]?(\d+)$")

#: everyday words that are less grave than any other, by how much; none at all comes after them
_LESSER = {"high": 1, "major": 1, "warning": 2, "medium": 2, "minor": 3, "low": 3, "info": 4}
_NONE = 5


def severity_of(book: Book, word: str | None) -> Severity | None:
    """Find the book's severity by its code or name, case ignored; None where the book does not define it."""
    if word is None:
        return None
    wanted = words(word)
    exact = (s for s in book.severities if wanted in (words(s.code), words(s.name or s.code)))
    return next(exact, None)


def in_order(severities: Sequence[Severity]) -> list[Severity]:
    """Give the book's severities, gravest first: by their numbers, else by response times that only fall, else as written.

    A number counts where all codes have one and share the word before it: P0 comes before P1 wherever the book lists them.
    """
    matches = [_NUMBER.match(s.code.strip()) for s in severities]
    if severities and all(matches) and len({m[1].casefold() for m in matches if m}) == 1:
        return sorted(severities, key=lambda s: int(_NUMBER.sub(r"\2", s.code.strip())))
    times = [s.respond_within_s for s in severities]
    known = [t for t in times if t is not None]
    if len(known) == len(times) > 1 and all(a > b for a, b in pairwise(known)):
        return list(reversed(severities))
    return list(severities)


def gravity(book: Book, severity: str | None) -> int:
    """Give the rank of a severity, 0 the gravest; words that the book does not define come after those, none at all last.

    Of two such words a lesser one by its everyday meaning, "warning" beside "critical", comes after the other.
    """
    ordered = in_order(book.severities)
    found = severity_of(book, severity)
    if found is not None:
        return ordered.index(found)
    return len(ordered) + (_LESSER.get(severity.casefold(), 0) if severity else _NONE)
