"""Cancels orders of ours on one symbol of a real exchange, and keeps what it answers, so that nobody has to ask again.

OctoBot asks after every order that it has cancelled: with a hundred of them that takes ten times as long.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import typing
from collections.abc import Iterable, Mapping

import ccxt

from ...adapters import request_queue
from ...adapters.exchange_client import CLOCK_MARGIN_S, ExchangeClient, ExchangeUnreachableError, RateLimitCooldown
from ...adapters.exchange_rows import Raw
from ...adapters.venues import venue_of
from ...campaign.campaign import Campaign
from ...core.accounting.reconciliation import ExchangeOrder
from ...core.model.orders import OpenOrder
from ...core.model.redact import text_of
from .exchange_reconciler import ExchangeReconciler

CANCELS_AT_ONCE = 8
ONE_BY_ONE = 4
"""More orders than this are looked up in the exchange's list of orders, where it has one, and not one by one."""
ORDERS_A_PAGE = 500


class ExchangeCanceller:
    """A `Canceller`: cancels orders of one symbol. Only what is known to be ours is ever cancelled."""

    def __init__(
        self,
        exchange_manager: typing.Any,
        symbol: str,
        campaign: Campaign,
        reconciler: ExchangeReconciler,
        logger: logging.Logger,
    ) -> None:
        self._manager = exchange_manager
        self._symbol = symbol
        self._campaign = campaign
        self._reconciler = reconciler
        self._logger = logger
        self._record = ExchangeClient(exchange_manager, symbol)

    def going_first(self) -> contextlib.AbstractContextManager[None]:
        return request_queue.going_first(self._client)

    async def cancel(self, orders: Iterable[OpenOrder]) -> tuple[OpenOrder, ...]:
        """Cancel these orders of ours; those of which it is not certain that the exchange has ended them."""
        known = [(order, self._exchange_id(order)) for order in orders]
        own = {exchange_id: self._own_id(order, exchange_id) for order, exchange_id in known if exchange_id}
        failed = await self._cancel_each(own)
        return tuple(order for order, exchange_id in known if not exchange_id or exchange_id in failed)

    async def cancel_ours(self, *, at_once: bool) -> int:
        """Cancel every order of ours that the exchange lists as open, whatever OctoBot believes; how many it would not.

        :param at_once: in one request, where the exchange has one for it and nobody else has an order on the symbol.
        :raises ExchangeUnreachableError: when it does not list them.
        """
        listed = [order for order, _ in await self._record.open_orders()]
        own = {order.exchange_order_id: own_id for order in listed if (own_id := self._own_id_of(order))}
        if not own:
            return 0
        if at_once and len(own) == len(listed) and self._is_known_to("cancels_all"):
            return await self._cancel_all(own)
        return len(await self._cancel_each(own))

    async def _cancel_all(self, own: Mapping[str, str]) -> int:
        try:
            rows = await self._record.ask("of a cancellation", lambda: self._client.cancel_all_orders(self._symbol))
        except ExchangeUnreachableError as error:
            return 0 if self._has_ended(error) else len(own)
        unknown = dict(own)
        if self._is_known_to("cancel_shows_order"):
            unknown = self._take(rows, own)
        if len(unknown) > ONE_BY_ONE and self._client.has.get("fetchOrders") is True:
            await self._read_list(unknown)
        return 0

    async def _cancel_each(self, own: Mapping[str, str]) -> set[str]:
        """What fails is tried once more; the exchange's ids of those that it may not have ended."""
        failed = await self._try_to_cancel_each(own)
        if failed and not RateLimitCooldown.of(self._manager).left_s(self._now()):
            failed = await self._try_to_cancel_each({exchange_id: own[exchange_id] for exchange_id in failed})
        return failed

    async def _try_to_cancel_each(self, own: Mapping[str, str]) -> set[str]:
        """Some at a time."""
        at_a_time = asyncio.Semaphore(CANCELS_AT_ONCE)

        async def cancel(exchange_id: str) -> bool:
            async with at_a_time:
                return await self._cancel_one(exchange_id, own)

        answers = await asyncio.gather(*map(cancel, own))
        return {exchange_id for exchange_id, is_done in zip(own, answers, strict=True) if not is_done}

    async def _cancel_one(self, exchange_id: str, own: Mapping[str, str]) -> bool:
        try:
            row = await self._record.ask(
                "of a cancellation", lambda: self._client.cancel_order(exchange_id, self._symbol)
            )
        except ExchangeUnreachableError as error:
            return self._has_ended(error)
        if self._is_known_to("cancel_shows_order"):
            self._take([row], own)
        return True

    def _has_ended(self, error: ExchangeUnreachableError) -> bool:
        """Whether it was refused because there is nothing left to cancel: what became of that is asked for."""
        if isinstance(error.__cause__, ccxt.OrderNotFound):
            return True
        self._reconciler.on_error(error.__cause__, self._now())
        self._logger.info("A cancellation on %s failed: %s", self._symbol, text_of(error))
        return False

    async def _read_list(self, own: Mapping[str, str]) -> None:
        """What became of these, by the exchange's list of all orders; what it does not show is asked for later."""
        placed_at = [self._campaign.record(own_id).placed_at for own_id in own.values()]
        since_ms = int((min(placed_at) - CLOCK_MARGIN_S) * 1_000)
        asked = self._symbol, since_ms, ORDERS_A_PAGE
        try:
            rows = await self._record.ask("its orders", lambda: self._client.fetch_orders(*asked))
        except ExchangeUnreachableError as error:
            self._reconciler.on_error(error.__cause__, self._now())
            return
        self._take(rows, own)

    def _take(self, rows: Iterable[Raw], own: Mapping[str, str]) -> dict[str, str]:
        """Show the reconciler which of our orders have ended by these rows; gives those of which they tell no end."""
        left = dict(own)
        for row in rows:
            exchange_id = str(row.get("id"))
            if exchange_id not in left:
                continue  # some answers are about no order, or about one of others
            order = self._record.read(row, left[exchange_id])
            if not order.is_open and order.filled_quantity is not None:
                del left[exchange_id]
                self._reconciler.show(order, row)
        return left

    def _exchange_id(self, order: OpenOrder) -> str | None:
        orders_manager = self._manager.exchange_personal_data.orders_manager
        if orders_manager.has_order(order.order_id):
            found: str | None = orders_manager.get_order(order.order_id).exchange_order_id
            return found
        return self._campaign.exchange_order_id(order.order_id)

    def _own_id(self, order: OpenOrder, exchange_id: str) -> str:
        """After a restart OctoBot has another id for it than we."""
        own_id = None if self._campaign.knows(order.order_id) else self._own_id_by(exchange_id)
        return own_id or order.order_id

    def _own_id_of(self, order: ExchangeOrder) -> str | None:
        """Our id of an order that the exchange lists; None when it is somebody else's."""
        if self._campaign.knows(order.client_order_id):
            return order.client_order_id
        return self._own_id_by(order.exchange_order_id)

    def _own_id_by(self, exchange_id: str) -> str | None:
        return self._campaign.order_of(exchange_id, self._manager.exchange_name, self._symbol)

    def _now(self) -> float:
        return float(self._manager.exchange.get_exchange_current_time())

    def _is_known_to(self, what: str) -> bool:
        return bool(getattr(venue_of(str(self._client.id)), what, False))

    @property
    def _client(self) -> typing.Any:
        return self._manager.exchange.connector.client
