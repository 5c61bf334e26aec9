"""Read how long something must hold before it counts: "for 5 minutes", "10m)", "przez 10 minut"."""

from __future__ import annotations

import re

from watchkeeper.base.durations import find_durations

_HOLDS = re.compile(
    r"(?:sustained\s+)?(?<!\w)(?:for|over|during|within|in|lasting|persist\w*\s+for|in\s+the\s+last|"
    r"over\s+the\s+last|last|für|per|während|seit|über|innerhalb(?:\s+von)?|in\s+den\s+letzten|pendant|depuis|"
    r"durante|por|en|em|dans|przez|w\s+ciągu|w|od)"
    r"\s+(?:a|an|the|los|las|os|as|les|[úu]ltim[oa]s|derni[èe]re?s|last|past|more\s+than|at\s+least|over|longer\s+than|mehr\s+als|plus\s+de|más\s+de|>=?|≥|~|\s)*\s*(?=\d)"
    r"|(?:持续(?:时间)?|継続|が|지속)\s*[:：]?\s*[>≥]?\s*(?=\d)",
    re.IGNORECASE,
)

LEADING_HOLD = re.compile(
    r"(?:(?<!\w)(?:for|since|lasting|during|sustained|für|seit|während|pendant|depuis|durante|por|przez|od|after|"
    r"within|every|in\s+the\s+last))\s*$",
    re.IGNORECASE,
)

_BARE_HOLD = re.compile(
    r"\s*[,/]?\s*(?=\d+\s?(?:s|m|min|h)\b\s*\)?)"
    r"|\s*[(（]\s*(?=\d+\s?(?:s|sec|seconds?|m|mins?|minutes?|h|hours?|minuten|分|分間|분|초|시간)\s*(?:(?:rolling |"
    r"moving )?(?:window|average|avg|"
    r"sustained)|継続|以上継続|持续|지속)\s*[)）])",
    re.IGNORECASE,
)


_ENDS = re.compile(r"\.\s|;|→|\n\n|\s(?:or|oder|ou)\s(?!more|mehr|plus)", re.IGNORECASE)
_WITHIN = re.compile(r"(?:over|in|during|within)\s+(?:a|an|the|each|every)\s+(\d+)[- ](minute|hour|second)\b", re.IGNORECASE)


def hold_after(text: str, start: int, stop: int) -> tuple[float | None, int]:
    """Read how long something must hold: "for 5 minutes", "10m)", "w 5 minut"; gives seconds and where that ends."""
    tail = text[start:stop]
    sentence = _ENDS.split(tail, maxsplit=1)[0][:120]
    match = _HOLDS.search(sentence)
    if match and match.start() < 70:
        for duration in find_durations(sentence[match.end() :]):
            if duration.start == 0:
                return duration.high_s, start + match.end() + duration.end
            break
    bare = _BARE_HOLD.match(sentence)
    if bare:
        for duration in find_durations(sentence[bare.end() :]):
            if duration.start == 0:
                return duration.high_s, start + bare.end() + duration.end
            break
    period = _WITHIN.search(sentence)
    if period:
        return float(period[1]) * {"second": 1, "minute": 60, "hour": 3600}[period[2].lower()], start + period.end()
    return None, start
