"""`watchkeeper audit`: the ledger of acts and decisions."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer
from sqlalchemy import Connection

from watchkeeper.actions.restoring import known_anchors
from watchkeeper.app import App
from watchkeeper.cli.options import ConfigOption, FormatOption, print_json, with_rows
from watchkeeper.store.anchor import read_anchors
from watchkeeper.store.export import verify_exports
from watchkeeper.store.ledger import Broken, Head, losses
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
    """The ledger of acts and decisions."""


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
