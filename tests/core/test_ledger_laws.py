"""Laws of the account: each fill once, sums exact, and the journal says what the ledger says."""

from __future__ import annotations

import json
import pathlib
import random
from dataclasses import dataclass, replace
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from strategies import LAW, ORDER_TYPES, SIDES, YES_OR_NO, some

from octobot_volume_booster.campaign.campaign import Campaign
from octobot_volume_booster.core.accounting.ledger import KEPT_ORDERS, Ledger, Outcome, Progress
from octobot_volume_booster.core.accounting.position import LATENESS, Inventory, Position
from octobot_volume_booster.core.accounting.tallies import DAY_S, day_of
from octobot_volume_booster.core.model.basics import OrderType, Role, Side
from octobot_volume_booster.core.model.instrument import SPOT, Valuation
from octobot_volume_booster.core.model.orders import Fill, OrderIntent
from octobot_volume_booster.journal.journal import Journal

TARGET = Decimal(10_000)
STEP = Decimal("0.001")
CENT = Decimal("0.01")
MARKETS = (("binance", "BTC/USDT"), ("binance", "ETH/USDT"), ("kraken", "BTC/USDT"))
WHENEVER = st.integers(0, 3 * DAY_S)
ENDS = st.sampled_from((Outcome.CANCELLED, Outcome.REJECTED, Outcome.LOST))
ROLES = st.sampled_from(Role)
SPOT_ONLY = st.just(SPOT)
VALUATIONS = st.sampled_from((
    SPOT,
    Valuation(quote_rate=Decimal("0.9993")),
    Valuation(contract_size=Decimal("0.01")),
    Valuation(Decimal("1.07"), Decimal(100), is_inverse=True),
))  # fmt: skip


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
    markets: dict[str, tuple[str, str]]

    @property
    def fills(self) -> list[Fill]:
        return [event for event in self.events if isinstance(event, Fill)]


def an_intent(draw: st.DrawFn, valuations: st.SearchStrategy[Valuation] = SPOT_ONLY) -> OrderIntent:
    amounts = some(draw, STEP, 1, 9), some(draw, CENT, 1, 10**7), some(draw, CENT, 1, 10**7)
    return OrderIntent(draw(SIDES), draw(ORDER_TYPES), *amounts, draw(valuations))


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
            at=float(draw(WHENEVER)),
            side=intent.side,
            role=draw(ROLES),
            quantity=steps * STEP,
            price=some(draw, CENT, 1, 10**7),
            fee_quote=some(draw, CENT / 100, -10, 1_000) / 3,
            mid_price=intent.mid_price,
            valuation=intent.valuation,
            mid_at_fill=some(draw, CENT, 1, 10**7),
        )
        fills.append(fill)
    return fills


@st.composite
def stories(draw: st.DrawFn, valuations: st.SearchStrategy[Valuation] = SPOT_ONLY) -> Story:
    orders = {f"order {number}": an_intent(draw, valuations) for number in range(draw(st.integers(0, 4)))}
    events: list[Event] = []
    for order_id, intent in orders.items():
        events += fills_of(draw, order_id, intent)
        if draw(YES_OR_NO):
            events.append(Close(order_id, draw(ENDS)))
    if events:
        events += draw(st.lists(st.sampled_from(events), max_size=4))
    markets = {order_id: draw(st.sampled_from(MARKETS)) for order_id in orders}
    return Story(orders, tuple(draw(st.permutations(events))), markets)


def tell_ledger(story: Story) -> Ledger:
    ledger = Ledger()
    for order_id, intent in story.orders.items():
        ledger.place(order_id, intent, 1.0, *story.markets[order_id])
    for event in story.events:
        if isinstance(event, Fill):
            ledger.apply(event)
        else:
            ledger.close(event.order_id, event.outcome)
    return ledger


def tell_campaign(story: Story, campaign: Campaign) -> Progress:
    for order_id, intent in story.orders.items():
        campaign.place(order_id, *story.markets[order_id], intent, 1.0)
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
    orders = {event.order_id: intent for event in events}
    return Story(orders, events, dict.fromkeys(orders, MARKETS[0]))


def a_fill(fill_id: str, quantity: str, order_id: str = "a") -> Fill:
    amounts = Decimal(quantity), Decimal(100), Decimal("0.0001"), Decimal(101)
    return Fill(fill_id, order_id, 1.0, Side.BUY, Role.MAKER, *amounts)


@LAW
@given(stories(VALUATIONS))
def test_the_replayed_journal_is_the_ledger(story: Story) -> None:
    live, replayed = live_and_replayed(story)
    assert replayed == live


