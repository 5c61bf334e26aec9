"""What a product costs, by the group of the customer: the next release, with the mistake that nobody saw in review."""

from __future__ import annotations

REBATE_PERCENT = {"regular": 2, "member": 5}


def price(cents: int, customer_group: str) -> int:
    """Give the price for one piece after the rebate of the customer's group."""
    return cents * (100 - REBATE_PERCENT[customer_group]) // 100
