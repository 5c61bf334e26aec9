"""The pages say what is so, whole and safe, whatever stands in titles, notes and output."""

from __future__ import annotations

import asyncio
import re
from datetime import datetime, timedelta
from typing import Any

import httpx
import pytest
from sqlalchemy import delete, update

from watchkeeper.alert.ledger import end_alert, raise_alert
from watchkeeper.alert.model import Alert
from watchkeeper.app import App
from watchkeeper.incident.ledger import incidents
from watchkeeper.run.ledger import append_event
from watchkeeper.run.live import LiveOutput
from watchkeeper.watch.ledger import standings, write_samples
from watchkeeper.watch.model import Sample
from watchkeeper.watch.past import history

INCIDENT, RUN = "inc-01k9x3h8v2-7dq4mz", "run-01k9x3hb0c-2m5r8t"
PAST = "inc-01k9w0000a-past01"
PAGES = [
    "/", "/incidents", f"/incidents/{INCIDENT}", f"/incidents/{PAST}", "/runs", f"/runs/{RUN}", "/book", "/signals", "/ledger",
    "/procedures/web-application-is-down", "/reviews", f"/reviews/{PAST}",
]  # fmt: skip


async def text_of(client: httpx.AsyncClient, path: str) -> str:
    answer = await client.get(path)
    assert answer.status_code == 200, answer.text
    return answer.text


async def test_no_script_and_no_style_but_our_own_files(anna: httpx.AsyncClient) -> None:
    for path in PAGES:
        text = await text_of(anna, path)
        assert re.findall(r"<script[^>]*>", text) == ['<script src="/static/live.js" defer>'], path
        assert not re.search(r"<style|\sstyle=|\son[a-z]+=|javascript:[^)]*\"", text)
        assert not re.search(r'(?:src|href)="(?:https?:)?//', text.replace('href="https://elsewhere.example/pixel.png"', ""))


async def test_every_page_has_a_twin(anna: httpx.AsyncClient) -> None:
    for path in PAGES:
        twin = re.search(r'rel="alternate" type="application/json" href="([^"]+)"', await text_of(anna, path))
        assert twin is not None, path
        answer = await anna.get(twin[1])
        assert answer.status_code == 200
        assert answer.json()["frame"]["service"] == "shop"


async def test_every_id_is_there_once(anna: httpx.AsyncClient) -> None:
    for path in PAGES:
        found = re.findall(r'\sid="([^"]+)"', await text_of(anna, path))
        assert sorted(found) == sorted(set(found)), path


async def test_the_overview_says_how_the_service_stands(anna: httpx.AsyncClient) -> None:
    text = await text_of(anna, "/")
    assert "1 threshold is broken and 1 threshold cannot be seen." in text
    assert "Blind at 1 threshold." in text
    assert "34 % is above 5 %" in text
    assert "No signal watches these" in text
    assert f'href="/incidents/{INCIDENT}"' in text
    assert f'href="/runs/{RUN}"' in text


async def test_what_others_say_of_a_threshold_without_a_signal_is_not_unwatched(anna: httpx.AsyncClient, app: App) -> None:
    now = app.clock.now()
    said = Alert(
        "alt_9", "prom:disk", "Disk usage", "Hosts", "High", now, now, None, 91.0, "prom says: the disk is 91 % full.",
        source="prom", threshold="disk-usage",
    )  # fmt: skip
    app.database.write_now(lambda c: raise_alert(c, said))
    text = await text_of(anna, "/")
    assert "2 thresholds are broken and 1 threshold cannot be seen." in text
    assert "No signal watches these" not in text
    assert "prom says: the disk is 91 % full." in text
    [disk] = (await anna.get("/api/v1/signals")).json()["unwatched"]
    assert (disk["state"], disk["because"]) == ("firing", "No signal decides it; prom sends alerts about it.")
    app.database.write_now(lambda c: end_alert(c, "alt_9", now))
    assert "No signal watches these" in await text_of(anna, "/")


