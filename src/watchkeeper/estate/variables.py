"""Reads [variables] and fills $NAME and ${NAME} into other values; `$$` is a plain dollar sign.

A text that took in a secret leaves as a Secret. A name that nobody set is an error that says where it is used. The process
environment is read only where a variable names it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from watchkeeper.base.errors import ConfigError
from watchkeeper.base.secrets import Secret
from watchkeeper.estate.model import Variable
from watchkeeper.estate.table import Table, did_you_mean

NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_USE = re.compile(r"\$(?:(?P<plain>\$)|(?P<name>[A-Za-z_][A-Za-z0-9_]*)|\{(?P<braced>[A-Za-z_][A-Za-z0-9_]*)\})")
#: a variable with such a name is taken for a secret unless the file says `secret = false`
_SECRET_NAME = re.compile(r"PASSWORD|PASSWD|SECRET|TOKEN|API_?KEY|PRIVATE_?KEY|CREDENTIAL", re.IGNORECASE)


def names_used(value: object) -> set[str]:
    """Give the variables that a value uses, at any depth.

    >>> sorted(names_used(["$HOST:${PORT}", "costs $$5"]))
    ['HOST', 'PORT']
    """
    if isinstance(value, str):
        return {match["name"] or match["braced"] for match in _USE.finditer(value) if not match["plain"]}
    if isinstance(value, Mapping):
        return {name for item in value.values() for name in names_used(item)}
    if isinstance(value, list | tuple):
        return {name for item in value for name in names_used(item)}
    return set()


class Variables:
    """The variables in force, and where each is used, for errors that help."""

    def __init__(self, table: Table, environment: Mapping[str, str], users: Callable[[str], list[str]]) -> None:
        self._table = table
        self._environment = environment
        self._users = users
        self._known: dict[str, Variable] = {}
        self._under_way: list[str] = []

    def read_all(self) -> dict[str, Variable]:
        """Read every variable in the order of the file."""
        for name in self._table.values:
            if not NAME.fullmatch(name):
                raise self._table.error(name, f"{name!r} cannot be the name of a variable.", "Use letters, digits and _.")
            self._variable(name)
        return {name: self._known[name] for name in self._table.values}

    def fill(self, value: Any, table: Table, key: str) -> Any:
        """Fill variables into a text, or into each text of a list or table."""
        if isinstance(value, str):
            return self._fill_text(value, table, key)
        if isinstance(value, list):
            return [self.fill(item, table, key) for item in value]
        if isinstance(value, Mapping):
            return {name: self.fill(item, table, key) for name, item in value.items()}
        return value

    def _fill_text(self, text: str, table: Table, key: str) -> str | Secret:
        if "$" not in text:
            return text
        has_secret = False

        def replace(match: re.Match[str]) -> str:
            nonlocal has_secret
            if match["plain"]:
                return "$"
            name = match["name"] or match["braced"]
            if name not in self._table.values:
                raise ConfigError(
                    f"{table.name(key)} uses ${name}, which [variables] does not set.",
                    hint=f"Add it there, or write $$ for a plain dollar sign.{did_you_mean(name, self._table.values)}",
                    code="WK134",
                    where=table.where(key),
                )
            value = self._variable(name).value
            has_secret = has_secret or isinstance(value, Secret)
            return value.reveal() if isinstance(value, Secret) else value

        filled = _USE.sub(replace, text)
        return Secret(filled, table.name(key)) if has_secret else filled

    def _variable(self, name: str) -> Variable:
        if name not in self._known:
            if name in self._under_way:
                chain = " -> ".join([*self._under_way, name])
                raise self._table.error(name, f"The variable {name} needs itself: {chain}.", "Give one its own value.")
            self._under_way.append(name)
            self._known[name] = self._read(name)
            self._under_way.pop()
        return self._known[name]

    def _read(self, name: str) -> Variable:
        value = self._table.take(name)
        line = self._table.line_of(name)
        if isinstance(value, Mapping):
            return self._read_sourced(name, self._table.table(name))
        if isinstance(value, bool) or not isinstance(value, str | int | float):
            raise self._table.error(name, f"The variable {name} is {value!r}.", 'Write a text, { env = "…" } or { file = "…" }.')
        if _SECRET_NAME.search(name):
            raise self._plain_secret(name)
        return Variable(name, self._fill_text(str(value), self._table, name), "literal", line)

    def _read_sourced(self, name: str, table: Table) -> Variable:
        ways = [way for way in ("env", "file", "value") if way in table.values]
        if len(ways) != 1:
            example = f'{name} = {{ env = "{name}" }}'
            raise self._table.error(name, f"The variable {name} needs exactly one of env, file or value.", example)
        is_secret = table.flag("secret", bool(_SECRET_NAME.search(name)))
        source = table.take(ways[0])
        source = str(source) if isinstance(source, int | float) and ways[0] == "value" else table.text(ways[0])
        default = table.maybe_text("default") if ways[0] == "env" else None
        table.finish()
        if is_secret and (ways[0] == "value" or default is not None):
            raise self._plain_secret(name)
        if ways[0] == "value":
            return Variable(name, self._fill_text(source, self._table, name), "literal", table.line)
        raw = self._from_environment(name, source, default, is_secret) if ways[0] == "env" else self._from_file(name, source)
        try:
            value = Secret(raw, name) if is_secret else raw
        except ConfigError as problem:
            raise ConfigError(problem.message, hint=problem.hint, code=problem.code, where=table.where()) from None
        return Variable(name, value, f"{ways[0]} {source}", table.line)

    def _from_environment(self, name: str, source: str, default: str | None, is_secret: bool) -> str:
        value = self._environment.get(source, default)
        if value is None:
            example = f'{name} = {{ env = "{source}", default = "…" }}'
            otherwise = f'take it from a file: {name} = {{ file = "…" }}' if is_secret else f"give it a default: {example}"
            raise ConfigError(
                f"The environment has no {source}, from which the variable {name} is taken{self._used_by(name)}.",
                hint=f"export {source}=…, or {otherwise}.{self._others(name)}",
                code="WK134",
                where=self._table.where(name),
            )
        return value

    def _from_file(self, name: str, source: str) -> str:
        path = self._table.file.parent / source
        try:
            return path.read_text(encoding="utf-8").rstrip("\r\n")
        except (OSError, UnicodeDecodeError) as problem:
            reason = problem.strerror if isinstance(problem, OSError) else "it is not UTF-8 text"
            raise ConfigError(
                f"The variable {name} is in {path}, which cannot be read: {reason}{self._used_by(name)}.",
                hint="Write the value into that file, or take the variable from the environment.",
                code="WK134",
                where=self._table.where(name),
            ) from None

    def _others(self, name: str) -> str:
        """Name the other variables that the environment lacks as well, so that all can be mended at once."""
        missing = []
        for other, value in self._table.values.items():
            source = value.get("env") if isinstance(value, Mapping) else None
            if other != name and isinstance(source, str) and source not in self._environment and "default" not in value:
                missing.append(source)
        return f" Also missing: {', '.join(missing)}." if missing else ""

    def _used_by(self, name: str) -> str:
        users = self._users(name)
        return f" (used by {', '.join(users)})" if users else ""

    def _plain_secret(self, name: str) -> ConfigError:
        return self._table.error(
            name,
            f"The secret {name} stands in the file as plain text.",
            f'Write {name} = {{ env = "{name}" }} or {{ file = "…" }}; if it is none: {{ value = "…", secret = false }}.',
            code="WK137",
        )


def must_be_secret(value: object, table: Table, key: str) -> Secret:
    """Give a value that came from a secret variable; raises ConfigError where it stands in the file as plain text."""
    if isinstance(value, Secret):
        return value
    hint = f'Write {key} = "$NAME" and [variables] NAME = {{ env = "NAME", secret = true }}.'
    raise table.error(key, f"{table.name(key)} stands in the file as plain text.", hint, "WK137")
