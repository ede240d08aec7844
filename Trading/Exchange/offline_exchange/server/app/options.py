"""The command line of the exchange."""

from __future__ import annotations

import argparse
import math
import pathlib
import re
import time
from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any, NoReturn

from ..market.character import DEFAULT, PRESETS, CharacterError, character_named, read_tick
from ..market.world import DRAWN_ONLY
from ..rest.rate_limits import RateLimits

HOST = "127.0.0.1"
DEFAULT_PORT = 8642
FAST, DISK = "fast", "disk"
LONGEST_RUN_SECONDS = 30 * 86_400  # from the start time to the launch: older paths cost too much to draw
SCENARIO_OPTIONS = ("seed", "start_time", *DRAWN_ONLY, "refill_per_second", "replay", "replay_skip_seconds")
_GROUPED = re.compile(r"[+-]?[1-9]\d{0,2}([,_]\d{3})+(\.\d*)?", re.ASCII)
LONGEST_NUMBER = 40
"""A number of more characters is none that anybody means, and the longest take minutes to read."""
_NUMBERS = {
    "volatility": (0, 1_000, "PERCENT", "standard deviation of a year's return (50)"),
    "drift": (-1_000, 1_000, "PERCENT", "by how much the expected price moves in a year (0)"),
    "spread-bps": (0, 5_000, "BPS", "best ask minus best bid (1)"),
    "depth-quote": (1, 10**9, "AMOUNT", "median notional of one level of the book (5000)"),
    "prints-per-second": (0.001, 100, "N", "trades of others in a second, on average (2.5)"),
    "toxicity": (0, 1, "SHARE", "share of half the spread by which the mid follows a trade of others (0.8)"),
    "refill-per-second": (0.001, 1, "SHARE", "share of consumed liquidity that is restored each second (0.5)"),
}
"""Options of a drawn market: lowest and highest value, unit and help."""


class _Parser(argparse.ArgumentParser):
    """One sentence for options that can't be used, exit code 2."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: error: {message}; see `{self.prog} --help`\n")


def parse_options(argv: Sequence[str] | None, prog: str = "volume-booster exchange") -> argparse.Namespace:
    """The parsed options; None for those not given. Raises SystemExit with 2 when they are invalid.

    `prog` is the command of which the sentence speaks.
    """
    parser = _Parser(
        prog=prog,
        description="A local spot exchange that speaks Binance's REST API. Money and orders on it are unreal.",
    )
    _add_server(parser)
    _add_scenario(parser)
    _add_facts(parser)
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
    text = "what an answer waits for: %(choices)s, of the state in the file (%(default)s)"
    add("--durability", choices=(FAST, DISK), default=DISK, help=text)
    add("--control", action="store_true", help="add the control interface under /control/, which needs a token")
    text = "where the token of the control interface is written (beside the state: its name with .token)"
    add("--token-file", type=pathlib.Path, metavar="FILE", help=text)
    add("--faults", type=pathlib.Path, metavar="FILE", help="JSON script of what goes wrong; see resources/faults.md")
    text, default = "unfilled orders that an account may send in ten seconds (%(default)s)", RateLimits().orders_per_10s
    add("--orders-per-10s", type=_whole("orders per 10 s", 1, 1_000_000), metavar="N", default=default, help=text)
    for role in ("maker", "taker"):
        text = f"{role} fee of every account (that of --accounts, or 0.1)"
        add(f"--{role}-fee-percent", type=_fee, metavar="PERCENT", help=text)
    add("--parent-lifeline", action="store_true", help="stop when standard input ends")


def _add_scenario(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument_group("the other side of the market").add_argument
    text = "the same seed gives the same prices (0)"
    add("--seed", "--market-seed", type=_whole("seed", 0, 2**63 - 1), metavar="N", help=text)
    text = f"{', '.join(PRESETS)} or a JSON file; single figures win over it ({DEFAULT})"
    add("--market", type=_character, metavar="PRESET", help=text)
    text = "step of prices in quote; may be as wide as the spread (0.01)"
    add("--tick", dest="tick_quote", type=_tick, metavar="QUOTE", help=text)
    text = "whether somebody improves on an order that improves on the touch (on)"
    add("--competitor", type=_switch, metavar="on|off", help=text)
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


def _add_facts(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument_group("instead of serving").add_argument
    add("--facts", action="store_true", help="measure what the market is like, print it and end")
    add("--json", action="store_true", help="print the facts as one JSON object")
    text = "measure it, and write its figures to a JSON file that --market takes"
    add("--fit", type=pathlib.Path, metavar="FILE", help=text)


def option_of(field: str) -> str:
    """The option of a field of MarketScenario."""
    return "--" + field.removesuffix("_percent").removesuffix("_seconds").replace("tick_quote", "tick").replace(
        "_", "-"
    )


def token_file(options: argparse.Namespace) -> pathlib.Path | None:
    """Where the token of the control interface is written; None without a place."""
    if options.token_file is not None or options.state is None:
        return options.token_file  # type: ignore[no-any-return]  # as argparse has it
    return options.state.with_suffix(".token")  # type: ignore[no-any-return]


def _contradiction(options: argparse.Namespace) -> str | None:
    if options.control and token_file(options) is None:
        return "--control needs --token-file FILE or --state FILE: its token is written there"
    if options.json and not options.facts:
        return "--json needs --facts"
    return _scenario_contradiction(options)


def _scenario_contradiction(options: argparse.Namespace) -> str | None:
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


def _character(text: str) -> dict[str, Any]:
    try:
        return character_named(text).to_json()
    except CharacterError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def _tick(text: str) -> str:
    try:
        return str(read_tick(_plain(text)))
    except CharacterError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def _switch(text: str) -> bool:
    if text not in ("on", "off"):
        raise argparse.ArgumentTypeError(f"competitor must be on or off, not {text}")
    return text == "on"


def _fee(text: str) -> Decimal:
    _number("fee", -1, 10)(text)
    return Decimal(_plain(text))


def _start_time(text: str) -> int:
    now = int(time.time())
    return _whole("start time", now - LONGEST_RUN_SECONDS, now)(text)


def _whole(name: str, lowest: int, highest: int) -> Callable[[str], int]:
    def read(text: str) -> int:
        plain = _plain(text)
        if not plain.isdecimal() or len(plain) > LONGEST_NUMBER or not lowest <= int(plain) <= highest:
            raise argparse.ArgumentTypeError(f"{name} must be a whole number from {lowest} to {highest}, not {text}")
        return int(plain)

    return read


def _number(name: str, lowest: float, highest: float) -> Callable[[str], float]:
    def read(text: str) -> float:
        try:
            value = float(_plain(text))
        except ValueError:
            value = math.nan
        if not lowest <= value <= highest:
            raise argparse.ArgumentTypeError(f"{name} must be a number from {lowest} to {highest}, not {text}")
        return value

    return read


def _plain(text: str) -> str:
    """A number as it is printed, "50,000" or "50_000", without the signs between its thousands; else the text."""
    return re.sub("[,_]", "", text) if _GROUPED.fullmatch(text) else text
