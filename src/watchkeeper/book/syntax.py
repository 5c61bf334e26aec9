"""Shell text by the grammar of tree-sitter-bash: text goes in, the calls it would make come out.

Error tolerant: what the grammar cannot read is reported as `broken`, and the calls around it are still given. Placeholders
such as `<pod-name>` would be read as redirections; they are hidden from the grammar and shown again in the words.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import cache, lru_cache
from typing import NamedTuple

import tree_sitter_bash
from tree_sitter import Language, Node, Parser

from watchkeeper.base.nouns import built_fast
from watchkeeper.book.doubt import changes_programs, doubt

#: `<name>`, `<Multi word>`; not `<file >out`, `<(cmd)`, `<<EOF`
ANGLE = re.compile(
    r"<(?<![<\w]<)(?!/|https?:|mailto:)(?=[^<>]*[^\W\d_])[^\W](?:[^<>\n|&;()$`\"'=]|(?<=\w)['’](?=\w)){0,60}(?<!\s)>(?!>)"
)


class Word(NamedTuple):
    """One word of a call, without its quotes; `static` where the shell would not change it."""

    text: str
    static: bool = True
    quoted: bool = False
    #: as the book has it, quotes and all; empty where no word of the book is meant
    raw: str = ""


@built_fast
@dataclass(frozen=True, slots=True)
class Call:
    """One simple command: its words with the program first, and what is joined to it."""

    words: tuple[Word, ...]
    #: files it writes by `>` and `>>`
    writes: tuple[str, ...] = ()
    #: among them by `>>`
    appends: bool = False
    #: what its standard input is: "file", "text" (here-document, here-string, a fixed echo) or "pipe"
    stdin: str | None = None
    stdin_text: str = ""
    assigned: tuple[str, ...] = ()
    #: the assignments before it (`PGHOST=db psql`) as the book has them
    settings: tuple[str, ...] = ()
    #: the parts of the pipeline before it, as the book has them
    fed_by: str = ""
    #: where it begins in the text, in bytes
    start: int = 0


@dataclass(slots=True)
class Script:
    """What a piece of shell text consists of."""

    calls: list[Call] = field(default_factory=list)
    #: variables that the text itself sets (assignments, `for`, `read`)
    sets: set[str] = field(default_factory=set)
    #: variables that the text uses
    uses: list[str] = field(default_factory=list)
    functions: set[str] = field(default_factory=set)
    #: functions that stand where every later call of the text can reach them: where they begin
    reachable: dict[str, int] = field(default_factory=dict)
    #: first and last byte of every function
    bodies: list[tuple[int, int]] = field(default_factory=list)
    #: what the text may have set a variable to, where the text says so itself
    values: dict[str, list[str]] = field(default_factory=dict)
    #: among them those that can be nothing else, by where they are set
    settled: dict[str, int] = field(default_factory=dict)
    broken: bool = False
    #: why the reading is not to be trusted, where that is so
    doubt: str | None = None
    #: byte offset of a trailing comment on the last line, None where there is none
    comment_at: int | None = None
    compound: bool = False


@cache
def parser() -> Parser:
    """Give the one parser of shell text."""
    return Parser(Language(tree_sitter_bash.language()))


def hide_placeholders(text: str) -> str:
    """Replace each `<placeholder>` by a word of the same length in bytes."""
    return ANGLE.sub(lambda found: "_" * len(found.group().encode()), text) if "<" in text else text


@lru_cache(maxsize=2048)
def read_script(text: str) -> Script:
    """Read shell text into its calls. The result is shared: leave it as it is."""
    source = text.encode("utf-8", "replace")
    hidden = hide_placeholders(text)
    tree = parser().parse(source if hidden is text else hidden.encode("utf-8", "replace"))
    root = tree.root_node
    reader = _Reader(source)
    reader.script.broken = root.has_error
    reader.visit(root)
    reader.script.doubt = doubt(text, source, root) or reader.doubt
    children = root.named_children
    if len(children) > 1 and children[-1].type == "comment":
        reader.script.comment_at = children[-1].start_byte
    reader.script.compound = any(child.type in _COMPOUND for child in children)
    return reader.script


_COMPOUND = frozenset(
    {"if_statement", "for_statement", "while_statement", "case_statement", "c_style_for_statement", "function_definition"}
)
#: what hands its redirections on to the calls within it
_PASSES_OUTPUT = frozenset(
    {"command", "pipeline", "compound_statement", "subshell", "list", "redirected_statement", "negated_command"}
)
_EXPANSIONS = frozenset({"simple_expansion", "expansion", "command_substitution", "process_substitution", "arithmetic_expansion"})


#: what every expansion and every assignment has in it
_COMPUTES = re.compile(rb"[$`(=]")
#: `((` that holds words rather than a sum: a subshell in a subshell, or nothing that a shell could read
_WORDS_IN_SUM = re.compile(r"\$?\(\([\s(]*(?:!\s*)?[A-Za-z_][\w./-]*\s+(?:\w|[-/.]+\w|['\"])")
_SUMS = frozenset({"arithmetic_expansion", "compound_statement"})
_NO_FILES = frozenset({"", "/dev/null", "/dev/stderr", "/dev/stdout", "/dev/tty", "-"})


_ESCAPED = re.compile(r"\\(.)")
_ESCAPED_IN_QUOTES = re.compile(r'\\(["\\`$])|\\\n')


_QUOTES = frozenset({"string", "raw_string", "ansi_c_string"})
_HIDDEN = str.maketrans("{,}", "\ue000\ue001\ue002")
_SHOWN = str.maketrans("\ue000\ue001\ue002", "{,}")
_BRACES = re.compile(r"(?<!\$)\{([^{}\s]*,[^{}\s]*)\}")
#: words that one word may become
_MOST_WORDS = 64


def _braced(text: str) -> list[str]:
    """Expand the lists in braces as the shell does.

    >>> _braced("a{b,c}d{e,f}"), _braced("{}")
    (['abde', 'abdf', 'acde', 'acdf'], ['{}'])
    """
    done: list[str] = []
    todo = [text]
    while todo and len(done) + len(todo) < _MOST_WORDS:
        one = todo.pop(0)
        found = _BRACES.search(one)
        if found is None:
            done.append(one)
            continue
        todo = [one[: found.start()] + part + one[found.end() :] for part in found.group(1).split(",")] + todo
    return done + todo


_ANSI = re.compile(r"\\(x[0-9a-fA-F]{1,2}|u[0-9a-fA-F]{1,4}|U[0-9a-fA-F]{1,8}|[0-7]{1,3}|c.|.)", re.DOTALL)
_ANSI_LETTERS = {"n": "\n", "t": "\t", "r": "\r", "a": "\a", "b": "\b", "e": "\x1b", "E": "\x1b", "f": "\f", "v": "\v"}


def _ansi(text: str) -> str:
    """Decode what stands in `$'…'`."""

    def letter(found: re.Match[str]) -> str:
        code = found.group(1)
        if code[0] in "xuU" and len(code) > 1:
            number = int(code[1:], 16)
            return chr(number) if number < 0x110000 and not 0xD800 <= number < 0xE000 else "\ufffd"
        if code[0] in "01234567":
            return chr(int(code, 8) & 0xFF)
        return _ANSI_LETTERS.get(code, code)

    return _ANSI.sub(letter, text)


class _Reader:
    def __init__(self, source: bytes) -> None:
        self.source = source
        self.script = Script()
        self.doubt: str | None = None

    def raw(self, node: Node) -> str:
        return self.source[node.start_byte : node.end_byte].decode("utf-8", "replace")

    def visit(self, node: Node) -> None:
        """Walk without recursion over sequences; only nesting recurses, and the grammar's nesting is bounded by the text's."""
        stack: list[tuple[Node, dict[str, object]]] = [(node, {})]
        while stack:
            current, joined = stack.pop()
            kind = current.type
            if kind == "command":
                self._command(current, joined)
                if _COMPUTES.search(self.source, current.start_byte, current.end_byte):
                    stack.extend((child, {}) for child in reversed(_substitutions(current)))
                continue
            if kind in ("declaration_command", "unset_command"):
                name = "unset" if kind == "unset_command" else "export"
                self.script.calls.append(Call((Word(name), *(Word(self.raw(c)) for c in current.named_children))))
            elif kind == "variable_assignment":
                self._assignment(current)
            elif kind == "function_definition":
                name_node = current.child_by_field_name("name")
                if name_node:
                    self._function(self.raw(name_node), current)
            elif kind == "for_statement":
                variable = current.child_by_field_name("variable")
                if variable:
                    self.script.sets.add(self.raw(variable))
                    values = [self._word(child) for child in current.children_by_field_name("value")]
                    self.script.values.setdefault(self.raw(variable), []).extend([one.text for one in values if one.static])
            elif kind in ("simple_expansion", "expansion"):
                self._use(current)
            elif kind == "redirected_statement":
                stack.extend(reversed(self._redirected(current, joined)))
                continue
            elif kind == "file_redirect":
                written: list[str] = []
                extra: dict[str, object] = {}
                self._file_redirect(current, written, extra)
                if written:
                    prints = current.parent is not None and current.parent.type == "function_definition"
                    idle = Word("test" if prints else ":")
                    self.script.calls.append(Call((idle,), writes=tuple(written), appends=bool(extra.get("appends"))))
            elif kind in _SUMS and _WORDS_IN_SUM.match(self.raw(current)):
                self.script.broken = True
            elif kind == "pipeline":
                stack.extend(reversed(self._pipeline(current, joined)))
                continue
            carried = {} if kind in _EXPANSIONS or not joined else joined
            stack.extend((child, carried) for child in reversed(current.children))

    def _function(self, name: str, node: Node) -> None:
        self.script.functions.add(name)
        self.script.bodies.append((node.start_byte, node.end_byte))
        parent = node.parent
        while parent is not None and parent.type in ("compound_statement", "function_definition", "redirected_statement"):
            parent = parent.parent
        if parent is None or parent.type == "program":
            self.script.reachable.setdefault(name, node.start_byte)

    def _assignment(self, node: Node) -> None:
        name = self.raw(node).split("=", 1)[0].rstrip("+").split("[")[0]
        script = self.script
        value = node.child_by_field_name("value")
        word = self._word(value) if value is not None else Word("")
        if changes_programs(name, self.raw(value) if value is not None else ""):
            self.doubt = self.doubt or f"{name} changes what programs do"
        if word.static and ("$(" in word.text or "`" in word.text):
            self.doubt = self.doubt or f"{name} is set to text that a shell could run"
        single = name not in script.sets
        alone = node.parent is None or node.parent.type != "command"
        if alone and word.text not in (f"${name}", f"${{{name}}}"):
            script.sets.add(name)
        if word.static:
            script.values.setdefault(name, []).append(word.text)
        if single and word.static and node.parent is not None and node.parent.type == "program":
            script.settled[name] = node.start_byte
        else:
            script.settled.pop(name, None)

    def _use(self, node: Node) -> None:
        name = next((self.raw(c) for c in node.children if c.type in ("variable_name", "special_variable_name")), "")
        if name:
            self.script.uses.append(name)

    def _redirected(self, node: Node, joined: dict[str, object]) -> list[tuple[Node, dict[str, object]]]:
        extra: dict[str, object] = dict(joined)
        later: list[tuple[Node, dict[str, object]]] = []
        writes: list[str] = list(joined.get("writes", ()))  # type: ignore[call-overload]
        body: Node | None = None
        for child in node.children:
            if child.type == "file_redirect":
                self._file_redirect(child, writes, extra)
                later.extend((part, {}) for part in child.named_children if part.type != "word")
            elif child.type == "heredoc_redirect":
                content = next((c for c in child.children if c.type == "heredoc_body"), None)
                said = self._heredoc(child, content)
                extra.update(stdin="text", stdin_text=said)
                if content is not None:
                    later.extend((part, {}) for part in _substitutions(content))
                copied = body is not None and self.raw(body) in ("cat", "cat -")
                fed: dict[str, object] = {"stdin": "text", "stdin_text": said} if copied else {"stdin": "pipe"}
                for part in child.children:
                    if part.type == "file_redirect":
                        self._file_redirect(part, writes, extra)
                    elif part.type not in ("heredoc_start", "heredoc_body", "heredoc_end", "<<", "<<-"):
                        piped = part.type in ("pipeline", "command", "subshell", "compound_statement", "while_statement")
                        later.append((part, fed if piped else {}))
            elif child.type == "herestring_redirect":
                words = [self._word(c) for c in child.named_children]
                fixed = all(word.static for word in words)
                extra.update(stdin="text" if fixed else "pipe", stdin_text=" ".join(word.text for word in words))
                later.extend((part, {}) for part in _substitutions(child))
            elif child.is_named and body is None:
                body = child
        first = [(body, extra)] if body is not None else []
        if body is not None and body.type not in _PASSES_OUTPUT:
            if writes:
                # what stands within prints into it, and nothing says that it prints nothing
                self.script.calls.append(Call((Word("test"),), writes=tuple(writes), appends=bool(extra.get("appends"))))
            writes = []
        extra["writes"] = tuple(writes)
        if body is None and writes:
            self.script.calls.append(Call((Word(":"),), writes=tuple(writes), appends=bool(extra.get("appends"))))
        return [*first, *later]

    def _heredoc(self, node: Node, content: Node | None) -> str:
        """Give a here-document's lines; the grammar takes first lines that begin with a backslash for arguments."""
        start = next((child for child in node.children if child.type == "heredoc_start"), None)
        end = next((child for child in node.children if child.type == "heredoc_end"), None)
        first = self.source.find(b"\n", start.end_byte) + 1 if start is not None else 0
        if first and end is not None:
            return self.source[first : end.start_byte].decode("utf-8", "replace")
        return self.raw(content) if content is not None else ""

    def _file_redirect(self, node: Node, writes: list[str], extra: dict[str, object]) -> None:
        operator = next((c.type for c in node.children if not c.is_named), "")
        destination = node.child_by_field_name("destination")
        target = self._word(destination).text if destination is not None else ""
        if operator in ("<", "<&"):
            if operator == "<" and target != "/dev/null":
                extra.update(stdin="file", stdin_text=target)
            elif target == "/dev/null":
                extra.update(stdin="null")
        elif target not in _NO_FILES and (operator not in (">&", "<&-", ">&-") or not target.lstrip("-").isdigit()):
            writes.append(target)
            extra["appends"] = operator == ">>"

    def _pipeline(self, node: Node, joined: dict[str, object]) -> list[tuple[Node, dict[str, object]]]:
        parts = [child for child in node.children if child.is_named]
        found: list[tuple[Node, dict[str, object]]] = []
        for number, part in enumerate(parts):
            extra: dict[str, object] = {}
            if number:
                fixed = self._fixed_output(parts[number - 1])
                before = self.source[node.start_byte : parts[number - 1].end_byte].decode("utf-8", "replace")
                extra = {"stdin": "pipe" if fixed is None else "text", "stdin_text": fixed or "", "fed_by": before}
            elif joined.get("stdin"):
                extra = {"stdin": joined["stdin"], "stdin_text": joined.get("stdin_text", "")}
            if number == len(parts) - 1 and joined.get("writes"):
                extra["writes"] = joined["writes"]
                extra["appends"] = joined.get("appends", False)
            found.append((part, extra))
        return found

    def _fixed_output(self, node: Node) -> str | None:
        """Give what a part of a pipeline prints where the text itself says so: `echo`, `printf`, `cat <<EOF`."""
        if node.type in ("subshell", "compound_statement", "list"):
            told = [self._fixed_output(child) for child in node.children if child.is_named]
            return "\n".join(one for one in told if one) if all(one is not None for one in told) else None
        if node.type == "redirected_statement":
            body = node.named_children[0] if node.named_children else None
            heredoc = next((child for child in node.children if child.type == "heredoc_redirect"), None)
            content = next((child for child in heredoc.children if child.type == "heredoc_body"), None) if heredoc else None
            static = content is not None and not _substitutions(content)
            return self.raw(content) if body and content and static and self.raw(body) in ("cat", "cat -") else None
        if node.type != "command":
            return None
        words = [self._word(child) for child in node.children if child.is_named]
        if words and words[0].text in ("echo", "printf") and all(word.static for word in words):
            return " ".join(word.text for word in words[1:] if not re.fullmatch(r"-[neE]+", word.text))
        return "" if words and words[0].text == "sleep" else None

    def _command(self, node: Node, joined: dict[str, object]) -> None:
        words: list[Word] = []
        settings: list[str] = []
        extra = dict(joined)
        writes: list[str] = list(joined.get("writes", ()))  # type: ignore[call-overload]
        for child in node.children:
            kind = child.type
            if kind == "variable_assignment":
                settings.append(self.raw(child))
            elif kind == "command_name":
                inner = child.children
                words += self._words(inner[0] if inner else child)
            elif kind == "file_redirect":
                self._file_redirect(child, writes, extra)
            elif kind == "herestring_redirect":
                fed = [self._word(c) for c in child.named_children]
                extra.update(
                    stdin="text" if all(word.static for word in fed) else "pipe", stdin_text=" ".join(word.text for word in fed)
                )
            elif kind != "ERROR":
                words += self._words(child)
        if words and words[0].text == "read":
            self.script.sets.update(w.text for w in words[1:] if re.fullmatch(r"[A-Za-z_]\w*", w.text))
        if words:
            stdin = extra.get("stdin")
            self.script.calls.append(
                Call(
                    tuple(words),
                    tuple(writes),
                    bool(extra.get("appends")),
                    str(stdin) if stdin else None,
                    str(extra.get("stdin_text", "")),
                    tuple([text.split("=", 1)[0] for text in settings]),
                    tuple(settings),
                    str(extra.get("fed_by", "")),
                    node.start_byte,
                )
            )

    def _words(self, node: Node) -> list[Word]:
        """Give the words that one becomes by its braces: `-{a,b}` is two."""
        word = self._word(node)
        if "{" not in word.text or word.quoted or not word.static or node.type not in ("word", "concatenation"):
            return [word]
        parts = node.children if node.type == "concatenation" else [node]
        shown = "".join(
            self._word(part).text.translate(_HIDDEN) if part.type in _QUOTES else self._word(part).text for part in parts
        )
        simple = node.type == "word" and "\\" not in word.raw
        return (
            [word._replace(text=text.translate(_SHOWN), raw=text if simple else "") for text in _braced(shown)]
            if _BRACES.search(shown)
            else [word]
        )

    def _word(self, node: Node) -> Word:
        kind, raw = node.type, self.raw(node)
        if kind == "raw_string":
            return Word(raw[1:-1], quoted=True, raw=raw)
        if kind == "string":
            inner = raw[1:-1]
            dynamic = any(child.type in _EXPANSIONS for child in node.children)
            inner = _ESCAPED_IN_QUOTES.sub(r"\1", inner) if "\\" in inner else inner
            return Word(inner, static=not dynamic, quoted=True, raw=raw)
        if kind == "ansi_c_string":
            return Word(_ansi(raw[2:-1]), quoted=True, raw=raw)
        if kind == "concatenation":
            parts = [self._word(child) for child in node.children]
            return Word("".join(part.text for part in parts), all(part.static for part in parts), raw=raw)
        if kind in _EXPANSIONS:
            return Word(raw, static=False, raw=raw)
        return Word(_ESCAPED.sub(r"\1", raw) if "\\" in raw else raw, raw=raw)


def _substitutions(node: Node) -> list[Node]:
    """Give the nodes inside a command that run something or use a variable."""
    found: list[Node] = []
    stack = list(reversed(node.children))
    while stack:
        current = stack.pop()
        if current.type in (
            "command_substitution",
            "process_substitution",
            "simple_expansion",
            "expansion",
            "variable_assignment",
            "arithmetic_expansion",
        ):
            found.append(current)
        else:
            stack.extend(reversed(current.children))
    return found
