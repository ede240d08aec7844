"""Laws of quotes: what should stand, the one step to it, and that no own order can ever meet another."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from quoting_market import LateMarket
from strategies import LAW, NOW, Situation, a_snapshot, an_order, calm, placed, ready_situations

from octobot_volume_booster.core.accounting.ledger import Progress
from octobot_volume_booster.core.decision import quoting
from octobot_volume_booster.core.decision.outcomes.decisions import Cancel, Done, Place, Wait
from octobot_volume_booster.core.decision.quoting import Quotes, Take, Wanted, next_step, wanted
from octobot_volume_booster.core.decision.timing.schedule import Schedule, length_of, schedule_of
from octobot_volume_booster.core.decision.timing.volatility import LEAST_LOOKS, VolatilityMeter
from octobot_volume_booster.core.model.basics import ExecutionStyle, OrderType, Side
from octobot_volume_booster.core.model.orders import OpenOrder
from octobot_volume_booster.core.model.snapshot import Level, MarketSnapshot
from octobot_volume_booster.core.settings.schema import Settings, parse_settings

BUY, SELL = Side.BUY, Side.SELL
FEW = settings(LAW, max_examples=60)
STYLES = st.sampled_from(("passive", "pair"))
SECONDS = st.floats(0, 3_600)


def quoting_settings(**changes: Any) -> Settings:
    return parse_settings({"order_type": "passive", "deadline": 600, "volume_target": 5_000} | changes)


def market(bid: str = "29999.5", ask: str = "30000.5", **changes: Any) -> MarketSnapshot:
    """A book without our orders, 1 quote wide at 30,000 with a tick of 0.1, maker 2 and taker 5 bps."""
    snapshot = a_snapshot()
    rules = replace(
        snapshot.rules, price_tick=Decimal("0.1"), maker_fee_rate=Decimal("0.0002"), taker_fee_rate=Decimal("0.0005")
    )
    best_bid, best_ask = Decimal(bid), Decimal(ask)
    values = {
        "rules": rules,
        "best_bid": best_bid,
        "best_ask": best_ask,
        "mid_price": (best_bid + best_ask) / 2,
        "bids": (Level(best_bid, Decimal(1)),),
        "asks": (Level(best_ask, Decimal(1)),),
    }
    return replace(snapshot, **(values | changes))


def situation(snapshot: MarketSnapshot, filled: int = 0, at_s: float = 0.0, **changes: Any) -> Situation:
    """So much filled by makers, half on each side, so many seconds after the first order."""
    chosen = quoting_settings(**changes)
    half = Decimal(filled) / 2
    progress = Progress(
        chosen.volume_target, half, half, maker_quote=Decimal(filled), fills=bool(filled), first_order_at=NOW - at_s
    )
    return Situation(snapshot, chosen, progress)


def with_drift(snapshot: MarketSnapshot, drift: str) -> MarketSnapshot:
    inputs = snapshot.risk_inputs
    return replace(snapshot, risk_inputs=replace(inputs, equity=replace(inputs.equity, drift_quote=Decimal(drift))))


def standing(buy: str | None = None, sell: str | None = None, **changes: Any) -> tuple[OpenOrder, ...]:
    prices = ((BUY, buy), (SELL, sell))
    return tuple(an_order(side, price, fills_since=0, **changes) for side, price in prices if price is not None)


@pytest.mark.long
@FEW
@given(STYLES, st.integers(0, 2**32), st.integers(1, 12), st.integers(0, 8), st.sampled_from((0.0, 0.3, 1.5, 3.0)))
def test_no_own_order_can_ever_meet_another_however_late_all_answers_are(
    style: str, seed: int, spread_ticks: int, move_ticks: int, latency_s: float
) -> None:
    chosen = quoting_settings(
        order_type=style, deadline=60, volume_target=3_000, pair_spacing_bps=1, max_orders_per_second=20,
        max_slippage_bps=10_000, max_cost_bps=10_000, max_consecutive_losses=200, limit_order_timeout=15,
    )  # fmt: skip
    late = LateMarket(chosen, seed, latency_s, spread_ticks=spread_ticks, move_ticks=move_ticks)
    for _ in range(400):
        decision = late.look()
        assert not late.meetings, late.meetings
        if isinstance(decision, Done) and not decision.leftovers and not late.known:
            break
        late.pass_time(late.chance.uniform(0.05, 1.0))
    excess = late.progress.filled_quote - chosen.volume_target
    assert excess < late.rules.min_order_notional(late.mid)


@FEW
@given(st.integers(0, 2**32), st.integers(1, 6))
def test_the_budget_of_cancels_is_never_passed(seed: int, budget: int) -> None:
    chosen = quoting_settings(max_cancels_per_minute=budget, volume_target=50_000, deadline=3_600)
    late = LateMarket(chosen, seed, 0.3, move_ticks=8)
    for _ in range(150):
        late.look()
        assert sum(at > late.now - 60 for at in late.cancels) <= budget
        late.pass_time(1.0)
    assert late.cancels


@FEW
@given(ready_situations(order_type="passive", min_share_percent=5))
def test_a_quote_is_post_only_on_a_tick_and_not_through_the_others(drawn: Situation) -> None:
    place = placed(drawn.decide())
    intent, rules = place.intent, drawn.snapshot.rules
    assert intent.order_type is OrderType.LIMIT
    assert intent.post_only
    assert intent.price % rules.tick_at(intent.price) == 0
    touch = quoting.touch_of(drawn.snapshot)
    assert intent.price < touch.ask if intent.side is BUY else intent.price > touch.bid


def test_it_quotes_both_sides_a_tick_ahead_of_the_others() -> None:
    quotes = wanted(situation(market()), BUY)
    assert (quotes.buy, quotes.sell, quotes.take) == (Decimal("29999.6"), Decimal("30000.4"), None)
    assert next_step(quotes, market(), quoting_settings()) == Quotes(
        ((BUY, Decimal("29999.6")), (SELL, Decimal("30000.4")))
    )


@pytest.mark.parametrize(("ask", "buy"), [("29999.6", "29999.5"), ("29999.7", "29999.5"), ("29999.8", "29999.6")])
def test_it_joins_the_others_where_the_spread_has_no_room_for_a_lead(ask: str, buy: str) -> None:
    assert wanted(situation(market(ask=ask)), BUY).buy == Decimal(buy)


@pytest.mark.parametrize(
    ("drift", "stands", "is_bought", "is_sold"),
    [
        ("349", False, True, True),
        ("351", False, False, True),
        ("-351", False, True, False),
        ("351", True, True, True),
        ("394", True, False, True),
    ],
)
def test_at_four_mean_orders_of_inventory_only_the_side_that_reduces_it_is_quoted(
    drift: str, stands: bool, is_bought: bool, is_sold: bool
) -> None:
    orders = standing("29999.6", "30000.4") if stands else ()
    quotes = wanted(situation(with_drift(market(open_orders=orders), drift)), BUY)
    assert (quotes.buy is not None, quotes.sell is not None) == (is_bought, is_sold)


@pytest.mark.parametrize(
    ("buy", "reason"),
    [
        ("29999.6", None),
        ("29999.7", None),  # a tenth of the spread is one tick
        ("29999.8", "the market came towards it"),
        ("29998.6", None),  # a whole spread behind
        ("29998.5", "the market has left it behind, or it has stood for limit_order_timeout"),
    ],
)
def test_a_quote_is_cancelled_at_once_where_the_market_comes_and_lazily_where_it_leaves(
    buy: str, reason: str | None
) -> None:
    snapshot = market(open_orders=standing(buy, "30000.4"))
    step = next_step(wanted(situation(snapshot), BUY), snapshot, quoting_settings())
    assert (step.reason if isinstance(step, Cancel) else None) == reason


def test_a_quote_is_no_older_than_limit_order_timeout() -> None:
    old = standing("29999.6", placed_at=NOW - 120)
    snapshot = market(open_orders=(*old, *standing(None, "30000.4")))
    step = next_step(wanted(situation(snapshot), BUY), snapshot, quoting_settings())
    assert isinstance(step, Cancel)
    assert step.orders == old


def test_behind_schedule_it_clears_the_way_and_takes_on_the_side_that_reduces_the_inventory() -> None:
    orders = standing("29999.6", "30000.4")
    snapshot = with_drift(market(open_orders=orders), "100")
    behind = situation(snapshot, filled=1_000, at_s=300)
    decision = behind.decide()
    assert isinstance(decision, Cancel)
    assert [order.side for order in decision.orders] == [BUY]
    alone = replace(behind, snapshot=replace(snapshot, open_orders=standing(None, "30000.4")))
    intent = placed(alone.decide()).intent
    assert (intent.order_type, intent.side) == (OrderType.MARKET, SELL)


def test_a_market_order_waits_for_a_cancellation_to_be_confirmed() -> None:
    orders = standing("29999.6", is_cancelling=True)
    snapshot = with_drift(market(open_orders=orders), "100")
    decision = situation(snapshot, filled=1_000, at_s=300).decide()
    assert isinstance(decision, Wait)
    assert "cancel" in decision.reason


@pytest.mark.parametrize("changes", [{"max_slippage_bps": "0.1"}, {"max_taker_percent": 0}])
def test_the_schedule_is_missed_rather_than_what_must_not_be_passed(changes: dict[str, Any]) -> None:
    late = situation(market(), at_s=700, **changes)
    quotes = wanted(late, BUY)
    assert quotes.take is None
    assert next(iter(changes)) in quotes.missed
    assert placed(late.decide()).intent.post_only
    resting = situation(market(open_orders=standing("29999.6", "30000.4")), at_s=700, **changes).decide()
    assert isinstance(resting, Wait)
    assert next(iter(changes)) in resting.reason


@pytest.mark.parametrize(("volatility", "pays"), [(None, True), ("3.16", True), ("3.17", False)])
def test_it_rests_only_where_that_pays(volatility: str | None, pays: bool) -> None:
    """Half the spread is 0.1667 bps, and maker fees are 3 bps lower."""
    inputs = replace(calm(Decimal(60_000)), volatility_bps=volatility and Decimal(volatility))
    snapshot = market(risk_inputs=inputs)
    assert quoting.pays_to_rest(snapshot, quoting.touch_of(snapshot)) is pays
    quotes = wanted(situation(snapshot, at_s=60), BUY)
    assert (quotes.take is None, quotes.buy is not None) == (pays, True) if pays else (quotes.take is BUY)


def test_nothing_rests_while_a_person_has_paused_it() -> None:
    late = LateMarket(quoting_settings(), 7, 0.0)
    for _ in range(4):
        late.look()
        late.pass_time(0.3)
    assert late.known
    for _ in range(4):
        late.look("paused")
        late.pass_time(0.3)
    assert not late.known


def test_what_is_left_of_the_target_is_never_quoted_twice() -> None:
    snapshot = market(open_orders=standing("29999.6"))
    drawn = situation(snapshot, filled=4_950, at_s=590)
    progress = replace(drawn.progress, open_buy_quote=Decimal(50))
    decision = replace(drawn, progress=progress).decide()
    assert not isinstance(decision, Place)


@given(SECONDS, SECONDS, st.integers(0, 5_000), st.integers(0, 50))
def test_a_schedule_is_a_line_whose_slack_is_gone_at_the_deadline(
    earlier: float, later: float, filled: int, slack: int
) -> None:
    schedule = Schedule(0.0, 3_600.0, Decimal(5_000), Decimal(slack) / 100)
    first, second = sorted((earlier, later))
    assert schedule.planned_quote(first) <= schedule.planned_quote(second) <= 5_000
    if schedule.is_behind(first, Decimal(filled)):
        assert schedule.is_behind(second, Decimal(filled))
    assert schedule.is_behind(3_600.0, Decimal(4_999))
    assert not schedule.is_behind(second, schedule.planned_quote(second))


@pytest.mark.parametrize(
    ("changes", "volume", "seconds"),
    [
        ({"deadline": "10m"}, 86_400, 600),
        ({"deadline": None, "urgency": "aggressive"}, 864_000, 5_000),
        ({"deadline": None, "urgency": "normal"}, 864_000, 10_000),
        ({"deadline": None, "urgency": "passive"}, 864_000, 20_000),
        ({"deadline": None, "urgency": "aggressive", "max_participation_percent": 5}, 864_000, 10_000),
        ({"deadline": None, "urgency": "normal"}, None, 5_000 / 87.5 * 5),
        ({"deadline": None}, 864_000, 5_000 / 87.5 * 5),
        ({"deadline": None, "order_type": "pair"}, 864_000, None),
        ({"deadline": 60, "order_type": "limit"}, 864_000, None),
    ],
)
def test_the_length_of_a_schedule(changes: dict[str, Any], volume: int | None, seconds: float | None) -> None:
    length = length_of(quoting_settings(**changes), Decimal(5_000), volume and Decimal(volume))
    assert length == (None if seconds is None else pytest.approx(seconds))


def test_the_target_of_a_day_ends_with_the_day() -> None:
    chosen = quoting_settings(target_period="daily", deadline="30d")
    schedule = schedule_of(market(), chosen, Progress(Decimal(5_000), first_order_at=NOW - 10))
    assert schedule is not None
    assert schedule.deadline_at % 86_400 == 0
    assert 0 < schedule.deadline_at - NOW <= 86_400


def pair_prices(spacing_bps: int, snapshot: MarketSnapshot) -> tuple[Decimal | None, Decimal | None]:
    quotes = wanted(situation(snapshot, order_type="pair", deadline=None, pair_spacing_bps=spacing_bps), BUY)
    return quotes.buy, quotes.sell


def test_a_pair_stands_around_the_mid_and_never_through_the_others() -> None:
    assert pair_prices(10, market()) == (Decimal(29_970), Decimal(30_030))
    assert pair_prices(1, market("29900", "30100")) == (Decimal("29997.0"), Decimal("30003.0"))


@pytest.mark.parametrize("fills_since", [1, None])
def test_after_any_fill_the_rest_of_a_pair_goes_at_once(fills_since: int | None) -> None:
    rest = an_order(SELL, "30030", fills_since=fills_since)
    decision = situation(market(open_orders=(rest,)), order_type="pair").decide()
    assert isinstance(decision, Cancel)
    assert decision.orders == (rest,)


@pytest.mark.parametrize(
    ("bid", "age_s", "is_made_anew"),
    [("29999.5", 60, False), ("29985", 60, False), ("29984", 60, True), ("29984", 1, False)],
)
def test_a_pair_is_made_anew_when_the_mid_has_moved_but_not_at_once(bid: str, age_s: int, is_made_anew: bool) -> None:
    orders = standing("29970", "30030", placed_at=NOW - age_s)
    snapshot = market(bid, str(Decimal(bid) + 1), open_orders=orders)
    decision = situation(snapshot, order_type="pair", deadline=None).decide()
    assert (isinstance(decision, Cancel) and decision.orders == orders) is is_made_anew


@FEW
@given(st.integers(0, 2**32))
def test_after_a_fill_exactly_one_new_pair_stands_around_the_fresh_mid(seed: int) -> None:
    chosen = quoting_settings(
        order_type="pair", deadline=None, pair_spacing_bps=1, max_orders_per_second=20, trade_frequency_min=0.5,
        max_consecutive_losses=200,
    )  # fmt: skip
    late = LateMarket(chosen, seed, 0.0)
    fills = pairs = 0
    for _ in range(200):
        late.look()
        late.pass_time(0.1)
        if late.progress.is_done:
            break
        if late.progress.fills > fills and not late.known:
            fills, pairs, before = late.progress.fills, pairs + 1, len(late.placed)
            late.look()
            late.look()
            new = [intent for _, intent in late.placed[before:]]
            assert sorted(intent.side.value for intent in new) in (["buy", "sell"], ["buy"], ["sell"])
            for intent in new:
                assert abs(intent.price - late.mid) <= intent.price * Decimal("0.0001") + late.tick * 3
    assert len(late.known) <= 2


def test_volatility_is_that_of_a_second_and_is_said_only_when_it_is_known() -> None:
    meter = VolatilityMeter()
    price = Decimal(30_000)
    for look in range(LEAST_LOOKS + 1):
        assert meter.bps is None
        assert (meter.seen_bps is None) == (look < 2)
        meter.see(look * 4.0, price * (1 if look % 2 else Decimal("1.0002")))
    assert meter.bps == meter.seen_bps == pytest.approx(Decimal(1), rel=Decimal("0.01"))


def test_the_bounce_between_two_looks_in_a_moment_is_no_volatility() -> None:
    meter, price = VolatilityMeter(), Decimal(30_000)
    for look in range(LEAST_LOOKS * 12):
        meter.see(look * 0.1, price * (1 if look % 10 else Decimal("1.001")))
    assert meter.bps == 0


@given(st.sampled_from(ExecutionStyle))
def test_a_style_is_read_from_the_type_of_an_order(style: ExecutionStyle) -> None:
    assert ExecutionStyle(style.value) is style
    assert style.is_quoting == (style.value in ("passive", "pair"))
    assert ExecutionStyle(OrderType.LIMIT) is ExecutionStyle.LIMIT


@given(st.booleans(), st.booleans())
def test_of_two_quotes_on_one_side_only_one_stays(is_buy: bool, is_ahead: bool) -> None:
    side, price = (BUY, "29999.6") if is_buy else (SELL, "30000.4")
    orders = (an_order(side, price, fills_since=0), an_order(side, price, order_id="twin", fills_since=0))
    snapshot = market(open_orders=orders)
    step = next_step(wanted(situation(snapshot), BUY), snapshot, quoting_settings())
    assert step == Cancel(orders[1:], "the market came towards it")


def test_no_quote_is_placed_towards_a_market_order_that_is_on_its_way() -> None:
    taking = an_order(SELL, "30500", is_market=True)
    assert next_step(wanted(situation(market()), BUY), market(open_orders=(taking,)), quoting_settings()) == Quotes(())


def test_a_side_is_taken_on_only_when_nothing_is_in_the_way() -> None:
    take = Wanted(sell=Decimal("30000.4"), take=SELL, reason="behind")
    snapshot = market(open_orders=standing("29999.6", "30000.4"))
    assert isinstance(next_step(take, snapshot, quoting_settings()), Cancel)
    assert next_step(take, market(open_orders=standing(None, "30000.4")), quoting_settings()) == Take(SELL)
