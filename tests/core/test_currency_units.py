"""Every number that a decision looks at says what it is counted in, and is converted by that."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest
from strategies import a_snapshot

from octobot_volume_booster.core.accounting.currency import (
    parts_of,
    progress_in_quote,
    settings_in_quote,
    snapshot_in_quote,
    type_hints,
)
from octobot_volume_booster.core.accounting.ledger import Holding, Progress
from octobot_volume_booster.core.accounting.tallies import GuardBaseline
from octobot_volume_booster.core.model.basics import CampaignAmount, QuoteAmount, Unit
from octobot_volume_booster.core.model.instrument import MarketRules
from octobot_volume_booster.core.model.snapshot import Equity, MarketSnapshot, RiskInputs
from octobot_volume_booster.core.settings.schema import Settings, parse_settings

RATE = Decimal(4)


def classes_within(kind: type) -> Iterator[type]:
    """A class, and those of all that it holds."""
    yield kind
    for hint in type_hints(kind).values():
        for part in parts_of(hint):
            if isinstance(part, type) and type_hints(part):
                yield from classes_within(part)


def without_unit(kind: type) -> list[str]:
    hints = {name: list(parts_of(hint)) for name, hint in type_hints(kind).items()}
    return [name for name, parts in hints.items() if Decimal in parts and not units(parts)]


def units(parts: list[Any]) -> list[Any]:
    return [part for part in parts if isinstance(part, Unit)]


DECIDED_ON = {one for kind in (MarketSnapshot, Settings, Progress) for one in classes_within(kind)}


@pytest.mark.parametrize("kind", sorted(DECIDED_ON, key=lambda kind: kind.__name__))
def test_every_amount_has_a_unit(kind: type) -> None:
    assert without_unit(kind) == []


def test_the_classes_of_a_decision_are_all_looked_at() -> None:
    assert {MarketSnapshot, RiskInputs, Equity, MarketRules, Settings, Progress, Holding, GuardBaseline} <= DECIDED_ON


def test_an_amount_without_a_unit_is_found() -> None:
    @dataclasses.dataclass
    class Forgetful:
        spent: Decimal
        earned: Decimal | None
        counted: CampaignAmount

    # its annotations are text, as those of the source are, and name what this module imports
    assert without_unit(Forgetful) == ["spent", "earned"]


def test_a_new_amount_is_converted_by_its_unit_alone() -> None:
    progress = dataclasses.replace(WithTip(target_quote=Decimal(8)), tip=Decimal(20), price=Decimal(20))
    converted = progress_in_quote(progress, RATE)
    assert isinstance(converted, WithTip)
    assert (converted.target_quote, converted.tip, converted.price) == (2, 5, 20)


@dataclasses.dataclass(frozen=True)
class WithTip(Progress):
    tip: CampaignAmount = Decimal(0)
    price: QuoteAmount = Decimal(0)


def test_what_is_in_no_currency_of_the_campaign_stays_the_very_same() -> None:
    snapshot, settings = (
        a_snapshot(),
        parse_settings({"max_daily_quote": "binance = 20", "share_weights": "binance = 2"}),
    )
    converted = snapshot_in_quote(snapshot, RATE)
    assert converted.rules is snapshot.rules
    assert converted.risk_inputs.equity.now_quote == snapshot.risk_inputs.equity.now_quote / RATE
    assert settings_in_quote(settings, RATE).max_daily_quote == (("binance", Decimal(5)),)
    assert settings_in_quote(settings, RATE).share_weights == settings.share_weights
