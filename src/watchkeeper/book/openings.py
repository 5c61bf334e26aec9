"""Words that a text may begin with, tried only on a text whose first letter is one of theirs.

A pattern that is tied to the beginning still costs its start, its marks and each of its words; the first letter of a text tells
most of them off. A text that begins with anything but a plain letter is always tried.
"""

from __future__ import annotations

import re
import string
from collections.abc import Iterator


class Opening:
    """A pattern that begins with one of several words.

    >>> otherwise = Opening(r"^\\W*", "otherwise|else", r"\\b", re.IGNORECASE)
    >>> bool(otherwise.match("Else, stop")), bool(otherwise.match("** otherwise")), otherwise.match("Stop")
    (True, True, None)
    """

    __slots__ = ("_other_letters", "pattern")

    def __init__(self, before: str, words: str, after: str, flags: re.RegexFlag = re.NOFLAG, name: str = ""):
        """`before` may take marks and numbers, no letters; `words` are alternatives; `name` is that of their group.

        The last of the words may be empty, and what comes `after` then begins with a sign or a figure.
        """
        group = f"?P<{name}>" if name else "?:"
        self.pattern = re.compile(f"{before}({group}{words}){after}", flags)
        firsts = {way[:1] for way in _ways(words)}
        if not all(first.isalpha() for first in firsts if first):
            raise ValueError(f"Each of these must begin with a letter: {words}")
        if flags & re.IGNORECASE:
            firsts |= {first.swapcase() for first in firsts}
        self._other_letters = frozenset(string.ascii_letters) - firsts

    def match(self, text: str) -> re.Match[str] | None:
        """Match the words at the beginning of a text."""
        return None if text[:1] in self._other_letters else self.pattern.match(text)


def _ways(words: str) -> Iterator[str]:
    """Give the alternatives of a pattern that stand outside of brackets."""
    depth, start = 0, 0
    for at, sign in enumerate(words):
        if sign == "|" and depth == 0:
            yield words[start:at]
            start = at + 1
        depth += (sign == "(") - (sign == ")")
    yield words[start:]
