"""Holds SQL in the book's own shell words: what reads cannot write, and a script stops at its first error.

A rendered shell script enters; it leaves with options put beside the words that start psql, mysql or mariadb, behind wrappers
and in the quotes of another shell as well. Places are found by the grammar; no word of the book is changed. Pure.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from tree_sitter import Node

from watchkeeper.book.syntax import Word, parser
from watchkeeper.book.unwrap import take_off
from watchkeeper.run.values.nested import read_again_as

#: the variable by which psql is told, wherever it finds its server
PGOPTIONS = "PGOPTIONS"
_PSQL, _MYSQL = frozenset({"psql"}), frozenset({"mysql", "mariadb"})
_STATED = re.compile(r"-[tAqXxEnebsS1]*c.*|--command(?:=.*)?|-l|--list|--version|-V|--help|-\?")
_FILE = re.compile(r"-[tAqXxEnebsS1]*f.*|--file(?:=.*)?")
#: options that mysql takes in the first place only
_FIRST = re.compile(r"--(?:no-)?(?:defaults|login-path)\b.*|--print-defaults")
_WRITES_REFUSED = re.compile(
    r"cannot execute .{1,80} in a read-only transaction|Cannot execute statement in a READ ONLY transaction|read-only option",
    re.IGNORECASE,
)
_TOO_LONG = re.compile(r"canceling statement due to statement timeout|max_statement_time exceeded|ERROR (?:1969|3024)\b")
_DEEPEST = 4


def read_only(limit_s: float) -> str:
    """Give PGOPTIONS under which nothing writes and no statement lasts longer than this."""
    return f"-c default_transaction_read_only=on -c statement_timeout={max(1, int(limit_s * 1000))}"


def mysql_read_only(limit_s: float) -> str:
    """Give the statement that holds a session of MariaDB, or of MySQL from 5.7.20 on, to the same; each reads its own half."""
    ms = max(1, int(limit_s * 1000))
    own = f"/*M!100104 tx_read_only=1, max_statement_time={ms / 1000:g} */"
    return f"SET SESSION {own} /*!50720 transaction_read_only=1, max_execution_time={ms} */"


def guarded(script: str, limit_s: float, *, reads: bool) -> str:
    """Put the options beside each client of a script; `reads` where nothing of it may write.

    >>> guarded("psql -f fix.sql", 60, reads=False)
    'psql -v ON_ERROR_STOP=1 -f fix.sql'
    """
    source = script.encode()
    if not any(name in source for name in (b"psql", b"mysql", b"mariadb")):
        return script
    for offset, text in sorted(_edits(source, _Level(limit_s, reads)), reverse=True):
        source = source[:offset] + text.encode() + source[offset:]
    return source.decode()


def refusal(output: str) -> str | None:
    """Say that the database refused a text that was taken for one that only reads; None where it did not."""
    if _WRITES_REFUSED.search(output):
        return (
            "It was taken for a look, so it ran in a read-only transaction, and the database refused to write: nothing changed."
        )
    if _TOO_LONG.search(output):
        return "The database stopped it at the time limit of the target."
    return None


@dataclass(frozen=True, slots=True)
class _Level:
    """One shell's text: what it is held to, and how what is put in has to be written there."""

    limit_s: float
    reads: bool
    depth: int = 0
    #: what stands in the quotes of another shell does not get the environment of the job for sure
    elsewhere: bool = False
    quoted: bool = False


def _edits(source: bytes, level: _Level) -> Iterator[tuple[int, str]]:
    root = parser().parse(source).root_node
    if root.has_error or level.depth > _DEEPEST:
        return
    nodes = [root]
    while nodes:
        node = nodes.pop()
        nodes.extend(node.children)
        if node.type == "command":
            yield from _of_command(source, node, level)


