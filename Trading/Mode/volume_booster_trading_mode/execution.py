"""Carries out decisions on one symbol: places, cancels, waits, halts; what became of it goes back to the producer."""

from __future__ import annotations

import asyncio
import random
import typing
from collections.abc import Iterable
from decimal import Decimal

import octobot_trading.enums as trading_enums
import octobot_trading.errors as trading_errors

from . import exchange_view, notifications, order_submission, report
from .campaign import Campaign
from .core import pacing, policy
from .core.books import day_of
from .core.guards import REAL_FUNDS_LOCK, Halt
from .core.ledger import Outcome, Progress
from .core.market import MarketSnapshot, OpenOrder, OrderIntent
from .core.notices import Notice, audience, audience_label
from .core.redact import named, text_of
from .core.settings import TargetPeriod
from .journal import DONE, ERROR, GO, WAIT, JournalError
from .order_request import Fate, OrderRequest

ANSWER_TIMEOUT_S = 120.0
"""How long an order waits for the consumer's answer; OctoBot's own time-outs of an order are shorter."""
HALTED_LOOK_S = 2.0
"""How often a halted campaign looks whether its reason is gone."""
SHORTEST_DELAY_S = 0.05
CANCELS_AT_ONCE = 8
"""With OctoBot's simulator."""
UNFUNDED_LOOK_S = 30.0
"""The longest wait before a campaign without funds looks again."""
CLOCK_TOLERANCE_S = 1e-3
LATE_TRADES_LOOK_S = 0.5
"""How often a campaign that has reached its target looks whether something is still told of its cancelled orders."""
END_HALT = (
    "read why, then press Resume on the mode's page in OctoBot's web page, or type `volume-booster resume`: what the "
    "guards count begins anew."
)
MEND_HALT = "mend what is named; the settings are on the mode's page in OctoBot's web page. It then goes on by itself."
FUND_IT = "deposit, or free what other orders hold: it goes on by itself. Stop on the mode's page cancels what rests."
GO_FURTHER = (
    "`volume-booster report --html FILE` shows the result; a higher volume target, saved on the mode's page in "
    "OctoBot's web page, lets it go on."
)


