"""Laws of how fills are measured: at the first look after them, each mid once, in parts that add up to the cost."""

from __future__ import annotations

import contextlib
import json
import pathlib
from decimal import Decimal

import damaged
import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies import LAW

from octobot_volume_booster.campaign.campaign import Campaign
from octobot_volume_booster.core.accounting.cost_parts import CostParts, parts_of, parts_of_fill
from octobot_volume_booster.core.accounting.fill_marks import HORIZONS_S
from octobot_volume_booster.core.accounting.ledger import Ledger
from octobot_volume_booster.core.model.basics import OrderType, Role, Side, Trading
from octobot_volume_booster.core.model.books import mid_of_others
from octobot_volume_booster.core.model.instrument import SPOT, Valuation
from octobot_volume_booster.core.model.orders import Fill, OpenOrder, OrderIntent
from octobot_volume_booster.core.model.snapshot import Level
from octobot_volume_booster.core.settings.schema import parse_settings
from octobot_volume_booster.journal.journal import Journal
from octobot_volume_booster.reporting import measured
from octobot_volume_booster.reporting.history import fills_csv, read_history

TARGET = Decimal(10_000)
MARKET = ("offline", "BTC/USDT")
PRICES = st.integers(1, 10**7).map(lambda cents: Decimal(cents) / 100)
LINEAR = st.sampled_from((SPOT, Valuation(quote_rate=Decimal("1.07")), Valuation(contract_size=Decimal(10))))


@st.composite
def measured_fills(draw: st.DrawFn) -> list[tuple[OrderIntent, Fill, list[tuple[int, Decimal]]]]:
    """Fills of orders of one market, each with the mids that it is measured at: none, some or all, in order."""
    worth, story = draw(LINEAR), []
    for number in range(draw(st.integers(1, 4))):
        side, quantity, price = draw(st.sampled_from(Side)), draw(PRICES), draw(PRICES)
        flattens = draw(st.booleans())
        intent = OrderIntent(side, OrderType.LIMIT, quantity, price, draw(PRICES), worth, is_flattening=flattens)
        amounts = quantity, price, draw(PRICES) / 100, intent.mid_price
        at, role = float(draw(st.integers(0, 200_000))), draw(st.sampled_from(Role))
        fill = Fill(f"f{number}", f"o{number}", at, side, role, *amounts, valuation=worth, is_flattening=flattens)
        seen = (0, *HORIZONS_S)[: draw(st.integers(0, 4))]
        story.append((intent, fill, [(after_s, draw(PRICES)) for after_s in seen]))
    return story


@LAW
@given(measured_fills())
def test_the_parts_of_the_cost_add_up_to_it_on_every_fill_and_altogether(
    story: list[tuple[OrderIntent, Fill, list[tuple[int, Decimal]]]],
) -> None:
    ledger, told = Ledger(), []
    for intent, fill, marks in story:
        ledger.place(fill.order_id, intent, fill.at, *MARKET)
        assert ledger.apply(fill)
        for after_s, mid in marks:
            assert ledger.mark(fill.fill_id, after_s, fill.at + after_s, mid) is not None
            assert ledger.mark(fill.fill_id, after_s, fill.at + after_s, mid + 1) is None, "each once"
        fill = Fill(
            *(getattr(fill, name) for name in Fill.__slots__[:14]), mid_at_fill=dict(marks).get(0), marks=tuple(marks),
            is_flattening=fill.is_flattening,
        )  # fmt: skip
        told.append(fill)
    progress, last_mid = ledger.progress(TARGET), dict(ledger.last_mids)[MARKET]
    total = CostParts()
    for fill in told:
        parts = parts_of_fill(fill, last_mid)
        assert parts.total == fill.fee_quote + fill.off(last_mid)
        if fill.slippage_quote is not None:
            assert parts.half_spread + parts.flattening == fill.slippage_quote
        total = total.plus(parts)
    assert parts_of(progress) == total
    assert parts_of(progress).fees + total.half_spread + total.flattening == progress.cost_quote
    unmeasured = [fill.volume for fill in told if fill.mid_at_fill is None]
    assert progress.unmeasured_quote == sum(unmeasured)
    assert Ledger.load(json.loads(json.dumps(ledger.dump()))).dump() == ledger.dump()
    assert Ledger.load(ledger.dump()).progress(TARGET) == progress


def an_order(campaign: Campaign, order_id: str, side: Side = Side.BUY, at: float = 100.0) -> Fill:
    """A limit order at 100 with a mid of 101 when it was decided on, filled whole; its fee is 0.1."""
    intent = OrderIntent(side, OrderType.LIMIT, Decimal(1), Decimal(100), Decimal(101))
    campaign.place(order_id, *MARKET, intent, at)
    amounts = Decimal(1), Decimal(100), Decimal("0.1"), Decimal(101)
    fill = Fill(f"fill of {order_id}", order_id, at, side, Role.MAKER, *amounts)
    assert campaign.fill(fill)
    return fill


