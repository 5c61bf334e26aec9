"""`read_lint_ms`: a runbook of 20 KB, read in this process, beside the Markdown parser alone on the same text.

For now it reads only; the linter joins it when there is one, and the limit becomes 5 ×. What the reader remembers of sentences it
has seen is forgotten before each round, and processor time is taken, since neighbours on the machine are no matter of ours.
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
    return [Row("read_lint_ms", value, "ms", f"≤ {LIMIT:g} × beside", value <= LIMIT * beside, "markdown-it-py alone", beside)]


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
