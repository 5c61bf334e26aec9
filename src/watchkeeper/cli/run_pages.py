"""How the terminal shows runs: a plan with what each act would come to, a run with what came of each, and a list of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import datetime

from watchkeeper.base.durations import format_duration
from watchkeeper.cli.asking import effect_lines, one_line, question_lines
from watchkeeper.cli.plain import plain
from watchkeeper.cli.printing import head_and_tail, in_colour, shown
from watchkeeper.run.foresee import Foreseen, Foresight
from watchkeeper.run.model import Act, Input, Outcome, Plan, Preview, Run, Standing
from watchkeeper.run.undo import offer

MARKS = {"done": "✓", "failed": "✗", "skipped": "–", "running": "…", "asking": "?", "unknown": "?", "waiting": "…", "to-do": "·"}
WOULD: dict[Foreseen, str] = {
    "runs": "would run", "asks": "would ask", "cannot": "cannot", "left out": "left out", "waits": "would wait",
    "decides": "decides itself",
}  # fmt: skip


def plan_lines(plan: Plan, foresight: Mapping[str, Foresight], previews: Mapping[str, Preview], target: str) -> Iterator[str]:
    """Show a plan: branches set in, and of each act its risk, its target and what would happen to it now."""
    yield f"{plan.title} (line {plan.line}): what starting it now would do. Nothing is run."
    for act in plan.acts:
        under = "  " if act.branch else ""
        seen = foresight[act.key]
        text = one_line(act.command.text if act.command else f"if {act.text}" if act.kind == "condition" else act.text)
        yield f"  {act.key:6} {act.risk if act.command else act.kind:9} {under}{text}"
        where = "" if act.target in (None, target) else f", on {act.target}"
        yield f"         {'':9} {under}{WOULD[seen.what]}{where}: {seen.sentence} (line {act.line})"
        for said in (*act.words, *(effect_lines(previews[act.key]) if act.key in previews else ())):
            yield f"         {'':9} {under}{said}"
    yield _totals(plan, foresight, target)


def _totals(plan: Plan, foresight: Mapping[str, Foresight], target: str) -> str:
    found = Counter(seen.what for seen in foresight.values())
    risks = Counter(act.risk for act in plan.acts if act.command and act.skip is None)
    counted = ", ".join(f"{found[what]} {word}" for what, word in WOULD.items() if found[what])
    dangers = ", ".join(f"{risks[risk]} {risk}" for risk in ("read", "change", "destroy", "unknown") if risks[risk])
    return f"{len(plan.acts)} acts on {target}: {counted}. Commands: {dangers or 'none'}."


def input_lines(inputs: tuple[Input, ...]) -> Iterator[str]:
    """Show the values that a plan takes: name, what it stands for, which may be given."""
    for one in inputs:
        listed = ", ".join(one.choices[:12]) or (f"what `{one.query}` lists" if one.query else "")
        choices = f", one of {listed}" if listed else ""
        yield f"  takes {one.name:12} {one.token}: {one.words}{choices}" + (f", else {one.default}" if one.default else "")


def run_lines(run: Run, book_changed: bool, resumes: str | None, resumed_by: str | None) -> Iterator[str]:
    """Show a run: how it stands, each act with times, answer, end of its output, and what is asked."""
    ended = run.ended_at
    took = f", took {_span(run.started_at, ended)}" if ended else ""
    yield f"{run.plan.title}: {run.state}. {run.sentence}".rstrip()
    about = f" for {run.incident_id}" if run.incident_id else ""
    yield f"{run.id}, started {run.started_at:%Y-%m-%d %H:%M:%S} by {run.actor}{about} on {run.target}{took}"
    if book_changed:
        yield f"The runbook was changed since; this run goes on under the version it was started from ({run.plan.book[:12]})."
    if resumes:
        yield f"It goes on where {resumes} ended."
    if resumed_by:
        yield f"{resumed_by} goes on where it ended."
    for act in run.plan.acts:
        yield from _act_lines(run, act, run.acts.get(act.key, Standing()))
    if offered := offer(run):
        yield offered
    if ended and run.state != "succeeded" and not resumed_by:
        yield f"To go on from the first act that is not done: watchkeeper run resume {run.id}"


def _act_lines(run: Run, act: Act, standing: Standing) -> Iterator[str]:
    under = "  " if act.branch else ""
    text = one_line(act.command.text if act.command else act.text)
    yield f"  {MARKS[standing.state]} {act.key:6} {act.risk if act.command else act.kind:9} {under}{text}"
    if standing.question and standing.state in ("asking", "unknown"):
        for line in question_lines(run, act):
            yield f"           {line}"
        return
    if said := _said(standing):
        yield f"           {under}{said}"
    if standing.outcome:
        for line in head_and_tail(shown(standing.outcome.output, colours=False)):
            yield f"           {under}  | {line}"


def _said(standing: Standing) -> str:
    outcome = standing.outcome or Outcome("")
    parts = [outcome.sentence or standing.sentence]
    began, over = outcome.started_at or standing.since, outcome.ended_at
    if began and over:
        parts.append(f"{began:%H:%M:%S}, {_span(began, over)}")
    elif began and standing.state == "running":
        parts.append(f"since {began:%H:%M:%S}")
    if standing.attempt > 1:
        parts.append(f"attempt {standing.attempt}")
    if standing.approvers:
        parts.append(f"approved by {' and '.join(standing.approvers)}")
    return " · ".join(part for part in parts if part)


def list_lines(found: list[Run], now: datetime) -> Iterator[str]:
    """Show runs, one a line, ready to be printed: what asks stands out in a terminal, and words from outside steer nothing."""
    width = min(max((len(run.plan.title) for run in found), default=0), 50)
    for run in found:
        took = _span(run.started_at, run.ended_at or now)
        over = sum(standing.state in ("done", "failed", "skipped") for standing in run.acts.values())
        state = f"\x1b[1m{run.state:10}\x1b[0m" if run.state == "asking" and in_colour() else f"{run.state:10}"
        about = plain(f"{run.plan.title:{width}}  {over}/{len(run.acts)} acts  {took}  {run.sentence}".rstrip())
        yield f"{run.id}  {run.started_at:%Y-%m-%d %H:%M:%S}  {state}{about}"


def _span(since: datetime, until: datetime) -> str:
    seconds = max(0.0, (until - since).total_seconds())
    return format_duration(float(round(seconds)) if seconds >= 10 else round(seconds, 1))
