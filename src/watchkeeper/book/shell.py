"""The commands of a fence or of inline code: text goes in, logical commands with tools, target, risk and slots come out.

A pipeline, an `a && b` list, a here-document, an `if … fi` or a whole SQL statement is one command. The fence's tag is a hint
only: SQL, psql, Redis, Python and prose occur in `bash` fences and are told apart line by line. Prompts are taken off,
pasted output is left out, comments become purposes. Nothing here runs anything, and no input raises.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal, TypeAlias

from watchkeeper.book.cutter import statement_end
from watchkeeper.book.fence_lines import LineKind, is_redis, kind_of_line, numbered_text, prompt, startable
from watchkeeper.book.model import Command
from watchkeeper.book.programs import find
from watchkeeper.book.risk import SQL_CLIENTS, assess, assess_unwrapped
from watchkeeper.book.slots import env_names, marked_slots
from watchkeeper.book.sql import cut_statements, looks_like_sql, statement_ends
from watchkeeper.book.syntax import Script
from watchkeeper.book.unwrap import Started, Unwrapped, acts_on, is_placeholder, unwrap_text

EntryKind: TypeAlias = Literal["command", "comment", "step", "output"]

SHELL_TAGS = frozenset({"bash", "sh", "shell", "zsh", "console", "shell-session", "shellsession", "terminal", "cmd", "bat", "ksh", "fish", "ash", "sh-session", "bash-session", "batch", "dos"})
SQL_TAGS = frozenset({"sql", "psql", "pgsql", "postgresql", "postgres", "mysql", "plpgsql", "tsql", "sqlite", "mariadb", "mssql", "clickhouse", "cql"})
PYTHON_TAGS = frozenset({"python", "py", "python3", "pycon", "ipython"})
PLAIN_TAGS = frozenset({"", "text", "txt", "plaintext", "plain", "none", "code", "raw", "example"})
_BUILTINS = frozenset(": [ test true false echo printf cd pushd popd export set unset shopt local declare readonly typeset alias exit return break continue wait shift trap umask read let source . sleep".split())
_OR = re.compile(r"^(?:or|alternatively|alternative|oder|ou|o bien|oppure|lub|または|或者|또는)\b[\s:.,-]*", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing in a fence: a command, a comment, a numbered instruction, or a line of output."""

    kind: EntryKind
    line: int
    text: str
    command: Command | None = None
    #: a comment at the end of the command's own line
    remark: str = ""
    #: whether a blank line stands before it
    apart: bool = False
    #: line of its last line
    end_line: int = 0


def read_commands(source: str, line: int = 1, language: str = "bash") -> tuple[Command, ...]:
    """Read the commands of a fence whose first line is `line`; none for configuration, output and application code."""
    entries = read_entries(source, line, language)
    found: list[Command] = []
    purpose: str | None = None
    for entry in entries:
        if entry.kind == "comment":
            purpose = entry.text
        elif entry.command is not None:
            found.append(replace(entry.command, purpose=entry.command.purpose or entry.remark or purpose))
    return tuple(found)


def read_entries(source: str, line: int = 1, language: str = "bash") -> tuple[Entry, ...]:
    """Read everything in a fence, in the order of its lines."""
    tag = re.split(r"[\s{,:]", language.strip().lower(), maxsplit=1)[0].lstrip(".")
    lines = source.split("\n")
    if tag in SQL_TAGS:
        return tuple(_sql_fence(source, line))
    if tag == "redis":
        return tuple(_plain_lines(lines, line, "redis"))
    if tag in ("powershell", "pwsh", "ps1", "posh", "ps"):
        return tuple(_powershell(lines, line))
    if tag in ("javascript", "js", "mongodb", "mongo", "mongosh"):
        if any(kind_of_line(text, strict=True, before=None) == "mongodb" for text in lines[:40]):
            return tuple(_Fence(lines, line, strict=True).entries())
        return ()
    if tag in PYTHON_TAGS:
        return tuple(_python_fence(lines, line))
    if tag in SHELL_TAGS:
        return tuple(_Fence(lines, line, strict=False).entries())
    if tag in PLAIN_TAGS:
        return tuple(_untagged(lines, line))
    return ()


