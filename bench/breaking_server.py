"""A server of parts that break one by one, in a process of its own; it also hears webhooks and notes when each one came.

GET /part/N answers 200 until POST /break/N was sent, and again after POST /mend/N; POST /hook takes Alertmanager's webhook; GET
/heard gives what was heard; GET /metrics gives a thousand series that stand still.
"""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

SERIES = "".join(f'bench_value{{part="{number}"}} {number % 7}\n' for number in range(1_000)).encode()


async def listen() -> None:
    """Print the port and serve until the parent is gone."""
    broken: set[str] = set()
    heard: list[tuple[str, float]] = []

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode(errors="replace")
            method, path, *_ = head.split(" ")
            lines = head.casefold().splitlines()
            length = next((int(line.partition(":")[2]) for line in lines if line.startswith("content-length:")), 0)
            body = await reader.readexactly(length)
            at, status, said = time.time(), "200 OK", b"ok\n"
            if method == "POST" and path == "/hook":
                alerts = json.loads(body)["alerts"]
                heard.extend((alert["labels"]["instance"], at) for alert in alerts if alert["status"] == "firing")
            elif path.startswith("/break/"):
                broken.add(path.replace("/break/", "/part/"))
            elif path.startswith("/mend/"):
                broken.discard(path.replace("/mend/", "/part/"))
            elif path == "/heard":
                said = json.dumps(heard).encode()
            elif path == "/metrics":
                said = SERIES
            elif path in broken:
                status = "500 Internal Server Error"
            writer.write(f"HTTP/1.1 {status}\r\nContent-Length: {len(said)}\r\nConnection: close\r\n\r\n".encode() + said)
            await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError, ValueError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0, backlog=1024)
    print(server.sockets[0].getsockname()[1], flush=True)
    parent = os.getppid()
    while os.getppid() == parent:  # noqa: ASYNC110
        await asyncio.sleep(1.0)


@contextmanager
def breaking() -> Iterator[str]:
    """Start the server in a process of its own and give its address."""
    with subprocess.Popen([sys.executable, __file__], stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        try:
            yield f"http://127.0.0.1:{int(child.stdout.readline())}"
        finally:
            child.kill()


if __name__ == "__main__":
    asyncio.run(listen())
