"""Where a market buy is placed by the quote to spend, what is decided reaches the exchange to the last digit."""

from __future__ import annotations

from decimal import Decimal

import pytest

from octobot_volume_booster.adapters.order_submission import SubmissionStatus
from octobot_volume_booster.adapters.venues import MarketBuy, venue_of
from octobot_volume_booster.core.model.basics import OrderType, Side
from octobot_volume_booster.core.model.orders import OrderIntent

from .contract import contract
from .exchanges import FAKES
from .fake_venue import FakeVenue

BY_QUOTE = [fake for fake in FAKES if (known := venue_of(fake.ccxt_id)) and known.market_buy is MarketBuy.QUOTE]


@pytest.mark.parametrize("fake", BY_QUOTE, ids=lambda one: one.variant or one.ccxt_id)
@pytest.mark.parametrize("symbol", ["BTC/USDT", "DOGE/USDT", "SHIB/USDT"])
async def test_a_multiple_of_the_step_is_not_changed_on_its_way(fake: type[FakeVenue], symbol: str) -> None:
    async with contract(fake, "stand-in") as exchange:
        step = exchange.rules(symbol).quote_step
        assert step is not None and step > 0
        for count in (1, 3, 7):
            spent = (Decimal(60) / step).to_integral_value() * step + count * step
            price = {"BTC": Decimal(60_000), "DOGE": Decimal("0.2"), "SHIB": Decimal("0.00001")}[symbol[:-5]]
            intent = OrderIntent(Side.BUY, OrderType.MARKET, spent / price, price, price, quote_quantity=spent)
            submission = await exchange.send(symbol, intent)
            assert submission.status is SubmissionStatus.ACCEPTED, submission.reason
            assert exchange.fake.orders[-1].quote_quantity == spent


@pytest.mark.parametrize(
    "fake", [one for one in FAKES if one not in BY_QUOTE], ids=lambda one: one.variant or one.ccxt_id
)
async def test_elsewhere_there_is_no_such_step(fake: type[FakeVenue]) -> None:
    async with contract(fake, "stand-in") as exchange:
        assert exchange.rules("BTC/USDT").quote_step is None
