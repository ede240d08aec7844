"""The options of every command, and how their values are read; nothing here imports a command."""

from __future__ import annotations

import argparse
import math
import pathlib
from collections.abc import Callable
from decimal import Decimal, InvalidOperation

from ...core.model.escape import quoted
from ...core.model.typed import plain_number
from ...core.planning.candles import TIME_FRAMES
from ..arguments import completers
from ..arguments.values import LONGEST_NUMBER, given, path, profile_id
from ..files.home import DEFAULT_HOME

DEFAULT_PATIENCE_S = 120.0
MOST_DAYS = 366
"""More days of drawn prices would take more than a minute or two."""
MOST = 10**12
"""The largest amount that any option takes, as the settings."""
PLAIN_PROFILE, OFFLINE_PROFILE = "volume_booster", "volume_booster_offline"
SANDBOX_PROFILE = "volume_booster_sandbox"
SHELLS = ("bash", "zsh", "fish", "tcsh", "powershell")
OWN_PROFILE = "my_campaign"
MARKET_OPTIONS = {
    "--market": ("PRESET", "tight, ordinary, wide, thin or a JSON file; default: tight"),
    "--spread-bps": ("BPS", "best ask less best bid"),
    "--tick": ("QUOTE", "step of prices"),
    "--depth-quote": ("QUOTE", "median size of a level of the book"),
    "--volatility": ("PERCENT", "of a year's return"),
    "--prints-per-second": ("N", "trades of others, on average"),
    "--toxicity": ("SHARE", "of half the spread by which the mid follows a trade of others"),
    "--competitor": ("on|off", "whether somebody improves on an order that improves on the touch"),
    "--market-seed": ("N", "of prices and trades of others; default: that of the campaign"),
}
"""The figures of a generated market; single ones win over the preset."""


def pack(parser: argparse.ArgumentParser) -> None:
    archive = pathlib.Path("volume_booster.zip")
    parser.add_argument("--out", type=path, metavar="ZIP", default=archive, help=f"default: {archive}")


def install(parser: argparse.ArgumentParser) -> None:
    what = "where OctoBot lives; made when it is not there"
    parser.add_argument("--home", type=path, metavar="DIR", required=True, help=what)
    _json(parser, "report")


def simulate(parser: argparse.ArgumentParser) -> None:
    _run_live(parser, profile=OFFLINE_PROFILE)
    _market(parser)


def sandbox(parser: argparse.ArgumentParser) -> None:
    _run_live(parser, profile=SANDBOX_PROFILE)
    _market(parser)
    fees = parser.add_argument_group("fees of the local exchange").add_argument
    for role in ("maker", "taker"):
        fees(f"--{role}-fee-percent", type=_number("fee", -1, 10), metavar="PERCENT", help="default: the profile's")


def backtest(parser: argparse.ArgumentParser) -> None:
    _run(parser, PLAIN_PROFILE)
    parser.add_argument(
        "--data", type=path, metavar="FILE",
        help="a .data file of OctoBot, or candles as CSV (timestamp,open,high,low,close,volume); default: drawn from "
        "the seed",
    )  # fmt: skip
    parser.add_argument("--days", type=_days, metavar="N", default=1, help="how many days to draw; default: 1")
    parser.add_argument(
        "--symbol", type=_pair, metavar="PAIR", help="whose prices the CSV or drawn candles are; default: the profile's"
    )
    parser.add_argument(
        "--sweep", metavar="KEY=A,B,C", type=_sweep, action="append", default=[],
        help="run every combination of such values in parallel; may be repeated",
    )  # fmt: skip
    parser.add_argument("--csv", type=path, metavar="FILE", help="where a sweep writes its results")


