"""The file that `watchkeeper init` writes loads once its variables are set, and binds what the book asks for."""

from __future__ import annotations

import re
from pathlib import Path

from watchkeeper.book.model import Book, Component, Contact, Escalation, Placeholder, Severity, Threshold
from watchkeeper.cli.init import init
from watchkeeper.estate.bind import bind
from watchkeeper.estate.config import load_estate
from watchkeeper.estate.init import annotated_toml


def alert(line: int, subject: str, **more: object) -> Threshold:
    values: dict[str, object] = {"op": ">", "value": 5.0, **more}
    return Threshold(line=line, role="alert", subject=subject, text=f"{subject}\nas written", **values)  # type: ignore[arg-type]


BOOK = Book(
    title='The "Shop"',
    service="shop",
    components=(
        Component(line=1, name="Web", technology="FastAPI"),
        Component(line=2, name="Database", technology="PostgreSQL 16"),
        Component(line=3, name="Queue", technology="Redis"),
    ),
    thresholds=(
        alert(10, "Web is down", op="is", value=None, state="down"),
        alert(11, "Database connections", metric="database_connections", unit="percent"),
        alert(12, 'Errors of "cart"', metric="error_rate", unit="percent"),
        alert(13, "Queue length", metric="queue_length", severity="SEV3"),
        alert(14, "Queue length", metric="queue_length", severity="SEV2"),
        alert(15, "Moon phase"),
    ),
    severities=(Severity(line=20, code="SEV1"),),
    escalation=(Escalation(line=30, level=1, role="On-call engineer"), Escalation(line=31, level=2, role="On call Engineer!")),
    contacts=(Contact(line=40, role="Hosting\nsupport", phone="+1-XXX"),),
    placeholders=(
        Placeholder(line=50, token="${SHOP_HOST}", kind="env", lines=(50, 60)),
        Placeholder(line=51, token="<pod-name>", kind="angle"),
    ),
)


def test_the_written_file_loads_once_filled_and_binds_every_threshold(tmp_path: Path) -> None:
    text = annotated_toml(BOOK, tmp_path / "runbook.md")
    path = tmp_path / "watchkeeper.toml"
    path.write_text(text)
    wanted = set(re.findall(r'^(\w+) = \{ env = "\1" \}', text, re.MULTILINE))
    assert wanted == {"SHOP_HOST", "WEB_HTTP_URL", "DATABASE_POSTGRES_DSN", "PROMETHEUS_URL", "QUEUE_REDIS_URL"}
    environment = {name: "postgresql://db/shop" if "DSN" in name else "http://127.0.0.1" for name in wanted}
    estate = load_estate(path, environment)
    bindings = bind(BOOK, estate)
    assert not bindings.unbound
    assert not bindings.unused
    assert {item.threshold.subject: item.reading for item in bindings.bound} == {
        "Web is down": "up",
        "Database connections": "connections_percent",
        'Errors of "cart"': 'percent(rate(http_requests_total{status=~"5.."}[1m]), rate(http_requests_total[1m]))',
        "Queue length": "list_celery",
        "Moon phase": "value",
    }
    assert [person.roles for person in estate.people.values()] == [("On-call engineer",), ("On call Engineer!",)]
    assert estate.policy.mode == "ask"
    assert estate.policy.change_allowed == ()


def test_what_is_missing_is_marked_with_the_line_of_the_book() -> None:
    text = annotated_toml(BOOK, Path("runbook.md"))
    assert 'SHOP_HOST = { env = "SHOP_HOST" }    # missing: used in line 50, 60 of the book' in text
    assert "# line 51: <pod-name> is to be filled in by a person" in text
    assert "# line 40: Hosting support, +1-XXX" in text
    assert "# line 15: Moon phase as written" in text


def test_a_book_that_says_nothing_gives_a_file_that_loads(tmp_path: Path) -> None:
    path = tmp_path / "watchkeeper.toml"
    path.write_text(annotated_toml(Book(title=None, service=None), tmp_path / "on call.md"))
    assert load_estate(path, {}).service == "on-call"


def test_how_others_send_alerts_is_shown_for_the_sender_that_the_book_names(tmp_path: Path) -> None:
    book = Book(title="Shop", service="shop", components=(Component(line=1, name="Dashboards", technology="Grafana 11"),))
    text = annotated_toml(book, tmp_path / "runbook.md")
    assert "The book speaks of grafana." in text
    begin = text.index("# [hooks.grafana]")
    shown = re.sub("^# ", "", text[begin : text.index("# Who is told")], flags=re.MULTILINE)
    path = tmp_path / "watchkeeper.toml"
    head = '[service]\nname = "shop"\nrunbook = "r.md"\n[variables]\nGRAFANA_TOKEN = { env = "T", secret = true }\n'
    path.write_text(f"{head}{shown}")
    (tmp_path / "r.md").write_text("# Shop\n")
    estate = load_estate(path, {"T": "0123456789abcdef0123"})
    assert (estate.alerting.hooks["grafana"].kind, estate.signals["grafana-deliveries"].options["sender"]) == ("grafana",) * 2
    assert "The book speaks of" not in annotated_toml(BOOK, tmp_path / "runbook.md")


def test_a_book_that_raises_no_alert_is_told_that_nothing_is_watched() -> None:
    objective = Threshold(line=8, role="objective", subject="Error rate", op="<", value=1.0, text="Error rate\nbelow 1%")
    text = annotated_toml(Book(title="Shop", service=None, thresholds=(objective,)), Path("runbook.md"))
    assert "# missing: no threshold of the book raises an alert" in text
    assert "# line 8 is an objective only: Error rate below 1%" in text
    assert "raises an alert" not in annotated_toml(BOOK, Path("runbook.md"))


def test_the_address_that_the_book_has_stands_beside_the_role() -> None:
    ladder = (Escalation(line=1, level=1, role="On-call engineer"),)
    contacts = (Contact(line=5, role="the on-call engineer", email="anna@shop.example"),)
    text = annotated_toml(Book(title="Shop", service=None, escalation=ladder, contacts=contacts), Path("runbook.md"))
    assert "; line 5 has anna@shop.example" in text


def test_a_book_without_a_ladder_is_told_who_would_be_told_when(tmp_path: Path) -> None:
    runbook = tmp_path / "runbook.md"
    runbook.write_text(
        "# Shop runbook\n\n## Contacts\n\n| Role | Email | Hours |\n|---|---|---|\n| On-call | oncall@shop.example | 24/7 |\n"
        "| CTO | cto@shop.example | critical escalations only |\n"
    )
    init(runbook)
    written = (tmp_path / "watchkeeper.toml").read_text()
    assert "# The book has no ladder. As it stands:" in written
    assert "#   Level 1, On-call, is told at once (line 7: the book has no ladder; its contact says “24/7”)." in written
    assert "#   Level 2, CTO, is told after 15 min" in written
