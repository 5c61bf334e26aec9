"""What procedures say of their own failing."""

from __future__ import annotations

import pytest

from watchkeeper.book.model import Book, Procedure, Step
from watchkeeper.run.clause import clause_of

RESTORE = Procedure(id="restoring-the-database", title="Restoring the database", line=40, end_line=50, kind="restore")


def procedure(escalation: str | None = None, *steps: str) -> Procedure:
    made = tuple(Step(n=n, line=10 + n, text=text) for n, text in enumerate(steps, 1))
    return Procedure(id="down", title="Shop is down", line=8, end_line=30, escalation=escalation, steps=made)


@pytest.mark.parametrize(
    ("given", "after_s", "named"),
    [
        (procedure("still down after 15 minutes? Follow “Restoring the database”"), 900.0, "restoring-the-database"),
        (procedure("Not recovered within 1 hour: page the CTO"), 3600.0, None),
        (procedure(None, "Look.", "**Escalate** if the issue persists after 10 minutes"), 600.0, None),
        (procedure(None, "Escalate to level 2 when it is not solved after 10 minutes."), 600.0, None),
        (procedure("call the vendor"), None, None),  # no time
        (procedure(None, "Wait 10 minutes."), None, None),  # nothing of escalation
        (procedure(), None, None),
    ],
)
def test_what_a_clause_asks_for(given: Procedure, after_s: float | None, named: str | None) -> None:
    found = clause_of(given, Book(title="T", service="shop", procedures=(given, RESTORE)))
    assert (found.after_s if found else None, found.procedure_id if found else None) == (after_s, named)


def test_the_sentence_names_the_line_and_what_comes_then() -> None:
    given = procedure(None, "Escalate if it persists after 10 minutes.")
    found = clause_of(given, Book(title="T", service="shop", procedures=(given,)))
    assert found is not None
    assert found.sentence == (
        "“Shop is down” says: Escalate if it persists after 10 minutes (line 11). After 10 min the next level is told."
    )
