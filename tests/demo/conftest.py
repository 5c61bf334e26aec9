"""The sample estate as a fixture, and a person at its terminal who follows the runbook without any of Watchkeeper's readers."""

from __future__ import annotations

import re
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from watchkeeper.demo.estate import Estate

#: words that nothing in the product may depend on
RENAMED = {
    "shop": "kiosk",
    "Shop": "Kiosk",
    "shop-worker": "postman",
    "shop-beat": "metronome",
    "postgres-primary": "ledger",
    "redis-broker": "letterbox",
    "Shop application": "Kiosk front",
    "Shop is not answering": "Kiosk gives no reply",
    "PostgreSQL does not accept connections": "Ledger is closed",
    "PostgreSQL runs out of connections": "Ledger is crowded",
    "Order mail is not going out": "Letters pile up",
    "Errors in the shop": "Customers see error pages",
    "12 seconds": "11 seconds",
}


def estate_folder() -> Path:
    # pytest's own folders are closed to the user who runs PostgreSQL when the tests run as root
    return Path(tempfile.mkdtemp(prefix="watchkeeper-estate-"))


@dataclass(frozen=True)
class Branch:
    condition: str
    commands: tuple[str, ...]


@dataclass(frozen=True)
class Check:
    command: str
    expected: str


def commands(text: str) -> tuple[str, ...]:
    lines = "\n".join(re.findall(r"```bash\n(.*?)```", text, re.DOTALL)).splitlines()
    return tuple(line for line in lines if line and not line.startswith("#"))


def part(section: str, name: str) -> str:
    found = re.search(rf"\*\*{name}\*\*:\n(.*?)(?=\n\*\*[A-Z][a-z ]+\*\*:|\Z)", section, re.DOTALL)
    return found[1] if found else ""


def branches(section: str) -> list[Branch]:
    pieces = re.split(r"\*\*(If .*?):\*\*\n", part(section, "Resolution"))[1:]
    return [Branch(c, commands(body)) for c, body in zip(pieces[::2], pieces[1::2], strict=True)]


def checks(section: str) -> list[Check]:
    pairs = re.findall(r"(.+)\n# Expected: (.*)\n", part(section, "Verification"))
    return [Check(command, expected.strip('"')) for command, expected in pairs]


class Terminal:
    """Anna's shell in the estate's folder, with the runbook beside it."""

    def __init__(self, estate: Estate) -> None:
        self.estate = estate

    def sections(self) -> dict[str, str]:
        pieces = re.split(r"\n###? ", self.estate.runbook_path.read_text())[1:]
        return dict(piece.split("\n", 1) for piece in pieces)

    def run(self, command: str) -> tuple[int, str]:
        done = subprocess.run(
            ["bash", "-o", "pipefail", "-c", command],
            cwd=self.estate.folder, env=self.estate.environment, capture_output=True, text=True, timeout=60,
        )  # fmt: skip
        return done.returncode, done.stdout + done.stderr

    def number(self, command: str) -> int:
        status, output = self.run(command)
        assert status == 0, output
        return int(output)

    def count(self, rows: str) -> int:
        return self.number(f'psql -Atc "select count(*) from {rows}"')

    def holds(self, condition: str) -> bool:
        found = re.fullmatch(r"If `(.*)` (shows|fails|prints more than)( .*)?", condition)
        assert found, condition
        status, output = self.run(found[1])
        wanted = (found[3] or "").strip()
        if found[2] == "fails":
            return status != 0
        if found[2] == "shows":
            return any(word in output for word in re.split(r", | or ", wanted))
        return float(output) > float(wanted)

    def meets(self, check: Check) -> tuple[bool, str]:
        status, output = self.run(check.command)
        limit = re.fullmatch(r"less than (\d+)", check.expected)
        met = float(output) < float(limit[1]) if limit and status == 0 else check.expected in output
        return status == 0 and met, f"{check.command} -> {status} {output}"

    def carry_out(self, title: str) -> list[str]:
        """Diagnose, take the branches whose condition holds, verify; give the branches taken."""
        section = self.sections()[title]
        for command in commands(part(section, "Diagnosis")):
            self.run(command)
        taken = []
        for branch in branches(section):
            if self.holds(branch.condition):
                taken.append(branch.condition)
                assert branch.commands, f"a person is asked: {branch.condition}"
                for command in branch.commands:
                    status, output = self.run(command)
                    assert status == 0, f"{command} -> {status} {output}"
        for check in checks(section):
            met, said = self.meets(check)
            assert met, said
        return taken


def wait_for(true: Callable[[], bool], patience_s: float = 15) -> bool:
    deadline = time.monotonic() + patience_s
    while not true():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.2)
    return True


@pytest.fixture(scope="session")
def eventually() -> Callable[..., bool]:
    return wait_for


@pytest.fixture(scope="session")
def new_names() -> dict[str, str]:
    return RENAMED


@pytest.fixture
def open_folder() -> Iterator[Path]:
    # pytest's own folders are closed to the user who runs PostgreSQL when the tests run as root
    folder = Path(tempfile.mkdtemp(prefix="watchkeeper-estate-"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


def opened(rename: dict[str, str]) -> Iterator[Estate]:
    folder = Path(tempfile.mkdtemp(prefix="watchkeeper-estate-"))
    estate = Estate(folder, rename=rename)
    estate.start()
    try:
        yield estate
    finally:
        estate.stop()
        shutil.rmtree(folder)


@pytest.fixture(scope="module")
def estate() -> Iterator[Estate]:
    yield from opened({})


@pytest.fixture
def renamed_estate() -> Iterator[Estate]:
    yield from opened(RENAMED)


@pytest.fixture
def terminal(estate: Estate) -> Terminal:
    return Terminal(estate)


@pytest.fixture
def terminal_of() -> type[Terminal]:
    return Terminal


@pytest.fixture
def diagnoses() -> Callable[[Terminal], list[str]]:
    return lambda terminal: [c for text in terminal.sections().values() for c in commands(part(text, "Diagnosis"))]


@pytest.fixture
def verifications() -> Callable[[Terminal], list[Check]]:
    return lambda terminal: [check for text in terminal.sections().values() for check in checks(text)]
