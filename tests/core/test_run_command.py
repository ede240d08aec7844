"""What `simulate` and `sandbox` refuse before they start anything: one sentence with the way out, nothing changed."""

from __future__ import annotations

import io
import json
import pathlib
import shutil
import typing

import pytest
from recorded import recorded
from typing_person import Terminal

from octobot_volume_booster.cli.commands import bundle, install
from octobot_volume_booster.cli.files.home import (
    MODE_CONFIG,
    Home,
    HomeError,
    check_trades_pairs,
    new_configuration,
    profile_config,
    settings_of_this_run,
    write_json,
)
from octobot_volume_booster.cli.main import main

PROFILES = pathlib.Path(__file__).parents[2] / "profiles"


@pytest.fixture(autouse=True)
def nothing_starts(monkeypatch: pytest.MonkeyPatch) -> None:
    """The first thing that a run would start is an error here."""

    def start(*_: object) -> typing.NoReturn:
        raise bundle.BundleError("it would have started")

    monkeypatch.setattr("octobot_volume_booster.cli.process.launch.start_exchange", start)


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str]:
    capsys.readouterr()
    exit_code = main([*arguments])
    return exit_code, capsys.readouterr().err


def older_campaign(home: pathlib.Path, orders: int | None = 5) -> None:
    """A campaign with the seed 7, unfinished after so many orders."""
    recorded(home, orders=orders).close_journal()


def tree(home: pathlib.Path) -> dict[str, bytes]:
    return {
        file.relative_to(home).as_posix(): file.read_bytes()
        for file in home.rglob("*")
        if file.is_file() and file.suffix != ".lock" and not file.name.endswith(("-shm", "-wal"))
    }


# --- an older campaign (the seed and the target that were asked for) --------------------------------------------------


@pytest.mark.parametrize(
    ("options", "sentences"),
    [
        (["--seed", "8"], ["has the seed 7 and can't continue with 8"]),
        (["--set", "seed=8"], ["has the seed 7 and can't continue with 8"]),
        (["--target", "1000"], ["has filled 3,865.7", "not less than 1,000.00: name a larger target"]),
        (["--target", "1000", "--seed", "8"], ["has the seed 7", "not less than 1,000.00"]),
    ],
)
def test_a_campaign_that_can_not_go_on_as_asked_is_not_gone_on_with(
    tmp_path: pathlib.Path, capsys: pytest.CaptureFixture[str], options: list[str], sentences: list[str]
) -> None:
    older_campaign(tmp_path)
    before = tree(tmp_path)
    exit_code, told = run(capsys, "simulate", "--home", str(tmp_path), *options)
    assert exit_code == 2
    assert all(sentence in told for sentence in sentences), told
    assert len(told.splitlines()) == len([option for option in options if option.startswith("--")])
    assert all("--fresh" in line for line in told.splitlines())
    assert tree(tmp_path) == before


@pytest.mark.parametrize(
    "options", [[], ["--seed", "7"], ["--target", "100000"], ["--target", "1000", "--seed", "8", "--fresh"]]
)
def test_a_campaign_that_can_go_on_as_asked_is(
    tmp_path: pathlib.Path, capsys: pytest.CaptureFixture[str], options: list[str]
) -> None:
    older_campaign(tmp_path)
    exit_code, told = run(capsys, "simulate", "--home", str(tmp_path), *options)
    assert (exit_code, told.splitlines()[-1]) == (1, "volume-booster: it would have started")


def test_a_finished_campaign_and_one_of_another_trader_make_room_for_a_new_one(
    tmp_path: pathlib.Path, capsys: pytest.CaptureFixture[str]
) -> None:
    older_campaign(tmp_path / "finished", orders=None)
    older_campaign(tmp_path / "of the simulator")
    for command, home in (("simulate", "finished"), ("sandbox", "of the simulator")):
        exit_code, told = run(capsys, command, "--home", str(tmp_path / home), "--seed", "8", "--target", "1000")
        assert (exit_code, told.splitlines()[-1]) == (1, "volume-booster: it would have started")


# --- whose home it is -------------------------------------------------------------------------------------------------


def with_profile(home: pathlib.Path, name: str, source: str = "volume_booster_offline", **config: typing.Any) -> None:
    profile = home / "user" / "profiles" / name
    shutil.copytree(PROFILES / source, profile)
    content = json.loads((profile / "profile.json").read_text("utf-8"))
    content["profile"]["id"] = name
    content["config"] |= config
    (profile / "profile.json").write_text(json.dumps(content), "utf-8")


