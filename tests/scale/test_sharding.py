"""Real workers share the signals out: each is looked at by one of them, a dead one's are taken over, and nobody alerts twice."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import pairwise

import pytest
from crew import LEASE_S, Crew
from sqlalchemy import Connection, select

from watchkeeper.alert.ledger import alerts
from watchkeeper.incident.ledger import incidents
from watchkeeper.store.membership import SIGNAL
from watchkeeper.store.workers import claims_of
from watchkeeper.watch.ledger import samples

pytestmark = pytest.mark.slow

SIGNALS = 12
EVERY_S = 0.5
RUNBOOK = "# Parts\n\n## Severities\n\n| Severity | Criteria |\n|---|---|\n| P1 | All is lost |\n\n## Alerts\n\n### P1 alerts\n\n"
RUNBOOK += "\n".join(f"- part-{number} is down" for number in range(SIGNALS)) + "\n"


class Shop(ThreadingHTTPServer):
    """Answers for each part what it is told to, until it is closed."""

    def __init__(self) -> None:
        self.broken = False
        shop = self

        class Answer(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.send_response(500 if shop.broken else 200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *words: object) -> None:
                """Say nothing."""

        super().__init__(("127.0.0.1", 0), Answer)


@pytest.fixture
def shop() -> Iterator[Shop]:
    with Shop() as made:
        serving = threading.Thread(target=made.serve_forever, kwargs={"poll_interval": 0.05})
        serving.start()
        yield made
        made.shutdown()
        serving.join()


def toml(shop: Shop) -> str:
    return "\n".join(
        f'[signals.part-{number}]\nkind = "http"\ncomponent = "part-{number}"\nevery = "{EVERY_S}s"\ntimeout = "2s"\n'
        f'url = "http://127.0.0.1:{shop.server_address[1]}/{number}"\nmetrics = {{ "part-{number}" = "up" }}\n'
        for number in range(SIGNALS)
    )


def holders(crew: Crew) -> dict[str, str]:
    return crew.database.read_now(lambda c: claims_of(c, SIGNAL))


def looks(crew: Crew) -> dict[str, list[datetime]]:
    def read(connection: Connection) -> dict[str, list[datetime]]:
        found: dict[str, list[datetime]] = {f"part-{number}": [] for number in range(SIGNALS)}
        for name, at in connection.execute(select(samples.c.signal, samples.c.at).order_by(samples.c.at)):
            found[name].append(at)
        return found

    return crew.database.read_now(read)


def shared_evenly(crew: Crew, workers: int) -> bool:
    found = list(holders(crew).values())
    return len(found) == SIGNALS and {found.count(each) for each in found} == {SIGNALS // workers}


def test_each_signal_is_looked_at_by_one_worker_and_a_dead_ones_are_taken_over(crew: Callable[..., Crew], shop: Shop) -> None:
    both = crew(toml=toml(shop), runbook=RUNBOOK)
    both.hire("one")
    both.ready(1)
    both.until(lambda: len(holders(both)) == SIGNALS)
    both.hire("two")
    both.ready(2)
    both.until(lambda: shared_evenly(both, 2))
    began = max(max(each) for each in looks(both).values() if each)
    settled = began + timedelta(seconds=2 * EVERY_S)
    both.until(lambda: all(sum(at > settled for at in each) >= 3 for each in looks(both).values()))
    for name, each in looks(both).items():
        steady = [at for at in each if at > settled]
        gaps = [(after - before).total_seconds() for before, after in pairwise(steady)]
        # two workers at one signal would look about twice as often
        assert sum(gaps) / max(1, len(gaps)) > 0.7 * EVERY_S, (name, gaps)

    dead = next(worker for name, worker in both.workers.items() if name == "two")
    theirs = [name.removeprefix(SIGNAL) for name, holder in holders(both).items() if f"-{dead.pid}-" in holder]
    assert len(theirs) == SIGNALS // 2
    both.kill("two")
    shop.broken = True
    both.until(lambda: shared_evenly(both, 1))
    both.until(lambda: len(both.database.read_now(lambda c: c.execute(select(alerts.c.key)).all())) == SIGNALS)
    found = looks(both)
    for name in theirs:
        widest = max((after - before).total_seconds() for before, after in pairwise(found[name]))
        # a lease and its fifth until it is noticed, and a machine that may be slow
        assert widest < 4 * LEASE_S + EVERY_S, name

    both.until(lambda: all(each[-1] > found[name][-1] for name, each in looks(both).items()))
    raised = both.database.read_now(lambda c: c.execute(select(alerts.c.key, alerts.c.ended_at)).all())
    assert sorted(key for key, _ in raised) == sorted({key for key, _ in raised}), "an alert was raised twice"
    assert len(raised) == SIGNALS
    assert all(ended is None for _, ended in raised)
    opened = both.database.read_now(lambda c: c.execute(select(incidents.c.id, incidents.c.cause)).all())
    assert len({cause for _, cause in opened}) == len(opened)
