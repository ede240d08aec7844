"""The trading mode, its producer and its consumer: thin, they wire the core to OctoBot and decide nothing."""

from __future__ import annotations

import asyncio
import json
import pathlib
import random
import typing
from dataclasses import dataclass

import octobot
import octobot_commons.constants as commons_constants
import octobot_trading.constants as trading_constants
import octobot_trading.enums as trading_enums
import octobot_trading.errors as trading_errors
import octobot_trading.exchange_channel as exchange_channel
import octobot_trading.modes as trading_modes
import octobot_trading.personal_data as trading_personal_data

from . import exchange_view, notifications, order_events, report, user_inputs
from .campaign import CAMPAIGN_FILE, CAMPAIGNS, Campaign
from .core import pacing, policy
from .core.guards import Halt
from .core.ledger import Outcome, Progress
from .core.market import OpenOrder, OrderIntent, OrderType, Side, Trading, View
from .core.settings import Settings
from .journal import DONE, ERROR, GO, HALT, STOP, WAIT, JournalError
from .live_settings import LiveSettings

ANSWER_TIMEOUT_S = 120.0
"""How long the producer waits for the consumer's answer; OctoBot's own time-outs of an order are shorter."""
HALTED_LOOK_S = 2.0
"""How often a halted campaign looks whether its reason is gone."""
SHORTEST_DELAY_S = 0.05
LOOK_AT_FILE_EVERY_S = 0.5
UNFUNDED_LOOK_S = 30.0
"""The longest wait before a campaign without funds looks again."""
STOP_GRACE_S = 10.0
"""How long a stop waits for the order that is on its way."""
CLOCK_TOLERANCE_S = 1e-3

_ORDER_TYPES = {
    (OrderType.MARKET, Side.BUY): trading_enums.TraderOrderType.BUY_MARKET,
    (OrderType.MARKET, Side.SELL): trading_enums.TraderOrderType.SELL_MARKET,
    (OrderType.LIMIT, Side.BUY): trading_enums.TraderOrderType.BUY_LIMIT,
    (OrderType.LIMIT, Side.SELL): trading_enums.TraderOrderType.SELL_LIMIT,
}


@dataclass(slots=True)
class OrderRequest:
    """An order on its way from the producer to the consumer. The answer is None, or the reason why it was not made."""

    intent: OrderIntent
    answer: asyncio.Future[str | None]

    def reply(self, reason: str | None) -> None:
        if not self.answer.done():
            self.answer.set_result(reason)


