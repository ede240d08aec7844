"""The position on a market of futures, in one-way mode: how much of it may be opened or closed, and in which order.

Nothing that is sent can turn a position over, whatever fills and in which order: orders that take something off it add
up to no more than it is, and while there is none, orders rest on one side only. So a position is flattened before it is
opened on the other side. Its own part of the position the campaign brings back to zero with the target: see
`opening_room`.
"""

from __future__ import annotations

import decimal
import random
from collections.abc import Iterable
from dataclasses import dataclass, replace
from decimal import Decimal

from ..model.basics import ZERO, OrderType, Side, round_to_step
from ..model.instrument import SPOT, MarketRules, Valuation
from ..model.orders import OpenOrder, OrderIntent
from ..model.snapshot import FuturesAccount, MarketSnapshot
from ..settings.schema import EndOfCampaign, Settings
from .side import in_order, is_balanced
from .situation import Situation
from .sizing import HUNDRED, clip_to_headroom, fit_quantity, smallest_quantity

KEPT_SHARE_OF_CAP = Decimal("0.9")
"""No order may take the position further than this share of its cap, so that the price alone does not either."""
CLOSING_MARGIN = Decimal("0.005")
"""The last position is opened larger by this share, so that closing it reaches the target also when the price falls."""
LEAST_WEIGHT = Decimal("0.05")
"""A side that opens is chosen less and less often the nearer the position is to its cap, and at least so often."""


@dataclass(frozen=True, slots=True)
class Room:
    """The most that an order may be: a notional in quote, and where it takes something off a position, a quantity."""

    quote: Decimal
    quantity: Decimal | None = None

    def notional(self, price: Decimal, rules: MarketRules) -> Decimal:
        """What both leave, in quote."""
        most = self.quote if self.quantity is None else min(self.quote, rules.notional(self.quantity, price))
        return max(most, ZERO)


def signed(side: Side, quantity: Decimal) -> Decimal:
    """Seen from a side: above zero what lies on it, below what its orders take off."""
    return quantity if side is Side.BUY else -quantity


def reduces(side: Side, futures: FuturesAccount) -> bool:
    """Whether an order on this side takes something off the account's position."""
    return signed(side, futures.net_quantity) < 0


def room(side: Side, price: Decimal, snapshot: MarketSnapshot, settings: Settings) -> Room:
    """The most that an order on this side may be, for the margin, the cap on the position, and never through zero.

    Zero is that of the account's position and that of what this campaign has made of it; they are the same where nobody
    else trades the contract.
    """
    futures, step = _futures(snapshot), snapshot.rules.quantity_step
    to_zero = [
        round_to_step(max(-held - _open_quantity(side, snapshot.open_orders), ZERO), step, decimal.ROUND_FLOOR)
        for held in (signed(side, futures.net_quantity), signed(side, futures.own_quantity))
        if held < 0
    ]
    most_quote = exposure_room(side, snapshot, settings)
    if not reduces(side, futures):
        most_quote = min(most_quote, _margin_room(side, snapshot, settings))
    return Room(most_quote, min(to_zero, default=None))


def _margin_room(side: Side, snapshot: MarketSnapshot, settings: Settings) -> Decimal:
    """What the free margin opens; nothing beside a flat position that orders on the other side may open any moment."""
    futures = _futures(snapshot)
    if not futures.net_quantity and any(order.side is side.opposite for order in snapshot.open_orders):
        return ZERO
    return opening_power(futures, snapshot.rules, settings)


def opening_power(futures: FuturesAccount, rules: MarketRules, settings: Settings) -> Decimal:
    """The largest notional, in quote, that the free margin opens a position of.

    Order cost = initial margin + fee to open + fee to close at the bankruptcy price (Bybit's "Order Cost", for USDT and
    for inverse contracts, followed by OctoBot in `get_max_order_quantity_for_price`): at most
    notional x (1 / leverage + fee + fee x (1 + 1 / leverage)), for linear contracts in quote, for inverse ones in base.
    """
    fee_rate = rules.worst_fee_rate
    margin_rate = 1 / futures.leverage
    kept = 1 - settings.fee_buffer_percent / HUNDRED
    return futures.margin_free_quote * kept / (margin_rate + fee_rate * (2 + margin_rate))


def exposure_cap(snapshot: MarketSnapshot, settings: Settings) -> Decimal:
    """The most that the position may be worth, in quote."""
    return (
        max(snapshot.risk_inputs.equity.now_quote, ZERO) * settings.max_exposure_percent / HUNDRED * KEPT_SHARE_OF_CAP
    )


def exposure_room(side: Side, snapshot: MarketSnapshot, settings: Settings) -> Decimal:
    """What an order on this side may add before the cap, when all that is open on the side fills and nothing else."""
    open_quote = snapshot.rules.notional(_open_quantity(side, snapshot.open_orders), snapshot.mid_price)
    return exposure_cap(snapshot, settings) - signed(side, own_worth(snapshot)) - open_quote


