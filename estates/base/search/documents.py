"""Documents of a search engine in one SQLite file: each as JSON, its words in FTS5, one row a field.

Several processes may open the same file; SQLite's locks keep their writes apart. An index comes into being with its first
document, as Elasticsearch has it.
"""

from __future__ import annotations

import fnmatch
import json
import sqlite3
import threading
import time
import uuid
from collections.abc import Iterator, Mapping
from typing import Any

from queries import Compiled, has_value, within

_TABLES = """
CREATE TABLE IF NOT EXISTS indices (name TEXT PRIMARY KEY, made_at REAL NOT NULL, body TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS templates (name TEXT PRIMARY KEY, body TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS documents (
    row INTEGER PRIMARY KEY, home TEXT NOT NULL, id TEXT NOT NULL, version INTEGER NOT NULL, source TEXT NOT NULL,
    UNIQUE (home, id)
);
CREATE VIRTUAL TABLE IF NOT EXISTS words USING fts5 (text, document UNINDEXED, field UNINDEXED, tokenize = 'unicode61');
"""


class Documents:
    """All indices of one engine."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._threads = threading.local()
        with self._connection() as connection:
            connection.executescript(_TABLES)

    def _connection(self) -> sqlite3.Connection:
        """Give this thread's own connection."""
        connection: sqlite3.Connection | None = getattr(self._threads, "connection", None)
        if connection is None:
            connection = sqlite3.connect(self._path, timeout=10, isolation_level=None)
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = NORMAL")
            connection.create_function("has_value", 3, has_value, deterministic=True)
            connection.create_function("within", 4, within, deterministic=True)
            self._threads.connection = connection
        return connection

    # indices

    def names(self, pattern: str = "_all") -> list[str]:
        """Give the indices that a comma-separated pattern means, in order."""
        every = [name for (name,) in self._connection().execute("SELECT name FROM indices ORDER BY name")]
        if pattern in ("_all", "*", ""):
            return every
        return [name for name in every if any(fnmatch.fnmatchcase(name, each) for each in pattern.split(","))]

    def make(self, name: str, body: Mapping[str, Any]) -> bool:
        """Make an index; False where it is there already."""
        row = (name, time.time(), json.dumps(dict(body)))
        return self._connection().execute("INSERT OR IGNORE INTO indices VALUES (?, ?, ?)", row).rowcount == 1

    def body(self, name: str) -> dict[str, Any]:
        """Give what an index was made with."""
        row = self._connection().execute("SELECT body FROM indices WHERE name = ?", (name,)).fetchone()
        return dict(json.loads(row[0]))

    def drop(self, name: str) -> None:
        """Delete an index with its documents."""
        connection = self._connection()
        connection.execute("BEGIN IMMEDIATE")
        connection.execute("DELETE FROM words WHERE document IN (SELECT row FROM documents WHERE home = ?)", (name,))
        connection.execute("DELETE FROM documents WHERE home = ?", (name,))
        connection.execute("DELETE FROM indices WHERE name = ?", (name,))
        connection.execute("COMMIT")

    def sizes(self, name: str) -> tuple[int, int]:
        """Give how many documents an index has, and their bytes."""
        query = "SELECT count(*), coalesce(sum(length(source)), 0) FROM documents WHERE home = ?"
        count, size = self._connection().execute(query, (name,)).fetchone()
        return int(count), int(size)

    def keep_template(self, name: str, body: Mapping[str, Any]) -> None:
        """Keep a template of indices under its name."""
        self._connection().execute("INSERT OR REPLACE INTO templates VALUES (?, ?)", (name, json.dumps(dict(body))))

    # documents

    def put(self, home: str, key: str | None, source: Mapping[str, Any], new: bool = False) -> tuple[str, int] | None:
        """Write a document and give its id and version; None where it should have been new and is not."""
        return self.put_all([(home, key, source, new)])[0]

    def put_all(self, writes: list[tuple[str, str | None, Mapping[str, Any], bool]]) -> list[tuple[str, int] | None]:
        """Write documents in one transaction."""
        connection = self._connection()
        connection.execute("BEGIN IMMEDIATE")
        try:
            done = [self._put(connection, *write) for write in writes]
        except BaseException:
            connection.execute("ROLLBACK")
            raise
        connection.execute("COMMIT")
        return done

    def _put(
        self, connection: sqlite3.Connection, home: str, key: str | None, source: Mapping[str, Any], new: bool
    ) -> tuple[str, int] | None:
        key = key or uuid.uuid4().hex[:20]
        connection.execute("INSERT OR IGNORE INTO indices VALUES (?, ?, '{}')", (home, time.time()))
        before = connection.execute("SELECT row, version FROM documents WHERE home = ? AND id = ?", (home, key)).fetchone()
        if before is not None and new:
            return None
        text = json.dumps(dict(source), ensure_ascii=False)
        if before is None:
            cursor = connection.execute(
                "INSERT INTO documents (home, id, version, source) VALUES (?, ?, 1, ?)", (home, key, text)
            )
            row, version = cursor.lastrowid, 1
        else:
            row, version = before[0], before[1] + 1
            connection.execute("DELETE FROM words WHERE document = ?", (row,))
            connection.execute("UPDATE documents SET version = ?, source = ? WHERE row = ?", (version, text, row))
        connection.executemany(
            "INSERT INTO words (text, document, field) VALUES (?, ?, ?)", [(value, row, field) for field, value in _texts(source)]
        )
        return key, version

    def get(self, home: str, key: str) -> tuple[int, dict[str, Any]] | None:
        """Give a document's version and source."""
        row = (
            self._connection().execute("SELECT version, source FROM documents WHERE home = ? AND id = ?", (home, key)).fetchone()
        )
        return None if row is None else (int(row[0]), json.loads(row[1]))

    def delete(self, home: str, key: str) -> bool:
        """Delete a document; False where it is not there."""
        return self.delete_found([home], Compiled("documents.id = ?", [key])) == 1

    def delete_found(self, homes: list[str], query: Compiled) -> int:
        """Delete what a query finds, and say how many."""
        connection = self._connection()
        connection.execute("BEGIN IMMEDIATE")
        rows = [(row,) for row, *_ in self._rows(homes, query, "row")]
        connection.executemany("DELETE FROM words WHERE document = ?", rows)
        connection.executemany("DELETE FROM documents WHERE row = ?", rows)
        connection.execute("COMMIT")
        return len(rows)

    # searching

    def count(self, homes: list[str], query: Compiled) -> int:
        """Count what a query finds."""
        ((count,),) = self._rows(homes, query, "count(*)")
        return int(count)

    def found(self, homes: list[str], query: Compiled) -> Iterator[tuple[str, str, dict[str, Any], float]]:
        """Give index, id, source and score of what a query finds, the best first."""
        scores: dict[int, float] = {}
        if query.phrase:
            # SQLite's rank is better the smaller it is
            ranked = "SELECT document, -rank FROM words WHERE words MATCH ?"
            for document, score in self._connection().execute(ranked, (query.phrase,)):
                scores[document] = max(score, scores.get(document, 0.0))
        rows = list(self._rows(homes, query, "row, home, id, source"))
        for row, home, key, source in sorted(rows, key=lambda each: (-scores.get(each[0], 0.0), each[0])):
            yield home, key, json.loads(source), scores.get(row, 1.0)

    def _rows(self, homes: list[str], query: Compiled, what: str) -> Iterator[Any]:
        marks = ", ".join("?" * len(homes))
        sql = f"SELECT {what} FROM documents WHERE home IN ({marks}) AND ({query.sql})"
        return iter(self._connection().execute(sql, [*homes, *query.values]).fetchall())


def _texts(source: Any, path: str = "") -> Iterator[tuple[str, str]]:
    """Give each text and number of a document with the path of its field."""
    if isinstance(source, Mapping):
        for name, value in source.items():
            yield from _texts(value, f"{path}.{name}" if path else str(name))
    elif isinstance(source, list):
        for value in source:
            yield from _texts(value, path)
    elif source is not None:
        yield path, str(source)