def read_inline(text: str, line: int = 1) -> Command | None:
    """Read a code span as a command; None where it only names something."""
    text = text.strip().replace("\n", " ")
    typed = prompt(text)
    if typed and typed[0] == "bash":
        text = typed[1]
    if len(text) < 2 or text.startswith(("http://", "https://", "#", "--", "/*")):
        return None
    if looks_like_sql(text) and len(text.split()) > 1:
        return _command(text, line, "sql")
    if is_redis(text) and len(text.split()) > 1 and not re.fullmatch(r"[A-Z]+ [A-Z]+", text):
        return _command(text, line, "redis")
    if " " not in text and not re.match(r"^\.{1,2}/\S+\.\w+$|^/\S+\.(?:sh|py)$", text):
        return None
    if not startable(text, strict=True) or re.match(r"^[A-Za-z_]\w*=", text) or text.rstrip().endswith(("…", "...")) or re.search(r"\s\*\s*$", text):
        return None
    if re.fullmatch(r"[\w.-]+ [a-z][\w-]*", text):
        first, second = text.split()
        program = find(first)
        if program is None or (program.risk(program.arguments([second]))[0] is None):
            return None
    return _command(text, line, "bash")


class _Fence:
    """A fence read line by line."""

    def __init__(self, lines: Sequence[str], line: int, *, strict: bool) -> None:
        self.lines = list(lines)
        self.first = line
        self.strict = strict
        self.session = any(prompt(text) for text in self.lines)
        self.found: list[Entry] = []
        self.sets: set[str] = set()

    def entries(self) -> list[Entry]:
        """Read all lines."""
        position, apart = 0, False
        before: LineKind | None = None
        while position < len(self.lines):
            text = self.lines[position]
            if self.session:
                typed = prompt(text)
                if typed:
                    position = self._typed(position, *typed)
                    continue
                if not text.lstrip().startswith("#"):
                    position += 1
                    continue
            kind = kind_of_line(text, strict=self.strict, before=before)
            if kind == "blank":
                apart = True
                position += 1
                continue
            size = len(self.found)
            position = self._statement(position, kind)
            if apart and len(self.found) > size:
                self.found[size] = replace(self.found[size], apart=True)
            apart = False
            before = kind if kind != "comment" else before
        return self.found

    def _statement(self, position: int, kind: LineKind) -> int:
        number, text = self.first + position, self.lines[position]
        if kind == "comment":
            said = re.sub(r"^(?:#+|//+|--|/\*)\s*|\s*\*/$", "", text.strip()).strip()
            if said and not text.strip().startswith("#!") and not said.startswith("!/"):
                self.found.append(Entry("comment", number, said, end_line=number))
            return position + 1
        if kind == "shell":
            return self._shell(position)
        if kind == "sql":
            return self._sql(position)
        if kind == "python":
            return self._python(position)
        if kind == "numbered":
            self._numbered(number, numbered_text(text))
            return position + 1
        if kind in ("psql", "redis", "mongodb", "powershell"):
            end = position + 1
            if kind in ("mongodb", "powershell"):
                end = _balanced(self.lines, position)
            body = "\n".join(self.lines[position:end]).strip()
            self._add(body if kind != "redis" else re.sub(r"\s+#\s.*$", "", body), number, kind, self.first + end - 1)
            return end
        self.found.append(Entry("output", number, text.strip(), end_line=number))
        return position + 1

    def _shell(self, position: int) -> int:
        end, complete = statement_end(self.lines, position)
        body = "\n".join(self.lines[position:end])
        self._add_shell(body, self.first + position, self.first + end - 1, complete=complete)
        return end

    def _add_shell(self, body: str, number: int, end_line: int, *, complete: bool = True) -> None:
        indent = len(body) - len(body.lstrip(" \t"))
        text = body.strip()
        if indent and "<<" not in text:
            text = "\n".join(part[indent:] if part[:indent].isspace() else part for part in body.split("\n")).strip()
        remark = ""
        found, script = unwrap_text(text)
        if script.comment_at is not None and not script.compound:
            encoded = text.encode()
            remark = encoded[script.comment_at :].decode("utf-8", "replace").lstrip("# ").strip()
            text = encoded[: script.comment_at].decode("utf-8", "replace").rstrip()
        self.sets |= script.sets
        command = _shell_command(text, number, found, script, self.sets)
        if command:
            self.found.append(Entry("command", number, text, command, remark, end_line=end_line))

    def _sql(self, position: int) -> int:
        end, quotes = position, 0
        while end < len(self.lines):
            text = self.lines[end]
            if end > position and quotes % 2 == 0:
                if not text.strip() and end + 1 < len(self.lines) and kind_of_line(self.lines[end + 1], strict=True, before="sql") in ("shell", "sql", "comment", "blank"):
                    break
                if re.match(r"^\s*#", text) or (end > position and not text[:1].isspace() and kind_of_line(text, strict=True, before="sql") in ("shell", "psql") and first_is_program(text)):
                    break
            finished, quotes = statement_ends(text, quotes)
            end += 1
            if finished:
                break
        body = "\n".join(self.lines[position:end]).strip()
        for offset, statement in cut_statements(body):
            self._add(statement, self.first + position + offset, "sql", self.first + end - 1)
        return end

    def _python(self, position: int) -> int:
        end = position + 1
        while end < len(self.lines):
            text = self.lines[end]
            if text.strip() and not text[0].isspace() and kind_of_line(text, strict=True, before="python") in ("shell", "sql") and not re.match(r"\w+\s*=\s", text):
                break
            end += 1
        while end > position + 1 and (not self.lines[end - 1].strip() or self.lines[end - 1].startswith("#")):
            end -= 1
        self._add("\n".join(self.lines[position:end]).rstrip(), self.first + position, "python", self.first + end - 1)
        return end

    def _numbered(self, number: int, text: str) -> None:
        label, colon, rest = text.partition(": ")
        if colon and startable(rest.strip("`"), strict=True):
            found, script = unwrap_text(rest.strip("`"))
            command = _shell_command(rest.strip("`"), number, found, script, self.sets)
            if command:
                self.found.append(Entry("command", number, rest, replace(command, purpose=label.strip()), end_line=number))
                return
        if startable(text.strip("`"), strict=True):
            self._add_shell(text.strip("`"), number, number)
            return
        self.found.append(Entry("step", number, text, end_line=number))

    def _typed(self, position: int, language: str, typed: str) -> int:
        number = self.first + position
        if language != "bash":
            end = position + 1
            body = [typed]
            while end < len(self.lines) and language == "sql" and not body[-1].rstrip().endswith((";", "\\G")) and not typed.startswith("\\") and not prompt(self.lines[end]) and self.lines[end].strip():
                body.append(self.lines[end])
                end += 1
            kind = "psql" if typed.startswith("\\") else language
            self._add("\n".join(body), number, kind, self.first + end - 1)
            return end
        rest = [typed, *self.lines[position + 1 : position + 60]]
        used, complete = statement_end(rest, 0)
        body_lines = [typed, *(re.sub(r"^> ", "", text) for text in rest[1:used])]
        if not typed.lstrip().startswith("#"):
            self._add_shell("\n".join(body_lines), number, self.first + position + used - 1, complete=complete)
        else:
            self.found.append(Entry("comment", number, typed.lstrip("# ").strip(), end_line=number))
        return position + used

    def _add(self, text: str, number: int, language: str, end_line: int) -> None:
        self.found.append(Entry("command", number, text, _command(text, number, language), end_line=end_line))


