"""Brings an estate back after a fault without any runbook: for the pause between two faults, and for tests."""

from __future__ import annotations

import os
import signal

from watchkeeper.demo.estate import SERVICES, Estate
from watchkeeper.demo.layout import link

#: what belongs to the estate itself; every other process was started by a fault
OWN = ("supervisord", "shoppers")


def settle(estate: Estate) -> None:
    """End what faults started, start what they stopped, put the first release back, and wait until all is well."""
    for name in estate.processes.names():
        if name not in OWN:
            estate.processes.stop(name, patience_s=1)
    first = estate.folder / "releases" / "v1"
    if (estate.folder / "current").resolve() != first:
        link(estate.folder / "current", first.relative_to(estate.folder))
        (estate.folder / "previous").unlink(missing_ok=True)
        for service in ("shop", "shop-worker"):
            kill(estate, service)
    status, _ = estate.health()
    if status == 0:
        kill(estate, "shop")
    for service in SERVICES:
        estate.supervisor.start(estate.named(service))
    estate.wait_until_well()


def kill(estate: Estate, service: str) -> None:
    """Kill a service if it runs and wait until supervisord has seen it."""
    pid = estate.pid(service)
    if pid:
        os.kill(pid, signal.SIGKILL)
        estate.supervisor.wait_until_stopped(estate.named(service))
