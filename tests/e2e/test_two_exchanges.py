"""One OctoBot with its real trader on two local exchanges, each a process of its own; one is down for a while."""

from __future__ import annotations

import contextlib
import pathlib
import time
import typing
from collections.abc import Iterator
from decimal import Decimal

import pytest

from octobot_volume_booster.cli.commands import install
from octobot_volume_booster.cli.commands.sandbox import Sandbox
from octobot_volume_booster.cli.files import home as homes
from octobot_volume_booster.cli.process import launch
from octobot_volume_booster.reporting.report import CampaignReport, read_report

from ..exchange.control_client import controlled

pytestmark = [pytest.mark.e2e, pytest.mark.long, pytest.mark.once]

PROFILE = "volume_booster_several"
DOWN_S = 10.0
TARGET_QUOTE = Decimal(2_400)
LARGEST_MINIMUM_QUOTE = Decimal(6)
PACE: dict[str, typing.Any] = {
    "seed": 7, "volume_target": str(TARGET_QUOTE), "trade_frequency_min": 0.3, "trade_frequency_max": 0.6,
    "min_buy_amount": 10, "max_buy_amount": 30, "min_sell_amount": 10, "max_sell_amount": 30,
    "max_orders_per_second": 20,
}  # fmt: skip


class LocalExchange:
    """A local exchange that can be shut down and comes up again with all that it had."""

    def __init__(self, name: str, home: homes.Home, number: int) -> None:
        self.name = name
        self._log = home.path.with_name(f"{name}.log")
        options = Sandbox().exchange_options(name, home, homes.profile_config(home.profile(PROFILE)), True)
        self._state = options[options.index("--state") + 1]
        self._child, self.port = launch.start_exchange(0, self._log, *options, "--control", "--seed", str(number))

    def go_down(self) -> None:
        self._child.stop()

    def come_up(self) -> None:
        self._child, _ = launch.start_exchange(self.port, self._log, "--state", self._state, "--control")

    def tape(self) -> dict[str, typing.Any]:
        token = pathlib.Path(self._state).with_suffix(".token")
        return typing.cast(dict[str, typing.Any], controlled(self.port, token, "tape?account=sandbox"))


@contextlib.contextmanager
def two_exchanges(folder: pathlib.Path) -> Iterator[tuple[homes.Home, list[LocalExchange]]]:
    home = homes.Home(folder)
    home.make()
    install.install(home.path)
    home.select_profile(PROFILE)
    with contextlib.ExitStack() as stack:
        exchanges = []
        for number, name in enumerate(homes.OFFLINE_EXCHANGES):
            exchange = LocalExchange(name, home, number)
            stack.callback(exchange.go_down)
            exchanges.append(exchange)
            Sandbox().connect(name, home)
        stack.enter_context(homes.settings_of_this_run(home.profile(PROFILE), PACE))
        octobot = launch.start_octobot(home.path, {exchange.name: exchange.port for exchange in exchanges})
        stack.callback(octobot.stop)
        yield home, exchanges


def report_of(home: homes.Home) -> CampaignReport | None:
    return read_report(home.campaign) if home.campaign.exists() else None


def filled_on(home: homes.Home, exchange: LocalExchange) -> Decimal:
    report = report_of(home)
    parts = report.parts if report is not None else ()
    return sum((part.progress.filled_quote for part in parts if part.exchange == exchange.name), Decimal(0))


def wait_until(happens: typing.Callable[[], bool], what: str, home: homes.Home) -> None:
    deadline = time.monotonic() + 300
    while not happens():
        assert time.monotonic() < deadline, f"not in 300 s: {what}; {report_of(home)}"
        time.sleep(0.1)


def fee_quote(trade: dict[str, typing.Any]) -> Decimal:
    party = trade["buyer"] if trade["buyer"]["account"] == "sandbox" else trade["seller"]
    fee = Decimal(party["fee"])
    return fee if party["fee_asset"] == "USDT" else fee * Decimal(trade["price_quote"])


def test_an_exchange_that_is_down_for_ten_seconds_stops_nobody_and_the_ledger_is_both_tapes(
    new_home: pathlib.Path,
) -> None:
    with two_exchanges(new_home) as (home, (first, second)):
        wait_until(lambda: min(filled_on(home, first), filled_on(home, second)) > 150, "both trade", home)
        second.go_down()
        before = filled_on(home, first)
        time.sleep(DOWN_S)
        while_down = filled_on(home, first) - before
        second.come_up()
        wait_until(lambda: (report := report_of(home)) is not None and report.is_wrapped_up, "it is done", home)
        report, tapes = report_of(home), [first.tape(), second.tape()]
    assert report is not None
    trades = [trade for tape in tapes for trade in tape["trades"]]
    progress = report.progress
    assert while_down > 50, "the other exchange went on"
    assert progress.filled_quote == sum(Decimal(trade["notional_quote"]) for trade in trades)
    assert progress.fees_quote == sum(map(fee_quote, trades))
    assert progress.fills == len(trades)
    assert TARGET_QUOTE <= progress.filled_quote <= TARGET_QUOTE + LARGEST_MINIMUM_QUOTE
    assert [(tape["self_matches"], tape["prevented_matches"]) for tape in tapes] == [(0, 0), (0, 0)]
    quarter = TARGET_QUOTE / 4
    assert all(abs(part.progress.filled_quote - quarter) < quarter * Decimal("0.1") for part in report.parts)
