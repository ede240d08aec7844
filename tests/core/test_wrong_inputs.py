"""A table of wrong inputs: each is one sentence, or one a problem, exit code 2, no traceback, nothing written."""

from __future__ import annotations

import pathlib
import shlex
import time

import pytest

from octobot_volume_booster.cli.main import main

UNUSABLE, FAILED = 2, 1
WRONG: tuple[tuple[str, str], ...] = (
    # the command
    ("", "required: COMMAND"),
    ("sumilate", "there is no command 'sumilate'; did you mean simulate?"),
    ("Simulate", "did you mean simulate?"),
    ("simulation", "did you mean simulate?"),
    ("sandbx", "did you mean sandbox?"),
    ("back-test", "did you mean backtest?"),
    ("plann", "did you mean plan?"),
    ("emergency_stop", "did you mean emergency-stop?"),
    ("stauts", "did you mean status?"),
    ("raport", "did you mean report?"),
    ("exchnage", "did you mean exchange?"),
    ("xyz", "there is no command 'xyz'"),
    ("''", "there is no command ''"),
    ("--versoin", "unrecognized arguments: --versoin; did you mean --version? See `volume-booster --help`"),
    ("--home x simulate", "unrecognized arguments: --home; the command comes first"),
    # options that a command does not have
    ("simulate --targt 5", "did you mean --target? See `volume-booster simulate --help`"),
    ("simulate --targt=5", "did you mean --target?"),
    ("simulate --tar 5", "unrecognized arguments: --tar 5"),
    ("simulate --Target 5", "did you mean --target?"),
    ("simulate --dry-run", "`volume-booster simulate --help`"),
    ("simulate 5000", "unrecognized arguments: 5000"),
    ("simulate --sett a=1", "did you mean --set"),
    ("simulate --csv x", "unrecognized arguments: --csv x"),
    ("sandbox --pateince 5", "did you mean --patience? See `volume-booster sandbox --help`"),
    ("backtest --dayz 3", "did you mean --days? See `volume-booster backtest --help`"),
    ("backtest --fresh", "unrecognized arguments: --fresh"),
    ("plan --volatility-percnt 5", "did you mean --volatility-percent? See `volume-booster plan --help`"),
    ("plan --maker-fee 0.1", "did you mean --maker-fee-percent?"),
    ("status --profile x", "`volume-booster status --help`"),
    ("watch --htlm x", "unrecognized arguments: --htlm x"),
    ("report --htlm x", "did you mean --html?"),
    ("pause now", "unrecognized arguments: now"),
    ("resume --yes", "unrecognized arguments: --yes"),
    ("stop --forse", "unrecognized arguments: --forse"),
    ("emergency-stop --yess", "did you mean --yes?"),
    ("pack --output x.zip", "did you mean --out?"),
    ("check --exchnage binance", "did you mean --exchange?"),
    ("install --hom x", "required: --home"),
    # options without their value
    ("simulate --target", "argument --target: expected one argument"),
    ("simulate --home", "argument --home: expected one argument"),
    ("simulate --set", "argument --set: expected one argument"),
    ("plan --price", "argument --price: expected one argument"),
    ("report --html", "argument --html: expected one argument"),
    ("target", "required: QUOTE"),
    ("install", "required: --home"),
    # names that are empty, as of a variable that is not set
    ("simulate --home ''", "argument --home: the name is empty"),
    ("simulate --home '  '", "argument --home: the name is empty"),
    ("sandbox --home=", "argument --home: the name is empty"),
    ("backtest --home ''", "argument --home: the name is empty"),
    ("plan --home ''", "argument --home: the name is empty"),
    ("install --home ''", "argument --home: the name is empty"),
    ("check --home ''", "argument --home: the name is empty"),
    ("status --home ''", "argument --home: the name is empty"),
    ("watch --home ''", "argument --home: the name is empty"),
    ("stop --home ''", "argument --home: the name is empty"),
    ("emergency-stop --yes --home ''", "argument --home: the name is empty"),
    ("target 5 --home ''", "argument --home: the name is empty"),
    ("pack --out ''", "argument --out: the name is empty"),
    ("report --html ''", "argument --html: the name is empty"),
    ("report --csv ''", "argument --csv: the name is empty"),
    ("status --campaign ''", "argument --campaign: the name is empty"),
    ("backtest --data ''", "argument --data: the name is empty"),
    ("backtest --csv ''", "argument --csv: the name is empty"),
    ("plan --fee-tiers ''", "argument --fee-tiers: the name is empty"),
    ("simulate --settings ''", "argument --settings: the name is empty"),
    ("check --exchange binance --save ''", "argument --save: the name is empty"),
    ("simulate --profile ''", "'' is no profile"),
    ("simulate --target ''", "argument --target: the value is empty"),
    ("simulate --seed ''", "argument --seed: the value is empty"),
    ("target ''", "argument QUOTE: the value is empty"),
    ("check --exchange ''", "argument --exchange: the value is empty"),
    ("backtest --symbol ''", "'' is not of the form BASE/QUOTE"),
    # profiles
    ("simulate --profile nobody", "there is no profile 'nobody'; the bundle has"),
    ("simulate --profile volume-booster-offline", "did you mean volume_booster_offline?"),
    ("simulate --profile volume_boster", "did you mean volume_booster?"),
    ("plan --profile Volume_Booster_Sandbx", "did you mean volume_booster_sandbox?"),
    ("simulate --profile ../x", "'../x' is no profile"),
    ("simulate --profile .", "'.' is no profile"),
    ("backtest --profile ..", "'..' is no profile"),
    ("check --exchange binance --profile nobody", "there is no profile 'nobody'"),
    ("simulate --profile volume_booster_sandbox", "'volume_booster_sandbox' trades for real"),
    ("sandbox --profile volume_booster_offline", "'volume_booster_offline' only simulates"),
    ("sandbox --profile volume_booster", "only simulates"),
    # settings: names
    ("simulate --set max_buy_amont=5", "max_buy_amont: unknown setting; did you mean max_buy_amount?"),
    ("simulate --set max-buy-amount=5", "did you mean max_buy_amount?"),
    ("simulate --set Volume_Target=5", "did you mean volume_target?"),
    ("simulate --set target=5", "target: unknown setting"),
    ("simulate --set maxbuyamount=5", "did you mean max_buy_amount?"),
    ("sandbox --set nonsense=1", "nonsense: unknown setting; `volume-booster settings` lists them all"),
    ("backtest --set order_typ=limit", "did you mean order_type?"),
    ("plan --set trade_frequency=5", "did you mean trade_frequency_m"),
    ("plan --set required_strategies=1", "required_strategies: unknown setting"),
    ("simulate --set max_buy_amount", "'max_buy_amount' is not of the form key=value"),
    ("simulate --set =5", "'=5' is not of the form key=value"),
    ("simulate --set ''", "'' is not of the form key=value"),
    # settings: words
    ("simulate --set order_type=markt", "(got 'markt'); did you mean market?"),
    ("simulate --set order_type=", "order_type: input should be 'limit', 'market', 'passive' or 'pair'"),
    ("simulate --set order_type=stop", "(got 'stop')"),
    ("simulate --set preset=huge", "preset: input should be 'custom', 'conservative'"),
    ("simulate --set preset=agressive", "did you mean aggressive?"),
    ("plan --set side_policy=balance", "did you mean balanced?"),
    ("plan --set target_period=day", "target_period: input should be 'total' or 'daily'"),
    ("plan --set share_by=wieghts", "did you mean weights?"),
    ("plan --set enable_volume_booster=perhaps", "enable_volume_booster: input should be a valid boolean"),
    ("plan --set preset=moderate --set max_buy_amount=5", "max_buy_amount: the preset moderate decides it"),
    ("plan --set preset=Moderate --set order_type=limit", "order_type: the preset"),
    # settings: numbers
    ("simulate --target 0", "volume_target: input should be greater than 0"),
    ("simulate --target 0.01", "volume_target: 0.01 is below the smallest order of 5.00 USDT that the exchange"),
    ("backtest --target 0.01", "volume_target: 0.01 is below the smallest order of 5.00 USDT"),
    ("sandbox --target 4.99", "volume_target: 4.99 is below the smallest order of 5.00 USDT"),
    ("simulate --target -5", "volume_target: input should be greater than 0 (got '-5')"),
    ("simulate --target=-5", "volume_target"),
    ("simulate --target abc", "volume_target: input should be a valid decimal (got 'abc')"),
    ("simulate --target 50k", "volume_target: input should be a valid decimal (got '50k')"),
    ("simulate --target 0,5", "volume_target: input should be a valid decimal (got '0,5')"),
    ("simulate --target 50,00", "volume_target: input should be a valid decimal (got '50,00')"),
    ("simulate --target 1.000.000", "volume_target"),
    ("simulate --target '5 000'", "volume_target"),
    ("simulate --target 5,000USDT", "volume_target"),
    ("simulate --target nan", "volume_target"),
    ("simulate --target inf", "volume_target"),
    ("simulate --target 1e13", "volume_target"),
    ("simulate --target true", "volume_target"),
    ("simulate --target 5 --set volume_target=6", "volume_target: given twice, as 5 and with --set as 6"),
    ("backtest --seed 5 --set seed=6", "seed: given twice, as 5 and with --set as 6"),
    ("simulate --seed x", "seed: input should be a valid integer"),
    ("simulate --seed -1", "seed"),
    ("simulate --seed 1.5", "seed"),
    ("simulate --seed 99999999999999999999", "seed"),
    ("sandbox --set max_position_imbalance=2", "max_position_imbalance: input should be less than or equal to 1"),
    ("sandbox --set max_open_orders=0", "max_open_orders"),
    ("sandbox --set max_open_orders=2.5", "max_open_orders"),
    ("sandbox --set trade_frequency_min=0", "trade_frequency_min"),
    ("sandbox --set trade_frequency_min=fast", "trade_frequency_min: input should be a valid number"),
    ("sandbox --set max_cost_bps=-3", "max_cost_bps"),
    ("plan --set leverage=500", "leverage"),
    ("plan --set share_weights=BTC/USDT", "share_weights"),
    ("plan --set share_weights=BTC/USDT=x", "share_weights"),
    ("plan --set max_daily_quote=binance=-1", "max_daily_quote"),
    ("plan --set rate_limit_margins=binance=2", "rate_limit_margins"),
    ("plan --set exchange_priority=binance,binance", "binance is named twice"),
    ("target 0", "volume_target"),
    ("target abc", "volume_target"),
    # other numbers
    ("simulate --timeout 0", "'0' is not a number of seconds above 0"),
    ("simulate --timeout -1", "'-1' is not a number of seconds above 0"),
    ("simulate --timeout 5m", "'5m' is not a number of seconds above 0"),
    ("simulate --timeout nan", "'nan' is not a number of seconds above 0"),
    ("sandbox --patience inf", "'inf' is not a number of seconds above 0"),
    ("simulate --port 99999", "'99999' is not a port"),
    ("simulate --port x", "'x' is not a port"),
    ("simulate --port -1", "'-1' is not a port"),
    ("simulate --port \u00b2", "is not a port"),
    ("backtest --days 0", "'0' is not a number of days"),
    ("backtest --days 367", "'367' is not a number of days"),
    ("backtest --days 1.5", "'1.5' is not a number of days"),
    ("backtest --days \u00b2", "is not a number of days"),
    ("plan --price 0", "price must be above 0"),
    ("plan --price -1", "price must be a number"),
    ("plan --price 1e999999", "price must be a number from 0 to 1e12"),
    ("plan --maker-fee-percent 11", "fee must be a number from -1 to 10, not '11'"),
    ("plan --taker-fee-percent 0,1", "fee must be a number from -1 to 10, not '0,1'"),
    ("plan --spread-bps nan", "spread must be a number"),
    ("plan --volatility-percent x", "volatility must be a number"),
    ("plan --depth-quote -1", "depth must be a number"),
    ("plan --market-volume ''", "volume must be a number"),
    ("plan --deadline 0", "deadline must be above 0"),
    ("plan --deadline soon", "deadline must be a number"),
    ("plan --seed 1.5", "'1.5' is not a whole number from 0 on"),
    ("plan --balance BTC", "'BTC' is not of the form ASSET=AMOUNT"),
    ("plan --balance =5", "'=5' is not of the form ASSET=AMOUNT"),
    ("plan --balance BTC=x", "balance must be a number"),
    ("plan --price-tick 100 --price 20", "a price of 20 is less than a price tick of 100"),
    # markets, sweeps, exchanges
    ("backtest --symbol BTC", "'BTC' is not of the form BASE/QUOTE"),
    ("backtest --symbol XYZ/USDT", "there are no prices of XYZ/USDT to draw"),
    ("backtest --sweep seed", "'seed' is not of the form key=value"),
    ("backtest --sweep seed=1,,2", "'seed=1,,2' is not of the form key=a,b,c"),
    ("backtest --sweep seed=1 --sweep seed=2", "seed: swept twice"),
    ("backtest --sweep sede=1,2", "sede: unknown setting; did you mean seed?"),
    ("check --exchange binanc", "did you mean binance"),
    ("check --exchange binance --pair BTC", "'BTC' is not of the form BASE/QUOTE"),
    ("check --order", "name the exchange with --exchange"),
    # files and folders that are not there, or are no such thing
    ("simulate --home nowhere/home", "nowhere"),
    ("simulate --home a-file", "can't be made"),
    ("check --exchange binance --home nowhere", "there is no folder"),
    ("status", "there is no campaign in"),
    ("status --home nowhere", "there is no campaign in"),
    ("watch", "there is no campaign in"),
    ("report --html page.html", "there is no campaign in"),
    ("pause", "there is no campaign in"),
    ("target 5000", "there is no campaign in"),
    ("emergency-stop --yes", "there is no campaign in"),
    ("status --campaign nowhere.sqlite", "there is no campaign in nowhere.sqlite"),
    ("backtest --data nowhere.csv", "there is no file nowhere.csv"),
    ("backtest --data a-file", "a-file can't be used as candles"),
    ("backtest --data nowhere.data", "there is no file nowhere.data"),
    ("backtest --sweep seed=1,2 --data a-file", "a-file can't be used as candles"),
    ("backtest --sweep seed=1,2 --symbol XYZ/USDT", "there are no prices of XYZ/USDT to draw"),
    ("plan --fee-tiers nowhere.csv", "nowhere.csv can't be read"),
    ("plan --fee-tiers a-file", "a-file is no table of fee tiers"),
    ("simulate --settings nowhere.json", "nowhere.json can't be read"),
    ("simulate --settings nowhere.toml", "nowhere.toml can't be read"),
    ("simulate --settings a-file", "a-file can't be read"),
    ("plan --settings list.json", "list.json must hold a JSON object"),
    ("plan --settings misspelt.json", "max_buy_amont: unknown setting; did you mean max_buy_amount?"),
    ("plan --settings misspelt.toml", "max_buy_amont: unknown setting; did you mean max_buy_amount?"),
    ("plan --settings broken.toml", "broken.toml can't be read"),
    # the local exchange
    ("exchange --port x", "port must be a whole number from 0 to 65535, not x"),
    ("exchange --port 99999", "not 99999"),
    ("exchange --prot 5", "unrecognized arguments: --prot 5"),
    ("exchange --host 0.0.0.0", "only listens on 127.0.0.1"),
    ("exchange --seed -1", "seed must be a whole number"),
    ("exchange --spread-bps x", "spread must be a number"),
    ("exchange --replay-skip 5", "--replay-skip needs --replay"),
    ("exchange --accounts nowhere.json", "nowhere.json"),
)  # fmt: skip
FILES = {
    "a-file": "neither settings nor anything else",
    "list.json": "[1, 2]",
    "misspelt.json": '{"max_buy_amont": 5}',
    "misspelt.toml": "max_buy_amont = 5\n",
    "broken.toml": "max_buy_amount = = 5\n",
}
MOST_WORDS = 70


