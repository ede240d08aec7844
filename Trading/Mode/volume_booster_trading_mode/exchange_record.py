"""Asks an exchange about our orders and trades of one symbol, the way that its record says.

OctoBot learns of fills by polling its open orders and can lose one (a partial fill before a cancel, an answer that
did not arrive). The exchange's record, read by order and trade ids, is the same however it is read.
"""

from __future__ import annotations

import copy
import typing
import weakref
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from decimal import Decimal

import ccxt
import octobot_trading.errors as trading_errors

from . import futures_view
from .core.market import Role
from .core.reconcile import ExchangeOrder, ExchangeTrade
from .exchange_view import UNANSWERED
from .venues import Venue, venue_of
from .venues.record import Params

CLOCK_MARGIN_S = 600.0
"""How far the clocks of the exchange and of this machine may be apart for a trade to be found."""
MOST_PAGES = 200
"""An answer that still goes on after so many pages is not believed."""

_REJECTED = ("rejected",)
_FILLED = ("closed", "filled")
_ENDED = (*_FILLED, "canceled", "expired", *_REJECTED)
_TOO_MANY = (ccxt.DDoSProtection, ccxt.RateLimitExceeded, trading_errors.RateLimitExceeded)
_Answer = typing.TypeVar("_Answer")
Raw = dict[str, typing.Any]


