"""Where an input stands in shell text, and what that allows. Pure: tree-sitter tells words, quotes and substitutions apart.

A command's text and the tokens to be filled enter; each occurrence leaves with its quoting, the escape that its surroundings
need, the letters to which a value is narrowed there, or the reason why only a person can fill it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Literal, TypeAlias

from tree_sitter import Node

from watchkeeper.book.syntax import parser
from watchkeeper.run.values.nested import as_parameter, read_again_as

Quoting: TypeAlias = Literal["bare", "double", "single", "heredoc", "none"]
#: how a value is written so that it is exactly itself: as it is, as one part of a URL, inside a JSON string
Form: TypeAlias = Literal["exact", "url", "json"]
#: to which letters a value is narrowed; "listed": one of an allowed list and a plain name as well
Limit: TypeAlias = Literal["safe", "digits", "host", "name", "listed"]

#: what is inert between the words and quotes of any language that we know
LIMITS: Mapping[str, str] = {
    "safe": r"[A-Za-z0-9_][A-Za-z0-9._-]*",
    "digits": r"\d{1,18}(?:\.\d{1,9})?",
    "host": r"[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?(?::\d{1,5})?",
    "name": r"[A-Za-z_][A-Za-z0-9_]{0,62}",
    "listed": r"[A-Za-z_][A-Za-z0-9_]{0,62}",
}
_OPEN = "Its place in the command cannot be made safe"
_SCHEME = re.compile(r"(?:https?|wss?|ftp|postgres(?:ql)?|mysql|rediss?|mongodb(?:\+srv)?|amqps?)://")
_NAMES_TABLE = re.compile(
    r"\b(?:FROM|JOIN|INTO|UPDATE|TABLE|INDEX|DATABASE|SCHEMA|USER|ROLE|VIEW|VACUUM|ANALYZE|REINDEX|TRUNCATE|EXTENSION|SEQUENCE|"
    r"ON|OWNER TO|COLUMN|ORDER BY|GROUP BY|CONCURRENTLY|EXISTS|ONLY|[(]FULL[)])\s+\"?$",
    re.IGNORECASE,
)  # fmt: skip
_PROGRAM_TEXT = re.compile(
    r"\b(?:psql|mysql|mariadb|mongosh?|sqlite3|python3?|node|ruby|perl|awk|sed|jq)\b.*\s-{1,2}[a-zA-Z-]*[cer]\s", re.S
)
_WHAT_IS_RUN = "It stands for what is run, not for what it is given"
#: where the next word of shell text names a program
_COMMAND_NEXT = re.compile(r"(?:^|[;&|({`\n]|\$\(|\b(?:then|do|else|sudo|exec))\s*$")
_LEADING_OPTIONS = re.compile(r"^\s*(?:-\S+\s+(?:[\d.]+\s+)?)*")
#: uses of parameters whose numbers do not say which
_ALL_PARAMETERS = re.compile(r"\$[{]?[@*!]|\bshift\b")
#: limits, the one that leaves least first
_STRICTEST: tuple[Limit, ...] = ("digits", "name", "listed", "host", "safe")
_SUMS = frozenset({"arithmetic_expansion", "compound_statement", "c_style_for_statement", "subscript"})


@dataclass(frozen=True, slots=True)
class Place:
    """One occurrence of an input, in bytes of the text."""

    token: str
    start: int
    end: int
    quoting: Quoting = "bare"
    form: Form = "exact"
    limit: Limit | None = None
    #: why only a person can fill it; None where a value can be passed
    refused: str | None = None
    #: a use of a variable: already the shell's own way to take a value in
    variable: bool = False


@dataclass(frozen=True, slots=True)
class Reading:
    """What a text holds: the places of its inputs, and which variables it takes them into."""

    places: tuple[Place, ...]
    broken: bool = False


def read_places(text: str, tokens: Iterable[tuple[str, int]], variables: frozenset[str]) -> Reading:
    """Read where tokens (as written, with their offsets in characters) and variables stand in shell text."""
    source = text.encode()
    spans = sorted({(token, *_bytes(text, token, offset)) for token, offset in tokens}, key=lambda span: span[1])
    hidden = bytearray(source)
    for _, start, end in spans:
        hidden[start:end] = b"_" * (end - start)
    root = parser().parse(bytes(hidden)).root_node
    if root.has_error:
        found = [Place(token, start, end, refused="The shell text around it cannot be read") for token, start, end in spans]
        return Reading(tuple(found), broken=True)
    reader = _Reader(bytes(hidden))
    places = [reader.place(root, token, start, end) for token, start, end in spans]
    uses = [(node, reader.name(node)) for node in _expansions(root)]
    places += [reader.use(node, name) for node, name in uses if name in variables]
    tainted = _taken_into(root, reader, places)
    for node, name in uses:
        for token in tainted.get(name, ()):
            carried = reader.use(node, name)
            places.append(replace(carried, token=token, quoting="none", form="exact", limit=_no_escape(carried)))
    return Reading(tuple(places))


def _bytes(text: str, token: str, offset: int) -> tuple[int, int]:
    start = len(text[:offset].encode())
    return start, start + len(token.encode())


def _no_escape(place: Place) -> Limit | None:
    """Give the limit where a value comes by way of the script's own variable, so that nothing can be escaped."""
    return place.limit or ("safe" if place.form != "exact" else None)


