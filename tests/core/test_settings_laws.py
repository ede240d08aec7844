"""Laws of the settings: what is right is taken as it is, what is wrong is refused with its key, all of it at once."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from strategies import LAW

from octobot_volume_booster.core.settings.corrections import swap_inverted_ranges
from octobot_volume_booster.core.settings.schema import Settings, SettingsError, is_readable_true, parse_settings

A_THOUSAND = settings(LAW, max_examples=1_000)
Spelling = Callable[[Any], Any]


def spelt(numbers: st.SearchStrategy[Any], *spellings: Spelling) -> st.SearchStrategy[Any]:
    """A number as a configuration may hold it."""
    return st.builds(lambda number, spelling: spelling(number), numbers, st.sampled_from((*spellings, str)))


def decimals(low: str, high: str) -> st.SearchStrategy[Decimal]:
    return st.decimals(low, high, places=8, allow_nan=False, allow_infinity=False)


AMOUNT = spelt(decimals("0.00000001", "999999"), float, Decimal) | spelt(st.integers(1, 10**12), int)
SECONDS = spelt(st.floats(0.05, 86_400), float) | spelt(st.integers(1, 86_400), int)
PERCENT = spelt(decimals("0", "50"), float, Decimal)
SHARE = spelt(decimals("0.00000001", "100"), float, Decimal)
BPS = spelt(decimals("0.00000001", "10000"), float, Decimal)
RATIO = spelt(decimals("0.00000001", "1"), float, Decimal)

NAMED = st.sampled_from(("", "BTC/USDT = 2", {"BTC/USDT": 2, "kraken": 0}, "binance ETH/USDT=0.5 , kraken = 1"))

VALID: dict[str, st.SearchStrategy[Any]] = {
    "enable_volume_booster": st.booleans(),
    "volume_target": AMOUNT,
    "target_scope": st.sampled_from(("total", "pair")),
    "target_period": st.sampled_from(("total", "daily")),
    "end_of_campaign": st.sampled_from(("keep", "drain", "flatten")),
    "order_type": st.sampled_from(("limit", "market", "passive", "pair")),
    "trade_frequency_min": SECONDS,
    "trade_frequency_max": SECONDS,
    "min_buy_amount": AMOUNT,
    "max_buy_amount": AMOUNT,
    "min_sell_amount": AMOUNT,
    "max_sell_amount": AMOUNT,
    "price_offset_percent": PERCENT,
    "limit_order_timeout": SECONDS,
    "max_open_orders": spelt(st.integers(1, 200), int),
    "open_orders_at_start": st.sampled_from(("adopt", "cancel")),
    "deadline": st.none() | st.just("") | spelt(st.integers(10, 2_678_400), int),
    "schedule_slack_percent": PERCENT,
    "max_taker_percent": spelt(decimals("0", "100"), float, Decimal),
    "urgency": st.sampled_from(("passive", "normal", "aggressive", "custom")),
    "pair_spacing_bps": BPS,
    "max_cancels_per_minute": st.none() | st.sampled_from(("", 0, "0")) | spelt(st.integers(1, 10_000), int),
    "target_currency": st.sampled_from(("", "USDT", "BTC")),
    "share_by": st.sampled_from(("even", "weights", "cost")),
    "share_weights": NAMED,
    "min_share_percent": SHARE,
    "exchange_priority": st.sampled_from(("", "binance", "binance, kraken", ["kraken", "binance"])),
    "max_daily_quote": NAMED,
    "rate_limit_margins": st.sampled_from(("", "binance = 0.5", {"kraken": 1})),
    "match_across_exchanges": st.booleans(),
    "preset": st.just("custom"),  # any other would decide about the rest: tests/core/test_presets.py
    "side_policy": st.sampled_from(("balanced", "alternate")),
    "max_position_imbalance": RATIO,
    "fee_buffer_percent": PERCENT,
    "max_price_age": SECONDS,
    "max_price_jump_percent": SHARE,
    "max_clock_jump": SECONDS,
    "max_slippage_bps": BPS,
    "max_cost_bps": BPS,
    "max_cost_quote": st.none() | st.just("") | AMOUNT,
    "max_total_cost_quote": st.none() | st.just("") | AMOUNT,
    "max_daily_loss_percent": SHARE,
    "max_drawdown_percent": SHARE,
    "max_consecutive_failures": spelt(st.integers(1, 200), int),
    "max_consecutive_losses": spelt(st.integers(1, 200), int),
    "max_position_percent": SHARE,
    "max_exposure_percent": SHARE,
    "max_orders_per_second": spelt(st.floats(0.01, 20), float),
    "rate_limit_margin": RATIO,
    "max_participation_percent": SHARE,
    "notify_every_percent": spelt(decimals("0", "100"), float, Decimal),
    "leverage": spelt(decimals("1", "125"), float, Decimal),
    "close_position_at_end": st.booleans(),
    "max_funding_rate_bps": BPS,
    "min_liquidation_distance_percent": PERCENT,
    "emergency_flatten": st.booleans(),
    "i_accept_real_trading": st.booleans(),
    "seed": st.none() | st.just("") | spelt(st.integers(0, 2**63 - 1), int),
}
RANGES = (
    ("trade_frequency_min", "trade_frequency_max"),
    ("min_buy_amount", "max_buy_amount"),
    ("min_sell_amount", "max_sell_amount"),
)

NO_NUMBERS: tuple[Any, ...] = (
    *(True, False, "many", [], {}, [1]),
    *(math.nan, math.inf, -math.inf, "nan", "inf"),
    *(-1, "-1", -0.5),
)
NO_NAMED: tuple[Any, ...] = (
    *(None, 1, True, "BTC/USDT", "BTC/USDT = many", "= 2", "BTC/USDT = -1", [1], {"BTC/USDT": True}),
    *("BTC/USDT = 1, BTC/USDT = 2", "BTC/USDT = nan", "BTC/USDT = 1e13"),
)
BROKEN: dict[str, tuple[Any, ...]] = {
    **dict.fromkeys(("volume_target", "min_buy_amount", "max_buy_amount"), (*NO_NUMBERS, None, 0, "0", 1e13)),
    **dict.fromkeys(("min_sell_amount", "max_sell_amount"), (*NO_NUMBERS, None, 0.0, "1e13")),
    **dict.fromkeys(("trade_frequency_min", "trade_frequency_max"), (*NO_NUMBERS, None, 0, 0.04, 86_401)),
    **dict.fromkeys(("limit_order_timeout", "max_price_age", "max_clock_jump"), (*NO_NUMBERS, None, 0, 0.04, 86_401)),
    **dict.fromkeys(("price_offset_percent", "fee_buffer_percent"), (*NO_NUMBERS, None, 50.1, "51")),
    **dict.fromkeys(("max_position_imbalance", "rate_limit_margin"), (*NO_NUMBERS, None, 0, 1.01)),
    **dict.fromkeys(("max_slippage_bps", "max_cost_bps"), (*NO_NUMBERS, None, 0, 10_001)),
    **dict.fromkeys(("max_price_jump_percent", "max_daily_loss_percent"), (*NO_NUMBERS, None, 0, 100.5)),
    **dict.fromkeys(("max_drawdown_percent", "max_position_percent"), (*NO_NUMBERS, None, "0", 101)),
    **dict.fromkeys(("max_exposure_percent", "max_participation_percent"), (*NO_NUMBERS, None, 0, 101)),
    **dict.fromkeys(("max_consecutive_failures", "max_consecutive_losses"), (*NO_NUMBERS, None, 0, 201, 1.5)),
    "leverage": (*NO_NUMBERS, None, 0, 0.5, 126),
    "close_position_at_end": ("maybe", "", 2, None, [], math.nan),
    "max_funding_rate_bps": (*NO_NUMBERS, None, 0, 10_001),
    "min_liquidation_distance_percent": (*NO_NUMBERS, None, 50.1),
    "notify_every_percent": (*NO_NUMBERS, None, 100.5, "101"),
    **dict.fromkeys(("max_cost_quote", "max_total_cost_quote"), (*NO_NUMBERS, 0, "0", 1e13)),
    "max_orders_per_second": (*NO_NUMBERS, None, 0, 21),
    **dict.fromkeys(("emergency_flatten", "i_accept_real_trading"), ("maybe", "", 2, None, [], math.nan)),
    "max_open_orders": (*NO_NUMBERS, None, 0, 201, 1.5, "1.5"),
    "seed": (*NO_NUMBERS, 2**63, 1.5, "1.5"),
    "deadline": (*NO_NUMBERS, 0, 9, "9s", "m", "48 minutes", "-1h", "32d"),
    "schedule_slack_percent": (*NO_NUMBERS, None, 50.1),
    "max_taker_percent": (*NO_NUMBERS, None, 100.5),
    "urgency": (None, "", 1, "fast", "quick", ["normal"]),
    "pair_spacing_bps": (*NO_NUMBERS, None, 0, 10_001),
    "max_cancels_per_minute": (*NO_NUMBERS, 1.5, 10_001),
    "target_scope": (None, "", 1, "daily", "pairs", ["pair"]),
    "target_period": (None, "", 1, "pair", "week", ["daily"]),
    "end_of_campaign": (None, "", 1, "kept", "close", ["keep"]),
    "open_orders_at_start": (None, "", 1, "keep", "adopted", ["adopt"]),
    "target_currency": (None, 1, [], True),
    "share_by": (None, "", 1, "weight", "evenly", ["cost"]),
    **dict.fromkeys(("share_weights", "max_daily_quote"), NO_NAMED),
    "min_share_percent": (*NO_NUMBERS, None, 0, 101),
    "exchange_priority": (None, 1, True, {}, [1], "binance, binance"),
    "rate_limit_margins": (*NO_NAMED, "binance = 0", "binance = 1.1"),
    "match_across_exchanges": ("maybe", "", 2, None, [], math.nan),
    "order_type": ("limits", "stop", "", None, True, 1, []),
    "preset": ("huge", "", None, True, 0, [], {}),
    "side_policy": ("balance", "random", "", None, False, 0, {}),
    "enable_volume_booster": ("maybe", "", 2, None, [], math.nan),
}
UNKNOWN = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1).filter(lambda key: key not in VALID)
BROKEN_ENTRY = st.one_of(
    *(st.tuples(st.just(key), st.sampled_from(values)) for key, values in BROKEN.items()),
    st.tuples(UNKNOWN, st.integers()),
)


def in_order(values: dict[str, Any]) -> dict[str, Any]:
    """The same values, with those of a range swapped where its lower end was the higher one."""
    full = {key: value for pair in RANGES for key, value in zip(pair, (1, 1), strict=True)} | values
    for low, high in RANGES:
        full[low], full[high] = sorted((full[low], full[high]), key=lambda value: Decimal(str(value)))
    return full


VALID_SETTINGS = st.fixed_dictionaries({}, optional=VALID).map(in_order)
INVERTED = {low: 9 for low, _ in RANGES} | {high: 5 for _, high in RANGES}


def problems_of(values: dict[str, Any]) -> list[str]:
    with pytest.raises(SettingsError) as refusal:
        parse_settings(values)
    return refusal.value.problems


@pytest.mark.long
@A_THOUSAND
@given(VALID_SETTINGS)
def test_valid_settings_are_taken_and_survive_being_written_down(values: dict[str, Any]) -> None:
    parsed = parse_settings(values)
    written = json.loads(json.dumps(parsed.to_config()))
    assert parse_settings(written) == parsed
    for key, value in values.items():
        taken = getattr(parsed, key)
        if isinstance(taken, int | float | Decimal) and not isinstance(taken, bool):
            assert Decimal(str(taken)) == Decimal(str(value))


@pytest.mark.parametrize(
    ("told", "seconds"), [("48m", 2_880), ("2h", 7_200), (" 90S ", 90), ("1.5d", 129_600), ("3600", 3_600)]
)
def test_a_deadline_may_be_written_as_a_duration(told: str, seconds: float) -> None:
    assert parse_settings({"deadline": told}).deadline == seconds


@pytest.mark.parametrize("told", ["", 0, "0", None])
def test_no_budget_of_cancels_is_written_in_any_of_these_ways(told: Any) -> None:
    assert parse_settings({"max_cancels_per_minute": told}).max_cancels_per_minute is None


@pytest.mark.long
@A_THOUSAND
@given(VALID_SETTINGS, BROKEN_ENTRY)
def test_a_broken_setting_is_refused_by_its_key(values: dict[str, Any], broken: tuple[str, Any]) -> None:
    key, value = broken
    problems = problems_of(values | {key: value})
    assert [problem for problem in problems if problem.startswith(f"{key}: ")] == problems


@LAW
@given(VALID_SETTINGS, st.sampled_from(RANGES), st.integers(1, 1_000))
def test_a_range_that_ends_before_it_begins_is_refused_by_both_its_keys(
    values: dict[str, Any], pair: tuple[str, str], low: int
) -> None:
    (problem,) = problems_of(values | {pair[0]: low + 1, pair[1]: low})
    assert pair[0] in problem
    assert pair[1] in problem


@LAW
@given(st.lists(BROKEN_ENTRY, min_size=2, max_size=8, unique_by=lambda entry: entry[0]).map(dict))
def test_every_broken_setting_is_named_at_once(broken: dict[str, Any]) -> None:
    named = {problem.partition(": ")[0] for problem in problems_of(in_order({}) | broken)}
    assert named == set(broken)


def test_every_range_that_ends_before_it_begins_is_named_at_once() -> None:
    told = " ".join(problems_of(INVERTED))
    assert [pair for pair in RANGES if pair[0] not in told] == []


def test_a_range_that_ends_before_it_begins_is_named_beside_an_unknown_key() -> None:
    told = " ".join(problems_of({"min_buy_amount": 9, "max_buy_amount": 5, "volume_targett": 1}))
    assert "volume_targett" in told
    assert "min_buy_amount must not be above max_buy_amount" in told


def test_every_setting_has_a_strategy_and_broken_values_here() -> None:
    assert set(VALID) == set(BROKEN) == set(Settings.model_fields)


def test_the_defaults_are_those_of_the_command_lines_contract() -> None:
    config = parse_settings({}).to_config()
    contract = {
        "volume_target": 50_000, "order_type": "market", "trade_frequency_min": 2.0, "trade_frequency_max": 8.0,
        "min_buy_amount": 25, "max_buy_amount": 150, "min_sell_amount": 25, "max_sell_amount": 150,
        "price_offset_percent": 0.2, "enable_volume_booster": True,
    }  # fmt: skip
    assert {key: config[key] for key in contract} == contract


def test_a_typo_is_told_with_the_keys_that_exist() -> None:
    (problem,) = problems_of({"volume_targt": 100})
    assert problem.startswith("volume_targt: unknown setting")
    assert "volume_target" in problem


@LAW
@given(st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=6), st.lists(st.booleans())))
def test_a_value_is_readable_as_true_where_a_setting_of_it_is_on(value: Any) -> None:
    try:
        is_on = parse_settings({"i_accept_real_trading": value}).i_accept_real_trading
    except SettingsError:
        is_on = False
    assert is_readable_true(value) == is_on


@pytest.mark.parametrize("value", [None, "nope", "", "off", [], [True], {}, 2, 0, "truee", math.nan])
def test_what_is_not_plainly_true_is_not(value: Any) -> None:
    assert not is_readable_true(value)


@pytest.mark.parametrize(("low", "high"), RANGES)
@pytest.mark.parametrize("unusable", ["1e13", "-1", "0"])
def test_an_end_that_is_unusable_is_named_by_its_own_key(low: str, high: str, unusable: str) -> None:
    """The ends of a range are swapped only where each of them could stand alone."""
    for key, other in ((low, high), (high, low)):
        with pytest.raises(SettingsError) as refused:
            parse_settings(swap_inverted_ranges({key: unusable, other: "5"})[0])
        assert len(refused.value.problems) == 1
        assert refused.value.problems[0].startswith(f"{key}: ")
        assert f"(got {unusable!r})" in refused.value.problems[0]
