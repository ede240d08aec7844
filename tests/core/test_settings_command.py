"""`volume-booster settings`, a file of settings, `--verbose` and `--log-file`."""

from __future__ import annotations

import json
import pathlib
from typing import Any

import pytest

from octobot_volume_booster.cli.main import main
from octobot_volume_booster.core.settings import catalogue
from octobot_volume_booster.core.settings.presets import PRESETS, Preset
from octobot_volume_booster.core.settings.schema import Settings, SettingsError, parse_settings

ENTRIES = catalogue.entries(Settings(), {})


@pytest.fixture(autouse=True)
def folder(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> pathlib.Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def rows(capsys: pytest.CaptureFixture[str], *arguments: str) -> dict[str, dict[str, Any]]:
    assert main(["settings", "--json", *arguments]) == 0
    told = json.loads(capsys.readouterr().out.splitlines()[-1])
    return {row["key"]: row for row in told["settings"]}


def test_every_setting_is_listed_with_its_default(capsys: pytest.CaptureFixture[str]) -> None:
    found = rows(capsys)
    assert {key: row["default"] for key, row in found.items()} == Settings().to_config()
    assert all(row["value"] == row["default"] and row["from"] == "default" for row in found.values())


def test_a_person_reads_each_of_them_with_its_group(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["settings"]) == 0
    out = capsys.readouterr().out
    assert all(one.key in out and one.group in out for one in ENTRIES)


@pytest.mark.parametrize("entry", [one for one in ENTRIES if one.lowest is not None], ids=lambda one: one.key)
def test_the_bounds_are_those_that_are_kept(entry: catalogue.Entry) -> None:
    assert entry.lowest is not None and entry.highest is not None
    for outside in (entry.lowest - 1e-6, *([entry.lowest] if entry.is_lowest_excluded else []), entry.highest * 1.001):
        with pytest.raises(SettingsError, match=entry.key):
            parse_settings({entry.key: outside})


def test_what_is_a_number_has_bounds_and_what_is_a_word_its_choices() -> None:
    for one in ENTRIES:
        is_number = isinstance(one.default, int | float) and not isinstance(one.default, bool)
        assert not is_number or one.bounds, one.key
    assert {one.key: one.choices for one in ENTRIES}["order_type"] == ("limit", "market", "passive", "pair")
    assert {one.key: one.unit for one in ENTRIES}["max_cost_quote"] == "quote"


def test_where_a_value_came_from(folder: pathlib.Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "mine.toml").write_text("max_cost_bps = 25\nleverage = 2\n", "utf-8")
    options = ["--settings", "mine.toml", "--set", "leverage=3", "--target", "5,000"]
    found = rows(capsys, "--profile", "volume_booster_offline", *options)
    assert (found["max_cost_bps"]["value"], found["max_cost_bps"]["from"]) == (25, "file mine.toml")
    assert (found["leverage"]["value"], found["leverage"]["from"]) == (3, "--set")
    assert (found["volume_target"]["value"], found["volume_target"]["from"]) == (5_000, "--set")
    assert (found["max_buy_amount"]["value"], found["max_buy_amount"]["from"]) == (
        1_500,
        "profile volume_booster_offline",
    )
    assert found["max_open_orders"]["from"] == "default"
    decided = rows(capsys, "--set", "preset=Aggressive")
    assert {key for key, row in decided.items() if row["from"] == "preset aggressive"} == set(
        PRESETS[Preset.AGGRESSIVE]
    )


@pytest.mark.parametrize(
    ("arguments", "keys"),
    [
        (["--search", "COST budget"], {"max_cost_quote"}),
        (["order_type", "leverage"], {"order_type", "leverage"}),
        (["--search", "no such word"], set()),
    ],
)
def test_one_finds_what_one_looks_for(arguments: list[str], keys: set[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert set(rows(capsys, *arguments)) == keys
    assert main(["settings", *arguments]) == 0
    out = capsys.readouterr().out
    assert all(key in out for key in keys)


def test_an_unknown_one_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["settings", "max_buy_amont"]) == 2
    assert "did you mean max_buy_amount?" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("name", "text"), [("mine.json", '{"volume_target": "4,321"}'), ("m.TOML", "volume_target=4321")]
)
def test_a_file_of_settings_is_for_every_command(
    name: str, text: str, folder: pathlib.Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / name).write_text(text, "utf-8")
    assert main(["plan", "--json", "--settings", name]) == 0
    assert json.loads(capsys.readouterr().out)["target_quote"] == "4321.00"
    assert main(["plan", "--json", "--settings", name, "--target", "1,000"]) == 0
    assert json.loads(capsys.readouterr().out)["target_quote"] == "1000.00"


def test_what_settings_prints_is_a_file_of_settings(folder: pathlib.Path, capsys: pytest.CaptureFixture[str]) -> None:
    given = {key: row["value"] for key, row in rows(capsys, "--set", "max_cost_bps=7").items()}
    (folder / "all.json").write_text(json.dumps(given), "utf-8")
    again = rows(capsys, "--settings", "all.json")
    assert {key: row["value"] for key, row in again.items()} == given


def test_each_step_is_in_the_log_and_no_secret(folder: pathlib.Path, capsys: pytest.CaptureFixture[str]) -> None:
    log = folder / "logs" / "steps.log"
    secret = "0123456789abcdef" * 4
    assert main(["settings", "-v", "--log-file", str(log), "--search", f"apiKey={secret}"]) == 0
    said = capsys.readouterr().err
    for text in (said, log.read_text("utf-8")):
        assert "volume-booster settings" in text and "ended after" in text and secret not in text
    assert main(["status", "--log-file", str(log)]) == 2
    assert "there is no campaign in" in log.read_text("utf-8")
    assert len(capsys.readouterr().err.splitlines()) == 1


def test_a_log_that_can_not_be_written_is_one_sentence(
    folder: pathlib.Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "a-file").write_text("", "utf-8")
    assert main(["plan", "--log-file", "a-file/x.log"]) == 2
    assert "a-file/x.log can't be written" in capsys.readouterr().err
