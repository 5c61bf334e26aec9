"""The page of what was seen in drills: of every fault of every estate the last time that it was played, or that it was not.

`watchkeeper drill estates/NAME --record estates/played.jsonl` adds a line to the file for each fault that it plays.
"""

from __future__ import annotations

import json
import statistics
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from watchkeeper.base.durations import format_duration
from watchkeeper.drill.model import Break
from watchkeeper.drill.reading import read_course

ROOT = Path(__file__).resolve().parent.parent
PLAYED = ROOT / "estates" / "played.jsonl"
SAID = {"green": "as expected", "waits": "as expected", "red": "**red**"}


def last_of(path: Path) -> Mapping[tuple[str, str], dict[str, Any]]:
    """Give the newest row of each fault, by estate and fault, with what restart policies alone made of it the last time."""
    lines = path.read_text(encoding="utf-8").splitlines() if path.is_file() else []
    rows = sorted((json.loads(line) for line in lines), key=lambda row: row["played_at"])
    found: dict[tuple[str, str], dict[str, Any]] = {}
    alone: dict[tuple[str, str], dict[str, Any]] = {}
    for row in rows:
        key = (row["estate"], row["fault"])
        if row.get("restarts_alone"):
            alone[key] = row["restarts_alone"]
        if "verdict" in row:
            found[key] = row
    return {key: {**row, "restarts_alone": alone.get(key)} for key, row in found.items()}


def page(path: Path = PLAYED) -> str:
    """Give the page."""
    rows = last_of(path)
    parts = [
        "# Drills",
        "",
        "What Watchkeeper made of each fault of the estates in `estates`, the last time that it was played there: a real estate",
        "was broken, and Watchkeeper operated it from its runbook alone. Seconds are counted from the fault on, on the",
        "machine's clock. *promise* is within what time the book promises that it is well again, where it does. *lost* is how",
        "many of the orders were lost of which customers were told meanwhile that they were taken. *asked* is how many times",
        "the person on call was asked; they took 5 seconds to answer. *harm* is whatever broke beside the fault, what ran and",
        "was not expected, and promises to customers that were lost. *restarts alone* is the same fault without Watchkeeper,",
        "every container with a restart policy (`--only-restarts`): *not felt* is what a look from outside does not notice",
        "within 20 seconds, *no* what was not well again within 60. `make docs` writes this page from `estates/played.jsonl`,",
        "to which `watchkeeper drill DIR --record FILE` adds.",
        "",
        "| estate | faults | played | as expected | red | recovered | median recovery | harms | restarts alone |",
        "| --- | --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    courses = [read_course(folder.parent) for folder in sorted((ROOT / "estates").glob("*/estate.toml"))]
    parts += [summary(course.name, course.faults, rows) for course in courses]
    for course in courses:
        parts += ["", f"## {course.name}", "", *table(course.name, course.faults, rows)]
    return "\n".join([*parts, ""])


def summary(name: str, faults: tuple[Break, ...], rows: Mapping[tuple[str, str], dict[str, Any]]) -> str:
    """Give an estate's row of the first table."""
    played = [row for fault in faults if (row := rows.get((name, fault.name)))]
    red = sum(row["verdict"] == "red" for row in played)
    took = [row["recovered_s"] for row in played if row["recovered_s"] is not None]
    median = f"{statistics.median(took):.0f} s" if took else "–"
    harms = sum(len(row["harm"]) for row in played)
    alone = [row["restarts_alone"] for row in played if row["restarts_alone"]]
    felt = [each for each in alone if each["felt"]]
    mended = sum(each["well_after_s"] is not None for each in felt)
    restarts = f"{mended} of {len(felt)} felt" if alone else "–"
    counts = f"{len(faults)} | {len(played)} | {len(played) - red} | {red} | {len(took)}"
    return f"| {name} | {counts} | {median} | {harms} | {restarts} |"


def table(name: str, faults: tuple[Break, ...], rows: Mapping[tuple[str, str], dict[str, Any]]) -> Iterator[str]:
    """Give an estate's table, with what is not as expected below it."""
    played = [row for fault in faults if (row := rows.get((name, fault.name)))]
    missing = [f"`{fault.name}`" for fault in faults if (name, fault.name) not in rows]
    if played:
        days = sorted({row["played_at"][:10] for row in played})
        when = days[0] if len(days) == 1 else f"{days[0]} to {days[-1]}"
        yield f"Played {when}, on a machine with {max(row['cores'] for row in played)} cores."
        yield ""
        yield "| fault | pace | | detected | severity | procedure | asked | recovered | promise | lost | harm | restarts alone |"
        yield "| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |"
        for row in played:
            yield line(row)
    if missing:
        yield from ([""] if played else [])
        yield f"Not played: {', '.join(missing)}."
    lenient = [
        fault for fault in faults if (name, fault.name) in rows and (fault.expected.stays or fault.expected.promise_from_alert)
    ]
    if lenient:
        yield from ("", "What the fault itself allows:", "", *map(allowed, lenient))
    if wrong := [row for row in played if row["why"]]:
        yield from ("", "What was not as expected:", "")
        yield from (f"- `{row['fault']}`: {cell(' '.join(row['why']))}" for row in wrong)


def allowed(fault: Break) -> str:
    """Say what a fault takes for recovered beside what every other does."""
    said = []
    if fault.expected.promise_from_alert:
        said.append("the book's promise counts from the alert on, not from the fault")
    if fault.expected.stays:
        said.append(f"stays red once all is done: {', '.join(fault.expected.stays)}")
    return f"- `{fault.name}`: {cell('; '.join(said))}."


def line(row: Mapping[str, Any]) -> str:
    """Give a fault's line."""
    recovered = seconds(row["recovered_s"]) if row["recovered"] else row["waits_for"] and f"waits for {cell(row['waits_for'])}"
    cells = [
        f"`{row['fault']}`",
        f"{row['pace']:g}",
        SAID[row["verdict"]],
        seconds(row["detected_s"]),
        right(row["severity"], row["severity_right"]),
        right(row["procedure"], row["procedure_right"]),
        str(row["approvals"]),
        recovered or "no",
        promise_said(row),
        f"{lost_in(row)} of {row['acknowledged']}",
        str(len(row["harm"])),
        alone_said(row["restarts_alone"]),
    ]
    return f"| {' | '.join(cells)} |"


def promise_said(row: Mapping[str, Any]) -> str:
    """Say what the book promises for a fault, and mark what was not kept."""
    if row["promise_s"] is None:
        return "–"
    said = format_duration(row["promise_s"])
    return said if row["promise_kept"] else f"**{said}**"


def lost_in(row: Mapping[str, Any]) -> str:
    """Say how many promises to customers were lost; rows of before the count was kept have it in a sentence, and none had any."""
    lost = row.get("lost", 0)
    return f"**{lost}**" if lost else "0"


def alone_said(alone: Mapping[str, Any] | None) -> str:
    """Say what restart policies alone made of a fault."""
    if alone is None:
        return "–"
    if not alone["felt"]:
        return "not felt"
    return "no" if alone["well_after_s"] is None else seconds(alone["well_after_s"])


def right(said: str | None, is_right: bool) -> str:
    """Say what was found, marked where it is not what was expected."""
    return cell(said or "–") if is_right else f"**{cell(said or '–')}**"


def seconds(value: float | None) -> str:
    """Say a number of seconds."""
    return "–" if value is None else f"{value:.0f} s"


def cell(text: str) -> str:
    """Put a text into a cell."""
    return " ".join(text.split()).replace("|", "\\|").replace("<", "&lt;")
