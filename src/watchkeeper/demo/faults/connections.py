"""An import script that opens database connections and never closes one."""

from __future__ import annotations

from watchkeeper.demo.estate import Estate
from watchkeeper.demo.faults.fault import Fault


def start_leaking(estate: Estate) -> None:
    """Start the script as a colleague would at a terminal."""
    estate.start_stray("catalogue-import", ["-m", "watchkeeper.demo.faults.leak"])


CONNECTIONS_EXHAUSTED = Fault(
    "connections-exhausted", "A script opens database connections and never closes them.", start_leaking
)
