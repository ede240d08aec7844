"""One order of a check: the smallest, far from the market, found in every way that there is, and cancelled again."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from decimal import Decimal

from ..adapters.exchange_client import Found
from ..adapters.order_submission import Submission, SubmissionStatus
from ..core.accounting.reconciliation import ExchangeOrder
from ..core.model.basics import ZERO, OrderType, Side
from ..core.model.orders import OrderIntent
from ..core.planning.account_checks import FarOrder, Market, Row, fails, plan_far_order, untried, works
from .guard import Guard
from .questions import Questions

PLACED, BY_EXCHANGE_ID, BY_OUR_ID, IN_LIST, CANCELLED = (
    "order placed", "found by its id", "found by our id", "in the open orders", "order cancelled"
)  # fmt: skip
LOOKS, BETWEEN_LOOKS_S = 5, 1.0
"""How often an order is looked for, which an exchange may show late."""
Pause = Callable[[float], Awaitable[None]]


def plan(questions: Questions) -> FarOrder | str:
    """The order that is placed, or why none can be."""
    rules, book = questions.rules, questions.book
    lowest, highest = _price_limits(questions)
    free = questions.free
    return plan_far_order(
        Market(
            book.bids[0].price, book.asks[0].price, free.get(rules.base, ZERO), free.get(rules.quote, ZERO), rules,
            lowest, highest,
        )
    )  # fmt: skip


def _price_limits(questions: Questions) -> tuple[Decimal, Decimal | None]:
    """The lowest bid and the highest ask that the market's own rules allow, as far as ccxt tells them."""
    market = questions.client.market(questions.symbol)
    limits = market["limits"].get("price") or {}
    lowest, highest = (None if limits.get(end) is None else Decimal(str(limits[end])) for end in ("min", "max"))
    mid = (questions.book.bids[0].price + questions.book.asks[0].price) / 2
    filters = market["info"].get("filters") if isinstance(market["info"], dict) else None
    for told in filter(lambda one: isinstance(one, dict), filters or ()):
        if (down := told.get("bidMultiplierDown") or told.get("multiplierDown")) is not None:
            lowest = max(lowest or ZERO, mid * Decimal(str(down)))
        if (up := told.get("askMultiplierUp") or told.get("multiplierUp")) is not None:
            highest = min(highest or mid * Decimal(str(up)), mid * Decimal(str(up)))
    return lowest or ZERO, highest or None


