"""`watchkeeper audit`: the ledger of acts and decisions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer
from sqlalchemy import Connection

from watchkeeper.actions.restoring import known_anchors
from watchkeeper.app import App
from watchkeeper.base.errors import NotFound
from watchkeeper.cli.options import ConfigOption, FormatOption, print_json, say, with_rows
from watchkeeper.store.anchor import read_anchors
from watchkeeper.store.export import verify_exports
from watchkeeper.store.ledger import ORIGIN, Broken, Head, LedgerEntry, losses, read_entries
from watchkeeper.store.ledger import verify as verify_chain


@dataclass(frozen=True, slots=True)
class Audited:
    """What walking the ledger gave."""

    head: Head
    broken: list[Broken]
    anchors: int
    #: entries that an owner declared lost, each as a sentence
    lost: list[str]
    #: exported files that do not lie here
    elsewhere: list[str]


app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None, no_args_is_help=True)


@app.callback()
def audit() -> None:
    """The ledger of acts and decisions: who, by which credential, from where, and why."""


@app.command("list")
def list_(
    config: ConfigOption = None,
    actor: Annotated[str, typer.Option(help="Only what this one did.")] = "",
    about: Annotated[str, typer.Option(help="Only what was done to this: a run, an incident, a person, a token.")] = "",
    limit: Annotated[int, typer.Option(min=1, max=100_000, help="At most so many, the newest.")] = 50,
    before: Annotated[int | None, typer.Option(help="Only entries before this number.")] = None,
    format: FormatOption = "text",
) -> None:
    """List acts and decisions, oldest first: who, by which credential, from where, and why."""

    def work(connection: Connection) -> list[LedgerEntry]:
        return read_entries(connection, limit, before=before, actor=actor, subject=about)

    found = with_rows(config, lambda app: app.database.read(work))
    if format == "json":
        print_json([as_json(entry) for entry in found])
        return
    for entry in found:
        say(f"{entry.seq:>6}  {entry.at:%Y-%m-%d %H:%M:%S}  {entry.actor}{whence(entry.body)}  {entry.act}: {entry.subject}")
        if entry.why:
            say(f"{'':8}{entry.why}")
    if not found:
        say("Nothing of that kind was done.")
    elif len(found) == limit:
        say(f"Older ones: --before {found[0].seq}")


@app.command()
def show(
    number: Annotated[int, typer.Argument(help="The entry's number.")], config: ConfigOption = None, format: FormatOption = "text"
) -> None:
    """Show one entry with all that it says."""

    async def work(app: App) -> list[LedgerEntry]:
        return await app.database.read(lambda c: read_entries(c, 1, before=number + 1))

    found = with_rows(config, work)
    if not found or found[0].seq != number:
        raise NotFound(f"The ledger has no entry {number}.", hint="`watchkeeper audit list` shows the newest.", code="WK294")
    entry = found[0]
    if format == "json":
        print_json(as_json(entry))
        return
    say(f"Entry {entry.seq}, {entry.at:%Y-%m-%d %H:%M:%S} UTC")
    said = {"who": f"{entry.actor}{whence(entry.body)}", "what": entry.act, "of": entry.subject, "why": entry.why or "not said"}
    said |= {key: str(value) for key, value in entry.body.items() if key != ORIGIN and value not in ("", None)}
    for key, value in (said | {"hash": entry.hash, "after": entry.previous}).items():
        say(f"  {key + ':':12} {value}")


def whence(body: Mapping[str, Any]) -> str:
    """Say by which credential and from where an act was asked for, and who answers for it; nothing for our own loop.

    >>> whence({"origin": {"by": "token ci", "from": "192.0.2.9", "person": "ben"}})
    ' (token ci from 192.0.2.9, ben answers)'
    >>> whence({})
    ''
    """
    origin = body.get(ORIGIN) or {}
    by, where, person = (str(origin.get(key, "")) for key in ("by", "from", "person"))
    said = f"{by}{f' from {where}' if where and by else where}"
    parts = [part for part in (said, f"{person} answers" if person else "") if part]
    return f" ({', '.join(parts)})" if parts else ""


def as_json(entry: LedgerEntry) -> dict[str, Any]:
    """Give an entry as plain JSON, its origin beside its name."""
    body = dict(entry.body)
    origin = body.pop(ORIGIN, None) or {}
    return {
        "seq": entry.seq,
        "at": entry.at.isoformat(),
        "actor": entry.actor,
        "by": origin.get("by"),
        "from": origin.get("from"),
        "person": origin.get("person"),
        "act": entry.act,
        "subject": entry.subject,
        "why": entry.why,
        "body": body,
        "hash": entry.hash,
        "previous": entry.previous,
    }


@app.command()
def verify(
    config: ConfigOption = None,
    anchors: Annotated[Path | None, typer.Option(help="Anchor file kept elsewhere; default: the one in force.")] = None,
    format: FormatOption = "text",
) -> int:
    """Walk the whole chain and hold it against its anchors; exit status 1 where it does not hold."""

    async def work(app: App) -> Audited:
        known = read_anchors(anchors) if anchors else known_anchors(app)

        def walk(connection: Connection) -> Audited:
            head, broken = verify_chain(connection, known)
            exported, elsewhere = verify_exports(connection, known)
            return Audited(head, [*exported, *broken], len(known), losses(connection), elsewhere)

        return await app.database.read(walk)

    found = with_rows(config, work)
    head, broken = found.head, found.broken
    if format == "json":
        said = {"entries": head.seq, "hash": head.hash, "anchors": found.anchors, "broken": [b.sentence for b in broken]}
        print_json({**said, "lost": found.lost, "exported_elsewhere": found.elsewhere})
        return 1 if broken else 0
    for item in broken:
        print(item.sentence)
    for sentence in found.lost:
        print(sentence)
    for name in found.elsewhere:
        print(f"{name} was exported and does not lie here any more, so it was not looked at.")
    if not broken:
        print(f"The ledger holds: {head.seq} entries, {found.anchors} anchors agree, head {head.hash[:16]}.")
    return 1 if broken else 0
