"""What learns what became of our orders, and what cancels them: with OctoBot's simulator or with an exchange."""

from __future__ import annotations

import contextlib
import typing
from collections.abc import Iterable

from ...adapters.market_data import Book
from ...core.decision.guards import Halt
from ...core.decision.policy import Wait
from ...core.model.orders import OpenOrder
from .order_request import RequestStatus


class Reconciler(typing.Protocol):
    """Brings the ledger of one symbol up to what its orders have come to."""

    @property
    def unknown_orders(self) -> frozenset[str]:
        """The orders that a person is asked about."""

    def refusal(self) -> str:
        """Why no order can be placed at all; empty when it can."""

    async def settle(self, now: float) -> Wait | Halt | None:
        """Write down what became of the orders that have not ended; why to wait or to halt while that is not known.

        :raises JournalError: when it could not be written down.
        :raises ValueError: when it is not told how much was traded, or what it cost.
        :raises NotReadableError: when OctoBot does not know the market.
        """

    def on_order_event(self, order: dict[str, typing.Any]) -> bool:
        """OctoBot has published an event of an order; whether the loop should look at once."""

    def unanswered(self, order_id: str, reason: str, now: float) -> RequestStatus:
        """Nobody has answered for an order that was asked for; what is known of it."""

    def schedule_poll(self) -> None:
        """Something has happened to an order: ask at the next opportunity."""

    def refresh_balances_soon(self) -> None:
        """OctoBot's balances may be out of date: they are read again at the next opportunity."""

    def on_error(self, error: BaseException | None, now: float) -> None:
        """An answer was an error: where the exchange asks to be left alone, it is from now on."""

    def open_orders(self) -> tuple[OpenOrder, ...]:
        """Every order of this bot on the symbol that may still fill, whoever placed it."""

    async def sync_open_orders(self, now: float) -> None:
        """Let OctoBot know of every open order of the account, so that none is crossed.

        :raises NotReadableError: when the exchange does not answer.
        """

    async def read_book(self) -> Book | None:
        """The exchange's order book, asked now; None where OctoBot's simulator trades. Every look measures fills.

        :raises NotReadableError: when the exchange does not answer.
        """

    def look_due_in_s(self, now: float) -> float | None:
        """In how many seconds a look at the market measures fills; None when there is none to measure."""

    async def look(self, now: float) -> None:
        """Look at the market for the fills that are to be measured; one that can't be measured stays so.

        :raises JournalError: when it could not be written down.
        """

    def settles_in_s(self) -> float:
        """In how many seconds to look again whether something still becomes of our orders; 0 when nothing can."""


class Canceller(typing.Protocol):
    """Cancels our orders on one symbol."""

    def going_first(self) -> contextlib.AbstractContextManager[None]:
        """Within it what is asked of an exchange goes before all that waits for its turn."""

    async def cancel(self, orders: Iterable[OpenOrder]) -> tuple[OpenOrder, ...]:
        """Cancel these orders of ours; those that may not have ended."""

    async def cancel_ours(self, *, at_once: bool) -> int:
        """Cancel every order of ours that may still fill; how many would not be cancelled.

        :param at_once: in one request, where that is possible.
        :raises ExchangeUnreachableError: when the exchange does not list them.
        """
