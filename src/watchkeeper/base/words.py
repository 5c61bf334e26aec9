"""Names as people write them, brought to comparable words: "The Shop-Application" and "shop application" are one.

Text enters, sets of words and a likeness between 0 and 1 leave. Nothing here raises.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Hashable, Iterable, Mapping
from functools import lru_cache
from typing import TypeVar

K = TypeVar("K", bound=Hashable)

_WORD = re.compile(r"[^\W_]+")
_EMPTY = frozenset({"the", "a", "an", "of", "and", "or", "for", "to", "in", "our", "der", "die", "das", "und", "le", "la", "les"})


@lru_cache(maxsize=20_000)
def words(text: str) -> frozenset[str]:
    """Give the words of a name without case, order, articles and a plural s.

    >>> sorted(words("The Shop-Workers")), sorted(words("shop_worker"))
    (['shop', 'worker'], ['shop', 'worker'])
    """
    folded = unicodedata.normalize("NFKC", text).casefold()
    found = [_singular(word) for word in _WORD.findall(folded)]
    return frozenset(word for word in found if word not in _EMPTY) or frozenset(found)


def likeness(one: frozenset[str], other: frozenset[str]) -> float:
    """Say how alike two names are: 1 for the same words, less where one says more, 0 where each says something else.

    >>> likeness(words("database"), words("the main database")), likeness(words("shop cache"), words("shop database"))
    (0.5, 0.0)
    """
    if not one or not other or not (one <= other or other <= one):
        return 0.0
    return len(one & other) / len(one | other)


def nearest(name: str, candidates: Mapping[K, Iterable[frozenset[str]]]) -> K | None:
    """Find the candidate whose names are most like a name; None where none is like it, or two are equally.

    Of two that are equally like it the one that shares its last word wins: a "shop database" is a database.

    >>> nearest("db primary", {"a": [words("primary db")], "b": [words("db replica")]})
    'a'
    """
    wanted = words(name)
    scores = {key: max((likeness(wanted, n) for n in names), default=0.0) for key, names in candidates.items()}
    best = max(scores.values(), default=0.0)
    found = [key for key, score in scores.items() if score == best > 0.0]
    if len(found) > 1:
        last = words(name.split()[-1])
        found = [key for key in found if any(last <= n for n in candidates[key])]
    return found[0] if len(found) == 1 else None


def _singular(word: str) -> str:
    return word[:-1] if len(word) > 3 and word.endswith("s") and not word.endswith(("ss", "us", "is")) else word


def counted(number: int, noun: str) -> str:
    """Give a number with its noun, in the plural where it is not one.

    >>> counted(1, "procedure"), counted(0, "threshold")
    ('1 procedure', '0 thresholds')
    """
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
