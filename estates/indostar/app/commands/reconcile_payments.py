"""Asks Razorpay about pending payments: python -m app.commands.reconcile_payments --since 24h --limit 100 [--dry-run]."""

from __future__ import annotations

import argparse

from app import payments
from app.core.celery_app import confirm

UNITS = {"s": 1, "m": 60, "h": 3_600, "d": 86_400}


def seconds(text: str) -> int:
    """Read 24h, 15m, 1d."""
    return int(text[:-1]) * UNITS[text[-1]]


def main() -> None:
    """Say of each payment what is done, and how many there were."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--since", type=seconds, default=seconds("24h"))
    parser.add_argument("--limit", type=int, default=100)
    parser.add_argument("--dry-run", action="store_true")
    asked = parser.parse_args()
    found = payments.reconcile(asked.since, limit=asked.limit, dry_run=asked.dry_run)
    for one in found:
        print(f"{one.payment_id} of order {one.order_id} is {one.there}: {'would ' if asked.dry_run else ''}{one.deed}")
        if not asked.dry_run and one.deed in ("settle", "capture"):
            confirm.apply_async((one.order_id,), retry=False)
    print(f"{len(found)} pending payments {'looked at' if asked.dry_run else 'reconciled'}.")


if __name__ == "__main__":
    main()
