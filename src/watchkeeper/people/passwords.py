"""Passwords for teams without an identity provider: argon2id, and a growing wait against guessing.

Nobody is locked out for good, because then a stranger could lock everybody out: a wait is at most a quarter of an hour, and the
other doors (the printed address, a provider, links) stay open meanwhile.
"""

from __future__ import annotations

from datetime import timedelta

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from watchkeeper.base.errors import InputError

SHORTEST, LONGEST = 12, 1000
#: this many wrong passwords of a person, or from an address, cost nothing: people mistype, and an office shares an address
FREE_OF_PERSON, FREE_OF_ADDRESS = 5, 20
LONGEST_WAIT = timedelta(minutes=15)
#: after this long without a wrong one the count begins anew
FORGOTTEN = timedelta(hours=1)

# the library's defaults are RFC 9106's for machines without memory to spare: 64 MiB, three passes
_HASHER = PasswordHasher()
#: a password nobody has, held against who is not there, so that an answer takes as long as for who is
_NOBODY = _HASHER.hash("nobody has this password")


def hash_password(word: str, name: str) -> str:
    """Give what is kept of a password; InputError where it is too short, too long or the name itself."""
    problem = None
    if len(word) < SHORTEST:
        problem = f"A password has at least {SHORTEST} characters."
    elif len(word) > LONGEST:
        problem = f"A password has at most {LONGEST} characters."
    elif len(set(word)) < 5 or word.casefold().replace(name.casefold(), "").strip() in ("", "password"):
        problem = "That password is guessed at once."
    if problem:
        raise InputError(problem, hint="Four words that do not belong together are good and can be remembered.", code="WK191")
    return _HASHER.hash(word)


def fits(kept: str | None, word: str) -> bool:
    """Tell whether a password is the one that was kept; takes as long where none was."""
    try:
        right = _HASHER.verify(kept or _NOBODY, word[: LONGEST + 1])
    except (VerificationError, InvalidHashError):
        return False
    return right and bool(kept)


def is_outdated(kept: str) -> bool:
    """Tell whether a password was kept at costs that are not today's."""
    return _HASHER.check_needs_rehash(kept)


def wait_after(failures: int, free: int) -> timedelta:
    """Give how long the next try waits after that many wrong ones: none, then 1 s, 2 s, 4 s … up to a quarter of an hour.

    >>> [wait_after(n, 5).total_seconds() for n in (1, 5, 6, 7, 15, 99)]
    [0.0, 0.0, 1.0, 2.0, 512.0, 900.0]
    """
    over = failures - free
    return min(timedelta(seconds=2 ** min(over - 1, 20)), LONGEST_WAIT) if over > 0 else timedelta(0)
