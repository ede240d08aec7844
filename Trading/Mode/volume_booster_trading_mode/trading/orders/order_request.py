"""An order on its way from the producer to the consumer, and what is known of it afterwards."""

from __future__ import annotations

import asyncio
import enum
from dataclasses import dataclass

from ...core.model.orders import OrderIntent


class RequestStatus(enum.Enum):
    """What is known of an order after it was asked for."""

    MADE = "made"
    REFUSED = "refused"
    """It does not exist, and will not."""
    WOULD_TAKE = "would take"
    """It was post-only and would have traded at once, so it does not exist: no failure, the price has moved."""
    UNKNOWN = "unknown"
    """A real exchange may have it: it has to be looked up."""


@dataclass(slots=True)
class OrderRequest:
    """An order that is reserved and written down under its id. The answer is its status, and why."""

    order_id: str
    intent: OrderIntent
    answer: asyncio.Future[tuple[RequestStatus, str]]
    is_flattening: bool = False
    """It brings the inventory back to its start, and is sent also when nothing else is any more."""

    def reply(self, fate: RequestStatus, reason: str = "") -> None:
        """Answer, unless nobody waits for it any more."""
        if not self.answer.done():
            self.answer.set_result((fate, reason))
