"""Containers of a real engine: running, ended, unhealthy, restarted, out of memory, of a compose project; and no engine."""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from tests.conftest import need
from tests.plugins.dockerd import IMAGE, LASTS, Dockerd

from watchkeeper.base.errors import ConfigError
from watchkeeper.plugins.docker.figures import Container, Wanted, readings_of, spent
from watchkeeper.watch.probe import Look, Probe

Make = Callable[..., Probe]
_COMPOSE = f"""
version: "2.4"
services:
  web:
    image: {IMAGE}
    network_mode: none
    command: ["/bin/sh", "-c", "{LASTS.replace("$", "$$")}"]
  worker:
    image: {IMAGE}
    network_mode: none
    command: ["/bin/sh", "-c", "{LASTS.replace("$", "$$")}"]
"""


@pytest.fixture(scope="module")
def cast(engine: Dockerd) -> Dockerd:
    """Containers in every state."""
    engine.run("shop")
    run = ("run", "-d", "--network", "none", "--name")
    engine.docker(*run, "done", IMAGE, "/bin/sh", "-c", "exit 0")
    engine.docker(*run, "broken", IMAGE, "/bin/sh", "-c", "exit 3")
    health = ("--health-cmd", "/bin/false", "--health-interval", "100ms", "--health-retries", "1")
    engine.docker(*run, "ill", *health, IMAGE, "/bin/sh", "-c", LASTS)
    return engine


async def until(make: Callable[[], Any], holds: Callable[[Look], bool]) -> Look:
    """Look again until something holds."""
    for _ in range(150):
        look: Look = await make()
        if holds(look):
            return look
        await asyncio.sleep(0.1)
    raise AssertionError((look.values, look.detail, look.problem))


async def test_containers_that_run_end_and_are_ill(probe: Make, cast: Dockerd) -> None:
    made = probe("docker", docker_host=cast.host)
    look = await until(made.look, lambda look: look.values.get("containers_unhealthy") == 1)
    values = look.values
    assert (values["up"], values["containers"], values["containers_running"]) == (0, 4, 2)
    assert (values["services_wanted"], values["services_running"]) == (3, 2), "what ended well did its work"
    assert (values["shop_up"], values["ill_up"], values["broken_up"]) == (1, 0, 0)
    assert "broken is exited with status 3" in look.detail
    assert "ill is unhealthy" in look.detail
    assert values["oom_kills"] == 0


async def test_named_containers_alone_count_with_what_they_use(probe: Make, cast: Dockerd) -> None:
    made = probe("docker", {"Shop memory": "shop_memory_bytes"}, docker_host=cast.host, containers=["shop"])
    first = await made.look()
    assert (first.problem, first.values["up"], first.values["containers"]) == (None, 1, 1)
    assert "cpu_percent" not in first.values, "a first look has nothing to compare with"
    second = await made.look()
    assert 0 <= second.values["cpu_percent"] < 400
    assert 0 < second.values["shop_memory_bytes"] == second.values["memory_bytes"] < 100_000_000
    assert 0 < second.values["memory_percent"] < 100
    assert second.values["restarts"] == 0
    gone = await probe("docker", docker_host=cast.host, containers=["shop", "none"]).look()
    assert (gone.values["up"], gone.values["services_wanted"], gone.values["services_running"]) == (0, 2, 1)
    assert (gone.values["none_up"], gone.detail.split(";")[0]) == (0, "none has no container")


async def test_restarts_by_the_engine_are_counted(probe: Make, cast: Dockerd) -> None:
    made = probe("docker", docker_host=cast.host, containers=["often"])
    await made.look()
    run = ("run", "-d", "--network", "none", "--restart", "always", "--name")
    cast.docker(*run, "often", IMAGE, "/bin/sh", "-c", "sleep 0.1; exit 1")
    look = await until(made.look, lambda look: look.values.get("often_restarts", 0) >= 1)
    assert look.values["restarts"] == look.values["often_restarts"]
    assert "often was restarted" in look.detail
    cast.docker("rm", "-f", "often")


async def test_a_container_that_ran_out_of_memory_is_counted(probe: Make, cast: Dockerd) -> None:
    eats = "x=x; while :; do x=$x$x; done"
    limits = ("--memory", "12m", "--memory-swap", "12m")
    cast.docker("run", "-d", "--network", "none", "--name", "hungry", *limits, IMAGE, "/bin/sh", "-c", eats)
    made = probe("docker", docker_host=cast.host, containers=["hungry", "shop"])
    look = await until(made.look, lambda look: look.values.get("oom_kills", 0) >= 1 and look.values["hungry_up"] == 0)
    assert "hungry ran out of memory" in look.detail
    assert look.values["up"] == 0
    cast.docker("rm", "-f", "hungry")


