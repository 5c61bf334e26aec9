"""What a fault of the sample estate is: a name, a sentence for people, and a way to break a running estate."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from watchkeeper.demo.estate import Estate


@dataclass(frozen=True, slots=True)
class Fault:
    """Something that can go wrong with the shop; it says nothing about how it is noticed or mended."""

    name: str
    #: what happens, for a person who watches
    sentence: str
    break_it: Callable[[Estate], None]

    def inject(self, estate: Estate) -> None:
        """Break the estate and return at once or as soon as it is broken."""
        self.break_it(estate)
