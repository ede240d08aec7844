"""What the exchange itself says of our orders and trades of one symbol. OctoBot's own bookkeeping is not asked.

OctoBot learns of fills by polling its open orders and can lose one (a partial fill before a cancel, an answer that
did not arrive). The exchange's record, read by our client order id and its trade ids, is the same however it is read.
"""

from __future__ import annotations

import typing
import weakref
from collections.abc import Awaitable, Callable

import ccxt
import octobot_trading.errors as trading_errors

from . import futures_view
from .core.reconcile import ExchangeOrder, ExchangeTrade
from .exchange_rows import CLIENT_ORDER_ID as CLIENT_ORDER_ID
from .exchange_rows import Raw, adapted_trades, merged, moment_of, order_of, read_order, read_trade
from .exchange_view import UNANSWERED

TRADES_A_PAGE = 500
CLOCK_MARGIN_S = 600.0
"""How far the clocks of the exchange and of this machine may be apart for a trade to be found."""

_TOO_MANY = (ccxt.DDoSProtection, ccxt.RateLimitExceeded, trading_errors.RateLimitExceeded)
_Answer = typing.TypeVar("_Answer")


class ExchangeUnreachableError(Exception):
    """The exchange did not answer, or refused to. `retry_after_s` is how long it asked to be left alone."""

    def __init__(self, message: str, retry_after_s: float | None) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class Peace:
    """Until when an exchange has asked to be left alone. All symbols of it share one."""

    def __init__(self) -> None:
        self._until = 0.0

    @classmethod
    def of(cls, exchange_manager: typing.Any) -> Peace:
        return _PEACE.setdefault(exchange_manager, cls())

    def left_s(self, now: float) -> float:
        """How long it still has to be left alone."""
        return max(self._until - now, 0.0)

    def keep(self, now: float, seconds: float) -> None:
        self._until = max(self._until, now + seconds)


_PEACE: weakref.WeakKeyDictionary[typing.Any, Peace] = weakref.WeakKeyDictionary()


class ExchangeRecord:
    """The exchange's record of one symbol. It is asked directly: OctoBot's own getters ask up to five times.

    :raises ExchangeUnreachableError: from every question that gets no answer.
    """

    def __init__(self, exchange_manager: typing.Any, symbol: str) -> None:
        self._exchange_manager = exchange_manager
        self._symbol = symbol

    async def find_order(self, order_id: str) -> tuple[ExchangeOrder, Raw] | None:
        """The order that we sent with this client order id, and as OctoBot reads it; None when there is none."""
        by_id = {CLIENT_ORDER_ID: order_id}
        try:
            found = await self.ask("the order", lambda: self._client.fetch_order(None, self._symbol, by_id))
        except ExchangeUnreachableError as error:
            if isinstance(error.__cause__, ccxt.OrderNotFound):
                return None
            raise
        raw = self._adapter.adapt_order(found, symbol=self._symbol)
        return read_order(raw, order_id), raw

    @property
    def is_search_conclusive(self) -> bool:
        """Whether an order that `find_order` does not find is not there: the exchange looks orders up by our id."""
        return True

    async def open_orders(self) -> list[tuple[ExchangeOrder, Raw]]:
        """Every open order of the account on this symbol, whoever placed it."""
        rows = await self.ask("the open orders", lambda: self._client.fetch_open_orders(self._symbol))
        return [(read_order(raw), raw) for raw in self._adapter.adapt_orders(rows, symbol=self._symbol)]

    async def trades_of(self, order: ExchangeOrder, placed_at: float) -> list[ExchangeTrade]:
        """The trades of one order that the exchange shows by now."""
        # ccxt's client for Binance says that it has them, and has them on spot only
        is_asked = self._client.has.get("fetchOrderTrades") and not futures_view.is_futures(self._exchange_manager)
        rows = await self._page_of_order(order) if is_asked else None
        if rows is None or len(rows) >= TRADES_A_PAGE:
            rows = [raw for raw in await self._trades_since(placed_at - CLOCK_MARGIN_S) if order_of(raw)]
        own_id = order.exchange_order_id
        return [read_trade(raw, own_id) for raw in rows if order_of(raw) in ("", own_id)]

    async def _page_of_order(self, order: ExchangeOrder) -> list[Raw]:
        asked = order.exchange_order_id, self._symbol, None, TRADES_A_PAGE
        found = await self.ask("the trades of an order", lambda: self._client.fetch_order_trades(*asked))
        return adapted_trades(self._adapter, found)

    async def _trades_since(self, since: float) -> list[Raw]:
        rows: list[Raw] = []
        since_ms = int(since * 1000)
        while True:
            page = adapted_trades(self._adapter, await self.ask("the trades", self._page_of_trades(since_ms)))
            known, rows = rows, merged(rows, page)
            moments = [moment_of(raw) or 0.0 for raw in page]
            if len(rows) == len(known) or int(max(moments) * 1000) < since_ms:
                return rows
            since_ms = int(max(moments) * 1000)

    def _page_of_trades(self, since_ms: int) -> Callable[[], Awaitable[list[Raw]]]:
        return lambda: self._client.fetch_my_trades(self._symbol, since_ms, TRADES_A_PAGE)

    async def ask(self, what: str, question: Callable[[], Awaitable[_Answer]]) -> _Answer:
        """The exchange's answer. A clock that the exchange finds wrong is set after its own, and it is asked again."""
        try:
            try:
                return await question()
            except ccxt.InvalidNonce:
                await self._client.load_time_difference()
                return await question()
        except UNANSWERED as error:
            sentence = f"{self._exchange_manager.exchange_name} does not tell {what}: {type(error).__name__}: {error}"
            raise ExchangeUnreachableError(sentence, self.asked_to_wait_s(error)) from error

    def asked_to_wait_s(self, error: BaseException | None) -> float | None:
        """How long the exchange wants to be left alone when it said that there were too many requests, 0 if it did not
        say how long; None when it said something else."""
        while error is not None and not is_caused_by(error, _TOO_MANY):
            error = error.__context__  # OctoBot does not always say what it raised an error from
        if error is None:
            return None
        headers = {key.lower(): value for key, value in (self._client.last_response_headers or {}).items()}
        text = str(headers.get("retry-after", ""))
        return float(text) if text.isdecimal() else 0.0

    @property
    def _client(self) -> typing.Any:
        return self._exchange_manager.exchange.connector.client

    @property
    def _adapter(self) -> typing.Any:
        return self._exchange_manager.exchange.connector.adapter


def is_caused_by(error: BaseException | None, kinds: tuple[type[BaseException], ...]) -> bool:
    """Whether an error, or one that it was raised from, is of these kinds: OctoBot wraps ccxt's errors in its own."""
    while error is not None:
        if isinstance(error, kinds):
            return True
        error = error.__cause__
    return False
