"""What people say about who is on call: overrides, swaps, notes, pages by hand, test pages and calendars."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from icalendar import Calendar

from watchkeeper.actions import oncall
from watchkeeper.actions.views.oncall import who_is_on_call
from watchkeeper.app import App
from watchkeeper.base.errors import Conflict, InputError, NotFound
from watchkeeper.base.secrets import Scrubber, Secret
from watchkeeper.book.model import Book
from watchkeeper.estate.model import Bindings, Estate, Person
from watchkeeper.estate.rota import Layer, Rota
from watchkeeper.people.identity import Actor
from watchkeeper.settings import load_settings
from watchkeeper.store.database import Database
from watchkeeper.store.ledger import entries, verify
from watchkeeper.tell.ledger import list_notices
from watchkeeper.tell.model import Notice
from watchkeeper.tell.outbox import send_waiting
from watchkeeper.tell.paging import announce
from watchkeeper.testing import FakeClock, RecordingNotifier

BEN = Actor("ben", ("responder",), "password", "192.0.2.7", "ben")
START = datetime(2026, 1, 6, 12, tzinfo=UTC)  # a Tuesday; Anna's week began on Monday at 9
WEEK = Layer((("anna",), ("ben",)), "UTC", datetime(2026, 1, 5, 9))  # noqa: DTZ001
RUNBOOK_ROLE = "On-call engineer"


@pytest.fixture
def app(database: Database, tmp_path: Path) -> App:
    people = {
        "anna": Person("anna", "Anna", 3, (), ("json://anna", Secret("mailto://anna:geheimnis@mail", "anna"))),
        "ben": Person("ben", "Ben", 5, ("Lead",), ("json://ben",)),
        "cara": Person("cara", "Cara", 7, (), ("json://cara",)),
        "dov": Person("dov", "Dov", 9, (), ()),
    }
    rotas = {"primary": Rota("primary", 11, "UTC", (WEEK,), (RUNBOOK_ROLE,))}
    estate = Estate(tmp_path / "watchkeeper.toml", "shop", tmp_path / "runbook.md", people=people, rotas=rotas)
    made = App(
        settings=load_settings({}), clock=FakeClock(START), state=tmp_path, database=database, estate=estate,
        book=Book(title="Shop", service="shop"), bindings=Bindings(), scrubber=Scrubber(estate.secrets()), owner="test",
    )  # fmt: skip
    made.notifier = RecordingNotifier()
    return made


async def on_call_at(app: App, **after: float) -> tuple[str, ...]:
    return (await who_is_on_call(app, START + timedelta(**after))).rotas[0].now.people


def notices(app: App) -> dict[str, Notice]:
    return {notice.person: notice for notice in reversed(app.database.read_now(lambda c: list_notices(c)))}


async def test_an_override_holds_for_its_span_and_those_whom_it_is_about_are_told(app: App) -> None:
    made = await oncall.override(app, BEN, "", "cara", START, START + timedelta(hours=3), "the dentist", "anna")
    assert [await on_call_at(app, hours=h) for h in (0, 2.9, 3)] == [("cara",), ("cara",), ("anna",)]
    assert set(notices(app)) == {"anna", "cara"}
    assert notices(app)["cara"].body == (
        "Cara stands in for Anna on primary from Tue 06 Jan 12:00 UTC until Tue 06 Jan 15:00 UTC.\nBen says so: the dentist"
    )
    [entry] = app.database.read_now(lambda c: list(c.execute(entries.select())))
    assert (entry.actor, entry.act, entry.subject, entry.why) == ("ben", "override", made.id, "the dentist")
    assert entry.body["origin"]["by"] == "password"
    assert app.database.read_now(lambda c: verify(c, {}))[1] == []


async def test_taken_back_it_counts_no_more_and_what_is_over_of_it_stays(app: App) -> None:
    made = await oncall.override(app, BEN, "primary", "cara", START, START + timedelta(hours=3))
    app.clock.move(3600)  # type: ignore[attr-defined]
    await oncall.take_back(app, BEN, made.id, "back already")
    assert [await on_call_at(app, hours=h) for h in (0, 0.9, 1, 2)] == [("cara",), ("cara",), ("anna",), ("anna",)]
    with pytest.raises(NotFound, match="that goes on"):
        await oncall.take_back(app, BEN, made.id)
    later = await oncall.override(app, BEN, "primary", "cara", START + timedelta(days=1), START + timedelta(days=2))
    await oncall.take_back(app, BEN, later.id)
    assert await on_call_at(app, days=1.5) == ("anna",)


async def test_a_swap_exchanges_two_shifts_and_is_taken_back_as_a_whole(app: App) -> None:
    first, second = await oncall.swap(app, BEN, "primary", "anna", "ben", why="a wedding")
    assert (first.person, first.begins_at, first.ends_at) == ("ben", START, datetime(2026, 1, 12, 9, tzinfo=UTC))
    assert (second.person, second.begins_at) == ("anna", datetime(2026, 1, 12, 9, tzinfo=UTC))
    assert [await on_call_at(app, days=d) for d in (1, 7, 14)] == [("ben",), ("anna",), ("anna",)]
    assert set(notices(app)) == {"anna"}, "Ben made it himself"
    await oncall.take_back(app, BEN, second.id)
    assert [await on_call_at(app, days=d) for d in (1, 7, 14)] == [("anna",), ("ben",), ("anna",)]


async def test_a_swap_can_name_shifts_that_are_far_away(app: App) -> None:
    on, with_ = START + timedelta(days=14), START + timedelta(days=21)
    await oncall.swap(app, BEN, "primary", "anna", "ben", on, with_)
    assert [await on_call_at(app, days=d) for d in (1, 8, 15, 22, 29)] == [("anna",), ("ben",), ("ben",), ("anna",), ("anna",)]


@pytest.mark.parametrize(
    ("person", "ends", "said"),
    [("cara", -1.0, "ends after it begins"), ("cara", 24 * 401.0, "within 400 d"), ("eve", 1.0, "has no 'eve'")],
)
async def test_an_override_that_makes_no_sense_changes_nothing(app: App, person: str, ends: float, said: str) -> None:
    with pytest.raises((InputError, NotFound), match=said):
        await oncall.override(app, BEN, "primary", person, START, START + timedelta(hours=ends))
    assert app.database.read_now(lambda c: c.execute(entries.select()).all()) == []


async def test_a_swap_takes_two_who_have_shifts_at_different_times(app: App) -> None:
    with pytest.raises(InputError, match="takes two people"):
        await oncall.swap(app, BEN, "primary", "anna", "anna")
    with pytest.raises(NotFound, match="Cara is not on call"):
        await oncall.swap(app, BEN, "primary", "anna", "cara")
    with pytest.raises(NotFound, match="no rota 'night'"):
        await oncall.swap(app, BEN, "night", "anna", "ben")
    together = Rota("primary", 11, "UTC", (replace(WEEK, turns=(("anna", "ben"),)),))
    app.estate = replace(app.estate, rotas={"primary": together})
    with pytest.raises(Conflict, match="on call together"):
        await oncall.swap(app, BEN, "primary", "anna", "ben")


async def test_a_note_is_sent_to_who_is_next_as_their_turn_begins_and_once(app: App) -> None:
    anna = Actor("anna", ("responder",))
    await oncall.leave_note(app, anna, "", "Payments are slow; ticket 4711.")
    assert app.database.write_now(lambda c: announce(c, app.estate, app.clock.now())) == []
    handover = datetime(2026, 1, 12, 9, tzinfo=UTC)
    for minutes in (1, 2, 30):
        app.database.write_now(lambda c, m=minutes: announce(c, app.estate, handover + timedelta(minutes=m)))
    found = [n for n in app.database.read_now(lambda c: list_notices(c)) if n.person == "ben"]
    assert [n.body for n in found] == [
        "You are on call for primary since Mon 12 Jan 09:00 UTC.\n"
        "Anna left for you at Tue 06 Jan 12:00 UTC: Payments are slow; ticket 4711."
    ]
    back = handover + timedelta(days=7, minutes=1)
    assert app.database.write_now(lambda c: announce(c, app.estate, back)) == [], "her own note is no news to Anna"


async def test_a_page_reaches_who_is_on_call_and_names_who_pages(app: App) -> None:
    paged = await oncall.page(app, BEN, RUNBOOK_ROLE, "Please look at the queue.")
    assert (paged.people, paged.sentence) == (("anna",), "Ben pages Anna (On-call engineer: Anna (on call for primary)).")
    assert isinstance(app.notifier, RecordingNotifier)
    assert await send_waiting(app.database, app.clock, app.notifier, app.estate) == 1
    assert app.notifier.sent == [("json://anna", "shop: Ben pages you", "Ben pages you: Please look at the queue.")]


@pytest.mark.parametrize(("whom", "said"), [("dov", "no address"), ("", "nobody is named"), ("Astrologer", "nobody in")])
async def test_a_page_that_would_reach_nobody_is_refused(app: App, whom: str, said: str) -> None:
    with pytest.raises(NotFound, match=said):
        await oncall.page(app, BEN, whom, "Hello?")


async def test_whom_a_page_would_reach_is_said_without_sending(app: App) -> None:
    assert await oncall.who_would_be_paged(app, "anna") == "A page to anna would reach Anna by json, then mailto."
    next_week = START + timedelta(days=7)
    assert await oncall.who_would_be_paged(app, "primary", next_week) == "A page to primary would reach Ben by json."
    assert (await oncall.who_would_be_paged(app, "dov")).startswith("A page to dov would reach nobody: dov: Dov has no address")
    assert notices(app) == {}


async def test_a_test_page_goes_to_every_address_and_a_dead_channel_is_named_without_its_secret(app: App) -> None:
    app.notifier = RecordingNotifier(fails=lambda address: address.startswith("mailto"))
    tried = await oncall.try_pages(app, BEN, ["anna", "dov"])
    assert [(t.person, t.channel, t.took) for t in tried] == [
        ("anna", "json", True),
        ("anna", "mailto", False),
        ("dov", "", False),
    ]
    assert not any("geheimnis" in each.sentence for each in tried)
    assert "Ben wants to know whether a page reaches Anna by json" in app.notifier.sent[0][2]


async def test_a_calendar_opens_by_its_address_alone_and_a_new_one_voids_the_old(app: App) -> None:
    await oncall.override(app, BEN, "primary", "cara", START, START + timedelta(hours=3))
    old = (await oncall.give_calendar(app, BEN, "primary")).removeprefix("/calendar/").removesuffix(".ics")
    events = Calendar.from_ical(await oncall.calendar(app, old)).walk("VEVENT")
    said = [(str(e["SUMMARY"]), e["DTSTART"].dt) for e in events if e["DTEND"].dt > START][:3]
    assert said == [
        ("On call for primary: Cara", START),
        ("On call for primary: Anna", START + timedelta(hours=3)),
        ("On call for primary: Ben", datetime(2026, 1, 12, 9, tzinfo=UTC)),
    ]
    assert len({str(e["UID"]) for e in events}) == len(events)
    again = Calendar.from_ical(await oncall.calendar(app, old)).walk("VEVENT")
    assert [str(e["UID"]) for e in again] == [str(e["UID"]) for e in events]
    await oncall.give_calendar(app, BEN, "primary")
    with pytest.raises(NotFound, match="no such calendar"):
        await oncall.calendar(app, old)


async def test_a_persons_calendar_shows_their_own_shifts_and_the_database_holds_no_address(app: App) -> None:
    token = (await oncall.give_calendar(app, BEN, "anna")).removeprefix("/calendar/").removesuffix(".ics")
    events = Calendar.from_ical(await oncall.calendar(app, token)).walk("VEVENT")
    assert {str(e["SUMMARY"]) for e in events} == {"On call for primary: Anna"}
    dump = str(app.database.read_now(lambda c: c.exec_driver_sql("SELECT * FROM calendar").all()))
    assert token not in dump
    await oncall.void_calendar(app, BEN, "anna")
    with pytest.raises(NotFound):
        await oncall.calendar(app, token)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("now", START),
        ("+2h", START + timedelta(hours=2)),
        ("2026-07-01 18:00", datetime(2026, 7, 1, 16, tzinfo=UTC)),
        ("2026-07-01T18:00Z", datetime(2026, 7, 1, 18, tzinfo=UTC)),
    ],
)
def test_times_are_read_on_the_clocks_of_the_rota(text: str, found: datetime) -> None:
    assert oncall.instant(text, "Europe/Berlin", START) == found


def test_what_is_no_time_is_said_so() -> None:
    with pytest.raises(InputError, match="is no time"):
        oncall.instant("tomorrow-ish", "UTC", START)
