"""Inside of containers: a real engine, containers with nothing but busybox, and what becomes of jobs when they end."""

from __future__ import annotations

import asyncio
import shutil
import subprocess
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import pytest
from tests.conftest import need
from tests.plugins.dockerd import LASTS, Dockerd
from tests.plugins.remote_jobs import MakeJob, carry_out, job_maker

from watchkeeper.base.errors import ConfigError, OutsideError, Permanent, Transient
from watchkeeper.estate.model import Estate, TargetConfig
from watchkeeper.plugins.docker.target import DockerTarget

MakeTarget = Callable[..., DockerTarget]
COMPOSE = f"""
version: "2.4"
services:
  web:
    image: watchkeeper-test
    network_mode: none
    command: ["/bin/sh", "-c", "{LASTS.replace("$", "$$")}"]
"""


@pytest.fixture
def container(engine: Dockerd, request: pytest.FixtureRequest) -> Iterator[str]:
    name = f"web-{abs(hash(request.node.name)):x}"
    engine.run(name)
    yield name
    engine.docker("rm", "-f", name)


@pytest.fixture
async def make_target(tmp_path: Path, engine: Dockerd) -> AsyncIterator[MakeTarget]:
    made: list[DockerTarget] = []

    def make(directory: str = "/tmp", **options: object) -> DockerTarget:
        config = TargetConfig("web", "docker", 1, Path(directory), options={"docker_host": engine.host, **options})
        made.append(DockerTarget(config, Estate(tmp_path / "watchkeeper.toml", "shop", tmp_path / "runbook.md")))
        return made[-1]

    yield make
    for target in made:
        await target.close()


@pytest.fixture
def target(make_target: MakeTarget, container: str) -> DockerTarget:
    return make_target(container=container)


@pytest.fixture
def job(tmp_path: Path) -> MakeJob:
    return job_maker(tmp_path)


@pytest.mark.parametrize(
    ("script", "status", "output"),
    [
        ("echo one; echo two >&2; exit 3", 3, "one\ntwo\n"),
        ("cat; pwd; test -t 0 || echo no terminal", 0, "/tmp\nno terminal\n"),
        ('echo "$NAME"', 0, "it's $(touch pwned) -rf\n"),
        ("no-such-program-here", 127, None),
    ],
)
async def test_a_script_runs_inside(target: DockerTarget, job: MakeJob, script: str, status: int, output: str | None) -> None:
    found = await carry_out(target, job(script, variables={"NAME": "it's $(touch pwned) -rf"}))
    assert found[0] == status
    if output is not None:
        assert found[1] == output
    assert (await carry_out(target, job("ls", "2.1.1")))[1] == ""


async def test_a_user_inside(make_target: MakeTarget, container: str, job: MakeJob) -> None:
    assert await carry_out(make_target(container=container, user="shop"), job("id -un")) == (0, "shop\n")


async def test_a_job_outlives_the_line_and_is_adopted(
    target: DockerTarget, make_target: MakeTarget, container: str, job: MakeJob, engine: Dockerd
) -> None:
    mine = job("echo begun >> /tmp/marks; sleep 1; echo end; exit 5")
    await target.start(mine)
    await target.close()
    successor = make_target(container=container)
    assert (await successor.find(mine)).state == "running"
    assert (await successor.wait(mine)).exit_status == 5
    assert successor.read_output(mine) == "end\n"
    assert engine.docker("exec", container, "cat", "/tmp/marks") == "begun"


async def test_the_time_limit_is_kept_inside_with_what_daemonised(
    target: DockerTarget, job: MakeJob, engine: Dockerd, container: str
) -> None:
    mine = job("(setsid sh -c 'trap \"\" TERM; exec sleep 61' &); sleep 60", timeout_s=1.0)
    await target.start(mine)
    found = await target.wait(mine)
    assert (found.state, found.timed_out) == ("ended", True)
    assert "sleep 6" not in engine.docker("exec", container, "ps")


