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


#: a share of looks is taken over this time
_LOOKS_S = 3600.0


def reach_of(objective: Bound) -> float:
    """Say how far back samples are needed to say whether an objective is kept, in seconds."""
    return _LOOKS_S if _counts_looks(objective) else objective.window_s or 0.0


def _counts_looks(objective: Bound) -> bool:
    """Say whether an objective is a share, and its reading only says of each look whether it was well."""
    return objective.threshold.unit == "percent" and objective.reading.rsplit("_", 1)[-1] == "up"


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
            gap_s = rules.stale_after_s(objective.every_s, sample.took_s)
            past.add(sample.at, value * objective.factor, objective.window_s, gap_s)
    if (now - last.at).total_seconds() > rules.stale_after_s(objective.every_s):
        return "blind", f"{what}; the last sample is too old to say whether it is: blind"
    over = ""
    if _counts_looks(objective) and objective.reading in last.values:
        ups = [sample.values[objective.reading] for sample in samples if objective.reading in sample.values]
        last = replace(last, values={objective.reading: 100.0 * sum(up != 0 for up in ups) / len(ups)})
        over = " over the last hour"
    missed = replace(objective, threshold=replace(as_alert(threshold), for_s=None), margin=0.0)
    standing = rules.judge(missed, None, last, now, past)
    if standing.state == "blind":
        return "blind", f"{what}; {standing.sentence}"
    word: Word = "kept" if standing.state == "ok" else "missed"
    shown = rules.number_words(standing.value if standing.value is not None else math.inf, threshold.unit)
    return word, f"{what} and is {shown}{over}: {word}"
