"""Secrets that cannot be printed by accident, and the scrubber that takes them out of what commands print.

A `Secret` masks itself in str, repr, format and JSON; the raw value must be asked for with `reveal()`. A `Scrubber` knows
the values of all secrets in use and replaces each in text, also in base64, URL- and JSON-escaped form, and across the
borders of two reads.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterable
from urllib.parse import quote, quote_plus

from watchkeeper.base.errors import ConfigError
from watchkeeper.base.printed import SGR

MASK = "••••••"
SHORTEST = 8


class Secret:
    """A value that shows itself only to who asks for it by name."""

    __slots__ = ("_value", "name")

    def __init__(self, value: str, name: str = "secret") -> None:
        if len(value) < SHORTEST:
            raise ConfigError(
                f"The secret {name} has fewer than {SHORTEST} characters.",
                hint="A short secret cannot be taken out of output without mangling it; use a longer one.",
                code="WK121",
            )
        self._value = value
        self.name = name

    def reveal(self) -> str:
        """Give the raw value."""
        return self._value

    def __str__(self) -> str:
        return MASK

    def __repr__(self) -> str:
        return f"Secret({self.name})"

    def __format__(self, spec: str) -> str:
        return format(MASK, spec)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other._value == self._value

    def __hash__(self) -> int:
        return hash(self._value)

    def __reduce__(self) -> tuple[object, ...]:
        raise TypeError("a Secret cannot be pickled")


def spellings(value: str) -> set[str]:
    """Give the forms in which a value may turn up in output: itself, URL-, JSON- and shell-escaped, base64 at any offset."""
    forms = {value, quote(value, safe=""), quote_plus(value), json.dumps(value)[1:-1], value.replace("'", "'\\''")}
    raw = value.encode()
    for shift in range(3):
        # a base64 text that contains the value somewhere inside shows one of three alignments of it
        coded = base64.b64encode(b"\0" * shift + raw).decode().rstrip("=")
        first, cut = (shift * 8 + 5) // 6, -1 if (shift + len(raw)) % 3 else None
        forms.add(coded[first:cut])
        forms.add(coded[first:cut].replace("+", "-").replace("/", "_"))
    return {form for form in forms if len(form) >= SHORTEST - 2}


class Scrubber:
    """Takes known secrets out of text; one instance a stream when fed piece by piece."""

    def __init__(self, secrets: Iterable[Secret | str] = ()) -> None:
        forms: set[str] = set()
        for secret in secrets:
            value = secret.reveal() if isinstance(secret, Secret) else secret
            if value:
                forms |= spellings(value)
        # the longest first, so that where one secret begins another, the longer is what is taken out
        ordered = sorted(forms, key=len, reverse=True)
        self._pattern = re.compile("|".join(re.escape(form) for form in ordered)) if forms else None
        self._longest = max((len(form) for form in forms), default=0)
        self._forms = ordered
        self._first, self._last = {form[0] for form in forms}, {form[-1] for form in forms}
        self._held = ""

    def clean(self, text: str) -> str:
        """Replace each secret in a whole text; one that is coloured in its middle is one all the same."""
        if not self._pattern:
            return text
        words, places = _words_and_places(text)
        parts, at = [], 0
        for found in self._pattern.finditer(words):
            begin, end = _place(places, found.start(), text), _place(places, found.end() - 1, text) + 1
            parts += [text[at:begin], MASK, *(colour[0] for colour in SGR.finditer(text, begin, end))]
            at = end
        return "".join((*parts, text[at:]))

    def clean_cut(self, text: str, *, front: bool = False, back: bool = False) -> str:
        """Replace each secret in a text that was cut out of a longer one; what may be a part of one at a cut end is left out."""
        text = self._after_cut(text) if front else text
        return self._settle(text)[0] if back else self.clean(text)

    def feed(self, piece: str, *, cut: bool = False) -> str:
        """Take the next piece of a stream; give what is safe to show. The end of it may be held back until the next piece.

        `cut` says that something is missing before the piece: what was held back, or ends a secret now, is left out.
        """
        shown, self._held = self._settle(self._after_cut(piece) if cut else self._held + piece)
        return shown

    def flush(self) -> str:
        """Give what was held back, at the end of the stream."""
        held, self._held = self._held, ""
        return self.clean(held)

    def _settle(self, text: str) -> tuple[str, str]:
        """Split a text that may go on: what is certain, cleaned, and from where a secret may have begun.

        A secret that begins before that point is certain, for a longer one with the same beginning would have begun there too.
        """
        if not self._pattern:
            return text, ""
        words, places = _words_and_places(text)
        cut = self._start_of_one(words)
        for match in self._pattern.finditer(words):
            if match.start() >= cut:
                break
            cut = max(cut, match.end())
        at = _place(places, cut, text)
        return self.clean(text[:at]), text[at:]

    def _after_cut(self, text: str) -> str:
        words, places = _words_and_places(text)
        return text[_place(places, self._end_of_one(words), text) :]

    def _start_of_one(self, words: str) -> int:
        """Give from where the text may be the beginning of a secret that goes on after it; its length where nothing may."""
        for start in range(max(0, len(words) - self._longest + 1), len(words)):
            if words[start] in self._first and any(form.startswith(words[start:]) for form in self._forms):
                return start
        return len(words)

    def _end_of_one(self, words: str) -> int:
        """Give up to where the text may be the rest of a secret that began before it; 0 where nothing may."""
        for end in range(min(self._longest - 1, len(words)), 0, -1):
            if words[end - 1] in self._last and any(form.endswith(words[:end]) for form in self._forms):
                return end
        return 0


def _words_and_places(text: str) -> tuple[str, list[int] | None]:
    """Give a text without its colours, and where each of its characters stood; None where there are no colours."""
    if "\x1b" not in text:
        return text, None
    places: list[int] = []
    at = 0
    for found in SGR.finditer(text):
        places += range(at, found.start())
        at = found.end()
    places += range(at, len(text))
    return SGR.sub("", text), places


def _place(places: list[int] | None, at: int, text: str) -> int:
    """Give where a character of the words stands in the text with its colours; its length for the one after the last."""
    return at if places is None else places[at] if at < len(places) else len(text)
