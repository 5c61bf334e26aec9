"""A runbook that is edited while a run of it goes on changes nothing of that run, whoever carries it on."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest
from crew import RUNBOOK, Crew

from watchkeeper.actions import acts
from watchkeeper.app import open_app
from watchkeeper.people.identity import Actor
from watchkeeper.settings import load_settings

PROCEDURE = """
## Procedures

### Mend the shop

```bash
echo {word}-one >> marks
```

```bash
sleep 1; echo {word}-two >> marks
```
"""

pytestmark = pytest.mark.slow


def test_a_run_goes_on_under_the_book_it_was_started_from(crew: Callable[..., Crew]) -> None:
    both = crew(runbook=RUNBOOK + PROCEDURE.format(word="old"))
    both.hire("one")
    both.ready(1)
    app = open_app(both.folder / "one" / "watchkeeper.toml", load_settings({}, database_url=both.url))
    anna = Actor("anna", ("owner",))
    run_id = asyncio.run(acts.start_run(app, anna, "mend-the-shop"))
    app.database.close()
    both.until(lambda: both.look(run_id).acts["1.1"].question)
    both.runbook = RUNBOOK + PROCEDURE.format(word="new")
    (both.folder / "one" / "runbook.md").write_text(both.runbook)
    both.hire("two")
    both.ready(2)
    both.kill("one", with_machine=True)
    both.until(lambda: both.help(lambda run, key: False) or both.look(run_id).ended_at)
    assert both.marks() == ["old-one", "old-two"]
    both.check([run_id])
