"""The clock of a backtest: decisions at their own moments inside a candle, on OctoBot's data clock.

OctoBot's clock steps from candle to candle. Each loop of a backtest says when it wants to decide next; after OctoBot
has reported the prices of a step and filled what they fill, the decisions due before the next step are made, in the
order of time over all pairs and exchanges, each with the clock set to its own moment. Nothing sleeps.
"""

from __future__ import annotations

import typing
import weakref

import octobot_commons.asyncio_tools as asyncio_tools
import octobot_trading.constants as trading_constants
import octobot_trading.exchange_channel as exchange_channel

from ...core.decision.timing.pacing import CLOCK_TOLERANCE_S

_TOLD_AFTER_A_TICK = (
    trading_constants.ORDERS_CHANNEL,
    trading_constants.TRADES_CHANNEL,
    trading_constants.BALANCE_CHANNEL,
)
_LOWEST_PRIORITY = 2
_MOST_CYCLES = 100
"""A fill takes a handful of cycles of the event loop; one that takes so many is not waited for any more."""


class TimedLoop(typing.Protocol):
    """A loop of a backtest."""

    exchange_manager: typing.Any

    @property
    def is_woken(self) -> bool:
        """Whether something has happened that a decision should not wait for."""

    @property
    def is_at_rest(self) -> bool:
        """Whether it is done or halted as far as it knows: only other prices could change that."""

    @property
    def is_finished(self) -> bool:
        """Whether there is nothing left to do for good."""

    async def timed_tick(self) -> float:
        """Decide once; in how many seconds the next time is due."""


class Timetable:
    """When each loop of one backtest decides next, in seconds of the data's clock."""

    def __init__(self) -> None:
        self._due_at: dict[TimedLoop, float] = {}
        self.ends_when_done = False
        """The backtest ends when every loop has reached its target, not at the end of the data."""

    @classmethod
    def of(cls, backtesting: typing.Any) -> Timetable:
        """The one that all loops of a backtest share."""
        return _TIMETABLES.setdefault(backtesting, cls())

    def join(self, loop: TimedLoop) -> None:
        """A loop takes part; it decides for the first time when the next prices are told."""
        self._due_at[loop] = 0.0

    def leave(self, loop: TimedLoop) -> None:
        self._due_at.pop(loop, None)

    async def play(self, time_manager: typing.Any) -> None:
        """Make all decisions that are due before the clock's next step, then set the clock back.

        What is due at the step itself comes a moment after it: an order that is sent at the opening of a candle would
        be filled by OctoBot at prices of that candle that are still to come.
        """
        opened_at = time_manager.current_timestamp
        until = min(opened_at + time_manager.time_interval, time_manager.finishing_timestamp)
        await self._let_fills_happen()
        self._take_up_what_woke(opened_at)
        try:
            while (due := self._next_due(opened_at, until)) is not None:
                loop, at = due
                time_manager.set_current_timestamp(at)
                delay_s = await loop.timed_tick()
                await _deliver(loop.exchange_manager)
                self._due_at[loop] = _due_next(loop, at, delay_s, until)
        finally:
            time_manager.set_current_timestamp(opened_at)
        if self.ends_when_done and self._due_at and all(loop.is_finished for loop in self._due_at):
            time_manager.finishing_timestamp = opened_at

    def _next_due(self, opened_at: float, until: float) -> tuple[TimedLoop, float] | None:
        if not self._due_at:
            return None
        loop = min(self._due_at, key=self._due_at.__getitem__)
        at = max(self._due_at[loop], opened_at + CLOCK_TOLERANCE_S)
        return (loop, at) if at < until else None

    def _take_up_what_woke(self, opened_at: float) -> None:
        for loop in self._due_at:
            if loop.is_woken:
                self._due_at[loop] = opened_at

    async def _let_fills_happen(self) -> None:
        """The orders that the new prices have hit fill in tasks of their own: what they come to is known before
        anything is decided."""
        managers = {id(loop.exchange_manager): loop.exchange_manager for loop in self._due_at}
        for manager in managers.values():
            for _ in range(_MOST_CYCLES):
                if not any(map(_is_hit, manager.exchange_personal_data.orders_manager.get_open_orders())):
                    break
                await asyncio_tools.wait_asyncio_next_cycle()
            await _deliver(manager)


def _due_next(loop: TimedLoop, at: float, delay_s: float, until: float) -> float:
    if loop.is_woken:
        return at
    return until if loop.is_at_rest else at + delay_s


_TIMETABLES: weakref.WeakKeyDictionary[typing.Any, Timetable] = weakref.WeakKeyDictionary()


def _is_hit(order: typing.Any) -> bool:
    event = getattr(order, "limit_price_hit_event", None)
    return event is not None and event.is_set()


async def _deliver(exchange_manager: typing.Any) -> None:
    """In backtesting what channels carry waits until it is asked for."""
    for name in _TOLD_AFTER_A_TICK:
        producer = exchange_channel.get_chan(name, exchange_manager.id).get_internal_producer()
        if not producer.is_consumers_queue_empty(_LOWEST_PRIORITY):
            await producer.synchronized_perform_consumers_queue(_LOWEST_PRIORITY, True, None)
