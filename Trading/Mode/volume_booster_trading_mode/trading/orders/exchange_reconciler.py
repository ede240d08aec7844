"""Brings the ledger up to the exchange's record, with OctoBot's real trader: before every decision, and at the start.

Start, restart and everyday are the same path. An order whose fate is not known is looked up by the id that we sent with
it before anything else is sent; OctoBot is told what the exchange says, so that it never sees less than we do.
"""

from __future__ import annotations

import dataclasses
import logging
import random
import typing
from collections.abc import Callable, Iterable

import octobot_trading.api as trading_api

from ...adapters import exchange_rows, market_data, order_submission
from ...adapters.exchange_client import ExchangeClient, ExchangeUnreachableError, Found, RateLimitCooldown
from ...adapters.exchange_rows import Raw
from ...adapters.fee_prices import FeePrices
from ...adapters.order_submission import Submission, SubmissionStatus
from ...adapters.rate_limits import RateLimitTracker
from ...campaign.campaign import Campaign
from ...core.accounting import reconciliation
from ...core.accounting.reconciliation import ExchangeOrder, SentOrder, Settlement, Standing, Watch
from ...core.decision.guards import Halt
from ...core.decision.policy import Wait
from ...core.decision.timing import pacing
from ...core.model.basics import ZERO, OrderType
from ...core.model.instrument import MarketRules
from ...core.model.orders import Fill, OpenOrder
from ...core.model.redact import text_of
from .fill_looks import ExchangeLooks
from .late_orders import LOST_LOOK_EVERY_S, LateOrders
from .octobot_orders import OctobotOrders
from .open_orders import ExchangeOrders
from .order_request import RequestStatus

LOOK_EVERY_S = 1.0
"""How often orders that rest in the book are asked after."""
GOOD_FOR_S = 0.25
"""So long a look at the open orders is as good as a new one."""
FIRST_LOOK_AGAIN_S = 0.25
LAST_LOOK_AGAIN_S = 3.0
LONGEST_LOOK_AGAIN_S = 30.0
"""What is waited for long is asked for less often: after a tenth of the time that it has been waited for."""
AGAIN_SOON_S = 0.05
LATE_TRADES_LOOK_S = 0.5
"""How often a campaign that has reached its target looks for trades of its cancelled orders."""
UNKNOWN_ORDER = "unknown_order"
"""The guard of a halt that asks a person what became of an order."""


