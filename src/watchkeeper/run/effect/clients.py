"""Clients of databases: the command's own connection, asked something that only reads or told to put something back."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, TypeAlias

from watchkeeper.book.sql_clients import SQL_CLIENTS
from watchkeeper.book.syntax import Word
from watchkeeper.run.effect.model import Look
from watchkeeper.run.effect.place import Place

Dialect: TypeAlias = Literal["postgres", "mysql", "sqlite"]

_DIALECTS: dict[str, Dialect] = {
    "psql": "postgres", "gitlab-psql": "postgres", "mysql": "mysql", "mariadb": "mysql", "sqlite3": "sqlite",
}  # fmt: skip
#: letters that take a value, so that what follows in a bundle is no statement
_VALUES = {"postgres": "dhpUvFRTPoL", "mysql": "uhPDS", "sqlite": ""}
#: how long a look may keep the server at work
PATIENCE_MS = 5000


@dataclass(frozen=True, slots=True)
class Client:
    """A connection to a database, as the command makes it."""

    ask: Callable[[str], Look]
    #: statement -> the command that carries it out
    do: Callable[[str], str]
    dialect: Dialect = "postgres"
    #: language of what `do` gives
    language: str = "bash"


def bound(language: str = "sql") -> Client:
    """Give the client to which the target gives SQL that stands by itself."""
    return Client(lambda text: Look(text, language), lambda text: text, "postgres", language)


def client_of(place: Place) -> Client | None:
    """Give the client that a command starts; None where its kind is not known."""
    dialect = _DIALECTS.get(place.name)
    if dialect is None:
        return None
    kept = _without_statements(place, dialect)
    if dialect == "postgres":
        front = ("-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1")
        limit = f"SET LOCAL statement_timeout = {PATIENCE_MS}"

        def ask(text: str) -> Look:
            # the transaction is opened first, before any word that a shell works out
            return Look(place.script(place.own(*front, "-c", "BEGIN READ ONLY", "-c", limit, *kept, "-c", text)))

        return Client(ask, lambda text: place.script(place.own("-X", "-v", "ON_ERROR_STOP=1", *kept, "-c", text)), dialect)
    if dialect == "mysql":

        def ask_mysql(text: str) -> Look:
            return Look(place.script(place.own(*kept, "-N", "-B", "--raw", "-e", f"START TRANSACTION READ ONLY; {text}")))

        return Client(ask_mysql, lambda text: place.script(place.own(*kept, "-e", text)), dialect)
    database = kept[:1]
    return Client(
        lambda text: Look(place.script(place.own("-readonly", *database, text))),
        lambda text: place.script(place.own(*database, text)),
        dialect,
    )


def statements_of(place: Place) -> list[str] | None:
    """Give the SQL that a client is told; None where a shell works some of it out or it lies elsewhere."""
    _, files = SQL_CLIENTS[place.name]
    found: list[str] = []
    for word, taken in _statement_words(place):
        if not word.static:
            return None
        found.append(taken)
    if any(text.partition("=")[0] in files or (text[:2] in files and text[1:2] != "-") for text in place.texts):
        return None
    if place.name == "sqlite3":
        more = [word for word in place.words if not word.text.startswith("-")][1:]
        if not all(word.static for word in more):
            return None
        found += [word.text for word in more]
    if place.call.stdin == "text" and place.call.stdin_text.strip():
        if "$" in place.call.stdin_text:
            return None
        found.append(place.call.stdin_text)
    elif place.call.stdin in ("file", "pipe"):
        return None
    return found


def _statement_words(place: Place) -> list[tuple[Word, str]]:
    names, _ = SQL_CLIENTS[place.name]
    found: list[tuple[Word, str]] = []
    position = 0
    while position < len(place.words):
        word = place.words[position]
        cut = _cut(word.text, names, _VALUES.get(_DIALECTS.get(place.name, "postgres"), ""))
        position += 1
        if cut is None:
            continue
        if cut:
            found.append((word, cut))
        elif position < len(place.words):
            found.append((place.words[position], place.words[position].text))
            position += 1
    return found


def _without_statements(place: Place, dialect: Dialect) -> list[Word]:
    names, _ = SQL_CLIENTS[place.name]
    kept: list[Word] = []
    position = 0
    while position < len(place.words):
        word = place.words[position]
        cut = _cut(word.text, names, _VALUES[dialect])
        position += 1
        if cut is None:
            kept.append(word)
        elif not cut:
            position += 1
    return [word for word in kept if not (dialect == "sqlite" and word.text.startswith("-"))]


def _cut(text: str, names: tuple[str, ...], values: str) -> str | None:
    """Give the statement within an option's own word, empty where it is the next one; None where it is no such option."""
    option, equals, value = text.partition("=")
    if option in names:
        return value if equals and option.startswith("--") else "" if not equals else text[2:]
    if len(text) < 3 or text[0] != "-" or text[1] == "-":
        return None
    for number, letter in enumerate(text[1:], 1):
        if f"-{letter}" in names:
            return text[number + 1 :]
        if letter in values or not letter.isalnum():
            return None
    return None


def ident(name: str) -> str:
    """Give a name as SQL writes it.

    >>> ident("jobs"), ident("Jobs"), ident('a"b')
    ('jobs', '"Jobs"', '"a""b"')
    """
    return name if re.fullmatch(r"[a-z_][a-z0-9_]*", name) else '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    """Give a text as an SQL literal, for servers with standard strings."""
    return "'" + text.replace("'", "''") + "'"
