"""One order of ours as the ledger knows it. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any

from ..model.basics import ZERO, OrderType, Side
from ..model.instrument import SPOT, Valuation
from ..model.orders import OpenOrder, OrderIntent
from .tallies import Market, Outcome


@dataclass(slots=True)
class OrderRecord:
    """One order of ours as the ledger knows it."""

    intent: OrderIntent
    placed_at: float
    market: Market = ("", "")
    filled_quantity: Decimal = ZERO
    outcome: Outcome | None = None
    fill_ids: tuple[str, ...] = ()
    filled_on: tuple[int, ...] = ()
    """The days on which something of it was filled."""
    spent_quote: Decimal = ZERO
    """Of an order that spends an amount of quote: what it has spent of it so far, in the market's quote."""
    fills_before: int | None = field(default=None, compare=False)
    """How many fills its market had when it was sent; None where that is not known."""

    @property
    def open_quantity(self) -> Decimal:
        """What may still fill, in base; of an order that spends an amount of quote what that is expected to buy."""
        return ZERO if self.outcome else max(self.intent.quantity - self.filled_quantity, ZERO)

    @property
    def open_volume(self) -> Decimal:
        """What is reserved for what may still fill, in the campaign's currency."""
        intent = self.intent
        if intent.quote_quantity is None:
            return intent.valuation.volume(self.open_quantity, intent.price)
        left_quote = ZERO if self.outcome else max(intent.quote_quantity - self.spent_quote, ZERO)
        return intent.valuation.price(left_quote)

    def as_open_order(self, order_id: str) -> OpenOrder:
        """What may still fill of it, as it stands in a MarketSnapshot."""
        intent = self.intent
        is_market = intent.order_type is OrderType.MARKET
        return OpenOrder(order_id, intent.side, intent.price, self.open_quantity, self.placed_at, is_market=is_market)


def dump_order(order_id: str, record: OrderRecord) -> list[Any]:
    """An open order as plain JSON values, exact."""
    intent = record.intent
    amounts = intent.quantity, intent.price, intent.mid_price, record.filled_quantity
    kinds = intent.side.value, intent.order_type.value
    filled = record.fill_ids, record.filled_on, _dump_valuation(intent.valuation), intent.is_flattening
    spends = None if intent.quote_quantity is None else [str(intent.quote_quantity), str(record.spent_quote)]
    return [order_id, record.placed_at, record.market, *kinds, *map(str, amounts), *filled, spends]


def _dump_valuation(worth: Valuation) -> list[Any] | None:
    return None if worth is SPOT else [str(worth.quote_rate), str(worth.contract_size), worth.is_inverse]


def _load_valuation(values: list[Any] | None) -> Valuation:
    return SPOT if values is None else Valuation(Decimal(values[0]), Decimal(values[1]), values[2])


def load_order(values: list[Any]) -> tuple[str, OrderRecord]:
    """The order that was dumped, with its id."""
    order_id, placed_at, market, side, order_type, *amounts, fill_ids, filled_on, worth, flattens, spends = values
    quantity, price, mid_price, filled_quantity = map(Decimal, amounts)
    intent = OrderIntent(
        Side(side), OrderType(order_type), quantity, price, mid_price, _load_valuation(worth), is_flattening=flattens
    )
    exchange, symbol = market
    filled = filled_quantity, None, tuple(fill_ids), tuple(filled_on)
    record = OrderRecord(intent, placed_at, (exchange, symbol), *filled)
    if spends is not None:
        quote_quantity, record.spent_quote = map(Decimal, spends)
        record.intent = replace(intent, quote_quantity=quote_quantity)
    return order_id, record