class ExchangeReconciler:
    """A `Reconciler`: the orders of one symbol of a campaign, settled with the exchange.

    :param limits: of the exchange's account, which every answer to an order shows.
    :param on_fill: called with every fill that was counted now.
    """

    def __init__(
        self, exchange_manager: typing.Any, symbol: str, campaign: Campaign, logger: logging.Logger,
        limits: RateLimitTracker, on_fill: Callable[[Fill], None], now: float,
    ) -> None:  # fmt: skip
        self._exchange_manager = exchange_manager
        self._symbol = symbol
        self._campaign = campaign
        self._logger = logger
        self._limits = limits
        self._on_fill = on_fill
        self._orders = ExchangeOrders(exchange_manager, symbol, campaign)
        self._record = ExchangeClient(exchange_manager, symbol)
        self._octobot_orders = OctobotOrders(exchange_manager, symbol, self._record, logger)
        self._fee_prices = FeePrices(exchange_manager, symbol, self._record)
        self._late_orders = LateOrders(campaign, exchange_manager.exchange_name, symbol, now)
        self._cooldown = RateLimitCooldown.of(exchange_manager)
        self._looks = ExchangeLooks(campaign, exchange_manager, symbol, self.open_orders)
        self._watches: dict[str, Watch] = {}
        self._questions: dict[str, str] = {}
        """What a person is asked of each order that stays unknown."""
        self._asked: tuple[int, Halt] | None = None
        """The resumes of the campaign and what a person was asked then."""
        self._ask_again_at = 0.0
        self._refusals: dict[str, str] = {}
        self._shown: dict[str, Found] = {}
        self._are_balances_stale = False
        self._are_rules_stale = False
        self._next_look_at = 0.0
        self._sync_at = 0.0
        self._looks_in_vain = self._failures = 0

    def note_submission(self, submission: Submission, now: float) -> None:
        """Remember what the exchange answered to an order.

        :raises JournalError: when its id of the order could not be written down.
        """
        self._limits.update_limits(now)
        if submission.exchange_order_id is not None:
            self._campaign.accept(submission.order_id, submission.exchange_order_id, now)
        if submission.error is None:
            return
        self.on_error(submission.error, now)
        if submission.status is SubmissionStatus.REFUSED:
            name, error = self._exchange_manager.exchange_name, submission.error
            is_about_key = self._record.refuses_key(error)
            self._refusals[submission.order_id] = (
                f"{name} refuses this key: {text_of(error)}" if is_about_key else submission.reason
            )
            self._are_balances_stale = True
            self._are_rules_stale = self._are_rules_stale or order_submission.is_about_rules(submission.error)

    def refusal_of(self, order_id: str) -> str:
        """Why the exchange has just refused an order; empty when it is not known to have."""
        return self._refusals.get(order_id, "")

    def on_error(self, error: BaseException | None, now: float) -> None:
        """An answer that was an error: where the exchange asks to be left alone, it is from now on."""
        wait_s = self._record.cooldown_s(error)
        if wait_s is not None:
            self._failures += 1
            self._cooldown.keep(now, wait_s or self._back_off_s())

    def cooldown_reason(self, now: float) -> str:
        """Why nothing is sent at present, where the exchange does not want it; else empty."""
        return self._cooldown.reason(self._exchange_manager.exchange_name, now)

    def refresh_balances_soon(self) -> None:
        """OctoBot's balances may not be those of the exchange: they are read again at the next opportunity."""
        self._are_balances_stale = True

    def schedule_poll(self) -> None:
        """Something has happened to an order: ask at the next opportunity."""
        self._next_look_at = self._ask_again_at = 0.0

    def show(self, order: ExchangeOrder, raw: Raw) -> None:
        """The exchange has just said, unasked, how an order of ours ended: it is not asked for it again."""
        self._shown[order.client_order_id] = Found(order, raw)

    async def settle(self, now: float) -> Wait | Halt | None:
        """Write down what became of the orders that have not ended; why to wait or to halt while that is not known.

        :raises JournalError: when it could not be written down.
        :raises UnreadableRowError: when the exchange does not report how much was traded.
        :raises NotReadableError: when OctoBot does not know the market.
        """
        if reason := self.cooldown_reason(now):
            return Wait(self._cooldown.left_s(now), reason)
        if self._asked is not None and now < self._ask_again_at and self._asked[0] == self._campaign.resumes:
            return self._asked[1]
        try:
            reasons = await self._settle_all(now)
            await self._refresh_octobot()
        except ExchangeUnreachableError as error:
            self._failures += 1
            delay_s = error.retry_after_s or self._back_off_s()
            if error.retry_after_s is not None:
                self._cooldown.keep(now, delay_s)
            return Wait(delay_s, text_of(error))
        self._failures = 0
        return self._answer(reasons, now)

    def _answer(self, reasons: list[str], now: float) -> Wait | Halt | None:
        """What is to be done as long as it is not known what became of some orders, for these reasons."""
        self._looks_in_vain = self._looks_in_vain + 1 if reasons else 0
        waited_s = max((now - watch.waits_since for watch in self._watches.values()), default=0.0)
        longest_s = min(max(LAST_LOOK_AGAIN_S, waited_s / 10), LONGEST_LOOK_AGAIN_S)
        delay_s = min(FIRST_LOOK_AGAIN_S * 2 ** min(self._looks_in_vain, 10), longest_s)
        self._ask_again_at = now + delay_s
        if self._questions:
            return self._ask_a_person(now)
        self._asked = None
        source = f"{self._exchange_manager.exchange_name} {self._symbol}"
        halt = self._campaign.halt_of(source)
        if reasons and halt is not None and halt.guard == UNKNOWN_ORDER:
            return halt  # asked before a restart, and not answered yet
        if self._campaign.lift(now, source, UNKNOWN_ORDER, "it is known now what became of every order"):
            self._logger.info("It is known now what became of every order on %s: it continues", source)
        return Wait(delay_s, reasons[0]) if reasons else None

    def _ask_a_person(self, now: float) -> Halt:
        source = f"{self._exchange_manager.exchange_name} {self._symbol}"
        question = Halt("; ".join(self._questions.values()), UNKNOWN_ORDER, is_lasting=True)
        halt = self._campaign.ask(now, source, list(self._questions), question)
        self._asked = self._campaign.resumes, halt
        return halt

    def refusal(self) -> str:
        return order_submission.refusal(self._exchange_manager)

    def on_order_event(self, order: dict[str, typing.Any]) -> bool:
        """What OctoBot says of a real order is a reason to ask the exchange, and no more."""
        self.schedule_poll()
        return bool(self._campaign.open_order_ids(self._exchange_manager.exchange_name, self._symbol))

    def unanswered(self, order_id: str, reason: str, now: float) -> RequestStatus:
        """It may have been sent: it is looked up."""
        return RequestStatus.UNKNOWN

    def open_orders(self) -> tuple[OpenOrder, ...]:
        return self._orders.all()

    async def read_book(self) -> market_data.Book:
        return await self._looks.read_book()

    def look_due_in_s(self, now: float) -> float | None:
        return None if self._cooldown.left_s(now) > 0 else self._looks.due_in_s(now)

    async def look(self, now: float) -> None:
        self.on_error(await self._looks.look(), now)

    def settles_in_s(self) -> float:
        """An order that OctoBot has lost sight of is shown to it again, and then cancelled."""
        if self._campaign.open_order_ids(self._exchange_manager.exchange_name, self._symbol):
            self.schedule_poll()
            return AGAIN_SOON_S
        return LATE_TRADES_LOOK_S if self._late_orders.is_waited_for else 0.0

    @property
    def unknown_orders(self) -> frozenset[str]:
        """The orders that a person is asked about."""
        return frozenset(self._questions)

    async def sync_open_orders(self, now: float) -> None:
        """Let OctoBot know of every open order of the account, so that none is crossed, whoever placed it.

        :raises NotReadableError: when the exchange does not report.
        """
        if now < self._sync_at:
            return
        try:
            await self._open_orders(now)
        except ExchangeUnreachableError as error:
            self.on_error(error.__cause__, now)
            raise market_data.NotReadableError(text_of(error)) from error

    async def _open_orders(self, now: float) -> dict[str, Found]:
        """Those of the account, by the exchange's id and by ours; OctoBot is told of those that it does not know."""
        found: dict[str, Found] = {}
        for told, raw in await self._record.open_orders():
            standing = Standing.OPEN if told.standing is Standing.UNTOLD else told.standing
            order = dataclasses.replace(told, standing=standing)
            await self._update_octobot(order, exchange_rows.completed(raw, told, told.filled_quantity or ZERO))
            self._late_orders.seen_open(order, now)
            found[order.exchange_order_id] = Found(order, raw)
            if order.client_order_id:
                found[order.client_order_id] = found[order.exchange_order_id]
        self._sync_at = now + GOOD_FOR_S
        return found

    def _back_off_s(self) -> float:
        return pacing.backoff_delay(self._failures, random.Random(self._failures))

    def _unsettled(self) -> list[SentOrder]:
        campaign = self._campaign
        order_ids = campaign.open_order_ids(self._exchange_manager.exchange_name, self._symbol)
        return [self._sent(order_id) for order_id in order_ids]

    def _sent(self, order_id: str) -> SentOrder:
        campaign, name = self._campaign, self._exchange_manager.exchange_name
        record, exchange_order_id = campaign.record(order_id), campaign.exchange_order_id(order_id)
        return SentOrder(order_id, name, self._symbol, record, exchange_order_id)

    def _is_due(self, sent_orders: list[SentOrder], now: float) -> bool:
        """At once for an order that may not rest; now and then for those that do."""
        return now >= self._next_look_at or any(
            sent.record.intent.order_type is OrderType.MARKET
            or sent.exchange_order_id is None
            or sent.order_id in self._watches
            for sent in sent_orders
        )

    async def _settle_all(self, now: float) -> list[str]:
        """The reasons why it is not all settled yet."""
        await self._settle_late_one(now)
        sent_orders = self._unsettled()
        self._forget_all_but({sent.order_id for sent in sent_orders})
        if not sent_orders or not self._is_due(sent_orders, now):
            return []
        rules = market_data.read_rules(self._exchange_manager, self._symbol)
        is_resting = any(sent.record.intent.order_type is not OrderType.MARKET for sent in sent_orders)
        open_orders = await self._open_orders(now) if is_resting else {}
        reasons = []
        for sent in sent_orders:
            if self._campaign.record(sent.order_id).outcome is not None:
                continue  # settled meanwhile by what cancels beside the loop
            found = self._shown.pop(sent.order_id, None) or open_orders.get(sent.order_id)
            found = found or open_orders.get(sent.exchange_order_id or "")
            if found is None:
                found = await self._find(sent)
                if found.order is not None and is_resting:
                    found = dataclasses.replace(found, order=reconciliation.not_listed(found.order))
            settlement = await self._settle_one(sent, found, rules, now)
            reasons += [settlement.reason] if settlement.is_pending else []
        self._next_look_at = now + LOOK_EVERY_S
        return reasons

    async def _find(self, sent: SentOrder) -> Found:
        return await self._record.find_order(sent.order_id, sent.exchange_order_id, sent.record.placed_at)

    def _forget_all_but(self, order_ids: set[str]) -> None:
        """What was kept of orders that have ended meanwhile."""
        for kept in (self._watches, self._questions, self._shown, self._refusals):
            for order_id in set(kept) - order_ids:
                del kept[order_id]

    async def _settle_one(self, sent: SentOrder, found: Found, rules: MarketRules, now: float) -> Settlement:
        """Write down what became of an order; the exchange's row of it goes to OctoBot then."""
        watch, is_given_up = self._watches.get(sent.order_id), self._campaign.is_given_up(sent.order_id)
        order, raw = found.order, found.row
        if order is None or raw is None:
            settlement = await self._settle_missing(sent, found, rules, now, is_given_up=is_given_up, watch=watch)
            self._write(sent, settlement, None, now)
            self._are_balances_stale |= bool(settlement.fills)
            return settlement
        self._campaign.accept(sent.order_id, order.exchange_order_id, now)
        sent = dataclasses.replace(sent, exchange_order_id=order.exchange_order_id)
        settlement = await self._settle_found(sent, order, rules, now, is_given_up=is_given_up, watch=watch)
        self._write(sent, settlement, order, now)
        record = self._campaign.record(sent.order_id)
        has_ended = record.outcome is not None
        told = exchange_rows.completed(raw, order, record.filled_quantity, has_ended=has_ended)
        await self._update_octobot(order, told, has_ended=has_ended)
        return settlement

    async def _settle_missing(
        self, sent: SentOrder, found: Found, rules: MarketRules, now: float, *, is_given_up: bool, watch: Watch | None
    ) -> Settlement:
        """The exchange shows no such order: one that it took may show its trades."""
        if sent.exchange_order_id is not None:
            order = reconciliation.unseen(sent, sent.exchange_order_id)
            return await self._settle_found(sent, order, rules, now, is_given_up=is_given_up, watch=watch)
        refusal = self._refusals.get(sent.order_id, "")
        return reconciliation.settle_missing(
            sent, now, refusal, is_conclusive=found.is_conclusive, is_given_up=is_given_up, watch=watch,
            arrives_within_s=self._record.arrives_within_s,
        )  # fmt: skip

    async def _settle_found(
        self, sent: SentOrder, order: ExchangeOrder, rules: MarketRules, now: float, *,
        is_given_up: bool = False, watch: Watch | None = None,
    ) -> Settlement:  # fmt: skip
        trades = []
        if reconciliation.needs_trades(sent, order):
            trades = await self._record.trades_of(order, sent.record.placed_at)
        prices = await self._fee_prices.of(trades, rules, now)
        if trades:
            sent = dataclasses.replace(sent, known=self._campaign.fills_of(sent.order_id))
        owner_of = self._campaign.order_of_fill
        return reconciliation.settle(
            sent, order, trades, rules, prices.get, now, owner_of=owner_of, is_given_up=is_given_up, watch=watch
        )

    def _write(self, sent: SentOrder, settlement: Settlement, order: ExchangeOrder | None, now: float) -> None:
        """Write down what there is to one order, and keep in mind what is missing."""
        self._count(settlement.fills)
        if not settlement.is_pending:
            self._campaign.answered(sent.order_id)
        if settlement.outcome is not None:
            self._campaign.close(sent.order_id, settlement.outcome, settlement.reason, now)
            self._refusals.pop(sent.order_id, None)
            self._late_orders.ended(sent.order_id, settlement.outcome, order, now)
        self._watches.pop(sent.order_id, None)
        self._questions.pop(sent.order_id, None)
        if settlement.watch is not None:
            self._watches[sent.order_id] = settlement.watch
        if settlement.question:
            self._questions[sent.order_id] = settlement.question

    async def _settle_late_one(self, now: float) -> None:
        """Look once more after an order that has ended, whether something of it is told later: one at a time."""
        order_id = self._late_orders.due(now)
        if order_id is None:
            return
        self._late_orders.look_again_in(order_id, GOOD_FOR_S, now)
        try:
            order, has_news = await self._look_after(order_id, now)
        except ExchangeUnreachableError as error:
            self.on_error(error.__cause__, now)
            self._late_orders.look_again_in(order_id, LOST_LOOK_EVERY_S, now)
            return
        except exchange_rows.UnreadableRowError as error:
            self._logger.warning("Looked in vain for late trades of the order %s: %s", order_id, text_of(error))
            self._late_orders.look_again_in(order_id, LOST_LOOK_EVERY_S, now)
            return
        self._late_orders.looked(order_id, now, order, has_news=has_news)

    async def _look_after(self, order_id: str, now: float) -> tuple[ExchangeOrder | None, bool]:
        """The order as the exchange tells it now, and whether there was something of it to write down."""
        sent, order = self._sent(order_id), self._late_orders.ended_order(order_id)
        if order is None:
            order = (await self._find(sent)).order
            if order is None:
                return None, False
        rules = market_data.read_rules(self._exchange_manager, self._symbol)
        unsure = dataclasses.replace(order, filled_quantity=None)
        fills = (await self._settle_found(sent, unsure, rules, now)).fills
        self._count(fills)
        self._are_balances_stale |= bool(fills)
        return order, bool(fills)

    def _count(self, fills: Iterable[Fill]) -> None:
        """Write down fills, and tell of those that are news."""
        for fill in fills:
            if self._campaign.fill(fill):
                self._looks.measure(self._looks.now())
                self._on_fill(fill)

    async def _update_octobot(self, order: ExchangeOrder, raw: Raw, *, has_ended: bool = False) -> None:
        self._are_balances_stale |= await self._octobot_orders.update(order, raw, has_ended=has_ended)

    async def _refresh_octobot(self) -> None:
        """Let OctoBot read again what is not as it believes.

        :raises ExchangeUnreachableError: when the exchange does not answer.
        """
        manager = self._exchange_manager
        if self._are_rules_stale:
            connector, market_filter = manager.exchange.connector, manager.market_filter
            await self._record.ask(
                "its markets", lambda: connector.load_symbol_markets(reload=True, market_filter=market_filter)
            )
            self._are_rules_stale = False
        if self._are_balances_stale:
            await self._record.ask("the balances", lambda: trading_api.refresh_real_trader_portfolio(manager))
            self._are_balances_stale = False