def test_a_profile_that_a_run_has_selected_does_not_lock_the_home(
    tmp_path: pathlib.Path, capsys: pytest.CaptureFixture[str]
) -> None:
    home = Home(tmp_path)
    with_profile(tmp_path, "my_profile")
    write_json(home.config, new_configuration("volume_booster"))
    home.select_profile("my_profile")  # as the first run does
    for arguments in (["simulate", "--profile", "my_profile"], ["simulate"], ["sandbox"]):
        exit_code, told = run(capsys, *arguments, "--home", str(tmp_path))
        assert (exit_code, told.splitlines()[-1]) == (1, "volume-booster: it would have started")


def test_a_profile_that_its_user_has_selected_since_is_not_touched(
    tmp_path: pathlib.Path, capsys: pytest.CaptureFixture[str]
) -> None:
    home = Home(tmp_path)
    write_json(home.config, new_configuration("volume_booster"))
    home.select_profile("my_profile")
    write_json(home.config, new_configuration("daily_trading"))
    before = tree(tmp_path)
    exit_code, told = run(capsys, "simulate", "--home", str(tmp_path))
    assert exit_code == 2 and "is an OctoBot of yours with the profile 'daily_trading' selected" in told
    assert tree(tmp_path) == before


def test_in_somebodys_octobot_nothing_is_made_not_even_a_lock(
    tmp_path: pathlib.Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_json(Home(tmp_path).config, new_configuration("default"))
    assert run(capsys, "simulate", "--home", str(tmp_path))[0] == 2
    assert [file.name for file in (tmp_path / "user").iterdir()] == ["config.json"]


@pytest.mark.parametrize("options", [["--profile", "nobody"], ["--target", "-5"], ["--set", "max_buy_amont=1"]])
def test_what_can_not_be_used_makes_no_home(
    tmp_path: pathlib.Path, capsys: pytest.CaptureFixture[str], options: list[str]
) -> None:
    assert run(capsys, "simulate", "--home", str(tmp_path / "home"), *options)[0] == 2
    assert list(tmp_path.iterdir()) == []


# --- two at once ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("command", ["simulate", "sandbox", "install"])
def test_a_second_launcher_says_who_holds_the_home_and_changes_nothing(
    tmp_path: pathlib.Path, capsys: pytest.CaptureFixture[str], command: str
) -> None:
    older_campaign(tmp_path)
    with Home(tmp_path).held("simulate"):
        before = tree(tmp_path)
        exit_code, told = run(capsys, command, "--home", str(tmp_path))
        assert exit_code == 2
        assert "`volume-booster simulate` (process " in told and ", since 20" in told and len(told.splitlines()) == 1
        assert tree(tmp_path) == before


def test_the_home_is_free_again_after_a_run_that_failed(
    tmp_path: pathlib.Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for _ in range(2):
        assert run(capsys, "simulate", "--home", str(tmp_path))[0] == 1


# --- profiles ---------------------------------------------------------------------------------------------------------

WITHOUT = [
    {"crypto-currencies": {"Bitcoin": {"enabled": True}}},
    {"crypto-currencies": {"Bitcoin": {"enabled": True, "pairs": []}}},
    {"crypto-currencies": {"Bitcoin": {"enabled": False, "pairs": ["BTC/USDT"]}}},
    {"crypto-currencies": {}},
]


@pytest.mark.parametrize("config", WITHOUT, ids=["missing", "empty", "disabled", "none"])
@pytest.mark.parametrize("command", ["plan", "backtest", "simulate"])
def test_a_profile_without_pairs_is_told(
    tmp_path: pathlib.Path, capsys: pytest.CaptureFixture[str], command: str, config: dict[str, typing.Any]
) -> None:
    with_profile(tmp_path, "no_pairs", **config)
    exit_code, told = run(capsys, command, "--home", str(tmp_path), "--profile", "no_pairs")
    assert exit_code == 2 and "the profile trades no pair: " in told and len(told.splitlines()) == 1


@pytest.mark.parametrize("command", ["plan", "backtest", "simulate"])
def test_a_profile_of_all_pairs_is_told(
    tmp_path: pathlib.Path, capsys: pytest.CaptureFixture[str], command: str
) -> None:
    with_profile(tmp_path, "all_pairs", **{"crypto-currencies": {"All": {"enabled": True, "pairs": ["*"]}}})
    exit_code, told = run(capsys, command, "--home", str(tmp_path), "--profile", "all_pairs")
    assert exit_code == 2 and "the profile trades every pair (*) of its exchange" in told


@pytest.mark.parametrize(
    ("config", "sentence"),
    [
        ({"crypto-currencies": None}, "config.crypto-currencies: input should be a valid dictionary"),
        (
            {"crypto-currencies": {"Bitcoin": {"pairs": None}}},
            "config.crypto-currencies.Bitcoin.pairs: input should be",
        ),
        ({"trader": {}}, "config.trader.enabled: field required"),
        ({"trader-simulator": {"enabled": True}}, "config.trader-simulator.fees: field required"),
        ({"exchanges": []}, "config.exchanges: input should be a valid dictionary"),
        ({"exchanges": {"binance": None}}, "config.exchanges.binance: input should be"),
    ],
)
@pytest.mark.parametrize("command", ["plan", "backtest", "simulate", "sandbox"])
def test_a_profile_of_a_wrong_shape_is_told_with_the_place(
    tmp_path: pathlib.Path,
    capsys: pytest.CaptureFixture[str],
    command: str,
    config: dict[str, typing.Any],
    sentence: str,
) -> None:
    with_profile(tmp_path, "broken", **config)
    exit_code, told = run(capsys, command, "--home", str(tmp_path), "--profile", "broken")
    assert exit_code == 2 and "the profile 'broken' can't be used: " in told and sentence in told
    assert len(told.splitlines()) == 1


@pytest.mark.parametrize("name", sorted(path.name for path in PROFILES.iterdir() if path.is_dir()))
def test_the_bundles_own_profiles_have_the_right_shape(tmp_path: pathlib.Path, name: str) -> None:
    home = Home(tmp_path)
    with_profile(tmp_path, name, source=name)
    check_trades_pairs(profile_config(home.profile(name)))


def test_what_a_run_gave_its_profile_is_taken_back_also_from_a_home_that_has_gone(tmp_path: pathlib.Path) -> None:
    with_profile(tmp_path, "mine")
    profile = Home(tmp_path).profile("mine")
    with settings_of_this_run(profile, {"volume_target": 1}):
        shutil.rmtree(tmp_path / "user")
    assert not (profile / MODE_CONFIG).exists()
    with_profile(tmp_path, "mine")
    with pytest.raises(HomeError, match="can't be written"), settings_of_this_run(profile, {"volume_target": 1}):
        (profile / MODE_CONFIG).unlink()
        (profile / MODE_CONFIG).mkdir()


def test_a_home_that_is_not_signed_off_is_not_installed(tmp_path: pathlib.Path) -> None:
    assert not install.is_installed(tmp_path)


@pytest.mark.parametrize(
    ("answers", "options", "exit_code", "words"),
    [
        (["s"], [], 0, "nothing was started"),
        (["what", "STOP"], [], 0, "nothing was started"),
        ([""], [], 1, "Going on with the campaign"),
        (["c"], [], 1, "Going on with the campaign"),
        (["fresh"], [], 1, "The campaign so far is kept as"),
        ([], ["--yes"], 1, "Going on with the campaign"),
        ([], ["--fresh"], 1, "The campaign so far is kept as"),
    ],
)
def test_on_a_terminal_an_unfinished_campaign_is_asked_about(
    answers: list[str],
    options: list[str],
    exit_code: int,
    words: str,
    tmp_path: pathlib.Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    older_campaign(tmp_path)
    typed = Terminal("".join(f"{answer}\n" for answer in answers))
    monkeypatch.setattr("sys.stdin", typed)
    monkeypatch.setattr("sys.stderr.isatty", lambda: True, raising=False)
    code, errors = run(capsys, "simulate", "--home", str(tmp_path), *options)
    assert (code, typed.read()) == (exit_code, ""), errors
    assert words in errors
    assert ("it would have started" in errors) == (exit_code == 1)
    assert ("there is an unfinished campaign: " in errors) == bool(answers)


def test_elsewhere_it_continues_unasked(
    tmp_path: pathlib.Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    older_campaign(tmp_path)
    monkeypatch.setattr("sys.stdin", io.StringIO("s\n"))
    exit_code, errors = run(capsys, "simulate", "--home", str(tmp_path))
    assert exit_code == 1 and "Going on with the campaign" in errors


@pytest.mark.parametrize("option", ["--json", "--quiet"])
def test_a_program_that_reads_the_output_is_not_asked(
    option: str, tmp_path: pathlib.Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    older_campaign(tmp_path)
    monkeypatch.setattr("sys.stdin", Terminal("s\n"))
    monkeypatch.setattr("sys.stderr.isatty", lambda: True, raising=False)
    assert run(capsys, "simulate", "--home", str(tmp_path), option)[0] == 1
