"""`volume-booster init`: a profile of one's own, in which nothing real is switched on, and its plan."""

from __future__ import annotations

import io
import json
import pathlib
import sys
from typing import Any

import pytest
from typing_person import Terminal

from octobot_volume_booster.cli.main import main
from octobot_volume_booster.core.settings.schema import parse_settings, without_octobot_keys

MODE = "specific_config/VolumeBoosterTradingMode.json"


@pytest.fixture(autouse=True)
def folder(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> pathlib.Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def typed(monkeypatch: pytest.MonkeyPatch, *answers: str) -> None:
    monkeypatch.setattr(sys, "stdin", Terminal("".join(f"{answer}\n" for answer in answers)))


def written(folder: pathlib.Path, profile: str = "my_campaign") -> tuple[dict[str, Any], dict[str, Any]]:
    place = folder / ".octobot" / "user" / "profiles" / profile
    return json.loads((place / "profile.json").read_text("utf-8")), json.loads((place / MODE).read_text("utf-8"))


def check_nothing_is_real(profile: dict[str, Any], settings: dict[str, Any]) -> None:
    config = profile["config"]
    assert (config["trader"]["enabled"], config["trader-simulator"]["enabled"]) == (False, True)
    assert settings["i_accept_real_trading"] is False
    parse_settings(without_octobot_keys(settings))


def test_the_defaults_are_taken_unasked(folder: pathlib.Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["init", "--yes"]) == 0
    out = capsys.readouterr().out
    assert "Plan" in out and "volume-booster simulate --home .octobot --profile my_campaign" in out
    profile, settings = written(folder)
    check_nothing_is_real(profile, settings)
    assert (settings["volume_target"], settings["preset"]) == (50_000, "moderate")
    assert list(profile["config"]["exchanges"]) == ["offline_exchange"]
    assert profile["profile"]["id"] == "my_campaign"


def test_a_contract_of_a_listed_pair_needs_no_price_and_costs_what_contracts_do(
    folder: pathlib.Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["init", "--yes", "--pair", "BTC/USDT:USDT"]) == 0
    profile, settings = written(folder)
    check_nothing_is_real(profile, settings)
    config = profile["config"]
    assert config["exchanges"] == {"offline_exchange": {"enabled": True, "exchange-type": "future"}}
    assert config["trader-simulator"]["fees"] == {"maker": 0.02, "taker": 0.05}
    (costs,) = (line for line in capsys.readouterr().out.splitlines() if "Cost (bps)" in line)
    assert [cell.strip() for cell in costs.split("│")[2:5]] == ["5.00"] * 3


def test_what_is_answered_is_in_the_profile_and_a_wrong_answer_is_asked_again(
    folder: pathlib.Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    typed(monkeypatch, "binanc", "Binance", "BTC", "sol/usdt", "-5", "20,000", "40", "slow", "Aggressive", "150")
    assert main(["init", "--profile", "sol"]) == 0
    out = capsys.readouterr().out
    assert all(words in out for words in ("did you mean binance", "BASE/QUOTE", "greater than 0", "is no urgency"))
    assert "volume-booster check --exchange binance" in out
    profile, settings = written(folder, "sol")
    check_nothing_is_real(profile, settings)
    assert (settings["volume_target"], settings["max_cost_quote"], settings["preset"]) == (20_000, 40, "aggressive")
    assert profile["config"]["crypto-currencies"] == {"SOL": {"enabled": True, "pairs": ["SOL/USDT"]}}
    assert list(profile["config"]["exchanges"]) == ["binance"]


def test_amounts_in_another_money_follow_the_target(folder: pathlib.Path, capsys: pytest.CaptureFixture[str]) -> None:
    options = ["--pair", "ETH/BTC", "--target", "2", "--price", "0.05", "--exchange", "kraken"]
    assert main(["init", "--yes", *options]) == 0
    profile, settings = written(folder)
    check_nothing_is_real(profile, settings)
    assert (settings["min_buy_amount"], settings["max_sell_amount"]) == (0.001, 0.006)
    assert profile["config"]["trader-simulator"]["starting-portfolio"] == {"ETH": 8, "BTC": 0.4}
    capsys.readouterr()


def test_what_is_there_is_not_overwritten(folder: pathlib.Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["init", "--yes"]) == 0
    before = written(folder)
    capsys.readouterr()
    assert main(["init", "--yes", "--target", "7"]) == 2
    assert "there is a profile 'my_campaign'" in capsys.readouterr().err
    assert written(folder) == before


@pytest.mark.parametrize(
    ("arguments", "answers", "sentence"),
    [
        ([], None, "standard input is no terminal"),
        ([], ["binance", "BTC/USDT"], "the answers ended before the questions"),
        (["--yes", "--pair", "SOL/USDT"], None, "--price"),
        (["--yes", "--target", "x"], None, "volume_target"),
        (["--yes", "--exchange", "binanc"], None, "did you mean binance"),
        (["--yes", "--urgency", "agressive"], None, "did you mean aggressive?"),
        (["--yes", "--budget", "-1"], None, "max_cost_quote"),
    ],
)
def test_what_can_not_be_used_leaves_nothing_behind(
    arguments: list[str],
    answers: list[str] | None,
    sentence: str,
    folder: pathlib.Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    if answers is not None:
        typed(monkeypatch, *answers)
    else:
        monkeypatch.setattr(sys, "stdin", io.StringIO(""))
    assert main(["init", *arguments]) == 2
    told = capsys.readouterr().err
    assert sentence in told and len(told.splitlines()) == 1
    assert list(folder.iterdir()) == []
