"""Forms that people write apart from the usual ones, and words that look like facts and belong to a step."""

from __future__ import annotations

from textwrap import dedent

import pytest

from watchkeeper.book.model import Book
from watchkeeper.book.reader import read_source


def book(source: str) -> Book:
    return read_source("shop.md", dedent(source).lstrip("\n"))


def states(source: str) -> list[tuple[str, str | None, float | None]]:
    return [(t.subject, t.state, t.for_s) for t in book(source).thresholds if t.op == "is"]


def figures(source: str) -> list[tuple[str, float | None, str | None, float | None]]:
    return [(t.op, t.value, t.unit, t.for_s) for t in book(source).thresholds if t.op != "is"]


def test_lower_case_names_in_a_list_of_alerts() -> None:
    source = "## Alerts\n- shop-front is down for 10 seconds\n- payment service down\n"
    assert states(source) == [("shop-front is down", "down", 10), ("payment service down", "down", None)]


def test_how_urgent_a_list_is_makes_it_one_of_alerts() -> None:
    assert states("## Alerting\n### Page immediately\n- shop unreachable\n") == [("shop unreachable", "unreachable", None)]
    assert states("## Alerting\n### Actions\n- shop unreachable\n") == []


def test_sentence_about_an_alert_states_it() -> None:
    assert states("### Meaning\nThe alert fires when a backup has failed for more than 30 minutes.\n")[0][1:] == ("failed", 1800)


@pytest.mark.parametrize(
    "source",
    [
        "## Restart\n1. If `redis-cli LLEN orders` prints more than 5, scale out\n",
        "## Slow shop\nIf the CPU stays above 90%, add a worker.\n",
        "## Restart\n1. Falls mehr als 50 Aufträge warten, zweiten Dienst starten\n",
        "## Check\n```bash\ncount-them\n# Expected: less than 35\n```\n",
        "## Verify\n**Expected:** less than 35 connections\n",
        "## Restart\n1. Restart it\n2. The error rate should drop below 1% within 5 minutes\n",
        "## Restart\n1. Verify that the error rate stays below 1%\n",
        "## Severity levels\n- **P2**: the shop is impaired for > 5 minutes\n",
        "## Severities\n| Severity | Definition | Response |\n|---|---|---|\n| P1 | Shop degraded | 5 min |\n",
    ],
)
def test_what_belongs_to_a_step_or_grades_a_severity_is_no_threshold(source: str) -> None:
    assert book(source).thresholds == ()


@pytest.mark.parametrize(
    "source",
    [
        "## Restart\n1. Restart it\n\n**Escalation**: If the queue is above 500, escalate to Ben\n",
        "## Restart\nIf the queue exceeds 500, page the on-call engineer.\n",
        "## Alerts\n- If queue length > 500, look at the workers\n",
        "## Deploy\n1. Rollback if queue length > 500\n",
    ],
)
def test_what_calls_for_somebody_stays_a_threshold(source: str) -> None:
    assert [value for _, value, _, _ in figures(source)] == [500]


def test_condition_in_the_first_column() -> None:
    source = "| Alert | Held for | Severity |\n|---|---|---|\n| queue length > 500 | 10m | P2 |\n| shop not running | 2m | P1 |\n"
    found = book(source).thresholds
    assert [(t.op, t.value, t.state, t.for_s, t.severity) for t in found] == [
        (">", 500, None, 600, "P2"),
        ("is", None, "down", 120, "P1"),
    ]


def test_promises_by_column() -> None:
    source = "## SLAs\n| Data | Freshness SLA | Completeness |\n|---|---|---|\n| orders | < 15 min | > 99.5% |\n"
    assert [(t.role, t.op, t.value, t.unit) for t in book(source).thresholds] == [
        ("objective", "<", 900, "seconds"),
        ("objective", ">", 99.5, "percent"),
    ]


def test_bands_in_brackets() -> None:
    found = book("## Metrics\n- Queue depth (warning: 1000, critical: 5000)\n").thresholds
    assert [(t.op, t.value) for t in found] == [(">", 1000), (">", 5000)]


def test_figures_in_words_and_windows_in_brackets() -> None:
    assert figures("## Alerts\n- errors above 3% for five minutes\n") == [(">", 3, "percent", 300)]
    assert figures("## Alerts\n- errors > 3% (5 min window)\n") == [(">", 3, "percent", 300)]
    assert figures("## Alarm\n- Warteschlange > 10.000\n")[0][:2] == (">", 10000)


def test_each_alert_of_a_fence_keeps_its_own_duration() -> None:
    source = (
        "## Alerts\n```yaml\n- name: A\n  condition: error_rate > 5%\n  duration: 5m\n- name: B\n"
        "  condition: disk_free < 15%\n  duration: 10m\n```\n"
    )
    assert [for_s for *_, for_s in figures(source)] == [300, 600]


@pytest.mark.parametrize(
    "source",
    [
        "front → ledger-db\n",
        "## Architecture\n- front → ledger-db\n",
        "Request path: front -> ledger-db.\n",
        "| Service | Port | Depends on |\n|---|---|---|\n| front | 80 | ledger-db |\n",
    ],
)
def test_dependencies_outside_of_drawings(source: str) -> None:
    assert [(d.source, d.needs) for d in book(source).dependencies] == [("front", "ledger-db")]


@pytest.mark.parametrize(
    "source",
    ["open → closed → done\n", "## Incident flow\n- triage → mitigate\n", "Settings -> Users\n", "On-call → Team lead\n"],
)
def test_other_arrows_are_no_dependencies(source: str) -> None:
    assert book(source).dependencies == ()


