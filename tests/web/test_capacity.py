"""The page of capacity and its twin, from hourly sums."""

from __future__ import annotations

from datetime import timedelta

import httpx
from sqlalchemy import insert
from tests.web.conftest import NOW

from watchkeeper.app import App
from watchkeeper.watch.past.history import buckets


async def test_a_reading_that_grows_is_told_with_its_day(app: App, anna: httpx.AsyncClient) -> None:
    hours = 24 * 10
    rows = [
        {
            "level_s": 3600,
            "signal": "queue",
            "at": NOW.replace(minute=0, second=0) - timedelta(hours=hours - hour),
            "looks": 240,
            "blind": 0,
            "readings": {"length": [240, 0.0, 500.0, 240 * (100 + hour)]},
        }
        for hour in range(hours)
    ]
    app.database.write_now(lambda c: c.execute(insert(buckets), rows))
    found = (await anna.get("/api/v1/capacity")).json()
    line = found["lines"][0]
    assert (line["subject"], line["state"], round(line["per_day"])) == ("Queue length", "nears", 24)
    assert found["without_past"] == 1
    page = (await anna.get("/capacity")).text
    assert "at this rate its limit is reached in 7 days" in page
    assert 'href="/capacity"' in (await anna.get("/signals")).text
