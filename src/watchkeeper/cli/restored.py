"""`watchkeeper restored`: say that the database was put back from a backup."""

from __future__ import annotations

from typing import Annotated

import typer

from watchkeeper.actions import restoring
from watchkeeper.cli.options import ConfigOption, me, with_rows


def restored(
    why: Annotated[str, typer.Argument(help="Which backup and why; kept in the ledger.")],
    config: ConfigOption = None,
) -> None:
    """Say that the database was restored from a backup: unfinished runs then ask before each change."""
    epoch, gap = with_rows(config, lambda app: restoring.restored(app, me(app), why))
    print(f"Epoch {epoch} begins: unfinished runs ask a person before each change.")
    if gap:
        print(f"Ledger entries {gap.first} to {gap.last} were anchored outside and are lost; the audit says so from now on.")