@dataclass(frozen=True, slots=True)
class Found:
    """What an exchange shows of one order of ours: the order and its row in ccxt's form, or nothing."""

    order: ExchangeOrder | None = None
    row: Raw | None = None
    is_conclusive: bool = True
    """Whether an order that was not found does not exist."""


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
    """The exchange's record of one symbol. ccxt's client is asked directly: OctoBot's own getters ask up to five times.

    :raises ExchangeUnreachableError: from every question that gets no answer.
    """

    def __init__(self, exchange_manager: typing.Any, symbol: str) -> None:
        self._exchange_manager = exchange_manager
        self._symbol = symbol

    async def find_order(self, order_id: str, exchange_order_id: str | None, placed_at: float) -> Found:
        """Our order, by the exchange's own id where that is known, else by ours.

        :param placed_at: when it was sent, in seconds: lists of ended orders are read from then on.
        """
        lookup = self._venue.lookup
        if exchange_order_id is not None and lookup.by_exchange_id:
            row = await self._ask_for_order(exchange_order_id, dict(lookup.params))
            return self._found(row, order_id, is_conclusive=False)
        if exchange_order_id is None and lookup.is_asked_by_client_id:
            return self._found(await self._ask_by_client_id(order_id), order_id, is_conclusive=True)
        return await self._find_in_lists(order_id, exchange_order_id, placed_at)

    async def _ask_for_order(self, exchange_order_id: str | None, params: Raw) -> Raw | None:
        """The order as ccxt reads it; None when the exchange says that it has none."""
        return await self._row_of(lambda: self._client.fetch_order(exchange_order_id, self._symbol, params))

    async def _ask_by_client_id(self, order_id: str) -> Raw | None:
        lookup, wire_id = self._venue.lookup, self._venue.client_id.on_the_wire(order_id)
        ask = lookup.ask_by_client_id
        if ask is not None:
            return await self._row_of(lambda: ask(self._client, self._symbol, wire_id))
        params = self._naming(order_id, lookup.by_client_id or {}) | dict(lookup.params)
        return await self._ask_for_order(wire_id if lookup.client_id_as_id else None, params)

    async def _row_of(self, ask: Callable[[], Awaitable[Raw]]) -> Raw | None:
        not_found = self._venue.not_found

        async def question() -> Raw | None:
            try:
                return await ask()
            except ccxt.BaseError as error:
                if not_found.says(error):
                    return None
                raise

        row = await self.ask("the order", question)
        return None if row is None or row.get("id") in (None, "", "None") else row

    async def _find_in_lists(self, order_id: str, exchange_order_id: str | None, placed_at: float) -> Found:
        lookup, since_ms = self._venue.lookup, int((placed_at - CLOCK_MARGIN_S) * 1000)
        is_whole = True
        params = self._naming(order_id, lookup.list_params or {}) if exchange_order_id is None else {}
        for row in await self._open_rows(params):
            if self._is(row, order_id, exchange_order_id):
                return self._found(row, order_id)
        if lookup.ended_until_param:
            params = {**params, lookup.ended_until_param: int((placed_at + CLOCK_MARGIN_S) * 1000)}
        for method in lookup.ended_orders:
            ended: Callable[..., Awaitable[list[Raw]]] = getattr(self._client, method)
            rows = await self._ask_list(f"its {method}", ended, since_ms, lookup.ended_page, params)
            is_whole = is_whole and len(rows) < lookup.ended_page
            for row in rows:
                if self._is(row, order_id, exchange_order_id):
                    return self._found(row, order_id)
        return Found(is_conclusive=is_whole and exchange_order_id is None and lookup.is_conclusive)

    async def _ask_list(
        self, what: str, method: Callable[..., Awaitable[list[Raw]]], since_ms: int, page: int, params: Raw
    ) -> list[Raw]:
        return await self.ask(what, lambda: method(self._symbol, since_ms, page, params))

    def _naming(self, order_id: str, params: Params) -> Raw:
        """Parameters that name an order by our id of it."""
        wire_id = self._venue.client_id.on_the_wire(order_id)
        return {name: value.format(id=wire_id) for name, value in params.items()}

    def _is(self, row: Raw, order_id: str, exchange_order_id: str | None) -> bool:
        if exchange_order_id is not None:
            return str(row.get("id")) == exchange_order_id
        return self._venue.client_id.read_back(row.get("clientOrderId")) == order_id

    def _found(self, row: Raw | None, order_id: str, *, is_conclusive: bool = True) -> Found:
        if row is None:
            return Found(is_conclusive=is_conclusive)
        return Found(_order(row, order_id), row)

    async def open_orders(self) -> list[tuple[ExchangeOrder, Raw]]:
        """Every open order of the account on this symbol, whoever placed it, with its row in ccxt's form."""
        read_back = self._venue.client_id.read_back
        return [(_order(row, read_back(row.get("clientOrderId"))), row) for row in await self._open_rows({})]

    async def _open_rows(self, params: Raw) -> list[Raw]:
        asked = self._symbol, None, None, params
        return await self.ask("the open orders", lambda: self._client.fetch_open_orders(*asked))

    def for_octobot(self, row: Raw) -> Raw:
        """An order in OctoBot's form.

        :raises Exception: whatever OctoBot's class of the exchange raises for a row that it can't read.
        """
        return typing.cast(Raw, self._adapter.adapt_order(copy.deepcopy(row), symbol=self._symbol))

    async def trades_of(self, order: ExchangeOrder, placed_at: float) -> list[ExchangeTrade]:
        """The trades of one order that the exchange shows by now.

        :param placed_at: when the order was sent, in seconds.
        """
        trades = self._venue.trades
        rows = None
        if trades.of_order and not futures_view.is_futures(self._exchange_manager):
            rows = await self._page_of_order(order)
        if rows is None or len(rows) >= trades.page:
            rows = await self._trades_since(placed_at - CLOCK_MARGIN_S, order.exchange_order_id)
        ours = (row for row in rows if str(row.get("order")) == order.exchange_order_id)
        return [_trade({**row, **self._venue.trade_row(row)}) for row in ours]

    async def _page_of_order(self, order: ExchangeOrder) -> list[Raw]:
        asked = order.exchange_order_id, self._symbol, None, self._venue.trades.page, dict(self._venue.trades.params)
        return await self.ask("the trades of an order", lambda: self._client.fetch_order_trades(*asked))

    async def _trades_since(self, since: float, exchange_order_id: str) -> list[Raw]:
        """Every trade since a moment, each once, however many pages and windows that takes; only those of the order
        where the exchange can narrow them so."""
        rows: dict[tuple[typing.Any, ...], Raw] = {}
        now_ms, since_ms = int(self._now() * 1000), int(since * 1000)
        trades = self._venue.trades
        narrow = {trades.order_param: exchange_order_id} if trades.order_param else {}
        for begin_ms, end_ms in _windows(since_ms, now_ms + int(CLOCK_MARGIN_S * 1000), trades.window_s):
            await self._read_window(rows, begin_ms, end_ms, narrow)
        return list(rows.values())

    async def _read_window(
        self, rows: dict[tuple[typing.Any, ...], Raw], begin_ms: int, end_ms: int | None, narrow: Raw
    ) -> None:
        trades, place = self._venue.trades, dict(narrow)
        for _ in range(MOST_PAGES):
            page = await self.ask("the trades", self._page_of_trades(begin_ms, end_ms, place))
            news = _numbered(page)
            is_new = bool(set(news) - set(rows))
            rows.update(news)
            cursor = _cursor(page, trades.cursor_param)
            if cursor is None if trades.cursor_param else len(page) < trades.page:
                return
            if not is_new:
                break
            moments = [int(row["timestamp"]) for row in page]
            if trades.cursor_param:
                place[trades.cursor_param] = cursor
            elif trades.offset_param:
                place[trades.offset_param] = place.get(trades.offset_param, 0) + len(page)
            elif trades.newest_first:
                end_ms = min(moments) + 1
            else:
                begin_ms = max(moments)
        raise ExchangeUnreachableError(f"the trades of {self._symbol} do not end after {MOST_PAGES} pages", None)

    def _page_of_trades(self, since_ms: int, until_ms: int | None, place: Raw) -> Callable[[], Awaitable[list[Raw]]]:
        trades = self._venue.trades
        until = {} if until_ms is None else {trades.until_param: until_ms}
        asked = None if trades.of_all_symbols else self._symbol, since_ms, trades.page
        return lambda: self._client.fetch_my_trades(*asked, {**trades.params, **until, **place})

    async def price_of(self, asset: str) -> Decimal | None:
        """The price of an asset in the symbol's quote; None when the exchange has no such market."""
        _, _, quote = self._symbol.partition("/")
        wanted = (f"{asset}/{quote}", f"{asset}/{quote.partition(':')[0]}")
        symbol = next((one for one in wanted if one in self._client.markets), None)
        if symbol is None:
            return None
        ticker = await self.ask(f"the price of {asset}", lambda: self._client.fetch_ticker(symbol))
        return Decimal(str(ticker["last"])) if ticker.get("last") else None

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

    def _now(self) -> float:
        return float(self._exchange_manager.exchange.get_exchange_current_time())

    @property
    def _venue(self) -> Venue:
        venue = venue_of(str(self._client.id))
        assert venue is not None, "nothing is traded on an exchange that is not known"
        return venue

    @property
    def _client(self) -> typing.Any:
        return self._exchange_manager.exchange.connector.client

    @property
    def _adapter(self) -> typing.Any:
        return self._exchange_manager.exchange.connector.adapter


