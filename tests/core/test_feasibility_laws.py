"""Each reason why a campaign can't be done: the border, the words, and the nearest settings, worked out by hand."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

import pytest
from played_market import RULES, conditions, settings

from octobot_volume_booster.core.model.snapshot import Balances
from octobot_volume_booster.core.planning import feasibility
from octobot_volume_booster.core.planning.feasibility import Forecast, Problem, problems_of

FINE = Forecast(duration_s=3_600.0, orders=100.0, cost_quote=Decimal(50), cost_bps=Decimal(10), stuck_share=0.0)
THIN = {"market_quote_per_hour": Decimal(1_000)}
LIMIT = {"order_type": "limit"}
# the market of the plans: a price of 60,000, smallest orders of 5.40, fees of 0.1 %, 1 base and 10,000 quote


@dataclass(frozen=True)
class Case:
    """Settings, conditions and forecast."""

    chosen: dict[str, Any]
    met: dict[str, Any]
    forecast: dict[str, Any]

    def found(self, check: str) -> Problem | None:
        found: Problem | None = getattr(feasibility, check)(
            settings(**self.chosen), conditions(**self.met), replace(FINE, **self.forecast)
        )
        return found


def case(chosen: dict[str, Any] | None = None, met: dict[str, Any] | None = None, **forecast: Any) -> Case:
    return Case(chosen or {}, met or {}, forecast)


def rules(**changes: Any) -> dict[str, Any]:
    return {"rules": replace(RULES, **changes)}


ROWS: list[tuple[str, Case, Case, str, dict[str, str]]] = [
    (
        "switched_on",
        case({"enable_volume_booster": False}),
        case(),
        "enable_volume_booster is off",
        {"enable_volume_booster": "true"},
    ),
    (
        "small_target",
        case({"volume_target": "5.39"}),
        case({"volume_target": "5.4"}),
        "volume_target 5.39 is below the exchange's smallest order of 5.40",
        {"volume_target": "5.454"},
    ),
    (
        "smallest_orders",
        case({"min_buy_amount": 1, "max_buy_amount": "5.39"}),
        case({"min_buy_amount": 1, "max_buy_amount": "5.4"}),
        "max_buy_amount is below the exchange's smallest order of 5.40",
        {"max_buy_amount": "5.454"},
    ),
    (
        "largest_orders",
        case({"min_sell_amount": "100.1"}, rules(max_notional=Decimal(100))),
        case({"min_sell_amount": 100}, rules(max_notional=Decimal(100))),
        "min_sell_amount is above the exchange's largest order of 100.00",
        {"min_sell_amount": "100.0"},
    ),
    (
        "largest_orders",
        case({"min_buy_amount": 121}, rules(max_quantity=Decimal("0.002"), max_notional=Decimal(500))),
        case({"min_buy_amount": 120}, rules(max_quantity=Decimal("0.002"), max_notional=Decimal(500))),
        "min_buy_amount is above the exchange's largest order of 120.00",
        {"min_buy_amount": "120.0"},
    ),
    (
        # 5.4 / 5 % / 2 = 54, and 1,000 x 0.1 % = 1; with a hundredth more, of which 1 % is never spent
        "balances",
        case({"volume_target": 1_000}, stuck_share=0.06),
        case({"volume_target": 1_000}, stuck_share=0.05),
        "the balances of 1 BTC and 10,000.00 USDT can't fund the next order in 6% of all campaigns",
        {"--balance USDT": "56.17", "--balance BTC": "0.0009352"},
    ),
    (
        "deadline",
        case(deadline_s=3_599.0, duration_s=3_600.0),
        case(deadline_s=3_600.0, duration_s=3_600.0),
        "it is expected to take 60.0 min, longer than the deadline of 3,599 s",
        {"trade_frequency_min": "1.94", "trade_frequency_max": "7.76"},
    ),
    (
        "deadline",
        case({"target_period": "daily"}, duration_s=86_401.0),
        case({"target_period": "daily"}, duration_s=86_400.0),
        "it is expected to take 24.0 h, longer than a day",
        {"trade_frequency_min": "1.94", "trade_frequency_max": "7.76"},
    ),
    (
        # pauses of less than 0.05 s are no setting: orders five times as large, and a little more
        "deadline",
        case({"trade_frequency_min": 0.05, "trade_frequency_max": 0.05}, deadline_s=720.0),
        case({"trade_frequency_min": 0.05, "trade_frequency_max": 0.05}, deadline_s=3_600.0),
        "longer than the deadline of 720 s",
        {
            "min_buy_amount": "128.9",
            "max_buy_amount": "773.2",
            "min_sell_amount": "128.9",
            "max_sell_amount": "773.2",
        },
    ),
    (
        "pace",
        case(duration_s=30 * 86_400 * 2.0),
        case(duration_s=30 * 86_400.0),
        "it is expected to take 60.0 days, longer than 30 days",
        {"trade_frequency_min": "0.97", "trade_frequency_max": "3.88"},
    ),
    (
        # 50 % a year are 0.00976 % in 120 s; 0.6745 of that and half of 4 bps
        "pace",
        case(LIMIT, {"spread_bps": 4.0}, duration_s=math.inf),
        case(LIMIT, {"spread_bps": 4.0}, duration_s=30 * 86_400.0),
        "limit orders 0.2 % away hardly ever fill within 120 s: it is expected to take for ever",
        {"price_offset_percent": "0.086"},
    ),
    (
        "exchange_limits",
        case({"trade_frequency_min": 1, "trade_frequency_max": 3}, {"orders_per_second": 0.49}),
        case({"trade_frequency_min": 1, "trade_frequency_max": 3}, {"orders_per_second": 0.5}),
        "0.5 orders a second are more than the 0.49 that the exchange takes",
        {"trade_frequency_min": "2.04", "trade_frequency_max": "2.45"},
    ),
    (
        "exchange_limits",
        case({}, {"orders_per_second": 0.5, "pairs": 3, "order_latency_s": 0.9}),
        case({}, {"orders_per_second": 0.5, "pairs": 3, "order_latency_s": 1.0}),
        "0.6 orders a second",
        {"trade_frequency_min": "6.00", "trade_frequency_max": "7.20"},
    ),
    (
        "position_size",
        case({"max_position_percent": "0.0077"}),
        case({"max_position_percent": "0.0078"}),
        "the exchange's smallest order of 5.40 is more than max_position_percent 0.0077 of the equity of 70,000.00",
        {"max_position_percent": "0.007792"},
    ),
    (
        "cost_budget",
        case({"volume_target": 50_000, "max_cost_quote": "50.0053"}),
        case({"volume_target": 50_000, "max_cost_quote": "50.0054"}),
        "do not fit into the budget of 50.01 (max_cost_quote 50.0053)",
        {"max_cost_quote": "50.51"},
    ),
    (
        # as a market order in a book: 15 bps and 0.1 % of 15 bps more than 5.40
        "cost_budget",
        case({"max_cost_quote": "50.013508"}, {"depth_quote": 100.0}),
        case({"max_cost_quote": "50.0135081"}, {"depth_quote": 100.0}),
        "(max_cost_quote 50.013508)",
        {"max_cost_quote": "50.52"},
    ),
    (
        "cost_budget",
        # the mid may pass a limit order by as much
        case({"max_cost_quote": "50.013508"} | LIMIT, {"depth_quote": 100.0}),
        case({"max_cost_quote": "50.0135081"} | LIMIT, {"depth_quote": 100.0}),
        "(max_cost_quote 50.013508)",
        {"max_cost_quote": "50.52"},
    ),
    (
        "cost_budget",
        case({"volume_target": 50_000, "max_cost_bps": 10}),
        case({"volume_target": 50_000, "max_cost_bps": "10.1"}),
        "costs of up to 50.00 and the worst case of the last order do not fit into the budget of 50.00 (max_cost_bps",
        {"max_cost_bps": "10.11"},
    ),
    (
        "total_cost_budget",
        case({"volume_target": 50_000, "max_total_cost_quote": "50.0053"}),
        case({"volume_target": 50_000, "max_total_cost_quote": "50.0054"}),
        "the worst case of the last order are more than max_total_cost_quote 50.01",
        {"max_total_cost_quote": "50.51"},
    ),
    (
        # trading 1,000 back costs 0.1 % of it
        "total_cost_budget",
        case({"max_total_cost_quote": "51.0053", "emergency_flatten": True}, inventory_quote=Decimal(1_000)),
        case({"max_total_cost_quote": "51.0054", "emergency_flatten": True}, inventory_quote=Decimal(1_000)),
        "are more than max_total_cost_quote 51.01",
        {"max_total_cost_quote": "51.52"},
    ),
    (
        "slippage",
        case({"max_slippage_bps": 15}, {"spread_bps": 30.2, "depth_quote": 100.0}),
        case({"max_slippage_bps": 15}, {"spread_bps": 30.0, "depth_quote": 100.0}),
        "half the spread, 15.10000 bps, is more than max_slippage_bps 15",
        {"max_slippage_bps": "22.65"},
    ),
    (
        "losses",
        case({"max_daily_loss_percent": 50}, cost_quote=Decimal(10_500), duration_s=86_400 * 4.0),
        case({"max_daily_loss_percent": 50}, cost_quote=Decimal("10499.9"), duration_s=86_400 * 4.0),
        "costs of up to 10,500.00 are 15.0 % of the equity of 70,000.00, which max_drawdown_percent does not allow",
        {"max_drawdown_percent": "15.15"},
    ),
    (
        "losses",
        case({"max_drawdown_percent": 50}, cost_quote=Decimal(14_000), duration_s=86_400 * 2.0),
        case({"max_drawdown_percent": 50}, cost_quote=Decimal(13_999), duration_s=86_400 * 2.0),
        "which max_daily_loss_percent does not allow",
        {"max_daily_loss_percent": "10.10"},
    ),
    (
        # 99.5 % and a hundredth more is no percentage: there is nothing to advise
        "losses",
        case({}, cost_quote=Decimal(69_650), duration_s=86_400 * 4.0),
        case({}, cost_quote=Decimal(6_999), duration_s=86_400 * 4.0),
        "which max_drawdown_percent and max_daily_loss_percent does not allow",
        {},
    ),
    (
        "thin_market",
        case({"volume_target": 72_001}, THIN),
        case({"volume_target": 72_000}, THIN),
        "max_participation_percent 10 of what the market trades is 72,000.00 in 30 days",
        {"volume_target": "64800"},
    ),
    (
        "thin_market",
        case({"volume_target": 4_801, "target_period": "daily"}, THIN | {"pairs": 2}),
        case({"volume_target": 4_800, "target_period": "daily"}, THIN | {"pairs": 2}),
        "is 4,800.00 in 1 days",
        {"volume_target": "4320"},
    ),
    (
        # a 25th of a tenth of a day: 5.4 an hour are 56.25 x 24
        "thin_market",
        case({"volume_target": 100}, {"market_quote_per_hour": Decimal("56.24")}),
        case({"volume_target": 100}, {"market_quote_per_hour": Decimal("56.25")}),
        "is less than one of the exchange's smallest orders, 5.40, an hour",
        {},
    ),
]


@pytest.mark.parametrize(("check", "trips", "holds", "words", "nearest"), ROWS)
def test_a_reason_begins_at_its_border_and_names_what_would_work(
    check: str, trips: Case, holds: Case, words: str, nearest: dict[str, str]
) -> None:
    assert holds.found(check) is None
    problem = trips.found(check)
    assert problem is not None
    assert words in problem.reason
    assert dict(problem.nearest) == nearest
    wanted = " and ".join(f"{key}={value}" for key, value in nearest.items())
    assert problem.sentence == (f"{problem.reason}; it would work with {wanted}" if nearest else problem.reason)


@pytest.mark.parametrize(
    ("chosen", "fees", "buying", "selling", "rate"),
    [
        ({}, ("0.002", "0.001"), 56, 56, "0.002"),
        ({}, ("0.001", "0.002"), 56, 56, "0.002"),
        ({}, ("-0.002", "-0.001"), 54, 54, "0"),
        ({"min_buy_amount": 100}, ("0.001", "0.001"), 100, 55, "0.001"),
        ({"min_sell_amount": 100}, ("0.001", "0.001"), 55, 100, "0.001"),
        (
            {"max_position_percent": 100, "min_buy_amount": 1, "min_sell_amount": 1},
            ("0.001", "0.001"),
            "5.4",
            "5.4",
            "0.001",
        ),
    ],
)
def test_the_balances_that_are_advised_pay_for_one_order_on_either_side_and_all_fees(
    chosen: dict[str, Any], fees: tuple[str, str], buying: Any, selling: Any, rate: str
) -> None:
    maker, taker = map(Decimal, fees)
    met = rules(maker_fee_rate=maker, taker_fee_rate=taker)
    told = case({"volume_target": 1_000} | chosen, met, stuck_share=1.0).found("balances")
    assert told is not None
    kept = Decimal("1.01") / Decimal("0.99")
    quote, base = Decimal(buying) * kept * (1 + Decimal(rate)), Decimal(selling) * kept / 60_000
    advised = {key: Decimal(value) for key, value in told.nearest.items()}
    for key, exact in (("--balance USDT", quote), ("--balance BTC", base)):
        assert exact <= advised[key] <= exact * Decimal("1.0011")


@pytest.mark.parametrize(("maker", "taker"), [("0.002", "0.001"), ("0.001", "0.002")])
def test_the_last_order_may_cost_the_dearer_fee(maker: str, taker: str) -> None:
    """0.2 % of 5.40 are 0.0108."""
    met = rules(maker_fee_rate=Decimal(maker), taker_fee_rate=Decimal(taker))
    assert case({"max_cost_quote": "50.0108"}, met).found("cost_budget") is None
    assert case({"max_cost_quote": "50.0107"}, met).found("cost_budget") is not None


@pytest.mark.parametrize("duration_s", [0.0, 3_600.0, 86_400.0])
def test_what_takes_less_than_a_day_costs_a_day_no_more_than_all_of_it(duration_s: float) -> None:
    """A tenth of the equity is the limit of a day."""
    assert case(cost_quote=Decimal("6999.9"), duration_s=duration_s).found("losses") is None
    assert case(cost_quote=Decimal(7_000), duration_s=duration_s).found("losses") is not None


def test_of_a_day_and_a_deadline_the_sooner_one_counts() -> None:
    for deadline_s, words in ((600.0, "the deadline of 600 s"), (90_000.0, "a day")):
        told = case({"target_period": "daily"}, deadline_s=deadline_s, duration_s=100_000.0).found("deadline")
        assert told is not None and words in told.reason


def test_every_check_is_in_the_table() -> None:
    assert {row[0] for row in ROWS} == {check.__name__ for check in feasibility.CHECKS}


@pytest.mark.parametrize(
    ("check", "fine"),
    [
        ("slippage", case(LIMIT, {"spread_bps": 300.0, "depth_quote": 100.0})),
        ("slippage", case({}, {"spread_bps": 300.0})),  # no book is read
        ("position_size", case({}, {"balances": Balances(Decimal(0), Decimal(0))})),
        ("losses", case({}, {"balances": Balances(Decimal(0), Decimal(0))}, cost_quote=Decimal(10**6))),
        ("losses", case(cost_quote=Decimal(10**6), duration_s=math.inf)),
        ("cost_budget", case(cost_quote=Decimal("Infinity"))),
        ("largest_orders", case({"min_buy_amount": 149})),
        ("exchange_limits", case({"trade_frequency_min": 0.05, "trade_frequency_max": 0.05})),
        ("pace", case({"volume_target": 10**9}, THIN, duration_s=math.inf)),  # that the market is too thin is told
        ("deadline", case(duration_s=math.inf)),
    ],
)
def test_where_it_is_no_matter_nothing_is_told(check: str, fine: Case) -> None:
    assert fine.found(check) is None


def test_what_can_not_be_had_is_not_advised() -> None:
    told = case(deadline_s=10.0, duration_s=math.inf).found("deadline")
    assert told is not None and told.nearest == {}
    poor = case({"max_position_percent": 50}, {"balances": Balances(Decimal(0), Decimal("5.41"))})
    told = poor.found("position_size")
    assert told is not None and not told.nearest
    told = case({"max_position_percent": 50}, {"balances": Balances(Decimal(0), Decimal("5.5"))}).found("position_size")
    assert told is not None and dict(told.nearest) == {"max_position_percent": "99.17"}


def test_a_small_market_has_small_offsets_and_a_rebate_is_no_cost() -> None:
    told = case(LIMIT, {"volatility_percent": 0.0}, duration_s=math.inf).found("pace")
    assert told is not None and dict(told.nearest) == {"price_offset_percent": "0.001"}
    rebate = rules(maker_fee_rate=Decimal("-0.01"), taker_fee_rate=Decimal("-0.01"))
    assert case({"max_cost_quote": "50.1"} | LIMIT, rebate).found("cost_budget") is None
    fine, none = {"max_cost_quote": 50}, {"max_cost_quote": "49.99"}
    assert case(fine, rebate).found("cost_budget") is None
    assert case(none, rebate).found("cost_budget") is not None
    assert case(fine | LIMIT, rebate).found("cost_budget") is not None, "the mid may pass it by max_slippage_bps"


def test_all_reasons_are_told_in_the_order_of_the_checks() -> None:
    chosen = settings(enable_volume_booster=False, min_sell_amount=1, max_sell_amount=2)
    found = problems_of(chosen, conditions(), replace(FINE, stuck_share=1.0))
    assert [problem.reason.split()[0] for problem in found] == ["enable_volume_booster", "max_sell_amount", "the"]
