"""Severities, ladders, contacts and phases."""

from __future__ import annotations

from textwrap import dedent

import pytest

from watchkeeper.book.read.contacts import read_contacts
from watchkeeper.book.read.ladder import read_ladder
from watchkeeper.book.read.passages import Passages, read_passages
from watchkeeper.book.read.phases import read_phases
from watchkeeper.book.read.severities import read_severities
from watchkeeper.text.markdown import read_text


def passages(source: str) -> Passages:
    return read_passages(read_text(dedent(source).lstrip("\n")))


def severities(source: str) -> list[tuple[object, ...]]:
    return [(s.line, s.code, s.name, s.respond_within_s) for s in read_severities(passages(source))]


def ladder(source: str) -> list[tuple[object, ...]]:
    return [(e.line, e.level, e.role, e.after_s) for e in read_ladder(passages(source))]


def contacts(source: str) -> list[tuple[object, ...]]:
    return [(c.line, c.role, c.phone or c.email or c.channel) for c in read_contacts(passages(source))]


@pytest.mark.parametrize(
    "source",
    [
        "## Severity levels\n- **P0 (Critical)**: outage, response time: immediate\n"
        "- **P1 (High)**: slow, response within 15 minutes\n",
        "## Severities\n| Level | Description | Response time |\n|---|---|---|\n"
        "| P0 - Critical | outage | Immediate |\n| P1 - High | slow | 15 min |\n",
        "## Severity levels\n#### P0 - Critical (Response: Immediate)\n- outage\n#### P1 - High (Response: 15 minutes)\n- slow\n",
        "## Severity Levels\n\n**P0 - Critical**:\n- outage\n- Response time: Immediate\n"
        "\n**P1 - High**:\n- slow\n- Response time: 15 minutes\n",
        "## Severity\n```\n┌──────────────┬───────────┐\n│ Severity     │ Response  │\n"
        "├──────────────┼───────────┤\n│ Critical (P0)│ Immediate │\n"
        "│ High (P1)    │ 15 min    │\n└──────────────┴───────────┘\n```\n",
        "<h2>x</h2>\n\n## Priorities\n\n<table>\n"
        "<tr><th>Priority</th><th>Response</th></tr>\n"
        "<tr><td>P0</td><td>Immediate</td></tr>\n<tr><td>P1</td><td>15 min</td></tr>\n"
        "</table>\n",
    ],
)
def test_severities_in_every_form(source: str) -> None:
    assert [(code, within) for _, code, _, within in severities(source)] == [("P0", 0), ("P1", 900)]


def test_severity_sections_with_labels() -> None:
    source = (
        "## Severity levels\n### Severity 1 (Critical)\n"
        "**Response Time**: Immediate (< 5 minutes)\n### Severity 2 (Warning)\n"
        "**Response Time**: Next business day\n"
    )
    assert severities(source) == [(2, "SEV1", "Critical", 300), (4, "SEV2", "Warning", None)]


def test_uses_of_a_severity_are_no_definitions() -> None:
    assert (
        severities(
            "**Severity**: P1 - High\n\n## P1 incidents\n### Steps\n1. look\n\n"
            "| Alert | Severity |\n|---|---|\n| ShopDown | P1 |\n"
        )
        == []
    )


@pytest.mark.parametrize(
    "source",
    [
        "### Escalation Path\n1. On-call engineer (15 minutes)\n2. Team lead (30 minutes)\n",
        "### Escalation\n```\nLevel 1: On-call engineer (+15 minutes)\nLevel 2: Team lead (+30 minutes)\n```\n",
        "### Escalation\n- **Level 1**: On-call engineer (after 15 minutes)\n- **Level 2**: Team lead (after 30 minutes)\n",
        "### Escalation\n| Level | Role | After |\n|---|---|---|\n"
        "| 1 | On-call engineer | 15 min |\n| 2 | Team lead | 30 min |\n",
        "## Escalation\n### Level 1: On-call engineer (15-30 min)\n- looks\n### Level 2: Team lead (30-60 min)\n- helps\n",
    ],
)
def test_ladders_in_every_form(source: str) -> None:
    assert [rung[1:] for rung in ladder(source)] == [(1, "On-call engineer", 900), (2, "Team lead", 1800)]


