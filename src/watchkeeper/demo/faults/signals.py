"""Faults that are one signal to one process: it dies, or it stands still."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable

from watchkeeper.base.errors import WatchkeeperError
from watchkeeper.demo.estate import Estate
from watchkeeper.demo.faults.fault import Fault


def send(service: str, number: signal.Signals) -> Callable[[Estate], None]:
    """Give a way to send a signal to a service that runs."""

    def break_it(estate: Estate) -> None:
        pid = estate.pid(service)
        if pid == 0:
            raise WatchkeeperError(f"{estate.named(service)} does not run, so it cannot be broken.", code="WK911")
        os.kill(pid, number)

    return break_it


APP_KILLED = Fault("app-killed", "The shop's process is killed.", send("shop", signal.SIGKILL))
APP_HANGS = Fault("app-hangs", "The shop's process stays alive and answers nobody.", send("shop", signal.SIGSTOP))
DATABASE_STOPPED = Fault("database-stopped", "Somebody shuts down the primary database.", send("postgres-primary", signal.SIGINT))
WORKERS_DEAD = Fault("workers-dead", "The background worker dies and its queue grows.", send("shop-worker", signal.SIGKILL))
