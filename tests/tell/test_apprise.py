"""Notices through the real Apprise to a real server."""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest

from watchkeeper.base.errors import Permanent, Transient
from watchkeeper.plugins.apprise.notifier import AppriseNotifier

# Apprise's own dependency on a module that Python is to drop
pytestmark = pytest.mark.filterwarnings("ignore:'imghdr':DeprecationWarning")


class Catcher:
    """A webhook that keeps what it is sent and answers as it is told."""

    def __init__(self) -> None:
        self.status = 200
        self.caught: list[tuple[dict[str, Any], str | None]] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                outer.caught.append((body, self.headers["Idempotency-Key"]))
                self.send_response(outer.status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, format: str, *args: Any) -> None:
                pass

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        self.address = f"json://anna:tok-en-value-77@127.0.0.1:{self.server.server_port}/hook-path-secret"


@pytest.fixture
def catcher() -> Iterator[Catcher]:
    made = Catcher()
    thread = threading.Thread(target=made.server.serve_forever, args=(0.01,))
    thread.start()
    yield made
    made.server.shutdown()
    thread.join()
    made.server.server_close()


async def send(address: str, repeat: bool = False) -> None:
    await AppriseNotifier().send(
        address, "[P1] Down", "It is <down> & *out*.", idempotency_key="inc-1/initial/1/anna", repeat=repeat
    )


async def test_a_message_arrives_with_its_id(catcher: Catcher) -> None:
    await send(catcher.address)
    [(body, key)] = catcher.caught
    assert (body["title"], key) == ("[P1] Down", "inc-1/initial/1/anna")
    assert body["message"] == "It is <down> & *out*.\n\nRef inc-1/initial/1/anna"


async def test_a_repeat_says_so_under_the_same_id(catcher: Catcher) -> None:
    await send(catcher.address, repeat=True)
    [(body, key)] = catcher.caught
    assert key == "inc-1/initial/1/anna"
    assert "This may be a repeat" in body["message"]


@pytest.mark.parametrize(
    ("status", "kind"), [(500, Transient), (503, Transient), (404, Transient), (401, Permanent), (410, Permanent)]
)
async def test_what_the_server_answers_decides_whether_to_try_again(catcher: Catcher, status: int, kind: type[Exception]) -> None:
    catcher.status = status
    with pytest.raises(kind, match=f"error={status}"):
        await send(catcher.address)


@pytest.mark.parametrize("address", ["nonsense://x", "+1-XXX", "slack://", "json://", ""])
async def test_an_address_that_apprise_does_not_know_is_permanent(address: str) -> None:
    with pytest.raises(Permanent):
        await send(address)


async def test_no_part_of_an_address_is_logged_or_told(catcher: Catcher, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    catcher.status = 500
    port = catcher.server.server_port
    catcher.server.server_close()
    with pytest.raises(Transient) as raised:
        await send(f"json://anna:tok-en-value-77@127.0.0.1:{port}/hook-path-secret")
    for text in (str(raised.value), caplog.text):
        assert "tok-en-value-77" not in text
        assert "hook-path-secret" not in text
    assert "127.0.0.1" in str(raised.value)
