"""Orders with OctoBot's simulator: what its events say is written down, and cancelling is its own matter."""

from __future__ import annotations

import asyncio
import contextlib
import typing
from collections.abc import Iterable

import octobot_trading.errors as trading_errors

from ..adapters import market_data, order_events
from ..campaign.campaign import Campaign
from ..core.accounting.ledger import Outcome
from ..core.model.orders import OpenOrder
from ..core.model.redact import named
from ..journal.journal import JournalError
from .orders.fill_looks import FillLooks
from .orders.open_orders import SimulatedOrders
from .orders.order_request import RequestStatus
from .session import Session

CANCELS_AT_ONCE = 8


class SimulatedReconciler:
    """A `Reconciler`. What an event says is all that there is to know: nothing stays unknown."""

    unknown_orders: frozenset[str] = frozenset()

    def __init__(self, session: Session, campaign: Campaign) -> None:
        self._session = session
        self._campaign = campaign
        self._orders = SimulatedOrders(session.manager, session.symbol, campaign)
        self._looks = FillLooks(campaign, session.market, is_price_known=True)
        self._unwritten: dict[str, tuple[dict[str, typing.Any], Exception]] = {}
        """The last event of every order that could not be written down, and why."""

    def refusal(self) -> str:
        return ""

    async def settle(self, now: float) -> None:
        for order, _ in list(self._unwritten.values()):
            self.write_down(order)
        for _, error in self._unwritten.values():
            raise error

    def on_order_event(self, order: dict[str, typing.Any]) -> bool:
        if self._campaign.awaits_news_of(order[order_events.Column.ID.value]):
            self.write_down(order)
        return False

    def write_down(self, order: dict[str, typing.Any]) -> None:
        """Write down what an order of ours has come to; what can't be is kept, to be tried again."""
        order_id = order[order_events.Column.ID.value]
        try:
            self._write(order_id, order)
        except (JournalError, ValueError) as error:
            self._unwritten[order_id] = order, error
            self._session.could_not_write_down(error)
            return
        self._unwritten.pop(order_id, None)
        if not self._unwritten:
            self._session.problem = ""

    def _write(self, order_id: str, order: dict[str, typing.Any]) -> None:
        campaign, now = self._campaign, self._session.now()
        known = market_data.known_price_since(self._session.manager, self._session.symbol)
        mid_price = None if known is None else known[1]
        news = order_events.read_order_event(order, campaign.record(order_id), now, mid_price)
        if news.fill is not None and campaign.fill(news.fill):
            self._session.log_fill(news.fill)
        if news.outcome is not None:
            status = order[order_events.Column.STATUS.value]
            campaign.close(order_id, news.outcome, f"OctoBot says {status}", now)

    def unanswered(self, order_id: str, reason: str, now: float) -> RequestStatus:
        self._campaign.close(order_id, Outcome.REJECTED, reason, now)
        return RequestStatus.REFUSED

    def schedule_poll(self) -> None:
        """Nothing: OctoBot publishes what happens."""

    def refresh_balances_soon(self) -> None:
        """Nothing: the balances are OctoBot's own."""

    def on_error(self, error: BaseException | None, now: float) -> None:
        """Nothing: no exchange is asked."""

    def open_orders(self) -> tuple[OpenOrder, ...]:
        return self._orders.all()

    async def sync_open_orders(self, now: float) -> None:
        """Nothing: the orders are OctoBot's own."""

    async def read_book(self) -> None:
        """None: the simulator has none. What fills are measured at is OctoBot's price."""
        await self.look(self._session.now())

    def look_due_in_s(self, now: float) -> float | None:
        return self._looks.due_in_s(now)

    async def look(self, now: float) -> None:
        known = market_data.known_price_since(self._session.manager, self._session.symbol)
        if known is not None:
            self._looks.see(*known, now)

    def settles_in_s(self) -> float:
        return 0.0

    def close_lost_orders(self, now: float) -> None:
        """OctoBot's simulator forgets its open orders when it ends: they will not fill any more."""
        session = self._session
        held = session.manager.exchange_personal_data.orders_manager.get_open_orders(symbol=session.symbol)
        held_ids = {order.order_id for order in held}
        for order_id in self._campaign.open_order_ids(*session.market):
            if order_id not in held_ids:
                self._campaign.close(order_id, Outcome.LOST, "OctoBot's simulator that held it ended", now)


class SimulatedCanceller:
    """A `Canceller`.

    :param cancel_order: the mode's own way to cancel an order of OctoBot's.
    """

    def __init__(self, session: Session, cancel_order: typing.Callable[..., typing.Any]) -> None:
        self._session = session
        self._cancel_order = cancel_order

    def going_first(self) -> contextlib.AbstractContextManager[None]:
        return contextlib.nullcontext()

    async def cancel(self, orders: Iterable[OpenOrder]) -> tuple[OpenOrder, ...]:
        at_once = asyncio.Semaphore(CANCELS_AT_ONCE)

        async def cancel(open_order: OpenOrder) -> OpenOrder | None:
            async with at_once:
                return None if await self._cancel_one(open_order) else open_order

        answers = await asyncio.gather(*map(cancel, orders))
        return tuple(open_order for open_order in answers if open_order is not None)

    async def cancel_ours(self, *, at_once: bool) -> int:
        own = tuple(order for order in self._session.reconciler.open_orders() if order.is_ours)
        return len(await self.cancel(own))

    async def _cancel_one(self, open_order: OpenOrder) -> bool:
        orders_manager = self._session.manager.exchange_personal_data.orders_manager
        if not orders_manager.has_order(open_order.order_id):
            return True  # it has ended since it was seen
        order = orders_manager.get_order(open_order.order_id)
        try:
            return await self._ask_to_cancel(order)
        except (*market_data.UNANSWERED, trading_errors.UnexpectedExchangeSideOrderStateError) as error:
            # it may have ended by itself just now: what became of it, its event says
            self._session.logger.info("%s", named(error))
            return False

    async def _ask_to_cancel(self, order: typing.Any) -> bool:
        """Also while OctoBot's trader is disabled: a newer OctoBot then has to be told that it is meant."""
        trader = self._session.manager.trader
        if not trader.is_enabled and hasattr(trading_errors, "TraderDisabledError"):
            return bool(await trader.cancel_order(order, force_if_disabled=True))
        cancelled, _ = await self._cancel_order(order)
        return bool(cancelled)
