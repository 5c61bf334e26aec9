"""`watchkeeper oncall`: who is on call, now or at a time; overrides, swaps, notes and calendars."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Annotated

import typer

from watchkeeper.actions import oncall as acts
from watchkeeper.actions.views.oncall import OnCallView, RotaView, who_is_on_call
from watchkeeper.app import App
from watchkeeper.cli.options import ConfigOption, FormatOption, WhyOption, me, print_json, say, with_app
from watchkeeper.people.model import Change, Shift
from watchkeeper.people.rota import said_at
from watchkeeper.web.serving import CONSOLE
from watchkeeper.web.site import plain_address

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)
RotaName = Annotated[
    str, typer.Option("--rota", "-r", help="The rota, as in [rotas] of watchkeeper.toml; one alone needs no name.")
]
PersonName = Annotated[str, typer.Argument(help="The person, as in [people] of watchkeeper.toml.")]
TIMES = '"2026-12-24 18:00" on the clocks of the rota, "now" or "+2h"'


@app.callback(invoke_without_command=True)
def oncall(
    context: typer.Context,
    at: Annotated[str, typer.Option("--at", help=f"At that time instead of now: {TIMES}.")] = "now",
    config: ConfigOption = None,
    format: FormatOption = "text",
) -> None:
    """Who is on call, who is next, and what people changed about it."""
    if context.invoked_subcommand is not None:
        return

    async def work(app: App) -> OnCallView:
        zones = {rota.zone for rota in app.estate.rotas.values()}
        return await who_is_on_call(app, acts.instant(at, zones.pop() if len(zones) == 1 else "UTC", app.clock.now()))

    view = with_app(config, work)
    if format == "json":
        print_json({key: value for key, value in asdict(view).items() if key != "frame"})
        return
    names = {person.id: person.name for person in view.people}
    for rota in view.rotas:
        _print(rota, names)
    if not view.rotas:
        say("No rota is declared: a role means everybody who holds it. docs/guide/people.md shows how one is written.")


def _print(rota: RotaView, names: dict[str, str]) -> None:
    say(f"{rota.name}: {_who(rota.now, names)} until {said_at(rota.now.ends_at, rota.zone)}")
    say(f"  {rota.now.sentence}")
    if rota.next is not None:
        say(f"  next: {_who(rota.next, names)} from {said_at(rota.next.begins_at, rota.zone)}")
    for change in rota.changes:
        say(f"  {_said(change, rota.zone)}")
    for note in rota.notes[:1]:
        say(f"  note of {names.get(note.author, note.author)}, {said_at(note.at, rota.zone)}: {note.text}")
    if rota.gap:
        say(f"  gap: {rota.gap}")


def _who(shift: Shift, names: dict[str, str]) -> str:
    return " and ".join(names.get(person, person) for person in shift.people) or "nobody"


def _said(change: Change, zone: str) -> str:
    instead = change.instead_of or "whoever it would be"
    span = f"{said_at(change.begins_at, zone)} to {said_at(change.ends_at, zone)}"
    return f"{change.id}  {change.kind}: {change.person} instead of {instead}, {span}"


@app.command()
def override(
    person: PersonName,
    begins: Annotated[str, typer.Option("--from", help=f"From when: {TIMES}.")] = "now",
    until: Annotated[str, typer.Option("--until", help="Until when, written in the same way.")] = "",
    lasts: Annotated[str, typer.Option("--for", help='Or how long: "2h", "3 days".')] = "",
    instead: Annotated[str, typer.Option("--instead-of", help="Only while this person would be on call.")] = "",
    rota: RotaName = "",
    why: WhyOption = "",
    config: ConfigOption = None,
) -> None:
    """Have somebody be on call for a time; those whom it is about are told."""
    if bool(until) == bool(lasts):
        raise typer.BadParameter("say either --until or --for")

    async def work(app: App) -> tuple[Change, str]:
        found, now = acts.rota_of(app, rota), app.clock.now()
        first = acts.instant(begins, found.zone, now)
        last = acts.instant(until, found.zone, now) if until else acts.instant(f"+{lasts}", found.zone, first)
        return await acts.override(app, me(app), found.name, person, first, last, why, instead or None), found.zone

    made, zone = with_app(config, work)
    say(f"{_said(made, zone)}; take it back with `watchkeeper oncall end {made.id}`.")


@app.command()
def swap(
    first: PersonName,
    second: Annotated[str, typer.Argument(help="Who exchanges with them.")],
    on: Annotated[str, typer.Option("--on", help=f"The first one's shift at or after: {TIMES}.")] = "now",
    with_: Annotated[str, typer.Option("--with", help="The second one's shift at or after, written in the same way.")] = "now",
    rota: RotaName = "",
    why: WhyOption = "",
    config: ConfigOption = None,
) -> None:
    """Have two people exchange a shift each; both are told."""

    async def work(app: App) -> tuple[tuple[Change, Change], str]:
        found, now = acts.rota_of(app, rota), app.clock.now()
        times = acts.instant(on, found.zone, now), acts.instant(with_, found.zone, now)
        return await acts.swap(app, me(app), found.name, first, second, *times, why), found.zone

    halves, zone = with_app(config, work)
    for half in halves:
        say(_said(half, zone))
    say(f"Take it back with `watchkeeper oncall end {halves[0].id}`.")


@app.command()
def end(
    change: Annotated[str, typer.Argument(help="The override or swap, as `oncall` shows it.")],
    why: WhyOption = "",
    config: ConfigOption = None,
) -> None:
    """Take an override or a swap back, from now on."""
    ended = with_app(config, lambda app: acts.take_back(app, me(app), change, why))
    say(f"Taken back: {', '.join(each.id for each in ended)}.")


@app.command()
def note(
    text: Annotated[str, typer.Argument(help="What who is next should know.")], rota: RotaName = "", config: ConfigOption = None
) -> None:
    """Leave a note for who is on call next; they get it as their turn begins."""
    made = with_app(config, lambda app: acts.leave_note(app, me(app), rota, text))
    say(f"Left for who is next on {made.rota}.")


@app.command()
def calendar(
    subject: Annotated[str, typer.Argument(help="A person or a rota.")],
    void: Annotated[
        bool, typer.Option("--void", help="Make no new address, but have the old one open nothing any more.")
    ] = False,
    config: ConfigOption = None,
) -> None:
    """Make the address of a calendar to subscribe to; it is shown once, and replaces the one before it."""
    if void:
        with_app(config, lambda app: acts.void_calendar(app, me(app), subject))
        say("It opens nothing any more.")
        return

    async def work(app: App) -> str:
        path = await acts.give_calendar(app, me(app), subject)
        place = app.state / CONSOLE
        where = json.loads(place.read_text()) if place.is_file() else None
        base = app.settings.text("public_url").rstrip("/") or (plain_address(where["host"], where["port"]) if where else "")
        return f"{base}{path}"

    print(with_app(config, work))