def plan(parser: argparse.ArgumentParser) -> None:
    """What to plan, and what replaces the assumptions of the plan."""
    _home(parser)
    _json(parser, "plan")
    action = parser.add_argument(
        "--profile",
        type=profile_id,
        metavar="ID",
        help=f"default: the home's own, else that of simulate, {OFFLINE_PROFILE}",
    )
    completers.offer(action, completers.profile)
    _target(parser)
    _settings(parser)
    add = parser.add_argument
    add("--price", type=_positive("price"), metavar="QUOTE", help="quote per base; default: the local exchange's")
    add("--maker-fee-percent", type=_number("fee", -1, 10), metavar="PERCENT", help="default: the profile's")
    add("--taker-fee-percent", type=_number("fee", -1, 10), metavar="PERCENT", help="default: the profile's")
    add("--spread-bps", type=_number("spread", 0, 5_000), metavar="BPS", help="best ask less best bid")
    add(
        "--market", metavar="PRESET", help="tight, ordinary, wide, thin or a JSON file: what is not given comes from it"
    )
    add(
        "--volatility-percent",
        "--volatility",
        type=_number("volatility", 0, 1_000),
        metavar="PERCENT",
        help="of a year's return",
    )
    add("--depth-quote", type=_number("depth", 0), metavar="QUOTE", help="median size of a level of the book")
    add("--price-tick", "--tick", type=_positive("price tick"), metavar="QUOTE", help="the exchange's step of prices")
    add("--quantity-step", type=_positive("quantity step"), metavar="BASE", help="the exchange's step of quantities")
    add("--max-quantity", type=_positive("maximum"), metavar="BASE", help="the exchange's largest order")
    add("--min-notional", type=_number("minimum", 0), metavar="QUOTE", help="the exchange's smallest order")
    add("--market-volume", type=_number("volume", 0), metavar="QUOTE", help="what everybody trades in an hour")
    add("--balance", type=_balance, metavar="ASSET=AMOUNT", action="append", default=[], help="may be repeated")
    add("--deadline", type=_deadline, metavar="SECONDS", help="in which time it has to be done")
    add("--fee-tiers", type=path, metavar="FILE", help="CSV of 30-day volume, maker and taker fee in percent")
    add(
        "--volume-30d", type=_number("volume", 0), metavar="QUOTE", default=Decimal(0), help="traded before; default: 0"
    )
    add("--seed", dest="plan_seed", type=_whole, metavar="N", default=0, help="of the simulated campaigns; default: 0")


def check(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--exchange", type=given, metavar="ID", help="its name in ccxt or OctoBot; default: a table of all"
    )
    parser.add_argument("--home", type=path, metavar="DIR", help="whose keys are used; default: .octobot")
    parser.add_argument(
        "--profile", type=profile_id, metavar="ID", help="whose settings are looked at; default: the home's own"
    )
    parser.add_argument("--pair", metavar="PAIR", type=_pair, help="the market; default: those of the profile")
    parser.add_argument(
        "--order", action="store_true", help="place one small order far from the market, find it and cancel it"
    )
    parser.add_argument("--save", type=path, metavar="DIR", help="write each answer, without secrets, to a file")
    _json(parser, "rows")


def inspect(parser: argparse.ArgumentParser) -> None:
    """Options of a command that only shows a campaign."""
    steer(parser)
    parser.add_argument(
        "--campaign", type=path, metavar="FILE", help="look at this file, such as one that was kept aside"
    )
    parser.add_argument("--backtest", action="store_true", help="look at the last backtest of the home")


def report(parser: argparse.ArgumentParser) -> None:
    inspect(parser)
    parser.add_argument("--html", type=path, metavar="FILE", help="write one page with charts, for any browser")
    parser.add_argument("--csv", type=path, metavar="DIR", help="write orders.csv and fills.csv into a folder")


def steer(parser: argparse.ArgumentParser) -> None:
    """Options of a command for the campaign of a home."""
    _home(parser)
    _json(parser, "campaign")


def target(parser: argparse.ArgumentParser) -> None:
    steer(parser)
    parser.add_argument("quote", type=given, metavar="QUOTE", help="the volume to reach, in quote currency")
    parser.add_argument("--yes", action="store_true", help="do not ask, also when so much is filled already")


