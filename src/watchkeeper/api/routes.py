"""The JSON API: every page's twin, and every act a person may ask for, over the same views and actions.

A program sends `Authorization: Bearer TOKEN`; a page of the console sends its cookie and, to change something, the session's
token as X-CSRF. What goes wrong comes as {code, message, hint, where}.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Annotated, Any, Literal, TypeAlias

from fastapi import APIRouter, Depends, Header, Query, Request
from fastapi.responses import Response, StreamingResponse
from pydantic import AwareDatetime, BaseModel, Field

from watchkeeper.actions import acts, arriving, changes, effects, public, silences
from watchkeeper.actions.callers import address_of, check_csrf, cookie_name, program_for, session_for
from watchkeeper.actions.permission import require
from watchkeeper.actions.seeing import seen_by
from watchkeeper.actions.views import books, capacity, following, incidents, measures, records, runs, signals
from watchkeeper.actions.views import why as reasons
from watchkeeper.actions.views.capacity import CapacityView
from watchkeeper.actions.views.measures import MeasuresView
from watchkeeper.actions.views.model import (
    BookView,
    EffectView,
    Incidents,
    IncidentView,
    NewsView,
    Overview,
    ProcedureView,
    Runs,
    RunView,
    SignalsView,
    Span,
)
from watchkeeper.actions.views.records_model import LedgerView, Reviews, ReviewView
from watchkeeper.alert.model import Silence
from watchkeeper.api.following import DESCRIBED, as_events
from watchkeeper.app import App
from watchkeeper.incident.model import ChangeEvent
from watchkeeper.learn.over_time import By
from watchkeeper.people.identity import Actor
from watchkeeper.tell.public.model import Maintenance, Post
from watchkeeper.watch.arrivals import Pushed

SAFE = ("GET", "HEAD")


class Problem(BaseModel):
    """What every error looks like."""

    code: str = Field(description="Stable: the same for the same problem in every release.")
    message: str
    hint: str | None = None
    where: str | None = Field(None, description="file:line of the text to blame.")


Inputs: TypeAlias = dict[Annotated[str, Field(max_length=200)], Annotated[str, Field(max_length=5000)]]


class Why(BaseModel):
    """The reason of an act; it goes into the ledger."""

    why: str = Field("", max_length=20_000)


class NoteBody(BaseModel):
    """A line for a timeline."""

    text: str = Field(max_length=20_000)


class PostBody(BaseModel):
    """What the public is told about an incident."""

    text: str = Field(max_length=5_000)
    progress: Literal["investigating", "identified", "monitoring", "resolved"] = "investigating"
    although_private: bool = Field(False, description="Of a private incident nothing is published without this word.")


class MaintenanceBody(BaseModel):
    """Work that is announced to the public."""

    title: str = Field(max_length=500)
    begins_at: AwareDatetime
    lasts_s: float = Field(gt=0, le=14 * 86_400, description="How long it takes, in seconds.")
    text: str = Field("", max_length=5_000)
    components: list[str] = Field(default_factory=list, max_length=200, description="Public names of what it touches.")


class StartBody(Why):
    """Which procedure to carry out, and for which incident."""

    procedure: str = Field(max_length=500)
    incident: str | None = Field(None, max_length=100)
    inputs: Inputs = Field(default_factory=dict, description="Values for what its commands take in, by their names.")


class CommandBody(Why):
    """Which command of the book to run by itself, and for which incident."""

    command: str = Field(max_length=1000, description="file:line of the command, or the line alone.")
    incident: str | None = Field(None, max_length=100)
    inputs: Inputs = Field(default_factory=dict, description="Values for what it takes in, by their names.")


class UndoBody(Why):
    """What of a run to put back."""

    act: str | None = Field(None, max_length=50, description="One act, such as 3.1; without it all changes, the last first.")


class PreviewBody(BaseModel):
    """The procedure whose changes are to be looked at."""

    procedure: str = Field(max_length=500)


class AnswerBody(Why):
    """An answer to what a run asks."""

    act: str = Field(max_length=50, description="The act that asks, such as 3.1.")
    answer: str = Field(max_length=50, description="One of the act's `answers`.")
    also: list[str] = Field(default_factory=list, max_length=200, description="Boxes of the same step answered alike.")
    confirm: str = Field("", max_length=1000, description="The act's `to_type`, where approving takes it.")
    seen: datetime | None = Field(None, description="The act's `asked_at` as it was seen: another question is not answered.")
    inputs: Inputs = Field(default_factory=dict, description="With the answer `input`: a value for each of the act's `inputs`.")


class SilenceBody(Why):
    """Which alerts to silence, and for how long."""

    lasts_s: float = Field(gt=0, le=92 * 86_400, description="How long it holds, in seconds.")
    component: str | None = Field(None, max_length=200)
    subject: str | None = Field(None, max_length=500, description="Words of the alert's subject.")
    severity: str | None = Field(None, max_length=50)
    key: str | None = Field(None, max_length=200, description="One threshold's key.")
    hours: str | None = Field(None, max_length=200, description='Only within these: "Sun 02:00-04:00 Europe/Berlin".')
    begins_at: AwareDatetime | None = Field(None, description="Left out: now.")


class Said(BaseModel):
    """What was done, in words."""

    sentence: str


class ChangeBody(BaseModel):
    """What was changed."""

    sentence: str = Field(max_length=1000, description="“Released 2.4.1”.")
    kind: str = Field("deployment", max_length=40, description="deployment, release, configuration, or a word of yours.")
    component: str | None = Field(None, max_length=200)
    link: str = Field("", max_length=1000, description="A page about it.")
    at: AwareDatetime | None = Field(None, description="When it took effect; left out: now.")
    key: str = Field("", max_length=150, description="The same key again is the same change.")


class PushBody(BaseModel):
    """Numbers for the readings of a signal of the kind `push`."""

    values: dict[str, float] = Field(default_factory=dict, max_length=500, description="Each replaces the one before.")
    added: dict[str, float] = Field(default_factory=dict, max_length=500, description="Each is added to what there is.")
    at: AwareDatetime | None = Field(None, description="When the values were so; left out: now.")
    key: str = Field("", max_length=200, description="The same key within two days is the same push, and is taken once.")


class Taken(BaseModel):
    """Whether a push was taken in."""

    taken: bool = Field(description="False: it was there before, by its key.")


class CancelBody(Why):
    """How to stop a run."""

    finish: bool = Field(False, description="Let the act under way end by itself; by default it is ended with all it started.")


class Started(BaseModel):
    """The run that was started."""

    run: str


def the_app(request: Request) -> App:
    """Give the App behind the site."""
    app: App = request.app.state.watchkeeper
    return app


async def caller(request: Request, app: Annotated[App, Depends(the_app)]) -> Actor:
    """Give who asks; Refused without identity, or where a cookie alone asks for a change."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.casefold() == "bearer":
        actor = await program_for(app, token.strip(), address_of(request))
    else:
        session = await session_for(app, request.cookies.get(cookie_name(request.url.port)), address_of(request))
        if request.method not in SAFE:
            check_csrf(session, request.headers.get("x-csrf", ""))
        actor = session.actor
    if request.method in SAFE:
        require(actor, "look")
    return actor