def first_is_program(line: str) -> bool:
    """Say whether a line starts with a program that is no English or SQL word."""
    word = line.split()[0] if line.split() else ""
    return "/" in word or (find(word.rsplit("/", 1)[-1]) is not None and word.islower() and word not in ("where", "from", "and", "or", "order", "group", "limit", "join"))


def _sql_fence(source: str, line: int) -> list[Entry]:
    lines = source.split("\n")
    first = next((text for text in lines if text.strip() and not text.lstrip().startswith(("--", "#", "/*"))), "")
    if prompt(first) or (startable(first, strict=True) and not looks_like_sql(first)):
        return _Fence(lines, line, strict=True).entries()
    found: list[Entry] = []
    position = 0
    pending: list[str] = []
    begins = 0

    def flush() -> None:
        for offset, statement in cut_statements("\n".join(pending)):
            found.append(Entry("command", line + begins + offset, statement, _command(statement, line + begins + offset, "sql")))
        pending.clear()

    open_quote = False
    for position, text in enumerate(lines):
        stripped = text.strip()
        if not open_quote and stripped.startswith(("--", "#", "//")):
            flush() if not pending or ";" in pending[-1] else None
            if not pending:
                said = stripped.lstrip("-#/ ").strip()
                if said:
                    found.append(Entry("comment", line + position, said, end_line=line + position))
                begins = position + 1
                continue
        if not open_quote and stripped.startswith("\\") and (not pending or not "".join(pending).strip()):
            pending.clear()
            found.append(Entry("command", line + position, stripped, _command(stripped, line + position, "psql")))
            begins = position + 1
            continue
        if not open_quote and not stripped and pending and _next_begins(lines, position):
            flush()
            begins = position + 1
            continue
        if not pending:
            begins = position
        pending.append(text)
        open_quote ^= (re.sub(r"--.*$", "", text).count("'") % 2) == 1
    flush()
    return found


