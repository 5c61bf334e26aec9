"""`watchkeeper address`: a fresh address of the running console."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from watchkeeper.app import App
from watchkeeper.base.errors import NotFound
from watchkeeper.cli.options import ConfigOption, is_served, with_rows
from watchkeeper.people.access import role_of
from watchkeeper.web.serving import CONSOLE
from watchkeeper.web.site import printed_address


def address(
    person: Annotated[
        str, typer.Option("--for", help="Whose session it opens, with what [people] gives them; default: you, as owner.")
    ] = "",
    config: ConfigOption = None,
) -> None:
    """Print an address of the running console, with a token that opens one session."""

    async def work(app: App) -> str:
        place = app.state / CONSOLE
        if not (place.is_file() and is_served(app)):
            raise NotFound("No console runs on this configuration.", hint="`watchkeeper serve` starts one.", code="WK205")
        where = json.loads(place.read_text())
        if not person:
            return printed_address(app, where["host"], where["port"])
        if role_of(app.estate, person) is None:
            hint = f"Give [people.{person}] `access` in watchkeeper.toml."
            raise NotFound(f"{person!r} may do nothing here.", hint=hint, code="WK292")
        return printed_address(app, where["host"], where["port"], person, role="")

    print(with_rows(config, work))
