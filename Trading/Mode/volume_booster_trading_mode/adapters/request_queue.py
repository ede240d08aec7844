"""The queue in which requests to an exchange wait for ccxt's throttle: who goes first.

ccxt has one queue for each client and lets requests out as fast as the exchange allows, which can take seconds. Nothing
here sends faster than that: who goes first pays the same and lets the others wait.
"""

from __future__ import annotations

import contextlib
import contextvars
import typing
from collections.abc import Iterator

_WATCHED = "_volume_booster_watches"


_GOES_FIRST: contextvars.ContextVar[bool] = contextvars.ContextVar("volume_booster_goes_first", default=False)


@contextlib.contextmanager
def going_first(client: typing.Any) -> Iterator[None]:
    """Within it the requests of this task go before all that wait already, in their own order."""
    _watch(client)
    before = _GOES_FIRST.set(True)
    try:
        yield
    finally:
        _GOES_FIRST.reset(before)


def _watch(client: typing.Any) -> None:
    """Once for each client: it stays so, because the tasks of several symbols share it."""
    if getattr(client, _WATCHED, False):
        return
    throttle = client.throttle
    first: set[typing.Any] = set()

    async def throttled(cost: typing.Any = None) -> typing.Any:
        return await (_queued_first(client.throttler, first, cost) if _GOES_FIRST.get() else throttle(cost))

    client.throttle = throttled
    setattr(client, _WATCHED, True)


async def _queued_first(throttler: typing.Any, first: set[typing.Any], cost: typing.Any) -> None:
    """Wait at the head of the queue, behind those that went first before."""
    turn = throttler(cost)  # at its end, and nothing else happens before the next line
    queue = throttler.queue
    queue.insert(sum(waiting in first for waiting, _ in queue), queue.pop())
    first.add(turn)
    try:
        await turn
    finally:
        first.discard(turn)
