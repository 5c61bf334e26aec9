"""The ladders, severities and clocks of the five estates' runbooks, lived through: who is paged when, and who is not."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest

from watchkeeper.book.model import Book, Threshold
from watchkeeper.book.reader import read_book
from watchkeeper.incident import ledger as incidents
from watchkeeper.incident import timers
from watchkeeper.store.database import Database
from watchkeeper.testing.timeline import Timeline

ESTATES = Path(__file__).parents[2] / "estates"
HOURS = 'hours = "Mon-Fri 09:00-17:00 Europe/Berlin"\nholidays = ["2026-06-04"]\n'
#: a Wednesday; the Thursday after it is a holiday
AT_NIGHT, AT_NOON = "2026-06-03 02:00", "2026-06-03 13:00"


def who(role: str) -> str:
    return re.sub(r"\W+", "-", role.lower().removeprefix("the "))


def people_of(book: Book) -> str:
    roles = dict.fromkeys([rung.role for rung in book.escalation] or [contact.role for contact in book.contacts])
    return "".join(f'\n[people.{who(r)}]\nname = "{r}"\nroles = ["{r}"]\nnotify = ["json://{who(r)}"]\n' for r in roles)


def night(
    database: Database, folder: Path, estate: str, severity: str, starts: str = AT_NIGHT, respond_s: float | None = None
) -> Timeline:
    """Live in an estate's runbook, but for its thresholds: Front is down is what it watches, as grave as is said."""
    book = read_book(ESTATES / estate / "runbook.md")
    down = Threshold(
        line=1, role="alert", subject="Front", op="is", state="down", for_s=10.0, severity=severity, respond_within_s=respond_s
    )
    book = replace(book, thresholds=(down,))
    return Timeline(database, folder, starts, "Europe/Berlin", HOURS + people_of(book), book)


async def clocks(timeline: Timeline) -> dict[str, float]:
    """Give the clocks that run, in minutes from the opening: the response and each level."""

    def work(connection: object) -> dict[str, float]:
        [incident] = incidents.list_incidents(connection)  # type: ignore[arg-type]
        running = timers.read_clocks(connection, incident.id)  # type: ignore[arg-type]
        return {
            f"level {run.level}" if run.kind == "rung" else run.kind: (run.due_at - incident.opened_at).total_seconds() / 60
            for run in running
        }

    return await timeline.database.read(work)


#: of each severity: the levels in order, and after how many minutes each is told where nobody takes the incident
LADDERS = [
    ("bazar", "P1", {0: "on-call-engineer", 15: "system-administrator", 30: "engineering-manager"}),
    ("bazar", "P2", {0: "system-administrator", 15: "devops-team", 30: "technical-lead"}),
    ("bazar", "P3", {0: "devops-team", 15: "development-team", 30: "product-manager"}),
    ("bazar", "P4", {0: "development-team", 15: "qa-team", 30: "project-manager"}),
    ("equipment", "P0", {0: "on-call-engineer", 15: "technical-lead", 30: "engineering-manager", 45: "cto"}),
    ("equipment", "P3", {0: "on-call-engineer", 15: "technical-lead", 30: "engineering-manager", 45: "cto"}),
    ("mobile-matrix", "P0", {0: "on-call-engineer", 15: "senior-engineer", 30: "engineering-manager", 45: "cto"}),
    ("mobile-matrix", "P2", {0: "on-call-engineer", 15: "senior-engineer", 30: "engineering-manager", 45: "cto"}),
    ("indostar", "P3", {0: "on-call-engineer", 15: "secondary-on-call", 30: "engineering-manager", 60: "cto"}),
]


@pytest.mark.parametrize(("estate", "severity", "levels"), LADDERS, ids=[f"{e}-{s}" for e, s, _ in LADDERS])
async def test_the_ladder_of_a_severity(
    database: Database, tmp_path: Path, estate: str, severity: str, levels: dict[int, str]
) -> None:
    tonight = night(database, tmp_path, estate, severity)
    await tonight.at("02:00").breaks("Front")
    for minutes, person in levels.items():
        if minutes:
            await tonight.at(clock(2 + minutes - 1)).expect()
        await tonight.at(clock(2 + minutes + 1)).expect(person)
    await tonight.at("03:10").acknowledges(list(levels.values())[-1])
    await tonight.at("06:00").expect()


def clock(minutes: int) -> str:
    return f"{2 + minutes // 60:02}:{minutes % 60:02}"


async def test_who_takes_it_stops_the_ladder(database: Database, tmp_path: Path) -> None:
    tonight = night(database, tmp_path, "bazar", "P1")
    await tonight.at("02:00").breaks("Front")
    await tonight.at("02:04").expect("on-call-engineer")
    await tonight.at("02:05").acknowledges("on-call-engineer")
    await tonight.at("06:00").expect()


@pytest.mark.parametrize(("severity", "minutes"), [("P1", 15.0), ("P2", 60.0)])
async def test_the_response_times_of_indostar(database: Database, tmp_path: Path, severity: str, minutes: float) -> None:
    tonight = night(database, tmp_path, "indostar", severity)
    await tonight.at("02:00").breaks("Front")
    await tonight.at("02:03").expect("on-call-engineer")
    assert (await clocks(tonight))["respond"] == minutes


async def test_at_once_is_late_after_a_minute(database: Database, tmp_path: Path) -> None:
    tonight = night(database, tmp_path, "indostar", "P0")
    await tonight.at("02:00").breaks("Front")
    four = ("on-call-engineer", "secondary-on-call", "engineering-manager", "cto")
    await tonight.at("02:05").expect(*four, *four)  # “In a P0 all four hear of it at once”, and all of them that it is late
    assert "Nobody has taken the incident after" in tonight.sentences("late")[0]


async def test_the_next_business_day_leaves_out_nights_and_holidays(database: Database, tmp_path: Path) -> None:
    tonight = night(database, tmp_path, "indostar", "P3", AT_NOON)
    await tonight.at("13:00").breaks("Front")
    await tonight.at("13:02").expect("on-call-engineer")
    # Thursday is a holiday, so it is Friday at 17:00: 51 hours and 59 minutes after 13:01
    assert (await clocks(tonight))["respond"] == pytest.approx(52 * 60 - 1, abs=1.0)


async def test_markethub_tells_its_contacts_as_their_hours_say_by_day(database: Database, tmp_path: Path) -> None:
    today = night(database, tmp_path, "markethub", "critical", AT_NOON, respond_s=120.0)
    await today.at("13:00").breaks("Front")
    await today.at("13:02").expect("on-call-devops")
    await today.at("13:05").expect("on-call-devops")  # the alert's own response time has passed
    await today.at("13:18").expect("engineering-lead", "product-manager")
    await today.at("13:33").expect("cto")


async def test_markethub_lets_sleep_whom_its_contacts_let_sleep(database: Database, tmp_path: Path) -> None:
    tonight = night(database, tmp_path, "markethub", "warning")
    await tonight.at("02:00").breaks("Front")
    await tonight.at("02:03").expect("on-call-devops")
    await tonight.at("02:18").expect("engineering-lead")  # “whenever an incident is escalated”
    await tonight.at("08:59").expect()  # a warning is nothing critical, so the CTO hears nothing of it
    await tonight.at("09:02").expect("product-manager")  # business hours begin
    kept_back = tonight.sentences("not-told")
    assert any("Product Manager: line 61 says “business hours”" in sentence for sentence in kept_back)
    assert any("CTO: line 62 says “critical escalations only”, and the incident is warning" in sentence for sentence in kept_back)
    await tonight.at("16:00").expect()
