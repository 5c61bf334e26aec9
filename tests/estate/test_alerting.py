"""Who may send alerts and who is told of which: what watchkeeper.toml says, and what is wrong with it, at its line."""

from __future__ import annotations

from pathlib import Path

import pytest

from watchkeeper.base.errors import ConfigError
from watchkeeper.base.secrets import MASK
from watchkeeper.estate.config import load_estate
from watchkeeper.estate.model import Estate

HEAD = """
[service]
name = "shop"
runbook = "runbook.md"

[variables]
TOKEN = { env = "TOKEN", secret = true }
SHORT = { env = "SHORT", secret = true }

[people.anna]
roles = ["DBA"]
notify = ["json://anna"]
"""
ENVIRONMENT = {"TOKEN": "a-long-token-of-a-sender", "SHORT": "short-tok"}


def load(folder: Path, text: str) -> Estate:
    path = folder / "watchkeeper.toml"
    path.write_text(HEAD + text)
    return load_estate(path, ENVIRONMENT)


def test_hooks_routes_and_what_holds_for_all(tmp_path: Path) -> None:
    estate = load(
        tmp_path,
        """
[alerts]
repeat = "4h"
storm = 30

[hooks.prom]
kind = "alertmanager"
token = "$TOKEN"
stale = "6h"
group_by = ["switch"]
alerts = { PgGone = "Database down" }

[hooks.own]
kind = "mapping"
secret = "$TOKEN"
fields = { name = "check.name", status = "items[0].state" }
firing = ["1"]

[routes.web]
labels = { team = "web" }
tell = ["anna", "dba"]
repeat = "30 min"

[routes.rest]
hook = "prom"
tell = "anna"
""",
    )
    alerting = estate.alerting
    prom, own = alerting.hooks["prom"], alerting.hooks["own"]
    assert (prom.kind, prom.stale_s, prom.group_by, prom.alerts) == (
        "alertmanager",
        6 * 3600,
        ("switch",),
        {"PgGone": "Database down"},
    )
    assert "service" in prom.component_labels
    assert (own.fields["status"], own.firing) == ("items[0].state", ("1",))
    assert [(r.name, r.tell, r.repeat_s) for r in alerting.routes] == [
        ("web", ("anna", "dba"), 1800.0),
        ("rest", ("anna",), None),
    ]
    assert (alerting.repeat_s, alerting.storm) == (4 * 3600, 30)
    assert prom.token in estate.secrets()
    assert f"{prom.token}" == MASK


@pytest.mark.parametrize(
    ("text", "said", "line"),
    [
        ('[hooks.p]\nkind = "alertmanager"', "Anybody could send alerts to hooks.p", 15),
        ('[hooks.p]\nkind = "nagios"\ntoken = "$TOKEN"', "'nagios'", 15),
        ('[hooks.p]\nkind = "sentry"\ntoken = "plain-text-in-the-file"', "stands in the file as plain text", 16),
        ('[hooks.p]\nkind = "sentry"\ntoken = "$SHORT"', "fewer than 16 characters", 16),
        ('[hooks.p]\nkind = "alertmanager"\ntoken = "$TOKEN"\nsecret = "$TOKEN"', "signs nothing", 17),
        ('[hooks.p]\nkind = "mapping"\ntoken = "$TOKEN"', "where an alert's name stands", 15),
        ('[hooks.p]\nkind = "mapping"\ntoken = "$TOKEN"\nfields = { name = "a b" }', "is no path", 17),
        ('[hooks.p]\nkind = "mapping"\ntoken = "$TOKEN"\nfields = { name = "a", nme = "b" }', "'nme', which is not known", 17),
        ('[hooks.p]\nkind = "sentry"\ntoken = "$TOKEN"\nfields = { name = "a" }', "is known", 17),
        ('[hooks."p/q"]\nkind = "sentry"\ntoken = "$TOKEN"', "cannot be part of an address", 15),
        ('[hooks.p]\nkind = "sentry"\ntoken = "$TOKEN"\nstale = "soon"', "hooks.p.stale is 'soon'", 17),
        ('[routes.r]\ntell = ["bob"]', "names 'bob', whom [people] does not know", 15),
        ('[routes.r]\ntell = ["anna"]\nhook = "none"', "which [hooks] does not know", 16),
        ('[routes.r]\ncomponent = "Database"', "tells nobody", 14),
        ("[alerts]\nstorm = 1", "alerts.storm is 1", 15),
        ('[alerts]\nrepeat = "1s"', "alerts.repeat is '1s'", 15),
    ],
)
def test_what_is_wrong_is_said_at_its_line(tmp_path: Path, text: str, said: str, line: int) -> None:
    with pytest.raises(ConfigError) as problem:
        load(tmp_path, f"\n{text}\n")
    assert said in problem.value.message
    assert (problem.value.where or "").endswith(f"watchkeeper.toml:{line}"), problem.value.where
    assert problem.value.hint
