"""What the parts of one symbol's loop share: its campaign, settings, clock, names, logger, and what holds it up."""

from __future__ import annotations

import asyncio
import logging
import typing

from ..adapters import order_submission
from ..adapters.runtime import notifications
from ..adapters.venues import support
from ..campaign.campaign import Campaign
from ..core.accounting.ledger import Progress
from ..core.accounting.tallies import Market
from ..core.decision import flattening
from ..core.decision.guards import Halt
from ..core.decision.policy import Wait
from ..core.model.basics import Trading
from ..core.model.instrument import quote_of
from ..core.model.orders import Fill
from ..core.model.redact import text_of
from ..core.model.snapshot import MarketSnapshot
from ..core.notify import progress_lines
from ..core.notify.notices import Notice
from ..core.settings.schema import Settings
from ..journal.journal import WAIT, JournalError
from .market_allocation import MarketAllocation
from .orders.reconciler import Reconciler

END_HALT = (
    "read why, then press Resume on the mode's page in OctoBot's web page, or type `volume-booster resume`: what the "
    "guards count starts from zero."
)
MEND_HALT = (
    "fix what is named; the settings are on the mode's page in OctoBot's web page. It then continues on its own."
)


class SettingsSource(typing.Protocol):
    """Where the settings of a loop come from: its trading mode."""

    @property
    def settings(self) -> Settings | None:
        """The settings in use; None while the configuration can't be used."""

    @property
    def settings_problems(self) -> list[str]:
        """Why the configuration can't be used, a sentence for each key."""

    @property
    def is_settings_file_as_read(self) -> bool:
        """Whether nobody has written the configuration file since it was read."""

    async def reload_if_file_changed(self) -> None:
        """Take up what somebody has written into the configuration file."""

    async def raise_to_minimum(self, snapshot: MarketSnapshot) -> Settings:
        """The settings, with amounts that the exchange accepts."""

    def disable(self) -> None:
        """Switch the mode off until a person switches it on again."""


class TradingMode(SettingsSource, typing.Protocol):
    """What producer and consumer need of their mode."""

    symbol: str
    cryptocurrency: str
    session: Session | None

    async def create_order(self, order: typing.Any, params: dict[str, typing.Any] | None = None) -> typing.Any:
        """OctoBot's own: the order as its trader has made it; None when it has not."""

    async def cancel_order(self, order: typing.Any) -> tuple[bool, typing.Any]:
        """OctoBot's own: whether the order was cancelled."""

    def get_trading_mode_consumers(self) -> list[typing.Any]:
        """OctoBot's own: those that exist already."""