def _next_begins(lines: Sequence[str], position: int) -> bool:
    following = next((text for text in lines[position + 1 : position + 6] if text.strip()), "")
    return looks_like_sql(following) or following.lstrip().startswith("--")


def _plain_lines(lines: Sequence[str], line: int, language: str) -> list[Entry]:
    found: list[Entry] = []
    for offset, text in enumerate(lines):
        typed = prompt(text)
        stripped = typed[1] if typed else text.strip()
        if not stripped:
            continue
        if stripped.startswith(("#", "//")):
            found.append(Entry("comment", line + offset, stripped.lstrip("#/ ").strip()))
        elif stripped.split()[0].upper() in {word.upper() for word in _redis_first()} or startable(stripped, strict=True):
            used = "bash" if not is_redis(stripped.upper().split()[0] + " x") and startable(stripped, strict=True) else language
            found.append(Entry("command", line + offset, stripped, _command(stripped, line + offset, used)))
    return found


def _redis_first() -> frozenset[str]:
    program = find("redis-cli")
    return frozenset(p.words[0] for _, group in program.risks for p in group if p.words) if program else frozenset()


def _powershell(lines: Sequence[str], line: int) -> list[Entry]:
    found: list[Entry] = []
    position = 0
    while position < len(lines):
        stripped = lines[position].strip()
        number = line + position
        if not stripped:
            position += 1
            continue
        if stripped.startswith("#"):
            found.append(Entry("comment", number, stripped.lstrip("# ").strip(), end_line=number))
            position += 1
            continue
        end = _balanced(lines, position)
        body = "\n".join(lines[position:end]).strip()
        found.append(Entry("command", number, body, _command(body, number, "powershell"), end_line=line + end - 1))
        position = end
    return found


def _balanced(lines: Sequence[str], position: int) -> int:
    """Give the index after a statement that may go on in brackets, after a pipe, a comma or a backtick."""
    depth = 0
    for end in range(position, min(len(lines), position + 200)):
        text = re.sub(r"\"[^\"]*\"|'[^']*'", "", lines[end])
        depth += sum(text.count(char) for char in "({[") - sum(text.count(char) for char in ")}]")
        following = lines[end + 1].strip() if end + 1 < len(lines) else ""
        if depth <= 0 and not lines[end].rstrip().endswith(("`", "|", ",")) and not following.startswith((".", "|")):
            return end + 1
    return position + 1


def _python_fence(lines: Sequence[str], line: int) -> list[Entry]:
    """Read a fence tagged Python: application code is no command, but shell lines and what follows them at a prompt are."""
    first = next((text for text in lines if text.strip() and not text.lstrip().startswith("#")), "")
    if first.lstrip().startswith(">>>") or (startable(first, strict=True) and not re.match(r"^\s*[\w.]+\s*=|^\s*(?:import|from)\s|.*\)\s*$", first) and kind_of_line(first, strict=True, before=None) == "shell"):
        return _Fence(lines, line, strict=True).entries()
    return []


def _untagged(lines: Sequence[str], line: int) -> list[Entry]:
    entries = _Fence(lines, line, strict=True).entries()
    commands = [entry for entry in entries if entry.kind == "command"]
    other = [entry for entry in entries if entry.kind == "output"]
    steps = [entry for entry in entries if entry.kind == "step"]
    session = any(prompt(text) for text in lines)
    if not commands:
        return [entry for entry in entries if entry.kind in ("step", "comment", "output")] if steps else []
    first = next((entry for entry in entries if entry.kind in ("command", "output", "step")), None)
    if session or (first is not None and first.kind == "command" and len(other) <= 2 * len(commands)) or len(commands) > len(other):
        return entries
    return [entry for entry in entries if entry.kind != "command" or entry.command is None] if steps else []


