"""Reads what commands print as tables: kubectl get, docker ps, docker compose ps, psql, mysql -t, redis-cli. Pure.

Text enters; rows leave, each with its name and, where the table has such a column, its state and how much of it is ready.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

_NOTHING = re.compile(
    r"\s*(?:No resources found.*|\(empty (?:array|list|set|list or set|hash)\)|\(nil\)|\[\]|\{\}|null|Empty set.*)?\s*\Z"
)
_COUNTED = re.compile(r"^\((\d+) rows?\)\s*$|^(\d+) rows? in set\b", re.MULTILINE)
#: a heading is known by its first word: a lone line in capitals may be a message
_HEADER = re.compile(
    r"(?:NAME|NAMES|NAMESPACE|CONTAINER ID|IMAGE ID|NETWORK ID|REPOSITORY|ID|LAST SEEN|PID|UID|USER|NODE|SERVICE|DRIVER|TYPE)"
    r"(?:\s{2,}|\t)[A-Z][A-Z0-9 \t()/%._-]*"
)
_HEADER_V1 = re.compile(r"\s*Name\s{2,}.*\bState\b.*")
_RULE = re.compile(r"[\s+|=-]*-{3,}[\s+|=-]*")
_STATE_COLUMNS = ("STATUS", "STATE", "PHASE", "HEALTH", "ACTIVE")


@dataclass(frozen=True, slots=True)
class Row:
    """One row of a table."""

    name: str
    text: str
    #: what stands in the column of states; None where the table has none
    state: str | None = None
    #: "1/2" as (1, 2); None where the table does not say
    ready: tuple[int, int] | None = None

    def is_in(self, words: tuple[str, ...]) -> bool:
        """Tell whether its state, else any word of it, is one of these."""
        said = self.state if self.state is not None else self.text
        return any(re.search(rf"(?<!not )(?<![\w-]){re.escape(word)}(?!\w)", said, re.IGNORECASE) for word in words)


def row_count(text: str) -> int:
    """Count the rows of what was printed, without headings and rules.

    >>> row_count(" n \\n---\\n 1\\n(1 row)\\n"), row_count("NAME  READY\\nweb   1/1\\n"), row_count("No resources found")
    (1, 1, 0)
    """
    counted = _COUNTED.findall(text)
    return sum(int(one or other) for one, other in counted) if counted else len(rows_of(text))


def rows_of(text: str) -> list[Row]:
    """Read the rows of one or more tables, or the lines where there is no heading."""
    if _NOTHING.match(text):
        return []
    found: list[Row] = []
    columns: dict[str, tuple[int, int]] = {}
    lines = [line for line in text.splitlines() if line.strip()]
    for place, line in enumerate(lines):
        following = lines[place + 1] if place + 1 < len(lines) else ""
        if _RULE.fullmatch(line) or _COUNTED.match(line):
            continue
        boxed = line.lstrip().startswith("|") and place and _RULE.fullmatch(lines[place - 1]) and place == 1
        if _HEADER.fullmatch(line.strip()) or _HEADER_V1.fullmatch(line) or _is_rule_of(following, line) or boxed:
            columns = _columns(line)
            continue
        found.append(_row(line, columns))
    return found


def _is_rule_of(following: str, line: str) -> bool:
    return bool(_RULE.fullmatch(following)) and not line.lstrip().startswith("|") and following.lstrip()[:1] == "-"


def _columns(header: str) -> dict[str, tuple[int, int]]:
    parts = [(match[0].upper(), match.start()) for match in re.finditer(r"\S+(?: \S+)*", header)]
    ends = [start for _, start in parts[1:]] + [1 << 20]
    return {name: (start, end) for (name, start), end in zip(parts, ends, strict=True)}


def _row(line: str, columns: Mapping[str, tuple[int, int]]) -> Row:
    cells = {name: line[start:end].strip() for name, (start, end) in columns.items()}
    state = next((cells[name] for name in _STATE_COLUMNS if name in cells), None)
    ready = re.fullmatch(r"(\d+)/(\d+)", cells.get("READY", ""))
    name = cells.get("NAMES") or cells.get("NAME") or (line.split() or [""])[0]
    return Row(name.strip(), line, state, (int(ready[1]), int(ready[2])) if ready else None)
