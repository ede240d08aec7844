"""The orders of this bot on one symbol that may still fill: what OctoBot holds, and on an exchange what it lost."""

from __future__ import annotations

import dataclasses
import typing

from ...adapters import futures_data, market_data
from ...campaign.campaign import Campaign
from ...core.accounting.ledger import Outcome
from ...core.model.basics import OrderType
from ...core.model.orders import OpenOrder


class SimulatedOrders:
    """Those that OctoBot's simulator holds."""

    def __init__(self, manager: typing.Any, symbol: str, campaign: Campaign) -> None:
        self._manager = manager
        self._symbol = symbol
        self._campaign = campaign

    def all(self) -> tuple[OpenOrder, ...]:
        """Whoever placed them."""
        return tuple(order for order, _ in self._known())

    def _known(self) -> list[tuple[OpenOrder, str | None]]:
        """OctoBot's orders that may still fill, each with our id of it; None when it is not ours."""
        orders = market_data.orders_of_octobot(self._manager, self._symbol, self._own_id)
        return [(self._seen(order, own_id), own_id) for order, own_id in orders]

    def _seen(self, order: typing.Any, own_id: str | None) -> OpenOrder:
        """Of an order of ours is open what whoever counts the position has not counted of it yet.

        Otherwise a fill that one of OctoBot and our books knows before the other would for a moment be in neither.
        """
        if own_id is None:
            return market_data.open_order(order, None)
        campaign, record = self._campaign, self._campaign.record(own_id)
        seen = market_data.open_order(order, record.placed_at)
        left = seen.remaining_quantity
        if record.open_quantity and self._position_is_ours():
            left = record.open_quantity
        is_market, fills = record.intent.order_type is OrderType.MARKET, campaign.ledger.fills_since(own_id)
        return dataclasses.replace(seen, remaining_quantity=left, is_market=is_market, fills_since=fills)

    def _position_is_ours(self) -> bool:
        """Whether our ledger counts the position; that of simulated futures is OctoBot's."""
        return not futures_data.is_futures(self._manager)

    def _own_id(self, order: typing.Any) -> str | None:
        return str(order.order_id) if self._campaign.knows(order.order_id) else None


class ExchangeOrders(SimulatedOrders):
    """Those on a real exchange: OctoBot's, and those of ours that it lost.

    OctoBot's real trader can lose sight of an order that rests on its exchange. Until it is shown to it again, the
    ledger knows it: it is not to be crossed, and not to be followed by one too many.
    """

    def all(self) -> tuple[OpenOrder, ...]:
        """Whoever placed them."""
        campaign, known = self._campaign, self._known()
        own_ids = {own_id for _, own_id in known}
        market = self._manager.exchange_name, self._symbol
        lost = (order_id for order_id in campaign.open_order_ids(*market) if order_id not in own_ids)
        return (
            *(order for order, own_id in known if not self._has_ended(own_id)),
            *(self._lost(order_id) for order_id in lost),
        )

    def _position_is_ours(self) -> bool:
        return True

    def _lost(self, order_id: str) -> OpenOrder:
        order = self._campaign.record(order_id).as_open_order(order_id)
        return dataclasses.replace(order, fills_since=self._campaign.ledger.fills_since(order_id))

    def _has_ended(self, own_id: str | None) -> bool:
        """Whether the exchange has told us that an order of ours is over; OctoBot may not know that yet."""
        return own_id is not None and self._campaign.record(own_id).outcome in (Outcome.FILLED, Outcome.CANCELLED)

    def _own_id(self, order: typing.Any) -> str | None:
        """After a restart OctoBot has a new id for an order of ours."""
        own_id = super()._own_id(order)
        if own_id is not None:
            return own_id
        return self._campaign.order_of(order.exchange_order_id, self._manager.exchange_name, self._symbol)
