"""One backtest in this process, in OctoBot's own engine: `python -m octobot_volume_booster.backtest_engine`.

The request is one JSON object in the first line of standard input; how far it is, 0 to 1, comes line by line to
standard output. When the other end of standard input is closed the backtest ends where it is, in good order. Its
campaign is in the journal that the request names.
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
import traceback
import typing
from collections.abc import Callable
from dataclasses import dataclass

import octobot.api as octobot_api
import octobot_commons.constants as commons_constants
import octobot_commons.symbols as commons_symbols
import octobot_tentacles_manager.api as tentacles_manager_api
import octobot_tentacles_manager.configuration as tentacles_configuration
import octobot_trading.enums as trading_enums

from .adapters.runtime.backtest_clock import Timetable
from .campaign.registry import CAMPAIGNS
from .core.model.redact import without_secrets
from .volume_booster_trading import VolumeBoosterTradingMode

PROGRESS_EVERY_S = 0.2


@dataclass(frozen=True, slots=True)
class Request:
    """What to run: OctoBot's configuration, candle files, the settings of the mode, and the journal to write."""

    config: dict[str, typing.Any]
    data_files: list[str]
    settings: dict[str, typing.Any]
    journal: str


def main() -> int:
    """0 when the backtest came to its end, whatever the campaign came to; else OctoBot's log says why."""
    request = Request(**json.loads(sys.stdin.buffer.readline()))
    with configured(request):
        return 0 if asyncio.run(run(request, on_start=_attend)) else 1


def configured(request: Request) -> contextlib.AbstractContextManager[None]:
    """Within it the mode has the settings of the request, and nothing else has any: no file is read or written."""

    def config_of(_: typing.Any, tentacle: typing.Any) -> dict[str, typing.Any]:
        of_mode = request.settings if tentacle is VolumeBoosterTradingMode else {}
        return {"required_strategies": [], **of_mode}

    proxy: contextlib.AbstractContextManager[None] = tentacles_manager_api.local_tentacle_config_proxy(config_of)
    return proxy


async def run(
    request: Request,
    mode: typing.Any = VolumeBoosterTradingMode,
    on_start: Callable[[typing.Any], None] = lambda backtesting: None,
) -> bool:
    """Run it to its end; whether it got so far. `on_start` is given OctoBot's backtesting when it begins."""
    CAMPAIGNS.backtest_path = pathlib.Path(request.journal)
    setup_config = tentacles_configuration.TentaclesSetupConfiguration()
    setup_config.tentacles_activation = {"Trading": {mode.get_name(): True}}
    config = {**request.config, **_kind_of_contract(request.config)}
    independent: typing.Any = octobot_api.create_independent_backtesting(
        config, setup_config, request.data_files, join_backtesting_timeout=None, enable_logs=False,
        enable_storage=False, enforce_total_databases_max_size_after_run=False,
    )  # fmt: skip
    await octobot_api.initialize_and_run_independent_backtesting(independent)
    backtesting = independent.octobot_backtesting.backtesting
    if backtesting is None:
        return False
    on_start(backtesting)
    await octobot_api.join_independent_backtesting(independent, None)
    await octobot_api.stop_independent_backtesting(independent)
    return True


def _kind_of_contract(config: dict[str, typing.Any]) -> dict[str, typing.Any]:
    """What lets OctoBot simulate inverse contracts as such: by itself it takes every contract for a linear one."""
    pairs = [pair for currency in config["crypto-currencies"].values() for pair in currency["pairs"]]
    symbols = [commons_symbols.parse_symbol(pair) for pair in pairs]
    if not symbols or not all(symbol.is_future() and symbol.is_inverse() for symbol in symbols):
        return {}
    return {commons_constants.CONFIG_CONTRACT_TYPE: trading_enums.FutureContractType.INVERSE_PERPETUAL}


def _attend(backtesting: typing.Any) -> None:
    """For the launcher: tell how far it is, and end when there is nothing left to do, or the launcher is gone."""
    Timetable.of(backtesting).ends_when_done = True
    _background.add(asyncio.create_task(_show_progress(backtesting)))
    _end_with_launcher(backtesting.time_manager)


_background: set[asyncio.Task[None]] = set()
"""Python forgets a task that nobody holds."""


async def _show_progress(backtesting: typing.Any) -> None:
    while not backtesting.has_finished():
        print(f"{backtesting.get_progress():.4f}", flush=True)
        await asyncio.sleep(PROGRESS_EVERY_S)


def _end_with_launcher(time_manager: typing.Any) -> None:
    """The launcher has closed its end: the data end here."""
    loop = asyncio.get_running_loop()

    def end() -> None:
        time_manager.finishing_timestamp = time_manager.current_timestamp

    def wait() -> None:
        while os.read(0, 4096):
            pass
        if not loop.is_closed():
            loop.call_soon_threadsafe(end)

    threading.Thread(target=wait, name="lifeline", daemon=True).start()


def end_process() -> typing.NoReturn:
    """Do it all and end, whatever threads OctoBot leaves behind: those of 2.0 would keep the process for ever."""
    exit_code = 1
    try:
        exit_code = main()
    except Exception as error:  # noqa: BLE001 - the log is read by who started this process
        logging.getLogger(__name__).error("%s", without_secrets("".join(traceback.format_exception(error))))
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(exit_code)


if __name__ == "__main__":
    end_process()
