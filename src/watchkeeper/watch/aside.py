"""Runs what blocks in a thread of its own, one at a time.

Python's shared threads also look up names for every other signal, so one folder or service that does not answer must not hold
one of them; and a thread of ours that hangs does not keep the process from ending.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Callable
from typing import Any, Generic, TypeVar

_T = TypeVar("_T")


class Aside(Generic[_T]):
    """The thread of one signal."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._thread: threading.Thread | None = None

    @property
    def is_busy(self) -> bool:
        """Say whether an earlier deed has not ended, although nobody waits for it any more."""
        return (thread := self._thread) is not None and thread.is_alive()

    async def run(self, deed: Callable[[], _T]) -> _T:
        """Do something and give what comes of it; whoever stops waiting leaves the thread to end by itself."""
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[_T] = loop.create_future()

        def settle(tell: Callable[[Any], None], what: Any) -> None:
            if not answer.done():
                tell(what)

        def work() -> None:
            told: tuple[Callable[[Any], None], Any]
            try:
                told = answer.set_result, deed()
            except Exception as problem:
                told = answer.set_exception, problem
            self._thread = None  # first, for whoever hears the answer may ask again at once
            with contextlib.suppress(RuntimeError):  # the loop has ended meanwhile
                loop.call_soon_threadsafe(settle, *told)

        self._thread = threading.Thread(target=work, name=self._name, daemon=True)
        self._thread.start()
        return await answer
