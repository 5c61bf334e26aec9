"""Goes through several HTTP steps in one session, as a customer would, and says which step fails and how long each takes.

It acts on the outside where the owner says so, and only then: methods other than GET and HEAD need `acts = true`. Such a journey
is taken on its schedule alone, never once more to confirm. Cookies are kept within a look and forgotten after it.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any, ClassVar
from uuid import uuid4

from watchkeeper.estate.config import check_readings, options_of
from watchkeeper.estate.model import Estate, SignalConfig
from watchkeeper.plugins.http.fetch import Fetcher, Request
from watchkeeper.plugins.http.probe import web_address
from watchkeeper.plugins.journey.step import Step, read_step
from watchkeeper.plugins.journey.values import PLACE, StepError, origin_of
from watchkeeper.watch.probe import Look

MOST_STEPS = 50
#: a journey that acts is not taken more often
SOONEST_S = 30.0
#: a text that is new at each look
LOOK = "look"


class JourneyProbe:
    """Steps that a customer takes: a checkout, a test payment, a chat token and its channel, a test push."""

    readings: ClassVar[Mapping[str, str]] = {
        "up": "1 where every step went as expected, else 0",
        "seconds": "time until the last step that was taken ended, in seconds",
        "steps": "steps that went as expected",
        "*": "<step>_seconds: time that a step took, in seconds",
    }
    metrics: ClassVar[Mapping[str, tuple[str, ...]]] = {"response_time": ("seconds",)}
    needs: ClassVar[Mapping[str, str]] = {"steps": '[{ url = "/" }]'}
    options: ClassVar[Mapping[str, str]] = {
        "steps": "[[signals.NAME.steps]], each with url, and: name, method, headers, json or form, expect_status (default 200 to "
        "299), contains, expect (JSON path = value), capture (name = 'json PATH', 'header NAME' or 'regex PATTERN'), redirects; "
        "{name} stands for a captured value in later steps, {look} for a text that is new at each look",
        "url": "address against which the steps' own are taken",
        "acts": "true: steps may use POST, PUT, PATCH and DELETE, which act on the outside at every look (default false)",
        "verify_tls": "false: accept any certificate (default true)",
    }

    def __init__(self, signal: SignalConfig, estate: Estate) -> None:
        options = options_of(signal, estate)
        #: looked at on its schedule alone
        self.acts = options.flag("acts", False)
        base = web_address(options) if options.take("url") is not None else None
        self._verify_tls = options.flag("verify_tls", True)
        self._timeout_s = signal.timeout_s
        self._steps: list[Step] = []
        known = {LOOK}
        for number, table in enumerate(options.tables("steps"), start=1):
            step = read_step(table, number, base, known, self.acts)
            if step.name in {each.name for each in self._steps}:
                raise table.error("name", f"Two steps are named {step.name!r}.", "Give each step a name of its own.")
            self._steps.append(step)
            known |= set(step.capture)
        if not 0 < len(self._steps) <= MOST_STEPS:
            raise options.error(
                "steps",
                f"{options.name()} has {len(self._steps)} steps.",
                f"Write 1 to {MOST_STEPS} of [[{options.name('steps')}]].",
            )
        if self.acts and signal.every_s < SOONEST_S:
            raise options.error(
                "every",
                f"{options.name()} would act every {signal.every_s:g} s.",
                f'Write every = "5 minutes"; at least {SOONEST_S:g} s.',
            )
        check_readings(signal, estate, ["up", "seconds", "steps", *(f"{step.name}_seconds" for step in self._steps)])
        self._origins = frozenset(origin_of(step.url) for step in self._steps if not PLACE.fullmatch(step.url))

    async def look(self) -> Look:
        """Take all steps, up to the first that fails."""
        started = time.monotonic()
        values: dict[str, float] = {}
        taken: dict[str, Any] = {LOOK: uuid4().hex}
        fetcher = Fetcher(Request("", verify_tls=self._verify_tls), keeps_cookies=True)
        done, detail = 0, ""
        try:
            for number, step in enumerate(self._steps, start=1):
                begun = time.monotonic()
                try:
                    taken |= await self._take(fetcher, step, taken, self._timeout_s - (begun - started))
                    done += 1
                except StepError as problem:
                    detail = f"{step.name} (step {number} of {len(self._steps)}) failed: {problem}"
                    break
                finally:
                    values[f"{step.name}_seconds"] = time.monotonic() - begun
        finally:
            await fetcher.close()
        own = {"up": float(not detail), "seconds": time.monotonic() - started, "steps": float(done)}
        return Look({**values, **own}, detail=detail or f"{done} steps")

    async def close(self) -> None:
        """Nothing is held between looks."""

    async def _take(self, fetcher: Fetcher, step: Step, taken: Mapping[str, Any], left_s: float) -> dict[str, Any]:
        if left_s <= 0:
            raise StepError(f"the journey took longer than {self._timeout_s:g} s")
        request = step.request(taken, self._origins, self._verify_tls, left_s)
        began = time.monotonic()
        answer = await fetcher.fetch(request)
        return await step.judge(answer, taken, left_s - (time.monotonic() - began))
