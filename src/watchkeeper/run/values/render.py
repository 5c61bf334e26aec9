"""Renders a command with its inputs: a script, and the values beside it as variables. Pure; a value never becomes code.

A command of the book and its values enter; text that a target can run leaves. In shell text a value stands nowhere: it is taken
in from a variable, quoted so that it arrives as exactly itself. What other languages need is written by `escaping`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from urllib.parse import quote

from watchkeeper.book.model import Command
from watchkeeper.book.programs import word_set
from watchkeeper.book.slots import SHELL_OWN, marked_slots
from watchkeeper.book.syntax import read_script
from watchkeeper.run.values import escaping
from watchkeeper.run.values.clients import SHELLS
from watchkeeper.run.values.contexts import Place, read_places
from watchkeeper.run.values.inputs import FORBIDDEN, variable_of

_FORMS: Mapping[str, Callable[[str], str]] = {
    "url": lambda value: quote(value, safe=""),
    "json": lambda value: json.dumps(value, ensure_ascii=False)[1:-1],
}
#: names of slots that are names of HTML's elements as well, and so are no slots to the reader of the book
_TAG_LIKE = re.compile(r"(?<![<\w])<(table|script|input|label|source|path|object|code|link)>(?!>)")
#: what bash itself sets, beside what every shell has
_BY_BASH = word_set(
    "BASHPID BASHOPTS SHELLOPTS DIRSTACK EPOCHREALTIME EUID GROUPS HISTCMD OLDPWD SRANDOM MAPFILE COPROC BASH_VERSINFO "
    "BASH_COMMAND BASH_SUBSHELL BASH_REMATCH BASH_ARGV0 BASH_LINENO"
)
_OPTIONAL = re.compile(r"\$\{(\w+):?[-+=]")


@dataclass(frozen=True, slots=True)
class Rendered:
    """What a target runs."""

    script: str
    #: values that reach the script by their variables
    variables: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Needs:
    """The places in which a command takes values in, by token; why only a person can run it, where that is so."""

    places: Mapping[str, tuple[Place, ...]]
    refused: str | None = None


@lru_cache(maxsize=4096)
def needs_of(command: Command, known: frozenset[str] = frozenset()) -> Needs:
    """Say what a command needs: its placeholders, and the variables that it uses and nobody sets; `known` are set anyway."""
    places = _places(command, known)
    found: dict[str, tuple[Place, ...]] = {}
    for place in places:
        if place.quoting != "none" or place.limit is not None:
            found[place.token] = (*found.get(place.token, ()), place)
    refusal = next((place for place in places if place.refused), None)
    if refusal is not None:
        why = (refusal.refused or "").rstrip(".")
        return Needs(found, f"{why[:1].lower()}{why[1:]} ({refusal.token})")
    forbidden = next((token for token in found if token.startswith("$") and FORBIDDEN.fullmatch(token.strip("${}"))), None)
    return Needs(found, f"{forbidden} would change what every program does" if forbidden else None)


def used_variables(command: Command) -> tuple[str, ...]:
    """Give the variables that shell text uses, without those that it sets itself or has a default for."""
    if command.language not in SHELLS:
        return ()
    script = read_script(command.text)
    optional = set(_OPTIONAL.findall(command.text))
    uses = (name for name in script.uses if re.fullmatch(r"[A-Za-z_]\w*", name))
    return tuple(dict.fromkeys(name for name in uses if name not in script.sets | SHELL_OWN | _BY_BASH | optional))


def _tokens(command: Command) -> list[tuple[str, int]]:
    """Give the marked slots and the samples of a command, with their offsets."""
    text = command.text
    marked = [(token, offset) for token, _, offset in marked_slots(text, in_shell=command.language in SHELLS)]
    marked += [(match[0], match.start()) for match in _TAG_LIKE.finditer(text) if f"</{match[1]}" not in text]
    taken = bytearray(len(text))
    for token, offset in marked:
        taken[offset : offset + len(token)] = b"\1" * len(token)
    plain = [token for token in command.placeholders if token not in dict(marked)]
    if command.language in SHELLS:
        plain = [token for token in plain if not token.startswith("$")]
    for token in sorted(plain, key=len, reverse=True):
        for match in re.finditer(rf"(?<![\w-]){re.escape(token)}(?![\w-])", text):
            if not any(taken[match.start() : match.end()]):
                taken[match.start() : match.end()] = b"\1" * len(token)
                marked.append((token, match.start()))
    return marked


def _places(command: Command, known: frozenset[str]) -> tuple[Place, ...]:
    tokens = _tokens(command)
    if command.language in SHELLS:
        variables = frozenset(name for name in used_variables(command) if name not in known)
        return read_places(command.text, tokens, variables).places if tokens or variables else ()
    spans = [(token, offset, offset + len(token)) for token, offset in tokens]
    if not spans:
        return ()
    match command.language:
        case "sql":
            return escaping.sql_places(command.text, spans)
        case "psql":
            return escaping.psql_words(command.text, spans)
        case "redis":
            return escaping.redis_words(command.text, spans)
        case "python" | "mongodb":
            return escaping.quoted_places(command.text, command.language, spans)
    return tuple(Place(*span, refused=f"Nothing is known of how {command.language} takes a value in") for span in spans)


def render(command: Command, values: Mapping[str, str], known: frozenset[str] = frozenset(), client: str = "psql") -> Rendered:
    """Render a command with the values of its tokens, each checked before; `client` reads its SQL.

    Raises ValueError where a place is left without a value or cannot be filled: that is for the caller to ask first.
    """
    needs = needs_of(command, known)
    if needs.refused:
        raise ValueError(needs.refused)
    places = [place for place in _places(command, known) if place.quoting != "none"]
    missing = [token for token in needs.places if token not in values]
    if missing:
        raise ValueError(f"nothing fills {', '.join(missing)}")
    values = {token: values[token] for token in needs.places}
    if command.language in SHELLS:
        return _shell(command.text, places, values)
    if not places:
        return Rendered(command.text)
    match command.language:
        case "sql" if client == "mysql":
            return Rendered(escaping.mysql_text(command.text, places, values))
        case "sql":
            return Rendered(escaping.psql_text(command.text, places, values))
        case "redis":
            return Rendered(escaping.redis_text(command.text, places, values))
        case "psql":
            return Rendered(escaping.filled(command.text, values))
    return Rendered(escaping.quoted_text(command.text, places, values, command.language))


def _shell(text: str, places: Iterable[Place], values: Mapping[str, str]) -> Rendered:
    source = text.encode()
    variables: dict[str, str] = {variable_of(token): value for token, value in values.items()}
    for place in sorted(places, key=lambda place: place.start, reverse=True):
        name = variable_of(place.token)
        if place.form != "exact":
            name = f"{'' if name.startswith('WK_') else 'WK_'}{name}_{place.form.upper()}"
            variables[name] = _FORMS[place.form](values[place.token])
        taken = source[place.start : place.end].decode() if place.variable and place.form == "exact" else f"${{{name}}}"
        new = {"bare": f'"{taken}"', "single": f"'\"{taken}\"'"}.get(place.quoting, taken)
        source = source[: place.start] + new.encode() + source[place.end :]
    return Rendered(source.decode(), variables)
