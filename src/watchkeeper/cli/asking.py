"""How the terminal puts a run's question: the whole command that an answer lets run, and how to answer."""

from __future__ import annotations

import shlex
from collections.abc import Iterator

from watchkeeper.book.model import Command
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
    if question == "approve":
        yield f"answer: watchkeeper run approve {run.id} {act.key}"
    name = to_type(run, act) if question == "approve" else None
    typed = f" --confirm {shlex.quote(name)}" if name else ""
    yield f"answer: watchkeeper run answer {run.id} {act.key} {'|'.join(ANSWERS[question])}{sets} --why REASON{typed}"


def effect_lines(preview: Preview) -> Iterator[str]:
    """Say what an act would do, and how it would be put back."""
    yield f"effect: {preview.sentence}"
    if preview.way_back:
        yield one_line(preview.way_back)


def question_lines(run: Run, act: Act) -> Iterator[str]:
    """Say all that who answers should know: the question, the whole command, its risk, why it is asked, and its effect."""
    standing, command = run.acts[act.key], act.command
    yield f"Act {act.key} of “{run.plan.title}”, line {act.line} of the runbook, on {run.target_of(act)}"
    if command is not None:
        yield from (f"  $ {line}" for line in command.text.splitlines())
        yield f"  risk: {act.risk}. {command.because}".rstrip()
    else:
        yield f"  {act.text}"
    yield f"  asked because: {standing.sentence}"
    if standing.preview is not None:
        yield from (f"  {line}" for line in effect_lines(standing.preview))
    if act.caution:
        yield f"  caution: {act.caution}"
    for other in (each for each in run.plan.acts if each.key in standing.covers and each.key != act.key):
        yield f"  also lets run: {other.key}  {one_line(other.command.text if other.command else other.text)}"
    told = asked(run, act, standing.question or "")
    yield from (f"  {line}" for line in told if line.startswith(("answer", "  ")) and not _shown_above(line, command))


def _shown_above(line: str, command: Command | None) -> bool:
    return command is not None and line.strip() in (part.strip() for part in command.text.splitlines())


def one_line(text: str) -> str:
    """Give a text as one line of at most 100 characters."""
    flat = " ".join(text.split())
    return flat if len(flat) <= 100 else flat[:99] + "…"
