"""The emergency stop of one symbol: everything of ours cancelled and confirmed, then nothing until a person resumes.

It runs in a task of its own beside the loop, so that it also works where the loop hangs. While it is in force the
consumer lets no order out, whoever asks for one.
"""

from __future__ import annotations

import asyncio
import contextlib
import datetime
import typing
from dataclasses import dataclass
from decimal import Decimal

from . import exchange_view, futures_view, notifications, request_queue
from .campaign import Campaign
from .core import positions, pricing, spending
from .core import progress_lines as report
from .core.control import ControlState
from .core.guards import Halt
from .core.market import OrderIntent, Side
from .core.notices import Notice
from .core.redact import text_of
from .error_log import log_error
from .exchange_record import ExchangeUnreachableError, Peace
from .journal import WAIT
from .market_share import RefusedError

LOOK_EVERY_S = 0.25
AGAIN_FIRST_S = 0.2
AGAIN_LAST_S = 5.0
AGAIN_WHEN_LIMITED_S = 10.0
"""While the exchange wants to be left alone: seldom enough that it does not shut this address out."""
TOLD_AFTER_TRIES = 10
"""When so many tries have not cancelled all, a person is told; it goes on trying."""
RECOVERY = (
    "To go on: read this report and the exchange's own list of open orders; switch enable_volume_booster on again, in "
    "OctoBot's form or in the profile; then press Resume below the form, or type `volume-booster resume`."
)


@dataclass(slots=True)
class Cancelled:
    """What cancelling has come to: orders that are gone for certain, and cancellations that had to be tried again."""

    orders: int = 0
    retries: int = 0
    tries: int = 0


