"""Signing in by OpenID Connect: against a provider that others wrote, and against one that lies in every way it can."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import re
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from aiohttp import web
from joserfc import jwt
from joserfc.jwk import ECKey, OctKey, RSAKey

from watchkeeper.app import App
from watchkeeper.base.clock import SystemClock
from watchkeeper.base.errors import Refused, Transient
from watchkeeper.base.secrets import Scrubber, Secret
from watchkeeper.book.model import Book
from watchkeeper.estate.model import Access, Bindings, Estate, Oidc, Person
from watchkeeper.people.ledger import errands, list_sessions
from watchkeeper.plugins.oidc.provider import Departure, OidcProvider
from watchkeeper.settings import load_settings
from watchkeeper.store.database import Database
from watchkeeper.store.ledger import entries
from watchkeeper.testing import FakeClock
from watchkeeper.web.site import create_site

HERE = "http://127.0.0.1:8421"
BACK = f"{HERE}/sign-in/provider/back"
SECRET = Secret("the client's secret")
RSA, OTHER, EC = RSAKey.generate_key(2048), RSAKey.generate_key(2048), ECKey.generate_key("P-256")


@dataclass
class Liar:
    """A provider that speaks the real protocol with real signatures, and whatever else a test wants of it."""

    key: Any = field(default_factory=lambda: RSA)
    published: list[Any] = field(default_factory=lambda: [RSA])
    header: dict[str, Any] = field(default_factory=lambda: {"alg": "RS256"})
    claims: dict[str, Any] = field(default_factory=dict)
    metadata: dict[str, Any] = field(default_factory=dict)
    userinfo: dict[str, Any] | None = None
    status: int = 200
    body: bytes | None = None
    asked: list[dict[str, str]] = field(default_factory=list)
    basic: list[str] = field(default_factory=list)
    address: str = ""
    challenge: str = ""
    nonce: str = ""
    fetched: int = 0
    token: str | None = None

    async def discovery(self, request: web.Request) -> web.Response:
        said = {name: f"{self.address}/{name}" for name in ("authorization_endpoint", "token_endpoint", "jwks_uri")}
        said |= {"userinfo_endpoint": f"{self.address}/userinfo"} if self.userinfo is not None else {}
        return web.json_response({"issuer": self.address, **said} | self.metadata)

    async def keys(self, request: web.Request) -> web.Response:
        self.fetched += 1
        shown = [key.as_dict(private=False) if not isinstance(key, dict) else key for key in self.published]
        return web.json_response({"keys": shown})

    async def trade(self, request: web.Request) -> web.Response:
        form = dict(await request.post())
        self.asked.append({key: str(value) for key, value in form.items()})
        self.basic.append(request.headers.get("authorization", ""))
        if self.body is not None or self.status != 200:
            return web.Response(body=self.body or b'{"error": "invalid_grant"}', status=self.status, headers={"location": "/x"})
        made = base64.urlsafe_b64encode(hashlib.sha256(str(form["code_verifier"]).encode()).digest()).rstrip(b"=").decode()
        if made != self.challenge:
            return web.json_response({"error": "invalid_grant"}, status=400)
        return web.json_response(
            {
                "access_token": "an access token",
                "token_type": "Bearer",
                "id_token": self.sign() if self.token is None else self.token,
            }
        )

    async def who(self, request: web.Request) -> web.Response:
        return web.json_response(self.userinfo)

    def sign(self) -> str:
        """Sign what this provider says, as it wants to."""
        now = int(FakeClock().now().timestamp())
        truth = {"iss": self.address, "aud": "watchkeeper", "sub": "1", "iat": now, "exp": now + 300, "nonce": self.nonce}
        truth |= {"email": "anna@shop.example", "email_verified": True, "groups": ["sre"]} | self.claims
        said = {key: value for key, value in truth.items() if value is not None}
        return str(jwt.encode(self.header, said, self.key, algorithms=[self.header["alg"]]))

    def leave(self, departure: Departure) -> None:
        """Send the browser here."""
        asked = parse_qs(urlsplit(departure.address).query)
        self.challenge, self.nonce = asked["code_challenge"][0], asked["nonce"][0]


@pytest.fixture
async def liar() -> AsyncIterator[Liar]:
    made, site = Liar(), web.Application()
    site.add_routes([
        web.get("/.well-known/openid-configuration", made.discovery), web.get("/jwks_uri", made.keys),
        web.post("/token_endpoint", made.trade), web.get("/userinfo", made.who),
    ])  # fmt: skip
    runner = web.AppRunner(site)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    made.address = f"http://127.0.0.1:{runner.addresses[0][1]}"
    yield made
    await runner.cleanup()


def oidc_of(address: str, **more: Any) -> Oidc:
    return Oidc(address, "watchkeeper", SECRET, name="id", groups={"sre": "operator"}, **more)


async def finish(liar: Liar, given: dict[str, str] | None = None, **more: Any) -> Any:
    now = FakeClock().now()
    provider = OidcProvider(oidc_of(liar.address, **more))
    departure = await provider.begin(BACK, now)
    liar.leave(departure)
    return await provider.finish(given or {"code": "c"}, BACK, departure.verifier, departure.nonce, now)


async def test_the_browser_leaves_with_state_nonce_and_a_challenge(liar: Liar) -> None:
    departure = await OidcProvider(oidc_of(liar.address)).begin(BACK, FakeClock().now())
    asked = {key: values[0] for key, values in parse_qs(urlsplit(departure.address).query).items()}
    assert asked["code_challenge_method"] == "S256"
    assert (asked["response_type"], asked["redirect_uri"], asked["scope"]) == ("code", BACK, "openid email profile")
    assert (asked["state"], asked["nonce"]) == (departure.state, departure.nonce)
    assert departure.verifier not in departure.address
    assert len({departure.state, departure.nonce, departure.verifier}) == 3
    assert all(len(each) >= 43 for each in (departure.state, departure.nonce, departure.verifier))


@pytest.mark.parametrize(("key", "algorithm"), [(RSA, "RS256"), (RSA, "PS256"), (EC, "ES256")])
async def test_the_truth_is_believed(liar: Liar, key: Any, algorithm: str) -> None:
    liar.key, liar.published, liar.header = key, [key], {"alg": algorithm}
    claims = await finish(liar)
    assert (claims.subject, claims.email, claims.email_verified, claims.groups) == ("1", "anna@shop.example", True, ("sre",))
    assert liar.basic == ["Basic " + base64.b64encode(b"watchkeeper:the+client%27s+secret").decode()]
    assert "client_secret" not in liar.asked[0]


async def test_a_provider_that_wants_the_secret_in_the_form_gets_it_there(liar: Liar) -> None:
    liar.metadata = {"token_endpoint_auth_methods_supported": ["client_secret_post"]}
    await finish(liar)
    assert (liar.basic, liar.asked[0]["client_secret"]) == ([""], SECRET.reveal())


NOW = int(FakeClock().now().timestamp())
LIES: dict[str, dict[str, Any]] = {
    "signed by another key": {"key": OTHER},
    "signed by a key of ours that is not published": {"key": OTHER, "header": {"alg": "RS256", "kid": "new"}},
    "another issuer": {"claims": {"iss": "https://id.elsewhere.example"}},
    "another audience": {"claims": {"aud": "another-app"}},
    "several audiences, meant for another": {"claims": {"aud": ["watchkeeper", "other"], "azp": "other"}},
    "several audiences, meant for nobody": {"claims": {"aud": ["watchkeeper", "other"]}},
    "one audience, meant for another": {"claims": {"azp": "other"}},
    "too old": {"claims": {"exp": NOW - 61}},
    "without an end": {"claims": {"exp": None}},
    "not yet": {"claims": {"nbf": NOW + 61}},
    "without an issuer": {"claims": {"iss": None}},
    "without an audience": {"claims": {"aud": None}},
    "of nobody": {"claims": {"sub": None}},
    "another nonce": {"claims": {"nonce": "replayed"}},
    "without a nonce": {"claims": {"nonce": None}},
}


@pytest.mark.parametrize("lie", LIES)
async def test_a_lie_is_not_believed(liar: Liar, lie: str) -> None:
    for name, value in LIES[lie].items():
        setattr(liar, name, value)
    with pytest.raises(Refused) as caught:
        await finish(liar)
    assert caught.value.code == "WK334"


async def test_a_token_without_a_signature_or_signed_with_what_is_public_is_not_believed(liar: Liar) -> None:
    truth = json.loads(base64.urlsafe_b64decode(liar.sign().split(".")[1] + "=="))
    part = lambda said: base64.urlsafe_b64encode(json.dumps(said).encode()).rstrip(b"=").decode()  # noqa: E731
    body = f"{part({'alg': 'HS256'})}.{part(truth)}"
    tag = hmac.new(RSA.as_pem(private=False), body.encode(), hashlib.sha256).digest()
    confused = f"{body}.{base64.urlsafe_b64encode(tag).rstrip(b'=').decode()}"
    for forged in (
        f"{part({'alg': 'none'})}.{part(truth)}.",
        f"{part({'alg': 'nOnE'})}.{part(truth)}.",
        confused,
        "",
        "a.b.c",
        "é.é.é",
    ):
        liar.token = forged
        with pytest.raises(Refused):
            await finish(liar)


async def test_a_shared_secret_among_the_published_keys_signs_nothing(liar: Liar) -> None:
    shared = OctKey.generate_key(256)
    liar.published, liar.key, liar.header = [RSA, shared.as_dict(private=True)], shared, {"alg": "HS256"}
    with pytest.raises(Refused):
        await finish(liar)


async def test_a_provider_may_change_its_keys(liar: Liar) -> None:
    now = FakeClock().now()
    provider = OidcProvider(oidc_of(liar.address))
    for key in (RSA, OTHER):
        liar.key, liar.published = key, [key]
        departure = await provider.begin(BACK, now)
        liar.leave(departure)
        assert (await provider.finish({"code": "c"}, BACK, departure.verifier, departure.nonce, now)).subject == "1"
    assert liar.fetched == 2


@pytest.mark.parametrize(
    "metadata",
    [
        {"issuer": "https://id.elsewhere.example"},
        {"issuer": None},
        {"authorization_endpoint": "http://id.elsewhere.example/a"},
        {"authorization_endpoint": "javascript:alert(1)"},
        {"authorization_endpoint": None},
    ],
)
async def test_a_provider_that_calls_itself_another_is_not_gone_to(liar: Liar, metadata: dict[str, Any]) -> None:
    liar.metadata = metadata
    with pytest.raises(Refused):
        await OidcProvider(oidc_of(liar.address)).begin(BACK, FakeClock().now())


@pytest.mark.parametrize("name", ["token_endpoint", "jwks_uri"])
async def test_the_code_and_the_secret_go_nowhere_in_the_clear(liar: Liar, name: str) -> None:
    liar.metadata = {name: "http://id.elsewhere.example/x"}
    with pytest.raises(Refused, match="which is not https"):
        await finish(liar)


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (302, b""),
        (400, b'{"error": "invalid_grant"}'),
        (401, b"no"),
        (200, b"<html>"),
        (200, b"[]"),
        (200, b"x" * 600_000),
        (200, b"{}"),
    ],
)
async def test_a_wrong_answer_is_refused_and_no_redirect_is_followed(liar: Liar, status: int, body: bytes) -> None:
    liar.status, liar.body = status, body
    with pytest.raises(Refused):
        await finish(liar)
    assert len(liar.asked) == 1


async def test_a_provider_that_is_away_is_said_to_be(liar: Liar) -> None:
    liar.status = 503
    with pytest.raises(Transient):
        await finish(liar)
    with pytest.raises(Transient):
        await OidcProvider(oidc_of("http://127.0.0.1:9")).begin(BACK, FakeClock().now())


@pytest.mark.parametrize(
    "given", [{}, {"error": "access_denied"}, {"code": ""}, {"code": "c", "iss": "https://elsewhere.example"}]
)
async def test_an_answer_without_a_code_or_from_another_provider_is_refused(liar: Liar, given: dict[str, str]) -> None:
    with pytest.raises(Refused):
        await finish(liar, given or {"state": "s"})
    assert liar.asked == []


async def test_an_address_from_the_userinfo_counts_only_for_the_same_person(liar: Liar) -> None:
    liar.claims, liar.userinfo = {"email": None}, {"sub": "1", "email": "anna@shop.example", "email_verified": True}
    assert (await finish(liar)).email == "anna@shop.example"
    liar.userinfo = {"sub": "2", "email": "ben@shop.example", "email_verified": True}
    with pytest.raises(Refused, match="two different people"):
        await finish(liar)


# --- the whole way, through the console


@pytest.fixture
def app(database: Database, tmp_path: Path) -> App:
    anna = Person("anna", "Anna", 3, email="anna@shop.example", access={"shop": "owner"})
    estate = Estate(tmp_path / "watchkeeper.toml", "shop", tmp_path / "runbook.md", people={"anna": anna})
    return App(
        settings=load_settings({}), clock=FakeClock(), state=tmp_path, database=database, estate=estate,
        book=Book(title="Shop", service="shop"), bindings=Bindings(), scrubber=Scrubber(), owner="test",
    )  # fmt: skip


def trust(app: App, oidc: Oidc) -> None:
    app.estate = replace(app.estate, access=Access(oidc=oidc))


@pytest.fixture
async def browser(app: App) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(create_site(app), raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url=HERE) as client:
        yield client


async def go(browser: httpx.AsyncClient, liar: Liar) -> str:
    """Go to the provider and give the address to come back by."""
    answer = await browser.get("/sign-in/provider")
    assert answer.status_code == 303, answer.text
    asked = parse_qs(urlsplit(answer.headers["location"]).query)
    liar.challenge, liar.nonce = asked["code_challenge"][0], asked["nonce"][0]
    return f"/sign-in/provider/back?code=c&state={asked['state'][0]}"


async def test_who_comes_back_is_signed_in_as_their_person(browser: httpx.AsyncClient, app: App, liar: Liar) -> None:
    trust(app, oidc_of(liar.address))
    assert "Sign in with id" in (await browser.get("/sign-in")).text
    answer = await browser.get(await go(browser, liar))
    assert (answer.status_code, answer.headers["location"]) == (303, "/")
    (session,) = app.database.read_now(lambda c: list_sessions(c, app.clock.now(), "shop"))
    assert (session.actor, session.role, session.by, session.opened_from) == ("anna", "operator", "provider id", "127.0.0.1")
    row = app.database.read_now(lambda c: c.execute(entries.select()).one())
    assert (row.actor, row.act, row.body["origin"]["by"]) == ("anna", "sign in", "provider id")
    assert '<span class="name">anna</span>' in (await browser.get("/")).text


async def test_an_errand_comes_back_once_to_the_browser_that_began_it_in_time(
    browser: httpx.AsyncClient, app: App, liar: Liar
) -> None:
    trust(app, oidc_of(liar.address))
    back = await go(browser, liar)
    cookies = dict(browser.cookies)
    # somebody else's browser: a code of the attacker's must not sign a victim in as the attacker
    browser.cookies.clear()
    assert (await browser.get(back)).status_code == 403
    # that spent it, for everybody
    browser.cookies.update(cookies)
    assert (await browser.get(back)).status_code == 403
    assert (await browser.get(re.sub("state=.*", "state=guess", await go(browser, liar)))).status_code == 403
    late = await go(browser, liar)
    app.clock.move(601)  # type: ignore[attr-defined]
    assert (await browser.get(late)).status_code == 403
    assert "set-cookie" not in (await browser.get("/sign-in/provider/back")).headers
    assert app.database.read_now(lambda c: list_sessions(c, app.clock.now(), "shop")) == []


@pytest.mark.parametrize(
    ("claims", "more", "status"),
    [
        ({"email_verified": False}, {}, 403),
        ({"email_verified": None}, {}, 403),
        ({"email_verified": None}, {"unverified_email": True}, 303),
        ({"email": None}, {}, 403),
        ({"email": "anna"}, {}, 403),
        ({"email": "dora@shop.example", "groups": []}, {}, 403),
        ({"email": "dora@shop.example", "groups": ["sales"]}, {}, 403),
        ({"email": "dora@shop.example", "groups": "sre"}, {}, 303),
        ({"email": "ANNA@shop.example", "groups": []}, {}, 303),
    ],
)
async def test_who_may_come_in_follows_from_verified_address_and_groups(
    browser: httpx.AsyncClient, app: App, liar: Liar, claims: dict[str, Any], more: dict[str, Any], status: int
) -> None:
    trust(app, oidc_of(liar.address, **more))
    liar.claims = claims
    answer = await browser.get(await go(browser, liar))
    assert answer.status_code == status, answer.text
    assert (dict(browser.cookies) != {}) or status == 403


async def test_a_flood_of_errands_keeps_only_the_newest(browser: httpx.AsyncClient, app: App, liar: Liar) -> None:
    from watchkeeper.people import ledger

    now = app.clock.now()
    for n in range(ledger.MOST_ERRANDS + 20):
        app.database.write_now(lambda c, n=n: ledger.add_errand(c, f"{n}", "b", "n", "v", now.replace(year=2200), now))
    kept = app.database.read_now(lambda c: len(c.execute(errands.select()).all()))
    assert kept <= ledger.MOST_ERRANDS + 1


# --- a provider that others wrote


@pytest.fixture
def mock() -> Iterator[str]:
    """oidc-provider-mock of PyPI, a process of its own on a free port."""
    import socket

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-W", "ignore", "-m", "oidc_provider_mock", "--port", str(port), "--require-nonce", "true"]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        yield f"http://localhost:{port}"
    finally:
        process.terminate()
        process.wait(10)


@pytest.mark.slow
async def test_somebody_signs_in_by_a_provider_that_others_wrote(browser: httpx.AsyncClient, app: App, mock: str) -> None:
    import asyncio

    app.clock = SystemClock()  # theirs is the real one
    trust(app, oidc_of(mock))
    async with httpx.AsyncClient() as outside:
        for _ in range(200):
            try:
                claims = {"email": "anna@shop.example", "email_verified": True, "groups": ["sre"]}
                await outside.put(f"{mock}/users/anna", json=claims)
                break
            except httpx.TransportError:
                await asyncio.sleep(0.1)
        leaving = await browser.get("/sign-in/provider")
        assert leaving.status_code == 303, leaving.text
        said = await outside.post(leaving.headers["location"], data={"sub": "anna"})
        assert said.headers["location"].startswith(BACK)
    arrived = await browser.get(said.headers["location"])
    assert (arrived.status_code, arrived.headers.get("location")) == (303, "/"), arrived.text
    (session,) = app.database.read_now(lambda c: list_sessions(c, app.clock.now(), "shop"))
    assert (session.actor, session.role) == ("anna", "operator")
