"""The producer of the trading mode: the loop of one symbol. Thin, it wires the core to OctoBot and decides nothing."""

from __future__ import annotations

import asyncio
import contextlib
import json
import pathlib
import random
import time
import typing

import octobot
import octobot_commons.constants as commons_constants
import octobot_commons.logging as commons_logging
import octobot_trading.constants as trading_constants
import octobot_trading.enums as trading_enums
import octobot_trading.exchange_channel as exchange_channel
import octobot_trading.modes as trading_modes

from ..adapters import futures_data, http_guard, market_data, order_submission
from ..adapters.rate_limits import RateLimitTracker
from ..adapters.runtime import bot_process
from ..adapters.runtime.backtest_clock import Timetable
from ..campaign.campaign import Campaign
from ..campaign.registry import CAMPAIGNS
from ..core.accounting.ledger import Progress
from ..core.decision import futures_guards, policy
from ..core.decision.control import STOP, ControlState
from ..core.decision.guards import Halt
from ..core.decision.timing import pacing
from ..core.model.basics import Trading
from ..core.model.orders import OpenOrder
from ..core.model.redact import text_of
from ..core.model.snapshot import MarketSnapshot
from ..core.settings.schema import Settings, TargetPeriod
from ..journal.file import BACKTEST_FILE, CAMPAIGN_FILE
from ..journal.journal import DONE, HALT, JournalError
from . import funds_lock
from .announcements import Announcements
from .emergency_stop import EmergencyStop
from .executor import ANSWER_TIMEOUT_S, HALTED_LOOK_S, SHORTEST_DELAY_S, OrderExecutor
from .market_allocation import MarketAllocation, RefusedError
from .orders.exchange_canceller import ExchangeCanceller
from .orders.exchange_reconciler import ExchangeReconciler
from .orders.order_request import OrderRequest
from .orders.reconciler import Canceller, Reconciler
from .risk_inputs_reader import RiskInputsReader
from .session import Session, TradingMode
from .simulated_reconciler import SimulatedCanceller, SimulatedReconciler
from .snapshot_reader import SnapshotReader
from .task_supervisor import TaskSupervisor

LOOK_OUTSIDE_EVERY_S = 0.3
STARTING_LOOK_S = 0.1
STARTS_WITHIN_S = 10.0
"""So long OctoBot may take to tell the first price after a loop has begun; then it is looked at less often."""
STOP_GRACE_S = 10.0
"""How long a stop waits for the order that is on its way."""
END_GRACE_S = 20.0
"""How long a stop that somebody asked for waits for cancelled orders to be settled."""


