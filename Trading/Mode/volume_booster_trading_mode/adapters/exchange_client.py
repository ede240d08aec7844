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

from ..core.accounting.reconciliation import ExchangeOrder, ExchangeTrade
from ..core.model.redact import named, text_of
from . import futures_data
from .exchange_rows import Raw, moment_of, order_of, read_order, read_trade
from .market_data import UNANSWERED
from .venues import Venue, venue_of
from .venues.record import Params

CLOCK_MARGIN_S = 600.0
"""How far the clocks of the exchange and of this machine may be apart for a trade to be found."""
LONGEST_ON_ITS_WAY_S = 60.0
"""A request is on its way no longer than this, also where the exchange takes it however old it is."""
MOST_PAGES = 200
"""An answer that still goes on after so many pages is not believed."""

_TOO_MANY = (ccxt.DDoSProtection, ccxt.RateLimitExceeded, trading_errors.RateLimitExceeded)
_KEY_ERRORS = (ccxt.AuthenticationError, trading_errors.AuthenticationError)
_Answer = typing.TypeVar("_Answer")


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


class RateLimitCooldown:
    """Until when an exchange has asked to be left alone. All symbols of it share one."""

    def __init__(self) -> None:
        self._until = 0.0

    @classmethod
    def of(cls, exchange_manager: typing.Any) -> RateLimitCooldown:
        return _PEACE.setdefault(exchange_manager, cls())

    def left_s(self, now: float) -> float:
        """How long it still has to be left alone."""
        return max(self._until - now, 0.0)

    def reason(self, exchange_name: str, now: float) -> str:
        """Why nothing is sent at present, where the exchange does not want it; else empty."""
        return f"{exchange_name} has asked to be left alone for a while" if self.left_s(now) > 0 else ""

    def keep(self, now: float, seconds: float) -> None:
        self._until = max(self._until, now + seconds)


_PEACE: weakref.WeakKeyDictionary[typing.Any, RateLimitCooldown] = weakref.WeakKeyDictionary()


