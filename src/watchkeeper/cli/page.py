"""`watchkeeper page`: page somebody by hand, say whom a page would reach, or try every address."""

from __future__ import annotations

from functools import partial
from typing import Annotated

import typer

from watchkeeper.actions import oncall as acts
from watchkeeper.actions.links import lines_for
from watchkeeper.app import App
from watchkeeper.base.errors import InputError
from watchkeeper.cli.options import ConfigOption, is_served, me, say, with_app
from watchkeeper.estate import plugins
from watchkeeper.tell.ledger import list_notices
from watchkeeper.tell.outbox import send_waiting


def page(
    whom: Annotated[str, typer.Argument(help="A person, a role of the runbook or a rota; with --test left out: everybody.")] = "",
    text: Annotated[str, typer.Argument(help="What to say.")] = "",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Send nothing; say whom it would reach, and by what.")] = False,
    test: Annotated[
        bool, typer.Option("--test", help="Send a test page to every address of a person, and say which took it.")
    ] = False,
    config: ConfigOption = None,
) -> int:
    """Page a person, or whoever a role or a rota means now."""
    if test:
        return _test([whom] if whom else [], config)
    if not whom:
        raise InputError("Whom?", hint='Name a person, a role or a rota: watchkeeper page anna "Please call me."', code="WK181")
    if dry_run:
        say(with_app(config, lambda app: acts.who_would_be_paged(app, whom)))
        return 0

    async def work(app: App) -> tuple[acts.Paged, list[str]]:
        made = await acts.page(app, me(app), whom, text)
        if is_served(app):
            return made, ["The running Watchkeeper sends it."]
        # nobody serves, so it is sent from here, once; what does not arrive now waits for the next who serves
        notifier = plugins.load("watchkeeper.notifiers", "apprise")()
        await send_waiting(app.database, app.clock, notifier, app.estate, links=partial(lines_for, app))
        found = await app.database.read(lambda c: [n for n in list_notices(c) if n.id in made.notices])
        return made, [f"{n.person}: {n.state}" + (f" by {n.channel}" if n.state == "sent" else "") for n in found]

    made, said = with_app(config, work)
    say(made.sentence)
    for line in said:
        say(line)
    return 0


def _test(names: list[str], config: ConfigOption) -> int:
    async def work(app: App) -> list[acts.Tried]:
        app.notifier = plugins.load("watchkeeper.notifiers", "apprise")()
        return await acts.try_pages(app, me(app), names)

    tried = with_app(config, work)
    for each in tried:
        say(f"{'ok ' if each.took else 'NOT'}  {each.sentence}")
    return 0 if tried and all(each.took for each in tried) else 1
