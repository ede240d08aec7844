"""What a person typed: numbers as they are printed, names that are nearly right, words in any case."""

from __future__ import annotations

import argparse
import enum
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies import LAW

from octobot_volume_booster.cli.arguments.parser import Parser
from octobot_volume_booster.cli.main import parser
from octobot_volume_booster.core.model.formats import shown
from octobot_volume_booster.core.model.typed import Choice, closest, did_you_mean, plain_number
from octobot_volume_booster.core.settings.presets import Preset
from octobot_volume_booster.core.settings.schema import Settings, SettingsError, parse_settings
from octobot_volume_booster.offline_exchange.server.app.options import parse_options

FORMS = ("{:,}", "{:_}", " {} ")
"""How a number may be typed: as it is printed, as a programmer writes it, with spaces around it."""


@LAW
@given(st.decimals(0, 10**12, places=2))
def test_an_amount_can_be_typed_as_it_is_shown(amount: Decimal) -> None:
    assert Decimal(plain_number(shown(amount))) == amount


@pytest.mark.parametrize("text", ["0,5", "1,50", "1,5000", "50,00", ",500", "1,000,00", "1,000_000.0.0", "abc", ""])
def test_a_comma_is_no_decimal_point(text: str) -> None:
    assert plain_number(text) == text


def numbers() -> list[str]:
    """Every setting that is a number, with a value above a thousand where its bounds allow one."""
    return [
        key for key, value in Settings() if isinstance(value, int | float | Decimal) and not isinstance(value, bool)
    ]


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("key", [*numbers(), "seed", "max_cost_quote"])
def test_every_number_of_the_settings_can_be_typed_as_it_is_printed(key: str, form: str) -> None:
    typed = form.format(4_321)
    try:
        plain = parse_settings({key: "4321"} | wide(key))
    except SettingsError as refused:
        with pytest.raises(SettingsError) as also_refused:  # out of bounds, and not for its comma
            parse_settings({key: typed} | wide(key))
        assert without_value(also_refused.value) == without_value(refused)
        return
    assert parse_settings({key: typed} | wide(key)) == plain


def without_value(refused: SettingsError) -> list[str]:
    """The problems without the value that was given, which pydantic tells as it was typed or as it was read."""
    return [problem.partition(" (got ")[0] for problem in refused.problems]


def wide(key: str) -> dict[str, Any]:
    """The other end of a range, so that this end may be large."""
    other = key.replace("min", "max") if "min" in key else key
    return {other: 80_000} if other != key and other in Settings.model_fields else {}


@pytest.mark.parametrize("typed", ["binance = 20,000", "binance = 20_000, kraken = 1,234,567.5", "kraken=5"])
def test_amounts_of_names_can_be_typed_as_they_are_printed(typed: str) -> None:
    amounts = dict(parse_settings({"max_daily_quote": typed}).max_daily_quote)
    assert amounts in ({"binance": 20_000}, {"binance": 20_000, "kraken": Decimal("1234567.5")}, {"kraken": 5})


def number_options() -> list[tuple[str, str]]:
    """(command, option) of every option of the command line that reads a number."""
    (commands,) = (action.choices for action in parser()._actions if isinstance(action.choices, dict))
    readers = {"_seconds", "_days", "_port", "_whole", "_deadline", "read"}
    return [
        (name, action.option_strings[0])
        for name, one in commands.items()
        for action in one._actions
        if getattr(action.type, "__name__", "") in readers and action.option_strings
    ]


def test_the_options_that_are_numbers_are_found() -> None:
    assert len(number_options()) > 20


@pytest.mark.parametrize(("command", "option"), number_options())
def test_every_number_option_can_be_typed_as_it_is_printed(
    command: str, option: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert outcome(command, option, "4,321", capsys) == outcome(command, option, "4321", capsys)
    assert outcome(command, option, "4_321", capsys) == outcome(command, option, "4321", capsys)


def outcome(command: str, option: str, value: str, capsys: pytest.CaptureFixture[str]) -> Any:
    """What is read, or which bounds are named."""
    try:
        arguments = vars(parser().parse([command, f"{option}={value}"]))
    except SystemExit:
        return capsys.readouterr().err.replace(repr(value), "")
    return {name: value for name, value in arguments.items() if name not in ("command", "parser")}


@pytest.mark.parametrize("option", ["--port", "--seed", "--depth-quote", "--orders-per-10s"])
@pytest.mark.parametrize("typed", ["4,321", "4_321"])
def test_the_numbers_of_the_exchange_too(option: str, typed: str) -> None:
    assert parse_options([option, typed]) == parse_options([option, "4321"])


CHOICES = {key: value for key, value in Settings() if isinstance(value, enum.Enum)}


@pytest.mark.parametrize("key", CHOICES)
def test_every_word_of_the_settings_is_taken_in_any_case(key: str) -> None:
    words = [str(member.value) for member in type(CHOICES[key])]
    assert all(isinstance(member, Choice) for member in type(CHOICES[key]))
    for word in words:
        for typed in (word.upper(), word.title(), f" {word} ", word.replace("_", "-"), word.replace("_", "")):
            taken = parse_settings({key: typed})
            assert getattr(taken, key).value == word
            assert taken.to_config() == parse_settings({key: word}).to_config()


def test_a_preset_decides_in_any_case() -> None:
    assert parse_settings({"preset": "Aggressive"}) == parse_settings({"preset": Preset.AGGRESSIVE.value})


KEYS = st.sampled_from(sorted(Settings.model_fields))


@LAW
@given(KEYS, st.data())
def test_a_setting_with_one_letter_too_few_is_recognised(key: str, data: st.DataObject) -> None:
    place = data.draw(st.integers(0, len(key) - 1))
    typed = key[:place] + key[place + 1 :]
    if typed in Settings.model_fields:
        return
    with pytest.raises(SettingsError) as refused:
        parse_settings({typed: 1})
    assert "did you mean" in refused.value.problems[0]


@pytest.mark.parametrize(
    ("word", "known", "meant"),
    [
        ("sumilate", ["simulate", "sandbox"], "simulate"),
        ("max-buy-amount", ["max_buy_amount", "min_buy_amount"], "max_buy_amount"),
        ("MARKT", ["limit", "market"], "market"),
        ("xyz", ["limit", "market"], None),
        ("", ["limit"], None),
    ],
)
def test_the_name_that_was_meant(word: str, known: list[str], meant: str | None) -> None:
    assert closest(word, known) == meant
    assert did_you_mean(word, known) == (f"; did you mean {meant}?" if meant else "")


def test_a_choice_of_an_option_is_suggested_too(capsys: pytest.CaptureFixture[str]) -> None:
    one = Parser(prog="volume-booster one")
    one.add_argument("--market", choices=("tight", "ordinary", "wide"))
    for typed, end in (("ordinry", "did you mean ordinary?"), ("xyz", "it is one of tight, ordinary, wide")):
        with pytest.raises(SystemExit):
            one.parse_args(["--market", typed])
        told = capsys.readouterr().err
        assert end in told and "`volume-booster one --help`" in told and len(told.splitlines()) == 1
    assert isinstance(one.parse_args([]), argparse.Namespace)
