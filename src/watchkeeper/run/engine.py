"""Door 5: durable engines. An engine drives a run until it waits or is done, and goes on after a crash.

The engine knows nothing of procedures: it calls `advance(run_id)` as a durable step again and again while that answers True.
All state is in our own rows, so that an engine may call `advance` more often than needed, never less; one that raises is called
again. A plug-in is a class registered under the entry-point group `watchkeeper.engines`, made from the state folder and the
settings; tests/plugins/test_engines.py is what it must pass.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Protocol, TypeAlias

#: does the next thing of a run and answers whether there is more to do now
Advance: TypeAlias = Callable[[str], Awaitable[bool]]


class Engine(Protocol):
    """A durable engine."""

    #: the name under which it holds work while it is open; empty where another needs no telling that it died
    executor: str

    async def open(self, advance: Advance) -> None:
        """Start inside the running event loop and take up what a predecessor left."""
        ...

    async def drive(self, run_id: str, turn: int) -> None:
        """See to it that the run is driven until it waits or ends; calling it again with the same turn changes nothing."""
        ...

    async def take_over(self, executor: str) -> None:
        """Take up what a dead worker's engine, known by its `executor`, was driving; nothing where the engine sees to it."""
        ...

    async def close(self, grace_s: float = 25.0) -> None:
        """Finish the acts under way, begin no new one, and stop."""
        ...
