"""AWS for this estate: moto's server, with its RDS, load balancer, certificates and zone tied to what really runs.

moto keeps the state and speaks the API. What an act on it has to do to the real database, load balancer or name is done here, and
what becomes of those is shown in moto's state.
"""

from __future__ import annotations

import os
import threading
import time
from pathlib import Path

import account
import dns
from databases import Databases
from edges import Edges
from engine import Engine
from moto.moto_api._internal import mock_random
from moto.server import ThreadedMotoServer

PORT = 5000
FILLED_AT = 5999
LOOK_EVERY_S = 1.0


def main() -> None:
    """Serve until ended."""
    engine = Engine("/var/run/docker.sock", os.environ["COMPOSE_PROJECT_NAME"])
    databases, edges = Databases(engine), Edges(engine, Path("/var/lib/lb"))
    databases.tie()
    edges.tie()
    # filled before anybody asks, from one seed: whoever remembers a name that AWS gave finds it again after a restart
    mock_random.seed(2026)
    filling = ThreadedMotoServer("127.0.0.1", FILLED_AT, verbose=False)
    filling.start()
    account.fill(f"http://127.0.0.1:{FILLED_AT}")
    filling.stop()
    server = ThreadedMotoServer("0.0.0.0", PORT, verbose=False)
    server.start()
    threading.Thread(target=dns.serve, name="dns", daemon=True).start()
    Path("/tmp/ready").touch()
    threading.Thread(target=account.start_machines, args=(f"http://127.0.0.1:{PORT}",), name="machines", daemon=True).start()
    while True:
        for each in (databases.look, edges.look):
            try:
                each()
            except Exception as problem:
                print(f"{type(problem).__name__}: {problem}", flush=True)
        time.sleep(LOOK_EVERY_S)


if __name__ == "__main__":
    main()
