"""docs/guide/runs.md is true: each of its commands, in its order, prints what the page shows."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable
from pathlib import Path

import pytest
from served import Served

from watchkeeper.people.identity import user_here

pytestmark = [pytest.mark.slow, pytest.mark.real]
GUIDE = Path(__file__).parents[2] / "docs" / "guide" / "runs.md"
RUN = re.compile(r"run-[0-9a-z]{10}-[0-9a-z]{6}")


def plain(text: str) -> list[str]:
    """Take out of a page or an output what is another at each time: ids, instants, spans, sizes, who sits here."""
    text = RUN.sub("RUN", text).replace(user_here(), "anna")
    text = re.sub(r"\d{4}-\d\d-\d\d ", "", re.sub(r"\d\d:\d\d:\d\d", "TIME", text))
    return re.sub(r"\b[\d.]+ ?(?:ms|s|K|KB|B)\b", "SIZE", text).splitlines()


def test_the_guide_shows_what_the_terminal_shows(served: Callable[..., Served]) -> None:
    page = GUIDE.read_text()
    runbook = re.search(r"````markdown\n(.*?)````", page, re.DOTALL)
    assert runbook is not None
    shop = served(runbook[1])
    (shop.folder / "carts" / "old").mkdir(parents=True)
    (shop.folder / "carts" / "open.txt").write_text("12 open\n")
    for number in range(3):
        (shop.folder / "carts" / "old" / f"cart-{number}.json").write_text("x\n")
    blocks = re.findall(r"```console\n\$ watchkeeper ([^\n]*)\n(.*?)```", page, re.DOTALL)
    assert len(blocks) == 7
    ours: dict[str, str] = {}
    for call, shown in blocks:
        arguments = [ours.get(word, word) for word in shlex.split(call)]
        said = shop.cli(*arguments, status=None)
        assert plain(said) == plain(shown), call
        for theirs, mine in zip(RUN.findall(shown), RUN.findall(said), strict=True):
            ours[theirs] = mine
        if arguments[1] == "answer":
            shop.ended(arguments[2])