def _windows(since_ms: int, until_ms: int, window_s: float | None) -> list[tuple[int, int | None]]:
    """The stretches of time that are asked for one after the other."""
    if window_s is None:
        return [(since_ms, None)]
    length_ms = int(window_s * 1000)
    starts = range(since_ms, until_ms, length_ms)
    return [(start, min(start + length_ms - 1, until_ms)) for start in starts]


def _cursor(page: list[Raw], name: str) -> str | None:
    """Where the next page begins; None when the exchange does not say it, or names no cursor."""
    return next((row["info"][name] for row in page if name and row["info"].get(name)), None)


def _numbered(rows: list[Raw]) -> dict[tuple[typing.Any, ...], Raw]:
    """Rows of trades by what tells them apart: ids where there are any, and always what was traded."""
    counts: dict[tuple[typing.Any, ...], int] = {}
    found = {}
    for row in rows:
        key = tuple(row.get(name) for name in ("id", "order", "timestamp", "price", "amount"))
        counts[key] = counts.get(key, 0) + 1
        numbered = (*key, counts[key])
        found[numbered] = row
    return found


def is_caused_by(error: BaseException | None, kinds: tuple[type[BaseException], ...]) -> bool:
    """Whether an error, or one that it was raised from, is of these kinds: OctoBot wraps ccxt's errors in its own."""
    while error is not None:
        if isinstance(error, kinds):
            return True
        error = error.__cause__
    return False


def _order(row: Raw, client_order_id: str) -> ExchangeOrder:
    status = row.get("status")
    return ExchangeOrder(
        exchange_order_id=str(row["id"]),
        client_order_id=client_order_id,
        filled_quantity=Decimal(str(row.get("filled") or 0)),
        is_open=status not in _ENDED,
        is_rejected=status in _REJECTED,
        is_filled=status in _FILLED,
    )


def _trade(row: Raw) -> ExchangeTrade:
    fee = row.get("fee") or {}
    return ExchangeTrade(
        trade_id=str(row["id"]),
        exchange_order_id=str(row["order"]),
        at=float(row["timestamp"]) / 1000,
        role=Role.MAKER if row.get("takerOrMaker") == Role.MAKER.value else Role.TAKER,
        quantity=Decimal(str(row["amount"])),
        price=Decimal(str(row["price"])),
        fee=Decimal(str(fee.get("cost") or 0)),
        fee_asset=str(fee.get("currency") or ""),
    )
