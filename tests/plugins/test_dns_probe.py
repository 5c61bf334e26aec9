"""Questions to a real unbound, whose zones are well, empty, broken, refused and silent; and to peers that lie."""

from __future__ import annotations

import asyncio
import shutil
import subprocess
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import dns.message
import dns.rrset
import pytest
from tests.conftest import need
from tests.plugins.conftest import free_port, wait_for

from watchkeeper.base.errors import ConfigError
from watchkeeper.watch.probe import Probe

Make = Callable[..., Probe]
UNBOUND = shutil.which("unbound") or shutil.which("/usr/sbin/unbound")
KNOT = shutil.which("knotd") or shutil.which("/usr/sbin/knotd")
_KNOT = """
server:
  rundir: "{folder}"
  listen: 127.0.0.1@{port}
database:
  storage: "{folder}"
"""
_CONFIG = """
server:
  interface: 127.0.0.1@{port}
  port: {port}
  chroot: ""
  username: ""
  pidfile: "{folder}/pid"
  directory: "{folder}"
  use-syslog: no
  logfile: ""
  do-daemonize: no
  do-not-query-localhost: no
  module-config: "iterator"
  local-zone: "test." static
  local-data: "shop.test. 300 A 192.0.2.10"
  local-data: "shop.test. 300 A 192.0.2.11"
  local-data: "shop.test. 60 MX 10 Mail.test."
  local-data: 'shop.test. 60 TXT "v=spf1 -all"'
  local-zone: "silent.test." deny
  local-zone: "refused.test." refuse
{large}
forward-zone:
  name: "broken."
  forward-addr: 127.0.0.1@{knot}
"""


