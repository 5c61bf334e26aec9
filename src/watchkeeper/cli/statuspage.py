"""`watchkeeper statuspage`: what the public is told, and who is told."""

from __future__ import annotations

import importlib
import json
from dataclasses import asdict
from datetime import datetime, timedelta
from pathlib import Path
from typing import Annotated, Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import typer

from watchkeeper.actions import public
from watchkeeper.actions.views.public import public_page
from watchkeeper.app import App
from watchkeeper.base.durations import parse_duration
from watchkeeper.base.errors import InputError
from watchkeeper.cli.options import ConfigOption, FormatOption, WhyOption, me, print_json, say, with_app
from watchkeeper.tell.public.model import Maintenance

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None, no_args_is_help=True)


@app.callback()
def statuspage() -> None:
    """The page for the public: what it says, what you say on it, and who is told."""


@app.command()
def show(config: ConfigOption = None, format: FormatOption = "text") -> None:
    """Show what the page says now."""
    page = with_app(config, public_page)
    if format == "json":
        print_json(asdict(page))
        return
    say(f"{page.title}: {page.sentence}")
    for each in page.components:
        up = "not watched yet" if each.uptime is None else f"{each.uptime:.4%} up in {len(each.days)} days"
        say(f"  {each.name:30} {each.now:12} {up}")
    for incident in page.incidents:
        say(f"  {incident.id}  {incident.title} ({incident.progress}): {incident.posts[0].text}")
    for work in page.maintenance:
        say(f"  {work.id}  {work.title} ({work.stage(page.at)}), {work.begins_at:%Y-%m-%d %H:%M} to {work.ends_at:%H:%M} UTC")


@app.command()
def post(
    incident: Annotated[str, typer.Argument(help="The incident, as `incident list` shows it.")],
    text: Annotated[str, typer.Argument(help="What the public reads.")],
    progress: Annotated[
        str, typer.Option("--status", help="investigating, identified, monitoring or resolved.")
    ] = "investigating",
    although_private: Annotated[
        bool, typer.Option("--although-private", help="Publish it although the incident is private.")
    ] = False,
    config: ConfigOption = None,
) -> None:
    """Say something to the public about an incident; those who subscribed are told."""
    knowing = {"although_private": although_private}
    made = with_app(config, lambda app: public.post(app, me(app), incident, progress, text, **knowing))
    say(f"The public reads ({made.progress}): {made.text}")


@app.command()
def announce(
    title: Annotated[str, typer.Argument(help="What is done, in the public's words.")],
    begins: Annotated[str, typer.Option("--begins", help='When: "2027-01-31 22:00", in the zone of --zone.')],
    lasts: Annotated[str, typer.Option("--for", help='How long: "2h", "45 minutes".')],
    zone: Annotated[str, typer.Option(help="Time zone of --begins.")] = "UTC",
    component: Annotated[list[str] | None, typer.Option(help="A component that it touches, by its public name.")] = None,
    text: Annotated[str, typer.Option(help="What else the public should know.")] = "",
    config: ConfigOption = None,
) -> None:
    """Announce maintenance: scheduled, in progress and over by itself."""
    begins_at, lasting = _instant(begins, zone), parse_duration(lasts)
    if lasting is None:
        raise InputError(f"{lasts!r} is no duration.", hint="Try --for 2h.", code="WK546")

    async def work(app: App) -> Maintenance:
        long = timedelta(seconds=lasting)
        return await public.announce(app, me(app), title, begins_at, long, text=text, components=tuple(component or ()))

    made = with_app(config, work)
    say(f"Announced ({made.id}): {made.title}, {made.begins_at:%Y-%m-%d %H:%M} to {made.ends_at:%Y-%m-%d %H:%M} UTC.")


@app.command()
def withdraw(
    maintenance: Annotated[str, typer.Argument(help="The maintenance, as `statuspage show` lists it.")],
    config: ConfigOption = None,
    why: WhyOption = "",
) -> None:
    """End announced maintenance now, or take it back before it begins."""
    with_app(config, lambda app: public.withdraw(app, me(app), maintenance, why))
    say("It is over.")


@app.command()
def subscribers(config: ConfigOption = None, format: FormatOption = "text") -> None:
    """List who is told, and who has not confirmed yet."""
    found = with_app(config, lambda app: public.subscribers(app, me(app)))
    if format == "json":
        print_json([{name: value for name, value in asdict(each).items() if name != "token"} for each in found])
        return
    for each in found:
        since = f"since {each.confirmed_at:%Y-%m-%d}" if each.confirmed_at else "not confirmed"
        say(f"{each.id}  {each.kind:8} {each.address}  {since}")
    if not found:
        print("Nobody asked to be told.")


@app.command()
def subscribe(
    url: Annotated[str, typer.Argument(help="https://host/path that is posted each piece of news.")], config: ConfigOption = None
) -> None:
    """Have an endpoint told by webhook; people subscribe by the page itself."""
    made = with_app(config, lambda app: public.subscribe_endpoint(app, me(app), url))
    say(f"It is told from now on ({made.id}).")


@app.command()
def drop(
    subscriber: Annotated[str, typer.Argument(help="The subscriber, as `statuspage subscribers` lists them.")],
    config: ConfigOption = None,
) -> None:
    """Forget a subscriber."""
    with_app(config, lambda app: public.drop_subscriber(app, me(app), subscriber))
    say("Forgotten.")


@app.command()
def export(
    folder: Annotated[Path, typer.Argument(help="Folder into which the page is written; made if it is not there.")],
    config: ConfigOption = None,
) -> None:
    """Write the page as files for any web host: HTML, feeds and Statuspage's JSON."""
    feeds, pages = (importlib.import_module(f"watchkeeper.web.{name}") for name in ("feeds", "public"))
    page = with_app(config, public_page)
    files: dict[str, str] = {
        "index.html": pages.render(page, alone=True),
        "feed.atom": feeds.atom(page),
        "feed.rss": feeds.rss(page),
        "api/v1/status": _json(feeds.brief(page)),
    }
    files |= {f"api/v2/{name}.json": _json(make(page)) for name, make in feeds.JSON.items()}
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        # a reader of the old page never sees half of the new one
        fresh = path.with_name(f".{path.name}.new")
        fresh.write_text(text, encoding="utf-8")
        fresh.replace(path)
    say(f"{len(files)} files in {folder}; the page says: {page.sentence}")


def _instant(text: str, zone: str) -> datetime:
    try:
        at = datetime.fromisoformat(text)
        return at if at.tzinfo else at.replace(tzinfo=ZoneInfo(zone))
    except (ValueError, ZoneInfoNotFoundError):
        hint = 'Write --begins "2027-01-31 22:00" --zone Europe/Berlin.'
        raise InputError(f"{text!r} in {zone!r} is no instant.", hint=hint, code="WK546") from None


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, indent=1) + "\n"
