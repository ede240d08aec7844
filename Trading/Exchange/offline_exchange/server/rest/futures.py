"""USD-M futures of the local exchange: margin in quote, one position a market, on the order books of spot. Pure.

An account's futures orders go through a separate engine account that never lacks funds; its trades make the
position, and the margin limits its orders. One-way mode, isolated margin. A position is valued at the middle of
the book. There is no funding and no liquidation: this is for rehearsing trading.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from ..engine.accounts import FeeAsset, FeeSchedule
from ..engine.orders import ZERO, Order, Request, Side, Trade
from .exchange import Exchange

FEES = FeeSchedule(Decimal("0.0002"), Decimal("0.0005"), FeeAsset.QUOTE)
INITIAL_MARGIN = Decimal(10_000)
"""Of each quote that a market has: it is what the market's margin, profits and fees are in."""
DEFAULT_LEVERAGE = 20
MAX_LEVERAGE = 125
MAINTENANCE_RATE = Decimal("0.004")
FUNDING_RATE = Decimal("0.0001")
_UNLIMITED = Decimal(10) ** 18


class MarginError(Exception):
    """The margin is insufficient for an order."""


class ReduceOnlyError(Exception):
    """There is no position that the order could reduce."""


@dataclass(slots=True)
class Position:
    """One market's position at average cost. Above zero is long; `realised_quote` is before fees."""

    size_base: Decimal = ZERO
    entry_quote: Decimal = ZERO
    realised_quote: Decimal = ZERO
    fees_quote: Decimal = ZERO

    def trade(self, side: Side, quantity_base: Decimal, price_quote: Decimal, fee_quote: Decimal) -> None:
        """Apply a trade, which may reverse the position."""
        signed = quantity_base if side is Side.BUY else -quantity_base
        self.fees_quote += fee_quote
        if self.size_base * signed >= 0:
            held = abs(self.size_base)
            self.entry_quote = (held * self.entry_quote + quantity_base * price_quote) / (held + quantity_base)
        else:
            closed = min(quantity_base, abs(self.size_base))
            gain = price_quote - self.entry_quote
            self.realised_quote += closed * (gain if self.size_base > 0 else -gain)
            if quantity_base > closed:
                self.entry_quote = price_quote
        self.size_base += signed
        if not self.size_base:
            self.entry_quote = ZERO

    def unrealised(self, price_quote: Decimal) -> Decimal:
        """Unrealised profit at a price, in quote."""
        return self.size_base * (price_quote - self.entry_quote)

    def margin(self, leverage: int) -> Decimal:
        """Margin of the position, in quote."""
        return abs(self.size_base) * self.entry_quote / leverage

    def liquidation_price(self, leverage: int) -> Decimal:
        """Price at which the margin equals the maintenance margin; 0 without a position."""
        if not self.size_base:
            return ZERO
        left = 1 / Decimal(leverage) - MAINTENANCE_RATE
        return self.entry_quote * (1 - left if self.size_base > 0 else 1 + left)


