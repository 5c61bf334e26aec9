"""The two ways in which a place fails: it does not answer for now, or it cannot be used as it stands."""

from __future__ import annotations

from watchkeeper.base.errors import Permanent, Transient


def away(name: str, why: str, hint: str | None = None) -> Transient:
    """Say that a place does not answer for now."""
    return Transient(f"{name} does not answer: {why.strip().rstrip('.')}.", hint=hint, code="WK414")


def unfit(name: str, why: str, hint: str | None = None) -> Permanent:
    """Say that a place cannot be used as it stands; trying again will not help."""
    return Permanent(f"{name} cannot be used: {why.strip().rstrip('.')}.", hint=hint, code="WK427")
