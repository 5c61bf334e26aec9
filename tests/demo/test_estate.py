from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

import psutil
import pytest

from watchkeeper.base.errors import WatchkeeperError
from watchkeeper.demo.estate import SERVICES, Estate
from watchkeeper.demo.faults import FAULTS, settle

pytestmark = pytest.mark.demo

PROCEDURES = {
    "app-killed": "Shop is not answering",
    "app-hangs": "Shop is not answering",
    "database-stopped": "PostgreSQL does not accept connections",
    "workers-dead": "Order mail is not going out",
    "bad-deployment": "Errors in the shop",
    "connections-exhausted": "PostgreSQL runs out of connections",
}
IDLE = "pg_stat_activity where state = 'idle' and state_change < now() - interval '5 seconds'"
Eventually = Callable[..., bool]


def requests(estate: Estate, status: str) -> float:
    with urlopen(f"{estate.environment['SHOP_URL']}/metrics", timeout=3) as answer:
        lines = answer.read().decode().splitlines()
    counted = [line.rsplit(" ", 1) for line in lines if line.startswith("http_requests_total")]
    return sum(float(value) for name, value in counted if f'status="{status}' in name)


def is_broken(estate: Estate, terminal: Any, fault: str) -> bool:
    if fault == "bad-deployment":
        try:
            good, bad = requests(estate, "2"), requests(estate, "5")
        except URLError:
            return False  # the deployment is just restarting it
        return good + bad > 40 and 0.2 < bad / (good + bad) < 0.45
    if fault == "workers-dead":
        return bool(terminal.number("redis-cli -u $REDIS_URL llen celery") > 5)
    if fault == "connections-exhausted":
        # the procedure spares sessions that only just fell idle
        return estate.health()[0] == 503 and terminal.count(IDLE) > 30
    return estate.health()[0] != 200 and (fault == "app-hangs") == (estate.pid("shop") > 0 and fault != "database-stopped")


def test_every_fault_has_a_procedure_to_be_tried_with() -> None:
    assert set(PROCEDURES) == set(FAULTS)


def test_customers_order_pay_and_are_written_to(terminal: Any, eventually: Eventually) -> None:
    assert eventually(lambda: terminal.count("orders where status = 'paid' and mailed_at is not null") > 2)


def test_the_replica_follows_the_primary(terminal: Any, eventually: Eventually) -> None:
    orders = terminal.count("orders")
    on_replica = 'psql -p $REPLICA_PORT -Atc "select count(*) from orders"'
    assert eventually(lambda: terminal.number(on_replica) >= orders)
    assert terminal.count("pg_stat_replication where state = 'streaming'") == 1


def test_a_payment_notice_with_a_wrong_signature_is_refused(estate: Estate) -> None:
    notice = json.dumps({"id": "pay_1", "order": "1", "status": "captured"}).encode()
    request = Request(f"{estate.environment['SHOP_URL']}/payments/notices", notice, {"X-Gateway-Signature": "0" * 64})
    with pytest.raises(HTTPError) as refusal:
        urlopen(request, timeout=3)
    with refusal.value as answer:
        assert answer.code == 401


def test_every_command_of_a_diagnosis_runs_on_a_healthy_shop(terminal: Any, diagnoses: Callable[[Any], list[str]]) -> None:
    commands = diagnoses(terminal)
    assert len(commands) > 20
    for command in commands:
        status, output = terminal.run(command)
        # a log without errors is no failure
        assert status == 0 or command.startswith("grep"), f"{command} -> {status} {output}"


def test_every_verification_is_met_on_a_healthy_shop(terminal: Any, verifications: Callable[[Any], list[Any]]) -> None:
    checks = verifications(terminal)
    assert len(checks) > 10
    for check in checks:
        met, said = terminal.meets(check)
        assert met, said


@pytest.mark.parametrize("fault", sorted(FAULTS))
def test_the_procedure_repairs_the_fault(estate: Estate, terminal: Any, eventually: Eventually, fault: str) -> None:
    FAULTS[fault].inject(estate)
    try:
        assert eventually(lambda: is_broken(estate, terminal, fault)), "the fault did nothing"
        taken = terminal.carry_out(PROCEDURES[fault])
        assert len(taken) == 1
        assert eventually(lambda: not estate.complaints(), 5), estate.complaints()
    finally:
        settle(estate)


@pytest.mark.parametrize("faults", [("app-killed", "database-stopped", "workers-dead", "connections-exhausted")])
def test_nothing_depends_on_the_names(
    renamed_estate: Estate, terminal_of: Callable[[Estate], Any], eventually: Eventually, faults: tuple[str, ...]
) -> None:
    terminal = terminal_of(renamed_estate)
    for fault in faults:
        FAULTS[fault].inject(renamed_estate)
        assert eventually(lambda fault=fault: is_broken(renamed_estate, terminal, fault)), fault
        taken = terminal.carry_out(renamed_estate.named(PROCEDURES[fault]))
        assert len(taken) == 1
        assert eventually(lambda: not renamed_estate.complaints(), 5), renamed_estate.complaints()
        settle(renamed_estate)


def test_no_service_comes_back_by_itself(estate: Estate) -> None:
    FAULTS["app-killed"].inject(estate)
    time.sleep(3)
    assert estate.pid("shop") == 0
    settle(estate)


def test_a_service_that_does_not_run_cannot_be_broken(estate: Estate, eventually: Eventually) -> None:
    FAULTS["app-killed"].inject(estate)
    assert eventually(lambda: estate.pid("shop") == 0)
    with pytest.raises(WatchkeeperError, match="cannot be broken"):
        FAULTS["app-hangs"].inject(estate)
    settle(estate)


def test_an_estate_is_found_again_and_stopped_by_a_later_program(open_folder: Path) -> None:
    folder = open_folder / ("a folder whose name is too long for the path of a unix socket " * 2).strip()
    estate = Estate(folder)
    sentences: list[str] = []
    estate.start(sentences.append)
    try:
        assert len(sentences) >= 4
        pids = [program.pid for program in estate.programs().values()]
        assert len(pids) == len(SERVICES)
        with pytest.raises(WatchkeeperError, match="runs already"):
            Estate(folder).start()
        assert estate.complaints() == []
    finally:
        later = "import pathlib, sys; from watchkeeper.demo.estate import Estate; Estate(pathlib.Path(sys.argv[1])).stop()"
        subprocess.run([sys.executable, "-c", later, str(folder)], check=True)
        estate.stop()
    assert not any(psutil.pid_exists(pid) for pid in pids)
    again = Estate(folder)
    again.start()
    try:
        assert again.complaints() == []
        assert again.environment == estate.environment
    finally:
        again.stop()
