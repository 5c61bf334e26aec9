"""Words in timelines, found by the full-text index of the database: FTS5 of SQLite, a GIN index of PostgreSQL.

Both are kept by the database itself (triggers there, an expression here), so that whoever writes a line need not know of them.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from sqlalchemy import Connection, text

#: lines that a search takes at most (of SQLite the newest, of PostgreSQL any): a word in every line says nothing
MOST_LINES = 2000
_WORD = re.compile(r"\w+")

_SQLITE = text(
    """SELECT DISTINCT incident_id FROM timeline WHERE id IN
       (SELECT rowid FROM timeline_words WHERE timeline_words MATCH :words ORDER BY rowid DESC LIMIT :most)"""
)
_POSTGRES = text(
    """SELECT DISTINCT incident_id FROM (SELECT incident_id FROM timeline
       WHERE to_tsvector('simple', sentence) @@ to_tsquery('simple', :words) LIMIT :most) AS found"""
)


def matching(connection: Connection, words: Sequence[str]) -> list[str]:
    """Give the incidents that have a line with all of some words; the last may go on ("pay" finds "payment")."""
    plain = [found for word in words for found in _WORD.findall(word)]
    if not plain:
        return []
    postgres = connection.dialect.name == "postgresql"
    # of each word that may go on the index reads every way in which it does, which for several takes long
    quoted = plain if postgres else [f'"{word}"' for word in plain]
    said = f"{' & '.join(quoted)}:*" if postgres else f"{' '.join(quoted)}*"
    found = connection.execute(_POSTGRES if postgres else _SQLITE, {"words": said, "most": MOST_LINES})
    return list(found.scalars())