def test_contacts_with_variables_handles_and_headings_of_their_own() -> None:
    source = """
        ## Contacts
        - On-call phone: $ONCALL_PHONE
        - Email service: Nimbus support (help@nimbus.example)
        - Primary: @anna in Slack

        ### Hosting support
        - Phone: +49 800 1234567
        - Email: help@hosting.example
    """
    found = book(source).contacts
    assert found[0].phone == "$ONCALL_PHONE"
    assert [(c.line, c.role) for c in found] == [
        (2, "On-call phone"),
        (3, "Email service"),
        (4, "Primary"),
        (7, "Hosting support"),
    ]


def test_dotted_leaders_and_pairs_in_a_table() -> None:
    source = (
        "## Contact list\n```\nHotline ........ +1-555-0100 (24x7)\n```\n\n| | |\n|---|---|\n| On-call | anna@shop.example |\n"
    )
    assert [(c.role, c.phone or c.email) for c in book(source).contacts] == [
        ("Hotline", "+1-555-0100"),
        ("On-call", "anna@shop.example"),
    ]


@pytest.mark.parametrize(
    "source",
    [
        "## Escalation\n- T+0: on-call engineer\n- T+15 min: team lead\n",
        "## Escalation\n| Elapsed | Who |\n|---|---|\n| 0 min | On-call engineer |\n| 15 min | Team lead |\n",
        "## Escalation\n- immediately: on-call engineer\n- after 15 minutes: page the team lead\n",
    ],
)
def test_ladders_by_the_clock(source: str) -> None:
    assert [(e.level, e.role.lower(), e.after_s) for e in book(source).escalation] == [
        (1, "on-call engineer", 0),
        (2, "team lead", 900),
    ]


def test_growth_in_tables_and_sentences() -> None:
    table = "Subject | Growth | Within\n--- | --- | ---\norders | +40% | 6 months\n"
    said = "We expect orders to grow by 40% over the next 6 months and storage by 20% per year.\n"
    assert [(g.subject, g.percent, g.within_s) for g in book(table).growth] == [("orders", 40, 15552000)]
    assert [(g.subject, g.percent, g.within_s) for g in book(said).growth] == [
        ("orders", 40, 15552000),
        ("storage", 20, 31536000),
    ]


def test_rules_of_proxies_and_edges_are_configuration() -> None:
    proxy = "```\nglobal\n    maxconn 20000\nbackend web\n    balance leastconn\n    server a 10.0.0.1:80 check\n```\n"
    edge = "```\n/static/*  cache 30d\n/api/*     no-cache\n```\n"
    (first,) = book(proxy).configs
    assert (first.kind, first.target, first.values["global.maxconn"]) == ("haproxy", "web", 20000)
    assert [(c.kind, c.values) for c in book(edge).configs] == [("cdn", {"/static/*": "cache 30d", "/api/*": "no-cache"})]


def test_schedules_in_tables_and_sentences() -> None:
    table = "| Job | Cron | Time |\n|---|---|---|\n| backup | `0 3 * * *` | |\n| purge | weekly | 04:00 |\n"
    said = "Logs go nightly at 01:00. Every Monday at 09:00 Anna reads the incidents.\n"
    assert [(s.every, s.at) for s in book(table).schedules] == [("day", "03:00"), ("week", "04:00")]
    assert [(s.every, s.at) for s in book(said).schedules] == [("day", "01:00"), ("week", "09:00")]


def test_another_language_altogether() -> None:
    found = book("""
        ## Contatti
        - **Reperibilità**: +39 333 1234567
        ## Livelli di severità
        - **P1 – Critico**: tutto fermo. Tempo di risposta: 15 minuti
        ## Soglie di allarme
        - CPU > 90% per 10 minuti
        ## Escalation
        1. Reperibilità (immediata)
        2. Responsabile IT (dopo 30 minuti)
        ## Manutenzione
        - **Settimanale**: aggiornamenti
    """)
    assert [c.phone for c in found.contacts] == ["+39 333 1234567"]
    assert [(s.code, s.respond_within_s) for s in found.severities] == [("P1", 900)]
    assert [(t.value, t.for_s) for t in found.thresholds] == [(90, 600)]
    assert [(e.level, e.after_s) for e in found.escalation] == [(1, 0), (2, 1800)]
    assert [s.every for s in found.schedules] == ["week"]


def test_objectives_without_a_colon_and_vendors_without_an_address() -> None:
    found = book("## Backups\nRPO 24h / RTO 2h\n\n## Contacts\n- Nimbus support: premium plan, case in the console\n")
    assert [(r.kind, r.seconds) for r in found.recovery] == [("rpo", 86400), ("rto", 7200)]
    assert [c.role for c in found.contacts] == ["Nimbus support"]


def test_levels_with_their_time_in_brackets_and_severities_with_a_blank() -> None:
    found = book("""
        ## Incident severity
        **Sev 1 – Critical** (respond in 5 min)
        All of it

        ## Escalation
        Level 1 (0–15 min): On-call engineer
        Level 2 (15–45 min): Team lead
    """)
    assert [(s.code, s.respond_within_s) for s in found.severities] == [("SEV1", 300)]
    assert [(e.level, e.role, e.after_s) for e in found.escalation] == [(1, "On-call engineer", 0), (2, "Team lead", 900)]


def test_messages_quoted_under_communication() -> None:
    source = "## Communication\n### Status page – investigating\n> We are looking into failed orders and shall write soon.\n"
    assert [t.line for t in book(source).templates] == [3]
