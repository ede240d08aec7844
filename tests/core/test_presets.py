"""Presets and corrections: settings that belong together, and contradictions that are corrected."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies import LAW

from octobot_volume_booster.core.planning.planner import expect, explain
from octobot_volume_booster.core.settings.corrections import raise_to_minimum, swap_inverted_ranges
from octobot_volume_booster.core.settings.presets import PRESETS, Preset
from octobot_volume_booster.core.settings.schema import RANGES, Settings, parse_settings

AMOUNTS = st.integers(1, 10**7).map(lambda cents: Decimal(cents) / 100)


@pytest.mark.parametrize("preset", Preset)
def test_a_preset_decides_its_settings_and_leaves_the_others(preset: Preset) -> None:
    settings = parse_settings({"preset": preset.value, "volume_target": 777, "max_buy_amount": 9_999})
    config = settings.to_config()
    assert config["volume_target"] == 777
    for key, value in PRESETS[preset].items():
        assert config[key] == value
    assert preset is not Preset.CUSTOM or config["max_buy_amount"] == 9_999


@pytest.mark.parametrize("name", ["high_volume", "HighVolume", "HIGH_VOLUME", "highvolume"])
def test_the_name_of_a_preset_is_taken_however_it_is_written(name: str) -> None:
    settings = parse_settings({"preset": name})
    assert settings.preset is Preset.HIGH_VOLUME
    assert settings.max_buy_amount == 1_000


def test_moderate_is_what_the_defaults_are() -> None:
    moderate = parse_settings({"preset": "moderate"}).to_config()
    assert moderate == Settings().to_config() | {"preset": "moderate"}


def test_the_defaults_are_expected_to_take_571_orders_48_minutes_and_10_bps_of_fees() -> None:
    expected = expect(Settings())
    assert (expected.orders, round(expected.duration_s / 60), expected.fees_bps) == (571, 48, 10)
    assert "about 571 orders, 48 min and 50.00 of fees (10 bps) for 50,000" in explain(Preset.MODERATE)


@LAW
@given(st.dictionaries(st.sampled_from([key for pair in RANGES for key in pair]), st.integers(1, 10_000)))
def test_after_the_swap_every_range_is_one_and_no_number_is_lost(values: dict[str, int]) -> None:
    corrected, sentences = swap_inverted_ranges(values)
    settings, defaults = parse_settings(corrected), Settings()
    for low, high in RANGES:
        ends = [Decimal(str(values.get(key, getattr(defaults, key)))) for key in (low, high)]
        assert [Decimal(str(getattr(settings, key))) for key in (low, high)] == sorted(ends)
        assert (ends[0] > ends[1]) == any(low in sentence and high in sentence for sentence in sentences)


def test_what_is_no_number_is_left_for_the_settings_to_refuse() -> None:
    broken = {"min_buy_amount": "many", "max_buy_amount": True, "min_sell_amount": float("nan"), "max_sell_amount": 1}
    assert swap_inverted_ranges(broken) == (broken, [])


@LAW
@given(AMOUNTS, AMOUNTS, AMOUNTS)
def test_raised_amounts_are_accepted_by_the_exchange_and_raised_once(
    one: Decimal, two: Decimal, least: Decimal
) -> None:
    low, high = sorted((one, two))
    settings = parse_settings({"min_buy_amount": low, "max_buy_amount": high})
    raised, sentences = raise_to_minimum(settings, least)
    assert raised.min_buy_amount >= min(low, least)
    assert raised.max_buy_amount >= raised.min_buy_amount >= (max(low, least))
    assert raise_to_minimum(raised, least) == (raised, [])
    assert any("min_buy_amount" in sentence for sentence in sentences) == (low < least)
    assert (raised.min_buy_amount == low) == (low >= least)
