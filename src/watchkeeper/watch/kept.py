"""Whether an objective of the book is kept: what the last samples say of the value that is to be.

An objective with its reading, the last samples and now enter; a word (kept, missed, blind) and the sentence leave. An objective
raises no alert by itself: one that is a service level has a budget, which does.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Literal

from watchkeeper.estate.model import Bound
from watchkeeper.estate.objectives import as_alert
from watchkeeper.watch import rules
from watchkeeper.watch.model import Sample
from watchkeeper.watch.window import Past

Word = Literal["kept", "missed", "blind"]


def kept(objective: Bound, samples: Sequence[Sample], now: datetime) -> tuple[Word, str]:
    """Say whether an objective is kept now, by its own statistic over its own time."""
    threshold = objective.threshold
    what = f"{threshold.subject} is to be {threshold.op} {rules.number_words(threshold.value or 0.0, threshold.unit)}"
    if not samples:
        return "blind", f"{what}; no sample says whether it is: blind"
    past, last = Past(), samples[-1]
    for sample in samples[:-1]:
        value = sample.values.get(objective.reading, math.nan)
        if objective.window_s is not None and not math.isnan(value):
            past.add(sample.at, value * objective.factor, objective.window_s, rules.stale_after_s(objective.every_s))
    if (now - last.at).total_seconds() > rules.stale_after_s(objective.every_s):
        return "blind", f"{what}; the last sample is too old to say whether it is: blind"
    missed = replace(objective, threshold=replace(as_alert(threshold), for_s=None), margin=0.0)
    standing = rules.judge(missed, None, last, now, past)
    if standing.state == "blind":
        return "blind", f"{what}; {standing.sentence}"
    word: Word = "kept" if standing.state == "ok" else "missed"
    shown = rules.number_words(standing.value if standing.value is not None else math.inf, threshold.unit)
    return word, f"{what} and is {shown}: {word}"
