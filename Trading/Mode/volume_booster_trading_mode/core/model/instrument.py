"""What is traded: the rules of a symbol, and what a quantity of it is worth."""

from __future__ import annotations

import decimal
from dataclasses import dataclass
from decimal import Decimal

from .basics import ONE, ZERO, Quantity, QuoteAmount, Ratio, Role, Side, round_to_step
from .formats import shown


def base_of(symbol: str) -> str:
    """What a pair or contract trades: BTC of BTC/USDT and of BTC/USDT:USDT."""
    return symbol.partition("/")[0]


def quote_of(symbol: str) -> str:
    """What its prices are in: USDT of BTC/USDT and of BTC/USDT:USDT, whatever it is settled in; empty for no pair."""
    return symbol.partition("/")[2].partition(":")[0]


@dataclass(frozen=True, slots=True)
class Valuation:
    """What a quantity of a market is worth: in the market's quote, and in the currency that the campaign counts in.

    On spot a quantity is in base and worth quantity x price. `contract_size` is what one contract stands for: base, or
    quote where it `is_inverse`. `quote_rate` is what one of the market's quote is worth in the campaign's currency when
    the order is decided on.

    A linear contract (BTC/USDT:USDT) is worth contracts x size x price and gains contracts x size x (exit - entry), in
    quote. An inverse one (BTC/USD:BTC) is worth contracts x size whatever the price, and gains contracts x size x
    (1 / entry - 1 / exit), in base; its fees and margin are in base, too. These are the formulas of Binance's "COIN-M
    Futures Contract Specifications" and "How to Calculate Profit and Loss for COIN-M Futures", and OctoBot's own
    (`linear_position.py`, `inverse_position.py`). What a trade is off the mid, priced at the trade's own price, is then
    contracts x size x (1 / mid - 1 / price) x price = base at the mid x (price - mid), as on spot.
    """

    quote_rate: Ratio = ONE
    contract_size: Ratio = ONE
    is_inverse: bool = False

    def notional(self, quantity: Decimal, price: Decimal) -> Decimal:
        """In the market's quote."""
        if self is SPOT:
            return quantity * price
        contracts = quantity * self.contract_size
        return contracts if self.is_inverse else contracts * price

    def quantity(self, notional: Decimal, price: Decimal) -> Decimal:
        """The quantity that is worth so much of the market's quote."""
        if self is SPOT:
            return notional / price
        return notional / self.contract_size if self.is_inverse else notional / (self.contract_size * price)

    def volume(self, quantity: Decimal, price: Decimal) -> Decimal:
        """In the campaign's currency."""
        if self is SPOT:
            return quantity * price
        return self.notional(quantity, price) * self.quote_rate

    def slippage(self, side: Side, quantity: Decimal, price: Decimal, mid_price: Decimal) -> Decimal:
        """What a trade cost against the mid, in the campaign's currency; negative when it was better than the mid."""
        paid_above_mid = price - mid_price if side is Side.BUY else mid_price - price
        if self is SPOT:
            return quantity * paid_above_mid
        return self.base(quantity, mid_price) * paid_above_mid * self.quote_rate

    def exposure(self, quantity: Decimal, price: Decimal) -> Decimal:
        """What a mid is multiplied with, or of an inverse contract divided into, in `slippage`."""
        if self is SPOT:
            return quantity
        if self.is_inverse:
            return self.volume(quantity, price) * price
        return quantity * self.contract_size * self.quote_rate

    def base(self, quantity: Decimal, price: Decimal) -> Decimal:
        """The base that a quantity stands for at a price."""
        contracts = quantity * self.contract_size
        return contracts / price if self.is_inverse else contracts

    def price(self, price: Decimal) -> Decimal:
        """A price of the market in the campaign's currency."""
        return price if self is SPOT else price * self.quote_rate


SPOT = Valuation()
"""Base for quote, in the currency that the campaign counts in."""


@dataclass(frozen=True, slots=True)
class MarketRules:
    """What the exchange accepts on one symbol. Prices in quote per base, quantities in base, notionals in quote.

    A maximum of None means that the exchange states none. On futures the `valuation` says what a quantity is.
    """

    base: str
    quote: str
    price_tick: QuoteAmount
    quantity_step: Quantity
    min_quantity: Quantity
    min_notional: QuoteAmount
    max_quantity: Quantity | None = None
    max_notional: QuoteAmount | None = None
    maker_fee_rate: Ratio = ZERO
    taker_fee_rate: Ratio = ZERO
    valuation: Valuation = SPOT
    quote_step: QuoteAmount | None = None
    """Where market buys are placed by the quote to spend: the step of that amount. None where they are by quantity."""
    price_digits: int | None = None
    """The most significant digits that a price may have; None where only its tick counts."""
    widest_tick: QuoteAmount | None = None
    """Where significant digits count: the tick that is never exceeded, 1 where whole prices may have any number."""

    def shown(self, amount: Decimal) -> str:
        """An amount of the quote, for people."""
        return shown(amount, self.quote)

    def fee_rate(self, role: Role) -> Decimal:
        """What a fill of this role is charged, as a ratio of its notional; below zero where it is paid."""
        return self.maker_fee_rate if role is Role.MAKER else self.taker_fee_rate

    @property
    def worst_fee_rate(self) -> Decimal:
        """The most that a fill is charged, as a ratio of its notional; never below zero."""
        return max(self.maker_fee_rate, self.taker_fee_rate, ZERO)

    def tick_at(self, price: Decimal) -> Decimal:
        """The step of prices as high as this one. It is a multiple of that of lower prices."""
        if self.price_digits is None:
            return self.price_tick
        tick = ONE.scaleb(price.adjusted() + 1 - self.price_digits)
        if self.widest_tick is not None:
            tick = min(tick, self.widest_tick)
        return max(tick, self.price_tick)

    def min_order_notional(self, price: Decimal) -> Decimal:
        """The smallest notional, in quote, of an order that the exchange accepts at this price."""
        quantity = max(
            round_to_step(self.min_quantity, self.quantity_step, decimal.ROUND_CEILING),
            round_to_step(self.quantity(self.min_notional, price), self.quantity_step, decimal.ROUND_CEILING),
            self.quantity_step,
        )
        return self.notional(quantity, price)

    def notional(self, quantity: Decimal, price: Decimal) -> Decimal:
        """What a quantity is worth at a price, in quote."""
        return self.valuation.notional(quantity, price)

    def quantity(self, notional: Decimal, price: Decimal) -> Decimal:
        """How much is worth so much quote at a price."""
        return self.valuation.quantity(notional, price)
