"""Applies scripted faults to requests: an interceptor of the API, set by a script or a control route."""

from __future__ import annotations

import asyncio
import json
import pathlib
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Any

from ..rest.control import ControlCall, ControlError, ControlRoutes
from ..rest.exchange import Exchange
from ..rest.routes import Call, DroppedError, Execute, Reply
from .effects import AnswerChanges, act_on, check_against, clock_offset_ms, refusal, withdrawn_markets
from .script import Fault, FaultHit, FaultKind, FaultSchedule, FaultsError, RequestInfo, parse_script

Sleep = Callable[[float], Awaitable[None]]

_REFUSED = (FaultKind.RATE_LIMITED, FaultKind.BANNED, FaultKind.SERVER_ERROR, FaultKind.REJECTED)
_OK = 200


class FaultInjection:
    """The interceptor that applies scripted faults. Without faults it changes nothing.

    `seed` is for scripts without one. `sleep` waits, in seconds.
    """

    def __init__(self, exchange: Exchange, seed: int = 0, sleep: Sleep = asyncio.sleep) -> None:
        self._exchange = exchange
        self._seed = seed
        self._sleep = sleep
        self._withdrawn: set[str] = set()
        self.plan = FaultSchedule()
        self._changes = AnswerChanges()

    def set_script(self, script: object) -> None:
        """Replace all faults by those of a script, which starts now. Raises FaultsError, naming every invalid key."""
        faults, seed = parse_script(script)
        self.set_faults(faults, self._seed if seed is None else seed)

    def load_script(self, path: pathlib.Path) -> None:
        """Replace all faults by those of a JSON file. Raises FaultsError, naming the file, too."""
        script = _read_json(path)
        try:
            self.set_script(script)
        except FaultsError as error:
            raise FaultsError([f"{path} cannot be used:", *error.problems]) from error

    def set_faults(self, faults: Sequence[Fault], seed: int = 0) -> None:
        """Replace all faults. Earlier changes of rules and balances stay; market makers return.

        Raises FaultsError for a market, an asset or rules that the exchange cannot have; then the earlier faults stay.
        """
        check_against(self._exchange, faults)
        self.plan = FaultSchedule(faults, seed, self._exchange.clock.now_ms())
        self._changes = AnswerChanges(seed)
        self._withdraw(set())

    def clear(self) -> None:
        """Remove all faults. Their changes of rules and balances stay; market makers return."""
        self.set_faults((), self._seed)

    async def __call__(self, call: Call, execute: Execute) -> Reply:
        """Executes the call or not, and returns its reply or another. Raises DroppedError for no reply at all."""
        request = _request_info(call)
        hits = self.plan.hits_of(request)
        self._act(hits, request, call)
        for fault in _of(hits, *_REFUSED):
            return refusal(fault)
        if _of(hits, FaultKind.DISCONNECTED):
            raise DroppedError
        if await self._has_waited(hits, FaultKind.LATE_ACCEPTANCE):
            call.now_ms = self._exchange.clock.now_ms()
        reply = await execute(call)
        if reply.status == _OK:
            reply.body = self._changes.apply(hits, request, reply.body)
        await self._has_waited(hits, FaultKind.SLOW_ANSWER)
        if _of(hits, FaultKind.ANSWER_LOST):
            raise DroppedError
        for fault in _of(hits, FaultKind.SERVER_ERROR_AFTER):
            return refusal(fault)
        return reply

    def _act(self, hits: Sequence[FaultHit], request: RequestInfo, call: Call) -> None:
        act_on(self._exchange, hits, request)
        self._withdraw(withdrawn_markets(self._exchange, hits))
        call.skew_ms += clock_offset_ms(hits)

    def _withdraw(self, wanted: set[str]) -> None:
        """Withdraws market makers, and brings back those whose fault has ended."""
        for market_id in sorted(wanted ^ self._withdrawn):
            self._exchange.set_quotes(market_id, is_quoting=market_id not in wanted)
        self._withdrawn = wanted

    async def _has_waited(self, hits: Iterable[FaultHit], kind: FaultKind) -> bool:
        """Waits for all faults of a kind in turn; returns whether there were any."""
        slow = _of(hits, kind)
        for fault in slow:
            await self._sleep(fault.delay_s or 0)
        return bool(slow)


def _read_json(path: pathlib.Path) -> object:
    try:
        return json.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else f"it is not JSON in UTF-8: {error}"
        raise FaultsError([f"cannot read the faults in {path}: {reason}."]) from None


def fault_routes(injection: FaultInjection) -> ControlRoutes:
    """The control interface of the faults: GET shows them, POST sets a script, DELETE removes them."""

    def show(call: ControlCall) -> Any:
        call.query.finish()
        return injection.plan.to_json()

    def set_script(call: ControlCall) -> Any:
        try:
            injection.set_script(call.body)
        except FaultsError as error:
            raise ControlError(str(error)) from error
        return show(call)

    def clear(call: ControlCall) -> Any:
        injection.clear()
        return show(call)

    path = "/control/faults"
    return {("GET", path): show, ("POST", path): set_script, ("DELETE", path): clear}


def _of(hits: Iterable[FaultHit], *kinds: FaultKind) -> list[Fault]:
    return [hit.fault for hit in hits if hit.fault.kind in kinds]


def _request_info(call: Call) -> RequestInfo:
    """Reads the parameters without marking them as read: the handler refuses unread ones."""
    values = call.query.values
    return RequestInfo(call.method, call.path, call.now_ms, call.account, values.get("symbol"), values.get("symbols"))