class VolumeBoosterTradingModeProducer(trading_modes.AbstractTradingModeProducer):
    """The loop of one symbol: look, decide, carry out, sleep. Starts by itself with OctoBot."""

    trading_mode: TradingMode

    def __init__(
        self, channel: typing.Any, config: typing.Any, trading_mode: TradingMode, exchange_manager: typing.Any
    ) -> None:
        # the base class reloads the settings while it is constructed
        logger = commons_logging.get_logger(self.__class__.__name__)
        self.session = Session(exchange_manager, trading_mode.symbol, trading_mode, logger)
        self.executor: OrderExecutor | None = None
        """What executes decisions on this symbol; there is one as soon as the loop takes part in a campaign."""
        super().__init__(channel, config, trading_mode, exchange_manager)
        self.session.logger = self.logger
        trading_mode.session = self.session
        self._announcements = Announcements(self.session)
        self._supervisor = TaskSupervisor(self.session)
        self._orders_consumer: typing.Any = None
        self._timetable: Timetable | None = None
        self._snapshots: SnapshotReader | None = None
        self.emergency_stop: EmergencyStop | None = None
        self._emergency: asyncio.Task[None] | None = None
        self._is_ending = False
        self._ends_at: float | None = None

    def get_channels_registration(self) -> list[str]:
        """Nothing: the loop follows the clock, not evaluators. In backtesting the candles are the clock."""
        return [trading_constants.OHLCV_CHANNEL] if self.exchange_manager.is_backtesting else []

    async def ohlcv_callback(
        self, exchange: str, exchange_id: str, cryptocurrency: str, symbol: str, time_frame: str,
        candle: list[typing.Any],
    ) -> None:  # fmt: skip
        """In backtesting: a candle has closed, so the clock has made a step."""
        if self._timetable is not None:
            await self._timetable.play(self.exchange_manager.exchange.backtesting.time_manager)

    def on_reload_config(self) -> None:
        """New settings are taken up at once; the pause before the next order is at most what they allow."""
        settings = self.session.settings
        if settings is not None and self.executor is not None:
            self.executor.order_within(settings.trade_frequency_max)
        self.session.wake()

    async def run(self) -> None:
        if self.is_running:
            self.logger.warning("The volume booster of %s runs already: this start is ignored", self.session.source)
            return
        await super().run()

    async def start(self) -> None:
        """OctoBot's task of this producer: ends when it is stopped, and not because something went wrong."""
        try:
            await super().start()
            await self.join_campaign()
        except Exception as error:  # noqa: BLE001 - nobody else hears of it: OctoBot would continue without a word
            self._supervisor.not_started(error)
            await self.sent_once_critical_notification("Volume booster not started", self.session.problem)
            return
        if self.exchange_manager.is_backtesting:
            self._timetable = Timetable.of(self.exchange_manager.exchange.backtesting)
            self._timetable.join(self)
        else:
            assert self.emergency_stop is not None, "join_campaign() comes first"
            watching = self._supervisor.lasting("emergency stop", self.emergency_stop.watch())
            self._emergency = asyncio.create_task(watching, name=f"emergency stop of {self.session.source}")
            await self._supervisor.lasting("loop", self._loop())

    async def stop(self) -> None:
        self.session.is_stopping = True
        self._announcements.end()
        if self._timetable is not None:
            self._timetable.leave(self)
        if self._emergency is not None:
            self._emergency.cancel()
            await asyncio.wait([self._emergency], timeout=STOP_GRACE_S)
            self._emergency = None
        await self._finish_orders()
        if self._orders_consumer is not None:
            await self._orders_channel().remove_consumer(self._orders_consumer)
            self._orders_consumer = None
        if self.session.campaign is not None:
            self._note_stop(self.session.campaign)
            self.session.leave()
            CAMPAIGNS.leave(self.exchange_manager.bot_id)
        self.session.wake()
        await super().stop()

    async def _finish_orders(self) -> None:
        """An order is on its way: what becomes of it has to be written down first."""
        executor = self.executor
        if executor is None or self.session.campaign is None:
            return
        if executor.request is not None and not executor.request.answer.done():
            await asyncio.wait([executor.request.answer], timeout=STOP_GRACE_S)
        with contextlib.suppress(asyncio.TimeoutError):  # what is not settled now is at the next start
            await asyncio.wait_for(executor.settled(), STOP_GRACE_S)

    async def join_campaign(self) -> None:
        """Take part in the bot's campaign, and listen to what becomes of its orders.

        :raises JournalError: when its journal can't be used.
        """
        session = self.session
        campaign = session.campaign = self._open_campaign()
        settings = session.settings
        drawn = random.SystemRandom().randrange(2**32)
        seed = drawn if settings is None or settings.seed is None else settings.seed
        session.began_as = market_data.trading_of(self.exchange_manager)
        session.running_since = session.now()
        aside = campaign.begin(session.now(), session.began_as, seed, octobot.LONG_VERSION, session.source, settings)
        if aside is not None:
            self.logger.info("A new target was set, so a new campaign begins; the finished one is kept as %s", aside)
        self._make_parts(campaign)
        self._orders_consumer = await self._orders_channel().new_consumer(self._on_order, symbol=session.symbol)
        shown = "unusable" if settings is None else json.dumps(settings.to_config())
        self.logger.info("Volume booster of %s: seed %s, settings %s", session.source, campaign.seed, shown)

    def _make_parts(self, campaign: Campaign) -> None:
        session, manager, symbol = self.session, self.exchange_manager, self.session.symbol
        limits = None if session.began_as.is_simulated else RateLimitTracker(manager, symbol)
        reconciler, canceller = self._simulated(campaign) if limits is None else self._on_exchange(campaign, limits)
        session.join(campaign, MarketAllocation(manager, symbol, campaign, session.now()), reconciler)
        passing_s = None if manager.is_backtesting else time.monotonic
        inputs = RiskInputsReader(manager, symbol, campaign, limits, passing_s)
        self._snapshots = SnapshotReader(session, campaign, inputs)
        self.executor = OrderExecutor(session, campaign, canceller, self._submit)
        self.emergency_stop = EmergencyStop(session, campaign, self.executor, canceller, self._snapshots)

    def _simulated(self, campaign: Campaign) -> tuple[Reconciler, Canceller]:
        reconciler = SimulatedReconciler(self.session, campaign)
        if self.session.began_as is Trading.SIMULATION:
            reconciler.close_lost_orders(self.session.now())
        return reconciler, SimulatedCanceller(self.session, self.trading_mode.cancel_order)

    def _on_exchange(self, campaign: Campaign, limits: RateLimitTracker) -> tuple[Reconciler, Canceller]:
        session, manager, symbol = self.session, self.exchange_manager, self.session.symbol
        order_submission.prepare(manager)
        http_guard.guard(manager.exchange.connector.client)
        reconciler = ExchangeReconciler(manager, symbol, campaign, self.logger, limits, session.log_fill, session.now())
        return reconciler, ExchangeCanceller(manager, symbol, campaign, reconciler, self.logger)

    async def _submit(self, request: OrderRequest) -> None:
        """Hand an order to the consumer, through OctoBot."""
        await self.submit_trading_evaluation(
            cryptocurrency=self.trading_mode.cryptocurrency,
            symbol=self.session.symbol,
            time_frame=None,
            state=trading_enums.EvaluatorStates.NEUTRAL,
            data={"request": request},
        )
        if self.channel.is_synchronized:
            await self.synchronized_perform_consumers_queue(self.priority_level, True, ANSWER_TIMEOUT_S)

    async def _loop(self) -> None:
        while not self.should_stop:
            delay_s = await self.timed_tick()
            try:
                await self._sleep(delay_s)
            except Exception as error:  # noqa: BLE001 - it is logged, and the loop goes on
                await asyncio.sleep(self._supervisor.failed(error))
        self.session.is_stopping = True

    async def timed_tick(self) -> float:
        """A tick that always returns in how many seconds the next one is due, also when something went wrong in it.

        Nothing may end the loop silently: what went wrong is logged, and the next try comes later.
        """
        session = self.session
        session.begin_look()
        try:
            delay_s = await self.tick()
            self._supervisor.succeeded()
            await self._checkpoint()
            if session.allocation is not None:
                session.allocation.is_due_at(session.now() + delay_s)
        except Exception as error:  # noqa: BLE001 - it is logged, and tried again
            delay_s = self._supervisor.failed(error)
        return max(delay_s, SHORTEST_DELAY_S)

    @property
    def is_woken(self) -> bool:
        """Whether something has happened that a decision should not wait for."""
        return self.session.is_woken

    @property
    def is_at_rest(self) -> bool:
        """Whether the campaign is done or halted as far as this loop knows: only other prices could change that."""
        return self._last_kind() in (DONE, HALT)

    @property
    def is_finished(self) -> bool:
        """Whether there is nothing left to do for good: the target of a day is followed by the next day's."""
        settings = self.session.settings
        is_for_a_day = settings is not None and settings.target_period is not TargetPeriod.TOTAL
        return self._last_kind() == DONE and not is_for_a_day

    def _last_kind(self) -> str | None:
        """The kind of what was noted last of this loop."""
        campaign = self.session.campaign
        noted = None if campaign is None else campaign.reason_of(self.session.source)
        return None if noted is None else noted[0]

    async def _checkpoint(self) -> None:
        """The only time that the journal waits for the disk: not on the loop that trades."""
        campaign = self.session.campaign
        if campaign is not None and campaign.needs_checkpoint:
            await asyncio.to_thread(campaign.checkpoint)

    async def _sleep(self, delay_s: float) -> None:
        """Sleep until it is time or something wakes the loop: a changed settings file or a command does in a second."""
        loop = asyncio.get_running_loop()
        until = loop.time() + delay_s
        steering = self._steering()
        while not self.session.is_woken and (left_s := until - loop.time()) > 0 and steering == self._steering():
            await self.session.look_at_fills()
            if not await self.session.is_woken_within(min(left_s, LOOK_OUTSIDE_EVERY_S)):
                await self.trading_mode.reload_if_file_changed()

    def _steering(self) -> tuple[object, object] | None:
        """What was asked for from outside the bot, by now."""
        campaign, settings = self.session.campaign, self.session.settings
        if campaign is None:
            return None
        try:
            campaign.take_commands(self.session.now())
        except JournalError as error:
            self.logger.warning("Commands can't be read: %s", text_of(error))
        return campaign.control, settings and campaign.target_quote(settings)

    async def tick(self) -> float:
        """Look, decide and execute once; the seconds until the next time."""
        session, campaign, executor = self.session, self.session.campaign, self.executor
        assert campaign is not None and executor is not None, "join_campaign() comes first"
        if campaign.control.state is ControlState.STOPPED:
            return await self._end(campaign, executor)
        if campaign.guard.problem and campaign.control.state is not ControlState.EMERGENCY:
            return await self._unwritten(campaign, executor)
        settings, is_held = session.settings, campaign.control.state is ControlState.HELD
        problem = session.ended or ("" if settings else "; ".join(session.settings_source.settings_problems))
        if (problem := problem or self._refusal()) and not is_held:
            session.release_share()
            return executor.halt(Halt(problem))
        if settings is not None:
            campaign.use(settings, session.now(), session.source)
        if not self.trading_mode.get_trading_mode_consumers():
            return executor.wait(policy.Wait(STARTING_LOOK_S, "OctoBot is still starting"))
        return await self._settle_and_decide(campaign, executor)

    async def _settle_and_decide(self, campaign: Campaign, executor: OrderExecutor) -> float:
        if campaign.control.state is ControlState.EMERGENCY:
            return HALTED_LOOK_S  # the emergency stop works on its own, also where this loop hangs
        if (unsettled := await executor.settled()) is not None:
            return await self._held_up(executor, unsettled)
        if campaign.control.state is ControlState.HELD:
            return await self._paused(executor, campaign.control.reason)
        return await self._look_and_decide(campaign, executor)

    async def _held_up(self, executor: OrderExecutor, unsettled: policy.Wait | Halt) -> float:
        """Nothing is sent as long as it is not known what became of an order; nothing rests while a person is asked."""
        is_asked = isinstance(unsettled, Halt) and unsettled.is_lasting
        self.session.release_share(at_once=isinstance(unsettled, Halt))
        delay_s = executor.held_up(unsettled)
        if not is_asked:
            return delay_s
        unknown = self.session.reconciler.unknown_orders
        ours = tuple(one for one in self.own_open_orders() if one.order_id not in unknown and not one.is_cancelling)
        return await executor.cancel(ours, unsettled.reason) or SHORTEST_DELAY_S if ours else delay_s

    async def _unwritten(self, campaign: Campaign, executor: OrderExecutor) -> float:
        """The journal's file is gone or can't be written: nothing of ours rests, as nobody would learn of its fills."""
        self.session.release_share()
        campaign.hold_up(self.session.source, reason := campaign.guard.problem)
        await executor.settled()
        if ours := tuple(one for one in self.own_open_orders() if not one.is_cancelling):
            await executor.cancel(ours, reason)
        return HALTED_LOOK_S

    def _refusal(self) -> str:
        """Why this market can't be traded at all; empty when it can."""
        session = self.session
        moved = funds_lock.moved(self.exchange_manager, session.began_as)
        refused = futures_data.refusal(self.exchange_manager, session.symbol) or session.reconciler.refusal()
        return moved or refused or session.style_refusal()

    async def _look_and_decide(self, campaign: Campaign, executor: OrderExecutor) -> float:
        session, resumes = self.session, campaign.resumes
        try:
            snapshot = await self.snapshots.snapshot(is_at_rest=session.is_at_rest)
        except RefusedError as refused:
            session.release_share()
            return executor.halt(Halt(text_of(refused)))
        except market_data.TraderPausedError as paused:
            session.release_share()
            return await self._paused(executor, text_of(paused))
        except market_data.NotReadableError as missing:
            session.release_share()
            session.reconciler.on_error(missing.__cause__, session.now())
            return executor.wait(policy.Wait(self._look_again_s(), text_of(missing)))
        settings = await session.settings_source.raise_to_minimum(snapshot)
        session.position = futures_guards.position_sentence(snapshot, settings)
        await self._announcements.look(campaign, snapshot, settings, session.progress())
        if campaign.resumes != resumes:
            return SHORTEST_DELAY_S  # what the guards count has begun anew since it was looked at
        progress = session.progress()  # from here to the order's reservation nothing else comes in between
        decision = self._decide(campaign, snapshot, settings, progress)
        return await executor.execute(decision, snapshot, progress)

    def _decide(
        self, campaign: Campaign, snapshot: MarketSnapshot, settings: Settings, progress: Progress
    ) -> policy.Decision:
        allocation = self.session.allocation
        assert campaign.seed is not None and allocation is not None, "join_campaign() comes first"
        number = campaign.orders_placed(snapshot.exchange, snapshot.symbol)
        rng = pacing.decision_rng(campaign.seed, snapshot.exchange, snapshot.symbol, number)
        hold = campaign.control.reason if campaign.control.state is ControlState.PAUSED else ""
        return allocation.decide(snapshot, settings, progress, rng, hold, campaign.halt_of(self.session.source))

    async def _paused(self, executor: OrderExecutor, reason: str) -> float:
        """OctoBot's own pause, or a person's stop: nothing of ours rests while it lasts."""
        delay_s = executor.wait(policy.Wait(policy.IDLE_S, reason))
        ours = self.own_open_orders()
        return await executor.cancel(ours, reason) or SHORTEST_DELAY_S if ours else delay_s

    def _look_again_s(self) -> float:
        """When to look again for what can't be read: soon while OctoBot comes up, where that costs nobody anything."""
        session = self.session
        is_starting = session.now() - session.running_since < STARTS_WITHIN_S and session.began_as.is_simulated
        return STARTING_LOOK_S if is_starting else policy.IDLE_S

    async def _end(self, campaign: Campaign, executor: OrderExecutor) -> float:
        """Somebody wants it to stop: our orders are cancelled and settled, then OctoBot ends.

        What the exchange does not report within a while is settled at the next start.
        """
        now = self.session.now()
        self._ends_at = self._ends_at or now + END_GRACE_S
        if self._is_ending:
            return policy.IDLE_S
        unsettled = await executor.settled()
        await self.session.look_at_fills()
        ours, is_late = self.own_open_orders(), self.session.now() >= self._ends_at
        if ours and not is_late:
            return await executor.cancel(ours, campaign.control.reason) or (policy.IDLE_S if unsettled else 0.0)
        if campaign.ledger.open_order_ids and not is_late:
            return policy.IDLE_S
        self._is_ending = True
        self.logger.info("OctoBot ends: %s", campaign.control.reason)
        if not bot_process.end_octobot():
            self.logger.warning("There is no OctoBot to end")
        return policy.IDLE_S

    def own_open_orders(self) -> tuple[OpenOrder, ...]:
        """The orders that this mode has sent and that may still fill."""
        return tuple(order for order in self.session.reconciler.open_orders() if order.is_ours)

    @property
    def snapshots(self) -> SnapshotReader:
        """What reads this loop's market; there is one as soon as it takes part in the campaign."""
        assert self._snapshots is not None, "join_campaign() comes first"
        return self._snapshots

    async def _on_order(
        self, exchange: str, exchange_id: str, cryptocurrency: str, symbol: str, order: dict[str, typing.Any],
        update_type: str, is_from_bot: bool,
    ) -> None:  # fmt: skip
        if self.session.campaign is not None and self.session.reconciler.on_order_event(order):
            self.session.wake()

    def _open_campaign(self) -> Campaign:
        """That of the home; or in backtesting one that begins with the run, in a file where the run may leave files."""
        manager, user = self.exchange_manager, pathlib.Path(commons_constants.USER_FOLDER)
        if not manager.is_backtesting:
            return CAMPAIGNS.join(manager.bot_id, user / CAMPAIGN_FILE)
        return CAMPAIGNS.join_backtest(manager.bot_id, user / BACKTEST_FILE if manager.enable_storage else None)

    def _note_stop(self, campaign: Campaign) -> None:
        is_wanted = campaign.control.state is ControlState.STOPPED
        reason = campaign.control.reason if is_wanted else "OctoBot stopped the mode"
        try:
            campaign.note(self.session.now(), STOP, self.session.source, reason)
        except JournalError as error:
            self.logger.warning("The stop could not be written down: %s", text_of(error))

    def _orders_channel(self) -> typing.Any:
        return exchange_channel.get_chan(trading_constants.ORDERS_CHANNEL, self.exchange_manager.id)
