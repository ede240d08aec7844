"""`volume-booster plan`: its contract, its exit codes, and what it says to what can't be used."""

from __future__ import annotations

import json
import pathlib
import shutil
from decimal import Decimal
from typing import Any

import pytest

from octobot_volume_booster.campaign.campaign import Campaign
from octobot_volume_booster.cli.main import main
from octobot_volume_booster.core.model.basics import Trading
from octobot_volume_booster.core.model.instrument import MarketRules
from octobot_volume_booster.core.model.snapshot import Balances
from octobot_volume_booster.core.planning.market_conditions import Conditions
from octobot_volume_booster.journal.file import CAMPAIGN_FILE

BANDS = ("orders", "duration_s", "fees_quote", "spread_quote", "cost_quote", "cost_bps")
TIERS = "volume,maker,taker\n0,0.1,0.1\n40000,0.08,0.09\n1000000,0.05,0.06\n"


def run(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, str, str]:
    """With the plain profile, whose settings are the defaults, unless another is named or the home's is wanted."""
    has_own = any(str(argument) in ("--profile", "--home") for argument in arguments)
    plain = [] if has_own else ["--profile", "volume_booster"]
    try:
        exit_code = main(["plan", *plain, *map(str, arguments)])
    except SystemExit as ended:
        exit_code = int(str(ended.code))
    told = capsys.readouterr()
    return exit_code, told.out, told.err


def plan(capsys: pytest.CaptureFixture[str], *arguments: object) -> dict[str, Any]:
    exit_code, out, err = run(capsys, "--json", *arguments)
    assert (exit_code, err) == (0, "")
    planned: dict[str, Any] = json.loads(out.splitlines()[-1])
    return planned


