"""What a vendor says of itself, in one shape for all the pages that vendors have."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

#: what the levels are called
LEVELS = ("well", "minor", "major", "critical")


class PageError(ValueError):
    """The page cannot be read; the message says why."""


@dataclass(frozen=True, slots=True)
class Trouble:
    """One incident that is not over."""

    title: str
    level: int
    #: parts of the vendor that it touches, as the page names them; empty where the page does not say
    touches: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Status:
    """How a vendor is."""

    #: what the page says of the whole; None where it says nothing
    level: int | None
    troubles: tuple[Trouble, ...] = ()
    #: part -> its level; None where the page lists no parts
    parts: Mapping[str, int] | None = field(default=None)
    #: maintenance under way
    maintenance: int = 0
