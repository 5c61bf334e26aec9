"""`rules_per_s`: thresholds judged a second on one core, of the kinds that runbooks have, beside Prometheus's own rules.

A quarter each of single values, values with a time, averages over five minutes and states. Theirs is a rule file of a thousand
comparisons over a thousand series that it scraped, by its own measure of how long a round of them takes.
"""

from __future__ import annotations

import contextlib
import json
import time
import urllib.request
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import peers
from breaking_server import breaking
from row import Row, median, say

from watchkeeper.book.model import Threshold
from watchkeeper.estate.model import Bound
from watchkeeper.watch.model import Sample, Standing
from watchkeeper.watch.rules import judge
from watchkeeper.watch.window import Past

RULES = 1_000
ROUNDS = 60
GOAL = 100_000.0
NOON = datetime(2026, 3, 14, 12, 0, tzinfo=UTC)


def measure(folder: Path) -> list[Row]:
    """Judge a thousand thresholds again and again, and ask the peer how long its thousand take."""
    say("judging")
    value = _ours()
    with _peer(folder) as theirs:
        beside = "Prometheus's rules" if theirs else f"Prometheus's rules: {peers.NOT_HERE}"
        return [Row("rules_per_s", value, "/s", f"≥ {GOAL:,.0f} /s", value >= GOAL, beside, theirs)]


def _bounds() -> list[Bound]:
    plain = Threshold(line=1, role="alert", subject="queue length", op=">", value=500.0)
    held = Threshold(line=2, role="alert", subject="error rate", op=">", value=5.0, unit="percent", for_s=300.0)
    average = Threshold(line=3, role="alert", subject="CPU", op=">", value=80.0, unit="percent", statistic="avg", for_s=300.0)
    state = Threshold(line=4, role="alert", subject="Shop is down", op="is", state="down", for_s=60.0)
    kinds = (plain, held, average, state)
    return [
        Bound(f"t{number}", kinds[number % 4], "s", "up" if number % 4 == 3 else "value", "Shop", "",
              window_s=300.0 if number % 4 == 2 else None)
        for number in range(RULES)
    ]  # fmt: skip


def _ours() -> float:
    """Give thresholds judged a second of processor time."""
    bounds = _bounds()
    standings: dict[str, Standing] = {}
    pasts = {bound.key: Past() for bound in bounds if bound.window_s is not None}
    rates = []
    for number in range(ROUNDS):
        at = NOON + timedelta(seconds=15 * number)
        sample = Sample("s", at, 0.01, {"value": 3.0 + number % 9, "up": float(number % 7 > 0)})
        began = time.process_time()
        for bound in bounds:
            standings[bound.key] = judge(bound, standings.get(bound.key), sample, at, pasts.get(bound.key))
        if number >= ROUNDS // 3:
            rates.append(RULES / (time.process_time() - began))
    return median(rates)


@contextlib.contextmanager
def _peer(folder: Path) -> Iterator[float | None]:
    program = peers.find(peers.PROMETHEUS)
    if program is None:
        yield None
        return
    say("starting Prometheus")
    rules = [{"alert": f"T{number}", "expr": f'bench_value{{part="{number}"}} > 500', "for": "5m"} for number in range(RULES)]
    with breaking() as server:
        target = server.removeprefix("http://")
        config = {
            "global": {"scrape_interval": "1s", "evaluation_interval": "1s"},
            "scrape_configs": [{"job_name": "parts", "static_configs": [{"targets": [target]}]}],
        }
        files = {"groups": [{"name": "parts", "rules": rules}]}
        with peers.prometheus(program, folder, config, files) as (address, _):
            time.sleep(6.0)
            took = []
            for _ in range(8):
                time.sleep(1.0)
                with urllib.request.urlopen(f"http://{address}/api/v1/rules", timeout=10) as answer:
                    took += [float(group["evaluationTime"]) for group in json.load(answer)["data"]["groups"]]
            yield RULES / median([each for each in took if each > 0])
