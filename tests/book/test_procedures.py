"""Which sections are procedures, and what their steps are."""

import pytest

from watchkeeper.book.model import Procedure
from watchkeeper.book.read.procedures import read_procedures
from watchkeeper.text.markdown import read_text


def procedures(source: str) -> tuple[Procedure, ...]:
    return read_procedures(read_text(source))[0]


def test_stages_are_folded_into_the_problem_they_belong_to() -> None:
    source = (
        "# Shop\n\n## Common Issues\n\n### Checkout fails\n\n#### Symptoms\n- 502 errors\n\n"
        "#### Investigation Steps\n```bash\n# Look at the log\n"
        "docker compose logs shop\n```\n\n#### Resolution\n1. Restart the shop\n\n### Orders stuck\n\n"
        "**Diagnosis**:\n```sql\nSELECT 1;\n```\n"
    )
    first, second = procedures(source)
    assert (first.title, first.line, first.kind, first.symptoms) == ("Checkout fails", 5, "troubleshooting", ("502 errors",))
    assert [(step.phase, step.manual) for step in first.steps] == [("diagnose", False), ("act", True)]
    assert second.id == "common-issues/orders-stuck"


def test_an_alert_page_whose_headings_are_all_stages_is_one_procedure() -> None:
    source = (
        "# CheckoutDown\n\n## Meaning\nNobody can pay.\n\n## Diagnosis\nCheck `kubectl get pods`.\n\n"
        "## Mitigation\n1. Restart the shop\n"
    )
    (only,) = procedures(source)
    assert (only.title, only.line, [step.phase for step in only.steps]) == ("CheckoutDown", 1, ["diagnose", "act"])


def test_lists_broken_by_unindented_fences_stay_one_procedure() -> None:
    source = (
        "## Restore the shop\n\n1. Stop it\n```bash\nsystemctl stop shop\n```\n2. Copy the data\n```bash\n"
        "cp -a /b /a\n```\n3. Tell Ben\n"
    )
    (only,) = procedures(source)
    assert [command.text for step in only.steps for command in step.commands] == ["systemctl stop shop", "cp -a /b /a"]
    assert only.steps[-1].manual


def test_comments_give_steps_and_a_comment_without_a_command_is_for_a_person() -> None:
    source = (
        "## Daily check\n```bash\n# 1. Check disk\ndf -h\n\n# 2. Review the dashboard\n\n"
        "# 3. If it is full, clean up\ndocker system prune -f  # use with care\n```\n"
    )
    (only,) = procedures(source)
    assert [(step.text, step.when, step.manual) for step in only.steps] == [
        ("Check disk", None, False), ("Review the dashboard", None, True), ("clean up", "it is full", False),
    ]  # fmt: skip


def test_platforms_and_or_are_alternatives_of_one_step() -> None:
    source = (
        "## Restart\n1. Restart it:\n   ```bash\n   # Docker\n   docker compose restart shop\n\n"
        "   # Kubernetes\n   kubectl rollout restart deploy/shop\n   ```\n2. Look:\n   ```bash\n"
        "   kubectl get pods\n   # or\n   docker compose ps\n   ```\n"
    )
    (only,) = procedures(source)
    assert [[command.alternative for command in step.commands] for step in only.steps] == [
        ["docker", "kubernetes"],
        ["kubernetes", "docker"],
    ]


def test_a_platform_with_a_remark_ends_where_both_are_meant() -> None:
    (only,) = procedures(
        "## Make room\n\nOn a Kubernetes node:\n\n```bash\ncrictl rmi --prune\n```\n\n"
        "On a Docker host (images of the last week stay, so that a release can be taken back, and volumes are not touched):\n\n"
        "```bash\ndocker image prune -f\n```\n\nOn both:\n\n```bash\njournalctl --vacuum-time=7d\n```\n"
    )
    assert [command.alternative for step in only.steps for command in step.commands] == ["kubernetes", "docker", None]


def test_an_or_comment_does_not_make_both_be_done() -> None:
    (only,) = procedures("## Renew\n```bash\n./renew.sh\n\n# Or force it\ncertbot renew --force-renewal\n```\n")
    assert only.steps[1].when == "instead of the step before"


def test_cautions_waits_and_escalation_are_kept() -> None:
    source = (
        "## Failover\n> **Warning**: data written meanwhile is lost.\n\n1. Promote it: `pg_ctl promote`\n"
        "2. Wait 5 minutes\n\n**Escalation**: page Ben after 15 minutes\n"
    )
    (only,) = procedures(source)
    assert only.steps[0].caution is not None
    assert (only.steps[1].wait_s, only.escalation, only.kind) == (300.0, "page Ben after 15 minutes", "failover")


