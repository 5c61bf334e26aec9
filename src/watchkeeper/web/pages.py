"""The pages: each reads a view and renders it. None of them changes anything."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import HTMLResponse, PlainTextResponse, Response
from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

from watchkeeper import __version__
from watchkeeper.actions.callers import address_of, cookie_name, session_for
from watchkeeper.actions.permission import require
from watchkeeper.actions.seeing import seen_by
from watchkeeper.actions.views import books, capacity, incidents, measures, records, runs, signals
from watchkeeper.actions.views.model import SPANS, Span
from watchkeeper.app import App
from watchkeeper.learn.over_time import By
from watchkeeper.people.identity import Session
from watchkeeper.web.markdown import render as render_markdown
from watchkeeper.web.words import FILTERS

API = "/api/v1"

templates = Environment(
    loader=FileSystemLoader(Path(__file__).parent / "templates"),
    autoescape=select_autoescape(default=True, default_for_string=True),
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
    auto_reload=False,
)
templates.filters.update(FILTERS)
templates.globals["version"] = __version__

router = APIRouter(include_in_schema=False, default_response_class=HTMLResponse)


def the_app(request: Request) -> App:
    """Give the App behind the site."""
    app: App = request.app.state.watchkeeper
    return app


async def signed_in(request: Request) -> Session:
    """Give the caller's session; Refused where there is none."""
    session = await session_for(the_app(request), request.cookies.get(cookie_name(request.url.port)), address_of(request))
    require(session.actor, "look")
    return session


TheApp = Annotated[App, Depends(the_app)]
SignedIn = Annotated[Session, Depends(signed_in)]


async def app_for(request: Request, session: SignedIn) -> App:
    """Give the App as who is signed in may see it."""
    return seen_by(the_app(request), session.actor)


SeenApp = Annotated[App, Depends(app_for)]
Days = Annotated[int, Query(ge=1, le=3660)]
Search = Annotated[str, Query(max_length=200)]
Before = Annotated[str | None, Query(max_length=40)]
Skip = Annotated[int, Query(ge=0, le=10_000_000)]
State = Annotated[Literal["open", "running", "waiting", "asking", "succeeded", "failed", "cancelled"] | None, Query()]


def page(name: str, request: Request, session: Session | None, view: Any = None, status: int = 200, **more: Any) -> HTMLResponse:
    """Render a page around a view; `twin` is the address of the same as JSON."""
    values = {"page": view, "frame": getattr(view, "frame", None), "session": session, "twin": None, "here": None} | more
    values |= {"here_path": request.url.path, "status": status}
    return HTMLResponse(templates.get_template(name).render(values), status)


@router.get("/")
async def overview(request: Request, app: SeenApp, session: SignedIn) -> Response:
    """How the service stands."""
    return page("overview.html", request, session, await incidents.overview(app), here="/", twin=f"{API}/overview")


@router.get("/incidents")
async def incident_list(request: Request, app: SeenApp, session: SignedIn, q: Search = "", before: Before = None) -> Response:
    """All incidents, or those that a search finds, a page at a time."""
    view = await incidents.all_incidents(app, q, before)
    asked = urlencode({name: said for name, said in (("q", q), ("before", before)) if said})
    twin = f"{API}/incidents" + (f"?{asked}" if asked else "")
    return page("incidents.html", request, session, view, here="/incidents", twin=twin)


@router.get("/incidents/{incident_id}")
async def incident(request: Request, app: SeenApp, session: SignedIn, incident_id: str, skip: Skip = 0) -> Response:
    """One incident."""
    view = await incidents.one_incident(app, incident_id, skip)
    return page("incident.html", request, session, view, here="/incidents", twin=f"{API}/incidents/{view.id}")


@router.get("/runs")
async def run_list(request: Request, app: SeenApp, session: SignedIn, state: State = None) -> Response:
    """All runs, or those in a state."""
    twin = f"{API}/runs" + (f"?state={state}" if state else "")
    return page("runs.html", request, session, await runs.all_runs(app, state), here="/runs", twin=twin)


