"""What of the rows whoever reads may not see: ids, kept beside the transaction, that each ledger's functions leave out.

It stands beside the transaction as `ledger.on_behalf` does, so that no function between the caller and the rows need hand it on,
and none can forget it. Our own loop reads without it and sees all.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection

_BESIDE = "watchkeeper.unseen"
#: an id of ours wherever it stands in a text
_ID = re.compile(r"[a-z]{2,8}-[0-9a-hjkmnp-tv-z]{10}-[0-9a-hjkmnp-tv-z]{6}")


@dataclass(frozen=True, slots=True)
class Unseen:
    """What somebody may not see."""

    #: of incidents
    ids: frozenset[str] = frozenset()
    #: of what belongs to them: runs, alerts, follow-ups
    beside: frozenset[str] = frozenset()
    titles: frozenset[str] = frozenset()

    def __bool__(self) -> bool:
        return bool(self.ids)


ALL_SEEN = Unseen()


@contextmanager
def without(connection: Connection, unseen: Unseen) -> Iterator[None]:
    """Have all that is read in here leave something out."""
    before = connection.info.get(_BESIDE)
    connection.info[_BESIDE] = unseen
    try:
        yield
    finally:
        connection.info[_BESIDE] = before


def unseen(connection: Connection) -> Unseen:
    """Give what is to be left out."""
    return connection.info.get(_BESIDE) or ALL_SEEN


def unseen_ids(connection: Connection) -> frozenset[str]:
    """Give the incidents that are to be left out."""
    return unseen(connection).ids


def tells_of_unseen(connection: Connection, *texts: str, body: Mapping[str, Any] | None = None) -> bool:
    """Tell whether a line names, by an id or by its title in quotation marks, what is to be left out."""
    left_out = unseen(connection)
    if not left_out:
        return False
    said = "\n".join([*texts, json.dumps(dict(body), ensure_ascii=False, default=str) if body else ""])
    named = set(_ID.findall(said))
    return (
        not named.isdisjoint(left_out.ids)
        or not named.isdisjoint(left_out.beside)
        or any(f"“{title}”" in said for title in left_out.titles)
    )
