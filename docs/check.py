"""Holds README.md to the truth: every command in it runs, every picture and link is there, the generated pages are fresh.

Usage: python docs/check.py. `make` lines must name a recipe (they are run by the CI on their own); `watchkeeper` lines are run
in a folder that holds the sample estate's runbook, with the estate running.
"""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from watchkeeper.demo.estate import Estate

ROOT = Path(__file__).resolve().parent.parent
README = ROOT / "README.md"


def main() -> int:
    """Check everything; returns the exit status."""
    text = README.read_text()
    wrong = [*missing_files(text), *missing_recipes(text), *failing_commands(text)]
    if subprocess.run([sys.executable, str(ROOT / "docs" / "generate.py"), "--check"], check=False).returncode:
        wrong.append("a generated page is out of date")
    for sentence in wrong:
        print(f"README: {sentence}", file=sys.stderr)
    print("README: all that it says holds." if not wrong else f"README: {len(wrong)} things do not hold.")
    return 1 if wrong else 0


def missing_files(text: str) -> list[str]:
    """Give a sentence for each link or picture that leads nowhere."""
    targets = re.findall(r"\]\(([^)#]+)\)", text)
    return [f"{target} is not there" for target in targets if "://" not in target and not (ROOT / target).exists()]


def commands(text: str) -> list[str]:
    """Give the command lines of the fences marked sh."""
    return [line for body in re.findall(r"^```sh\n(.*?)^```", text, re.MULTILINE | re.DOTALL) for line in body.splitlines()]


def missing_recipes(text: str) -> list[str]:
    """Give a sentence for each `make` line without a recipe."""
    recipes = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    wanted = [line.split()[1] for line in commands(text) if line.startswith("make ")]
    return [f"there is no recipe {name}" for name in wanted if name not in recipes]


def failing_commands(text: str) -> list[str]:
    """Run the `watchkeeper` lines beside a running estate; give a sentence for each that fails."""
    lines = [line for line in commands(text) if line.startswith("watchkeeper ")]
    folder = Path(tempfile.mkdtemp(prefix="watchkeeper-readme-"))
    estate = Estate(folder)
    wrong = []
    try:
        estate.start()
        for line in lines:
            problem = serves(line, folder) if line == "watchkeeper serve" else runs(line, folder)
            print(f"  {'ok ' if problem is None else 'NOT'} {line}")
            if problem is not None:
                wrong.append(f"`{line}` failed: {problem}")
    finally:
        estate.stop()
        shutil.rmtree(folder, ignore_errors=True)
    return wrong


def runs(line: str, folder: Path) -> str | None:
    """Run one line to its end; `init` writes beside a copy, since the estate has its own file."""
    where = folder
    if line.startswith("watchkeeper init"):
        where = Path(tempfile.mkdtemp(prefix="init-", dir=folder))
        shutil.copy(folder / "runbook.md", where)
    call = [sys.executable, "-m", "watchkeeper", *shlex.split(line)[1:]]
    done = subprocess.run(call, cwd=where, capture_output=True, text=True, timeout=60, check=False)
    return None if done.returncode == 0 else f"status {done.returncode}: {(done.stdout + done.stderr)[-500:]}"


def serves(line: str, folder: Path) -> str | None:
    """Start serving, wait for the address, stop with Ctrl-C."""
    call = [sys.executable, "-m", "watchkeeper", *shlex.split(line)[1:]]
    with subprocess.Popen(call, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as server:
        assert server.stdout is not None
        deadline, said = time.monotonic() + 30, ""
        while time.monotonic() < deadline and "Console: http" not in said:
            piece = server.stdout.readline()
            if not piece:
                break
            said += piece
        server.terminate()
        try:
            server.wait(30)
        except subprocess.TimeoutExpired:
            server.kill()
            return "it did not stop"
    return None if "Console: http" in said else said[-500:]


if __name__ == "__main__":
    sys.exit(main())
