"""Schedules of PagerDuty, Opsgenie, GoAlert and Grafana OnCall: who was on call there is on call here, or it is said."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from watchkeeper.cli import execute
from watchkeeper.estate.config import load_estate
from watchkeeper.estate.model import Estate
from watchkeeper.people.importing import Imported, toml_of
from watchkeeper.people.rota import on_call
from watchkeeper.plugins.goalert import schedules as goalert
from watchkeeper.plugins.grafana_oncall import schedules as grafana
from watchkeeper.plugins.opsgenie import schedules as opsgenie
from watchkeeper.plugins.pagerduty import schedules as pagerduty

NOW = datetime(2026, 11, 27, 12, tzinfo=UTC)

PAGERDUTY = [
    {"users": [{"id": "PANNA", "name": "Anna Kowalska", "email": "anna@shop.example"}, {"id": "PBEN", "name": "Ben"}]},
    {
        "schedule": {
            "id": "PRIM", "name": "Primary (EU)", "time_zone": "Europe/Berlin",
            "schedule_layers": [
                {"name": "Weekend", "start": "2026-01-02T17:00:00+01:00", "end": None,
                 "rotation_virtual_start": "2026-01-02T17:00:00+01:00", "rotation_turn_length_seconds": 604800,
                 "users": [{"user": {"id": "PCARA", "summary": "Cara"}}],
                 "restrictions": [{"type": "weekly_restriction", "start_day_of_week": 5, "start_time_of_day": "17:00:00",
                                   "duration_seconds": 230400}]},
                {"name": "Base", "start": "2026-01-05T09:00:00+01:00", "end": None,
                 "rotation_virtual_start": "2026-01-05T09:00:00+01:00", "rotation_turn_length_seconds": 604800,
                 "users": [{"user": {"id": "PANNA", "summary": "Anna Kowalska"}}, {"user": {"id": "PBEN", "summary": "Ben"}}],
                 "restrictions": []},
                {"name": "Old", "start": "2020-01-05T09:00:00+01:00", "end": "2021-01-01T00:00:00+01:00",
                 "rotation_virtual_start": "2020-01-05T09:00:00+01:00", "rotation_turn_length_seconds": 86400,
                 "users": [{"user": {"id": "PBEN", "summary": "Ben"}}], "restrictions": []},
            ],
            "overrides_subschedule": {"rendered_schedule_entries": [{"start": "x", "end": "y"}]},
        }
    },
    {"escalation_policies": [{"id": "E1", "name": "Shop", "num_loops": 2, "escalation_rules": [
        {"escalation_delay_in_minutes": 15, "targets": [{"id": "PRIM", "type": "schedule_reference", "summary": "Primary (EU)"}]},
        {"escalation_delay_in_minutes": 30, "targets": [{"id": "PBEN", "type": "user_reference", "summary": "Ben"}]}]}]},
]  # fmt: skip
OPSGENIE = [
    {"data": [{"id": "u1", "username": "anna@shop.example", "fullName": "Anna"}, {"id": "u2", "username": "ben@shop.example",
                                                                                  "fullName": "Ben"}]},
    {"data": {"id": "s1", "name": "Ops", "timezone": "America/Chicago", "enabled": True, "rotations": [
        {"name": "Days", "startDate": "2026-01-05T14:00:00Z", "type": "daily", "length": 1,
         "participants": [{"type": "user", "username": "anna@shop.example"}, {"type": "user", "username": "ben@shop.example"},
                          {"type": "team", "name": "SRE"}],
         "timeRestriction": {"type": "time-of-day", "restriction": {"startHour": 8, "startMin": 0, "endHour": 20, "endMin": 0}}},
        {"name": "Weekend", "startDate": "2026-01-05T14:00:00Z", "type": "weekly", "length": 1,
         "participants": [{"type": "user", "username": "ben@shop.example"}],
         "timeRestriction": {"type": "weekday-and-time-of-day", "restrictions": [
             {"startDay": "saturday", "startHour": 0, "startMin": 0, "endDay": "sunday", "endHour": 23, "endMin": 30}]}}]}},
    {"data": [{"id": "e1", "name": "Ops escalation", "rules": [
        {"condition": "if-not-acked", "notifyType": "default", "delay": {"timeAmount": 5, "timeUnit": "minutes"},
         "recipient": {"type": "schedule", "name": "Ops"}},
        {"condition": "if-not-acked", "notifyType": "all", "delay": {"timeAmount": 10, "timeUnit": "minutes"},
         "recipient": {"type": "team", "name": "SRE"}}], "repeat": {"count": 3}}]},
]  # fmt: skip
GOALERT = [{"data": {
    "users": {"nodes": [{"id": "a", "name": "Anna", "email": "a@x.example"}, {"id": "b", "name": "Ben"},
                        {"id": "c", "name": "Cara"}]},
    "rotations": {"nodes": [{"id": "r1", "name": "Turns", "timeZone": "Europe/Berlin", "type": "daily", "shiftLength": 1,
                             "start": "2024-03-01T08:00:00Z", "userIDs": ["a", "b"], "activeUserIndex": 1,
                             "nextHandoffTimes": ["2026-11-28T08:00:00Z"]}]},
    "schedules": {"nodes": [{"id": "s1", "name": "Front line", "timeZone": "Europe/Berlin", "targets": [
        {"target": {"id": "r1", "type": "rotation", "name": "Turns"},
         "rules": [{"start": "00:00", "end": "00:00", "weekdayFilter": [True] * 7}]},
        {"target": {"id": "c", "type": "user", "name": "Cara"},
         "rules": [{"start": "09:00", "end": "17:00", "weekdayFilter": [False, True, True, True, True, True, False]}]}]}]},
    "escalationPolicies": {"nodes": [{"id": "p", "name": "Standard", "repeat": 3, "steps": [
        {"delayMinutes": 5, "targets": [{"id": "s1", "type": "schedule", "name": "Front line"}]},
        {"delayMinutes": 5, "targets": [{"id": "c", "type": "user", "name": "Cara"}, {"id": "#ops", "type": "slackChannel",
                                                                                      "name": "#ops"}]}]}]}}}]  # fmt: skip
GRAFANA = [
    {"results": [{"id": "U1", "username": "anna", "email": "anna@x.example"}, {"id": "U2", "username": "ben"},
                 {"id": "U3", "username": "cara"}]},
    {"results": [{"id": "S1", "type": "web", "name": "Platform", "time_zone": "Europe/Berlin", "shifts": ["O1", "O2", "O3"]},
                 {"id": "S2", "type": "ical", "name": "Elsewhere", "ical_url_primary": "https://x.example/a.ics"}]},
    {"results": [
        {"id": "O1", "type": "rolling_users", "name": "Week", "level": 0, "start": "2026-01-05T09:00:00", "duration": 604800,
         "frequency": "weekly", "interval": 1, "rolling_users": [["U1"], ["U2"]], "start_rotation_from_user_index": 1,
         "time_zone": "Europe/Berlin"},
        {"id": "O2", "type": "recurrent_event", "name": "Office", "level": 1, "start": "2026-01-05T10:00:00", "duration": 3600,
         "frequency": "weekly", "interval": 1, "by_day": ["MO", "WE"], "users": ["U3"]},
        {"id": "O3", "type": "override", "name": "Once", "start": "2026-01-05T10:00:00", "duration": 3600, "users": ["U3"]}]},
    {"results": [{"id": "C1", "name": "Default", "team_id": None}]},
    {"results": [
        {"id": "E2", "escalation_chain_id": "C1", "position": 1, "type": "wait", "duration": 600},
        {"id": "E1", "escalation_chain_id": "C1", "position": 0, "type": "notify_on_call_from_schedule",
         "notify_on_call_from_schedule": "S1"},
        {"id": "E3", "escalation_chain_id": "C1", "position": 2, "type": "notify_persons", "persons_to_notify": ["U3"]},
        {"id": "E4", "escalation_chain_id": "C1", "position": 3, "type": "trigger_webhook"}]},
]  # fmt: skip


def carried(found: Imported, folder: Path) -> Estate:
    """Write what was read as watchkeeper.toml, and read that."""
    (folder / "runbook.md").write_text("# Shop\n")
    head = '[service]\nname = "shop"\nrunbook = "runbook.md"\n\n'
    (folder / "watchkeeper.toml").write_text(head + toml_of(found, "elsewhere"))
    return load_estate(folder / "watchkeeper.toml", {})


def who(estate: Estate, rota: str, when: str) -> tuple[str, ...]:
    return on_call(estate.rotas[rota], (), datetime.fromisoformat(when).astimezone(UTC)).people


def test_pagerduty(tmp_path: Path) -> None:
    found = pagerduty.read(PAGERDUTY, NOW)
    estate = carried(found, tmp_path)
    assert estate.people["anna-kowalska"].email == "anna@shop.example"
    assert who(estate, "primary-eu", "2026-11-24T12:00+01:00") == ("anna-kowalska",)  # 46 weeks after the first turn
    assert who(estate, "primary-eu", "2026-12-01T12:00+01:00") == ("ben",)
    assert who(estate, "primary-eu", "2026-11-27T16:59+01:00") == ("anna-kowalska",)
    assert who(estate, "primary-eu", "2026-11-27T17:00+01:00") == ("cara",), "the layer that comes first there covers the others"
    assert who(estate, "primary-eu", "2026-11-30T08:59+01:00") == ("cara",)
    assert who(estate, "primary-eu", "2026-11-30T09:00+01:00") == ("ben",)
    assert found.ladders[0].steps == ((0.0, ("primary-eu",)), (900.0, ("ben",)))
    assert [sentence.split(":")[0] for sentence in found.left] == [
        "The layer Old of Primary (EU) has ended.", "1 overrides of Primary (EU)",
        "The policy Shop repeats 2 times; here late is said again, and updates go out.",
    ]  # fmt: skip


def test_opsgenie(tmp_path: Path) -> None:
    found = opsgenie.read(OPSGENIE, NOW)
    estate = carried(found, tmp_path)
    assert who(estate, "ops", "2026-01-05T09:00-06:00") == ("anna",)
    assert who(estate, "ops", "2026-01-06T09:00-06:00") == ("ben",)
    assert who(estate, "ops", "2026-01-06T21:00-06:00") == ()
    assert set(who(estate, "ops", "2026-01-11T12:00-06:00")) == {"anna", "ben"}, "rotations are on call together there"
    assert who(estate, "ops", "2026-01-11T23:40-06:00") == ()
    assert found.ladders[0].steps == ((300.0, ("ops",)),)
    assert any("the turn of SRE (team) is left out" in sentence for sentence in found.left)
    assert any("team SRE" in sentence for sentence in found.left)


def test_goalert(tmp_path: Path) -> None:
    found = goalert.read(GOALERT, NOW)
    estate = carried(found, tmp_path)
    assert who(estate, "front-line", "2026-11-27T20:00+01:00") == ("ben",), "who is active there now is active here"
    assert who(estate, "front-line", "2026-11-28T09:01+01:00") == ("anna",)
    assert set(who(estate, "front-line", "2026-11-27T16:00+01:00")) == {"ben", "cara"}
    assert found.ladders[0].steps == ((0.0, ("front-line",)), (300.0, ("cara",)))
    assert "Standard tells slackChannel #ops." in found.left


def test_grafana_oncall(tmp_path: Path) -> None:
    found = grafana.read(GRAFANA, NOW)
    estate = carried(found, tmp_path)
    assert who(estate, "platform", "2026-01-06T12:00+01:00") == ("ben",)
    assert who(estate, "platform", "2026-01-12T12:00+01:00") == ("anna",)
    assert who(estate, "platform", "2026-01-12T10:30+01:00") == ("cara",), "the higher level covers the lower"
    assert found.ladders[0].steps == ((0.0, ("platform",)), (600.0, ("cara",)))
    said = " ".join(found.left)
    assert all(word in said for word in ("https://x.example/a.ics", "Once", "trigger_webhook"))


@pytest.mark.parametrize(
    ("source", "documents", "rota"),
    [("pagerduty", PAGERDUTY, "primary-eu"), ("opsgenie", OPSGENIE, "ops"), ("goalert", GOALERT, "front-line"),
     ("grafana-oncall", GRAFANA, "platform")],
)  # fmt: skip
def test_the_command_reads_several_files_and_says_what_it_left(
    source: str, documents: list[Any], rota: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    files = []
    for number, document in enumerate(documents):
        files.append(tmp_path / f"{number}.json")
        files[-1].write_text(json.dumps(document))
    assert execute(["import", "oncall", "--from", source, *map(str, files)]) == 0
    printed = capsys.readouterr().out
    assert f"[rotas.{rota}]" in printed
    assert "# ## Escalation" in printed
    assert "# Not carried over:" in printed


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{}", "Nothing of PagerDuty"),
        ("no json", "is no JSON"),
        ('{"schedules": [{"id": 1, "schedule_layers": [7]}]}', "not what"),
    ],
)
def test_what_is_none_of_it_is_said_so(text: str, said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "x.json").write_text(text)
    assert execute(["import", "oncall", "--from", "pagerduty", str(tmp_path / "x.json")]) == 3
    assert said in capsys.readouterr().err
