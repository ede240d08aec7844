"""Backtests as a person runs them: the command, OctoBot's engine, and OctoBot's own command."""

from __future__ import annotations

import csv
import json
import pathlib
import shutil
import sqlite3
import subprocess
import time

import pytest

from octobot_volume_booster.cli.files import candle_files, home
from octobot_volume_booster.cli.process.octobot_process import octobot_command, offline_environment
from octobot_volume_booster.journal.file import BACKTEST_FILE
from octobot_volume_booster.journal.journal import JournalError
from octobot_volume_booster.reporting.report import CampaignReport, read_report

from .conftest import volume_booster

pytestmark = pytest.mark.e2e
DEADLINE_S = 240
COLLECTOR = """
import octobot_backtesting.collectors as collectors


class ExchangeHistoryDataCollector(collectors.AbstractExchangeHistoryCollector):
    pass
"""


def candles_csv(path: pathlib.Path, minutes: int) -> pathlib.Path:
    drawn = candle_files.draw(7, "BTC/USDT", minutes).candles
    rows = [[c.opened_at * 1000, c.open, c.high, c.low, c.close, c.volume] for c in drawn]
    with path.open("w", newline="") as file:
        csv.writer(file).writerows(rows)
    return path


def test_the_same_seed_gives_the_same_result_twice_and_the_campaign_of_the_home_is_left_alone(
    new_home: pathlib.Path, tmp_path: pathlib.Path
) -> None:
    arguments = ("backtest", "--home", str(new_home), "--target", "50000", "--seed", "7", "--json")
    first, second = (volume_booster(*arguments, cwd=tmp_path) for _ in range(2))
    assert first.exit_code == second.exit_code == 0, first.errors
    results = [run.result for run in (first, second)]
    assert all(result.pop("wall_s") > 0 for result in results)
    assert results[0] == results[1]
    assert (results[0]["state"], results[0]["trading"]) == ("done", "backtest")
    assert 50_000 <= float(results[0]["filled_quote"]) < 50_005
    # on the clock of the data: 50,000 of the default orders take some 48 minutes
    assert 2_400 < results[0]["runtime_s"] < 3_400
    assert results[0]["started_at"].startswith("2023-11-15T00:01")
    assert not home.Home(new_home).campaign.exists()


@pytest.mark.once
def test_several_pairs_on_several_exchanges_share_the_target_as_set_and_the_same_seed_gives_the_same(
    new_home: pathlib.Path, tmp_path: pathlib.Path
) -> None:
    arguments = ("backtest", "--home", str(new_home), "--profile", "volume_booster_several", "--target", "20000")
    weights = ("--set", "share_by=weights", "--set", "share_weights=second_offline_exchange = 3", "--seed", "7")
    first, second = (volume_booster(*arguments, *weights, "--json", cwd=tmp_path).result for _ in range(2))
    assert (first.pop("wall_s"), second.pop("wall_s")) > (0, 0)
    assert first == second
    assert 20_000 <= float(first["filled_quote"]) < 20_010
    shares = {(market["exchange"], market["symbol"]): float(market["filled_quote"]) for market in first["markets"]}
    assert shares == {
        ("offline_exchange", "BTC/USDT"): pytest.approx(2_500, abs=10),
        ("offline_exchange", "ETH/USDT"): pytest.approx(2_500, abs=10),
        ("second_offline_exchange", "BTC/USDT"): pytest.approx(7_500, abs=10),
        ("second_offline_exchange", "ETH/USDT"): pytest.approx(7_500, abs=10),
    }


@pytest.mark.once
def test_inverse_contracts_count_with_their_face_value_and_cost_their_fee(
    new_home: pathlib.Path, tmp_path: pathlib.Path
) -> None:
    """OctoBot's backtesting takes every contract for a linear one by itself."""
    assert volume_booster("install", "--home", str(new_home), cwd=tmp_path).exit_code == 0
    profiles = new_home / "user" / "profiles"
    shutil.copytree(profiles / "volume_booster", profiles / "inverse")
    file = profiles / "inverse" / "profile.json"
    profile = json.loads(file.read_text("utf-8"))
    profile["profile"]["id"] = "inverse"
    profile["config"] |= {
        "crypto-currencies": {"Bitcoin": {"enabled": True, "pairs": ["BTC/USD:BTC"]}},
        "exchanges": {"binance": {"enabled": True, "exchange-type": "future"}},
    }
    profile["config"]["trader-simulator"] |= {"starting-portfolio": {"BTC": 1}, "fees": {"maker": 0.05, "taker": 0.05}}
    file.write_text(json.dumps(profile), "utf-8")
    sized = [
        f"--set={end}_{side}_amount={amount}"
        for side in ("buy", "sell")
        for end, amount in (("min", 200), ("max", 400))
    ]
    candles = str(candles_csv(tmp_path / "candles.csv", 60))
    arguments = ("backtest", "--home", str(new_home), "--profile", "inverse", "--data", candles, "--target", "3000")
    run = volume_booster(*arguments, *sized, "--seed", "7", "--json", cwd=tmp_path)
    assert (run.exit_code, run.result["state"], run.result["rejected"]) == (0, "done", 0), run.errors
    assert 8 <= run.result["orders"] <= 15
    assert float(run.result["fees_quote"]) == pytest.approx(float(run.result["filled_quote"]) * 0.0005)


