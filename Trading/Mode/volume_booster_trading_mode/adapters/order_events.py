"""OctoBot -> core: what an event of OctoBot's orders channel says about an order of ours."""

from __future__ import annotations

import typing
from dataclasses import dataclass
from decimal import Decimal

import octobot_commons.symbols as commons_symbols
import octobot_trading.enums as trading_enums

from ..core.accounting import fees
from ..core.accounting.ledger import OrderRecord, Outcome
from ..core.model.basics import Role
from ..core.model.orders import Fill

Column = trading_enums.ExchangeConstantsOrderColumns
Status = trading_enums.OrderStatus

ENDED = {
    Status.CANCELED.value: Outcome.CANCELLED,
    Status.EXPIRED.value: Outcome.CANCELLED,
    Status.REJECTED.value: Outcome.REJECTED,
}
FILLED = (Status.FILLED.value, Status.CLOSED.value, Status.PARTIALLY_FILLED.value)


@dataclass(frozen=True, slots=True)
class OrderNews:
    """What is new about one order: a fill, an end, both or neither."""

    fill: Fill | None
    outcome: Outcome | None


def read_order_event(
    order: dict[str, typing.Any], record: OrderRecord, now: float, mid_price: Decimal | None = None
) -> OrderNews:
    """The news of an order event.

    OctoBot tells the quantity filled so far: the fill is its growth, so an event that comes twice or late tells
    nothing new. An `open` event is not believed, as OctoBot shows a market order as filled before it is.

    :param mid_price: what OctoBot knows of the market now, where it knows a price: the mid at the fill.
    :raises ValueError: when the fee is in a currency that is neither base nor quote.
    """
    status = order[Column.STATUS.value]
    outcome = ENDED.get(status)
    if status not in FILLED and outcome is None:
        return OrderNews(None, None)
    filled = Decimal(order[Column.FILLED.value] or 0)
    growth = filled - record.filled_quantity
    return OrderNews(_fill(order, record, filled, growth, now, mid_price) if growth > 0 else None, outcome)


def _fill(
    order: dict[str, typing.Any], record: OrderRecord, filled: Decimal, growth: Decimal, now: float,
    mid_price: Decimal | None,
) -> Fill:  # fmt: skip
    price, worth = Decimal(order[Column.PRICE.value]), record.intent.valuation
    return Fill(
        fill_id=f"{order[Column.ID.value]}:{filled:f}",
        order_id=order[Column.ID.value],
        at=now,
        side=record.intent.side,
        role=Role.MAKER if order[Column.TAKER_OR_MAKER.value] == Role.MAKER.value else Role.TAKER,
        quantity=growth,
        price=price,
        fee_quote=worth.price(_fee_quote(order, price)) * growth / filled,
        mid_price=record.intent.mid_price,
        valuation=worth,
        mid_at_fill=mid_price,
        is_flattening=record.intent.is_flattening,
    )


def _fee_quote(order: dict[str, typing.Any], price: Decimal) -> Decimal:
    fee = order[Column.FEE.value]
    if not fee:
        return Decimal(0)
    cost = Decimal(str(fee[trading_enums.FeePropertyColumns.COST.value]))
    currency = fee[trading_enums.FeePropertyColumns.CURRENCY.value]
    symbol = commons_symbols.parse_symbol(order[Column.SYMBOL.value])
    fee_quote = fees.in_quote(cost, currency, price, symbol.base, symbol.quote, lambda asset: None)
    if fee_quote is None:
        order_id = order[Column.ID.value]
        raise ValueError(f"the fee of order {order_id} is in {currency}, neither base nor quote of {symbol}")
    return fee_quote
