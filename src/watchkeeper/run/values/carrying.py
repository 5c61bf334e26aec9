"""Variables and the folder that one command of a procedure leaves to the later ones, as they would in one terminal. Pure.

Each command runs in a shell of its own. Where later ones use what an earlier one sets, a few lines behind it print the values at
the very end of its output, under a mark that only this attempt has; they are read from there and taken out of what is shown.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace

from watchkeeper.book.syntax import read_script
from watchkeeper.run.model import Act
from watchkeeper.run.values.clients import SHELLS
from watchkeeper.run.values.inputs import FORBIDDEN
from watchkeeper.run.values.render import used_variables

#: under this name the folder is kept
FOLDER = "PWD"
LONGEST = 32_768
_LINE = re.compile(r"\n?^watchkeeper-kept ([0-9a-f]{24})((?: \w+=[A-Za-z0-9+/=]*)*) \.\n?\Z", re.MULTILINE)
_ANY = re.compile(r"\n?^watchkeeper-kept [0-9a-f]{24}[^\n]*\n?", re.MULTILINE)


def with_keeping(acts: Sequence[Act]) -> tuple[Act, ...]:
    """Mark each act with the variables that later acts take from it, and whether it changes the folder for them."""
    made: list[Act] = []
    wanted: set[str] = set()
    for act in reversed(acts):
        command = act.command or (act.condition.command if act.condition else None)
        if command is None or command.language not in SHELLS:
            made.append(act)
            continue
        script = read_script(command.text)
        sets = {name for name in script.sets if re.fullmatch(r"[A-Za-z_]\w*", name) and not FORBIDDEN.fullmatch(name)}
        keeps = tuple(sorted(sets & wanted))
        if act.kind == "command" and _changes_folder(command.text):
            keeps = (*keeps, FOLDER)
        wanted |= set(used_variables(command))
        made.append(replace(act, keeps=keeps) if keeps and act.kind == "command" and not script.broken else act)
    return tuple(reversed(made))


def _changes_folder(text: str) -> bool:
    """Tell whether a command is nothing but a change of the folder: `cd /srv/shop`, `cd app && pwd`."""
    calls = [call.words[0].text for call in read_script(text).calls if call.words]
    return bool(calls) and calls[0] in ("cd", "pushd") and set(calls) <= {"cd", "pushd", "pwd", "ls", "mkdir", "true"}


def keeping(script: str, names: Iterable[str], job_id: str) -> str:
    """Add what prints the values of variables behind a script; its exit status stays."""
    parts = [
        f'[ -z "${{{name}+set}}" ] || printf " %s=%s" {name} "$(printf %s "${name}" | base64 | tr -d "\\n")"' for name in names
    ]
    if not parts:
        return script
    lines = [
        script,
        "wk_status=$?",
        f"printf '\\nwatchkeeper-kept %s' {_mark(job_id)}",
        *parts,
        "printf ' .\\n'",
        "exit $wk_status",
    ]
    return "\n".join(lines) + "\n"


def _mark(job_id: str) -> str:
    return hashlib.sha256(f"kept by {job_id}".encode()).hexdigest()[:24]


def kept(output: str, job_id: str, clean: Callable[[str], str]) -> tuple[str, dict[str, str]]:
    """Give an output without its last line of kept values, and the values; none that holds a secret, which `clean` tells.

    Only what stands at the very end and under the attempt's own mark counts, so that no program's output can pass for it.
    """
    match = _LINE.search(output)
    values: dict[str, str] = {}
    if match is not None and match[1] == _mark(job_id):
        for name, encoded in re.findall(r" (\w+)=([A-Za-z0-9+/=]*)", match[2]):
            try:
                value = base64.b64decode(encoded, validate=True).decode()
            except (binascii.Error, UnicodeDecodeError):
                continue
            if len(value) <= LONGEST and "\0" not in value and clean(value) == value:
                values[name] = value
    return without_kept(output), values


def without_kept(output: str) -> str:
    """Give an output as a person is shown it."""
    return _ANY.sub("", output) if "watchkeeper-kept" in output else output


def in_folder(script: str, folder: str | None) -> tuple[str, Mapping[str, str]]:
    """Have a script begin in the folder that an earlier act went to."""
    if folder is None:
        return script, {}
    return f'cd -- "$WK_FOLDER" || exit 1\n{script}', {"WK_FOLDER": folder}
