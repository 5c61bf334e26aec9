"""The door turns away who is not ours, and every answer forbids what pages of ours never need."""

from __future__ import annotations

import httpx
import pytest

PORT = 8421
HERE = f"http://127.0.0.1:{PORT}"


NOT_OURS = [
    "rebound.example", f"rebound.example:{PORT}", "127.0.0.1", f"127.0.0.1:{PORT + 1}", f"127.0.0.1.rebound.example:{PORT}",
    f"127.0.0.1:{PORT}@rebound.example", f"anna@127.0.0.1:{PORT}", f"127.0.0.1:{PORT}/x", "watch.lan",
    "127.0.0.1:port", "", f"watch.shop.example:{PORT}",
]  # fmt: skip
OURS = [f"localhost:{PORT}", f"LOCALHOST:{PORT}", f"127.0.0.1:{PORT}", f"[::1]:{PORT}", f"watch.lan:{PORT}", "watch.shop.example"]


async def test_a_host_that_is_not_ours_is_misdirected(anna: httpx.AsyncClient) -> None:
    for host in NOT_OURS:
        for path in ("/", "/sign-in", "/api/v1/overview", "/static/live.js"):
            answer = await anna.get(path, headers={"host": host})
            assert answer.status_code == 421, host
            assert "Web application" not in answer.text


async def test_loopback_and_the_hosts_it_was_told_are_ours(visitor: httpx.AsyncClient) -> None:
    for host in OURS:
        assert (await visitor.get("/sign-in", headers={"host": host})).status_code == 200, host


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "https://elsewhere.example"},
        {"origin": "null"},
        {"origin": "null", "sec-fetch-site": "none"},
        {"origin": "null", "sec-fetch-site": "cross-site"},
        {"origin": f"http://localhost:{PORT}"},
        {"origin": f"https://127.0.0.1:{PORT}"},
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
    ],
)
async def test_a_post_from_another_site_does_nothing(anna: httpx.AsyncClient, csrf: str, headers: dict[str, str]) -> None:
    answer = await anna.post("/halt", data={"csrf": csrf, "why": "a trick"}, headers=headers)
    assert answer.status_code == 403
    assert "halted" not in (await anna.get("/")).text


@pytest.mark.parametrize(
    "headers", [{"origin": HERE, "sec-fetch-site": "same-origin"}, {"origin": "null", "sec-fetch-site": "same-origin"}, {}]
)
async def test_a_post_from_our_own_page_is_let_in(anna: httpx.AsyncClient, csrf: str, headers: dict[str, str]) -> None:
    answer = await anna.post("/halt", data={"csrf": csrf, "why": "the storm"}, headers=headers)
    assert answer.status_code == 303


async def test_every_answer_forbids_foreign_scripts_and_frames(anna: httpx.AsyncClient) -> None:
    for path in ("/", "/sign-in", "/nothing-here", "/api/v1/overview", "/static/console.css"):
        headers = (await anna.get(path)).headers
        policy = headers["content-security-policy"]
        assert "default-src 'self'" in policy
        assert "frame-ancestors 'none'" in policy
        assert "unsafe-inline" not in policy
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "no-referrer"
        assert headers["cache-control"] == "no-store"


async def test_a_flood_is_turned_away(anna: httpx.AsyncClient) -> None:
    assert (await anna.post("/sign-in", content=b"x" * 1_000_001)).status_code == 413

    async def drops() -> object:  # without a length
        for _ in range(11):
            yield b"x" * 100_000

    form = {"content-type": "application/x-www-form-urlencoded"}
    assert (await anna.post("/sign-in", content=drops(), headers=form)).status_code == 413  # type: ignore[arg-type]
