"""The trading mode: settings in, producer and consumer, and what OctoBot shows of it. It decides nothing."""

from __future__ import annotations

import typing

import octobot_trading.enums as trading_enums
import octobot_trading.modes as trading_modes

from .adapters.runtime import data_collector, notifications, settings_form
from .adapters.runtime.settings_store import LiveSettings
from .campaign.campaign import Campaign
from .core.decision.control import EMERGENCY, ControlState
from .core.model.snapshot import MarketSnapshot
from .core.notify.notices import Notice
from .core.settings.schema import Settings
from .trading import web_page
from .trading.consumer import VolumeBoosterTradingModeConsumer
from .trading.producer import VolumeBoosterTradingModeProducer
from .trading.session import Session

data_collector.register()
MEND_SETTINGS = "fix it in the form on the mode's page in OctoBot's web page and save: it is used at once."
SEE_SETTINGS = "nothing; the form on the mode's page in OctoBot's web page shows the settings as they are used."


class VolumeBoosterTradingMode(trading_modes.AbstractTradingMode):
    """Places randomized buy and sell orders until a volume target is filled, never against itself."""

    MODE_PRODUCER_CLASSES: typing.ClassVar = [VolumeBoosterTradingModeProducer]
    MODE_CONSUMER_CLASSES: typing.ClassVar = [VolumeBoosterTradingModeConsumer]

    def __init__(self, config: typing.Any, exchange_manager: typing.Any) -> None:
        # the base class makes producers, which ask for the settings, only after it has read them
        self._live_settings: LiveSettings | None = None
        self.session: Session | None = None
        """What the loop of this symbol shares with the mode; there is one as soon as OctoBot has made its producer."""
        self.trading_config: typing.Any
        super().__init__(config, exchange_manager)

    @property
    def settings(self) -> Settings | None:
        """The settings in use; None while the configuration can't be used."""
        return self._live_settings.current if self._live_settings else None

    @property
    def settings_problems(self) -> list[str]:
        """Why the configuration can't be used, a sentence for each key; the settings before may still be in use."""
        return self._live_settings.problems if self._live_settings else []

    def init_user_inputs(self, inputs: dict[str, typing.Any]) -> None:
        settings_form.declare(self.UI, inputs)

    async def reload_config(self, bot_id: str, trading_config: typing.Any = None) -> None:
        """Read the settings: at the start, when the form is saved, and when the file has changed."""
        if self._live_settings is None:
            manager = self.exchange_manager
            # a backtest must not write into the profile that it was given
            is_kept = not manager.is_backtesting
            self._live_settings = LiveSettings(
                manager.tentacles_setup_config, self.__class__, self.logger.error, is_kept=is_kept
            )
        config = self._live_settings.load() if trading_config is None else trading_config
        if config is None or not self._live_settings.is_object(config):
            self.trading_config = self.trading_config or {}
        else:
            await super().reload_config(bot_id, trading_config=config)
            await self._tell(self._live_settings.read(self.trading_config))
        await self._notify_problems()
        for producer in self.producers:
            producer.on_reload_config()

    @property
    def is_settings_file_as_read(self) -> bool:
        """Whether nobody has written the configuration file since it was read."""
        return self._live_settings is None or self._live_settings.is_file_as_read()

    async def reload_if_file_changed(self) -> None:
        """Take up what somebody has written into the configuration file."""
        if not self.is_settings_file_as_read:
            await self.reload_config(self.exchange_manager.bot_id)

    async def raise_to_minimum(self, snapshot: MarketSnapshot) -> Settings:
        """The settings, with amounts that the exchange accepts."""
        assert self._live_settings is not None
        await self._tell(self._live_settings.raise_to_minimum(self.trading_config, snapshot))
        assert self.settings is not None
        return self.settings

    def disable(self) -> None:
        """Switch the mode off, where it is configured: no new order until a person switches it on again."""
        assert self._live_settings is not None
        self._live_settings.disable(self.trading_config)

    @classmethod
    def get_user_commands(cls) -> dict[str, typing.Any]:
        """The buttons of OctoBot's web page."""
        return {**super().get_user_commands(), **{command: {} for command in web_page.BUTTONS}}

    async def user_commands_callback(self, bot_id: str, subject: str, action: str, data: dict[str, typing.Any]) -> None:
        """A button was pressed; every symbol's instance is told, and the first one takes it up for all."""
        await super().user_commands_callback(bot_id, subject, action, data)
        if action in web_page.BUTTONS:
            await web_page.press(self.session, action)

    async def stop_strategy_execution(self, reason_description: str | None = None) -> None:
        """OctoBot wants the strategy stopped: an emergency stop."""
        self.logger.warning("OctoBot stops the strategy: %s", reason_description or "no reason given")
        self._command(EMERGENCY)

    def stopped_strategy_execution(self) -> bool:
        """Whether nothing is traded until a person resumes it."""
        campaign = self._campaign
        return campaign is not None and campaign.control.state is ControlState.EMERGENCY

    def is_updating_exchange_settings(self, context: typing.Any) -> bool:
        """OctoBot would set the leverage by itself at the start and whenever the settings are read, lock or not."""
        return False

    def _command(self, kind: str) -> None:
        if self.session is not None and self.session.campaign is not None:
            self.session.campaign.command(kind, self.session.now())
            self.session.wake()

    async def _tell(self, corrections: list[str]) -> None:
        for sentence in corrections:
            self.logger.warning("Setting corrected: %s", sentence)
        if corrections:
            text = f"Settings corrected on {self.symbol}: {'; '.join(corrections)}"
            await self._notify(Notice(text, text, SEE_SETTINGS))

    async def _notify_problems(self) -> None:
        """What can't be used is reported in one sentence, once for all symbols; while nothing runs, by the halt."""
        text, campaign = "; ".join(self.settings_problems), self._campaign
        is_news = campaign is None or campaign.is_news("settings", text)
        if not text or not is_news:
            return
        self.logger.error(f"Settings not usable: {text}")
        if self.settings is not None:
            told = f"The saved settings can't be used, the ones before stay in use: {text}"
            await self._notify(Notice("settings", told, MEND_SETTINGS, is_urgent=True))

    async def _notify(self, notice: Notice) -> None:
        await notifications.notify(self._campaign, 0.0 if self.session is None else self.session.now(), notice)

    @property
    def _campaign(self) -> Campaign | None:
        return None if self.session is None else self.session.campaign

    def get_current_state(self) -> tuple[str, typing.Any]:
        """A sentence on where the campaign stands and the share of the target that is filled, 0 to 1."""
        return web_page.state(self.session, self.settings_problems, is_usable=self.settings is not None)

    @classmethod
    def get_is_symbol_wildcard(cls) -> bool:
        """One instance a symbol."""
        return False

    @classmethod
    def get_supported_exchange_types(cls) -> list[trading_enums.ExchangeTypes]:
        return [trading_enums.ExchangeTypes.SPOT, trading_enums.ExchangeTypes.FUTURE]

    @staticmethod
    def is_backtestable() -> bool:
        """The loop follows OctoBot's clock, which in backtesting is that of the data."""
        return True
