"""Programs of a real supervisord over its unix socket and its port: running, dying, failing, ended; and peers that are none."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import signal
import subprocess
import sys
import time
import xmlrpc.client
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from tests.conftest import need
from tests.plugins.conftest import free_port, wait_for

from watchkeeper.base.errors import ConfigError
from watchkeeper.plugins.supervisor.probe import read_answer
from watchkeeper.watch.probe import Probe

Make = Callable[..., Probe]
BESIDE = Path(sys.executable).parent / "supervisord"
SUPERVISORD = str(BESIDE) if BESIDE.exists() else shutil.which("supervisord")
_CONFIG = """
[supervisord]
nodaemon=true
logfile=/dev/null
logfile_maxbytes=0
pidfile={folder}/pid
childlogdir={folder}
[unix_http_server]
file={folder}/s
username=watch
password=keeper-1234
[inet_http_server]
port=127.0.0.1:{port}
[rpcinterface:supervisor]
supervisor.rpcinterface_factory = supervisor.rpcinterface:make_main_rpcinterface
[program:shop]
command=/bin/sleep 1000
startsecs=0
[program:mail]
command=/bin/sleep 1000
process_name=%(program_name)s_%(process_num)d
numprocs=2
startsecs=0
[program:broken]
command=/no/such/program
startretries=0
[program:once]
command=/bin/true
startsecs=0
autorestart=false
[program:wrong]
command=/bin/false
startsecs=0
autorestart=false
[program:later]
command=/bin/sleep 1000
autostart=false
[group:workers]
programs=mail
"""


@dataclass
class Supervisord:
    """One of the tests' own."""

    folder: Path
    port: int

    def pid_of(self, name: str) -> int:
        """Ask it for a program's process."""
        with xmlrpc.client.ServerProxy(f"http://127.0.0.1:{self.port}/RPC2") as server:
            info: Any = server.supervisor.getProcessInfo(name)
        return int(info["pid"])


