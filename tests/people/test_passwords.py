"""A password is kept so that it cannot be read back, and guessing gets slower."""

from __future__ import annotations

import pytest

from watchkeeper.base.errors import InputError
from watchkeeper.people.passwords import fits, hash_password, is_outdated, wait_after

WORD = "correct horse battery staple"


def test_what_is_kept_is_argon2id_with_a_salt_of_its_own() -> None:
    kept, again = hash_password(WORD, "anna"), hash_password(WORD, "anna")
    assert kept.startswith("$argon2id$v=19$m=65536,t=3,p=4$")
    assert kept != again
    assert WORD not in kept
    assert fits(kept, WORD)
    assert not fits(kept, WORD + " ")
    assert not fits(kept, "")
    assert not is_outdated(kept)
    assert is_outdated(kept.replace("t=3", "t=1"))


@pytest.mark.parametrize("kept", [None, "", "no hash", "$argon2id$v=19$m=65536,t=3,p=4$x$y"])
def test_nobody_has_no_password_not_even_the_one_that_stands_in_for_it(kept: str | None) -> None:
    assert not fits(kept, "nobody has this password")
    assert not fits(kept, "")


@pytest.mark.parametrize("word", ["", "short", "aaaaaaaaaaaaaaaa", "annannaannann", "Anna" * 4, "ababababababab", "x" * 1001])
def test_what_is_guessed_at_once_is_refused(word: str) -> None:
    with pytest.raises(InputError) as caught:
        hash_password(word, "anna")
    assert caught.value.code == "WK191"


def test_waits_only_grow_and_end_at_a_quarter_of_an_hour() -> None:
    waits = [wait_after(n, 5).total_seconds() for n in range(200)]
    assert waits == sorted(waits)
    assert (waits[5], waits[6], waits[-1]) == (0, 1, 900)
