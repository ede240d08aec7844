"""Laws of currencies: what is counted in one and decided in another is the same campaign in another unit."""

from __future__ import annotations

import dataclasses
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies import LAW, Situation, a_snapshot, multiples, ready_situations

from octobot_volume_booster.core.accounting.currency import (
    CurrencyError,
    campaign_currency,
    progress_in_quote,
    rounded_rate,
    settings_in_quote,
    snapshot_in_quote,
)
from octobot_volume_booster.core.accounting.ledger import Holding, Progress
from octobot_volume_booster.core.accounting.tallies import GuardBaseline
from octobot_volume_booster.core.model.basics import Side
from octobot_volume_booster.core.model.snapshot import Change, Equity, MarketSnapshot, RiskInputs
from octobot_volume_booster.core.settings.schema import Settings, parse_settings

RATE = Decimal(4)
EXACT_RATES = st.sampled_from([Decimal(rate) for rate in ("0.25", "0.5", "2", "4", "8")])
"""Of these an amount divided and multiplied again is the same to its last digit."""
COUNTS_OF_SETTINGS = (
    "price_offset_percent max_position_imbalance fee_buffer_percent notify_every_percent max_price_jump_percent "
    "max_slippage_bps max_cost_bps max_daily_loss_percent max_drawdown_percent max_position_percent leverage "
    "max_exposure_percent rate_limit_margin max_participation_percent max_funding_rate_bps min_share_percent "
    "min_liquidation_distance_percent pair_spacing_bps schedule_slack_percent max_taker_percent"
).split()
"""Numbers that are in no currency."""
BY_MARKET = {"outside_base", "outside_quote", "day_volume_quote", "last_mid_price", "highest_fee_rate"}
"""Of the vitals: what is told by the market itself, in its own quote, and what is in no currency."""


def a_progress() -> Progress:
    """Every amount is there, and no two are the same."""
    amounts = {field.name: Decimal(16 + number) for number, field in enumerate(dataclasses.fields(Progress))
               if field.name.endswith("_quote")}  # fmt: skip
    holding = Holding("binance", "BTC/USDT", Decimal(3), Decimal(1_000), Decimal(1_100), Decimal(-7))
    return Progress(
        **amounts, orders=3, fills=2, buys=1, guard_baseline=GuardBaseline(Decimal(5), Decimal(9)), holdings=(holding,)
    )


def values_of(thing: Any) -> dict[str, Any]:
    return {field.name: getattr(thing, field.name) for field in dataclasses.fields(thing)}


def test_of_a_progress_every_amount_is_brought_into_the_quote_and_nothing_else() -> None:
    before, after = values_of(a_progress()), values_of(progress_in_quote(a_progress(), RATE))
    assert after.pop("guard_baseline") == GuardBaseline(
        before["guard_baseline"].cost_quote / RATE, before.pop("guard_baseline").filled_quote / RATE
    )
    (held,), (holding,) = before.pop("holdings"), after.pop("holdings")
    assert holding == Holding("binance", "BTC/USDT", held.base, *(
        value / RATE for value in (held.average_price, held.last_price, held.realised_quote)))  # fmt: skip
    assert after == {name: value / RATE if name.endswith("_quote") else value for name, value in before.items()}


def test_of_the_settings_every_amount_is_brought_into_the_quote_and_nothing_else() -> None:
    settings = parse_settings({"max_cost_quote": 17})
    before, after = dict(settings), dict(settings_in_quote(settings, RATE))
    amounts = {name for name, value in before.items() if isinstance(value, Decimal)} - {*COUNTS_OF_SETTINGS}
    assert set(COUNTS_OF_SETTINGS) < set(before)
    assert after == {name: value / RATE if name in amounts else value for name, value in before.items()}


def test_of_a_view_the_equity_and_what_is_filled_are_brought_into_the_quote_and_nothing_else() -> None:
    equity = Equity(*map(Decimal, (100, 110, 120, -30)), today_of_all=Change(Decimal(130), Decimal(140)))
    risk_inputs = RiskInputs(
        equity, hour_filled_quote=Decimal(7), own_target_quote=Decimal(50), day_volume_quote=Decimal("1e6"),
        last_mid_price=Decimal(30_000), highest_fee_rate=Decimal("0.002"), exchange_orders_per_second=3.0,
    )  # fmt: skip
    snapshot = a_snapshot(risk_inputs=risk_inputs)
    after = snapshot_in_quote(snapshot, RATE)
    assert dataclasses.replace(after, risk_inputs=risk_inputs) == snapshot
    assert after.risk_inputs.equity == Equity(
        *(amount / RATE for amount in map(Decimal, (100, 110, 120, -30))),
        today_of_all=Change(Decimal(130) / RATE, Decimal(140) / RATE),
    )
    amounts = {name for name, value in values_of(risk_inputs).items() if isinstance(value, Decimal)} - BY_MARKET
    assert amounts == {"hour_filled_quote", "own_target_quote"}
    told = {name: value / RATE if name in amounts else value for name, value in values_of(risk_inputs).items()}
    assert values_of(after.risk_inputs) == told | {"equity": after.risk_inputs.equity}


