"""`watchkeeper signals`: each signal, its readings and the thresholds they decide."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict
from datetime import timedelta
from functools import partial
from typing import Any

from watchkeeper.actions.views.frame import says
from watchkeeper.app import App
from watchkeeper.cli.options import ConfigOption, FormatOption, print_json, say, with_app
from watchkeeper.estate.offers import offers
from watchkeeper.estate.waiting import lines_for
from watchkeeper.watch import ledger as watch
from watchkeeper.watch.kept import kept, reach_of


def signals(config: ConfigOption = None, format: FormatOption = "text") -> None:
    """Show each signal with its last readings, the thresholds they decide, and what waits for a signal."""
    found = with_app(config, _read)
    if format == "json":
        print_json(found)
        return
    for line in _text(found):
        say(line)


async def _read(app: App) -> dict[str, Any]:
    samples, standings = await app.database.read(lambda c: (watch.latest_samples(c), watch.read_standings(c)))
    now, given, bindings = app.clock.now(), offers(), app.bindings
    objectives = []
    for bound in bindings.objectives:
        since = now - timedelta(seconds=max(reach_of(bound), 4 * bound.every_s))
        seen = await app.database.read(partial(watch.read_samples, signal=bound.signal, since=since))
        word, sentence = kept(bound, seen, now)
        objectives.append({**asdict(bound), "state": word, "sentence": sentence})
    return {
        "bound": [{**asdict(each), "limit": says(each.threshold)} for each in bindings.bound],
        "objectives": objectives,
        "unbound": [
            {**asdict(each), "add": lines_for(each.threshold, app.book, app.estate, given)}
            for each in (*bindings.unbound, *bindings.waiting)
        ],
        "charted": [asdict(each) for each in bindings.charted],
        "unused": [
            {"signal": name, "metric": words, "line": line, "sentence": said} for name, words, line, said in bindings.unused
        ],
        "samples": {name: asdict(sample) for name, sample in samples.items()},
        "standings": {key: asdict(standing) for key, standing in standings.items()},
    }


def _text(found: dict[str, Any]) -> Iterator[str]:
    samples, standings = found["samples"], found["standings"]
    decided = [*found["bound"], *found["objectives"]]
    told = Counter(each["threshold"]["text"] for each in found["bound"] if not each["budget"])
    for name in sorted({each["signal"] for each in (*decided, *found["charted"])} | set(samples)):
        sample = samples.get(name)
        yield f"{name}: {sample['problem'] or sample['detail'] or 'looked' if sample else 'not looked at yet'}"
        for each in (each for each in decided if each["signal"] == name):
            stands = standings.get(each["key"], {})
            state = each.get("state") or stands.get("state", "-")
            threshold = each["threshold"]
            label = threshold["subject"] if each["budget"] else threshold["text"] or threshold["subject"]
            if told[threshold["text"]] > 1 and each in found["bound"] and not each["budget"]:
                # one line of the runbook with several limits: say which
                label += f" ({' '.join(part for part in (each['limit'], threshold['severity']) if part)})"
            yield f"  {state:8} {label}"
            said = each.get("sentence") or stands.get("sentence")
            yield f"           {each['because']}" + (f" {said}" if said else "")
        for each in (each for each in found["charted"] if each["signal"] == name):
            value = (sample or {}).get("values", {}).get(each["reading"])
            yield f"  {'-' if value is None else format(value, '.6g'):8} {each['subject']} ({each['reading']}; no threshold)"
    for each in found["unbound"]:
        what = "not watched" if each["threshold"]["role"] == "alert" else "objective not watched"
        yield f"{what}: line {each['threshold']['line']}: {each['sentence']}"
        if each["add"]:
            yield "  it would be by:"
            yield from (f"    {line}" for line in each["add"])
    for each in found["unused"]:
        yield each["sentence"]
