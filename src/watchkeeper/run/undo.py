"""The way back of a run, pure: its changes in reverse order, each put back to exactly what it was before.

A run enters; a plan leaves whose acts are gated and approved like any others. What has no way back stands in it with the
reason, and is left out.
"""

from __future__ import annotations

from dataclasses import replace

from watchkeeper.book.commands import make_command
from watchkeeper.book.model import Risk
from watchkeeper.run.effect.derive import effect_of
from watchkeeper.run.model import Act, Plan, Preview, Run

#: the procedure of a plan that takes a run back is called after it
PREFIX = "undo:"


def changes(run: Run) -> list[Act]:
    """Give the acts of a run that may have changed something, in the order in which they are taken back."""
    begun = [act for act in run.plan.acts if act.mutating and run.acts[act.key].since is not None]
    return sorted(begun, key=lambda act: run.acts[act.key].since or run.started_at, reverse=True)


def ways_back(run: Run) -> list[tuple[Act, str | None, str]]:
    """Give each change with the command that takes it back, or None, and with the sentence that says so."""
    return [(act, *_way_back(act, run.acts[act.key].original)) for act in changes(run)]


def _way_back(act: Act, before: Preview | None) -> tuple[str | None, str]:
    effect = effect_of(act.command) if act.command else None
    if effect is None or before is None:
        return None, effect.no_way_back if effect else "No way back is known."
    text = effect.way_back(before.before)
    return text, f"Way back: {text}" if text else before.way_back or effect.no_way_back


def undo_plan(run: Run, only: str | None = None) -> Plan:
    """Make the plan that takes back a run, or one act of it; the acts without a way back are left out and say why."""
    acts = []
    for number, (act, text, sentence) in enumerate(ways_back(run), 1):
        if only is not None and act.key != only:
            continue
        what = f"Take back {act.key}: {act.command.text if act.command else act.text}"
        made = replace(act, key=f"{number}.1", step=number, text=what, phase="act", branch=None, stands_for=None, skip=None)
        made = replace(made, condition=None, expects=None, caution=None, wait_s=None, keeps=(), lists=None)
        if text is None or act.command is None:
            acts.append(replace(made, kind="manual", command=None, risk="read", skip=sentence))
            continue
        command = make_command(text, act.line, effect_of(act.command).language)
        risk: Risk = "change" if command.risk == "read" else command.risk
        acts.append(replace(made, command=replace(command, risk=risk, file=act.command.file), risk=risk))
    return Plan(f"{PREFIX}{run.id}", f"Way back of “{run.plan.title}”", run.plan.book, run.plan.line, tuple(acts))


def offer(run: Run) -> str:
    """Say in one sentence what of a run can be put back; empty where it changed nothing."""
    ways = ways_back(run)
    if not ways:
        return ""
    back = sum(text is not None for _, text, _ in ways)
    many = f"{len(ways)} change{'s' if len(ways) != 1 else ''} began"
    if not back:
        return f"{many}; no way back is known."
    return f"{many}; `watchkeeper run undo {run.id}` puts {'it' if len(ways) == back == 1 else f'{back} of them'} back."
