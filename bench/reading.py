"""`read_lint_ms` and `read_worst_s`: what reading costs.

`read_lint_ms` is a runbook of 20 KB, read in this process, beside the Markdown parser alone on the same text.

For now it reads only; the linter joins it when there is one, and the limit becomes 5 ×. What the reader remembers of sentences it
has seen is forgotten before each round, and processor time is taken, since neighbours on the machine are no matter of ours.

`read_worst_s` is the slowest of the awkward texts, 20 KB each of one piece again and again: those that a pattern could
trip over. The tests count the work instead, since a busy machine is no defect.
"""

from __future__ import annotations

import functools
import gc
import inspect
import time
from collections.abc import Callable
from importlib.resources import files
from pathlib import Path

from markdown_it import MarkdownIt
from row import Row, median, say

from watchkeeper.book.reader import read_source
from watchkeeper.book.vocabulary import Matcher

SIZE = 20_000
ROUNDS = 25
LIMIT = 4.0
WORST_S = 2.0
AWKWARD = (
    "5% > ", "1,", "a@b.", "**a", "[x](", "`", "| a ", "> ", "- a\n", "P1: ", "12-", "every ", "$X ", "a → ", "(5 min ", "If a, ",
    "é>5 ", "0 ", "a\n", "1. a\n", "- [ ] a\n", "# a\n", "```\na\n```\n", "| a | b |\n", "a: b\n", "a\n\n", "<b>", "-- ", "'",
    "\\\n", "&& ", "(", "{{", "├── a\n",
)  # fmt: skip


def measure(folder: Path) -> list[Row]:
    """Read and parse in turns."""
    text = sample(SIZE)
    parser = MarkdownIt("commonmark").enable(["table", "strikethrough"])
    read_source("runbook.md", text)
    parser.parse(text)
    forget = _memories()
    ours: list[float] = []
    theirs: list[float] = []
    gc.collect()
    gc.freeze()
    for number in range(ROUNDS):
        say(f"round {number + 1} of {ROUNDS}")
        for memory in forget:
            memory()
        ours.append(_timed_ms(lambda: read_source("runbook.md", text)))
        theirs.append(_timed_ms(lambda: parser.parse(text)))
    value, beside = median(ours), median(theirs)
    say("awkward texts")
    slowest = max(_timed_ms(functools.partial(read_source, "awkward.md", piece * (SIZE // len(piece)))) for piece in AWKWARD)
    return [
        Row("read_lint_ms", value, "ms", f"≤ {LIMIT:g} × beside", value <= LIMIT * beside, "markdown-it-py alone", beside),
        Row("read_worst_s", slowest / 1000, "s", f"≤ {WORST_S:g}", slowest <= 1000 * WORST_S),
    ]


def sample(size: int) -> str:
    """Give the sample estate's runbook, begun again until it has that many bytes, and cut there at the end of a line."""
    template = (files("watchkeeper.demo") / "templates" / "runbook.md").read_text(encoding="utf-8")
    text = template * (size // len(template.encode()) + 1)
    return text.encode()[:size].decode(errors="ignore").rsplit("\n", 1)[0] + "\n"


def _timed_ms(work: Callable[[], object]) -> float:
    started = time.process_time()
    work()
    return 1000 * (time.process_time() - started)


def _memories() -> list[Callable[[], None]]:
    """Give what empties the reader's memories that are keyed by words of a text; patterns and tables stay."""
    kind = type(functools.cache(_timed_ms))
    everything = gc.get_objects()
    cached = [each for each in everything if isinstance(each, kind) and each.__module__.startswith("watchkeeper.")]
    matchers = [each for each in everything if isinstance(each, Matcher)]
    return [*(each.cache_clear for each in cached if inspect.signature(each).parameters), *(m._found.clear for m in matchers)]
