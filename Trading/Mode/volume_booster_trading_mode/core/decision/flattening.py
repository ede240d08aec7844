"""What trading the inventory back to its start may cost at worst: it is kept free in the budgets until it is needed.

The emergency stop trades the inventory back where `emergency_flatten` is on, and closes any position on futures. That
costs a fee and a spread, too, at a moment when nobody looks at a budget. So with the next order there has to be left in
the budget what trading back would cost after it, at its worst. A market order takes no price further from the mid than
`max_slippage_bps`; what the inventory is worth by then depends on the price, so the order itself is cut once more to
what the budgets leave (`affordable`). Pure.
"""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

from ..accounting.progress import Progress
from ..model.basics import TEN_THOUSAND, ZERO, OrderType, Side
from ..model.orders import OrderIntent
from ..settings.schema import Settings
from .situation import Situation
from .worst_cost import worst_unmeasured_cost


def market_cost_rate(fee_rate: Decimal, settings: Settings, *, is_simulated: bool) -> Decimal:
    """The most that a market order costs, as a ratio of its worth at the mid; OctoBot's simulator fills at the mid."""
    slippage_rate = ZERO if is_simulated else settings.max_slippage_bps / TEN_THOUSAND
    return slippage_rate + fee_rate * (1 + slippage_rate)


def is_reserved(situation: Situation) -> bool:
    """Whether what trading the inventory back may cost is kept free in the budgets."""
    return situation.settings.emergency_flatten or situation.snapshot.futures is not None


def reserve(situation: Situation, intent: OrderIntent | None = None) -> Decimal:
    """The most that trading all inventory back may cost when this order and all that is open have filled; in quote."""
    snapshot, settings = situation.snapshot, situation.settings
    if not is_reserved(situation) or (intent is not None and intent.reduce_only):
        return ZERO  # an order that only reduces needs less kept free after it than before
    fee_rate = max(snapshot.rules.worst_fee_rate, snapshot.risk_inputs.highest_fee_rate)
    rate = market_cost_rate(fee_rate, settings, is_simulated=snapshot.trading.is_simulated)
    return _largest_inventory(situation, intent) * rate


def _largest_inventory(situation: Situation, intent: OrderIntent | None) -> Decimal:
    """Of this market the largest that it may come to; of the others all that they hold, and all that is open."""
    progress, here = situation.progress, _market(situation)
    held_here = sum((abs(one.value_quote) for one in progress.holdings if (one.exchange, one.symbol) == here), ZERO)
    elsewhere = ZERO
    if progress.whole is not None:
        open_here = progress.open_here_quote(Side.BUY) + progress.open_here_quote(Side.SELL)
        elsewhere = progress.whole.inventory_quote - held_here + progress.whole.open_quote - open_here
    return max(map(abs, _drifts(situation, intent))) + max(elsewhere, ZERO)


def _drifts(situation: Situation, intent: OrderIntent | None) -> list[Decimal]:
    """Where the inventory of this market may stand, whatever fills of what is open and of an order that rests."""
    drift, progress = situation.snapshot.risk_inputs.equity.drift_quote, situation.progress
    bought, sold = (progress.open_here_quote(side) for side in (Side.BUY, Side.SELL))
    from_here = [drift]
    if intent is not None:
        after = drift + (intent.notional if intent.side is Side.BUY else -intent.notional)
        from_here = [after] if intent.order_type is OrderType.MARKET else [drift, after]
    return [end for start in from_here for end in (start, start + bought, start - sold)]


def _market(situation: Situation) -> tuple[str, str]:
    return situation.snapshot.exchange, situation.snapshot.symbol


def over_all(situation: Situation) -> Situation:
    """The same with what is open of all pairs together, for a budget that holds over all of them."""
    opened = situation.progress.open_of_all_quote
    progress = replace(situation.progress, open_buy_quote=opened, open_sell_quote=ZERO)
    return replace(situation, progress=progress)


def left_quote(settings: Settings, progress: Progress, budget_quote: Decimal) -> tuple[Decimal, str]:
    """What the budgets leave at this moment, in the campaign's currency, and the setting of the one that leaves least.

    What is filled and not measured yet counts at its worst.

    :param budget_quote: of the campaign since it was last resumed.
    """
    spent_quote = progress.guarded_cost_quote if settings.max_cost_quote is None else progress.spent_of_all_quote
    key = "max_cost_bps" if settings.max_cost_quote is None else "max_cost_quote"
    for_all = settings.max_cost_quote is not None
    unmeasured_quote = progress.unmeasured_of_all_quote if for_all else progress.guarded_unmeasured_quote
    lefts = [(budget_quote - spent_quote - worst_unmeasured_cost(unmeasured_quote, settings), key)]
    if settings.max_total_cost_quote is not None:
        spent_quote = progress.total_cost_quote + worst_unmeasured_cost(progress.total_unmeasured_quote, settings)
        lefts.append((settings.max_total_cost_quote - spent_quote, "max_total_cost_quote"))
    return min(lefts)


def affordable(settings: Settings, progress: Progress, fee_rate: Decimal, *, is_simulated: bool) -> tuple[Decimal, str]:
    """The largest market order that the budgets pay for at its worst, in the campaign's currency, and their setting.

    All that is open elsewhere may cost as much.
    """
    left, key = left_quote(settings, progress, settings.cost_budget(progress.target_quote))
    rate = market_cost_rate(fee_rate, settings, is_simulated=is_simulated)
    if not rate:
        return Decimal("Infinity"), key
    return max(left / rate - progress.open_of_all_quote, ZERO), key
