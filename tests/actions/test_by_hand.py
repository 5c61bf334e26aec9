"""What people decide about incidents: opened, told of, graver, merged, split and related by hand."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from watchkeeper.actions import by_hand
from watchkeeper.actions.views.incidents import one_incident
from watchkeeper.alert import ledger as alerts
from watchkeeper.alert.model import Alert
from watchkeeper.app import App
from watchkeeper.base.errors import Conflict, InputError, NotFound
from watchkeeper.base.secrets import Scrubber
from watchkeeper.book.reader import read_source
from watchkeeper.estate.model import Bindings, Estate, Person
from watchkeeper.incident import ledger as incidents
from watchkeeper.incident import lifecycle, opening, timers
from watchkeeper.incident.model import Incident
from watchkeeper.learn.ledger import unreviewed
from watchkeeper.people.identity import Actor
from watchkeeper.run.ledger import append_event, create_run
from watchkeeper.run.plan import plan
from watchkeeper.settings import load_settings
from watchkeeper.store import due
from watchkeeper.store.database import Database
from watchkeeper.tell.clocks import clock_due
from watchkeeper.tell.ledger import list_notices
from watchkeeper.tell.model import Message
from watchkeeper.tell.outbox import write_notices
from watchkeeper.testing import FakeClock

ANNA = Person("anna", "Anna", 3, ("On-call engineer",), ("json://127.0.0.1/anna",), access={"*": "responder"})
BEN = Person("ben", "Ben", 4, ("Lead",), ("json://127.0.0.1/ben",), access={"*": "responder"})
BY = Actor("anna", ("responder",), "password", "192.0.2.7")
RUNBOOK = """# Shop

## Severity levels

| Level | Meaning | Response time |
| --- | --- | --- |
| P1 | The shop is down | 5 minutes |
| P2 | Something suffers | 1 hour |
| P3 | A nuisance | 1 day |

## Escalation

1. On-call engineer (immediately)
2. Lead (after 15 minutes)

## Architecture

- Web: nginx
- Database: PostgreSQL
- Payments: Stripe

## Contacts

| Contact | Address |
| --- | --- |
| Stripe support | support@stripe.example |
| Cloud vendor | support@cloud.example |

## Templates

**Update**:

```text
[title]: we work on it. Cause: [root cause]. Next update at [time].
```

## Restart

1. Restart it:

