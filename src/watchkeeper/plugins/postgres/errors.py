"""What a PostgreSQL server says when it gives no answer: full, closed to us, or something else. Errors enter, words leave."""

from __future__ import annotations

import psycopg
from psycopg.conninfo import conninfo_to_dict

_FULL = ("too many clients", "remaining connection slots", "too many connections", "53300")
_NOT_LET_IN = (
    "authentication failed", "no pg_hba.conf entry", "does not exist", "no password supplied", "is not permitted to log in",
    "server does not support ssl", "certificate verify failed", "permission denied for database",
)  # fmt: skip


def is_full(problem: psycopg.Error) -> bool:
    """Say whether it has no connection free."""
    return problem.sqlstate == "53300" or any(words in str(problem).casefold() for words in _FULL)


def not_let_in(problem: psycopg.Error) -> bool:
    """Say whether it answers and refuses us."""
    return any(words in str(problem).casefold() for words in _NOT_LET_IN)


def address_of(dsn: str) -> str:
    """Give host and port of a connection string."""
    parts = conninfo_to_dict(dsn)
    return f"{parts.get('host') or 'local socket'}:{parts.get('port') or 5432}"


def first_line(problem: BaseException) -> str:
    """Give the sentence of an error that says why, without the address before it."""
    lines = [line.strip() for line in str(problem).splitlines() if line.strip()]
    telling = next(
        (line for line in lines if "FATAL:" in line or "refused" in line), lines[0] if lines else type(problem).__name__
    )
    return telling.split("FATAL:")[-1].split("failed:")[-1].strip()[:200]
