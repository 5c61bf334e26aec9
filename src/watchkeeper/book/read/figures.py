"""Write spelled-out numbers before a unit of time as figures: "five minutes" -> "5    minutes".

No other character moves, so that offsets into the text stay true.
"""

from __future__ import annotations

import re

from watchkeeper.book.vocabulary import matcher

_WORDS: dict[str, str] = {
    word: figure
    for figure, words in {
        "1": "a an one ein eine einer einem une un una uno jedn",
        "2": "two zwei deux dos dwie",
        "3": "three drei trois tres",
        "4": "four vier quatre cuatro",
        "5": "five fünf cinq cinco",
        "6": "six sechs seis",
        "7": "seven sieben sept siete",
        "8": "eight acht huit ocho",
        "10": "ten zehn dix diez",
        "12": "twelve zwölf douze doce",
        "15": "fifteen fünfzehn quinze quince",
        "20": "twenty zwanzig vingt veinte",
        "30": "thirty dreißig trente treinta",
        "45": "forty-five fünfundvierzig",
        "60": "sixty sechzig soixante sesenta",
    }.items()
    for word in words.split()
}
_UNIT = (
    r"(?:seconds?|minutes?|hours?|days?|weeks?|sekunden?|minuten?|stunden?|tage?n?|wochen?|secondes?|heures?|"
    r"jours?|segundos?|minutos?|horas?|días?)"
)
_SPELLED = re.compile(rf"(?<![\w-])(?P<word>[^\W\d_]++(?:-five)?)(?=[ -]{_UNIT}\b)", re.IGNORECASE)
_UNITS = matcher(
    ("second*", "minut*", "hour*", "day*", "week*", "sekund*", "stund*", "tag*", "woche*", "heure*", "jour*", "segundo*"),
    ("hora*", "día*"),
)
_NUMBERS = matcher(_WORDS)
_STEMS = ("inut", "our", "econd", "day", "week", "ekund", "tund", "heure", "hora", "egund", "Tag", "oche", "día")


def in_figures(text: str) -> str:
    """Replace spelled-out numbers before a unit of time by figures of the same width.

    >>> in_figures("for five minutes"), in_figures("once in an hour")
    ('for 5    minutes', 'once in 1  hour')
    """
    if not _UNITS.possible(text) or not _NUMBERS.possible(text) or not any(stem in text for stem in _STEMS):
        return text
    return _SPELLED.sub(_figure, text)


def _figure(match: re.Match[str]) -> str:
    word = match["word"]
    return _WORDS.get(word.lower(), word).ljust(len(word))
