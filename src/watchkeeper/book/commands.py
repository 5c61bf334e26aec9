"""One logical command as a noun: its text goes in; tools, target, risk, slots and whether it ever returns come out."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple

from watchkeeper.book.model import Command, Risk
from watchkeeper.book.powershell import cmdlet_names, is_assignment, native_pieces
from watchkeeper.book.programs import find, word_set
from watchkeeper.book.risk import assess, assess_unwrapped
from watchkeeper.book.scripts import Believed
from watchkeeper.book.slots import env_names, marked_slots
from watchkeeper.book.sql_clients import SQL_CLIENTS, told_to
from watchkeeper.book.started import Started, Unwrapped, acts_on, is_placeholder
from watchkeeper.book.syntax import Script
from watchkeeper.book.unwrap import unwrap_text

_BUILTINS = word_set(
    ": [ test true false cd pushd popd export set unset shopt local declare readonly typeset alias exit return "
    "break continue wait shift trap umask read let"
)


def make_command(text: str, line: int, language: str) -> Command:
    """Make a command of any language that is told apart in fences."""
    if language == "bash":
        found, script = unwrap_text(text)
        command = shell_command(text, line, found, script, set())
        if command:
            return command
    tools = {"sql": ("sql",), "redis": ("redis-cli",), "psql": ("psql",), "python": ("python",), "mongodb": ("mongosh",)}.get(
        language, ()
    )
    if language == "powershell":
        return _powershell_command(text, line)
    risk, because = assess(text, language)
    endless = language == "redis" and bool(
        (program := find("redis-cli")) and program.never_returns(program.arguments(text.split()))
    )
    return Command(
        line=line,
        text=text,
        language=language,
        tools=tools,
        risk=risk,
        because=because,
        believed=_is_believed(risk, because),
        endless=endless,
        placeholders=_slots(text, set(), in_shell=language != "python"),
    )


def _is_believed(risk: Risk, because: str) -> bool:
    return risk == "read" and isinstance(because, Believed)


def _powershell_command(text: str, line: int) -> Command:
    """Make a command of PowerShell; what starts no cmdlet at all is the same in any shell."""
    pieces, cmdlets = native_pieces(text), cmdlet_names(text)
    native = [unwrap_text(piece.replace("`\n", " ").replace("\\", "/"))[0] for piece in pieces]
    said = re.sub(r"\s+#\s.*$", "", text)
    if pieces == [said] and not cmdlets and "`" not in text and "\\" not in text:
        return make_command(said, line, "bash")
    facts = [_facts(found) for found in native]
    named = tuple(dict.fromkeys([*(tool for one in facts for tool in one.tools), *cmdlets]))
    risk, because = assess(text, "powershell")
    return Command(
        line=line, text=text, language="powershell",
        tools=named or (() if is_assignment(text) else tuple(re.split(r"[\s(]", text, maxsplit=1)[:1])),
        target=next((one.target for one in facts if one.target), None), risk=risk, because=because,
        believed=_is_believed(risk, because), endless=any(one.endless for one in facts),
        interactive=any(one.interactive for one in facts),
        placeholders=_slots(text, set(), in_shell=True),
    )  # fmt: skip


def shell_command(text: str, line: int, found: Unwrapped, script: Script, sets: set[str]) -> Command | None:
    """Make a command of shell text that was unwrapped; `sets` are variables set before it. None where there is no text."""
    if not text.strip():
        return None
    facts = _facts(found)
    background = text.rstrip().endswith("&") and not text.rstrip().endswith("&&")
    return Command(
        line=line, text=text, language="bash", tools=facts.tools, target=facts.target, risk=facts.risk, because=facts.because,
        believed=_is_believed(facts.risk, facts.because), endless=facts.endless and not background, interactive=facts.interactive,
        placeholders=_slots(text, sets | script.sets, in_shell=True),
    )  # fmt: skip


class _Facts(NamedTuple):
    """What a command is by the programs that it starts, wherever it stands."""

    tools: tuple[str, ...]
    target: str | None
    risk: Risk
    because: str
    endless: bool
    interactive: bool


@lru_cache(maxsize=2048)
def _facts(found: Unwrapped) -> _Facts:
    risk, because = assess_unwrapped(found)
    working = [started for started in found.started if not started.wrapper]
    names = tuple(dict.fromkeys([name for started in found.started for name in _programs(started) if " " not in name]))
    interactive = found.interactive or any(map(_waits, working))
    timed = any(started.name in ("timeout", "gtimeout") for started in found.started)
    target = found.target or next((name for started in working if (name := acts_on(started))), None)
    return _Facts(
        tools=tuple([name for name in names if name not in _BUILTINS]) or names,
        target=None if target and is_placeholder(target) else target,
        risk=risk,
        because=because,
        endless=not interactive and not timed and (found.endless or any(map(_runs_on, working))),
        interactive=interactive,
    )


_SHELLS = frozenset({"bash", "sh", "zsh"})


def _programs(started: Started) -> tuple[str, ...]:
    """Give the program, and the script that a shell is given to run: `bash scripts/restore.sh`."""
    first = started.texts[0] if started.name in _SHELLS and started.texts else ""
    script = first.rsplit("/", 1)[-1]
    return (started.name, script) if script and re.fullmatch(r"[\w.-]+\.(?:sh|bash|zsh)", script) else (started.name,)


_TELLS = frozenset({"-l", "--list", "--version", "--help", "-V", "-?", "-lqt", "-ltq", "-lq"})
_REDIS_TELLS = ("--bigkeys", "--memkeys", "--hotkeys", "--latency", "--latency-history", "--latency-dist", "--stat", "--scan",
    "--rdb", "--version", "--help", "--eval", "--pipe", "--cluster", "--intrinsic-latency")  # fmt: skip


_BASH = re.compile(r"/?\w*bash")


def _waits(started: Started) -> bool:
    if started.stdin in ("text", "file", "pipe"):
        return False
    if started.name in SQL_CLIENTS:
        told = told_to(started.name, started.texts)
        lists = any(option in _TELLS for option in told.options)
        given = told.words[1:] if started.name == "sqlite3" else [word for word in told.words if word.startswith("@")]
        return not (told.code or told.files or lists or given)
    if started.name in ("mongosh", "mongo"):
        return not any(text.split("=")[0] in ("--eval", "--version", "--help") or text.endswith(".js") for text in started.texts)
    if started.name in ("redis-cli", "valkey-cli"):
        program = find("redis-cli")
        arguments = program.arguments(started.texts) if program else None
        return arguments is not None and not arguments.words and not any(arguments.has(option) for option in _REDIS_TELLS)
    if started.name in ("bash", "sh", "zsh", "python", "python3", "irb", "node", "php", "iex") or _BASH.fullmatch(started.name):
        return not [text for text in started.texts if text not in ("-l", "-i", "--login")]
    program = find(started.name)
    return bool(program and program.waits_for_a_person(program.arguments(started.texts)))


def _runs_on(started: Started) -> bool:
    program = find(started.name)
    return bool(program and program.endless and program.never_returns(program.arguments(started.texts)))


def _slots(text: str, sets: set[str], *, in_shell: bool) -> tuple[str, ...]:
    found = [token for token, _, _ in marked_slots(text, in_shell=in_shell)]
    if in_shell:
        found += [
            f"${name}" for name, _ in env_names(text) if name not in sets and (name.isupper() or name not in ("labels", "value"))
        ]
    return tuple(dict.fromkeys(found))
