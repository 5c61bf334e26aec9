"""`watchkeeper capacity`: what reaches its limit, and when."""

from __future__ import annotations

from dataclasses import asdict

from watchkeeper.actions.views.capacity import capacity as read_capacity
from watchkeeper.cli.options import ConfigOption, FormatOption, print_json, say, with_app


def capacity(config: ConfigOption = None, format: FormatOption = "text") -> None:
    """Say of each threshold where its reading goes, by the line through its past, and what the runbook says of growth."""
    found = with_app(config, read_capacity)
    if format == "json":
        print_json({"lines": [asdict(line) for line in found.lines], "without_past": found.without_past})
        return
    for line in found.lines:
        say(f"{line.state:8} {line.subject} {line.says} (line {line.line})")
        say(f"         {line.sentence}")
        for said in line.book:
            say(f"         {said}")
    if found.without_past:
        say(f"{found.without_past} more have no past yet: hourly sums are made while `watchkeeper serve` runs.")
    if not found.lines and not found.without_past:
        say("No threshold with a number is bound to a signal.")