Caller = Annotated[Actor, Depends(caller)]


async def app_for(request: Request, actor: Caller) -> App:
    """Give the App as who asks may see it."""
    return seen_by(the_app(request), actor)


TheApp = Annotated[App, Depends(app_for)]
State = Annotated[
    Literal["open", "running", "waiting", "asking", "succeeded", "failed", "cancelled"] | None,
    Query(description="Only runs in this state; open: all that are not over."),
]
Search = Annotated[str, Query(max_length=200, description="Words of title, cause, severity, id or timeline; all must fit.")]
Before = Annotated[str | None, Query(max_length=40, description="`older` of the page before.")]
Skip = Annotated[int, Query(ge=0, le=10_000_000, description="How many alerts to pass over.")]
After = Annotated[str, Query(max_length=40, description="The `mark` of the last news; empty begins at the beginning.")]
LastEventId = Annotated[str, Header(max_length=40, description="The id of the last event that came; goes before `after`.")]
SpanBack = Annotated[Span, Query(description="How far the curves reach back; long ones are averages with their least and most.")]
PROBLEMS: dict[int | str, dict[str, Any]] = {code: {"model": Problem} for code in (400, 401, 403, 404, 409, 422, 503)}
router = APIRouter(prefix="/api/v1", dependencies=[Depends(caller)], responses=PROBLEMS)


@router.get("/openapi.json", include_in_schema=False)
async def openapi(request: Request) -> dict[str, Any]:
    """Describe this API."""
    described: dict[str, Any] = request.app.openapi()
    return described


@router.get("/overview")
async def overview(app: TheApp) -> Overview:
    """Show how the service stands."""
    return await incidents.overview(app)


@router.get("/incidents")
async def list_incidents(app: TheApp, q: Search = "", before: Before = None) -> Incidents:
    """List the newest incidents, or those that a search finds, a page at a time."""
    return await incidents.all_incidents(app, q, before)


