"""A Docker Engine with a network and the image that all estates stand on, once a session: DOCKER_HOST's, else one of our own.

An engine of our own keeps its data in WATCHKEEPER_TEST_ESTATES (so that images are built once), else in a folder that is
deleted, since it takes some gigabytes.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import pytest
from tests.estates.carried import watchkeeper

from watchkeeper.app import App
from watchkeeper.drill.commands import variables_of

ESTATES = Path(__file__).parents[2] / "estates"
EVERYTHING = os.environ.get("WATCHKEEPER_TEST_EVERYTHING", "") == "1"


def need(condition: object, what: str) -> None:
    if not condition:
        pytest.fail(f"missing here: {what}") if EVERYTHING else pytest.skip(f"missing here: {what}")


@pytest.fixture(scope="session")
def docker() -> Iterator[str]:
    """The engine's address, in the environment as well, with the base image built."""
    given = os.environ.get("DOCKER_HOST")
    if given:
        subprocess.run([ESTATES / "base" / "build.sh"], check=True)
        yield given
        return
    need(shutil.which("dockerd") and shutil.which("docker-compose") and os.geteuid() == 0, "Docker Engine with Compose, and root")
    kept = os.environ.get("WATCHKEEPER_TEST_ESTATES")
    folder = Path(tempfile.mkdtemp(prefix="wk-estates-"))
    data = Path(kept) if kept else folder / "data"
    host = f"unix://{folder}/docker.sock"
    words = ["dockerd", "--data-root", data, "--exec-root", folder / "exec", "--pidfile", folder / "pid", "-H", host]
    with (folder / "log").open("wb") as log:
        engine = subprocess.Popen(words, stdout=log, stderr=log)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DOCKER_HOST", host)
        try:
            _wait_until_it_answers(engine, folder / "log")
            subprocess.run([ESTATES / "base" / "build.sh"], check=True)
            yield host
        finally:
            engine.terminate()
            engine.wait(60)
            shutil.rmtree(folder, ignore_errors=True)


def _wait_until_it_answers(engine: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + 60
    while subprocess.run(["docker", "version"], capture_output=True, check=False).returncode != 0:
        assert engine.poll() is None, log.read_text()
        assert time.monotonic() < deadline, log.read_text()
        time.sleep(0.2)


@pytest.fixture(scope="session")
def estate_up(docker: str) -> Iterator[Callable[[str], Path]]:
    """Start an estate by its name, unless it is up, and give its folder; all that were started are ended with the session."""
    up: dict[str, Path] = {}

    def start(name: str) -> Path:
        if name not in up:
            up[name] = ESTATES / name
            subprocess.run([up[name] / "estate", "up"], check=True, stdout=subprocess.DEVNULL)
        return up[name]

    yield start
    for folder in up.values():
        subprocess.run([folder / "estate", "down"], check=True)


@pytest.fixture
async def app(estate: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[App]:
    """Watchkeeper over the estate of a test file."""
    for name, value in variables_of(estate / ".env").items():
        monkeypatch.setenv(name, value)
    async with watchkeeper(estate, tmp_path / "state") as opened:
        yield opened