class EmergencyStop:
    """Carries out the emergency stop of one producer's symbol as soon as the campaign's control says so."""

    def __init__(self, producer: typing.Any) -> None:
        self._producer = producer
        self._is_in_force = False

    async def watch(self) -> None:
        """Until it is cancelled, which the producer does when it stops."""
        while True:
            try:
                await self._look()
            except Exception as error:  # noqa: BLE001 - it is logged and tried again: it does not give up
                what = f"Emergency stop of {self._producer.source}: {text_of(error)}"
                log_error(self._producer.logger, error, what)
            await asyncio.sleep(LOOK_EVERY_S)

    async def _look(self) -> None:
        campaign: Campaign | None = self._producer.campaign
        if campaign is None:
            return
        campaign.take_commands(self._producer.now())
        if campaign.control.state is not ControlState.EMERGENCY:
            self._is_in_force = False
        elif not self._is_in_force:
            await self._carry_out(campaign)
            self._is_in_force = True
            self._producer.wake()

    async def _carry_out(self, campaign: Campaign) -> None:
        producer = self._producer
        self._tell_begin(campaign)
        producer.trading_mode.disable()
        with self._going_first():
            cancelled = await self._cancel_all(campaign)
            flattened = await self._flatten(campaign)
        told = self._told(cancelled, flattened)
        self._write(campaign, told)
        campaign.halt(producer.now(), producer.source, Halt(told[0], "emergency_stop"))
        await self._notify(campaign, "\n".join(filter(None, told)))

    def _tell_begin(self, campaign: Campaign) -> None:
        """At once, before anything is asked of the exchange: from now on nothing leaves but what cancels."""
        producer = self._producer
        count = len(producer.own_open_orders())
        begun = f"sending has stopped, {count} open orders are being cancelled"
        producer.logger.error(f"Emergency stop on {producer.source}: {begun}")
        campaign.note(producer.now(), WAIT, producer.source, f"emergency stop: {begun}")
        text = f"Emergency stop on {producer.source}: {begun}. It tells when all are confirmed."
        topic = f"stop of {producer.source}"
        notifications.tell_soon(campaign, producer.now(), Notice(topic, text, is_urgent=True, is_critical=True))

    def _going_first(self) -> contextlib.AbstractContextManager[None]:
        """What it asks of a real exchange goes before all that waits for its turn."""
        if self._producer.cancellation is None:
            return contextlib.nullcontext()
        return request_queue.going_first(self._producer.exchange_manager.exchange.connector.client)

    async def _cancel_all(self, campaign: Campaign) -> Cancelled:
        """Until nothing of ours may still fill, by what the exchange says and not only by what OctoBot believes."""
        producer, cancelled, delay_s = self._producer, Cancelled(), AGAIN_FIRST_S
        market = producer.exchange_name, producer.trading_mode.symbol
        seen: set[str] = set()
        before: set[str] = set()
        while True:
            seen |= set(campaign.open_order_ids(*market))
            failed = await self._cancel_once(campaign, cancelled.tries)
            left = set(campaign.open_order_ids(*market))
            if not left and not producer.own_open_orders():
                cancelled.orders = len(seen)
                return cancelled
            cancelled.retries += failed
            cancelled.tries += 1
            await self._tell_if_stuck(campaign, cancelled, max(len(left), failed))
            delay_s = min(delay_s * 1.5, AGAIN_LAST_S) if left == before else AGAIN_FIRST_S
            await asyncio.sleep(max(delay_s, AGAIN_WHEN_LIMITED_S if self._is_limited() else 0.0))
            before = left

    async def _cancel_once(self, campaign: Campaign, tries: int) -> int:
        """Ask for everything to be cancelled, then look at what the exchange says; how many cancellations failed."""
        producer = self._producer
        if producer.cancellation is None:
            return len(await producer.execution.cancel_each(producer.own_open_orders()))
        try:
            # what one request for all does not end is tried one by one the next time
            failed = int(await producer.cancellation.cancel_ours(at_once=tries % 2 == 0))
        except ExchangeUnreachableError as error:
            producer.settler.heard(error.__cause__, producer.now())
            failed = len(producer.own_open_orders())
        producer.settler.look_soon()
        await producer.settled(campaign)
        return failed

    def _is_limited(self) -> bool:
        return Peace.of(self._producer.exchange_manager).left_s(self._producer.now()) > 0

    async def _tell_if_stuck(self, campaign: Campaign, cancelled: Cancelled, left: int) -> None:
        if cancelled.tries != TOLD_AFTER_TRIES:
            return
        told = (
            f"Emergency stop on {self._producer.source}: {left} orders could not be cancelled or confirmed yet. It "
            "goes on trying; cancel them on the exchange's own page."
        )
        self._producer.logger.error(told)
        await self._notify(campaign, told)

    async def _notify(self, campaign: Campaign, text: str) -> None:
        notice = Notice(f"emergency of {self._producer.source}", text, is_urgent=True, is_critical=True)
        await notifications.tell(campaign, self._producer.now(), notice)

    async def _flatten(self, campaign: Campaign) -> str:
        """Trade the inventory back to its start, where the settings ask for it; what became of it, in a sentence.

        A position on futures is closed whatever the settings say: it goes on to cost funding, and may be liquidated.
        """
        producer, settings = self._producer, self._producer.trading_mode.settings
        is_futures = futures_view.is_futures(producer.exchange_manager)
        what = "position" if is_futures else "inventory"
        held = self._held(campaign)
        if not held:
            return f"The {what} is as it was at the start."
        if not is_futures and (settings is None or not settings.emergency_flatten):
            return f"The {what} is {held:+f} away from its start; emergency_flatten is off, so it stays."
        intent = await self._flattening_order(held)
        if isinstance(intent, str):
            return f"The {what} is {held:+f} away from its start and stays so: {intent}."
        fate, reason = await producer.execution.flatten(intent, campaign)
        await producer.settled(campaign)
        left = self._held(campaign)
        why = f" ({fate.value}: {reason})" if reason and left else ""
        return f"The {what} was {held:+f} away from its start and is {left:+f} away now{why}."

    def _held(self, campaign: Campaign) -> Decimal:
        """What the campaign has added: base, or on futures the position in what an order's quantity is."""
        producer = self._producer
        market = producer.exchange_name, producer.trading_mode.symbol
        if futures_view.is_futures(producer.exchange_manager):
            return Decimal(producer.sight.own_quantity())
        return campaign.ledger.drift(market)[0]

    async def _flattening_order(self, held: Decimal) -> OrderIntent | str:
        """The market order, or why there can be none."""
        producer, symbol = self._producer, self._producer.trading_mode.symbol
        manager = producer.exchange_manager
        side = Side.SELL if held > 0 else Side.BUY
        if pricing.crossing_side(side, producer.sight.open_orders()):
            return f"a market {side.value} could trade with another order of this bot"
        try:
            exchange_view.check_ready(manager, symbol)
            rules = exchange_view.read_rules(manager, symbol)
            book = None if producer.settler is None else await exchange_view.read_book(manager, symbol)
            price = exchange_view.read_price(manager, symbol, producer.now(), book).mid_price
            futures, worth = producer.sight.futures(price), producer.sight.worth(producer.now())
        except (exchange_view.NotReadableError, RefusedError) as missing:
            return text_of(missing)
        if futures is not None:
            return positions.emergency_order(futures, price, rules, worth)
        most = producer.sight.fundable(side, price, rules)
        intent = spending.flattening_order(held, price, most, rules, worth)
        return intent or "it is less than the exchange's smallest order, or the balance does not pay for it"

    def _told(self, cancelled: Cancelled, flattened: str) -> tuple[str, ...]:
        producer = self._producer
        tries = f", {cancelled.retries} cancellations had to be tried again" if cancelled.retries else ""
        done = f"{cancelled.orders} open orders are cancelled and confirmed, none is left{tries}"
        return (
            f"Emergency stop on {producer.source}: {done}; the mode is switched off.",
            flattened,
            f"So far: {report.sentence(producer.progress())}." if producer.trading_mode.settings else "",
            RECOVERY,
        )

    def _write(self, campaign: Campaign, told: tuple[str, ...]) -> None:
        """A file beside the journal; where it can't be written the log and the notification tell the same."""
        if campaign.folder is None:
            return
        at = datetime.datetime.fromtimestamp(self._producer.now(), datetime.timezone.utc)
        symbol = self._producer.trading_mode.symbol.replace("/", "-")
        name = f"emergency-{at:%Y%m%dT%H%M%SZ}-{self._producer.exchange_name}-{symbol}.txt"
        try:
            (campaign.folder / name).write_text("\n".join([f"{at:%Y-%m-%d %H:%M:%S} UTC", *told, ""]), "utf-8")
        except OSError as error:
            self._producer.logger.error(f"The report {name} could not be written: {text_of(error)}")
