"""HAProxy, nginx and PHP-FPM as Debian ships them: what each says of itself, and what is made of it when something breaks."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from tests.conftest import need
from tests.plugins.conftest import free_port, wait_for

from watchkeeper.base.errors import ConfigError
from watchkeeper.plugins.haproxy.table import TableError, growth_of, read_table, readings_of
from watchkeeper.plugins.php_fpm import fastcgi
from watchkeeper.watch.probe import Probe
from watchkeeper.watch.rates import Rates

Make = Callable[..., Probe]
HAPROXY = """
global
  stats socket {home}/admin.sock mode 600 level admin
  maxconn 100
defaults
  mode http
  timeout connect 1s
  timeout client 5s
  timeout server 5s
  timeout queue 5s
frontend shop
  bind 127.0.0.1:{port}
  maxconn 50
  http-request deny if {{ path_beg /denied }}
  use_backend none if {{ path_beg /none }}
  default_backend web
backend web
  server one 127.0.0.1:{upstream} check inter 100ms fall 1 rise 1 maxconn 20
  server two 127.0.0.1:9 check inter 100ms fall 1 rise 1
  server three 127.0.0.1:9 disabled
backend none
  server gone 127.0.0.1:9 check inter 100ms fall 1
frontend stats
  bind 127.0.0.1:{page}
  stats enable
  stats uri /stats
  stats auth anna:rabbit-42
