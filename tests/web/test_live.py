"""An open page shows what happens within about a second, keeps what somebody is typing, and says when it lost touch."""

from __future__ import annotations

import asyncio

import pytest
from tests.web.browsing import Console

from watchkeeper.app import App
from watchkeeper.incident.ledger import add_entry
from watchkeeper.run.ledger import append_event
from watchkeeper.run.live import LiveOutput

INCIDENT, RUN = "inc-01k9x3h8v2-7dq4mz", "run-01k9x3hb0c-2m5r8t"
pytestmark = pytest.mark.slow


async def test_a_timeline_grows_while_somebody_types(console: Console, app: App) -> None:
    page = console.page
    await page.goto(f"{console.base}/incidents/{INCIDENT}")
    await page.click("#note > summary")
    await page.fill("#note textarea", "half a thou")
    now = app.clock.now()
    app.database.write_now(lambda c: add_entry(c, INCIDENT, now, "step", "automation", "Restarted <b>web</b>."))
    await page.wait_for_selector("text=Restarted <b>web</b>.", timeout=2500)
    assert await page.input_value("#note textarea") == "half a thou"
    assert console.complaints == []


async def test_output_of_a_running_act_grows(console: Console, app: App) -> None:
    page, now = console.page, app.clock.now()
    await page.goto(f"{console.base}/runs/{RUN}")
    app.database.write_now(lambda c: append_event(c, RUN, now, "intent", "automation", "3.1", {"attempt": 1}))
    async with LiveOutput(app.database, RUN, "3.1", 1, ()) as live:
        for words in ("DELETE 100", "DELETE 1204"):
            live.take(f"\x1b[31m{words}\x1b[0m é🙂\n")
            await page.wait_for_selector(f".output .c31:text-is('{words}')", timeout=2500)
        live.take("<script>document.title = 'owned'</script><img src=x onerror=\"document.title = 'owned'\">\n")
        await page.wait_for_selector("text=onerror", timeout=2500)
        # pieces come by the stream: what a page shows is what was printed, once, in order
        shown = await page.inner_text("#pre-3-1")
        assert shown.splitlines()[:2] == ["DELETE 100 é🙂", "DELETE 1204 é🙂"]
        assert shown.count("onerror") == 1
        assert await page.locator("#pre-3-1 img, #pre-3-1 script").count() == 0
        assert "owned" not in await page.title()
    assert console.complaints == []


async def test_a_flood_leaves_the_page_usable(console: Console, app: App) -> None:
    page, now = console.page, app.clock.now()
    await page.goto(f"{console.base}/runs/{RUN}")
    app.database.write_now(lambda c: append_event(c, RUN, now, "intent", "automation", "3.1", {"attempt": 1}))
    await page.wait_for_selector("#pre-3-1")
    async with LiveOutput(app.database, RUN, "3.1", 1, ()) as live:
        for number in range(12):
            live.take(f"\x1b[3{1 + number % 6}mround {number} of the flood\n" * 40_000)
            await asyncio.sleep(0.3)
        live.take("the end\n")
        await page.wait_for_selector("text=the end", timeout=5000)
    assert await page.evaluate("document.querySelector('#pre-3-1').textContent.length") < 200_000
    # whichever came last, a piece of the stream or the whole page again, it says that something is left out
    assert "…" in await page.inner_text("#pre-3-1")
    await page.click("#cancel > summary", timeout=2000)
    assert console.complaints == []


async def test_a_question_is_answered_on_the_page(console: Console, app: App) -> None:
    page = console.page
    await page.goto(f"{console.base}/runs/{RUN}")
    await page.fill("#act-3-1 input[name=why]", "carts only")
    await page.click("#act-3-1 button[value=skip]")
    await page.wait_for_selector("text=anna skipped it: carts only.", timeout=5000)
    assert await page.locator("form.ask").count() == 0
    assert console.complaints == []


async def test_a_console_that_lost_touch_says_so(console: Console) -> None:
    page = console.page
    await page.goto(f"{console.base}/")
    assert not await page.is_visible("#stale")
    await page.route("**/*", lambda route: route.abort())
    await page.wait_for_selector("#stale", state="visible", timeout=5000)
    await page.unroute_all()
    await page.wait_for_selector("#stale", state="hidden", timeout=5000)


@pytest.mark.parametrize("path", ["/", f"/incidents/{INCIDENT}", f"/runs/{RUN}", "/book", "/signals", "/ledger", "/reviews"])
async def test_a_phone_shows_every_page_without_scrolling_sideways(console: Console, path: str) -> None:
    await console.page.set_viewport_size({"width": 390, "height": 844})
    await console.page.goto(console.base + path)
    assert await console.page.evaluate("document.documentElement.scrollWidth") == 390
    assert console.complaints == []
