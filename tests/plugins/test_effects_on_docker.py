"""Effects looked at on a real Docker Engine and a real docker-compose, held against what the commands then really do."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.conftest import need
from tests.plugins.dockerd import IMAGE, LASTS, Dockerd
from tests.plugins.effect_bench import Bench, bench_in

COMPOSE = f"""\
version: "2.4"
services:
  web:
    image: {IMAGE}
    network_mode: none
    command: ["/bin/sh", "-c", "{LASTS}"]
  db:
    image: {IMAGE}
    network_mode: none
    command: ["/bin/sh", "-c", "{LASTS}"]
    volumes: ["data:/data"]
volumes:
  data: {{}}
"""


@pytest.fixture
def bench(engine: Dockerd, tmp_path: Path) -> Iterator[Bench]:
    yield bench_in(tmp_path, variables={"DOCKER_HOST": engine.host, "COMPOSE_PROJECT_NAME": "shop"})
    for name in engine.docker("ps", "-aq").split():
        engine.docker("rm", "-fv", name)


async def test_containers_stop_start_and_go(bench: Bench, engine: Dockerd) -> None:
    for name in ("web-1", "web-2"):
        engine.run(name)
    stop = "docker stop -t 1 web-1 web-2"
    seen = await bench.look(stop)
    assert seen.sentence == "Stops 2 containers: web-1 (running), web-2 (running)."
    assert await bench.happened(stop, seen) is None
    bench.run(stop)
    assert await bench.happened(stop, seen) is True
    bench.back(stop, seen)
    assert engine.docker("ps", "-q", "--filter", "name=web-").count("\n") == 1
    restart = "docker restart -t 1 web-1"
    before = await bench.look(restart)
    assert await bench.happened(restart, before) is None
    bench.run(restart)
    assert await bench.happened(restart, before) is True
    remove = "docker rm -f web-1"
    last = await bench.look(remove)
    assert last.sentence == "Removes 1 container: web-1 (running); its writable layer and its logs go with it."
    bench.run(remove)
    assert await bench.happened(remove, last) is True
    assert (await bench.look(remove)).sentence == "Removes nothing: there is no such container."


async def test_a_prune_names_what_would_go(bench: Bench, engine: Dockerd) -> None:
    engine.docker("create", "--name", "evidence", "--network", "none", IMAGE, "/bin/true")
    engine.docker("volume", "create", "pgdata")
    seen = await bench.look("docker system prune -f")
    assert "1 container (evidence) with their logs" in seen.sentence
    assert "pgdata" not in seen.sentence
    volumes = await bench.look("docker volume prune -f")
    assert "1 volume with all data: pgdata" in volumes.sentence
    assert (await bench.look("docker volume rm pgdata")).sentence == (
        "Deletes 1 volume with all data: pgdata; no container uses it."
    )
    engine.docker("volume", "rm", "pgdata")


async def test_compose_from_up_to_down(bench: Bench, engine: Dockerd) -> None:
    need(shutil.which("docker-compose") is not None, "docker-compose (Debian: docker-compose)")
    (bench.folder / "docker-compose.yml").write_text(COMPOSE)
    # the words of the runbook mean what is installed
    up = "docker compose up -d --scale web=2"
    first = await bench.look(up)
    assert first.sentence == "web: 0 → 2 containers; makes db." or first.sentence == "makes db; web: 0 → 2 containers."
    bench.run(up.replace("docker compose", "docker-compose"))
    assert await bench.happened(up, first) is True
    wider = "docker-compose up -d --scale web=3"
    scaled = await bench.look(wider)
    assert scaled.sentence == "web: 2 → 3 containers."
    bench.run(wider)
    bench.back(wider, scaled)
    assert len(bench.run("docker-compose ps -q web").split()) == 2
    (bench.folder / "docker-compose.yml").write_text(COMPOSE.replace("data:/data", "data:/elsewhere"))
    drifted = await bench.look("docker-compose up -d --scale web=2")
    assert drifted.sentence == "Makes db anew: its files changed."
    down = "docker-compose down -v -t 1"
    seen = await bench.look(down)
    assert "stops and removes 3 containers" in seen.sentence.lower()
    assert "deletes 1 volume with all data: shop_data" in seen.sentence
    stop = "docker-compose stop -t 1 db"
    stopped = await bench.look(stop)
    bench.run(stop)
    assert await bench.happened(stop, stopped) is True
    bench.back(stop, stopped)
    bench.run(down)
    assert await bench.happened(down, seen) is True
