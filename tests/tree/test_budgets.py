"""The tree stays readable: sizes, names, docstrings of packages, words of the glossary."""

from __future__ import annotations

import ast
import importlib
import inspect
import re
import statistics
from dataclasses import is_dataclass
from pathlib import Path

#: what an estate calls a thing as everybody does
GENERAL = frozenset({"disk-full", "memory-leak"})
ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "src" / "watchkeeper"
FILES = sorted(SOURCE.rglob("*.py"))
FORBIDDEN_NAMES = {"utils", "util", "helpers", "helper", "manager", "service", "common", "misc"}


def lines(path: Path) -> int:
    return len(path.read_text().splitlines())


def functions() -> list[tuple[str, int]]:
    found = []
    for path in FILES:
        if "migrations" in path.parts:
            continue  # a migration is a list of tables, written by Alembic
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                size = (node.end_lineno or node.lineno) - node.lineno + 1
                found.append((f"{path.relative_to(SOURCE)}:{node.lineno} {node.name}", size))
    return found


def test_files_are_short() -> None:
    sizes = sorted(lines(path) for path in FILES if path.name != "__init__.py" or lines(path) > 3)
    assert [f"{path.relative_to(ROOT)}: {lines(path)}" for path in FILES if lines(path) > 600] == []
    assert statistics.median(sizes) <= 150
    assert sizes[int(len(sizes) * 0.9)] <= 350


def test_functions_are_short() -> None:
    found = functions()
    assert [f"{name}: {size}" for name, size in found if size > 100] == []
    assert sorted(size for _, size in found)[int(len(found) * 0.95)] <= 45


def test_no_room_is_named_for_nothing() -> None:
    assert [str(path) for path in FILES if path.stem in FORBIDDEN_NAMES] == []


def test_own_modules_are_imported_at_the_top_only() -> None:
    """An import inside a function hides a cycle; plug-ins and commands are loaded by name instead."""
    hidden = []
    for path in FILES:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                for inner in ast.walk(node):
                    module = inner.module if isinstance(inner, ast.ImportFrom) else None
                    if module and module.startswith("watchkeeper"):
                        hidden.append(f"{path.relative_to(ROOT)}:{inner.lineno}")
    assert hidden == []


def test_rules_do_not_ask_for_the_time() -> None:
    names = ("model.py", "rules.py", "decide.py", "choose.py")
    pure = [p for p in FILES if p.name in names or p.parts[-2] in ("text", "book", "read")]
    guilty = [str(p) for p in pure if re.search(r"datetime\.(now|utcnow)|time\.time\(", p.read_text())]
    assert guilty == []


def test_every_noun_stands_in_the_glossary() -> None:
    glossary = (ROOT / "docs" / "glossary.md").read_text()
    missing = []
    for path in sorted(SOURCE.glob("*/model.py")):
        module = importlib.import_module(f"watchkeeper.{path.parent.name}.model")
        for name, value in vars(module).items():
            own = inspect.isclass(value) and is_dataclass(value) and value.__module__ == module.__name__
            if own and f"**{name}**" not in glossary:
                missing.append(f"{path.parent.name}.{name}")
    assert missing == []


def test_nothing_names_a_machine() -> None:
    """Neither the folder of this checkout nor the home of who runs the tests stands in a file of the repository."""
    places = [str(place) for place in (ROOT, Path.home()) if len(place.parts) > 1]
    folders = ("src", "docs", "tools", "bench", "tests", "estates", ".ci")
    files = [p for folder in folders for p in (ROOT / folder).rglob("*") if p.is_file() and p.suffix not in (".png", ".pyc")]
    made = (".env", "state", ".watchkeeper")  # by an estate that was started here, and ignored by git
    files = [path for path in files if not set(path.relative_to(ROOT).parts) & set(made)]
    texts = {str(path.relative_to(ROOT)): path.read_text(errors="ignore") for path in files}
    named = re.compile("|".join(rf"{re.escape(place)}(?![\w.-])" for place in places))
    assert len(texts) > 100
    assert [name for name, text in texts.items() if named.search(text)] == []


def test_nothing_in_the_product_knows_an_estate() -> None:
    """No estate, no service, fault or procedure of one is named in src: what operates them was written for runbooks unseen."""
    words: set[str] = {"indostar"}
    for folder in (path.parent for path in (ROOT / "estates").glob("*/runbook.md")):
        runbook = (folder / "runbook.md").read_text()
        titles = re.findall(r"^#{1,5} (?:[\d.]+ )?(.+)$", runbook, re.MULTILINE)
        words |= {folder.name, titles[0].split(":")[0].split(" - ")[0]}
        words |= {title for title in titles if len(title.split()) > 3}
        words |= {fault.stem for fault in (folder / "faults").glob("*-*.toml")}
        compose = folder / "compose.yml"
        services = compose.read_text().partition("\nservices:\n")[2] if compose.exists() else ""
        words |= {name for name in re.findall(r"^  ([a-z0-9-]+):", services, re.MULTILINE) if "-" in name}
    product = [path for path in FILES if "demo" not in path.relative_to(SOURCE).parts[:1]]
    texts = {str(path.relative_to(ROOT)): path.read_text().casefold() for path in product}
    guilty = [f"{path}: {word}" for path, text in texts.items() for word in words - GENERAL if word.casefold() in text]
    assert guilty == []


def test_nothing_outside_the_demo_knows_the_demo() -> None:
    """No fault, service or procedure of the sample shop is named in the product."""
    words = ["app-killed", "app-hangs", "database-stopped", "workers-dead", "bad-deployment", "connections-exhausted"]
    words += ["shop-worker", "postgres-primary", "redis-broker", "Shop is not answering"]
    guilty = []
    for path in FILES:
        if "demo" in path.relative_to(SOURCE).parts[:1]:
            continue
        text = path.read_text()
        guilty += [f"{path.relative_to(ROOT)}: {word}" for word in words if word in text]
    assert guilty == []
