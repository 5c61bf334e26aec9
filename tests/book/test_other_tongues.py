"""What is told, when and how often, in runbooks that are not written in English."""

from __future__ import annotations

import pytest

from watchkeeper.book.read.instructions import is_instruction
from watchkeeper.book.reader import read_source


@pytest.mark.parametrize(
    "said",
    [
        "Selecciona la copia más reciente", "Genere una clave nueva", "DESCONECTAR los equipos", "Ative o modo de manutenção",
        "Redéployez le service", "Réduire le nombre de tâches", "Prüfe die Warteschlange", "Warteschlange leeren",
        "Dienst bei Bedarf zurücksetzen",
    ],
)  # fmt: skip
def test_an_imperative_or_infinitive_tells(said: str) -> None:
    assert is_instruction(said)


@pytest.mark.parametrize(
    "said", ["Toma de decisiones", "Active users", "Usuarios afectados", "Partner team", "Uso de memoria", "Datenbank voll"]
)
def test_a_noun_tells_nothing(said: str) -> None:
    assert not is_instruction(said)


def test_steps_in_spanish_make_a_procedure() -> None:
    book = read_source("r.md", "# Tienda\n\n## Copia manual\n\n1. Abre el panel → **Restaurar**.\n2. Introduce un nombre.\n")
    assert [p.title for p in book.procedures] == ["Copia manual"]


def test_a_column_of_frequencies_may_be_qualified() -> None:
    table = (
        "| Tarefa | Frequência recomendada | O que faz |\n|---|---|---|\n"
        "| fila | a cada 5 min | drena |\n| relatório | mensal dia 5 09:00 | envia |\n| limpeza | diário 04:30 | apaga |\n"
    )
    book = read_source("r.md", f"# Loja\n\n## Tarefas\n\n{table}")
    assert [(s.every, s.at) for s in book.schedules] == [("minute", None), ("month", "09:00"), ("day", "04:30")]
    assert book.schedules[1].rrule == "FREQ=MONTHLY;BYMONTHDAY=5;BYHOUR=9;BYMINUTE=0"


def test_the_period_may_follow_its_noun() -> None:
    book = read_source("r.md", "# Tienda\n\n## Frecuencia recomendada\n\n- Revisión semanal: costos y copias.\n")
    assert [(s.every, s.title) for s in book.schedules] == [("week", "costos y copias")]


def test_jobs_named_by_their_time_of_day_run_every_day() -> None:
    book = read_source("r.md", "# Loja\n\n## Cron jobs\n\n- **03:00 UTC**: cópia do banco\n- **A cada 5min**: verificação\n")
    assert [(s.every, s.at, s.timezone) for s in book.schedules] == [("day", "03:00", "UTC"), ("minute", None, None)]


def test_a_window_in_spanish() -> None:
    book = read_source("r.md", "# Tienda\n\n## Alertas\n\n- Tasa de errores > 1% en 5 minutos\n")
    assert [(t.value, t.for_s) for t in book.thresholds] == [(1.0, 300.0)]


def test_the_script_that_a_shell_is_given_is_a_tool() -> None:
    book = read_source("r.md", "# Loja\n\n## Backup\n\n```bash\nbash scripts/backup.sh --full\n```\n")
    assert [c.tools for p in book.procedures for s in p.steps for c in s.commands] == [("bash", "backup.sh")]
