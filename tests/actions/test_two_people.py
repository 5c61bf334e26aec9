"""Two people are two people, whichever door each comes in by; one person who comes in by three is one."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from people_cast import ANNA, APPROVE, NAMED, Shop

from watchkeeper.actions import acts
from watchkeeper.actions.tokens import give_token, warnings
from watchkeeper.base.errors import InputError, Refused
from watchkeeper.cli.options import me
from watchkeeper.people.identity import Actor, user_here
from watchkeeper.store.ledger import entries


async def test_two_people_by_two_doors_let_it_run(shop: Shop) -> None:
    run_id = await shop.start()
    assert (await shop.by_console("anna", run_id)).status_code == 303
    assert (await shop.drive(run_id)).acts["1.1"].state == "asking"
    assert not shop.dropped()
    assert (await shop.by_token("ci", run_id, "ben")).status_code == 204
    run = await shop.drive(run_id)
    assert shop.dropped(), run.sentence
    assert run.acts["1.1"].approvers == ("anna", "ben")
    rows = shop.app.database.read_now(lambda c: c.execute(entries.select().where(entries.c.act == "run approved")).all())
    assert [(row.actor, row.body["origin"]) for row in rows] == [
        ("anna", {"by": "printed address", "from": "127.0.0.1"}),
        ("ci", {"by": "token ci", "from": "127.0.0.1", "person": "ben"}),
    ]


async def test_one_person_by_console_token_and_terminal_is_one(shop: Shop) -> None:
    run_id = await shop.start()
    await shop.by_console("anna", run_id)
    await shop.drive(run_id)
    console = await shop.by_console("anna", run_id)
    assert (console.status_code, "anna approved it already" in console.text) == (403, True)
    by_address = await shop.by_console("anna@shop.example", run_id)
    assert by_address.status_code == 403
    token = await shop.by_token("deploy", run_id, "anna")
    assert (token.status_code, token.json()["code"]) == (403, "WK326")
    with pytest.raises(Refused, match="anna approved it already"):
        await acts.answer(shop.app, me(shop.app), run_id, "1.1", "approve", **NAMED)
    await shop.drive(run_id)
    assert not shop.dropped()


async def test_who_started_it_is_one_of_the_two(shop: Shop) -> None:
    run_id = await shop.start(Actor("nightly", ("operator",), "token nightly", person="anna"))
    await shop.by_console("anna", run_id)
    await shop.drive(run_id)
    assert not shop.dropped()
    await shop.by_console("ben", run_id)
    await shop.drive(run_id)
    assert shop.dropped()


async def test_people_who_are_not_listed_count_as_one(shop: Shop) -> None:
    run_id = await shop.start()
    assert (await shop.by_console("carla", run_id)).status_code == 303
    await shop.drive(run_id)
    assert (await shop.by_console("dora", run_id)).status_code == 403
    await shop.drive(run_id)
    assert not shop.dropped()


async def test_a_responder_cannot_let_it_run_by_any_door(shop: Shop) -> None:
    run_id = await shop.start()
    token = await give_token(shop.app, ANNA, "robot", "responder", timedelta(days=1))
    answer = await shop.client.post(f"/api/v1/runs/{run_id}/answers", json=APPROVE, headers={"authorization": f"Bearer {token}"})
    assert (answer.status_code, answer.json()["code"]) == (403, "WK323")
    with pytest.raises(Refused, match="it takes an operator"):
        await acts.answer(shop.app, Actor("vera", ("responder",)), run_id, "1.1", "approve", **NAMED)


@pytest.mark.parametrize("given", [{}, {"why": "old"}, {"confirm": "Cart is full"}, {"why": "old", "confirm": "cart is full"}])
async def test_the_terminal_types_the_name_and_says_why_too(shop: Shop, given: dict[str, str]) -> None:
    run_id = await shop.start()
    with pytest.raises(InputError):
        await acts.answer(shop.app, me(shop.app), run_id, "1.1", "approve", **given)


@pytest.mark.parametrize("name", ["automation", "Automation", "ben", "anna@shop.example", user_here()])
async def test_no_token_takes_the_name_of_a_person_or_of_automation(shop: Shop, name: str) -> None:
    with pytest.raises(InputError, match="is the name of somebody else"):
        await give_token(shop.app, ANNA, name, "operator", timedelta(days=1))


async def test_the_environment_makes_nobody_somebody_else(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in ("LOGNAME", "USER", "LNAME", "USERNAME", "SUDO_USER"):
        monkeypatch.setenv(variable, "ben")
    assert me(shop.app).name == "anna"


async def test_a_token_that_ends_soon_or_whose_person_left_is_spoken_of(shop: Shop) -> None:
    await give_token(shop.app, ANNA, "nightly", "viewer", timedelta(days=13, hours=1))
    await give_token(shop.app, ANNA, "hourly", "viewer", timedelta(hours=1), person="ben")
    await give_token(shop.app, ANNA, "yearly", "viewer", timedelta(days=300), person="ben")
    said = warnings(shop.app)
    assert len(said) == 2
    assert "The token nightly ends in 13 days: make its successor." in said
    assert any(each.startswith("The token hourly ends at ") for each in said)
    people = {name: person for name, person in shop.app.estate.people.items() if name != "ben"}
    shop.app.estate = replace(shop.app.estate, people=people)
    assert "ben, who answers for the token yearly, is not in watchkeeper.toml." in warnings(shop.app)
