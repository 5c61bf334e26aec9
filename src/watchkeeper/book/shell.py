"""The commands of a fence or of inline code: text goes in, logical commands with tools, target, risk and slots come out.

A pipeline, an `a && b` list, a here-document, an `if … fi` or a whole SQL statement is one command. The fence's tag is a hint
only: SQL, psql, Redis, Python and prose occur in `bash` fences and are told apart line by line. Prompts are taken off,
pasted output is left out, comments become purposes. Nothing here runs anything, and no input raises.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from watchkeeper.book.commands import make_command
from watchkeeper.book.cutter import statement_end
from watchkeeper.book.fence import Entry, Fence
from watchkeeper.book.fence_lines import balanced, is_redis, kind_of_line, prompt, startable
from watchkeeper.book.model import Command
from watchkeeper.book.programs import find
from watchkeeper.book.sql import cut_statements, looks_like_sql

_OR = re.compile(r"^(?:or|alternatively|alternative|oder|ou|o bien|oppure|lub|または|或者|또는)\b[\s:.,-]*", re.IGNORECASE)

SHELL_TAGS = frozenset(
    {
        "bash",
        "sh",
        "shell",
        "zsh",
        "console",
        "shell-session",
        "shellsession",
        "terminal",
        "cmd",
        "bat",
        "ksh",
        "fish",
        "ash",
        "sh-session",
        "bash-session",
        "batch",
        "dos",
    }
)
SQL_TAGS = frozenset(
    {
        "sql",
        "psql",
        "pgsql",
        "postgresql",
        "postgres",
        "mysql",
        "plpgsql",
        "tsql",
        "sqlite",
        "mariadb",
        "mssql",
        "clickhouse",
        "cql",
    }
)
PYTHON_TAGS = frozenset({"python", "py", "python3", "pycon", "ipython"})
PLAIN_TAGS = frozenset({"", "text", "txt", "plaintext", "plain", "none", "code", "raw", "example"})


_TAG_END = re.compile(r"[\s{,:]")


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
    tag = _TAG_END.split(language.strip().lower(), maxsplit=1)[0].lstrip(".")
    lines = source.split("\n")
    if tag in SQL_TAGS:
        return tuple(_sql_fence(source, line))
    if tag == "redis":
        return tuple(_plain_lines(lines, line, "redis"))
    if tag in ("powershell", "pwsh", "ps1", "posh", "ps"):
        return tuple(_powershell(lines, line))
    if tag in ("javascript", "js", "mongodb", "mongo", "mongosh"):
        if any(kind_of_line(text, strict=True, before=None) == "mongodb" for text in lines[:40]):
            return tuple(Fence(lines, line, strict=True).entries())
        return tuple(_among_code(lines, line))
    if tag in PYTHON_TAGS:
        return tuple(_python_fence(lines, line))
    if tag in SHELL_TAGS:
        return tuple(Fence(lines, line, strict=False).entries())
    if tag in PLAIN_TAGS:
        return tuple(_untagged(lines, line))
    if tag in CODE_TAGS:
        return tuple(_among_code(lines, line))
    return ()


_BARE_SCRIPT = re.compile(r"^(?:\.{1,2}/|/|~/)\S+\.(?:sh|bash|py|pl|rb)$")
_ASSIGNMENT = re.compile(r"^[A-Za-z_]\w*=")
_LONE_STAR = re.compile(r"\s\*\s*$")
_TWO_WORDS = re.compile(r"[\w.-]+ [a-z][\w-]*")


def read_inline(text: str, line: int = 1) -> Command | None:
    """Read a code span as a command; None where it only names something."""
    text = text.strip().replace("\n", " ")
    typed = prompt(text)
    if typed and typed[0] == "bash":
        text = typed[1]
    if len(text) < 2 or text.startswith(("http://", "https://", "#", "--", "/*")):
        return None
    if looks_like_sql(text) and len(text.split()) > 1:
        return make_command(text, line, "sql")
    if is_redis(text) and len(text.split()) > 1 and not re.fullmatch(r"[A-Z]+ [A-Z]+", text):
        return make_command(text, line, "redis")
    if " " not in text and not _BARE_SCRIPT.match(text):
        return None
    if (
        not startable(text, strict=True)
        or _ASSIGNMENT.match(text)
        or text.rstrip().endswith(("…", "..."))
        or _LONE_STAR.search(text)
    ):
        return None
    if _TWO_WORDS.fullmatch(text):
        first, second = text.split()
        program = find(first)
        if program is None or (program.risk(program.arguments([second]))[0] is None):
            return None
    return make_command(text, line, "bash")


def read_alone(text: str, line: int = 1) -> Command | None:
    """Read a code span of one word that is a program which only looks (`top`), where commands stand beside it."""
    program = find(text) if text.isalpha() and text.islower() else None
    if program is None or program.risk(program.arguments([]))[0] != "read":
        return None
    return make_command(text, line, "bash")


def _sql_fence(source: str, line: int) -> list[Entry]:
    lines = source.split("\n")
    first = next((text for text in lines if text.strip() and not text.lstrip().startswith(("--", "#", "/*"))), "")
    if prompt(first) or (startable(first, strict=True) and not looks_like_sql(first)):
        return Fence(lines, line, strict=True).entries()
    found: list[Entry] = []
    position = 0
    pending: list[str] = []
    begins = 0

    def flush() -> None:
        for offset, statement in cut_statements("\n".join(pending)):
            found.append(
                Entry("command", line + begins + offset, statement, make_command(statement, line + begins + offset, "sql"))
            )
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
            found.append(Entry("command", line + position, stripped, make_command(stripped, line + position, "psql")))
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
            found.append(Entry("command", line + offset, stripped, make_command(stripped, line + offset, used)))
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
        end = balanced(lines, position)
        body = "\n".join(lines[position:end]).strip()
        found.append(Entry("command", number, body, make_command(body, number, "powershell"), end_line=line + end - 1))
        position = end
    return found


#: tags of application code, in which a line typed at a shell sometimes stands
CODE_TAGS = frozenset(
    {"javascript", "js", "typescript", "ts", "jsx", "go", "java", "ruby", "rb", "php", "csharp", "cs", "python", "py", "python3"}
)
_UNMISTAKABLE = re.compile(
    r"^(?:sudo )?(?:kubectl|curl|docker|docker-compose|psql|redis-cli|aws|gcloud|az|helm|systemctl|npm|git|ssh|"
    r"terraform|journalctl|mysql) \S+"
)


def _among_code(lines: Sequence[str], line: int) -> list[Entry]:
    """Find the shell lines that stand at the margin of application code."""
    found: list[Entry] = []
    for offset, text in enumerate(lines):
        if _UNMISTAKABLE.match(text) and startable(text, strict=True) and not text.rstrip().endswith(("{", ";", "(")):
            end, _ = statement_end(lines, offset)
            body = "\n".join(lines[offset:end])
            found.append(
                Entry("command", line + offset, body, make_command(body, line + offset, "bash"), end_line=line + end - 1)
            )
    return found


def _python_fence(lines: Sequence[str], line: int) -> list[Entry]:
    """Read a fence tagged Python: application code is no command, but shell lines and what follows them at a prompt are."""
    first = next((text for text in lines if text.strip() and not text.lstrip().startswith("#")), "")
    if first.lstrip().startswith(">>>") or (
        startable(first, strict=True)
        and not re.match(r"^\s*[\w.]+\s*=|^\s*(?:import|from)\s|.*\)\s*$", first)
        and kind_of_line(first, strict=True, before=None) == "shell"
    ):
        return Fence(lines, line, strict=True).entries()
    return _among_code(lines, line)


#: a program nobody knows, with verbs and at least one option
_CALL = re.compile(r"[a-z][a-z0-9]+(?:-[a-z0-9]+)*(?: [a-z][\w.-]*)+ .*?(?<!\S)--?[a-zA-Z][\w-]*\b[^:]*(?::\S[^:]*)*$")


def _typed_calls(lines: Sequence[str]) -> list[tuple[int, str]]:
    """Give the lines of a fence of which each calls a program with verbs and options, though no table names the program."""
    said = [(at, text.strip()) for at, text in enumerate(lines) if text.strip()]
    if 0 < len(said) < 4 and all(_CALL.match(text) and not text.startswith(_NO_CALL) for _, text in said):
        return said
    return []


_NO_CALL = ("usage", "error", "warning", "warn ", "info ", "debug ", "note", "see ", "the ", "a ", "this ")


def _untagged(lines: Sequence[str], line: int) -> list[Entry]:
    fence = Fence(lines, line, strict=True)
    entries = fence.entries()
    commands = [entry for entry in entries if entry.kind == "command"]
    other = [entry for entry in entries if entry.kind == "output"]
    steps = [entry for entry in entries if entry.kind == "step"]
    if not commands and (typed := _typed_calls(lines)):
        return [
            Entry("command", line + at, text, make_command(text, line + at, "bash"), end_line=line + at) for at, text in typed
        ]
    if not commands:
        return [entry for entry in entries if entry.kind in ("step", "comment", "output")] if steps else []
    first = next((entry for entry in entries if entry.kind in ("command", "output", "step")), None)
    if (
        fence.session
        or (first is not None and first.kind == "command" and len(other) <= 2 * len(commands))
        or len(commands) > len(other)
    ):
        return entries
    return [entry for entry in entries if entry.kind != "command" or entry.command is None] if steps else []


def is_alternative(comment: str) -> bool:
    """Say whether a comment says "or" and nothing else.

    >>> is_alternative("or"), is_alternative("Or force it")
    (True, False)
    """
    return bool(_OR.match(comment)) and not _OR.sub("", comment).strip(" :.-")
