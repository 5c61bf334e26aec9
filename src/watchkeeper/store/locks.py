"""Locks that hold until a transaction ends: what must happen one after the other, whoever does it.

SQLite has one writer anyway, so that its transactions need none.
"""

from __future__ import annotations

from hashlib import sha256

from sqlalchemy import BindParameter, Connection, bindparam, func, select

_KEY: BindParameter[int] = bindparam("key")
_ALONE = select(func.pg_advisory_xact_lock(_KEY))
_SHARED = select(func.pg_advisory_xact_lock_shared(_KEY))


def hold(connection: Connection, name: str, *, shared: bool = False) -> None:
    """Wait for a lock and hold it until the transaction ends; `shared` holds it beside others who share it."""
    if connection.dialect.name != "postgresql":
        return
    key = int.from_bytes(sha256(f"watchkeeper {name}".encode()).digest()[:8], signed=True)
    connection.execute(_SHARED if shared else _ALONE, {"key": key})
