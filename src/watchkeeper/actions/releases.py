"""Reads the releases that a feed of watchkeeper.toml lists: an app store's look-up, any other JSON by pointers, or Atom."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any
from xml.etree import ElementTree

from watchkeeper.estate.model import ReleaseFeed
from watchkeeper.incident.model import ChangeEvent
from watchkeeper.plugins.http.fetch import Fetcher, Request

MOST_BYTES = 1_000_000
MOST_RELEASES = 200
_ATOM = "{http://www.w3.org/2005/Atom}"


class FeedError(Exception):
    """A feed cannot be had or read; the message says why."""


async def fetch_releases(feed: ReleaseFeed) -> list[ChangeEvent]:
    """Ask for a feed and give its releases; FeedError where there is none to be had."""
    fetcher = Fetcher(Request(feed.url, follow_redirects=True, most_bytes=MOST_BYTES))
    try:
        answer = await fetcher.fetch()
    finally:
        await fetcher.close()
    if answer.problem is not None or answer.status != 200:
        raise FeedError(answer.problem or f"it answers with status {answer.status}")
    if answer.cut:
        raise FeedError(f"it is longer than {MOST_BYTES} bytes")
    return read_releases(feed, answer.body)


def read_releases(feed: ReleaseFeed, body: bytes) -> list[ChangeEvent]:
    """Read the releases of a feed's body; one without a version or an instant is passed over. Pure.

    >>> feed = ReleaseFeed("ios", 1, "https://…")
    >>> body = b'{"results": [{"version": "4.2", "currentVersionReleaseDate": "2026-06-01T10:00:00Z"}]}'
    >>> [(one.id, one.at.hour) for one in read_releases(feed, body)]
    [('release/ios/4.2', 10)]
    """
    told = _entries(body) if body.lstrip().startswith(b"<") else _items(feed, body)
    events: list[ChangeEvent] = []
    for version, said, link in told:
        at = _instant(said)
        if not version or at is None:
            continue
        known = f"release/{feed.name}/{version}"[:200]
        page = link if link.startswith(("https://", "http://")) else ""
        sentence = f"{feed.name}: {version} was released."
        events.append(ChangeEvent(known, at, "release", sentence, "", feed.component, page[:1000]))
    return events


def _items(feed: ReleaseFeed, body: bytes) -> Iterator[tuple[str, str, str]]:
    try:
        found = pointed(json.loads(body), feed.items)
    except (ValueError, RecursionError):
        raise FeedError("it is neither JSON nor Atom") from None
    if found is None:
        raise FeedError(f"it has nothing at {feed.items!r}")
    for item in (found if isinstance(found, list) else [found])[:MOST_RELEASES]:
        yield _word(pointed(item, feed.version)), _word(pointed(item, feed.at)), _word(pointed(item, feed.link))


class _Plain(ElementTree.TreeBuilder):
    def doctype(self, name: str, pubid: str | None, system: str | None) -> None:
        """A feed defines nothing of its own."""
        raise FeedError("its XML has definitions of its own")


def _entries(body: bytes) -> Iterator[tuple[str, str, str]]:
    try:
        # without definitions there is nothing to expand or to fetch
        root = ElementTree.fromstring(body, ElementTree.XMLParser(target=_Plain()))  # noqa: S314
    except ElementTree.ParseError:
        raise FeedError("its XML is broken") from None
    if root.tag != f"{_ATOM}feed":
        raise FeedError("its XML is no Atom feed")
    for entry in root.findall(f"{_ATOM}entry")[:MOST_RELEASES]:
        link = entry.find(f"{_ATOM}link")
        # an entry that is amended later is the same release
        at = entry.findtext(f"{_ATOM}published") or entry.findtext(f"{_ATOM}updated")
        yield _word(entry.findtext(f"{_ATOM}title")), _word(at), link.get("href", "") if link is not None else ""


def pointed(value: Any, pointer: str) -> Any:
    """Give what a JSON pointer (RFC 6901) leads to; None where it leads nowhere.

    >>> pointed({"a": [{"b/c": 1}]}, "/a/0/b~1c"), pointed({"a": 1}, "/b")
    (1, None)
    """
    for part in pointer.split("/")[1:]:
        key = part.replace("~1", "/").replace("~0", "~")
        if isinstance(value, dict):
            value = value.get(key)
        elif isinstance(value, list) and key.isdecimal() and int(key) < len(value):
            value = value[int(key)]
        else:
            return None
    return value


def _word(value: object) -> str:
    return " ".join(str(value).split())[:100] if isinstance(value, str | int | float) else ""


def _instant(said: str) -> datetime | None:
    try:
        at = datetime.fromisoformat(said)
        return at.astimezone(UTC) if at.tzinfo is not None else at.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        return None
