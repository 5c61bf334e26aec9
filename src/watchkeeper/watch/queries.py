"""Takes the queries of an owner and judges them before anything is asked: one statement each, which only reads."""

from __future__ import annotations

from watchkeeper.base.errors import ConfigError
from watchkeeper.book.sql import assess_sql, cut_statements
from watchkeeper.estate.table import Table

HINT = "A signal only reads. If it calls functions of yours that only read, name it in only_read."


def read_queries(options: Table, known: list[str], *, needed: bool) -> dict[str, str]:
    """Take the options `queries` and `only_read`; raises ConfigError for one that would write or that nobody can judge."""
    table = options.table("queries")
    trusted = options.texts("only_read")
    found = {name: table.text(name).strip().rstrip(";").strip() for name in table.values}
    for name, query in found.items():
        if name in known:
            raise table.error(name, f"{name!r} is a reading of every signal of this kind.", "Give the query another name.")
        risk, why = assess_sql(query)
        if len(cut_statements(query)) != 1:
            raise table.error(name, f"The query {name!r} is not one statement.", "Write each statement as a query of its own.")
        if risk != "read" and (risk != "unknown" or name not in trusted):
            raise ConfigError(f"The query {name!r} may write. {why}", hint=HINT, code="WK143", where=table.where(name))
    for name in trusted:
        if name not in found:
            raise options.error(
                "only_read", f"{options.name('only_read')} names {name!r}, which is no query.", "Name one of them."
            )
    if needed and not found:
        raise options.error(
            "queries", f"{options.name('queries')} has no query.", 'Write orders = "select count(*) from orders".'
        )
    return found
