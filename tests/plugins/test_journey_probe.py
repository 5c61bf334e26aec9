"""A customer's way through a small real shop: cookies, tokens and ids from one answer to the next, and the step that fails."""

from __future__ import annotations

import asyncio
import doctest
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from tests.plugins.conftest import free_port

from watchkeeper.base.errors import ConfigError
from watchkeeper.base.secrets import Secret
from watchkeeper.estate.config import load_estate
from watchkeeper.estate.model import Estate, SignalConfig
from watchkeeper.plugins.journey import values
from watchkeeper.plugins.journey.probe import JourneyProbe
from watchkeeper.plugins.journey.search import search
from watchkeeper.plugins.journey.values import StepError
from watchkeeper.watch.probe import Probe

STEPS = r"""
[service]
name = "shop"
runbook = "runbook.md"
[signals.checkout]
kind = "journey"
url = "%s"
acts = true
every = "5 minutes"
[[signals.checkout.steps]]
name = "cart"
url = "/cart"
contains = "Your cart"
capture = { csrf = 'regex name="csrf" value="([^"]+)"' }
[[signals.checkout.steps]]
name = "order"
method = "POST"
url = "/orders"
json = { item = "test", note = "watch {look}", csrf = "{csrf}" }
expect_status = 201
expect = { "order.state" = "open", "order.lines[0].count" = 1 }
capture = { order = "json order.id", price = "json order.price", page = "header Location" }
[[signals.checkout.steps]]
name = "pay"
method = "POST"
url = "/pay/{order}?for={order}"
form = { amount = "{price}" }
headers = { X-Order = "{order}" }
expect = { "paid" = true, "amount" = "{price}" }
[[signals.checkout.steps]]
name = "receipt"
url = "{page}"
contains = "paid {price}"
"""


async def test_a_pattern_that_never_ends_is_ended_and_the_loop_goes_on_meanwhile() -> None:
    turns = 0

    async def others() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0.01)

    task = asyncio.create_task(others())
    with pytest.raises(StepError, match="too costly for this answer"):
        await search(r"(a+)+$", "a" * 60 + "b", 1.0)
    task.cancel()
    assert turns > 5
    assert await search(r"id=(\d+)", "x" * 900_000 + " id=42", 5.0) == "42"
    assert await search("é+", "caféé", 5.0) == "éé"
    with pytest.raises(StepError, match="is not in the answer"):
        await search("nothing", "", 5.0)


class Shop:
    """Counts what was ordered, and breaks as it is told."""

    def __init__(self) -> None:
        self.order_id: Any = "o/1?x=é&\"'"
        self.declines = False
        self.seen: list[str] = []
        self.location = ""

    async def cart(self, request: web.Request) -> web.Response:
        answer = web.Response(text='<p>Your cart <input name="csrf" value="t&quot;k">', content_type="text/html")
        answer.set_cookie("session", "abc")
        self.seen.append(f"cart {request.cookies.get('session')}")
        return answer

    async def order(self, request: web.Request) -> web.Response:
        said = await request.json()
        if request.cookies.get("session") != "abc" or said["csrf"] != "t&quot;k":
            raise web.HTTPForbidden
        self.seen.append(said["note"])
        made = {"id": self.order_id, "state": "open", "price": 12.5, "lines": [{"count": 1}]}
        return web.json_response({"order": made}, status=201, headers={"Location": self.location})

    async def pay(self, request: web.Request) -> web.Response:
        if self.declines:
            raise web.HTTPPaymentRequired
        assert request.match_info["order"] == request.query["for"] == str(self.order_id)
        assert request.headers["X-Order"].encode("utf-8", "surrogateescape").decode() == str(self.order_id)
        return web.json_response({"paid": True, "amount": float((await request.post())["amount"])})  # type: ignore[arg-type]

    async def receipt(self, request: web.Request) -> web.Response:
        return web.Response(text="paid 12.5")


@pytest.fixture
async def shop() -> AsyncIterator[tuple[Shop, str]]:
    made, app, port = Shop(), web.Application(), free_port()
    app.add_routes([web.get("/cart", made.cart), web.post("/orders", made.order), web.post("/pay/{order}", made.pay)])
    app.add_routes([web.get("/receipt", made.receipt)])
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    made.location = f"http://127.0.0.1:{port}/receipt"
    yield made, f"http://127.0.0.1:{port}"
    await runner.cleanup()


def checkout(folder: Path, url: str) -> JourneyProbe:
    (folder / "watchkeeper.toml").write_text(STEPS % url)
    estate = load_estate(folder / "watchkeeper.toml", {})
    return JourneyProbe(estate.signals["checkout"], estate)


