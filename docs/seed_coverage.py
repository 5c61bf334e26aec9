"""The page that says of every fact and procedure of the five estates' runbooks where it is and what carried it out.

`facts.json` is what a careful reader finds in an estate's runbook, `coverage.toml` names the fault or the test that carries each
procedure out, or the outside part that it waits for. Whatever is in neither is a problem, and a problem is an error of the page.

A fault counts as carried out once it was played and became what was expected (estates/played.jsonl); one that was not says so.

Usage: python docs/seed_coverage.py [ESTATE ...] prints the problems.
"""

from __future__ import annotations

import functools
import json
import sys
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from watchkeeper.book.contract import to_contract
from watchkeeper.book.reader import read_book

ROOT = Path(__file__).resolve().parent.parent
#: of a kind of fact: the fields that must agree, and the fields of what was read in which one of the named words must occur
KEYS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "thresholds": (("op", "value", "unit", "for_s", "role"), ("subject", "name", "text")),
    "recovery": (("kind", "seconds"), ("subject", "name")),
    "severities": (("code", "respond_within_s"), ()),
    "escalation": (("level", "after_s"), ("role", "name")),
    "contacts": ((), ("role", "name", "channel", "email", "phone")),
    "schedules": (("every", "at", "until", "timezone"), ()),
    "templates": ((), ("name", "title", "channel")),
    "checklists": (("items",), ()),
    "procedures": ((), ()),
    "commands": (("tool", "risk", "endless"), ()),
    "placeholders": (("token",), ()),
}
#: of a kind of fact: where a test shows that it works
SHOWN = {
    "thresholds": "tests/estate/test_every_threshold.py",
    "recovery": "the promise of a fault's `expect`",
    "commands": "their procedure",
    "procedures": "the table below",
}
CARRIED = 0.8
AS_EXPECTED = ("green", "waits")


@dataclass
class Estate:
    """One estate's runbook as read, and what is claimed of it."""

    folder: Path
    book: dict[str, Any]
    facts: dict[str, Any]
    covered: dict[str, Any]
    problems: list[str] = field(default_factory=list)

    @property
    def lines(self) -> list[str]:
        """Give the runbook's lines."""
        return (self.folder / "runbook.md").read_text().splitlines()


def estates() -> Iterator[Estate]:
    """Load all of them, and find what is missing."""
    for path in sorted((ROOT / "estates").glob("*/runbook.md")):
        folder = path.parent
        facts = json.loads((folder / "facts.json").read_text())
        claims = folder / "coverage.toml"
        covered = tomllib.loads(claims.read_text()) if claims.exists() else {}
        estate = Estate(folder, to_contract(read_book(path)), facts, covered)
        estate.problems += [*missing_facts(estate), *unclaimed(estate), *untrue(estate)]
        yield estate


def missing_facts(estate: Estate) -> Iterator[str]:
    """Say of each fact that the reader does not find at its line with its values."""
    for kind in KEYS:
        left = read_of(estate.book, kind)
        for fact in estate.facts.get(kind, ()):
            found = next((item for item in left if agrees(kind, fact, item)), None)
            if found is None:
                yield f"{estate.folder.name}/runbook.md:{fact['line']} {kind} is not read: {fact}"
            else:
                left.remove(found)


def read_of(book: dict[str, Any], kind: str) -> list[dict[str, Any]]:
    """Give what was read of a kind."""
    if kind == "commands":
        steps = [step for procedure in book["procedures"] for step in procedure["steps"]]
        every = [*(command for step in steps for command in step["commands"]), *book["commands"]]
        return list({(command["line"], command["text"]): command for command in every}.values())
    if kind == "placeholders":
        return [{"line": min(each["lines"]), "token": each["token"]} for each in book["placeholders"]]
    if kind == "checklists":
        return [{**each, "items": len(each["items"])} for each in book["checklists"]]
    return list(book[kind])