def _expansions(node: Node) -> Iterator[Node]:
    stack = [node]
    while stack:
        current = stack.pop()
        if current.type in ("simple_expansion", "expansion"):
            yield current
        stack.extend(reversed(current.children))


def _taken_into(root: Node, reader: _Reader, places: list[Place]) -> dict[str, set[str]]:
    """Give the script's own variables that an input's value is assigned to, through any number of steps."""
    found: dict[str, set[str]] = {}
    nodes = [root]
    assigned: list[tuple[str, Node]] = []
    while nodes:
        node = nodes.pop()
        if node.type == "variable_assignment" and node.named_children:
            assigned.append((reader.raw(node.named_children[0]), node))
        elif node.type == "for_statement" and node.child_by_field_name("variable"):
            assigned.append((reader.raw(node.child_by_field_name("variable")), node))  # type: ignore[arg-type]
        nodes.extend(node.children)
    for _ in range(len(assigned) + 1):
        before = sum(map(len, found.values()))
        for name, node in assigned:
            head = node.start_byte, _head_end(node)
            inside = {place.token for place in places if head[0] <= place.start and place.end <= head[1]}
            for use in _expansions(node):
                if use.end_byte <= head[1]:
                    inside |= found.get(reader.name(use), set())
            if inside:
                found.setdefault(name, set()).update(inside)
        if sum(map(len, found.values())) == before:
            break
    return found


def _head_end(node: Node) -> int:
    body = node.child_by_field_name("body")
    return body.start_byte if body is not None else node.end_byte


class _Reader:
    def __init__(self, source: bytes) -> None:
        self.source = source

    def raw(self, node: Node) -> str:
        return self.source[node.start_byte : node.end_byte].decode("utf-8", "replace")

    def name(self, node: Node) -> str:
        return next((self.raw(child) for child in node.children if child.type == "variable_name"), "")

    def place(self, root: Node, token: str, start: int, end: int) -> Place:
        """Say where a marked slot stands."""
        node = root.descendant_for_byte_range(start, end)
        if node is None:
            return Place(token, start, end, refused=_OPEN)
        return self._in(node, Place(token, start, end))

    def use(self, node: Node, name: str) -> Place:
        """Say where a variable is used."""
        found = self._in(node, Place(f"${name}", node.start_byte, node.end_byte, variable=True))
        plain = node.type == "simple_expansion" or self.raw(node) == f"${{{name}}}"
        return found if plain or found.form == "exact" else replace(found, form="exact", limit=found.limit or "safe")

    def _in(self, node: Node, place: Place) -> Place:
        """Climb from a node to the command that it belongs to, and learn on the way how it is quoted."""
        quoting: Quoting | None = None
        outer: Node | None = node
        word: Node = node
        while outer is not None:
            kind = outer.type
            if kind == "comment":
                return replace(place, quoting="none")
            if kind in ("raw_string", "string", "heredoc_body") and quoting is None:
                quoting = {"raw_string": "single", "string": "double", "heredoc_body": "heredoc"}[kind]  # type: ignore[assignment]
            if kind in ("ansi_c_string", "translated_string", "extglob_pattern", "brace_expression", "heredoc_start", "ERROR"):
                return replace(place, refused=_OPEN)
            if kind in _SUMS and self._is_sum(outer):
                return replace(place, quoting=quoting or "double", limit="digits")
            if kind == "variable_name" and not place.variable and not self._within_sum(outer):
                return replace(place, refused=f"{_OPEN}: it would be the name of a variable")
            parent = outer.parent
            if parent is not None and parent.type in ("command", "declaration_command", "unset_command"):
                return self._in_command(parent, outer, word, replace(place, quoting=quoting or "bare"))
            if parent is not None and parent.type == "heredoc_redirect" and kind == "heredoc_body":
                return self._in_heredoc(parent, replace(place, quoting="heredoc"))
            if kind in ("test_command", "case_item"):
                return replace(place, quoting=quoting or "bare", limit="safe")
            if kind in ("variable_assignment", "file_redirect", "for_statement", "case_statement"):
                return replace(place, quoting=quoting or "bare")
            if kind in ("string", "raw_string", "concatenation"):
                word = outer
            outer = parent
        return replace(place, refused=_OPEN)

    def _is_sum(self, node: Node) -> bool:
        return node.type != "compound_statement" or self.raw(node).startswith("((")

    def _within_sum(self, node: Node) -> bool:
        outer = node.parent
        while outer is not None and outer.type not in ("command", "variable_assignment", "program"):
            if outer.type in _SUMS and self._is_sum(outer):
                return True
            outer = outer.parent
        return False

    def _in_heredoc(self, redirect: Node, place: Place) -> Place:
        start = next((self.raw(child) for child in redirect.children if child.type == "heredoc_start"), "")
        if set(start) & set("'\"\\"):
            return replace(place, refused=f"{_OPEN}: the shell fills nothing into a here-document whose mark is quoted")
        return replace(place, limit="safe")

    def _in_command(self, command: Node, child: Node, word: Node, place: Place) -> Place:
        if child.type == "variable_assignment":
            return place
        if child.type == "file_redirect":
            return place
        if child.type == "herestring_redirect":
            return replace(place, limit="safe")
        words = [
            each
            for each in command.named_children
            if each.type not in ("variable_assignment", "file_redirect", "herestring_redirect", "comment")
        ]
        texts = [self._text(each) for each in words]
        if command.type != "command":
            keyword = command.children[0] if command.children else command
            texts, words = [self.raw(keyword), *texts], [keyword, *words]
        at = words.index(child) if child in words else -1
        if at < 0:
            return replace(place, refused=_OPEN)
        taken = as_parameter(texts, at)
        if taken is not None:
            return _as_parameter(place, texts[taken[0]], taken[1])
        language, first = read_again_as(texts, at)
        if language == "code":
            return replace(place, refused=_WHAT_IS_RUN)
        before = _opened(self.source[child.start_byte : place.start].decode("utf-8", "replace"))
        after = _closed(self.source[place.end : child.end_byte].decode("utf-8", "replace"))
        joined = " ".join((*texts[first:at], "")) if first < at else ""
        return _in_language(place, language, before + _HERE + after, joined + before)

    def _text(self, node: Node) -> str:
        return _unquoted(self.raw(node))


