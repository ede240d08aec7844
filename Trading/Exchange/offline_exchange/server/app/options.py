"""The command line of the exchange."""

from __future__ import annotations

import argparse
import math
import pathlib
import time
from collections.abc import Callable, Sequence
from typing import Any, NoReturn

from ..market.world import DRAWN_ONLY
from ..rest.rate_limits import RateLimits

HOST = "127.0.0.1"
DEFAULT_PORT = 8642
LONGEST_RUN_SECONDS = 30 * 86_400  # from the start time to the launch: older paths cost too much to draw
SCENARIO_OPTIONS = ("seed", "start_time", *DRAWN_ONLY, "refill_per_second", "replay", "replay_skip_seconds")
_NUMBERS = {
    "volatility": (0, 1_000, "PERCENT", "standard deviation of a year's return (50)"),
    "drift": (-1_000, 1_000, "PERCENT", "by how much the expected price moves in a year (0)"),
    "spread-bps": (0, 5_000, "BPS", "best ask minus best bid (1)"),
    "depth-quote": (1, 10**9, "AMOUNT", "median notional of one level of the book (5000)"),
    "prints-per-second": (1, 100, "N", "trades of others in a second, on average (2.5)"),
    "refill-per-second": (0.001, 1, "SHARE", "share of consumed liquidity that is restored each second (0.5)"),
}
"""Options of a drawn market: lowest and highest value, unit and help."""


class _Parser(argparse.ArgumentParser):
    """One sentence for options that can't be used, exit code 2."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: error: {message}; see `{self.prog} --help`\n")


def parse_options(argv: Sequence[str] | None) -> argparse.Namespace:
    """The parsed options; None for those not given. Raises SystemExit with 2 when they are invalid."""
    parser = _Parser(
        prog="volume-booster exchange",
        description="A local spot exchange that speaks Binance's REST API. Money and orders on it are unreal.",
    )
    _add_server(parser)
    _add_scenario(parser)
    options = parser.parse_args(argv)
    if problem := _contradiction(options):
        parser.error(problem)
    return options


def scenario_options(options: argparse.Namespace) -> dict[str, Any]:
    """The given options that decide prices, by their names in MarketScenario."""
    return {name: value for name in SCENARIO_OPTIONS if (value := getattr(options, name)) is not None}


def _add_server(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add(
        "--port",
        type=_whole("port", 0, 65_535),
        default=DEFAULT_PORT,
        help="TCP port; 0 takes a free one (%(default)s)",
    )
    add("--host", type=_host, default=HOST, help=f"only {HOST} is accepted")
    text = "JSON file of accounts, keys, balances and fees (one account)"
    add("--accounts", type=pathlib.Path, metavar="FILE", help=text)
    add("--state", type=pathlib.Path, metavar="FILE", help="keep everything in this file, and continue from it")
    add("--control", action="store_true", help="add the control interface under /control/")
    add("--faults", type=pathlib.Path, metavar="FILE", help="JSON script of what goes wrong; see resources/faults.md")
    text, default = "unfilled orders that an account may send in ten seconds (%(default)s)", RateLimits().orders_per_10s
    add("--orders-per-10s", type=_whole("orders per 10 s", 1, 1_000_000), metavar="N", default=default, help=text)
    add("--parent-lifeline", action="store_true", help="stop when standard input ends")


def _add_scenario(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument_group("the other side of the market").add_argument
    add("--seed", type=_whole("seed", 0, 2**63 - 1), help="the same seed gives the same prices (0)")
    text = "epoch seconds at which prices start from their round values (now)"
    add("--start-time", type=_start_time, metavar="EPOCH", help=text)
    for option, (lowest, highest, unit, text) in _NUMBERS.items():
        name = option.removesuffix("-bps").removesuffix("-quote").replace("-", " ")
        field = option.replace("-", "_") + "_percent" * (unit == "PERCENT")
        add(f"--{option}", dest=field, type=_number(name, lowest, highest), metavar=unit, help=text)
    add("--replay", type=_folder, metavar="FOLDER", help="play back recorded markets instead of drawing them")
    skip = _whole("replay skip", 0, 10**9)
    text = "how far into the recording to start (0)"
    add("--replay-skip", dest="replay_skip_seconds", type=skip, metavar="SECONDS", help=text)


def option_of(field: str) -> str:
    """The option of a field of MarketScenario."""
    return "--" + field.removesuffix("_percent").removesuffix("_seconds").replace("_", "-")


def _contradiction(options: argparse.Namespace) -> str | None:
    if options.replay is None:
        return None if options.replay_skip_seconds is None else "--replay-skip needs --replay"
    drawn = [name for name in (*DRAWN_ONLY, "refill_per_second") if getattr(options, name) is not None]
    return f"--replay brings its own markets: leave out {', '.join(map(option_of, drawn))}" if drawn else None


def _host(text: str) -> str:
    if text != HOST:
        raise argparse.ArgumentTypeError(f"the offline exchange only listens on {HOST}, not on {text}")
    return text


def _folder(text: str) -> str:
    return str(pathlib.Path(text).resolve())


def _start_time(text: str) -> int:
    now = int(time.time())
    return _whole("start time", now - LONGEST_RUN_SECONDS, now)(text)


def _whole(name: str, lowest: int, highest: int) -> Callable[[str], int]:
    def read(text: str) -> int:
        if not text.isdecimal() or not lowest <= int(text) <= highest:
            raise argparse.ArgumentTypeError(f"{name} must be a whole number from {lowest} to {highest}, not {text}")
        return int(text)

    return read


def _number(name: str, lowest: float, highest: float) -> Callable[[str], float]:
    def read(text: str) -> float:
        try:
            value = float(text)
        except ValueError:
            value = math.nan
        if not lowest <= value <= highest:
            raise argparse.ArgumentTypeError(f"{name} must be a number from {lowest} to {highest}, not {text}")
        return value

    return read
