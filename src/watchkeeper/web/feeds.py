"""The public page for programs: Statuspage's JSON (API v2), Atom and RSS. Pure: a page enters, text leaves."""

from __future__ import annotations

from datetime import datetime
from email.utils import format_datetime
from typing import Any
from xml.etree.ElementTree import Element, SubElement, register_namespace, tostring

from watchkeeper.tell.public.model import Impact, Maintenance, Post, PublicComponent, PublicIncident, PublicPage

ATOM = "http://www.w3.org/2005/Atom"
#: our words -> Statuspage's for a component, for an incident's impact and for the whole
COMPONENT: dict[Impact, str] = {
    "operational": "operational",
    "degraded": "degraded_performance",
    "outage": "major_outage",
    "maintenance": "under_maintenance",
    # Statuspage has no word for what nobody sees; it must not read as well
    "unknown": "degraded_performance",
}
INCIDENT: dict[Impact, str] = {
    "operational": "none",
    "degraded": "minor",
    "outage": "major",
    "maintenance": "maintenance",
    "unknown": "minor",
}
STAGE = {"scheduled": "scheduled", "in progress": "in_progress", "completed": "completed"}
DESCRIPTION = {
    "none": "All Systems Operational",
    "maintenance": "Service Under Maintenance",
    "minor": "Minor Service Outage",
    "major": "Partial System Outage",
    "critical": "Major Service Outage",
}


def summary(page: PublicPage) -> dict[str, Any]:
    """Give /api/v2/summary.json."""
    return {
        **status(page),
        "components": [_component(page, each, place) for place, each in enumerate(page.components, 1)],
        "incidents": [_incident(page, each) for each in page.incidents],
        "scheduled_maintenances": [_maintenance(page, each) for each in page.maintenance],
    }


def status(page: PublicPage) -> dict[str, Any]:
    """Give /api/v2/status.json."""
    indicator = INCIDENT[page.now]
    if page.components and all(each.now == "outage" for each in page.components):
        indicator = "critical"
    return {"page": _page(page), "status": {"indicator": indicator, "description": DESCRIPTION[indicator]}}


def components(page: PublicPage) -> dict[str, Any]:
    """Give /api/v2/components.json."""
    return {"page": _page(page), "components": [_component(page, each, place) for place, each in enumerate(page.components, 1)]}


def incidents(page: PublicPage) -> dict[str, Any]:
    """Give /api/v2/incidents.json."""
    return {"page": _page(page), "incidents": [_incident(page, each) for each in (*page.incidents, *page.past)]}


def maintenances(page: PublicPage) -> dict[str, Any]:
    """Give /api/v2/scheduled-maintenances.json."""
    return {"page": _page(page), "scheduled_maintenances": [_maintenance(page, each) for each in page.maintenance]}


def brief(page: PublicPage) -> dict[str, Any]:
    """Give /api/v1/status: the whole in one look, a word a component."""
    return {
        "status": page.now,
        "sentence": page.sentence,
        "at": _iso(page.at),
        "components": {each.name: each.now for each in page.components},
        "open_incidents": len(page.incidents),
    }


JSON = {
    "summary": summary,
    "status": status,
    "components": components,
    "incidents": incidents,
    "scheduled-maintenances": maintenances,
}


def _page(page: PublicPage) -> dict[str, Any]:
    return {"id": _slug(page.title), "name": page.title, "url": page.address, "time_zone": "Etc/UTC", "updated_at": _iso(page.at)}


def _component(page: PublicPage, each: PublicComponent, place: int) -> dict[str, Any]:
    return {
        "id": _slug(each.name),
        "name": each.name,
        "status": COMPONENT[each.now],
        "position": place,
        "description": "Not seen at the moment." if each.now == "unknown" else None,
        "showcase": True,
        "group": False,
        "group_id": None,
        "only_show_if_degraded": False,
        "page_id": _slug(page.title),
    }


def _incident(page: PublicPage, each: PublicIncident) -> dict[str, Any]:
    return {
        "id": each.id,
        "name": each.title,
        "status": each.progress,
        "impact": INCIDENT[each.impact],
        "created_at": _iso(each.began_at),
        "started_at": _iso(each.began_at),
        "updated_at": _iso(each.posts[0].at),
        "monitoring_at": next((_iso(post.at) for post in each.posts if post.progress == "monitoring"), None),
        "resolved_at": _iso(each.resolved_at) if each.resolved_at else None,
        "shortlink": page.address,
        "page_id": _slug(page.title),
        "incident_updates": [_update(each.id, post) for post in each.posts],
        "components": [{"id": _slug(name), "name": name} for name in each.components],
    }