class Trial:
    """One far order on its way through everything that an order of a campaign goes through.

    :param may_leave: why it must not leave after all, empty when it may; asked at the last moment.
    """

    def __init__(
        self, questions: Questions, guard: Guard, may_leave: Callable[[], str], emit: Callable[[Row], None],
        pause: Pause = asyncio.sleep,
    ) -> None:  # fmt: skip
        self._questions = questions
        self._guard = guard
        self._may_leave = may_leave
        self._emit = emit
        self._pause = pause
        self._placed_at = 0.0
        self._exchange_id: str | None = None
        self._was_seen = False

    async def run(self, order: FarOrder) -> None:
        """Place it, look for it and cancel it; whatever happens in between, it is cancelled."""
        mid = (self._questions.book.bids[0].price + self._questions.book.asks[0].price) / 2
        intent = OrderIntent(order.side, OrderType.LIMIT, order.quantity, order.price, mid, post_only=True)
        submission = self._questions.submission(intent, self._may_leave)
        self._placed_at = self._questions.now()
        try:
            await self._row(PLACED, lambda: self._place(submission, order))
            if submission.is_posted and submission.status is not SubmissionStatus.REFUSED:
                await self._row(BY_OUR_ID, lambda: self._find_by_our_id(submission))
                await self._row(BY_EXCHANGE_ID, lambda: self._find_by_exchange_id(submission))
                await self._row(IN_LIST, lambda: self._find_in_list(submission))
        finally:
            if submission.is_posted:
                await asyncio.shield(self._row(CANCELLED, lambda: self._cancel(submission)))

    async def _row(self, name: str, question: Callable[[], Awaitable[Row]]) -> None:
        self._emit(await self._questions.ask(name, question))

    async def _place(self, submission: Submission, order: FarOrder) -> Row:
        try:
            with self._guard.letting_one_order_out():
                await self._questions.carry_out(submission)
        finally:
            self._exchange_id = submission.exchange_order_id
        what = _described(order, self._questions)
        if submission.status is SubmissionStatus.ACCEPTED:
            if submission.octobot_problem:
                return fails(PLACED, f"{what} was placed, but {submission.octobot_problem}")
            return works(PLACED, f"{what} was placed; the exchange's id of it is {self._exchange_id}")
        if submission.status is SubmissionStatus.UNKNOWN:
            return fails(PLACED, f"{what} was sent, and no answer gives its id: {submission.reason}")
        return fails(PLACED, f"{what} was not placed: {submission.reason}")

    async def _find_by_our_id(self, submission: Submission) -> Row:
        lookup = self._questions.venue.lookup
        if not lookup.is_asked_by_client_id and not lookup.open_orders_show_client_id:
            return untried(
                BY_OUR_ID, "this exchange shows our id nowhere: one whose answer is lost has to be looked for"
            )
        found = await self._look(submission.order_id, None)
        if found.order is not None:
            if self._exchange_id not in (None, found.order.exchange_order_id):
                return fails(
                    BY_OUR_ID, f"under our id the exchange shows another order: {found.order.exchange_order_id}"
                )
            self._exchange_id = found.order.exchange_order_id
            return works(BY_OUR_ID, "an order whose answer is lost is found again")
        if found.is_conclusive and self._exchange_id is None:
            return untried(BY_OUR_ID, "not found: the order has not arrived, or is not shown yet")
        if found.is_conclusive:
            return fails(
                BY_OUR_ID,
                "the exchange says that it has no order of our id, and has it: one whose answer is lost would be taken "
                "for one that never arrived",
            )
        return fails(BY_OUR_ID, "not found: an order whose answer is lost has to be looked for by hand")

    async def _find_by_exchange_id(self, submission: Submission) -> Row:
        if self._exchange_id is None:
            return untried(BY_EXCHANGE_ID, "the exchange has reported no id of the order")
        found = await self._look(submission.order_id, self._exchange_id)
        if found.order is None or found.row is None:
            return fails(BY_EXCHANGE_ID, f"the exchange does not find its own order {self._exchange_id}")
        told = self._questions.venue.client_id.read_back(found.row.get("clientOrderId"))
        if told and told != submission.order_id:
            return fails(BY_EXCHANGE_ID, f"the exchange shows the order under the id {told} instead of ours")
        if not found.order.is_open:
            return fails(BY_EXCHANGE_ID, f"the exchange says that the order has ended: {found.row.get('status')}")
        return works(BY_EXCHANGE_ID, "it rests" + ("" if told else "; our id is not shown with it"))

    async def _find_in_list(self, submission: Submission) -> Row:
        """In the exchange's list of open orders, by its own id or by ours."""
        told: list[ExchangeOrder] = []
        for look in range(LOOKS):
            told = [order for order, _ in await self._questions.record.open_orders()]
            if any(self._is(order, submission) for order in told):
                self._was_seen = True
                return works(IN_LIST, f"it is one of {len(told)}")
            if look + 1 < LOOKS:
                await self._pause(BETWEEN_LOOKS_S)
        return fails(IN_LIST, f"the list shows {len(told)} other orders and not this one")

    def _is(self, order: ExchangeOrder, submission: Submission) -> bool:
        return order.exchange_order_id == self._exchange_id or order.client_order_id == submission.order_id

    async def _look(self, order_id: str, exchange_id: str | None) -> Found:
        """Some looks at most: an exchange may show an order late."""
        for look in range(LOOKS):
            found = await self._questions.record.find_order(order_id, exchange_id, self._placed_at)
            if found.order is not None:
                self._was_seen = True
                return found
            if look + 1 < LOOKS:
                await self._pause(BETWEEN_LOOKS_S)
        return found

    async def _cancel(self, submission: Submission) -> Row:
        try:
            if self._exchange_id is None:
                self._exchange_id = await self._learn_id(submission)
        except Exception as error:  # noqa: BLE001 - whatever it is: what is left on the exchange has to be told
            return _maybe_left(submission.order_id, error)
        if self._exchange_id is not None:
            return await self._cancel_until_confirmed(submission, self._exchange_id)
        if submission.status is SubmissionStatus.REFUSED:
            return works(CANCELLED, "not needed: the exchange refused it")
        return fails(
            CANCELLED,
            f"the order {submission.order_id} was sent and is not found: look on the exchange's own page, and cancel "
            "it there",
        )

    async def _learn_id(self, submission: Submission) -> str | None:
        """Look once more for an order whose answer was lost."""
        found = await self._questions.record.find_order(submission.order_id, None, self._placed_at)
        return None if found.order is None else found.order.exchange_order_id

    async def _cancel_until_confirmed(self, submission: Submission, exchange_id: str) -> Row:
        """Until the exchange says itself that the order has ended: that a cancellation was accepted is not that."""
        problem: Exception | None = None
        is_accepted = False
        for look in range(LOOKS):
            if look:
                await self._pause(BETWEEN_LOOKS_S)
            try:
                is_accepted = is_accepted or await self._ask_to_cancel(submission, exchange_id)
            except Exception as error:  # noqa: BLE001 - the order may have ended all the same
                problem = error
            try:
                if (ended := await self._ended(submission, exchange_id, is_accepted=is_accepted)) is not None:
                    return ended
            except Exception as error:  # noqa: BLE001 - it is asked again
                problem = error
        return _maybe_left(exchange_id, problem)

    async def _ask_to_cancel(self, submission: Submission, exchange_id: str) -> bool:
        """True once the exchange has taken it."""
        questions, wire_id = self._questions, self._questions.venue.client_id.on_the_wire(submission.order_id)
        with self._guard.letting_cancel(exchange_id, wire_id):
            await questions.record.ask(
                "of the cancellation", lambda: questions.client.cancel_order(exchange_id, questions.symbol)
            )
        return True

    async def _ended(self, submission: Submission, exchange_id: str, *, is_accepted: bool) -> Row | None:
        """None while the order may rest."""
        found = await self._questions.record.find_order(submission.order_id, exchange_id, self._placed_at)
        listed = [order for order, _ in await self._questions.record.open_orders()]
        is_gone = self._was_seen and is_accepted if found.order is None else not found.order.is_open
        if not is_gone or any(self._is(order, submission) for order in listed):
            return None
        if found.order is None:
            return works(CANCELLED, "the exchange has it no more")
        filled = found.order.filled_quantity
        if filled:
            return fails(CANCELLED, f"{filled:f} of it had filled before")
        if filled is None:
            return works(CANCELLED, "the exchange confirms it, and does not report whether any of it had filled")
        return works(CANCELLED, "the exchange confirms it, and that nothing of it had filled")


def _maybe_left(order_id: str, problem: Exception | None) -> Row:
    told = "" if problem is None else f" ({type(problem).__name__}: {problem})"
    return fails(CANCELLED, f"the order {order_id} may still rest: cancel it on the exchange's own page{told}")


def _described(order: FarOrder, questions: Questions) -> str:
    rules = questions.rules
    where = "below the best bid" if order.side is Side.BUY else "above the best ask"
    return (
        f"a post-only {order.side.value} of {order.quantity:f} {rules.base} at {order.price:f} {rules.quote}, "
        f"{order.distance:.0%} {where},"
    )
