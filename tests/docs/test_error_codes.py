"""An error code means one thing: the same code in two files says the same sentence."""

from __future__ import annotations

import ast
from collections import defaultdict
from pathlib import Path

SOURCE = Path(__file__).parents[2] / "src" / "watchkeeper"
#: families that several plug-ins share on purpose: an option that cannot be used, a busy component, a user who is missing
FAMILIES = {"WK131", "WK132", "WK312", "WK903"}


def test_a_code_means_one_thing() -> None:
    said: dict[str, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    for path in SOURCE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call):
                code = next((k.value.value for k in node.keywords if k.arg == "code" and isinstance(k.value, ast.Constant)), None)
                if isinstance(code, str) and code.startswith("WK") and node.args:
                    said[code][path.name].add(ast.unparse(node.args[0])[:30])
    guilty = {c: dict(files) for c, files in said.items() if len({min(s) for s in files.values()}) > 1 and c not in FAMILIES}
    assert guilty == {}