def settings(parser: argparse.ArgumentParser) -> None:
    action = parser.add_argument("keys", nargs="*", metavar="KEY", help="only these, explained")
    completers.offer(action, completers.key)
    parser.add_argument("--search", metavar="WORD", type=given, help="only those with this word in name or help")
    _home(parser)
    parser.add_argument("--profile", type=profile_id, metavar="ID", help="default: the home's own")
    _target(parser)
    _settings(parser)
    _json(parser, "settings")


def init(parser: argparse.ArgumentParser) -> None:
    _home(parser)
    parser.add_argument("--yes", action="store_true", help="ask nothing: take the defaults for what is not given")
    _profile(parser, OWN_PROFILE)
    add = parser.add_argument
    add("--exchange", type=given, metavar="ID", help="default: the one on this computer")
    add("--pair", type=_pair, metavar="PAIR", help="default: BTC/USDT")
    _target(parser)
    add("--budget", type=given, metavar="QUOTE", help="the most that it may cost; default: 0.3 %% of the target")
    add("--urgency", type=given, metavar="WORD", help="passive, normal or aggressive; default: normal")
    add("--price", type=given, metavar="QUOTE", help="of a pair that the local exchange does not list")


def runs(parser: argparse.ArgumentParser) -> None:
    _home(parser)
    choice = parser.add_mutually_exclusive_group()
    choice.add_argument("--compare", nargs=2, metavar=("A", "B"), help="two of them side by side, by number or name")
    choice.add_argument("--remove", nargs="+", metavar="RUN", help="delete the files of past ones, by number or name")
    parser.add_argument("--yes", action="store_true", help="remove without asking")
    _json(parser, "list")


