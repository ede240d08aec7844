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
import octobot_trading.constants as trading_constants
import octobot_trading.exchange_channel as exchange_channel
import octobot_trading.modes as trading_modes

from . import bot_process, exchange_view, funds_lock, futures_view, http_guard, order_events, order_submission, report
from .announcements import Announcements
from .campaign import BACKTEST_FILE, CAMPAIGN_FILE, Campaign
from .campaign_registry import CAMPAIGNS
from .cancellation import Cancellation
from .core import guards, pacing, policy
from .core.control import STOP, ControlState
from .core.guards import Halt
from .core.ledger import Outcome, Progress
from .core.market import Fill, MarketSnapshot, OpenOrder, Trading
from .core.redact import text_of
from .core.settings import Settings, TargetPeriod
from .emergency import EmergencyStop
from .endings import Endings
from .execution import HALTED_LOOK_S, SHORTEST_DELAY_S, Execution
from .journal import DONE, HALT, JournalError
from .lookout import Lookout
from .market_share import MarketShare, RefusedError
from .market_sight import MarketSight
from .settler import Settler
from .virtual_time import Timetable

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

    def __init__(self, channel: typing.Any, config: typing.Any, trading_mode: typing.Any, exchange_manager: typing.Any):
        # the base class reloads the settings while it is constructed
        self._wake = asyncio.Event()
        self._execution = Execution(self)
        self._announcements = Announcements(self)
        super().__init__(channel, config, trading_mode, exchange_manager)
        self.campaign: Campaign | None = None
        self._orders_consumer: typing.Any = None
        self._endings = Endings(self)
        self._settler: Settler | None = None
        self._cancellation: Cancellation | None = None
        self._timetable: Timetable | None = None
        self._lookout: Lookout | None = None
        self._share: MarketShare | None = None
        self._sight: MarketSight | None = None
        self._emergency: asyncio.Task[None] | None = None
        self._is_ending = self._is_stopping = False
        self._ends_at: float | None = None
        self._running_since = 0.0
        self.problem = ""
        """Why nothing can be written down; empty again as soon as it can."""
        self._unbooked: dict[str, dict[str, typing.Any]] = {}
        """The last event of every simulated order that could not be written down."""
        self.ended = ""
        """Why a task of this producer has ended, and no order is sent any more; empty while all of them live."""
        self.began_as = Trading.LIVE
        """Whose money it was when this run began."""
        self.position = ""
        """On futures the position as it was seen last, in words."""

    @property
    def settler(self) -> Settler | None:
        """What settles orders with a real exchange; None where OctoBot's simulator trades."""
        return self._settler

    @property
    def cancellation(self) -> Cancellation | None:
        """What cancels orders at a real exchange; None where OctoBot's simulator trades."""
        return self._cancellation

    @property
    def execution(self) -> Execution:
        """What carries out decisions on this symbol."""
        return self._execution

    @property
    def source(self) -> str:
        """The name of this loop in the journal: exchange and symbol."""
        return f"{self.exchange_name} {self.trading_mode.symbol}"

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
        settings = self.trading_mode.settings
        if settings is not None:
            self._execution.order_within(settings.trade_frequency_max)
        self._wake.set()

    def hear_limits(self) -> None:
        """The exchange has just answered an order, and told how many of them it still takes."""
        if self._lookout is not None:
            self._lookout.hear_limits(self.now())

    def wake(self) -> None:
        """Something has changed: look at once."""
        self._wake.set()

    async def run(self) -> None:
        if self.is_running:
            self.logger.warning("The volume booster of %s runs already: this start is ignored", self.source)
            return
        await super().run()

    async def start(self) -> None:
        """OctoBot's task of this producer: ends when it is stopped, and not because something went wrong."""
        try:
            await super().start()
            await self.join_campaign()
        except Exception as error:  # noqa: BLE001 - nobody else hears of it: OctoBot would go on without a word
            self._endings.not_started(error)
            await self.sent_once_critical_notification("Volume booster not started", self.problem)
            return
        if self.exchange_manager.is_backtesting:
            self._timetable = Timetable.of(self.exchange_manager.exchange.backtesting)
            self._timetable.join(self)
        else:
            watching = self._endings.lasting("emergency stop", EmergencyStop(self).watch())
            self._emergency = asyncio.create_task(watching, name=f"emergency stop of {self.source}")
            await self._endings.lasting("loop", self._loop())

    @property
    def is_stopping(self) -> bool:
        """Whether somebody has stopped it: its tasks end then, as they should."""
        return self._is_stopping or bool(self.should_stop)

    async def stop(self) -> None:
        self._is_stopping = True
        self._announcements.end()
        if self._timetable is not None:
            self._timetable.leave(self)
        if self._emergency is not None:
            self._emergency.cancel()
            await asyncio.wait([self._emergency], timeout=STOP_GRACE_S)
            self._emergency = None
        request = self._execution.request
        if request is not None and not request.answer.done():
            # an order is on its way: what becomes of it has to be written down first
            await asyncio.wait([request.answer], timeout=STOP_GRACE_S)
        if self.campaign is not None:
            with contextlib.suppress(asyncio.TimeoutError):  # what is not settled now is at the next start
                await asyncio.wait_for(self.settled(self.campaign), STOP_GRACE_S)
        if self._orders_consumer is not None:
            await self._orders_channel().remove_consumer(self._orders_consumer)
            self._orders_consumer = None
        if self.campaign is not None:
            campaign, self.campaign = self.campaign, None
            self._note_stop(campaign)
            if self._share is not None:
                self._share.leave()
            CAMPAIGNS.leave(self.exchange_manager.bot_id)
        self._wake.set()
        await super().stop()

    async def join_campaign(self) -> None:
        """Take part in the bot's campaign, and listen to what becomes of its orders.

        :raises JournalError: when its journal can't be used.
        """
        campaign = self.campaign = self._open_campaign()
        settings = self.trading_mode.settings
        drawn = random.SystemRandom().randrange(2**32)
        seed = drawn if settings is None or settings.seed is None else settings.seed
        trading = self.began_as = exchange_view.trading_of(self.exchange_manager)
        self._running_since = self.now()
        aside = campaign.begin(self.now(), trading, seed, octobot.LONG_VERSION, self.source, settings)
        if aside is not None:
            self.logger.info("A new target was set, so a new campaign begins; the finished one is kept as %s", aside)
        self._close_orders_that_the_simulator_lost(campaign, trading)
        self._share = MarketShare(self.exchange_manager, self.trading_mode.symbol, campaign, self.now())
        passing_s = None if self.exchange_manager.is_backtesting else time.monotonic
        self._lookout = Lookout(self.exchange_manager, self.trading_mode.symbol, campaign, passing_s)
        if not trading.is_simulated:
            symbol, manager = self.trading_mode.symbol, self.exchange_manager
            order_submission.prepare(manager)
            http_guard.guard(manager.exchange.connector.client)
            self._settler = Settler(manager, symbol, campaign, self.logger, self._tell_fill, self.now())
            self._cancellation = Cancellation(manager, symbol, campaign, self._settler, self.logger)
        self._sight = MarketSight(
            self.trading_mode, campaign, self._share, self._lookout, self._settler, self._running_since
        )
        self._orders_consumer = await self._orders_channel().new_consumer(
            self._on_order, symbol=self.trading_mode.symbol
        )
        shown = "unusable" if settings is None else json.dumps(settings.to_config())
        self.logger.info("Volume booster of %s: seed %s, settings %s", self.source, campaign.seed, shown)

    async def _loop(self) -> None:
        while not self.should_stop:
            delay_s = await self.timed_tick()
            try:
                await self._sleep(delay_s)
            except Exception as error:  # noqa: BLE001 - it is told, and the loop goes on
                await asyncio.sleep(self._endings.failed(error))

    async def timed_tick(self) -> float:
        """A tick that always tells in how many seconds the next one is due, also when something went wrong in it.

        Nothing may end the loop silently: what went wrong is told, and the next try comes later.
        """
        self._wake.clear()
        try:
            delay_s = await self.tick()
            self._endings.succeeded()
            await self._checkpoint()
            if self._share is not None:
                self._share.is_due_at(self.now() + delay_s)
        except Exception as error:  # noqa: BLE001 - it is told, and tried again
            delay_s = self._endings.failed(error)
        return max(delay_s, SHORTEST_DELAY_S)

    def give_way(self, *, at_once: bool = True, due_in_s: float | None = None) -> None:
        """This market can't trade now: its share of the target is for the others, now or when that lasts."""
        if self._share is not None:
            self._share.can_not_trade(self.now(), at_once=at_once)
            if due_in_s is not None:
                self._share.is_due_at(self.now() + due_in_s)

    @property
    def is_woken(self) -> bool:
        """Whether something has happened that a decision should not wait for."""
        return self._wake.is_set()

    @property
    def is_at_rest(self) -> bool:
        """Whether the campaign is done or halted as far as this loop knows: only other prices could change that."""
        return self._last_kind() in (DONE, HALT)

    @property
    def is_finished(self) -> bool:
        """Whether there is nothing left to do for good: the target of a day is followed by the next day's."""
        settings = self.trading_mode.settings
        is_for_a_day = settings is not None and settings.target_period is not TargetPeriod.TOTAL
        return self._last_kind() == DONE and not is_for_a_day

    def _last_kind(self) -> str | None:
        """The kind of what was noted last of this loop."""
        told = None if self.campaign is None else self.campaign.reason_of(self.source)
        return None if told is None else told[0]

    async def _checkpoint(self) -> None:
        """The only time that the journal waits for the disk: not on the loop that trades."""
        if self.campaign is not None and self.campaign.needs_checkpoint:
            await asyncio.to_thread(self.campaign.checkpoint)

    async def _sleep(self, delay_s: float) -> None:
        """Sleep until it is time or something wakes the loop: a changed settings file or a command does in a second."""
        loop = asyncio.get_running_loop()
        until = loop.time() + delay_s
        steering = self._steering()
        while not self._wake.is_set() and (left_s := until - loop.time()) > 0 and steering == self._steering():
            if not await self._is_woken_within(min(left_s, LOOK_OUTSIDE_EVERY_S)):
                await self.trading_mode.reload_if_file_changed()

    def _steering(self) -> typing.Any:
        """What was asked for from outside the bot, by now."""
        campaign, settings = self.campaign, self.trading_mode.settings
        if campaign is None:
            return None
        try:
            campaign.take_commands(self.now())
        except JournalError as error:
            self.logger.warning("Commands can't be read: %s", text_of(error))
        return campaign.control, settings and campaign.target_quote(settings)

    async def _is_woken_within(self, seconds: float) -> bool:
        try:
            await asyncio.wait_for(self._wake.wait(), seconds)
        except asyncio.TimeoutError:
            return False
        return True

    async def tick(self) -> float:
        """Look, decide and carry out once; the seconds until the next time."""
        campaign = self.campaign
        assert campaign is not None, "join_campaign() comes first"
        if campaign.control.state is ControlState.STOPPED:
            return await self._end(campaign)
        settings, is_held = self.trading_mode.settings, campaign.control.state is ControlState.HELD
        problem = self.ended or ("" if settings else "; ".join(self.trading_mode.settings_problems))
        if (problem := problem or self._refusal()) and not is_held:
            self.give_way()
            return self._execution.halted(campaign, Halt(problem))
        if settings is not None:
            campaign.use(settings, self.now(), self.source)
        if not self.trading_mode.get_trading_mode_consumers():
            return self._execution.waiting(campaign, policy.Wait(STARTING_LOOK_S, "OctoBot is still starting"))
        if campaign.control.state is ControlState.EMERGENCY:
            return HALTED_LOOK_S  # the emergency stop works on its own, also where this loop hangs
        if (unsettled := await self.settled(campaign)) is not None:
            return await self._held_up(campaign, unsettled)
        if is_held:
            return await self._paused(campaign, campaign.control.reason)
        return await self._look_and_decide(campaign)

    async def _held_up(self, campaign: Campaign, unsettled: policy.Wait | Halt) -> float:
        """Nothing is sent as long as it is not known what became of an order; nothing rests while a person is asked."""
        is_asked = isinstance(unsettled, Halt) and unsettled.is_lasting
        self.give_way(at_once=isinstance(unsettled, Halt))
        delay_s = self._execution.held_up(campaign, unsettled)
        if not is_asked or self._settler is None:
            return delay_s
        unknown = self._settler.unknown_orders
        ours = tuple(one for one in self.own_open_orders() if one.order_id not in unknown and not one.is_cancelling)
        return await self._execution.cancel(ours, unsettled.reason) or SHORTEST_DELAY_S if ours else delay_s

    def _refusal(self) -> str:
        """Why this market can't be traded at all; empty when it can."""
        moved = funds_lock.moved(self.exchange_manager, self.began_as)
        problem = moved or futures_view.refusal(self.exchange_manager, self.trading_mode.symbol)
        return problem if problem or self._settler is None else order_submission.refusal(self.exchange_manager)

    def halt(self, halt: Halt) -> None:
        """Something must not be tried again before a person has looked at it."""
        if self.campaign is not None:
            self._execution.halted(self.campaign, halt)

    async def _look_and_decide(self, campaign: Campaign) -> float:
        resumes = campaign.resumes
        try:
            snapshot = await self.sight.snapshot(self.now, is_done=self.progress().is_done)
        except RefusedError as refused:
            self.give_way()
            return self._execution.halted(campaign, Halt(text_of(refused)))
        except exchange_view.TraderPausedError as paused:
            self.give_way()
            return await self._paused(campaign, text_of(paused))
        except exchange_view.NotReadableError as missing:
            self.give_way()
            if self._settler is not None:
                self._settler.heard(missing.__cause__, self.now())
            return self._execution.waiting(campaign, policy.Wait(self._look_again_s(), text_of(missing)))
        settings = await self.trading_mode.raise_to_minimum(snapshot)
        self.position = guards.position_sentence(snapshot, settings)
        await self._announcements.look(campaign, snapshot, settings, self.progress())
        if campaign.resumes != resumes:
            return SHORTEST_DELAY_S  # what the guards count has begun anew since it was looked at
        progress = self.progress()  # from here to the order's reservation nothing else comes in between
        decision = self._decide(campaign, snapshot, settings, progress)
        return await self._execution.carry_out(decision, campaign, snapshot, progress)

    def _decide(
        self, campaign: Campaign, snapshot: MarketSnapshot, settings: Settings, progress: Progress
    ) -> policy.Decision:
        assert campaign.seed is not None
        number = campaign.orders_placed(snapshot.exchange, snapshot.symbol)
        rng = pacing.decision_rng(campaign.seed, snapshot.exchange, snapshot.symbol, number)
        hold = campaign.control.reason if campaign.control.state is ControlState.PAUSED else ""
        assert self._share is not None, "join_campaign() comes first"
        return self._share.decide(snapshot, settings, progress, rng, hold, campaign.halt_of(self.source))

    async def _paused(self, campaign: Campaign, reason: str) -> float:
        """OctoBot's own pause, or a person's stop: nothing of ours rests while it lasts."""
        delay_s = self._execution.waiting(campaign, policy.Wait(policy.IDLE_S, reason))
        ours = self.own_open_orders()
        return await self._execution.cancel(ours, reason) or SHORTEST_DELAY_S if ours else delay_s

    def _look_again_s(self) -> float:
        """When to look again for what can't be read: soon while OctoBot comes up, where that costs nobody anything."""
        is_starting = self.now() - self._running_since < STARTS_WITHIN_S and self._settler is None
        return STARTING_LOOK_S if is_starting else policy.IDLE_S

    def progress(self) -> Progress:
        """Where the campaign stands as far as this symbol has to do with it."""
        campaign, settings = self.campaign, self.trading_mode.settings
        assert campaign is not None and settings is not None
        return campaign.progress_for(settings, self.exchange_name, self.trading_mode.symbol, self.now())

    async def _end(self, campaign: Campaign) -> float:
        """Somebody wants it to stop: our orders are cancelled and settled, then OctoBot ends.

        What the exchange does not tell within a while is settled at the next start.
        """
        self._ends_at = self._ends_at or self.now() + END_GRACE_S
        if self._is_ending:
            return policy.IDLE_S
        unsettled = await self.settled(campaign)
        ours = self.own_open_orders()
        if ours and self.now() < self._ends_at:
            return await self._execution.cancel(ours, campaign.control.reason) or (policy.IDLE_S if unsettled else 0.0)
        if campaign.ledger.open_order_ids and self.now() < self._ends_at:
            return policy.IDLE_S
        self._is_ending = True
        self.logger.info("OctoBot ends: %s", campaign.control.reason)
        if not bot_process.end_octobot():
            self.logger.warning("There is no OctoBot to end")
        return policy.IDLE_S

    def own_open_orders(self) -> tuple[OpenOrder, ...]:
        """The orders that this mode has sent and that may still fill."""
        return () if self._sight is None or self.campaign is None else self._sight.own_open_orders()

    @property
    def sight(self) -> MarketSight:
        """What this loop sees of its market; there is one as soon as it takes part in the campaign."""
        assert self._sight is not None, "join_campaign() comes first"
        return self._sight

    async def settled(self, campaign: Campaign) -> policy.Wait | Halt | None:
        """Write down what became of our orders; why to wait or to halt while that is not known or can't be written.

        What could not be written down is tried again each time: the halt is over as soon as it can.
        """
        if self._settler is None:
            for order in list(self._unbooked.values()):
                self.book(order)
            return Halt(self.problem) if self.problem else None
        failures = self._failures_in_a_row()
        try:
            answer = await self._settler.settle(self.now())
        except (JournalError, ValueError) as error:
            self._could_not_write_down(error)
            return Halt(self.problem)
        except exchange_view.NotReadableError as missing:
            return policy.Wait(policy.IDLE_S, text_of(missing))
        self.problem = ""
        if self._failures_in_a_row() > failures:
            self._execution.back_off()
        return answer

    def _failures_in_a_row(self) -> int:
        """0 while the settings can't be used: then nothing is sent anyway, but what was sent is settled."""
        return 0 if self.trading_mode.settings is None else self.progress().failures_in_a_row

    async def _on_order(
        self, exchange: str, exchange_id: str, cryptocurrency: str, symbol: str, order: dict[str, typing.Any],
        update_type: str, is_from_bot: bool,
    ) -> None:  # fmt: skip
        if self._settler is not None:
            # what OctoBot tells of a real order is a reason to ask the exchange, and no more
            self._settler.look_soon()
            if self.campaign is not None and self.campaign.open_order_ids(self.exchange_name, symbol):
                self._wake.set()
            return
        if self.campaign is not None and self.campaign.awaits_news_of(order[order_events.Column.ID.value]):
            self.book(order)

    def book(self, order: dict[str, typing.Any]) -> None:
        """Write down what a simulated order of ours has come to; what can't be is kept, to be tried again."""
        order_id = order[order_events.Column.ID.value]
        try:
            self._book(order)
        except (JournalError, ValueError) as error:
            self._unbooked[order_id] = order
            self._could_not_write_down(error)
            return
        self._unbooked.pop(order_id, None)
        if not self._unbooked:
            self.problem = ""

    def _could_not_write_down(self, error: Exception) -> None:
        """No further order is sent until it can be."""
        problem = f"what became of an order could not be written down: {text_of(error)}"
        if problem != self.problem:
            self.logger.error(problem)
        self.problem = problem

    def _book(self, order: dict[str, typing.Any]) -> None:
        campaign = self.campaign
        assert campaign is not None
        order_id = order[order_events.Column.ID.value]
        news = order_events.read_order_event(order, campaign.record(order_id), self.now())
        if news.fill is not None and campaign.fill(news.fill):
            self._tell_fill(news.fill)
        if news.outcome is not None:
            status = order[order_events.Column.STATUS.value]
            campaign.close(order_id, news.outcome, f"OctoBot says {status}", self.now())

    def _tell_fill(self, fill: Fill) -> None:
        settings = self.trading_mode.settings
        if self.campaign is None or settings is None:
            return
        progress = self.progress()
        line = report.Later(report.fill_line, fill, self.trading_mode.symbol)
        self.logger.info("Filled: %s | %s", line, report.Later(report.sentence, progress))
        if progress.is_done:
            self._wake.set()

    def _open_campaign(self) -> Campaign:
        """That of the home; or in backtesting one that begins with the run, in a file where the run may leave files."""
        manager, user = self.exchange_manager, pathlib.Path(commons_constants.USER_FOLDER)
        if not manager.is_backtesting:
            return CAMPAIGNS.join(manager.bot_id, user / CAMPAIGN_FILE)
        return CAMPAIGNS.join_backtest(manager.bot_id, user / BACKTEST_FILE if manager.enable_storage else None)

    def _close_orders_that_the_simulator_lost(self, campaign: Campaign, trading: Trading) -> None:
        """OctoBot's simulator forgets its open orders when it ends: they will not fill any more."""
        if trading is not Trading.SIMULATION:
            return
        symbol = self.trading_mode.symbol
        held = self.exchange_manager.exchange_personal_data.orders_manager.get_open_orders(symbol=symbol)
        held_ids = {order.order_id for order in held}
        for order_id in campaign.open_order_ids(self.exchange_name, symbol):
            if order_id not in held_ids:
                campaign.close(order_id, Outcome.LOST, "OctoBot's simulator that held it ended", self.now())

    def _note_stop(self, campaign: Campaign) -> None:
        is_wanted = campaign.control.state is ControlState.STOPPED
        try:
            campaign.note(
                self.now(), STOP, self.source, campaign.control.reason if is_wanted else "OctoBot stopped the mode"
            )
        except JournalError as error:
            self.logger.warning("The stop could not be written down: %s", text_of(error))

    def _orders_channel(self) -> typing.Any:
        return exchange_channel.get_chan(trading_constants.ORDERS_CHANNEL, self.exchange_manager.id)

    def now(self) -> float:
        """OctoBot's clock, in seconds: the wall clock live, the data's clock in backtesting."""
        return float(self.exchange_manager.exchange.get_exchange_current_time())
