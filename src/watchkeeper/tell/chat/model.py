"""What is written into a chat room, and the room's door."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Button:
    """Something that people can press: what stands on it, and what pressing it means to us."""

    label: str
    value: str


@dataclass(frozen=True, slots=True)
class ChatPost:
    """A message for a channel."""

    text: str
    buttons: tuple[Button, ...] = ()
    link: str = ""


@dataclass(frozen=True, slots=True)
class Channel:
    """The channel of an incident: how far its timeline was written into it, and what was begun and may have arrived."""

    incident_id: str
    chat: str
    channel: str
    written: int
    begun: int
    topic: str
    made_at: datetime
    #: 1: only who is invited sees it
    private: int = 0


class Room(Protocol):
    """A chat service. Raises Transient where it is worth trying again, Permanent where it is not."""

    async def make_channel(self, name: str, private: bool) -> str:
        """Make a channel, or find the one of that name that is ours; gives its id."""
        ...

    async def set_topic(self, channel: str, topic: str) -> None:
        """Set what stands above a channel."""
        ...

    async def invite(self, channel: str, users: Sequence[str]) -> None:
        """Bring people in; who is there already stays."""
        ...

    async def post(self, channel: str, post: ChatPost, *, repeat: bool) -> None:
        """Write a message; `repeat` says that it may have been written before."""
        ...

    async def close(self) -> None:
        """End what is open."""
        ...
