"""Reads [inputs] of watchkeeper.toml: which values the placeholders of the book may have.

A table of it is named after a placeholder: [inputs.pod_name] speaks of `<pod-name>`, `{pod name}` and `$POD_NAME`. A query is
a command that only reads, by the same rules as any command of the book.
"""

from __future__ import annotations

import re

from watchkeeper.base.errors import ConfigError
from watchkeeper.book.commands import make_command
from watchkeeper.estate.model import InputRule
from watchkeeper.estate.table import Table


def read_inputs(table: Table) -> dict[str, InputRule]:
    """Read every declared input, by the name that placeholders have."""
    found: dict[str, InputRule] = {}
    for key, rule in ((key, table.table(key)) for key in table.values):
        name = re.sub(r"\W+", "_", key.strip("$<>[]{} ").casefold()).strip("_")
        found[name] = _read_input(name, rule)
    return found


def _read_input(name: str, table: Table) -> InputRule:
    rule = InputRule(
        name=name,
        line=table.line,
        pattern=table.maybe_text("pattern"),
        choices=table.texts("choices"),
        query=table.maybe_text("query"),
        default=table.maybe_text("default"),
        words=table.maybe_text("help"),
        may_begin_with_dash=table.flag("dash", False),
        may_have_lines=table.flag("lines", False),
    )
    table.finish()
    if rule.pattern is not None:
        _check_pattern(table, rule.pattern)
    if rule.choices and rule.query is not None:
        raise table.error("query", f"{table.name()} has choices and a query.", "Keep one of them.")
    if rule.query is not None:
        _check_query(table, rule.query)
    if rule.default is not None and rule.choices and rule.default not in rule.choices:
        raise table.error("default", f"The default {rule.default!r} is none of the choices.", "Name one of them.")
    if rule.default is not None and rule.pattern is not None and not re.fullmatch(rule.pattern, rule.default):
        raise table.error("default", f"The default {rule.default!r} does not match the pattern.", "Mend one of them.")
    return rule


def _check_pattern(table: Table, pattern: str) -> None:
    try:
        re.compile(pattern)
    except re.error as problem:
        hint = "It is a regular expression that a value must match from end to end."
        raise table.error("pattern", f"{pattern!r} is not a pattern: {problem}.", hint) from None


def _check_query(table: Table, query: str) -> None:
    command = make_command(query, table.line, "bash")
    if command.risk != "read" or command.endless or command.interactive:
        why = command.because if command.risk != "read" else "It does not end by itself."
        raise ConfigError(
            f"The query of {table.name()} is not a command that only reads: {why}",
            hint="It runs by itself to list the choices, so it may change nothing.",
            code="WK145",
            where=table.where("query"),
        )
    if command.placeholders and any(not token.startswith("$") for token in command.placeholders):
        raise table.error(
            "query", f"The query of {table.name()} has placeholders of its own.", "Use variables of [variables] in it."
        )