class ExchangeClient:
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
            row = await self._ask_by_client_id(order_id)
            if row is not None or self._is_within(placed_at, lookup.ended_by_client_id_s(self._client.options)):
                return self._found(row, order_id, is_conclusive=True)
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
        return await self._ask_for_order(None, params)

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
        if row is None or row.get("id") not in (None, "", "None"):
            return row and self._put_right(row)
        if not not_found.empty_answer:
            raise ExchangeUnreachableError("the exchange answered with an order that has no id", None)
        return None

    def read(self, row: Raw, order_id: str) -> ExchangeOrder:
        """Our order by a row of it in ccxt's form."""
        return self._read_order(self._put_right(row), order_id)

    def _read_order(self, row: Raw, client_order_id: str) -> ExchangeOrder:
        return read_order(self._in_octobots_quantities(row), client_order_id)

    def _put_right(self, row: Raw) -> Raw:
        return {**row, **self._venue.order_row(row)}

    async def _find_in_lists(self, order_id: str, exchange_order_id: str | None, placed_at: float) -> Found:
        lookup, since_ms = self._venue.lookup, int((placed_at - CLOCK_MARGIN_S) * 1000)
        params = self._naming(order_id, lookup.list_params or {})
        rows = await self._open_rows(params)
        is_whole = self._is_within(placed_at, lookup.ended_reach_s)
        is_whole = is_whole and (lookup.open_page is None or len(rows) < lookup.open_page)
        if lookup.ended_until_param:
            params = {**params, lookup.ended_until_param: int((placed_at + CLOCK_MARGIN_S) * 1000)}
        for method in lookup.ended_orders:
            if any(self._is(row, order_id, exchange_order_id) for row in rows):
                break
            ended, are_all = await self._ended_rows(method, since_ms, params)
            rows, is_whole = rows + ended, is_whole and are_all
        row = next((row for row in rows if self._is(row, order_id, exchange_order_id)), None)
        is_conclusive = exchange_order_id is None and lookup.is_conclusive and is_whole
        return self._found(row, order_id, is_conclusive=is_conclusive or row is not None)

    async def _ended_rows(self, method: str, since_ms: int, params: Raw) -> tuple[list[Raw], bool]:
        """Ended orders since a moment, and whether these are all of them."""
        lookup, rows = self._venue.lookup, list[Raw]()
        for number in range(1, MOST_PAGES + 1):
            numbered = {lookup.ended_page_param: number} if lookup.ended_page_param else {}
            page = await self._ask_list(
                f"its {method}", method, since_ms, {**lookup.ended_params, **params, **numbered}
            )
            rows += page
            if not numbered:
                return rows, len(page) < lookup.ended_page
            if not page:
                return rows, True
        return rows, False

    async def _ask_list(self, what: str, method: str, since_ms: int, params: Raw) -> list[Raw]:
        listed: Callable[..., Awaitable[list[Raw]]] = getattr(self._client, method)
        asked = self._symbol, since_ms, self._venue.lookup.ended_page, params
        return [self._put_right(row) for row in await self.ask(what, lambda: listed(*asked))]

    def _naming(self, order_id: str, params: Params) -> Raw:
        """Parameters that name an order by our id of it."""
        wire_id = self._venue.client_id.on_the_wire(order_id)
        return {name: value.format(id=wire_id) for name, value in params.items()}

    def _is_within(self, placed_at: float, reach_s: float) -> bool:
        """Whether an order was placed so recently, whatever the clocks say."""
        return self._now() - placed_at + CLOCK_MARGIN_S < reach_s

    def _is(self, row: Raw, order_id: str, exchange_order_id: str | None) -> bool:
        if exchange_order_id is not None:
            return str(row.get("id")) == exchange_order_id
        return self._venue.client_id.read_back(row.get("clientOrderId")) == order_id

    def _found(self, row: Raw | None, order_id: str, *, is_conclusive: bool = True) -> Found:
        if row is None:
            return Found(is_conclusive=is_conclusive)
        return Found(self._read_order(row, order_id), row)

    async def open_orders(self) -> list[tuple[ExchangeOrder, Raw]]:
        """Every open order of the account on this symbol, whoever placed it, with its row in ccxt's form."""
        read_back = self._venue.client_id.read_back
        return [(self._read_order(row, read_back(row.get("clientOrderId"))), row) for row in await self._open_rows({})]

    async def _open_rows(self, params: Raw) -> list[Raw]:
        asked = self._symbol, None, self._venue.lookup.open_page, {**self._venue.lookup.open_params, **params}
        rows = await self.ask("the open orders", lambda: self._client.fetch_open_orders(*asked))
        return [self._put_right(row) for row in rows]

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
        if trades.of_order and not futures_data.is_futures(self._exchange_manager):
            rows = await self._page_of_order(order)
        if rows is None or (len(rows) >= trades.page and not trades.of_order_is_whole):
            rows = await self._trades_since(placed_at - CLOCK_MARGIN_S, order.exchange_order_id)
            rows = [row for row in rows if order_of(row)]
        own_id = order.exchange_order_id
        return [read_trade(self._trade_row(row), own_id) for row in rows if order_of(row) in ("", own_id)]

    def _trade_row(self, row: Raw) -> Raw:
        """A row of a trade with what ccxt reads wrong in it corrected, in OctoBot's quantities."""
        return self._in_octobots_quantities({**row, **self._venue.trade_row(row)})

    def _in_octobots_quantities(self, row: Raw) -> Raw:
        """On futures an exchange counts in contracts, and OctoBot in what they stand for."""
        size = futures_data.contract_size(self._exchange_manager, self._symbol)
        if size == 1:
            return row
        counted = {name: row[name] for name in ("amount", "filled", "remaining") if row.get(name) is not None}
        return {**row, **{name: Decimal(str(value)) * size for name, value in counted.items()}}

    async def _page_of_order(self, order: ExchangeOrder) -> list[Raw]:
        trades = self._venue.trades
        most = None if trades.of_order_is_whole else trades.page
        asked = order.exchange_order_id, self._symbol, None, most, dict(trades.params)

        async def question() -> list[Raw]:
            try:
                return typing.cast(list[Raw], await self._client.fetch_order_trades(*asked))
            except ccxt.BaseError as error:
                if self._venue.not_found.says(error):
                    return []  # of an order that it does not show yet
                raise

        return await self.ask("the trades of an order", question)

    async def _trades_since(self, since: float, exchange_order_id: str) -> list[Raw]:
        """Every trade since a moment, each once, however many pages and windows that takes; only those of the order
        where the exchange can narrow them so."""
        rows: dict[tuple[typing.Any, ...], Raw] = {}
        trades = self._venue.trades
        narrow = {trades.order_param: exchange_order_id} if trades.order_param else {}
        now_ms, since_ms = int(self._now() * 1000), int(since) * 1000  # some exchanges count in seconds
        for begin_ms, end_ms in _windows(since_ms, now_ms + int(CLOCK_MARGIN_S * 1000), trades.window_s):
            await self._read_window(rows, begin_ms, end_ms, narrow)
        return list(rows.values())

    async def _read_window(
        self, rows: dict[tuple[typing.Any, ...], Raw], begin_ms: int, end_ms: int | None, narrow: Raw
    ) -> None:
        trades = self._venue.trades
        if trades.offset_param or trades.cursor_param:
            await self._read_numbered(rows, begin_ms, end_ms, narrow)
            return
        windows = [(begin_ms, end_ms)]
        for _ in range(MOST_PAGES):
            if not windows:
                return
            begin_ms, end_ms = windows.pop()
            page = await self.ask("the trades", self._page_of_trades(begin_ms, end_ms, narrow))
            is_new, is_full = self._take(rows, page), len(page) >= trades.page
            if is_full and not is_new and trades.newest_first is not None:
                break  # more trades in one millisecond than a page has
            if is_full and is_new:
                windows += _left_over(page, begin_ms, end_ms, trades.newest_first)
        raise self._endless()

    async def _read_numbered(
        self, rows: dict[tuple[typing.Any, ...], Raw], begin_ms: int, end_ms: int | None, narrow: Raw
    ) -> None:
        """Pages that follow by an offset, or by a cursor that each page has for the next."""
        trades, place, offset = self._venue.trades, dict(narrow), 0
        for _ in range(MOST_PAGES):
            page = await self.ask("the trades", self._page_of_trades(begin_ms, end_ms, place))
            is_new, cursor = self._take(rows, page), _cursor(page, trades.cursor_param)
            if not is_new or (cursor is None if trades.cursor_param else len(page) < trades.page):
                return
            offset += 1 if trades.offset_counts_pages else len(page)
            if trades.cursor_param:
                place[trades.cursor_param] = cursor
            else:
                place[trades.offset_param] = offset + trades.offset_counts_pages
        raise self._endless()

    @staticmethod
    def _take(rows: dict[tuple[typing.Any, ...], Raw], page: list[Raw]) -> bool:
        """Add a page to what is known; whether there was anything new in it."""
        known = len(rows)
        rows.update(_numbered(page))
        return len(rows) > known

    def _endless(self) -> ExchangeUnreachableError:
        return ExchangeUnreachableError(f"the trades of {self._symbol} do not end after {MOST_PAGES} pages", None)

    def _page_of_trades(self, since_ms: int, until_ms: int | None, place: Raw) -> Callable[[], Awaitable[list[Raw]]]:
        trades = self._venue.trades
        until = {} if until_ms is None else {trades.until_param: until_ms}
        asked = None if trades.of_all_symbols else self._symbol, since_ms, trades.page
        return lambda: self._client.fetch_my_trades(*asked, {**trades.params, **until, **place})

    async def ask(self, what: str, question: Callable[[], Awaitable[_Answer]]) -> _Answer:
        """The exchange's answer. A clock that the exchange finds wrong is set after its own, and it is asked again."""
        try:
            try:
                return await question()
            except ccxt.InvalidNonce:
                await self._client.load_time_difference()
                return await question()
        except UNANSWERED as error:
            name = self._exchange_manager.exchange_name
            sentence = f"{name} does not report {what}: {named(error)}"
            if self.refuses_key(error):
                sentence = f"{name} refuses this key: {text_of(error)}"
            raise ExchangeUnreachableError(sentence, self.cooldown_s(error)) from error

    def refuses_key(self, error: BaseException | None) -> bool:
        """Whether the exchange refuses our key, or what it may do: ccxt tells that of some as of too many requests."""
        while error is not None:
            if isinstance(error, _KEY_ERRORS) or self._exchange_manager.exchange.is_api_permission_error(error):
                return True
            error = error.__cause__ or error.__context__
        return False

    def cooldown_s(self, error: BaseException | None) -> float | None:
        """How long the exchange wants to be left alone when it said that there were too many requests, 0 if it did not
        say how long; None when it said something else."""
        if self.refuses_key(error):
            return None
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
    def arrives_within_s(self) -> float:
        """How old an order may be when it reaches the exchange."""
        within_s = self._venue.arrival.within_s
        return LONGEST_ON_ITS_WAY_S if within_s is None else within_s

    @property
    def _venue(self) -> Venue:
        venue = venue_of(str(self._client.id))
        if venue is None:
            name = self._exchange_manager.exchange_name
            raise ExchangeUnreachableError(f"how {name} shows orders is not known, so none is looked up there", None)
        return venue

    @property
    def _client(self) -> typing.Any:
        return self._exchange_manager.exchange.connector.client

    @property
    def _adapter(self) -> typing.Any:
        return self._exchange_manager.exchange.connector.adapter


def _windows(since_ms: int, until_ms: int, window_s: float | None) -> list[tuple[int, int | None]]:
    """The stretches of time that are asked for one by one; they overlap, as some exchanges count in seconds."""
    if window_s is None:
        return [(since_ms, None)]
    length_ms = int(window_s * 1000)
    starts = range(since_ms, until_ms, length_ms - 1000)
    return [(start, min(start + length_ms - 1, until_ms)) for start in starts]


def _left_over(
    page: list[Raw], begin_ms: int, end_ms: int | None, newest_first: bool | None
) -> list[tuple[int, int | None]]:
    """The stretches of a window that a full page of it may not have shown."""
    moments = [int((moment_of(row) or begin_ms / 1000) * 1000) for row in page]
    before, after = (begin_ms, min(moments) + 1), (max(moments), end_ms)
    if newest_first is None:
        return [before, after]
    return [before] if newest_first else [after]


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
