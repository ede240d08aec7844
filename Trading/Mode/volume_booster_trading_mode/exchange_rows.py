"""Rows of an exchange, as OctoBot's adapter gives them -> the core's orders and trades."""

from __future__ import annotations

import typing
from decimal import Decimal

import octobot_trading.enums as trading_enums

from .core.market import Role
from .core.reconcile import ExchangeOrder, ExchangeTrade

Column = trading_enums.ExchangeConstantsOrderColumns
Status = trading_enums.OrderStatus
CLIENT_ORDER_ID = "clientOrderId"
Raw = dict[str, typing.Any]

_REJECTED = (Status.REJECTED.value,)
_FILLED = (Status.CLOSED.value, Status.FILLED.value)
_ENDED = (*_FILLED, Status.CANCELED.value, Status.EXPIRED.value, *_REJECTED)


def read_order(raw: Raw, client_order_id: str | None = None) -> ExchangeOrder:
    """An order as the exchange tells it.

    :param client_order_id: the one that it was found by, where it was.
    """
    status = raw[Column.STATUS.value]
    return ExchangeOrder(
        exchange_order_id=str(raw[Column.EXCHANGE_ID.value]),
        client_order_id=client_order_id or str(raw.get(CLIENT_ORDER_ID) or ""),
        filled_quantity=Decimal(str(raw[Column.FILLED.value] or 0)),
        is_open=status not in _ENDED,
        is_rejected=status in _REJECTED,
        is_filled=status in _FILLED,
    )


def read_trade(raw: Raw) -> ExchangeTrade:
    """A trade of our account as the exchange tells it."""
    fee = raw.get(Column.FEE.value) or {}
    return ExchangeTrade(
        trade_id=str(raw[Column.EXCHANGE_TRADE_ID.value]),
        exchange_order_id=str(raw[Column.ORDER.value]),
        at=float(raw[Column.TIMESTAMP.value]),
        role=Role.MAKER if raw[Column.TAKER_OR_MAKER.value] == Role.MAKER.value else Role.TAKER,
        quantity=Decimal(str(raw[Column.AMOUNT.value])),
        price=Decimal(str(raw[Column.PRICE.value])),
        fee=Decimal(str(fee.get(trading_enums.FeePropertyColumns.COST.value) or 0)),
        fee_asset=str(fee.get(trading_enums.FeePropertyColumns.CURRENCY.value) or ""),
    )
