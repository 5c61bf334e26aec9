"""Reads one line of a log: its level and what it says, or the request that it tells of.

A line enters, cut to a bounded length; what is known of it leaves. Nothing here raises, whatever a program wrote.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from watchkeeper.base.quantities import as_number

#: bytes of a line that are looked at; the rest of a longer one is passed over
LONGEST = 16_384

DEBUG, INFO, WARNING, ERROR, CRITICAL = range(5)
LEVELS = ("debug", "info", "warning", "error", "critical")
_WORDS = {
    "trace": DEBUG, "debug": DEBUG, "dbg": DEBUG, "verbose": DEBUG, "fine": DEBUG, "info": INFO, "information": INFO,
    "informational": INFO, "notice": INFO, "log": INFO, "warn": WARNING, "warning": WARNING, "err": ERROR, "error": ERROR,
    "eror": ERROR, "severe": ERROR, "crit": CRITICAL, "critical": CRITICAL, "fatal": CRITICAL, "panic": CRITICAL,
    "alert": CRITICAL, "emerg": CRITICAL, "emergency": CRITICAL, "dpanic": CRITICAL,
}  # fmt: skip
#: the journal's and syslog's numbers
SYSLOG = (CRITICAL, CRITICAL, CRITICAL, ERROR, WARNING, INFO, INFO, DEBUG)
_KLOG = {"I": INFO, "W": WARNING, "E": ERROR, "F": CRITICAL}
_SHOUTED = re.compile(
    r"(?<![\w.-])(TRACE|DEBUG|INFO|NOTICE|WARN|WARNING|ERR|ERROR|SEVERE|CRIT|CRITICAL|FATAL|PANIC|ALERT|EMERG|EMERGENCY)(?![\w-])"
)
#: [error], <warn>, "error:" and "level=error" in any case
_MARKED = re.compile(
    r"[\[<(](?:\w{1,20}:)?([A-Za-z]{3,13})[\])>]|(?:^|\s)([A-Za-z]{3,13}):(?=\s)|\b(?:level|lvl|severity|loglevel)=[\"']?([A-Za-z]{3,13})"
)
_KLOG_LINE = re.compile(r"([IWEF])\d{4} \d\d:\d\d:\d\d")
_LEVEL_KEYS = ("level", "severity", "log.level", "levelname", "lvl", "@level", "loglevel", "level_name", "log_level")
_TEXT_KEYS = ("message", "msg", "event", "@message", "text", "error", "err")
#: how much of a line is searched for its level
_HEAD = 240


@dataclass(frozen=True, slots=True)
class Line:
    """What a line says."""

    text: str
    level: int | None = None


@dataclass(frozen=True, slots=True)
class Request:
    """What a line of an access log says."""

    status: int
    seconds: float | None = None
    #: answered from a cache; None where the line does not say
    cached: bool | None = None


def read_line(raw: str) -> Line:
    """Read a line of text, JSON or logfmt.

    >>> read_line('{"level": "error", "msg": "no answer"}')
    Line(text='no answer', level=3)
    >>> read_line("2026-03-14 12:00:01 WARN  pool is full").level
    2
    """
    values = _json(raw)
    if values is None:
        return Line(raw, _level_of_text(raw))
    inner = values.get("log")
    if isinstance(inner, str) and not any(key in values for key in _LEVEL_KEYS):
        # the engine's own file of a container's output
        return Line(inner, _level_of_text(inner)) if (below := _json(inner)) is None else _of_json(below, inner)
    return _of_json(values, raw)


def _of_json(values: Mapping[str, Any], raw: str) -> Line:
    text = next((found for key in _TEXT_KEYS if isinstance(found := values.get(key), str)), raw)
    found = next((_find(values, key) for key in _LEVEL_KEYS if _find(values, key) is not None), None)
    if isinstance(found, str):
        return Line(text, _WORDS.get(found.strip().casefold(), _level_of_number(found)))
    return Line(text, _level_of_number(found))


def _json(raw: str) -> dict[str, Any] | None:
    if not raw.startswith("{") or not raw.rstrip().endswith("}"):
        return None
    try:
        found = json.loads(raw)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def _find(values: Mapping[str, Any], key: str) -> Any:
    """Find a key, also one that is spread over nested objects ("log.level")."""
    if key in values or "." not in key:
        return values.get(key)
    head, _, rest = key.partition(".")
    below = values.get(head)
    return below.get(rest) if isinstance(below, dict) else None


def _level_of_number(found: object) -> int | None:
    """Take a number for a level: 10 to 60 as bunyan counts, 0 to 7 as syslog does."""
    try:
        number = float(found)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return None
    if 0 <= number <= 7:
        return SYSLOG[int(number)]
    if 10 <= number <= 60:
        return (DEBUG, DEBUG, DEBUG, INFO, WARNING, ERROR, CRITICAL)[int(number) // 10]
    return None


def _level_of_text(raw: str) -> int | None:
    head = raw[:_HEAD]
    if (glog := _KLOG_LINE.match(head)) is not None:
        return _KLOG[glog[1]]
    marked = next((_WORDS[word] for m in _MARKED.finditer(head) if (word := (m[1] or m[2] or m[3]).casefold()) in _WORDS), None)
    if marked is not None:
        return marked
    shouted = _SHOUTED.search(head)
    return _WORDS[shouted[1].casefold()] if shouted else None


#: the common and the combined format of nginx and apache, with whatever follows
_ACCESS = re.compile(r'\S+ .{0,300}?\[[^\]]{10,40}\] "(?:[^"\\]|\\.){0,8192}" (?P<status>\d{3}) (?:\d+|-)(?P<rest>.*)')
_QUOTED = re.compile(r'^\s*"(?:[^"\\]|\\.)*"')
_NAMED_TIME = re.compile(r"\b(?:request_time|rt|duration|took|time|latency)[=:]\s?\"?(\d+(?:\.\d+)?)")
_LAST_NUMBER = re.compile(r"(?:^|[\s\"=])(\d{1,12}(?:\.\d{1,9})?)\"?\s*$")
_CACHE = re.compile(r"\b(HIT|MISS|EXPIRED|STALE|UPDATING|REVALIDATED|BYPASS|RefreshHit|Hit|Miss)\b")
_FROM_CACHE = frozenset({"hit", "stale", "updating", "revalidated", "refreshhit"})
_STATUS_KEYS = ("status", "status_code", "statusCode", "http.status_code", "http.status", "code", "res.statusCode")
_TIME_KEYS = ("request_time", "duration", "responseTime", "response_time", "latency", "elapsed", "took", "request_duration")
_CACHE_KEYS = ("cache", "cache_status", "upstream_cache_status", "x_cache", "x-cache", "cache_result_status", "CacheCacheStatus")


def read_request(raw: str, unit_s: float = 1.0) -> Request | None:
    """Read a line of an access log; None where it tells of no request. `unit_s` is what the time on it counts in.

    >>> read_request('::1 - - [14/Mar/2026:12:00:01 +0000] "GET / HTTP/1.1" 502 157 "-" "curl" 0.250 MISS')
    Request(status=502, seconds=0.25, cached=False)
    """
    values = _json(raw)
    if values is not None:
        return _request_of_json(values, unit_s)
    found = _ACCESS.match(raw[:LONGEST])
    if found is None:
        return None
    # what a client sends (referer, agent) stands in quotes and is not looked into
    rest = found["rest"]
    for _ in range(2):
        rest = _QUOTED.sub("", rest, count=1)
    cache = _CACHE.search(rest)
    bare = _CACHE.sub("", rest)
    time = _NAMED_TIME.search(bare) or _LAST_NUMBER.search(bare)
    return Request(
        int(found["status"]),
        float(time[1]) * unit_s if time else None,
        cache[1].casefold() in _FROM_CACHE if cache else None,
    )


def _request_of_json(values: Mapping[str, Any], unit_s: float) -> Request | None:
    status = next((number for key in _STATUS_KEYS if (number := as_number(_find(values, key), 1e12)) is not None), None)
    if status is None or not 100 <= status <= 599:
        return None
    seconds = next((number for key in _TIME_KEYS if (number := as_number(_find(values, key), 1e12)) is not None), None)
    cache = next((found for key in _CACHE_KEYS if isinstance(found := values.get(key), str) and found not in ("", "-")), None)
    return Request(
        int(status),
        seconds * unit_s if seconds is not None and seconds >= 0 else None,
        cache.split()[0].casefold() in _FROM_CACHE if cache else None,
    )
