"""The emergency stop of one symbol: everything of ours cancelled and confirmed, then nothing until a person resumes.

It runs in a task of its own beside the loop, so that it also works where the loop hangs. While it is in force the
consumer lets no order out, whoever asks for one.
"""

from __future__ import annotations

import asyncio
import datetime
import time
from dataclasses import dataclass
from decimal import Decimal

from ..adapters import futures_data, market_data
from ..adapters.exchange_client import ExchangeUnreachableError, RateLimitCooldown
from ..adapters.market_data import Book
from ..adapters.runtime import notifications
from ..adapters.runtime.error_log import log_error
from ..campaign.campaign import Campaign
from ..core.decision import flattening, futures_position, pricing
from ..core.decision.control import ControlState
from ..core.decision.guards import Halt
from ..core.decision.timing import pacing
from ..core.model.basics import Side
from ..core.model.instrument import MarketRules
from ..core.model.orders import OpenOrder, OrderIntent
from ..core.model.redact import text_of
from ..core.notify import progress_lines
from ..core.notify.notices import Notice
from ..core.settings.schema import Settings
from ..journal.journal import WAIT, JournalError
from ..storage import private_files
from .executor import OrderExecutor
from .market_allocation import RefusedError
from .orders.reconciler import Canceller
from .session import Session
from .snapshot_reader import SnapshotReader

LOOK_EVERY_S = 0.25
AGAIN_FIRST_S = 0.2
AGAIN_LAST_S = 5.0
AGAIN_WHEN_LIMITED_S = 10.0
"""While the exchange wants to be left alone: seldom enough that it does not shut this address out."""
ANNOUNCED_AFTER_TRIES = 10
"""When so many tries have not cancelled all, a person is told; it keeps trying."""
UNWRITTEN = (
    "What rests is cancelled; `volume-booster emergency-stop` still works. Once the journal can be written it "
    "continues."
)
RECOVERY = (
    "To continue: read this report and the exchange's own list of open orders; switch enable_volume_booster on "
    "again, in OctoBot's form or in the profile; then press Resume below the form, or type `volume-booster resume`."
)


@dataclass(slots=True)
class Cancelled:
    """What cancelling has come to: orders that are gone for certain, and cancellations that had to be tried again."""

    orders: int = 0
    retries: int = 0
    tries: int = 0


