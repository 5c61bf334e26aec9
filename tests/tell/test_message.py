"""The book's own words where they can be filled truly, ours otherwise; never a placeholder."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watchkeeper.book.model import Book, Dependency, Procedure, Template
from watchkeeper.incident.model import Incident
from watchkeeper.tell.message import compose, facts_of, fill, plain, promised_update
from watchkeeper.tell.words import kind_of

NOW = datetime(2026, 3, 14, 12, 0, tzinfo=UTC)
INCIDENT = Incident(
    "inc-1", "shop", "Shop application is down", "P1", "open", "Shop application", NOW - timedelta(seconds=35), NOW
)
FACTS = facts_of(INCIDENT, "initial", NOW, {"done": "restarting the shop", "link": "http://127.0.0.1:9/i/inc-1"})


def template(body: str, name: str = "Initial update", placeholders: tuple[str, ...] = ()) -> Template:
    return Template(line=1, name=name, body=body, placeholders=placeholders)


def book(*templates: Template) -> Book:
    return Book(title="Shop", service="shop", templates=templates)


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("Initial Update", "initial"), ("Initial Alert", "initial"), ("Progress Update", "update"), ("Status update", "update"),
        ("Resolution", "resolution"), ("Resolution notice update", "resolution"), ("Slack incident notification", "initial"),
        ("Erstmeldung", "initial"), ("Aktualisierung", "update"), ("Entwarnung", "resolution"), ("Actualización", "update"),
        ("解決通知", "resolution"), ("Scheduled maintenance notification", None), ("Post-mortem", None), ("Lunch menu", None),
    ],
)  # fmt: skip
def test_the_kind_of_a_template_is_in_its_name(name: str, kind: str | None) -> None:
    assert kind_of(template("x", name)) == kind


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("We look into [issue].", "We look into “Shop application is down”."),
        ("{{ severity }}: {title} since <start time>", "P1: Shop application is down since 2026-03-14 11:59:25 UTC"),
        ("[P0/P1/P2/P3] - [Brief Description]", "P1 - Shop application is down"),
        ("Status: [Investigating/Mitigating/Resolved]", "Status: Investigating"),
        ("[SEV1] ${SERVICE} $INCIDENT_ID", "P1 shop inc-1"),
        ("Action: [what has been done]", "Action: restarting the shop"),
        ("At HH:MM: see [link]", "At 2026-03-14 11:59:25 UTC: see http://127.0.0.1:9/i/inc-1"),
        ("- [ ] call [the docs](http://x) <b>now</b> <https://x.test|here> <@U1> [1]",
         "- [ ] call [the docs](http://x) <b>now</b> <https://x.test|here> <@U1> [1]"),
    ],
)  # fmt: skip
def test_slots_are_filled_by_what_they_ask_for(body: str, expected: str) -> None:
    found = fill(template(body), FACTS, "initial")
    assert (found.body, found.missing) == (expected, ())


@pytest.mark.parametrize(
    ("body", "missing"),
    [
        ("ETA: [time]", ("[time]",)),
        ("Impact: [Description of user impact]", ("[Description of user impact]",)),
        ("[issue] will be over in {eta} by [commander]", ("{eta}", "[commander]")),
        ("Call +1-XXX", ("XXX",)),
        ("Zone: ??? now", ("???",)),
    ],
)
def test_what_nobody_knows_is_missing_and_never_made_up(body: str, missing: tuple[str, ...]) -> None:
    assert fill(template(body, placeholders=("???",)), FACTS, "initial").missing == missing


def test_a_value_is_not_read_as_a_template_again() -> None:
    hostile = {**FACTS, "title": "[eta] {{x}} $HOME"}
    assert fill(template("About: [issue]"), hostile).body == "About: [eta] {{x}} $HOME"


def test_json_is_filled_inside_its_strings_only() -> None:
    facts = {**FACTS, "title": 'down", "channel": "#all\n'}
    body = '{"text": "{title} at <time>", "attachments": [{"fields": [{"title": "Status", "value": "[status]"}]}]}'
    filled = json.loads(fill(template(body), facts).body)
    assert filled["text"].startswith('down", "channel": "#all')
    assert set(filled) == {"text", "attachments"}
    words = compose("initial", book(template(body)), INCIDENT, facts)
    assert words.body.splitlines()[-3:] == ["Status: Investigating", "", "http://127.0.0.1:9/i/inc-1"]


def test_the_books_template_wins_where_it_can_be_filled() -> None:
    found = compose("initial", book(template("We are looking into [issue]. Status: Investigating")), INCIDENT, FACTS)
    assert found.subject == "[P1] Shop application is down"
    assert found.body == "We are looking into “Shop application is down”. Status: Investigating\n\nhttp://127.0.0.1:9/i/inc-1"


@pytest.mark.parametrize(
    "body",
    [
        "We look into [issue]. ETA: [time]",  # not known
        "INCIDENT [P1]: complete outage of everything",  # says what nobody knows to be true
        "ðŸš¨ [issue]",  # mojibake
        "curl -d '{\"text\": [issue]}' $HOOK",  # no JSON
        "   ",
    ],
)
def test_ours_is_sent_where_the_books_cannot_be(body: str) -> None:
    found = compose("initial", book(template(body)), INCIDENT, FACTS)
    assert found.body == (
        "P1: Shop application is down (service shop).\nSince 2026-03-14 11:59:25 UTC, for 35 s.\nNow: restarting the shop\n"
        "http://127.0.0.1:9/i/inc-1"
    )


def test_the_book_itself_knows_who_is_hit_and_what_is_done() -> None:
    known = Book(
        title="Shop", service="shop",
        dependencies=(
            Dependency(line=1, source="Customers", needs="Load balancer"),
            Dependency(line=2, source="Load balancer", needs="shop application"),
        ),
        procedures=(Procedure(line=3, end_line=9, id="restart", title="Restart the shop"),),
        templates=(template("[title]. Impact: [impact]. Now: [actions taken]. Next: [next step]."),),
    )  # fmt: skip
    chosen = replace(INCIDENT, procedure_id="restart")
    found = compose("initial", known, chosen, facts_of(chosen, "initial", NOW))
    assert found.body == (
        "Shop application is down. Impact: Shop application is down, needed by Load balancer and Customers. "
        "Now: “Restart the shop” is being carried out. Next: to verify that “Restart the shop” helped."
    )
    assert "what it was" in compose("initial", known, chosen, facts_of(chosen, "initial", NOW, {"done": "what it was"})).body


def test_a_resolution_may_say_only_that_it_is_over() -> None:
    found = compose("resolution", book(template("All is well again.", "Resolution")), INCIDENT, FACTS)
    assert (found.subject, found.body.splitlines()[0]) == ("Resolved: [P1] Shop application is down", "All is well again.")


def test_our_own_words_for_each_kind() -> None:
    over = replace(INCIDENT, recovered_at=NOW)
    told = plain("resolution", over, facts_of(over, "resolution", NOW + timedelta(seconds=60)))
    assert told.body.splitlines()[1] == "It is over. It lasted 35 s, from 2026-03-14 11:59:25 UTC, until 2026-03-14 12:00:00 UTC."
    asked = plain("ask", INCIDENT, {**FACTS, "question": "May it run?", "why": "you are level 2"})
    assert asked.subject == "Question: [P1] Shop application is down"
    assert "Why you: you are level 2\nNow: restarting the shop\nQuestion: May it run?" in asked.body


SLOTS = st.sampled_from(
    ["[issue]", "{eta}", "<time>", "{{impact}}", "[P1/P2]", "$HOST_NAME", "XXX", "[whatever you like]", "{a b}", "___"]
)


@given(st.lists(st.one_of(SLOTS, st.sampled_from([" ", "Status: ", "ETA: ", "the shop ", "\n", ". "])), max_size=12))
def test_no_placeholder_is_ever_sent(parts: list[str]) -> None:
    body = "".join(f"{part} " for part in parts)
    filled = fill(template(body), FACTS, "initial")
    for slot in {part for part in parts if part[0] in "[{<$X_"}:
        assert slot not in filled.body or slot in filled.missing
    sent = compose("initial", book(template(body)), INCIDENT, FACTS)
    assert not any(slot in sent.body for slot in ("[", "{", "<", "$", "XXX", "___"))
    assert sent.missing == ()


@given(st.text())
def test_no_template_makes_it_fail(body: str) -> None:
    sent = compose("initial", book(template(body)), INCIDENT, FACTS)
    assert sent.body.strip()
    assert "\n" not in sent.subject


@pytest.mark.parametrize(
    "body", ["It is down. Next update at [time].", "It is down. Next update: [TIME]", "Next update by HH:MM."]
)
def test_the_time_of_the_next_update_is_not_when_it_began(body: str, now: datetime) -> None:
    promised = promised_update(
        Book(title="S", service="s", templates=(Template(line=1, name="T", body="Updates every 20 minutes."),)), now
    )
    assert promised == {"next_update": "2026-03-14 12:20:00 UTC"}
    known = {"began": "2026-03-14 11:00:00 UTC"}
    assert "12:20:00 UTC" in fill(Template(line=1, name="Update", body=body), known | promised).body
    assert fill(Template(line=1, name="Update", body=body), known).missing
