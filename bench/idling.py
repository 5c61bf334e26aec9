"""`idle_rss_mb` and `idle_cpu_percent`: `watchkeeper serve` with a hundred HTTP signals every 15 seconds, watched for 30.

Beside the memory stands a process that only imports what serving needs of others. `rss_1000_mb` is the memory with a thousand
such signals, beside Debian's Prometheus and blackbox_exporter looking at as many addresses as often.
"""

from __future__ import annotations

import contextlib
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import peers
import psutil
from local_server import serving
from row import Row, say

SIGNALS = 100
WARM_S = 6.0
WINDOW_S = 30.0
RSS_LIMIT_MB = 160.0
CPU_LIMIT = 3.0
MEGABYTE = 1_000_000
MANY = 1_000
MANY_LIMIT_MB = 260.0
_IMPORTS = "import sys, aiohttp, alembic, apprise, dbos, fastapi, jinja2, markdown_it, prometheus_client, sqlalchemy, uvicorn"


def measure(folder: Path) -> list[Row]:
    """Serve, wait until it is at rest, and watch."""
    with serving() as url:
        _write_estate(folder, url)
        program = Path(sys.executable).parent / "watchkeeper"
        with _running([str(program), "serve", str(folder), "--port", "0"]) as process:
            rss_mb, cpu_percent = _watch(process)
    with _running([sys.executable, "-c", f"{_IMPORTS}\nprint('Console: none', flush=True)\nsys.stdin.read()"]) as process:
        imports_mb = process.memory_info().rss / MEGABYTE
    return [
        Row(
            "idle_rss_mb", rss_mb, "MB", f"≤ {RSS_LIMIT_MB:g} MB", rss_mb <= RSS_LIMIT_MB, "third-party imports alone", imports_mb
        ),
        Row("idle_cpu_percent", cpu_percent, "%", f"≤ {CPU_LIMIT:g} % of one core", cpu_percent <= CPU_LIMIT),
        _of_a_thousand(folder),
    ]


def _of_a_thousand(folder: Path) -> Row:
    """Measure the memory with a thousand signals."""
    with serving() as url:
        many = folder / "many"
        many.mkdir()
        _write_estate(many, url, MANY)
        program = Path(sys.executable).parent / "watchkeeper"
        with _running([str(program), "serve", str(many), "--port", "0"]) as process:
            ours_mb, _ = _watch(process)
        theirs_mb = _peer_mb(folder, url)
    beside = "Prometheus + blackbox_exporter" + ("" if theirs_mb else f": {peers.NOT_HERE}")
    return Row("rss_1000_mb", ours_mb, "MB", f"≤ {MANY_LIMIT_MB:g} MB", ours_mb <= MANY_LIMIT_MB, beside, theirs_mb)


def _peer_mb(folder: Path, url: str) -> float | None:
    """Give the memory of both peers after as long; None where they are not installed."""
    prometheus, blackbox = peers.find(peers.PROMETHEUS), peers.find(peers.BLACKBOX)
    if prometheus is None or blackbox is None:
        return None
    say("Prometheus and blackbox_exporter")
    urls = [f"{url}?part={number}" for number in range(MANY)]
    rules = [{"alert": f"T{n}", "expr": f'probe_success{{instance="{each}"}} == 0', "for": "30s"} for n, each in enumerate(urls)]
    with peers.blackbox(blackbox, folder) as (exporter, first):
        config = {"global": {"evaluation_interval": "15s"}, "scrape_configs": [peers.through_blackbox(exporter, urls, "15s")]}
        with peers.prometheus(prometheus, folder, config, {"groups": [{"name": "parts", "rules": rules}]}) as (_, second):
            time.sleep(WARM_S + WINDOW_S)
            return sum(psutil.Process(each.pid).memory_info().rss for each in (first, second)) / MEGABYTE


@contextlib.contextmanager
def _running(command: list[str]) -> Iterator[psutil.Process]:
    """Start a program, wait until it says that its console is there, and stop it at the end."""
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as child:
        try:
            assert child.stdout is not None
            said = []
            for line in child.stdout:
                said.append(line)
                if line.startswith("Console:"):
                    break
            else:
                raise RuntimeError(f"It ended at once: {' '.join(said)}")
            if "not watched" in "".join(said):
                raise RuntimeError(f"Not every signal decides something: {' '.join(said)}")
            yield psutil.Process(child.pid)
        finally:
            child.send_signal(signal.SIGTERM)
            try:
                child.wait(10.0)
            except subprocess.TimeoutExpired:
                child.kill()


def _watch(process: psutil.Process) -> tuple[float, float]:
    """Give the memory at the end and the processor time of the window, children included."""
    say(f"warming up for {WARM_S:.0f} s")
    time.sleep(WARM_S)
    before, started = _busy_s(process), time.perf_counter()
    say(f"watching for {WINDOW_S:.0f} s")
    time.sleep(WINDOW_S)
    percent = 100 * (_busy_s(process) - before) / (time.perf_counter() - started)
    everyone = [process, *process.children(recursive=True)]
    return sum(each.memory_info().rss for each in everyone) / MEGABYTE, percent


def _busy_s(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system + times.children_user + times.children_system)


def _write_estate(folder: Path, url: str, count: int = SIGNALS) -> None:
    """Write a runbook with an alert for each of so many components, and the signals that decide them."""
    names = [f"part-{number}" for number in range(count)]
    alerts = "\n".join(f"- {name} is down for 30 seconds" for name in names)
    (folder / "runbook.md").write_text(f"# Parts\n\n## Alerts\n\n### Critical alerts\n\n{alerts}\n")
    signals = "\n".join(
        f'[signals.{name}]\nkind = "http"\ncomponent = "{name}"\nurl = "{url}"\nevery = "15s"\nmetrics = {{ "{name}" = "up" }}\n'
        for name in names
    )
    (folder / "watchkeeper.toml").write_text(f'[service]\nname = "parts"\nrunbook = "runbook.md"\n\n{signals}')
