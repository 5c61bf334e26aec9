"""A breach, served for real: the intruder is shut out while evidence is still being taken."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from served import Served

pytestmark = [pytest.mark.slow, pytest.mark.real]
RUNBOOK = """
# Shop runbook

## Security

### Somebody has broken in

1. What did they do?

   ```bash
   ls /none/such
   ```

2. What is still going on?

   ```bash
   sleep 50
   ```

3. Shut them out:

   ```bash
   echo shut >> door
   ```
"""


def test_the_intruder_is_shut_out_while_evidence_is_still_taken(served: Callable[..., Served]) -> None:
    shop = served(RUNBOOK)
    own = shop.start_run("somebody-has-broken-in")
    assert shop.asked(own) == "3.1"
    with shop.browser() as anna:
        runs = {run["procedure_id"]: run["id"] for run in anna.get("/api/v1/runs").json()["runs"]}
        evidence = next(run_id for procedure, run_id in runs.items() if procedure.startswith("evidence:"))
        body = {"act": "3.1", "answer": "approve", "why": "They are in."}
        assert anna.post(f"/api/v1/runs/{own}/answers", json=body).status_code == 204
    assert shop.ended(own)["state"] == "succeeded"
    assert (shop.folder / "door").read_text() == "shut\n"
    assert shop.states(evidence) == {"1.1": "failed", "2.1": "running"}
    assert shop.states(own) == {"1.1": "skipped", "2.1": "skipped", "3.1": "done"}