class VolumeBoosterTradingModeProducer(trading_modes.AbstractTradingModeProducer):
    """The loop of one symbol: look, decide, carry out, sleep. Starts by itself with OctoBot."""

    def __init__(self, channel: typing.Any, config: typing.Any, trading_mode: typing.Any, exchange_manager: typing.Any):
        # the base class reloads the settings while it is constructed
        self._wake = asyncio.Event()
        self._next_order_at = 0.0
        super().__init__(channel, config, trading_mode, exchange_manager)
        self.campaign: Campaign | None = None
        self._orders_consumer: typing.Any = None
        self._errors_in_a_row = 0
        self._unfunded_in_a_row = 0
        self._request: OrderRequest | None = None
        self.problem = ""

    @property
    def source(self) -> str:
        """The name of this loop in the journal: exchange and symbol."""
        return f"{self.exchange_name} {self.trading_mode.symbol}"

    def get_channels_registration(self) -> list[str]:
        """Nothing: the loop follows the clock, not evaluators."""
        return []

    def on_reload_config(self) -> None:
        """New settings are taken up at once; the pause before the next order is at most what they allow."""
        settings = self.trading_mode.settings
        if settings is not None:
            self._next_order_at = min(self._next_order_at, self.now() + settings.trade_frequency_max)
        self._wake.set()

    async def run(self) -> None:
        if self.is_running:
            self.logger.warning("The volume booster of %s runs already: this start is ignored", self.source)
            return
        await super().run()

    async def start(self) -> None:
        """OctoBot's task of this producer: ends when it is stopped, and not because something went wrong."""
        await super().start()
        try:
            await self.join_campaign()
        except JournalError as error:
            self.problem = str(error)
            await self.sent_once_critical_notification("Volume booster not started", str(error))
            return
        if not self.exchange_manager.is_backtesting:
            await self._loop()

    async def stop(self) -> None:
        if self._request is not None and not self._request.answer.done():
            # an order is on its way: what becomes of it has to be written down first
            await asyncio.wait([self._request.answer], timeout=STOP_GRACE_S)
        if self._orders_consumer is not None:
            await self._orders_channel().remove_consumer(self._orders_consumer)
            self._orders_consumer = None
        if self.campaign is not None:
            campaign, self.campaign = self.campaign, None
            self._note_stop(campaign)
            CAMPAIGNS.leave(self.exchange_manager.bot_id)
        self._wake.set()
        await super().stop()

    async def join_campaign(self) -> None:
        """Take part in the bot's campaign, and listen to what becomes of its orders.

        :raises JournalError: when its journal can't be used.
        """
        is_backtesting = self.exchange_manager.is_backtesting
        path = None if is_backtesting else pathlib.Path(commons_constants.USER_FOLDER) / CAMPAIGN_FILE
        campaign = CAMPAIGNS.join(self.exchange_manager.bot_id, path)
        self.campaign = campaign
        settings = self.trading_mode.settings
        drawn = random.SystemRandom().randrange(2**32)
        seed = drawn if settings is None or settings.seed is None else settings.seed
        trading = exchange_view.trading_of(self.exchange_manager)
        campaign.begin(self.now(), trading, seed, octobot.LONG_VERSION, self.source)
        self._close_orders_that_the_simulator_lost(campaign, trading)
        self._orders_consumer = await self._orders_channel().new_consumer(
            self._on_order, symbol=self.trading_mode.symbol
        )
        shown = "unusable" if settings is None else json.dumps(settings.to_config())
        self.logger.info("Volume booster of %s: seed %s, settings %s", self.source, campaign.seed, shown)

    async def _loop(self) -> None:
        while not self.should_stop:
            self._wake.clear()
            try:
                delay_s = await self.tick()
                self._errors_in_a_row = 0
            except Exception as error:
                # nothing may end the loop silently: what went wrong is told, and the next try comes later
                self._errors_in_a_row += 1
                delay_s = pacing.backoff_delay(self._errors_in_a_row, random.Random())
                what = f"Volume booster of {self.source}: {error}; next try in {delay_s:.0f} s"
                self.logger.exception(error, True, what)
            await self._sleep(max(delay_s, SHORTEST_DELAY_S))

    async def _sleep(self, delay_s: float) -> None:
        """Sleep until it is time or something wakes the loop; a changed settings file does within a second."""
        loop = asyncio.get_running_loop()
        until = loop.time() + delay_s
        while not self._wake.is_set() and (left_s := until - loop.time()) > 0:
            if not await self._is_woken_within(min(left_s, LOOK_AT_FILE_EVERY_S)):
                await self.trading_mode.reload_if_file_changed()

    async def _is_woken_within(self, seconds: float) -> bool:
        try:
            await asyncio.wait_for(self._wake.wait(), seconds)
        except asyncio.TimeoutError:
            return False
        return True

    async def tick(self) -> float:
        """Look, decide and carry out once; the seconds until the next time."""
        campaign, settings = self.campaign, self.trading_mode.settings
        assert campaign is not None, "join_campaign() comes first"
        if self.problem:
            return self._halted(campaign, Halt(self.problem))
        if settings is None:
            return self._halted(campaign, Halt("; ".join(self.trading_mode.settings_problems)))
        campaign.use(settings, self.now())
        progress = campaign.progress(settings.volume_target)
        if not self.trading_mode.get_trading_mode_consumers():
            return self._waiting(campaign, policy.Wait(policy.IDLE_S, "OctoBot is still starting"))
        try:
            view = exchange_view.read_view(self.exchange_manager, self.trading_mode.symbol, campaign.placed_at)
        except exchange_view.NotReadableError as missing:
            return self._waiting(campaign, policy.Wait(policy.IDLE_S, str(missing)))
        settings = await self.trading_mode.raise_to_minimum(view)
        assert campaign.seed is not None
        number = campaign.orders_placed(view.exchange, view.symbol)
        rng = pacing.decision_rng(campaign.seed, view.exchange, view.symbol, number)
        return await self._carry_out(policy.decide(view, settings, progress, rng), campaign, progress)

    async def _carry_out(self, decision: policy.Decision, campaign: Campaign, progress: Progress) -> float:
        match decision:
            case policy.Place():
                return await self._place_in_time(decision, campaign)
            case policy.Cancel():
                return await self._cancel(decision.orders, decision.reason)
            case policy.Wait(is_unfunded=True):
                return await self._unfunded(campaign, decision)
            case policy.Wait():
                return self._waiting(campaign, decision)
            case Halt():
                return self._halted(campaign, decision)
            case policy.Done():
                return await self._done(decision, campaign, progress)

    async def _place_in_time(self, decision: policy.Place, campaign: Campaign) -> float:
        """Place, but not before the pause after the last order is over, however often the loop is woken."""
        self._unfunded_in_a_row = 0
        too_early_s = self._next_order_at - self.now()
        if too_early_s > CLOCK_TOLERANCE_S:
            return too_early_s
        campaign.note(self.now(), GO, self.source, "")
        return await self._place(decision, campaign)

    async def _place(self, decision: policy.Place, campaign: Campaign) -> float:
        request = self._request = OrderRequest(decision.intent, asyncio.get_running_loop().create_future())
        self._next_order_at = self.now() + decision.delay_s
        await self.submit_trading_evaluation(
            cryptocurrency=self.trading_mode.cryptocurrency,
            symbol=self.trading_mode.symbol,
            time_frame=None,
            state=trading_enums.EvaluatorStates.NEUTRAL,
            data={"request": request},
        )
        if self.channel.is_synchronized:
            await self.synchronized_perform_consumers_queue(self.priority_level, True, ANSWER_TIMEOUT_S)
        try:
            problem = await asyncio.wait_for(request.answer, ANSWER_TIMEOUT_S)
        except asyncio.TimeoutError:
            problem = f"no answer from OctoBot within {ANSWER_TIMEOUT_S:g} s"
        if problem is None:
            return decision.delay_s
        settings = typing.cast(Settings, self.trading_mode.settings)
        failures = campaign.progress(settings.volume_target).failures_in_a_row
        delay_s = max(decision.delay_s, pacing.backoff_delay(failures, random.Random(failures)))
        self._next_order_at = self.now() + delay_s
        self.logger.warning("Order not made: %s; next try in %.0f s", problem, delay_s)
        campaign.note(self.now(), ERROR, self.source, problem)
        return delay_s

    async def _cancel(self, orders: tuple[OpenOrder, ...], reason: str) -> float:
        """Cancel, and look again at once; what could not be cancelled is tried again after a while."""
        delay_s = 0.0
        for open_order in orders:
            order = self.exchange_manager.exchange_personal_data.orders_manager.get_order(open_order.order_id)
            self.logger.info("Cancelling the %s at %s: %s", open_order.side.value, open_order.price, reason)
            cancelled, _ = await self.trading_mode.cancel_order(order)
            if not cancelled:
                self.logger.warning("The order %s could not be cancelled", open_order.order_id)
                delay_s = pacing.BACKOFF_FIRST_S
        return delay_s

    def _waiting(self, campaign: Campaign, decision: policy.Wait) -> float:
        if campaign.note(self.now(), WAIT, self.source, decision.reason):
            self.logger.info("Waiting on %s: %s", self.source, decision.reason)
        return decision.delay_s

    async def _unfunded(self, campaign: Campaign, decision: policy.Wait) -> float:
        """Wait longer and longer; told to a person once, and over by itself when there are funds again."""
        self._unfunded_in_a_row += 1
        if self._unfunded_in_a_row == 1:
            await notifications.notify(f"{self.source} waits for funds: {decision.reason}")
        self._waiting(campaign, decision)
        delay_s = pacing.backoff_delay(self._unfunded_in_a_row, random.Random(self._unfunded_in_a_row))
        return min(delay_s, UNFUNDED_LOOK_S)

    def _halted(self, campaign: Campaign, halt: Halt) -> float:
        try:
            is_news = campaign.note(self.now(), HALT, self.source, halt.reason)
        except JournalError as error:
            self.logger.warning("The halt could not be written down: %s", error)
            is_news = False
        if is_news:
            self.logger.error(f"Halted on {self.source}: {halt.reason}")
        return HALTED_LOOK_S

    async def _done(self, decision: policy.Done, campaign: Campaign, progress: Progress) -> float:
        if decision.leftovers:
            return await self._cancel(decision.leftovers, "the target is reached")
        if campaign.note(self.now(), DONE, self.source, report.sentence(progress)):
            self.logger.info("Target reached on %s: %s", self.source, report.sentence(progress))
            await notifications.notify(f"Target reached on {self.source}: {report.sentence(progress)}")
        return policy.IDLE_S

    async def _on_order(
        self, exchange: str, exchange_id: str, cryptocurrency: str, symbol: str, order: dict[str, typing.Any],
        update_type: str, is_from_bot: bool,
    ) -> None:  # fmt: skip
        if self.campaign is None or not self.campaign.ledger.knows(order[order_events.Column.ID.value]):
            return
        self.book(order)

    def book(self, order: dict[str, typing.Any]) -> None:
        """Write down what an order of ours has come to; when that can't be done, no further order is sent."""
        try:
            self._book(order)
        except (JournalError, ValueError) as error:
            self.problem = f"what became of an order could not be written down: {error}"
            self.logger.error(self.problem)

    def _book(self, order: dict[str, typing.Any]) -> None:
        campaign, settings = self.campaign, self.trading_mode.settings
        assert campaign is not None
        order_id = order[order_events.Column.ID.value]
        news = order_events.read_order_event(order, campaign.ledger.record(order_id), self.now())
        if news.fill is not None and campaign.fill(news.fill) and settings is not None:
            progress = campaign.progress(settings.volume_target)
            filled = report.fill_line(news.fill, self.trading_mode.symbol)
            self.logger.info("Filled: %s | %s", filled, report.sentence(progress))
            if progress.is_done:
                self._wake.set()
        if news.outcome is not None:
            status = order[order_events.Column.STATUS.value]
            campaign.close(order_id, news.outcome, f"OctoBot says {status}", self.now())

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
        try:
            campaign.note(self.now(), STOP, self.source, "OctoBot stopped the mode")
        except JournalError as error:
            self.logger.warning("The stop could not be written down: %s", error)

    def _orders_channel(self) -> typing.Any:
        return exchange_channel.get_chan(trading_constants.ORDERS_CHANNEL, self.exchange_manager.id)

    def now(self) -> float:
        """OctoBot's clock, in seconds: the wall clock live, the data's clock in backtesting."""
        return float(self.exchange_manager.exchange.get_exchange_current_time())


