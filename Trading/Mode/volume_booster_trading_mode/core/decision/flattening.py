"""Trading the inventory back to its start: at the end of a campaign, and in an emergency. Pure.

The emergency stop trades the inventory back where `emergency_flatten` is on, and closes any position on futures; with
`end_of_campaign` flatten it goes back when the target is reached. That costs a fee and a spread, too, at a moment when
nobody looks at a budget. So with the next order there has to be left in the budget what trading back would cost after
it, at its worst. A market order takes no price further from the mid than `max_slippage_bps`; what the inventory is
worth by then depends on the price, so the order itself is cut once more to what the budgets leave (`affordable`).

With `end_of_campaign` drain nothing is traded back after the target: the last orders do it, see `draining_room`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from decimal import Decimal

from ..accounting.progress import Progress
from ..model.basics import ONE, TEN_THOUSAND, ZERO, OrderType, Side
from ..model.instrument import MarketRules, Valuation
from ..model.orders import OrderIntent
from ..model.snapshot import Level
from ..settings.schema import EndOfCampaign, Settings
from . import sizing, spending
from .situation import Situation
from .worst_cost import worst_unmeasured_cost


def market_cost_rate(fee_rate: Decimal, settings: Settings, *, is_simulated: bool) -> Decimal:
    """The most that a market order costs, as a ratio of its worth at the mid; OctoBot's simulator fills at the mid."""
    slippage_rate = ZERO if is_simulated else settings.max_slippage_bps / TEN_THOUSAND
    return slippage_rate + fee_rate * (1 + slippage_rate)


def trades_back(settings: Settings) -> bool:
    """Whether the settings want market orders that trade an inventory back, in an emergency or at the end."""
    return settings.emergency_flatten or settings.end_of_campaign is EndOfCampaign.FLATTEN


def is_reserved(situation: Situation) -> bool:
    """Whether what trading the inventory back may cost is kept free in the budgets."""
    return trades_back(situation.settings) or situation.snapshot.futures is not None


def reserve(situation: Situation, intent: OrderIntent | None = None) -> Decimal:
    """The most that trading all inventory back may cost when this order and all that is open have filled; in quote."""
    snapshot, settings = situation.snapshot, situation.settings
    is_reducing = intent is not None and (intent.reduce_only or intent.is_flattening)
    if not is_reserved(situation) or is_reducing:
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


@dataclass(frozen=True, slots=True, order=True)
class Limit:
    """The largest order that something allows, in quote, and in words why it is not more."""

    quote: Decimal
    reason: str


TOO_SMALL = "it is less than the exchange's smallest order"
UNPAID = "the balance does not pay for it"


def budget_limit(
    settings: Settings, progress: Progress, fee_rate: Decimal, quote_rate: Decimal = ONE, *, is_simulated: bool
) -> Limit:
    """:param quote_rate: what one of the market's quote is worth in the currency of settings and progress."""
    paid_for, key = affordable(settings, progress, fee_rate, is_simulated=is_simulated)
    return Limit(paid_for / quote_rate, f"{key} does not pay for more of it at its worst")


def book_limit(levels: Iterable[Level], price: Decimal, settings: Settings) -> Limit:
    """What a side of the order book holds that is no further from the mid than `max_slippage_bps`."""
    reach = sizing.within_slippage(levels, price, settings) * price
    return Limit(reach, "the order book has too little within max_slippage_bps")


def flattening_order(
    held: Decimal, price: Decimal, limits: Iterable[Limit], rules: MarketRules, worth: Valuation
) -> tuple[OrderIntent | None, str]:
    """The market order that brings so much base back, None when there can be none; and why none, or not for all."""
    least = min(limits)
    intent = spending.flattening_order(held, price, least.quote, rules, worth)
    is_cut = least.quote < abs(held) * price
    return intent, least.reason if is_cut else "" if intent else TOO_SMALL


def held_base(progress: Progress, market: tuple[str, str]) -> Decimal:
    """What the fills of the campaign have added to the base of a spot market; below zero for what they took."""
    return sum((one.base for one in progress.holdings if (one.exchange, one.symbol) == market), ZERO)


def is_to_be_traded_back(progress: Progress, settings: Settings, market: tuple[str, str]) -> bool:
    """Whether, on spot, a campaign that has reached its target still has an inventory that should not stay."""
    is_kept = settings.end_of_campaign is EndOfCampaign.KEEP
    return progress.is_done and not is_kept and bool(held_base(progress, market))


def is_drained(situation: Situation) -> bool:
    """Whether the last orders have to bring the inventory back; on futures the position's own rules do."""
    return situation.settings.end_of_campaign is EndOfCampaign.DRAIN and situation.snapshot.futures is None


def draining_room(side: Side, situation: Situation, headroom_quote: Decimal) -> Decimal | None:
    """The largest order on a side after which the inventory can still be brought back within the target, in quote.

    Bringing back is volume, too: an order of x takes x of what is left to the target, h, and moves the inventory as the
    side sees it, d, to d + x, which has to be no more than what is left: d + x <= h - x, so x <= (h - d) / 2. All that
    is open counts as filled; where only a part of it fills, less has to be brought back or more is left to do it with.

    None where nothing holds the order back: it makes the inventory smaller, and what is left is what that takes, to
    less than the exchange's smallest order. Zero where the side has to wait.
    """
    seen = _pending_drift(situation) if side is Side.BUY else -_pending_drift(situation)
    smallest = situation.snapshot.rules.min_order_notional(situation.snapshot.mid_price)
    if seen <= 0 and headroom_quote - abs(seen) < smallest:
        return None
    room = (headroom_quote - seen) / 2
    if room >= smallest:
        return room
    return smallest if seen <= 0 else ZERO


def _pending_drift(situation: Situation) -> Decimal:
    """What the inventory of this market is worth at the mid once all that is open has filled; below zero when sold."""
    progress, mid = situation.progress, situation.snapshot.mid_price
    held = held_base(progress, _market(situation)) * mid
    return held + progress.open_here_quote(Side.BUY) - progress.open_here_quote(Side.SELL)
