"""Rotas as watchkeeper.toml declares them: what is read, and what is refused with its line."""

from __future__ import annotations

from datetime import date, datetime
from pathlib import Path

import pytest

from watchkeeper.base.errors import ConfigError
from watchkeeper.estate.config import load_estate
from watchkeeper.estate.model import Estate

HEAD = """\
[service]
name = "shop"
runbook = "runbook.md"

[people.anna]
notify = ["json://127.0.0.1/anna"]

[people.ben]
notify = ["json://127.0.0.1/ben"]

"""


def load(folder: Path, text: str) -> Estate:
    (folder / "runbook.md").write_text("# Shop\n")
    (folder / "watchkeeper.toml").write_text(HEAD + text)
    return load_estate(folder / "watchkeeper.toml", {})


def test_one_layer_is_written_straight_into_the_rota(tmp_path: Path) -> None:
    text = """\
        [rotas.primary]
        roles = ["On-call engineer"]
        zone = "Europe/Berlin"
        people = ["anna", ["ben", "anna"]]
        turn = "12 hours"
        start = 2026-01-05T09:00:00Z
        hours = "Mon-Fri 09:00-17:00"
        """
    rota = load(tmp_path, text).rotas["primary"]
    [layer] = rota.layers
    assert (rota.roles, rota.people, rota.line) == (("On-call engineer",), ("anna", "ben"), 11)
    assert (layer.turns, layer.every, layer.unit) == ((("anna",), ("ben", "anna")), 12, "hours")
    assert layer.starts == datetime(2026, 1, 5, 10)  # noqa: DTZ001 - brought to the clocks of Berlin
    assert layer.hours[0].zone == "Europe/Berlin"


def test_layers_have_zones_and_holidays_of_their_own(tmp_path: Path) -> None:
    (tmp_path / "days.ics").write_text(
        "BEGIN:VCALENDAR\nVERSION:2.0\nPRODID:x\n"
        "BEGIN:VEVENT\nUID:1\nSUMMARY:Labour day\nDTSTART;VALUE=DATE:20260501\nRRULE:FREQ=YEARLY\nEND:VEVENT\n"
        "BEGIN:VEVENT\nUID:2\nSUMMARY:Easter\nDTSTART;VALUE=DATE:20260405\nDTEND;VALUE=DATE:20260407\nEND:VEVENT\n"
        "BEGIN:VEVENT\nUID:3\nSUMMARY:A meeting\nDTSTART:20260610T090000Z\nEND:VEVENT\nEND:VCALENDAR\n"
    )
    text = """\
        [rotas.sun]
        holidays = [2026-12-31, "12-25", "days.ics"]
        [[rotas.sun.layers]]
        name = "Berlin"
        people = ["anna"]
        zone = "Europe/Berlin"
        hours = ["09:00-17:00"]
        on_holidays = "off"
        [[rotas.sun.layers]]
        people = ["ben"]
        beside = true
        """
    rota = load(tmp_path, text).rotas["sun"]
    assert [(layer.name, layer.zone, layer.on_holidays, layer.beside) for layer in rota.layers] == [
        ("Berlin", "Europe/Berlin", "off", False),
        ("", "UTC", "as usual", True),
    ]
    kept = [date(2026, 12, 31), date(2027, 12, 25), date(2030, 5, 1), date(2026, 4, 5), date(2026, 4, 6)]
    assert all(rota.is_holiday(day) for day in kept)
    assert not any(rota.is_holiday(day) for day in (date(2026, 4, 7), date(2026, 6, 10), date(2027, 12, 31)))


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        ('[rotas.primary]\npeople = ["anna", "ben"]\n', 12, "has no start"),
        ('[rotas.primary]\npeople = ["anna", "carl"]\nstart = "2026-01-05"\n', 11, "names 'carl', whom [people] does not know"),
        ("[rotas.primary]\n", 11, "has nobody in it"),
        ("[rotas.primary]\npeople = []\n", 12, "has nobody in it"),
        ('[rotas.primary]\npeople = ["anna", 3]\n', 12, "is not a list of people"),
        ('[rotas.primary]\npeople = ["anna"]\nturn = "now and then"\n', 13, "is no length of a turn"),
        ('[rotas.primary]\npeople = ["anna"]\nturn = "0 days"\n', 13, "is no length of a turn"),
        ('[rotas.primary]\npeople = ["anna"]\nzone = "Europe/Atlantis"\n', 13, "is no time zone"),
        ('[rotas.primary]\npeople = ["anna"]\nhours = "at night"\n', 13, "are no hours"),
        ('[rotas.primary]\npeople = ["anna"]\nstart = "soon"\n', 13, "is no time"),
        ('[rotas.primary]\npeople = ["anna"]\nholidays = ["Christmas"]\n', 13, "'Christmas' is no day"),
        ('[rotas.primary]\npeople = ["anna"]\nholidays = ["02-30"]\n', 13, "'02-30' is no day"),
        ('[rotas.primary]\npeople = ["anna"]\nholidays = ["gone.ics"]\n', 13, "gone.ics cannot be read"),
        ('[rotas.primary]\npeople = ["anna"]\non_holidays = "off"\n', 13, "but not when they are"),
        ('[rotas.primary]\npeople = ["anna"]\ntrun = "daily"\n', 13, "Did you mean 'turn'"),
        ('[rotas.anna]\npeople = ["anna"]\n', 11, "the name of a person and of a rota"),
        ('[rotas.p]\n[[rotas.p.layers]]\npeople = ["anna"]\nbesides = true\n', 14, "Did you mean 'beside'"),
    ],
)
def test_what_cannot_be_used_is_refused_with_its_line(tmp_path: Path, text: str, line: int, said: str) -> None:
    with pytest.raises(ConfigError) as refused:
        load(tmp_path, text)
    assert refused.value.where == f"{tmp_path / 'watchkeeper.toml'}:{line}"
    assert said in f"{refused.value.message} {refused.value.hint}"


def test_a_route_may_tell_a_rota(tmp_path: Path) -> None:
    text = '[rotas.primary]\npeople = ["anna"]\n[routes.db]\ncomponent = "Database"\ntell = ["primary"]\n'
    assert load(tmp_path, text).alerting.routes[0].tell == ("primary",)