def _of_command(source: bytes, node: Node, level: _Level) -> Iterator[tuple[int, str]]:
    raw = [source[child.start_byte : child.end_byte].decode("utf-8", "replace") for child in node.named_children]
    own = [
        (child, text)
        for child, text in zip(node.named_children, raw, strict=True)
        if child.type not in ("variable_assignment", "file_redirect", "herestring_redirect", "heredoc_redirect", "comment")
    ]
    texts = [_plain(text) for _, text in own]
    set_here = any(
        text.startswith(f"{PGOPTIONS}=") for text in (*texts, *raw[: len(raw) - len(own)])
    )  # the book's own options stay as they are
    at, ssh = _program(texts)
    if at is not None:
        name = texts[at].rsplit("/", 1)[-1]
        yield from _of_client(own, texts, at, name, level, wrapped=at > 0, ssh=ssh, told=set_here)
        return
    for place, (child, text) in enumerate(own):
        if place and child.type in ("raw_string", "string") and read_again_as(texts, place)[0] == "sh":
            inner, offsets = _inside(text.encode(), child.type == "string")
            deeper = _Level(level.limit_s, level.reads, level.depth + 1, elsewhere=True, quoted=True)
            yield from ((child.start_byte + offsets[offset], put) for offset, put in _edits(inner, deeper))


def _program(texts: Sequence[str]) -> tuple[int | None, bool]:
    """Find the client that a command starts behind its wrappers; whether ssh gives its words to a shell once more."""
    at, ssh = 0, False
    name = texts[0].rsplit("/", 1)[-1] if texts else ""
    for _ in range(12):
        if name in _PSQL or name in _MYSQL:
            return at, ssh
        ssh = ssh or name in ("ssh", "autossh")
        if name in ("ssh", "autossh"):
            _, first = read_again_as([*texts, ""], len(texts))
            if first >= len(texts):
                return None, ssh
            at, name = first, texts[first].rsplit("/", 1)[-1]
            continue
        rest = take_off(name, [Word(text) for text in texts[at + 1 :]])
        if not rest:
            return None, ssh
        if rest[0].text == "docker compose" and name == "docker":
            at, name = len(texts) - len(rest), "docker compose"
            continue
        at = len(texts) - len(rest)
        name = rest[0].text.rsplit("/", 1)[-1]
    return None, ssh


def _of_client(
    own: Sequence[tuple[Node, str]],
    texts: Sequence[str],
    at: int,
    name: str,
    level: _Level,
    *,
    wrapped: bool,
    ssh: bool,
    told: bool,
) -> Iterator[tuple[int, str]]:
    node, words = own[at][0], texts[at + 1 :]
    if ssh and level.quoted:
        return
    twice = 2 if ssh else 1
    if name in _MYSQL:
        if level.reads and not any(word.startswith("--init-command") for word in words):
            last = next((k for k, word in enumerate(words) if not _FIRST.fullmatch(word)), len(words))
            yield own[at + last][0].end_byte, f" --init-command={_escaped(mysql_read_only(level.limit_s), twice)}"
        return
    if level.reads and not told and (wrapped or level.elsewhere):
        yield node.start_byte, f"env {PGOPTIONS}={_escaped(read_only(level.limit_s), twice)} "
    scripted = any(map(_FILE.fullmatch, words)) or not any(map(_STATED.fullmatch, words))
    if scripted and not any("ON_ERROR_STOP" in word for word in words):
        yield node.end_byte, " -v ON_ERROR_STOP=1"


def _escaped(text: str, times: int) -> str:
    """Write a text as one word by backslashes: quotes around it, whichever they are, leave those to the shell within."""
    for _ in range(times):
        text = re.sub(r"([^\w\-=,./])", r"\\\1", text)
    return text


def _inside(raw: bytes, double: bool) -> tuple[bytes, list[int]]:
    """Give what stands in quotes as the inner shell reads it, and where each of its bytes stands in the quoted text."""
    text, offsets, at = bytearray(), [], 1
    while at < len(raw) - 1:
        offsets.append(at)
        if double and raw[at : at + 1] == b"\\" and raw[at + 1 : at + 2] in (b'"', b"\\", b"$", b"`"):
            at += 1
        text += raw[at : at + 1]
        at += 1
    return bytes(text), [*offsets, at]


def _plain(raw: str) -> str:
    return raw[1:-1] if len(raw) > 1 and raw[0] in "'\"" and raw[-1] == raw[0] else raw
