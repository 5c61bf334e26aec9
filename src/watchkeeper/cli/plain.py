"""Words from outside, shown in a terminal without steering it."""

from __future__ import annotations


def plain(text: str) -> str:
    """Give a text that cannot steer a terminal: a control or a mark of direction shows as its escape, a new line as a space.

    >>> plain("down\\x1b[2J")
    'down\\\\x1b[2J'
    """
    flat = " ".join(text.splitlines())
    return "".join(c if c.isprintable() else " " if c == "\t" else c.encode("unicode_escape").decode() for c in flat)
