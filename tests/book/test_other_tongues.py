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
