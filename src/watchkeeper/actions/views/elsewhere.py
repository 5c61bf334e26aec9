"""The past of signals whose server keeps it itself: asked there, so that a curve reaches back further than our own rows."""

from __future__ import annotations

import asyncio
import logging
from collections import defaultdict
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import TypeAlias

from watchkeeper.app import App
from watchkeeper.watch.past.rollup import Sum

#: what was read at which instant, oldest first
Past: TypeAlias = Sequence[tuple[datetime, Mapping[str, Sum]]]
_Asking: TypeAlias = Callable[[datetime, datetime, float], Awaitable[Mapping[str, Sequence[tuple[datetime, float]]]]]

#: a page waits no longer for another server, in seconds
PATIENCE_S = 5.0

log = logging.getLogger(__name__)


async def past_elsewhere(app: App, span_s: float, points: int, now: datetime) -> dict[str, Past]:
    """Ask every signal that can look back for a span up to now; who does not answer in time is left to our own rows."""
    able = {name: probe.past for name, probe in app.probes.items() if hasattr(probe, "past")}
    asked = (_past(name, past, span_s, points, now) for name, past in able.items())
    return {name: past for name, past in zip(able, await asyncio.gather(*asked), strict=True) if past}


async def _past(name: str, past: _Asking, span_s: float, points: int, now: datetime) -> Past:
    try:
        async with asyncio.timeout(PATIENCE_S):
            found = await past(now - timedelta(seconds=span_s), now, max(15.0, span_s / points))
    except Exception as problem:
        log.info("%s cannot say what was: %s", name, problem, extra={"action": "past_missing"})
        return ()
    at_once: defaultdict[datetime, dict[str, Sum]] = defaultdict(dict)
    for reading, series in found.items():
        for at, value in series:
            at_once[at][reading] = Sum(1, value, value, value)
    return sorted(at_once.items(), key=lambda each: each[0])
