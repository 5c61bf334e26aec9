"""Reads the trackers of watchkeeper.toml ([tracker.NAME]): where follow-ups are kept besides."""

from __future__ import annotations

import re
from typing import cast

from watchkeeper.base.secrets import Secret
from watchkeeper.estate.model import Tracker, TrackerKind
from watchkeeper.estate.table import Table
from watchkeeper.estate.variables import Variables, must_be_secret

KINDS: tuple[TrackerKind, ...] = ("github", "jira", "webhook")
_PROJECT = {"github": re.compile(r"[\w.-]+/[\w.-]+"), "jira": re.compile(r"[A-Za-z][A-Za-z0-9_]*")}
_HINT = {"github": 'Write it as project = "owner/repository".', "jira": 'Write the project\'s key: project = "OPS".'}


def read_tracker(table: Table, name: str, variables: Variables) -> Tracker:
    """Read one tracker: of which kind, where, and with which token it is written to."""
    kind = cast(TrackerKind, table.choice("kind", KINDS))
    tracker = Tracker(
        name=name,
        kind=kind,
        line=table.line,
        url=table.text("url", "https://api.github.com" if kind == "github" else "").rstrip("/"),
        project=table.text("project", ""),
        user=table.text("user", ""),
        token=_token(table, variables),
        labels=table.texts("labels"),
    )
    table.finish()
    if not tracker.url.startswith(("https://", "http://127.0.0.1", "http://localhost")):
        raise table.error("url", "The token would go over the network in the clear.", "Begin url with https://.")
    if kind in _PROJECT and not _PROJECT[kind].fullmatch(tracker.project):
        raise table.error("project", f"{tracker.project!r} is no project of {kind}.", _HINT[kind])
    if kind != "webhook" and tracker.token is None:
        raise table.error("token", f"{kind} takes nothing without a token.", 'Add token = "$NAME", a secret of [variables].')
    return tracker


def _token(table: Table, variables: Variables) -> Secret | None:
    if "token" not in table.values:
        return None
    return must_be_secret(variables.fill(table.text("token"), table, "token"), table, "token")
