"""`watchkeeper run follow`: a run told as it happens, from the rows, so that it may be carried out by any process."""

from __future__ import annotations

import asyncio

from watchkeeper.actions.views.following import Follower, follow, read_mark
from watchkeeper.actions.views.model import EventView, NewsItem
from watchkeeper.app import App
from watchkeeper.cli.asking import question_lines
from watchkeeper.cli.options import is_served
from watchkeeper.cli.printing import Pen, in_colour

LOOK_S = 0.3
#: exit statuses: the run asks, and nothing will answer for it
SUCCEEDED, NOT_SUCCEEDED, ASKS = 0, 1, 4


async def follow_run(app: App, run_id: str, to_the_end: bool = False) -> int:
    """Print a run's news until it ends, or asks and one does not go on to the end; gives the exit status."""
    follower = await app.database.read(lambda connection: follow(connection, run_id, read_mark("")))
    pen, told, unserved = Pen(in_colour()), Told(), False
    pen.line(f"{follower.run.plan.title}, {follower.run.id}")
    while True:
        for item in await app.database.read(follower.look):
            told.tell(pen, item)
        run = follower.run
        if run.ended_at is not None:
            pen.line(f"{run.ended_at:%H:%M:%S}  {run.state}. {run.sentence}")
            return SUCCEEDED if run.state == "succeeded" else NOT_SUCCEEDED
        if _question(pen, follower, told) and not to_the_end:
            return ASKS
        if not unserved and not is_served(app) and app.database.dialect == "sqlite":
            unserved = True
            pen.line("Nothing serves this state folder now: the run goes on with `watchkeeper serve`.")
        await asyncio.sleep(LOOK_S)


def _question(pen: Pen, follower: Follower, told: Told) -> bool:
    """Print what is asked, once; answers whether anything is."""
    run = follower.run
    asking = [act for act in run.plan.acts if run.acts[act.key].state == "asking"]
    for act in asking:
        standing = run.acts[act.key]
        if told.asked(act.key, str(standing.asked_at)):
            for text in question_lines(run, act):
                pen.line(text)
    return bool(asking)


class Told:
    """What was told already: a check that is repeated until it passes is told when its answer changes."""

    def __init__(self) -> None:
        self._answers: dict[str, str] = {}
        self._questions: set[tuple[str, str]] = set()
        self._repeated: set[str] = set()

    def tell(self, pen: Pen, item: NewsItem) -> None:
        """Print one piece of news."""
        if item.output is not None:
            if item.output.act in self._repeated:
                return
            if item.output.left_out:
                pen.gap(item.output.left_out)
            pen.output(item.output.text)
        elif item.event is not None and not self._said(item.event):
            pen.line(line_of(item.event))

    def asked(self, act: str, when: str) -> bool:
        """Say whether a question is new."""
        new = (act, when) not in self._questions
        self._questions.add((act, when))
        return new

    def _said(self, event: EventView) -> bool:
        act = event.act or ""
        if event.kind == "ended":
            return True  # the last line says it
        if event.kind == "intent":
            again = act in self._answers
            if again:
                self._repeated.add(act)
            return again
        if event.kind == "outcome":
            same = self._answers.get(act) == event.sentence
            self._answers[act] = event.sentence
            return same
        if event.kind == "answered":
            self._answers.pop(act, None)
            self._repeated.discard(act)
        return False


def line_of(event: EventView) -> str:
    """Give one line of a run's log: when, which act, what, by whom."""
    who = f"  ({event.actor})" if event.actor != "automation" and event.kind != "intent" else ""
    return f"{event.at:%H:%M:%S}  {event.act or '':5} {event.sentence}{who}"
