"""Orders that spend an amount of quote: that is what they reserve, and what they fill counts in full."""

from __future__ import annotations

import contextlib
import sqlite3
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies import LAW, multiples

from octobot_volume_booster.campaign.campaign import Campaign
from octobot_volume_booster.core.accounting.ledger import Ledger, Outcome
from octobot_volume_booster.core.model.basics import OrderType, Role, Side
from octobot_volume_booster.core.model.instrument import SPOT, Valuation
from octobot_volume_booster.core.model.orders import Fill, OrderIntent
from octobot_volume_booster.core.settings.schema import parse_settings
from octobot_volume_booster.journal.journal import Journal, JournalError

MARKET = ("offline", "BTC/USDT")
TARGET = Decimal(10_000)
PARTS = st.tuples(multiples(Decimal("0.1"), 1, 9), multiples(Decimal(1), 90, 110))
RATES = st.sampled_from((SPOT, Valuation(quote_rate=Decimal("1.09"))))


def by_cost(quote: str = "100", worth: Valuation = SPOT) -> OrderIntent:
    """It is expected to buy one base at 100."""
    intent = OrderIntent(Side.BUY, OrderType.MARKET, Decimal(1), Decimal(100), Decimal(100), worth)
    return replace(intent, quote_quantity=Decimal(quote))


def a_fill(number: int, quantity: Decimal, price: Decimal, worth: Valuation = SPOT) -> Fill:
    amounts = quantity, price, Decimal("0.1"), Decimal(100)
    return Fill(f"f{number}", "vb", 1.0, Side.BUY, Role.TAKER, *amounts, valuation=worth)


@LAW
@given(
    st.lists(st.tuples(multiples(Decimal("0.1"), 1, 9), multiples(Decimal(1), 90, 110)), max_size=5), RATES, st.data()
)
def test_it_reserves_the_quote_that_is_left_until_the_exchange_says_that_it_has_ended(parts, worth, data) -> None:
    journal = Journal.create_or_open(None)
    campaign, intent, spent = Campaign(journal), by_cost(worth=worth), Decimal(0)
    campaign.place("vb", *MARKET, intent, 1.0)
    for number, (quantity, price) in enumerate(parts):
        assert campaign.fill(a_fill(number, quantity, price, worth))
        spent += quantity * price
        if data.draw(st.booleans()):
            journal.add_sums(campaign.ledger)
        for ledger in (campaign.ledger, Ledger.load(campaign.ledger.dump()), journal.replay()):
            progress, record = ledger.progress(TARGET), ledger.record("vb")
            assert record.intent == intent and record.outcome is None
            assert progress.open_buy_quote == max(100 - spent, Decimal(0)) * worth.quote_rate
            assert progress.bought_quote == spent * worth.quote_rate
            assert progress.open_orders == 1
    assert campaign.close("vb", Outcome.FILLED, "the exchange says it has ended", 2.0)
    for ledger in (campaign.ledger, journal.replay(), journal.replay(from_the_first_row=True)):
        progress = ledger.progress(TARGET)
        assert (progress.open_buy_quote, progress.open_orders) == (0, 0)
        assert (progress.ended, progress.cancelled, progress.rejected) == (1, 0, 0)
        assert progress.succeeded == bool(parts)
    assert journal.sent_orders()[0].order.intent == intent
    assert journal.sent_orders()[0].state(Decimal(0)) == "filled"
    journal.close()


def test_what_comes_after_its_end_counts_too() -> None:
    campaign = Campaign.open(None)
    campaign.place("vb", *MARKET, by_cost(), 1.0)
    campaign.close("vb", Outcome.FILLED, "the exchange says it has ended", 2.0)
    assert campaign.fill(a_fill(1, Decimal(2), Decimal(100)))
    assert campaign.progress(TARGET).bought_quote == 200


@pytest.mark.parametrize(("quote", "is_reserved"), [("100", True), ("104.99", True), ("105", False)])
def test_the_target_is_passed_by_less_than_the_smallest_order(quote: str, is_reserved: bool) -> None:
    """What it is expected to buy says nothing of what it spends."""
    campaign = Campaign.open(None)
    campaign.use(parse_settings({"volume_target": 100}), 1.0, " ".join(MARKET))
    assert campaign.reserve("vb", *MARKET, by_cost(quote), 1.0, Decimal(5)) is is_reserved
    assert campaign.progress(TARGET).orders == is_reserved


def test_an_order_is_written_down_with_the_quote_that_it_spends_or_not_at_all(tmp_path: Path) -> None:
    campaign = Campaign.open(tmp_path / "campaign.sqlite")
    before = campaign.progress(TARGET)
    connection = campaign._journal._connection
    connection.execute("DROP TABLE spendings")
    with pytest.raises(JournalError):
        campaign.place("vb", *MARKET, by_cost(), 1.0)
    assert campaign.progress(TARGET) == before
    assert connection.execute("SELECT count(*) FROM orders").fetchone() == (0,)
    campaign.place("plain", *MARKET, replace(by_cost(), quote_quantity=None), 1.0)
    with contextlib.closing(sqlite3.connect(tmp_path / "campaign.sqlite")) as reader:
        assert reader.execute("SELECT seq, order_id FROM orders").fetchall() == [(1, "plain")]
    campaign.close_journal()
