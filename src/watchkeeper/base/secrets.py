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
        """Replace each secret in a whole text."""
        return self._pattern.sub(MASK, text) if self._pattern else text

    def clean_cut(self, text: str, *, front: bool = False, back: bool = False) -> str:
        """Replace each secret in a text that was cut out of a longer one; what may be a part of one at a cut end is left out."""
        if front:
            text = text[self._end_of_one(text) :]
        return self._settle(text)[0] if back else self.clean(text)

    def feed(self, piece: str) -> str:
        """Take the next piece of a stream; give what is safe to show. The end of it may be held back until the next piece."""
        shown, self._held = self._settle(self._held + piece)
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
        cut = self._start_of_one(text)
        for match in self._pattern.finditer(text):
            if match.start() >= cut:
                break
            cut = max(cut, match.end())
        return self.clean(text[:cut]), text[cut:]

    def _start_of_one(self, text: str) -> int:
        """Give from where the text may be the beginning of a secret that goes on after it; its length where nothing may."""
        for start in range(max(0, len(text) - self._longest + 1), len(text)):
            if text[start] in self._first and any(form.startswith(text[start:]) for form in self._forms):
                return start
        return len(text)

    def _end_of_one(self, text: str) -> int:
        """Give up to where the text may be the rest of a secret that began before it; 0 where nothing may."""
        for end in range(min(self._longest - 1, len(text)), 0, -1):
            if text[end - 1] in self._last and any(form.endswith(text[:end]) for form in self._forms):
                return end
        return 0
