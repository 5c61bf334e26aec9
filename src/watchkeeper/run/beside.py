"""Evidence beside containment: the looks of a security procedure become a run of their own, for which nothing waits. Pure.

What only reads, and what nothing after it depends on, leaves the procedure's own run and is carried out beside it, at the same
time. What contains the trouble then begins at once, under the same gates as ever; a look that fails, hangs or asks for a value is
noted in its own run. What changes something stays where the book has it: what follows may destroy what it is to keep.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from watchkeeper.run.model import Act, Plan

#: what the procedure of a plan of evidence is called, before the procedure's own id
EVIDENCE = "evidence:"
WHY = "It is evidence: it is taken beside, in a run of its own, so that containment need not wait for it."


def is_evidence(plan: Plan) -> bool:
    """Tell whether a plan is the evidence of another."""
    return plan.procedure_id.startswith(EVIDENCE)


def aside(plan: Plan) -> tuple[Plan, Plan | None]:
    """Part a security procedure: the plan without its evidence, which is left out there with the sentence why, and the evidence.

    Only evidence that stands before something which contains the trouble is parted; where there is none the plan stays whole.
    """
    taken = [act for place, act in enumerate(plan.acts) if _is_evidence(plan.acts, place)]
    if not taken:
        return plan, None
    keys = {act.key for act in taken}
    left = tuple(replace(act, skip=WHY) if act.key in keys else act for act in plan.acts)
    # a look that fails is then a finding, and one that cannot be carried out is passed over
    looks = tuple(replace(act, phase="diagnose") for act in taken)
    beside = replace(plan, procedure_id=f"{EVIDENCE}{plan.procedure_id}", title=f"{plan.title}: evidence", acts=looks)
    return replace(plan, acts=left), beside


def _is_evidence(acts: Sequence[Act], place: int) -> bool:
    """Tell whether an act only looks, whether containment comes after it, and whether nothing depends on it or it on others."""
    act, before, after = acts[place], acts[:place], acts[place + 1 :]
    only_looks = act.kind == "command" and act.command is not None and act.risk == "read" and act.phase != "verify"
    # what says which outcome it expects is a check that the rest stands on
    alone = act.skip is None and act.branch is None and act.expects is None and not act.keeps and act.lists is None
    free = not any(other.keeps for other in before) and not any(_is_decided_by_looks(other) for other in after)
    return only_looks and alone and free and any(_contains(other) for other in after)


def _contains(act: Act) -> bool:
    return act.skip is None and act.phase in ("act", None) and (act.mutating or act.kind == "manual")


def _is_decided_by_looks(act: Act) -> bool:
    """Tell whether a condition may be decided by what an earlier look printed."""
    return act.condition is not None and act.condition.command is None and act.condition.threshold is None