def _update(incident_id: str, post: Post) -> dict[str, Any]:
    at = _iso(post.at)
    return {
        "id": f"{incident_id}-{post.at:%Y%m%d%H%M%S}",
        "incident_id": incident_id,
        "status": post.progress,
        "body": post.text,
        "created_at": at,
        "updated_at": at,
        "display_at": at,
    }


def _maintenance(page: PublicPage, each: Maintenance) -> dict[str, Any]:
    return {
        "id": each.id,
        "name": each.title,
        "status": STAGE[each.stage(page.at)],
        "impact": "maintenance",
        "scheduled_for": _iso(each.begins_at),
        "scheduled_until": _iso(each.ends_at),
        "created_at": _iso(each.announced_at),
        "updated_at": _iso(each.announced_at),
        "shortlink": page.address,
        "page_id": _slug(page.title),
        "incident_updates": [],
        "components": [{"id": _slug(name), "name": name} for name in each.components],
    }


def atom(page: PublicPage) -> str:
    """Give the feed as Atom (RFC 4287): an entry a post, newest first."""
    register_namespace("", ATOM)
    feed = Element(f"{{{ATOM}}}feed")
    posts = _posts(page)
    _add(feed, "id", _identity(page))
    _add(feed, "title", f"{page.title}: status")
    _add(feed, "updated", _iso(posts[0][1].at if posts else page.at))
    author = SubElement(feed, f"{{{ATOM}}}author")
    _add(author, "name", page.title)
    if page.address:
        SubElement(feed, f"{{{ATOM}}}link", {"rel": "self", "href": f"{page.address}/feed.atom"})
        SubElement(feed, f"{{{ATOM}}}link", {"href": page.address})
    for incident, post in posts:
        entry = SubElement(feed, f"{{{ATOM}}}entry")
        _add(entry, "id", f"{_identity(page)}:{incident.id}:{post.progress}:{post.at:%Y%m%d%H%M%S%f}")
        _add(entry, "title", f"{incident.title} ({post.progress})")
        _add(entry, "updated", _iso(post.at))
        _add(entry, "content", post.text, {"type": "text"})
        if page.address:
            SubElement(entry, f"{{{ATOM}}}link", {"href": f"{page.address}#{incident.id}"})
    return _text(feed)


def rss(page: PublicPage) -> str:
    """Give the feed as RSS 2.0."""
    root = Element("rss", {"version": "2.0"})
    channel = SubElement(root, "channel")
    for name, text in (("title", f"{page.title}: status"), ("link", page.address), ("description", page.sentence)):
        SubElement(channel, name).text = text
    for incident, post in _posts(page):
        item = SubElement(channel, "item")
        SubElement(item, "title").text = f"{incident.title} ({post.progress})"
        SubElement(item, "description").text = _clean(post.text)
        SubElement(item, "pubDate").text = format_datetime(post.at)
        where = f"{_identity(page)}:{incident.id}:{post.progress}:{post.at:%Y%m%d%H%M%S%f}"
        SubElement(item, "guid", {"isPermaLink": "false"}).text = where
        if page.address:
            SubElement(item, "link").text = f"{page.address}#{incident.id}"
    return _text(root)


def _posts(page: PublicPage) -> list[tuple[PublicIncident, Post]]:
    found = [(incident, post) for incident in (*page.incidents, *page.past) for post in incident.posts]
    return sorted(found, key=lambda pair: pair[1].at, reverse=True)


def _identity(page: PublicPage) -> str:
    return f"urn:watchkeeper:status:{_slug(page.title)}"


def _add(parent: Element, name: str, text: str, attributes: dict[str, str] | None = None) -> None:
    SubElement(parent, f"{{{ATOM}}}{name}", attributes or {}).text = _clean(text)


def _clean(text: str) -> str:
    """Leave out what XML cannot hold."""
    return "".join(
        char
        for char in text
        if char in "\t\n\r" or 0x20 <= ord(char) <= 0xD7FF or 0xE000 <= ord(char) <= 0xFFFD or ord(char) > 0xFFFF
    )


def _text(root: Element) -> str:
    return '<?xml version="1.0" encoding="utf-8"?>\n' + tostring(root, encoding="unicode")


def _iso(at: datetime) -> str:
    return at.isoformat(timespec="seconds").replace("+00:00", "Z")


def _slug(text: str) -> str:
    return "-".join("".join(char if char.isalnum() else " " for char in text.casefold()).split()) or "status"
