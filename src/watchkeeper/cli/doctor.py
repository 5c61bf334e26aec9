"""`watchkeeper doctor`: does each signal, target, person and tool work?"""

from __future__ import annotations

from dataclasses import asdict

from watchkeeper.app import App, furnish
from watchkeeper.cli.options import ConfigOption, FormatOption, print_json, with_app
from watchkeeper.estate.doctor import Check, examine


def doctor(config: ConfigOption = None, format: FormatOption = "text") -> int:
    """Say of each signal, target, person and tool whether it works; exit status 1 where one does not."""

    async def work(app: App) -> list[Check]:
        furnish(app)
        return await examine(app.estate, app.book, app.bindings, app.probes, app.targets)

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
