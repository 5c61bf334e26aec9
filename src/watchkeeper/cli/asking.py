"""How the terminal puts a run's question: the whole command that an answer lets run, and how to answer."""

from __future__ import annotations

import shlex
from collections.abc import Iterator

from watchkeeper.run.answering import ANSWERS
from watchkeeper.run.approving import to_type
from watchkeeper.run.model import Act, Preview, Run


def asked(run: Run, act: Act, question: str) -> Iterator[str]:
    """Say what an act asks, with the whole command that an answer lets run, what it would do, and how to answer."""
    whole = act.command.text if act.command else ""
    if whole != one_line(whole):
        yield from ("the whole of it:", *(f"  {line}" for line in whole.splitlines()))
    preview = run.acts[act.key].preview if act.key in run.acts else None
    if preview is not None and question == "approve":
        yield from effect_lines(preview)
    yield f"asks: {question}"
    inputs = run.acts[act.key].inputs if question == "input" else ()
    for each in inputs:
        choices = f", such as {', '.join(each.choices[:12])}" if each.choices else ""
        default = f"; left out: {each.default}" if each.default else ""
        yield f"  {each.name}: {each.words}, for {each.token}{choices}{default}"
    sets = "".join(f" --set {each.name}=…" for each in inputs)
    name = to_type(run, act) if question == "approve" else None
    typed = f" --confirm {shlex.quote(name)}" if name else ""
    yield f"answer: watchkeeper run answer {run.id} {act.key} {'|'.join(ANSWERS[question])}{sets} --why REASON{typed}"


def effect_lines(preview: Preview) -> Iterator[str]:
    """Say what an act would do, and how it would be put back."""
    yield f"effect: {preview.sentence}"
    if preview.way_back:
        yield one_line(preview.way_back)


def one_line(text: str) -> str:
    """Give a text as one line of at most 100 characters."""
    flat = " ".join(text.split())
    return flat if len(flat) <= 100 else flat[:99] + "…"
