"""What a drill is made of: an estate's commands, its faults with what is expected of each, and what came of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True)
class Expected:
    """What a careful operator would expect of a fault."""

    #: names of the book's alerts, any of which tells of it
    alert: tuple[str, ...]
    #: exactly as in the book; None where the book gives none
    severity: str | None
    #: headings of procedures, any of which may be carried out; empty where only people can act
    procedure: tuple[str, ...]
    #: components of which the incident should name one; empty where the book knows none
    cause: tuple[str, ...] = ()
    #: how many times a person has to be asked
    approvals: int = 0
    recovers: bool = True
    #: who or what outside must act where it does not recover
    waits_for: str = ""
    #: the book's own promise, in seconds
    promise_s: float | None = None
    #: the promise counts from the alert on: the book's wording alone takes longer, or what was broken takes its time to be felt
    promise_from_alert: bool = False
    #: alerts that stay when all is done, since the procedure leaves for good what was lost
    stays: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Break:
    """A way to break an estate, and how it is put right by force afterwards."""

    name: str
    sentence: str
    #: the heading of the runbook from which it was drawn
    seed: str
    breaks: str
    mends: str
    expected: Expected
    #: how much faster the book's own durations pass
    pace: float = 1.0
    #: real time until it counts as not recovered
    patience_s: float = 120.0
    #: no other fault is played meanwhile, on this machine: its sign is what others would have as well, a busy processor
    quiet: bool = False
    #: what the person on call says to what the book leaves to a person: words of the step -> yes, no, done, skip, NAME=VALUE,
    #: or `$ COMMAND`, which they carry out before they say that it is done
    answers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Course:
    """One estate as a drill sees it: its folder, its commands and its faults."""

    name: str
    folder: Path
    #: up, down, well, and where it has them restarts, customers, promised
    commands: Mapping[str, str]
    faults: tuple[Break, ...]


@dataclass(frozen=True, slots=True)
class Lived:
    """One incident as it was lived through; instants are seconds of the drill's clock since the fault."""

    alerts: tuple[str, ...]
    severity: str | None
    cause: str | None
    fired_s: float | None
    resolved: bool
    #: when it was healthy again
    healthy_s: float | None
    resolved_s: float | None
    #: procedures carried out, each with how its run stands and the sentence why
    runs: tuple[tuple[str, str, str], ...]
    #: commands that change something and were run, each with its procedure
    changed: tuple[tuple[str, str], ...]
    #: how long the book itself had the runs wait
    waited_s: float = 0.0
    #: the last run was stopped at what it still asked, once what it had changed by then had made all healthy
    enough: bool = False
    #: those of its alerts that are not over, and since when nothing has ended any more, an alert or a run
    still: tuple[str, ...] = ()
    quiet_s: float | None = None


@dataclass(frozen=True, slots=True)
class Played:
    """What was seen of one fault, before anybody judges it."""

    lived: tuple[Lived, ...]
    #: questions that the person on call was asked, and how long they kept the runs waiting, in real seconds
    asked: tuple[str, ...] = ()
    thought_s: float = 0.0
    #: questions that nobody answered
    open_questions: tuple[str, ...] = ()
    #: what the estate itself said against being well once all incidents were over; None: it was well
    complaint: str | None = None
    #: signals that were well before the fault and were not after it was put right
    broken: tuple[str, ...] = ()
    #: promises to customers: made during this fault, and those of them that are gone
    acknowledged: int = 0
    lost: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Alone:
    """What restart policies alone made of a fault."""

    #: whether the estate was seen unwell at all
    felt: bool
    #: after how many real seconds it was well again by itself; None: not within the patience
    well_after_s: float | None

    def as_dict(self) -> dict[str, Any]:
        """Give it as JSON has it."""
        return {"felt": self.felt, "well_after_s": self.well_after_s}


@dataclass(frozen=True, slots=True)
class Judged:
    """One row of the drill's table."""

    fault: str
    sentence: str
    pace: float
    #: "green", "red" (something is not as expected), "waits" (as expected, and only somebody outside can end it)
    verdict: str
    #: what is not as expected, a sentence each
    why: tuple[str, ...]
    #: real seconds, and those of the book's own time
    detected_s: float | None = None
    detected_book_s: float | None = None
    recovered_s: float | None = None
    #: detection in the book's time, repair in real time
    recovered_book_s: float | None = None
    alert: str | None = None
    severity: str | None = None
    procedure: str | None = None
    cause: str | None = None
    severity_right: bool = False
    procedure_right: bool = False
    cause_right: bool = False
    approvals: int = 0
    thought_s: float = 0.0
    recovered: bool = False
    promise_s: float | None = None
    promise_kept: bool | None = None
    harm: tuple[str, ...] = ()
    acknowledged: int = 0
    #: how many of the acknowledged promises to customers are gone
    lost: int = 0
    waits_for: str = ""
    alone: Alone | None = None

    def as_dict(self) -> dict[str, Any]:
        """Give the row as the JSON of `watchkeeper drill --format json` has it."""
        row = {name: getattr(self, name) for name in self.__slots__ if name != "alone"}
        row["restarts_alone"] = None if self.alone is None else self.alone.as_dict()
        return {name: list(value) if isinstance(value, tuple) else value for name, value in row.items()}

    @classmethod
    def from_dict(cls, row: Mapping[str, Any]) -> Judged:
        """Read back what `as_dict` gave."""
        given: dict[str, Any] = {name: tuple(value) if isinstance(value, list) else value for name, value in row.items()}
        alone = given.pop("restarts_alone")
        return cls(**given, alone=None if alone is None else Alone(alone["felt"], alone["well_after_s"]))