@pytest.fixture(scope="module")
def supervisord(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Supervisord]:
    need(SUPERVISORD is not None, "supervisord (pip: supervisor)")
    assert SUPERVISORD
    # the path of a unix socket must be short
    made = Supervisord(tmp_path_factory.mktemp("s"), free_port())
    (made.folder / "conf").write_text(_CONFIG.format(folder=made.folder, port=made.port))
    with subprocess.Popen([SUPERVISORD, "-c", made.folder / "conf"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as one:
        wait_for(made.port)
        with xmlrpc.client.ServerProxy(f"http://127.0.0.1:{made.port}/RPC2") as server:
            for _ in range(200):
                states: Any = {each["name"]: each["statename"] for each in server.supervisor.getAllProcessInfo()}  # type: ignore[union-attr]
                if states["broken"] == "FATAL" and states["once"] == states["wrong"] == "EXITED":
                    break
                time.sleep(0.05)
        yield made
        one.terminate()


async def test_programs_over_the_unix_socket(probe: Make, supervisord: Supervisord) -> None:
    url = f"unix://{supervisord.folder}/s"
    look = await probe("supervisor", url=url, user="watch", password="keeper-1234").look()
    assert look.problem is None
    values = look.values
    assert (values["up"], values["programs"], values["programs_running"], values["programs_failed"]) == (0, 5, 3, 2)
    assert (values["shop_up"], values["workers_mail_1_up"], values["broken_up"], values["wrong_up"]) == (1, 1, 0, 0)
    assert "once_up" not in values, "it ended well"
    assert "later_up" not in values, "it was never started"
    assert "restarts" not in values, "a first look has nothing to compare with"
    assert 0 <= values["youngest_seconds"] < 600
    assert "broken is FATAL" in look.detail
    assert "wrong is EXITED: " in look.detail


async def test_only_the_programs_that_are_named_count(probe: Make, supervisord: Supervisord) -> None:
    url = f"http://127.0.0.1:{supervisord.port}"
    well = await probe("supervisor", {"Mail": "workers_mail_0_up"}, url=url, programs=["shop", "workers:*"]).look()
    assert (well.values["up"], well.values["programs"], well.values["programs_running"]) == (1, 3, 3)
    ill = await probe("supervisor", url=url, programs=["shop", "later", "none"]).look()
    assert (ill.values["up"], ill.values["programs"], ill.values["programs_running"]) == (0, 3, 1)
    assert "later is STOPPED" in ill.detail
    assert "there is no program none" in ill.detail


async def test_a_program_that_dies_and_is_started_again_is_counted(probe: Make, supervisord: Supervisord) -> None:
    made = probe("supervisor", url=f"http://127.0.0.1:{supervisord.port}", programs="shop")
    await made.look()
    assert (await made.look()).values["restarts"] == 0
    # supervisord counts in whole seconds: one that begins anew within the same second is not seen to have
    await asyncio.sleep(1.05)
    before = supervisord.pid_of("shop")
    os.kill(before, signal.SIGKILL)
    for _ in range(100):
        if supervisord.pid_of("shop") not in (0, before):
            break
        await asyncio.sleep(0.05)
    look = await made.look()
    assert (look.values["up"], look.values["restarts"], look.values["shop_restarts"]) == (1, 1, 1)
    assert "shop began anew 1 times" in look.detail


async def test_who_is_not_let_in_did_not_look(probe: Make, supervisord: Supervisord) -> None:
    url = f"unix://{supervisord.folder}/s"
    look = await probe("supervisor", url=url, user="watch", password="wrong-password").look()
    assert look.values == {}
    assert look.problem == "supervisord does not let us in: wrong user or password"


async def test_no_supervisord_is_down_and_another_server_is_a_problem(
    probe: Make, closed_port: int, tmp_path: Path, peer: Any, site: Any
) -> None:
    for url in (f"http://127.0.0.1:{closed_port}", f"unix://{tmp_path}/none"):
        look = await probe("supervisor", url=url).look()
        assert (look.values, look.problem) == ({"up": 0.0}, None)

    async def hang(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(60)

    late = await probe("supervisor", timeout_s=0.2, url=f"http://127.0.0.1:{await peer(hang)}").look()
    assert late.values == {"up": 0.0}

    async def page(request: web.Request) -> web.StreamResponse:
        return web.Response(text="<html>")

    async def flood(request: web.Request) -> web.StreamResponse:
        answer = web.StreamResponse()
        await answer.prepare(request)
        with contextlib.suppress(ConnectionError):
            while True:
                await answer.write(b"<" * 65_536)
        return answer

    assert "is no supervisord" in ((await probe("supervisor", url=await site(page)).look()).problem or "")
    assert "longer than 4,000,000 bytes" in ((await probe("supervisor", url=await site(flood)).look()).problem or "")


def test_answers_that_are_none_are_not_taken() -> None:
    good = {"name": "a", "group": "a", "statename": "RUNNING", "start": 1, "now": 2}
    assert read_answer(xmlrpc.client.dumps(([good],), methodresponse=True).encode()) == [good]
    for answer in ([{**good, "start": "1"}], [{"name": "a"}], {"a": 1}, 7, ["x"]):
        assert read_answer(xmlrpc.client.dumps((answer,), methodresponse=True).encode()) is None
    for body in (b"", b"\xff", b"<methodResponse>", b"<a/>", b"<methodResponse><params></params></methodResponse>"):
        assert read_answer(body) is None


def test_options_that_cannot_be_used_are_refused(probe: Make) -> None:
    for url in ("/run/supervisor.sock", "unix://run/supervisor.sock", "http://", "ftp://host", "http://host:0"):
        with pytest.raises(ConfigError, match="is not the address of a supervisord"):
            probe("supervisor", url=url)
    with pytest.raises(ConfigError, match="'shop_state'"):
        probe("supervisor", {"Shop": "shop_state"}, url="http://127.0.0.1:9001")


def test_a_supervisord_without_a_program_that_is_to_run_is_not_up(probe: Make) -> None:
    look = probe("supervisor", url="http://127.0.0.1:9001")._judge([], 0.0)  # type: ignore[attr-defined]
    assert ("up" in look.values, look.detail) == (False, "there is no program that is to run")