def _command(text: str, line: int, language: str) -> Command:
    if language == "bash":
        found, script = unwrap_text(text)
        command = _shell_command(text, line, found, script, set())
        if command:
            return command
    tools = {"sql": ("sql",), "redis": ("redis-cli",), "psql": ("psql",), "python": ("python",), "mongodb": ("mongosh",)}.get(language, ())
    if language == "powershell":
        tools = tuple(dict.fromkeys(re.findall(r"(?:^|[|;\n(]\s*|=\s*)([A-Z][A-Za-z]+-[A-Z]\w+)", text))) or tuple(text.split()[:1])
    risk, because = assess(text, language)
    endless = language == "redis" and bool((program := find("redis-cli")) and program.never_returns(program.arguments(text.split())))
    return Command(line=line, text=text, language=language, tools=tools, risk=risk, because=because, endless=endless, placeholders=_slots(text, set(), shell=language != "python"))


def _shell_command(text: str, line: int, found: Unwrapped, script: Script, sets: set[str]) -> Command | None:
    if not text.strip():
        return None
    risk, because = assess_unwrapped(found)
    names = list(dict.fromkeys(started.name for started in found.started))
    working = [name for name in names if name not in _BUILTINS]
    interactive = found.interactive or any(_waits(started) for started in found.started if not started.wrapper)
    timed = any(started.name in ("timeout", "gtimeout") for started in found.started)
    background = text.rstrip().endswith("&") and not text.rstrip().endswith("&&")
    endless = not interactive and not timed and not background and (found.endless or any(_runs_on(started) for started in found.started if not started.wrapper))
    target = found.target or next((name for started in found.started if not started.wrapper and (name := acts_on(started))), None)
    if target and is_placeholder(target):
        target = None
    return Command(
        line=line, text=text, language="bash", tools=tuple(working or names), target=target, risk=risk, because=because,
        endless=endless, interactive=interactive, placeholders=_slots(text, sets | script.sets, shell=True),
    )  # fmt: skip


def _waits(started: Started) -> bool:
    if started.stdin in ("text", "file", "pipe"):
        return False
    if started.name in SQL_CLIENTS or started.name in ("mongosh", "mongo", "redis-cli", "valkey-cli"):
        options = SQL_CLIENTS.get(started.name, ((), ()))
        flat = options[0] + options[1] + ("-l", "--list", "--eval", "--version", "--help", "--bigkeys", "--memkeys", "--latency", "--stat", "--scan", "--rdb", "--latency-history", "-Q")
        if started.name.endswith("-cli") and started.name != "mongo":
            program = find("redis-cli")
            given = program.arguments(started.texts) if program else None
            return given is not None and not given.words and not any(given.has(option) for option in flat)
        if started.name == "sqlite3":
            return len([text for text in started.texts if not text.startswith("-")]) < 2
        return not any(text.split("=")[0] in flat or any(text.startswith(o) for o in options[0] if len(o) == 2) for text in started.texts)
    if started.name in ("bash", "sh", "zsh", "python", "python3", "irb", "node", "php", "iex") or re.fullmatch(r"/?\w*bash", started.name):
        return not [text for text in started.texts if text not in ("-l", "-i", "--login")]
    program = find(started.name)
    return bool(program and program.waits_for_a_person(program.arguments(started.texts)))


def _runs_on(started: Started) -> bool:
    program = find(started.name)
    return bool(program and program.endless and program.never_returns(program.arguments(started.texts)))


def _slots(text: str, sets: set[str], *, shell: bool) -> tuple[str, ...]:
    found = [token for token, _, _ in marked_slots(text, shell=shell)]
    if shell:
        found += [f"${name}" for name, _ in env_names(text) if name not in sets and (name.isupper() or name not in ("labels", "value"))]
    return tuple(dict.fromkeys(found))


def is_alternative(comment: str) -> bool:
    """Say whether a comment only says "or"."""
    return bool(_OR.match(comment)) and len(_OR.sub("", comment).split()) <= 4
