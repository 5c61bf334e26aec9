"""Links by which a notice is answered: who may do what, to exactly what, until when, signed with a key of the state folder.

A link carries all of that itself; that it was used is a row. The key is never in the database, so that who reads the database, or
a backup of it, can make none. Reading a link takes its signature first: nothing of a forged one is looked at.
"""

from __future__ import annotations

import hashlib
import os
import secrets
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Literal, TypeAlias

from itsdangerous import BadData, URLSafeSerializer

from watchkeeper.base.errors import Refused

#: answer: what a run asks about an act; acknowledge: take an incident
LinkKind: TypeAlias = Literal["answer", "acknowledge"]
KEY_FILE = "links.key"
#: a key older than this is followed by a new one at start-up; the one before still opens what it signed
KEY_AGE = timedelta(days=30)
_SALT = b"watchkeeper.link.v1"
_LONGEST = 2000


@dataclass(frozen=True, slots=True)
class Link:
    """What a link lets its person do, once."""

    id: str
    kind: LinkKind
    #: the run, or the incident
    subject: str
    person: str
    service: str
    until: datetime
    #: the act that asks, the digest of what would run, and when the question was put
    act: str = ""
    digest: str = ""
    asked_at: datetime | None = None


def new_link_id() -> str:
    """Give an id that no other link has."""
    return secrets.token_urlsafe(9)


def sign(keys: Sequence[str], link: Link) -> str:
    """Write a link as text for a URL, signed with the newest key (the last)."""
    asked = int(link.asked_at.timestamp() * 1_000_000) if link.asked_at else 0
    until = int(link.until.timestamp())
    said = [link.id, link.kind[:2], link.subject, link.person, link.service, until, link.act, link.digest[:32], asked]
    return str(_serializer(keys).dumps(said))


def read(keys: Sequence[str], text: str, now: datetime) -> Link:
    """Read a link; Refused where no key of ours signed it, or where its time is over."""
    try:
        said: Any = _serializer(keys).loads(text) if len(text) <= _LONGEST else None
        link_id, kind, subject, person, service, until, act, digest, asked = said
    except (BadData, TypeError, ValueError):
        raise Refused(
            "This link does nothing: it was cut off on its way, or it is none of ours.",
            hint="Open the console and answer there.",
            code="WK324",
        ) from None
    known: LinkKind = "answer" if kind == "an" else "acknowledge"
    asked_at = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=asked) if asked else None
    link = Link(link_id, known, subject, person, service, datetime.fromtimestamp(until, UTC), act, digest, asked_at)
    if link.until <= now:
        raise expired()
    return link


def expired() -> Refused:
    """Give the error for a link that was good once and is not any more."""
    return Refused(
        "This link is not good any more: it was used already, or its time is over.",
        hint="Open the console and answer there.",
        code="WK325",
    )


def _serializer(keys: Sequence[str]) -> URLSafeSerializer:
    return URLSafeSerializer(list(keys), salt=_SALT, signer_kwargs={"digest_method": hashlib.sha256, "key_derivation": "hmac"})


# --- the key, in the state folder


def read_keys(state: Path, now: datetime, given: str = "") -> tuple[str, ...]:
    """Give the keys that sign links, newest last; makes the first one. `given` is one that several workers share."""
    if given:
        return (given,)
    path = state / KEY_FILE
    lines = _read(path)
    if not lines:
        _write(path, [_new(now)], fresh=True)
        lines = _read(path)
    elif now - _made_at(lines[-1]) > KEY_AGE:
        _write(path, [lines[-1], _new(now)])
        lines = _read(path)
    return tuple(line.split()[1] for line in lines)


def void_links(state: Path, now: datetime) -> None:
    """Make a new key and forget all others: no link that is out opens anything any more."""
    _write(state / KEY_FILE, [_new(now)])


def _new(now: datetime) -> str:
    return f"{now.isoformat()} {secrets.token_hex(32)}"


def _made_at(line: str) -> datetime:
    return datetime.fromisoformat(line.split()[0])


def _read(path: Path) -> list[str]:
    return path.read_text().splitlines() if path.is_file() else []


def _write(path: Path, lines: list[str], fresh: bool = False) -> None:
    made = path.with_name(f"{path.name}.{secrets.token_hex(8)}")
    with os.fdopen(os.open(made, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write("".join(f"{line}\n" for line in lines))
        file.flush()
        os.fsync(file.fileno())
    if fresh:
        with suppress(FileExistsError):
            os.link(made, path)  # of two that make the first key one wins, and both use it
        made.unlink()
    else:
        made.replace(path)
