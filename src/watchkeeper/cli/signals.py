"""`watchkeeper signals`: each signal, its readings and the thresholds they decide."""

from __future__ import annotations

from dataclasses import asdict

from watchkeeper.app import App
from watchkeeper.cli.options import ConfigOption, FormatOption, print_json, say, with_app
from watchkeeper.estate.model import Bindings
from watchkeeper.watch import ledger as watch
from watchkeeper.watch.model import Sample, Standing


def signals(config: ConfigOption = None, format: FormatOption = "text") -> None:
    """Show each signal with its last readings, the thresholds they decide, and what waits for a signal."""

    async def work(app: App) -> tuple[Bindings, dict[str, Sample], dict[str, Standing]]:
        samples, standings = await app.database.read(lambda c: (watch.latest_samples(c), watch.read_standings(c)))
        return app.bindings, samples, standings

    bindings, samples, standings = with_app(config, work)
    if format == "json":
        print_json(
            {
                "bound": [asdict(b) for b in bindings.bound],
                "unbound": [asdict(u) for u in bindings.unbound],
                "samples": {name: asdict(sample) for name, sample in samples.items()},
                "standings": {key: asdict(standing) for key, standing in standings.items()},
            }
        )
        return
    for name in sorted({b.signal for b in bindings.bound} | set(samples)):
        sample = samples.get(name)
        say(f"{name}: {sample.problem or sample.detail or 'looked' if sample else 'not looked at yet'}")
        for bound in (b for b in bindings.bound if b.signal == name):
            standing = standings.get(bound.key)
            say(f"  {standing.state if standing else '-':8} {bound.threshold.text or bound.threshold.subject}")
            say(f"           {bound.because}" + (f" {standing.sentence}" if standing else ""))
    for waiting in bindings.unbound:
        say(f"not watched: {waiting.sentence}")
    for unused in bindings.unused:
        say(unused[3])
