"""Bring facts into the order of the file, each once."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable
from typing import TypeVar

from watchkeeper.book.model import Stated

StatedT = TypeVar("StatedT", bound=Stated)


def in_order(found: Iterable[StatedT], key: Callable[[StatedT], Hashable]) -> tuple[StatedT, ...]:
    """Sort facts by line; of those with the same key the first found stays."""
    kept: dict[Hashable, StatedT] = {}
    for item in found:
        kept.setdefault(key(item), item)
    return tuple(sorted(kept.values(), key=lambda item: item.line))