"""
NGINX = """
daemon off; master_process off; pid {home}/nginx.pid; error_log {home}/error.log crit;
events {{ worker_connections 64; }}
http {{
  access_log off; client_body_temp_path {home}/b; proxy_temp_path {home}/p; fastcgi_temp_path {home}/f;
  uwsgi_temp_path {home}/u; scgi_temp_path {home}/s;
  server {{ listen 127.0.0.1:{port};
    location /status {{ stub_status; }}
    location /hidden {{ return 403; }}
    location /fpm {{ fastcgi_pass unix:{home}/fpm.sock; fastcgi_param SCRIPT_NAME /fpm-status;
      fastcgi_param SCRIPT_FILENAME /fpm-status; fastcgi_param REQUEST_METHOD GET; fastcgi_param QUERY_STRING $query_string; }}
    location /broken {{ return 500; }}
    location / {{ return 200 "shop"; }}
  }}
}}
"""
FPM = """
[global]
error_log = {home}/fpm.log
daemonize = no
[shop]
user = {user}
group = {user}
listen = {home}/fpm.sock
listen.mode = 0666
pm = static
pm.max_children = 2
pm.status_path = /fpm-status
slowlog = {home}/slow.log
request_slowlog_timeout = 1s
"""


@dataclass
class Edge:
    home: Path
    port: int
    haproxy_port: int
    page_port: int


@pytest.fixture(scope="module")
def edge(folder: Path) -> Iterator[Edge]:
    home, port, front, page = folder / "edge", free_port(), free_port(), free_port()
    programs = {name: shutil.which(name, path=f"/usr/sbin:{os.environ['PATH']}") for name in ("haproxy", "nginx", "php-fpm8.2")}
    need(all(programs.values()), "haproxy, nginx and php8.2-fpm of Debian")
    home.mkdir()
    home.chmod(0o777)
    places = {"home": home, "port": port, "upstream": port, "page": page, "user": "www-data" if os.geteuid() == 0 else ""}
    (home / "fpm.conf").write_text(FPM.format(**places))
    (home / "nginx.conf").write_text(NGINX.format(**places))
    (home / "haproxy.cfg").write_text(HAPROXY.format(**{**places, "port": front}))
    (home / "slow.php").write_text("<?php usleep(400000); echo 'done';")
    (home / "slow.php").chmod(0o644)
    quiet: dict[str, Any] = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    with contextlib.ExitStack() as started:
        for command in (
            [programs["php-fpm8.2"], "-y", f"{home}/fpm.conf", "-F", *(["-R"] if os.geteuid() == 0 else [])],
            [programs["nginx"], "-c", f"{home}/nginx.conf", "-p", str(home)],
            [programs["haproxy"], "-f", f"{home}/haproxy.cfg", "-db"],
        ):
            server = started.enter_context(subprocess.Popen(command, **quiet))  # type: ignore[arg-type]
            started.callback(server.terminate)
        for waited in (port, front, page):
            wait_for(waited)
        for _ in range(100):
            if (home / "fpm.sock").exists():
                break
            time.sleep(0.05)
        yield Edge(home, port, front, page)


async def get(*addresses: str) -> list[int]:
    async with aiohttp.ClientSession() as session:
        answers = await asyncio.gather(*(session.get(address) for address in addresses))
        return [answer.status for answer in answers]


async def test_haproxy_says_what_is_up_full_denied_and_failing(probe: Make, edge: Edge) -> None:
    made = probe("haproxy", socket=f"{edge.home}/admin.sock")
    for _ in range(100):
        first = (await made.look()).values
        if first["servers_down"] == 2.0:
            break
        await asyncio.sleep(0.05)
    assert (first["up"], first["backends"], first["backends_down"]) == (1.0, 2.0, 1.0)
    assert (first["servers"], first["servers_up_percent"]) == (3.0, pytest.approx(100 / 3))
    assert (first["web_up"], first["none_up"], first["web/one_up"], first["web/two_up"]) == (1.0, 0.0, 1.0, 0.0)
    assert "web/three_up" not in first  # taken out by a person
    shop = f"http://127.0.0.1:{edge.haproxy_port}"
    fresh = probe("haproxy", socket=f"{edge.home}/admin.sock")
    assert "requests_per_s" not in (await fresh.look()).values
    assert await get(shop, f"{shop}/denied", f"{shop}/none", f"{shop}/broken") == [200, 403, 503, 500]
    await asyncio.sleep(0.3)
    look = await fresh.look()
    assert look.values["error_percent"] == pytest.approx(50.0)
    assert look.values["denied_per_s"] > 0
    assert look.values["requests_per_s"] == pytest.approx(2 * look.values["errors_per_s"])
    assert look.values["failed_checks_per_minute"] >= 0
    assert "none has no server" in look.detail
    assert 0 <= look.values["sessions_percent"] < 100


async def test_haproxy_by_its_page_and_who_is_not_let_in(probe: Make, edge: Edge) -> None:
    page = f"http://127.0.0.1:{edge.page_port}/stats"
    look = await probe("haproxy", url=page, user="anna", password="rabbit-42").look()
    assert (look.values["up"], look.values["backends"]) == (1.0, 2.0)
    assert "does not let us in" in ((await probe("haproxy", url=page).look()).problem or "")
    other = await probe("haproxy", url=f"http://127.0.0.1:{edge.port}/").look()
    assert (other.values, other.problem) == ({}, "what came back is not HAProxy's table")


async def test_a_haproxy_that_is_away_or_hangs_is_down_and_a_file_is_a_mistake(probe: Make, peer: Any, tmp_path: Path) -> None:
    assert (await probe("haproxy", socket=f"{tmp_path}/none.sock").look()).values == {"up": 0.0}
    (tmp_path / "file").touch()
    assert (await probe("haproxy", socket=f"{tmp_path}/file").look()).values in ({"up": 0.0}, {})

    async def hang(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(60)

    waits = await probe("haproxy", timeout_s=0.2, socket=f"127.0.0.1:{await peer(hang)}").look()
    assert waits.values == {"up": 0.0, "seconds": 0.2}

    async def flood(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for _ in range(200):
            writer.write(b"# pxname," + b"x" * 65_536)
            await writer.drain()

    assert "longer than" in ((await probe("haproxy", socket=f"127.0.0.1:{await peer(flood)}").look()).problem or "")
    with pytest.raises(ConfigError, match="needs a socket or a url"):
        probe("haproxy")


def test_a_table_that_restarted_or_has_a_new_server_counts_nothing_that_was_before() -> None:
    head = "# pxname,svname,status,type,hrsp_5xx,hrsp_2xx,scur,slim,\n"
    rates = Rates()
    assert growth_of(read_table(f"{head}web,FRONTEND,OPEN,0,100,900,1,10,\n"), rates, 0.0) is None
    rows = read_table(f"{head}web,FRONTEND,OPEN,0,5,15,9,10,\nnew,FRONTEND,OPEN,0,7000,0,1,,\n")
    values, notes = readings_of(rows, growth_of(rows, rates, 10.0))
    assert (values["errors_per_s"], values["error_percent"], values["sessions_percent"]) == (0.5, 25.0, 90.0)
    assert notes[0] == "fullest is web/FRONTEND with 9 of 10"
    assert "servers_up_percent" not in values
    for text in ("", "<html>", "pxname,svname"):
        with pytest.raises(TableError):
            read_table(text)


async def test_nginx_counts_connections_and_requests(probe: Make, edge: Edge) -> None:
    url = f"http://127.0.0.1:{edge.port}"
    made = probe("nginx", url=f"{url}/status", most_connections=64)
    first = (await made.look()).values
    assert first["connections"] >= 1
    assert first["connections_percent"] == pytest.approx(100 * first["connections"] / 64)
    assert "requests_per_s" not in first
    await get(*[url] * 20)
    look = await made.look()
    assert look.values["requests_per_s"] > 0
    assert look.values["dropped_per_s"] == 0.0
    assert (await probe("nginx", url=f"{url}/hidden").look()).problem is not None
    assert "not the page of stub_status" in ((await probe("nginx", url=url).look()).problem or "")
    assert (await probe("nginx", url=f"{url}/broken").look()).values == {"up": 0.0}
    with pytest.raises(ConfigError, match="connections_percent"):
        probe("nginx", {"share": "connections_percent"}, url=url)


async def test_nginx_that_drops_connections_says_how_many(probe: Make, site: Any) -> None:
    pages = iter([(10, 10, 10), (40, 30, 90), (3, 2, 5)])

    async def handle(request: web.Request) -> web.Response:
        accepts, handled, requests = next(pages)
        return web.Response(
            text=f"Active connections: 7 \nserver accepts handled requests\n {accepts} {handled} {requests} \n"
            "Reading: 1 Writing: 2 Waiting: 4 \n"
        )

    made = probe("nginx", url=await site(handle))
    looks = [(await made.look()).values for _ in range(3)]
    assert looks[0]["connections_waiting"] == 4.0
    assert looks[1]["dropped_per_s"] / looks[1]["accepted_per_s"] == pytest.approx(10 / 30)
    assert looks[2]["dropped_per_s"] > 0  # it restarted: what it counted since is what it counts now


async def test_a_pool_of_php_says_how_busy_it_is_by_fastcgi_and_by_http(probe: Make, edge: Edge) -> None:
    direct = probe("php_fpm", socket=f"{edge.home}/fpm.sock", path="/fpm-status", max_children=2)
    look = await direct.look()
    assert (look.values["up"], look.values["active"], look.values["active_percent"]) == (1.0, 1.0, 50.0)
    assert (look.values["processes"], look.values["queue"]) == (2.0, 0.0)
    assert look.detail == "pool shop"
    again = (await direct.look()).values
    assert (again["slow"], again["full"], again["requests_per_s"]) == (0.0, 0.0, 0.0)
    page = await probe("php_fpm", url=f"http://127.0.0.1:{edge.port}/fpm").look()
    assert (page.values["up"], page.values["processes"]) == (1.0, 2.0)
    wrong = await probe("php_fpm", socket=f"{edge.home}/fpm.sock", path="/nothing").look()
    assert "pm.status_path" in (wrong.problem or "")


async def test_a_pool_whose_processes_are_all_busy_answers_too_late(probe: Make, edge: Edge) -> None:
    async def work() -> bytes:
        reader, writer = await asyncio.open_unix_connection(f"{edge.home}/fpm.sock")
        try:
            return (await fastcgi.ask(reader, writer, f"{edge.home}/slow.php", "", 10_000))[1]
        finally:
            writer.transport.abort()

    busy = [asyncio.create_task(work()) for _ in range(2)]
    await asyncio.sleep(0.1)
    look = await probe("php_fpm", timeout_s=0.15, socket=f"{edge.home}/fpm.sock", path="/fpm-status").look()
    assert look.values == {"up": 0.0, "seconds": 0.15}
    assert list(await asyncio.gather(*busy)) == [b"done", b"done"]


async def test_what_is_no_pool_of_php(probe: Make, peer: Any, tmp_path: Path, edge: Edge) -> None:
    async def other(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n" * 9)
        await reader.read(10)

    async def close(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(10)

    assert "FastCGI" in ((await probe("php_fpm", socket=f"127.0.0.1:{await peer(other)}", timeout_s=1.0).look()).problem or "")
    closed = await probe("php_fpm", socket=f"127.0.0.1:{await peer(close)}").look()
    assert (closed.values, closed.detail) == ({"up": 0.0}, "the connection was closed without an answer")
    assert (await probe("php_fpm", socket=f"{tmp_path}/none").look()).values == {"up": 0.0}
    shop = await probe("php_fpm", url=f"http://127.0.0.1:{edge.port}/").look()
    assert "not the status page" in (shop.problem or "")


def test_a_page_of_php_fpm_that_leaves_figures_out_gives_no_reading_for_them(probe: Make) -> None:
    made = probe("php_fpm", url="http://127.0.0.1:1/fpm")
    assert made._figures({"active processes": 2}, 1.0) == {"active": 2.0}  # type: ignore[attr-defined]
    assert made._figures({"active processes": 2, "slow requests": 9}, 2.0) == {"active": 2.0}  # type: ignore[attr-defined]
    found = made._figures({"active processes": 2, "slow requests": 11}, 3.0)  # type: ignore[attr-defined]
    assert found == {"active": 2.0, "slow": 2.0}
