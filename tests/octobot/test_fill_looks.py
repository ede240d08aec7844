"""Which look measures a fill: at an exchange the first one after it, in OctoBot's simulator the price known then."""

from __future__ import annotations

import pathlib
from decimal import Decimal

import pytest

from octobot_volume_booster.adapters.market_data import Book
from octobot_volume_booster.campaign.campaign import Campaign
from octobot_volume_booster.core.model.basics import OrderType, Role, Side, Trading
from octobot_volume_booster.core.model.orders import Fill, OrderIntent
from octobot_volume_booster.core.model.snapshot import Level
from octobot_volume_booster.core.settings.schema import parse_settings
from octobot_volume_booster.journal.journal import Journal
from octobot_volume_booster.trading.orders.fill_looks import FillLooks

MARKET = ("offline", "BTC/USDT")


@pytest.fixture
def campaign(tmp_path: pathlib.Path) -> Campaign:
    campaign = Campaign(Journal.create_or_open(None))
    campaign.begin(1.0, Trading.SANDBOX, 7, "2.0", " ".join(MARKET))
    campaign.use(parse_settings({}), 1.0)
    return campaign


def fill(campaign: Campaign, at: float, number: int = 0, known_mid: Decimal | None = None) -> None:
    intent = OrderIntent(Side.BUY, OrderType.LIMIT, Decimal(1), Decimal(100), Decimal(101))
    campaign.place(f"o{number}", *MARKET, intent, at - 1)
    amounts = Decimal(1), Decimal(100), Decimal(0), Decimal(101)
    order_id = f"o{number}"
    told = Fill(f"f{number}", order_id, at, Side.BUY, Role.MAKER, *amounts, mid_at_fill=known_mid)
    assert campaign.fill(told)


def slippage(campaign: Campaign) -> Decimal:
    return campaign.progress(Decimal(1_000)).slippage_quote


def test_the_first_look_after_a_fill_measures_it_also_when_the_fill_is_known_later(campaign: Campaign) -> None:
    looks = FillLooks(campaign, MARKET, is_price_known=False)
    for at, mid in ((9.0, 105), (10.5, 99), (11.0, 90)):
        looks.see(at, Decimal(mid), at)
    fill(campaign, 10.0)
    looks.measure(12.0)
    assert slippage(campaign) == 1, "100 less 99"
    assert campaign.awaited(*MARKET)[0].due_s == (10, 60), "the look at 11.0 is one second after it"


def test_one_look_measures_every_fill_that_is_due(campaign: Campaign) -> None:
    looks = FillLooks(campaign, MARKET, is_price_known=False)
    fill(campaign, 10.0)
    fill(campaign, 10.4, number=1)
    assert looks.due_in_s(10.4) == 0
    looks.see_book(10.5, Book((Level(Decimal(98), Decimal(1)),), (Level(Decimal(100), Decimal(1)),), 10.6), ())
    assert slippage(campaign) == 2
    assert looks.due_in_s(10.5) == pytest.approx(0.5)
    assert not looks.is_at_fill_missing


def test_a_look_that_comes_too_late_measures_nothing(campaign: Campaign) -> None:
    looks = FillLooks(campaign, MARKET, is_price_known=False)
    fill(campaign, 10.0)
    looks.see(71.0, Decimal(50), 71.0)
    assert slippage(campaign) == 0
    assert looks.is_at_fill_missing
    assert campaign.progress(Decimal(1_000)).unmeasured_quote == 100
    assert looks.due_in_s(200.0) is None


def test_while_orders_rest_it_is_looked_at_now_and_then(campaign: Campaign) -> None:
    looks = FillLooks(campaign, MARKET, is_price_known=False)
    assert looks.due_in_s(5.0) is None
    campaign.place("o", *MARKET, OrderIntent(Side.BUY, OrderType.LIMIT, *map(Decimal, (1, 100, 101))), 4.0)
    assert looks.due_in_s(5.0) == 0
    looks.see(5.0, Decimal(100), 5.0)
    assert looks.due_in_s(5.5) == 1.5
    assert FillLooks(campaign, MARKET, is_price_known=True).due_in_s(5.0) is None, "OctoBot publishes its fills"


def test_in_the_simulator_the_price_that_was_known_then_measures(campaign: Campaign) -> None:
    looks = FillLooks(campaign, MARKET, is_price_known=True)
    looks.see(0.0, Decimal(100), 9.0)
    fill(campaign, 10.0, known_mid=Decimal(100))
    looks.see(0.0, Decimal(100), 10.5)
    assert campaign.awaited(*MARKET)[0].due_s == (1, 10, 60)
    looks.see(60.0, Decimal(95), 60.0)
    assert campaign.awaited(*MARKET)[0].due_s == (60,)
    looks.see(60.0, Decimal(95), 70.0)
    found = [campaign.progress(Decimal(1_000)).markouts.bps(Role.MAKER, after_s) for after_s in (1, 10, 60)]
    assert found == [0, 0, 500]
