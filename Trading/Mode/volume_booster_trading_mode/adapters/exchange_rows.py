"""Rows of an exchange in ccxt's form -> the core's orders and trades.

Any field may be missing, None, 0 or in another form. What is not told is None or empty in what comes out, never made
up; only a trade without a quantity or a price is refused, as there is nothing to count then.
"""

from __future__ import annotations

import typing
from decimal import Decimal, InvalidOperation

import octobot_trading.enums as trading_enums

from ..core.accounting.reconciliation import Charge, ExchangeOrder, ExchangeTrade, Standing
from ..core.model.basics import Role

Column = trading_enums.ExchangeConstantsOrderColumns
FeeColumn = trading_enums.FeePropertyColumns
Status = trading_enums.OrderStatus
ID, CLIENT_ORDER_ID = "id", "clientOrderId"
Raw = dict[str, typing.Any]

FEES, FEE_CODE = "fees", "code"
_STANDINGS = {
    Status.PENDING_CREATION.value: Standing.OPEN,
    "new": Standing.OPEN,
    "pending_new": Standing.OPEN,
    "canceling": Standing.OPEN,
    Status.OPEN.value: Standing.OPEN,
    Status.PARTIALLY_FILLED.value: Standing.OPEN,
    Status.PENDING_CANCEL.value: Standing.OPEN,
    Status.FILLED.value: Standing.FILLED,
    Status.CLOSED.value: Standing.FILLED,
    Status.CANCELED.value: Standing.CANCELLED,
    Status.EXPIRED.value: Standing.CANCELLED,
    Status.REJECTED.value: Standing.REJECTED,
}
_EARLIEST_S, _LATEST_S = 1e9, 1e11
"""Moments in seconds since 1970: of the years 2001 and 5138."""


class UnreadableRowError(ValueError):
    """A trade that does not report how much of what was traded; one sentence says which."""


def read_order(raw: Raw, client_order_id: str | None = None) -> ExchangeOrder:
    """An order as the exchange tells it.

    :param client_order_id: the one that it was found by, where it was.
    """
    standing = _STANDINGS.get(str(raw.get(Column.STATUS.value)).lower(), Standing.UNTOLD)
    return ExchangeOrder(
        exchange_order_id=_text(raw.get(ID)),
        client_order_id=client_order_id or _text(raw.get(CLIENT_ORDER_ID)),
        filled_quantity=_filled(raw, standing),
        standing=standing,
    )


def _filled(raw: Raw, standing: Standing) -> Decimal | None:
    """What is filled of an order; None also where a 0 can't be true, as it is filled or has cost something."""
    filled = _number(raw.get(Column.FILLED.value))
    if filled:
        return filled
    has_cost = bool(_number(raw.get(Column.COST.value)))
    return None if standing in (Standing.FILLED, Standing.UNTOLD) or has_cost else filled


def completed(raw: Raw, order: ExchangeOrder, filled_quantity: Decimal, *, has_ended: bool = False) -> Raw:
    """The row of an order for OctoBot, which needs a state and a quantity where the exchange tells none."""
    missing: Raw = {}
    if order.standing is Standing.UNTOLD:
        missing[Column.STATUS.value] = (Status.CLOSED if has_ended else Status.OPEN).value
    if order.filled_quantity is None:
        missing[Column.FILLED.value] = float(filled_quantity)
    return {**raw, **missing}


def read_trade(raw: Raw, exchange_order_id: str = "") -> ExchangeTrade:
    """A trade of our account as the exchange tells it.

    :param exchange_order_id: the order that it was asked for by; the row itself may tell none.
    :raises UnreadableRowError: when it tells neither a quantity and a price, nor what they follow from.
    """
    quantity, price = _quantity_and_price(raw)
    trade_id, order_id = _text(raw.get(ID)), order_of(raw) or exchange_order_id
    if not quantity or not price:
        raise UnreadableRowError(
            f"the exchange does not report what was traded in its trade {trade_id or '?'} of its order "
            f"{order_id or '?'}"
        )
    return ExchangeTrade(
        trade_id=trade_id,
        exchange_order_id=order_id,
        at=moment_of(raw),
        role=_role(raw.get(Column.TAKER_OR_MAKER.value)),
        quantity=abs(quantity),
        price=price,
        charges=_charges(raw),
    )


def order_of(raw: Raw) -> str:
    """The exchange's id of the order that a trade is of; empty where it is not told."""
    return _text(raw.get(Column.ORDER.value))


def _quantity_and_price(raw: Raw) -> tuple[Decimal | None, Decimal | None]:
    """Of the two one may follow from the cost; not on futures, where that is something else."""
    quantity, price, cost = (_number(raw.get(column.value)) for column in (Column.AMOUNT, Column.PRICE, Column.COST))
    if not cost or ":" in _text(raw.get(Column.SYMBOL.value)):
        return quantity, price
    if quantity and not price:
        price = cost / quantity
    elif price and not quantity:
        quantity = cost / price
    return quantity, price


def _role(told: typing.Any) -> Role | None:
    return next((role for role in Role if role.value == str(told).lower()), None)


def moment_of(raw: Raw) -> float | None:
    """Seconds since 1970, whatever part of a second a row tells them in; None where it tells none."""
    number = _number(raw.get(Column.TIMESTAMP.value))
    if not number or number < 0:
        return None
    seconds = float(number)
    while seconds > _LATEST_S:
        seconds /= 1000
    if seconds < _EARLIEST_S:
        seconds *= 1000  # told in seconds, and taken for milliseconds on the way
    return seconds if seconds >= _EARLIEST_S else None


def _charges(raw: Raw) -> tuple[Charge, ...]:
    """The parts of a fee: those of the list where it tells any, as it may have more than the single one."""
    for parts in (raw.get(FEES) or (), (raw.get(Column.FEE.value),)):
        charges = tuple(_charge(part) for part in parts if isinstance(part, dict))
        if any(charge.amount is not None for charge in charges):
            return charges
    return ()


def _charge(part: Raw) -> Charge:
    asset = part.get(FeeColumn.CURRENCY.value) or part.get(FEE_CODE)
    return Charge(_number(part.get(FeeColumn.COST.value)), _text(asset))


def _number(told: typing.Any) -> Decimal | None:
    """A number that is told in whatever form; None where it is not one."""
    if told is None or isinstance(told, bool):
        return None
    try:
        number = Decimal(str(told))
    except InvalidOperation:
        return None
    return number if number.is_finite() else None


def _text(told: typing.Any) -> str:
    """An id or a name, which may be told as a number; empty where it is not told."""
    return "" if told is None else str(told)
