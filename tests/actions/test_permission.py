"""Every action asks who wants it, a narrowed token does what it was narrowed to, and the ledger says who."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from watchkeeper import actions
from watchkeeper.actions import acts, permission, tokens
from watchkeeper.alert.model import Report
from watchkeeper.alert.naming import Names
from watchkeeper.app import App
from watchkeeper.base.errors import Refused
from watchkeeper.base.secrets import Scrubber
from watchkeeper.book.model import Book
from watchkeeper.estate.model import Bindings, Estate, Hook, Policy
from watchkeeper.people.identity import Actor
from watchkeeper.settings import load_settings
from watchkeeper.store.database import Database
from watchkeeper.store.ledger import entries, verify
from watchkeeper.testing import FakeClock

OWNER = Actor("anna", ("owner",), "password", "192.0.2.7")
NOON = datetime(2026, 3, 14, 12, tzinfo=UTC)
#: how each action that changes something is called; a new one without its line here fails the test below
CALLS: dict[str, tuple[Any, ...]] = {
    "acts.acknowledge": ("inc-1",),
    "acts.resolve": ("inc-1", "sure"),
    "acts.note": ("inc-1", "seen"),
    "affected.count": ("inc-1",),
    "following_up.add": ("inc-1", "Give the disk more room", "anna", "14d"),
    "following_up.finish": ("fup-1",),
    "by_hand.open_incident": ("Checkout is odd",),
    "by_hand.keep_private": ("inc-1", "a break-in"),
    "by_hand.set_severity": ("inc-1", "P1", "worse"),
    "by_hand.tell_update": ("inc-1", "we look"),
    "by_hand.merge": ("inc-1", "inc-2"),
    "by_hand.split": ("inc-1", ["alt-1"]),
    "by_hand.relate_to": ("inc-1", "inc-2"),
    "acts.start_run": ("restart",),
    "acts.start_command": ("runbook.md:3",),
    "acts.answer": ("run-1", "1.1", "approve"),
    "acts.tick": ("run-1", "done"),
    "acts.cancel_run": ("run-1",),
    "acts.resume_run": ("run-1",),
    "acts.halt": ("odd",),
    "effects.preview_plan": ("restart",),
    "effects.undo_run": ("run-1",),
    "acts.unhalt": ("over",),
    "hooks.note_delivery": (Hook("prom", "alertmanager"), "hook asks", "a topic asks"),
    "hooks.take_alerts": (
        Hook("prom", "alertmanager"),
        [Report("a", "Down", "firing", "It is down")],
        Names(Book(title="Shop", service="shop"), Bindings()),
    ),
    "restoring.restored": ("the disk died",),
    "oncall.override": ("primary", "anna", NOON, NOON + timedelta(hours=1)),
    "oncall.swap": ("primary", "anna", "ben"),
    "oncall.take_back": ("chg-1",),
    "oncall.leave_note": ("primary", "quiet so far"),
    "oncall.page": ("anna", "please call"),
    "oncall.try_pages": (),
    "oncall.give_calendar": ("anna",),
    "oncall.void_calendar": ("anna",),
    "assigning.assign": ("inc-1", "commander", "anna"),
    "assigning.tick_task": ("inc-1", "1/1"),
    "learning.propose_patch": ("inc-1",),
    "changes.note_change": ("Released 2.4.1",),
    "silences.silence": (timedelta(hours=1), "expected"),
    "silences.end_silence": ("sil-1",),
    "links.void_links": (),
    "people.members": (),
    "people.set_password": ("anna", "four words that fit"),
    "people.drop_password_of": ("anna",),
    "people.end_sessions": ("ben",),
    "arriving.push": ("shop", {}),
    "arriving.push_metrics": ("shop", "orders 1"),
    "public.post": ("inc-1", "investigating", "We look into it."),
    "public.announce": ("New disks", datetime(2030, 1, 1, tzinfo=UTC), timedelta(hours=1)),
    "public.withdraw": ("mnt-1",),
    "public.subscribe_endpoint": ("https://example.com/hook",),
    "public.drop_subscriber": ("sub-1",),
    "public.subscribers": (),
    "tokens.give_token": ("bot", "viewer", timedelta(days=1)),
    "tokens.tokens_out": (),
    "tokens.take_back": ("bot",),
}


def find_actions() -> dict[str, Callable[..., Any]]:
    """Find every function of the actions that somebody asks for: those that take who asks."""
    found = {}
    for module in pkgutil.iter_modules(actions.__path__):
        if module.ispkg or module.name == "permission":
            continue
        loaded = importlib.import_module(f"watchkeeper.actions.{module.name}")
        for name, made in inspect.getmembers(loaded, inspect.iscoroutinefunction):
            if made.__module__ == loaded.__name__ and "actor" in inspect.signature(made).parameters:
                found[f"{module.name}.{name}"] = made
    return found


#: signing out asks for nothing but the session that it ends
FREE = {"callers.sign_out"}
ACTIONS = {name: made for name, made in find_actions().items() if name not in FREE}


@pytest.fixture
def app(database: Database, tmp_path: Path) -> App:
    estate = Estate(tmp_path / "watchkeeper.toml", "shop", tmp_path / "runbook.md", policy=Policy(mode="ask"))
    return App(
        settings=load_settings({}), clock=FakeClock(), state=tmp_path, database=database, estate=estate,
        book=Book(title="Shop", service="shop"), bindings=Bindings(), scrubber=Scrubber(), owner="test",
    )  # fmt: skip


def rows(app: App) -> list[Any]:
    return list(app.database.read_now(lambda c: c.execute(entries.select().order_by(entries.c.seq)).all()))


def test_every_action_is_tried_here() -> None:
    assert set(ACTIONS) == set(CALLS)


@pytest.mark.parametrize("name", sorted(CALLS))
@pytest.mark.parametrize(
    "actor",
    [
        Actor("vera", ("viewer",)),
        Actor("nobody", ()),
        Actor("old", ("admin",)),
        Actor("narrow", ("owner",), scopes=frozenset({"look"})),
        Actor("none", ("owner",), scopes=frozenset()),
    ],
    ids=lambda actor: actor.name,
)
async def test_who_may_only_look_changes_nothing(app: App, name: str, actor: Actor) -> None:
    with pytest.raises(Refused) as refused:
        await ACTIONS[name](app, actor, *CALLS[name])
    assert refused.value.code == "WK323"
    assert rows(app) == []


async def test_our_own_loop_answers_nothing_and_lifts_no_brake(app: App) -> None:
    for name in sorted(set(CALLS) - {"acts.start_run", "acts.cancel_run", "affected.count"}):
        with pytest.raises(Refused, match="narrowed to cancel, count, start"):
            await ACTIONS[name](app, acts.OURSELVES, *CALLS[name])


async def test_a_narrowed_token_does_what_it_was_narrowed_to_and_no_more_than_its_role_may(app: App) -> None:
    await acts.halt(app, Actor("probe", ("responder",), scopes=frozenset({"halt"})), "odd")
    with pytest.raises(Refused):
        await acts.unhalt(app, Actor("probe", ("responder",), scopes=frozenset({"halt", "unhalt"})))


async def test_an_entry_says_who_by_which_credential_and_from_where(app: App) -> None:
    await acts.halt(app, OWNER, "the storm")
    await acts.unhalt(app, Actor("bot", ("operator",), "token bot", "192.0.2.9", person="anna"), "over")
    first, second = rows(app)
    assert (first.actor, first.why) == ("anna", "the storm")
    assert first.body["origin"] == {"by": "password", "from": "192.0.2.7"}
    assert second.body["origin"] == {"by": "token bot", "from": "192.0.2.9", "person": "anna"}
    assert app.database.read_now(lambda c: verify(c, {}))[1] == []


async def test_an_origin_ends_with_its_act_even_where_that_fails(app: App) -> None:
    def fails(connection: Any) -> None:
        raise RuntimeError

    with pytest.raises(RuntimeError):
        await permission.done_by(app, OWNER, "halt", fails)
    await tokens.give_token(app, Actor("ben", ("owner",)), "bot", "viewer", timedelta(days=1))
    assert "origin" not in rows(app)[0].body


def test_a_forged_origin_breaks_the_chain(app: App) -> None:
    from watchkeeper.store import ledger

    def write(connection: Any) -> None:
        with ledger.on_behalf(connection, OWNER.origin):
            ledger.append(connection, app.clock.now(), "anna", "halt", "shop")
        connection.execute(entries.update().values(body={"origin": {"by": "terminal", "from": "this machine"}}))

    app.database.write_now(write)
    assert "was altered" in app.database.read_now(lambda c: verify(c, {}))[1][0].sentence
