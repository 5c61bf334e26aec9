"""An endless or interactive look has a twin that ends by itself: `tail -f` -> `tail -n 200`, `top` -> `top -bn1`. Pure.

A command of the book enters; a command that reads the same and ends leaves, or None where none is known. Only the words of the
programs we know are changed, where they stand; everything else keeps its letters. The twin is judged by the same rules as any
command of a book, and is given only where those call it reading and ending.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TypeAlias

from tree_sitter import Node

from watchkeeper.book.commands import make_command
from watchkeeper.book.model import Command
from watchkeeper.book.syntax import hide_placeholders, parser

Words: TypeAlias = list[str]
#: how much of a log is looked at
TAIL = "200"
_FOLLOW = frozenset({"-f", "-F", "--follow", "--follow=true", "--tail-follow"})
#: options of curl by which it tells of the answer in its own way, or of several; where the body goes is no matter
_OWN_WAY = (
    *("--write-out", "--include", "--head", "--verbose"),
    *("--remote-name", "--config", "--next", "--parallel"),
)
_WATCH = frozenset({"-w", "--watch", "--watch=true"})


def twin_of(command: Command) -> Command | None:
    """Give the bounded twin of an endless or interactive command that reads; None where none is known."""
    if command.language != "bash" or not (command.endless or command.interactive):
        return None
    text = _rewritten(command.text)
    if text is None:
        return None
    made = make_command(text, command.line, "bash")
    if made.risk != "read" or made.endless or made.interactive:
        return None
    kept = {"purpose": command.purpose, "alternative": command.alternative, "expects": command.expects, "file": command.file}
    return replace(made, **kept)  # type: ignore[arg-type]


def stating_twin_of(command: Command) -> Command | None:
    """Give the twin of a lone `curl` that also prints the status of the answer; None where it fails or prints one by itself.

    curl is content with any answer, a 500 too, unless it was told to fail. In a pipeline the next program reads what it prints,
    so there it stays as it is.
    """
    if command.language != "bash" or command.risk != "read" or command.tools != ("curl",):
        return None
    tree = parser().parse(command.text.encode())
    nodes = _commands(tree.root_node)
    if tree.root_node.has_error or len(nodes) != 1 or (nodes[0].start_byte, nodes[0].end_byte) != (0, len(command.text.encode())):
        return None
    words = [command.text.encode()[child.start_byte : child.end_byte].decode() for child in nodes[0].named_children]
    if words[0] != "curl" or any(_tells_status(word) for word in words[1:]):
        return None
    return replace(command, text=" ".join([*words, "-w", r"'\nHTTP status %{http_code}\n'"]))


def _tells_status(word: str) -> bool:
    bundle = word[1:] if word[:1] == "-" and word[1:2] != "-" else ""
    return bool(set(bundle) & set("wiIvOK#:")) or word.startswith(_OWN_WAY)


def _rewritten(text: str) -> str | None:
    """Rewrite each command in a text where it stands; None where nothing was to be rewritten or the text does not parse."""
    source = text.encode()
    # the placeholders are hidden under as many bytes, so that what is parsed and what is written have the same places
    hidden = hide_placeholders(text).encode()
    tree = parser().parse(hidden if len(hidden) == len(source) else source)
    if tree.root_node.has_error:
        return None
    edits: list[tuple[int, int, str]] = []
    for node in _commands(tree.root_node):
        words = [source[child.start_byte : child.end_byte].decode() for child in node.named_children]
        new = _bounded(words)
        if new is not None and new != words:
            edits.append((node.start_byte, node.end_byte, " ".join(new)))
    for start, end, new_text in sorted(edits, reverse=True):
        source = source[:start] + new_text.encode() + source[end:]
    return source.decode() if edits else None


def _commands(node: Node) -> list[Node]:
    if node.type == "command":
        return [node]
    return [found for child in node.named_children for found in _commands(child)]


def _bounded(words: Words) -> Words | None:
    """Give the words of a bounded command, whatever it is wrapped in; None where nothing is known of it."""
    for at, word in enumerate(words):
        rule = _RULES.get(word.rsplit("/", 1)[-1])
        if rule is not None and (at == 0 or _is_wrapper(words[:at])):
            new = rule(words[at:])
            if new is not None:
                return [*words[:at], *new]
    return None


def _is_wrapper(before: Words) -> bool:
    return before[0] in ("sudo", "time", "nice", "ionice", "env") or before[-1] == "--" or "exec" in before[:3]


def _tail(words: Words) -> Words:
    kept = [word for word in words if word not in _FOLLOW and word != "--retry"]
    bounded = any(word.startswith(("-n", "-c", "--lines", "--bytes")) or word[1:].isdigit() for word in kept[1:])
    return kept if bounded else [kept[0], "-n", TAIL, *kept[1:]]


def _logs(words: Words) -> Words | None:
    """Bound `docker logs`, `docker compose logs`, `kubectl logs` and `get -w`, and `docker stats`."""
    verbs = [word for word in words[1:] if not word.startswith("-")]
    if "exec" in verbs[:2]:
        return None
    if "stats" in verbs[:2]:
        return [*words, "--no-stream"]
    if "get" in verbs[:1]:
        return [word for word in words if word not in _WATCH]
    if "logs" not in words:
        return None
    kept = [word for word in words if word not in _FOLLOW]
    # -n is a number of lines for docker, and a namespace for kubectl
    limits = ("--tail", "--since") if words[0] in ("kubectl", "oc") else ("--tail", "-n", "--since", "--until")
    if any(word.startswith(limits) for word in kept):
        return kept
    at = kept.index("logs") + 1
    return [*kept[:at], f"--tail={TAIL}", *kept[at:]]


def _journal(words: Words) -> Words:
    kept = [word for word in words if word not in _FOLLOW]
    many = any(word.startswith(("-n", "--lines", "--since", "-S")) for word in kept)
    return [*kept, *([] if many else ["-n", TAIL]), *([] if "--no-pager" in kept else ["--no-pager"])]


def _top(words: Words) -> Words:
    own = words[1:] if words[0] == "top" else []
    return ["top", "-b", "-n", "1", *(word for word in own if word[1:2] in ("p", "u", "H", "o") or not word.startswith("-"))]


def _watch(words: Words) -> Words | None:
    at = 1
    while at < len(words) and words[at].startswith("-"):
        at += 2 if words[at] in ("-n", "--interval") else 1
    command = words[at:]
    if len(command) == 1 and command[0][:1] in "'\"" and command[0][:1] == command[0][-1:]:
        # a quoted list or pipeline would mean something else among the words around it, and quotes inside it other words
        inside = command[0][1:-1]
        command = [] if set(inside) & set("$`\\;&|<>()'\"\n") else inside.split()
    return _bounded(command) or command or None


def _counted(*unless: str) -> Callable[[Words], Words]:
    return lambda words: words if any(word in unless for word in words) else [words[0], unless[0], "4", *words[1:]]


def _sampled(words: Words) -> Words:
    """Bound vmstat and its kin: an interval without a count gets a count of three."""
    numbers = [word for word in words[1:] if word.isdigit()]
    return [*words, "3"] if len(numbers) == 1 else words


def _paged(words: Words) -> Words:
    return ["head", "-n", "500", *(word for word in words[1:] if not word.startswith(("-", "+")))]


_RULES: dict[str, Callable[[Words], Words | None]] = {
    "tail": _tail,
    "docker": _logs, "docker-compose": _logs, "podman": _logs, "nerdctl": _logs, "kubectl": _logs, "oc": _logs,
    "journalctl": _journal,
    "top": _top, "htop": _top, "atop": _top,
    "watch": _watch,
    "ping": _counted("-c"), "ping6": _counted("-c"),
    "vmstat": _sampled, "iostat": _sampled, "mpstat": _sampled, "sar": _sampled, "pidstat": _sampled,
    "less": _paged, "more": _paged,
}  # fmt: skip