@LAW
@given(stories(VALUATIONS), st.randoms(use_true_random=False))
def test_neither_repetition_nor_order_of_what_is_told_changes_the_progress(story: Story, chance: random.Random) -> None:
    """All but the rows of failures and of losses, which are about the order.

    An end is told by the exchange, and always the same.
    """
    once = list(dict.fromkeys(story.events))
    twice = [*story.events, *once]
    chance.shuffle(twice)
    told_once, told_twice = (tell_ledger(replace(story, events=tuple(events))) for events in (once, twice))
    for market in (None, *MARKETS):
        for day in (None, *range(4)):
            in_order, shuffled = (
                replace(ledger.progress(TARGET, market, day), failures_in_a_row=0, losses_in_a_row=0)
                for ledger in (told_once, told_twice)
            )
            assert shuffled == in_order


@LAW
@given(stories(), st.sampled_from((1, 2, 4, 5)))
def test_a_fill_told_in_parts_is_the_same_volume_cost_and_inventory(story: Story, parts: int) -> None:
    """In as many parts as may be, of the same price and moment; the number of fills is then another one."""
    split = [
        part for event in story.events for part in (split_fill(event, parts) if isinstance(event, Fill) else [event])
    ]
    whole, told = (
        tell_ledger(replace(story, events=tuple(events))).progress(TARGET) for events in (story.events, split)
    )
    assert replace(told, fills=whole.fills, holdings=()) == replace(whole, holdings=())
    assert [rounded(holding.realised_quote) for holding in told.holdings] == [
        rounded(holding.realised_quote) for holding in whole.holdings
    ]


def split_fill(fill: Fill, parts: int) -> list[Fill]:
    size = fill.quantity / parts
    sizes = [size] * (parts - 1) + [fill.quantity - size * (parts - 1)]
    fees = [fill.fee_quote, *[Decimal(0)] * (parts - 1)]
    return [
        replace(fill, fill_id=f"{fill.fill_id}/{number}", quantity=size, fee_quote=fee)
        for number, (size, fee) in enumerate(zip(sizes, fees, strict=True))
    ]


def rounded(amount: Decimal) -> Decimal:
    return amount.quantize(Decimal("1e-9"))


@LAW
@given(stories())
def test_markets_and_days_add_up_to_the_campaign(story: Story) -> None:
    ledger = tell_ledger(story)
    whole = ledger.progress(TARGET)
    for parts in (
        [ledger.progress(TARGET, market) for market in ledger.markets],
        [ledger.progress(TARGET, day=day) for day in ledger.days],
        [ledger.progress(TARGET, market, day) for market in ledger.markets for day in ledger.days],
    ):
        for name in ("filled_quote", "cost_quote", "maker_quote", "orders", "fills", "cancelled", "rejected", "ended"):
            assert sum(Fraction(getattr(part, name)) for part in parts) == Fraction(getattr(whole, name)), name


@LAW
@given(stories())
def test_a_fill_counts_on_the_day_of_the_trade(story: Story) -> None:
    ledger = tell_ledger(story)
    fills = {fill.fill_id: fill for fill in story.fills}.values()
    for day in range(4):
        expected = sum(fill.notional for fill in fills if day_of(fill.at) == day)
        assert ledger.progress(TARGET, day=day).filled_quote == expected


@LAW
@given(stories())
def test_what_was_gained_is_realised_or_in_the_inventory(story: Story) -> None:
    """Sold less bought, and what is held at its last price: by average cost it is told apart, and nothing is lost."""
    for holding in tell_ledger(story).progress(TARGET).holdings:
        trades = {
            fill.fill_id: fill
            for fill in story.fills
            if story.markets[fill.order_id] == (holding.exchange, holding.symbol)
        }.values()
        cash = sum((-fill.notional if fill.side is Side.BUY else fill.notional for fill in trades), Decimal(0))
        open_gain = holding.base * (holding.last_price - holding.average_price)
        assert rounded(cash + holding.value_quote) == rounded(holding.realised_quote + open_gain)


@LAW
@given(stories())
def test_the_dumped_ledger_goes_on_as_the_ledger(story: Story) -> None:
    half = len(story.events) // 2
    ledger = tell_ledger(replace(story, events=story.events[:half]))
    loaded = Ledger.load(json.loads(json.dumps(ledger.dump())))
    assert loaded.progress(TARGET) == ledger.progress(TARGET)
    for event in story.events[half:]:
        for one in (ledger, loaded):
            if not one.knows(event.order_id):
                one.recall(event.order_id, ledger.record(event.order_id))
            elif isinstance(event, Fill):
                one.apply(event)
            else:
                one.close(event.order_id, event.outcome)
    assert loaded.dump().keys() == ledger.dump().keys()