async def test_well_is_said_only_where_everything_is_seen(anna: httpx.AsyncClient, app: App) -> None:
    app.database.write_now(lambda c: c.execute(update(standings).values(state="ok")))
    assert "All 3 thresholds are well; 1 incident is still open." in await text_of(anna, "/")
    app.database.write_now(lambda c: c.execute(update(incidents).values(status="resolved")))
    assert "All 3 thresholds are well." in await text_of(anna, "/")
    app.database.write_now(lambda c: c.execute(delete(standings)))
    assert "Not every threshold was looked at yet." in await text_of(anna, "/")


async def test_an_incident_tells_its_story(anna: httpx.AsyncClient, clock: Any) -> None:
    text = await text_of(anna, f"/incidents/{INCIDENT}")
    for words in ("Opened as Critical", "Anna was told", f'href="/runs/{RUN}"', "Acknowledge", "The book promises a response"):
        assert words in text
    assert "13 min 37 s" in text.replace("\N{NO-BREAK SPACE}", " ")
    clock.at += timedelta(minutes=20)
    assert "late" in await text_of(anna, f"/incidents/{INCIDENT}")


async def test_a_run_shows_acts_decisions_and_the_question(anna: httpx.AsyncClient) -> None:
    text = await text_of(anna, f"/runs/{RUN}")
    for words in ("supervisorctl restart web", "If the process is stopped", "→ yes", "The output shows STOPPED.", "May this run?",
                  "Approve: run it", 'href="/book#L', 'class="risk is-destroy"'):  # fmt: skip
        assert words in text


async def test_live_output_of_a_running_act_is_on_the_page(anna: httpx.AsyncClient, app: App) -> None:
    at = app.clock.now()
    app.database.write_now(lambda c: append_event(c, RUN, at, "intent", "automation", "3.1", {"attempt": 1}))
    async with LiveOutput(app.database, RUN, "3.1", 1, ()) as live:
        live.take("\x1b]0;title\x07\x1b[31mDELETE\x1b[0m 1204 <b>\n")
        while "1204" not in (text := await text_of(anna, f"/runs/{RUN}")):
            await asyncio.sleep(0.05)
        assert '<span class="c31">DELETE</span> 1204 &lt;b&gt;' in text
        assert re.search(r'data-stream="/api/v1/runs/[^"]+/stream\?after=\d+\.\d\d"', text)
        assert await text_of(anna, f"/runs/{RUN}/acts/3.1/output.txt") == "\x1b[31mDELETE\x1b[0m 1204 <b>\n"
    assert await text_of(anna, f"/runs/{RUN}/acts/3.1/output.txt") == ""


async def test_long_output_is_cut_on_the_page_and_whole_beside_it(anna: httpx.AsyncClient, app: App) -> None:
    at, long = app.clock.now(), "first line\n" + "x" * 30_000 + "\nlast line\n"
    outcome = {"outcome": {"result": "ok", "exit_status": 0, "output": long}}
    app.database.write_now(lambda c: append_event(c, RUN, at, "intent", "automation", "3.1", {"attempt": 1}))
    app.database.write_now(lambda c: append_event(c, RUN, at, "outcome", "automation", "3.1", outcome))
    text = await text_of(anna, f"/runs/{RUN}")
    assert "last line" in text
    assert "first line" not in text
    assert f'href="/runs/{RUN}/acts/3.1/output.txt"' in text
    assert await text_of(anna, f"/runs/{RUN}/acts/3.1/output.txt") == long


async def test_the_book_shows_what_was_understood_beside_its_lines(anna: httpx.AsyncClient) -> None:
    text = await text_of(anna, "/book")
    assert 'id="L20"' in text
    for words in (
        "watched by web",
        "nothing watches it",
        "respond within 15 min",
        "only if the process is stopped",
        "Not understood",
    ):
        assert words in text
    assert "&lt;script&gt;alert(&quot;from the runbook" in text


async def test_signals_show_the_last_hour(anna: httpx.AsyncClient) -> None:
    text = await text_of(anna, "/signals")
    assert text.count('<svg class="spark"') == 3
    assert "The broker does not answer: timed out after 5 s." in text
    assert "$SHOP_PORT" in text