def test_data_that_end_before_the_target_are_told_with_exit_code_4(
    new_home: pathlib.Path, tmp_path: pathlib.Path
) -> None:
    data = candles_csv(tmp_path / "ten-minutes.csv", minutes=10)
    run = volume_booster(
        "backtest", "--home", str(new_home), "--seed", "7", "--data", str(data), "--json", cwd=tmp_path
    )
    assert run.exit_code == 4
    assert "the data ended before the target was reached" in run.errors
    assert run.result["state"] == "stopped"
    assert 7_000 < float(run.result["filled_quote"]) < 13_000
    assert run.result["ended_at"] == "2023-11-15T00:10:00+00:00"


@pytest.mark.once
def test_a_sweep_runs_every_combination_and_writes_one_file(new_home: pathlib.Path, tmp_path: pathlib.Path) -> None:
    run = volume_booster(
        *("backtest", "--home", str(new_home), "--target", "2000", "--seed", "7", "--quiet"),
        *("--sweep", "max_cost_quote=1000,1", "--sweep", "side_policy=alternate", "--csv", "result.csv", "--json"),
        cwd=tmp_path,
    )
    assert run.exit_code == 0, run.errors
    with (tmp_path / "result.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["max_cost_quote"] for row in rows] == ["1000", "1"]
    assert [(row["state"], row["halts"]) for row in rows] == [("done", "0"), ("halted", "1")]
    assert float(rows[0]["cost_quote"]) > 1 >= float(rows[1]["cost_quote"])
    assert [told["orders"] for told in run.result["runs"]] == [int(row["orders"]) for row in rows]


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("--data", "missing.csv"), "there is no file missing.csv"),
        (("--data", "bad.csv"), "bad.csv can't be used as candles: line 2: the high 1 is below another price"),
        (("--sweep", "preset=moderate,bold"), "preset: "),
        (("--sweep", "preset"), "'preset' is not of the form key=value"),
        (("--sweep", "seed=1", "--sweep", "seed=2"), "seed: swept twice"),
        (("--symbol", "DOGE/EUR", "--seed", "1"), "there are no prices of DOGE/EUR to draw"),
        (("--profile", "nobody"), "there is no profile 'nobody'"),
        (("--days", "0"), "'0' is not a number of days"),
    ],
)
def test_what_can_not_be_run_is_one_sentence_and_exit_code_2(
    arguments: tuple[str, ...], told: str, tmp_path: pathlib.Path
) -> None:
    (tmp_path / "bad.csv").write_text("1700006400,10,12,9,11,5\n1700006460,11,1,10,12,5\n")
    run = volume_booster("backtest", "--home", "home", *arguments, cwd=tmp_path)
    assert run.exit_code == 2
    assert told in run.errors
    assert "Traceback" not in run.errors


def test_a_file_that_octobot_can_not_run_ends_with_its_reason(new_home: pathlib.Path, tmp_path: pathlib.Path) -> None:
    data = tmp_path / "future.data"
    candle_files.write_data_file(data, {"BTC/USDT": candle_files.draw(7, "BTC/USDT", minutes=5)}, "binance")
    with sqlite3.connect(data) as connection:
        connection.execute("UPDATE description SET version = '99.0'")
    connection.close()
    run = volume_booster("backtest", "--home", str(new_home), "--data", str(data), "--json", cwd=tmp_path)
    assert run.exit_code == 1
    assert "Unknown datafile version: 99.0" in run.errors
    assert "Traceback" not in run.errors


@pytest.mark.long
@pytest.mark.parametrize("has_collectors", [False, True], ids=["alone", "beside other tentacles"])
def test_octobots_own_backtesting_command_runs_the_profile(home: pathlib.Path, has_collectors: bool) -> None:
    candle_files.write_data_file(
        home / "backtesting" / "data" / "ExchangeHistoryDataCollector_1.data",
        {"BTC/USDT": candle_files.draw(7, "BTC/USDT", minutes=30)},
        "offline_exchange",
    )
    if has_collectors:
        package = home / "tentacles" / "Backtesting" / "collectors" / "exchanges"
        (package / "__init__.py").write_text("from .history import *\n")
        (package / "history.py").write_text(COLLECTOR)
        (package.parent / "__init__.py").write_text("from .exchanges import *\n")
    config = home / "user" / "config.json"
    config.write_text(json.dumps(json.loads(config.read_text()) | {"profile": "volume_booster_offline"}))
    report = run_octobot_backtesting(home, "ExchangeHistoryDataCollector_1.data")
    assert (report.state, report.trading) == ("done", "backtest")
    assert report.progress.filled_quote >= 50_000


def run_octobot_backtesting(octobot_home: pathlib.Path, file: str) -> CampaignReport:
    """`OctoBot -b -bf FILE`, until its campaign has ended: OctoBot 2.0 does not end by itself afterwards."""
    with (octobot_home / "octobot.log").open("wb") as log, subprocess.Popen(
        octobot_command("-b", "-bf", file), cwd=octobot_home, env=offline_environment(), stdin=subprocess.PIPE,
        stdout=log, stderr=log,
    ) as octobot:  # fmt: skip
        try:
            return wait_for_report(octobot_home / "user" / BACKTEST_FILE, octobot)
        finally:
            octobot.kill()


def wait_for_report(journal: pathlib.Path, octobot: subprocess.Popen[bytes]) -> CampaignReport:
    until = time.monotonic() + DEADLINE_S
    while time.monotonic() < until:
        try:
            report = read_report(journal)
        except JournalError:
            report = None
        if report is not None and report.ended_at is not None:
            return report
        assert octobot.poll() in (None, 0), (journal.parents[3] / "octobot.log").read_text()[-2_000:]
        time.sleep(0.2)
    raise AssertionError((journal.parents[3] / "octobot.log").read_text()[-2_000:])