@LAW
@given(stories())
def test_a_fill_is_counted_once_by_its_id(story: Story) -> None:
    ledger, known = tell_ledger(replace(story, events=())), set()
    for fill in story.fills:
        before = ledger.progress(TARGET)
        assert ledger.apply(fill) == (fill.fill_id not in known)
        assert (ledger.progress(TARGET) == before) == (fill.fill_id in known)
        known.add(fill.fill_id)


@LAW
@given(stories(VALUATIONS))
def test_the_ledger_counts_what_each_fill_says_that_it_is_worth(story: Story) -> None:
    fills = {fill.fill_id: fill for fill in story.fills}.values()
    progress = tell_ledger(story).progress(TARGET)
    told = progress.filled_quote, progress.slippage_quote, progress.fees_quote
    amounts_of = ((fill.volume, fill.slippage_quote or 0, fill.fee_quote) for fill in fills)
    sums = [sum(map(Fraction, amounts)) for amounts in zip(*amounts_of, strict=True)]
    assert list(map(Fraction, told)) == (sums or [0, 0, 0])


def test_an_inverse_contract_is_worth_its_size_and_what_it_cost_follows_the_base() -> None:
    """Ten contracts of 100 USD at 50,000 are 0.02 BTC; paid 50 above a mid of 50,000, that is 1 USD."""
    worth = Valuation(contract_size=Decimal(100), is_inverse=True)
    assert worth.volume(Decimal(10), Decimal(50_050)) == 1_000
    assert worth.base(Decimal(10), Decimal(50_000)) == Decimal("0.02")
    assert worth.slippage(Side.BUY, Decimal(10), Decimal(50_050), Decimal(50_000)) == 1


def test_another_quote_counts_at_its_rate() -> None:
    worth = Valuation(quote_rate=Decimal("0.999"))
    assert worth.notional(Decimal(2), Decimal(100)) == 200
    assert worth.volume(Decimal(2), Decimal(100)) == Decimal("199.8")
    assert worth.slippage(Side.SELL, Decimal(2), Decimal(99), Decimal(100)) == Decimal("1.998")


