"""The menu of faults. Nothing outside this package knows any of them."""

from __future__ import annotations

from watchkeeper.demo.faults import connections, deployment, signals
from watchkeeper.demo.faults.fault import Fault
from watchkeeper.demo.faults.settle import settle

FAULTS: dict[str, Fault] = {
    fault.name: fault
    for fault in (
        signals.APP_KILLED,
        signals.APP_HANGS,
        signals.DATABASE_STOPPED,
        signals.WORKERS_DEAD,
        deployment.BAD_DEPLOYMENT,
        connections.CONNECTIONS_EXHAUSTED,
    )
}

__all__ = ["FAULTS", "Fault", "settle"]
