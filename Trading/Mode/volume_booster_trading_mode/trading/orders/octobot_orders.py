"""Keeps OctoBot's own record of the orders in step with the exchange's, without waiting for it longer than needed."""

from __future__ import annotations

import asyncio
import logging
import typing

import octobot_trading.errors as trading_errors

from ...adapters.exchange_client import ExchangeClient
from ...adapters.exchange_rows import Raw
from ...core.accounting.reconciliation import ExchangeOrder
from ...core.model.redact import text_of

PATIENCE_S = 2.0
"""How long the loop waits for OctoBot to take in one order.

After a fill OctoBot waits, up to 60 s in 2.1 and about 20 s in 2.0, for balances that show it, which they may never do:
other orders may have locked what was bought. Our own record does not depend on it. OctoBot makes no order meanwhile: it
holds the lock of its portfolio.
"""


class OctobotOrders:
    """The orders of one symbol as OctoBot knows them."""

    def __init__(
        self, exchange_manager: typing.Any, symbol: str, record: ExchangeClient, logger: logging.Logger
    ) -> None:
        self._personal_data = exchange_manager.exchange_personal_data
        self._symbol = symbol
        self._record = record
        self._logger = logger
        self._updates: dict[str, asyncio.Task[typing.Any]] = {}

    async def update(self, order: ExchangeOrder, raw: Raw, *, has_ended: bool = False) -> bool:
        """Show OctoBot an order that it lost, or one that has ended; return whether its balances may be stale then.

        :param raw: the exchange's row of the order.
        :param has_ended: whether the order has ended though the exchange's row of it does not say so.
        """
        if order.exchange_order_id in self._updates:
            return has_ended or not order.is_open
        known_orders = self._personal_data.orders_manager.get_all_orders(symbol=self._symbol)
        is_known = any(known.exchange_order_id == order.exchange_order_id for known in known_orders)
        if (order.is_open and not has_ended) == is_known:
            return not is_known  # it came and went without OctoBot
        try:
            in_octobots_form = self._record.for_octobot(raw)
        except Exception as error:  # noqa: BLE001 - OctoBot's classes raise anything; our own record does not need them
            self._logger.warning("OctoBot can't read its order %s: %s", order.exchange_order_id, text_of(error))
            return False
        is_in_time = await self._show(order.exchange_order_id, in_octobots_form, is_new_order=not is_known)
        # only for an order of its own that has filled whole it reads them by itself
        return not is_in_time or not is_known or not order.is_filled

    async def _show(self, exchange_order_id: str, row: Raw, *, is_new_order: bool) -> bool:
        """Let OctoBot take in an order; return whether it did in time, else it finishes beside the loop.

        :raises Exception: what OctoBot raised within the time that is waited for it.
        """
        update = asyncio.create_task(
            self._personal_data.handle_order_update_from_raw(exchange_order_id, row, is_new_order=is_new_order)
        )
        self._updates[exchange_order_id] = update
        try:
            await asyncio.wait({update}, timeout=PATIENCE_S)
        except asyncio.CancelledError:
            update.cancel()
            raise
        finally:
            if update.done():
                del self._updates[exchange_order_id]
        if update.done():
            self._check(exchange_order_id, update)
            return True
        self._logger.info("OctoBot takes long to take in the order %s; not waiting for it", exchange_order_id)
        update.add_done_callback(lambda _: self._finished_late(exchange_order_id, update))
        return False

    def _check(self, exchange_order_id: str, update: asyncio.Task[typing.Any]) -> None:
        try:
            update.result()
        except trading_errors.PortfolioNegativeValueError as error:
            self._logger.info("OctoBot's portfolio does not know of %s yet: %s", exchange_order_id, text_of(error))

    def _finished_late(self, exchange_order_id: str, update: asyncio.Task[typing.Any]) -> None:
        del self._updates[exchange_order_id]
        if update.cancelled():
            return
        try:
            self._check(exchange_order_id, update)
        except Exception as error:  # noqa: BLE001 - nobody waits for it any more; our own record does not need it
            self._logger.warning("OctoBot could not take in the order %s: %s", exchange_order_id, text_of(error))
