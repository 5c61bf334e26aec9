"""`watchkeeper doctor`: does each signal, target, person and tool work?"""

from __future__ import annotations

from dataclasses import asdict

from watchkeeper.app import App, furnish
from watchkeeper.cli.options import ConfigOption, FormatOption, print_json, with_app
from watchkeeper.estate.doctor import Check, examine, hook_checks
from watchkeeper.people.rota_ledger import find_gaps
from watchkeeper.watch.arrivals import read_deliveries


def doctor(config: ConfigOption = None, format: FormatOption = "text") -> int:
    """Say of each signal, target, person and tool whether it works; exit status 1 where one does not."""

    async def work(app: App) -> list[Check]:
        furnish(app)
        checks = await examine(app.estate, app.book, app.bindings, app.probes, app.targets)
        gaps = await app.database.read(lambda c: find_gaps(c, app.estate, app.clock.now()))
        found, now = await app.database.read(read_deliveries), app.clock.now()
        ago = {name: (now - each.delivered_at).total_seconds() for name, each in found.items() if each.delivered_at}
        checks += hook_checks(app.estate, ago)
        return [*checks, *(rota_check(name, gap) for name, gap in gaps.items())]

    checks = with_app(config, work)
    if format == "json":
        print_json([asdict(check) for check in checks])
    else:
        for check in checks:
            print(f"{'ok ' if check.ok else 'NOT'}  {check.name}: {check.sentence}")
            if not check.ok and check.hint:
                print(f"     {check.hint}")
        bad = sum(1 for check in checks if not check.ok)
        print(f"{len(checks) - bad} of {len(checks)} work." if bad else f"All {len(checks)} work.")
    return 0 if all(check.ok for check in checks) else 1


def rota_check(name: str, gap: str | None) -> Check:
    """Say of a rota whether somebody is always on call."""
    if gap is None:
        return Check(f"rota {name}", True, "Somebody is on call at every moment of the next 28 days.")
    hint = "Add a layer that covers it, or an override: watchkeeper oncall override."
    return Check(f"rota {name}", False, gap, hint)
