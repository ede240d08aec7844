"""`volume-booster check`: what works on an exchange, a row each. It changes nothing there, except with --order."""

from __future__ import annotations

import argparse
import contextlib
import importlib.metadata
import os
import pathlib
import shutil
import sys
import tempfile
import typing
from collections.abc import Iterator
from dataclasses import asdict, dataclass

import ccxt
import rich.box
import rich.table

from ...adapters.venues import support
from ...core.planning import account_checks
from ...core.planning.account_checks import Row, fails, untried
from ...core.settings.schema import parse_settings, without_octobot_keys
from ...journal.bot_lock import running_bot
from ...storage import private_files
from ..files import chosen, home
from ..process import check_process, launch
from ..process.watchdog import ExitCode
from ..screen import lines, terminal
from . import bundle, options, run, sandbox

_RESULTS = {True: ("ok", "green"), False: ("not ok", "red"), None: ("not tried", "")}
"""Text and style of each."""
_RESULT_WIDTH = 9


@dataclass(frozen=True, slots=True)
class CheckPlan:
    """A check whose arguments, home and profile have been read."""

    home: home.Home
    has_keys: bool
    profile: pathlib.Path
    exchange: str
    use: support.Use
    of_profile: dict[str, typing.Any]
    """The exchange's entry in the profile."""
    save: pathlib.Path | None


def main(arguments: argparse.Namespace) -> int:
    """0 when nothing failed, else 1.

    :raises SettingsError, HomeError, LaunchError: when it can't be made.
    """
    versions = support.Versions(importlib.metadata.version("octobot"), ccxt.__version__)
    if arguments.exchange is None:
        _only_all(arguments)
        return _print_overview(versions, is_json=arguments.json)
    plan = _plan(arguments)
    rows, is_interrupted = list(support.rows(plan.exchange, plan.use, versions)), False
    if plan.has_keys:
        answers, is_interrupted = _ask(plan, is_order_wanted=arguments.order)
        rows += answers
    else:
        rows += _without_keys(plan, is_order_wanted=arguments.order)
    _print_rows(plan, rows, versions, is_json=arguments.json)
    if is_interrupted:
        lines.complain("interrupted")
        return ExitCode.INTERRUPTED
    return ExitCode.DONE if account_checks.all_work(rows) else ExitCode.FAILED


def _without_keys(plan: CheckPlan, *, is_order_wanted: bool) -> list[Row]:
    rows = [untried("account", f"{plan.home.path} has no keys for {plan.exchange}")]
    return rows + ([fails("order placed", "none was placed: there are no keys")] if is_order_wanted else [])


def _only_all(arguments: argparse.Namespace) -> None:
    """:raises HomeError: when an option needs an exchange."""
    if arguments.order or arguments.save or arguments.pair:
        raise home.HomeError("name the exchange with --exchange")


def _print_overview(versions: support.Versions, *, is_json: bool) -> int:
    """Every known exchange; one that is refused is no failure."""
    rows = support.overview(versions.octobot)
    used = [row for row in rows if row.ok]
    sentence = f"Orders are placed on {len(used)} of {len(rows)} exchanges; on any other, nothing is sent."
    if is_json:
        _print_json(None, rows, sentence, is_ok=True, octobot_version=versions.octobot, ccxt_version=versions.ccxt)
    else:
        _print_table(f"With OctoBot {versions.octobot}, ccxt {versions.ccxt}", "exchange", rows, sentence)
    return ExitCode.DONE


def _print_rows(plan: CheckPlan, rows: list[Row], versions: support.Versions, *, is_json: bool) -> None:
    title = support.title_of(plan.exchange)
    sentence = account_checks.last_sentence(title, rows)
    if is_json:
        about = {"pair": plan.use.symbols[0], "octobot_version": versions.octobot, "ccxt_version": versions.ccxt}
        _print_json(plan.exchange, rows, sentence, is_ok=account_checks.all_work(rows), **about)
    else:
        _print_table(f"{title} with OctoBot {versions.octobot}, ccxt {versions.ccxt}", "check", rows, sentence)


def _print_json(exchange: str | None, rows: list[Row], sentence: str, *, is_ok: bool, **about: str) -> None:
    result = {"exchange": exchange, "ok": is_ok, "rows": [asdict(row) for row in rows], "text": sentence, **about}
    lines.as_json(result)


def _print_table(title: str, what: str, rows: list[Row], sentence: str) -> None:
    table = rich.table.Table(title=title, title_justify="left", title_style="bold", box=rich.box.SQUARE)
    table.add_column(what, no_wrap=True)
    table.add_column("", no_wrap=True, width=_RESULT_WIDTH)
    table.add_column("", overflow="fold")
    for row in rows:
        table.add_row(row.name, terminal.styled(*_RESULTS[row.ok]), row.text)
    terminal.show(table)
    lines.say(sentence)


