"""A run as news: what was written into its log and what its act printed since somebody looked last, in order.

Who follows keeps a mark, two numbers: the last line of the log that was shown, and how many characters of the output of the act
under way. With the mark anybody goes on exactly there, over a lost connection, from another process, on another machine.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncGenerator, Iterator
from dataclasses import dataclass
from typing import Literal, TypeAlias

from sqlalchemy import Connection

from watchkeeper.actions.views.model import NewsItem, NewsView, PieceView
from watchkeeper.actions.views.runs import act_view, event_view, no_run, run_line
from watchkeeper.app import App
from watchkeeper.base.errors import InputError, NotFound, Transient
from watchkeeper.base.printed import tame
from watchkeeper.run.fold import evolve
from watchkeeper.run.ledger import load_run, read_events
from watchkeeper.run.live import read_pieces
from watchkeeper.run.model import Event, Run
from watchkeeper.run.output import CUT
from watchkeeper.store.sight import unseen_ids

#: most of an output that is told at once when its act is over, in characters from its end
TOLD = 64_000
#: the same where a part of it was told before and the whole was cut, so that nobody can say where to go on
TOLD_AGAIN = 4_000
#: "quiet": nothing new, said now and then so that a lost connection shows; "over": nothing more will come
News: TypeAlias = NewsItem | Literal["quiet", "over"]
#: how often a stream looks, after how long without news it says so, and how long it lasts, in seconds
LOOK_S, QUIET_S, STREAM_S = 0.4, 15.0, 600.0
#: most streams at once
MOST = 100
_MARK = re.compile(r"(\d{1,9})\.(\d{1,12})")


@dataclass(frozen=True, slots=True)
class Mark:
    """How far somebody has read: "17.5230" is line 17 of the log and 5,230 characters of the output that comes after it."""

    seq: int = 0
    shown: int = 0

    def __str__(self) -> str:
        return f"{self.seq}.{self.shown}"


def read_mark(text: str) -> Mark:
    """Read a mark; empty is the beginning.

    >>> read_mark("17.5230")
    Mark(seq=17, shown=5230)
    """
    found = _MARK.fullmatch(text.strip()) if text.strip() else None
    if found is None and text.strip():
        raise InputError(f"{text[:40]!r} is no mark.", hint="Give back the mark that came with the last news.", code="WK160")
    return Mark(int(found[1]), int(found[2])) if found else Mark()


class Follower:
    """Somebody who follows one run; each look gives what is new."""

    def __init__(self, run: Run, events: list[Event], mark: Mark) -> None:
        """Take a run as it stands with its log, and how far it was read."""
        self.run = run
        self._waiting = [event for event in events if event.seq > mark.seq]
        self.mark = mark

    def look(self, connection: Connection) -> list[NewsItem]:
        """Give the news since the last look, oldest first."""
        if self.run.incident_id in unseen_ids(connection):
            raise no_run(self.run.id)  # its incident has become private meanwhile
        fresh = read_events(connection, self.run.id, after_seq=self.run.seq)
        for event in fresh:
            self.run = evolve(self.run, event)
        events, self._waiting = [*self._waiting, *fresh], []
        return [*(item for event in events for item in self._of_event(event)), *self._of_act_under_way(connection)]

    def _of_event(self, event: Event) -> Iterator[NewsItem]:
        outcome, attempt = event.body.get("outcome"), event.body.get("attempt", 0)
        if event.kind == "outcome" and event.act and outcome and attempt:
            output = tame(outcome.get("output", ""))  # an earlier release kept it as it came
            start, rest = rest_of(output, self.mark.shown)
            if rest:
                gap = max(0, start - self.mark.shown)
                piece = PieceView(event.act, attempt, start, start + len(rest), rest, gap)
                # the mark stays before the outcome, so that who loses touch here is told both again
                yield NewsItem(str(self.mark), output=piece)
        self.mark = Mark(event.seq, 0 if event.kind in ("intent", "outcome") else self.mark.shown)
        yield NewsItem(str(self.mark), event=event_view(event))

    def _of_act_under_way(self, connection: Connection) -> Iterator[NewsItem]:
        act = next((key for key, standing in self.run.acts.items() if standing.state == "running"), None)
        if act is None:
            return
        for piece in read_pieces(connection, self.run.id, act, self.run.acts[act].attempt, self.mark.shown):
            gap = piece.start - self.mark.shown
            self.mark = Mark(self.mark.seq, piece.end)
            yield NewsItem(str(self.mark), output=PieceView(act, piece.attempt, piece.start, piece.end, piece.text, gap))


def follow(connection: Connection, run_id: str, mark: Mark) -> Follower:
    """Begin to follow a run from a mark; raises NotFound."""
    run = load_run(connection, run_id)
    if run is None:
        raise no_run(run_id)
    return Follower(run, read_events(connection, run_id, after_seq=mark.seq) if mark.seq < run.seq else [], mark)


async def open_stream(app: App, run_id: str, mark: Mark) -> AsyncGenerator[News]:
    """Begin to follow a run from a mark; raises NotFound, and Transient where too many follow runs already."""
    follower = await app.database.read(lambda connection: follow(connection, run_id, mark))
    if len(app.followers) >= MOST:
        raise Transient(f"{MOST} follow runs here already.", hint="Ask again in a moment.", code="WK415")
    return _stream(app, follower)


async def _stream(app: App, follower: Follower) -> AsyncGenerator[News]:
    """Give the news as they come, until the run is over, Watchkeeper stops, or a while has passed: who wants more comes back."""
    app.followers.add(follower)
    try:
        until, quiet = asyncio.get_running_loop().time() + STREAM_S, 0.0
        while asyncio.get_running_loop().time() < until:
            try:
                news = await app.database.read(follower.look)
            except NotFound:
                yield "over"
                return
            for item in news:
                yield item
            if follower.run.ended_at is not None:
                yield "over"
                return
            if await app.left(LOOK_S):
                return
            quiet = 0.0 if news else quiet + LOOK_S
            if quiet >= QUIET_S:
                yield "quiet"
                quiet = 0.0
    finally:
        app.followers.discard(follower)


async def news_of(app: App, run_id: str, after: str = "") -> NewsView:
    """Give what is new of a run since a mark, how it stands and what it asks now; raises NotFound."""
    mark = read_mark(after)

    def work(connection: Connection) -> NewsView:
        follower = follow(connection, run_id, mark)
        items = tuple(follower.look(connection))
        run = follower.run
        asks = tuple(act_view(act, run.acts[act.key], run=run) for act in run.plan.acts if run.acts[act.key].state == "asking")
        return NewsView(run_line(run), items, str(follower.mark), run.ended_at is not None, asks)

    return await app.database.read(work)


def rest_of(output: str, shown: int) -> tuple[int, str]:
    """Give what of a whole output was not shown yet, of a long one the end; and at which character it begins.

    >>> rest_of("one two", 4)
    (4, 'two')
    """
    cut = shown > 0 and CUT.search(output) is not None
    if cut:
        return max(shown, len(output) - TOLD_AGAIN), output[-TOLD_AGAIN:]
    start = max(shown, len(output) - TOLD)
    return start, output[start:]
