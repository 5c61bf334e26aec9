"""A step while it is being put together, and what a section says beside its steps."""

from __future__ import annotations

from dataclasses import dataclass, field

from watchkeeper.book.model import Command, StepPhase


@dataclass(slots=True)
class Draft:
    """A step being put together."""

    line: int
    text: str
    phase: StepPhase | None = None
    #: the words of the condition, code in backticks
    when: str | None = None
    #: a branch within a branch: both must hold, which only a person can say
    nested: bool = False
    caution: str | None = None
    commands: list[Command] = field(default_factory=list)
    wait_s: float | None = None
    #: where it came from: "fence", "ordered", "bullet", "box", "prose", "table", "numbered", "drawn"
    source: str = "prose"
    #: the answers of a drawing that lead to it
    drawn: tuple[str, ...] = ()
    #: it tells somebody to do something
    told: bool = True


@dataclass(slots=True)
class Facts:
    """What a section says beside its steps."""

    symptoms: list[str] = field(default_factory=list)
    causes: list[str] = field(default_factory=list)
    prevention: list[str] = field(default_factory=list)
    escalation: list[str] = field(default_factory=list)