def test_expected_results_hang_on_their_command() -> None:
    source = (
        "## Verify\n```bash\ncurl -fsS http://shop/health   # should return 200\n\n"
        "kubectl get pods | grep -c Running\n# Expected: at least 3\n\njournalctl -p err --since -5m\n```\n"
        "Must be empty.\n"
    )
    (only,) = procedures(source)
    found = [command.expects for step in only.steps for command in step.commands]
    assert [(one.kind if one else None) for one in found] == ["shows", "above", "empty"]


@pytest.mark.parametrize(
    ("item", "fence", "wanted"),
    [
        ("Verify. Expected: status 200.", "curl -fsS http://shop/health", ["200"]),
        ("Can it write? Expected: 0.", "psql -Atc 'SELECT pg_is_in_recovery()::int'", ["0"]),
        ("Does it take writes? Expected: f", "psql -Atc 'SELECT pg_is_in_recovery()'", ["f"]),
        # what changes something tells of itself, and of two looks nobody knows which is meant
        ("Restart it. Expected: active.", "systemctl restart shop", [None]),
        ("Verify. Expected: status 200.", "curl -fsS http://shop/health\ncurl -fsS http://shop/ready", [None, None]),
        ("Look. It should take a minute.", "kubectl get pods", [None]),
        ("Which ports? Expected: 80 and 443 and no more than yesterday.", "ss -ltn", ["443"]),
    ],
)
def test_what_an_item_expects_hangs_on_its_one_look(item: str, fence: str, wanted: list[str | None]) -> None:
    (only,) = procedures(
        f"## Shop is down\n\n1. Look around.\n2. {item}\n\n   ```bash\n   {fence.replace(chr(10), chr(10) + '   ')}\n   ```\n"
    )
    found = [command.expects for step in only.steps for command in step.commands]
    assert [expects and expects.value for expects in found] == wanted


def test_an_expected_result_above_its_command_is_not_that_of_the_command_before() -> None:
    above = "# Expected: rolled out\nkubectl rollout status deploy/shop\n# Expected: status 200\ncurl -fsS http://shop/health\n"
    below = "kubectl get pods\n# Expected: Running\ncurl -fsS http://shop/health\n# Expected: status 200\n"
    status = "kubectl rollout status deploy/shop\n# Expected: status 200\ncurl -fsS http://shop/health\n"
    for block, wanted in ((above, [None, "200"]), (below, ["Running", "200"]), (status, [None, "200"])):
        (only,) = procedures(f"## Verify the shop\n\n```bash\n{block}```\n")
        found = [command.expects for step in only.steps for command in step.commands]
        assert [expects and expects.value for expects in found] == wanted


def test_tables_of_problems_and_answers_are_branches() -> None:
    source = (
        "## Troubleshooting the cache\n| Problem | What to do |\n|---|---|\n"
        "| cache full | `redis-cli CONFIG SET maxmemory 2gb` |\n| cache down | `systemctl restart redis` |\n"
    )
    (only,) = procedures(source)
    assert [(step.when, step.commands[0].tools) for step in only.steps] == [
        ("cache full", ("redis-cli",)),
        ("cache down", ("systemctl",)),
    ]


def test_labels_are_read_in_other_languages() -> None:
    source = (
        "## Datenbank langsam\n\n**Symptome:**\n- Zeitüberschreitungen\n\n**Lösung:**\n```bash\n"
        "systemctl restart postgresql\n```\n\n## データベース障害\n\n**症状**: 応答なし\n\n**対応**:\n```bash\n"
        "systemctl restart postgresql\n```\n"
    )
    german, japanese = procedures(source)
    assert (german.symptoms, german.steps[0].phase, japanese.symptoms, japanese.steps[0].phase) == (
        ("Zeitüberschreitungen",),
        "act",
        ("応答なし",),
        "act",
    )


def test_what_nobody_can_carry_out_is_no_procedure() -> None:
    source = (
        "# Shop\n\n## Table of Contents\n1. [Check](#a)\n2. [Restart](#b)\n\n## Contacts\n"
        "- **On call**: Anna\n\n## Escalation Matrix\n1. **Level 1**: Anna\n2. **Level 2**: Ben\n\n"
        "## Key Metrics\n1. **CPU**: below 80%\n\n## Overview\nThe shop sells things.\n"
    )
    assert procedures(source) == ()


def test_a_stub_yields_nothing() -> None:
    assert read_procedures(read_text("# Runbook\n\nTBD\n\n## Symptoms\n\nTBD\n")) == ((), ())
    assert read_procedures(read_text("")) == ((), ())


def test_ids_are_unique_where_titles_repeat() -> None:
    found = procedures("## Restart\n```bash\nreboot\n```\n## Restart\n```bash\nreboot\n```\n")
    assert [procedure.id for procedure in found] == ["restart", "restart-2"]