@router.get("/runs/{run_id}")
async def run(request: Request, app: SeenApp, session: SignedIn, run_id: str) -> Response:
    """One run."""
    view = await runs.one_run(app, run_id)
    return page("run.html", request, session, view, here="/runs", twin=f"{API}/runs/{view.run.id}")


@router.get("/runs/{run_id}/acts/{act_key}/output.txt")
async def output(app: SeenApp, session: SignedIn, run_id: str, act_key: str) -> Response:
    """The whole kept output of an act."""
    return PlainTextResponse(await runs.output_of(app, run_id, act_key))


@router.get("/book")
async def book(request: Request, app: SeenApp, session: SignedIn) -> Response:
    """The runbook with its facts beside it."""
    view = await books.the_book(app)
    article = render_markdown(view.source, view.facts)
    return page("book.html", request, session, view, here="/book", twin=f"{API}/book", article=article)


@router.get("/commands/{where:path}")
async def command(request: Request, app: SeenApp, session: SignedIn, where: str) -> Response:
    """What running one command of the runbook by itself would do."""
    view = await runs.one_command(app, where)
    return page("procedure.html", request, session, view, here="/book")


@router.get("/procedures/{procedure_id:path}")
async def procedure(request: Request, app: SeenApp, session: SignedIn, procedure_id: str) -> Response:
    """What carrying out a procedure would do."""
    view = await runs.one_procedure(app, procedure_id)
    return page("procedure.html", request, session, view, here="/book", twin=f"{API}/procedures/{view.procedure.id}")


@router.get("/signals")
async def signal_list(request: Request, app: SeenApp, session: SignedIn, span: Span = "1h") -> Response:
    """All signals, with their curves over a span of time."""
    view = await signals.all_signals(app, span)
    return page("signals.html", request, session, view, here="/signals", twin=f"{API}/signals?span={span}", spans=list(SPANS))


@router.get("/measures")
async def measures_page(request: Request, app: SeenApp, session: SignedIn, by: By = "severity", days: Days = 90) -> Response:
    """How long incidents took, and how much people were paged."""
    view = await measures.measures(app, days, by)
    return page("measures.html", request, session, view, here="/reviews", twin=f"{API}/measures?by={by}&days={days}")


@router.get("/measures.csv")
async def measures_csv(app: SeenApp, session: SignedIn, by: By = "severity", days: Days = 90) -> Response:
    """The same as comma-separated values."""
    text = measures.as_csv(await measures.measures(app, days, by))
    return PlainTextResponse(text, media_type="text/csv", headers={"content-disposition": 'attachment; filename="measures.csv"'})


@router.get("/capacity")
async def capacity_page(request: Request, app: SeenApp, session: SignedIn) -> Response:
    """When what reaches its limit."""
    return page("capacity.html", request, session, await capacity.capacity(app), here="/signals", twin=f"{API}/capacity")


@router.get("/ledger")
async def ledger(request: Request, app: SeenApp, session: SignedIn, before: int | None = None) -> Response:
    """Acts and decisions."""
    view = await records.the_ledger(app, before)
    return page("ledger.html", request, session, view, here="/ledger", twin=f"{API}/ledger")


@router.get("/reviews")
async def review_list(request: Request, app: SeenApp, session: SignedIn) -> Response:
    """All reviews."""
    return page("reviews.html", request, session, await records.all_reviews(app), here="/reviews", twin=f"{API}/reviews")


@router.get("/reviews/{incident_id}.md")
async def review_file(app: SeenApp, session: SignedIn, incident_id: str) -> Response:
    """A review as the Markdown that it is."""
    view = await records.one_review(app, incident_id)
    named = {"content-disposition": f'attachment; filename="review-{view.review.incident_id}.md"'}
    return Response(view.markdown, media_type="text/markdown; charset=utf-8", headers=named)


@router.get("/reviews/{incident_id}")
async def review(request: Request, app: SeenApp, session: SignedIn, incident_id: str) -> Response:
    """One review."""
    view = await records.one_review(app, incident_id)
    article = render_markdown(view.markdown)
    twin = f"{API}/reviews/{view.review.incident_id}"
    return page("review.html", request, session, view, here="/reviews", twin=twin, article=article)
