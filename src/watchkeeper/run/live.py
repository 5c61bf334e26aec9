"""What an act prints while it runs, as rows: whoever reads the database can follow it, in any process and on any machine.

The worker that waits for the act writes its output here, tame and scrubbed, gathered for a moment, so that a flood is a few rows.
Each row says at which character of the output it begins: a reader goes on from the character that was shown last, and sees that
something was left out. The rows go when the outcome comes, which holds the output itself.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Iterable
from dataclasses import dataclass
from types import TracebackType

from sqlalchemy import Column, Connection, Delete, Integer, String, Table, Text, delete, func, insert, select

from watchkeeper.base.errors import WatchkeeperError
from watchkeeper.base.printed import Tamer
from watchkeeper.base.secrets import Scrubber, Secret
from watchkeeper.run.output import CUT
from watchkeeper.run.values.carrying import without_kept
from watchkeeper.store.database import Database
from watchkeeper.store.schema import metadata

log = logging.getLogger(__name__)

#: how long output is gathered before it becomes a row, in seconds; a quick act never has one
GATHERED_S = 0.4
#: most of one row, in characters; what came before it in the same moment is left out
ROW = 32_000
#: most that is kept of one act, in characters, from its end
KEPT = 400_000

printed = Table(
    "act_output",
    metadata,
    Column("run_id", String(40), primary_key=True),
    Column("act", String(30), primary_key=True),
    Column("attempt", Integer, primary_key=True, autoincrement=False),
    #: at which character of the attempt's output the text begins
    Column("start", Integer, primary_key=True, autoincrement=False),
    Column("text", Text, nullable=False),
)


@dataclass(frozen=True, slots=True)
class Piece:
    """Part of what an attempt printed, tame and scrubbed."""

    act: str
    attempt: int
    #: at which character of the output it begins
    start: int
    text: str

    @property
    def end(self) -> int:
        """Give the character after its last."""
        return self.start + len(self.text)


class LiveOutput:
    """Writes down what one attempt prints, from inside the loop that waits for it; leaving it takes the rows away."""

    def __init__(self, database: Database, run_id: str, act: str, attempt: int, secrets: Iterable[Secret]) -> None:
        self._database = database
        self._of = (run_id, act, attempt)
        self._tamer, self._scrubber = Tamer(), Scrubber(secrets)
        self._waiting = ""
        self._at = 0
        #: a predecessor wrote down this much already
        self._known = 0
        self._wrote = False
        self._timer: asyncio.TimerHandle | None = None
        self._writing: asyncio.Task[None] | None = None

    async def take_up(self) -> None:
        """Go on where a predecessor, who died with the act under way, stopped writing."""
        self._known = await self._database.read(lambda connection: _end(connection, *self._of))
        self._wrote = self._known > 0

    def take(self, piece: str) -> None:
        """Take the next piece of raw output."""
        piece = without_kept(piece)
        first, *later = CUT.split(piece)
        self._waiting += self._scrubber.feed(self._tamer.feed(first))
        for gap, part in zip(CUT.findall(piece), later, strict=True):
            self._tamer = Tamer()
            self._waiting += gap + self._scrubber.feed(self._tamer.feed(part), cut=True)
        self._let_go(len(self._waiting) - 4 * ROW)  # where writing is slower than the act
        if self._timer is None and self._writing is None:
            self._timer = asyncio.get_running_loop().call_later(GATHERED_S, self._begin_to_write)

    async def __aenter__(self) -> LiveOutput:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._timer is not None:
            self._timer.cancel()
        if self._writing is not None:
            await asyncio.wait([self._writing])
        if self._wrote and kind is None:
            with contextlib.suppress(WatchkeeperError):
                await self._database.write(lambda connection: forget(connection, *self._of))

    def _let_go(self, characters: int) -> None:
        self._at += max(0, characters)
        self._waiting = self._waiting[max(0, characters) :]

    def _begin_to_write(self) -> None:
        self._timer = None
        self._writing = asyncio.create_task(self._write())
        self._writing.add_done_callback(self._written)

    def _written(self, task: asyncio.Task[None]) -> None:
        self._writing = None
        if not task.cancelled() and task.exception() is not None:
            log.warning(
                "Output could not be shown: %s", task.exception(), extra={"action": "live_output_lost", "run": self._of[0]}
            )
        if self._waiting:
            self._timer = asyncio.get_running_loop().call_later(GATHERED_S, self._begin_to_write)

    async def _write(self) -> None:
        self._let_go(max(len(self._waiting) - ROW, min(self._known - self._at, len(self._waiting))))
        start, text = self._at, self._waiting
        if not text:
            return
        self._wrote = True
        self._let_go(len(text))

        def work(connection: Connection) -> None:
            run_id, act, attempt = self._of
            connection.execute(insert(printed).values(run_id=run_id, act=act, attempt=attempt, start=start, text=text))
            connection.execute(_of(*self._of).where(printed.c.start < start - KEPT))

        await self._database.write(work)


def read_pieces(connection: Connection, run_id: str, act: str, attempt: int, after: int = 0) -> list[Piece]:
    """Give what an attempt under way printed from a character on; a piece may begin later, where something was left out."""
    query = select(printed.c.start, printed.c.text).where(
        printed.c.run_id == run_id,
        printed.c.act == act,
        printed.c.attempt == attempt,
        printed.c.start + func.length(printed.c.text) > after,
    )
    found = []
    for row in connection.execute(query.order_by(printed.c.start)):
        seen = max(0, after - row.start)
        found.append(Piece(act, attempt, row.start + seen, row.text[seen:]))
    return found


def together(pieces: Iterable[Piece], shown: int = 0) -> str:
    """Put pieces together, saying how much was left out between them and since what was shown before."""
    parts: list[str] = []
    for piece in pieces:
        if piece.start > shown:
            parts.append(left_out(piece.start - shown))
        parts.append(piece.text)
        shown = piece.end
    return "".join(parts)


def left_out(characters: int) -> str:
    """Say that characters were left out, on a line of its own."""
    return f"\n… {characters:,} characters left out …\n"


def forget(connection: Connection, run_id: str, act: str | None = None, attempt: int | None = None) -> None:
    """Drop what was written down of an attempt, or of a whole run."""
    connection.execute(_of(run_id, act, attempt))


def _of(run_id: str, act: str | None = None, attempt: int | None = None) -> Delete:
    made = delete(printed).where(printed.c.run_id == run_id)
    return made if act is None else made.where(printed.c.act == act, printed.c.attempt == attempt)


def _end(connection: Connection, run_id: str, act: str, attempt: int) -> int:
    query = select(func.max(printed.c.start + func.length(printed.c.text))).where(
        printed.c.run_id == run_id, printed.c.act == act, printed.c.attempt == attempt
    )
    return int(connection.execute(query).scalar() or 0)
