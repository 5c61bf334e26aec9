"""Makes the virtual environment that `make` uses, showing how far it is. Needs nothing but Python itself.

Usage: python3 tools/install.py .venv requirements.txt
"""

from __future__ import annotations

import subprocess
import sys
import time
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def main(folder: str, lock: str) -> int:
    """Create the environment, install the packages of a lock file and this one; returns the exit status."""
    started = time.monotonic()
    target = Path(folder)
    python = str(target / "bin" / "python")
    if not is_usable(python):
        say(started, f"making {target}")
        venv.EnvBuilder(with_pip=True, clear=True).create(target)
    install = [python, "-m", "pip", "install", "--disable-pip-version-check", "--no-input"]
    locked = ROOT / lock
    total = sum(1 for line in locked.read_text().splitlines() if line and line[0].isalnum())
    status = follow([*install, "-r", str(locked)], started, total)
    if status:
        return status
    say(started, "installing Watchkeeper itself")
    status = follow([*install, "--no-deps", "-e", str(ROOT)], started, 1)
    if status == 0:
        say(started, "installed")
        print(flush=True)
    return status


def is_usable(python: str) -> bool:
    """Tell whether an environment is there that this Python made, so that an update need not begin anew."""
    version = "import sys; print(*sys.version_info[:3])"
    try:
        found = subprocess.run([python, "-c", f"import pip; {version}"], capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return False
    return found.stdout.split() == [str(number) for number in sys.version_info[:3]]


def follow(command: list[str], started: float, total: int) -> int:
    """Run pip and count what it collects; its output is shown only where it fails."""
    kept: list[str] = []
    collected = 0
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as pip:
        assert pip.stdout is not None
        for line in pip.stdout:
            kept.append(line)
            if line.startswith("Collecting "):
                collected += 1
                say(started, f"fetching {min(collected, total)} of {total} packages: {line.split()[1].split('=')[0]}")
            elif line.startswith("Installing collected"):
                say(started, f"installing {collected} packages")
    if pip.returncode:
        print("\n" + "".join(kept[-30:]), file=sys.stderr)
        print("The installation failed; the last lines above say why. Is the package index reachable?", file=sys.stderr)
    return pip.returncode


def say(started: float, what: str) -> None:
    """Show one line that replaces the one before, where somebody looks; else one line a step."""
    text = f"[{time.monotonic() - started:5.1f} s] {what}"
    if sys.stdout.isatty():
        print(f"\r\x1b[K{text[:100]}", end="", flush=True)
    elif not what.startswith("fetching"):
        print(text, flush=True)


if __name__ == "__main__":
    sys.exit(main(*(sys.argv[1:] or (".venv", "requirements-test.txt"))))
