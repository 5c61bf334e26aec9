"""Writes the pages of docs/reference that follow from the code: settings, commands, signals, error codes.

Usage: python docs/generate.py [--check]; with --check nothing is written and a page that is out of date is an error.
"""

from __future__ import annotations

import ast
import contextlib
import io
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

from fastapi import FastAPI

from watchkeeper.api import routes
from watchkeeper.cli import COMMANDS, execute
from watchkeeper.estate import plugins
from watchkeeper.settings import SETTINGS

ROOT = Path(__file__).resolve().parent.parent
REFERENCE = ROOT / "docs" / "reference"


def settings() -> str:
    """Give the page of settings."""
    rows = [f"| `{s.variable}` | {f'`{s.default}`' if s.default else 'empty'} | {s.help} |" for s in SETTINGS]
    return "\n".join(
        [
            "# Settings",
            "",
            "What the program itself needs; what it watches is in watchkeeper.toml. Each is an environment variable; one that",
            "can hold a secret may also be read from a file named by the same variable with `_FILE` behind it.",
            "",
            "| variable | default | what it does |",
            "| --- | --- | --- |",
            *rows,
            "",
        ]
    )


def commands() -> str:
    """Give the page of commands, as their --help prints them."""
    os.environ |= {"COLUMNS": "110", "NO_COLOR": "1", "TERM": "dumb"}
    parts = ["# Commands", "", "What `watchkeeper COMMAND --help` prints.", ""]
    for verb in COMMANDS:
        for path in subcommands(verb.name):
            with contextlib.redirect_stdout(io.StringIO()) as shown:
                if execute([*path, "--help"]) != 0:
                    raise SystemExit(f"watchkeeper {' '.join(path)} --help went wrong")
            text = "\n".join(line.rstrip() for line in shown.getvalue().strip().splitlines())
            parts += [f"## watchkeeper {' '.join(path)}", "", "```text", text, "```", ""]
    return "\n".join(parts)


def subcommands(name: str) -> list[list[str]]:
    """Give the command lines that a noun has: itself, and each of its verbs."""
    tree = ast.parse((ROOT / "src" / "watchkeeper" / "cli" / f"{name}.py").read_text()) if module_of(name) else None
    verbs = []
    for node in tree.body if tree else []:
        if isinstance(node, ast.FunctionDef):
            for mark in node.decorator_list:
                if isinstance(mark, ast.Call) and isinstance(mark.func, ast.Attribute) and mark.func.attr == "command":
                    given = mark.args[0].value if mark.args and isinstance(mark.args[0], ast.Constant) else node.name
                    verbs.append([name, str(given)])
    return [[name], *verbs] if verbs else [[name]]


def module_of(name: str) -> bool:
    """Tell whether a command has a module of its own name."""
    return (ROOT / "src" / "watchkeeper" / "cli" / f"{name}.py").is_file()


def targets() -> str:
    """Give the page of targets and their options."""
    parts = [
        "# Targets",
        "",
        "Each `[targets.NAME]` of watchkeeper.toml has a `kind`, and may have `directory`, `path`, `timeout`, `for` (what of the",
        "runbook it stands for) and a table `words`. [How they work](../guide/targets.md). What each kind adds:",
        "",
    ]
    for name in plugins.names("watchkeeper.targets"):
        target = plugins.load("watchkeeper.targets", name)
        said = (target.__doc__ or "").strip().splitlines()[0]
        rows = [f"| `{option}` | {text} |" for option, text in target.options.items()]
        parts += [f"## {name}", "", said, "", "| option | what it is |", "| --- | --- |", *rows, ""]
    return "\n".join(parts)


def signals() -> str:
    """Give the page of signal kinds with their options and readings."""
    parts = [
        "# Signals",
        "",
        "Each `[signals.NAME]` of watchkeeper.toml has a `kind`, and may have `component`, `needed_by`, `every`, `timeout`,",
        "`hysteresis`, `confirm` and a table `metrics` (the runbook's metric words = a reading of the signal). What each kind",
        "adds:",
        "",
    ]
    for name in plugins.names("watchkeeper.signals"):
        probe = plugins.load("watchkeeper.signals", name)
        parts += [f"## {name}", "", " ".join((probe.__doc__ or "").split()), "", "| option | what it is |", "| --- | --- |"]
        parts += [f"| `{option}` | {text} |" for option, text in probe.options.items()]
        parts += ["", "| reading | what it is |", "| --- | --- |"]
        parts += [f"| `{reading}` | {text} |" for reading, text in probe.readings.items()]
        parts.append("")
    return "\n".join(parts)


def errors() -> str:
    """Give the page of error codes: where each is raised, and its sentence."""
    found: dict[str, list[str]] = {}
    for path in sorted((ROOT / "src" / "watchkeeper").rglob("*.py")):
        for code, first in raised_in(ast.parse(path.read_text())):
            said = sentence(first)
            if said and said not in found.setdefault(code, []):
                found[code].append(said)
    rows = [f'| <a id="{code.lower()}"></a>`{code}` | {"<br>".join(found[code])} |' for code in sorted(found)]
    head = ["# Error codes", "", "Every error is one sentence, a hint and one of these codes; … stands for what it is about.", ""]
    return "\n".join([*head, "| code | sentence |", "| --- | --- |", *rows, ""])


def raised_in(module: ast.Module) -> Iterator[tuple[str, ast.expr]]:
    """Give each error code of a module, spelled out or named by a constant of it, with the first argument beside it."""
    named = {
        target.id: node.value.value
        for node in module.body
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant)
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    for node in ast.walk(module):
        for keyword in node.keywords if isinstance(node, ast.Call) and node.args else ():
            code = getattr(keyword.value, "value", None) or named.get(getattr(keyword.value, "id", ""))
            if keyword.arg == "code" and isinstance(code, str) and code.startswith("WK"):
                yield code, node.args[0]


def sentence(node: ast.expr) -> str:
    """Give a message's text with … for its fields."""
    if isinstance(node, ast.Constant):
        return str(node.value).replace("|", "\\|")
    if isinstance(node, ast.JoinedStr):
        return "".join(str(v.value) if isinstance(v, ast.Constant) else "…" for v in node.values).replace("|", "\\|")
    return ""


def api() -> str:
    """Give the page of the API's routes; its own description has every field."""
    site = FastAPI()
    site.include_router(routes.router)
    parts = ["# API", "", *(routes.__doc__ or "").strip().splitlines(), ""]
    parts += [
        "`/api/v1/openapi.json` has every field of what goes in and comes out.",
        "",
        "| route | what it does |",
        "| --- | --- |",
    ]
    for path, methods in site.openapi()["paths"].items():
        parts += [f"| `{method.upper()} {path}` | {each['description'].splitlines()[0]} |" for method, each in methods.items()]
    return "\n".join([*parts, ""])


PAGES: dict[str, Callable[[], str]] = {
    "settings.md": settings,
    "commands.md": commands,
    "signals.md": signals,
    "targets.md": targets,
    "errors.md": errors,
    "api.md": api,
}


def main() -> int:
    """Write the pages, or check them; returns the exit status."""
    stale = []
    for name, make in PAGES.items():
        path = REFERENCE / name
        text = make()
        if "--check" in sys.argv:
            if not path.exists() or path.read_text() != text:
                stale.append(name)
        else:
            path.write_text(text)
    if stale:
        print(f"Out of date: {', '.join(stale)}. `make docs` writes them anew.", file=sys.stderr)
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(main())
