"""Every form needs the session's token and does what it says in the person's own name."""

from __future__ import annotations

import httpx
import pytest
from sqlalchemy import Connection, select

from watchkeeper.app import App
from watchkeeper.book.reader import read_source
from watchkeeper.incident.ledger import get_incident, read_timeline
from watchkeeper.run.ledger import append_event, list_runs, load_run
from watchkeeper.run.plan import plan
from watchkeeper.run.starting import start_run
from watchkeeper.store.ledger import entries
from watchkeeper.web.site import printed_address

INCIDENT, RUN = "inc-01k9x3h8v2-7dq4mz", "run-01k9x3hb0c-2m5r8t"
PROCEDURE = "web-application-is-down"
APPROVAL = {"act": "3.1", "answer": "approve", "why": "carts only", "confirm": "Web application"}
FORMS: list[tuple[str, dict[str, str]]] = [
    ("/halt", {"why": "the storm"}),
    ("/unhalt", {"why": "the storm is over"}),
    (f"/incidents/{INCIDENT}/acknowledge", {}),
    (f"/incidents/{INCIDENT}/note", {"text": "The provider is slow today."}),
    (f"/incidents/{INCIDENT}/resolve", {"why": "It was a test."}),
    (f"/incidents/{INCIDENT}/start", {"procedure": PROCEDURE}),
    (f"/procedures/{PROCEDURE}/start", {"why": "to be sure"}),
    (f"/runs/{RUN}/answer", {"act": "3.1", "answer": "refuse", "why": "not at night"}),
    (f"/runs/{RUN}/cancel", {"why": "by hand"}),
    ("/sign-out", {}),
]


def acts_in(app: App) -> list[tuple[str, str]]:
    query = select(entries.c.actor, entries.c.act).order_by(entries.c.seq)
    return [(row.actor, row.act) for row in app.database.read_now(lambda c: c.execute(query).all())]


@pytest.mark.parametrize("token", [None, "", "guess"])
async def test_without_the_token_nothing_is_done(anna: httpx.AsyncClient, app: App, token: str | None) -> None:
    before = acts_in(app)
    for path, form in FORMS:
        answer = await anna.post(path, data=form if token is None else form | {"csrf": token})
        assert answer.status_code == 403, path
        assert "did not come from a page of your session" in answer.text
    assert acts_in(app) == before


async def test_the_token_of_another_session_is_no_good(anna: httpx.AsyncClient, app: App, csrf: str) -> None:
    await anna.post("/sign-out", data={"csrf": csrf})
    from_before = csrf
    await anna.get(printed_address(app, "127.0.0.1", 8421, "ben"))
    assert (await anna.post("/halt", data={"csrf": from_before, "why": "x"})).status_code == 403


@pytest.mark.parametrize(("path", "form"), FORMS)
async def test_with_the_token_it_is_done_in_the_persons_name(
    anna: httpx.AsyncClient, app: App, csrf: str, path: str, form: dict[str, str]
) -> None:
    before = len(acts_in(app))
    answer = await anna.post(path, data=form | {"csrf": csrf})
    assert answer.status_code == 303, answer.text
    written = acts_in(app)[before:]
    assert [actor for actor, _ in written] == ["anna"] * len(written)
    # a note is no act: it stands in the timeline alone
    assert written or path.endswith("/note")


async def test_no_address_of_a_form_can_be_got(anna: httpx.AsyncClient, app: App) -> None:
    before = acts_in(app)
    for path, _ in FORMS:
        assert (await anna.get(path)).status_code in (404, 405), path
    assert acts_in(app) == before


async def test_an_incident_is_taken_noted_and_resolved(anna: httpx.AsyncClient, app: App, csrf: str) -> None:
    for deed, form in (("acknowledge", {}), ("note", {"text": "I see it."}), ("resolve", {"why": "It is well."})):
        answer = await anna.post(f"/incidents/{INCIDENT}/{deed}", data=form | {"csrf": csrf})
        assert answer.headers["location"] == f"/incidents/{INCIDENT}"
    found = app.database.read_now(lambda c: get_incident(c, INCIDENT))
    assert found is not None
    assert (found.status, found.acknowledged_by) == ("resolved", "anna")
    said = [(e.kind, e.actor) for e in app.database.read_now(lambda c: read_timeline(c, INCIDENT))]
    assert ("note", "anna") in said


async def test_a_procedure_is_started_for_an_incident(anna: httpx.AsyncClient, app: App, csrf: str) -> None:
    answer = await anna.post(f"/incidents/{INCIDENT}/start", data={"procedure": PROCEDURE, "why": "by hand", "csrf": csrf})
    newest = app.database.read_now(lambda c: list_runs(c, incident_id=INCIDENT))
    started = next(run for run in newest if run.id != RUN)
    assert answer.headers["location"] == f"/runs/{started.id}"
    assert (started.actor, started.incident_id) == ("anna", INCIDENT)


