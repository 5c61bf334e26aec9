"""Read when something recurs: "First Sunday of each month, 2-4 AM UTC", "every 6 hours", cron lines; to RFC 5545 rules.

A text enters; the period, the rule, the times of day and the zone leave. Whether the text states a schedule is decided
elsewhere.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from watchkeeper.base.durations import UNITS
from watchkeeper.book.vocabulary import EVERY, ORDINALS, WEEKDAYS, ZONES, Battery, matcher

_EVERY = Battery((name, matcher(words)) for name, words in EVERY)
_WEEKDAYS = Battery((code, matcher(words)) for code, words in WEEKDAYS.items())
_WEEKDAYS_ONLY = matcher(*WEEKDAYS.values())
#: the words that `_EVERY_N` begins with
_EACHES = ("every", "each", "alle", "toutes les", "tous les", "cada", "a cada", "co", "毎")
_EACH = matcher(_EACHES)
_ANY = matcher(*(words for _, words in EVERY), *WEEKDAYS.values())
_NAMED = matcher(_EACHES, *(words for _, words in EVERY), *WEEKDAYS.values())
_ORDINALS = Battery((number, matcher(words)) for number, words in ORDINALS.items())
_EVERY_N = re.compile(
    r"(?<!\w)(?:every|each|alle|toutes les|tous les|cada|a cada|co)\s+(?P<n>\d{1,4}|two|three|four|six|twelve|"
    r"other)[\s-]*(?P<unit>[a-zà-ž]+)|毎(?P<cjk>\d{1,4})(?P<cjk_unit>分|時間|日)",
    re.IGNORECASE,
)
_TIME = r"(?P<{0}h>[01]?\d|2[0-4])(?:[:h.](?P<{0}m>[0-5]\d))?\s*(?P<{0}half>[ap]\.?m\.?\b)?"
_WINDOW = re.compile(
    r"(?<![\d:./-])"
    + _TIME.format("a")
    + r"\s*(?:uhr|h)?\s*(?:-|–|—|to|until|bis|à|a|do|~)\s*"
    + _TIME.format("b")
    + r"(?![\d:/%-])\s*(?:uhr|h\b)?",
    re.IGNORECASE,
)
_AT = re.compile(
    r"(?<![\d:./-])(?:(?P<at>at|um|à|a las|às|o|@)\s*)?" + _TIME.format("") + r"(?![\d:/%-]|\.\d)\s*(?P<uhr>uhr)?(?!\s*[時点시])",
    re.IGNORECASE,
)
_CJK_TIME = re.compile(r"(?:午前|午後|上午|下午|오전|오후)?\s*(?P<h>\d{1,2})\s*[時点시](?:\s*(?P<m>\d{1,2})\s*分)?(?!間)")
_NO_TIME = re.compile(
    r"\b\d+\s*(?:minutes?|mins?|hours?|hrs?|days?|weeks?|months?|years?|stunden?|minuten?|heures?|horas?)\b|"
    r"\b\d{4}-\d\d-\d\d\b|24\s?[/x]\s?7",
    re.IGNORECASE,
)
_ZONE = re.compile(
    r"(?<![A-Za-z])(?P<zone>"
    + "|".join(sorted((z for z in ZONES if len(z) > 1), key=len, reverse=True))
    + r")(?:/CES?T)?(?![A-Za-z])"
)
_IANA = re.compile(r"\b(?:Africa|America|Asia|Atlantic|Australia|Europe|Indian|Pacific)/[A-Z]\w+")
_NOON = (
    (re.compile(r"\bmidnight\b|\bmitternacht\b|\bminuit\b|\bmedianoche\b", re.IGNORECASE), "00:00"),
    (re.compile(r"\bnoon\b|\bmidi\b|\bmediodía\b", re.IGNORECASE), "12:00"),
)
_CRON = re.compile(
    r"(?<![\w*/])(?P<fields>(?:[\d*][\d*,/-]*\s+){4}(?:[\d*][\d*,/-]*|(?:SUN|MON|TUE|WED|THU|FRI|"
    r"SAT)(?:[,-]\w{3})*))(?=\s|$|[\"'`])"
)
#: "monthly on day 5", "mensal dia 5", "on the 1st of each month"
_DAY_OF_MONTH = re.compile(
    r"\b(?:day|día|dia|tag|jour|dzień)\s+(?P<day>[12]?\d|3[01])\b(?!\s*[-–/:])|"
    r"\b(?:on|by)\s+the\s+(?P<ordinal>[12]?\d|3[01])(?:st|nd|rd|th)\b",
    re.IGNORECASE,
)
_NUMBERS = {"two": 2, "other": 2, "three": 3, "four": 4, "six": 6, "twelve": 12}
_FREQ = {
    "minute": "MINUTELY",
    "hour": "HOURLY",
    "day": "DAILY",
    "week": "WEEKLY",
    "month": "MONTHLY",
    "quarter": "MONTHLY;INTERVAL=3",
    "year": "YEARLY",
}
_CRON_DAYS = {"0": "SU", "1": "MO", "2": "TU", "3": "WE", "4": "TH", "5": "FR", "6": "SA", "7": "SU"} | {
    d: d[:2] for d in ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT")
}


@dataclass(frozen=True, slots=True)
class Recurrence:
    """When something recurs."""

    every: str | None
    rrule: str | None
    at: str | None = None
    until: str | None = None
    timezone: str | None = None
    #: where in the text the period is named
    start: int = 0


def read_recurrence(text: str) -> Recurrence | None:
    """Read the first recurrence of a text; None where it names no period and no weekday.

    >>> read_recurrence("First Sunday of each month at 2 AM").rrule
    'FREQ=MONTHLY;BYDAY=1SU;BYHOUR=2;BYMINUTE=0'
    """
    if is_hourly(text):
        return Recurrence("hour", "FREQ=HOURLY", None, None, None, 0)
    every, parts, start = _period(text)
    if every is None:
        return None
    day = _DAY_OF_MONTH.search(text) if every == "month" and not any("BYDAY" in part for part in parts) else None
    if day:
        parts = [*parts, f"BYMONTHDAY={int(day['day'] or day['ordinal'])}"]
    at, until, times = times_of(text)
    if every in ("minute", "hour") and at and "INTERVAL" not in ";".join(parts):
        at, until, times = None, None, []
    rule = [f"FREQ={_FREQ[every]}" if not parts or not parts[0].startswith("FREQ") else parts.pop(0), *parts]
    rule += _by_time(times)
    return Recurrence(every, ";".join(rule), at, until, zone_of(text), start)


_HOURLY = re.compile(r"\W*(?:de\s+)?hor[áa]ri[oa]s?\W*", re.IGNORECASE)


def is_hourly(text: str) -> bool:
    """Whether a text is nothing but "horário": beside a task it says how often; among other words it means opening hours."""
    return "or" in text.lower() and _HOURLY.fullmatch(text) is not None


def read_cron(text: str) -> tuple[Recurrence, str] | None:
    """Read a crontab line: the recurrence and the command behind it.

    >>> found, command = read_cron("0 3 * * 0 pg_dump shop")
    >>> found.every, found.rrule, command
    ('week', 'FREQ=WEEKLY;BYDAY=SU;BYHOUR=3;BYMINUTE=0', 'pg_dump shop')
    """
    match = _CRON.search(text)
    if match is None:
        return None
    minute, hour, day, month, weekday = match["fields"].split()
    if "*" not in match["fields"] or any(int(n) > 59 for n in re.findall(r"\d+", match["fields"])):
        return None
    every, rule = _cron_period(minute, hour, day, month, weekday)
    at = f"{int(hour):02d}:{int(minute):02d}" if hour.isdigit() and minute.isdigit() and int(hour) < 24 else None
    return Recurrence(every, rule, at, None, None, match.start()), text[match.end() :].strip(" \"'`")


def _cron_period(minute: str, hour: str, day: str, month: str, weekday: str) -> tuple[str, str]:
    times = "" if hour == "*" or hour.startswith("*/") else f";BYHOUR={hour}"
    times += "" if minute == "*" or minute.startswith("*/") else f";BYMINUTE={minute}"
    if minute.startswith("*/"):
        return "minute", f"FREQ=MINUTELY;INTERVAL={minute[2:]}"
    if minute == "*":
        return "minute", "FREQ=MINUTELY"
    if hour == "*" or hour.startswith("*/"):
        return "hour", "FREQ=HOURLY" + (f";INTERVAL={hour[2:]}" if hour.startswith("*/") else "") + times
    if weekday != "*":
        days = ",".join(dict.fromkeys(_cron_days(weekday)))
        every = "day" if days.count(",") >= 4 else "week"
        return every, f"FREQ=WEEKLY;BYDAY={days}{times}" if days else f"FREQ=WEEKLY{times}"
    if month != "*":
        return "year" if month.isdigit() else "month", f"FREQ=YEARLY;BYMONTH={month};BYMONTHDAY={day if day != '*' else 1}{times}"
    if day != "*":
        return (
            ("day", f"FREQ=DAILY;INTERVAL={day[2:]}{times}")
            if day.startswith("*/")
            else ("month", f"FREQ=MONTHLY;BYMONTHDAY={day}{times}")
        )
    return "day", f"FREQ=DAILY{times}"


def _cron_days(field: str) -> list[str]:
    found: list[str] = []
    order = ["SU", "MO", "TU", "WE", "TH", "FR", "SA"]
    for part in field.upper().split(","):
        first, _, last = part.partition("-")
        begin, end = _CRON_DAYS.get(first), _CRON_DAYS.get(last)
        if begin and end:
            i, j = order.index(begin), order.index(end)
            found += order[i : j + 1] if i <= j else order[i:] + order[: j + 1]
        elif begin:
            found.append(begin)
    return found


def names_period(text: str) -> bool:
    """Whether a text may name a period or a weekday at all, cheaply."""
    return _NAMED.search(text) is not None


def _period(text: str) -> tuple[str | None, list[str], int]:
    counted = _EVERY_N.search(text) if _EACH.search(text) else None
    if counted:
        word = (counted["unit"] or counted["cjk_unit"]).lower()
        n = (
            int(counted["n"] or counted["cjk"])
            if (counted["n"] or counted["cjk"]).isdigit()
            else _NUMBERS.get(counted["n"].lower(), 1)
        )
        seconds = UNITS.get(word)
        every = {
            60.0: "minute",
            3600.0: "hour",
            86400.0: "day",
            604800.0: "week",
            2592000.0: "month",
            7776000.0: "quarter",
            31536000.0: "year",
        }.get(seconds or 0)
        if every:
            freq = _FREQ[every] if every != "quarter" else "MONTHLY"
            return every, [f"FREQ={freq};INTERVAL={n * (3 if every == 'quarter' else 1)}"], counted.start()
    if not _ANY.search(text):
        return None, [], 0
    days = [(match.start(), code) for code, match in _WEEKDAYS.search(text) if not _within_name(text, match)]
    periods = [(match.start(), name) for name, match in _EVERY.search(text)]
    ordinal = next(
        ((m.start(), n) for n, m in _ORDINALS.search(text) if any(0 < d - m.end() < 4 for d, _ in days)),
        None,
    )
    codes = [code for _, code in sorted(days)]
    if ordinal is not None:
        return "month", ["FREQ=MONTHLY", f"BYDAY={ordinal[1]}{codes[0]}"], ordinal[0]
    if periods:
        at, name = min(periods)
        longest = (
            max(periods, key=lambda p: [n for n, _ in EVERY].index(p[1]))[1]
            if len(periods) > 1 and "of" in text.lower()
            else name
        )
        if longest == "day" and _working_days(text):
            return "day", ["FREQ=WEEKLY", "BYDAY=MO,TU,WE,TH,FR"], at
        return longest, ([f"BYDAY={','.join(codes)}"] if longest == "week" and codes else []), at
    if days:
        return "week", [f"BYDAY={','.join(codes)}"], min(days)[0]
    return None, [], 0


def _within_name(text: str, match: re.Match[str]) -> bool:
    """Whether what looks like a short weekday is a part of a hyphenated name: `mon` in `ceph-mon-quorum`."""
    if len(match.group()) > 4:
        return False
    before, after = re.search(r"(\w+)-$", text[: match.start()]), re.match(r"-(\w+)", text[match.end() :])
    return any(part is not None and not _WEEKDAYS_ONLY.search(part[1]) for part in (before, after))


def _working_days(text: str) -> bool:
    return bool(re.search(r"\bweekdays?\b|\bworking days?\b|\bwerktags?\b|\bjours ouvrés\b", text, re.IGNORECASE))


def times_of(text: str) -> tuple[str | None, str | None, list[str]]:
    """Read the time of day, the end of a window, and all times where there are several."""
    plain = _NO_TIME.sub(" ", text)
    window = _WINDOW.search(plain)
    if window and (
        window["ahalf"]
        or window["bhalf"]
        or window["am"]
        or window["bm"]
        or re.search(r"uhr|\bh\b", window.group(), re.IGNORECASE)
    ):
        half = window["bhalf"]
        begin = _clock(window["ah"], window["am"], window["ahalf"] or half)
        end = _clock(window["bh"], window["bm"], half)
        return begin, end, [begin]
    for pattern, at in _NOON:
        if pattern.search(plain):
            return at, None, [at]
    found = [
        _clock(match["h"], match["m"], match["half"])
        for match in _AT.finditer(plain)
        if match["half"]
        or (match["m"] and ":" in match.group())
        or match["uhr"]
        or (match["at"] and match["at"].lower() in ("um", "at", "@") and int(match["h"]) < 24)
    ]
    if not found:
        cjk = None if plain.isascii() else _CJK_TIME.search(plain)
        if cjk and int(cjk["h"]) < 25:
            late = re.search(r"午後|下午|오후", cjk.group())
            found = [_clock(cjk["h"], cjk["m"], "pm" if late else None)]
    return (found[0] if found else None), None, found


def _clock(hour: str, minute: str | None, half: str | None) -> str:
    h = int(hour) % 24
    if half:
        h = h % 12 + (12 if half.lower().startswith("p") else 0)
    return f"{h:02d}:{int(minute or 0):02d}"


def _by_time(times: list[str]) -> list[str]:
    if not times:
        return []
    hours = ",".join(dict.fromkeys(str(int(t[:2])) for t in times))
    return [f"BYHOUR={hours}", f"BYMINUTE={int(times[0][3:])}"]


_IN_WORDS = re.compile(r"\b(eastern|pacific|central european)\b", re.IGNORECASE)


def zone_of(text: str) -> str | None:
    """Read the time zone a text names, as an IANA name."""
    iana = _IANA.search(text)
    if iana:
        return iana.group()
    match = _ZONE.search(text)
    if match:
        return ZONES[match["zone"]]
    eastern = _IN_WORDS.search(text)
    if eastern:
        return {"eastern": "America/New_York", "pacific": "America/Los_Angeles"}.get(eastern[1].lower(), "Europe/Berlin")
    return None
