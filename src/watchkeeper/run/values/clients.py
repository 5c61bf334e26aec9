"""Which client a target gives SQL, psql's and Redis' words, mongosh and Python to, whatever fence they stand in. Pure.

The clients are options of the target, each a command to whose standard input the text goes.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

#: language -> the options that may name its client, the usual one first
CLIENTS: Mapping[str, tuple[str, ...]] = {
    "sql": ("psql", "mysql"),
    "psql": ("psql",),
    "redis": ("redis_cli",),
    "mongodb": ("mongosh",),
    "python": ("python",),
}
#: the options of a target that name them, as its help says it
CLIENT_OPTIONS: Mapping[str, str] = {
    "psql": "the client that SQL and psql's words of the book are given to, such as psql -h db -U shop",
    "mysql": "the client that SQL for MySQL or MariaDB is given to",
    "redis_cli": "the client that Redis words of the book are given to",
    "mongosh": "the client that words for MongoDB are given to",
    "python": "what Python of the book is given to, such as docker compose exec -T app python manage.py shell",
}
#: what only MySQL and MariaDB understand
_MYSQL = re.compile(
    r"\bSHOW\s+(?:FULL\s+)?(?:PROCESSLIST|SLAVE|REPLICA|MASTER|BINARY|ENGINE|GLOBAL|SESSION|STATUS|VARIABLES|TABLES|DATABASES)\b"
    r"|\\G\s*;?\s*\Z|\bperformance_schema\.|\bsys\.|@@\w|\b(?:START|STOP|RESET|CHANGE)\s+(?:SLAVE|REPLICA|MASTER|REPLICATION)\b"
    r"|\bOPTIMIZE\s+TABLE\b|\bKILL\s+(?:QUERY\s+)?\d|`\w+`",
    re.IGNORECASE,
)
SHELLS = frozenset({"bash", "sh", "shell"})


def client_for(language: str, text: str, options: Mapping[str, Any]) -> str | None:
    """Give the option that names the client for a text of a language; None where the target has none.

    >>> client_for("sql", "SHOW PROCESSLIST", {"psql": "psql", "mysql": "mysql"})
    'mysql'
    """
    bound = [option for option in CLIENTS.get(language, ()) if options.get(option)]
    if language == "sql" and "mysql" in bound and _MYSQL.search(text):
        return "mysql"
    if language == "sql" and bound == ["psql"] and _MYSQL.search(text):
        return None
    return bound[0] if bound else None


def languages(options: Mapping[str, Any]) -> frozenset[str]:
    """Say which languages a target with these options can run: those of the shell, Python, and whatever has a client."""
    spoken = (language for language, clients in CLIENTS.items() if any(map(options.get, clients)))
    return SHELLS | {"python", *spoken}