class Execution:
    """The hands of one producer: every method that carries something out tells in how many seconds to decide again."""

    def __init__(self, producer: typing.Any) -> None:
        self._producer = producer
        self._unfunded_in_a_row = 0
        self._has_told_unfunded = False
        self.next_order_at = 0.0
        """No order before this moment, on the clock of the producer."""
        self.request: OrderRequest | None = None
        """The order that was sent last."""

    def _now(self) -> float:
        return float(self._producer.now())

    def order_within(self, delay_s: float) -> None:
        """The next order may go out after this many seconds at the latest."""
        self.next_order_at = min(self.next_order_at, self._now() + delay_s)

    async def carry_out(
        self, decision: policy.Decision, campaign: Campaign, snapshot: MarketSnapshot, progress: Progress
    ) -> float:
        match decision:
            case policy.Place():
                return await self._place_in_time(decision, campaign)
            case policy.Cancel():
                return await self.cancel(decision.orders, decision.reason)
            case policy.Wait(is_pace=True):
                return decision.delay_s
            case policy.Wait(is_unfunded=True):
                return await self._unfunded(campaign, decision, progress)
            case policy.Wait():
                return self.waiting(campaign, decision)
            case Halt():
                return await self._halt(campaign, decision, snapshot)
            case policy.Done():
                return await self._done(decision, campaign, progress)

    async def _place_in_time(self, decision: policy.Place, campaign: Campaign) -> float:
        """Place, but not before the pause after the last order is over, however often the loop is woken."""
        self._unfunded_in_a_row = 0
        self._has_told_unfunded = False
        too_early_s = self.next_order_at - self._now()
        if too_early_s > CLOCK_TOLERANCE_S:
            return too_early_s
        campaign.note(self._now(), GO, self._producer.source, "")
        return await self._place(decision, campaign)

    async def _place(self, decision: policy.Place, campaign: Campaign) -> float:
        """Reserve, write down and send, in this order; then see what became of it."""
        sent_at = self._now()
        answer = await self._send(decision.intent, campaign, decision.min_order_quote)
        if answer is None:
            return SHORTEST_DELAY_S
        fate, reason = answer
        self.next_order_at = max(self.next_order_at, sent_at + decision.delay_s)
        if fate is Fate.REFUSED:
            delay_s = max(decision.delay_s, self.back_off())
            self._producer.logger.warning("Order not made: %s; next try in %.0f s", reason, delay_s)
            campaign.note(self._now(), ERROR, self._producer.source, reason)
            return delay_s
        if fate is Fate.UNKNOWN:
            self._producer.logger.warning("It is not known whether the order was made, so it is looked up: %s", reason)
        if (unsettled := await self._producer.settled(campaign)) is not None:
            return self.held_up(campaign, unsettled)
        assert self.request is not None
        if fate is Fate.UNKNOWN and campaign.record(self.request.order_id).outcome is Outcome.REJECTED:
            campaign.note(self._now(), ERROR, self._producer.source, reason)
        return decision.delay_s

    async def flatten(self, intent: OrderIntent, campaign: Campaign) -> tuple[Fate, str]:
        """Send an order that brings the inventory back to its start: the only one that an emergency lets through."""
        answer = await self._send(intent, campaign, None, is_flattening=True)
        assert answer is not None, "without a smallest order nothing can take the headroom away"
        return answer

    async def _send(
        self, intent: OrderIntent, campaign: Campaign, min_order_quote: Decimal | None, *, is_flattening: bool = False
    ) -> tuple[Fate, str] | None:
        """Let the consumer make an order, and wait for its answer; None when another symbol took its headroom."""
        producer, mode = self._producer, self._producer.trading_mode
        order_id = self._new_order_id(campaign)
        if not campaign.reserve(order_id, producer.exchange_name, mode.symbol, intent, self._now(), min_order_quote):
            return None
        answer = asyncio.get_running_loop().create_future()
        request = self.request = OrderRequest(order_id, intent, answer, is_flattening)
        await producer.submit_trading_evaluation(
            cryptocurrency=mode.cryptocurrency,
            symbol=mode.symbol,
            time_frame=None,
            state=trading_enums.EvaluatorStates.NEUTRAL,
            data={"request": request},
        )
        if producer.channel.is_synchronized:
            await producer.synchronized_perform_consumers_queue(producer.priority_level, True, ANSWER_TIMEOUT_S)
        if request.answer.done():
            return request.answer.result()
        try:
            return await asyncio.wait_for(request.answer, ANSWER_TIMEOUT_S)
        except asyncio.TimeoutError:
            reason = f"no answer from OctoBot within {ANSWER_TIMEOUT_S:g} s"
        if producer.settler is not None:
            return Fate.UNKNOWN, reason
        campaign.close(order_id, Outcome.REJECTED, reason, self._now())
        return Fate.REFUSED, reason

    def _new_order_id(self, campaign: Campaign) -> str:
        producer = self._producer
        if not producer.exchange_manager.is_backtesting:
            return order_submission.new_order_id(order_submission.venue_at(producer.exchange_manager))
        return order_submission.backtest_order_id(
            producer.source, campaign.orders_placed(producer.exchange_name, producer.trading_mode.symbol)
        )

    def back_off(self) -> float:
        """No order until a while after a failure, longer after each; the seconds of it."""
        failures = self._producer.progress().failures_in_a_row
        delay_s = pacing.backoff_delay(failures, random.Random(failures))
        self.next_order_at = max(self.next_order_at, self._now() + delay_s)
        return delay_s

    async def cancel(self, orders: tuple[OpenOrder, ...], reason: str) -> float:
        """Cancel, and look again at once; what could not be cancelled is tried again after a while."""
        for open_order in orders:
            self._producer.logger.info("Cancelling the %s at %s: %s", open_order.side.value, open_order.price, reason)
        failed = await self.cancel_each(orders)
        for open_order in failed:
            self._producer.logger.warning("The order %s could not be cancelled", open_order.order_id)
        if self._producer.settler is not None:
            self._producer.settler.look_soon()
        return pacing.BACKOFF_FIRST_S if failed else 0.0

    async def cancel_each(self, orders: Iterable[OpenOrder]) -> tuple[OpenOrder, ...]:
        """Cancel some orders at a time; those that could not be cancelled."""
        if self._producer.cancellation is not None:
            return await self._producer.cancellation.cancel(orders)  # type: ignore[no-any-return]
        at_once = asyncio.Semaphore(CANCELS_AT_ONCE)

        async def cancel(open_order: OpenOrder) -> OpenOrder | None:
            async with at_once:
                return None if await self._cancel_order(open_order) else open_order

        answers = await asyncio.gather(*map(cancel, orders))
        return tuple(open_order for open_order in answers if open_order is not None)

    async def _cancel_order(self, open_order: OpenOrder) -> bool:
        orders_manager = self._producer.exchange_manager.exchange_personal_data.orders_manager
        if not orders_manager.has_order(open_order.order_id):
            return True  # it has ended since it was seen
        order = orders_manager.get_order(open_order.order_id)
        try:
            return await self._ask_to_cancel(order)
        except (*exchange_view.UNANSWERED, trading_errors.UnexpectedExchangeSideOrderStateError) as error:
            # it may have ended by itself just now: what became of it, its exchange tells
            self._producer.logger.info("%s", named(error))
            return False

    async def _ask_to_cancel(self, order: typing.Any) -> bool:
        """Also while OctoBot's trader is disabled: a newer OctoBot then has to be told that it is meant."""
        trader = self._producer.exchange_manager.trader
        if not trader.is_enabled and hasattr(trading_errors, "TraderDisabledError"):
            return bool(await trader.cancel_order(order, force_if_disabled=True))
        cancelled, _ = await self._producer.trading_mode.cancel_order(order)
        return bool(cancelled)

    def held_up(self, campaign: Campaign, unsettled: policy.Wait | Halt) -> float:
        """It is not known what became of an order: a wait, or a halt where a person is asked, or was before."""
        if isinstance(unsettled, Halt):
            return self.halted(campaign, unsettled)
        halt = campaign.halt_of(self._producer.source)
        if halt is None:
            return self.waiting(campaign, unsettled)
        self.halted(campaign, halt)
        return unsettled.delay_s

    def waiting(self, campaign: Campaign, decision: policy.Wait) -> float:
        if campaign.note(self._now(), WAIT, self._producer.source, decision.reason):
            self._producer.logger.info("Waiting on %s: %s", self._producer.source, decision.reason)
        return decision.delay_s

    async def _unfunded(self, campaign: Campaign, decision: policy.Wait, progress: Progress) -> float:
        """Wait longer and longer; told to a person once, and over by itself when there are funds again.

        OctoBot's idea of the balances may be an old one, so the exchange is asked. While orders rest, which keep funds,
        there is nothing for a person to do.
        """
        self._unfunded_in_a_row += 1
        if self._producer.settler is not None:
            self._producer.settler.doubt_balances()
        if not progress.open_orders and not self._has_told_unfunded:
            self._has_told_unfunded = True
            source = self._producer.source
            text = f"{source} waits for funds: {decision.reason}"
            await notifications.tell(campaign, self._now(), Notice(f"funds of {source}", text, FUND_IT))
        self.waiting(campaign, decision)
        delay_s = pacing.backoff_delay(self._unfunded_in_a_row, random.Random(self._unfunded_in_a_row))
        return min(delay_s, UNFUNDED_LOOK_S)

    async def _halt(self, campaign: Campaign, halt: Halt, snapshot: MarketSnapshot) -> float:
        """Halted, and where a person has to look or has withdrawn a consent, with nothing of ours left in the book."""
        delay_s = self.halted(campaign, halt)
        ours = tuple(order for order in snapshot.open_orders if order.is_ours and not order.is_cancelling)
        if not ours or not (halt.is_lasting or halt.guard == REAL_FUNDS_LOCK):
            return delay_s
        return await self.cancel(ours, halt.reason) or SHORTEST_DELAY_S

    def halted(self, campaign: Campaign, halt: Halt) -> float:
        try:
            is_news = campaign.halt(self._now(), self._producer.source, halt)
        except JournalError as error:
            self._producer.logger.warning("The halt could not be written down: %s", text_of(error))
            is_news = False
        if is_news:
            source, advice = self._producer.source, END_HALT if halt.is_lasting else MEND_HALT
            text = f"Halted on {source}: {halt.reason}"
            self._producer.logger.error(f"{text}. What you can do: {advice}")
            notice = Notice(f"halt of {source}", text, advice, is_urgent=True, is_critical=True)
            notifications.tell_soon(campaign, self._now(), notice)
        return HALTED_LOOK_S

    async def _done(self, decision: policy.Done, campaign: Campaign, progress: Progress) -> float:
        if decision.leftovers:
            return await self.cancel(decision.leftovers, "the target is reached")
        producer, told = self._producer, report.sentence(progress)
        is_open = campaign.open_order_ids(producer.exchange_name, producer.trading_mode.symbol)
        if producer.settler is not None and is_open:
            # one that OctoBot has lost sight of: it is shown to it again, and then cancelled
            producer.settler.look_soon()
            return SHORTEST_DELAY_S
        if producer.settler is not None and producer.settler.awaits_late_trades:
            return LATE_TRADES_LOOK_S
        if campaign.note(self._now(), DONE, producer.source, told):
            producer.logger.info("Target reached on %s: %s", producer.source, told)
            await self._tell_end(campaign, progress, told)
        return policy.IDLE_S

    async def _tell_end(self, campaign: Campaign, progress: Progress, told: str) -> None:
        """Once for each target: of pairs that share one, the first that has nothing left to do tells it."""
        settings = self._producer.trading_mode.settings
        whose = audience(self._producer.source, settings)
        day = day_of(self._now()) if settings.target_period is TargetPeriod.DAILY else None
        if campaign.is_news(f"end of {whose}", (progress.target_quote, day)):
            shown = audience_label(self._producer.source, settings, len(campaign.sources))
            notice = Notice(f"end of {whose}", f"Target reached on {shown}: {told}", GO_FURTHER, is_urgent=True)
            await notifications.tell(campaign, self._now(), notice)
