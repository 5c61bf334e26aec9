"""What a signal has in common whose arrivals stand in our own rows: the API takes them in, and any worker may look.

A class says what is read of the rows and what is made of it; where the database is away, that is the problem of the look.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from datetime import datetime
from typing import ClassVar, Generic, TypeVar

from sqlalchemy import Connection

from watchkeeper.base.clock import Clock
from watchkeeper.base.errors import Transient
from watchkeeper.store.database import Database
from watchkeeper.watch.probe import Look

Found = TypeVar("Found")


class OwnRows(ABC, Generic[Found]):
    """A probe that looks into our rows."""

    #: looking writes down that we looked
    writes: ClassVar[bool] = False
    _rows: tuple[Database, Clock] | None = None

    def attach(self, database: Database, clock: Clock) -> None:
        """Take the database in which the rows stand."""
        self._rows = (database, clock)

    async def look(self) -> Look:
        """Say what the rows say now."""
        if self._rows is None:
            return Look(problem="it has no database to look into")
        database, clock = self._rows
        now = clock.now()
        try:
            found = await (database.write if self.writes else database.read)(lambda connection: self.read(connection, now))
        except Transient as problem:
            return Look(problem=f"our own database is away: {problem}")
        return self.judge(found, now)

    async def close(self) -> None:
        """Nothing is held between looks."""

    @abstractmethod
    def read(self, connection: Connection, now: datetime) -> Found:
        """Read what there is."""

    @abstractmethod
    def judge(self, found: Found, now: datetime) -> Look:
        """Make a look of it."""
