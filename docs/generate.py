"""Writes the pages of docs/reference that follow from the code: settings, commands, signals, thresholds, error codes.

Usage: python docs/generate.py [--check]; with --check nothing is written and a page that is out of date is an error.
"""

from __future__ import annotations

import ast
import contextlib
import importlib
import io
import os
import runpy
import sys
import tomllib
from collections.abc import Callable, Iterator
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any

from fastapi import FastAPI

from watchkeeper.actions.views.frame import says
from watchkeeper.api import incidents, oncall, routes
from watchkeeper.book.model import Metric, Threshold
from watchkeeper.book.reader import read_book
from watchkeeper.cli import COMMANDS, execute
from watchkeeper.estate import plugins
from watchkeeper.estate.offers import offer_of
from watchkeeper.estate.proposals import COMMAND, Line, Proposal, metric_of, propose
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
    for name, target in declared(plugins.TARGETS).items():
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
    for name, probe in declared(plugins.SIGNALS).items():
        parts += [f"## {name}", "", " ".join((probe.__doc__ or "").split()), "", "| option | what it is |", "| --- | --- |"]
        parts += [f"| `{option}` | {text} |" for option, text in probe.options.items()]
        parts += ["", "| reading | what it is |", "| --- | --- |"]
        parts += [f"| `{reading}` | {text} |" for reading, text in probe.readings.items()]
        parts.append("")
    return "\n".join(parts)


def thresholds() -> str:
    """Give the page of the estates' thresholds: what decides each, and where that is tested."""
    parts = [
        "# Thresholds",
        "",
        "Every threshold of the five runbooks in `estates`, the metric that it is, and what decides it: the kind of",
        "signal and the reading that `watchkeeper init` proposes for it (in brackets other kinds that the runbook shows",
        "and that could). Each is fed values through its binding and the rules by `tests/estate/test_every_threshold.py`:",
        "on the bad side it fires after its time, with the runbook's own severity, and on the good side it is well. That",
        "the kind reads such values from the real thing is what the test in the last column shows. What waits has no kind",
        "that reads it by itself: `init` writes a command to be filled in, or names it as missing. A query of yours",
        "is written with an example of it, and what it decides is blind, not well, until you have put yours there.",
        "",
    ]
    offered = [offer_of(kind, plugin) for kind, plugin in declared(plugins.SIGNALS).items()]
    for folder in sorted(runbook.parent for runbook in (ROOT / "estates").glob("*/runbook.md")):
        book = read_book(folder / "runbook.md")
        proposals, _ = propose(book, offered)
        lines = {line.metric.casefold(): (proposal, line) for proposal in proposals for line in proposal.lines}
        parts += [
            f"## {folder.name}",
            "",
            "| line | threshold | metric | decided by | tested by |",
            "| --- | --- | --- | --- | --- |",
        ]
        for wanted in (*book.thresholds, *book.metrics):
            found = lines.get(metric_of(wanted).casefold())
            parts.append(f"| {wanted.line} | {said_of(wanted)} | {wanted.metric or '-'} | {decided_by(wanted, found)} |")
        parts.append("")
    return "\n".join(parts)


def said_of(wanted: Threshold | Metric) -> str:
    """Say a threshold in a cell of a table."""
    if isinstance(wanted, Metric):
        return f"{cell(wanted.subject)} (named without a threshold)"
    severity = f" [{wanted.severity}]" if wanted.severity else ""
    kept = ", an objective" if wanted.role == "objective" else ""
    return f"{cell(wanted.subject)} {cell(says(wanted))}{severity}{kept}"


def decided_by(wanted: Threshold | Metric, found: tuple[Proposal, Line] | None) -> str:
    """Say which reading decides a threshold and the test of its kind, as two cells."""
    if found is None:
        return f"waits: `init` names line {wanted.line} as missing | -"
    proposal, line = found
    if proposal.kind == COMMAND:
        return f"waits: a command of yours below `[signals.{proposal.name}]`, of which the reading is `{line.reading}` | -"
    if not line.reading:
        return f"{proposal.kind}, asked as the runbook has it | {test_of(proposal.kind)}"
    if any(each.startswith(f"queries.{line.reading} =") for each in proposal.extra):
        return f"{proposal.kind} `{line.reading}`, a query of yours | {test_of(proposal.kind)}"
    others = "".join(f" ({kind} `{cell(reading)}`)" for kind, reading in line.others)
    return f"{proposal.kind} `{cell(line.reading)}`{others} | {test_of(proposal.kind)}"


def test_of(kind: str) -> str:
    """Name the test that looks at the real thing by a kind of signal."""
    files = sorted(path for room in ("plugins", "api") for path in (ROOT / "tests" / room).glob("test_*.py"))
    signs = (f"plugins.{kind}.probe", f'probe("{kind}"', f'kind = "{kind}"', f'"{kind}"')
    named = (path for sign in signs for path in files if sign in path.read_text())
    best = next((path for path in files if path.stem == f"test_{kind}_probe"), next(named, None))
    return f"`{best.relative_to(ROOT)}`" if best else "-"


def cell(text: str) -> str:
    """Put a text into a cell."""
    return " ".join(text.split()).replace("|", "\\|")


def declared(group: str) -> dict[str, Any]:
    """Load the plug-ins of a group that pyproject.toml declares, whatever an older installation knows of."""
    points = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["entry-points"][group]
    return {name: EntryPoint(name, value, group).load() for name, value in sorted(points.items())}


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
    site.include_router(incidents.router)
    site.include_router(oncall.router)
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


def drills() -> str:
    """Give the page of what was seen in drills."""
    return str(runpy.run_path(str(ROOT / "docs" / "drills.py"))["page"]())


def seed_coverage() -> str:
    """Give the page of what of the seeds is where and what carried it out."""
    sys.path.insert(0, str(ROOT / "docs"))
    return str(importlib.import_module("seed_coverage").page())


PAGES: dict[str, Callable[[], str]] = {
    "settings.md": settings,
    "commands.md": commands,
    "signals.md": signals,
    "targets.md": targets,
    "thresholds.md": thresholds,
    "errors.md": errors,
    "api.md": api,
    "drills.md": drills,
    "seed-coverage.md": seed_coverage,
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
