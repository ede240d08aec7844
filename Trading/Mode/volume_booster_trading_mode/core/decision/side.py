"""Which side is next: what each side can fund, alternation, and the cap on the imbalance."""

from __future__ import annotations

import random
from decimal import Decimal

from ..accounting.ledger import Progress
from ..model.basics import Side
from ..model.formats import shown
from ..model.snapshot import Equity
from ..settings.schema import Settings, SidePolicy
from .sizing import HUNDRED

FULLY_FUNDED_ORDERS = 10
"""A side that can fund this many of its largest orders counts as fully funded."""
KEPT_SHARE_OF_EXPOSURE = Decimal("0.9")
"""No order is chosen that takes the inventory's drift further than this share of its cap."""


def choose_sides(
    fundable: dict[Side, Decimal],
    min_order: Decimal,
    settings: Settings,
    progress: Progress,
    equity: Equity,
    rng: random.Random,
    preferred: Side | None = None,
    quote: str = "",
) -> tuple[list[Side], str]:
    """The sides that the next order may have, the first choice first, or none and the reason why neither will do.

    `fundable` is the largest notional each side can pay for and `min_order` the exchange's smallest, both in quote. A
    poor side is chosen less often, an empty one never, and one that `max_position_imbalance` or `max_exposure_percent`
    forbids never. Where the sides take turns, an order that ended without a fill was none, and a side that can't be
    funded gives its turn away. A side that is `preferred` comes first wherever it may be had.
    """
    funded = [side for side in Side if fundable[side] >= min_order]
    if not funded:
        return [], _unfunded("neither side", fundable, min_order, quote)
    allowed = [side for side in Side if is_allowed(side, settings, progress, equity)]
    if not allowed:
        return [], (
            "open orders have to fill or time out first: until then neither side keeps max_position_imbalance and "
            "max_exposure_percent"
        )
    sides = [side for side in allowed if side in funded]
    if not sides:
        return [], _unfunded(f"the {allowed[0].value} side, which has to be next,", fundable, min_order, quote)
    weights = {side: _funding_weight(side, fundable[side], settings) for side in sides}
    return in_order(weights, settings, progress, rng, preferred), ""


def in_order(
    weights: dict[Side, float],
    settings: Settings,
    progress: Progress,
    rng: random.Random,
    preferred: Side | None,
) -> list[Side]:
    """The sides of these weights, the first choice first: by turns, or drawn by weight; `preferred` before both."""
    sides = list(weights)
    if preferred in weights:
        first = preferred
    elif settings.side_policy is SidePolicy.ALTERNATE:
        first = min(sides, key=progress.turns)
    else:
        first = rng.choices(sides, list(weights.values()))[0]
    return [first, *(side for side in sides if side is not first)]


def is_any_allowed(settings: Settings, progress: Progress, equity: Equity) -> bool:
    """Whether an order is let through on either side, funds aside."""
    return any(is_allowed(side, settings, progress, equity) for side in Side)


def is_allowed(side: Side, settings: Settings, progress: Progress, equity: Equity) -> bool:
    """Whether an order on this side keeps the caps of imbalance and exposure."""
    return is_balanced(side, settings, progress) and _is_exposed_enough(side, settings, progress, equity)


def is_balanced(side: Side, settings: Settings, progress: Progress) -> bool:
    """Whether |bought - sold| / target is within its cap even if all that is open on this side fills and nothing else.

    One more order may then pass the cap by no more than itself.
    """
    skew = progress.committed_quote(side) - progress.filled_on(side.opposite)
    return skew <= settings.max_position_imbalance * progress.target_quote


def _is_exposed_enough(side: Side, settings: Settings, progress: Progress, equity: Equity) -> bool:
    """Whether the inventory's drift leaves room for another of this side's largest orders, with what is open on it.

    The guard halts at the cap; here it is kept away from it, so that a rising price alone does not reach it.
    """
    drift = equity.drift_quote if side is Side.BUY else -equity.drift_quote
    open_quote = progress.open_here_quote(side)
    share, largest = settings.max_exposure_percent / HUNDRED * KEPT_SHARE_OF_EXPOSURE, _largest(side, settings, equity)
    if drift <= 0 or drift + open_quote + largest > equity.now_quote * share:
        return drift <= 0
    if not equity.of_all_quote:
        return True
    return equity.drift_of_all_quote + progress.open_of_all_quote + largest <= equity.of_all_quote * share


def _largest(side: Side, settings: Settings, equity: Equity) -> Decimal:
    return min(settings.amount_range(side)[1], equity.now_quote * settings.max_position_percent / HUNDRED)


def _funding_weight(side: Side, fundable: Decimal, settings: Settings) -> float:
    _, largest = settings.amount_range(side)
    return float(min(fundable / (largest * FULLY_FUNDED_ORDERS), Decimal(1)))


def _unfunded(who: str, fundable: dict[Side, Decimal], min_order: Decimal, quote: str) -> str:
    return (
        f"{who} can fund an order of the exchange's minimum of {shown(min_order, quote)} in quote: free balances pay "
        f"for {shown(fundable[Side.BUY], quote)} of buying and {shown(fundable[Side.SELL], quote)} of selling"
    )