class Session:
    """Of one symbol, from the start of its loop to its stop.

    `manager` is OctoBot's exchange manager. Times are in seconds of OctoBot's clock: the wall clock live, the clock of
    the data in backtesting.
    """

    def __init__(
        self, manager: typing.Any, symbol: str, source_of_settings: SettingsSource, logger: logging.Logger
    ) -> None:
        self.manager = manager
        self.symbol = symbol
        self.logger = logger
        self.settings_source = source_of_settings
        self.campaign: Campaign | None = None
        """None before the loop takes part in one, and after it was stopped."""
        self.began_as = Trading.LIVE
        """Whose money it was when this run began."""
        self.running_since = 0.0
        self.problem = ""
        """Why nothing can be written down; empty again as soon as it can."""
        self.ended = ""
        """Why a task of the loop has ended, and no order is sent any more; empty while all of them live."""
        self.position = ""
        """On futures the position as it was seen last, in words."""
        self.is_stopping = False
        """Somebody has stopped it: its tasks end then, as they should."""
        self.allocation: MarketAllocation | None = None
        self._reconciler: Reconciler | None = None
        self._woken = asyncio.Event()

    @property
    def exchange_name(self) -> str:
        return str(self.manager.exchange_name)

    @property
    def market(self) -> Market:
        return self.exchange_name, self.symbol

    @property
    def currency(self) -> str:
        """What the campaign counts in: its own currency, or before its first look the quote of this market."""
        counted_in = None if self.campaign is None else self.campaign.counted_in
        return counted_in or quote_of(self.symbol)

    @property
    def source(self) -> str:
        """The name of this loop in the journal: exchange and symbol."""
        return f"{self.exchange_name} {self.symbol}"

    @property
    def settings(self) -> Settings | None:
        """The settings in use; None while the configuration can't be used."""
        return self.settings_source.settings

    @property
    def reconciler(self) -> Reconciler:
        """What learns what became of orders: there is one as soon as the loop takes part in a campaign."""
        assert self._reconciler is not None, "the loop takes part in a campaign first"
        return self._reconciler

    def join(self, campaign: Campaign, allocation: MarketAllocation, reconciler: Reconciler) -> None:
        """The loop takes part in a campaign."""
        self.campaign, self.allocation, self._reconciler = campaign, allocation, reconciler

    def leave(self) -> None:
        """The loop ends."""
        self.campaign = None
        if self.allocation is not None:
            self.allocation.leave()

    def now(self) -> float:
        """OctoBot's clock."""
        return float(self.manager.exchange.get_exchange_current_time())

    def progress(self) -> Progress:
        """Where the campaign stands as far as this symbol has to do with it."""
        campaign, settings = self.campaign, self.settings
        assert campaign is not None and settings is not None
        return campaign.progress_for(settings, *self.market, self.now())

    @property
    def is_at_rest(self) -> bool:
        """Whether the target is reached and nothing is held that should not stay: no order will be sent."""
        progress, settings = self.progress(), self.settings
        assert settings is not None
        return progress.is_done and not flattening.is_to_be_traded_back(progress, settings, self.market)

    def style_refusal(self) -> str:
        """Why the exchange can't take this kind of orders; empty where it can, as where OctoBot plays the exchange."""
        if self.settings is None or self.began_as.is_simulated:
            return ""
        return support.style_refusal(order_submission.venue_at(self.manager), self.settings.order_type)

    def wake(self) -> None:
        """Something has changed: decide at once."""
        self._woken.set()

    def begin_look(self) -> None:
        """What has happened so far is looked at now."""
        self._woken.clear()

    @property
    def is_woken(self) -> bool:
        """Whether something has happened that a decision should not wait for."""
        return self._woken.is_set()

    async def is_woken_within(self, seconds: float) -> bool:
        try:
            await asyncio.wait_for(self._woken.wait(), seconds)
        except asyncio.TimeoutError:
            return False
        return True

    def release_share(self, *, at_once: bool = True, due_in_s: float | None = None) -> None:
        """This market can't trade now: its share of the target goes to the others, now or when that lasts."""
        if self.allocation is not None:
            self.allocation.can_not_trade(self.now(), at_once=at_once)
            if due_in_s is not None:
                self.allocation.is_due_at(self.now() + due_in_s)

    async def look_at_fills(self) -> None:
        """Fills are measured also while the loop sleeps; where that fails it is tried again."""
        now = self.now()
        if self.campaign is None or (due_in_s := self.reconciler.look_due_in_s(now)) is None or due_in_s > 0:
            return
        try:
            await self.reconciler.look(now)
        except JournalError as error:
            self.could_not_write_down(error)

    def could_not_write_down(self, error: Exception) -> None:
        """No further order is sent until it can be."""
        problem = f"what became of an order could not be written down: {text_of(error)}"
        if self.campaign is not None and isinstance(error, JournalError):
            self.campaign.guard.could_not_write(error)
        if problem != self.problem:
            self.logger.error(problem)
        self.problem = problem

    def wait(self, wait: Wait) -> None:
        """Write down why the loop waits, and log it when it is news."""
        if self.campaign is not None and self.campaign.note(self.now(), WAIT, self.source, wait.reason):
            self.logger.info("Waiting on %s: %s", self.source, wait.reason)

    def halt(self, halt: Halt) -> None:
        """Write down a halt; a person is notified when it is news. It holds also where it can't be written down."""
        campaign = self.campaign
        if campaign is None:
            return
        try:
            is_news = campaign.halt(self.now(), self.source, halt)
        except JournalError as error:
            self.logger.warning("The halt could not be written down: %s", text_of(error))
            is_news = False
        if is_news:
            advice = END_HALT if halt.is_lasting else MEND_HALT
            text = f"Halted on {self.source}: {halt.reason}"
            self.logger.error(f"{text}. What you can do: {advice}")
            notice = Notice(f"halt of {self.source}", text, advice, is_urgent=True, is_critical=True)
            notifications.notify_soon(campaign, self.now(), notice)

    def log_fill(self, fill: Fill) -> None:
        """Log a fill that was counted now; the one that reaches the target wakes the loop."""
        if self.campaign is None or self.settings is None:
            return
        progress = self.progress()
        line = progress_lines.LazyText(progress_lines.fill_line, fill, self.symbol)
        self.logger.info(
            "Filled: %s | %s", line, progress_lines.LazyText(progress_lines.sentence, progress, self.currency)
        )
        if progress.is_done:
            self.wake()
