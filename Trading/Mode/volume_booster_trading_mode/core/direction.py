"""Which side is next: what each side can fund, alternation, and the cap on the imbalance."""

from __future__ import annotations

import random
from decimal import Decimal

from .ledger import Progress
from .market import Side
from .settings import Settings, SidePolicy

FULLY_FUNDED_ORDERS = 10
"""A side that can fund this many of its largest orders counts as fully funded."""


def choose_side(
    fundable: dict[Side, Decimal], min_order: Decimal, settings: Settings, progress: Progress, rng: random.Random
) -> tuple[Side | None, str]:
    """The side of the next order, or None and the reason why neither will do.

    `fundable` is the largest notional each side can pay for and `min_order` the exchange's smallest, both in quote. A
    poor side is chosen less often, an empty one never. Above `max_position_imbalance` only the side that brings the
    imbalance back is allowed.
    """
    funded = [side for side in Side if fundable[side] >= min_order]
    if not funded:
        return None, _unfunded("neither side", fundable, min_order)
    forced = forced_side(settings, progress)
    if forced is None and settings.side_policy is SidePolicy.ALTERNATE:
        forced = progress.last_side.opposite if progress.last_side else Side.BUY
    if forced is not None:
        if forced in funded:
            return forced, ""
        return None, _unfunded(f"the {forced.value} side, which has to be next,", fundable, min_order)
    weights = [_funding_weight(side, fundable[side], settings) for side in funded]
    return rng.choices(funded, weights)[0], ""


def forced_side(settings: Settings, progress: Progress) -> Side | None:
    """The only side allowed when |bought - sold| / target, open orders included, is above its cap; else None."""
    skew = progress.committed_quote(Side.BUY) - progress.committed_quote(Side.SELL)
    if abs(skew) <= settings.max_position_imbalance * progress.target_quote:
        return None
    return Side.SELL if skew > 0 else Side.BUY


def _funding_weight(side: Side, fundable: Decimal, settings: Settings) -> float:
    _, largest = settings.amount_range(side)
    return float(min(fundable / (largest * FULLY_FUNDED_ORDERS), Decimal(1)))


def _unfunded(who: str, fundable: dict[Side, Decimal], min_order: Decimal) -> str:
    return (
        f"{who} can fund an order of the exchange's minimum of {min_order:.2f} in quote: free balances pay for "
        f"{fundable[Side.BUY]:.2f} of buying and {fundable[Side.SELL]:.2f} of selling"
    )
