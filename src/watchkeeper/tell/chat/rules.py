"""What of an incident's timeline is written into its chat channel, and in which words. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable

from watchkeeper.incident.model import Entry, Incident
from watchkeeper.tell.chat.model import Button, ChatPost

#: kinds of entries that people in the channel need; each sentence stands as it is
SAID = frozenset(
    (
        "opened", "severity", "acknowledged", "escalated", "run", "verdict", "recovered", "reopened", "verified", "resolved",
        "note", "late", "refused", "proposed", "not-told", "again", "private", "shown", "moved",
    )
)  # fmt: skip
#: an answer that a button may give: what asks for more than a press is answered on the page
PRESSED = {"approve": "Approve", "yes": "Yes", "no": "No", "done": "Done", "refuse": "Refuse", "skip": "Skip"}


def channel_name(incident: Incident) -> str:
    """Name an incident's channel: its own id makes it the only one, and its title says what it is about.

    >>> from datetime import UTC, datetime
    >>> now = datetime(2026, 6, 1, tzinfo=UTC)
    >>> channel_name(Incident("inc-01m8dc0r72-sdckrw", "shop", "Shop is down: 100 %!", "P1", "open", None, now, now))
    'inc-sdckrw-shop-is-down-100'
    """
    # who may not look into a private channel may still come by its name
    words = "private" if incident.is_private else re.sub(r"[^a-z0-9]+", "-", incident.title.lower()).strip("-")
    return f"inc-{incident.id.rsplit('-', 1)[-1].lower()}-{words}"[:80].rstrip("-")


def topic(incident: Incident) -> str:
    """Say in one line how an incident stands."""
    severity = f"{incident.severity} · " if incident.severity else ""
    taken = f" · {incident.acknowledged_by} has it" if incident.acknowledged_by not in (None, "automation") else ""
    return f"{severity}{incident.status}{taken} · {incident.title}"[:250]


def opening(incident: Incident, link: str) -> ChatPost:
    """Give the first message of a channel."""
    severity = f"[{incident.severity}] " if incident.severity else ""
    cause = f"\nTaken for the cause: {incident.cause}." if incident.cause else ""
    began = f"\nBegan {incident.began_at:%Y-%m-%d %H:%M:%S} UTC."
    buttons = (Button("Acknowledge", f"acknowledge|{incident.id}"),) if incident.status == "open" else ()
    return ChatPost(f"{severity}{incident.title} (service {incident.service}).{cause}{began}", buttons, link)


def posts(entries: Iterable[Entry], after: int, chat: str) -> list[tuple[int, ChatPost]]:
    """Give what is new for a channel: (entry, message), in their order; what was said in it is not said again."""
    found = []
    for entry in entries:
        if entry.seq > after and entry.kind in SAID and entry.body.get("chat") != chat:
            by = f"{entry.actor}: " if entry.kind == "note" else ""
            found.append((entry.seq, ChatPost(f"{by}{entry.sentence}")))
    return found


def wants_channel(incident: Incident, severities: tuple[str, ...]) -> bool:
    """Tell whether an incident gets a channel of its own."""
    named = {each.casefold() for each in severities}
    return not named or (incident.severity or "").casefold() in named
