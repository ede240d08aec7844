"""What a check of an exchange comes to: a row for each thing that was looked at, and how it is judged. Pure."""

from __future__ import annotations

import decimal
import typing
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal

from ..accounting.trade_ids import ExchangeTrade
from ..decision.sizing import smallest_quantity
from ..model.basics import ONE, ZERO, Side, bps, round_to_step
from ..model.formats import percent
from ..model.instrument import MarketRules

FARTHEST = Decimal("0.2")
"""How far from the touch the order of a check rests."""
NEAREST = Decimal("0.05")
"""An order that has to rest nearer than this, by the exchange's own rules, is not placed."""
CLOCKS_APART_S = 1.0
"""Exchanges refuse what seems to come from further in the future."""


@dataclass(frozen=True, slots=True)
class Row:
    """One thing that was looked at: whether it works, None when that was not tried, and a sentence."""

    name: str
    ok: bool | None
    text: str


def works(name: str, text: str) -> Row:
    return Row(name, True, text)


def fails(name: str, text: str) -> Row:
    return Row(name, False, text)


def untried(name: str, text: str) -> Row:
    return Row(name, None, text)


def all_work(rows: Iterable[Row]) -> bool:
    """Whether nothing failed; what was not tried did not."""
    return all(row.ok is not False for row in rows)


def last_sentence(title: str, rows: Sequence[Row]) -> str:
    """What the rows come to."""
    failed = [row.name for row in rows if row.ok is False]
    left = [row.name for row in rows if row.ok is None]
    not_tried = f" Not tried: {', '.join(left)}." if left else ""
    if failed:
        return f"{title}: {len(failed)} of {len(rows)} not ok: {', '.join(failed)}.{not_tried}"
    return f"{title}: all that was tried is ok.{not_tried}"


def judge_clock(name: str, ahead_s: float, uncertain_s: float) -> Row:
    """:param ahead_s: how far the exchange's clock is ahead of ours; `uncertain_s` is how well that is known."""
    if abs(ahead_s) - uncertain_s <= CLOCKS_APART_S:
        return works(name, f"within {max(abs(ahead_s), uncertain_s):.1f} s of this computer's")
    where = "ahead of" if ahead_s > 0 else "behind"
    return fails(
        name,
        f"the exchange's clock is {abs(ahead_s):.1f} s {where} this computer's: set this one right, or orders are "
        "refused as too old or too new",
    )


def judge_order_size(name: str, rules: MarketRules, price: Decimal, most_quote: Decimal | None) -> Row:
    """Whether the settings let an order be as large as the exchange wants it.

    :param most_quote: their largest order, in quote; None where they are in another currency.
    """
    least = rules.min_order_notional(price)
    told = f"the exchange's smallest order is {least.normalize():f} {rules.quote}"
    if most_quote is None:
        return works(name, told)
    if least > most_quote:
        return fails(name, f"{told}, above the largest one of the settings, {most_quote:f}")
    return works(name, f"{told}; the settings go up to {most_quote:f}")


def spread_bps(best_bid: Decimal, best_ask: Decimal) -> Decimal:
    """Between bid and ask, in basis points of their middle."""
    return bps(best_ask - best_bid, (best_ask + best_bid) / 2)


def judge_trades(name: str, trades: Sequence[ExchangeTrade], symbol: str) -> Row:
    """Whether an exchange states of its trades what is counted."""
    if not trades:
        return untried(
            name, f"no trade of this account in {symbol} is shown: its ids and fees can be looked at after one"
        )
    if missing := _missing(trades):
        return fails(name, f"of the last {_counted(trades)}: {', '.join(missing)}")
    assets = sorted({charge.asset for trade in trades for charge in trade.charges})
    return works(name, f"the last {_counted(trades)}: ids, order ids and fees (in {', '.join(assets)}) are there")


def _missing(trades: Sequence[ExchangeTrade]) -> list[str]:
    """What is missing, and of how many."""
    ids = [trade.trade_id for trade in trades if trade.trade_id]
    charges = [[charge for charge in trade.charges if charge.amount is not None] for trade in trades]
    counts = {
        "without an id": sum(not trade.trade_id for trade in trades),
        "with the id of another one": len(ids) - len(set(ids)),
        "without the id of their order": sum(not trade.exchange_order_id for trade in trades),
        "without a time": sum(trade.at is None for trade in trades),
        "without a fee": sum(not told for told in charges),
        "with a fee in no currency": sum(any(not charge.asset for charge in told) for told in charges),
    }
    return [f"{count} {what}" for what, count in counts.items() if count]


