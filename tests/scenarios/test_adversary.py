"""What is printed, answered and pulled against a run, from outside, with real processes: hostile commands, hasty people."""

from __future__ import annotations

import base64
import json
import os
import pty
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest
from served import SECRET, Served

pytestmark = [pytest.mark.slow, pytest.mark.real]

SCRIPTS = {
    "key.sh": f"""
        printf '%s' {SECRET[:14]}; sleep 1.5; printf '%s\\n' {SECRET[14:]}
        printf '{SECRET[:9]}\\033[31m{SECRET[9:]}\\033[0m\\n'
        printf '{SECRET[:9]}\\033]0;x\\007{SECRET[9:]}\\n'
        printf '%s' {SECRET} | base64
        sleep 1.5; echo the end
    """,
    "hostile.sh": r"""
        printf '\033]0;your terminal is mine\007\033[2J\033[H'
        printf 'rm -rf /data\recho hello    \n'
        printf '<script>document.title="owned"</script><img src=x onerror=alert(1)>\n'
        printf '\033[31mred\033[0m \033[8mhidden\033[28m \342\200\256txt.exe\342\200\254 \007\b\b\n'
        printf '\033]8;;https://elsewhere.example\033\\click\033]8;;\033\\\n'
    """,
    "work.sh": "echo $$ >> pids; (trap '' TERM; echo $BASHPID >> pids; sleep 120) & echo begun; sleep 120; echo through",
    "short.sh": "echo $$ >> pids; while [ ! -e go ]; do sleep 0.1; done; echo through",
    "mark.sh": "echo once >> marks",
}
PROCEDURES = {
    "Print the key": "./key.sh",
    "Print something hostile": "./hostile.sh",
    "Work for long": "./work.sh",
    "Work a little": "./short.sh",
    "Make a mark": "./mark.sh",
    'Say <img src=x onerror="alert(1)"> $(touch pwned) \x1b]0;mine\x07': "uptime",
}


def procedure(title: str, command: str) -> str:
    then = "\n2. Make a mark:\n\n   ```bash\n   ./mark.sh\n   ```\n" if title == "Work a little" else ""
    return f"### {title}\n\n1. Do it:\n\n   ```bash\n   {command}\n   ```\n{then}\n"


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    folder = tmp_path_factory.mktemp("shop")
    for name, text in SCRIPTS.items():
        (folder / name).write_text("#!/bin/bash\n" + text)
        (folder / name).chmod(0o755)
    book = "# Shop runbook\n\n## Procedures\n\n" + "".join(procedure(title, command) for title, command in PROCEDURES.items())
    made = Served(folder, book, approval="20s")
    made.start()
    yield made
    made.stop()


def approve(shop: Served, run_id: str, act: str, title: str) -> None:
    shop.cli("run", "answer", run_id, act, "approve", "--why", "a scenario", "--confirm", title)


def begin(shop: Served, title: str) -> str:
    """Start a procedure and approve its first act."""
    run_id = shop.start_run(title)
    approve(shop, run_id, shop.asked(run_id), title)
    return run_id


def everything(shop: Served, run_id: str) -> dict[str, str]:
    """Give all that anybody can read of a run: terminal, API, pages, and every file of the state folder."""
    with shop.browser() as browser:
        seen = {f"page {path}": browser.get(path).text for path in (
            f"/runs/{run_id}", f"/api/v1/runs/{run_id}", f"/api/v1/runs/{run_id}/news", "/ledger", "/api/v1/ledger", "/runs",
            *(f"/runs/{run_id}/acts/{key}/output.txt" for key in shop.run(run_id)["acts"]),
        )}  # fmt: skip
    seen["show"], seen["json"] = shop.cli("run", "show", run_id), shop.cli("run", "show", run_id, "--format", "json")
    seen["follow"] = shop.cli("run", "follow", run_id, status=None)
    files = [path for path in (shop.folder / ".watchkeeper").rglob("*") if path.is_file()]
    return seen | {path.name: path.read_bytes().decode(errors="replace") for path in [*files, shop.folder / "serve.log"]}


