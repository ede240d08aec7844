"""Laws of the cost budget: whatever fills of what is open, at worst, it is not passed."""

from __future__ import annotations

from dataclasses import dataclass, replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies import LAW, Situation, a_snapshot, calm, multiples, placed, ready_situations, some

from octobot_volume_booster.core.accounting.ledger import Progress
from octobot_volume_booster.core.accounting.tallies import GuardBaseline
from octobot_volume_booster.core.decision.guards import cost_budget, worst_cost, worst_open_cost
from octobot_volume_booster.core.model.basics import OrderType, Side, Trading
from octobot_volume_booster.core.model.instrument import Valuation
from octobot_volume_booster.core.model.orders import OrderIntent
from octobot_volume_booster.core.settings.schema import parse_settings

RATES = multiples(Decimal("0.0001"), 0, 50)


@dataclass(frozen=True)
class Budgeted:
    """A campaign with little left of its budget, and what is open of it."""

    situation: Situation
    budget: Decimal
    spent: Decimal
    open_quote: Decimal
    elsewhere_fee_rate: Decimal


@st.composite
def budgets(draw: st.DrawFn) -> Budgeted:
    situation = draw(ready_situations(trading=(Trading.SANDBOX,)))
    snapshot, chosen, target = situation.snapshot, situation.settings, situation.progress.target_quote
    left = target - situation.progress.filled_quote
    bought, sold = (left * draw(multiples(Decimal("0.01"), 0, 40)) for _ in Side)
    fee_rate = draw(RATES)
    largest = max(chosen.amount_range(side)[1] for side in Side)
    spent = some(draw, target / 1_000, 0, 10)
    guard_baseline = some(draw, target / 1_000, 0, 10)
    budget = spent + (bought + sold + largest) * draw(multiples(Decimal("0.001"), 1, 20))
    fees_share = draw(multiples(Decimal("0.1"), 0, 10))
    progress = replace(
        situation.progress,
        open_buy_quote=bought,
        open_sell_quote=sold,
        fees_quote=(spent + guard_baseline) * fees_share,
        slippage_quote=(spent + guard_baseline) * (1 - fees_share),
        guard_baseline=GuardBaseline(guard_baseline, situation.progress.filled_quote),
    )
    chosen = chosen.model_copy(
        update={
            "max_cost_quote": budget,
            "max_slippage_bps": Decimal(draw(st.sampled_from((5, 50, 500)))),
        }
    )
    risk_inputs = replace(snapshot.risk_inputs, highest_fee_rate=fee_rate)
    situation = replace(
        situation, snapshot=replace(snapshot, risk_inputs=risk_inputs), settings=chosen, progress=progress
    )
    return Budgeted(situation, budget, spent, bought + sold, fee_rate)


def dearest(quote: Decimal, fee_rate: Decimal, settings: object, order_type: OrderType, slippage: Decimal) -> Decimal:
    """What an order that is written down with so much costs when it fills as badly as it may."""
    if order_type is OrderType.LIMIT:
        return quote * fee_rate
    # a sell is written down at the bid, up to the slippage below the mid
    at_the_mid = quote / (1 - slippage)
    return at_the_mid * slippage + at_the_mid * (1 + slippage) * fee_rate


@LAW
@given(budgets())
def test_the_budget_holds_when_all_that_is_open_fills_as_badly_as_it_may(budgeted: Budgeted) -> None:
    situation = budgeted.situation
    rules, settings = situation.snapshot.rules, situation.settings
    intent = placed(situation.decide()).intent
    here = max(rules.maker_fee_rate, rules.taker_fee_rate)
    slippage = settings.max_slippage_bps / 10_000
    open_cost = dearest(
        budgeted.open_quote, max(here, budgeted.elsewhere_fee_rate), settings, settings.order_type, slippage
    )
    at_the_mid = intent.quantity * intent.mid_price
    is_limit = intent.order_type is OrderType.LIMIT
    own_cost = intent.notional * here if is_limit else at_the_mid * (slippage + (1 + slippage) * here)
    assert budgeted.spent + open_cost + own_cost <= budgeted.budget * (1 + Decimal("1e-20"))


VIEW = a_snapshot(trading=Trading.SANDBOX)
MARKET, LIMIT = parse_settings({"max_slippage_bps": 10}), parse_settings({"order_type": "limit"})
OPEN = Progress(target_quote=Decimal(50_000), open_buy_quote=Decimal(600), open_sell_quote=Decimal(400))


def test_what_is_open_costs_its_fee_and_as_market_orders_the_slippage_too() -> None:
    """1,000 at the bid are up to 1,002 at a mid that is 10 bps above; the fee of 0.1 % is on 10 bps more than that."""
    assert worst_open_cost(Situation(VIEW, LIMIT, OPEN)) == 1
    assert worst_open_cost(Situation(VIEW, MARKET, OPEN)) == Decimal(1_002) * (
        Decimal("0.001") + Decimal("0.001") * Decimal("1.001")
    )