class VolumeBoosterTradingModeConsumer(trading_modes.AbstractTradingModeConsumer):
    """Makes the orders that the producer asks for, through OctoBot's trader, and always answers."""

    def skip_portfolio_available_check_before_creating_orders(self) -> bool:
        """The decision has looked at the balance already."""
        return True

    async def create_new_orders(
        self, symbol: str, final_note: typing.Any, state: typing.Any, **kwargs: typing.Any
    ) -> list[typing.Any]:
        request: OrderRequest = kwargs[self.CREATE_ORDER_DATA_PARAM]["request"]
        if request.answer.done():
            return []
        try:
            created = await self._create_order(symbol, request)
        except Exception as error:
            # the producer waits for the answer: whatever happened is one
            request.reply(f"{type(error).__name__}: {error}")
            raise
        return [created] if created else []

    async def _create_order(self, symbol: str, request: OrderRequest) -> typing.Any:
        """Write the order down, then send it; None when it was not made, with the answer given.

        The journal comes first: an order whose fill could not be written down is not sent.
        """
        if exchange_view.trading_of(self.exchange_manager) is Trading.LIVE:
            request.reply("this version does not trade with OctoBot's real trader")
            return None
        producer: VolumeBoosterTradingModeProducer = self.trading_mode.producers[0]
        campaign, intent = producer.campaign, request.intent
        if campaign is None:
            request.reply("the mode is stopping")
            return None
        order = self._order(symbol, intent)
        campaign.place(order.order_id, self.exchange_manager.exchange_name, symbol, intent, producer.now())
        progress = report.sentence(campaign.progress(self.trading_mode.settings.volume_target))
        self.logger.info("Sending: %s | %s", report.intent_line(intent, symbol), progress)
        problem = "OctoBot did not create the order, its log says why"
        try:
            created = await self.trading_mode.create_order(order)
        except Exception as error:
            # whatever it is, the simulator holds no such order: nothing of it stays reserved
            created, problem = None, f"{type(error).__name__}: {error}"
            if not isinstance(error, trading_errors.MissingFunds):
                self.logger.exception(error, True, f"Order not made: {problem}")
        if created is None:
            campaign.close(order.order_id, Outcome.REJECTED, problem, producer.now())
            request.reply(problem)
            return None
        producer.book(created.to_dict())
        request.reply(None)
        return created

    def _order(self, symbol: str, intent: OrderIntent) -> typing.Any:
        return trading_personal_data.create_order_instance(
            trader=self.exchange_manager.trader,
            order_type=_ORDER_TYPES[intent.order_type, intent.side],
            symbol=symbol,
            current_price=intent.mid_price if intent.order_type is OrderType.LIMIT else intent.price,
            quantity=intent.quantity,
            price=intent.price,
            tag="volume_booster",
        )


