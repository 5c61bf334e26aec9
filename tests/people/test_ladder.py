"""Who is told when, and that nobody is paged at a placeholder."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watchkeeper.base.secrets import Secret
from watchkeeper.book.model import Book, Climb, Contact, Escalation, Severity
from watchkeeper.estate.model import Estate, LadderRule, Person
from watchkeeper.estate.rota import Layer, Rota
from watchkeeper.people.gravity import severity_of
from watchkeeper.people.ladder import addresses, findings, is_placeholder, people_for, reach, repeats, rungs
from watchkeeper.people.model import OnCall

ANNA = Person("anna", "Anna", 3, ("On-call engineer",), ("json://127.0.0.1/anna",))
BEN = Person("ben", "Ben", 7, ("Team lead", "Engineering manager"), (Secret("mailto://ben:secret@mail.test", "ben"),))


def book(*levels: tuple[str, float | None] | tuple[str, float | None, int, str], severities: tuple[Severity, ...] = ()) -> Book:
    ladder = []
    for n, entry in enumerate(levels, 1):
        role, after, level, severity = entry if len(entry) == 4 else (*entry, n, None)
        ladder.append(Escalation(line=30 + n, level=level, role=role, after_s=after, severity=severity))
    contacts = (
        Contact(line=9, role="Chief technology officer", phone="+1-XXX-XXX-XXXX"),
        Contact(line=10, role="CTO", phone="+1-XXX-XXX-XXXX"),
    )
    return Book(title="Shop", service="shop", escalation=tuple(ladder), severities=severities, contacts=contacts)


def estate(*people: Person) -> Estate:
    return Estate(Path("/e/watchkeeper.toml"), "shop", Path("/e/runbook.md"), people={p.id: p for p in people})


P1 = Severity(line=20, code="P1", name="Critical", respond_within_s=300)
P2 = Severity(line=21, code="P2", respond_within_s=0)


@pytest.mark.parametrize(
    ("levels", "severity", "instants", "reading"),
    [
        ((("On-call", 900.0), ("Lead", 1800.0), ("CTO", 3600.0)), None, [0, 900, 1800], "how long its level has"),
        ((("On-call", 0.0), ("Lead", 900.0), ("CTO", 1800.0)), None, [0, 900, 1800], "when its level is told"),
        ((("On-call", None), ("Lead", 900.0), ("CTO", 1800.0)), None, [0, 900, 1800], "when its level is told"),
        ((("On-call", None), ("Lead", None), ("CTO", None)), "P1", [0, 300, 600], "each level has 5 min"),
        ((("On-call", None), ("Lead", None)), "P2", [0, 900], "each level has 15 min"),
        ((("On-call", 0.0), ("Lead", 600.0), ("CTO", None)), None, [0, 600, 1500], "when its level is told"),
        ((("On-call", None), ("Lead", 900.0), ("CTO", 30.0)), None, [0, 900, 900], "when its level is told"),
    ],
)
def test_the_instants_of_a_ladder(
    levels: tuple[tuple[str, float | None], ...], severity: str, instants: list[float], reading: str
) -> None:
    found = rungs(book(*levels, severities=(P1, P2)), severity)
    assert [r.after_s for r in found] == instants
    assert all(reading in r.sentence and f"line {r.line}" in r.sentence for r in found)


def test_the_first_level_is_told_at_once_and_says_so() -> None:
    first, second = rungs(book(("On-call engineer", 900.0), ("Team lead", 1800.0)), None)
    assert first.sentence.startswith("Level 1, On-call engineer, is told at once (line 31: the first level has a time of its own")
    assert second.sentence.startswith("Level 2, Team lead, is told after 15 min")


def test_a_book_without_a_ladder_tells_everybody() -> None:
    [only] = rungs(book(), "P1")
    assert (only.role, only.after_s) == ("", 0.0)
    assert people_for(only.role, estate(ANNA, BEN)) == [ANNA, BEN]


MATRIX = book(("On-call", None, 1, "P1"), ("Manager", None, 2, "P1"), ("Support", None, 1, "P2"), severities=(P1, P2))


@pytest.mark.parametrize(
    ("severity", "roles", "why"),
    [
        ("P1", ["On-call", "Manager"], "the ladder of P1"),
        ("critical", ["On-call", "Manager"], "the ladder of P1"),
        ("p2", ["Support"], "the ladder of P2"),
        (None, ["On-call", "Manager"], "the first, because the incident has no severity"),
        ("purple", ["On-call", "Manager"], "the first, because purple has none"),
    ],
)
def test_a_matrix_has_a_ladder_for_each_severity(severity: str | None, roles: list[str], why: str) -> None:
    found = rungs(MATRIX, severity)
    assert [r.role for r in found] == roles
    assert why in found[0].sentence


def test_severities_are_found_by_code_or_name_and_never_mapped() -> None:
    known = book(severities=(P1, P2))
    assert severity_of(known, "p1") == severity_of(known, "CRITICAL") == P1
    assert severity_of(known, "SEV1") is None
    assert severity_of(known, None) is None


@pytest.mark.parametrize(
    ("role", "names"),
    [
        ("On-call engineer", ["Anna"]), ("on call", ["Anna"]), ("oncall Engineer", ["Anna"]), ("Anna", ["Anna"]),
        ("Engineering Manager", ["Ben"]), ("the team lead", ["Ben"]), ("On-call engineer and team lead", ["Anna", "Ben"]),
        ("Lead / on-call", ["Ben", "Anna"]), ("CTO", []), ("manager of the shop", []),
    ],
)  # fmt: skip
def test_roles_find_people_by_their_words(role: str, names: list[str]) -> None:
    assert [p.name for p in people_for(role, estate(ANNA, BEN))] == names


def test_an_exact_role_wins_over_one_that_only_contains_it() -> None:
    second = Person("cleo", "Cleo", 9, ("Secondary on-call",), ("json://127.0.0.1/cleo",))
    first = Person("anna", "Anna", 3, ("On-call",), ("json://127.0.0.1/anna",))
    assert people_for("on-call", estate(second, first)) == [first]
    assert people_for("Secondary", estate(second, first)) == [second]


PLACEHOLDERS = [
    "+1-XXX-XXX-XXXX", "+91-XXXX-XXXXXX", "[Phone]", "ops@your-domain.com", "admin@yourdomain.com", "<number>", "{{phone}}",
    "changeme", "TBD", "", "anna@example.com", "555-0123",
]  # fmt: skip


@pytest.mark.parametrize("address", PLACEHOLDERS)
def test_placeholders_are_recognised(address: str) -> None:
    assert is_placeholder(address)


@pytest.mark.parametrize(
    "address", ["+49 30 1234567", "json://127.0.0.1:8080/anna", "json://[::1]:8080/x", "slack://T0XXXA/B1/c2xXxX9"]
)
def test_real_addresses_are_not(address: str) -> None:
    assert not is_placeholder(address)


def test_nobody_is_told_at_a_placeholder_and_it_is_a_finding() -> None:
    dan = Person("dan", "Dan", 12, ("CTO",), ("+1-XXX-XXX-XXXX",))
    known = book(("On-call engineer", 0.0), ("CTO", 900.0))
    assert addresses(dan) == ()
    assert reach("CTO", known, estate(ANNA, dan)).sentence == "CTO: Dan has no address that can be used; nobody is told."
    assert findings(known, estate(ANNA, dan)) == [
        "Level 2 (line 32) reaches nobody: CTO: Dan has no address that can be used; nobody is told.",
        "Dan (line 12 of watchkeeper.toml): +1-XXX-XXX-XXXX is a placeholder and is never paged.",
    ]
    assert findings(known, estate(ANNA)) == [
        "Level 2 (line 32) reaches nobody: CTO: nobody in watchkeeper.toml has this role, "
        "and the book's +1-XXX-XXX-XXXX, a placeholder, (line 10) is not used."
    ]
    assert findings(book(("On-call engineer", 0.0)), estate(ANNA, BEN)) == []


@given(st.lists(st.one_of(st.none(), st.floats(0, 1e5)), max_size=8))
def test_a_ladder_never_goes_back_in_time(times: list[float | None]) -> None:
    found = [r.after_s for r in rungs(book(*((f"Level {n}", t) for n, t in enumerate(times))), None)]
    assert found[0] == 0.0
    assert found == sorted(found)


LAYER = Layer((("anna",), ("ben",)), "UTC", datetime(2026, 1, 5, 9))  # noqa: DTZ001
PRIMARY = Rota("primary", 11, "UTC", (LAYER,), ("On-call engineer",))
ROTATED = replace(estate(ANNA, BEN), rotas={"primary": PRIMARY})


def now_on_call(*people: str) -> dict[str, OnCall]:
    return {"primary": OnCall("primary", people, "")}


def test_a_role_that_means_a_rota_is_whoever_is_on_call() -> None:
    assert reach("On-call engineer", book(), ROTATED, now_on_call("ben")).people == (BEN,)
    assert reach("primary", book(), ROTATED, now_on_call("anna", "ben")).people == (ANNA, BEN)
    said = reach("On-call engineer (15 minutes)", book(), ROTATED, now_on_call("ben"))
    assert said.sentence == "On-call engineer (15 minutes): Ben (on call for primary)."


def test_people_are_told_by_role_and_name_as_before() -> None:
    assert reach("Team lead", book(), ROTATED, now_on_call("anna")).people == (BEN,)
    assert reach("anna", book(), ROTATED, now_on_call("ben")).people == (ANNA,)
    assert reach("", book(), ROTATED, now_on_call("ben")).people == (ANNA, BEN)


def test_a_gap_reaches_nobody_and_says_so() -> None:
    found = reach("On-call engineer", book(), ROTATED, now_on_call())
    assert found.nobody
    assert found.sentence == "On-call engineer: nobody is on call for primary; nobody is told."
    assert found.rotas == (PRIMARY,)


def test_without_an_instant_a_rota_is_all_its_people() -> None:
    assert reach("On-call engineer", book(), ROTATED).people == (ANNA, BEN)
    assert findings(book(("On-call engineer", 0.0)), ROTATED) == []


def test_who_is_on_call_without_an_address_is_said() -> None:
    mute = replace(ROTATED, people={"anna": replace(ANNA, notify=()), "ben": BEN})
    found = reach("On-call engineer", book(), mute, now_on_call("anna"))
    assert found.sentence == "On-call engineer: anna, on call for primary, has no address that can be used; nobody is told."
    gone = reach("On-call engineer", book(), replace(ROTATED, people={"ben": BEN}), now_on_call("anna"))
    assert gone.nobody


def test_the_file_decides_how_often_a_ladder_begins_again_and_else_the_book() -> None:
    said = (Climb(line=9, kind="again", after_s=300.0), Climb(line=10, kind="again", after_s=60.0, times=2, severity="P1"))
    both = replace(book(severities=(Severity(line=1, code="P1"), Severity(line=2, code="P2"))), climbs=said)
    for rule, severity, times, wait_s, next_one in (
        (LadderRule(), "P2", None, 300.0, "line 9"),
        (LadderRule(), "p1", 2, 60.0, "1 of 2, line 10"),
        (LadderRule(0), "P2", 0, 300.0, "1 of 0"),
        (LadderRule(3, 30.0), "P1", 3, 30.0, "1 of 3"),
        (LadderRule(None, 30.0), "P2", None, 30.0, "line 9"),
    ):
        found = repeats(both, rule, severity)
        assert (found.times, found.wait_s, found.say(1)) == (times, wait_s, next_one)
    assert not repeats(book(), LadderRule(), "P1").left(0)
    assert repeats(both, LadderRule(), "P2").left(10_000)


def test_all_levels_of_a_severity_are_told_at_once_where_the_book_says_so() -> None:
    severities = (Severity(line=1, code="P0"), Severity(line=2, code="P1"))
    levels = book(("On-call", 0.0), ("Lead", 900.0), severities=severities)
    levels = replace(levels, climbs=(Climb(line=9, kind="together", severity="P0"),))
    assert [r.after_s for r in rungs(levels, "P0")] == [0.0, 0.0]
    assert "line 9 has all levels told at once" in rungs(levels, "P0")[1].sentence
    assert [r.after_s for r in rungs(levels, "P1")] == [0.0, 900.0]
