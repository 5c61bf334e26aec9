"""A journal that dies: the process is gone at a write, before it or after it. Product code has no branch for this."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal, TypeVar

from sqlalchemy import Connection

from watchkeeper.run.journal import Journal

T = TypeVar("T")


class Died(BaseException):
    """The process is gone. Not an Exception, so that nothing catches it by accident."""


class DyingJournal(Journal):
    """Counts its writes and dies at the one that `when` names, before the commit or after it.

    In a child process hand in `die=lambda: os._exit(9)`; within one process the default raises Died.
    """

    def __init__(self, *arguments: Any, when: Callable[[int], Literal["before", "after"] | None], **more: Any) -> None:
        self._die: Callable[[], None] = more.pop("die", _raise)
        super().__init__(*arguments, **more)
        self._when = when
        #: how many writes were begun
        self.writes = 0

    async def write(self, work: Callable[[Connection], T]) -> T:
        """Write, or die around it."""
        self.writes += 1
        death = self._when(self.writes)
        if death == "before":
            self._die()
        result = await super().write(work)
        if death == "after":
            self._die()
        return result


def _raise() -> None:
    raise Died
