"""How an order goes to a real exchange: once, by quantity, and under an id by which it is found again."""

from __future__ import annotations

import contextlib
import time
import typing
import uuid
import zlib
from collections.abc import Iterator

import ccxt

from .core.reconcile import ARRIVES_WITHIN_S
from .exchange_record import CLIENT_ORDER_ID, is_caused_by

_BY_COST = "quoteOrderQty"
"""ccxt's option for Binance that turns a market order of a quantity into one that spends price x quantity."""
_LONGEST_ID = 32
_PARAMS: dict[str, dict[str, typing.Any]] = {
    "binance": {"selfTradePreventionMode": "EXPIRE_TAKER", "recvWindow": int(ARRIVES_WITHIN_S * 1000)},
    "bitget": {"stpMode": "cancel_taker"},
    "bybit": {"smpType": "CancelTaker"},
    "kucoin": {"stp": "CN"},
    "okx": {"stpMode": "cancel_taker"},
}
"""By ccxt's name of the exchange. Where two orders of the account would meet, ours ends and the one in the book stays,
whoever placed that. And an order that is long on its way is refused, so that one that is not there soon will not be.
Only Binance's have been tried, on the local exchange; the others are as those exchanges' documents name them."""
_REFUSALS = (
    ccxt.AuthenticationError, ccxt.BadRequest, ccxt.DDoSProtection, ccxt.InsufficientFunds, ccxt.InvalidNonce,
    ccxt.InvalidOrder, ccxt.NotSupported, ccxt.OperationRejected, ccxt.RateLimitExceeded,
)  # fmt: skip
_RULES_OF_MARKET = (ccxt.BadRequest, ccxt.InvalidOrder, ccxt.OperationRejected)


def new_order_id() -> str:
    """An id that no other order has, OctoBot's and the exchange's at the same time.

    Letters and digits, 32 of them: what every exchange takes as a client order id. Ids follow the time, which keeps the
    journal's index of them as quick after a hundred thousand orders as after one.
    """
    return f"vb{time.time_ns() // 1_000_000:011x}{uuid.uuid4().hex}"[:_LONGEST_ID]


def backtest_order_id(source: str, number: int) -> str:
    """The id of an order of a backtest: the same in every run, and never the same as another one in the run."""
    return f"vb{zlib.crc32(source.encode()):08x}{number:0{_LONGEST_ID - 10}d}"


@contextlib.contextmanager
def sent_once_by_quantity(exchange_manager: typing.Any) -> Iterator[list[Exception]]:
    """Within it OctoBot does not send an order again by itself, and a market order is for its quantity.

    After a failure OctoBot posts some orders a second time, also when the exchange had taken the first. And a market
    buy that spends quote fills another quantity than the one that was decided and reserved. Gives the exchange's
    errors that OctoBot keeps to itself: it logs them and returns None.
    """
    with (
        _no_quote_orders(exchange_manager.exchange.connector.client.options),
        _overheard_errors(exchange_manager.exchange) as errors,
        exchange_manager.exchange.skipped_create_order_retry(),
    ):
        yield errors


@contextlib.contextmanager
def _no_quote_orders(options: dict[str, typing.Any]) -> Iterator[None]:
    before = dict(options)
    options[_BY_COST] = False
    try:
        yield
    finally:
        if _BY_COST in before:
            options[_BY_COST] = before[_BY_COST]
        else:
            del options[_BY_COST]


@contextlib.contextmanager
def _overheard_errors(exchange: typing.Any) -> Iterator[list[Exception]]:
    """Why an order was not made. OctoBot raises some errors where it then drops them, and others it only logs."""
    errors: list[Exception] = []
    create_order, log_error = exchange.create_order, exchange.log_order_creation_error

    async def create(*arguments: typing.Any, **named: typing.Any) -> typing.Any:
        try:
            return await create_order(*arguments, **named)
        except Exception as error:
            errors.append(error)
            raise

    def log(error: Exception, *details: typing.Any) -> None:
        errors.append(error)
        log_error(error, *details)

    exchange.create_order, exchange.log_order_creation_error = create, log
    try:
        yield errors
    finally:
        del exchange.create_order, exchange.log_order_creation_error


def order_params(exchange_manager: typing.Any, order_id: str) -> dict[str, typing.Any]:
    """What is sent with an order beside its side, quantity and price."""
    return {CLIENT_ORDER_ID: order_id, **_PARAMS.get(exchange_manager.exchange.connector.client.id, {})}


def is_refusal(error: BaseException) -> bool:
    """Whether the exchange has said that there is no such order, and will not be."""
    return is_caused_by(error, _REFUSALS)


def is_about_rules(error: BaseException) -> bool:
    """Whether the order may not have fitted the rules of its market."""
    return is_caused_by(error, _RULES_OF_MARKET)
