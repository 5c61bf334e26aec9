"""Ways in which this shop can misbehave on cue, only where FAULTS is set. Each is real: what it takes is taken."""

from __future__ import annotations

import threading
import time

from fastapi import APIRouter

from app.core.database import engine

router = APIRouter(prefix="/faults")
_kept: list[object] = []


@router.post("/leak")
def leak(connections: int = 10) -> dict[str, int]:
    """Take connections and never give them back."""

    def take() -> None:
        for _ in range(connections):
            connection = engine.connect()
            connection.exec_driver_sql("select 1")
            connection.commit()
            _kept.append(connection)

    threading.Thread(target=take, daemon=True).start()
    return {"leaking": connections}


@router.post("/hoard")
def hoard(megabytes: int) -> dict[str, int]:
    """Keep memory."""
    _kept.append(b"\1" * (megabytes * 1_000_000))
    return {"hoarded": megabytes}


@router.post("/spin")
def spin(seconds: float = 600.0) -> dict[str, float]:
    """Keep the processor busy."""

    def turn() -> None:
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            sum(range(20_000))

    threading.Thread(target=turn, daemon=True).start()
    return {"spinning": seconds}