```bash
systemctl restart shop
```
"""


@pytest.fixture
def app(database: Database, tmp_path: Path) -> App:
    estate = Estate(tmp_path / "w.toml", "shop", tmp_path / "r.md", people={"anna": ANNA, "ben": BEN})
    return App(
        settings=load_settings({}), clock=FakeClock(), state=tmp_path, database=database, estate=estate,
        book=read_source("r.md", RUNBOOK), bindings=Bindings(), scrubber=Scrubber(), owner="test",
    )  # fmt: skip


def made(app: App, number: int, severity: str = "P2", *people: Person, subjects: tuple[str, ...] = ("Web is slow",)) -> Incident:
    """Give an open incident with alerts, of which some people were told."""
    now = app.clock.now()
    one = Incident(f"inc-{number}", "shop", f"Trouble {number}", severity, "open", "Web", now, now)
    app.database.write_now(lambda c: incidents.open_incident(c, one))
    for index, subject in enumerate(subjects):
        alert = Alert(f"alt-{number}-{index}", f"k{number}-{index}", subject, subject.split()[0], severity, now, now, None, 1.0,
                      f"{subject}.", one.id)  # fmt: skip
        app.database.write_now(lambda c, alert=alert: alerts.raise_alert(c, alert))
    app.database.write_now(lambda c: write_notices(c, now, "initial", one, people, Message("Trouble", "It is down."), 1))
    return one


def timeline(app: App, incident_id: str) -> list[str]:
    return [entry.sentence for entry in app.database.read_now(lambda c: incidents.read_timeline(c, incident_id))]


def told(app: App, kind: str) -> list[tuple[str, str]]:
    return sorted((n.person, n.body) for n in app.database.read_now(list_notices) if n.kind == kind)


async def test_an_incident_that_no_threshold_tells_of_has_clocks_and_ends_by_a_person(app: App) -> None:
    found = await by_hand.open_incident(app, BY, "Customers  cannot pay", "p1", "payments", "Three of them called")
    assert (found.title, found.severity, found.cause, found.procedure_id) == ("Customers cannot pay", "P1", "Payments", "")
    assert timeline(app, found.id) == ["anna opened an incident. P1: Customers cannot pay. Three of them called"]
    clocks = app.database.read_now(lambda c: timers.read_clocks(c, found.id))
    assert [(clock.kind, clock.role) for clock in clocks] == [("rung", "On-call engineer"), ("respond", ""), ("rung", "Lead")]


@pytest.mark.parametrize(
    ("severity", "component", "title", "said"),
    [
        ("P9", "", "Odd", "no severity 'P9'"),
        ("", "", "Odd", "no severity ''"),
        ("P1", "Toaster", "Odd", "names a component 'Toaster'"),
        ("P1", "", " \n ", "needs words"),
    ],
)
async def test_what_the_runbook_does_not_know_opens_nothing(
    app: App, severity: str, component: str, title: str, said: str
) -> None:
    with pytest.raises(InputError, match=said):
        await by_hand.open_incident(app, BY, title, severity, component)
    assert app.database.read_now(incidents.list_incidents) == []


async def test_another_severity_runs_its_own_clocks_and_tells_who_knows(app: App) -> None:
    one = made(app, 1, "P3", ANNA)
    changed = await by_hand.set_severity(app, BY, one.id, "P1", "nobody can pay")
    assert changed.severity == "P1"
    assert timeline(app, one.id) == ["The incident is now P1; it was P3. nobody can pay"]
    respond = [c for c in app.database.read_now(lambda c: timers.read_clocks(c, one.id)) if c.kind == "respond"]
    assert [(c.due_at - one.opened_at).total_seconds() for c in respond] == [300]
    [(who, body)] = told(app, "severity")
    assert who == "anna"
    assert told(app, "update") == [], "once is enough"
    assert "anna says that it is P1 now, and graver: nobody can pay" in body
    await by_hand.set_severity(app, BY, one.id, "P1", "said again")
    assert len(timeline(app, one.id)) == 1
    with pytest.raises(InputError, match="needs words"):
        await by_hand.set_severity(app, BY, one.id, "P2", " ")


async def test_what_is_less_grave_now_is_called_graver_to_nobody(app: App) -> None:
    now = app.clock.now()
    for number, before, after in ((1, "P1", "P3"), (2, "P3", "P1")):
        one = made(app, number, before, ANNA)
        await by_hand.set_severity(app, BY, one.id, after, "seen again")
        found = app.database.read_now(lambda c, id=one.id: incidents.get_incident(c, id))
        assert found is not None
        for row in app.database.write_now(lambda c: due.claim(c, now, "test")):
            app.database.write_now(lambda c, row=row, found=found: clock_due(c, row, app.book, app.estate, found, now))
    graver = [notice.subject for notice in app.database.read_now(list_notices) if notice.kind == "severity"]
    assert graver == ["Graver: [P1] Trouble 2"]


async def test_a_persons_severity_stands_against_more_of_the_same_and_not_against_what_is_graver(app: App) -> None:
    one = made(app, 1, "P2")
    await by_hand.set_severity(app, BY, one.id, "P3", "only the test shop")
    now = app.clock.now()
    for number, severity, expected in ((7, "P2", "P3"), (8, "P1", "P1")):
        alert = Alert(f"alt-{number}", f"k{number}", "Web is slow", "Web", severity, now, now, None, 1.0, "It is slow.")
        app.database.write_now(lambda c, alert=alert: alerts.raise_alert(c, alert))
        app.database.write_now(lambda c: opening.group_alerts(c, app.book, app.bindings, "shop", now, 0.0))
        found = app.database.read_now(lambda c: incidents.get_incident(c, one.id))
        assert found is not None
        assert found.severity == expected


async def test_an_update_is_told_and_the_promised_one_is_put_off(app: App) -> None:
    one = made(app, 1, "P2", ANNA, BEN)
    assert sorted(await by_hand.tell_update(app, BY, one.id, "The disk is being emptied.")) == ["Anna", "Ben"]
    assert [who for who, body in told(app, "update") if "The disk is being emptied." in body] == ["anna", "ben"]
    with pytest.raises(InputError, match="still to be filled in"):
        await by_hand.tell_update(app, BY, one.id, "Cause: [root cause].")
    with pytest.raises(InputError, match="broken on their way"):
        await by_hand.tell_update(app, BY, one.id, "Wir prÃ¼fen die stÃ¶rung")
    view = await one_incident(app, one.id)
    assert view.draft == "Trouble 1: we work on it. Cause: Web. Next update at [time]."
    assert view.draft_lacks == ("[time]",)


async def test_merging_moves_alerts_and_people_and_the_graver_severity(app: App) -> None:
    one, other = made(app, 1, "P1", ANNA), made(app, 2, "P3", BEN)
    app.clock.move(60)  # type: ignore[attr-defined]
    whole = await by_hand.merge(app, BY, one.id, other.id, "the same disk")
    assert (whole.id, whole.severity, whole.status) == ("inc-2", "P1", "open")
    assert {a.id for a in app.database.read_now(lambda c: alerts.alerts_of(c, other.id))} == {"alt-1-0", "alt-2-0"}
    gone = app.database.read_now(lambda c: incidents.get_incident(c, one.id))
    assert gone is not None
    assert (gone.status, timeline(app, one.id)) == ("resolved", ["It goes on as “Trouble 2” (inc-2). the same disk"])
    assert [who for who, body in told(app, "update") if "“Trouble 1” goes on as this incident." in body] == ["anna"]
    assert app.database.read_now(unreviewed) == []
    assert [(r.how, r.other_id) for r in (await one_incident(app, other.id)).related][:1] == [("took in", "inc-1")]
    with pytest.raises(Conflict, match="is over"):
        await by_hand.merge(app, BY, one.id, other.id)
    with pytest.raises(InputError, match="into itself"):
        await by_hand.merge(app, BY, other.id, other.id)


async def test_what_still_runs_is_not_merged_away(app: App) -> None:
    one, other = made(app, 1), made(app, 2)
    planned, now = plan(app.book, app.book.procedures[-1]), app.clock.now()
    app.database.write_now(lambda c: create_run(c, "run-1", now, planned, actor="automation", target="local", incident_id=one.id))
    app.database.write_now(lambda c: append_event(c, "run-1", now, "started"))
    with pytest.raises(Conflict, match="still runs for “Trouble 1”"):
        await by_hand.merge(app, BY, one.id, other.id)
    assert (await by_hand.merge(app, BY, other.id, one.id)).id == one.id


async def test_who_had_the_one_has_the_whole(app: App) -> None:
    one, other = made(app, 1), made(app, 2)
    app.database.write_now(lambda c: lifecycle.acknowledge(c, app.clock.now(), one.id, "ben"))
    whole = await by_hand.merge(app, BY, one.id, other.id)
    assert (whole.acknowledged_by, whole.status) == ("ben", "acknowledged")
    clocks = app.database.read_now(lambda c: timers.read_clocks(c, other.id))
    assert [clock.kind for clock in clocks if clock.kind in ("rung", "respond")] == []


async def test_alerts_that_are_something_else_get_an_incident_of_their_own(app: App) -> None:
    one = made(app, 1, "P2", subjects=("Web is slow", "Database is down"))
    new = await by_hand.split(app, BY, one.id, ["alt-1-1"], "another disk")
    assert (new.cause, new.severity, new.procedure_id) == ("Database", "P2", None)
    assert [a.subject for a in app.database.read_now(lambda c: alerts.alerts_of(c, new.id))] == ["Database is down"]
    assert "went on as" in timeline(app, one.id)[0]
    assert [r.how for r in (await one_incident(app, new.id)).related] == ["split from"]
    for ids in ([], ["alt-9"], ["alt-1-0"]):
        with pytest.raises(InputError):
            await by_hand.split(app, BY, one.id, ids)


async def test_related_once_from_either_side_and_earlier_ones_are_named(app: App) -> None:
    one = made(app, 1)
    app.clock.move(timedelta(days=1).total_seconds())  # type: ignore[attr-defined]
    other = made(app, 2)
    assert [(r.how, r.other_id) for r in (await one_incident(app, other.id)).related] == [("earlier", one.id)]
    assert await by_hand.relate_to(app, BY, one.id, other.id, "after it")
    assert not await by_hand.relate_to(app, BY, other.id, one.id)
    assert [(r.how, r.other_id) for r in (await one_incident(app, other.id)).related] == [("related", one.id)]
    with pytest.raises(NotFound):
        await by_hand.relate_to(app, BY, one.id, "inc-9")


async def test_the_vendor_of_the_cause_is_shown_and_others_are_not(app: App) -> None:
    found = await by_hand.open_incident(app, BY, "Nobody can pay", "P1", "Payments")
    assert [(v.name, v.address) for v in (await one_incident(app, found.id)).vendors] == [
        ("Stripe support", "support@stripe.example")
    ]


async def test_what_is_private_stays_so_merged_and_split(app: App) -> None:
    one, other = made(app, 1, "P2", ANNA), made(app, 2, "P2", BEN, subjects=("Web is slow", "Mail is slow"))
    kept = await by_hand.keep_private(app, BY, one.id, "An attack, perhaps.")
    assert timeline(app, one.id)[-1].endswith("only those whom it concerns see it, and owners. An attack, perhaps.")
    assert await by_hand.keep_private(app, BY, one.id, "Said again.") == kept
    assert len(timeline(app, one.id)) == 1
    with pytest.raises(InputError, match="needs words"):
        await by_hand.keep_private(app, BY, one.id, " ", private=False)
    app.database.write_now(lambda c: write_notices(c, app.clock.now(), "initial", other, [ANNA], Message("Trouble", "Down."), 1))
    whole = await by_hand.merge(app, BY, one.id, other.id, "the same strangers")
    assert whole.is_private
    part = await by_hand.split(app, BY, other.id, ["alt-2-1"], "another matter")
    assert part.is_private
    shown = await by_hand.keep_private(app, BY, part.id, "It was the disk.", private=False)
    assert not shown.is_private


async def test_what_is_opened_in_private_or_about_security_is_private(app: App) -> None:
    said = await by_hand.open_incident(app, BY, "Odd mails", "P3", private=True)
    itself = await by_hand.open_incident(app, BY, "Credentials leaked on a paste site", "P1")
    usual = await by_hand.open_incident(app, BY, "Odd mails again", "P3")
    assert [one.is_private for one in (said, itself, usual)] == [True, True, False]
    assert timeline(app, itself.id)[-1].endswith("its title “Credentials leaked on a paste site” is about security.")
    assert app.database.read_now(lambda c: incidents.get_incident(c, itself.id)) == itself
