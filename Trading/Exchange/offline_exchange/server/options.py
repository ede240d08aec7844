"""The command line of the exchange."""

from __future__ import annotations

import argparse
import math
import pathlib
import time
from collections.abc import Callable, Sequence
from typing import Any, NoReturn

from .rate_limits import RateLimits
from .world import DRAWN_ONLY

HOST = "127.0.0.1"
DEFAULT_PORT = 8642
LONGEST_RUN_SECONDS = 30 * 86_400  # from the start time to the launch: older paths cost too much to draw
WORLD_OPTIONS = (
    "seed", "start_time", *DRAWN_ONLY, "refill_per_second", "replay", "replay_skip_seconds",
)  # fmt: skip


class _Parser(argparse.ArgumentParser):
    """One sentence for options that can't be used, exit code 2."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: error: {message}; see `{self.prog} --help`\n")


def parse_options(argv: Sequence[str] | None) -> argparse.Namespace:
    """What was asked for; what was not is None. Ends the process with 2, by SystemExit, when it cannot be had."""
    parser = _Parser(
        prog="volume-booster exchange",
        description="A local spot exchange that speaks Binance's REST API. Money and orders on it are unreal.",
    )
    _add_server(parser)
    _add_world(parser)
    options = parser.parse_args(argv)
    if problem := _contradiction(options):
        parser.error(problem)
    return options


def world_options(options: argparse.Namespace) -> dict[str, Any]:
    """The options that decide prices, by their names in World, without those that were not given."""
    return {name: value for name in WORLD_OPTIONS if (value := getattr(options, name)) is not None}


def _add_server(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("--port", type=_port, default=DEFAULT_PORT, help="TCP port; 0 takes a free one (%(default)s)")
    add("--host", type=_host, default=HOST, help=f"only {HOST} is accepted")
    add(
        "--accounts",
        type=pathlib.Path,
        metavar="FILE",
        help="JSON file of accounts, keys, balances and fees (one account)",
    )
    add("--state", type=pathlib.Path, metavar="FILE", help="keep everything in this file, and go on from it")
    add("--control", action="store_true", help="add the control interface under /control/")
    add("--faults", type=pathlib.Path, metavar="FILE", help="JSON script of what goes wrong; see resources/faults.md")
    add("--orders-per-10s", type=_ten_seconds, metavar="N", default=RateLimits().orders_per_10s,
        help="unfilled orders that an account may send in ten seconds (%(default)s)")  # fmt: skip
    add("--parent-lifeline", action="store_true", help="stop when standard input ends")


def _add_world(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("the other side of the market")
    add = group.add_argument
    add("--seed", type=_seed, help="the same seed gives the same prices (0)")
    add("--start-time", type=_start_time, metavar="EPOCH",
        help="epoch seconds at which prices start from their round values (now)")  # fmt: skip
    add("--volatility", dest="volatility_percent", type=_number("volatility", 0, 1_000), metavar="PERCENT",
        help="standard deviation of a year's return (50)")  # fmt: skip
    add("--drift", dest="drift_percent", type=_number("drift", -1_000, 1_000), metavar="PERCENT",
        help="by how much the expected price moves in a year (0)")  # fmt: skip
    add("--spread-bps", type=_number("spread", 0, 5_000), metavar="BPS", help="best ask minus best bid (1)")
    add("--depth-quote", type=_number("depth", 1, 10**9), metavar="AMOUNT",
        help="median notional of one level of the book (5000)")  # fmt: skip
    add("--prints-per-second", type=_number("prints per second", 1, 100), metavar="N",
        help="trades of others in a second, on average (2.5)")  # fmt: skip
    add("--refill-per-second", type=_number("refill per second", 0.001, 1), metavar="SHARE",
        help="share of what was taken out of the book that comes back each second (0.5)")  # fmt: skip
    add("--replay", type=_folder, metavar="FOLDER", help="play back recorded markets instead of drawing them")
    add("--replay-skip", dest="replay_skip_seconds", type=_skip, metavar="SECONDS",
        help="how far into the recording to start (0)")  # fmt: skip


def _contradiction(options: argparse.Namespace) -> str | None:
    if options.replay is None:
        return None if options.replay_skip_seconds is None else "--replay-skip needs --replay"
    drawn = [name for name in (*DRAWN_ONLY, "refill_per_second") if getattr(options, name) is not None]
    names = ", ".join(f"--{name.removesuffix('_percent').replace('_', '-')}" for name in drawn)
    return f"--replay brings its own markets: leave out {names}" if drawn else None


def _host(text: str) -> str:
    if text != HOST:
        raise argparse.ArgumentTypeError(f"the offline exchange only listens on {HOST}, not on {text}")
    return text


def _folder(text: str) -> str:
    return str(pathlib.Path(text).resolve())


def _port(text: str) -> int:
    return _whole_number(text, "port", 0, 65_535)


def _seed(text: str) -> int:
    return _whole_number(text, "seed", 0, 2**63 - 1)


def _ten_seconds(text: str) -> int:
    return _whole_number(text, "orders per 10 s", 1, 1_000_000)


def _skip(text: str) -> int:
    return _whole_number(text, "replay skip", 0, 10**9)


def _start_time(text: str) -> int:
    now = int(time.time())
    return _whole_number(text, "start time", now - LONGEST_RUN_SECONDS, now)


def _whole_number(text: str, name: str, lowest: int, highest: int) -> int:
    if not text.isdecimal() or not lowest <= int(text) <= highest:
        raise argparse.ArgumentTypeError(f"{name} must be a whole number from {lowest} to {highest}, not {text}")
    return int(text)


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
