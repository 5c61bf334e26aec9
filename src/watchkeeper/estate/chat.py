"""Reads the chats of watchkeeper.toml ([chat.NAME])."""

from __future__ import annotations

from watchkeeper.estate.model import Chat
from watchkeeper.estate.table import Table
from watchkeeper.estate.variables import Variables, must_be_secret

KINDS = ("slack",)


def read_chat(table: Table, name: str, variables: Variables) -> Chat:
    """Read one chat: with which token it is written to, and by which secret it signs what it sends."""
    table.choice("kind", KINDS)
    chat = Chat(
        name=name,
        line=table.line,
        token=must_be_secret(variables.fill(table.text("token"), table, "token"), table, "token"),
        signing_secret=must_be_secret(
            variables.fill(table.text("signing_secret"), table, "signing_secret"), table, "signing_secret"
        ),
        severities=table.texts("severities"),
        api=table.text("api", "https://slack.com/api"),
    )
    table.finish()
    if not chat.api.startswith(("https://", "http://127.0.0.1", "http://localhost")):
        raise table.error("api", "The token would go over the network in the clear.", "Begin api with https://.")
    return chat