@LAW
@given(stories())
def test_volume_fees_and_slippage_are_exact_sums(story: Story) -> None:
    fills = {fill.fill_id: fill for fill in story.fills}.values()
    progress = tell_ledger(story).progress(TARGET)
    paid_more = {
        fill.fill_id: (Fraction(fill.price) - Fraction(fill.mid_at_fill or 0)) * (1 if fill.side is Side.BUY else -1)
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
    assert ledger.progress(TARGET) == before


@LAW
@given(stories())
def test_closing_an_order_twice_changes_nothing(story: Story) -> None:
    ledger = tell_ledger(story)
    before = ledger.progress(TARGET)
    closes = [event for event in story.events if isinstance(event, Close)]
    assume(closes)
    assert not any(ledger.close(event.order_id, event.outcome) for event in closes)
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
    ledger.apply(Fill("1", "a", 2.0, Side.BUY, Role.TAKER, *amounts, mid_at_fill=Decimal(100)))
    progress = ledger.progress(TARGET)
    assert (progress.slippage_quote, progress.cost_quote) == (Decimal("0.1"), Decimal("0.1501"))
    assert round(progress.cost_bps, 2) == Decimal("29.96")


def test_a_fill_of_an_order_that_is_not_ours_is_an_error() -> None:
    with pytest.raises(KeyError):
        Ledger().apply(a_fill("1", "0.001"))


POSITIONS = [
    # trades, then base, average price and what was realised
    ("buy 1 100, buy 1 110, sell 1 120", "1 105 15"),
    ("buy 1 100, sell 1 110, buy 1 120", "1 120 10"),
    ("buy 2 100, sell 1 90, sell 1 90", "0 0 -20"),
    ("sell 1 100, buy 1 90", "0 0 10"),
    ("sell 1 100, sell 1 110, buy 3 90", "1 90 30"),
    ("buy 1 100, sell 3 110", "-2 110 10"),
]


@pytest.mark.parametrize(("trades", "position"), POSITIONS, ids=[trades for trades, _ in POSITIONS])
def test_round_trips_are_realised_at_the_average_cost(trades: str, position: str) -> None:
    held = Position()
    for trade in trades.split(", "):
        side, quantity, price = trade.split()
        held.trade(Side(side), Decimal(quantity), Decimal(price))
    assert [held.base, held.average_price, held.realised_quote] == [Decimal(part) for part in position.split()]


@settings(LAW, max_examples=40)
@given(st.integers(0, LATENESS), st.randoms(use_true_random=False))
def test_an_inventory_is_the_same_for_every_order_of_its_trades_within_the_lateness(
    late: int, chance: random.Random
) -> None:
    trades = [
        (float(at), str(at), chance.choice(list(Side)), Decimal(chance.randint(1, 9)), Decimal(chance.randint(90, 110)))
        for at in range(4 * LATENESS)
    ]
    in_order, delayed = Inventory(), Inventory()
    moved = chance.randrange(len(trades) - late)
    as_told = [*trades[:moved], *trades[moved + 1 : moved + 1 + late], trades[moved], *trades[moved + 1 + late :]]
    for told, inventory in ((trades, in_order), (as_told, delayed)):
        for number, trade in enumerate(told):
            inventory.add(trade)
            if number % 50 == 0:
                assert inventory.position is inventory.position
    assert delayed.position == in_order.position
    assert delayed.last_price == in_order.last_price


def many_orders(campaign: Campaign, orders: int) -> None:
    for number in range(orders):
        order_id = f"order {number}"
        campaign.place(order_id, *MARKETS[0], a_story(a_fill("1", "0.004")).orders["a"], 1.0)
        campaign.fill(a_fill(f"fill {number}", "0.003", order_id))
        campaign.close(order_id, Outcome.CANCELLED, "told by the exchange", 2.0)


def test_the_memory_holds_open_and_lately_ended_orders_only_and_knows_all_the_same() -> None:
    campaign = Campaign.open(None)
    many_orders(campaign, KEPT_ORDERS + 10)
    assert not campaign.ledger.knows("order 0")
    assert campaign.knows("order 0")
    before = campaign.progress(TARGET)
    assert campaign.fill(a_fill("fill 1", "0.003", "order 1")) is False
    assert campaign.close("order 2", Outcome.CANCELLED, "told again", 3.0) is False
    assert campaign.progress(TARGET) == before
    assert campaign.record("order 3").filled_quantity == Decimal("0.003")
    for number in range(KEPT_ORDERS + 10):
        assert campaign.placed_at(f"order {number}") == 1.0
    assert sum(campaign.ledger.knows(f"order {number}") for number in range(KEPT_ORDERS + 10)) <= KEPT_ORDERS
    campaign.close_journal()


def test_a_late_fill_of_an_order_that_ended_long_ago_is_counted_once_also_after_a_restart(
    tmp_path: pathlib.Path,
) -> None:
    path = tmp_path / "campaign.sqlite"
    campaign = Campaign.open(path)
    many_orders(campaign, KEPT_ORDERS + 10)
    late = a_fill("late", "0.001", "order 0")
    before = campaign.progress(TARGET)
    assert [campaign.fill(late), campaign.fill(late)] == [True, False]
    after = campaign.progress(TARGET)
    assert after.filled_quote == before.filled_quote + late.notional
    assert (after.cancelled, after.buys) == (before.cancelled - 1, before.buys)
    campaign.close_journal()
    journal = Journal.open_to_read(path)
    assert journal.replay(from_the_first_row=True).progress(TARGET) == after
    assert journal.replay().progress(TARGET) == after
    journal.close()
    restarted = Campaign.open(path)
    assert restarted.progress(TARGET) == after
    assert restarted.fill(late) is False
    restarted.close_journal()


def test_an_order_that_filled_whole_was_not_cancelled_whatever_was_told_first() -> None:
    ledger = tell_ledger(a_story(Close("a", Outcome.CANCELLED), a_fill("1", "0.004")))
    progress = ledger.progress(TARGET)
    assert (progress.cancelled, progress.ended, progress.succeeded, progress.success_rate) == (0, 1, 1, 1.0)
    assert ledger.record("a").outcome is Outcome.FILLED


def test_an_order_that_filled_on_two_days_is_one_buy_of_the_campaign_and_one_of_each_day() -> None:
    days = [replace(a_fill(str(day), "0.001"), at=float(day * DAY_S)) for day in (1, 0)]
    ledger = tell_ledger(a_story(*days))
    assert [ledger.progress(TARGET, day=day).buys for day in (None, 0, 1)] == [1, 1, 1]


def test_the_pace_is_the_volume_by_the_hour_since_the_first_order() -> None:
    progress = tell_ledger(a_story(a_fill("1", "0.004"))).progress(TARGET)
    assert progress.quote_per_hour(1.0 + 1_800) == Decimal("0.8")
    assert progress.quote_per_hour(1.0) == 0
    assert progress.eta_s(1.0 + 1_800) == pytest.approx(1_800 * 9_999.6 / 0.4)
