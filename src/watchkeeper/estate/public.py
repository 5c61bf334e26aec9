"""Reads [statuspage] of watchkeeper.toml: whether the public has a page, and what it may see on it."""

from __future__ import annotations

from typing import cast

from watchkeeper.estate.model import Publish, StatusPage
from watchkeeper.estate.table import Table
from watchkeeper.estate.variables import Variables

PUBLISHES: tuple[Publish, ...] = ("itself", "written")


def read_statuspage(root: Table, variables: Variables, service: str) -> StatusPage | None:
    """Read the table; None where there is none, and then the public has no page."""
    if "statuspage" not in root.values:
        return None
    table = root.table("statuspage")
    names = table.table("components")
    mail = table.maybe_text("mail")
    if mail is not None and not mail.startswith("$"):
        hint = 'Write mail = "$STATUS_MAIL", with [variables] STATUS_MAIL = { env = "STATUS_MAIL", secret = true }.'
        raise table.error("mail", "The address by which mail is sent holds a password.", hint)
    found = StatusPage(
        title=table.text("title", service),
        line=table.line,
        address=table.text("address", "").rstrip("/"),
        publish=cast(Publish, table.choice("publish", PUBLISHES, "itself")),
        components={name: names.text(name) for name in names.values},
        mail=variables.fill(mail, table, "mail") if mail is not None else None,
    )
    if found.address and not found.address.startswith(("https://", "http://")):
        raise table.error("address", f"{found.address!r} is no address.", 'Write it as "https://status.example.com".')
    table.finish()
    return found