async def test_a_review_can_be_taken_away(anna: httpx.AsyncClient) -> None:
    answer = await anna.get(f"/reviews/{PAST}.md")
    assert answer.headers["content-disposition"] == f'attachment; filename="review-{PAST}.md"'
    assert answer.headers["content-type"] == "text/markdown; charset=utf-8"
    assert answer.text.startswith("# Review: workers were dead")


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/nothing", 404),
        ("/incidents/none", 404),
        ("/runs/none", 404),
        ("/procedures/none", 404),
        ("/reviews/none", 404),
        ("/ledger?before=x", 422),
    ],
)
async def test_an_error_is_a_page_too(anna: httpx.AsyncClient, path: str, status: int) -> None:
    answer = await anna.get(path)
    assert answer.status_code == status
    assert "<h1>" in answer.text
    assert "Traceback" not in answer.text


async def test_a_failure_of_ours_shows_no_traceback(anna: httpx.AsyncClient, app: App) -> None:
    app.book = None  # type: ignore[assignment]
    answer = await anna.get("/book")
    assert answer.status_code == 500
    assert "Something went wrong inside Watchkeeper." in answer.text
    assert "NoneType" not in answer.text
    twin = await anna.get("/api/v1/book")
    assert (twin.status_code, twin.json()["code"]) == (500, "WK000")


async def test_a_long_time_is_shown_by_its_sums_and_no_spike_is_lost(anna: httpx.AsyncClient, app: App) -> None:
    now = app.clock.now()
    day = [Sample("web", now - timedelta(seconds=ago), 0.01, {"error_rate": 1.0}) for ago in range(86_000, 4_000, -60)]
    day[700] = Sample("web", day[700].at, 0.01, {"error_rate": 77.0})
    app.database.write_now(lambda c: write_samples(c, day))
    while app.database.write_now(history.sum_up):
        pass
    answer = (await anna.get("/api/v1/signals?span=24h")).json()
    assert answer["span"] == "24h"
    (curve,) = (each for each in answer["signals"][0]["series"] if each["reading"] == "error_rate")
    assert curve["most"] == 77.0
    assert max(most for _, _, most in curve["band"]) == 77.0
    assert 200 < len(curve["points"]) <= 289
    assert max(value for _, value in curve["points"]) < 77.0
    for span in ("1h", "24h", "7d", "30d", "1y"):
        shown = await anna.get(f"/signals?span={span}")
        assert shown.status_code == 200
        assert shown.text.count('aria-current="page"') == 2
    assert (await anna.get("/signals?span=2h")).status_code == 422


class Remembers:
    """A probe whose server keeps samples itself."""

    def __init__(self, readings: dict[str, list[tuple[datetime, float]]] | None) -> None:
        self.readings = readings

    async def past(self, since: datetime, until: datetime, step_s: float) -> dict[str, list[tuple[datetime, float]]]:
        if self.readings is None:
            raise OSError("connection refused")
        return self.readings


async def test_a_long_time_is_asked_of_the_server_that_keeps_it(anna: httpx.AsyncClient, app: App) -> None:
    now = app.clock.now()
    kept = [(now - timedelta(hours=ago), float(ago)) for ago in range(20, 0, -1)]
    own = Sample("web", now - timedelta(hours=2), 0.01, {"error_rate": 500.0})
    app.database.write_now(lambda c: write_samples(c, [own]))
    while app.database.write_now(history.sum_up):
        pass

    async def most() -> float:
        answer = (await anna.get("/api/v1/signals?span=24h")).json()
        curve = next(each for each in answer["signals"][0]["series"] if each["reading"] == "error_rate")
        return float(curve["most"])

    app.probes = {**app.probes, "web": Remembers({"error_rate": kept})}  # type: ignore[dict-item]
    assert await most() == 20.0
    app.probes = {**app.probes, "web": Remembers(None)}  # type: ignore[dict-item]
    assert await most() == 500.0