class VolumeBoosterTradingMode(trading_modes.AbstractTradingMode):
    """Places randomized buy and sell orders until a volume target is filled, never against itself."""

    MODE_PRODUCER_CLASSES: typing.ClassVar = [VolumeBoosterTradingModeProducer]
    MODE_CONSUMER_CLASSES: typing.ClassVar = [VolumeBoosterTradingModeConsumer]

    def __init__(self, config: typing.Any, exchange_manager: typing.Any) -> None:
        # the base class makes producers, which ask for the settings, only after it has read them
        self._live_settings: LiveSettings | None = None
        super().__init__(config, exchange_manager)

    @property
    def settings(self) -> Settings | None:
        """The settings in use; None while the configuration can't be used."""
        return self._live_settings.current if self._live_settings else None

    @property
    def settings_problems(self) -> list[str]:
        """Why the configuration can't be used, a sentence for each key."""
        return self._live_settings.problems if self._live_settings else []

    def init_user_inputs(self, inputs: dict[str, typing.Any]) -> None:
        user_inputs.declare(self.UI, inputs)

    async def reload_config(self, bot_id: str, trading_config: typing.Any = None) -> None:
        """Read the settings: at the start, when the form is saved, and when the file has changed."""
        if self._live_settings is None:
            self._live_settings = LiveSettings(self.exchange_manager.tentacles_setup_config, self.__class__)
        await super().reload_config(bot_id, trading_config=trading_config)
        await self._tell(self._live_settings.read(self.trading_config))
        for problem in self.settings_problems:
            self.logger.error(f"Setting not usable: {problem}")
        for producer in self.producers:
            producer.on_reload_config()

    async def reload_if_file_changed(self) -> None:
        """Take up what somebody has written into the configuration file."""
        if self._live_settings is None or not self._live_settings.has_file_changed():
            return
        try:
            await self.reload_config(self.exchange_manager.bot_id)
        except (OSError, ValueError) as error:
            self.logger.warning("The changed settings can't be read, the ones before stay in use: %s", error)

    async def raise_to_minimum(self, view: View) -> Settings:
        """The settings, with amounts that the exchange accepts."""
        assert self._live_settings is not None
        await self._tell(self._live_settings.raise_to_minimum(self.trading_config, view))
        assert self.settings is not None
        return self.settings

    async def _tell(self, corrections: list[str]) -> None:
        for sentence in corrections:
            self.logger.warning("Setting put right: %s", sentence)
        if corrections:
            await notifications.notify(f"Settings put right on {self.symbol}: {'; '.join(corrections)}")

    def get_current_state(self) -> tuple[str, typing.Any]:
        """A sentence on where the campaign stands and the share of the target that is filled, 0 to 1."""
        producer = self.producers[0] if self.producers else None
        if producer is None or producer.campaign is None or self.settings is None:
            return "; ".join(self.settings_problems) or (producer and producer.problem) or "starting", 0
        progress = producer.campaign.progress(self.settings.volume_target)
        kind, reason = producer.campaign.reason_of(producer.source) or (GO, "")
        sentence = report.sentence(progress)
        if producer.problem or kind in (WAIT, HALT, ERROR):
            sentence = f"{sentence}. {producer.problem or reason}"
        return sentence, float(min(progress.filled_quote / progress.target_quote, 1))

    @classmethod
    def get_is_symbol_wildcard(cls) -> bool:
        """One instance a symbol."""
        return False

    @classmethod
    def get_supported_exchange_types(cls) -> list[trading_enums.ExchangeTypes]:
        return [trading_enums.ExchangeTypes.SPOT]

    @staticmethod
    def is_backtestable() -> bool:
        """Not yet: the loop follows the wall clock."""
        return False
