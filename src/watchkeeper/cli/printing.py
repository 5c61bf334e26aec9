"""What a command printed, shown in a terminal: with its colours where they can be seen, and unable to do anything else."""

from __future__ import annotations

import os
import sys

from watchkeeper.base.printed import RESET, tame, words_of
from watchkeeper.cli.plain import plain

INDENT = "      "


def in_colour() -> bool:
    """Say whether colours belong into what we print: to a terminal, unless NO_COLOR is set."""
    return sys.stdout.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def shown(output: str, colours: bool) -> str:
    """Give an output as the terminal gets it."""
    text = tame(output)
    return text if colours else words_of(text)


def print_output(output: str) -> None:
    """Print a whole output."""
    text = shown(output, in_colour())
    sys.stdout.write(text if text.endswith("\n") or not text else text + "\n")


def head_and_tail(output: str, head: int = 3, tail: int = 7) -> list[str]:
    """Give the first and last lines of an output, saying how many there are between.

    >>> head_and_tail("a\\nb\\nc\\nd\\n", head=1, tail=1)
    ['a', '… 2 lines …', 'd']
    """
    lines = output.rstrip("\n").split("\n") if output.strip() else []
    if len(lines) <= head + tail + 1:
        return lines
    return [*lines[:head], f"… {len(lines) - head - tail} lines …", *lines[-tail:]]


class Pen:
    """Writes a run's news as they come: lines of ours at the margin, what acts print set in, each on lines of its own."""

    def __init__(self, colours: bool) -> None:
        self._colours = colours
        self._open = False

    def line(self, text: str) -> None:
        """Write one line of ours."""
        self._close()
        print(plain(text), flush=True)

    def output(self, text: str) -> None:
        """Write a piece of output; a line that is not over goes on with the next piece."""
        for place, part in enumerate(shown(text, self._colours).split("\n")):
            if place:
                sys.stdout.write("\n")
                self._open = False
            if words_of(part):
                sys.stdout.write(part if self._open else INDENT + part)
                self._open = True
        sys.stdout.flush()

    def gap(self, characters: int) -> None:
        """Say that something printed is not shown."""
        self._close()
        print(f"{INDENT}… {characters:,} characters left out …", flush=True)

    def _close(self) -> None:
        if self._open:
            sys.stdout.write((RESET if self._colours else "") + "\n")
            self._open = False