def _counted(trades: Sequence[typing.Any]) -> str:
    return "trade" if len(trades) == 1 else f"{len(trades)} trades"


def rules_text(rules: MarketRules) -> str:
    """Steps, minimums and fees of a market, in words."""
    least = f"{rules.min_quantity:f} {rules.base}" if rules.min_quantity else ""
    worth = f"{rules.min_notional:f} {rules.quote}" if rules.min_notional else ""
    fees = f"fees {percent(rules.maker_fee_rate)} maker, {percent(rules.taker_fee_rate)} taker"
    return (
        f"price step {rules.price_tick:f}, quantity step {rules.quantity_step:f}, at least "
        f"{' and '.join(filter(None, (least, worth))) or 'one step'}; {fees}"
    )


@dataclass(frozen=True, slots=True)
class CheckRequest:
    """What to check.

    `of_profile` is the exchange's entry in the profile, `profile` its folder, `settings` the file in it that holds the
    settings of the mode; `save` is a folder for the answers, empty for none.
    """

    exchange: str
    symbols: list[str]
    profile: str
    settings: str
    of_profile: dict[str, typing.Any]
    most_quote: str | None
    is_order_wanted: bool
    save: str


@dataclass(frozen=True, slots=True)
class Market:
    """What a far order is worked out from: the touch, the free balances, and the prices that the exchange takes."""

    best_bid: Decimal
    best_ask: Decimal
    base_free: Decimal
    quote_free: Decimal
    rules: MarketRules
    lowest_bid: Decimal = ZERO
    highest_ask: Decimal | None = None


@dataclass(frozen=True, slots=True)
class FarOrder:
    """The smallest order that the exchange takes, at a price at which nobody trades."""

    side: Side
    quantity: Decimal
    price: Decimal
    distance: Decimal
    """From the touch, as a ratio of it."""


def plan_far_order(market: Market) -> FarOrder | str:
    """A buy where there is quote for it, else a sell; a sentence when neither can be placed."""
    plans = [plan for side in Side if (plan := _far_order(side, market)) is not None]
    if not plans:
        return (
            f"the exchange lets no order rest {NEAREST:.0%} from the market price: its price limits are "
            f"{market.lowest_bid:f} and {'none' if market.highest_ask is None else f'{market.highest_ask:f}'}"
        )
    for plan in plans:
        if _is_funded(plan, market):
            return plan
    rules = market.rules
    needed = " or ".join(_needed(plan, rules) for plan in plans)
    has = f"{market.base_free:f} {rules.base} and {market.quote_free:f} {rules.quote}"
    return f"the smallest order needs {needed} free, and the account has {has}"


def _far_order(side: Side, market: Market) -> FarOrder | None:
    rules, is_buy = market.rules, side is Side.BUY
    touch = market.best_bid if is_buy else market.best_ask
    if is_buy:
        wanted = max(touch * (ONE - FARTHEST), market.lowest_bid)
        price = round_to_step(wanted, rules.tick_at(wanted), decimal.ROUND_CEILING)
    else:
        wanted = touch * (ONE + FARTHEST)
        highest = wanted if market.highest_ask is None else min(wanted, market.highest_ask)
        price = round_to_step(highest, rules.tick_at(highest), decimal.ROUND_FLOOR)
    distance = abs(price / touch - ONE)
    if distance < NEAREST or (price > touch) is is_buy:
        return None
    return FarOrder(side, smallest_quantity(price, rules), price, distance)


def _is_funded(plan: FarOrder, market: Market) -> bool:
    if plan.side is Side.SELL:
        return plan.quantity <= market.base_free
    rules = market.rules
    return rules.notional(plan.quantity, plan.price) * (1 + rules.worst_fee_rate) <= market.quote_free


def _needed(plan: FarOrder, rules: MarketRules) -> str:
    if plan.side is Side.SELL:
        return f"{plan.quantity:f} {rules.base}"
    return f"{rules.notional(plan.quantity, plan.price):f} {rules.quote}"
