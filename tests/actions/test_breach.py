"""A breach: its incident is private, containment is asked for at once, and evidence is taken in a run of its own."""

from __future__ import annotations

from pathlib import Path

import pytest
from people_cast import ANNA, CONFIG, Shop

from watchkeeper.actions import acts, by_hand
from watchkeeper.app import App, furnish, open_app
from watchkeeper.incident import ledger as incidents
from watchkeeper.learn import review
from watchkeeper.run.beside import WHY, is_evidence
from watchkeeper.run.ledger import list_runs

RUNBOOK = """\
# The shop

## Security

### Somebody has broken in

1. Look who was here:

   ```bash
   ls /none/such
   ```

2. Shut them out:

   ```bash
   rm -r old-carts
   ```

### Restart

1. Look at it:

   ```bash
   ls
   ```

2. Restart it:

   ```bash
   rm -r old-carts
   ```
"""


@pytest.fixture
async def app(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):  # type: ignore[no-untyped-def]
    monkeypatch.delenv("WATCHKEEPER_DATABASE_URL", raising=False)
    (tmp_path / "runbook.md").write_text(RUNBOOK)
    (tmp_path / "watchkeeper.toml").write_text(CONFIG.replace('two_people = ["destroy"]', ""))
    (tmp_path / "old-carts").mkdir()
    made = open_app(tmp_path / "watchkeeper.toml")
    furnish(made)
    yield made
    await made.close()


async def test_containment_is_asked_for_at_once_and_evidence_is_taken_beside(app: App, tmp_path: Path) -> None:
    shop = Shop(app, tmp_path, None)  # type: ignore[arg-type]
    incident = await by_hand.open_incident(app, ANNA, "Odd mails", "P1")
    assert not incident.is_private
    own_id = await acts.start_run(app, ANNA, "somebody-has-broken-in", incident.id)
    own, evidence = app.database.read_now(lambda c: list_runs(c, incident_id=incident.id))
    assert own.id == own_id  # the latest of the incident, though both began in one instant
    assert is_evidence(evidence.plan)
    own = await shop.drive(own_id)
    assert (own.acts["1.1"].state, own.acts["1.1"].sentence) == ("skipped", WHY)
    assert (own.state, own.acts["2.1"].question) == ("asking", "approve")
    assert shop.dropped() is False
    await acts.answer(app, ANNA, own_id, "2.1", "approve", "They are in.", confirm="Somebody has broken in")
    assert (await shop.drive(own_id)).state == "succeeded"
    assert shop.dropped()
    evidence = await shop.drive(evidence.id)
    assert (evidence.state, evidence.acts["1.1"].state) == ("succeeded", "failed")
    kept = app.database.read_now(lambda c: incidents.get_incident(c, incident.id))
    assert kept is not None
    assert kept.is_private
    told = [entry.sentence for entry in app.database.read_now(lambda c: incidents.read_timeline(c, incident.id))]
    assert "Taken beside, as evidence: 1 look of it. Containment waits for none." in told
    assert any("the procedure “Somebody has broken in” is about security" in sentence for sentence in told)
    assert any(sentence.startswith("“ls /none/such”: failed.") for sentence in told)
    written = app.database.write_now(
        lambda c: review.write(c, app.book, app.bindings, kept, app.clock.now(), app.state, app.estate)
    )
    assert "Step 1.1 of “Somebody has broken in” was not done" not in written.markdown
    assert "Somebody has broken in: evidence" in written.markdown


async def test_a_procedure_that_is_not_about_security_stays_whole(app: App) -> None:
    incident = await by_hand.open_incident(app, ANNA, "Odd mails", "P1")
    await acts.start_run(app, ANNA, "restart", incident.id)
    [run] = app.database.read_now(lambda c: list_runs(c, incident_id=incident.id))
    assert all(act.skip is None for act in run.plan.acts)