def test_a_secret_printed_in_halves_is_read_nowhere(shop: Served) -> None:
    run_id = begin(shop, "Print the key")
    with shop.browser() as browser:
        live: list[str] = []
        while "the end" not in "".join(live):
            live.append(browser.get(f"/api/v1/runs/{run_id}/news").text)
    shop.ended(run_id)
    seen = everything(shop, run_id) | {"live": "".join(live)}
    coded = base64.b64encode(SECRET.encode()).decode()
    for part in (SECRET, SECRET[:14], SECRET[14:], SECRET[9:], coded[:20]):
        assert [where for where, text in seen.items() if part in text] == [], part
    assert "••••••" in seen["show"]


def test_hostile_output_steers_neither_terminal_nor_page(shop: Served) -> None:
    run_id = begin(shop, "Print something hostile")
    shop.ended(run_id)
    plain, page = shop.cli("run", "show", run_id, "--output", "1.1"), everything(shop, run_id)[f"page /runs/{run_id}"]
    assert plain.splitlines() == [
        "rm -rf /data", "echo hello    ", '<script>document.title="owned"</script><img src=x onerror=alert(1)>',
        "red hidden \\u202etxt.exe\\u202c ", "click",
    ]  # fmt: skip
    assert '<span class="c31">red</span>' in page
    assert "&lt;script&gt;document.title" in page
    assert re.findall(r"<(?:script|img)[^>]*>", page) == ['<script src="/static/live.js" defer>']
    coloured = on_a_terminal(shop, "run", "follow", run_id)
    assert "\x1b[31mred\x1b[0m" in coloured
    assert re.findall(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]", re.sub(r"\x1b\[(?:0|31)m|\r\n", "", coloured)) == []


def on_a_terminal(shop: Served, *arguments: str) -> str:
    """Call the command line on a terminal of its own; gives the bytes that the terminal got."""
    ours, theirs = pty.openpty()
    call = [sys.executable, "-m", "watchkeeper", *arguments]
    environment = {**shop.environment, "TERM": "xterm"}
    environment.pop("NO_COLOR", None)
    process = subprocess.Popen(call, cwd=shop.folder, env=environment, stdin=theirs, stdout=theirs, stderr=theirs)
    os.close(theirs)
    got = b""
    while True:
        try:
            piece = os.read(ours, 65536)
        except OSError:
            break
        if not piece:
            break
        got += piece
    process.wait(30)
    os.close(ours)
    return got.decode()


def test_a_hostile_title_is_only_words(shop: Served) -> None:
    book = json.loads(shop.cli("show", "runbook.md", "--format", "json"))
    hostile = next(each["id"] for each in book["procedures"] if "uptime" in json.dumps(each))
    run_id = shop.start_run(hostile)
    shop.ended(run_id)
    seen = everything(shop, run_id)
    assert "\x1b" not in seen["show"] + seen["follow"] + shop.cli("run", "list") + shop.cli("run", "plan", hostile)
    for where in (f"page /runs/{run_id}", "page /runs", "page /ledger"):
        assert "<img" not in seen[where], where
    assert not (shop.folder / "pwned").exists()


def test_a_cancelled_run_leaves_no_process(shop: Served) -> None:
    (shop.folder / "pids").unlink(missing_ok=True)
    run_id = begin(shop, "Work for long")
    pids = shop.until(lambda: found if len(found := numbers(shop.folder / "pids")) == 2 else None)
    assert all(psutil.pid_exists(pid) for pid in pids)
    told = shop.cli("run", "cancel", run_id, "--why", "wrong host")
    assert told == "Cancelled: nothing more is begun, and what runs is ended.\n"
    run = shop.ended(run_id)
    assert run["state"] == "cancelled"
    assert "wrong host" in run["sentence"]
    assert [pid for pid in pids if alive(pid)] == []
    assert shop.cli("run", "follow", run_id, status=1).rstrip().splitlines()[-1].endswith(f"cancelled. {run['sentence']}")


def numbers(path: Path) -> list[int]:
    return [int(word) for word in path.read_text().split()] if path.exists() else []


def alive(pid: int) -> bool:
    return psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE


def test_a_halt_lets_what_runs_end_and_begins_nothing_more(shop: Served) -> None:
    for name in ("pids", "marks", "go"):
        (shop.folder / name).unlink(missing_ok=True)
    run_id = begin(shop, "Work a little")
    shop.until(lambda: numbers(shop.folder / "pids"))
    told = shop.cli("halt", "something is odd")
    assert f"{run_id} is at 1.1" in told
    assert f"watchkeeper run cancel {run_id}" in told
    (shop.folder / "go").touch()
    shop.until(lambda: shop.states(run_id)["1.1"] == "done")
    shop.until(lambda: shop.states(run_id)["2.1"] != "running")
    with shop.browser() as browser:
        assert "Everything automatic is halted" in browser.get(f"/runs/{run_id}").text
    assert not (shop.folder / "marks").exists()
    shop.cli("unhalt", "--why", "it was nothing")
    approve(shop, run_id, shop.asked(run_id), "Work a little")
    assert shop.ended(run_id)["state"] == "succeeded"
    assert (shop.folder / "marks").read_text() == "once\n"


def test_what_is_approved_while_halted_waits_and_lapses(shop: Served) -> None:
    (shop.folder / "marks").unlink(missing_ok=True)
    run_id = shop.start_run("Make a mark")
    act = shop.asked(run_id)
    shop.cli("halt", "wait")
    approve(shop, run_id, act, "Make a mark")
    until = shop.run(run_id)["acts"][act]["approved_until"]
    assert until
    # the approval lasts 20 s: it is over before the brake is lifted
    shop.until(lambda: shop.cli("audit", "verify") and lapsed(until))
    assert not (shop.folder / "marks").exists()
    shop.cli("unhalt")
    assert shop.asked(run_id) == act
    assert "has lapsed" in shop.run(run_id)["acts"][act]["sentence"]
    approve(shop, run_id, act, "Make a mark")
    assert shop.ended(run_id)["state"] == "succeeded"
    assert (shop.folder / "marks").read_text() == "once\n"


def lapsed(until: str) -> bool:
    return datetime.now(UTC) > datetime.fromisoformat(until)


def test_of_two_who_answer_at_once_one_wins_and_the_other_is_told(shop: Served) -> None:
    (shop.folder / "marks").unlink(missing_ok=True)
    run_id = shop.start_run("Make a mark")
    act = shop.asked(run_id)
    browsers = [shop.browser() for _ in range(4)]
    answers: list[httpx.Response] = []
    body: dict[str, Any] = {"act": act, "answer": "approve", "why": "mine", "confirm": "Make a mark"}
    start = threading.Barrier(len(browsers))

    def press(browser: httpx.Client) -> None:
        start.wait()
        answers.append(browser.post(f"/api/v1/runs/{run_id}/answers", json=body))

    threads = [threading.Thread(target=press, args=(browser,)) for browser in browsers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answer.status_code for answer in answers) == [204, 409, 409, 409]
    for lost in (answer.json() for answer in answers if answer.status_code == 409):
        assert lost["code"] in ("WK311", "WK313"), lost
    assert shop.ended(run_id)["state"] == "succeeded"
    assert (shop.folder / "marks").read_text() == "once\n"
    late = browsers[0].post(f"/api/v1/runs/{run_id}/answers", json=body)
    assert (late.status_code, late.json()["code"]) == (409, "WK313")
    assert late.json()["message"] == f"Run {run_id} is over: {shop.run(run_id)['sentence']}"
    assert "is over" in shop.cli("run", "answer", run_id, act, "approve", "--why", "late", "--confirm", "Make a mark", status=1)
    for browser in browsers:
        browser.close()
