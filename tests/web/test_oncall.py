"""The page of who is on call, its forms, and the calendar that opens by its address."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

import httpx
import pytest
from icalendar import Calendar

from watchkeeper.app import App
from watchkeeper.estate.model import Person
from watchkeeper.estate.rota import Layer, Rota

LAYER = Layer((("anna",), ("ben",)), "Europe/Berlin", datetime(2026, 11, 16, 9))  # noqa: DTZ001


@pytest.fixture
def rotated(app: App) -> App:
    people = {name: Person(name, name.capitalize(), 1, (), (f"json://{name}",)) for name in ("anna", "ben")}
    rotas = {"primary": Rota("primary", 11, "Europe/Berlin", (LAYER,), ("On-call engineer",))}
    app.estate = replace(app.estate, people=people, rotas=rotas)
    return app


async def test_the_page_says_who_is_on_call_and_who_is_next_on_the_clocks_of_the_rota(
    rotated: App, anna: httpx.AsyncClient
) -> None:
    page = (await anna.get("/oncall")).text
    assert "until Mon 23 Nov 09:00" in page
    assert "then <strong>Ben</strong> from Mon 23 Nov 09:00" in page
    assert 'class="shifts"' in page
    assert "style=" not in page, "the content security policy forbids it"
    later = (await anna.get("/oncall", params={"at": "2026-11-24 12:00"})).text
    assert "then <strong>Anna</strong> from Mon 30 Nov 09:00" in later


async def test_an_override_by_form_stands_on_the_page_and_can_be_taken_back(
    rotated: App, anna: httpx.AsyncClient, csrf: str
) -> None:
    form = {"csrf": csrf, "rota": "primary", "who": "ben", "begins": "now", "ends": "+2h", "why": '<b>"dentist"</b>'}
    assert (await anna.post("/oncall/override", data=form)).status_code in (200, 303)
    page = (await anna.get("/oncall")).text
    assert "&lt;b&gt;" in page
    assert "<b>&#34;" not in page
    change = page.split("/oncall/changes/", 1)[1].split("/", 1)[0]
    await anna.post(f"/oncall/changes/{change}/end", data={"csrf": csrf})
    assert "/oncall/changes/" not in (await anna.get("/oncall")).text


async def test_a_calendar_is_fetched_without_signing_in_and_only_by_its_address(
    rotated: App, anna: httpx.AsyncClient, csrf: str
) -> None:
    made = (await anna.post("/oncall/calendar", data={"csrf": csrf, "subject": "primary"})).text
    path = "/calendar/" + made.split("/calendar/", 1)[1].split(".ics", 1)[0] + ".ics"
    anna.cookies.clear()
    answer = await anna.get(path)
    assert (answer.status_code, answer.headers["content-type"]) == (200, "text/calendar; charset=utf-8")
    assert Calendar.from_ical(answer.content).walk("VEVENT")
    assert (await anna.get("/calendar/guessed.ics")).status_code == 404


async def test_the_twin_says_the_same_as_json(rotated: App, anna: httpx.AsyncClient) -> None:
    view = (await anna.get("/api/v1/oncall", params={"at": "2026-11-24T12:00Z"})).json()
    assert view["rotas"][0]["now"]["people"] == ["ben"]
    assert view["people"][0]["channels"] == ["json"]
