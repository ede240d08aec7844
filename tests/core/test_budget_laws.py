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
from octobot_volume_booster.core.decision.worst_cost import worst_unmeasured_cost
from octobot_volume_booster.core.model.basics import OrderType, Side, Trading
from octobot_volume_booster.core.model.instrument import Valuation
from octobot_volume_booster.core.model.orders import OrderIntent
from octobot_volume_booster.core.settings.schema import Settings, parse_settings

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


def dearest(quote: Decimal, fee_rate: Decimal, slippage: Decimal) -> Decimal:
    """What an order that is written down with so much costs when it fills as badly as it may."""
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
    open_cost = dearest(budgeted.open_quote, max(here, budgeted.elsewhere_fee_rate), slippage)
    at_the_mid = intent.quantity * max(intent.mid_price, intent.price)
    own_cost = at_the_mid * (slippage + (1 + slippage) * here)
    own_cost += situation.progress.unmeasured_quote * slippage
    assert budgeted.spent + open_cost + own_cost <= budgeted.budget * (1 + Decimal("1e-20"))


VIEW = a_snapshot(trading=Trading.SANDBOX)
MARKET, LIMIT = (
    parse_settings({"max_slippage_bps": 10, "order_type": order_type}) for order_type in ("market", "limit")
)
OPEN = Progress(target_quote=Decimal(50_000), open_buy_quote=Decimal(600), open_sell_quote=Decimal(400))


def at_worst(quote: int, fee_rate: str, slippage: str = "0.001") -> Decimal:
    """So much at the bid is up to 20 bps more at a mid that is 10 bps above; the fee is on 10 bps more than that."""
    return quote * Decimal("1.002") * (Decimal(slippage) + Decimal(fee_rate) * Decimal("1.001"))


@pytest.mark.parametrize("settings", [MARKET, LIMIT])
def test_what_is_open_costs_its_fee_and_the_slippage_whatever_its_type(settings: Settings) -> None:
    assert worst_open_cost(Situation(VIEW, settings, OPEN)) == at_worst(1_000, "0.001")


@pytest.mark.parametrize(("highest", "counts"), [("0.0005", "0.001"), ("0.002", "0.002")])
def test_what_is_open_on_a_dearer_market_costs_its_fee(highest: str, counts: str) -> None:
    snapshot = replace(VIEW, risk_inputs=calm(Decimal(60_000), highest_fee_rate=Decimal(highest)))
    assert worst_open_cost(Situation(snapshot, LIMIT, OPEN)) == at_worst(1_000, counts)


def test_what_is_filled_and_not_measured_may_have_slipped() -> None:
    progress = replace(OPEN, unmeasured_quote=Decimal(500), guard_baseline=GuardBaseline(unmeasured_quote=Decimal(100)))
    assert worst_unmeasured_cost(progress.guarded_unmeasured_quote, LIMIT) == at_worst(400, "0")


def test_the_mid_may_move_until_a_fill_is_measured() -> None:
    """Five deviations of two seconds at 4 bps a second are 28.28 bps, on top of `max_slippage_bps`."""
    wild = replace(VIEW, risk_inputs=replace(VIEW.risk_inputs, seen_volatility_bps=Decimal(4)))
    intent = OrderIntent(Side.BUY, OrderType.LIMIT, Decimal("0.1"), Decimal(30_000), Decimal(30_000))
    fee = VIEW.rules.worst_fee_rate
    more = Decimal("0.00282840") * (1 + fee)
    assert worst_cost(intent, wild, LIMIT) == worst_cost(intent, VIEW, LIMIT) + 3_000 * more
    open_now, open_then = (worst_open_cost(Situation(view, LIMIT, OPEN)) for view in (VIEW, wild))
    assert open_then == open_now + 1_000 * Decimal("1.002") * more


@pytest.mark.parametrize(
    ("maker", "taker", "rate"), [("0.001", "0.002", "0.002"), ("0.003", "0.002", "0.003"), ("-0.001", "-0.002", "0")]
)
def test_the_dearer_one_of_both_fees_counts_and_a_rebate_does_not(maker: str, taker: str, rate: str) -> None:
    rules = replace(VIEW.rules, maker_fee_rate=Decimal(maker), taker_fee_rate=Decimal(taker))
    assert worst_open_cost(Situation(replace(VIEW, rules=rules), LIMIT, OPEN)) == at_worst(1_000, rate)
    intent = OrderIntent(Side.BUY, OrderType.LIMIT, Decimal("0.1"), Decimal(29_000), Decimal(30_000))
    assert worst_cost(intent, replace(VIEW, rules=rules), LIMIT) == at_worst(3_000, rate) / Decimal("1.002")


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
    assert worst_cost(limit, a_snapshot(), MARKET) == at_worst(1, "0.001") / Decimal("1.002") * fee * 1_000


def test_an_order_that_spends_quote_costs_by_what_it_spends() -> None:
    intent = OrderIntent(
        Side.BUY, OrderType.MARKET, Decimal("0.1"), Decimal(30_000), Decimal(30_000), quote_quantity=Decimal(5_000)
    )
    assert worst_cost(intent, VIEW, MARKET) == 5_000 * (Decimal("0.001") + Decimal("0.001") * Decimal("1.001"))


@pytest.mark.parametrize(("open_quote", "fits"), [("100", True), ("100.01", False)])
def test_the_budget_is_used_to_its_last_cent_and_no_further(open_quote: str, fits: bool) -> None:
    """Without slippage an order of 3,000 at 0.1 % may cost 3, what is open 0.1, and 6.9 of 10 are spent."""
    intent = OrderIntent(Side.BUY, OrderType.LIMIT, Decimal("0.1"), Decimal(29_000), Decimal(30_000))
    settings = parse_settings({"order_type": "limit", "max_cost_quote": 10})
    settings = settings.model_copy(update={"max_slippage_bps": Decimal(0)})
    progress = replace(OPEN, open_buy_quote=Decimal(open_quote), open_sell_quote=Decimal(0), fees_quote=Decimal("6.9"))
    halt = cost_budget(intent, Situation(VIEW, settings, progress))
    assert (halt is None) == fits
    if not fits:
        assert halt is not None and halt.is_lasting
        assert "max_cost_quote" in halt.reason


@pytest.mark.parametrize(("target", "budget_bps", "fits"), [("3", 60, True), ("3", 48, False), ("100", 48, True)])
def test_the_budget_of_a_target_below_the_smallest_order_is_that_of_the_smallest(
    target: str, budget_bps: int, fits: bool
) -> None:
    """The smallest order is 5.10: at 60 bps of it 0.0306 may be spent, and one twice as large costs up to 25 bps."""
    intent = OrderIntent(Side.BUY, OrderType.LIMIT, Decimal("0.00034"), Decimal(30_000), Decimal(30_000))
    settings = parse_settings({"order_type": "limit", "max_cost_bps": budget_bps})
    halt = cost_budget(intent, Situation(VIEW, settings, Progress(target_quote=Decimal(target))))
    assert (halt is None) == fits
    if not fits:
        assert halt is not None and f"max_cost_bps {budget_bps}" in halt.reason