def a_campaign(path: pathlib.Path) -> Campaign:
    campaign = Campaign.open(path)
    campaign.begin(1.0, Trading.SANDBOX, 7, "2.0", " ".join(MARKET))
    campaign.use(parse_settings({"volume_target": 500}), 1.0)
    return campaign


def test_what_is_not_measured_yet_is_marked_and_not_counted_as_nothing(tmp_path: pathlib.Path) -> None:
    campaign = a_campaign(tmp_path / "campaign.sqlite")
    first = an_order(campaign, "a")
    campaign.mark([(first.fill_id, 0, 100.2, Decimal("99.9"))])
    an_order(campaign, "b")
    progress = campaign.progress(TARGET)
    assert (progress.slippage_quote, progress.unmeasured_quote) == (Decimal("0.1"), 100)
    assert progress.cost_bps == 10 + 10, "fees of both, slippage of the one that is measured"
    assert progress.arrival_cost_bps == 10 - 100
    (text,) = (text for name, text in measured.rows(progress, "USDT") if name == "Not measured")
    assert "100.00 USDT" in text
    campaign.close_journal()


def test_what_has_to_be_measured_survives_a_restart(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "campaign.sqlite"
    campaign = a_campaign(path)
    fill = an_order(campaign, "a")
    campaign.mark([(fill.fill_id, 0, 100.1, Decimal(100)), (fill.fill_id, 1, 101.1, Decimal("99.5"))])
    before = campaign.ledger.dump()
    campaign.close_journal()
    again = Campaign.open(path)
    assert again.ledger.dump() == before
    (awaited,) = again.awaited(*MARKET)
    assert (awaited.fill_id, awaited.due_s) == (fill.fill_id, (10, 60))
    again.mark([(fill.fill_id, 10, 110.0, Decimal(101)), (fill.fill_id, 60, 161.0, Decimal(102))])
    assert not again.awaited(*MARKET)
    found = [again.progress(TARGET).markouts.bps(Role.MAKER, after_s) for after_s in HORIZONS_S]
    assert found == [50, -100, -200], "above zero the mid went against the buy"
    assert measured.to_json(again.progress(TARGET))["markout_bps"]["maker"]["60"] == "-200.0000"
    again.close_journal()
    history = read_history(path)
    assert history is not None
    assert history.fills[0].marks == ((0, 100), (1, Decimal("99.5")), (10, 101), (60, 102))
    assert history.parts_of_fills() == [parts_of(history.report.progress)]
    assert fills_csv(history).splitlines()[1].endswith(",at fill")


def test_a_journal_of_before_is_read_and_its_figures_are_marked(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "campaign.sqlite"
    campaign = a_campaign(path)
    an_order(campaign, "a")
    campaign.close_journal()
    damaged.make_version_6(path)
    again = Campaign.open(path)
    assert not again.awaited(*MARKET), "nobody knows the mid of then any more"
    told = measured.to_json(again.progress(TARGET))
    assert (told["cost_kind"], told["cost_at_fill_bps"], told["old_kind_quote"]) == ("arrival", "-90.0000", "100.00")
    fill = an_order(again, "b")
    again.mark([(fill.fill_id, 0, 100.1, Decimal(100))])
    assert measured.to_json(again.progress(TARGET))["cost_kind"] == "mixed"
    assert any(name == "Old measure" for name, _ in measured.rows(again.progress(TARGET), "USDT"))
    again.close_journal()
    with contextlib.closing(Journal.open_to_read(path)) as journal:
        assert [fill.is_of_old_kind for fill in journal.fills()] == [True, False]
        assert journal.replay(from_the_first_row=True).dump() == again.ledger.dump()


OWN = OpenOrder("vb", Side.BUY, Decimal(100), Decimal(2), 0.0)


@pytest.mark.parametrize(
    ("quantity", "own", "mid"),
    [("2", [OWN], "100"), ("3", [OWN], "100.5"), ("2", [], "100.5"), ("1", [OWN], "100")],
)
def test_the_mid_of_a_book_is_that_of_others(quantity: str, own: list[OpenOrder], mid: str) -> None:
    bids = (Level(Decimal(100), Decimal(quantity)), Level(Decimal(99), Decimal(1)))
    asks = (Level(Decimal(101), Decimal(1)),)
    assert mid_of_others(bids, asks, own) == Decimal(mid)
    assert mid_of_others((), asks, own) is None
