"""A check in a process of its own, in the folder of a home: `python -m octobot_volume_booster.checks.engine`.

The request is one JSON object in the first line of standard input; each row comes as one to standard output, and one
that says so when it is over. When the other end of standard input is closed it ends, and cancels what it has placed.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import os
import pathlib
import sys
import threading
import typing
from collections.abc import Callable
from dataclasses import asdict
from decimal import Decimal

from ..adapters import market_data, order_submission
from ..adapters.runtime import bot_process
from ..adapters.venues import venue_of
from ..core.decision.guards import REAL_TRADING_VARIABLE
from ..core.model.basics import Trading
from ..core.planning.account_checks import CheckRequest, Row, fails, untried
from . import account, far_order, reading
from .account import NoAccountError
from .cases import Cases
from .guard import Guard
from .questions import Questions
from .secrets import Secrets

CONSENT = "i_accept_real_trading"
CLASS = "class"


def main() -> int:
    """0 when the check came to its end, whatever it found; else the log says why."""
    request = CheckRequest(**json.loads(sys.stdin.buffer.readline()))
    secrets = Secrets()
    _log_without(secrets)
    asyncio.run(_run(request, secrets))
    print(json.dumps({"end": True}), flush=True)
    return 0


async def _run(request: CheckRequest, secrets: Secrets) -> None:
    _end_with_launcher()
    with contextlib.suppress(asyncio.CancelledError):
        await check(request, secrets, _print)


def _print(row: Row) -> None:
    print(json.dumps(asdict(row)), flush=True)


async def check(request: CheckRequest, secrets: Secrets, emit: Callable[[Row], None]) -> None:
    """Ask, and try one order where that is wanted; a row for each answer."""
    try:
        account.import_exchange_classes(pathlib.Path.cwd())
        setup = account.setup_config_of(pathlib.Path(request.profile))
        config = account.config_of(request.exchange, request.of_profile, request.symbols)
        exchange_class = account.exchange_class(request.exchange, setup)
    except NoAccountError as error:
        emit(fails(CLASS, str(error)))
        return
    cases = Cases(pathlib.Path(request.save), secrets) if request.save else None
    guards: list[Guard] = []

    def keep(client: typing.Any) -> None:
        secrets.add_of(client)
        guards.append(Guard(client, venue_of(str(client.id))))
        if cases is not None:
            cases.listen(client)

    async with account.exchange_manager(request.exchange, config, exchange_class, setup, keep) as manager:
        most_quote = None if request.most_quote is None else Decimal(request.most_quote)
        questions = Questions(manager, request.symbols, secrets, cases, most_quote)
        is_ready = await reading.read(questions, emit)
        if request.is_order_wanted:
            await try_order(request, questions, guards[0], is_ready, emit)


async def try_order(
    request: CheckRequest, questions: Questions, guard: Guard, is_ready: bool, emit: Callable[[Row], None]
) -> None:
    """Place, find and cancel one far order, if it may be.

    :param is_ready: whether what it needs has worked.
    """

    def may_leave() -> str:
        return why_not(questions.manager, pathlib.Path(request.settings))

    refusal = order_submission.refusal(questions.manager) or may_leave()
    if questions.manager.is_future:
        refusal = refusal or "a check places orders on spot only"
    if not refusal and not is_ready:
        emit(untried(far_order.PLACED, "it needs that all rows above work, but for the clock and the own trades"))
        return
    plan = refusal or far_order.plan(questions)
    if isinstance(plan, str):
        emit(questions.without_secrets(fails(far_order.PLACED, f"none was placed: {plan}")))
        return
    await far_order.Trial(questions, guard, may_leave, emit).run(plan)


def why_not(exchange_manager: typing.Any, settings: pathlib.Path) -> str:
    """Why no order may leave: real funds take both consents, read again each time; empty when it may."""
    if market_data.trading_of(exchange_manager) is Trading.SANDBOX:
        return ""
    missing = [] if _is_accepted(settings) else [f"the setting {CONSENT} of the profile is not true"]
    if not bot_process.is_real_trading_allowed():
        missing.append(f"the environment has no {REAL_TRADING_VARIABLE}=yes")
    return f"these are real funds, and {' and '.join(missing)}" if missing else ""


def _is_accepted(settings: pathlib.Path) -> bool:
    try:
        return json.loads(settings.read_text("utf-8"))[CONSENT] is True
    except (OSError, ValueError, KeyError, TypeError):
        return False


class _Formatter(logging.Formatter):
    def __init__(self, secrets: Secrets) -> None:
        super().__init__("%(asctime)s %(levelname)s %(name)s %(message)s")
        self._secrets = secrets

    def format(self, record: logging.LogRecord) -> str:
        return self._secrets.cut(super().format(record))


def _log_without(secrets: Secrets) -> None:
    """What OctoBot has to say goes to standard error, without secrets."""
    handler = logging.StreamHandler()
    handler.setFormatter(_Formatter(secrets))
    logging.basicConfig(handlers=[handler], level=logging.WARNING, force=True)


def _end_with_launcher() -> None:
    """The launcher has closed its end: what goes on is cancelled."""
    loop, task = asyncio.get_running_loop(), asyncio.current_task()
    assert task is not None

    def wait() -> None:
        while os.read(0, 4096):
            pass
        if not loop.is_closed():
            loop.call_soon_threadsafe(task.cancel)

    threading.Thread(target=wait, name="lifeline", daemon=True).start()


def end_process() -> typing.NoReturn:
    """Do it all and end, whatever threads OctoBot leaves behind."""
    exit_code = 1
    try:
        exit_code = main()
    except Exception as error:
        logging.getLogger(__name__).exception(error)
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(exit_code)


if __name__ == "__main__":
    end_process()
