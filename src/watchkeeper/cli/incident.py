"""`watchkeeper incident`: list and show, open and take, tell and note, raise, merge, split, relate, and resolve."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer
from sqlalchemy import Connection

from watchkeeper.actions import acts, affected, assigning, by_hand
from watchkeeper.app import App
from watchkeeper.base.durations import format_duration
from watchkeeper.base.errors import NotFound
from watchkeeper.cli.options import ConfigOption, FormatOption, WhyOption, me, print_json, say, with_app, with_rows
from watchkeeper.incident import ledger as incidents
from watchkeeper.incident.model import Entry, Incident
from watchkeeper.incident.relations import Relation, relations_of
from watchkeeper.incident.roles import roles_of
from watchkeeper.learn.ledger import get_review

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None, no_args_is_help=True)
SHOWN = 100
IncidentId = Annotated[str, typer.Argument(help="The incident's id, as `incident list` shows it.")]


@app.callback()
def incident() -> None:
    """Incidents: what we are living through, and what we lived through."""


@app.command("list")
def list_(
    config: ConfigOption = None,
    open_only: Annotated[bool, typer.Option("--open", help="Only those that are not resolved.")] = False,
    search: Annotated[str, typer.Option(help="Only those with all of these words in title, cause, severity or timeline.")] = "",
    format: FormatOption = "text",
) -> None:
    """List incidents, newest first."""

    async def work(app: App) -> list[Incident]:
        return await app.database.read(lambda c: incidents.list_incidents(c, open_only=open_only, limit=SHOWN, search=search))

    found = with_rows(config, work)
    if format == "json":
        print_json([asdict(i) for i in found])
        return
    if not found:
        say("No incidents." if not open_only else "No open incidents.")
    for i in found:
        private = " (private)" if i.is_private else ""
        say(f"{i.id}  {i.opened_at:%Y-%m-%d %H:%M:%S}  {i.severity or '-':8} {i.status:12} {i.title}{private}")
    if len(found) == SHOWN:
        say(f"These are the newest {SHOWN}; older ones are not shown.")


@app.command()
def show(incident_id: IncidentId, config: ConfigOption = None, format: FormatOption = "text") -> None:
    """Show an incident with its timeline."""

    async def work(app: App) -> tuple[Incident | None, list[Entry], dict[str, str], list[Relation]]:
        def read(connection: Connection) -> tuple[Incident | None, list[Entry], dict[str, str], list[Relation]]:
            one, lines = incidents.get_incident(connection, incident_id), incidents.read_timeline(connection, incident_id)
            return one, lines, roles_of(connection, incident_id), relations_of(connection, incident_id)

        return await app.database.read(read)

    found, entries, roles, related = with_rows(config, work)
    if found is None:
        raise acts.no_incident(incident_id)
    if format == "json":
        print_json(
            {
                "incident": asdict(found),
                "timeline": [asdict(e) for e in entries],
                "roles": roles,
                "related": [asdict(each) for each in related],
            }
        )
        return
    say(found.title)
    say(f"{found.id}, {found.severity or 'no severity'}, {found.status}{', private' if found.is_private else ''}")
    for role, person in roles.items():
        say(f"{role}: {person}")
    for each in related:
        say(f"{each.how}: {each.title} ({each.other_id}, {each.status})")
    for entry in entries:
        since = format_duration((entry.at - found.began_at).total_seconds())
        say(f"  +{since:>10}  {entry.sentence}" + (f"  ({entry.actor})" if entry.actor != acts.AUTOMATION else ""))


@app.command()
def acknowledge(incident_id: IncidentId, config: ConfigOption = None, why: WhyOption = "") -> None:
    """Take an incident: the ladder stops climbing."""

    async def work(app: App) -> tuple[Incident, str]:
        return await acts.acknowledge(app, me(app), incident_id, why), me(app).name

    found, reader = with_rows(config, work)
    say(f"{found.title}: {held(found, reader)}.")


@app.command()
def resolve(
    incident_id: IncidentId,
    why: Annotated[str, typer.Argument(help="What makes you sure; kept in the ledger.")],
    config: ConfigOption = None,
) -> None:
    """Close an incident by your word."""
    found = with_rows(config, lambda app: acts.resolve(app, me(app), incident_id, why))
    say(f"{found.title}: resolved.")


@app.command()
def note(incident_id: IncidentId, text: Annotated[str, typer.Argument(help="The line.")], config: ConfigOption = None) -> None:
    """Write a line into the timeline."""
    with_rows(config, lambda app: acts.note(app, me(app), incident_id, text))
    say("Written.")


def held(incident: Incident, reader: str) -> str:
    """Say to a reader whose an incident is."""
    if incident.acknowledged_at is None:
        return f"{incident.status}, there is nothing to take"
    mine = incident.acknowledged_by == reader
    return f"{'yours' if mine else f'taken by {incident.acknowledged_by}'} since {incident.acknowledged_at:%H:%M:%S}"


@app.command()
def assign(
    incident_id: IncidentId,
    role: Annotated[str, typer.Argument(help="commander, communicator or scribe.")],
    person: Annotated[str, typer.Argument(help="One of [people].")],
    config: ConfigOption = None,
) -> None:
    """Give somebody a role in an incident."""
    say(with_app(config, lambda app: assigning.assign(app, me(app), incident_id, role, person)))


@app.command()
def task(
    incident_id: IncidentId,
    key: Annotated[str, typer.Argument(help="The task, as `incident show` names it: 369/2.")],
    config: ConfigOption = None,
) -> None:
    """Note that a task of a phase of the runbook is done."""
    say(with_app(config, lambda app: assigning.tick_task(app, me(app), incident_id, key)))


@app.command("open")
def open_(
    title: Annotated[str, typer.Argument(help="What is wrong, in a line.")],
    severity: Annotated[str, typer.Option(help="As the runbook writes it; needed where the runbook has any.")] = "",
    component: Annotated[str, typer.Option(help="What is taken for the cause.")] = "",
    private: Annotated[bool, typer.Option("--private", help="Only those whom it concerns see it.")] = False,
    config: ConfigOption = None,
    why: WhyOption = "",
) -> None:
    """Open an incident that no threshold tells of; the ladder of its severity begins."""
    made = with_app(config, lambda app: by_hand.open_incident(app, me(app), title, severity, component, why, private=private))
    say(f"{made.id}: {made.title}, {made.severity or 'no severity'}{', private' if made.is_private else ''}.")


@app.command()
def private(
    incident_id: IncidentId,
    why: Annotated[str, typer.Argument(help="Why it is to be private; kept in the timeline.")],
    config: ConfigOption = None,
) -> None:
    """Let only those whom an incident concerns see it: who was told of it, has a role in it or took it, and owners."""
    found = with_rows(config, lambda app: by_hand.keep_private(app, me(app), incident_id, why))
    say(f"{found.title}: private.")


@app.command()
def public(
    incident_id: IncidentId,
    why: Annotated[str, typer.Argument(help="Why everybody may see it; kept in the timeline.")],
    config: ConfigOption = None,
) -> None:
    """Let everybody who may look here see an incident that was private; the status page says nothing by itself."""
    found = with_rows(config, lambda app: by_hand.keep_private(app, me(app), incident_id, why, private=False))
    say(f"{found.title}: seen by everybody who may look here.")


@app.command()
def severity(
    incident_id: IncidentId,
    severity: Annotated[str, typer.Argument(help="As the runbook writes it.")],
    why: Annotated[str, typer.Argument(help="What makes it graver or less grave.")],
    config: ConfigOption = None,
) -> None:
    """Make an incident graver or less grave."""
    found = with_app(config, lambda app: by_hand.set_severity(app, me(app), incident_id, severity, why))
    say(f"{found.title}: {found.severity}.")


@app.command()
def update(
    incident_id: IncidentId,
    text: Annotated[str, typer.Argument(help="How it stands, in your words.")],
    config: ConfigOption = None,
) -> None:
    """Tell those who know of an incident how it stands; the update that the runbook promises is given with it."""
    told = with_app(config, lambda app: by_hand.tell_update(app, me(app), incident_id, text))
    say(f"{', '.join(told)} will be told." if told else "Written down. Nobody was told of the incident yet.")


@app.command("count")
def count_(incident_id: IncidentId, config: ConfigOption = None) -> None:
    """Count who and what an incident affected, by the commands of [affected]."""
    for sentence in with_app(config, lambda app: affected.count(app, me(app), incident_id)):
        say(sentence)


@app.command()
def merge(
    incident_id: IncidentId,
    into: Annotated[str, typer.Argument(help="The incident that goes on.")],
    config: ConfigOption = None,
    why: WhyOption = "",
) -> None:
    """Merge an incident into another: its alerts and its people go there."""
    found = with_app(config, lambda app: by_hand.merge(app, me(app), incident_id, into, why))
    say(f"It goes on as {found.id}: {found.title}.")


@app.command()
def split(
    incident_id: IncidentId,
    alerts: Annotated[list[str], typer.Argument(help="Ids of the alerts that get an incident of their own.")],
    config: ConfigOption = None,
    why: WhyOption = "",
) -> None:
    """Give some alerts of an incident an incident of their own."""
    made = with_app(config, lambda app: by_hand.split(app, me(app), incident_id, alerts, why))
    say(f"{made.id}: {made.title}, {made.severity or 'no severity'}.")


@app.command()
def relate(
    incident_id: IncidentId,
    other: Annotated[str, typer.Argument(help="The other incident.")],
    config: ConfigOption = None,
    why: WhyOption = "",
) -> None:
    """Keep that two incidents hang together."""
    new = with_rows(config, lambda app: by_hand.relate_to(app, me(app), incident_id, other, why))
    say("Written down." if new else "That was known.")


@app.command()
def review(incident_id: IncidentId, config: ConfigOption = None) -> None:
    """Print the review of an incident that is over, as Markdown."""

    async def work(app: App) -> str:
        def read(connection: Connection) -> str:
            found = get_review(connection, incident_id)
            if found is None and incidents.get_incident(connection, incident_id) is None:
                raise acts.no_incident(incident_id)
            if found is None:
                hint = "It is written once the incident is over."
                raise NotFound(f"There is no review of {incident_id} yet.", hint=hint, code="WK198")
            return found.markdown

        return await app.database.read(read)

    print(with_rows(config, work), end="")
