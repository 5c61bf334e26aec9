"""`cold_show_s`: `watchkeeper show` as a new process, beside one that imports the same third-party modules and does nothing."""

from __future__ import annotations

import subprocess
import sys
import time
from importlib.resources import files
from pathlib import Path

from row import Row, median, say

ROUNDS = 5
LIMIT_S = 0.7
_LIST = """
import contextlib, io, sys
from watchkeeper.cli import execute
with contextlib.redirect_stdout(io.StringIO()):
    status = execute(["show", sys.argv[1]])
ours = {"watchkeeper", "__main__", *sys.stdlib_module_names}
taken = [name for name in sys.modules if name.split(".")[0] not in ours]
print("\\n".join(taken))
sys.exit(status)
"""


def measure(folder: Path) -> list[Row]:
    """Start both in turns."""
    runbook = folder / "runbook.md"
    runbook.write_text((files("watchkeeper.demo") / "templates" / "runbook.md").read_text(encoding="utf-8"), encoding="utf-8")
    imports = folder / "imports.py"
    imports.write_text("".join(f"import {name}\n" for name in third_party(runbook)))
    program = Path(sys.executable).parent / "watchkeeper"
    ours: list[float] = []
    theirs: list[float] = []
    _started_s([str(program), "show", str(runbook)])
    for number in range(ROUNDS):
        say(f"start {number + 1} of {ROUNDS}")
        ours.append(_started_s([str(program), "show", str(runbook)]))
        theirs.append(_started_s([sys.executable, str(imports)]))
    value = median(ours)
    return [Row("cold_show_s", value, "s", f"≤ {LIMIT_S:g} s", value <= LIMIT_S, "its third-party imports alone", median(theirs))]


def third_party(runbook: Path) -> list[str]:
    """Give the modules that are neither ours nor Python's that showing a runbook imports, importable ones only."""
    ended = subprocess.run([sys.executable, "-c", _LIST, str(runbook)], capture_output=True, text=True, check=True, timeout=60)
    found = [name for name in ended.stdout.split() if all(part.isidentifier() for part in name.split("."))]
    spec = "import importlib.util, sys\nfor n in sys.argv[1:]:\n try:\n  __import__(n); print(n)\n except ImportError: pass"
    return subprocess.run(
        [sys.executable, "-c", spec, *found], capture_output=True, text=True, check=True, timeout=60
    ).stdout.split()


def _started_s(command: list[str]) -> float:
    started = time.perf_counter()
    subprocess.run(command, stdout=subprocess.DEVNULL, check=True, timeout=60)
    return time.perf_counter() - started
