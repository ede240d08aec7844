"""`volume-booster init`: asks what is wanted, writes a profile for it and shows its plan; nothing real is on."""

from __future__ import annotations

import argparse
import sys
import typing
from decimal import Decimal, InvalidOperation

import rich.prompt

from ...adapters.venues import support
from ...core.model.typed import did_you_mean, plain_number
from ...core.settings.schema import SettingsError, parse_settings
from ..arguments.parser import Parser
from ..commands import bundle, options, plan
from ..files import home, new_profile
from ..files.assumptions import listed_price
from ..files.new_profile import URGENCIES, Wish
from ..process.watchdog import ExitCode
from ..screen import terminal

DEFAULTS = {"exchange": home.OFFLINE_EXCHANGE, "pair": "BTC/USDT", "target": "50000", "budget": "", "urgency": "normal"}
QUESTIONS = {
    "exchange": f"Exchange ({home.OFFLINE_EXCHANGE} is the one on this computer)",
    "pair": "Pair",
    "target": "Volume to reach, in quote",
    "budget": "Most that it may cost, in quote (empty: 0.3 % of the volume)",
    "urgency": f"Urgency: {', '.join(URGENCIES)}",
    "price": "About what does one base cost, in quote?",
}
_WRONG = object()
Reader = typing.Callable[[str], typing.Any]


def main(arguments: argparse.Namespace) -> int:
    """Ask, write the profile, print its plan; the exit code is that of the plan.

    :raises SettingsError, HomeError, BundleError: when an answer can't be used, or the profile can't be written.
    """
    if not arguments.yes and not sys.stdin.isatty():
        raise home.HomeError("init asks questions, and standard input is no terminal: --yes takes the defaults")
    octobot_home = home.Home(arguments.home.absolute())
    wish = _wish(arguments)
    is_local = wish.exchange in home.OFFLINE_EXCHANGES
    like = bundle.profiles()[options.OFFLINE_PROFILE if is_local else options.PLAIN_PROFILE]
    folder = new_profile.write(octobot_home, wish, like)
    chosen = ["--home", str(arguments.home), "--profile", wish.profile_id]
    console = terminal.Console()
    _say(console, f"Written: {folder}")
    exit_code = _show_plan(chosen, wish)
    run = " ".join(["volume-booster simulate", *chosen])
    _say(console, f"It only simulates: the trader is off, and so is the consent to real funds. Next: {run}")
    if not is_local:
        _say(console, f"What works on {wish.exchange}: volume-booster check --exchange {wish.exchange}")
    return exit_code


def _wish(arguments: argparse.Namespace) -> Wish:
    """From the options, else the answers, else the defaults."""
    try:
        values = {name: _value(arguments, name) for name in DEFAULTS}
        price = listed_price(values["pair"]) or _value(arguments, "price")
    except EOFError as error:
        raise home.HomeError("the answers ended before the questions: nothing was written") from error
    return Wish(profile_id=arguments.profile, price=price, **values)


def _value(arguments: argparse.Namespace, name: str) -> typing.Any:
    read, given = READERS[name], getattr(arguments, name)
    if given is not None or (arguments.yes and name in DEFAULTS):
        return read(DEFAULTS[name] if given is None else given)
    if arguments.yes:
        raise home.HomeError("the local exchange does not list this pair: give about what one costs with --price")
    return _asked(name, read)


def _asked(name: str, read: Reader) -> typing.Any:
    """The answer of a person, asked again until it can be used."""
    prompt, default = QUESTIONS[name], DEFAULTS.get(name, "")
    while (
        value := _tried(read, rich.prompt.Prompt.ask(prompt, default=default, show_default=bool(default)))
    ) is _WRONG:
        pass
    return value


def _tried(read: Reader, answer: str) -> typing.Any:
    """The value of an answer; where it has none, why is printed."""
    try:
        return read(answer)
    except (SettingsError, home.HomeError) as problem:
        _say(terminal.Console(), str(problem))
        return _WRONG


def _exchange(text: str) -> str:
    try:
        return support.name_of(text)
    except support.UnknownExchangeError as error:
        raise home.HomeError(str(error)) from error


def _pair(text: str) -> str:
    base, _, quote = text.strip().upper().partition("/")
    if not base or not quote:
        raise home.HomeError(f"{text!r} is not of the form BASE/QUOTE")
    return f"{base}/{quote}"


def _target(text: str) -> Decimal:
    return parse_settings({"volume_target": text}).volume_target


def _budget(text: str) -> Decimal | None:
    return parse_settings({"max_cost_quote": text.strip()}).max_cost_quote


def _price(text: str) -> Decimal:
    try:
        price = Decimal(plain_number(str(text)))
    except InvalidOperation:
        price = Decimal(0)
    if not price.is_finite() or price <= 0:
        raise home.HomeError(f"price must be above 0, not {text!r}")
    return price


def _urgency(text: str) -> str:
    word = text.strip().lower()
    if word not in URGENCIES:
        meant = did_you_mean(word, URGENCIES) or f"; it is one of {', '.join(URGENCIES)}"
        raise home.HomeError(f"{text!r} is no urgency{meant}")
    return word


READERS: dict[str, Reader] = {
    "exchange": _exchange,
    "pair": _pair,
    "target": _target,
    "budget": _budget,
    "urgency": _urgency,
    "price": _price,
}


def _show_plan(chosen: list[str], wish: Wish) -> int:
    parser = Parser(prog="volume-booster plan")
    options.plan(parser)
    price = [] if listed_price(wish.pair) is not None else ["--price", f"{wish.price:f}"]
    exit_code = plan.main(parser.parse_args([*chosen, *price]))
    return ExitCode.DONE if exit_code == ExitCode.DONE else exit_code


def _say(console: terminal.Console, line: str) -> None:
    console.print(line, soft_wrap=True)
