"""Laws of the account: each fill once, sums exact, and the journal says what the ledger says."""

from __future__ import annotations

import pathlib
import random
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies import LAW, ORDER_TYPES, SIDES, YES_OR_NO, some

from octobot_volume_booster.campaign import Campaign
from octobot_volume_booster.core.ledger import Ledger, Outcome, Progress
from octobot_volume_booster.core.market import Fill, OrderIntent, OrderType, Role, Side
from octobot_volume_booster.journal import Journal

TARGET = Decimal(10_000)
STEP = Decimal("0.001")
CENT = Decimal("0.01")
ENDS = st.sampled_from((Outcome.CANCELLED, Outcome.REJECTED, Outcome.LOST))
ROLES = st.sampled_from(Role)


@dataclass(frozen=True)
class Close:
    order_id: str
    outcome: Outcome


Event = Fill | Close


@dataclass(frozen=True)
class Story:
    """Orders, and what became of them in the order in which it was told; some of it twice."""

    orders: dict[str, OrderIntent]
    events: tuple[Event, ...]

    @property
    def fills(self) -> list[Fill]:
        return [event for event in self.events if isinstance(event, Fill)]


def an_intent(draw: st.DrawFn) -> OrderIntent:
    amounts = some(draw, STEP, 1, 9), some(draw, CENT, 1, 10**7), some(draw, CENT, 1, 10**7)
    return OrderIntent(draw(SIDES), draw(ORDER_TYPES), *amounts)


def fills_of(draw: st.DrawFn, order_id: str, intent: OrderIntent) -> list[Fill]:
    """Any part of an order, in any number of parts."""
    fills: list[Fill] = []
    left = draw(st.integers(0, int(intent.quantity / STEP)))
    while left:
        steps = draw(st.integers(1, left))
        left -= steps
        fill = Fill(
            fill_id=f"{order_id}:{len(fills)}",
            order_id=order_id,
            at=float(draw(st.integers(0, 1_000))),
            side=intent.side,
            role=draw(ROLES),
            quantity=steps * STEP,
            price=some(draw, CENT, 1, 10**7),
            fee_quote=some(draw, CENT / 100, -10, 1_000),
            mid_price=intent.mid_price,
        )
        fills.append(fill)
    return fills


@st.composite
def stories(draw: st.DrawFn) -> Story:
    orders = {f"order {number}": an_intent(draw) for number in range(draw(st.integers(0, 4)))}
    events: list[Event] = []
    for order_id, intent in orders.items():
        events += fills_of(draw, order_id, intent)
        if draw(YES_OR_NO):
            events.append(Close(order_id, draw(ENDS)))
    if events:
        events += draw(st.lists(st.sampled_from(events), max_size=4))
    return Story(orders, tuple(draw(st.permutations(events))))


def tell_ledger(story: Story) -> Ledger:
    ledger = Ledger()
    for order_id, intent in story.orders.items():
        ledger.place(order_id, intent, 1.0)
    for event in story.events:
        if isinstance(event, Fill):
            ledger.apply(event)
        else:
            ledger.close(event.order_id, event.outcome)
    return ledger


def tell_campaign(story: Story, campaign: Campaign) -> Progress:
    for order_id, intent in story.orders.items():
        campaign.place(order_id, "binance", "BTC/USDT", intent, 1.0)
    for event in story.events:
        if isinstance(event, Fill):
            campaign.fill(event)
        else:
            campaign.close(event.order_id, event.outcome, "told by the exchange", 2.0)
    return campaign.progress(TARGET)


def live_and_replayed(story: Story) -> tuple[Progress, Progress]:
    journal = Journal.create_or_open(None)
    live = tell_campaign(story, Campaign(journal))
    replayed = journal.replay().progress(TARGET)
    journal.close()
    return live, replayed


def a_story(*events: Event, quantity: str = "0.004") -> Story:
    intent = OrderIntent(Side.BUY, OrderType.LIMIT, Decimal(quantity), Decimal(100), Decimal(101))
    return Story({event.order_id: intent for event in events}, events)


def a_fill(fill_id: str, quantity: str, order_id: str = "a") -> Fill:
    amounts = Decimal(quantity), Decimal(100), Decimal("0.0001"), Decimal(101)
    return Fill(fill_id, order_id, 1.0, Side.BUY, Role.MAKER, *amounts)


@LAW
@given(stories())
def test_the_replayed_journal_is_the_ledger(story: Story) -> None:
    live, replayed = live_and_replayed(story)
    assert replayed == live


@LAW
@given(stories(), st.randoms(use_true_random=False))
def test_neither_repetition_nor_order_of_the_fills_changes_the_progress(story: Story, chance: random.Random) -> None:
    once = list({fill.fill_id: fill for fill in story.fills}.values())
    twice = [*story.fills, *once]
    chance.shuffle(twice)
    told_once = tell_ledger(Story(story.orders, tuple(once))).progress(TARGET)
    assert tell_ledger(Story(story.orders, tuple(twice))).progress(TARGET) == told_once