_HERE = "\ue000"


def _unquoted(raw: str) -> str:
    """Take the outermost quotes off, roughly: enough to see what language a word is in."""
    return _opened(_closed(raw))


def _opened(raw: str) -> str:
    bare = raw[1:] if raw[:1] in ("'", '"') else raw
    return bare.replace('\\"', '"').replace("\\$", "$")


def _closed(raw: str) -> str:
    bare = raw[:-1] if raw[-1:] in ("'", '"') and raw[-2:-1] != "\\" else raw
    return bare.replace('\\"', '"').replace("\\$", "$")


def _as_parameter(place: Place, text: str, number: int) -> Place:
    """Narrow what shell text is given as its $1, $2 … to what each use of it there allows; nothing can be escaped within."""
    inside = read_places(text, (), frozenset({str(number)}))
    if inside.broken or not number or _ALL_PARAMETERS.search(text):
        return replace(place, limit="safe")
    refused = next((use.refused for use in inside.places if use.refused), None)
    limits = {"safe" if use.quoting == "bare" else _no_escape(use) for use in inside.places}
    return replace(place, refused=refused, limit=next((limit for limit in _STRICTEST if limit in limits), None))


def _in_language(place: Place, language: str | None, whole: str, before: str) -> Place:
    if language in (None, "data", "url"):
        as_json = _json_place(whole)
        if as_json is not None:
            return replace(place, form="json") if as_json == "text" else replace(place, limit="digits")
        if whole.lstrip()[:1] in ("{", "["):
            return replace(place, limit="safe")
        scheme = _SCHEME.search(before)
        if scheme is None and language == "url" and before and "/" in before:
            return replace(place, form="url")
        if scheme is not None:
            host = "/" not in before[scheme.end() :] and "@" not in whole[len(before) :].split("/", 1)[0]
            return replace(place, limit="host") if host else replace(place, form="url")
        return replace(place, limit="safe") if language == "data" else place
    if language == "sql":
        return replace(place, limit=_sql_limit(before))
    quoted = before[-1:] in ("'", '"')
    if language == "other" and place.token.startswith("{"):
        # `{print}` in a program for awk is that program's own
        return replace(place, quoting="none")
    if language == "sh":
        if _COMMAND_NEXT.search(_LEADING_OPTIONS.sub("", before)):
            return replace(place, refused=_WHAT_IS_RUN)
        if _PROGRAM_TEXT.search(before) and not quoted:
            return replace(place, limit="digits")
        return replace(place, limit="safe")
    return replace(place, limit="safe" if quoted or before[-1:] in ("/", "=", "+", ":", ".") or before == "" else "digits")


def _sql_limit(before: str) -> Limit:
    """Say to what a value is narrowed within SQL text that is read again by its client."""
    if before.lstrip().startswith("\\"):
        return "name"
    if names_table(before):
        return "listed"
    return "safe" if before.count("'") % 2 else "digits"


def names_table(before: str) -> bool:
    """Tell whether SQL names a table, a column or a role after this text, rather than giving a value."""
    return bool(_NAMES_TABLE.search(before))


def _json_place(whole: str) -> Literal["text", "number"] | None:
    """Say how a place stands in a word that is JSON; None where it is none."""
    stripped = whole.strip()
    if stripped[:1] not in ("{", "["):
        return None
    for shown, kind in ((_HERE, "text"), ("0", "number")):
        try:
            json.loads(stripped.replace(_HERE, shown), strict=False)
        except ValueError:
            continue
        return kind  # type: ignore[return-value]
    return None
