"""What comes to us by itself: pings of jobs and numbers of programs. Each is on disk before it is answered.

They are samples, not acts: who may send them is checked here as for any act, and the ledger keeps no entry of them. A ping
shows the key of its job and nothing else; a push shows a token that may `push`.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import math
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from prometheus_client.parser import text_string_to_metric_families

from watchkeeper.actions.permission import require
from watchkeeper.app import App
from watchkeeper.base.errors import InputError, NotFound
from watchkeeper.base.secrets import Secret
from watchkeeper.estate.model import SignalConfig
from watchkeeper.people.identity import Actor
from watchkeeper.watch.arrivals import PingKind, Pushed, take_ping, take_push

#: what is kept of the words that come with a ping
MOST_NOTE = 1_000
#: numbers of one push
MOST_NUMBERS = 500
#: a value may be of so long ago, and of so far ahead of our clock
OLDEST, AHEAD = timedelta(days=1), timedelta(minutes=5)


async def ping(app: App, key: str, kind: PingKind, *, exit_status: int | None = None, run: str = "", note: str = "") -> None:
    """Take the ping of the job whose key this is."""
    signal = _job(app, key)
    if signal is None:
        raise NotFound("No job has this key.", hint="See `key` in [signals] of watchkeeper.toml.", code="WK216")
    now = app.clock.now()
    # a secret that the cut goes through would not be known any more
    said = app.scrubber.clean(note)[-MOST_NOTE:].replace("\0", "�")
    await app.database.write(
        lambda c: take_ping(c, now, signal.name, kind, exit_status=exit_status, run=run[:100].replace("\0", ""), note=said)
    )


async def push(
    app: App,
    actor: Actor,
    signal: str,
    numbers: Mapping[str, Pushed],
    added: Mapping[str, float] | None = None,
    key: str = "",
) -> bool:
    """Take what a program pushes to a signal; False where its key says that it was taken before."""
    require(actor, "push")
    known = app.estate.signals.get(signal)
    if known is None or known.kind != "push":
        hint = f'Write [signals.{signal}] with kind = "push" into watchkeeper.toml.' if known is None else "Its kind is another."
        raise NotFound(f"No signal {signal!r} takes pushes.", hint=hint, code="WK217")
    now, added = app.clock.now(), added or {}
    _check(numbers, added, key, now)
    try:
        return await app.database.write(lambda c: take_push(c, now, signal, numbers, added, key))
    except ValueError as problem:
        raise InputError(
            f"{problem}.", hint="Push fewer names; labels that differ each time make too many.", code="WK177"
        ) from None


async def push_metrics(app: App, actor: Actor, signal: str, text: str, key: str = "") -> bool:
    """Take a page of metrics in the text format of Prometheus or OpenMetrics as a push: each series is a reading."""
    require(actor, "push")
    now = app.clock.now()
    numbers: dict[str, Pushed] = {}
    try:
        for family in text_string_to_metric_families(text):
            for sample in family.samples:
                counts = family.type == "counter" or sample.name.endswith(("_bucket", "_count", "_sum"))
                at = datetime.fromtimestamp(float(sample.timestamp), UTC) if sample.timestamp is not None else now
                if math.isfinite(sample.value) and not sample.name.endswith("_created"):
                    numbers[_series(sample.name, sample.labels)] = Pushed(float(sample.value), counts, at)
                if len(numbers) > MOST_NUMBERS:
                    break
    except (ValueError, IndexError, KeyError, OverflowError) as problem:
        hint = "Send lines such as orders_total 12."
        raise InputError(f"This is not the text format of metrics: {str(problem)[:200]}.", hint=hint, code="WK177") from None
    return await push(app, actor, signal, numbers, None, key)


def _series(name: str, labels: Mapping[str, str]) -> str:
    """Write a series as one name.

    >>> _series("orders", {"shop": "a"}), _series("up", {})
    ('orders{shop="a"}', 'up')
    """
    return f"{name}{{{','.join(f'{key}={json.dumps(labels[key])}' for key in sorted(labels))}}}" if labels else name


def _job(app: App, key: str) -> SignalConfig | None:
    given, found = hashlib.sha256(key.encode("utf-8", "replace")).digest(), None
    for signal in app.estate.signals.values():
        own = signal.options.get("key") if signal.kind == "heartbeat" else None
        own = own.reveal() if isinstance(own, Secret) else own
        if isinstance(own, str) and hmac.compare_digest(hashlib.sha256(own.encode()).digest(), given):
            found = signal
    return found


def _check(numbers: Mapping[str, Pushed], added: Mapping[str, float], key: str, now: datetime) -> None:
    if not numbers and not added:
        raise InputError("Nothing was pushed.", hint='Send {"values": {"orders": 12}}.', code="WK177")
    if len(numbers) + len(added) > MOST_NUMBERS:
        raise InputError(f"More than {MOST_NUMBERS} numbers came at once.", hint="Push them in parts.", code="WK177")
    if len(key) > 200 or "\0" in key:
        raise InputError("The key of this push is too long.", hint="At most 200 characters.", code="WK177")
    for name in (*numbers, *added):
        if not name or len(name) > 300 or not name.isprintable():
            raise InputError(
                f"{name[:60]!r} cannot be the name of a reading.", hint="At most 300 printable characters.", code="WK177"
            )
    for name, value in (*((name, number.value) for name, number in numbers.items()), *added.items()):
        if not math.isfinite(value):
            raise InputError(f"{name!r} is {value}, which is no number to judge.", hint="Leave it out instead.", code="WK177")
    for name, number in numbers.items():
        if not now - OLDEST <= number.at <= now + AHEAD:
            said = f"{name!r} is of {number.at.isoformat()}, which is too long ago or ahead of our clock."
            raise InputError(said, hint="Send it within a day, and keep the clocks together.", code="WK177")
