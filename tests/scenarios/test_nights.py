"""Nights on call as timelines: a swap, a dead channel, a restart between two levels, and the nights on which clocks are moved."""

from __future__ import annotations

from pathlib import Path

import pytest

from watchkeeper.store.database import Database
from watchkeeper.testing.timeline import Timeline

PEOPLE = """
[people.anna]
name = "Anna"
notify = ["json://anna", "mailto://anna@mail"]

[people.ben]
name = "Ben"
notify = ["json://ben"]

[people.cara]
name = "Cara"
roles = ["Engineering lead"]
notify = ["json://cara"]
"""
#: the book's ladder: the on-call engineer at once, the engineering lead after 10 minutes
ROTA = """
[rotas.primary]
roles = ["On-call engineer"]
zone = "{zone}"
people = ["anna", "ben"]
turn = "daily"
start = "{start}"
"""
BERLIN, CHICAGO = "Europe/Berlin", "America/Chicago"


def night(
    database: Database, folder: Path, starts: str, zone: str = BERLIN, first: str = "2026-06-01 09:00", more: str = ""
) -> Timeline:
    return Timeline(database, folder, starts, zone, PEOPLE + ROTA.format(zone=zone, start=first) + more)


async def test_a_quiet_night_pages_nobody(database: Database, tmp_path: Path) -> None:
    tonight = night(database, tmp_path, "2026-06-01 22:00")
    await tonight.at("04:00").expect()


async def test_who_is_on_call_is_paged_then_the_lead_and_nobody_once_it_is_taken(database: Database, tmp_path: Path) -> None:
    tonight = night(database, tmp_path, "2026-06-01 22:00")
    await tonight.at("22:05").breaks("Front")
    await tonight.at("22:07").expect("anna")
    await tonight.at("22:14").expect("anna")  # the book promises a response within 5 minutes: late is said once
    await tonight.at("22:18").expect("cara")
    await tonight.at("22:20").acknowledges("cara")
    await tonight.at("02:00").expect()


async def test_a_night_with_a_swap(database: Database, tmp_path: Path) -> None:
    tonight = night(database, tmp_path, "2026-06-01 20:00")
    await tonight.at("20:10").swaps("anna", "ben")
    await tonight.at("22:00").breaks("Ledger")
    await tonight.at("22:02").expect("ben")
    await tonight.at("22:03").acknowledges("ben")
    await tonight.at("22:10").repaired("Ledger")
    await tonight.at("22:20").expect("ben")  # it is over
    await tonight.at("09:30").breaks("Ledger")  # the day after: Ben's shift, which is Anna's now
    await tonight.at("09:32").expect("anna")


async def test_a_night_with_a_dead_channel(database: Database, tmp_path: Path) -> None:
    tonight = night(database, tmp_path, "2026-06-01 22:00")
    await tonight.at("22:01").channel_dies("json")
    await tonight.at("22:05").breaks("Front")
    await tonight.at("22:07").expect("anna by mailto")
    await tonight.at("22:30").expect("anna by mailto")  # Cara has no second address: her page waits, and is tried again
    tonight.dead_channels.clear()
    await tonight.at("22:45").expect("cara")


async def test_a_restart_between_two_levels_loses_no_level_and_repeats_none(database: Database, tmp_path: Path) -> None:
    tonight = night(database, tmp_path, "2026-06-01 22:00")
    await tonight.at("22:05").breaks("Front")
    await tonight.at("22:08").expect("anna")
    await tonight.dies(until="22:40")
    await tonight.at("22:41").expect("anna", "cara")  # what came due meanwhile: she is late, and the second level
    await tonight.at("23:30").expect()


async def test_a_hand_over_between_two_levels_pages_who_is_on_call_by_then(database: Database, tmp_path: Path) -> None:
    second = '\n[rotas.lead]\nroles = ["Engineering lead"]\nzone = "Europe/Berlin"\npeople = ["anna", "ben"]\nturn = "daily"\n'
    tonight = night(database, tmp_path, "2026-06-02 08:50", more=second + 'start = "2026-06-01 09:00"\n')
    await tonight.at("08:55").breaks("Front")
    await tonight.at("08:58").expect("anna")
    await tonight.at("09:08").expect("anna", "ben")


async def test_a_gap_in_the_rota_falls_through_to_the_lead_at_once(database: Database, tmp_path: Path) -> None:
    tonight = Timeline(database, tmp_path, "2026-06-01 22:00", BERLIN, PEOPLE + ROTA.format(zone=BERLIN, start="2026-06-01 09:00")
                       + 'hours = "09:00-17:00"\n')  # fmt: skip
    await tonight.at("22:05").breaks("Front")
    await tonight.at("22:08").expect("cara")
    [said] = tonight.sentences("not-told")
    assert said == (
        "Level 1 of the ladder reaches nobody: On-call engineer: nobody is on call for primary; nobody is told. "
        "Level 2 is told at once."
    )


@pytest.mark.parametrize(
    ("zone", "starts", "handover"),
    [
        (BERLIN, "2026-03-28 22:00", "02:30"),  # put forward at 02:00: the hand-over is at 03:30
        (CHICAGO, "2026-03-07 22:00", "02:30"),
    ],
)
async def test_the_night_the_clocks_go_forward(database: Database, tmp_path: Path, zone: str, starts: str, handover: str) -> None:
    day = starts.split()[0]
    tonight = night(database, tmp_path, starts, zone, f"{day} {handover}")
    await tonight.at("01:50").breaks("Front")
    await tonight.at("01:52").expect("anna")
    await tonight.at("01:53").acknowledges("anna")
    await tonight.repaired("Front")
    await tonight.at("03:02").expect("anna")  # it is over: nine minutes later
    await tonight.at("03:05").breaks("Mailer")
    await tonight.at("03:07").expect("anna")
    await tonight.at("03:20").expect("anna", "cara")  # late after 5, the lead after 10 real minutes
    await tonight.at("03:40").breaks("Front")
    await tonight.at("03:42").expect("ben")


@pytest.mark.parametrize(
    ("zone", "starts", "summer", "winter"),
    [(BERLIN, "2026-10-24 22:00", "+02:00", "+01:00"), (CHICAGO, "2026-10-31 22:00", "-05:00", "-06:00")],
)
async def test_the_night_the_clocks_go_back(
    database: Database, tmp_path: Path, zone: str, starts: str, summer: str, winter: str
) -> None:
    hour = "02" if zone == BERLIN else "01"  # the hour that comes twice
    tonight = night(database, tmp_path, starts, zone, f"{starts.split()[0]} {hour}:30")
    await tonight.at(f"{hour}:20{summer}").breaks("Front")
    await tonight.at(f"{hour}:22{summer}").expect("anna")
    await tonight.at(f"{hour}:23{summer}").acknowledges("anna")
    await tonight.repaired("Front")
    await tonight.at(f"{hour}:34{summer}").expect("anna")  # it is over
    await tonight.at(f"{hour}:35{summer}").breaks("Mailer")
    await tonight.at(f"{hour}:37{summer}").expect("ben")  # handed over at the first 02:30
    await tonight.at(f"{hour}:50{summer}").expect("ben", "cara")
    await tonight.at(f"{hour}:51{summer}").acknowledges("cara")
    await tonight.at(f"{hour}:15{winter}").breaks("Front")
    await tonight.at(f"{hour}:17{winter}").expect("ben")  # and nobody is called back when the clocks show 02:15 again
