"""What the tests of reading share: a count of the work that a call does, which no busy machine changes."""

from __future__ import annotations

import sys
from collections.abc import Callable
from types import FrameType
from typing import Any

import pytest


@pytest.fixture
def lines_run() -> Callable[[Callable[[], object]], int]:
    """Give a function that counts the lines of Python that a call runs, in whatever module.

    Coverage's own tracer is set aside meanwhile. What a regular expression does within one call is not seen; bench/ times it.
    """

    def count(call: Callable[[], object]) -> int:
        lines = 0

        def trace(frame: FrameType, event: str, argument: Any) -> Any:
            nonlocal lines
            lines += event == "line"
            return trace

        before = sys.gettrace()
        sys.settrace(trace)
        try:
            call()
        finally:
            sys.settrace(before)
        return lines

    return count


@pytest.fixture
def growth(lines_run: Callable[[Callable[[], object]], int]) -> Callable[[Callable[[int], object]], float]:
    """Give a function that says how work grows with a size: 2 where it is in proportion, 4 where it is its square.

    It compares what is added from size 2 to size 4 with what is added from 1 to 2, so that what every call costs does not count.
    """

    def measure(call: Callable[[int], object]) -> float:
        call(1)
        one, two, four = (lines_run(lambda size=size: call(size)) for size in (1, 2, 4))  # type: ignore[misc]
        return (four - two) / max(two - one, 1)

    return measure
