"""For how long the oldest message of a queue has waited, without taking it out: messages that were the newest at a look are
remembered, and the server says whether they are still there. A message that is still there is younger than the oldest one.

Celery writes no time into its messages, so an age is known from our own looks on, and to within the time between two of them.
"""

from __future__ import annotations

from dataclasses import dataclass

_MOST_MARKS = 64


@dataclass(frozen=True, slots=True)
class Mark:
    """A message that was the newest one at an instant."""

    at_s: float
    message: bytes


class Waiting:
    """The marks of one queue, oldest first."""

    def __init__(self) -> None:
        self._marks: list[Mark] = []
        self._looked_s: float | None = None

    @property
    def oldest(self) -> Mark | None:
        """Give the mark that would be gone first."""
        return self._marks[0] if self._marks else None

    def forget_oldest(self) -> None:
        """Take out a mark whose message is gone."""
        self._marks.pop(0)

    def age_s(self, now_s: float, length: int) -> float | None:
        """Give how long the oldest message has waited at least; None at a first look at a queue that is not empty.

        >>> waiting = Waiting()
        >>> waiting.age_s(0.0, 3), waiting.note(0.0, b"c"), waiting.age_s(15.0, 3), waiting.age_s(20.0, 0)
        (None, None, 15.0, 0.0)
        """
        if not length:
            self._marks.clear()
        first, self._looked_s = self._looked_s is None, now_s
        if self._marks and length:
            return now_s - self._marks[0].at_s
        return None if first and length else 0.0

    def note(self, now_s: float, newest: bytes) -> None:
        """Remember the newest message; of many marks the one is dropped that lies closest between its neighbours for its age."""
        marks = self._marks
        if marks and marks[-1].message == newest:
            return
        marks.append(Mark(now_s, newest))
        if len(marks) > _MOST_MARKS:
            closest = min(
                range(1, len(marks) - 1), key=lambda i: (now_s - marks[i - 1].at_s) / (now_s - marks[i + 1].at_s + 1e-9)
            )
            del marks[closest]
