"""What a list says exists, became or is promised: jobs that are set up, marks of what was done, availability, graded alerts."""

from __future__ import annotations

import pytest

from watchkeeper.book.reader import read_source


@pytest.mark.parametrize("title", ["Cron jobs configurados", "Configured cron jobs", "Existing timers", "Konfigurierte Jobs"])
def test_jobs_that_are_set_up_are_nothing_to_carry_out(title: str) -> None:
    book = read_source("book.md", f"# Laden\n\n## {title}\n\n```bash\n# orders\n/opt/laden/export-orders.sh\ncrontab -l\n```\n")
    assert not book.procedures
    assert [command.text for command in book.commands] == ["/opt/laden/export-orders.sh", "crontab -l"]


@pytest.mark.parametrize("title", ["Restart the cron jobs", "Cron jobs do not run", "Scheduled jobs"])
def test_work_on_jobs_stays_a_procedure(title: str) -> None:
    book = read_source("book.md", f"# Laden\n\n## {title}\n\n```bash\nsystemctl restart cron\n```\n")
    assert [procedure.title for procedure in book.procedures] == [title]


def test_numbered_steps_beneath_such_a_heading_are_carried_out() -> None:
    book = read_source(
        "book.md", "# Laden\n\n## Existing jobs\n\n1. Stop the worker: `systemctl stop worker`\n2. Check the queue\n"
    )
    assert len(book.procedures) == 1


@pytest.mark.parametrize("word", ["applied", "done", "DONE", "pending", "in progress", "skipped", "erledigt", "hecho", "完了"])
def test_what_became_of_something_is_no_placeholder(word: str) -> None:
    assert not read_source("book.md", f"# A\n\n- [{word}] Raise the pool\n- Move the logs [{word}]\n").placeholders


def test_a_name_in_brackets_stays_a_placeholder() -> None:
    found = read_source("book.md", "# A\n\n- Ask [name of the lead] [done]\n").placeholders
    assert [one.token for one in found] == ["[name of the lead]"]


@pytest.mark.parametrize(
    ("line", "value"),
    [
        ("- Availability: 99.9 %", 99.9),
        ("- **Uptime**: 99.95%", 99.95),
        ("- Verfügbarkeit: 99,9 %", 99.9),
        ("- Disponibilidad: 99.5% mensual", 99.5),
        ("SLA 99.95 % uptime", 99.95),
        ("SLO: 99.9% availability per month", 99.9),
        ("- Availability target: 99.99%", 99.99),
    ],
)
def test_a_promised_availability_is_an_objective(line: str, value: float) -> None:
    (found,) = read_source("book.md", f"# Shop\n\n## Service\n\n{line}\n").thresholds
    assert (found.role, found.op, found.value, found.unit, found.metric, found.line) == (
        "objective", ">=", value, "percent", "availability", 5,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("heading", "line"),
    [
        ("Monthly report", "- Uptime: 99.95%"),
        ("Service", "- Availability last month: 99.7 %"),
        ("Service", "- Current uptime: 99.7 %"),
        ("Service", "- Availability: 24/7"),
        ("Service", "- Availability: 40 %"),
        ("Current status", "- Availability: 99.7 %"),
        ("Service", "Availability was 99.7 % in March."),
    ],
)
def test_a_measured_availability_is_none(heading: str, line: str) -> None:
    assert not read_source("book.md", f"# Shop\n\n## {heading}\n\n{line}\n").thresholds


def test_a_graded_line_beneath_alerts_is_watched_though_it_speaks_of_backups() -> None:
    text = "# A\n\n## Alerts\n\n**Warning**: Backup age > 26 hours\n\n**Critical**: Backup age > 50 hours\n"
    found = [(one.subject, one.op, one.value, one.severity, one.role) for one in read_source("book.md", text).thresholds]
    assert found == [("Backup age", ">", 93600.0, "warning", "alert"), ("Backup age", ">", 180000.0, "critical", "alert")]


def test_how_long_a_backup_takes_is_not_watched() -> None:
    text = "# A\n\n## Backups\n\n**Note**: The backup takes > 2 hours\n\n## Alerts\n\n**Remark**: The restore takes > 2 hours\n"
    assert not read_source("book.md", text).thresholds


@pytest.mark.parametrize(
    ("line", "every"),
    [
        ("Sincronizar estoque: horário", "hour"),
        ("Sincronizar estoque: de hora em hora", "hour"),
        ("Conferir filas: horária", "hour"),
    ],
)
def test_horario_beside_a_task_is_every_hour(line: str, every: str) -> None:
    (found,) = read_source("book.md", f"# Loja\n\n## Tarefas agendadas\n\n- {line}\n").schedules
    assert (found.every, found.rrule) == (every, "FREQ=HOURLY")


def test_horario_among_other_words_is_when_somebody_is_there() -> None:
    assert not read_source("book.md", "# Loja\n\n## Tarefas agendadas\n\n- Atendimento: horário comercial\n").schedules


def test_a_column_of_hours_gives_the_time_or_how_often() -> None:
    text = (
        "# Loja\n\n## Rotinas\n\n| Tarefa | Horário | Frequência |\n|---|---|---|\n| Cópia | 02:00 | diário |\n\n"
        "| Tarefa | Horário |\n|---|---|\n| Estoque | a cada 2 horas |\n| Preços | horário |\n"
    )
    found = [(one.title, one.rrule) for one in read_source("book.md", text).schedules]
    assert found == [
        ("Cópia", "FREQ=DAILY;BYHOUR=2;BYMINUTE=0"), ("Estoque", "FREQ=HOURLY;INTERVAL=2"), ("Preços", "FREQ=HOURLY"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    "path",
    [("Problemas", "Backup fallido (si el tamaño es cero)"), ("Copia de seguridad", "Backup fallido (si falla dos veces)")],
)
def test_a_backup_that_failed_is_a_trouble_in_spanish_too(path: tuple[str, str]) -> None:
    text = (
        f"# Tienda\n\n## {path[0]}\n\n### {path[1]}\n\n1. Revisar el espacio: `df -h`\n2. Reiniciar: `systemctl restart copia`\n"
    )
    (found,) = read_source("book.md", text).procedures
    assert (found.title, found.kind) == (path[1], "troubleshooting")


def test_a_backup_stays_a_backup_though_its_chapter_says_seguridad() -> None:
    text = (
        "# Tienda\n\n## Copia de seguridad\n\n### Copia diaria\n\n1. Iniciar: `systemctl start copia`\n\n"
        "## Seguridad\n\n### Rotar claves\n\n1. Rotar: `systemctl restart claves`\n"
    )
    assert [one.kind for one in read_source("book.md", text).procedures][1:] == ["security"]
    assert read_source("book.md", text).procedures[0].kind != "security"
