"""Which lines of a book stand in SQL, Redis' words and the like, and which client of a target they would be given to. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from watchkeeper.book.model import Book, Command

#: language -> the options of a target that may name its client, the proposed one first
_OPTIONS: Mapping[str, tuple[str, ...]] = {
    "sql": ("psql", "mysql"),
    "psql": ("psql",),
    "redis": ("redis_cli",),
    "mongodb": ("mongosh",),
}
#: option -> a line for watchkeeper.toml, to be adapted
EXAMPLES: Mapping[str, str] = {
    "psql": 'psql = "psql -h 127.0.0.1 -U shop shop"',
    "mysql": 'mysql = "mysql -h 127.0.0.1 -u shop shop"',
    "redis_cli": 'redis_cli = "redis-cli -h 127.0.0.1"',
    "mongosh": 'mongosh = "mongosh mongodb://127.0.0.1/shop"',
}


def lines_without_client(book: Book, targets: Sequence[Mapping[str, Any]]) -> dict[str, list[str]]:
    """Give the lines that wait for a client, by the option that would name it; `targets` are the options of each target."""
    waiting: dict[str, list[str]] = {}
    tools = {tool for command in _commands(book) for tool in command.tools if command.language == "bash"}
    mysql = bool(tools & {"mysql", "mariadb"}) and "psql" not in tools
    for command in _commands(book):
        options = _OPTIONS.get(command.language, ())
        if options and not any(given.get(option) for given in targets for option in options):
            where = f"{command.file}:{command.line}" if command.file else str(command.line)
            lines = waiting.setdefault("mysql" if mysql and command.language == "sql" else options[0], [])
            if where not in lines:
                lines.append(where)
    return waiting


def _commands(book: Book) -> Iterable[Command]:
    for procedure in book.procedures:
        for step in procedure.steps:
            yield from step.commands
            if step.condition and step.condition.command:
                yield step.condition.command
    yield from book.commands