def test_what_is_not_there_stays_away() -> None:
    assert progress_in_quote(Progress(Decimal(8)), RATE) == Progress(Decimal(2))
    assert settings_in_quote(parse_settings({}), RATE).max_cost_quote is None
    assert snapshot_in_quote(a_snapshot(), RATE).risk_inputs.own_target_quote is None


def test_at_a_rate_of_one_everything_is_what_it_was() -> None:
    settings, progress, snapshot = parse_settings({}), a_progress(), a_snapshot()
    for one, same in ((settings, settings_in_quote), (progress, progress_in_quote), (snapshot, snapshot_in_quote)):
        assert same(one, Decimal(1)) is one  # type: ignore[operator]


def counted_in(situation: Situation, rate: Decimal) -> tuple[MarketSnapshot, Settings, Progress]:
    """The same campaign as it is counted in a currency of which a market's quote is worth `rate`."""
    snapshot, settings, progress = situation.snapshot, situation.settings, situation.progress
    worth = {name: value for name, value in values_of(snapshot.risk_inputs.equity).items() if value is not None}
    equity = Equity(**{name: value * rate for name, value in worth.items()})
    hour_filled = snapshot.risk_inputs.hour_filled_quote * rate
    amounts = ("volume_target", *(f"{end}_{side.value}_amount" for end in ("min", "max") for side in Side))
    return (
        dataclasses.replace(
            snapshot,
            risk_inputs=dataclasses.replace(snapshot.risk_inputs, equity=equity, hour_filled_quote=hour_filled),
        ),
        settings.model_copy(update={name: getattr(settings, name) * rate for name in amounts}),
        dataclasses.replace(
            progress,
            **{name: value * rate for name, value in values_of(progress).items() if isinstance(value, Decimal)},
        ),
    )


@LAW
@given(ready_situations(), EXACT_RATES, multiples(Decimal("0.01"), 0, 100))
def test_a_campaign_decides_the_same_whatever_it_is_counted_in(
    situation: Situation, rate: Decimal, filled: Decimal
) -> None:
    """Also with what its guards count: an hour's share, costs, and what was there when a person resumed it."""
    target = situation.progress.target_quote
    risk_inputs = dataclasses.replace(
        situation.snapshot.risk_inputs, day_volume_quote=target * 100, hour_filled_quote=target * filled / 100
    )
    progress = dataclasses.replace(situation.progress, fees_quote=target * filled / 50, fills=20)
    situation = dataclasses.replace(
        situation, snapshot=dataclasses.replace(situation.snapshot, risk_inputs=risk_inputs), progress=progress
    )
    snapshot, settings, progress = counted_in(situation, rate)
    other = Situation(
        snapshot_in_quote(snapshot, rate),
        settings_in_quote(settings, rate),
        progress_in_quote(progress, rate),
        situation.seed,
    )
    assert other.decide() == situation.decide()


@pytest.mark.parametrize(
    ("set_to", "quotes", "so_far", "currency"),
    [("", ["USDT"], None, "USDT"), ("", ["USDT", "USDT"], None, "USDT"), ("", ["EUR", "USDT"], "EUR", "EUR"),
     ("EUR", ["USDT"], None, "EUR"), ("EUR", ["USDT", "BTC"], None, "EUR"), ("EUR", ["USDT"], "EUR", "EUR"),
     ("", ["USDT"], "EUR", "EUR")],
)  # fmt: skip
def test_a_campaign_counts_in_what_is_set_else_in_what_it_has_counted_in_else_in_the_quote(
    set_to: str, quotes: list[str], so_far: str | None, currency: str
) -> None:
    assert campaign_currency(parse_settings({"target_currency": set_to}), quotes, so_far) == currency


@pytest.mark.parametrize(
    ("set_to", "quotes", "so_far", "words"),
    [("", ["USDT", "EUR", "USDT"], None, "the pairs have the quotes EUR, USDT: set target_currency"),
     ("USDT", ["USDT"], "EUR", "has counted in EUR so far, and target_currency is USDT")],
)  # fmt: skip
def test_what_target_and_amounts_are_in_is_never_guessed(
    set_to: str, quotes: list[str], so_far: str | None, words: str
) -> None:
    with pytest.raises(CurrencyError, match=words):
        campaign_currency(parse_settings({"target_currency": set_to}), quotes, so_far)


def test_a_rate_has_twelve_digits() -> None:
    assert rounded_rate(1 / Decimal(3)) == Decimal("0.333333333333")
    assert rounded_rate(Decimal("1.0900")) == Decimal("1.09")
    assert rounded_rate(Decimal("123456.7890126")) == Decimal("123456.789013")