def _plan(arguments: argparse.Namespace) -> CheckPlan:
    try:
        exchange = support.name_of(arguments.exchange)
    except support.UnknownExchangeError as error:
        raise home.HomeError(str(error)) from error
    octobot_home = home.Home((arguments.home or home.DEFAULT_HOME).absolute())
    if arguments.home is not None and not octobot_home.path.is_dir():
        raise home.HomeError(f"there is no folder {octobot_home.path}")
    if arguments.order and (process := running_bot(octobot_home.campaign)):
        raise home.HomeError(
            f"another OctoBot (process {process}) runs the campaign in {octobot_home.path}: end it with "
            "`volume-booster stop` before --order"
        )
    profile = chosen.choose(octobot_home, arguments.profile, bundle.profiles(), options.PLAIN_PROFILE).profile
    config = home.profile_config(profile)
    of_profile = _entry(config, exchange)
    settings = parse_settings(without_octobot_keys(home.mode_settings(profile)))
    is_futures = of_profile.get("exchange-type") == "future"
    use = support.Use(settings, [arguments.pair] if arguments.pair else _pairs(config), is_futures)
    return CheckPlan(
        octobot_home, _has_keys(octobot_home, exchange), profile, exchange, use, of_profile, _folder(arguments.save)
    )


def _pairs(config: dict[str, typing.Any]) -> list[str]:
    pairs = home.enabled_pairs(config)
    if not pairs:
        raise home.HomeError("the profile trades no pair: name one with --pair")
    return pairs


def _entry(config: dict[str, typing.Any], exchange: str) -> dict[str, typing.Any]:
    """The entry of an exchange in a configuration; empty where there is none that can be read."""
    exchanges = config.get("exchanges")
    entry = exchanges.get(exchange) if isinstance(exchanges, dict) else None
    return entry if isinstance(entry, dict) else {}


def _has_keys(octobot_home: home.Home, exchange: str) -> bool:
    if not octobot_home.config.is_file():
        return False
    of_user = _entry(home.read_json(octobot_home.config), exchange)
    return bool(of_user.get("api-key") and of_user.get("api-secret"))


def _folder(save: pathlib.Path | None) -> pathlib.Path | None:
    if save is None:
        return None
    try:
        private_files.make_folder(save)
    except OSError as error:
        raise home.HomeError(f"the folder {save} can't be made: {error.strerror}") from error
    return save.absolute()


def _ask(plan: CheckPlan, *, is_order_wanted: bool) -> tuple[list[Row], bool]:
    """The rows of OctoBot with the keys of the home, and whether it was interrupted."""
    settings = plan.use.settings
    most_quote = None if settings.target_currency else min(settings.max_buy_amount, settings.max_sell_amount)
    request = account_checks.CheckRequest(
        exchange=plan.exchange,
        symbols=list(plan.use.symbols),
        profile=str(plan.profile),
        settings=str(plan.profile / home.MODE_CONFIG),
        of_profile=plan.of_profile,
        most_quote=None if most_quote is None else f"{most_quote:f}",
        is_order_wanted=is_order_wanted,
        save="" if plan.save is None else str(plan.save),
    )
    with contextlib.ExitStack() as stack:
        ports = stack.enter_context(_local_exchange(plan))
        is_interrupted = stack.enter_context(run.interruption())
        status = terminal.Console(stderr=True).status(f"Asking {plan.exchange}")
        if sys.stderr.isatty():
            stack.enter_context(status)
        return check_process.ask(plan.home, ports, request, is_interrupted), is_interrupted()


@contextlib.contextmanager
def _local_exchange(plan: CheckPlan) -> Iterator[dict[str, int]]:
    """The port of the exchange of this computer, on a copy of its account: it is started where none is named."""
    variable = launch.PORT_VARIABLES.get(plan.exchange)
    if variable is None:
        yield {}
        return
    if named := os.environ.get(variable, ""):
        yield {plan.exchange: int(named)} if named.isdecimal() else {}
        return
    state = sandbox.state_file(plan.exchange, plan.home)
    if not state.is_file():
        raise home.HomeError(f"{plan.home.path} has no account on {plan.exchange}: `volume-booster sandbox` makes one")
    with tempfile.TemporaryDirectory() as folder:
        for log in state.parent.glob(f"{state.name}.log-*"):  # before the state: it may be written in the meantime
            shutil.copy(log, folder)
        copy = pathlib.Path(shutil.copy(state, folder))
        exchange, port = launch.start_exchange(0, plan.home.logs / "check-exchange.log", "--state", str(copy))
        try:
            yield {plan.exchange: port}
        finally:
            exchange.stop()
