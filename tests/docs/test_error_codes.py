"""An error code means one thing: the same code in two files says the same sentence."""

from __future__ import annotations

import ast
import importlib.util
from collections import defaultdict
from pathlib import Path
from types import ModuleType

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "src" / "watchkeeper"
#: families that several plug-ins share on purpose: an option that cannot be used, a busy component, a user who is missing
FAMILIES = {"WK131", "WK132", "WK312", "WK903"}


def load(path: Path) -> ModuleType:
    """Load a module that is no part of the package."""
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_a_code_means_one_thing() -> None:
    generate = load(ROOT / "docs" / "generate.py")
    said: dict[str, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    for path in SOURCE.rglob("*.py"):
        for code, first in generate.raised_in(ast.parse(path.read_text())):
            said[code][path.name].add(ast.unparse(first)[:30])
    guilty = {c: dict(files) for c, files in said.items() if len({min(s) for s in files.values()}) > 1 and c not in FAMILIES}
    assert guilty == {}
