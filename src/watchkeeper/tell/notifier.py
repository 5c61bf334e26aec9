"""Door 4: notifiers. Something that takes a message to an address.

A plug-in is a class registered under the entry-point group `watchkeeper.notifiers`. It raises `Transient` where it is worth
trying again and `Permanent` where the address will never work; nothing else leaves it.
"""

from __future__ import annotations

from typing import Protocol


class Notifier(Protocol):
    """Sends a message to one address."""

    async def send(self, address: str, subject: str, body: str, *, idempotency_key: str, repeat: bool) -> None:
        """Send once; `repeat` says that an earlier try may have arrived, so that the message can say so."""
        ...
