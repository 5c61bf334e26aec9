"""How the terminal puts a run's question: the whole command that an answer lets run, and how to answer."""

from __future__ import annotations

from collections.abc import Iterator

from watchkeeper.run.answering import ANSWERS
from watchkeeper.run.model import Act


def asked(run_id: str, act: Act, question: str) -> Iterator[str]:
    """Say what an act asks, with the whole command that an answer lets run, and how to answer."""
    whole = act.command.text if act.command else ""
    if whole != one_line(whole):
        yield from ("the whole of it:", *(f"  {line}" for line in whole.splitlines()))
    yield f"asks: {question}"
    yield f"answer: watchkeeper run answer {run_id} {act.key} {'|'.join(ANSWERS[question])} --why REASON"


def one_line(text: str) -> str:
    """Give a text as one line of at most 100 characters."""
    flat = " ".join(text.split())
    return flat if len(flat) <= 100 else flat[:99] + "…"
