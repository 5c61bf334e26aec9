"""Reads what strangers wrote, within bounds: texts are cut, odd characters go, and what is not of its kind is not there."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from watchkeeper.base.errors import InputError

LONGEST_NAME = 200
LONGEST_TEXT = 1000
MOST_LABELS = 64


def table(value: Any) -> Mapping[str, Any]:
    """Give an object; an empty one where there is none."""
    return value if isinstance(value, dict) else {}


def must(value: Any, what: str) -> Mapping[str, Any]:
    """Give an object that a delivery cannot be without."""
    if not isinstance(value, dict):
        raise unlike(what)
    return value


def unlike(what: str) -> InputError:
    """Make the error for a body that its sender would not send."""
    return InputError(f"This is no delivery of {what}.", hint="docs/guide/alerts.md says what each sender sends.", code="WK163")


def text(value: Any, most: int = LONGEST_TEXT) -> str:
    """Give a value as one line of text; nothing for an object or a list."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return str(value)[:most]
    if not isinstance(value, str):
        return ""
    value = value[: most * 4]
    if not value.isprintable():
        value = "".join(each if each.isprintable() else " " for each in value)
    return (value if value.isascii() and "  " not in value else " ".join(value.split())).strip()[:most]


def first(*values: Any, most: int = LONGEST_TEXT) -> str:
    """Give the first of several values that says something."""
    return next((said for value in values if (said := text(value, most))), "")


def number(value: Any) -> float | None:
    """Give a number that can be kept; None where it is none."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        found = float(value)
    except (ValueError, OverflowError):
        return None
    return found if math.isfinite(found) else None


def labels_of(*tables: Any) -> dict[str, str]:
    """Give labels as texts, a bounded number of them."""
    found: dict[str, str] = {}
    for each in tables:
        for name, value in table(each).items():
            if len(found) < MOST_LABELS and isinstance(name, str) and (said := text(value, 300)):
                found[text(name, 100)] = said
    return found


def tags_of(values: Any) -> dict[str, str]:
    """Give tags such as "env:prod" or ["env", "prod"] as labels; one without a value is its own."""
    listed: Iterable[Any] = values.split(",") if isinstance(values, str) else values if isinstance(values, list) else ()
    found: dict[str, str] = {}
    for each in listed:
        if isinstance(each, list) and len(each) == 2:
            name, value = text(each[0], 100), text(each[1], 300)
        elif isinstance(each, dict):
            name, value = first(each.get("name"), each.get("key"), most=100), text(each.get("value"), 300)
        else:
            name, _, value = text(each, 400).partition(":")
        if name and len(found) < MOST_LABELS:
            found[name[:100]] = (value or name)[:300]
    return found


def instant(value: Any) -> datetime | None:
    """Give an instant: ISO 8601, or seconds or milliseconds since 1970; None for what is neither and for year 1."""
    if isinstance(value, str) and not value.strip().replace(".", "", 1).isdigit():
        return _written(value.strip())
    seconds = number(value)
    if seconds is None:
        return None
    if seconds > 1e11:
        seconds /= 1000
    try:
        return datetime.fromtimestamp(seconds, UTC) if seconds > 0 else None
    except (OverflowError, OSError, ValueError):
        return None


def _written(value: str) -> datetime | None:
    try:
        found = datetime.fromisoformat(value[:40].removesuffix(" UTC"))
    except ValueError:
        return None
    found = found if found.tzinfo else found.replace(tzinfo=UTC)
    try:
        return found.astimezone(UTC) if 1971 <= found.year < 9000 else None
    except (OverflowError, ValueError):
        return None


def identity(*parts: Any) -> str:
    """Give a short name for what makes an alert itself; that of a sender which is short is taken as it is."""
    said = [text(part, 300) for part in parts]
    if len(said) == 1 and 0 < len(said[0]) <= 80 and said[0].isascii():
        return said[0]
    return hashlib.sha256("\x1f".join(said).encode()).hexdigest()[:24]
