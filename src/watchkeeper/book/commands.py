"""One logical command as a noun: its text goes in; tools, target, risk, slots and whether it ever returns come out."""

from __future__ import annotations

import re

from watchkeeper.book.model import Command
from watchkeeper.book.programs import find, word_set
from watchkeeper.book.risk import SQL_CLIENTS, assess, assess_unwrapped
from watchkeeper.book.slots import env_names, marked_slots
from watchkeeper.book.syntax import Script
from watchkeeper.book.unwrap import Started, Unwrapped, acts_on, is_placeholder, unwrap_text

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
        tools = tuple(dict.fromkeys(re.findall(r"(?:^|[|;\n(]\s*|=\s*)([A-Z][A-Za-z]+-[A-Z]\w+)", text))) or tuple(
            text.split()[:1]
        )
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
        endless=endless,
        placeholders=_slots(text, set(), in_shell=language != "python"),
    )


def shell_command(text: str, line: int, found: Unwrapped, script: Script, sets: set[str]) -> Command | None:
    """Make a command of shell text that was unwrapped; `sets` are variables set before it. None where there is no text."""
    if not text.strip():
        return None
    risk, because = assess_unwrapped(found)
    names = list(dict.fromkeys(started.name for started in found.started if " " not in started.name))
    working = [name for name in names if name not in _BUILTINS]
    interactive = found.interactive or any(_waits(started) for started in found.started if not started.wrapper)
    timed = any(started.name in ("timeout", "gtimeout") for started in found.started)
    background = text.rstrip().endswith("&") and not text.rstrip().endswith("&&")
    endless = (
        not interactive
        and not timed
        and not background
        and (found.endless or any(_runs_on(started) for started in found.started if not started.wrapper))
    )
    target = found.target or next((name for started in found.started if not started.wrapper and (name := acts_on(started))), None)
    if target and is_placeholder(target):
        target = None
    return Command(
        line=line, text=text, language="bash", tools=tuple(working or names), target=target, risk=risk, because=because,
        endless=endless, interactive=interactive, placeholders=_slots(text, sets | script.sets, in_shell=True),
    )  # fmt: skip


def _waits(started: Started) -> bool:
    if started.stdin in ("text", "file", "pipe"):
        return False
    if started.name in SQL_CLIENTS or started.name in ("mongosh", "mongo", "redis-cli", "valkey-cli"):
        options = SQL_CLIENTS.get(started.name, ((), ()))
        flat = (
            options[0]
            + options[1]
            + (
                "-l",
                "--list",
                "--eval",
                "--version",
                "--help",
                "--bigkeys",
                "--memkeys",
                "--latency",
                "--stat",
                "--scan",
                "--rdb",
                "--latency-history",
                "-Q",
            )
        )
        if started.name.endswith("-cli") and started.name != "mongo":
            program = find("redis-cli")
            given = program.arguments(started.texts) if program else None
            return given is not None and not given.words and not any(given.has(option) for option in flat)
        if started.name == "sqlite3":
            return len([text for text in started.texts if not text.startswith("-")]) < 2
        return not any(
            text.split("=")[0] in flat or any(text.startswith(o) for o in options[0] if len(o) == 2) for text in started.texts
        )
    if started.name in ("bash", "sh", "zsh", "python", "python3", "irb", "node", "php", "iex") or re.fullmatch(
        r"/?\w*bash", started.name
    ):
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
