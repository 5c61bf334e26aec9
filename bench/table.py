"""The performance table: `make bench`, or `python bench/table.py NAME...` for some rows only.

Every row stands beside its limit or a peer measured in the same run, so that a slow machine is not taken for slow code; peers
that are not installed are called "not here" and never fetched. Each measurement runs in a process of its own under a time limit,
on loopback and free ports, and what it started ends with it. The rows also go to bench/latest.json. A row that misses its goal
is no failure of the program: the exit status is 0 unless a measurement crashed or ran out of time.

`fault_to_recovered_s` takes minutes and runs only when it is named, or with --all.
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import selectors
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
LATEST = HERE / "latest.json"


@dataclass(frozen=True, slots=True)
class Measurement:
    """A module of this folder whose `measure()` gives rows, the names of the rows, and how long it may take."""

    module: str
    names: tuple[str, ...]
    limit_s: float = 120.0
    long: bool = False


MEASUREMENTS = (
    Measurement("reading", ("read_lint_ms", "read_worst_s")),
    Measurement("durable_step", ("durable_step_ms", "step_beside_ansible_ms")),
    Measurement("working_together", ("runs_per_s_1", "runs_per_s_2", "runs_per_s_4"), limit_s=300.0),
    Measurement("alert_delay", ("alert_delay_p95_ms",)),
    Measurement("taking", ("alerts_per_s",)),
    Measurement("probing", ("probes_per_s", "probes_beside_blackbox_per_s")),
    Measurement("judging", ("rules_per_s",)),
    Measurement("cold_show", ("cold_show_s",)),
    Measurement("idling", ("idle_rss_mb", "idle_cpu_percent", "rss_1000_mb"), limit_s=300.0),
    Measurement("many_incidents", ("incidents_list_ms", "incident_page_ms", "incidents_search_ms"), limit_s=400.0),
    Measurement("recovering", ("fault_to_recovered_s",), limit_s=1500.0, long=True),
)
COLUMNS = ("row", "value", "goal", "", "beside", "ratio")


def main(arguments: Sequence[str]) -> int:
    """Measure, print the table, write it; returns the exit status."""
    known = [name for each in MEASUREMENTS for name in each.names]
    parser = argparse.ArgumentParser(description="Measure Watchkeeper, each figure beside its limit or a peer.")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"rows to measure: {', '.join(known)}")
    parser.add_argument("--all", action="store_true", help="also the rows that take minutes")
    asked = parser.parse_args(arguments)
    if unknown := set(asked.names) - set(known):
        parser.error(f"no row is named {', '.join(sorted(unknown))}; there are {', '.join(known)}")
    chosen = [m for m in MEASUREMENTS if (set(m.names) & set(asked.names) if asked.names else asked.all or not m.long)]
    rows: list[dict[str, Any]] = []
    crashed: list[str] = []
    for number, measurement in enumerate(chosen, 1):
        found, trouble = measure_alone(measurement, f"{number}/{len(chosen)}")
        rows += [row for row in found if not asked.names or row["name"] in asked.names]
        if trouble:
            crashed.append(f"{', '.join(measurement.names)}: {trouble}")
    progress("")
    print_table(rows)
    for sentence in crashed:
        print(f"not measured: {sentence}")
    LATEST.write_text(json.dumps(rows, indent=1, ensure_ascii=False) + "\n")
    return 1 if crashed else 0


def measure_alone(measurement: Measurement, place: str) -> tuple[list[dict[str, Any]], str]:
    """Run one measurement in a session of its own; gives its rows and what went wrong, if anything did."""
    with tempfile.TemporaryDirectory(prefix="watchkeeper-bench-", ignore_cleanup_errors=True) as folder:
        command = [sys.executable, __file__, "--alone", measurement.module, folder]
        environment = {name: value for name, value in os.environ.items() if not name.startswith("WATCHKEEPER_")}
        with subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment, start_new_session=True
        ) as child:
            try:
                said = _follow(child, f"[{place}] {', '.join(measurement.names)}", measurement.limit_s)
            finally:
                _end(child)
        result = Path(folder) / "rows.json"
        if child.returncode == 0 and result.exists():
            return json.loads(result.read_text()), ""
        return [], said


def _follow(child: subprocess.Popen[bytes], title: str, limit_s: float) -> str:
    """Show what a measurement says until it ends; gives its last words, or that its time was up."""
    assert child.stderr is not None
    started, said = time.monotonic(), "it ended without a word"
    with selectors.DefaultSelector() as waiting:
        waiting.register(child.stderr, selectors.EVENT_READ)
        buffered = b""
        progress(title)
        while (left_s := limit_s - (time.monotonic() - started)) > 0:
            if not waiting.select(min(left_s, 1.0)):
                continue
            piece = os.read(child.stderr.fileno(), 65_536)
            if not piece:
                child.wait(5.0)
                return said
            *lines, buffered = (buffered + piece).split(b"\n")
            for line in lines:
                said = line.decode(errors="replace").strip() or said
                progress(f"{title}: {said}")
    return f"no result within {limit_s:.0f} s; last: {said}"


def _end(child: subprocess.Popen[bytes]) -> None:
    """End a measurement with all it started in its session."""
    for number, patience_s in ((signal.SIGTERM, 10.0), (signal.SIGKILL, 5.0)):
        try:
            os.killpg(child.pid, number)
            child.wait(patience_s)
        except (ProcessLookupError, subprocess.TimeoutExpired):
            continue


def measure_here(module: str, folder: Path) -> int:
    """Run one measurement in this process and write its rows."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    work = folder / "work"
    work.mkdir()
    measure = importlib.import_module(module).measure
    rows = measure(work)
    (folder / "rows.json").write_text(json.dumps([row.as_dict() for row in rows]))
    return 0


def progress(sentence: str) -> None:
    """Show one line of progress, over the last one where there is a terminal; elsewhere only what begins."""
    if sys.stderr.isatty():
        print(f"\r\x1b[K{sentence[:118]}", end="", file=sys.stderr, flush=True)
    elif sentence and ": " not in sentence:
        print(sentence, file=sys.stderr, flush=True)


def print_table(rows: Sequence[dict[str, Any]]) -> None:
    """Print the rows, columns aligned."""
    cells = [COLUMNS, *(_cells(row) for row in rows)]
    widths = [max(len(line[column]) for line in cells) for column in range(len(COLUMNS))]
    cells.insert(1, tuple("─" * width for width in widths))
    for line in cells:
        print("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip())


def _cells(row: dict[str, Any]) -> tuple[str, ...]:
    beside = row["beside"] if row["beside_value"] is None else f"{row['beside']}: {_number(row['beside_value'])} {row['unit']}"
    ratio = "" if row["ratio"] is None else f"{row['ratio']:.2f} ×"
    verdict = "reached" if row["pass"] else "MISSED"
    return (row["name"], f"{_number(row['value'])} {row['unit']}", row["goal"], verdict, beside, ratio)


def _number(value: float | None) -> str:
    return "none" if value is None else f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


if __name__ == "__main__":
    if sys.argv[1:2] == ["--alone"]:
        sys.exit(measure_here(sys.argv[2], Path(sys.argv[3])))
    sys.exit(main(sys.argv[1:]))
