"""Each role may what the one before it may, and more; nobody without a role may anything."""

from __future__ import annotations

import pytest

from watchkeeper.people.permission import LEAST, ROLES, may, needed_to_answer, refusal


def test_roles_only_grow() -> None:
    for what in LEAST:
        allowed = [may((role,), what) for role in ROLES]
        assert allowed == sorted(allowed)
        assert allowed[-1]
        assert not may((), what)
        assert not may(("admin",), what)


def test_a_viewer_may_only_look() -> None:
    assert [what for what in LEAST if may(("viewer",), what)] == ["look"]


@pytest.mark.parametrize("risk", ["destroy", "unknown"])
@pytest.mark.parametrize("answer", ["approve", "again"])
def test_letting_something_destroy_takes_an_operator(risk: str, answer: str) -> None:
    what = needed_to_answer(answer, risk)
    assert not may(("responder",), what)
    assert may(("operator",), what)
    assert "it takes an operator" in refusal("bot", ("responder",), what)


def test_stopping_never_takes_more_than_a_responder() -> None:
    for answer in ("refuse", "abort", "skip"):
        assert may(("responder",), needed_to_answer(answer, "destroy"))
    assert may(("responder",), "halt")
