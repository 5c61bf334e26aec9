"""Every page can be used by who does not see it or uses no mouse, as far as axe can tell: in a real browser, wide and narrow."""

from __future__ import annotations

from dataclasses import replace

import pytest
from axe_playwright_python.async_playwright import Axe
from tests.web.browsing import Console

from watchkeeper.app import App
from watchkeeper.estate.model import StatusPage
from watchkeeper.learn import follow_up
from watchkeeper.learn.follow_up import FollowUp

pytestmark = pytest.mark.slow

INCIDENT, RUN = "inc-01k9x3h8v2-7dq4mz", "run-01k9x3hb0c-2m5r8t"
PAGES = (
    "/", "/incidents", f"/incidents/{INCIDENT}", "/runs", f"/runs/{RUN}", "/book", "/signals", "/oncall", "/reviews", "/measures",
    "/ledger", "/capacity", "/procedures/web-application-is-down", "/status",
)  # fmt: skip


@pytest.mark.parametrize("width", [1280, 390])
async def test_axe_finds_nothing(console: Console, app: App, width: int) -> None:
    app.estate = replace(app.estate, statuspage=StatusPage("Shop", components={"Web application": "Shop"}))
    now = app.clock.now()
    todo = FollowUp("fup-1", INCIDENT, "Give the disk more room", "anna", now, "anna", now)
    app.database.write_now(lambda c: follow_up.add(c, todo))
    await console.page.set_viewport_size({"width": width, "height": 900})
    found = {}
    for path in PAGES:
        answer = await console.page.goto(console.base + path)
        assert answer is not None
        assert answer.status == 200, path
        for details in await console.page.locator("details").all():
            await details.evaluate("each => { each.open = true }")
        seen = await Axe().run(console.page)
        bad = [f"{each['id']}: {each['nodes'][0]['html'][:120]}" for each in seen.response["violations"]]
        if bad:
            found[path] = bad
    assert found == {}, "\n".join(f"{path} {each}" for path, bad in found.items() for each in bad)
