"""`watchkeeper address`: a fresh address of the running console."""

from __future__ import annotations

import json

from watchkeeper.app import App
from watchkeeper.base.errors import NotFound
from watchkeeper.cli.options import ConfigOption, is_served, with_rows
from watchkeeper.web.serving import CONSOLE
from watchkeeper.web.site import printed_address


def address(config: ConfigOption = None) -> None:
    """Print an address of the running console, with a token that opens one session."""

    async def work(app: App) -> str:
        place = app.state / CONSOLE
        if not (place.is_file() and is_served(app)):
            raise NotFound("No console runs on this configuration.", hint="`watchkeeper serve` starts one.", code="WK205")
        where = json.loads(place.read_text())
        return printed_address(app, where["host"], where["port"])

    print(with_rows(config, work))
