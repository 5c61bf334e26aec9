"""`watchkeeper halt` and `watchkeeper unhalt`: the brake."""

from __future__ import annotations

from typing import Annotated

import typer

from watchkeeper.actions import acts
from watchkeeper.cli.options import ConfigOption, WhyOption, me, with_rows


def halt(
    why: Annotated[str, typer.Argument(help="The reason, kept in the ledger.")],
    config: ConfigOption = None,
) -> None:
    """Stop everything automatic at once; it stays stopped over restarts until `watchkeeper unhalt`."""
    with_rows(config, lambda app: acts.halt(app, me(app), why))
    print(f"Halted: nothing runs by itself until `watchkeeper unhalt`. Reason: {why}")


def unhalt(config: ConfigOption = None, why: WhyOption = "") -> None:
    """Let automatic acts go on again."""
    with_rows(config, lambda app: acts.unhalt(app, me(app), why))
    print("Automatic acts may go on.")
