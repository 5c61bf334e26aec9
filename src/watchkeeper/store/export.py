"""The beginning of a ledger, written to a file and then cut from the database, so that the chain goes on from where it was cut.

Each line of the file is an entry as it was chained; the file can be verified by itself, and follows on the one before it.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Row, delete, func, insert, select

from watchkeeper.store.ledger import CUT, Broken, Head, append, cuts, entries, entry_hash, last_cut

_CONTENT = ("seq", "at", "actor", "act", "subject", "why", "body")


def exportable(connection: Connection, before: datetime) -> Head | None:
    """Give the last entry from before an instant, unless there is none left to export; the newest entry always stays."""
    newest = select(func.max(entries.c.seq)).scalar_subquery()
    query = select(entries.c.seq, entries.c.hash).where(entries.c.at < before, entries.c.seq < newest)
    row = connection.execute(query.order_by(entries.c.seq.desc()).limit(1)).first()
    return Head(row.seq, row.hash) if row else None


def write_export(connection: Connection, folder: Path, last: Head) -> tuple[Path, str]:
    """Write all entries up to one into a new file, on disk when this returns; gives the file and its sha256."""
    first = last_cut(connection)
    path = folder / f"ledger-{first.seq + 1}-{last.seq}.jsonl"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    digest, part = hashlib.sha256(), path.with_suffix(".part")
    with part.open("wb") as file:
        for row in connection.execute(select(entries).where(entries.c.seq <= last.seq).order_by(entries.c.seq)):
            line = (_line(row) + "\n").encode()
            digest.update(line)
            file.write(line)
        file.flush()
        os.fsync(file.fileno())
    part.rename(path)
    _sync(folder)
    return path, digest.hexdigest()


def cut(connection: Connection, now: datetime, actor: str, last: Head, path: Path, sha256: str) -> None:
    """Take the exported entries out of the database, and chain an entry that says so, in the caller's transaction."""
    row = {"seq": last.seq, "hash": last.hash, "at": now, "file": str(path), "sha256": sha256}
    connection.execute(insert(cuts).values(**row))
    connection.execute(delete(entries).where(entries.c.seq <= last.seq))
    body = {"seq": last.seq, "hash": last.hash, "file": path.name, "sha256": sha256}
    append(connection, now, actor, CUT, path.name, why="The policy of retention exports what is old.", body=body)


def verify_exports(connection: Connection, anchors: Iterable[tuple[int, str]]) -> tuple[list[Broken], list[str]]:
    """Verify the exported files that lie here; gives what does not hold, and the names of those that are elsewhere."""
    broken: list[Broken] = []
    elsewhere: list[str] = []
    known: dict[int, set[str]] = {}
    for seq, digest in anchors:
        known.setdefault(seq, set()).add(digest)
    previous = None
    for row in connection.execute(select(cuts).order_by(cuts.c.seq)):
        path = Path(row.file)
        if not path.is_file():
            elsewhere.append(path.name)
            previous = row.hash
            continue
        broken += _verify_file(path, row, previous, known)
        previous = row.hash
    return broken, elsewhere


def _verify_file(path: Path, row: Row[Any], previous: str | None, anchors: dict[int, set[str]]) -> list[Broken]:
    raw = path.read_bytes()
    if hashlib.sha256(raw).hexdigest() != row.sha256:
        return [Broken(row.seq, f"{path.name} is not the file that was exported.")]
    seq = 0
    for line in raw.decode().splitlines():
        entry = json.loads(line)
        content = {**{key: entry[key] for key in _CONTENT}, "at": datetime.fromisoformat(entry["at"])}
        seq = entry["seq"]
        if previous is not None and entry["previous"] != previous:
            return [Broken(seq, f"Entry {seq} of {path.name} does not follow the one before it.")]
        if entry_hash(entry["previous"], content) != entry["hash"]:
            return [Broken(seq, f"Entry {seq} of {path.name} was altered.")]
        if anchors.get(seq, {entry["hash"]}) != {entry["hash"]}:
            return [Broken(seq, f"Entry {seq} of {path.name} is not the one that was anchored outside.")]
        previous = entry["hash"]
    return (
        [] if (seq, previous) == (row.seq, row.hash) else [Broken(row.seq, f"{path.name} does not end where the ledger was cut.")]
    )


def _line(row: Row[Any]) -> str:
    entry = {**row._asdict(), "at": row.at.isoformat()}
    return json.dumps(entry, ensure_ascii=False, separators=(",", ":"))


def _sync(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
