"""What a command would do, as looks that only read and as pure readings of what they gave.

The looks taken before an act are its preview, the same looks taken after a crash are its evidence, and what they showed before
is what the way back puts in place again.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from watchkeeper.base.secrets import MASK

#: what the scope of an effect is where it could not be looked at
UNSEEN = "unseen"


@dataclass(frozen=True, slots=True)
class Look:
    """A script that only reads, run where the command itself would run."""

    script: str
    language: str = "bash"


@dataclass(frozen=True, slots=True)
class Answer:
    """What a look gave; the status is None where it did not end in time or could not be begun."""

    output: str
    status: int | None = 0
    #: why there is no answer
    sentence: str = ""

    @property
    def ok(self) -> bool:
        """Tell whether the look went well."""
        return self.status == 0


@dataclass(frozen=True, slots=True)
class Seen:
    """What the looks say together."""

    #: "replicas 5 → 3; an HPA (2–10) will override it."
    sentence: str
    #: which things, from → to: what an approval stands for, without figures that drift by the second
    scope: str
    #: the previous value as JSON, for the way back and for evidence; None where there is none
    before: Any = None
    #: of a command with several programs: what is seen of each
    parts: tuple[Seen, ...] = ()


Answers: TypeAlias = Sequence[Answer]


def _no_way(before: Any) -> str | None:
    return None


def _not_told(before: Any, now: Seen) -> bool | None:
    return None


@dataclass(frozen=True, slots=True)
class Effect:
    """What is known of a command's effect."""

    read: Callable[[Answers], Seen]
    looks: tuple[Look, ...] = ()
    #: previous value -> the command that puts it back, in `language`; None where there is none
    undo: Callable[[Any], str | None] = _no_way
    #: previous value, what is seen now -> whether it happened; None where that cannot be told
    happened: Callable[[Any, Seen], bool | None] = _not_told
    no_way_back: str = "No way back is known."
    language: str = "bash"
    #: False: nobody knows what it does, and the sentence says so
    known: bool = True

    def way_back(self, before: Any) -> str | None:
        """Give the command that puts the previous value back; None where there is none, or where a secret was taken out of it."""
        if before is None:
            return None
        text = self.undo(before)
        return None if text is None or MASK in text else text


def plain(sentence: str, *, scope: str = "", no_way_back: str = "No way back is known.", known: bool = True) -> Effect:
    """Give an effect that needs no look: the command's own words say it."""
    seen = Seen(sentence, scope or sentence)
    return Effect(lambda answers: seen, no_way_back=no_way_back, known=known)


def unseen(answer: Answer, what: str = "The effect") -> Seen:
    """Say that a look failed, and why."""
    lines = [line.strip() for line in answer.output.splitlines() if line.strip()]
    telling = next((line for line in reversed(lines) if re.search(r"error|fatal|cannot|denied|refused", line, re.IGNORECASE)), "")
    why = answer.sentence or (telling or next(reversed(lines), ""))[:200] or f"status {answer.status}"
    return Seen(f"{what} could not be looked at: {why.rstrip('.')}.", UNSEEN)
