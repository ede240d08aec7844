"""Market buys that are placed by the quote to spend, where an exchange takes nothing else: how much, and what it buys.

The exchange buys what the amount pays for and cuts that off to the step of quantities. So a fill is worth the amount or
up to one step less, never more, and its quantity depends on the price by then. An order that has to reach a notional
spends one step more than that, at the worst price that it may pay.
"""

from __future__ import annotations

import decimal
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from ..model.basics import TEN_THOUSAND, OrderType, Side, round_to_step
from ..model.instrument import MarketRules, Valuation
from ..model.orders import OrderIntent
from ..model.snapshot import MarketSnapshot
from ..settings.schema import Settings
from .sizing import fit_quantity


@dataclass(frozen=True, slots=True)
class Spending:
    """What bounds the amounts of such buys: the exchange's rules, and the expected and the worst price of a fill."""

    rules: MarketRules
    step: Decimal
    price: Decimal
    worst_price: Decimal

    @property
    def smallest(self) -> Decimal:
        """The smallest amount, in quote, that the exchange accepts and that buys something at any of the prices."""
        rules = self.rules
        least = max(round_to_step(rules.min_quantity, rules.quantity_step, decimal.ROUND_CEILING), rules.quantity_step)
        wanted = max(rules.min_order_notional(self.price), rules.notional(least, self.worst_price))
        return round_to_step(wanted, self.step, decimal.ROUND_CEILING)

    def fit(
        self, notional: Decimal, limits: Iterable[Decimal | None], *, most: Decimal | None = None, reach: bool = False
    ) -> Decimal | None:
        """The amount to spend, in quote, on its step; None when there is none.

        Rounded down, or up when what fills has to `reach` the notional, which it then exceeds by less than `smallest`.
        The exchange's smallest is above `most`; the `limits` and the exchange's maximums are above all.
        """
        spent = round_to_step(notional, self.step, decimal.ROUND_FLOOR)
        if reach:
            cut_off = self.rules.notional(self.rules.quantity_step, self.worst_price)
            spent = round_to_step(notional + min(cut_off, self.smallest - self.step), self.step, decimal.ROUND_CEILING)
        wanted = max(spent if most is None else min(spent, most), self.smallest)
        amounts = [wanted, *(limit for limit in (*limits, *self._maximums()) if limit is not None)]
        spent = round_to_step(min(amounts), self.step, decimal.ROUND_FLOOR)
        return spent if spent >= self.smallest else None

    def _maximums(self) -> Iterable[Decimal | None]:
        rules = self.rules
        return rules.max_notional, rules.max_quantity and rules.notional(rules.max_quantity, self.price)

    def quantity(self, spent: Decimal) -> Decimal:
        """What an amount is expected to buy."""
        rules = self.rules
        return round_to_step(rules.quantity(spent, self.price), rules.quantity_step, decimal.ROUND_FLOOR)


def spending(
    side: Side, order_type: OrderType, price: Decimal, rules: MarketRules, worst_price: Decimal | None = None
) -> Spending | None:
    """What bounds an order that spends quote; None for an order by quantity.

    :param worst_price: the highest that may be paid, where it is known.
    """
    if rules.quote_step is None or side is Side.SELL or order_type is OrderType.LIMIT:
        return None
    return Spending(rules, rules.quote_step, price, max(price, worst_price or price))


def worst_price(snapshot: MarketSnapshot, settings: Settings) -> Decimal:
    """The highest price at which a market buy may take from the book, by `max_slippage_bps`."""
    return snapshot.mid_price * (1 + settings.max_slippage_bps / TEN_THOUSAND)


def reachable_quote(snapshot: MarketSnapshot, settings: Settings) -> Decimal | None:
    """What the asks up to the worst price cost, in quote; None where the order book was not read."""
    if not snapshot.asks:
        return None
    worst = worst_price(snapshot, settings)
    costs = (snapshot.rules.notional(level.quantity, level.price) for level in snapshot.asks if level.price <= worst)
    return sum(costs, Decimal(0))


def flattening_order(
    base: Decimal,
    price: Decimal,
    fundable: Decimal,
    rules: MarketRules,
    worth: Valuation,
) -> OrderIntent | None:
    """The market order that sells so much base, or buys as much where it is below zero; None when none fits.

    :param fundable: the largest notional that balance, budgets and order book allow, in quote.
    """
    side, wanted = Side.SELL if base > 0 else Side.BUY, abs(base) * price
    spends = spending(side, OrderType.MARKET, price, rules)
    spent = None if spends is None else spends.fit(wanted, (fundable,))
    if spends is None:
        quantity = fit_quantity(wanted, price, fundable, rules)
    else:
        quantity = None if spent is None else spends.quantity(spent)
    if quantity is None or quantity > abs(base) + rules.quantity_step:
        return None
    return OrderIntent(side, OrderType.MARKET, quantity, price, price, worth, quote_quantity=spent, is_flattening=True)
