"""Flowcharts in Mermaid: branches where something is asked, who needs whom where nothing is."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from watchkeeper.book.read.flowcharts import read_chart, read_flowchart
from watchkeeper.book.reader import read_source

CHART = """graph TD
    A[Alert fires] --> B{Is the API up?}
    B -->|Yes| C[Check the logs]
    B -- No --> D["Restart it: `systemctl restart api`"]
    C --> E{Error rate > 5%?}
    E -->|Yes| F[Roll back]
    E -->|No| G[Close the incident]
    D --> G
    F --> G
    F --> A
"""


def test_branches_become_steps_under_their_answers() -> None:
    book = read_source("r.md", f"# Shop\n\n## API trouble\n\n```mermaid\n{CHART}```\n")
    assert [(s.text, s.when) for s in book.procedures[0].steps] == [
        ("Check the logs", "the API is up"),
        ("Roll back", "the API is up, and Error rate > 5%"),
        ("Restart it: systemctl restart api", "the API is not up"),
        ("Close the incident", None),
    ]
    assert [c.risk for s in book.procedures[0].steps for c in s.commands] == ["change"]
    assert not book.dependencies


def test_what_two_of_several_answers_lead_to_waits_for_a_person() -> None:
    chart = "flowchart LR\nA{Severity} -->|P1| B[Page the lead]\nA -->|P2| B\nA -->|P3| C[Open a ticket]\n"
    drawn = read_flowchart(chart, 1)
    assert drawn is not None
    assert [(one.text, one.when, one.either) for one in drawn] == [
        ("Page the lead", ("Severity: P1, or Severity: P2",), True),
        ("Open a ticket", ("Severity: P3",), False),
    ]
    book = read_source("r.md", f"# Shop\n\n## Triage\n\n```mermaid\n{chart}```\n")
    condition = book.procedures[0].steps[0].condition
    assert condition is None or condition.command is None


def test_a_chart_without_a_question_says_who_needs_whom() -> None:
    chart = "graph LR\nU[Users] --> N(nginx):::edge --> A[App] & B[Worker]\nA --> P[(PostgreSQL)]\nB -.-> P\n"
    book = read_source("r.md", f"# Shop\n\n## Architecture\n\n```mermaid\n{chart}```\n")
    assert [(d.source, d.needs) for d in book.dependencies] == [
        ("Users", "nginx"), ("nginx", "App"), ("nginx", "Worker"), ("App", "PostgreSQL"), ("Worker", "PostgreSQL"),
    ]  # fmt: skip
    assert not book.procedures


@pytest.mark.parametrize("text", ["sequenceDiagram\nA->>B: hello", 'pie\n"a" : 3', "", "graph TD", "graph TD\nA --> ", "gantt"])
def test_other_diagrams_and_stumps_have_no_branches(text: str) -> None:
    assert read_flowchart(text, 1) is None


@settings(max_examples=200, deadline=None, derandomize=True)
@given(st.lists(st.sampled_from(["A", "B{b?}", "C[c]", " --> ", "-->|Yes|", "-->|No|", "-- no -->", " & ", "\n", ";", "{", "|"])))
def test_any_chart_is_read(parts: list[str]) -> None:
    read_flowchart("graph TD\n" + "".join(parts), 1)


def test_a_long_chart_costs_no_more_than_its_length(growth: Callable[[Callable[[int], object]], float]) -> None:
    def read(size: int) -> object:
        return read_chart("graph TD\n" + "".join(f"A{n} --> B{n}\n" for n in range(size)), 1)

    assert growth(read) < 3
