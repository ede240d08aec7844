"""Brings the ledger up to the exchange's record, with OctoBot's real trader: before every decision, and at the start.

Start, restart and everyday are the same path. An order whose fate is not known is looked up by the id that we sent with
it before anything else is sent; OctoBot is told what the exchange says, so that it never sees less than we do.
"""

from __future__ import annotations

import contextlib
import random
import typing
from collections.abc import Callable, Iterable, Iterator
from decimal import Decimal

import octobot_trading.api as trading_api
import octobot_trading.errors as trading_errors

from . import exchange_view, real_trader
from .campaign import Campaign
from .core import pacing, reconcile
from .core.market import Fill, MarketRules, OrderType
from .core.policy import Wait
from .core.reconcile import ExchangeOrder, ExchangeTrade, SentOrder
from .exchange_record import ExchangeRecord, ExchangeUnreachableError, Peace
from .exchange_rows import Raw

LOOK_EVERY_S = 2.0
"""How often orders that rest in the book are asked after."""
GOOD_FOR_S = 0.25
"""So long a look at the open orders is as good as a new one."""
FIRST_LOOK_AGAIN_S = 0.25
LAST_LOOK_AGAIN_S = 3.0


class Settler:
    """The orders of one symbol of a campaign, settled with the exchange.

    :param on_fill: told of every fill that was counted now.
    """

    def __init__(
        self, exchange_manager: typing.Any, symbol: str, campaign: Campaign, logger: typing.Any,
        on_fill: Callable[[Fill], None],
    ) -> None:  # fmt: skip
        self._exchange_manager = exchange_manager
        self._symbol = symbol
        self._campaign = campaign
        self._logger = logger
        self._on_fill = on_fill
        self._record = ExchangeRecord(exchange_manager, symbol)
        self._peace = Peace.of(exchange_manager)
        self._refusals: dict[str, str] = {}
        self._are_balances_old = False
        self._are_rules_old = False
        self._next_look_at = 0.0
        self._look_around_at = 0.0
        self._looks_in_vain = 0
        self._failures = 0

    @contextlib.contextmanager
    def sending(self, order_id: str, now: float) -> Iterator[dict[str, typing.Any]]:
        """Within it an order is sent, once and for its quantity; gives what is to be sent with it.

        What the exchange answers is remembered, also where OctoBot keeps it to itself.
        """
        with real_trader.sent_once_by_quantity(self._exchange_manager) as errors:
            try:
                yield real_trader.order_params(self._exchange_manager, order_id)
            finally:
                for error in errors:
                    self.heard(error, now)
                    self._note_refusal(order_id, error)

    def _note_refusal(self, order_id: str, error: Exception) -> None:
        if real_trader.is_refusal(error):
            self._refusals[order_id] = f"the exchange refused it: {type(error).__name__}: {error}"
            self._are_balances_old = True
            self._are_rules_old = self._are_rules_old or real_trader.is_about_rules(error)

    def heard(self, error: BaseException | None, now: float) -> None:
        """An answer that was an error: where the exchange asks to be left alone, it is from now on."""
        wait_s = self._record.asked_to_wait_s(error)
        if wait_s is not None:
            self._failures += 1
            self._peace.keep(now, wait_s or self._back_off_s())

    def doubt_balances(self) -> None:
        """OctoBot's balances may not be those of the exchange: they are read again at the next opportunity."""
        self._are_balances_old = True

    def look_soon(self) -> None:
        """Something has happened to an order: ask at the next opportunity."""
        self._next_look_at = 0.0

    async def settle(self, now: float) -> Wait | None:
        """Write down what became of the orders that have not ended; why to wait while that is not known.

        :raises JournalError: when it could not be written down.
        :raises ValueError: when a fee can't be told in quote.
        :raises NotReadableError: when OctoBot does not know the market.
        """
        if (left_s := self._peace.left_s(now)) > 0:
            return Wait(left_s, f"{self._exchange_manager.exchange_name} has asked to be left alone for a while")
        try:
            reasons = await self._settle_all(now)
            await self._refresh_octobot()
        except ExchangeUnreachableError as error:
            self._failures += 1
            delay_s = error.retry_after_s or self._back_off_s()
            if error.retry_after_s is not None:
                self._peace.keep(now, delay_s)
            return Wait(delay_s, str(error))
        self._failures = 0
        if not reasons:
            self._looks_in_vain = 0
            return None
        self._looks_in_vain += 1
        delay_s = min(FIRST_LOOK_AGAIN_S * 2 ** min(self._looks_in_vain, 10), LAST_LOOK_AGAIN_S)
        return Wait(delay_s, reasons[0])

    async def look_around(self, now: float) -> None:
        """Let OctoBot know of every open order of the account, so that none is crossed, whoever placed it.

        :raises NotReadableError: when the exchange does not tell.
        """
        if now < self._look_around_at:
            return
        try:
            await self._open_orders(now)
        except ExchangeUnreachableError as error:
            self.heard(error.__cause__, now)
            raise exchange_view.NotReadableError(str(error)) from error

    async def _open_orders(self, now: float) -> dict[str, tuple[ExchangeOrder, Raw]]:
        """Those of the account, by client order id; OctoBot is told of those that it does not know."""
        found = await self._record.open_orders()
        for order, raw in found:
            await self._tell_octobot(order, raw)
        self._look_around_at = now + GOOD_FOR_S
        return {order.client_order_id: (order, raw) for order, raw in found}

    def _back_off_s(self) -> float:
        return pacing.backoff_delay(self._failures, random.Random(self._failures))

    def _unsettled(self) -> list[SentOrder]:
        exchange, symbol, campaign = self._exchange_manager.exchange_name, self._symbol, self._campaign
        return [
            SentOrder(order_id, exchange, symbol, campaign.record(order_id))
            for order_id in campaign.open_order_ids(exchange, symbol)
        ]

    def _is_due(self, sent_orders: list[SentOrder], now: float) -> bool:
        """At once for an order that may not rest; now and then for those that do."""
        return now >= self._next_look_at or any(
            sent.record.intent.order_type is OrderType.MARKET or self._campaign.exchange_order_id(sent.order_id) is None
            for sent in sent_orders
        )

    async def _settle_all(self, now: float) -> list[str]:
        """The reasons why it is not all settled yet."""
        sent_orders = self._unsettled()
        if not sent_orders or not self._is_due(sent_orders, now):
            return []
        rules = exchange_view.read_rules(self._exchange_manager, self._symbol)
        is_resting = any(sent.record.intent.order_type is not OrderType.MARKET for sent in sent_orders)
        open_orders = await self._open_orders(now) if is_resting else {}
        reasons = []
        for sent in sent_orders:
            order = open_orders.get(sent.order_id) or await self._record.find_order(sent.order_id)
            reason = await self._settle_one(sent, order, rules, now)
            reasons += [reason] if reason else []
        self._next_look_at = now + LOOK_EVERY_S
        return reasons

    async def _settle_one(
        self, sent: SentOrder, found: tuple[ExchangeOrder, Raw] | None, rules: MarketRules, now: float
    ) -> str:
        """Why it has to be asked for again soon; empty when it has not."""
        if found is None:
            settlement = reconcile.settle_missing(sent, now, self._refusals.get(sent.order_id, ""))
        else:
            order, raw = found
            self._campaign.accept(sent.order_id, order.exchange_order_id, now)
            trades = []
            if reconcile.needs_trades(sent, order):
                trades = await self._record.trades_of(order, sent.record.placed_at)
            prices = await self._prices_of_fees(trades, rules)
            settlement = reconcile.settle(sent, order, trades, rules, prices.get)
            await self._tell_octobot(order, raw)
        for fill in settlement.fills:
            if self._campaign.fill(fill):
                self._on_fill(fill)
        if settlement.outcome is not None:
            self._campaign.close(sent.order_id, settlement.outcome, settlement.reason, now)
            self._refusals.pop(sent.order_id, None)
        return settlement.reason if settlement.is_pending else ""

    async def _prices_of_fees(self, trades: Iterable[ExchangeTrade], rules: MarketRules) -> dict[str, Decimal | None]:
        """The price in quote of every asset that a fee was charged in and that is not of the symbol."""
        assets = {trade.fee_asset for trade in trades if trade.fee} - {rules.base, rules.quote}
        return {
            asset: exchange_view.known_price(self._exchange_manager, f"{asset}/{rules.quote}")
            or await self._record.price_of(asset)
            for asset in sorted(assets)
        }

    async def _tell_octobot(self, order: ExchangeOrder, raw: Raw) -> None:
        """Let OctoBot's own books follow: it learns of orders that it lost, and at once of those that have ended."""
        personal_data = self._exchange_manager.exchange_personal_data
        is_known = any(
            known.exchange_order_id == order.exchange_order_id
            for known in personal_data.orders_manager.get_all_orders(symbol=self._symbol)
        )
        if order.is_open == is_known:
            self._are_balances_old |= not is_known  # it came and went without OctoBot
            return
        try:
            await personal_data.handle_order_update_from_raw(order.exchange_order_id, raw, is_new_order=not is_known)
        except trading_errors.PortfolioNegativeValueError as error:
            self._logger.info("OctoBot's portfolio does not know of %s yet: %s", order.exchange_order_id, error)
        # only for an order of its own that has filled whole it reads them by itself
        self._are_balances_old |= not is_known or not order.is_filled

    async def _refresh_octobot(self) -> None:
        """Let OctoBot read again what is not as it believes.

        :raises ExchangeUnreachableError: when the exchange does not answer.
        """
        manager = self._exchange_manager
        if self._are_rules_old:
            connector, market_filter = manager.exchange.connector, manager.market_filter
            await self._record.ask(
                "its markets", lambda: connector.load_symbol_markets(reload=True, market_filter=market_filter)
            )
            self._are_rules_old = False
        if self._are_balances_old:
            await self._record.ask("the balances", lambda: trading_api.refresh_real_trader_portfolio(manager))
            self._are_balances_old = False
