"""Carries out a procedure of the sample runbook as a person with a terminal would, without any of Watchkeeper's readers."""

from __future__ import annotations

import re
import subprocess
import time
from dataclasses import dataclass

from watchkeeper.demo.estate import Estate


@dataclass(frozen=True)
class Branch:
    condition: str
    commands: tuple[str, ...]


@dataclass(frozen=True)
class Check:
    command: str
    expected: str


def section(estate: Estate, title: str) -> str:
    text = estate.runbook_path.read_text()
    return text.split(f"### {title}\n", 1)[1].split("\n### ", 1)[0].split("\n## ", 1)[0]


def part(section_text: str, name: str) -> str:
    found = re.search(rf"\*\*{name}\*\*:\n(.*?)(?=\n\*\*[A-Z][a-z ]+\*\*:|\Z)", section_text, re.DOTALL)
    assert found, name
    return found[1]


def commands(text: str) -> tuple[str, ...]:
    lines = "\n".join(re.findall(r"```bash\n(.*?)```", text, re.DOTALL)).splitlines()
    return tuple(line for line in lines if line and not line.startswith("#"))


def branches(section_text: str) -> list[Branch]:
    pieces = re.split(r"\*\*(If .*?):\*\*\n", part(section_text, "Resolution"))[1:]
    return [Branch(c, commands(body)) for c, body in zip(pieces[::2], pieces[1::2], strict=True)]


def checks(section_text: str) -> list[Check]:
    pairs = re.findall(r"# Expected: (.*)\n(.*)\n", part(section_text, "Verification"))
    return [Check(command, expected) for expected, command in pairs]


def run(estate: Estate, command: str) -> tuple[int, str]:
    done = subprocess.run(
        ["bash", "-o", "pipefail", "-c", command],
        cwd=estate.folder, env=estate.environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    return done.returncode, done.stdout + done.stderr


def holds(estate: Estate, condition: str) -> bool:
    found = re.fullmatch(r"If `(.*)` (shows|fails|prints more than)( .*)?", condition)
    assert found, condition
    status, output = run(estate, found[1])
    wanted = (found[3] or "").strip()
    if found[2] == "fails":
        return status != 0
    if found[2] == "shows":
        return any(word in output for word in re.split(r", | or ", wanted))
    return float(output) > float(wanted)


def is_met(estate: Estate, check: Check) -> tuple[bool, str]:
    status, output = run(estate, check.command)
    limit = re.fullmatch(r"less than (\d+)", check.expected)
    met = float(output) < float(limit[1]) if limit and status == 0 else check.expected in output
    return status == 0 and met, f"{check.command} -> {status} {output}"


def carry_out(estate: Estate, title: str) -> list[str]:
    """Diagnose, take the branches whose condition holds, verify; give the branches taken."""
    text = section(estate, title)
    for command in commands(part(text, "Diagnosis")):
        run(estate, command)
    taken = []
    for branch in branches(text):
        if holds(estate, branch.condition):
            taken.append(branch.condition)
            assert branch.commands, f"a person is asked: {branch.condition}"
            for command in branch.commands:
                status, output = run(estate, command)
                assert status == 0, f"{command} -> {status} {output}"
    for check in checks(text):
        met, said = is_met(estate, check)
        assert met, said
    return taken


def timed(estate: Estate, title: str) -> tuple[list[str], float]:
    began = time.monotonic()
    return carry_out(estate, title), time.monotonic() - began
