"""Which procedure is chosen for which alert: tables of a small book and what fires."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

import pytest
from run_cast import command, plan_of, step

from watchkeeper.alert.model import Alert
from watchkeeper.book.model import Book, Procedure, Step, Threshold
from watchkeeper.estate.model import Bindings, Bound
from watchkeeper.incident.model import Incident
from watchkeeper.run.choose import another, choose, tried
from watchkeeper.run.fold import begin, evolve
from watchkeeper.run.model import Event, Run


def procedure(title: str, *symptoms: str, kind: str = "troubleshooting") -> Procedure:
    name = title.lower().replace(" ", "-")
    steps = (Step(n=1, text="do it", line=1, phase="act", commands=()),)
    return Procedure(id=name, title=title, line=1, end_line=9, symptoms=symptoms, steps=steps, kind=kind)  # type: ignore[arg-type]


BOOK = Book(
    title="Shop",
    service="shop",
    procedures=(
        procedure("Web application down", "health check fails", "connection refused"),
        procedure("Web application hangs", "process runs but does not answer", "requests time out"),
        procedure("High error rate after a release", "5xx responses above 5 percent", "errors since the last deployment"),
        procedure("Database connections exhausted", "too many clients already"),
        procedure("Database unavailable", "connection to the database refused"),
        procedure("Order queue grows", "workers do not take jobs", "backlog above 500"),
        procedure("Restore the database from backup", "database is lost", kind="restore"),
        procedure("Deploy the web application", kind="deploy"),
    ),
)


def threshold(subject: str, *actions: str, **values: object) -> Threshold:
    return Threshold(role="alert", subject=subject, op=">", value=1, actions=actions, line=3, text=subject, **values)  # type: ignore[arg-type]


def firing(now: datetime, *thresholds: Threshold, component: str | None = None, cause: str | None = None) -> tuple[object, ...]:
    bound = tuple(Bound(t.subject, t, "s", "up", component, "") for t in thresholds)
    told = [t.subject for t in thresholds]
    alerts = [Alert(f"a-{each}", each, each, component, "P1", now, now, None, 1.0, each) for each in told]
    incident = Incident("inc-1", "shop", thresholds[0].subject, "P1", "open", cause or component, now, now)
    return alerts, incident, Bindings(bound)


@pytest.mark.parametrize(
    ("subject", "component", "chosen"),
    [
        ("Web application is not running", "web", "web-application-down"),
        ("Web does not answer within 5 seconds", "web", "web-application-hangs"),
        ("Error rate", "web", "high-error-rate-after-a-release"),
        ("Database connections", "database", "database-connections-exhausted"),
        ("Database down", "database", "database-unavailable"),
        ("Queue length", "worker", "order-queue-grows"),
        ("Backlog of jobs", None, "order-queue-grows"),
    ],
)
def test_words_of_the_alert_choose(now: datetime, subject: str, component: str | None, chosen: str) -> None:
    choice = choose(BOOK, *firing(now, threshold(subject), component=component))  # type: ignore[arg-type]
    assert choice.procedure_id == chosen, (choice.sentence, choice.runners_up)
    assert choice.sentence.startswith("“")


@pytest.mark.parametrize(
    "action",
    [
        "Follow “Order queue grows”",
        "Follow procedure Order Queue Grows.",
        "See [the queue page](#order-queue-grows)",
        "order queue grows",
    ],
)
def test_what_the_book_names_goes_before_any_word(now: datetime, action: str) -> None:
    choice = choose(BOOK, *firing(now, threshold("Database down", action), component="database"))  # type: ignore[arg-type]
    assert (choice.procedure_id, choice.sentence) == (
        "order-queue-grows",
        "The book's own actions for this alert name “Order queue grows”.",
    )


def test_a_restore_is_chosen_only_where_it_is_named(now: datetime) -> None:
    lost = "Database is lost, restore from backup"
    choice = choose(BOOK, *firing(now, threshold(lost), component="database"))  # type: ignore[arg-type]
    assert choice.procedure_id != "restore-the-database-from-backup"
    named = threshold(lost, "Run “Restore the database from backup”")
    assert choose(BOOK, *firing(now, named)).procedure_id == "restore-the-database-from-backup"  # type: ignore[arg-type]


def test_where_two_fit_as_well_a_person_chooses(now: datetime) -> None:
    book = Book(title="Shop", service="shop", procedures=(procedure("Cache one down"), procedure("Cache two down")))
    choice = choose(book, *firing(now, threshold("Cache down"), component="cache"))  # type: ignore[arg-type]
    assert choice.procedure_id is None
    assert "a person chooses: “Cache one down”, “Cache two down”" in choice.sentence
    assert [candidate.procedure_id for candidate in choice.runners_up] == ["cache-one-down", "cache-two-down"]


def test_what_no_procedure_speaks_of_is_said(now: datetime) -> None:
    choice = choose(BOOK, *firing(now, threshold("Certificate expiry")))  # type: ignore[arg-type]
    assert (choice.procedure_id, choice.sentence) == (None, "No procedure of the book speaks of this.")


def test_while_only_symptoms_fire_the_cause_decides_and_their_own_actions_do_not(now: datetime) -> None:
    symptom = threshold("Web application is down", 'Follow "Web application down"')
    alerts, incident, bindings = firing(now, symptom, component="web", cause="database")
    explained = [replace(alert, explained_by="database") for alert in alerts]  # type: ignore[attr-defined, type-var]
    choice = choose(BOOK, explained, incident, bindings)  # type: ignore[arg-type]
    assert choice.procedure_id == "database-unavailable", (choice.sentence, choice.runners_up)


def test_a_blind_signal_begins_no_procedure_and_takes_no_other_from_what_is_seen(now: datetime) -> None:
    blind = threshold("blind:database", 'Follow "Database unavailable"')
    assert choose(BOOK, *firing(now, blind, component="database")).procedure_id is None  # type: ignore[arg-type]
    both = firing(now, blind, threshold("Database down"), component="database")
    assert choose(BOOK, *both).procedure_id == "database-unavailable"  # type: ignore[arg-type]


def test_where_alerts_name_several_the_gravest_decides(now: datetime) -> None:
    slow = threshold("Response time", 'Follow "Web application hangs"')
    errors = threshold("Error rate", 'Follow "High error rate after a release"')
    alerts, incident, bindings = firing(now, slow, errors, component="web")
    graded = [replace(alerts[0], severity="warning"), replace(alerts[1], severity="critical")]  # type: ignore[index, type-var, list-item]
    choice = choose(BOOK, graded, incident, bindings)  # type: ignore[arg-type]
    assert choice.procedure_id == "high-error-rate-after-a-release"
    assert choice.sentence.startswith("The book's own actions for the gravest of these alerts")


def test_an_alert_that_the_book_has_among_a_procedures_symptoms_chooses_it(now: datetime) -> None:
    gone, suffers = procedure("The site is gone", "Error rate > 50%"), procedure("The site suffers", "Error rate of 5 to 50%")
    book = Book(title="Shop", service="shop", procedures=(gone, suffers))
    most, some = threshold("Error rate > 50%"), threshold("Error rate of 5 to 50%")
    alone = choose(book, *firing(now, some))  # type: ignore[arg-type]
    assert (alone.procedure_id, alone.sentence) == (
        "the-site-suffers",
        "The book has this alert among the symptoms of “The site suffers”.",
    )
    # a rate that rises has passed through what is less grave
    alerts, incident, bindings = firing(now, some, most)
    graded = [replace(alerts[0], severity="warning"), replace(alerts[1], severity="critical")]  # type: ignore[index, type-var, list-item]
    both = choose(book, graded, incident, bindings)  # type: ignore[arg-type]
    assert (both.procedure_id, both.sentence) == (
        "the-site-is-gone",
        "The book has the gravest of these alerts among the symptoms of “The site is gone”.",
    )
    # what an alert's own actions name goes before
    named = choose(book, *firing(now, threshold("Error rate > 50%", "Follow “The site suffers”")))  # type: ignore[arg-type]
    assert named.procedure_id == "the-site-suffers"


def test_two_that_have_an_alert_among_their_symptoms_are_told_apart_by_words_and_no_other_is_asked(now: datetime) -> None:
    pool, leak = procedure("Connection pool is small", "Connections > 90"), procedure("Connections leak", "Connections > 90")
    other = procedure("Too many connections > 90 to the pool that leaks")
    book = Book(title="Shop", service="shop", procedures=(pool, leak, other, procedure("Disk is full")))
    choice = choose(book, *firing(now, threshold("Connections > 90"), component="connection leak"))  # type: ignore[arg-type]
    assert choice.procedure_id == "connections-leak", choice.sentence
    restore = procedure("Restore", "Rows lost > 0", kind="restore")
    lost = firing(now, threshold("Rows lost > 0"))
    assert choose(Book(title="Shop", service="shop", procedures=(restore,)), *lost).procedure_id is None  # type: ignore[arg-type]


def test_the_heading_of_the_whole_book_says_nothing_about_its_procedures(now: datetime) -> None:
    """A signal called "till" that is blind must not start the only procedure of the book "Till service"."""
    only = replace(procedure("Database down"), path=("Till service",))
    book = Book(title="Till service", service="Till service", procedures=(only,))
    assert choose(book, *firing(now, threshold("till is blind"))).procedure_id is None  # type: ignore[arg-type]


def test_after_a_failure_what_another_alert_names_comes_next_the_causes_own_first(now: datetime) -> None:
    slow = threshold("Response time", 'Follow "Web application hangs"')
    down = threshold("Web application is down", 'Follow "Web application down"')
    alerts, _, bindings = firing(now, slow, down, component="web")
    alerts = [replace(alerts[0], explained_by="web"), alerts[1]]  # type: ignore[index, type-var, list-item]
    choice = another(BOOK, alerts, bindings, {"web-application-hangs"})  # type: ignore[arg-type]
    assert choice is not None
    assert choice.procedure_id == "web-application-down"
    assert choice.sentence.startswith("“Web application is down” fires as well")
    # what the cause explains has no say, though nothing else is left
    assert another(BOOK, alerts, bindings, {"web-application-down"}) is None  # type: ignore[arg-type]
    both = {"web-application-hangs", "web-application-down"}
    assert another(BOOK, alerts, bindings, both) is None  # type: ignore[arg-type]
    assert another(BOOK, alerts, bindings, set()).procedure_id == "web-application-down"  # type: ignore[arg-type, union-attr]


@pytest.mark.parametrize(
    ("by", "begun", "counts"),
    [("automation", "look", False), ("automation", "restart", True), ("ana", "look", True), (None, "restart", True)],
)
def test_what_we_stopped_for_anothers_sake_before_it_changed_anything_was_not_tried(
    now: datetime, by: str | None, begun: str, counts: bool
) -> None:
    made = plan_of(step(1, command("look")), step(2, command("restart", risk="change")))
    key = next(act.key for act in made.acts if act.command is not None and act.command.text == begun)
    run = evolve(
        begin(Run("run-1", made, "inc-1", "P1", "web", "automation", now)), Event(1, now, "intent", act=key, body={"attempt": 1})
    )
    if by is not None:
        run = evolve(run, Event(2, now, "cancelled", by, body={"sentence": "The cause is another."}))
    later = Run("run-2", replace(made, procedure_id="other"), "inc-1", "P1", "web", "automation", now, state="failed")
    assert tried([later, run], "automation") == ({"other", made.procedure_id} if counts else {"other"})
    assert tried([run], "automation") == {made.procedure_id}


def test_soon_after_a_success_only_what_is_down_brings_another_and_no_figure(now: datetime) -> None:
    errors = threshold("Error rate", 'Follow "High error rate after a release"')
    down = replace(threshold("Web application is down", 'Follow "Web application down"'), op="is", value=None)
    alerts, _, bindings = firing(now, errors, down, component="web")
    tried = {"web-application-down"}
    assert another(BOOK, alerts, bindings, tried, only_states=True) is None  # type: ignore[arg-type]
    assert another(BOOK, alerts, bindings, tried).procedure_id == "high-error-rate-after-a-release"  # type: ignore[arg-type, union-attr]
    late = another(BOOK, alerts, bindings, {"high-error-rate-after-a-release"}, only_states=True)  # type: ignore[arg-type]
    assert late is not None
    assert late.procedure_id == "web-application-down"


def test_after_a_failure_nothing_is_guessed_and_what_has_ended_names_nothing(now: datetime) -> None:
    words_only, two = threshold("Database down"), threshold("Queue", 'See "Order queue grows" or "Database unavailable"')
    alerts, _, bindings = firing(now, words_only, two, component="database")
    assert another(BOOK, alerts, bindings, set()) is None  # type: ignore[arg-type]
    named = threshold("Web application is down", 'Follow "Web application down"')
    alerts, _, bindings = firing(now, named, component="web")
    over = [replace(alert, ended_at=now) for alert in alerts]  # type: ignore[attr-defined, type-var]
    assert another(BOOK, over, bindings, set()) is None  # type: ignore[arg-type]


def test_where_the_alert_names_none_its_own_block_goes_before_any_word(now: datetime) -> None:
    call = "Call the provider: nothing can be stored"
    block = Procedure(id="files-gone", title="Files gone", line=1, end_line=5, kind="other",
                      steps=(Step(n=1, text=call, line=3, phase="act", commands=()),))  # fmt: skip
    book = Book(title="Shop", service="shop", procedures=(procedure("Disk filling up", "disk usage"), block))
    alert = firing(now, threshold("File storage is down", call), component="file storage")
    choice = choose(book, *alert)  # type: ignore[arg-type]
    assert (choice.procedure_id, choice.sentence) == (
        "files-gone",
        "“Files gone” is what the book has done for this alert itself.",
    )
    without = choose(book, *firing(now, threshold("File storage is down"), component="file storage"))  # type: ignore[arg-type]
    assert without.procedure_id == "disk-filling-up"
