"""Certificates of a real nginx by name, of PostgreSQL behind its own first word, of mail, of files; and hostile peers."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import ssl
import subprocess
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.conftest import need
from tests.plugins.authorities import Authority
from tests.plugins.conftest import free_port, wait_for

from watchkeeper.base.errors import ConfigError
from watchkeeper.watch.probe import Probe

Make = Callable[..., Probe]
NGINX = shutil.which("nginx") or shutil.which("/usr/sbin/nginx")
_SITE = "server {{ listen 127.0.0.1:{port} ssl; server_name {name}; ssl_certificate {chain}; ssl_certificate_key {key}; }}"
_NGINX = """
daemon off; master_process off; pid {folder}/pid; error_log {folder}/error.log;
events {{}}
http {{ access_log off; client_body_temp_path {folder}/b; proxy_temp_path {folder}/p; fastcgi_temp_path {folder}/f;
uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;
{sites}
}}
"""


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="module")
def nginx(authority: Authority, tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """One port that serves another certificate for each name."""
    need(NGINX is not None, "nginx (Debian: nginx)")
    assert NGINX
    folder, port = tmp_path_factory.mktemp("nginx"), free_port()
    signed = {
        "shop.test": authority.sign("shop.test", "shop.test", "*.shop.test", "127.0.0.1", since=-60, until=30),
        "old.test": authority.sign("old.test", since=-100, until=-2),
        "own.test": authority.sign("own.test", itself=True),
        "later.test": authority.sign("later.test", since=1, until=90),
    }
    sites = [_SITE.format(port=port, name=name, chain=chain, key=key) for name, (chain, key) in signed.items()]
    (folder / "nginx.conf").write_text(_NGINX.format(folder=folder, sites="\n".join(sites)))
    with subprocess.Popen([NGINX, "-c", folder / "nginx.conf", "-e", folder / "error.log"]) as server:
        wait_for(port)
        yield port
        server.terminate()


async def test_a_good_certificate_by_its_name(probe: Make, nginx: int, authority: Authority) -> None:
    look = await probe("certificate", address=f"127.0.0.1:{nginx}", name="shop.test", ca=str(authority.file)).look()
    assert look.problem is None
    assert (look.values["up"], look.values["valid"], look.values["trusted"], look.values["name_matches"]) == (1, 1, 1, 1)
    assert (look.values["expired"], look.values["self_signed"]) == (0, 0)
    assert look.values["days"] == pytest.approx(30, abs=0.1)
    assert look.values["lifetime_left_percent"] == pytest.approx(100 / 3, abs=0.2)
    assert look.values["chain_days"] == look.values["days"]
    assert "shop.test ends on " in look.detail


async def test_an_address_is_a_name_too_and_none_is_sent_for_it(probe: Make, nginx: int, authority: Authority) -> None:
    look = await probe("certificate", address=f"127.0.0.1:{nginx}", ca=str(authority.file)).look()
    assert (look.values["valid"], look.values["name_matches"]) == (1, 1)


@pytest.mark.parametrize(
    ("name", "expected", "said"),
    [
        ("old.test", {"expired": 1, "valid": 0, "trusted": 1, "name_matches": 1}, "old.test expired on"),
        ("own.test", {"self_signed": 1, "valid": 0, "trusted": 0, "name_matches": 1}, "self-signed"),
        ("later.test", {"expired": 0, "valid": 0, "trusted": 1}, "it holds from"),
        ("a.b.shop.test", {"name_matches": 0, "valid": 0, "trusted": 1}, "it is not for a.b.shop.test, but for shop.test"),
        ("www.shop.test", {"name_matches": 1, "valid": 1}, "shop.test ends on"),
    ],
)
async def test_bad_news_of_a_certificate_is_a_reading(
    probe: Make, nginx: int, authority: Authority, name: str, expected: dict[str, float], said: str
) -> None:
    look = await probe("certificate", address=f"127.0.0.1:{nginx}", name=name, ca=str(authority.file)).look()
    assert look.problem is None
    assert look.values["up"] == 1
    assert {key: look.values[key] for key in expected} == expected
    assert said in look.detail


async def test_a_root_that_this_machine_does_not_know_is_not_trusted(probe: Make, nginx: int) -> None:
    look = await probe("certificate", address=f"127.0.0.1:{nginx}", name="shop.test").look()
    assert (look.values["up"], look.values["trusted"], look.values["valid"], look.values["name_matches"]) == (1, 0, 0, 1)
    assert look.values["days"] == pytest.approx(30, abs=0.1)


async def test_of_several_the_worst_counts_and_each_has_its_own(probe: Make, authority: Authority) -> None:
    first, _ = authority.sign("first.test", until=50)
    second, _ = authority.sign("second.test", until=-1)
    made = probe("certificate", {"TLS of the shop": f"{_slug(first)}_days"}, file=[str(first), str(second)])
    look = await made.look()
    assert look.values["days"] == pytest.approx(-1, abs=0.1)
    assert look.values[f"{_slug(first)}_days"] == pytest.approx(50, abs=0.1)
    assert (look.values["expired"], look.values[f"{_slug(first)}_expired"], look.values["up"]) == (1, 0, 1)
    assert "second.test expired on" in look.detail


async def test_a_file_that_is_none_was_not_looked_at(probe: Make, tmp_path: Path) -> None:
    (tmp_path / "noise.pem").write_bytes(b"\x00noise" * 100_000)
    for name, said in (("noise.pem", "cannot be read as a certificate"), ("none.pem", "No such file")):
        look = await probe("certificate", file=name).look()
        assert look.values == {}
        assert said in (look.problem or "")


async def test_postgresql_begins_without_tls(probe: Make, postgres_dsn: str, servers: Any) -> None:
    port = postgres_dsn.split("port=")[1].split()[0]
    look = await probe("certificate", address=f"127.0.0.1:{port}", starttls="postgres").look()
    assert (look.values, look.detail) == ({"up": 0.0}, "it does not take TLS")


@pytest.fixture
async def speaker(authority: Authority) -> AsyncIterator[Callable[..., Any]]:
    """Serve a protocol that begins without TLS: the lines of the server, and the lines that it waits for, in turn."""
    chain, key = authority.sign("mail.test", until=20)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(chain, key)
    servers: list[asyncio.Server] = []

    async def serve(*turns: bytes, raw: int = 0) -> int:
        async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            with contextlib.suppress(OSError, asyncio.IncompleteReadError):
                if raw:
                    await reader.readexactly(raw)
                for number, turn in enumerate(turns):
                    if number:
                        await reader.readline()
                    writer.write(turn)
                await writer.drain()
                await writer.start_tls(context)
                await reader.read()
            writer.transport.abort()

        servers.append(await asyncio.start_server(talk, "127.0.0.1", 0))
        port: int = servers[-1].sockets[0].getsockname()[1]
        return port

    yield serve
    for server in servers:
        server.close()


async def test_mail_and_databases_that_take_tls_after_a_word(probe: Make, speaker: Any, authority: Authority) -> None:
    smtp = await speaker(b"220 mail.test\r\n", b"250-mail.test\r\n250-SIZE\r\n250 STARTTLS\r\n", b"220 go on\r\n")
    imap = await speaker(b"* OK mail.test\r\n", b"* CAPABILITY IMAP4\r\na OK begin\r\n")
    postgres = await speaker(b"S", raw=8)
    for kind, port in (("smtp", smtp), ("imap", imap), ("postgres", postgres)):
        options = {"name": "mail.test", "starttls": kind, "ca": str(authority.file)}
        look = await probe("certificate", address=f"127.0.0.1:{port}", **options).look()
        assert (look.values["valid"], look.values["trusted"]) == (1, 1), (kind, look.detail, look.problem)
        assert look.values["days"] == pytest.approx(20, abs=0.1)


async def test_peers_that_do_not_speak_tls_hang_or_talk_without_end(probe: Make, peer: Any, closed_port: int) -> None:
    async def hang(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(60)

    async def noise(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            writer.write(b"250-" + b"x" * 60 + b"\r\n")
            await writer.drain()

    async def line(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            writer.write(b"2" * 10_000)
            await writer.drain()

    async def no(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 mail\r\n")
        await reader.readline()
        writer.write(b"250 mail\r\n")
        await writer.drain()
        await asyncio.sleep(60)

    async def look(port: int, timeout_s: float = 30, **options: Any) -> tuple[dict[str, float], str]:
        found = await probe("certificate", timeout_s=timeout_s, address=f"127.0.0.1:{port}", **options).look()
        assert found.problem is None
        return found.values, found.detail

    hanging = await peer(hang)
    assert await look(hanging, 0.5) == ({"up": 0.0, "seconds": 0.5}, "no certificate within 0.5 s")
    assert (await look(hanging, 0.5, starttls="smtp"))[0]["up"] == 0
    assert (await look(await peer(noise), 0.5))[0]["up"] == 0
    assert await look(await peer(noise), starttls="smtp") == ({"up": 0.0}, f"it says {'250-' + 'x' * 60!r}")
    assert await look(await peer(line), starttls="smtp") == ({"up": 0.0}, "it says a line of more than 4,096 bytes")
    assert await look(await peer(no), starttls="smtp") == ({"up": 0.0}, "it offers no STARTTLS")
    assert await look(closed_port) == ({"up": 0.0}, "connection refused")


def test_options_that_cannot_be_used_are_refused(probe: Make) -> None:
    with pytest.raises(ConfigError, match="one of `address` and `file`"):
        probe("certificate")
    with pytest.raises(ConfigError, match=r"'shop\.test'"):
        probe("certificate", address="shop.test")
    with pytest.raises(ConfigError, match="starttls"):
        probe("certificate", address="shop.test:21", starttls="ftp")


def _slug(path: Path) -> str:
    return "_".join(part for part in "".join(char if char.isalnum() else " " for char in str(path).casefold()).split())
