"""Forms that a runbook by strangers showed first: each is a small text of our own that has the same form."""

from __future__ import annotations

from textwrap import dedent

import pytest

from watchkeeper.book.model import Book
from watchkeeper.book.reader import read_source
from watchkeeper.book.shell import read_commands, read_inline


def book(source: str) -> Book:
    return read_source("shop.md", dedent(source).lstrip("\n"))


def tokens(source: str) -> list[str]:
    return [slot.token for slot in book(source).placeholders]


@pytest.mark.parametrize(
    ("line", "tools", "risk"),
    [
        ('docker ps -a | Select-String "shop"', ("docker", "Select-String"), "read"),
        ("docker exec shop-db pg_isready -U shop", ("docker", "pg_isready"), "read"),
        ("docker-compose ps  # all up?", ("docker-compose",), "read"),
        ("docker volume rm shop_data  # LOSES DATA", ("docker",), "destroy"),
        ('git checkout -b fix-$(Get-Date -Format "yyyy")', ("git", "Get-Date"), "change"),
        ("docker logs shop-web --tail 50", ("docker",), "read"),
        ("if ($bad) { docker volume rm shop_data }", ("docker",), "destroy"),
        (".\\scripts\\check-health.ps1", ("check-health.ps1",), "read"),
        ("Start-Sleep -Seconds 30", ("Start-Sleep",), "read"),
        ('& "C:\\shop.exe"', ("&",), "unknown"),
    ],
)
def test_programs_in_powershell_are_what_they_are_anywhere(line: str, tools: tuple[str, ...], risk: str) -> None:
    (command,) = read_commands(line, 1, "powershell")
    assert (command.tools, command.risk) == (tools, risk)


def test_each_line_of_powershell_is_a_command_also_where_it_begins_with_a_dot() -> None:
    found = read_commands(".\\shop.ps1 -Seed  # fill\n.\\shop.ps1 -Stop\n", 1, "powershell")
    assert [command.line for command in found] == [1, 2]


@pytest.mark.parametrize(
    "line", ["uvicorn shop:app --port 8000", "npm run dev", "pnpm dev", "flask run", "docker-compose logs -f web"]
)
def test_a_server_started_by_hand_does_not_return(line: str) -> None:
    assert read_commands(line)[0].endless


def test_statements_that_no_semicolon_parts_are_several() -> None:
    found = read_commands("SELECT count(*) FROM orders WHERE age > 5\nSELECT count(*) FROM carts\n")
    assert [(command.line, command.risk) for command in found] == [(1, "read"), (2, "read")]
    assert len(read_commands("SELECT count(*)\nFROM orders\n  WHERE id IN (\nSELECT id FROM carts)\n")) == 1


@pytest.mark.parametrize("text", ["DBCC CHECKDB('Shop')", "RESTORE VERIFYONLY FROM DISK = '/b/shop.bak'"])
def test_what_sql_server_only_checks_is_read(text: str) -> None:
    assert read_commands(text)[0].risk == "read"
    assert read_commands("RESTORE DATABASE Shop FROM DISK = '/b/shop.bak'")[0].risk == "destroy"


def test_slots_in_capitals_stand_anywhere() -> None:
    source = "## Restore\n```bash\ngcloud sql backups restore [BACKUP_ID] --backup-instance=[INSTANCE]\ncurl https://[HOST]/health\n```\n"
    assert tokens(source) == ["[BACKUP_ID]", "[INSTANCE]", "[HOST]"]
    assert tokens("## Check\n**[WARN] never at night**\n```bash\n[[ -f x ]] && grep '[A-Z]' f\n```\n") == []


def test_slots_of_other_scripts_stand_anywhere() -> None:
    assert tokens("## 通知模板\n```\nP[级别] 事件 #[编号]\n负责人: @[姓名]\n```\n") == ["[级别]", "[编号]", "[姓名]"]
    assert tokens("## Contacts\n| Role | Phone |\n|---|---|\n| On-call | [À définir] |\n") == ["[À définir]"]