class FuturesAccounts:
    """The futures accounts of an exchange, one for each of its accounts, opened when first used."""

    def __init__(self, exchange: Exchange) -> None:
        self.exchange = exchange
        self.leverage: dict[tuple[str, str], int] = {}
        self.reduce_only: set[int] = set()
        """Ids of the orders that may only reduce."""

    def engine_account(self, account: str) -> str:
        """The name of the account in the engine that carries its orders."""
        name, engine = f"{account} futures", self.exchange.venue.engine
        if name not in engine.accounts:
            engine.open_account(name, FEES)
            for rules in engine.rules.values():
                for asset in {rules.base, rules.quote}:
                    engine.pay_in(name, asset, _UNLIMITED)
        return name

    def leverage_of(self, account: str, market_id: str) -> int:
        """The leverage that was set last, or the default."""
        return self.leverage.get((account, market_id), DEFAULT_LEVERAGE)

    def trades(self, account: str, market_id: str) -> list[Trade]:
        """Its trades on a market, oldest first."""
        return list(self.exchange.trades.of_market(self.engine_account(account), market_id))

    def orders(self, account: str) -> Iterable[Order]:
        """All of its orders, oldest first."""
        return self.exchange.venue.engine.accounts[self.engine_account(account)].orders.values()

    def position(self, account: str, market_id: str) -> Position:
        """The position that its trades add up to."""
        name, position = self.engine_account(account), Position()
        for trade in self.exchange.trades.of_market(name, market_id):
            is_buy = trade.buyer.account == name
            fee_quote = (trade.buyer if is_buy else trade.seller).fee
            position.trade(Side.BUY if is_buy else Side.SELL, trade.quantity_base, trade.price_quote, fee_quote)
        return position

    @property
    def margin_assets(self) -> list[str]:
        """The quotes of all markets, in their order."""
        return list(dict.fromkeys(rules.quote for rules in self.exchange.venue.engine.rules.values()))

    def markets_in(self, asset: str) -> list[str]:
        """The markets whose margin is in an asset."""
        return [market_id for market_id, rules in self.exchange.venue.engine.rules.items() if rules.quote == asset]

    def wallet(self, account: str, asset: str) -> Decimal:
        """Initial margin plus realised profit minus fees, in an asset."""
        positions = [self.position(account, market_id) for market_id in self.markets_in(asset)]
        return INITIAL_MARGIN + sum((one.realised_quote - one.fees_quote for one in positions), ZERO)

    def available(self, account: str, asset: str) -> Decimal:
        """What is free of an asset for new orders, beside the margin of positions and of opening orders."""
        markets = self.markets_in(asset)
        positions = (self.position(account, one).margin(self.leverage_of(account, one)) for one in markets)
        orders = (one for one in self.orders(account) if one.is_open and one.request.market_id in markets)
        resting = (self._order_margin(account, order) for order in orders)
        return self.wallet(account, asset) - sum(positions, ZERO) - sum(resting, ZERO)

    def _order_margin(self, account: str, order: Order) -> Decimal:
        if order.order_id in self.reduce_only:
            return ZERO
        return order.open_base * order.price_quote / self.leverage_of(account, order.request.market_id)

    def mark_price(self, market_id: str, now_ms: int) -> Decimal:
        """The middle of the book."""
        book = self.exchange.book(market_id, now_ms, 1)
        if not book.bids or not book.asks:
            return self.exchange.venue.tape.last_print(market_id, now_ms).price_quote
        return (book.bids[0].price_quote + book.asks[0].price_quote) / 2

    def submit(self, account: str, request: Request, now_ms: int, *, reduce_only: bool) -> Order:
        """Accept an order and match it.

        Raises RefusedError, MarginError when the margin is insufficient, ReduceOnlyError when it would not only reduce.
        """
        name, position = self.engine_account(account), self.position(account, request.market_id)
        quantity_base = request.quantity_base or ZERO
        is_reducing = position.size_base * (1 if request.side is Side.BUY else -1) < 0
        if reduce_only and not (is_reducing and quantity_base <= abs(position.size_base)):
            raise ReduceOnlyError
        opened_base = quantity_base - (abs(position.size_base) if is_reducing else ZERO)
        price_quote = request.price_quote or self.mark_price(request.market_id, now_ms)
        leverage = self.leverage_of(account, request.market_id)
        cost_quote = max(opened_base, ZERO) * price_quote * (1 / Decimal(leverage) + FEES.taker_rate)
        if cost_quote > self.available(account, self.exchange.venue.engine.rules[request.market_id].quote):
            raise MarginError
        order = self.exchange.submit(name, request, now_ms)
        if reduce_only:
            self.reduce_only.add(order.order_id)
        return order

    def cancel(self, account: str, order: Order, now_ms: int) -> Order:
        """End an open order. Raises RefusedError."""
        return self.exchange.cancel(self.engine_account(account), order.request.market_id, order.order_id, now_ms)


def average_price(order: Order) -> Decimal:
    """Average fill price of an order, 0 before its first fill."""
    return order.executed_quote / order.executed_base if order.executed_base else ZERO