@pytest.fixture(autouse=True)
def empty_folder(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> pathlib.Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_the_defaults_have_the_fields_of_the_contract(capsys: pytest.CaptureFixture[str]) -> None:
    planned = plan(capsys)
    assert (planned["feasible"], planned["problems"]) == (True, [])
    for name in BANDS:
        low, expected, high = (Decimal(str(planned[name][end])) for end in ("low", "expected", "high"))
        assert low <= expected <= high
        assert isinstance(planned[name]["low"], str) == (name not in ("orders", "duration_s"))
    assert abs(planned["orders"]["expected"] - 571) <= 6
    assert abs(planned["duration_s"]["expected"] / 60 - 48) < 1
    assert float(planned["cost_bps"]["expected"]) == pytest.approx(10, abs=0.01)
    assert set(planned["capital"]) == {"base", "quote"}


def test_the_same_question_has_the_same_answer_and_leaves_nothing_behind(
    capsys: pytest.CaptureFixture[str], empty_folder: pathlib.Path
) -> None:
    assert plan(capsys, "--target", 5_000) == plan(capsys, "--target", 5_000)
    assert plan(capsys, "--target", 5_000) != plan(capsys, "--target", 5_000, "--seed", 1)
    assert list(empty_folder.iterdir()) == []


def test_a_person_reads_a_table_with_what_was_assumed(capsys: pytest.CaptureFixture[str]) -> None:
    exit_code, out, _ = run(capsys, "--target", 5_000)
    assert exit_code == 0
    for words in ("low", "expected", "high", "Duration", "Capital", "90 % of simulated campaigns", "Assumed fees"):
        assert words in out
    assert max(map(len, out.splitlines())) <= 80


def test_what_it_costs_follows_the_fees_and_the_spread_that_are_given(capsys: pytest.CaptureFixture[str]) -> None:
    planned = plan(capsys, "--target", 5_000, "--taker-fee-percent", "0.02", "--spread-bps", 6)
    assert float(planned["cost_bps"]["expected"]) == pytest.approx(2 + 3, abs=0.01)
    assert float(planned["fees_quote"]["expected"]) == pytest.approx(1, abs=0.01)


def test_in_the_sandbox_it_pays_the_spread_of_the_local_exchange(capsys: pytest.CaptureFixture[str]) -> None:
    planned = plan(capsys, "--profile", "volume_booster_sandbox")
    assert planned["trading"] == "sandbox"
    assert 10.4 < float(planned["cost_bps"]["expected"]) < 10.8


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--balance", "USDT=1", "--balance", "BTC=0"], "--balance USDT="),
        (["--set", "max_cost_bps=5"], "max_cost_bps="),
        (["--deadline", "600"], "trade_frequency_min="),
        (["--set", "max_buy_amount=2", "--set", "min_buy_amount=1"], "max_buy_amount="),
        (["--market-volume", "100"], "volume_target="),
    ],
)
def test_what_can_not_be_done_is_2_with_every_reason_and_what_would_work(
    arguments: list[str], told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    exit_code, out, err = run(capsys, "--json", *arguments)
    planned = json.loads(out)
    assert (exit_code, planned["feasible"]) == (2, False)
    assert [f"volume-booster: {problem}" for problem in planned["problems"]] == err.splitlines()
    assert told in err
    assert "it would work with" in err


@pytest.mark.parametrize(("budget", "is_recommended"), [("1", False), ("1000", True)])
def test_a_way_is_recommended_only_where_the_plan_can_be_carried_out(
    budget: str, is_recommended: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    _, out, _ = run(capsys, "--set", f"max_cost_quote={budget}")
    assert "Ways to the target" in out
    assert ("Recommended" in out) is is_recommended


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--set", "nonsense=1"], "nonsense"),
        (["--target", "-5"], "volume_target"),
        (["--price", "0"], "price"),
        (["--balance", "BTC"], "ASSET=AMOUNT"),
        (["--deadline", "soon"], "deadline"),
        (["--seed", "x"], "whole number"),
        (["--profile", "other"], "there is no profile 'other'"),
        (["--fee-tiers", "missing.csv"], "missing.csv can't be read"),
        (["--spread-bps", "nan"], "spread"),
        (["--price-tick", "0"], "price tick must be above 0"),
        (["--quantity-step", "x"], "quantity step must be a number"),
        (["--max-quantity", "-1"], "maximum must be a number"),
        (["--price-tick", "100", "--price", "20"], "a price of 20 is less than a price tick of 100"),
    ],
)
def test_what_can_not_be_used_is_one_sentence(
    arguments: list[str], told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    exit_code, out, err = run(capsys, *arguments)
    assert (exit_code, out) == (2, "")
    assert told in err
    assert len(err.splitlines()) == 1


def with_profile(folder: pathlib.Path, pair: str, **held: float) -> list[str]:
    """The bundled profile with another pair: the options that choose it."""
    bundled = pathlib.Path(__file__).parents[2] / "profiles" / "volume_booster"
    profile = folder / "home" / "user" / "profiles" / "other"
    shutil.copytree(bundled, profile)
    content = json.loads((profile / "profile.json").read_text("utf-8"))
    content["profile"] |= {"id": "other", "name": "other"}
    content["config"]["crypto-currencies"] = {"coin": {"enabled": True, "pairs": [pair]}}
    content["config"]["trader-simulator"]["starting-portfolio"] = held
    (profile / "profile.json").write_text(json.dumps(content), "utf-8")
    return ["--home", str(folder / "home"), "--profile", "other"]


SMALL_AMOUNTS = [
    f"--set={end}_{side}_amount={value}"
    for side in ("buy", "sell")
    for end, value in (("min", "0.0005"), ("max", "0.003"))
]


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize(
    ("pair", "held", "arguments", "orders", "assumed"),
    [
        ("SHIB/USDT", {"SHIB": 5e8, "USDT": 5_000}, ["--target", "1000", "--price", "0.00001234"], 11,
         "a price tick of 0.000000001, a quantity step of 1000, a smallest order of 5 and no largest one"),
        ("SHIB/USDT", {"SHIB": 5e8, "USDT": 5_000},
         ["--target", "1000", "--price", "0.00001234", "--price-tick", "1e-8", "--quantity-step", "1",
          "--max-quantity", "1e9"], 11,
         "a price tick of 0.00000001, a quantity step of 1, a smallest order of 5 and a largest one of 1000000000"),
        ("DOGE/USDC", {"DOGE": 5e4, "USDC": 5_000}, ["--target", "1000", "--price", "0.2"], 11,
         "a price tick of 0.00001, a quantity step of 0.1, a smallest order of 5 and no largest one"),
        ("ETH/BTC", {"ETH": 10, "BTC": 0.5}, ["--target", "0.05", "--price", "0.0345", *SMALL_AMOUNTS], 29,
         "a price tick of 0.000001, a quantity step of 0.00001, a smallest order of 0.00009 and no largest one"),
        ("ETH/BTC", {"ETH": 10, "BTC": 0.5},
         ["--target", "0.05", "--price", "0.0345", "--min-notional", "0.0001", *SMALL_AMOUNTS], 29,
         "a price tick of 0.000001, a quantity step of 0.00001, a smallest order of 0.0001 and no largest one"),
        ("ETH/SOL", {"ETH": 10, "SOL": 0.5}, ["--target", "0.05", "--price", "0.0345", *SMALL_AMOUNTS], 29,
         "a price tick of 0.000001, a quantity step of 0.00001, a smallest order of 0.0001 and no largest one"),
    ],
)  # fmt: skip
def test_a_pair_that_the_local_exchange_does_not_list_has_rules_for_its_price(
    pair: str, held: dict[str, float], arguments: list[str], orders: int, assumed: str, empty_folder: pathlib.Path,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    planned = plan(capsys, *with_profile(empty_folder, pair, **held), *arguments)
    assert abs(planned["orders"]["expected"] - orders) <= 1
    assert float(planned["cost_bps"]["expected"]) == pytest.approx(10, abs=0.05)
    assert any(assumed in source for source in planned["assumptions"])


def test_a_pair_that_a_campaign_of_the_home_traded_has_its_own_rules_and_price(
    empty_folder: pathlib.Path, capsys: pytest.CaptureFixture[str]
) -> None:
    options = with_profile(empty_folder, "SHIB/USDT", SHIB=5e8, USDT=5_000)
    rules = MarketRules("SHIB", "USDT", Decimal("1e-8"), Decimal(1), Decimal(1), Decimal(2), Decimal(92141578))
    met = Conditions(rules, Decimal("0.00001234"), Balances(Decimal(0), Decimal(0)))
    campaign = Campaign.open(empty_folder / "home" / "user" / CAMPAIGN_FILE)
    campaign.begin(0.0, Trading.SIMULATION, 7, "2.0.15", "binance SHIB/USDT")
    campaign.note_conditions(0.0, "binance SHIB/USDT", met)
    campaign.close_journal()
    planned = plan(capsys, *options, "--target", 1_000)
    assert abs(planned["orders"]["expected"] - 11) <= 1
    assert "rules and price: those that this home's campaign met when it began" in planned["assumptions"]
    given = plan(capsys, *options, "--target", 1_000, "--quantity-step", "10")
    assert any(
        "a price tick of 0.00000001, a quantity step of 10, a smallest order of 2" in one
        for one in given["assumptions"]
    )


@pytest.mark.parametrize(("pair", "margin"), [("BTC/USDT:USDT", {"USDT": 10_000}), ("BTC/USD:BTC", {"BTC": 1})])
def test_a_contract_is_planned_in_its_quote_with_its_margin(
    pair: str, margin: dict[str, float], empty_folder: pathlib.Path, capsys: pytest.CaptureFixture[str]
) -> None:
    exit_code, out, _ = run(capsys, *with_profile(empty_folder, pair, **margin), "--target", "1000", "--price", "60000")
    quote = pair.partition("/")[2].partition(":")[0]
    assert exit_code == 0
    assert f"Plan: 1,000.00 {quote} of {pair} on binance" in out
    assert f"({quote})" in out and f"({quote}:" not in out
    poor = with_profile(empty_folder / "poor", pair)
    _, _, err = run(capsys, *poor, "--target", "1000", "--price", "60000")
    assert "the profile has no balance of " + pair.partition(":")[2] in err


def test_the_rules_that_are_given_replace_those_of_the_local_exchange(capsys: pytest.CaptureFixture[str]) -> None:
    given = ["--price-tick", "0.5", "--quantity-step", "0.0005", "--max-quantity", "0.001"]
    planned = plan(capsys, "--target", 1_000, *given)
    assert (
        "a price tick of 0.5, a quantity step of 0.0005, a smallest order of 5 and a largest one of 0.001"
        in (planned["assumptions"][0])
    )
    assert planned["orders"]["expected"] > 1_000 / 60, "an order is 60 at the most"
    assert any("orders above 60.00, the exchange's largest, are cut to it" in note for note in planned["notes"])


def test_fee_tiers_tell_what_is_reached_saved_and_when_it_was_worth_it(
    capsys: pytest.CaptureFixture[str], empty_folder: pathlib.Path
) -> None:
    (empty_folder / "tiers.csv").write_text(TIERS, "utf-8")
    gained = plan(capsys, "--fee-tiers", "tiers.csv")["fee_tier"]
    assert gained["reached"]["volume"] == "40000"
    assert (gained["taker_saving_bps"], gained["maker_saving_bps"]) == ("1", "2")
    assert float(gained["break_even_taker_quote"]) == pytest.approx(500_000, rel=1e-3)
    assert gained["missing_quote"] == "950000"
    exit_code, out, _ = run(capsys, "--fee-tiers", "tiers.csv")
    assert exit_code == 0
    assert "saves 1.00 bps as taker" in " ".join(out.split())


def test_a_table_that_is_none_is_told_with_its_line(
    capsys: pytest.CaptureFixture[str], empty_folder: pathlib.Path
) -> None:
    (empty_folder / "tiers.csv").write_text("0,0.1,0.1\nten,0.1,0.1\n", "utf-8")
    exit_code, _, err = run(capsys, "--fee-tiers", "tiers.csv")
    assert exit_code == 2
    assert "line 2" in err


def selected(home: pathlib.Path, profile: str) -> None:
    """A home whose OctoBot starts with a profile of the bundle, with a cost limit of its own."""
    bundled = pathlib.Path(__file__).parents[2] / "profiles" / profile
    shutil.copytree(bundled, home / "user" / "profiles" / profile)
    settings = home / "user" / "profiles" / profile / "specific_config" / "VolumeBoosterTradingMode.json"
    settings.write_text(json.dumps(json.loads(settings.read_text("utf-8")) | {"volume_target": 7_000}), "utf-8")
    (home / "user" / "config.json").write_text(json.dumps({"profile": profile}), "utf-8")


def test_without_a_home_it_plans_what_simulate_would_run(
    empty_folder: pathlib.Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["plan"]) == 0
    first = capsys.readouterr().out.splitlines()[0]
    assert "`volume-booster simulate` with the profile" in first
    planned = plan(capsys, "--home", ".octobot")
    assert planned["profile"] == "volume_booster_offline"
    assert 45 < planned["orders"]["expected"] < 60


@pytest.mark.parametrize("profile", ["volume_booster_sandbox", "volume_booster_offline", "volume_booster"])
def test_of_a_home_it_plans_the_profile_that_is_selected_there(
    profile: str, empty_folder: pathlib.Path, capsys: pytest.CaptureFixture[str]
) -> None:
    selected(empty_folder / "home", profile)
    planned = plan(capsys, "--home", "home")
    assert (planned["profile"], planned["target_quote"]) == (profile, "7000.00")
    assert planned["home"] == str(empty_folder / "home")
    assert main(["plan", "--home", "home"]) == 0
    text = " ".join(capsys.readouterr().out.split())
    assert profile in text and "that of" in text
    assert plan(capsys, "--home", "home", "--profile", "volume_booster_several")["profile"] == "volume_booster_several"


def test_of_several_markets_it_says_which_one_it_plans(capsys: pytest.CaptureFixture[str]) -> None:
    planned = plan(capsys, "--profile", "volume_booster_several")
    assert len(planned["markets"]) == 4 and planned["symbol"] in planned["markets"][0]
    assert main(["plan", "--profile", "volume_booster_several"]) == 0
    text = " ".join(capsys.readouterr().out.split())
    assert "each of its 4 markets is planned like BTC/USDT on offline_exchange" in text