def data(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("symbol", type=_pair, metavar="SYMBOL", help="such as BTC/USDT")
    parser.add_argument("--exchange", type=given, metavar="ID", required=True, help="its name in ccxt")
    parser.add_argument("--days", type=_days, metavar="N", default=1, help="how many, until now; default: 1")
    parser.add_argument(
        "--time-frame",
        choices=tuple(TIME_FRAMES.values()),
        metavar="T",
        default="1m",
        help="1m, 5m, 1h, ...; default: 1m",
    )
    parser.add_argument(
        "--out", type=path, metavar="FILE", required=True, help="a .csv file, or a .data file of OctoBot"
    )
    _json(parser, "result")


def completion(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("shell", choices=SHELLS, metavar="SHELL", help=f"{', '.join(SHELLS[:-1])} or {SHELLS[-1]}")


def common(parser: argparse.ArgumentParser) -> None:
    """Options of every command."""
    parser.add_argument("-v", "--verbose", action="store_true", help="say each step on standard error")
    parser.add_argument(
        "--log-file", type=path, metavar="FILE", help="write each step to this file, behind what is in it"
    )


def emergency_stop(parser: argparse.ArgumentParser) -> None:
    steer(parser)
    parser.add_argument("--yes", action="store_true", help="do not ask for EMERGENCY_STOP to be typed")


def _run(parser: argparse.ArgumentParser, profile: str) -> None:
    """Options of a command that runs a campaign."""
    _home(parser)
    _profile(parser, profile)
    _target(parser)
    parser.add_argument("--seed", type=given, metavar="N", help="same seed, same decisions and same prices")
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
    parser.add_argument("--yes", action="store_true", help="continue an unfinished campaign without asking")
    parser.add_argument("--port", type=_port, metavar="N", default=0, help="of the local exchange; default: a free one")
    parser.add_argument(
        "--patience", type=_seconds, metavar="SECONDS", default=DEFAULT_PATIENCE_S,
        help="give up when nothing has happened for so long, exit code 1; default: 120",
    )  # fmt: skip


def _market(parser: argparse.ArgumentParser) -> None:
    """What the local exchange's own options of these names take; it reads the values itself."""
    add = parser.add_argument_group("the market of the local exchange").add_argument
    for option, (metavar, text) in MARKET_OPTIONS.items():
        add(option, metavar=metavar, help=text)


def _home(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--home", type=path, metavar="DIR", default=DEFAULT_HOME, help="default: .octobot")


def _json(parser: argparse.ArgumentParser, what: str) -> None:
    parser.add_argument("--json", action="store_true", help=f"print the {what} as one JSON object")


def _profile(parser: argparse.ArgumentParser, default: str) -> None:
    action = parser.add_argument(
        "--profile", type=profile_id, metavar="ID", default=default, help=f"default: {default}"
    )
    completers.offer(action, completers.profile)


def _target(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--target", type=given, metavar="QUOTE", help="the volume to reach, in quote currency")


def _settings(parser: argparse.ArgumentParser) -> None:
    action = parser.add_argument(
        "--set", metavar="KEY=VALUE", type=_setting, action="append", default=[], help="any setting; may be repeated"
    )
    completers.offer(action, completers.setting)
    parser.add_argument("--settings", type=path, metavar="FILE", help="a JSON or TOML file of settings, below --set")


def _setting(text: str) -> tuple[str, str]:
    key, equals, value = text.partition("=")
    if not equals or not key:
        raise argparse.ArgumentTypeError(f"{quoted(text)} is not of the form key=value")
    return key, value


def _pair(text: str) -> str:
    base, _, quote = text.partition("/")
    if not base or not quote:
        raise argparse.ArgumentTypeError(f"{quoted(text)} is not of the form BASE/QUOTE")
    return text


def _sweep(text: str) -> tuple[str, list[str]]:
    key, values = _setting(text)
    parts = [value.strip() for value in values.split(",")]
    if not all(parts):
        raise argparse.ArgumentTypeError(f"{quoted(text)} is not of the form key=a,b,c")
    return key, parts


def _days(text: str) -> int:
    days = _digits(text)
    if days is None or not 1 <= days <= MOST_DAYS:
        raise argparse.ArgumentTypeError(f"{quoted(text)} is not a number of days from 1 to {MOST_DAYS}")
    return days


def _port(text: str) -> int:
    port = _digits(text)
    if port is None or port > 65_535:
        raise argparse.ArgumentTypeError(f"{quoted(text)} is not a port from 0 to 65535")
    return port


def _seconds(text: str) -> float:
    try:
        seconds = float(plain_number(text))
    except ValueError:
        seconds = math.nan
    if not 0 < seconds < math.inf:
        raise argparse.ArgumentTypeError(f"{quoted(text)} is not a number of seconds above 0")
    return seconds


def _number(name: str, lowest: int, highest: int = MOST) -> Callable[[str], Decimal]:
    """A reader of numbers from the lowest to the highest."""

    def read(text: str) -> Decimal:
        try:
            value = Decimal(plain_number(text))
        except InvalidOperation:
            value = Decimal("NaN")
        if len(text) > LONGEST_NUMBER or not value.is_finite() or not lowest <= value <= highest:
            most = "1e12" if highest == MOST else highest
            raise argparse.ArgumentTypeError(f"{name} must be a number from {lowest} to {most}, not {quoted(text)}")
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
        raise argparse.ArgumentTypeError(f"{quoted(text)} is not of the form ASSET=AMOUNT")
    return asset.upper(), _number("balance", 0)(amount)


def _deadline(text: str) -> float:
    value = float(_number("deadline", 0)(text))
    if not value:
        raise argparse.ArgumentTypeError("deadline must be above 0")
    return value


def _whole(text: str) -> int:
    number = _digits(text)
    if number is None or number >= 2**63:
        raise argparse.ArgumentTypeError(f"{quoted(text)} is not a whole number from 0 on")
    return number


def _digits(text: str) -> int | None:
    """A whole number from 0 on; None for another text."""
    plain = plain_number(text)
    return int(plain) if plain.isdecimal() and len(plain) <= LONGEST_NUMBER else None