async def test_what_is_stopped_is_stopped_inside(target: DockerTarget, job: MakeJob, engine: Dockerd, container: str) -> None:
    mine = job("sleep 60")
    await target.start(mine)
    waiting = asyncio.create_task(target.wait(mine))
    await asyncio.sleep(0.3)
    await target.kill(mine)
    assert (await waiting).sentence == "It was stopped by a person."
    assert "sleep 60" not in engine.docker("exec", container, "ps")


async def test_a_container_that_restarts_loses_its_job_and_says_so(
    target: DockerTarget, job: MakeJob, engine: Dockerd, container: str
) -> None:
    mine = job("sleep 60")
    await target.start(mine)
    engine.docker("restart", "-t", "0", container)
    found = await target.wait(mine)
    assert (found.state, found.sentence) == ("lost", "Nobody saw how it ended: the place restarted.")


async def test_a_container_made_anew_proves_nothing(
    target: DockerTarget, make_target: MakeTarget, job: MakeJob, engine: Dockerd, container: str
) -> None:
    mine = job("sleep 60")
    await target.start(mine)
    await target.close()
    engine.docker("rm", "-f", container)
    engine.run(container)
    successor = make_target(container=container)
    found = await successor.find(mine)
    assert found.state == "lost"
    assert "No such container" in found.sentence


async def test_containers_that_are_not_there_are_named(
    make_target: MakeTarget, job: MakeJob, engine: Dockerd, container: str
) -> None:
    with pytest.raises(Permanent, match="container gone cannot be used"):
        await make_target(container="gone").start(job("true"))
    engine.docker("stop", "-t", "0", container)
    with pytest.raises(Transient, match="does not run"):
        await make_target(container=container).start(job("true", "2.1.1"))
    with pytest.raises(OutsideError, match="does not answer"):
        await make_target(container=container, docker_host="unix:///nowhere.sock").start(job("true", "3.1.1"))
    with pytest.raises(ConfigError, match="needs one of"):
        make_target()


async def test_a_service_of_a_compose_project(make_target: MakeTarget, job: MakeJob, engine: Dockerd, tmp_path: Path) -> None:
    need(shutil.which("docker-compose") is not None, "docker-compose")
    (tmp_path / "docker-compose.yml").write_text(COMPOSE)
    words = ["docker-compose", "-f", str(tmp_path / "docker-compose.yml"), "-p", "shop"]
    subprocess.run([*words, "up", "-d"], check=True, capture_output=True, env=engine.environment)
    try:
        target = make_target(service="web", compose_file="docker-compose.yml", project="shop")
        assert await carry_out(target, job("echo inside; id -un")) == (0, "inside\nroot\n")
        with pytest.raises(Transient):
            await make_target(service="none", compose_file="docker-compose.yml", project="shop").start(job("true", "2.1.1"))
    finally:
        subprocess.run([*words, "down", "-t", "0"], check=True, capture_output=True, env=engine.environment)


async def test_docker_compose_in_a_runbook_means_what_is_installed(engine: Dockerd, tmp_path: Path, job: MakeJob) -> None:
    from watchkeeper.plugins.shell.target import ShellTarget

    need(shutil.which("docker-compose") is not None, "docker-compose")
    (tmp_path / "docker-compose.yml").write_text(COMPOSE)
    estate = Estate(tmp_path / "watchkeeper.toml", "shop", tmp_path / "runbook.md")
    local = ShellTarget(TargetConfig("local", "shell", 1, tmp_path), estate)
    variables = {"DOCKER_HOST": engine.host, "COMPOSE_PROJECT_NAME": "words"}
    for number, script in enumerate(
        ("docker compose up -d", "docker compose ps", "docker-compose ps", "docker compose down -t 0")
    ):
        mine = job(script, f"{number}.1.1", variables=variables)
        await local.start(mine)
        found = await local.wait(mine)
        assert found.exit_status == 0, local.read_output(mine)
        if script.endswith("ps"):
            assert "words_web_1" in local.read_output(mine) or "words-web-1" in local.read_output(mine)
