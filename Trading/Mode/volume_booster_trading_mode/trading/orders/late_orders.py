"""Orders that have ended, and of which something may still be told: each is looked after once more.

An exchange may say that an order was cancelled with nothing filled, and show its trades a moment later. Or it never
shows an order that it took, until a person has resumed without it, and then shows it after all.
"""

from __future__ import annotations

from dataclasses import dataclass

from ...campaign.campaign import Campaign
from ...core.accounting.ledger import Outcome
from ...core.accounting.reconciliation import READS_AGREE_AFTER_S, ExchangeOrder, Standing

SEEN_LOOK_EVERY_S = 5.0
"""How often an order is looked after that the exchange shows as open though it was given up."""
LOST_LOOK_EVERY_S = 60.0
LOST_KEPT_S = 86_400.0
"""So long an order that the exchange does not show is looked for."""
KEPT_ORDERS = 20
"""So many of a market's last orders are looked after at a start, and all that were lost since `LOST_KEPT_S`."""


@dataclass(slots=True)
class _Late:
    order: ExchangeOrder | None
    """As the exchange told it last; None where it never did."""
    next_look_at: float
    until: float


class LateOrders:
    """Those of one market."""

    def __init__(self, campaign: Campaign, exchange: str, symbol: str, now: float) -> None:
        self._campaign = campaign
        self._market = exchange, symbol
        self._late: dict[str, _Late] = {}
        for row in campaign.last_sent(exchange, symbol, KEPT_ORDERS, now - LOST_KEPT_S):
            if row.outcome is not None and row.ended_at is not None:
                told = row.exchange_order_id
                order = ExchangeOrder(told, row.order.order_id, None, Standing.CANCELLED) if told else None
                self.ended(row.order.order_id, row.outcome, order, row.ended_at)

    def ended(self, order_id: str, outcome: Outcome, order: ExchangeOrder | None, now: float) -> None:
        """An order has ended so: one that nothing is filled of, as far as the exchange shows, may come to more."""
        if outcome is Outcome.LOST:
            self._late[order_id] = _Late(None, now + LOST_LOOK_EVERY_S, now + LOST_KEPT_S)
        elif order is not None and not self._campaign.record(order_id).filled_quantity:
            self._late[order_id] = _Late(order, now + READS_AGREE_AFTER_S, now)

    def seen_open(self, order: ExchangeOrder, now: float) -> None:
        """The exchange shows this order as open: it may be one of ours that was given up."""
        order_id = self._order_id(order)
        if order_id is None or self._campaign.record(order_id).outcome is None:
            return
        late = self._late.get(order_id)
        if late is None or late.order is None:
            self._late[order_id] = _Late(order, now, now + LOST_KEPT_S)

    def _order_id(self, order: ExchangeOrder) -> str | None:
        if order.client_order_id and self._campaign.knows(order.client_order_id):
            return order.client_order_id
        return self._campaign.order_of(order.exchange_order_id, *self._market)

    @property
    def is_waited_for(self) -> bool:
        """Whether there is one of which the exchange has said that it has ended."""
        return any(late.order is not None and not late.order.is_open for late in self._late.values())

    def due(self, now: float) -> str | None:
        """One that is to be looked after now; None when none is."""
        return next((order_id for order_id, late in self._late.items() if now >= late.next_look_at), None)

    def ended_order(self, order_id: str) -> ExchangeOrder | None:
        """An order that is looked after, where the exchange has said that it has ended: only its trades are asked for
        then."""
        late = self._late.get(order_id)
        return None if late is None or late.order is None or late.order.is_open else late.order

    def look_again_in(self, order_id: str, seconds: float, now: float) -> None:
        """It is looked after now; should nothing come of that, again in so many seconds."""
        if order_id in self._late:
            self._late[order_id].next_look_at = now + seconds

    def looked(self, order_id: str, now: float, order: ExchangeOrder | None, *, has_news: bool) -> None:
        """An order was looked after: once more later where there was news, or where there may still be."""
        late = self._late[order_id]
        late.order = order or late.order
        if (order is not None and not order.is_open and not has_news) or now > late.until + LOST_LOOK_EVERY_S:
            del self._late[order_id]
        elif order is None:
            late.next_look_at = now + LOST_LOOK_EVERY_S
        else:
            late.next_look_at = now + (SEEN_LOOK_EVERY_S if order.is_open else READS_AGREE_AFTER_S)