class EmergencyStop:
    """Carries out the emergency stop of one symbol as soon as the campaign's control says so."""

    def __init__(
        self, session: Session, campaign: Campaign, executor: OrderExecutor, canceller: Canceller,
        snapshots: SnapshotReader,
    ) -> None:  # fmt: skip
        self._session = session
        self._campaign = campaign
        self._executor = executor
        self._canceller = canceller
        self._snapshots = snapshots
        self._is_in_force = False

    async def watch(self) -> None:
        """Until it is cancelled, which the producer does when it is stopped."""
        while True:
            try:
                await self._look()
            except Exception as error:  # noqa: BLE001 - it is logged and tried again: it does not give up
                what = f"Emergency stop of {self._session.source}: {text_of(error)}"
                log_error(self._session.logger, error, what)
            await asyncio.sleep(LOOK_EVERY_S)

    async def _look(self) -> None:
        campaign = self._session.campaign
        if campaign is None:
            return  # the loop was stopped
        try:
            campaign.take_commands(self._session.now())
        except JournalError as error:
            campaign.guard.could_not_write(error)
        await self._watch_journal(campaign)
        if campaign.control.state is not ControlState.EMERGENCY:
            self._is_in_force = False
        elif not self._is_in_force:
            await self._carry_out()
            self._is_in_force = True
            self._session.wake()

    async def _watch_journal(self, campaign: Campaign) -> None:
        """Say in log, notice and beside the journal that it is gone or can't be written, and when it can again."""
        session = self._session
        if campaign.guard.is_look_due(time.time()):
            await asyncio.to_thread(campaign.guard.look_at_disk)
        campaign.guard.tell(time.time())
        problem = campaign.guard.problem
        if not campaign.is_news("journal file", problem or None):
            return
        if not problem:
            session.logger.info("The journal can be written again: trading continues")
            session.wake()
            return
        text = f"No order is sent: {problem}"
        session.logger.error(f"{text}. {UNWRITTEN}")
        notice = Notice("journal file", text, UNWRITTEN, is_urgent=True, is_critical=True)
        notifications.notify_soon(campaign, session.now(), notice)
        session.wake()

    async def _carry_out(self) -> None:
        session = self._session
        if self._campaign.guard.problem:
            self._campaign.continue_in_memory()
        self._announce_begin()
        session.settings_source.disable()
        with self._canceller.going_first():
            cancelled = await self._cancel_all()
            flattened = await self._flatten()
        told = self._told(cancelled, flattened)
        self._write(told)
        self._campaign.halt(session.now(), session.source, Halt(told[0], "emergency_stop"))
        self._campaign.emergency_ended(session.source)
        await self._notify("\n".join(filter(None, told)))

    def _own_open_orders(self) -> tuple[OpenOrder, ...]:
        return tuple(order for order in self._session.reconciler.open_orders() if order.is_ours)

    def _announce_begin(self) -> None:
        """At once, before anything is asked of the exchange: from now on nothing leaves but what cancels."""
        session, campaign = self._session, self._campaign
        count = len(self._own_open_orders())
        begun = f"sending has stopped, {count} open orders are being cancelled"
        session.logger.error(f"Emergency stop on {session.source}: {begun}")
        campaign.note(session.now(), WAIT, session.source, f"emergency stop: {begun}")
        text = f"Emergency stop on {session.source}: {begun}. It reports when all are confirmed."
        topic = f"stop of {session.source}"
        notifications.notify_soon(campaign, session.now(), Notice(topic, text, is_urgent=True, is_critical=True))

    async def _cancel_all(self) -> Cancelled:
        """Until nothing of ours may still fill, by what the exchange says and not only by what OctoBot believes."""
        campaign, cancelled, delay_s = self._campaign, Cancelled(), AGAIN_FIRST_S
        market = self._session.market
        seen: set[str] = set()
        before: set[str] = set()
        while True:
            seen |= set(campaign.open_order_ids(*market))
            failed = await self._cancel_once(cancelled.tries)
            left = set(campaign.open_order_ids(*market))
            if not left and not self._own_open_orders():
                cancelled.orders = len(seen)
                return cancelled
            cancelled.retries += failed
            cancelled.tries += 1
            await self._announce_if_stuck(cancelled, max(len(left), failed))
            delay_s = min(delay_s * 1.5, AGAIN_LAST_S) if left == before else AGAIN_FIRST_S
            await asyncio.sleep(max(delay_s, AGAIN_WHEN_LIMITED_S if self._is_limited() else 0.0))
            before = left

    async def _cancel_once(self, tries: int) -> int:
        """Ask for everything to be cancelled, then look at what has become of it; how many cancellations failed."""
        session = self._session
        try:
            # what one request for all does not end is tried one by one the next time
            failed = await self._canceller.cancel_ours(at_once=tries % 2 == 0)
        except ExchangeUnreachableError as error:
            session.reconciler.on_error(error.__cause__, session.now())
            failed = len(self._own_open_orders())
        session.reconciler.schedule_poll()
        await self._executor.settled()
        if session.problem:
            self._campaign.continue_in_memory()
        return failed

    def _is_limited(self) -> bool:
        return RateLimitCooldown.of(self._session.manager).left_s(self._session.now()) > 0

    async def _announce_if_stuck(self, cancelled: Cancelled, left: int) -> None:
        if cancelled.tries != ANNOUNCED_AFTER_TRIES:
            return
        told = (
            f"Emergency stop on {self._session.source}: {left} orders could not be cancelled or confirmed yet. It "
            "keeps trying; cancel them on the exchange's own page."
        )
        self._session.logger.error(told)
        await self._notify(told)

    async def _notify(self, text: str) -> None:
        notice = Notice(f"emergency of {self._session.source}", text, is_urgent=True, is_critical=True)
        await notifications.notify(self._campaign, self._session.now(), notice)

    async def _flatten(self) -> str:
        """Trade the inventory back to its start, where the settings ask for it; what became of it, in a sentence.

        A position on futures is closed whatever the settings say: it keeps costing funding, and may be liquidated.
        """
        settings = self._session.settings
        is_futures = futures_data.is_futures(self._session.manager)
        what = "position" if is_futures else "inventory"
        held = self._held()
        if not held:
            return f"The {what} is as it was at the start."
        if not is_futures and (settings is None or not settings.emergency_flatten):
            return f"The {what} is {held:+f} away from its start; emergency_flatten is off, so it stays."
        intent, limit = await self._next_flattening_order(held, settings)
        if intent is None:
            return f"The {what} is {held:+f} away from its start and stays so: {limit}."
        status, reason = await self._executor.flatten(intent)
        await self._executor.settled()
        left = self._held()
        why = f" ({status.value}: {reason})" if reason and left else f" ({limit})" if limit and left else ""
        return f"The {what} was {held:+f} away from its start and is {left:+f} away now{why}."

    async def _next_flattening_order(self, held: Decimal, settings: Settings | None) -> tuple[OrderIntent | None, str]:
        """When it is its turn: it is one of `max_orders_per_second`, as any other.

        A clock that stands, as between two steps of a backtest, is not waited for.
        """
        session, campaign = self._session, self._campaign
        while True:
            now = session.now()
            order = await self._flattening_order(held, settings)
            most = None if settings is None else settings.max_orders_per_second
            left_s = 0.0 if most is None else pacing.turn_in_s(campaign.last_order_at, most, session.now())
            if not left_s:
                return order
            await asyncio.sleep(left_s)
            if session.now() == now:
                return order

    def _held(self) -> Decimal:
        """What the campaign has added: base, or on futures the position in what an order's quantity is."""
        if futures_data.is_futures(self._session.manager):
            return self._snapshots.own_quantity()
        return self._campaign.ledger.drift(self._session.market)[0]

    async def _flattening_order(self, held: Decimal, settings: Settings | None) -> tuple[OrderIntent | None, str]:
        """The market order, None when there can be none; and why it is none, or not for all."""
        session, manager, symbol = self._session, self._session.manager, self._session.symbol
        side = Side.SELL if held > 0 else Side.BUY
        if pricing.crossing_side(side, session.reconciler.open_orders()):
            return None, f"a market {side.value} could trade with another order of this bot"
        try:
            market_data.check_ready(manager, symbol)
            rules = market_data.read_rules(manager, symbol)
            book = await session.reconciler.read_book()
            price = market_data.read_price(manager, symbol, session.now(), book).mid_price
            futures, worth = self._snapshots.futures(price), self._snapshots.worth(session.now())
        except (market_data.NotReadableError, RefusedError) as missing:
            return None, text_of(missing)
        if futures is not None:
            order = futures_position.emergency_order(futures, price, rules, worth)
            return (None, order) if isinstance(order, str) else (order, "")
        assert settings is not None, "without settings only a position on futures is closed"
        limits = self._limits(side, price, rules, book, settings, worth.quote_rate)
        return flattening.flattening_order(held, price, limits, rules, worth)

    def _limits(
        self, side: Side, price: Decimal, rules: MarketRules, book: Book | None, settings: Settings, quote_rate: Decimal
    ) -> list[flattening.Limit]:
        """The largest order, in quote, that balance, budgets and book allow."""
        progress, simulated = self._session.progress(), self._session.began_as.is_simulated
        fundable = self._snapshots.fundable(side, price, rules, settings)
        limits = [
            flattening.Limit(fundable, flattening.UNPAID),
            flattening.budget_limit(settings, progress, rules.worst_fee_rate, quote_rate, is_simulated=simulated),
        ]
        if book is not None:
            levels = book.asks if side is Side.BUY else book.bids
            limits.append(flattening.book_limit(levels, price, settings))
        return limits

    def _told(self, cancelled: Cancelled, flattened: str) -> tuple[str, ...]:
        session = self._session
        tries = f", {cancelled.retries} cancellations had to be tried again" if cancelled.retries else ""
        done = f"{cancelled.orders} open orders are cancelled and confirmed, none is left{tries}"
        return (
            f"Emergency stop on {session.source}: {done}; the mode is switched off.",
            flattened,
            f"So far: {progress_lines.sentence(session.progress(), session.currency)}." if session.settings else "",
            RECOVERY,
        )

    def _write(self, told: tuple[str, ...]) -> None:
        """A file beside the journal; where it can't be written the log and the notification tell the same."""
        folder = self._campaign.folder
        if folder is None:
            return
        at = datetime.datetime.fromtimestamp(self._session.now(), datetime.timezone.utc)
        symbol = self._session.symbol.replace("/", "-")
        name = f"emergency-{at:%Y%m%dT%H%M%SZ}-{self._session.exchange_name}-{symbol}.txt"
        try:
            text = "\n".join([f"{at:%Y-%m-%d %H:%M:%S} UTC", *told, ""])
            private_files.write_whole(folder / name, text.encode())
        except OSError as error:
            self._session.logger.error(f"The report {name} could not be written: {text_of(error)}")