def agrees(kind: str, fact: dict[str, Any], item: dict[str, Any]) -> bool:
    """Tell whether what was read is the fact."""
    exact, texts = KEYS[kind]
    if kind != "placeholders" and item["line"] != fact["line"]:
        return False
    for name in exact:
        if name in fact and not (same(fact[name], item.get(name)) or (name == "tool" and fact[name] in item.get("tools", ()))):
            return False
    words = next((fact[name] for name in ("subject", "role", "name") if isinstance(fact.get(name), list)), [])
    said = " ".join(str(item.get(name) or "") for name in texts).lower()
    return not words or any(word.lower() in said for word in words)


def same(wanted: object, found: object) -> bool:
    """Tell whether two values are one; numbers are compared as numbers."""
    if isinstance(wanted, (int, float)) and isinstance(found, (int, float)):
        return abs(wanted - found) <= 1e-6 * max(1.0, abs(wanted))
    return (wanted or None) == (found or None) or str(wanted).lower() == str(found).lower()


def claims_of(estate: Estate, procedure: dict[str, Any]) -> dict[str, Any] | None:
    """Give what coverage.toml says of a procedure."""
    named = [each for each in estate.covered.get("procedure", ()) if each["heading"] == procedure["title"]]
    here = [each for each in named if each.get("under") in procedure["path"]]
    return next(iter([*here, *(each for each in named if "under" not in each)]), None)


def unclaimed(estate: Estate) -> Iterator[str]:
    """Say of each procedure of which nothing is claimed, and of each claim of no procedure."""
    titles = {procedure["title"] for procedure in estate.book["procedures"]}
    for procedure in estate.book["procedures"]:
        if claims_of(estate, procedure) is None:
            yield f"{estate.folder.name}/coverage.toml says nothing of {procedure['title']!r} (line {procedure['line']})"
    for claim in estate.covered.get("procedure", ()):
        if claim["heading"] not in titles:
            yield f"{estate.folder.name}/coverage.toml names {claim['heading']!r}, which is no procedure of the runbook"


def untrue(estate: Estate) -> Iterator[str]:
    """Say of each claim that names no fault, no test or no line."""
    for claim in estate.covered.get("procedure", ()):
        fault, test = claim.get("fault"), claim.get("test")
        if fault and not (estate.folder / "faults" / f"{fault}.toml").exists():
            yield f"{estate.folder.name}/coverage.toml: there is no fault {fault!r}"
        if test and not test_exists(test):
            yield f"{estate.folder.name}/coverage.toml: there is no test {test!r}"
        if not any(claim.get(name) for name in ("fault", "test", "waits", "reads")):
            yield f"{estate.folder.name}/coverage.toml: nothing is said of {claim['heading']!r}"
    text = "\n".join(estate.lines)
    for fact in estate.covered.get("fact", ()):
        if fact["where"] not in text:
            yield f"{estate.folder.name}/coverage.toml: {fact['where']!r} is not in the runbook"


def test_exists(named: str) -> bool:
    """Tell whether a test of that address is there."""
    path, _, function = named.partition("::")
    file = ROOT / path
    return file.is_file() and (not function or f"def {function.partition('[')[0]}(" in file.read_text())


def page() -> str:
    """Give the page; raises SystemExit with every problem."""
    found = list(estates())
    if problems := [problem for estate in found for problem in estate.problems]:
        raise SystemExit("\n".join(problems))
    parts = [
        "# Seed coverage",
        "",
        "Every fact and procedure of the five runbooks in `estates`: the line of the runbook that states it, and what carried",
        "it out. A fact counts as present only where the reader finds it at its line with its values; a fault or a test that",
        "is named here exists. `make docs` writes this page from `facts.json` and `coverage.toml`, and refuses to where anything",
        "is missing. A procedure counts as carried out by a fault that was played and became what was expected, or by a test.",
        "",
        "| estate | facts present | procedures carried out | that wait | facts told beside |",
        "| --- | --- | --- | --- | --- |",
    ]
    parts += [summary(estate) for estate in found]
    for estate in found:
        parts += ["", f"## {estate.folder.name}", "", *procedures(estate), "", *facts(estate), "", *beside(estate)]
    return "\n".join([*parts, ""])


