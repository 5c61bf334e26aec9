"""`watchkeeper why`: the sentence behind a threshold's state or an incident."""

from __future__ import annotations

from typing import Annotated

import typer

from watchkeeper.app import App
from watchkeeper.base.errors import NotFound
from watchkeeper.cli.options import ConfigOption, say, with_app
from watchkeeper.incident import ledger as incidents
from watchkeeper.watch import ledger as watch


def why(
    what: Annotated[str, typer.Argument(help="A threshold's words, a signal's name, or an incident's id.")],
    config: ConfigOption = None,
) -> None:
    """Say why a threshold or an incident stands as it does."""

    async def work(app: App) -> list[str]:
        incident = await app.database.read(lambda c: incidents.get_incident(c, what))
        if incident is not None:
            entries = await app.database.read(lambda c: incidents.read_timeline(c, what))
            return [f"{incident.title}: {incident.status}."] + [entry.sentence for entry in entries]
        standings = await app.database.read(watch.read_standings)
        wanted = what.casefold()
        found = [
            b
            for b in app.bindings.bound
            if wanted in (b.key.casefold(), b.signal.casefold()) or wanted in b.threshold.subject.casefold()
        ]
        lines = []
        for bound in found:
            standing = standings.get(bound.key)
            lines.append(f"{bound.threshold.text or bound.threshold.subject} (line {bound.threshold.line})")
            lines.append(f"  {standing.sentence if standing else 'No sample has decided it yet.'}")
            lines.append(f"  {bound.because}")
        return lines

    lines = with_app(config, work)
    if not lines:
        raise NotFound(f"Nothing is called {what!r}.", hint="`watchkeeper signals` lists what is watched.", code="WK206")
    for line in lines:
        say(line)
