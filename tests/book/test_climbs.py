"""What a book says of its whole ladder: that it begins again, and of which severity all its levels hear at once."""

from __future__ import annotations

import pytest

from watchkeeper.book.model import Book
from watchkeeper.book.reader import read_source

LADDER = """# Shop

## Escalation

1. On-call engineer (15 minutes)
2. Team lead (30 minutes)
3. CTO (1 hour)

{said}

## Updates

- Repeat every 5 minutes to everybody
"""


def read(said: str) -> Book:
    return read_source("r.md", LADDER.format(said=said))


def climbs(said: str) -> list[tuple[str, float | None, int | None, str | None]]:
    return [(climb.kind, climb.after_s, climb.times, climb.severity) for climb in read(said).climbs]


@pytest.mark.parametrize(
    ("said", "after_s", "times"),
    [
        ("Repeat every 10 minutes until acknowledged.", 600.0, None),
        ("If nobody answers, start again from level 1.", None, None),
        ("Nobody picked up? Go back to the first level after 20 minutes.", 1200.0, None),
        ("Page again after 5 minutes.", 300.0, 1),
        ("Call again after 5 min until somebody takes it.", 300.0, None),
        ("The ladder repeats twice.", None, 2),
        ("Repeat the whole escalation every 15 minutes, 3 times.", 900.0, 3),
        ("Alle 10 Minuten wiederholen, bis jemand übernimmt.", 600.0, None),
        ("Meldet sich niemand, beginnt es wieder bei Stufe 1.", None, None),
        ("Nach 5 Minuten erneut anrufen.", 300.0, 1),
        ("Repetir cada 10 minutos hasta que alguien responda.", 600.0, None),
        ("Si nadie responde, volver a empezar desde el nivel 1.", None, None),
        ("Répéter toutes les 10 minutes jusqu'à une réponse.", 600.0, None),
        ("Sans réponse, recommencer au niveau 1.", None, None),
        ("Repetir a cada 10 minutos até alguém assumir.", 600.0, None),
        ("Se ninguém responder, recomeçar do nível 1.", None, None),
    ],
)
def test_a_ladder_that_begins_again(said: str, after_s: float | None, times: int | None) -> None:
    assert climbs(said) == [("again", after_s, times, None)]
    assert [climb.line for climb in read(said).climbs] == [9]


@pytest.mark.parametrize(
    ("said", "severities"),
    [
        ("In a P0 everybody hears of it at once.", ["P0"]),
        ("The waits decide. For P0 and P1 all three are paged at once.", ["P0", "P1"]),
        ("All levels are paged at once for critical incidents.", ["critical"]),
        ("All levels are called simultaneously.", [None]),
        ("Bei P0 werden alle gleichzeitig angerufen.", ["P0"]),
        ("En P0 se avisa a todos a la vez.", ["P0"]),
        ("En P0, tous sont appelés en même temps.", ["P0"]),
        ("Em P0 todos são chamados ao mesmo tempo.", ["P0"]),
    ],
)
def test_a_severity_of_which_all_levels_hear_at_once(said: str, severities: list[str | None]) -> None:
    assert climbs(said) == [("together", None, None, severity) for severity in severities]


@pytest.mark.parametrize(
    "said",
    [
        "Repeat the status update every 30 minutes.",
        "Never page again after 5 minutes.",
        "Everybody is informed at once.",  # of no severity: that is a way of speaking
        "All alerts are reviewed every week.",
        "Check again after 5 minutes.",
        "They call every customer.",
    ],
)
def test_what_is_about_something_else(said: str) -> None:
    assert climbs(said) == []


def test_an_item_of_the_ladder_that_repeats_it_is_no_level() -> None:
    items = "1. On-call engineer\n2. Team lead (10 minutes)\n3. Repeat every 10 minutes until acknowledged\n"
    book = read_source("r.md", f"# Shop\n\n## Escalation\n\n{items}")
    assert [rung.role for rung in book.escalation] == ["On-call engineer", "Team lead"]
    assert [(climb.line, climb.after_s) for climb in book.climbs] == [(7, 600.0)]


def test_beneath_a_procedure_it_is_the_procedures_own() -> None:
    text = "\n### Database down\n\n#### Escalation\n\nPage again after 5 minutes.\n"
    assert read_source("r.md", LADDER.format(said="") + text).climbs == ()


def test_beneath_the_heading_of_a_severity_it_is_for_that_one() -> None:
    items = "1. Page on-call engineer\n2. If not responding in 5 minutes, page manager\n"
    book = read_source("r.md", f"## Escalation\n### P1\n{items}\nRepeat every 10 minutes.\n")
    assert [(climb.severity, climb.after_s) for climb in book.climbs] == [("P1", 600.0)]
