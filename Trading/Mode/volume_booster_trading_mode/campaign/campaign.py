"""The campaign: what all pairs and exchanges of one bot share. Ledger and journal move together, journal first."""

from __future__ import annotations

import pathlib
import typing
from collections.abc import Iterable
from decimal import Decimal

from ..core.accounting.currency import campaign_currency
from ..core.accounting.ledger import Ledger, OrderRecord, Progress
from ..core.accounting.tallies import Market, day_of
from ..core.decision.allocation import Allocation, allocation_of
from ..core.decision.control import COMMAND_OF, EMERGENCY, LASTING, RESUME, STOP, Control, ControlState, transition
from ..core.decision.guards import Halt
from ..core.model.basics import ONE, Trading
from ..core.model.orders import OrderIntent
from ..core.model.snapshot import Equity
from ..core.notify.notices import NoticeHistory
from ..core.settings.schema import Settings, TargetPeriod, TargetScope
from ..journal.bot_lock import BotLock
from ..journal.file import move_aside, remove, translate_errors
from ..journal.journal import GO, HALT, START, TARGET, CampaignRow, Command, Journal, JournalError
from .equity_marks import EquityMarks
from .halts import StandingHalts
from .journal_guard import JournalGuard
from .orders import CampaignOrders

RESUMED_REASON = "resumed by a person: the guards start counting from zero"
LOOK_EVERY_S = 0.25
"""How often the journal is asked whether there is a command."""


