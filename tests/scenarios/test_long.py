"""Commands that never end or print without measure, and a runbook that changes under a run: with real processes, from outside."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest
from served import Served

pytestmark = [pytest.mark.slow, pytest.mark.real]

Serve = Callable[..., Served]
BOOK = "# Shop runbook\n\n## Procedures\n\n### {title}\n\n1. Do it:\n\n   ```bash\n   {command}\n   ```\n"


def serve(served: Serve, title: str, script: str, **values: str) -> tuple[Served, str, str]:
    """Serve a book whose one procedure is a script, and start and approve it; gives the run and its act."""
    shop = served(BOOK.format(title=title, command="./it.sh"), **values)
    (shop.folder / "it.sh").write_text(f"#!/bin/bash\n{script}\n")
    (shop.folder / "it.sh").chmod(0o755)
    run_id = shop.start_run(title)
    act = shop.asked(run_id)
    shop.cli("run", "answer", run_id, act, "approve", "--why", "a scenario", "--confirm", title)
    return shop, run_id, act


def test_two_gigabytes_fill_neither_memory_nor_page(served: Serve) -> None:
    shop, run_id, act = serve(served, "Flood", "yes 'a line of the flood' | head -c 2G; echo the end", timeout="5 min")
    assert shop.process is not None
    with shop.browser() as browser:
        over = False
        while not over:
            over = bool(shop.run(run_id)["ended_at"])
            page = browser.get(f"/runs/{run_id}")
            assert page.status_code == 200
            assert len(page.text) < 600_000
        kept = browser.get(f"/runs/{run_id}/acts/{act}/output.txt").text
    status = Path(f"/proc/{shop.process.pid}/status").read_text()
    assert int(status.split("VmHWM:")[1].split()[0]) < 450_000  # KB at the peak; idle it takes some 150 MB
    assert kept.startswith("a line of the flood\n")
    assert kept.endswith("the end\n")
    assert len(kept) < 2_200_000
    assert "bytes left out" in kept
    assert len(shop.cli("run", "show", run_id).splitlines()) < 40
    assert sum(path.stat().st_blocks * 512 for path in (shop.folder / ".watchkeeper").rglob("*")) < 60_000_000


def test_what_never_ends_is_ended_and_asked_about(served: Serve) -> None:
    shop, run_id, act = serve(served, "Endless", "echo $$ > pid; while :; do echo still here; sleep 0.2; done", timeout="3s")
    assert shop.asked(run_id) == act
    standing = shop.run(run_id)["acts"][act]
    assert standing["outcome"]["result"] == "timeout"
    pid = int((shop.folder / "pid").read_text())
    assert not psutil.pid_exists(pid)
    told = shop.cli("run", "follow", run_id, status=4)
    assert "still here" in told
    assert f"watchkeeper run answer {run_id} {act} again|done|skip|abort --why REASON" in told


def test_a_run_goes_on_under_the_runbook_it_was_started_from(served: Serve) -> None:
    title = "Change it"
    shop = served(BOOK.format(title=title, command="./it.sh old"))
    (shop.folder / "it.sh").write_text('#!/bin/bash\necho "$1" >> marks\n')
    (shop.folder / "it.sh").chmod(0o755)
    run_id = shop.start_run(title)
    act = shop.asked(run_id)
    (shop.folder / "runbook.md").write_text(BOOK.format(title=title, command="./it.sh new"))
    shop.stop()
    shop.start()
    said = "The runbook was changed since; this run goes on under the version it was started from"
    assert said in shop.cli("run", "show", run_id)
    with shop.browser() as browser:
        assert said in browser.get(f"/runs/{run_id}").text
        assert browser.get(f"/api/v1/runs/{run_id}").json()["book_changed"] is True
    shop.cli("run", "answer", run_id, act, "approve", "--why", "the old one", "--confirm", title)
    assert shop.ended(run_id)["state"] == "succeeded"
    assert (shop.folder / "marks").read_text() == "old\n"
    assert "./it.sh new" in json.dumps(json.loads(shop.cli("run", "plan", title, "--format", "json")))
