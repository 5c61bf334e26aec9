"""What the forms of the pages do: each checks the session's token, asks `actions` in the person's name, and returns to a page."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Form, Request
from fastapi.responses import RedirectResponse, Response

from watchkeeper.actions import acts, affected, assigning, by_hand, effects, following_up, public
from watchkeeper.actions.callers import check_csrf, cookie_name, sign_out
from watchkeeper.base.errors import InputError
from watchkeeper.people.identity import Actor
from watchkeeper.web.pages import SeenApp, SignedIn

router = APIRouter(include_in_schema=False)
Text = Annotated[str, Form(max_length=20_000)]


async def from_our_page(session: SignedIn, csrf: Text = "") -> Actor:
    """Give the person whose own page sent the form; Refused otherwise."""
    check_csrf(session, csrf)
    return session.actor


Person = Annotated[Actor, Depends(from_our_page)]


def back_to(path: str) -> RedirectResponse:
    """Go to a page of ours; anything else leads to the overview."""
    local = path.startswith("/") and not path.startswith(("//", "/\\")) and "\n" not in path and "\r" not in path
    return RedirectResponse(path if local else "/", 303)


def seen_at(text: str) -> datetime | None:
    """Read when the question was put that a page showed; None where it does not say."""
    try:
        return datetime.fromisoformat(text) if text else None
    except ValueError:
        raise InputError("The form does not say which question it answers.", hint="Load the page again.", code="WK142") from None


@router.post("/sign-out")
async def sign_out_form(request: Request, app: SeenApp, person: Person) -> Response:
    """End the session."""
    name = cookie_name(request.url.port)
    await sign_out(app, person, request.cookies[name])
    answer = back_to("/sign-in")
    answer.delete_cookie(name, path="/")
    return answer


@router.post("/halt")
async def halt(app: SeenApp, person: Person, why: Text = "", back: Text = "/") -> Response:
    """Stop everything automatic."""
    await acts.halt(app, person, why)
    return back_to(back)


@router.post("/unhalt")
async def unhalt(app: SeenApp, person: Person, why: Text = "", back: Text = "/") -> Response:
    """Let it go on."""
    await acts.unhalt(app, person, why)
    return back_to(back)


@router.post("/incidents/{incident_id}/acknowledge")
async def acknowledge(app: SeenApp, person: Person, incident_id: str, why: Text = "") -> Response:
    """Take an incident."""
    found = await acts.acknowledge(app, person, incident_id, why)
    return back_to(f"/incidents/{found.id}")


@router.post("/incidents/{incident_id}/note")
async def note(app: SeenApp, person: Person, incident_id: str, text: Text = "") -> Response:
    """Write a line into the timeline."""
    await acts.note(app, person, incident_id, text)
    return back_to(f"/incidents/{incident_id}")


@router.post("/incidents/{incident_id}/role")
async def give_role(app: SeenApp, person: Person, incident_id: str, role: Text = "", whom: Text = "") -> Response:
    """Give somebody a role in it."""
    await assigning.assign(app, person, incident_id, role, whom)
    return back_to(f"/incidents/{incident_id}")


@router.post("/incidents/{incident_id}/task")
async def tick_task(app: SeenApp, person: Person, incident_id: str, task: Text = "") -> Response:
    """Note that a task of a phase is done."""
    await assigning.tick_task(app, person, incident_id, task)
    return back_to(f"/incidents/{incident_id}#phases")


@router.post("/incidents")
async def open_incident(
    app: SeenApp, person: Person, title: Text = "", severity: Text = "", component: Text = "", why: Text = "", private: Text = ""
) -> Response:
    """Open an incident by hand."""
    made = await by_hand.open_incident(app, person, title, severity, component, why, private=private == "yes")
    return back_to(f"/incidents/{made.id}")


@router.post("/incidents/{incident_id}/severity")
async def set_severity(app: SeenApp, person: Person, incident_id: str, severity: Text = "", why: Text = "") -> Response:
    """Make an incident graver or less grave."""
    await by_hand.set_severity(app, person, incident_id, severity, why)
    return back_to(f"/incidents/{incident_id}")


@router.post("/incidents/{incident_id}/update")
async def tell_update(
    app: SeenApp,
    person: Person,
    incident_id: str,
    text: Text = "",
    to: Text = "",
    progress: Text = "",
    although_private: Text = "",
) -> Response:
    """Tell those who know of an incident how it stands, or the public."""
    if to == "public":
        await public.post(app, person, incident_id, progress, text, although_private=although_private == "yes")
    else:
        await by_hand.tell_update(app, person, incident_id, text)
    return back_to(f"/incidents/{incident_id}")


@router.post("/incidents/{incident_id}/private")
async def keep_private(app: SeenApp, person: Person, incident_id: str, why: Text = "", private: Text = "yes") -> Response:
    """Let only those whom it concerns see it, or everybody again."""
    await by_hand.keep_private(app, person, incident_id, why, private=private == "yes")
    return back_to(f"/incidents/{incident_id}")


@router.post("/incidents/{incident_id}/affected")
async def count_affected(app: SeenApp, person: Person, incident_id: str) -> Response:
    """Count who and what it affected."""
    await affected.count(app, person, incident_id)
    return back_to(f"/incidents/{incident_id}")


@router.post("/incidents/{incident_id}/merge")
async def merge(app: SeenApp, person: Person, incident_id: str, other: Text = "", why: Text = "") -> Response:
    """Merge an incident into another."""
    found = await by_hand.merge(app, person, incident_id, other.strip(), why)
    return back_to(f"/incidents/{found.id}")


@router.post("/incidents/{incident_id}/split")
async def split(
    app: SeenApp,
    person: Person,
    incident_id: str,
    alerts: Annotated[list[str] | None, Form()] = None,
    why: Text = "",
) -> Response:
    """Give alerts of an incident an incident of their own."""
    made = await by_hand.split(app, person, incident_id, alerts or [], why)
    return back_to(f"/incidents/{made.id}")


@router.post("/incidents/{incident_id}/related")
async def relate(app: SeenApp, person: Person, incident_id: str, other: Text = "", why: Text = "") -> Response:
    """Keep that two incidents hang together."""
    await by_hand.relate_to(app, person, incident_id, other.strip(), why)
    return back_to(f"/incidents/{incident_id}")


@router.post("/incidents/{incident_id}/followup")
async def add_follow_up(
    app: SeenApp, person: Person, incident_id: str, text: Text = "", owner: Text = "", due: Text = ""
) -> Response:
    """Write down what somebody is to do."""
    await following_up.add(app, person, incident_id, text, owner, due or "14d")
    return back_to(f"/reviews/{incident_id}#todo")


@router.post("/incidents/{incident_id}/followup/{follow_up_id}/done")
async def finish_follow_up(app: SeenApp, person: Person, incident_id: str, follow_up_id: str) -> Response:
    """Note that it is done."""
    await following_up.finish(app, person, follow_up_id)
    return back_to(f"/reviews/{incident_id}#todo")


@router.post("/incidents/{incident_id}/resolve")
async def resolve(app: SeenApp, person: Person, incident_id: str, why: Text = "") -> Response:
    """Close an incident by hand."""
    found = await acts.resolve(app, person, incident_id, why)
    return back_to(f"/incidents/{found.id}")


@router.post("/incidents/{incident_id}/start")
async def start(app: SeenApp, person: Person, incident_id: str, procedure: Text = "", why: Text = "") -> Response:
    """Start a procedure for an incident."""
    return back_to(f"/runs/{await acts.start_run(app, person, procedure, incident_id, why)}")


@router.post("/procedures/{procedure_id:path}/start")
async def start_procedure(app: SeenApp, person: Person, procedure_id: str, incident: Text = "", why: Text = "") -> Response:
    """Start a procedure, for an incident or for none."""
    return back_to(f"/runs/{await acts.start_run(app, person, procedure_id, incident or None, why)}")


@router.post("/commands/{where:path}/start")
async def start_command(app: SeenApp, person: Person, where: str, incident: Text = "", why: Text = "") -> Response:
    """Start one command of the runbook by itself."""
    return back_to(f"/runs/{await acts.start_command(app, person, where, incident or None, why)}")


@router.post("/runs/{run_id}/answer")
async def answer(
    request: Request,
    app: SeenApp,
    person: Person,
    run_id: str,
    act: Text = "",
    answer: Text = "",
    why: Text = "",
    confirm: Text = "",
    asked: Text = "",
) -> Response:
    """Answer what a run asks, as the page that was seen put it; a field "input.NAME" is the value of an input.

    Boxes that are ticked with it come as fields "also"; they are answered alike.
    """
    form = await request.form()
    also = tuple(str(key) for key in form.getlist("also"))
    if also and answer != "abort":
        await acts.tick(app, person, run_id, answer, why, keys=(act, *also))
        return back_to(f"/runs/{run_id}#act-{act.replace('.', '-')}")
    fields = form.items() if answer == "input" else ()
    inputs = {name.removeprefix("input."): str(value) for name, value in fields if name.startswith("input.") and value}
    await acts.answer(app, person, run_id, act, answer, why, confirm=confirm, seen=seen_at(asked), inputs=inputs)
    return back_to(f"/runs/{run_id}#act-{act.replace('.', '-')}")


@router.post("/runs/{run_id}/undo")
async def undo(app: SeenApp, person: Person, run_id: str, why: Text = "", act: Text = "") -> Response:
    """Put back what a run changed, or one act of it."""
    return back_to(f"/runs/{await effects.undo_run(app, person, run_id, act or None, why)}")


@router.post("/runs/{run_id}/resume")
async def resume(app: SeenApp, person: Person, run_id: str, why: Text = "") -> Response:
    """Go on where a run ended."""
    return back_to(f"/runs/{await acts.resume_run(app, person, run_id, why)}")


@router.post("/runs/{run_id}/cancel")
async def cancel(app: SeenApp, person: Person, run_id: str, why: Text = "", finish: Text = "") -> Response:
    """Stop a run."""
    await acts.cancel_run(app, person, run_id, why, finish != "yes")
    return back_to(f"/runs/{run_id}")
