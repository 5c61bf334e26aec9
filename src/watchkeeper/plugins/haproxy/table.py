"""HAProxy's own table of frontends, backends and servers, as `show stat` and its page give it.

Text enters; rows, and readings made of them, leave. A text that is no such table is a TableError. Frontends count what came from
outside, so that nothing is counted at two places.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from watchkeeper.watch.rates import Rates

#: what is read of one table
MOST_ROWS = 20_000
#: objects that have readings of their own
MOST_NAMED = 500
_KINDS = {"0": "frontend", "1": "backend", "2": "server"}
#: reading -> the counters of which it is made
_RATES = {
    "requests_per_s": ("requests",),
    "errors_per_s": ("hrsp_5xx",),
    "denied_per_s": ("dreq", "dresp"),
    "connection_errors_per_s": ("econ",),
}
_COUNTED = ("hrsp_1xx", "hrsp_2xx", "hrsp_3xx", "hrsp_4xx", "hrsp_5xx", "hrsp_other", "dreq", "dresp", "econ", "chkfail")


class TableError(ValueError):
    """The text is not HAProxy's table."""


@dataclass(frozen=True, slots=True)
class Growth:
    """What was added to each counter since the look before, and within how long."""

    added: Mapping[str, float]
    took_s: float


@dataclass(frozen=True, slots=True)
class Row:
    """One frontend, backend or server."""

    kind: str
    proxy: str
    name: str
    status: str
    fields: Mapping[str, str]

    def number(self, field: str) -> float:
        """Give a field as a number; 0 where it is empty."""
        try:
            return float(self.fields.get(field) or 0)
        except ValueError:
            return 0.0

    @property
    def is_up(self) -> bool:
        """Tell whether traffic can go there; "UP 1/3" is on its way down, "DOWN 1/2" on its way up."""
        return self.status.startswith(("UP", "OPEN", "no check", "DRAIN", "NOLB"))

    @property
    def is_meant(self) -> bool:
        """Tell whether it is meant to serve: not taken out by a person."""
        return not self.status.startswith(("MAINT", "STOP", "DRAIN"))


def read_table(text: str) -> list[Row]:
    """Read the table.

    >>> read_table("# pxname,svname,status,type,\\nweb,BACKEND,UP,1,\\n")[0].is_up
    True
    """
    if not text.lstrip().startswith("# pxname,"):
        raise TableError("what came back is not HAProxy's table")
    rows: list[Row] = []
    try:
        for found in csv.DictReader(text.lstrip().removeprefix("# ").splitlines()):
            kind = _KINDS.get(found.get("type") or "")
            if kind is not None:
                rows.append(Row(kind, found["pxname"] or "", found["svname"] or "", found.get("status") or "", found))
            if len(rows) > MOST_ROWS:
                raise TableError(f"the table has more than {MOST_ROWS:,} rows")
    except csv.Error as problem:
        raise TableError(f"the table cannot be read: {problem}") from None
    return rows


def growth_of(rows: Iterable[Row], rates: Rates, now_s: float) -> Growth | None:
    """Give what was added to what only grows; None at the first look. What a new object counted before is nothing new."""
    added: dict[str, float] = {}
    took_s = 0.0
    for row in rows:
        for field in _COUNTED:
            name = _counter(row, field)
            if (rise := rates.rise(name, now_s, row.number(field))) is not None:
                added[name], took_s = rise
    return Growth(added, took_s) if took_s else None


def readings_of(rows: list[Row], growth: Growth | None) -> tuple[dict[str, float], list[str]]:
    """Give the readings, and notes about what is worst."""
    notes: list[str] = []
    backends = [row for row in rows if row.kind == "backend"]
    servers = [row for row in rows if row.kind == "server" and row.is_meant]
    down = [row for row in servers if not row.is_up]
    dead = [row for row in backends if not row.is_up and row.is_meant]
    values = {
        "backends": float(len(backends)),
        "backends_down": float(len(dead)),
        "servers": float(len(servers)),
        "servers_down": float(len(down)),
        "queue": sum(row.number("qcur") for row in backends),
    }
    if servers:
        values["servers_up_percent"] = 100.0 * (len(servers) - len(down)) / len(servers)
    full = [(100.0 * row.number("scur") / row.number("slim"), row) for row in rows if row.number("slim")]
    if full:
        values["sessions_percent"], fullest = max(full, key=lambda each: each[0])
        notes.append(f"fullest is {fullest.proxy}/{fullest.name} with {fullest.number('scur'):g} of {fullest.number('slim'):g}")
    notes += [f"{row.proxy} has no server" for row in dead[:5]]
    notes += [f"{row.proxy}/{row.name} is {row.status} ({row.fields.get('check_status') or 'no check'})" for row in down[:5]]
    for row in backends[:MOST_NAMED]:
        mine = [each for each in servers if each.proxy == row.proxy]
        values[f"{row.proxy}_up"] = float(row.is_up)
        values[f"{row.proxy}_servers_up"] = float(sum(each.is_up for each in mine))
        values[f"{row.proxy}_queue"] = row.number("qcur")
    for row in servers[:MOST_NAMED]:
        values[f"{row.proxy}/{row.name}_up"] = float(row.is_up)
    if growth is not None:
        values |= _rates(rows, growth)
    return values, notes


def _rates(rows: list[Row], growth: Growth) -> dict[str, float]:
    fronts = [row for row in rows if row.kind == "frontend"]
    answers = {field: _added(fronts, field, growth) for field in _COUNTED}
    total = sum(added for field, added in answers.items() if field.startswith("hrsp_"))
    answers["requests"] = total
    values = {name: sum(answers[each] for each in parts) / growth.took_s for name, parts in _RATES.items()}
    backends = [row for row in rows if row.kind == "backend"]
    values["connection_errors_per_s"] = _added(backends, "econ", growth) / growth.took_s
    values["error_percent"] = 100.0 * answers["hrsp_5xx"] / total if total else 0.0
    failed = _added([row for row in rows if row.kind == "server"], "chkfail", growth)
    values["failed_checks_per_minute"] = 60.0 * failed / growth.took_s
    return values


def _added(rows: list[Row], field: str, growth: Growth) -> float:
    return sum(growth.added.get(_counter(row, field), 0.0) for row in rows)


def _counter(row: Row, field: str) -> str:
    return f"{row.kind} {row.proxy}/{row.name} {field}"
