"""Reads what watchkeeper.toml counts of an incident ([affected.NAME]): commands that only read and print a number."""

from __future__ import annotations

from watchkeeper.book.shell import read_inline
from watchkeeper.estate.model import Affected
from watchkeeper.estate.table import Table

LONGEST_S = 300.0


def read_affected(table: Table, name: str) -> Affected:
    """Read one count; its command finds the span of the incident in $SINCE and $UNTIL, and must only read."""
    counted = Affected(name, table.line, table.text("command"), table.duration("timeout", 30.0, 1.0))
    table.finish()
    command = read_inline(counted.command)
    if command is None or command.risk != "read":
        why = command.because if command is not None else "Nothing says what it does."
        hint = "Let it only read: `psql -Atc \"SELECT count(*) FROM orders WHERE at BETWEEN '$SINCE' AND '$UNTIL'\"`."
        raise table.error("command", f"The command of {table.name()} may change something: {why}", hint)
    if counted.timeout_s > LONGEST_S:
        raise table.error("timeout", "A count may take five minutes at most.", 'Write timeout = "5m".')
    return counted
