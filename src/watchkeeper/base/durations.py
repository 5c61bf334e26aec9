"""Durations as people write them: "15 minutes", "1.5h", "24-48 hours", "1h30m", "15 Minuten", "5分".

Text enters, seconds leave; and seconds enter, and words that a tired person reads leave. Nothing here raises.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from watchkeeper.base.nouns import built_fast

_SECONDS = {
    0.001: "ms msec msecs millisecond milliseconds millisekunden milliseconde millisecondes milisegundos milisekund "
    "ミリ秒 밀리초 毫秒",
    1.0: "s sec secs second seconds sek sekunde sekunden seconde secondes seg segundo segundos secondo "
    "secondi sekunda sekundy sekund 秒 초",
    60.0: "m min mins minute minutes minuten minuto minuti minutos minuta minuty minut 分 分間 分钟 分鐘 분",
    3600.0: "h hr hrs hour hours std stunde stunden heure heures ora ore hora horas godzina godziny godzin "
    "godz 時間 小时 小時 시간",
    86400.0: "d day days tag tage tagen jour jours giorno giorni día días dia dias dzień dni dnia 日 日間 天 일",
    604800.0: "w wk wks week weeks woche wochen semaine semaines settimana settimane semana semanas tydzień "
    "tygodnie tygodni 週間 週 周 주",
    2592000.0: "month months monat monate monaten mois mese mesi mes meses mês miesiąc miesiące miesięcy ヶ月 か月 个月 月 개월",
    7776000.0: "quarter quarters quartal quartale trimestre trimestres kwartał",
    31536000.0: "y yr yrs year years jahr jahre jahren an ans année années año años ano anos rok lata lat 年 년",
}
#: unit word -> seconds
UNITS: dict[str, float] = {word: seconds for seconds, words in _SECONDS.items() for word in words.split()}
#: what may follow the first digit of a number
_REST = r"(?:\d{0,2}(?:,\d{3})+(?:\.\d+)?|\d*(?:[.,]\d+)?)"
NUMBER = rf"\d{_REST}"


def number_not_after(signs: str) -> str:
    """Give the pattern of a number that does not follow one of some signs, as a class of `re` has them.

    What is before it is looked at behind its first digit: a search then goes from digit to digit, not from sign to sign.

    >>> re.findall(number_not_after(r"\\w.,"), "5 x6 1,200.5 v7.2")
    ['5', '1,200.5']
    """
    return rf"\d(?<![{signs}]\d){_REST}"


def _by_first_letter(words: Iterable[str]) -> str:
    """Join words to a pattern, longest first, those of a letter together: most are ruled out by their letter."""
    groups: dict[str, list[str]] = {}
    for word in sorted(words, key=len, reverse=True):
        groups.setdefault(word[0], []).append(re.escape(word))
    return "|".join(f"(?:{'|'.join(group)})" for group in groups.values())


_WORD = _by_first_letter(UNITS)
_UNIT = rf"(?:{_WORD})(?![A-Za-zÀ-ž])"
_LOW = number_not_after(r"\w.,")
_DURATION = re.compile(
    rf"(?P<low>{_LOW})\s*(?P<low_unit>{_UNIT})?\s*(?:(?:-|–|—|~|to|bis|à|a|do)\s*(?P<high>{NUMBER}))?"
    rf"\+?[\s-]?\s*(?P<unit>{_UNIT})?(?P<more>(?:\s?(?:and\s)?\d{{1,6}}\s?{_UNIT})*)",
    re.IGNORECASE,
)
_DIGIT = re.compile(r"\d")
_THOUSANDS = re.compile(r"\d{1,3}(?:,\d{3})+(?:\.\d+)?")
_PART = re.compile(rf"(\d+)\s?({_UNIT})", re.IGNORECASE)


@built_fast
@dataclass(frozen=True, slots=True)
class Duration:
    """A duration found in a text: where, and its shortest and longest reading in seconds."""

    start: int
    end: int
    low_s: float
    high_s: float
    #: the unit word as written, lower case
    unit: str


def number(text: str) -> float:
    """Read a number with thousands separators or a decimal comma.

    >>> number("10,000"), number("1,5"), number("0.5")
    (10000.0, 1.5, 0.5)
    """
    if "," in text and _THOUSANDS.fullmatch(text):
        return float(text.replace(",", ""))
    return float(text.replace(",", "."))


def unit_seconds(word: str) -> float | None:
    """Give the seconds of a unit word; None for a word that is no unit of time. A capital M is no minute."""
    return None if word == "M" else UNITS.get(word.lower())


def find_durations(text: str) -> Iterator[Duration]:
    """Find every duration of a text, in order.

    >>> [(d.low_s, d.high_s) for d in find_durations("first 24-48 hours, then 1h 30m")]
    [(86400.0, 172800.0), (5400.0, 5400.0)]
    """
    for match in _DURATION.finditer(text) if _DIGIT.search(text) else ():
        word = match["unit"] or match["low_unit"]
        seconds = unit_seconds(word) if word else None
        if seconds is None or word is None or len(match["low"]) > 12 or len(match["high"] or "") > 12:
            continue
        low_unit = unit_seconds(match["low_unit"]) if match["low_unit"] else seconds
        low = number(match["low"]) * (low_unit or seconds)
        high = number(match["high"]) * seconds if match["high"] else low
        more = sum(float(n) * (unit_seconds(u) or 0.0) for n, u in _PART.findall(match["more"] or ""))
        yield Duration(match.start(), match.end(), low + more, high + more, word.lower())


def parse_duration(text: str) -> float | None:
    """Read a text that is a duration; of a range the upper bound; None where it is none.

    >>> parse_duration("15 minutes"), parse_duration("5m"), parse_duration("1.5h"), parse_duration("24-48 hours")
    (900.0, 300.0, 5400.0, 172800.0)
    >>> parse_duration("soon") is None
    True
    """
    stripped = text.strip().strip("<>≤≥=~ ")
    for found in find_durations(stripped):
        if found.start == 0 and found.end >= len(stripped.rstrip(" .+")):
            return found.high_s
        break
    return None


def format_duration(seconds: float) -> str:
    """Say a duration in at most two units.

    >>> format_duration(72), format_duration(0.25), format_duration(3600), format_duration(90000), format_duration(0)
    ('1 min 12 s', '250 ms', '1 h', '1 d 1 h', '0 s')
    """
    if seconds < 0:
        return "-" + format_duration(-seconds)
    if 0 < seconds < 1:
        return f"{round(seconds * 1000):d} ms"
    if seconds < 10 and seconds != int(seconds):
        return f"{seconds:.1f} s"
    rest = round(seconds)
    parts: list[str] = []
    for size, name in ((86400, "d"), (3600, "h"), (60, "min"), (1, "s")):
        count, rest = divmod(rest, size)
        if count:
            parts.append(f"{count} {name}")
        elif parts:
            break
        if len(parts) == 2:
            break
    return " ".join(parts) or "0 s"
