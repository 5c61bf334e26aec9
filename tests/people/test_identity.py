"""Tokens open what they were made for, once, in time, and nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import Connection, create_engine, select

from watchkeeper.base.errors import Refused
from watchkeeper.people.identity import actor_of_token, end_session, make_token, session_of, use_token
from watchkeeper.people.ledger import drop_sessions, sessions, tokens
from watchkeeper.store.schema import metadata

NOW = datetime(2026, 11, 22, 3, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)


@pytest.fixture
def connection() -> Iterator[Connection]:
    engine = create_engine("sqlite://")
    metadata.create_all(engine, tables=[tokens, sessions])
    with engine.connect() as connection:
        yield connection
    engine.dispose()


def test_a_one_time_token_opens_one_session_for_its_actor(connection: Connection) -> None:
    session = use_token(connection, NOW, make_token(connection, NOW, "anna", "once", HOUR))
    found = session_of(connection, NOW, session.cookie)
    assert found is not None
    assert (found.actor.name, found.csrf) == ("anna", session.csrf)


def test_a_one_time_token_is_spent_by_its_first_use(connection: Connection) -> None:
    token = make_token(connection, NOW, "anna", "once", HOUR)
    use_token(connection, NOW, token)
    with pytest.raises(Refused, match="used already"):
        use_token(connection, NOW, token)


@pytest.mark.parametrize("late", [HOUR, HOUR + timedelta(seconds=1)])
def test_a_one_time_token_grows_too_old(connection: Connection, late: timedelta) -> None:
    token = make_token(connection, NOW, "anna", "once", HOUR)
    with pytest.raises(Refused):
        use_token(connection, NOW + late, token)


def test_a_guess_opens_nothing(connection: Connection) -> None:
    make_token(connection, NOW, "anna", "once", HOUR)
    with pytest.raises(Refused):
        use_token(connection, NOW, "guess")
    assert session_of(connection, NOW, "guess") is None
    assert session_of(connection, NOW, "") is None
    assert actor_of_token(connection, NOW, "") is None


def test_a_session_ends_by_time_and_by_signing_out(connection: Connection) -> None:
    first = use_token(connection, NOW, make_token(connection, NOW, "anna", "once", HOUR), lifetime=2 * HOUR)
    assert session_of(connection, NOW + 2 * HOUR - timedelta(seconds=1), first.cookie) is not None
    assert session_of(connection, NOW + 2 * HOUR, first.cookie) is None
    assert end_session(connection, first.cookie)
    assert session_of(connection, NOW, first.cookie) is None
    assert not end_session(connection, first.cookie)


def test_a_token_opens_only_the_door_it_was_made_for(connection: Connection) -> None:
    once = make_token(connection, NOW, "anna", "once", HOUR)
    program = make_token(connection, NOW, "deployer", "api", HOUR)
    assert actor_of_token(connection, NOW, once) is None
    with pytest.raises(Refused):
        use_token(connection, NOW, program)
    found = actor_of_token(connection, NOW, program)
    assert found is not None
    assert found.name == "deployer"
    assert actor_of_token(connection, NOW + HOUR, program) is None


def test_no_row_holds_what_opens_a_door(connection: Connection) -> None:
    token = make_token(connection, NOW, "anna", "once", HOUR)
    session = use_token(connection, NOW, token)
    kept = " ".join(str(row) for table in (tokens, sessions) for row in connection.execute(select(table)))
    assert token not in kept
    assert session.cookie not in kept


def test_a_token_opens_only_its_own_service(connection: Connection) -> None:
    shop = make_token(connection, NOW, "deployer", "api", HOUR, "operator", person="anna", service="shop")
    found = actor_of_token(connection, NOW, shop, "shop")
    assert found is not None
    assert (found.roles, found.by, found.person, found.scopes) == (("operator",), "token deployer", "anna", None)
    assert actor_of_token(connection, NOW, shop, "till") is None
    once = make_token(connection, NOW, "anna", "once", HOUR, service="shop")
    with pytest.raises(Refused):
        use_token(connection, NOW, once, service="till")
    session = use_token(connection, NOW, once, service="shop", where="192.0.2.7")
    assert session_of(connection, NOW, session.cookie, "till") is None
    opened = session_of(connection, NOW, session.cookie, "shop")
    assert opened is not None
    assert (opened.actor.by, opened.actor.where, opened.actor.roles) == ("printed address", "192.0.2.7", ("owner",))


@pytest.mark.parametrize("scopes", [frozenset({"halt", "note"}), frozenset(), None])
def test_a_narrowed_token_stays_narrowed(connection: Connection, scopes: frozenset[str] | None) -> None:
    token = make_token(connection, NOW, "probe", "api", HOUR, "owner", scopes=scopes)
    found = actor_of_token(connection, NOW, token)
    assert found is not None
    assert found.scopes == scopes


def test_ending_all_sessions_of_somebody_leaves_the_others_and_spends_their_addresses(connection: Connection) -> None:
    anna, ben = (use_token(connection, NOW, make_token(connection, NOW, name, "once", HOUR)) for name in ("anna", "ben"))
    unused = make_token(connection, NOW, "anna", "once", HOUR)
    program = make_token(connection, NOW, "anna", "api", HOUR)
    assert drop_sessions(connection, "", "anna") == 1
    assert session_of(connection, NOW, anna.cookie) is None
    assert session_of(connection, NOW, ben.cookie) is not None
    with pytest.raises(Refused):
        use_token(connection, NOW, unused)
    assert actor_of_token(connection, NOW, program) is not None
    assert drop_sessions(connection, "", None) == 1