def test_slots_of_headers_queries_and_devices() -> None:
    source = "## Page\n```bash\ncurl -H 'Authorization: OAuth TOKEN' https://shop.test/pages\nresize2fs /dev/sdX\n```\n"
    assert tokens(source) == ["TOKEN", "/dev/sdX"]
    assert tokens(
        "## Look\n```sql\nSELECT 1 FROM orders WHERE at > 'START_TIME';\nSELECT 1 WHERE state = 'PAID_OUT';\n```\n"
    ) == ["START_TIME"]


def test_a_mark_at_which_somebody_is_told_is_a_threshold() -> None:
    source = "# Disk\n## Alerts\n- **Alert at 70%:** plan\n- API limits at 90%\n- predicted to fill in 24h\n"
    found = [(t.op, t.value, t.unit) for t in book(source).thresholds]
    assert found == [(">=", 70, "percent"), (">=", 90, "percent"), ("<", 86400, "seconds")]


def test_addresses_and_values_by_band_are_no_states() -> None:
    assert (
        book("## Links\n- **Alert**: https://alerts.shop.test\n- **Threshold:** Warning: 80%, Critical: 90%\n").thresholds == ()
    )


def test_the_column_until_escalation_is_a_ladder() -> None:
    source = """
    ## Escalation
    | Severity | Time until escalation | Contact |
    |---|---|---|
    | Critical | immediately | Anna |
    | High | 30 min | Ben |
    """
    assert [(rung.role, rung.after_s, rung.severity) for rung in book(source).escalation] == [
        ("Anna", 0, "critical"), ("Ben", 1800, "high"),
    ]  # fmt: skip


def test_severities_in_one_line() -> None:
    found = book("# Shop\n**Severity levels:** P1 (critical) / P2 (major)\n").severities
    assert [(severity.code, severity.name) for severity in found] == [("P1", "critical"), ("P2", "major")]


def test_people_without_an_address_are_contacts_all_the_same() -> None:
    source = "## Escalation\n| Role | Who | Contact |\n|---|---|---|\n| Lead | TBD | - |\n"
    assert [contact.role for contact in book(source).contacts] == ["Lead"]
    source = "## Emergency Contacts\n### On-Call Rotation\n- **Primary**: shop engineer (24/7)\n- **Escalation**: head of shop\n"
    assert [contact.role for contact in book(source).contacts] == ["Primary: shop engineer (24/7)", "Escalation: head of shop"]
    source = "## Kontakte\n**Stufe 3 - Entwicklung:**\n- E-Mail: dev@shop.example\n- Notfall-Hotline: [Nummer]\n"
    assert [contact.role for contact in book(source).contacts] == ["Stufe 3 - Entwicklung"]


def test_a_heading_has_the_period_of_what_is_around() -> None:
    source = """
    ## Tägliche Aufgaben
    ### Übersicht ansehen (09:15 Uhr)
    - [ ] alles grün
    ## Wöchentlich
    ### Montag: Trends
    #### Bericht
    ```bash
    # Wöchentlicher Bericht
    ./report.sh
    ```
    """
    assert [(s.every, s.at, s.line) for s in book(source).schedules] == [("day", "09:15", 2), ("week", None, 5)]


def test_a_name_in_hyphens_holds_no_weekday() -> None:
    assert book("## ceph-mon-quorum\n```bash\nceph mon stat\n```\n").schedules == ()
    assert (
        book("## Maintenance (Mon-Fri 02:00)\n- [ ] clean\n").schedules[0].rrule == "FREQ=WEEKLY;BYDAY=MO,FR;BYHOUR=2;BYMINUTE=0"
    )


def test_a_page_about_one_alert_is_one_procedure() -> None:
    source = """
    # Alert: ShopDiskFull
    ## Immediate Actions
    1. [ ] Check the disk
    ## Investigation
    ### Disk
    ```bash
    df -h
    ```
    ## Resolution
    ### Relief
    ```bash
    journalctl --vacuum-size=1G
    ```
    ## Verification
    ```bash
    df -h /
    ```
    """
    (procedure,) = book(source).procedures
    assert [command.text for step in procedure.steps for command in step.commands] == [
        "df -h",
        "journalctl --vacuum-size=1G",
        "df -h /",
    ]


