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
    "SELECT pid FROM pg_stat_activity WHERE cardinality(pg_blocking_pids(pid)) > 0",
]


@pytest.mark.parametrize(("query", "risk"), WRITES)
def test_a_query_with_a_word_that_writes_is_no_reading(query: str, risk: str) -> None:
    assert assess_sql(query)[0] == risk


@pytest.mark.parametrize(
    "call",
    [
        "pg_sleep(60)", "pg_sleep_for('1 h')", "pg_read_file('/etc/passwd')", "pg_read_binary_file('x')", "pg_ls_dir('/')",
        "pg_stat_file('x')", "lo_import('/etc/passwd')", "lo_export(1, '/tmp/x')", "pg_terminate_backend(7)",
        "pg_cancel_backend(7)", "sleep(9)", "benchmark(1e9, md5(1))", "load_file('/etc/passwd')", "dblink('', 'delete')",
    ],
)  # fmt: skip
def test_a_function_that_waits_reads_files_or_ends_others_is_no_reading(call: str) -> None:
    assert assess_sql(f"SELECT {call}")[0] != "read"
    assert assess_sql(f"SELECT count(*) FROM orders WHERE {call} IS NOT NULL")[0] != "read"


@pytest.mark.parametrize("query", READS)
def test_a_query_without_one_only_reads(query: str) -> None:
    assert assess_sql(query)[0] == "read"
