"""What a state word of the book ("down", "not responding", "expired") asks of a reading.

A state and the name of a reading enter; whether zero or anything else is the bad value leaves. Nothing here raises.
"""

from __future__ import annotations

from functools import cache

from watchkeeper.base.words import words
from watchkeeper.book.vocabulary import STATES

#: readings that are 1 while all is well, whatever the state is called
_WELL = ("up", "ok", "healthy", "ready", "alive")
#: states of something that is there and should not be
_PRESENT = frozenset(
    {
        "active", "available", "breach", "blocked", "degraded", "detected", "exceeded", "exhausted", "expired", "firing", "full",
        "lagging", "locked", "open", "overloaded", "reachable", "responding", "running", "stuck", "up",
    }
)  # fmt: skip


_BETWEEN = frozenset({"is", "are", "was", "were", "has", "have", "been", "be", "not"})


@cache
def state_words(state: str) -> frozenset[str]:
    """Give the words that a book uses to say that something is in a state, with those around them ("has been")."""
    phrases = next((phrases for name, phrases in STATES if name == state), ())
    return _BETWEEN.union(words(state), *(words(phrase.strip("*")) for phrase in phrases))


@cache
def name_in(subject: str, state: str) -> str:
    """Give the name of the thing in a subject that also says its state.

    >>> name_in("Shop workers are down", "down"), name_in("PostgreSQL not responding", "unreachable"), name_in("Backup", "failed")
    ('Shop workers', 'PostgreSQL', 'Backup')
    """
    said = state_words(state)
    parts = subject.split()
    while parts and words(parts[-1]) <= said:
        parts.pop()
    return " ".join(parts) or subject


def speaks_of_absence(state: str) -> bool:
    """Say whether a state means that something is not there or does not work.

    >>> speaks_of_absence("down"), speaks_of_absence("not responding"), speaks_of_absence("expired")
    (True, True, False)
    """
    found = words(state)
    return bool(found & _PRESENT) == ("not" in found)


def bad_at_zero(state: str, reading: str) -> bool:
    """Say whether the state holds while the reading is 0; otherwise it holds while it is anything else.

    >>> bad_at_zero("failed", "up"), bad_at_zero("failed", "exit"), bad_at_zero("detected", "value")
    (True, False, False)
    """
    if reading == "exit":
        return False
    if reading.rsplit("_", 1)[-1].split("{")[0] in _WELL:
        return not (words(state) & {"up", "running", "reachable", "available", "alive", "active"} and "not" not in words(state))
    return speaks_of_absence(state)
