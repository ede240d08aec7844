"""The options of every command, and how their values are read; nothing here imports a command."""

from __future__ import annotations

import argparse
import math
import pathlib
from collections.abc import Callable
from decimal import Decimal, InvalidOperation

DEFAULT_HOME = pathlib.Path(".octobot")
DEFAULT_PATIENCE_S = 120.0
MOST_DAYS = 366
"""More days of drawn prices would take more than a minute or two."""
PLAIN_PROFILE = "volume_booster"


def pack(parser: argparse.ArgumentParser) -> None:
    archive = pathlib.Path("volume_booster.zip")
    parser.add_argument("--out", type=pathlib.Path, metavar="ZIP", default=archive, help=f"default: {archive}")


def install(parser: argparse.ArgumentParser) -> None:
    what = "where OctoBot lives; made when it is not there"
    parser.add_argument("--home", type=pathlib.Path, metavar="DIR", required=True, help=what)
    _json(parser, "report")


def simulate(parser: argparse.ArgumentParser) -> None:
    _run_live(parser, profile="volume_booster_offline")


def sandbox(parser: argparse.ArgumentParser) -> None:
    _run_live(parser, profile="volume_booster_sandbox")


def backtest(parser: argparse.ArgumentParser) -> None:
    _run(parser, PLAIN_PROFILE)
    parser.add_argument(
        "--data", type=pathlib.Path, metavar="FILE",
        help="a .data file of OctoBot, or candles as CSV (timestamp,open,high,low,close,volume); default: drawn from "
        "the seed",
    )  # fmt: skip
    parser.add_argument("--days", type=_days, metavar="N", default=1, help="how many days to draw; default: 1")
    parser.add_argument(
        "--symbol", metavar="PAIR", help="whose prices the CSV or drawn candles are; default: the profile's"
    )
    parser.add_argument(
        "--sweep", metavar="KEY=A,B,C", type=_sweep, action="append", default=[],
        help="run every combination of such values in parallel; may be repeated",
    )  # fmt: skip
    parser.add_argument("--csv", type=pathlib.Path, metavar="FILE", help="where a sweep writes its results")


def plan(parser: argparse.ArgumentParser) -> None:
    """What to plan, and what replaces the assumptions of the plan."""
    _home(parser)
    _json(parser, "plan")
    _profile(parser, PLAIN_PROFILE)
    _target(parser)
    _settings(parser)
    add = parser.add_argument
    add("--price", type=_positive("price"), metavar="QUOTE", help="quote per base; default: the local exchange's")
    add("--maker-fee-percent", type=_number("fee", -1, 10), metavar="PERCENT", help="default: the profile's")
    add("--taker-fee-percent", type=_number("fee", -1, 10), metavar="PERCENT", help="default: the profile's")
    add("--spread-bps", type=_number("spread", 0, 5_000), metavar="BPS", help="best ask less best bid")
    add("--volatility-percent", type=_number("volatility", 0, 1_000), metavar="PERCENT", help="of a year's return")
    add("--depth-quote", type=_number("depth", 0), metavar="QUOTE", help="median size of a level of the book")
    add("--price-tick", type=_positive("price tick"), metavar="QUOTE", help="the exchange's step of prices")
    add("--quantity-step", type=_positive("quantity step"), metavar="BASE", help="the exchange's step of quantities")
    add("--max-quantity", type=_positive("maximum"), metavar="BASE", help="the exchange's largest order")
    add("--min-notional", type=_number("minimum", 0), metavar="QUOTE", help="the exchange's smallest order")
    add("--market-volume", type=_number("volume", 0), metavar="QUOTE", help="what everybody trades in an hour")
    add("--balance", type=_balance, metavar="ASSET=AMOUNT", action="append", default=[], help="may be repeated")
    add("--deadline", type=_deadline, metavar="SECONDS", help="in which time it has to be done")
    add("--fee-tiers", type=pathlib.Path, metavar="FILE", help="CSV of 30-day volume, maker and taker fee in percent")
    add(
        "--volume-30d", type=_number("volume", 0), metavar="QUOTE", default=Decimal(0), help="traded before; default: 0"
    )
    add("--seed", dest="plan_seed", type=_whole, metavar="N", default=0, help="of the simulated campaigns; default: 0")