def summary(estate: Estate) -> str:
    """Give an estate's row of the first table; where too few procedures are carried out it says so."""
    claims = [claims_of(estate, procedure) or {} for procedure in estate.book["procedures"]]
    to_do = [claim for claim in claims if not claim.get("reads")]
    done = [claim for claim in to_do if claim.get("test") or verdict(estate, claim) in AS_EXPECTED]
    present = sum(len(estate.facts.get(kind, ())) for kind in KEYS)
    waits = len(to_do) - len(done)
    few = "" if len(done) >= CARRIED * len(to_do) else " (**fewer than four of five**)"
    share = f"{len(done)} of {len(to_do)}{few}"
    return f"| {estate.folder.name} | {present} of {present} | {share} | {waits} | {len(estate.covered.get('fact', ()))} |"


def verdict(estate: Estate, claim: dict[str, Any]) -> str | None:
    """Give what became of a claim's fault the last time that it was played; None where it was not."""
    return played().get((estate.folder.name, claim.get("fault", "")))


@functools.cache
def played() -> dict[tuple[str, str], str]:
    """Give the last verdict on each fault: (estate, fault) -> "green", "waits", "red"."""
    lines = (ROOT / "estates" / "played.jsonl").read_text().splitlines()
    rows = [json.loads(line) for line in lines]
    # a line may tell of restart policies alone
    return {(row["estate"], row["fault"]): row["verdict"] for row in rows if "verdict" in row}


def procedures(estate: Estate) -> Iterator[str]:
    """Give the table of procedures."""
    yield from ("| line | procedure | steps | carried out by |", "| --- | --- | --- | --- |")
    for procedure in estate.book["procedures"]:
        title, steps = cell(procedure["title"]), len(procedure["steps"])
        yield f"| {procedure['line']} | {title} | {steps} | {carried(estate, claims_of(estate, procedure) or {})} |"


def carried(estate: Estate, claim: dict[str, Any]) -> str:
    """Say what carries a procedure out."""
    if claim.get("fault"):
        became = {"green": "as expected", "waits": "as expected", "red": "**not as expected**", None: "not played yet"}
        return f"`faults/{claim['fault']}.toml`, {became[verdict(estate, claim)]}"
    if claim.get("test"):
        return f"`{claim['test']}`"
    return f"waits for {cell(claim['waits'])}" if claim.get("waits") else "nothing to carry out"


def facts(estate: Estate) -> Iterator[str]:
    """Give the table of facts, a line a kind with the lines that state them."""
    yield from ("| facts | how many | stated on lines | shown by |", "| --- | --- | --- | --- |")
    for kind in KEYS:
        if found := estate.facts.get(kind):
            shown = SHOWN.get(kind, "read at its line with its values")
            lines = ", ".join(str(line) for line in sorted({fact["line"] for fact in found}))
            yield f"| {kind} | {len(found)} | {lines} | {shown} |"


def beside(estate: Estate) -> Iterator[str]:
    """Give the table of what is told beside the facts: configurations, links, causes and the like."""
    if not (told := estate.covered.get("fact")):
        return
    yield from ("| seed line | kind | what | line |", "| --- | --- | --- | --- |")
    for fact in told:
        at = next(number for number, line in enumerate(estate.lines, 1) if fact["where"] in line)
        yield f"| {fact['seed']} | {fact['kind']} | {cell(fact['says'])} | {at} |"


def cell(text: str) -> str:
    """Put a text into a cell."""
    return " ".join(str(text).split()).replace("|", "\\|")


if __name__ == "__main__":
    wanted = sys.argv[1:]
    wrong = [problem for each in estates() if not wanted or each.folder.name in wanted for problem in each.problems]
    print("\n".join(wrong) or "Nothing is missing.")
    sys.exit(1 if wrong else 0)