@pytest.mark.parametrize(("highest", "cost"), [("0.0005", 1), ("0.002", 2)])
def test_what_is_open_on_a_dearer_market_costs_its_fee(highest: str, cost: int) -> None:
    snapshot = replace(VIEW, risk_inputs=calm(Decimal(60_000), highest_fee_rate=Decimal(highest)))
    assert worst_open_cost(Situation(snapshot, LIMIT, OPEN)) == cost


@pytest.mark.parametrize(
    ("maker", "taker", "rate"), [("0.001", "0.002", "0.002"), ("0.003", "0.002", "0.003"), ("-0.001", "-0.002", "0")]
)
def test_the_dearer_one_of_both_fees_counts_and_a_rebate_does_not(maker: str, taker: str, rate: str) -> None:
    rules = replace(VIEW.rules, maker_fee_rate=Decimal(maker), taker_fee_rate=Decimal(taker))
    assert worst_open_cost(Situation(replace(VIEW, rules=rules), LIMIT, OPEN)) == 1_000 * Decimal(rate)
    intent = OrderIntent(Side.BUY, OrderType.LIMIT, Decimal("0.1"), Decimal(29_000), Decimal(30_000))
    assert worst_cost(intent, replace(VIEW, rules=rules), LIMIT) == 3_000 * Decimal(rate)


@pytest.mark.parametrize(
    ("side", "price", "slippage"), [(Side.BUY, 30_030, 3), (Side.SELL, 29_970, 3), (Side.BUY, 29_970, 3)]
)
def test_in_octobots_simulator_a_market_order_costs_its_distance_to_the_mid_and_its_fee(
    side: Side, price: int, slippage: int
) -> None:
    intent = OrderIntent(side, OrderType.MARKET, Decimal("0.1"), Decimal(price), Decimal(30_000))
    fee = Decimal("0.1") * max(price, 30_000) * Decimal("0.001")
    assert worst_cost(intent, a_snapshot(), MARKET) == slippage + fee
    in_euro = replace(intent, valuation=Valuation(quote_rate=Decimal("0.5")))
    assert worst_cost(in_euro, a_snapshot(), MARKET) == slippage + fee, "in the market's quote, whatever is counted in"
    limit = replace(intent, order_type=OrderType.LIMIT)
    assert worst_cost(limit, a_snapshot(), MARKET) == fee


def test_an_order_that_spends_quote_costs_by_what_it_spends() -> None:
    intent = OrderIntent(
        Side.BUY, OrderType.MARKET, Decimal("0.1"), Decimal(30_000), Decimal(30_000), quote_quantity=Decimal(5_000)
    )
    assert worst_cost(intent, VIEW, MARKET) == 5_000 * (Decimal("0.001") + Decimal("0.001") * Decimal("1.001"))


@pytest.mark.parametrize(("open_quote", "fits"), [("100", True), ("100.01", False)])
def test_the_budget_is_used_to_its_last_cent_and_no_further(open_quote: str, fits: bool) -> None:
    """An order of 3,000 at 0.1 % may cost 3, what is open 0.1, and 6.9 of 10 are spent."""
    intent = OrderIntent(Side.BUY, OrderType.LIMIT, Decimal("0.1"), Decimal(29_000), Decimal(30_000))
    settings = parse_settings({"order_type": "limit", "max_cost_quote": 10})
    progress = replace(OPEN, open_buy_quote=Decimal(open_quote), open_sell_quote=Decimal(0), fees_quote=Decimal("6.9"))
    halt = cost_budget(intent, Situation(VIEW, settings, progress))
    assert (halt is None) == fits
    if not fits:
        assert halt is not None and halt.is_lasting
        assert "max_cost_quote" in halt.reason


@pytest.mark.parametrize(("target", "budget_bps", "fits"), [("3", 20, True), ("3", 18, False), ("100", 18, True)])
def test_the_budget_of_a_target_below_the_smallest_order_is_that_of_the_smallest(
    target: str, budget_bps: int, fits: bool
) -> None:
    """The smallest order is 5.10: at 20 bps of it 0.0102 may be spent, and one costs 0.1 % twice over here."""
    intent = OrderIntent(Side.BUY, OrderType.LIMIT, Decimal("0.00034"), Decimal(30_000), Decimal(30_000))
    settings = parse_settings({"order_type": "limit", "max_cost_bps": budget_bps})
    halt = cost_budget(intent, Situation(VIEW, settings, Progress(target_quote=Decimal(target))))
    assert (halt is None) == fits
    if not fits:
        assert halt is not None and f"max_cost_bps {budget_bps}" in halt.reason
