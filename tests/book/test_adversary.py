"""Commands that try to pass for less than they are: none that acts is taken for reading, and honest ones still are."""

from collections import Counter
from pathlib import Path

import pytest

from watchkeeper.book.risk import assess

SETS = Path(__file__).parent.parent / "cases" / "commands"
RISKS = {"R": "read", "C": "change", "D": "destroy", "U": "unknown"}
#: `unknown` is gated as `destroy`, so that either may stand for the other
ANSWERS = {
    "read": {"read"},
    "change": {"change", "unknown"},
    "destroy": {"destroy", "unknown"},
    "unknown": {"unknown", "destroy"},
}


def marked(name: str) -> list[tuple[str, str]]:
    """Read a set: a letter and a command in each line."""
    lines = (SETS / name).read_text(encoding="utf-8").split("\n")
    given = [line for line in lines if line[:1] in RISKS and line[1:2] == " "]
    return [(line[2:].replace("⏎", "\n").replace("␍", "\r"), RISKS[line[0]]) for line in given]


ADVERSARY = marked("adversary.txt") + marked("adversary-second.txt")


@pytest.mark.parametrize(("text", "risk"), ADVERSARY)
def test_a_disguise_does_not_help(text: str, risk: str) -> None:
    found, sentence = assess(text)
    assert found in ANSWERS[risk], sentence


def test_what_only_alters_is_seldom_unknown() -> None:
    altering = Counter(assess(text)[0] for text, risk in ADVERSARY if risk == "change")
    assert altering["change"] >= 0.99 * altering.total(), altering