async def test_a_checkout_goes_through_with_what_each_answer_gives(shop: tuple[Shop, str], tmp_path: Path) -> None:
    made = checkout(tmp_path, shop[1])
    for _ in range(2):
        look = await made.look()
        assert (look.detail, look.values["up"], look.values["steps"]) == ("4 steps", 1.0, 4.0)
    assert set(look.values) == {
        "up", "seconds", "steps", "cart_seconds", "order_seconds", "pay_seconds", "receipt_seconds",
    }  # fmt: skip
    carts, notes = shop[0].seen[::2], shop[0].seen[1::2]
    assert carts == ["cart None", "cart None"]  # a look is a customer of its own
    assert len(set(notes)) == 2
    assert made.acts


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"declines": True}, "pay (step 3 of 4) failed: 402 Payment Required, expected 2xx"),
        ({"order_id": "a\nb"}, "pay (step 3 of 4) failed: a value with a line break cannot stand in a header"),
        ({"order_id": "x" * 20_000}, "order (step 2 of 4) failed: {order} cannot be taken: what is there is too long"),
        ({"order_id": None}, "{order} cannot be taken: what is there is empty"),
        ({"location": "http://169.254.169.254/latest"}, "receipt (step 4 of 4) failed: {page} leads to a host"),
        ({"location": "file:///etc/passwd"}, "leads to a host that the journey does not name"),
        ({"location": "http://[bad"}, "leads to a host that the journey does not name"),
    ],
)
async def test_the_failing_step_is_named(shop: tuple[Shop, str], tmp_path: Path, change: dict[str, Any], said: str) -> None:
    for name, value in change.items():
        setattr(shop[0], name, value)
    look = await checkout(tmp_path, shop[1]).look()
    assert said in look.detail
    assert (look.values["up"], look.problem) == (0.0, None)


async def test_a_shop_that_is_away_hangs_or_floods(probe: Callable[..., Probe], peer: Any, closed_port: int) -> None:
    async def hang(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(60)

    async def flood(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
        while True:
            writer.write(b"x" * 65_536)
            await writer.drain()

    away = await probe("journey", steps=[{"url": f"http://127.0.0.1:{closed_port}/"}]).look()
    assert (away.values["up"], away.detail) == (0.0, "step 1 (step 1 of 1) failed: connection refused")
    steps = [{"url": f"http://127.0.0.1:{await peer(hang)}/"}]
    assert "no complete answer" in (await probe("journey", timeout_s=0.2, steps=steps).look()).detail
    endless = f"http://127.0.0.1:{await peer(flood)}/"
    looked = await probe("journey", steps=[{"url": endless, "capture": {"a": "json b"}}]).look()
    assert "too long to be read" in looked.detail


async def test_a_secret_is_sent_and_never_shown(probe: Callable[..., Probe], site: Any) -> None:
    async def handle(request: web.Request) -> web.Response:
        good = request.headers["Authorization"] == "Bearer token-1234" and (await request.json())["password"] == "pass-1234"
        return web.json_response({"ok": good, "a": {"b": 1}}, status=200)

    step = {
        "url": await site(handle), "method": "POST", "headers": {"Authorization": Secret("Bearer token-1234")},
        "json": {"password": Secret("pass-1234")}, "expect": {"ok": True, "a.b": 2},
    }  # fmt: skip
    signal = SignalConfig("api", "journey", 3, every_s=60.0, options={"acts": True, "steps": [step]})
    made = JourneyProbe(signal, Estate(Path("w.toml"), "shop", Path("b.md")))
    look = await made.look()
    assert look.detail == "step 1 (step 1 of 1) failed: 'a.b' is 1, expected 2"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (("acts = true", ""), "sends POST, which acts on the outside"),
        (('every = "5 minutes"', ""), "would act every 15 s"),
        (('"watch {look}"', '"watch {lock}"'), "uses {lock}, which no step before it takes"),
        (('name = "pay"', 'name = "cart"'), "Two steps are named 'cart'"),
        (('url = "/pay/{order}?', 'url = "http://{order}.example/pay?'), "is not an address of the web"),
        (("json order.id", "jason order.id"), "does not say what to take"),
        (("regex name=", "regex ((name="), "is no pattern"),
        (('contains = "Your cart"', 'contain = "Your cart"'), "'contain', which is not known"),
        (("expect_status = 201", "expect_status = 20"), "is 20"),
    ],
)
def test_what_cannot_be_a_journey_is_refused(tmp_path: Path, change: tuple[str, str], said: str) -> None:
    assert change[0] in STEPS
    (tmp_path / "watchkeeper.toml").write_text((STEPS % "http://127.0.0.1:1").replace(*change))
    estate = load_estate(tmp_path / "watchkeeper.toml", {})
    with pytest.raises(ConfigError) as caught:
        JourneyProbe(estate.signals["checkout"], estate)
    assert said in str(caught.value)
    assert ":" in (caught.value.where or "")


def test_the_examples_in_the_docstrings() -> None:
    assert doctest.testmod(values).failed == 0


async def test_a_secret_that_is_expected_is_not_shown_in_part(probe: Callable[..., Probe], site: Any) -> None:
    async def handle(request: web.Request) -> web.Response:
        return web.json_response({"licence": "other " * 20})

    step = {"url": await site(handle), "expect": {"licence": Secret("a-very-long-licence-" * 5)}}
    look = await probe("journey", steps=[step]).look()
    assert look.detail.endswith("failed: 'licence' is not what is expected, which is a secret")
