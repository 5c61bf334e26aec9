"""Reads the status pages that vendors have: Statuspage's JSON, Google's and Firebase's list of incidents, RSS and Atom feeds.

The bytes of a page and now enter; a Status leaves. What is none of these is a PageError.

A feed has no field for how bad it is and whether it is over, so its newest words about each incident are taken.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any
from xml.etree import ElementTree

from watchkeeper.plugins.vendor.model import PageError, Status, Trouble

#: of a feed or a list, that much is read
MOST_ENTRIES = 500
#: what has not been spoken of for so long is over, though nobody said so
FORGOTTEN = timedelta(days=2)
_INDICATORS = {"none": 0, "minor": 1, "major": 2, "critical": 3, "maintenance": 0}
_PARTS = {"operational": 0, "degraded_performance": 1, "partial_outage": 2, "major_outage": 3, "under_maintenance": 0}
_GOOGLE = {"SERVICE_OUTAGE": 3, "SERVICE_DISRUPTION": 2, "SERVICE_INFORMATION": 1}
_OVER = re.compile(
    r"\b(?:resolved|completed|recovered|restored|operating normally|all clear|is now (?:fixed|available)|postmortem|scheduled)\b",
    re.IGNORECASE,
)
_BAD = (
    (
        3,
        re.compile(
            r"\b(?:major|critical|complete|full|widespread)\b.*\b(?:outage|down)\b|\bunavailable\b", re.IGNORECASE | re.DOTALL
        ),
    ),
    (2, re.compile(r"\b(?:outage|disruption|down|failing|failures?|errors?|not working)\b", re.IGNORECASE)),
)
_PREFIX = re.compile(r"^(?:\s*(?:\[[^\]]*\]|(?:service )?[\w ]{1,40}:)\s*)+")
_MARKUP = re.compile(r"<[^<>]{0,500}>")


def read_page(body: bytes, now: datetime) -> Status:
    """Read a page of any of the known kinds.

    >>> read_page(b'{"page": {}, "status": {"indicator": "major"}}', datetime(2026, 1, 1, tzinfo=UTC)).level
    2
    """
    start = body.lstrip()[:1]
    if start == b"<":
        return _feed(body, now)
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        raise PageError("this is neither JSON nor a feed") from None
    if isinstance(found, list):
        return _google(found, now)
    if isinstance(found, Mapping) and ("status" in found or "components" in found):
        return _statuspage(found)
    raise PageError("this is no status page that is known here")


def _statuspage(found: Mapping[str, Any]) -> Status:
    said = found.get("status")
    indicator = said.get("indicator") if isinstance(said, Mapping) else None
    if indicator is not None and indicator not in _INDICATORS:
        raise PageError(f"the page says {str(indicator)[:40]!r}, which is not known")
    parts: dict[str, int] | None = None
    if isinstance(found.get("components"), list):
        parts = {}
        for each in _tables(found["components"]):
            parts[_name(each)] = max(_PARTS.get(str(each.get("status")), 1), parts.get(_name(each), 0))
    troubles = tuple(
        Trouble(
            str(each.get("name") or "an incident")[:200],
            _INDICATORS.get(str(each.get("impact")), 1),
            frozenset(_name(part) for part in _tables(each.get("components"))),
        )
        for each in _tables(found.get("incidents"))
        if each.get("status") not in ("resolved", "postmortem", "completed")
    )
    under_way = sum(each.get("status") in ("in_progress", "verifying") for each in _tables(found.get("scheduled_maintenances")))
    if indicator is None and not parts:
        raise PageError("the page says neither how the whole is nor how any part of it is")
    level = _INDICATORS[indicator] if indicator is not None else max((parts or {}).values(), default=None)
    return Status(level, troubles, parts, under_way)


def _google(found: list[Any], now: datetime) -> Status:
    troubles = []
    for each in _tables(found):
        if "begin" not in each:
            raise PageError("this list is not one of incidents")
        ends, begins = _instant(each.get("end")), _instant(each.get("begin"))
        last = each.get("most_recent_update")
        over = isinstance(last, Mapping) and last.get("status") == "AVAILABLE"
        if over or (ends is not None and ends <= now) or (begins is not None and begins > now):
            continue
        touched = {str(part.get("title")) for part in _tables(each.get("affected_products"))} | {
            str(each.get("service_name") or "")
        }
        level = _GOOGLE.get(str(each.get("status_impact")), 2)
        title = _plain(str(each.get("external_desc") or each.get("service_name") or "an incident"))
        troubles.append(Trouble(title, level, frozenset(touched - {""})))
    return Status(max((each.level for each in troubles), default=0), tuple(troubles))


class _Plain(ElementTree.TreeBuilder):
    """Refuses definitions in whatever encoding they stand, before the first of them is read."""

    def doctype(self, name: str, public: str | None, system: str | None) -> None:
        """Refuse."""
        raise PageError("this is a web page, or a feed with definitions of its own, which are not read")


def _feed(body: bytes, now: datetime) -> Status:
    try:
        # without definitions there is nothing to expand or to fetch
        root = ElementTree.fromstring(body, ElementTree.XMLParser(target=_Plain()))  # noqa: S314
    except ElementTree.ParseError as problem:
        raise PageError(f"the feed cannot be read: {problem}") from None
    if _tag(root) not in ("rss", "feed", "RDF"):
        raise PageError(f"this is no feed but <{_tag(root)[:40]}>")
    newest: dict[str, tuple[datetime, Trouble | None]] = {}
    entries = list(_entries(root))
    if entries and all(at is None for _, _, at in entries):
        raise PageError("no entry of the feed has a date that can be read, so nobody knows which are over")
    for title, text, at in entries:
        if at is None or now - at > FORGOTTEN:
            continue
        about = _PREFIX.sub("", title).strip().casefold() or title.casefold()
        if about not in newest or newest[about][0] < at:
            newest[about] = (at, _trouble(title, text))
    troubles = tuple(trouble for _, trouble in newest.values() if trouble is not None)
    return Status(max((each.level for each in troubles), default=0), troubles)


def _trouble(title: str, text: str) -> Trouble | None:
    """Say what an entry speaks of; None where it says that it is over."""
    # pages put the newest words first, and say there what stage they are at
    first = text[:300]
    if _OVER.search(title) or _OVER.search(first):
        return None
    level = next((level for level, words in _BAD if words.search(f"{title[:300]} {first}")), 1)
    return Trouble(title[:200], level)


def _entries(root: ElementTree.Element) -> Iterator[tuple[str, str, datetime | None]]:
    taken = 0
    for each in root.iter():
        if _tag(each) not in ("item", "entry"):
            continue
        taken += 1
        if taken > MOST_ENTRIES:
            return
        parts = {_tag(part): "".join(part.itertext()) for part in each}
        text = parts.get("description") or parts.get("content") or parts.get("encoded") or parts.get("summary") or ""
        at = _instant(parts.get("updated") or parts.get("published") or parts.get("pubDate") or parts.get("date"))
        yield _plain(parts.get("title", "")), _plain(text), at


def _plain(text: str) -> str:
    return " ".join(_MARKUP.sub(" ", text[:20_000]).split())[:1_000]


def _tag(element: ElementTree.Element) -> str:
    return element.tag.rsplit("}", 1)[-1]


def _tables(found: Any) -> list[Mapping[str, Any]]:
    return [each for each in found[:MOST_ENTRIES] if isinstance(each, Mapping)] if isinstance(found, list) else []


def _name(part: Mapping[str, Any]) -> str:
    return str(part.get("name") or "")[:200]


def _instant(text: Any) -> datetime | None:
    """Read an instant of ISO 8601 or of mail; None where it is none."""
    if not isinstance(text, str) or not text.strip():
        return None
    try:
        found = datetime.fromisoformat(text.strip())
    except ValueError:
        try:
            found = parsedate_to_datetime(text.strip())
        except (ValueError, TypeError, IndexError):
            return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)
