"""What a command printed, made safe to show: colours stay, nothing else can steer a terminal or a page.

Raw text enters, of one output or of a stream piece by piece. Out comes text in which each line stands for itself: its only
control sequences are colours and bold, italic, underlined (a closed list, with which nothing can be hidden), a carriage return
has become a new line so that nothing is painted over, and marks that turn the direction of writing show as their escape. To
tame what is tame already changes nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

#: one colour sequence of a tame text
SGR = re.compile(r"\x1b\[([0-9;]*)m")
RESET = "\x1b[0m"

# Bodies are bounded, so that a sequence that never ends hides little and a stream holds little back.
_BODY, _PART = r"[^\x07\x1b\n\r\x9c]", r"[0-?]{0,64}[ -/]{0,8}"
_STRING, _C1_STRING = r"\x1b[\]PX^_k]", r"[\x90\x98\x9d-\x9f]"
_TURNS = "\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"
_TOKEN = re.compile(
    rf"(?:\x1b\[|\x9b)(?P<colour>{_PART}m)|(?:\x1b\[|\x9b){_PART}[@-~]"
    rf"|(?:{_STRING}|{_C1_STRING}){_BODY}{{0,4096}}(?:\x07|\x1b\\|\x9c)?"
    r"|\x1b[ -/]{0,8}[0-~]"
    rf"|(?P<line>\r\n|[\r\n\x0b\x0c])|(?P<turn>[{_TURNS}])|[\x00-\x08\x0e-\x1f\x7f-\x9f]"
)
_UNFINISHED = re.compile(rf"(?:(?:\x1b\[|\x9b){_PART}|(?:{_STRING}|{_C1_STRING}){_BODY}{{0,4095}}\x1b?|\x1b[ -/]{{0,8}}|\r)\Z")
_WILD = re.compile(rf"[\x00-\x08\x0b-\x1f\x7f-\x9f{_TURNS}]")


@dataclass(frozen=True, slots=True)
class Style:
    """How the next characters look: a colour (30–37, 90–97; 0 for none) and three marks."""

    colour: int = 0
    bold: bool = False
    italic: bool = False
    underlined: bool = False

    def codes(self) -> str:
        """Give the sequence that turns it on; empty for plain."""
        marks = [str(n) for n, on in ((1, self.bold), (3, self.italic), (4, self.underlined)) if on]
        found = [*marks, *([str(self.colour)] if self.colour else [])]
        return f"\x1b[{';'.join(found)}m" if found else ""

    def classes(self) -> tuple[str, ...]:
        """Give the class names of a span: "c31", "bold"."""
        colour = (f"c{self.colour}",) if self.colour else ()
        return (*colour, *(word for word in ("bold", "italic", "underlined") if getattr(self, word)))


PLAIN = Style()


class Tamer:
    """Tames one stream, whatever the borders of its pieces."""

    def __init__(self) -> None:
        self._held = ""
        self._style = PLAIN

    def feed(self, piece: str) -> str:
        """Take the next piece; what may be the start of a sequence waits for the next."""
        text = self._held + piece
        found = _UNFINISHED.search(text, max(0, len(text) - 4200))
        self._held = text[found.start() :] if found else ""
        return self._tame(text[: found.start()] if found else text)

    def flush(self) -> str:
        """Give what was held back, at the end of the stream, and close what was coloured."""
        text, self._held = self._tame(self._held), ""
        closing, self._style = (RESET if self._style != PLAIN else ""), PLAIN
        return text + closing

    def _tame(self, text: str) -> str:
        if self._style == PLAIN and not _WILD.search(text):
            return text
        return _TOKEN.sub(self._token, text)

    def _token(self, found: re.Match[str]) -> str:
        if found["line"]:
            return "\n" if self._style == PLAIN else f"{RESET}\n{self._style.codes()}"
        if found["turn"]:
            return found["turn"].encode("unicode_escape").decode()
        if found["colour"] is None:
            return ""
        old, self._style = self._style, restyle(self._style, found["colour"][:-1])
        if self._style == old:
            return ""
        return (RESET if old != PLAIN else "") + self._style.codes()


def tame(text: str) -> str:
    r"""Tame a whole text.

    >>> tame("\x1b]0;your title\x07\x1b[1;31mdown\x1b[0m\rhidden\x1b[8m\x1b[2J")
    '\x1b[1;31mdown\x1b[0m\nhidden'
    """
    tamer = Tamer()
    return tamer.feed(text) + tamer.flush()


def restyle(style: Style, codes: str) -> Style:
    """Apply the numbers of a colour sequence; what could hide something (concealed, backgrounds, faint) is left out.

    >>> restyle(PLAIN, "1;38;5;196").codes()
    '\\x1b[1;91m'
    """
    numbers = [int(n) if n.isdigit() else 0 for n in codes.replace(":", ";").split(";")]
    at = 0
    while at < len(numbers):
        number = numbers[at]
        if number in (38, 48):
            colour, used = _picked(numbers[at + 1 :])
            style = replace(style, colour=colour) if number == 38 and colour else style
            at += used
        elif number == 0:
            style = PLAIN
        elif number in (1, 3, 4):
            style = replace(style, **{{1: "bold", 3: "italic", 4: "underlined"}[number]: True})
        elif number in (22, 23, 24):
            style = replace(style, **{{22: "bold", 23: "italic", 24: "underlined"}[number]: False})
        elif number == 39:
            style = replace(style, colour=0)
        elif 30 <= number <= 37 or 90 <= number <= 97:
            style = replace(style, colour=_seen(number))
        at += 1
    return style


def _picked(rest: list[int]) -> tuple[int, int]:
    """Read the rest of 38;5;N or 38;2;R;G;B: the nearest of the sixteen colours (0: none), and how many numbers that took."""
    if rest[:1] == [5] and len(rest) >= 2:
        n = min(rest[1], 255)
        if n < 16:
            return _seen(30 + n if n < 8 else 82 + n), 2
        if n >= 232:
            return _nearest(*[8 + 10 * (n - 232)] * 3), 2
        cube = [0 if v == 0 else 55 + 40 * v for v in ((n - 16) // 36, (n - 16) // 6 % 6, (n - 16) % 6)]
        return _nearest(*cube), 2
    if rest[:1] == [2] and len(rest) >= 4:
        return _nearest(*rest[1:4]), 4
    return 0, len(rest)


def _nearest(red: int, green: int, blue: int) -> int:
    most = max(red, green, blue)
    bits = sum((part >= 0.6 * most) << place for place, part in enumerate((red, green, blue))) if most > 60 else 0
    return _seen((90 if most > 180 else 30) + bits)


def _seen(colour: int) -> int:
    """Give a colour that shows on any ground: black becomes grey."""
    return 90 if colour == 30 else colour


def spans(text: str) -> Iterator[tuple[Style, str]]:
    """Cut a tame text into pieces that look alike; the pieces together are its words."""
    style, at = PLAIN, 0
    for found in SGR.finditer(text):
        if found.start() > at:
            yield style, text[at : found.start()]
        style, at = restyle(style, found[1]), found.end()
    if at < len(text):
        yield style, text[at:]


def words_of(text: str) -> str:
    """Give a tame text without its colours: what a rule reads."""
    return SGR.sub("", text) if "\x1b" in text else text