def own_worth(snapshot: MarketSnapshot) -> Decimal:
    """What the campaign's own part of the position is worth at the mid, in quote; below zero for a short one."""
    own = _futures(snapshot).own_quantity
    worth = snapshot.rules.notional(abs(own), snapshot.mid_price)
    return worth if own > 0 else -worth


def opening_room(side: Side, snapshot: MarketSnapshot, settings: Settings, headroom_quote: Decimal) -> Decimal | None:
    """The largest order, in quote, after which closing all of the position does not exceed the target.

    Closing is volume, too: an order of x takes x of what is left to the target and puts x more of it aside. While less
    is left than two of the exchange's smallest orders, nothing is opened unless nothing is there that could be closed.
    None where the order takes something off the position, or where it need not be closed.
    """
    if not closes_at_end(settings) or signed(side, _futures(snapshot).own_quantity) < 0:
        return None
    min_order = snapshot.rules.min_order_notional(snapshot.mid_price)
    pending = _open_quantity(side, snapshot.open_orders) - _open_quantity(side.opposite, snapshot.open_orders)
    to_close = abs(own_worth(snapshot)) + snapshot.rules.notional(pending, snapshot.mid_price)
    left = (headroom_quote - max(to_close, ZERO)) / 2 * (1 + CLOSING_MARGIN)
    if left >= min_order:
        return left
    return ZERO if to_close or snapshot.open_orders else min_order


def smallest_rules(side: Side, snapshot: MarketSnapshot) -> MarketRules:
    """The exchange's rules for an order on this side.

    One that only reduces is free of the smallest notional: Binance's error -4164 says "no smaller than 5.0 (unless you
    choose reduce only)".
    """
    return replace(snapshot.rules, min_notional=ZERO) if reduces(side, _futures(snapshot)) else snapshot.rules


def most_notional(
    side: Side, price: Decimal, snapshot: MarketSnapshot, settings: Settings, headroom_quote: Decimal
) -> Decimal:
    """The most that an order on this side may be at a price, in quote."""
    most = room(side, price, snapshot, settings).notional(price, snapshot.rules)
    opening = opening_room(side, snapshot, settings, headroom_quote)
    return most if opening is None else min(most, opening)


def choose_sides(
    situation: Situation, headroom_quote: Decimal, rng: random.Random, preferred: Side | None = None
) -> tuple[list[Side], str]:
    """The sides that the next order may have, the first choice first, or none and the reason why neither will do.

    The nearer the position is to its cap, the less often it is made larger.
    """
    snapshot, settings, progress = situation.snapshot, situation.settings, situation.progress
    price = snapshot.mid_price
    most = {side: most_notional(side, price, snapshot, settings, headroom_quote) for side in Side}
    least = {side: smallest_rules(side, snapshot).min_order_notional(price) for side in Side}
    sides = [side for side in Side if most[side] >= least[side] and is_balanced(side, settings, progress)]
    if not sides:
        return [], _no_side(most, least, snapshot)
    weights = {side: _weight(side, snapshot, settings) for side in sides}
    return in_order(weights, settings, progress, rng, preferred), ""


def _weight(side: Side, snapshot: MarketSnapshot, settings: Settings) -> float:
    cap, held = exposure_cap(snapshot, settings), signed(side, own_worth(snapshot))
    return 1.0 if held <= 0 or not cap else float(max(1 - held / cap, LEAST_WEIGHT))


def _no_side(most: dict[Side, Decimal], least: dict[Side, Decimal], snapshot: MarketSnapshot) -> str:
    futures, shown = _futures(snapshot), snapshot.rules.shown
    at_most, at_least = ({side: shown(value) for side, value in of.items()} for of in (most, least))
    return (
        f"no order fits the position of {futures.net_quantity:+f} and the free margin of "
        f"{shown(futures.margin_free_quote)} at leverage {futures.leverage:g}: a buy may be at most "
        f"{at_most[Side.BUY]} and has to be {at_least[Side.BUY]}, a sell {at_most[Side.SELL]} and {at_least[Side.SELL]}"
    )


def is_unfunded(snapshot: MarketSnapshot, settings: Settings) -> bool:
    """Whether the free margin opens nothing, and there is no position that could be closed instead."""
    futures = _futures(snapshot)
    power = opening_power(futures, snapshot.rules, settings)
    return not futures.net_quantity and power < snapshot.rules.min_order_notional(snapshot.mid_price)


def wanted(
    side: Side,
    drawn: Decimal,
    headroom_quote: Decimal,
    min_order: Decimal,
    snapshot: MarketSnapshot,
    settings: Settings,
) -> tuple[Decimal, bool]:
    """How much of what was drawn is wanted, in quote, and whether it is the last order of its kind.

    What is opened leaves either nothing to open any more, or enough for one more order.
    """
    opening = opening_room(side, snapshot, settings, headroom_quote)
    if opening is not None:
        clipped = opening if opening - drawn < min_order else drawn
        return clipped, clipped == opening > snapshot.rules.min_order_notional(snapshot.mid_price)
    if closes_at_end(settings):
        return drawn, False
    clipped = clip_to_headroom(drawn, headroom_quote, min_order)
    return clipped, clipped >= headroom_quote


