"""Runs the offline exchange: one process, loopback only, until a signal or the end of its launcher."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import errno
import json
import logging
import os
import pathlib
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from aiohttp import web

from .app.account_file import DEFAULT_ACCOUNT, AccountFileError, load_accounts, with_fees
from .app.assembly import Assembled, ContradictionError, assemble, check_agreement, reassemble
from .app.facts_report import FactsError, fit, measure
from .app.keeper import StateSaver
from .app.options import DISK, HOST, LONGEST_RUN_SECONDS, parse_options, scenario_options, token_file
from .app.state import StateError, read_state
from .app.token_file import TokenFileError, remove_token, write_token
from .faults.injection import FaultInjection, fault_routes
from .faults.script import FaultsError
from .market.recordings import ReplayError
from .market.world import MarketScenario
from .rest.api import create_app, settled_at_once
from .rest.control import control_routes
from .rest.futures import FuturesAccounts
from .rest.rate_limits import RateLimits
from .rest.routes import Settle

SHUTDOWN_SECONDS = 1.0
TICK_SECONDS = 0.25
_USAGE, _FAILURE = 2, 1
_log = logging.getLogger(__name__)


class CannotListenError(Exception):
    """The port is unavailable; the message says why in one sentence."""


def main(argv: Sequence[str] | None = None) -> int:
    """Serves until SIGINT, SIGTERM or, with ``--parent-lifeline``, the end of standard input.

    Returns 0 after a clean stop, 1 when it cannot listen or use the state file, 2 for unusable arguments or files that
    they name. Prints one JSON line on standard output as soon as it listens.
    """
    try:
        options = parse_options(argv)
    except SystemExit as exit_request:  # argparse has printed why
        return int(exit_request.code or 0)
    if options.facts or options.fit:
        return _tell_facts(options)
    try:
        assembled = _assembled(options)
        faults = _faults(assembled, options)
    except StateError as error:
        return _fail(error, _FAILURE)
    except (AccountFileError, ContradictionError, FaultsError, ReplayError, ValueError) as error:
        return _fail(error, _USAGE)
    try:
        asyncio.run(_serve(assembled, faults, options))
    except (CannotListenError, StateError, TokenFileError) as error:
        return _fail(error, _FAILURE)
    return 0


def _tell_facts(options: argparse.Namespace) -> int:
    """Measure the market instead of serving it."""
    scenario = MarketScenario(**{"seed": 0, "start_time": int(time.time()), **scenario_options(options)})
    try:
        facts = measure(scenario)
        if options.fit:
            fit(facts, options.fit)
    except FactsError as error:
        return _fail(error, _FAILURE)
    except (ReplayError, ValueError) as error:
        return _fail(error, _USAGE)
    if options.facts:
        json_object = json.dumps({"facts": [one.to_json() for one in facts]})
        print(json_object if options.json else "\n".join(one.text() for one in facts))
    return 0


def _fail(error: Exception, code: int) -> int:
    print(f"volume-booster exchange: error: {error}", file=sys.stderr)
    return code


def _assembled(options: argparse.Namespace) -> Assembled:
    """The exchange that is asked for, a restored one traded up to the present."""
    asked, limits = scenario_options(options), RateLimits(orders_per_10s=options.orders_per_10s)
    accounts = None if options.accounts is None else load_accounts(options.accounts)
    saved = None if options.state is None else read_state(options.state)
    fees = {role: getattr(options, f"{role}_fee_percent") for role in ("maker", "taker")}
    if saved is None:
        scenario = MarketScenario(**{"seed": 0, "start_time": int(time.time()), **asked})
        _warn(scenario)
        return assemble(scenario, accounts, time.time, limits, fees)
    if any(fee is not None for fee in fees.values()):
        accounts = saved.accounts if accounts is None else accounts
    check_agreement(saved, asked, None if accounts is None else with_fees(accounts, **fees))
    if saved.scenario.start_time < time.time() - LONGEST_RUN_SECONDS:
        days = LONGEST_RUN_SECONDS // 86_400
        raise StateError(f"{saved.path} began more than {days} days ago, too long to continue; name another file.")
    assembled = reassemble(saved, time.time, limits)
    assembled.exchange.advance(assembled.exchange.clock.now_ms())
    return assembled


def _warn(scenario: MarketScenario) -> None:
    for sentence in scenario.warnings()[:1]:  # they are alike
        print(f"volume-booster exchange: warning: {sentence}", file=sys.stderr)


def _faults(assembled: Assembled, options: argparse.Namespace) -> FaultInjection:
    """The injection of scripted faults; there are none unless a file or the control interface sets some."""
    faults = FaultInjection(assembled.exchange, assembled.scenario.seed)
    if options.faults is not None:
        faults.load_script(options.faults)
    return faults


async def _serve(assembled: Assembled, faults: FaultInjection, options: argparse.Namespace) -> None:
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()

    def stop() -> None:
        loop.call_soon_threadsafe(stopping.set)

    state_saver = _state_saver(assembled, options)
    token_path = token_file(options) if options.control else None
    token = "" if token_path is None else write_token(token_path)
    app = _app(assembled, faults, options, settled_at_once if state_saver is None else state_saver.settle, token)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=SHUTDOWN_SECONDS)
    await runner.setup()
    try:
        with _signals_call(stop):
            await _listen(runner, options.port)
            _announce(runner.addresses[0][1], assembled, token_path)
            if options.parent_lifeline:
                threading.Thread(target=_call_at_end_of_input, args=(stop,), daemon=True).start()
            await _trade_until(stopping, assembled, state_saver)
    finally:
        await runner.cleanup()
        if token_path is not None:
            remove_token(token_path)
        if state_saver is not None:
            state_saver.close()


def _state_saver(assembled: Assembled, options: argparse.Namespace) -> StateSaver | None:
    """What keeps the exchange in a file, when it is asked for. Raises StateError when the file can't be written."""
    if options.state is None:
        return None
    state_saver = StateSaver(options.state, assembled, is_on_disk=options.durability == DISK)
    state_saver.save_now()
    return state_saver