@pytest.mark.parametrize(
    "source",
    [
        "## Escalation\nOn-call engineer → Team lead (30 min) → CTO\n",
        "**Escalation path**: On-call engineer -> Team lead (30 min) -> CTO\n",
        "## Alerts\n| Severity | Respond | Escalation |\n|---|---|---|\n"
        "| P1 | 5 min | On-call engineer → Team lead (30 min) → CTO |\n",
    ],
)
def test_chains_of_roles(source: str) -> None:
    assert [rung[1:] for rung in ladder(source)] == [(1, "On-call engineer", None), (2, "Team lead", 1800), (3, "CTO", None)]


def test_matrix_of_severities_and_contacts() -> None:
    source = (
        "### Escalation matrix\n| Severity | Primary contact | Manager contact |\n"
        "|---|---|---|\n| P1 | Anna | Ben |\n| P2 | Cleo | Ben |\n"
    )
    assert ladder(source) == [(4, 1, "Anna", None), (4, 2, "Ben", None), (5, 1, "Cleo", None), (5, 2, "Ben", None)]
    assert contacts(source) == []


def test_paging_on_when_nobody_answers() -> None:
    source = "## Escalation\n### P1\n**Actions**:\n1. Page on-call engineer\n2. If not responding in 5 minutes, page manager\n"
    assert ladder(source) == [(4, 1, "on-call engineer", None), (5, 2, "manager", 300)]


def test_escalation_inside_a_procedure_is_not_the_ladder() -> None:
    assert (
        ladder("## Restart the shop\n1. restart\n\n**Escalation**: If unresolved after 15 minutes, escalate to platform team\n")
        == []
    )


def test_contacts_with_addresses_or_places_for_them() -> None:
    source = """
        ## Emergency contacts
        - **On-call**: +1-XXX-XXX-XXXX (24/7)
        - **Security Team**: [Phone] - [Email]
        - **Team lead**: ben@shop.example
        - **Slack**: #shop-alerts
        ### External vendors
        - **Cloud provider**: Nimbus Support
    """
    found = contacts(source)
    assert [line for line, *_ in found] == [2, 3, 4, 5, 7]
    assert found[0][2] == "+1-XXX-XXX-XXXX"
    assert found[4][1:] == ("Cloud provider", "Nimbus Support")


def test_contact_table_and_nested_addresses() -> None:
    table = "## Contacts\n| Role | Contact | Availability |\n|---|---|---|\n| Operations | ops@shop.example | 24/7 |\n"
    assert contacts(table) == [(4, "Operations", "ops@shop.example")]
    nested = (
        "## Contacts\n1. **Platform team**\n   - Slack: #platform\n"
        "   - Email: platform@shop.example\n2. **Data team**\n   - Slack: #data\n"
    )
    assert [(line, role) for line, role, _ in contacts(nested)] == [(2, "Platform team"), (5, "Data team")]


def test_lines_without_an_address_are_no_contacts() -> None:
    assert (
        contacts("## Escalation Matrix\n- **Level 1**: On-call engineer\n\n## Contacts\n- **Version**: 1.0\n- **Owner**: Anna\n")
        == []
    )
    assert contacts("Fix issue #123 in the shop, see `#main`.\n") == []


def test_phases_with_times_and_tasks() -> None:
    source = (
        "### P1 incident response process\n1. **Detection** (0-5 minutes):\n"
        "   - acknowledge\n2. **Mitigation** (5-60 minutes):\n   - restart\n"
        "3. **Review** (60+ minutes)\n"
    )
    found = read_phases(passages(source))
    assert [(p.line, p.name, p.starts_s, p.ends_s, p.tasks, p.severity) for p in found] == [
        (2, "Detection", 0, 300, ("acknowledge",), "P1"),
        (4, "Mitigation", 300, 3600, ("restart",), "P1"),
        (6, "Review", 3600, None, (), "P1"),
    ]