def fit(
    side: Side,
    notional: Decimal,
    price: Decimal,
    snapshot: MarketSnapshot,
    settings: Settings,
    *,
    reach: bool = False,
    most_quantity: Decimal | None = None,
) -> Decimal | None:
    """The quantity that the exchange, the margin and the position allow; None when there is none.

    What closes a position leaves none of it, or enough for one more order.
    """
    rules, limits = smallest_rules(side, snapshot), room(side, price, snapshot, settings)
    most = min((limit for limit in (limits.quantity, most_quantity) if limit is not None), default=None)
    fundable = limits.notional(price, rules) if limits.quantity is None else limits.quote
    quantity = fit_quantity(notional, price, fundable, rules, reach=reach, most_quantity=most)
    if quantity is None or limits.quantity is None:
        return quantity
    return _without_dust(quantity, limits.quantity, most_quantity, price, rules)


def _without_dust(
    quantity: Decimal, to_zero: Decimal, most_quantity: Decimal | None, price: Decimal, rules: MarketRules
) -> Decimal | None:
    smallest = smallest_quantity(price, rules)
    if not 0 < to_zero - quantity < smallest:
        return quantity
    if all(limit is None or to_zero <= limit for limit in (most_quantity, rules.max_quantity)):
        return to_zero
    less = round_to_step(to_zero - smallest, rules.quantity_step, decimal.ROUND_FLOOR)
    return less if less >= smallest else None


def closes_at_end(settings: Settings) -> bool:
    """Whether the campaign's part of the position is closed by the time the target is reached."""
    return settings.close_position_at_end or settings.end_of_campaign is not EndOfCampaign.KEEP


def is_to_be_closed(snapshot: MarketSnapshot, settings: Settings) -> bool:
    """Whether something of the position that the campaign has made is left, and should not be.

    Where the account has no position at all somebody has closed it already.
    """
    futures = snapshot.futures
    return bool(closes_at_end(settings) and futures is not None and futures.net_quantity and futures.own_quantity)


def closing_side(futures: FuturesAccount) -> Side:
    """Of the order that brings the campaign's part of the position back."""
    return Side.SELL if futures.own_quantity > 0 else Side.BUY


def closing_quantity(
    side: Side, price: Decimal, snapshot: MarketSnapshot, most_quote: Decimal, reachable: Decimal | None
) -> Decimal | None:
    """As much of the campaign's part of the position as one order may close, never through zero; None for nothing.

    :param most_quote: the largest order, in quote.
    :param reachable: what the book holds, None where it was not read.
    """
    futures, rules = _futures(snapshot), smallest_rules(side, snapshot)
    to_zero = abs(futures.own_quantity)
    if reduces(side, futures):
        to_zero = min(to_zero, abs(futures.net_quantity))
    to_zero = round_to_step(to_zero, rules.quantity_step, decimal.ROUND_FLOOR)
    limits = [rules.quantity(most_quote, price)]
    limits += [limit for limit in (reachable, rules.max_quantity) if limit is not None]
    smallest = smallest_quantity(price, rules)
    quantity = min(to_zero, *(round_to_step(limit, rules.quantity_step, decimal.ROUND_FLOOR) for limit in limits))
    if quantity < smallest:
        return None
    return _without_dust(quantity, to_zero, min(limits), price, rules)


def emergency_order(futures: FuturesAccount, price: Decimal, rules: MarketRules, worth: Valuation) -> OrderIntent | str:
    """The market order that closes the campaign's part of the position, in an emergency; or why there is none."""
    side = closing_side(futures)
    if not futures.net_quantity:
        return "the account has no position any more"
    is_reducing = reduces(side, futures)
    quantity = abs(futures.own_quantity)
    if is_reducing:
        quantity = min(quantity, abs(futures.net_quantity))
    if rules.max_quantity is not None:
        quantity = min(quantity, rules.max_quantity)
    quantity = round_to_step(quantity, rules.quantity_step, decimal.ROUND_FLOOR)
    if quantity < max(rules.min_quantity, rules.quantity_step):
        return "it is less than the exchange's smallest order"
    return OrderIntent(
        side, OrderType.MARKET, quantity, price, price, worth, reduce_only=is_reducing, is_flattening=True
    )


def planning_rules(rules: MarketRules, price: Decimal) -> MarketRules:
    """The same rules with quantities in base, at this price: what a plan counts in."""
    if not rules.valuation.is_inverse:
        return replace(rules, valuation=SPOT)

    def base(quantity: Decimal) -> Decimal:
        return rules.valuation.base(quantity, price)

    most = None if rules.max_quantity is None else base(rules.max_quantity)
    return replace(
        rules,
        quantity_step=base(rules.quantity_step),
        min_quantity=base(rules.min_quantity),
        max_quantity=most,
        valuation=SPOT,
    )


def _open_quantity(side: Side, orders: Iterable[OpenOrder]) -> Decimal:
    return sum((order.remaining_quantity for order in orders if order.side is side), ZERO)


def _futures(snapshot: MarketSnapshot) -> FuturesAccount:
    assert snapshot.futures is not None, "a market of futures"
    return snapshot.futures
