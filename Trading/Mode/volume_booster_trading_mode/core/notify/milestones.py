"""The milestones at which progress is announced."""

from __future__ import annotations

from decimal import Decimal

from ..accounting.ledger import Progress


def milestone(progress: Progress, every_percent: Decimal) -> Decimal:
    """The largest multiple of `every_percent` of the target that is filled, at most 100; 0 for never."""
    if not every_percent:
        return Decimal(0)
    percent = min(progress.filled_quote * 100 / progress.target_quote, Decimal(100))
    return percent // every_percent * every_percent