def test_what_alone_stands_beside_the_symptoms_is_the_remedy_whatever_its_words() -> None:
    source = "## Awarie\n### 1. Sklep\n#### Symptomy\n- błędy\n#### Odtwarzanie sklepu\n```bash\nsystemctl restart shop\n```\n"
    assert [procedure.title for procedure in book(source).procedures] == ["1. Sklep"]


def test_advice_under_troubleshooting_is_a_procedure_and_settings_are_none() -> None:
    source = """
    # Shop
    ## Troubleshooting
    ### Shop cannot reach the API
    - Ensure the API is running
    - Check the proxy settings
    - Restart the shop
    ## Environment variables
    ### Shop (`.env`)
    ```bash
    SHOP_URL=http://127.0.0.1:8000
    ```
    ## Channels
    1. **Internal**: #shop
    """
    found = book(source)
    assert [procedure.title for procedure in found.procedures] == ["Shop cannot reach the API"]
    assert found.commands == ()


def test_a_notice_is_known_by_its_greeting() -> None:
    found = book("## Customers\n**Outage:**\n```\nDear customer,\n\nthe shop is down. We are working on it.\n```\n").templates
    assert [template.name for template in found] == ["Outage"]


def test_a_program_that_only_looks_counts_beside_commands() -> None:
    source = "## Slow\n1. Look at the machine (`top`, `free -h`)\n2. Open `shop`\n"
    assert [command.tools for step in book(source).procedures[0].steps for command in step.commands] == [("top",), ("free",)]


def test_a_program_below_the_folder_and_one_that_nobody_knows() -> None:
    command = read_inline("scripts/shop-restore-test --config-dir /etc/shop")
    assert command is not None
    assert command.tools == ("shop-restore-test",)
    assert [c.tools for c in read_commands("shopctl connect ssh --environment staging -- -N", 1, "")] == [("shopctl",)]
    assert read_commands("usage: shopctl connect --environment NAME", 1, "") == ()
    assert read_commands('"P1: the shop is down - by @anna"', 1, "bash") == ()


def test_objectives_in_a_sentence_that_goes_over_a_line() -> None:
    found = book(
        "## Objectives\nThe timer gives an RPO of at most 24 hours. The first RTO\ntarget is 60 minutes, with everything.\n"
    ).recovery
    assert [(one.kind, one.seconds) for one in found] == [("rpo", 86400), ("rto", 3600)]


def test_a_place_is_no_command_and_a_query_of_metrics_is_none() -> None:
    source = """
    ## Backup
    **Location**: `/srv/shop/backup-db.sh`
    ```bash
    ./backup-db.sh
    ```
    ```console
    sum(rate(shop_total[5m]))
    ```
    """
    found = book(source)
    within = [command for procedure in found.procedures for step in procedure.steps for command in step.commands]
    assert [command.text for command in (*found.commands, *within)] == ["./backup-db.sh"]


def test_a_command_after_if_necessary_is_done_under_that_condition() -> None:
    (procedure,) = book("## Shop down\n1. Look at the shop\n2. Restart it if necessary: `systemctl restart shop`\n").procedures
    assert (procedure.steps[1].when, [c.text for c in procedure.steps[1].commands]) == ("necessary", ["systemctl restart shop"])


def test_the_severity_of_a_table_of_properties_is_that_of_its_threshold() -> None:
    source = "### ShopSlow\n| Property | Value |\n|---|---|\n| Severity | Warning |\n| Threshold | p95 latency > 2s for 5m |\n"
    (threshold,) = book(source).thresholds
    assert (threshold.severity, threshold.value, threshold.for_s) == ("warning", 2, 300)


def test_long_words_for_slots() -> None:
    assert tokens("## Restore\n```bash\n./verify.sh /b/shop-YYYYMMDDTHHMMSSZ.dump --key replace-with-your-own-key\n```\n") == [
        "YYYYMMDDTHHMMSSZ", "replace-with-your-own-key",
    ]  # fmt: skip


def test_what_must_be_ready_before_is_no_procedure() -> None:
    assert book("# Shop\n## Prerequisites\n- [ ] Install the tool\n- [ ] Read the page\n").procedures == ()