@LAW
@given(stories())
def test_a_fill_is_counted_once_by_its_id(story: Story) -> None:
    ledger, known = tell_ledger(Story(story.orders, ())), set()
    for fill in story.fills:
        before = ledger.progress(TARGET)
        assert ledger.apply(fill) == (fill.fill_id not in known)
        assert (ledger.progress(TARGET) == before) == (fill.fill_id in known)
        known.add(fill.fill_id)


@LAW
@given(stories())
def test_volume_fees_and_slippage_are_exact_sums(story: Story) -> None:
    fills = {fill.fill_id: fill for fill in story.fills}.values()
    progress = tell_ledger(story).progress(TARGET)
    paid_more = {
        fill.fill_id: (Fraction(fill.price) - Fraction(fill.mid_price)) * (1 if fill.side is Side.BUY else -1)
        for fill in fills
    }
    assert Fraction(progress.filled_quote) == sum(Fraction(fill.quantity) * Fraction(fill.price) for fill in fills)
    assert Fraction(progress.fees_quote) == sum(Fraction(fill.fee_quote) for fill in fills)
    assert Fraction(progress.slippage_quote) == sum(Fraction(f.quantity) * paid_more[f.fill_id] for f in fills)
    assert Fraction(progress.cost_quote) == Fraction(progress.fees_quote) + Fraction(progress.slippage_quote)


@LAW
@given(stories())
def test_what_an_order_reserves_is_what_may_still_fill(story: Story) -> None:
    ledger = tell_ledger(story)
    records = [ledger.record(order_id) for order_id in story.orders]
    progress = ledger.progress(TARGET)
    reserved = sum((record.open_quantity * record.intent.price for record in records), Decimal(0))
    assert progress.open_buy_quote + progress.open_sell_quote == reserved
    assert progress.open_orders == sum(record.outcome is None for record in records) == len(ledger.open_order_ids)
    assert progress.headroom_quote == progress.remaining_quote - reserved


@LAW
@given(stories())
def test_telling_of_an_order_twice_changes_nothing(story: Story) -> None:
    ledger = tell_ledger(story)
    before = ledger.progress(TARGET)
    for order_id, intent in story.orders.items():
        ledger.place(order_id, intent, 99.0)
    for event in story.events:
        if isinstance(event, Close):
            assert ledger.close(event.order_id, event.outcome) is False
    assert ledger.progress(TARGET) == before


def test_a_fill_that_comes_after_the_cancel_is_replayed_as_it_was() -> None:
    """The exchange fills an order whole while the cancel is on its way."""
    live, replayed = live_and_replayed(a_story(Close("a", Outcome.CANCELLED), a_fill("1", "0.004")))
    assert replayed == live
    assert replayed.filled_quote == Decimal("0.4")


def test_failures_in_a_row_are_replayed_as_they_were() -> None:
    """A rejected order, then one that fills: the row of failures is over, also after a restart."""
    live, replayed = live_and_replayed(a_story(Close("a", Outcome.REJECTED), a_fill("1", "0.004", order_id="b")))
    assert live.failures_in_a_row == 0
    assert replayed == live


def test_a_restart_goes_on_from_the_file(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "new folder" / "campaign.sqlite"
    campaign = Campaign.open(path)
    before = tell_campaign(a_story(a_fill("1", "0.001"), a_fill("2", "0.001")), campaign)
    campaign.close_journal()
    restarted = Campaign.open(path)
    assert restarted.progress(TARGET) == before
    assert restarted.fill(a_fill("2", "0.001")) is False
    assert restarted.open_order_ids("binance", "BTC/USDT") == ["a"]
    assert restarted.orders_placed("binance", "BTC/USDT") == 1
    restarted.close_journal()


def test_the_cost_of_a_buy_above_the_mid_is_fee_and_slippage() -> None:
    ledger = Ledger()
    intent = OrderIntent(Side.BUY, OrderType.MARKET, Decimal("0.5"), Decimal(100), Decimal(100))
    ledger.place("a", intent, 1.0)
    amounts = Decimal("0.5"), Decimal("100.2"), Decimal("0.0501"), Decimal(100)
    ledger.apply(Fill("1", "a", 2.0, Side.BUY, Role.TAKER, *amounts))
    progress = ledger.progress(TARGET)
    assert (progress.slippage_quote, progress.cost_quote) == (Decimal("0.1"), Decimal("0.1501"))
    assert round(progress.cost_bps, 2) == Decimal("29.96")


def test_a_fill_of_an_order_that_is_not_ours_is_an_error() -> None:
    with pytest.raises(KeyError):
        Ledger().apply(a_fill("1", "0.001"))