class Campaign(CampaignOrders):
    """One run towards one target, across restarts and shared by every symbol of a bot.

    Nothing here reads a clock: every moment is an argument, in seconds of OctoBot's clock.

    :raises JournalError: from every method that writes, when what happened could not be written down.
    """

    def __init__(
        self, journal: Journal, ledger: Ledger | None = None, lock: BotLock | None = None, *, is_watched: bool = False
    ) -> None:
        self._lock = lock
        self.guard = JournalGuard(journal.path if is_watched else None)
        """Whether what happens is still written down where others read it."""
        super().__init__(journal, journal.replay() if ledger is None else ledger)

    def _load(self, ledger: Ledger) -> None:
        super()._load(ledger)
        self.seed: int | None = None
        self.control = Control()
        self._settings: dict[str, Settings] = {}
        self._in_use: Settings | None = None
        configured = self._journal.settings().get("volume_target")
        self._configured_quote = None if configured is None else Decimal(str(configured))
        self._target_quote = self._journal.target_quote()
        self._begun_days = set(self._journal.days())
        self.told_percent: dict[str, Decimal] = {}
        """How much of the target was filled at the last notice of it, in percent; in memory only."""
        self.notices = NoticeHistory()
        """The latest notices, of all symbols together; in memory only."""
        self.sources: set[str] = set()
        """The loops that take part, each an exchange and a symbol; in memory only."""
        self.pressed: tuple[str, float] | None = None
        """The button of OctoBot's web page that was pressed last, and when; in memory only."""
        self._told: dict[str, typing.Any] = {}
        self._cancelled: set[str] = set()
        self._has_begun = False
        self._last_command_id = 0
        self._halts = StandingHalts(self._journal)
        self._equity = EquityMarks(self._journal, self._halts.resumes)
        self._currency = self._journal.currency()
        self._looked_at: float | None = None

    @classmethod
    def open(cls, path: pathlib.Path | None) -> Campaign:
        """The campaign whose journal is at `path`, begun or not; None is one that lives in memory only.

        As long as it is open no other bot can open it.

        :raises JournalError: when the journal can't be used, or another bot runs the campaign.
        """
        if path is None:
            return cls(*Journal.open_and_replay(None))
        lock = BotLock(path)
        with translate_errors(path, "locked"):
            process = lock.take()
        if process is not None:
            raise JournalError(
                f"another OctoBot (process {process}) already runs this campaign, {path}: stop it first, or start this "
                "one in a home of its own"
            )
        try:
            return cls(*Journal.open_and_replay(path), lock, is_watched=True)
        except BaseException:
            lock.release()
            raise

    @classmethod
    def open_backtest(cls, path: pathlib.Path | None) -> Campaign:
        """A campaign that has not begun, in the place of the last backtest's; None is one that lives in memory only.

        What is written to it is on the disk when it is closed, not before: a backtest that was cut off is run again.

        :raises JournalError: when the journal can't be used, or another backtest is written to it just now.
        """
        lock = None
        if path is not None:
            lock = BotLock(path)
            with translate_errors(path, "locked"):
                process = lock.take()
            if process is not None:
                raise JournalError(f"another backtest (process {process}) writes to {path}: wait until it has ended")
            remove(path)
        return cls(Journal.create_or_open(path, is_batched=True), lock=lock)

    def begin(
        self, now: float, trading: Trading, seed: int, octobot_version: str, source: str,
        settings: Settings | None = None,
    ) -> pathlib.Path | None:  # fmt: skip
        """A symbol's loop comes up: the campaign begins, or continues with the seed that it began with.

        A finished campaign that is given other `settings` with a new target is set aside, and a new one begins: the
        place where the finished one is kept is returned.

        :raises JournalError: also when the campaign was one with other money, which is never added up.
        """
        self._take_up_what_was_asked_while_down(now)
        aside = None
        if settings is not None and self._is_finished_and_has_a_new_target(settings):
            aside = self._start_anew(now)
        row = self._journal.campaign()
        if row is None:
            row = CampaignRow(now, trading.value, seed, octobot_version)
            self._journal.begin_campaign(row)
        if row.trading != trading.value:
            raise JournalError(
                f"the campaign in {self._journal.path} is one of {row.trading} and can't continue as one of "
                f"{trading.value}: move it aside for a new campaign, or start with --fresh, which does that"
            )
        self.seed = row.seed
        self.sources.add(source)
        self.note(now, START, source, f"OctoBot {octobot_version}, seed {row.seed}")
        return aside

    def _is_finished_and_has_a_new_target(self, settings: Settings) -> bool:
        before, target_quote, new_quote = self._journal.settings(), self._target_quote, settings.volume_target
        if target_quote is None or new_quote in (target_quote, self._configured_quote) or self._in_use is not None:
            return False
        if before.get("target_period") == TargetPeriod.DAILY.value:
            return False  # a day is finished, and another one follows
        if before.get("target_scope") == TargetScope.PAIR.value:
            markets = self.ledger.markets
            return bool(markets) and all(self.ledger.progress(target_quote, market).is_done for market in markets)
        return self.ledger.progress(target_quote).is_done

    def _start_anew(self, now: float) -> pathlib.Path | None:
        held_by = COMMAND_OF.get(self.control.state)
        self._journal.close()
        path = self._journal.path
        aside = move_aside(path, now) if path is not None else None
        self._journal, ledger = Journal.open_and_replay(path)
        self.guard = JournalGuard(path)
        self._load(ledger)
        self._has_begun = True
        if held_by is not None:
            self._journal.add_command(now, held_by)
            for command in self._journal.commands_after(0):
                self._apply_command(command, now)
        return aside

    def use(self, settings: Settings, now: float, source: str = "") -> None:
        """From now on these settings hold on one symbol, which `source` names.

        Their target holds when it is another one than was configured before: a target that was set from outside stays
        until somebody configures a new one.
        """
        self._in_use = settings
        before = self._settings.get(source)
        if settings is before or settings == before:
            return
        if self._target_quote is None or settings.volume_target != self._configured_quote:
            self._target_quote = settings.volume_target
        self._journal.add_settings(now, self._target_quote, settings.to_config())
        self._configured_quote = settings.volume_target
        self._settings[source] = settings

    @property
    def folder(self) -> pathlib.Path | None:
        """Where the campaign's files are; None for one that lives in memory only."""
        return None if self._journal.path is None else self._journal.path.parent

    def target_quote(self, settings: Settings) -> Decimal:
        """The target in force, in quote: the configured one, or one that was set from outside later."""
        return settings.volume_target if self._target_quote is None else self._target_quote

    def take_commands(self, now: float, *, at_once: bool = False) -> list[Command]:
        """Take up what was asked for from outside the bot since this was called last: `control` and the target follow.

        To be called in the loop: it looks four times a second and costs a few microseconds when there is nothing;
        `at_once` looks in any case.
        """
        if not at_once and self._looked_at is not None and abs(now - self._looked_at) < LOOK_EVERY_S:
            return []
        self._looked_at = now
        if self.guard.is_emergency_asked:
            self._take_up_emergency(now)
        if not self._journal.has_changed():
            return []
        commands = self._journal.commands_after(self._last_command_id)
        for command in commands:
            self._apply_command(command, now)
        return commands

    def _take_up_emergency(self, now: float) -> None:
        """An emergency stop is asked for beside the journal: it is obeyed also where that can't be written down."""
        is_written = True
        if self.control.state is not ControlState.EMERGENCY:
            try:
                self._apply_command(Command(self._journal.add_command(now, EMERGENCY), now, EMERGENCY, ""), now)
            except JournalError as error:
                is_written = False
                self.guard.could_not_write(error)
                self.control = transition(self.control, EMERGENCY)
        self.guard.taken_up(is_written=is_written)

    def emergency_ended(self, source: str) -> None:
        """The orders of a symbol are cancelled and confirmed; once those of all are, it is said beside the journal."""
        self._cancelled.add(source)
        self.guard.is_cancelled = self._cancelled >= self.sources

    def continue_in_memory(self) -> None:
        """What happens from now on is no longer written to the file, which can't be: an emergency stop must not wait.

        What became of its orders is asked of the exchange at the next start.
        """
        self._journal.detach()
        self.guard.give_up()

    def _take_up_what_was_asked_while_down(self, now: float) -> None:
        """A pause holds over a restart; a stop was for the bot that ran then."""
        if self._has_begun:
            return
        self._has_begun = True
        if self.guard.is_emergency_in_force:
            self._take_up_emergency(now)
        for command, is_handled in self._journal.commands():
            if is_handled and command.kind in LASTING:
                self.control = transition(self.control, command.kind)
            elif not is_handled and command.kind != STOP:
                self._apply_command(command, now)
            elif not is_handled:
                self._journal.add_handled(command.command_id, now)
            self._last_command_id = command.command_id

    def _apply_command(self, command: Command, now: float) -> None:
        if command.kind == TARGET:
            self._target_quote = Decimal(command.value)
            self._journal.add_settings(now, self._target_quote, self._journal.settings())
        else:
            if command.kind == RESUME:
                self._end_halts(command, now)
                self.guard.is_cancelled = False
                self.guard.taken_up(is_written=True)
                self._cancelled.clear()
            self.control = transition(self.control, command.kind)
        self._journal.add_handled(command.command_id, now)
        self._last_command_id = command.command_id

    def _end_halts(self, command: Command, now: float) -> None:
        """End all halts and reset the guard counters: a person has resumed."""
        if not self._halts and self.control.state is not ControlState.EMERGENCY:
            return
        self._halts.end_all(command.command_id, now)
        self.ledger.reset_guard_counters()
        self._equity.begin_anew(self._halts.resumes)
        for source in [source for source, (kind, _) in self._reasons.items() if kind == HALT]:
            self.note(now, GO, source, RESUMED_REASON)

    def halt(self, now: float, source: str, halt: Halt) -> bool:
        """A symbol has to halt: one that lasts holds until a person resumes, also after a restart. False when it is no
        news.

        :raises JournalError: when it could not be written down; it holds all the same, and is written at the next call.
        """
        self._halts.add(now, source, halt)
        return self.note(now, HALT, source, halt.reason)

    def ask(self, now: float, source: str, order_ids: Iterable[str], halt: Halt) -> Halt:
        """A person is asked what became of these orders: the symbol halts until it is known, or until one resumes.

        The halt in force is returned: what another guard has halted is not asked for before that is resumed.
        """
        return self._halts.ask(now, source, order_ids, halt)

    def answered(self, order_id: str) -> None:
        """It is known what became of an order before a person resumed without it: its question is withdrawn."""
        self._halts.answered(order_id)

    def is_given_up(self, order_id: str) -> bool:
        """Whether a person was asked what became of an order, and has resumed without it."""
        return self._halts.is_given_up(order_id)

    def lift(self, now: float, source: str, guard: str, reason: str) -> bool:
        """What a symbol was halted for is over without a person; False when it was not halted for that."""
        is_lifted = self._halts.lift(now, source, guard)
        if is_lifted:
            self.note(now, GO, source, reason)
        return is_lifted

    @property
    def resumes(self) -> int:
        """How many times a person has ended halts; each time the guard counters were reset."""
        return self._halts.resumes

    def halt_of(self, source: str) -> Halt | None:
        """The halt of a symbol that nobody has ended yet."""
        return self._halts.of(source)

    def command(self, kind: str, now: float) -> bool:
        """A command from inside the bot: as if it had come from outside. False for one that would change nothing."""
        self.take_commands(now, at_once=True)
        is_news = transition(self.control, kind) != self.control or (kind == RESUME and bool(self._halts))
        if is_news:
            self._apply_command(Command(self._journal.add_command(now, kind), now, kind, ""), now)
        return is_news

    def is_news(self, topic: str, told: typing.Any) -> bool:
        """Whether this is news on a topic: of pairs that share a campaign only one announces it."""
        before, self._told[topic] = self._told.get(topic), told
        return bool(before != told)

    def equity(
        self, exchange: str, symbol: str, now: float, mid_price: Decimal, total_base: Decimal, total_quote: Decimal,
        quote_rate: Decimal = ONE,
    ) -> Equity:  # fmt: skip
        """What the campaign's account of one market is worth, with the marks that losses are counted from.

        Worth is in the campaign's currency: `quote_rate` is what one of the market's quote is worth in it.

        The totals are what the account holds; they are used once, to write down what the campaign began with.
        """
        market = (exchange, symbol)
        totals = total_base, total_quote * quote_rate
        return self._equity.at(market, now, mid_price * quote_rate, totals, self.ledger.drift(market))

    def reserve(
        self, order_id: str, exchange: str, symbol: str, intent: OrderIntent, now: float,
        min_order_quote: Decimal | None = None,
    ) -> bool:  # fmt: skip
        """Reserve an order's quantity and write it down, before it goes anywhere.

        False, with nothing written, when other orders have taken the headroom since this one was decided on: an order
        may pass the target by less than `min_order_quote`, the smallest that the exchange accepts; None lets any pass.
        """
        if min_order_quote is not None and self._in_use is not None:
            headroom_quote = self.progress_for(self._in_use, exchange, symbol, now).headroom_quote
            least, volume = min_order_quote * intent.valuation.quote_rate, OrderRecord(intent, now).open_volume
            if headroom_quote <= 0 or volume >= headroom_quote + least:
                return False
            allocation = self.allocation((exchange, symbol), self._in_use, now)
            if allocation is not None and allocation.is_a_cap and volume > allocation.headroom_quote:
                return False
        self.place(order_id, exchange, symbol, intent, now)
        return True

    def progress(self, target_quote: Decimal) -> Progress:
        """Where the whole campaign stands towards a target in quote."""
        return self.ledger.progress(target_quote)

    def progress_for(self, settings: Settings, exchange: str, symbol: str, now: float) -> Progress:
        """Where the campaign stands for a decision on one market: of the pair or of all, of today or of all days.

        A fill counts on the day of the trade, whenever its order was sent; what is open may fill today. The day is that
        of OctoBot's clock, in UTC.
        """
        target_quote = self.target_quote(settings)
        market = (exchange, symbol) if settings.target_scope is TargetScope.PAIR else None
        return self.ledger.progress(target_quote, market, self._period(settings, now), (exchange, symbol))

    def _period(self, settings: Settings, now: float) -> int | None:
        """The day that the target is for, begun and written down; None for all days."""
        if settings.target_period is TargetPeriod.TOTAL:
            return None
        day = day_of(now)
        if day not in self._begun_days:
            self._journal.add_day(day, now, self.target_quote(settings))
            self._begun_days.add(day)
        return day

    def allocation(self, market: Market, settings: Settings, now: float) -> Allocation | None:
        """What one of several markets may do now; None where there is only one, and nothing caps it."""
        if len(self.directory.markets) < 2 and not settings.max_daily_quote and not settings.share_weights:
            return None
        headroom_quote = self.progress_for(settings, *market, now).headroom_quote
        periods = self._period(settings, now), day_of(now)
        committed = {
            one: (self._committed(one, periods[0]), self._committed(one, periods[1])) for one in self.directory.markets
        }
        return allocation_of(market, self.directory.states(now, committed), headroom_quote, settings)

    def committed(self, market: Market, settings: Settings, now: float) -> Decimal:
        """What is filled and open on one market in the target's period."""
        return self._committed(market, self._period(settings, now))

    def _committed(self, market: Market, day: int | None) -> Decimal:
        progress = self.ledger.progress(ONE, market, day)
        return progress.filled_quote + progress.open_buy_quote + progress.open_sell_quote

    @property
    def counted_in(self) -> str | None:
        """What this campaign has counted in so far; None before its first look at a market."""
        return self._currency

    def currency(self, settings: Settings, quotes: Iterable[str], now: float) -> str:
        """What this campaign counts in; written down the first time.

        :param quotes: of all enabled pairs.
        :raises CurrencyError: when that can't be told.
        """
        wanted = campaign_currency(settings, quotes, self._currency)
        if self._currency is None:
            self._journal.add_currency(now, wanted)
            self._currency = wanted
        return wanted

    @property
    def needs_checkpoint(self) -> bool:
        """Whether `checkpoint` should be called before long."""
        return self._journal.is_checkpoint_due

    def checkpoint(self) -> None:
        """Bring all that is written onto the disk; to be called in a thread, as it waits for the disk."""
        self._journal.checkpoint()

    def close_journal(self) -> None:
        """Let go of the file, for another bot to take."""
        self._journal.close()
        self.guard.leave()
        if self._lock is not None:
            self._lock.release()
