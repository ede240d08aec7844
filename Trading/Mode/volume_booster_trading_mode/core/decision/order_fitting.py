"""Fits one order to headroom, balances, book, the exchange's limits and the share of the market's volume."""

from __future__ import annotations

from decimal import Decimal

from ..model.basics import OrderType, Side
from ..model.orders import OrderIntent
from ..model.snapshot import MarketSnapshot
from ..settings.schema import Settings
from . import futures_position, sizing, spending
from .guards import largest_order, participation_an_hour
from .situation import Situation
from .timing import pacing


def intent(
    side: Side,
    order_type: OrderType,
    quantity: Decimal,
    price: Decimal,
    snapshot: MarketSnapshot,
    spent: Decimal | None = None,
) -> OrderIntent:
    reduce_only = snapshot.futures is not None and futures_position.reduces(side, snapshot.futures)
    return OrderIntent(
        side,
        order_type,
        quantity,
        price,
        snapshot.mid_price,
        snapshot.worth,
        reduce_only=reduce_only,
        quote_quantity=spent,
    )


def closes(intent: OrderIntent, snapshot: MarketSnapshot, settings: Settings) -> bool:
    """Whether an order takes off what has to be gone at the end anyway."""
    return futures_position.is_to_be_closed(snapshot, settings) and (
        snapshot.futures is not None and intent.side is futures_position.closing_side(snapshot.futures)
    )


def spending_of(side: Side, price: Decimal, snapshot: MarketSnapshot, settings: Settings) -> spending.Spending | None:
    """What bounds an order that is placed by the quote to spend; None where it is by quantity, as all futures are."""
    worst = spending.worst_price(snapshot, settings) if snapshot.asks else None
    found = spending.spending(side, settings.order_type.sends, price, snapshot.rules, worst)
    return None if snapshot.futures is not None else found


def smallest(side: Side, price: Decimal, snapshot: MarketSnapshot, settings: Settings) -> Decimal:
    """The exchange's smallest order, in quote."""
    spends = spending_of(side, price, snapshot, settings)
    return snapshot.rules.min_order_notional(price) if spends is None else spends.smallest


def fitted(
    side: Side, drawn: Decimal, price: Decimal, headroom: Decimal, situation: Situation, may_reach: bool
) -> tuple[Decimal, OrderIntent | None]:
    """The notional that is wanted, and the order that comes nearest to it."""
    snapshot, settings = situation.snapshot, situation.settings
    if spends := spending_of(side, price, snapshot, settings):
        notional, spent = _spent(spends, drawn, headroom, situation, may_reach)
        quantity = None if spent is None else spends.quantity(spent)
    else:
        sized, spent = _sized if snapshot.futures is None else _sized_on_futures, None
        notional, quantity = sized(side, drawn, price, headroom, situation, may_reach)
    return notional, None if quantity is None else intent(
        side, settings.order_type.sends, quantity, price, snapshot, spent
    )


def _spent(
    spends: spending.Spending, drawn: Decimal, headroom: Decimal, situation: Situation, may_reach: bool
) -> tuple[Decimal, Decimal | None]:
    snapshot, settings = situation.snapshot, situation.settings
    most_quote = largest_quote(situation)
    notional = min(sizing.clip_to_headroom(drawn, headroom, spends.smallest), most_quote)
    fundable = sizing.fundable_notional(Side.BUY, spends.price, snapshot.rules, snapshot.balances, settings)
    limits = fundable, spending.reachable_quote(snapshot, settings)
    reach = notional >= headroom and may_reach
    return notional, spends.fit(headroom if reach else notional, limits, most=most_quote, reach=reach)


def _sized(
    side: Side, drawn: Decimal, price: Decimal, headroom: Decimal, situation: Situation, may_reach: bool
) -> tuple[Decimal, Decimal | None]:
    snapshot, settings = situation.snapshot, situation.settings
    rules, most_quote = snapshot.rules, largest_quote(situation)
    notional = min(sizing.clip_to_headroom(drawn, headroom, rules.min_order_notional(price)), most_quote)
    # an order that has to reach is rounded up, but not above the largest
    most = max(rules.quantity(most_quote, price), sizing.smallest_quantity(price, rules))
    quantity = sizing.fit_quantity(
        notional,
        price,
        sizing.fundable_notional(side, price, rules, snapshot.balances, settings),
        rules,
        reach=notional >= headroom and may_reach,
        most_quantity=_cut_to_book(most, side, snapshot, settings),
    )
    return notional, quantity


def _sized_on_futures(
    side: Side, drawn: Decimal, price: Decimal, headroom: Decimal, situation: Situation, may_reach: bool
) -> tuple[Decimal, Decimal | None]:
    snapshot, settings = situation.snapshot, situation.settings
    rules, most_quote = snapshot.rules, largest_quote(situation)
    most = _cut_to_book(rules.quantity(most_quote, price), side, snapshot, settings)
    wanted, is_last = futures_position.wanted(
        side, drawn, headroom, rules.min_order_notional(price), snapshot, settings
    )
    notional, reach = min(wanted, most_quote), is_last and may_reach
    return notional, futures_position.fit(side, notional, price, snapshot, settings, reach=reach, most_quantity=most)


def _cut_to_book(quantity: Decimal, side: Side, snapshot: MarketSnapshot, settings: Settings) -> Decimal:
    """As much of it as a market order may take from the book; all of it where it takes nothing or none was read."""
    reachable = sizing.reachable_quantity(side, snapshot, settings) if takes(settings) else None
    return quantity if reachable is None else min(quantity, reachable)


def takes(settings: Settings) -> bool:
    return settings.order_type.sends is OrderType.MARKET


def largest_quote(situation: Situation) -> Decimal:
    """The largest order for the equity and for this hour's share of the market."""
    snapshot = situation.snapshot
    most = largest_order(situation.settings, snapshot.risk_inputs.equity.now_quote)
    return most if snapshot.risk_inputs.day_volume_quote is None else min(most, hour_left(situation))


def does_not_fit(side: Side, notional: Decimal, snapshot: MarketSnapshot, settings: Settings) -> str:
    reachable = sizing.reachable_quantity(side, snapshot, settings) if takes(settings) else None
    if reachable is not None and snapshot.rules.notional(reachable, snapshot.mid_price) < notional:
        return (
            f"the order book has {reachable:f} {snapshot.rules.base} for a market {side.value} within max_slippage_bps "
            f"{settings.max_slippage_bps:g} of the mid, too little for an order"
        )
    return f"a {side.value} of {snapshot.rules.shown(notional)} does not fit the balance and the exchange's limits"


def participation_delay(intent: OrderIntent, situation: Situation) -> float:
    snapshot = situation.snapshot
    volume = snapshot.risk_inputs.day_volume_quote
    if volume is None:
        return 0.0
    allowance = participation_an_hour(volume, situation.settings)
    used = allowance - hour_left(situation)
    return pacing.participation_delay(intent.notional, snapshot.now, used, allowance)


def hour_left(situation: Situation) -> Decimal:
    """What may still be filled in this hour of the clock; only for a market whose volume is known."""
    snapshot, progress = situation.snapshot, situation.progress
    assert snapshot.risk_inputs.day_volume_quote is not None
    open_quote = progress.open_here_quote(Side.BUY) + progress.open_here_quote(Side.SELL)
    allowance = participation_an_hour(snapshot.risk_inputs.day_volume_quote, situation.settings)
    return allowance - snapshot.risk_inputs.hour_filled_quote - open_quote