@pytest.fixture(scope="module")
def knot(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """A server that serves no zone, and refuses them all."""
    need(KNOT is not None, "knot (Debian: knot)")
    assert KNOT
    folder, port = tmp_path_factory.mktemp("knot"), free_port()
    (folder / "conf").write_text(_KNOT.format(port=port, folder=folder))
    with subprocess.Popen([KNOT, "-c", folder / "conf"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as server:
        wait_for(port)
        yield port
        server.terminate()


@pytest.fixture(scope="module")
def unbound(knot: int, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    need(UNBOUND is not None, "unbound (Debian: unbound)")
    assert UNBOUND
    folder, port = tmp_path_factory.mktemp("unbound"), free_port()
    large = "\n".join(f"""  local-data: 'large.test. 60 TXT "{"x" * 200}{number:03d}"'""" for number in range(30))
    (folder / "conf").write_text(_CONFIG.format(port=port, folder=folder, knot=knot, large=large))
    with subprocess.Popen([UNBOUND, "-d", "-c", folder / "conf"], stderr=subprocess.DEVNULL) as server:
        wait_for(port)
        yield f"127.0.0.1:{port}"
        server.terminate()


async def test_a_name_with_what_is_expected(probe: Make, unbound: str) -> None:
    look = await probe("dns", name="Shop.TEST", server=unbound, expect=["192.0.2.11"]).look()
    assert look.problem is None
    assert (look.values["up"], look.values["rcode"], look.values["answers"], look.values["ttl_seconds"]) == (1, 0, 2, 300)
    assert 0 < look.values["seconds"] < 5
    assert look.values["authenticated"] == 0
    assert "192.0.2.10" in look.detail
    mail = await probe("dns", name="shop.test", type="mx", server=unbound, expect="10 mail.test").look()
    assert mail.values["up"] == 1
    text = await probe("dns", name="shop.test", type="TXT", server=unbound, expect="v=spf1 -all").look()
    assert text.values["up"] == 1


async def test_records_that_are_missing_or_too_many_are_named(probe: Make, unbound: str) -> None:
    missing = await probe("dns", name="shop.test", server=unbound, expect=["192.0.2.10", "192.0.2.99"]).look()
    assert (missing.values["up"], missing.values["rcode"]) == (0, 0)
    assert "missing: 192.0.2.99" in missing.detail
    more = await probe("dns", name="shop.test", server=unbound, expect=["192.0.2.10"], only=True).look()
    assert more.values["up"] == 0
    assert "not expected: 192.0.2.11" in more.detail


@pytest.mark.parametrize(
    ("name", "kind", "rcode", "said"),
    [
        ("none.test", "A", 3.0, "NXDOMAIN: there is no such name"),
        ("shop.test", "AAAA", 0.0, "it has no AAAA records"),
        ("any.broken", "A", 2.0, "SERVFAIL: the server could not find out"),
        ("any.refused.test", "A", 5.0, "REFUSED: the server refuses to answer"),
    ],
)
async def test_how_a_name_is_not_there_is_told_apart(
    probe: Make, unbound: str, name: str, kind: str, rcode: float, said: str
) -> None:
    look = await probe("dns", name=name, type=kind, server=unbound).look()
    assert (look.problem, look.values["up"], look.values["answers"], look.values["rcode"]) == (None, 0, 0, rcode)
    assert said in look.detail


async def test_a_silent_server_and_a_closed_port_are_down(probe: Make, unbound: str, closed_port: int) -> None:
    silent = await probe("dns", timeout_s=0.3, name="any.silent.test", server=unbound).look()
    assert silent.values == {"up": 0.0, "seconds": 0.3}
    assert "gave no answer within 0.3 s" in silent.detail
    closed = await probe("dns", timeout_s=0.3, name="shop.test", server=f"127.0.0.1:{closed_port}").look()
    assert (closed.values["up"], "rcode" in closed.values, closed.problem) == (0.0, False, None)


async def test_an_answer_too_large_for_udp_is_asked_for_again(probe: Make, unbound: str) -> None:
    look = await probe("dns", name="large.test", type="TXT", server=unbound).look()
    assert (look.values["up"], look.values["answers"]) == (1, 30)
    assert "and 25 more" in look.detail
    assert len(look.detail) < 600


async def test_the_servers_of_this_machine_are_asked_in_turn(
    probe: Make, unbound: str, closed_port: int, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    made = probe("dns", timeout_s=0.8, name="shop.test")
    port = int(unbound.partition(":")[2])
    found = await made._ask_in_turn([("127.0.0.1", closed_port), ("127.0.0.1", port)])  # type: ignore[attr-defined]
    assert found.values["up"] == 1
    assert found.detail.startswith("127.0.0.1")

    def missing() -> Any:
        raise OSError("no resolv.conf")

    monkeypatch.setattr("dns.resolver.Resolver", missing)
    assert "names no DNS server" in ((await made.look()).problem or "")


@pytest.fixture
async def liar() -> AsyncIterator[Callable[..., Any]]:
    """Answer each question over UDP with what a function makes of it."""
    ends: list[asyncio.DatagramTransport] = []

    async def serve(make: Callable[[bytes], list[bytes]]) -> str:
        class Answers(asyncio.DatagramProtocol):
            def connection_made(self, transport: Any) -> None:
                ends.append(transport)

            def datagram_received(self, data: bytes, address: Any) -> None:
                for answer in make(data):
                    ends[-1].sendto(answer, address)

        await asyncio.get_running_loop().create_datagram_endpoint(Answers, local_addr=("127.0.0.1", 0))
        return f"127.0.0.1:{ends[-1].get_extra_info('sockname')[1]}"

    yield serve
    for end in ends:
        end.close()


async def test_answers_that_do_not_belong_to_the_question_are_not_taken(probe: Make, liar: Any) -> None:
    def lies(data: bytes) -> list[bytes]:
        asked = dns.message.from_wire(data)
        other = dns.message.make_response(dns.message.make_query("evil.test", "A", id=asked.id))
        wrong = dns.message.make_response(asked)
        wrong.id = asked.id ^ 1
        return [b"", b"\xff" * 40, data[:5], other.to_wire(), wrong.to_wire()]

    look = await probe("dns", timeout_s=0.3, name="shop.test", server=await liar(lies)).look()
    assert look.values == {"up": 0.0, "seconds": 0.3}


async def test_aliases_in_a_circle_and_aliases_of_nothing_have_no_records(probe: Make, liar: Any) -> None:
    def circle(data: bytes) -> list[bytes]:
        answer = dns.message.make_response(dns.message.from_wire(data))
        names = (("shop.test.", "a.test."), ("a.test.", "shop.test."))
        answer.answer = [dns.rrset.from_text(owner, 60, "IN", "CNAME", target) for owner, target in names]
        return [answer.to_wire()]

    look = await probe("dns", timeout_s=1.0, name="shop.test", server=await liar(circle)).look()
    assert (look.values["up"], look.values["answers"]) == (0, 0)
    assert "no A records" in look.detail


def test_options_that_cannot_be_used_are_refused(probe: Make) -> None:
    for options, said in (
        ({"name": "a..b"}, "is not a name"),
        ({"name": "x" * 300}, "is not a name"),
        ({"name": "shop.test", "type": "AXY"}, "no type of records"),
        ({"name": "shop.test", "type": "ANY"}, "many types"),
        ({"name": "shop.test", "server": "dns.example.org"}, "is not an address"),
        ({"name": "shop.test", "server": "192.0.2.1:99999"}, "is not an address"),
    ):
        with pytest.raises(ConfigError, match=said):
            probe("dns", **options)
    probe("dns", name="shop.test", server="[2001:db8::53]:5353")
    probe("dns", name="bücher.example", server="2001:db8::53")