@router.get("/incidents/{incident_id}")
async def get_incident(app: TheApp, incident_id: str, skip: Skip = 0) -> IncidentView:
    """Show one incident, with a page of its alerts."""
    return await incidents.one_incident(app, incident_id, skip)


@router.post("/incidents/{incident_id}/posts", status_code=201)
async def post_to_public(app: TheApp, actor: Caller, incident_id: str, body: PostBody) -> Post:
    """Say something to the public about an incident."""
    return await public.post(app, actor, incident_id, body.progress, body.text, although_private=body.although_private)


@router.post("/maintenance", status_code=201)
async def announce_maintenance(app: TheApp, actor: Caller, body: MaintenanceBody) -> Maintenance:
    """Announce maintenance on the public's page."""
    lasts = timedelta(seconds=body.lasts_s)
    return await public.announce(app, actor, body.title, body.begins_at, lasts, text=body.text, components=tuple(body.components))


@router.get("/runs")
async def list_runs(app: TheApp, state: State = None) -> Runs:
    """List the newest runs, all or those in a state."""
    return await runs.all_runs(app, state)


@router.post("/runs", status_code=201)
async def start_run(app: TheApp, actor: Caller, body: StartBody) -> Started:
    """Start carrying out a procedure."""
    return Started(run=await acts.start_run(app, actor, body.procedure, body.incident, body.why, body.inputs))


@router.post("/runs/command", status_code=201)
async def start_command(app: TheApp, actor: Caller, body: CommandBody) -> Started:
    """Start one command of the book by itself."""
    return Started(run=await acts.start_command(app, actor, body.command, body.incident, body.why, body.inputs))


@router.get("/runs/{run_id}")
async def get_run(app: TheApp, run_id: str) -> RunView:
    """Show one run."""
    return await runs.one_run(app, run_id)


@router.get("/runs/{run_id}/news")
async def run_news(app: TheApp, run_id: str, after: After = "") -> NewsView:
    """Show what is new of a run since a mark, what it asks now, and whether it is over."""
    return await following.news_of(app, run_id, after)


@router.get("/runs/{run_id}/stream", response_class=StreamingResponse, responses=DESCRIBED)
async def run_stream(app: TheApp, run_id: str, after: After = "", last_event_id: LastEventId = "") -> Response:
    """Follow a run as server-sent events."""
    return as_events(await following.open_stream(app, run_id, following.read_mark(last_event_id or after)))


@router.post("/runs/{run_id}/answers", status_code=204)
async def answer(app: TheApp, actor: Caller, run_id: str, body: AnswerBody) -> None:
    """Answer what a run asks."""
    if body.also:
        await acts.tick(app, actor, run_id, body.answer, body.why, keys=(body.act, *body.also))
        return
    more: dict[str, Any] = {"confirm": body.confirm, "seen": body.seen, "inputs": body.inputs}
    await acts.answer(app, actor, run_id, body.act, body.answer, body.why, **more)


@router.post("/runs/{run_id}/resume", status_code=201)
async def resume(app: TheApp, actor: Caller, run_id: str, body: Why) -> Started:
    """Go on where a run failed or was cancelled: a new run of the same plan that carries what is done as done."""
    return Started(run=await acts.resume_run(app, actor, run_id, body.why))


@router.post("/runs/{run_id}/cancel", status_code=204)
async def cancel(app: TheApp, actor: Caller, run_id: str, body: CancelBody) -> None:
    """Stop a run: nothing more is begun, and what is under way is ended."""
    await acts.cancel_run(app, actor, run_id, body.why, not body.finish)


@router.post("/runs/{run_id}/undo", status_code=201)
async def undo(app: TheApp, actor: Caller, run_id: str, body: UndoBody) -> Started:
    """Put back what a run changed, to exactly what it was: a run of its own, approved like any change."""
    return Started(run=await effects.undo_run(app, actor, run_id, body.act, body.why))


@router.post("/previews")
async def preview(app: TheApp, actor: Caller, body: PreviewBody) -> dict[str, EffectView]:
    """Look at what each change of a procedure would do now, act by act; the looks only read, and nothing is started."""
    _, seen = await effects.preview_plan(app, actor, body.procedure)
    return {key: EffectView(each.sentence, each.way_back) for key, each in seen.items()}


@router.get("/book")
async def book(app: TheApp) -> BookView:
    """Show the runbook and what was understood of it."""
    return await books.the_book(app)