def check(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--exchange", metavar="ID", help="its name in ccxt or OctoBot; default: a table of all")
    parser.add_argument("--home", type=pathlib.Path, metavar="DIR", help="whose keys are used; default: .octobot")
    parser.add_argument("--profile", metavar="ID", help="whose settings are looked at; default: the home's own")
    parser.add_argument("--pair", metavar="PAIR", type=_pair, help="the market; default: those of the profile")
    parser.add_argument(
        "--order", action="store_true", help="place one small order far from the market, find it and cancel it"
    )
    parser.add_argument(
        "--save", type=pathlib.Path, metavar="DIR", help="write each answer, without secrets, to a file"
    )
    _json(parser, "rows")


def inspect(parser: argparse.ArgumentParser) -> None:
    """Options of a command that only shows a campaign."""
    steer(parser)
    parser.add_argument(
        "--campaign", type=pathlib.Path, metavar="FILE", help="look at this file, such as one that was kept aside"
    )
    parser.add_argument("--backtest", action="store_true", help="look at the last backtest of the home")


def report(parser: argparse.ArgumentParser) -> None:
    inspect(parser)
    parser.add_argument("--html", type=pathlib.Path, metavar="FILE", help="write one page with charts, for any browser")
    parser.add_argument("--csv", type=pathlib.Path, metavar="DIR", help="write orders.csv and fills.csv into a folder")


def steer(parser: argparse.ArgumentParser) -> None:
    """Options of a command for the campaign of a home."""
    _home(parser)
    _json(parser, "campaign")


def target(parser: argparse.ArgumentParser) -> None:
    steer(parser)
    parser.add_argument("quote", metavar="QUOTE", help="the volume to reach, in quote currency")


def emergency_stop(parser: argparse.ArgumentParser) -> None:
    steer(parser)
    parser.add_argument("--yes", action="store_true", help="do not ask for EMERGENCY_STOP to be typed")


def _run(parser: argparse.ArgumentParser, profile: str) -> None:
    """Options of a command that runs a campaign."""
    _home(parser)
    _profile(parser, profile)
    _target(parser)
    parser.add_argument("--seed", metavar="N", help="same seed, same decisions and same prices")
    _settings(parser)
    parser.add_argument("--timeout", type=_seconds, metavar="SECONDS", help="give up after this time, exit code 4")
    _json(parser, "result")
    parser.add_argument("--quiet", action="store_true", help="no live progress")


def _run_live(parser: argparse.ArgumentParser, profile: str) -> None:
    """Options of a command that runs a campaign in a live OctoBot."""
    _run(parser, profile)
    parser.add_argument(
        "--fresh", action="store_true", help="begin a new campaign; an unfinished one is kept beside it"
    )
    parser.add_argument("--port", type=_port, metavar="N", default=0, help="of the local exchange; default: a free one")
    parser.add_argument(
        "--patience", type=_seconds, metavar="SECONDS", default=DEFAULT_PATIENCE_S,
        help="give up when nothing has happened for so long, exit code 1; default: 120",
    )  # fmt: skip


def _home(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--home", type=pathlib.Path, metavar="DIR", default=DEFAULT_HOME, help="default: .octobot")


def _json(parser: argparse.ArgumentParser, what: str) -> None:
    parser.add_argument("--json", action="store_true", help=f"print the {what} as one JSON object")


def _profile(parser: argparse.ArgumentParser, default: str) -> None:
    parser.add_argument("--profile", metavar="ID", default=default, help=f"default: {default}")


def _target(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--target", metavar="QUOTE", help="the volume to reach, in quote currency")


def _settings(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--set", metavar="KEY=VALUE", type=_setting, action="append", default=[], help="any setting; may be repeated"
    )


def _setting(text: str) -> tuple[str, str]:
    key, equals, value = text.partition("=")
    if not equals or not key:
        raise argparse.ArgumentTypeError(f"{text!r} is not of the form key=value")
    return key, value


def _pair(text: str) -> str:
    base, _, quote = text.partition("/")
    if not base or not quote:
        raise argparse.ArgumentTypeError(f"{text!r} is not of the form BASE/QUOTE")
    return text


def _sweep(text: str) -> tuple[str, list[str]]:
    key, values = _setting(text)
    parts = [value.strip() for value in values.split(",")]
    if not all(parts):
        raise argparse.ArgumentTypeError(f"{text!r} is not of the form key=a,b,c")
    return key, parts


def _days(text: str) -> int:
    if not text.isdigit() or not 1 <= int(text) <= MOST_DAYS:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of days from 1 to {MOST_DAYS}")
    return int(text)


def _port(text: str) -> int:
    if not text.isdigit() or int(text) > 65_535:
        raise argparse.ArgumentTypeError(f"{text!r} is not a port from 0 to 65535")
    return int(text)


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = math.nan
    if not 0 < seconds < math.inf:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of seconds above 0")
    return seconds


def _number(name: str, lowest: int, highest: int | None = None) -> Callable[[str], Decimal]:
    """A reader of finite numbers from the lowest to the highest."""

    def read(text: str) -> Decimal:
        try:
            value = Decimal(text)
        except InvalidOperation:
            value = Decimal("NaN")
        if not value.is_finite() or value < lowest or (highest is not None and value > highest):
            bounds = f"from {lowest} to {highest}" if highest is not None else f"of at least {lowest}"
            raise argparse.ArgumentTypeError(f"{name} must be a number {bounds}, not {text!r}")
        return value

    return read


def _positive(name: str) -> Callable[[str], Decimal]:
    """A reader of finite numbers above 0."""

    def read(text: str) -> Decimal:
        value = _number(name, 0)(text)
        if not value:
            raise argparse.ArgumentTypeError(f"{name} must be above 0")
        return value

    return read


def _balance(text: str) -> tuple[str, Decimal]:
    asset, equals, amount = text.partition("=")
    if not equals or not asset:
        raise argparse.ArgumentTypeError(f"{text!r} is not of the form ASSET=AMOUNT")
    return asset.upper(), _number("balance", 0)(amount)


def _deadline(text: str) -> float:
    value = float(_number("deadline", 0)(text))
    if not value:
        raise argparse.ArgumentTypeError("deadline must be above 0")
    return value


def _whole(text: str) -> int:
    if not text.isdecimal() or int(text) >= 2**63:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from 0 on")
    return int(text)
