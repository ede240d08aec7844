"""Which side is next: what each side can fund, alternation, and the cap on the imbalance."""

from __future__ import annotations

import random
from decimal import Decimal

from .ledger import Progress
from .market import Side
from .settings import Settings, SidePolicy

FULLY_FUNDED_ORDERS = 10
"""A side that can fund this many of its largest orders counts as fully funded."""


def choose_sides(
    fundable: dict[Side, Decimal], min_order: Decimal, settings: Settings, progress: Progress, rng: random.Random
) -> tuple[list[Side], str]:
    """The sides that the next order may have, the first choice first, or none and the reason why neither will do.

    `fundable` is the largest notional each side can pay for and `min_order` the exchange's smallest, both in quote. A
    poor side is chosen less often, an empty one never, and one that `max_position_imbalance` forbids never. Where the
    sides take turns, an order that ended without a fill was none, and a side that can't be funded gives its turn away.
    """
    funded = [side for side in Side if fundable[side] >= min_order]
    if not funded:
        return [], _unfunded("neither side", fundable, min_order)
    allowed = [side for side in Side if is_allowed(side, settings, progress)]
    if not allowed:
        return [], "open orders have to fill or time out first: until then neither side keeps max_position_imbalance"
    sides = [side for side in allowed if side in funded]
    if not sides:
        return [], _unfunded(f"the {allowed[0].value} side, which has to be next,", fundable, min_order)
    if settings.side_policy is SidePolicy.ALTERNATE:
        first = min(sides, key=progress.turns)
    else:
        first = rng.choices(sides, [_funding_weight(side, fundable[side], settings) for side in sides])[0]
    return [first, *(side for side in sides if side is not first)], ""


def is_any_allowed(settings: Settings, progress: Progress) -> bool:
    """Whether `max_position_imbalance` lets an order through on either side, funds aside."""
    return any(is_allowed(side, settings, progress) for side in Side)


def is_allowed(side: Side, settings: Settings, progress: Progress) -> bool:
    """Whether |bought - sold| / target is within its cap even if all that is open on this side fills and nothing else.

    One more order may then pass the cap by no more than itself.
    """
    skew = progress.committed_quote(side) - progress.filled_on(side.opposite)
    return skew <= settings.max_position_imbalance * progress.target_quote


def _funding_weight(side: Side, fundable: Decimal, settings: Settings) -> float:
    _, largest = settings.amount_range(side)
    return float(min(fundable / (largest * FULLY_FUNDED_ORDERS), Decimal(1)))


def _unfunded(who: str, fundable: dict[Side, Decimal], min_order: Decimal) -> str:
    return (
        f"{who} can fund an order of the exchange's minimum of {min_order:.2f} in quote: free balances pay for "
        f"{fundable[Side.BUY]:.2f} of buying and {fundable[Side.SELL]:.2f} of selling"
    )
