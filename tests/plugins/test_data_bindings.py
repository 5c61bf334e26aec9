"""The words of runbooks for databases, queues and stores bind to the kinds by themselves."""

from __future__ import annotations

from pathlib import Path

import pytest

from watchkeeper.book.reader import read_book
from watchkeeper.estate import plugins
from watchkeeper.estate.bind import bind
from watchkeeper.estate.model import Estate, SignalConfig

HOSTS = {"postgres": "PostgreSQL", "mysql": "MySQL", "redis": "Redis", "celery": "Celery", "elasticsearch": "Elasticsearch"}
BOOK = "# Shop runbook\n\n## Alerts\n\n| metric | threshold | severity |\n| --- | --- | --- |\n| {} | {} | Critical |\n"


def signal(kind: str) -> SignalConfig:
    found = plugins.load(plugins.SIGNALS, kind)
    readings = frozenset(found.readings) - {"*"}  # type: ignore[attr-defined]
    return SignalConfig(kind, kind, 3, HOSTS.get(kind), readings=readings, known=found.metrics)  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("subject", "threshold", "kind", "reading"),
    [
        ("Database connections", "> 80%", "postgres", "connections_percent"),
        ("Database connections", "> 80%", "mysql", "connections_percent"),
        ("Replication lag", "> 30 seconds", "mysql", "replication_lag_seconds"),
        ("Deadlocks", "> 5 per minute", "postgres", "deadlocks_per_minute"),
        ("Lock waits", "> 30 seconds", "postgres", "lock_wait_seconds"),
        ("Longest transaction", "> 5 minutes", "postgres", "long_transaction_seconds"),
        ("Dead tuples", "> 20%", "postgres", "dead_rows_percent"),
        ("Buffer pool hit rate", "< 99%", "mysql", "buffer_pool_hit_percent"),
        ("Database cache hit rate", "< 95%", "postgres", "cache_hit_percent"),
        ("Redis memory", "> 80%", "redis", "memory_percent"),
        ("Cache hit rate", "< 80%", "redis", "hit_percent"),
        ("Queue length", "> 1000", "celery", "queue_length"),
        ("Elasticsearch heap", "> 85%", "elasticsearch", "heap_percent"),
        ("Unassigned shards", "> 0", "elasticsearch", "unassigned_shards"),
        ("Backup age", "> 26 hours", "s3", "age_seconds"),
        ("Backup age", "> 26 hours", "files", "age_seconds"),
    ],
)
def test_a_word_of_the_book_binds_to_the_kinds_reading(
    subject: str, threshold: str, kind: str, reading: str, tmp_path: Path
) -> None:
    path = tmp_path / "runbook.md"
    path.write_text(BOOK.format(subject, threshold))
    found = bind(read_book(path), Estate(tmp_path / "w.toml", "shop", path, signals={kind: signal(kind)}))
    assert [(item.signal, item.reading) for item in found.bound] == [(kind, reading)], [one.sentence for one in found.unbound]
