"""What a command printed cannot steer what shows it, however it is cut; its colours stay."""

from __future__ import annotations

import itertools
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watchkeeper.base.printed import RESET, SGR, Tamer, spans, tame, words_of
from watchkeeper.base.secrets import MASK, Scrubber

RED = "\x1b[31m"
#: what hostile output is made of, in pieces that may fall on either side of a read
BITS = ["a", "ok\n", "\r", "\r\n", "\x1b", "[", "]", "0;title", "\x07", "\x1b\\", "\x1b[31m", "\x1b[0m", "\x1b[1;4m", "\x1b[2J",
        "\x9b1m", "\x9d0;x", "\x9c", "\x1bP", "\x1b[8m", "\x1b[38;5;9m", "\x1b[48;2;1;2;3m", "\x08", "\x00", "\u202e", "m", ";",
        "hunter22", "hunt", "er22", "hunter22-long", "-long", "\x1bc", "\x1b(B", "é"]  # fmt: skip
HOSTILE = st.lists(st.sampled_from(BITS), max_size=24).map("".join)


@pytest.mark.parametrize(
    ("raw", "shown"),
    [
        ("plain\n", "plain\n"),
        (f"{RED}down{RESET}\n", f"{RED}down{RESET}\n"),
        (f"{RED}down", f"{RED}down{RESET}"),
        (f"{RED}two\nlines{RESET}", f"{RED}two{RESET}\n{RED}lines{RESET}"),
        ("\x1b]0;owned\x07still", "still"),
        ("\x1b]8;;https://elsewhere.example\x1b\\click\x1b]8;;\x1b\\", "click"),
        ("\x1b]0;never ended\nnext", "\nnext"),
        ("rm -rf /\recho hello", "rm -rf /\necho hello"),
        ("10%\r\n20%", "10%\n20%"),
        ("rm\x08\x08ls", "rmls"),
        ("\x1b[2J\x1b[Hgone\x1bc", "gone"),
        ("\x1b[8mhidden\x1b[28m", "hidden"),
        ("\x1b[30;40mblack on black\x1b[0m", f"\x1b[90mblack on black{RESET}"),
        ("\x1b[38;2;255;10;10mtrue\x1b[0m", f"\x1b[91mtrue{RESET}"),
        ("\x9b31mc1\x9b0m", f"{RED}c1{RESET}"),
        ("\u202egnp.exe", "\\u202egnp.exe"),
        ("nul\x00 bell\x07", "nul bell"),
        ("\x1bPsixel\x1b\\after", "after"),
        ("\x1b[6n\x1b[c\x1b[21t", ""),
    ],
)
def test_colours_stay_and_nothing_else(raw: str, shown: str) -> None:
    assert tame(raw) == shown


@given(HOSTILE)
def test_what_is_tame_holds_words_new_lines_and_colours_alone(raw: str) -> None:
    text = tame(raw)
    rest = SGR.sub("", text)
    assert re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", rest) is None
    assert tame(text) == text
    for line in text.split("\n"):
        codes = SGR.findall(line)
        assert not codes or codes[-1] == "0"


@given(HOSTILE, st.lists(st.integers(0, 200), max_size=6))
def test_borders_of_reads_change_nothing(raw: str, cuts: list[int]) -> None:
    tamer, scrubber = Tamer(), Scrubber(["hunter22", "hunter22-long"])
    borders = [0, *sorted(cut for cut in cuts if cut < len(raw)), len(raw)]
    shown = "".join(scrubber.feed(tamer.feed(raw[a:b])) for a, b in itertools.pairwise(borders))
    shown += scrubber.feed(tamer.flush()) + scrubber.flush()
    assert shown == Scrubber(["hunter22", "hunter22-long"]).clean(tame(raw))
    assert "hunter22" not in words_of(shown)


@given(HOSTILE)
def test_spans_together_are_the_words(raw: str) -> None:
    assert "".join(piece for _, piece in spans(tame(raw))) == words_of(tame(raw))


def test_a_secret_that_is_coloured_or_cut_in_its_middle_is_one() -> None:
    scrubber = Scrubber(["correct-horse-battery"])
    assert words_of(scrubber.clean(tame(f"key: correct-{RED}horse{RESET}-battery."))) == f"key: {MASK}."
    assert scrubber.clean(tame("correct-\x1b]0;x\x07horse-\x1b[2Kbattery")) == MASK
    assert scrubber.clean_cut("…and correct-horse-b", back=True) == "…and "
    assert scrubber.clean_cut("rse-battery and on", front=True) == " and on"
    assert scrubber.clean_cut("?? it ??", front=True, back=True) == "?? it ??"


def test_of_two_secrets_that_begin_alike_the_longer_is_hidden_too() -> None:
    scrubber = Scrubber(["hunter22", "hunter22-long-tail"])
    assert scrubber.feed("pw hunter22") + scrubber.feed("-long-tail\n") + scrubber.flush() == f"pw {MASK}\n"


def test_a_sequence_that_never_ends_hides_little() -> None:
    assert tame("\x1b]0;" + "x" * 10_000).count("x") == 10_000 - 4094