@router.get("/procedures/{procedure_id:path}")
async def procedure(app: TheApp, procedure_id: str) -> ProcedureView:
    """Show what carrying out a procedure would do; nothing is run."""
    return await runs.one_procedure(app, procedure_id)


@router.get("/signals")
async def list_signals(app: TheApp, span: SpanBack = "1h") -> SignalsView:
    """Show the signals, their latest samples, what they decide, and what they gave over a span of time."""
    return await signals.all_signals(app, span)


@router.get("/why/{what:path}")
async def why(app: TheApp, what: str) -> reasons.Explained:
    """Say why a threshold, a signal, an alert or an incident stands as it does: what decided it, and where that is written."""
    return await reasons.why(app, what)


@router.get("/silences")
async def list_silences(app: TheApp) -> silences.Quiet:
    """Show the silences that are not over, and the maintenance windows of the runbook that are on."""
    return await silences.quiet(app)


@router.post("/silences", status_code=201)
async def silence(app: TheApp, actor: Caller, body: SilenceBody) -> Silence:
    """Keep some alerts from opening incidents for a time; all that is named must fit."""
    names = body.model_dump(include={"component", "subject", "severity", "key", "hours", "begins_at"})
    return await silences.silence(app, actor, timedelta(seconds=body.lasts_s), body.why, **names)


@router.post("/silences/{silence_id}/end", status_code=204)
async def end_silence(app: TheApp, actor: Caller, silence_id: str, body: Why) -> None:
    """End a silence before its time."""
    await silences.end_silence(app, actor, silence_id, body.why)


@router.get("/changes")
async def list_changes(app: TheApp, hours: Annotated[float, Query(gt=0, le=24 * 92)] = 24.0) -> list[ChangeEvent]:
    """Show what was changed outside of incidents, newest first."""
    return await changes.list_changes(app, timedelta(hours=hours))


@router.post("/changes", status_code=201)
async def note_change(app: TheApp, actor: Caller, body: ChangeBody) -> ChangeEvent:
    """Say that something was changed, such as a deployment; it is a suspect of what breaks within a day."""
    said = body.model_dump(exclude={"sentence", "kind"})
    return await changes.note_change(app, actor, body.sentence, body.kind, **said)


@router.post("/push/{signal}")
async def push(app: TheApp, actor: Caller, signal: str, body: PushBody) -> Taken:
    """Push numbers to a signal; they are on disk when this answers."""
    at = body.at or app.clock.now()
    numbers = {name: Pushed(value, False, at) for name, value in body.values.items()}
    return Taken(taken=await arriving.push(app, actor, signal, numbers, body.added, body.key))


@router.post("/push/{signal}/metrics")
async def push_metrics(
    app: TheApp, actor: Caller, signal: str, request: Request, idempotency_key: Annotated[str, Header(max_length=200)] = ""
) -> Taken:
    """Push a page of metrics, in the text format of Prometheus or OpenMetrics, to a signal."""
    text = (await request.body()).decode(errors="replace")
    return Taken(taken=await arriving.push_metrics(app, actor, signal, text, idempotency_key))


@router.get("/capacity")
async def show_capacity(app: TheApp) -> CapacityView:
    """Say of each threshold where its reading goes, and when it reaches its limit."""
    return await capacity.capacity(app)


@router.get("/ledger")
async def ledger(app: TheApp, before: Annotated[int | None, Query(ge=1)] = None) -> LedgerView:
    """Show acts and decisions, newest first."""
    return await records.the_ledger(app, before)


@router.get("/measures")
async def show_measures(app: TheApp, by: By = "severity", days: Annotated[int, Query(ge=1, le=3660)] = 90) -> MeasuresView:
    """Show the mean times to detect, acknowledge, recover and resolve, and how often each person was paged."""
    return await measures.measures(app, days, by)


@router.get("/reviews")
async def list_reviews(app: TheApp) -> Reviews:
    """List the newest reviews."""
    return await records.all_reviews(app)


@router.get("/reviews/{incident_id}")
async def review(app: TheApp, incident_id: str) -> ReviewView:
    """Show the review of an incident."""
    return await records.one_review(app, incident_id)


@router.post("/halt", status_code=200)
async def halt(app: TheApp, actor: Caller, body: Why) -> acts.Brake:
    """Stop everything automatic at once."""
    return await acts.halt(app, actor, body.why)


@router.post("/unhalt", status_code=200)
async def unhalt(app: TheApp, actor: Caller, body: Why) -> acts.Brake:
    """Let automatic acts go on."""
    return await acts.unhalt(app, actor, body.why)
