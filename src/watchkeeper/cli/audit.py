"""`watchkeeper audit`: the ledger of acts and decisions."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from watchkeeper.app import App
from watchkeeper.cli.options import ConfigOption, FormatOption, print_json, with_rows
from watchkeeper.store.anchor import read_anchors
from watchkeeper.store.ledger import Broken, Head
from watchkeeper.store.ledger import verify as verify_chain

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

    async def work(app: App) -> tuple[Head, list[Broken], int]:
        path = anchors or Path(app.settings.text("anchor_file") or app.state / "ledger.anchor")
        known = read_anchors(path)
        head, broken = await app.database.read(lambda c: verify_chain(c, known))
        return head, broken, len(known)

    head, broken, known = with_rows(config, work)
    if format == "json":
        print_json({"entries": head.seq, "hash": head.hash, "anchors": known, "broken": [b.sentence for b in broken]})
    elif broken:
        for item in broken:
            print(item.sentence)
    else:
        print(f"The ledger holds: {head.seq} entries, {known} anchors agree, head {head.hash[:16]}.")
    return 1 if broken else 0
