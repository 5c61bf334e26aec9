"""Read bands said in brackets behind a metric: "Queue depth (warning: 1000, critical: 5000)".

The metric's bad side gives the operator; where the metric is not known nothing is read.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from watchkeeper.base.quantities import read_quantity
from watchkeeper.book.read.comparisons import Comparison, counted_unit
from watchkeeper.book.read.meaning import clean_subject
from watchkeeper.book.read.metric_names import metric_of, statistic_of
from watchkeeper.book.read.passages import Passage

_BAND = re.compile(
    r"(?P<word>warn(?:ing)?|critical|crit|alert|page|alarm|threshold|limit|soglia|seuil|umbral|schwellenwert|warnung|kritisch|target|slo|goal|ziel|objectif)\s*(?:at|@|:|=|ab|à)\s*(?=[$€£]?\d)",
    re.IGNORECASE,
)
_KEPT = frozenset({"target", "slo", "goal", "ziel", "objectif"})


def banded(passage: Passage) -> Iterator[Comparison]:
    """Give a comparison a band; none where the metric is not known, as then nothing says which side is bad."""
    text = passage.text
    if passage.kind not in ("item", "prose") or "(" not in text or len(text) > 200:
        return
    subject = clean_subject(text.split("(")[0].rstrip(": "))
    metric = metric_of(subject)
    inside = text.find("(")
    if metric is None or not subject or len(subject.split()) > 6:
        return
    for match in _BAND.finditer(text, inside):
        quantity = read_quantity(text, match.end())
        if quantity is None:
            continue
        high = (metric.bad == "high") != (match["word"].lower() in _KEPT)
        said = Comparison(
            ">" if high else "<",
            quantity.value,
            quantity.unit,
            match.start(),
            quantity.end,
            subject,
            statistic=statistic_of(subject),
        )
        unit = quantity.unit or counted_unit(said, subject)
        yield Comparison(said.op, said.value, unit, said.start, said.end, subject, statistic=said.statistic)
