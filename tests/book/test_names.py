"""Names decide nothing: with every proper noun replaced, the same facts are found on the same lines."""

from __future__ import annotations

import re

import pytest

from watchkeeper.book.contract import to_contract
from watchkeeper.book.reader import read_source

BOOK = """# Shop Operations Runbook

Owner: Anna
Version: 1.2

## Architecture
- **Shopfront**: React 18
- **Orders**: FastAPI

Request path: shopfront → orders → ledger-db

## Alerts (P1)
- Shopfront down for 2 minutes
- orders error rate > 5% for 5 minutes
- ledger-db unreachable

| Alert | Condition | Severity | For |
|---|---|---|---|
| OrdersSlow | Orders p95 latency > 2s | warning | 5m |

## Severity levels
- **P1 (Critical)**: Shopfront is gone. Response: 5 minutes
- **P2 (High)**: Orders are slow. Response: 30 minutes

## Escalation
1. On-call engineer Anna (immediately)
2. Team lead Ben (after 30 minutes)

## Contacts
| Role | Name | Phone |
|---|---|---|
| On-call | Anna | +49 151 1234567 |
| Hosting vendor | Nimbus | support@nimbus.example |

## Incident response process
1. **Detection** (0-5 minutes): Anna looks
2. **Mitigation** (5-60 minutes): Ben restarts Shopfront

## Restart Shopfront
**Symptoms**: Shopfront answers nothing

1. Look at Shopfront: `docker compose ps shopfront`
2. If more than 5 orders wait, restart it:
   ```bash
   docker compose restart shopfront
   ```
3. Orders should answer within 5 seconds

## Backups
- **Daily**: dump of ledger-db at 02:00
- RTO: 2 hours
- RPO: 15 minutes

## Message to customers template
```
Subject: Shopfront is down since [TIME]
Anna is working on it. Next update: [TIME]
```

## Growth projections
- Orders: 40% increase in 6 months

## Checklist
- [ ] Anna knows
- [ ] Shopfront answers
"""
NAMES = ("Shop", "Shopfront", "shopfront", "Orders", "orders", "ledger-db", "Anna", "Ben", "Nimbus", "nimbus")
OTHERS = ("Kolibri", "Zaunkönig", "zebra-front", "Vaulting", "vaulting", "tresor-xy", "Oksana", "Wen", "Cumulon", "cumulon")
WORDS = frozenset(
    {
        "line",
        "end_line",
        "lines",
        "op",
        "value",
        "unit",
        "for_s",
        "role_",
        "severity",
        "respond_within_s",
        "code",
        "level",
        "after_s",
        "kind",
        "seconds",
        "every",
        "rrule",
        "at",
        "until",
        "timezone",
        "n",
        "phase",
        "manual",
        "risk",
        "endless",
        "interactive",
        "language",
        "percent",
        "within_s",
        "starts_s",
        "ends_s",
        "automated",
        "statistic",
        "source",
        "state",
    }
)


def shape(value: object) -> object:
    """Keep of a book what does not name anything."""
    if isinstance(value, dict):
        return {
            key: shape(item) if isinstance(item, dict | list) else item
            for key, item in value.items()
            if isinstance(item, dict | list) or key in WORDS
        }
    if isinstance(value, list):
        return [shape(item) if isinstance(item, dict | list) else "" for item in value]
    return value


def renamed(text: str) -> str:
    table = dict(zip(NAMES, OTHERS, strict=True))
    return re.sub(rf"(?<![\w-])(?:{'|'.join(sorted(NAMES, key=len, reverse=True))})(?![\w-])", lambda m: table[m.group()], text)


KINDS = (
    "thresholds",
    "severities",
    "escalation",
    "contacts",
    "phases",
    "components",
    "dependencies",
    "schedules",
    "recovery",
    "templates",
    "growth",
    "checklists",
    "procedures",
    "commands",
    "placeholders",
    "baselines",
    "metrics",
    "configs",
)


@pytest.mark.parametrize("kind", KINDS)
def test_facts_do_not_hang_on_names(kind: str) -> None:
    before = to_contract(read_source("a.md", BOOK))[kind]
    after = to_contract(read_source("a.md", renamed(BOOK)))[kind]
    assert shape(after) == shape(before)


def test_the_case_has_every_kind_of_fact() -> None:
    told = to_contract(read_source("a.md", BOOK))
    counts = {kind: len(told[kind]) for kind in KINDS[:12]}
    assert counts == {
        "thresholds": 4,
        "severities": 2,
        "escalation": 2,
        "contacts": 2,
        "phases": 2,
        "components": 2,
        "dependencies": 2,
        "schedules": 1,
        "recovery": 2,
        "templates": 1,
        "growth": 1,
        "checklists": 1,
    }
    assert "Restart Shopfront" in [procedure["title"] for procedure in told["procedures"]]