async def test_a_compose_project_as_a_whole(probe: Make, cast: Dockerd, tmp_path: Path) -> None:
    need(shutil.which("docker-compose") is not None, "docker-compose")
    file = tmp_path / "docker-compose.yml"
    file.write_text(_COMPOSE)
    words = ["docker-compose", "-p", "mall", "-f", str(file), "up", "-d"]
    subprocess.run(words, env=cast.environment, check=True, capture_output=True)
    options = {"docker_host": cast.host, "project": "mall", "compose_file": "docker-compose.yml"}
    made = probe("docker", {"Worker": "worker_up"}, timeout_s=20.0, **options)
    look = await made.look()
    assert look.problem is None
    assert (look.values["up"], look.values["services_wanted"], look.values["services_running"]) == (1, 2, 2)
    cast.docker("rm", "-f", "mall_worker_1")
    short = await made.look()
    assert (short.values["up"], short.values["services_running"], short.values["worker_up"]) == (0, 1, 0)
    assert "worker has no container" in short.detail
    file.write_text(_COMPOSE.split("  worker:")[0])
    os.utime(file, (time.time() + 5, time.time() + 5))
    assert (await made.look()).values["services_wanted"] == 1, "the file has changed"
    named = await probe("docker", docker_host=cast.host, project="mall", services=["web", "worker"]).look()
    assert (named.values["up"], named.values["web_up"], named.values["worker_up"]) == (0, 1, 0)
    file.write_text("services: [")
    os.utime(file, (time.time() + 9, time.time() + 9))
    assert "docker compose does not read" in ((await made.look()).problem or "")


async def test_an_engine_that_is_away_is_down_and_what_is_none_a_problem(
    probe: Make, tmp_path: Path, closed_port: int, peer: Any, site: Any
) -> None:
    for host in (f"unix://{tmp_path}/none.sock", f"tcp://127.0.0.1:{closed_port}"):
        look = await probe("docker", docker_host=host).look()
        assert (look.values, look.problem) == ({"up": 0.0}, None)

    async def hang(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(60)

    late = await probe("docker", timeout_s=0.2, docker_host=f"http://127.0.0.1:{await peer(hang)}").look()
    assert (late.values, late.problem) == ({"up": 0.0}, None)

    answers: list[tuple[int, str]] = [(200, "<html>"), (403, "no"), (200, '{"a": 1}'), (200, "[7, null]"), (500, "x" * 9_000_000)]
    methods = set()

    async def answer(request: web.Request) -> web.StreamResponse:
        methods.add(request.method)
        status, text = answers[0] if "containers" in request.path else (200, "")
        return web.Response(status=status, text=text)

    host = await site(answer)
    for said in ("is no Docker Engine", "the engine refuses: 403 no", "is no Docker Engine", "", "the engine refuses: 500"):
        look = await probe("docker", docker_host=host).look()
        assert said in (look.problem or "")
        answers.pop(0)
    assert methods == {"GET"}


def test_what_a_container_uses_is_what_docker_stats_shows() -> None:
    about = {"Id": "a", "Name": "/shop-web-1", "State": {"Status": "running"}, "RestartCount": 2}
    memory = {"usage": 700.0, "limit": 1_000.0, "stats": {"inactive_file": 200.0}}
    stats = {"memory_stats": memory, "cpu_stats": {"cpu_usage": {"total_usage": 5e9}}, "read": "2026-03-14T12:00:10.123456789Z"}
    now = Container.of(about, stats)
    assert (now.memory_bytes, now.memory_limit, now.restarts) == (500.0, 1_000.0, 2.0)
    assert now.spent is not None
    busy = spent(now, (2.0, now.spent[1] - 2.0))
    values, notes = readings_of([busy], Wanted())
    assert (values["cpu_percent"], values["shop_web_1_cpu_percent"], values["memory_percent"]) == (150.0, 150.0, 50.0)
    assert "shop-web-1 uses 50 % of its memory" in notes
    assert "cpu_limit_percent" not in values, "it may use all processors"
    assert spent(now, (9.0, now.spent[1] - 2.0)).cpu_percent is None, "it was made anew"
    for odd in ({}, {"State": None, "Config": None, "HostConfig": {"RestartPolicy": None}}, {"RestartCount": "x"}):
        assert not Container.of(odd, {"memory_stats": None, "read": "?"}).is_well


@pytest.mark.parametrize("limit", [{"NanoCpus": 500_000_000}, {"CpuQuota": 50_000, "CpuPeriod": 100_000}, {"CpuQuota": 50_000}])
def test_a_container_that_may_use_half_a_processor_is_busy_with_half_of_one(limit: dict[str, int]) -> None:
    about = {"Id": "a", "Name": "/shop", "State": {"Status": "running"}, "HostConfig": limit}
    stats = {"cpu_stats": {"cpu_usage": {"total_usage": 5e9}}, "read": "2026-03-14T12:00:10Z"}
    now = Container.of(about, stats)
    assert now.spent is not None
    values, _ = readings_of([spent(now, (4.0, now.spent[1] - 2.0))], Wanted())
    assert (values["cpu_percent"], values["cpu_limit_percent"], values["shop_cpu_limit_percent"]) == (50.0, 100.0, 100.0)


@pytest.mark.parametrize("limit", [{}, {"NanoCpus": 0}, {"CpuQuota": -1}, {"CpuQuota": 0, "CpuPeriod": 0}, {"NanoCpus": "many"}])
def test_a_container_without_a_limit_has_none(limit: dict[str, object]) -> None:
    assert Container.of({"Id": "a", "HostConfig": limit}, None).cpu_limit is None


def test_an_engine_without_anything_that_is_to_run_is_not_up() -> None:
    values, notes = readings_of([], Wanted())
    assert ("up" in values, notes) == (False, ["there is no container that is to run"])


def test_options_that_cannot_be_used_are_refused(probe: Make) -> None:
    for options, said in (
        ({"docker_host": "/run/docker.sock"}, "no address of an engine"),
        ({"containers": ["a"], "project": "b"}, "one of `containers` and `project`"),
        ({"services": ["web"]}, "services and no project"),
    ):
        with pytest.raises(ConfigError, match=said):
            probe("docker", **options)