@pytest.fixture
def folder(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> pathlib.Path:
    """A working folder with some files that can't be used."""
    for name, text in FILES.items():
        (tmp_path / name).write_text(text, "utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_there_are_at_least_150_different_ones() -> None:
    assert len({line for line, _ in WRONG}) == len(WRONG) >= 150


@pytest.mark.parametrize(("line", "sentence"), WRONG, ids=[line or "(nothing)" for line, _ in WRONG])
def test_it_is_one_sentence_and_changes_nothing(
    line: str, sentence: str, folder: pathlib.Path, capsys: pytest.CaptureFixture[str]
) -> None:
    exit_code = ended(shlex.split(line))
    told = capsys.readouterr()
    assert exit_code == UNUSABLE, told
    assert sentence in told.err
    assert told.out == "" and len(told.err.splitlines()) == 1
    assert told.err.startswith("volume-booster") and len(told.err.split()) <= MOST_WORDS
    assert "Traceback" not in told.err and "object at 0x" not in told.err
    assert {file.name: file.read_text("utf-8") for file in folder.rglob("*") if file.is_file()} == FILES
    assert not any(file.is_dir() for file in folder.rglob("*"))


def test_each_problem_is_a_sentence_of_its_own(folder: pathlib.Path, capsys: pytest.CaptureFixture[str]) -> None:
    wrong = ["--target", "-5", "--set", "order_type=markt", "--set", "max_buy_amont=5", "--set", "leverage=500"]
    assert ended(["simulate", *wrong]) == UNUSABLE
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 4
    assert all(line.startswith("volume-booster: ") for line in lines)
    assert {file.name for file in folder.iterdir()} == set(FILES)


def test_a_number_of_endless_digits_is_refused_at_once(
    folder: pathlib.Path, capsys: pytest.CaptureFixture[str]
) -> None:
    began_at, digits = time.monotonic(), "9" * 100_000
    for option in ("--port", "--timeout"):
        assert ended(["simulate", option, digits]) in (UNUSABLE, FAILED)
    for option in ("--price", "--seed", "--deadline"):
        assert ended(["plan", option, digits]) == UNUSABLE
    assert "Traceback" not in capsys.readouterr().err
    assert time.monotonic() - began_at < 60, "minutes would be a hang"


def ended(arguments: list[str]) -> int:
    """The exit code of a command."""
    try:
        return main(arguments)
    except SystemExit as ending:
        return int(str(ending.code))
