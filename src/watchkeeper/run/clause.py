"""What a procedure says of its own failing: after how long somebody else is to be told, or another procedure begins. Pure.

The procedure's escalation and its steps enter; the clause leaves: "escalate after 10 minutes", "not recovered in 15 minutes:
disaster recovery". The clock runs from the moment at which the procedure begins.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from watchkeeper.base.durations import find_durations, format_duration
from watchkeeper.book.model import Book, Procedure
from watchkeeper.run.choose import named_in

_ESCALATES = re.compile(r"\bescalat|\beskal|\bescalad|エスカレ|升级", re.IGNORECASE)
_LASTING = re.compile(
    r"\b(?:persists?|still|not (?:solved|resolved|recovered|fixed|back)|unresolved|unsolved|without (?:success|recovery)|fails?|"
    r"after|within|longer than|immer noch|nicht (?:gelöst|behoben)|persiste|continúa|wciąż|nadal)\b",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Clause:
    """After how long a procedure that has not helped calls for more, and for what."""

    after_s: float
    #: the procedure to begin then; None: the next level of the ladder is told
    procedure_id: str | None
    sentence: str


def clause_of(procedure: Procedure, book: Book) -> Clause | None:
    """Read a procedure's own clause; None where it has none, or one without a time."""
    told = [(text, procedure.line) for text in (procedure.escalation or "").split("; ") if text.strip()]
    told += [(step.text, step.line) for step in procedure.steps if _ESCALATES.search(step.text)]
    for text, line in told:
        found = next(iter(find_durations(text)), None)
        if found is None or found.high_s <= 0 or not _LASTING.search(text):
            continue
        others = [other for other in book.procedures if other.id != procedure.id]
        named = named_in(others, [text])
        then = f"“{named[0].title}” is proposed" if len(named) == 1 else "the next level is told"
        said = " ".join(text.split()).rstrip(".")
        sentence = f"“{procedure.title}” says: {said} (line {line}). After {format_duration(found.high_s)} {then}."
        return Clause(found.high_s, named[0].id if len(named) == 1 else None, sentence)
    return None