def _app(
    assembled: Assembled, faults: FaultInjection, options: argparse.Namespace, settle: Settle, token: str
) -> web.Application:
    """The application, with the control interface when it has a token."""
    routes = {**control_routes(assembled.exchange), **fault_routes(faults)} if token else None
    # a state file holds spot accounts only
    futures = None if options.state else FuturesAccounts(assembled.exchange)
    return create_app(assembled.exchange, faults, routes, futures, settle, token)


async def _trade_until(stopping: asyncio.Event, assembled: Assembled, state_saver: StateSaver | None) -> None:
    """Advance the market so that resting orders fill in time, and save the state, until stopped."""
    while not stopping.is_set():
        try:
            assembled.exchange.advance(assembled.exchange.clock.now_ms())
            if state_saver is not None:
                await state_saver.save_if_due()
        except Exception:  # noqa: BLE001 - logged; one failure must not end the trading
            _log.exception("the market could not be advanced")
        with contextlib.suppress(asyncio.TimeoutError):
            await asyncio.wait_for(stopping.wait(), TICK_SECONDS)


async def _listen(runner: web.AppRunner, port: int) -> None:
    try:
        await web.TCPSite(runner, HOST, port).start()
    except OSError as error:
        reason = "it is already in use" if error.errno == errno.EADDRINUSE else str(error.strerror)
        raise CannotListenError(f"cannot listen on port {port} of {HOST}: {reason}.") from error


def _announce(port: int, assembled: Assembled, token_path: pathlib.Path | None) -> None:
    event = {
        "event": "listening",
        "host": HOST,
        "port": port,
        "seed": assembled.scenario.seed,
        "start_time": assembled.scenario.start_time,
        "accounts": _announced_accounts(assembled),
        **({} if token_path is None else {"token_file": str(token_path)}),
    }
    print(json.dumps(event), flush=True)


def _announced_accounts(assembled: Assembled) -> list[dict[str, Any]]:
    """Names and keys; the secret only of the public default account."""
    known = DEFAULT_ACCOUNT.credentials
    return [
        {"name": one.account, "api_key": one.api_key, **({"api_secret": one.api_secret} if one == known else {})}
        for one in assembled.exchange.credentials
    ]


@contextmanager
def _signals_call(stop: Callable[[], None]) -> Iterator[None]:
    """SIGINT and SIGTERM call ``stop``; the previous handlers come back afterwards."""
    wanted = (signal.SIGINT, signal.SIGTERM)
    previous = {number: signal.signal(number, lambda *_: stop()) for number in wanted}
    try:
        yield
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)


def _call_at_end_of_input(stop: Callable[[], None]) -> None:
    """Blocks on the raw descriptor: a thread in a buffered reader would break the interpreter's exit."""
    try:
        while os.read(0, 4_096):
            pass
    except OSError:
        pass  # a closed standard input has ended, too
    stop()


if __name__ == "__main__":
    sys.exit(main())