async def test_an_approval_is_kept_with_its_name(anna: httpx.AsyncClient, app: App, csrf: str) -> None:
    answer = await anna.post(f"/runs/{RUN}/answer", data=APPROVAL | {"csrf": csrf})
    assert answer.headers["location"] == f"/runs/{RUN}#act-3-1"
    run = app.database.read_now(lambda c: load_run(c, RUN))
    assert run is not None
    assert run.acts["3.1"].approved_by == "anna"
    again = await anna.post(f"/runs/{RUN}/answer", data=APPROVAL | {"csrf": csrf})
    assert again.status_code == 409


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        ({"confirm": ""}, "nothing was typed"),
        ({"confirm": "web application"}, "is not it"),
        ({"why": " "}, "takes a reason"),
        ({"asked": "2020-01-01T00:00:00+00:00"}, "has changed since you saw it"),
        ({"asked": "yesterday"}, "does not say which question"),
    ],
)
async def test_what_can_destroy_is_approved_by_its_name_with_a_reason_as_it_was_seen(
    anna: httpx.AsyncClient, app: App, csrf: str, wrong: dict[str, str], code: str
) -> None:
    answer = await anna.post(f"/runs/{RUN}/answer", data=APPROVAL | {"csrf": csrf} | wrong)
    assert answer.status_code in (400, 409)
    assert code in answer.text
    run = app.database.read_now(lambda c: load_run(c, RUN))
    assert run is not None
    assert run.acts["3.1"].approved_by is None


async def test_the_page_says_what_to_type_and_which_question_it_answers(anna: httpx.AsyncClient, app: App, csrf: str) -> None:
    text = (await anna.get(f"/runs/{RUN}")).text
    assert 'type <strong class="exact">Web application</strong>' in text
    asked = text.split('name="asked" value="', 1)[1].split('"', 1)[0]
    answer = await anna.post(f"/runs/{RUN}/answer", data=APPROVAL | {"csrf": csrf, "asked": asked})
    assert answer.status_code == 303


async def test_a_halt_is_loud_on_every_page_and_can_be_lifted(anna: httpx.AsyncClient, csrf: str) -> None:
    await anna.post("/halt", data={"why": "the <b>storm</b>", "csrf": csrf})
    for path in ("/", "/signals", f"/runs/{RUN}"):
        text = (await anna.get(path)).text
        assert "Everything automatic is halted." in text
        assert "the &lt;b&gt;storm" in text
    await anna.post("/unhalt", data={"why": "over", "csrf": csrf})
    assert "halted" not in (await anna.get("/signals")).text


@pytest.mark.parametrize("back", ["https://elsewhere.example", "//elsewhere.example", "/\\elsewhere.example", "", "javascript:x"])
async def test_going_back_never_leads_elsewhere(anna: httpx.AsyncClient, csrf: str, back: str) -> None:
    answer = await anna.post("/halt", data={"why": "x", "back": back, "csrf": csrf})
    assert answer.headers["location"] == "/"


async def test_what_cannot_be_done_is_said_kindly(anna: httpx.AsyncClient, csrf: str) -> None:
    answer = await anna.post(f"/incidents/{INCIDENT}/resolve", data={"csrf": csrf})
    assert answer.status_code == 400
    assert "needs a reason" in answer.text
    assert (await anna.post("/incidents/none/acknowledge", data={"csrf": csrf})).status_code == 404


async def test_the_book_leads_from_each_command_to_running_it_alone(anna: httpx.AsyncClient, app: App, csrf: str) -> None:
    command = app.book.procedures[0].steps[0].commands[0]
    where = str(command.line)
    assert f'href="/commands/{where}"' in (await anna.get("/book")).text
    page = await anna.get(f"/commands/{where}")
    assert page.status_code == 200
    assert f'action="/commands/{where}/start"' in page.text
    assert command.text in page.text
    started = await anna.post(f"/commands/{where}/start", data={"why": "a look", "csrf": csrf})
    assert started.status_code == 303, started.text
    run = app.database.read_now(lambda c: load_run(c, started.headers["location"].removeprefix("/runs/")))
    assert run is not None
    assert [act.command.text for act in run.plan.acts if act.command] == [command.text]
    assert (await anna.get("/commands/1")).status_code == 404


async def test_boxes_are_ticked_in_one_form(anna: httpx.AsyncClient, app: App, csrf: str) -> None:
    source = "# Shop\n\n## Failover\n\n- [ ] Backup is there\n- [ ] Team knows\n- [ ] Look: `df -h /`\n"
    book = read_source("runbook.md", source)
    made, now = plan(book, book.procedures[0]), app.clock.now()

    def start(connection: Connection) -> str:
        run_id = start_run(connection, now, made, None, "anna", "local")
        asked = {"question": "manual", "sentence": "The book gives this to a person."}
        append_event(connection, run_id, now, "asked", act="1.1", body=asked)
        return run_id

    run_id = app.database.write_now(start)
    page = (await anna.get(f"/runs/{run_id}")).text
    assert 'type="checkbox" name="also" value="1.2"' in page
    form = {"act": "1.1", "answer": "done", "why": "both seen", "also": ["1.2"], "csrf": csrf}
    answer = await anna.post(f"/runs/{run_id}/answer", data=form)
    assert answer.status_code == 303, answer.text
    run = app.database.read_now(lambda c: load_run(c, run_id))
    assert run is not None
    assert [run.acts[key].state for key in ("1.1", "1.2", "1.3")] == ["done", "done", "to-do"]
    late = {"act": "1.1", "answer": "done", "also": ["1.2"], "csrf": csrf}
    assert (await anna.post(f"/runs/{run_id}/answer", data=late)).status_code == 409
