"""Reads exports of Crashlytics and Firebase sessions row by row: JSON lines, one JSON list, or CSV with dotted columns.

A file enters; what each row says of its instant, its session, and where it happened leaves. Rows that cannot be read are counted.
"""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TextIO

MOST_BYTES = 200_000_000
_LONGEST_LIST = 50_000_000
WHERE = ("release", "device", "system")
_FATAL = frozenset({"fatal", "anr"})
_STAMP = re.compile(r"(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d:\d\d)(?:\.\d{1,9})?\s*(Z|UTC|[+-]\d\d:?\d\d)?")


class ExportError(Exception):
    """A file that is no export, and why."""


@dataclass(frozen=True, slots=True)
class Row:
    """One event or session."""

    at: datetime
    session: str
    where: tuple[str, ...]
    #: it ended the app: a crash, or an app that did not answer
    fatal: bool


def rows_of(path: Path) -> Iterator[Row | None]:
    """Give the rows of a file; None for one that cannot be read."""
    try:
        size = path.stat().st_size
        if size > MOST_BYTES:
            raise ExportError(f"{path.name} is larger than {MOST_BYTES:,} bytes: export less than everything")
        with path.open(encoding="utf-8-sig", errors="replace", newline="") as file:
            for raw in _raw(file, path, size):
                yield row_of(raw) if raw is not None else None
    except OSError as problem:
        raise ExportError(f"{path.name} cannot be read: {problem.strerror}") from None
    except csv.Error as problem:
        raise ExportError(f"{path.name} is not CSV: {problem}") from None


def _raw(file: TextIO, path: Path, size: int) -> Iterator[Mapping[str, Any] | None]:
    first = file.read(1)
    file.seek(0)
    if first == "[":
        if size > _LONGEST_LIST:
            raise ExportError(f"{path.name} is one list of more than {_LONGEST_LIST:,} bytes: export JSON lines")
        try:
            found = json.load(file)
        except (ValueError, RecursionError):
            raise ExportError(f"{path.name} is not JSON") from None
        for each in found:
            yield each if isinstance(each, dict) else None
    elif first == "{":
        while line := file.readline(1_000_000):
            try:
                each = json.loads(line) if line.strip() else None
            except (ValueError, RecursionError):
                each = ()
            if each is not None:
                yield each if isinstance(each, dict) else None
    else:
        yield from csv.DictReader(file)


def row_of(raw: Mapping[str, Any]) -> Row | None:
    """Read one row; None where it has no instant.

    >>> row_of({"event_timestamp": "2026-03-14 12:00:00 UTC", "error_type": "FATAL", "application.display_version": "2.1"}).where
    ('2.1', '', '')
    """
    at = _instant(_find(raw, "event_timestamp") or _find(raw, "event_time"))
    if at is None:
        return None
    kind = _text(raw, "error_type").casefold()
    fatal = kind in _FATAL if kind else _text(raw, "is_fatal").casefold() in ("true", "1")
    session = _text(raw, "firebase_session_id") or _text(raw, "session_id")
    device = " ".join(filter(None, (_text(raw, "device.manufacturer"), _text(raw, "device.model"))))
    system = " ".join(filter(None, (_text(raw, "operating_system.name"), _text(raw, "operating_system.display_version"))))
    return Row(at, session, (_text(raw, "application.display_version"), device, system), fatal)


def _find(raw: Mapping[str, Any], name: str) -> Any:
    """Find a column: nested, dotted, or with underscores for dots as tools flatten it."""
    for key in (name, name.replace(".", "_")):
        if key in raw:
            return raw[key]
    head, _, rest = name.partition(".")
    below = raw.get(head)
    return below.get(rest) if rest and isinstance(below, dict) else None


def _text(raw: Mapping[str, Any], name: str) -> str:
    found = _find(raw, name)
    return str(found)[:100].strip() if isinstance(found, str | int | float | bool) else ""


def _instant(found: object) -> datetime | None:
    """Take a time as BigQuery writes it: text, or seconds since 1970 (JSON of the API)."""
    try:
        if isinstance(found, str) and (stamp := _STAMP.match(found)) is not None:
            zone = "+00:00" if stamp[3] in (None, "Z", "UTC") else stamp[3]
            return datetime.fromisoformat(f"{stamp[1]}T{stamp[2]}{zone}")
        if isinstance(found, str | int | float) and not isinstance(found, bool):
            seconds = float(found)
            return datetime.fromtimestamp(seconds / (1e6 if seconds > 1e12 else 1.0), UTC)
    except (ValueError, OverflowError, OSError):
        pass
    return None
