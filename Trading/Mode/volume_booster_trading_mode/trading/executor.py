"""Executes decisions on one symbol: places, cancels, waits, halts."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from decimal import Decimal

from ..adapters import market_data, order_submission
from ..adapters.runtime import notifications, order_logs
from ..campaign.campaign import Campaign
from ..core.accounting.ledger import Outcome, Progress
from ..core.accounting.tallies import day_of
from ..core.decision import policy
from ..core.decision.guards import REAL_FUNDS_LOCK, Halt
from ..core.decision.timing import pacing
from ..core.model.orders import OpenOrder, OrderIntent
from ..core.model.redact import text_of
from ..core.model.snapshot import MarketSnapshot
from ..core.notify import progress_lines
from ..core.notify.notices import Notice, audience, audience_label
from ..core.settings.schema import TargetPeriod
from ..journal.journal import DONE, ERROR, GO, JournalError
from .orders.order_request import OrderRequest, RequestStatus
from .orders.reconciler import Canceller
from .session import Session

ANSWER_TIMEOUT_S = 120.0
"""How long an order waits for the consumer's answer; OctoBot's own time-outs of an order are shorter."""
HALTED_LOOK_S = 2.0
"""How often a halted campaign looks whether its reason is gone."""
SHORTEST_DELAY_S = 0.05
LOOK_AGAIN_S = 0.25
"""How soon a quote that came too late is decided on again."""
FORGET_LOGS_EVERY = 500
"""Orders after which the loggers of those that have ended are let go."""
UNFUNDED_LOOK_S = 30.0
"""The longest wait before a campaign without funds looks again."""
REST_LOOK_S = 30.0
"""How often it is looked whether what is left of an inventory can be traded back after all."""
FUND_IT = (
    "deposit, or free what other orders hold: it continues on its own. Stop on the mode's page cancels what rests."
)
GO_FURTHER = (
    "`volume-booster report --html FILE` shows the result; a higher volume target, saved on the mode's page in "
    "OctoBot's web page, continues it."
)


class OrderExecutor:
    """Executes the decisions on one symbol; each method returns the seconds until the next decision.

    :param submit: hands an order to the consumer of the mode.
    """

    def __init__(
        self, session: Session, campaign: Campaign, canceller: Canceller,
        submit: Callable[[OrderRequest], Awaitable[None]],
    ) -> None:  # fmt: skip
        self._session = session
        self._campaign = campaign
        self._reconciler = session.reconciler
        self.canceller = canceller
        self._submit = submit
        self._unfunded_in_a_row = 0
        self._has_announced_unfunded = False
        self._sent: list[str] = []
        """Orders whose loggers OctoBot still has."""
        self.next_order_at = 0.0
        """No order before this moment, on OctoBot's clock."""
        self.request: OrderRequest | None = None
        """The order that was sent last."""

    def order_within(self, delay_s: float) -> None:
        """The next order may go out after this many seconds at the latest."""
        self.next_order_at = min(self.next_order_at, self._session.now() + delay_s)

    async def execute(self, decision: policy.Decision, snapshot: MarketSnapshot, progress: Progress) -> float:
        match decision:
            case policy.Place():
                return await self._place_in_time(decision)
            case policy.Cancel():
                return await self.cancel(decision.orders, decision.reason)
            case policy.Wait(is_pace=True):
                return decision.delay_s
            case policy.Wait(is_unfunded=True):
                return await self._unfunded(decision, progress)
            case policy.Wait():
                return self.wait(decision)
            case Halt():
                return await self._halt(decision, snapshot)
            case policy.Done():
                return await self._done(decision, progress)

    async def _place_in_time(self, decision: policy.Place) -> float:
        """Place, but not before the pause after the last order is over, however often the loop is woken."""
        self._unfunded_in_a_row = 0
        self._has_announced_unfunded = False
        too_early_s = self.next_order_at - self._session.now()
        if too_early_s > pacing.CLOCK_TOLERANCE_S:
            return too_early_s
        self._campaign.note(self._session.now(), GO, self._session.source, "")
        return await self._place(decision)

    async def _place(self, decision: policy.Place) -> float:
        """Reserve, write down and send, in this order; then see what became of it."""
        sent_at = self._session.now()
        answer = await self._send(decision.intent, decision.min_order_quote)
        if answer is None:
            return SHORTEST_DELAY_S
        status, reason = answer
        self.next_order_at = max(self.next_order_at, sent_at + decision.delay_s)
        if status is RequestStatus.WOULD_TAKE:
            self._session.logger.info("Order not made: %s", reason)
            return LOOK_AGAIN_S
        if status is RequestStatus.REFUSED:
            delay_s = max(decision.delay_s, self.back_off())
            self._session.logger.warning("Order not made: %s; next try in %.0f s", reason, delay_s)
            self._campaign.note(self._session.now(), ERROR, self._session.source, reason)
            return delay_s
        if status is RequestStatus.UNKNOWN:
            self._session.logger.warning("It is not known whether the order was made, so it is looked up: %s", reason)
        if (unsettled := await self.settled()) is not None:
            return self.held_up(unsettled)
        assert self.request is not None
        if status is RequestStatus.UNKNOWN and self._has_failed(self.request):
            self._campaign.note(self._session.now(), ERROR, self._session.source, reason)
        return decision.delay_s

    def _has_failed(self, request: OrderRequest) -> bool:
        return self._campaign.record(request.order_id).outcome is Outcome.REJECTED

    async def flatten(self, intent: OrderIntent) -> tuple[RequestStatus, str]:
        """Send an order that brings the inventory back to its start: the only one that an emergency lets through."""
        answer = await self._send(intent, None, is_flattening=True)
        assert answer is not None, "without a smallest order nothing can take the headroom away"
        return answer

    async def _send(
        self, intent: OrderIntent, min_order_quote: Decimal | None, *, is_flattening: bool = False
    ) -> tuple[RequestStatus, str] | None:
        """Let the consumer make an order, and wait for its answer; None when another symbol took its headroom."""
        session, order_id = self._session, self._new_order_id()
        if not self._campaign.reserve(order_id, *session.market, intent, session.now(), min_order_quote):
            return None
        answer = asyncio.get_running_loop().create_future()
        request = self.request = OrderRequest(order_id, intent, answer, is_flattening)
        self._forget_logs(order_id)
        await self._submit(request)
        if request.answer.done():
            return request.answer.result()
        try:
            return await asyncio.wait_for(request.answer, ANSWER_TIMEOUT_S)
        except asyncio.TimeoutError:
            reason = f"no answer from OctoBot within {ANSWER_TIMEOUT_S:g} s"
        return self._reconciler.unanswered(order_id, reason, session.now()), reason

    def _forget_logs(self, order_id: str) -> None:
        """Now and then: what OctoBot keeps for the log of an order that has ended is no longer needed."""
        self._sent.append(order_id)
        if len(self._sent) >= FORGET_LOGS_EVERY:
            open_ids = set(self._campaign.ledger.open_order_ids)
            order_logs.forget([one for one in self._sent if one not in open_ids])
            self._sent = [one for one in self._sent if one in open_ids]

    def _new_order_id(self) -> str:
        session = self._session
        if not session.manager.is_backtesting:
            return order_submission.new_order_id(order_submission.venue_at(session.manager))
        return order_submission.backtest_order_id(session.source, self._campaign.orders_placed(*session.market))

    def back_off(self) -> float:
        """No order until a while after a failure, longer after each; the seconds of it."""
        failures = self._session.progress().failures_in_a_row
        delay_s = pacing.backoff_delay(failures, random.Random(failures))
        self.next_order_at = max(self.next_order_at, self._session.now() + delay_s)
        return delay_s

    async def cancel(self, orders: tuple[OpenOrder, ...], reason: str) -> float:
        """Cancel, and look again at once; what could not be cancelled is tried again after a while."""
        for open_order in orders:
            self._session.logger.info("Cancelling the %s at %s: %s", open_order.side.value, open_order.price, reason)
        self._campaign.cancels.note(self._session.exchange_name, self._session.now(), len(orders))
        failed = await self.canceller.cancel(orders)
        for open_order in failed:
            self._session.logger.warning("The order %s could not be cancelled", open_order.order_id)
        self._reconciler.schedule_poll()
        return pacing.BACKOFF_FIRST_S if failed else 0.0

    async def settled(self) -> policy.Wait | Halt | None:
        """Write down what became of our orders; why to wait or to halt while that is not known or can't be written.

        What could not be written down is tried again each time: the halt is over as soon as it can.
        """
        session, failures = self._session, self._failures_in_a_row()
        try:
            answer = await self._reconciler.settle(session.now())
        except (JournalError, ValueError) as error:
            session.could_not_write_down(error)
            return Halt(session.problem)
        except market_data.NotReadableError as missing:
            return policy.Wait(policy.IDLE_S, text_of(missing))
        session.problem = ""
        if self._failures_in_a_row() > failures:
            self.back_off()
        return answer

    def _failures_in_a_row(self) -> int:
        """0 while the settings can't be used: then nothing is sent anyway, but what was sent is settled."""
        return 0 if self._session.settings is None else self._campaign.ledger.failures_in_a_row(self._session.market)

    def held_up(self, unsettled: policy.Wait | Halt) -> float:
        """It is not known what became of an order: a wait, or a halt where a person is asked, or was before."""
        if isinstance(unsettled, Halt):
            return self.halt(unsettled)
        halt = self._campaign.halt_of(self._session.source)
        if halt is None:
            return self.wait(unsettled)
        self.halt(halt)
        return unsettled.delay_s

    def halt(self, halt: Halt) -> float:
        self._session.halt(halt)
        return HALTED_LOOK_S

    def wait(self, decision: policy.Wait) -> float:
        self._session.wait(decision)
        return decision.delay_s

    async def _unfunded(self, decision: policy.Wait, progress: Progress) -> float:
        """Wait longer and longer; told to a person once, and over by itself when there are funds again.

        OctoBot's idea of the balances may be an old one, so the exchange is asked. While orders rest, which keep funds,
        there is nothing for a person to do.
        """
        self._unfunded_in_a_row += 1
        self._reconciler.refresh_balances_soon()
        if not progress.open_orders and not self._has_announced_unfunded:
            self._has_announced_unfunded = True
            source = self._session.source
            text = f"{source} waits for funds: {decision.reason}"
            await notifications.notify(self._campaign, self._session.now(), Notice(f"funds of {source}", text, FUND_IT))
        self.wait(decision)
        delay_s = pacing.backoff_delay(self._unfunded_in_a_row, random.Random(self._unfunded_in_a_row))
        return min(delay_s, UNFUNDED_LOOK_S)

    async def _halt(self, halt: Halt, snapshot: MarketSnapshot) -> float:
        """Halted, and where a person has to look or has withdrawn a consent, with nothing of ours left in the book."""
        delay_s = self.halt(halt)
        ours = tuple(order for order in snapshot.open_orders if order.is_ours and not order.is_cancelling)
        if not ours or not (halt.is_lasting or halt.guard == REAL_FUNDS_LOCK):
            return delay_s
        return await self.cancel(ours, halt.reason) or SHORTEST_DELAY_S

    async def _done(self, decision: policy.Done, progress: Progress) -> float:
        if decision.leftovers:
            return await self.cancel(decision.leftovers, "the target is reached")
        if (again_s := self._reconciler.settles_in_s()) > 0:
            return again_s
        await self._reconciler.look(self._session.now())
        session = self._session
        told = ", and ".join(filter(None, [progress_lines.sentence(progress, session.currency), decision.rest]))
        if self._campaign.note(session.now(), DONE, session.source, told):
            session.logger.info("Target reached on %s: %s", session.source, told)
            await self._announce_end(progress, told)
        return REST_LOOK_S if decision.rest else policy.IDLE_S

    async def _announce_end(self, progress: Progress, told: str) -> None:
        """Once for each target: of pairs that share one, the first that has nothing left to do tells it."""
        campaign, settings = self._campaign, self._session.settings
        assert settings is not None
        whose = audience(self._session.source, settings)
        day = day_of(self._session.now()) if settings.target_period is TargetPeriod.DAILY else None
        if campaign.is_news(f"end of {whose}", (progress.target_quote, day)):
            shown = audience_label(self._session.source, settings, len(campaign.sources))
            notice = Notice(f"end of {whose}", f"Target reached on {shown}: {told}", GO_FURTHER, is_urgent=True)
            await notifications.notify(campaign, self._session.now(), notice)
