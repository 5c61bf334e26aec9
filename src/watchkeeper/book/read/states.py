"""Read a state that needs somebody from a phrase: "Application down for > 1 minute" -> down, 60 s."""

from __future__ import annotations

import re

from watchkeeper.base.durations import find_durations
from watchkeeper.book.read.figures import in_figures
from watchkeeper.book.vocabulary import STATES, Battery, matcher

_STATES = Battery((state, matcher(words)) for state, words in STATES)
_FOR = re.compile(
    r"(?:for|since|seit|für|pendant|depuis|durante|por|przez|持续)\s+(?:more than|longer than|at least|over|mehr als|"
    r"plus de|más de|>=?|"
    r"≥)?\s*(?=\d)|[>≥]\s*(?=\d+\s?(?:s|m|h|min))",
    re.IGNORECASE,
)


def state_of(text: str) -> tuple[str | None, float | None, str]:
    """Give the state a phrase ends in, how long it must hold in seconds, and the words without the duration.

    >>> state_of("Application down for > 1 minute")
    ('down', 60.0, 'Application down')
    """
    for_s: float | None = None
    subject = in_figures(text.strip())
    match = _FOR.search(subject)
    if match:
        duration = next(iter(find_durations(subject[match.end() :])), None)
        if duration is not None and duration.start == 0:
            for_s = duration.high_s
            subject = subject[: match.start()].rstrip(" >≥(")
    plus = re.search(r"\s(?:for\s+)?(\d+)\+\s*(seconds?|minutes?|hours?)", subject) if "+" in subject else None
    if plus and for_s is None:
        for_s = next((d.high_s for d in find_durations(plus.group())), None)
        subject = subject[: plus.start()]
    plain = re.sub(r"\([^()]*\)", " ", subject) if "(" in subject else subject
    return next((state for state, _ in _STATES.search(plain)), None), for_s, subject.rstrip(" .")
