"""A query that writes is told from one that reads, wherever the word that writes stands."""

from __future__ import annotations

import pytest

from watchkeeper.book.sql import assess_sql

WRITES = [
    ("SELECT id FROM orders FOR UPDATE", "change"),
    ("SELECT id FROM orders for/**/share", "change"),
    ("SELECT id INTO copied FROM orders", "change"),
    ("WITH gone AS(DELETE FROM orders RETURNING id) SELECT id FROM gone", "destroy"),
    ("WITH made AS (\ninsert\nINTO orders VALUES (1) RETURNING id) SELECT id FROM made", "change"),
]
READS = [
    "SELECT table_name FROM information_schema.tables",
    "SELECT updated_at, deleted FROM orders WHERE note = 'waits for update'",
    "WITH late AS (SELECT id FROM orders) SELECT count(*) FROM late",
]


@pytest.mark.parametrize(("query", "risk"), WRITES)
def test_a_query_with_a_word_that_writes_is_no_reading(query: str, risk: str) -> None:
    assert assess_sql(query)[0] == risk


@pytest.mark.parametrize("query", READS)
def test_a_query_without_one_only_reads(query: str) -> None:
    assert assess_sql(query)[0] == "read"
