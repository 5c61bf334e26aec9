"""A run is followed over the API: from the beginning or from a mark, as events or as JSON, and told whole either way."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import httpx
import pytest

from watchkeeper.actions.views import following
from watchkeeper.app import App
from watchkeeper.run.ledger import append_event
from watchkeeper.run.live import LiveOutput

RUN = "run-01k9x3hb0c-2m5r8t"
STREAM = f"/api/v1/runs/{RUN}/stream"


def events_in(text: str) -> list[tuple[str, str, dict[str, Any]]]:
    """Give (id, event, data) of each event of a stream."""
    found = []
    for block in text.split("\n\n"):
        fields = dict(line.split(": ", 1) for line in block.splitlines() if ": " in line and not line.startswith(":"))
        if "event" in fields:
            found.append((fields.get("id", ""), fields["event"], json.loads(fields["data"])))
    return found


def write(app: App, kind: str, act: str | None = None, **body: Any) -> None:
    now = app.clock.now()
    app.database.write_now(lambda c: append_event(c, RUN, now, kind, "automation", act, body))


async def news(client: httpx.AsyncClient, after: str = "") -> dict[str, Any]:
    answer = await client.get(f"/api/v1/runs/{RUN}/news", params={"after": after})
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def news_with_output(client: httpx.AsyncClient, after: str) -> dict[str, Any]:
    while True:
        found = await news(client, after)
        if any(item["output"] for item in found["news"]):
            return found
        await asyncio.sleep(0.05)


async def test_news_go_on_from_the_mark(anna: httpx.AsyncClient, app: App) -> None:
    first = await news(anna)
    assert [item["event"]["kind"] for item in first["news"]][:2] == ["started", "intent"]
    assert (first["over"], first["asks"][0]["key"], first["asks"][0]["answers"][0]) == (False, "3.1", "approve")
    assert (await news(anna, first["mark"]))["news"] == []
    write(app, "intent", "3.1", attempt=1)
    async with LiveOutput(app.database, RUN, "3.1", 1, ()) as live:
        live.take("one\n")
        second = await news_with_output(anna, first["mark"])
        assert [item["output"]["text"] for item in second["news"] if item["output"]] == ["one\n"]
        live.take("two\n")
        third = await news_with_output(anna, second["mark"])
        assert [item["output"] for item in third["news"]] == [
            {"act": "3.1", "attempt": 1, "start": 4, "end": 8, "text": "two\n", "left_out": 0}
        ]
    # what was printed in the last moment comes with the outcome, whoever had read how much
    outcome = {"result": "ok", "exit_status": 0, "output": "one\ntwo\nthree\n"}
    write(app, "outcome", "3.1", attempt=1, outcome=outcome)
    for mark, rest in ((third["mark"], "three\n"), (second["mark"], "two\nthree\n"), (first["mark"], "one\ntwo\nthree\n")):
        told = (await news(anna, mark))["news"]
        assert "".join(item["output"]["text"] for item in told if item["output"]) == rest
        assert told[-1]["event"]["kind"] == "outcome"


async def test_a_stream_tells_a_run_to_its_end_and_goes_on_where_it_broke(anna: httpx.AsyncClient, app: App) -> None:
    write(app, "intent", "3.1", attempt=1)
    write(app, "outcome", "3.1", attempt=1, outcome={"result": "ok", "exit_status": 0, "output": "gone <b>\r\nok"})
    write(app, "ended", state="succeeded", sentence="2 acts done.")
    whole = events_in((await anna.get(STREAM)).text)
    assert [name for _, name, _ in whole[-4:]] == ["output", "log", "log", "over"]
    assert whole[-4][2]["text"] == "gone <b>\nok"
    for place, (mark, _, _) in enumerate(whole[:-1]):
        rest = events_in((await anna.get(STREAM, headers={"last-event-id": mark})).text)
        # an outcome's last words are told again rather than lost
        assert rest == whole[place + 1 :] or rest == whole[place:], mark
    assert events_in((await anna.get(STREAM, params={"after": whole[-2][0]})).text) == [("", "over", {})]


@pytest.mark.parametrize(("path", "status", "code"), [
    ("/api/v1/runs/run-none/stream", 404, "WK203"), ("/api/v1/runs/run-none/news", 404, "WK203"),
    (f"{STREAM}?after=nonsense", 400, "WK160"), (f"{STREAM}?after=-1.5", 400, "WK160"),
])  # fmt: skip
async def test_what_cannot_be_followed_is_said_before_the_stream_begins(
    anna: httpx.AsyncClient, path: str, status: int, code: str
) -> None:
    answer = await anna.get(path)
    assert (answer.status_code, answer.json()["code"]) == (status, code)


async def test_a_stranger_follows_nothing(visitor: httpx.AsyncClient) -> None:
    assert (await visitor.get(STREAM)).status_code == 401


async def test_only_so_many_follow_at_once(anna: httpx.AsyncClient, app: App) -> None:
    app.followers.update(range(following.MOST))
    answer = await anna.get(STREAM)
    assert (answer.status_code, answer.json()["code"]) == (503, "WK415")


async def test_who_follows_is_let_go_when_watchkeeper_stops(anna: httpx.AsyncClient, app: App) -> None:
    asking = asyncio.create_task(anna.get(STREAM))
    while not app.followers:
        await asyncio.sleep(0.02)
    app.leave()
    answer = await asking
    assert "over" not in [name for _, name, _ in events_in(answer.text)]
    assert not app.followers
