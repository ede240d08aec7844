"""Why a campaign can't be done as it is asked for: one small function each, and the nearest settings that work."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from types import MappingProxyType

from ..decision.flattening import market_cost_rate, trades_back
from ..decision.guards import HUNDRED, LONGEST_CAMPAIGN_DAYS, largest_order, participation_an_hour, worst_cost_rate
from ..model.basics import TEN_THOUSAND, ExecutionStyle, OrderType, Side, bps
from ..settings.schema import Settings, TargetPeriod
from .market_conditions import Conditions

DAY_S = 86_400
LONGEST_S = 30 * DAY_S
"""A campaign that is expected to take longer is refused."""
LAST_ORDERS = 1.02
"""A schedule that takes its last orders at the deadline is in time."""
STUCK_SHARE = 0.05
MARGIN = Decimal("1.01")
KEPT_OF_A_MARKET = Decimal("0.9")
"""The hours share out the allowance, so not all of it can be had in the last one."""


@dataclass(frozen=True, slots=True)
class Problem:
    """A reason, and settings or options by which it would go away, by their names."""

    reason: str
    nearest: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))

    @property
    def sentence(self) -> str:
        """Both in words."""
        wanted = " and ".join(f"{key}={value}" for key, value in self.nearest.items())
        return f"{self.reason}; it would work with {wanted}" if wanted else self.reason


@dataclass(frozen=True, slots=True)
class Forecast:
    """What the Monte Carlo expects, as far as it decides whether a campaign can be done."""

    duration_s: float
    orders: float
    cost_quote: Decimal
    """The high end of the band, as are the bps."""
    cost_bps: Decimal
    stuck_share: float
    inventory_quote: Decimal = Decimal(0)
    """The most that is bought beyond what is sold, or the other way round, in nearly every campaign."""
    deadline_s: float | None = None


Check = Callable[[Settings, Conditions, Forecast], "Problem | None"]


def problems_of(settings: Settings, conditions: Conditions, forecast: Forecast) -> tuple[Problem, ...]:
    """Every reason why the campaign can't be done as it is asked for, in the order of CHECKS."""
    found = (check(settings, conditions, forecast) for check in CHECKS)
    return tuple(problem for problem in found if problem is not None)


def switched_on(settings: Settings, conditions: Conditions, forecast: Forecast) -> Problem | None:
    if settings.enable_volume_booster:
        return None
    return Problem("enable_volume_booster is off: no order is placed", {"enable_volume_booster": "true"})


def smallest_orders(settings: Settings, conditions: Conditions, forecast: Forecast) -> Problem | None:
    """Whole ranges below the exchange's minimum: the mode would raise them, to orders that nobody asked for."""
    smallest = conditions.rules.min_order_notional(conditions.price)
    raised = _amount(smallest * MARGIN)
    nearest = {f"max_{side.value}_amount": raised for side in Side if settings.amount_range(side)[1] < smallest}
    if not nearest:
        return None
    which = " and ".join(nearest)
    return Problem(f"{which} is below the exchange's smallest order of {conditions.rules.shown(smallest)}", nearest)


def small_target(settings: Settings, conditions: Conditions, forecast: Forecast) -> Problem | None:
    """Less than the exchange's minimum: the only order would pass it."""
    smallest = conditions.rules.min_order_notional(conditions.price)
    if settings.volume_target >= smallest:
        return None
    shown = conditions.rules.shown
    return Problem(
        f"volume_target {shown(settings.volume_target)} is below the exchange's smallest order of {shown(smallest)}",
        {"volume_target": _amount(smallest * MARGIN)},
    )


def largest_orders(settings: Settings, conditions: Conditions, forecast: Forecast) -> Problem | None:
    """Whole ranges above the exchange's maximum."""
    rules = conditions.rules
    by_quantity = None if rules.max_quantity is None else rules.max_quantity * conditions.price
    limits = [limit for limit in (rules.max_notional, by_quantity) if limit is not None]
    if not limits:
        return None
    most = min(limits)
    lowered = _amount(most, ROUND_FLOOR)
    nearest = {f"min_{side.value}_amount": lowered for side in Side if settings.amount_range(side)[0] > most}
    if not nearest:
        return None
    return Problem(f"{' and '.join(nearest)} is above the exchange's largest order of {rules.shown(most)}", nearest)


def balances(settings: Settings, conditions: Conditions, forecast: Forecast) -> Problem | None:
    """Neither side can fund the next order, at the start or later on."""
    if forecast.stuck_share <= STUCK_SHARE:
        return None
    rules, free = conditions.rules, conditions.balances
    smallest = rules.min_order_notional(conditions.price)
    kept = 1 - settings.fee_buffer_percent / 100
    # one order is a share of both together, and both pay for all
    for_one_order = (
        smallest / settings.max_position_percent * HUNDRED / 2 + settings.volume_target * rules.worst_fee_rate
    )
    wanted = {side: max(settings.amount_range(side)[0], smallest, for_one_order) * MARGIN / kept for side in Side}
    nearest = {
        f"--balance {rules.quote}": _amount(wanted[Side.BUY] * (1 + rules.worst_fee_rate)),
        f"--balance {rules.base}": _amount(wanted[Side.SELL] / conditions.price),
    }
    held = f"{free.base_free.normalize():f} {rules.base} and {rules.shown(free.quote_free)} {rules.quote}"
    return Problem(
        f"the balances of {held} can't fund the next order in {forecast.stuck_share:.0%} of all campaigns: the "
        f"exchange's smallest is {rules.shown(smallest)} {rules.quote}",
        nearest,
    )


def deadline(settings: Settings, conditions: Conditions, forecast: Forecast) -> Problem | None:
    """Longer than asked for, or for a daily target longer than a day."""
    limits: dict[str, float] = (
        {"a day, which is what a daily target has": DAY_S} if settings.target_period is TargetPeriod.DAILY else {}
    )
    if forecast.deadline_s is not None:
        limits[f"the deadline of {forecast.deadline_s:,.0f} s"] = forecast.deadline_s
    if not limits:
        return None
    name, most_s = min(limits.items(), key=lambda item: item[1])
    is_quoting = settings.order_type.is_quoting
    if forecast.duration_s <= most_s * (LAST_ORDERS if is_quoting else 1.0):
        return None
    nearest = _in_time(settings, conditions, forecast) if is_quoting else _quicker(settings, forecast, most_s)
    return Problem(f"it is expected to take {_hours(forecast.duration_s)}, longer than {name}", nearest)


def _in_time(settings: Settings, conditions: Conditions, forecast: Forecast) -> dict[str, str]:
    """What would let the schedule take, or the time that makers need."""
    nearest: dict[str, str] = {}
    half_spread_bps = math.ceil(conditions.half_spread * 1e4)
    if settings.max_taker_percent < HUNDRED:
        nearest["max_taker_percent"] = "100"
    if half_spread_bps > settings.max_slippage_bps:
        nearest["max_slippage_bps"] = str(half_spread_bps)
    if math.isfinite(forecast.duration_s):
        nearest["deadline"] = str(math.ceil(forecast.duration_s * LAST_ORDERS))
    return nearest


def pace(settings: Settings, conditions: Conditions, forecast: Forecast) -> Problem | None:
    """Limit orders that hardly ever fill. Where the market is too thin, that is the reason instead."""
    if forecast.duration_s <= LONGEST_S or thin_market(settings, conditions, forecast):
        return None
    if settings.order_type is ExecutionStyle.LIMIT:
        nearest = {"price_offset_percent": _likely_offset(settings, conditions)}
        return Problem(
            f"limit orders {settings.price_offset_percent:g} % away hardly ever fill within "
            f"{settings.limit_order_timeout:g} s: it is expected to take {_hours(forecast.duration_s)}",
            nearest,
        )
    is_quoting = settings.order_type.is_quoting
    nearest = _in_time(settings, conditions, forecast) if is_quoting else _quicker(settings, forecast, LONGEST_S)
    return Problem(f"it is expected to take {_hours(forecast.duration_s)}, longer than 30 days", nearest)


def exchange_limits(settings: Settings, conditions: Conditions, forecast: Forecast) -> Problem | None:
    """More orders a second than the exchange takes."""
    most = conditions.orders_per_second
    mean_pause_s = (settings.trade_frequency_min + settings.trade_frequency_max) / 2
    if most is None or conditions.pairs / (mean_pause_s + conditions.order_latency_s) <= most:
        return None
    slowest = conditions.pairs / most
    nearest = {"trade_frequency_min": f"{slowest:.2f}", "trade_frequency_max": f"{slowest * 1.2:.2f}"}
    rate = conditions.pairs / mean_pause_s
    return Problem(f"{rate:.1f} orders a second are more than the {most:g} that the exchange takes", nearest)


def position_size(settings: Settings, conditions: Conditions, forecast: Forecast) -> Problem | None:
    """The exchange's smallest order is more than one order may be."""
    smallest, equity = conditions.rules.min_order_notional(conditions.price), _equity(conditions)
    if not equity or smallest <= largest_order(settings, equity):
        return None
    needed = smallest / equity * HUNDRED * MARGIN
    nearest = {"max_position_percent": _amount(needed)} if needed <= HUNDRED else {}
    shown = conditions.rules.shown
    return Problem(
        f"the exchange's smallest order of {shown(smallest)} is more than max_position_percent "
        f"{settings.max_position_percent:g} of the equity of {shown(equity)}",
        nearest,
    )


def cost_budget(settings: Settings, conditions: Conditions, forecast: Forecast) -> Problem | None:
    """The guard on the budget would halt it: it lets no order through that could exceed it."""
    budget = settings.cost_budget(settings.volume_target)
    needed = _needed_budget(settings, conditions, forecast)
    if not needed.is_finite() or needed <= budget:
        return None
    key, value = "max_cost_quote", needed * MARGIN
    if settings.max_cost_quote is None:
        key, value = "max_cost_bps", bps(needed, settings.volume_target) * MARGIN
    shown = conditions.rules.shown
    return Problem(
        f"costs of up to {shown(forecast.cost_quote)} and the worst case of the last order do not fit into the budget "
        f"of {shown(budget)} ({key} {getattr(settings, key):g})",
        {key: _amount(value)},
    )


def total_cost_budget(settings: Settings, conditions: Conditions, forecast: Forecast) -> Problem | None:
    """The same for the bound over every resume."""
    needed, shown = _needed_budget(settings, conditions, forecast), conditions.rules.shown
    most = settings.max_total_cost_quote
    if most is None or not needed.is_finite() or needed <= most:
        return None
    return Problem(
        f"costs of up to {shown(forecast.cost_quote)} and the worst case of the last order are more than "
        f"max_total_cost_quote {shown(most)}",
        {"max_total_cost_quote": _amount(needed * MARGIN)},
    )


def _needed_budget(settings: Settings, conditions: Conditions, forecast: Forecast) -> Decimal:
    """What the guards on the budget keep free: what is spent, the last order, and trading the inventory back."""
    needed = forecast.cost_quote + _worst_order(settings, conditions)
    if trades_back(settings):
        fee_rate, is_simulated = conditions.rules.worst_fee_rate, conditions.depth_quote is None
        needed += forecast.inventory_quote * market_cost_rate(fee_rate, settings, is_simulated=is_simulated)
    return needed


def slippage(settings: Settings, conditions: Conditions, forecast: Forecast) -> Problem | None:
    """Half the spread is further than a market order may take prices."""
    half_bps = Decimal(repr(conditions.half_spread)) * TEN_THOUSAND
    is_free = settings.order_type.sends is OrderType.LIMIT or conditions.depth_quote is None
    if is_free or half_bps <= settings.max_slippage_bps:
        return None
    return Problem(
        f"half the spread, {half_bps:g} bps, is more than max_slippage_bps {settings.max_slippage_bps:g}: no market "
        "order is sent",
        {"max_slippage_bps": _amount(half_bps * Decimal("1.5"))},
    )


def losses(settings: Settings, conditions: Conditions, forecast: Forecast) -> Problem | None:
    """The costs alone are a loss of equity at which a guard halts."""
    equity = _equity(conditions)
    if not equity or not math.isfinite(forecast.duration_s):
        return None
    lost = forecast.cost_quote / equity * HUNDRED
    a_day = lost * Decimal(repr(min(1.0, DAY_S / max(forecast.duration_s, 1.0))))
    limits = {"max_drawdown_percent": lost, "max_daily_loss_percent": a_day}
    nearest = {key: _amount(value * MARGIN) for key, value in limits.items() if value >= getattr(settings, key)}
    if not nearest:
        return None
    shown = conditions.rules.shown
    told = f"costs of up to {shown(forecast.cost_quote)} are {lost:.1f} % of the equity of {shown(equity)}"
    possible = all(Decimal(value) <= HUNDRED for value in nearest.values())
    return Problem(f"{told}, which {' and '.join(nearest)} does not allow", nearest if possible else {})


def thin_market(settings: Settings, conditions: Conditions, forecast: Forecast) -> Problem | None:
    """The guard on participation would halt it at once."""
    volume = conditions.market_quote_per_hour
    if volume is None:
        return None
    days = 1 if settings.target_period is TargetPeriod.DAILY else LONGEST_CAMPAIGN_DAYS
    allowed = volume * 24 * settings.max_participation_percent / HUNDRED
    smallest = conditions.rules.min_order_notional(conditions.price)
    percent, shown = settings.max_participation_percent, conditions.rules.shown
    told = f"max_participation_percent {percent:g} of what the market trades"
    if participation_an_hour(volume * 24, settings) < smallest:
        return Problem(f"{told} is less than one of the exchange's smallest orders, {shown(smallest)}, an hour")
    most = allowed * days * conditions.pairs
    if settings.volume_target <= most:
        return None
    return Problem(
        f"{told} is {shown(most)} in {days} days", {"volume_target": _amount(most * KEPT_OF_A_MARKET, ROUND_FLOOR)}
    )


CHECKS: tuple[Check, ...] = (
    switched_on, small_target, smallest_orders, largest_orders, position_size, balances, pace, deadline,
    exchange_limits, thin_market, slippage, cost_budget, total_cost_budget, losses,
)  # fmt: skip


def _equity(conditions: Conditions) -> Decimal:
    return conditions.balances.base_free * conditions.price + conditions.balances.quote_free


def _worst_order(settings: Settings, conditions: Conditions) -> Decimal:
    """What the last order may cost at worst, as the guard counts it."""
    rules, smallest = conditions.rules, conditions.rules.min_order_notional(conditions.price)
    if conditions.depth_quote is None and settings.order_type.sends is OrderType.MARKET:
        return smallest * (rules.worst_fee_rate + Decimal(repr(conditions.half_spread)))
    return smallest * worst_cost_rate(rules.worst_fee_rate, settings)


def _quicker(settings: Settings, forecast: Forecast, most_s: float) -> dict[str, str]:
    """Pauses, or where these can't be shorter larger orders, by which it takes no longer."""
    if not math.isfinite(forecast.duration_s):
        return {}
    ratio = most_s / forecast.duration_s * 0.97
    if settings.trade_frequency_min * ratio >= 0.05:
        return {key: f"{getattr(settings, key) * ratio:.2f}" for key in ("trade_frequency_min", "trade_frequency_max")}
    keys = [f"{end}_{side.value}_amount" for side in Side for end in ("min", "max")]
    return {key: _amount(getattr(settings, key) / Decimal(repr(ratio))) for key in keys}


def _likely_offset(settings: Settings, conditions: Conditions) -> str:
    """The offset that the price touches within the time-out in one of two times.

    By the reflection principle the chance is 2 (1 - N(d / (s sqrt t))), one half at d = 0.6745 s sqrt t.
    """
    deviation = conditions.deviation_per_root_second * math.sqrt(settings.limit_order_timeout)
    percent = (0.6745 * deviation + conditions.half_spread) * 100
    return f"{max(percent, 0.001):.3f}"


def _amount(value: Decimal, rounding: str = ROUND_CEILING) -> str:
    """To four significant digits."""
    unit = Decimal(1).scaleb(value.adjusted() - 3)
    return (
        f"{value.quantize(unit, rounding):f}"
        if unit < 1
        else f"{value.quantize(unit, rounding).quantize(Decimal(1)):f}"
    )


def _hours(seconds: float) -> str:
    if not math.isfinite(seconds):
        return "for ever"
    if seconds < 7_200:
        return f"{seconds / 60:.1f} min"
    return f"{seconds / 3_600:.1f} h" if seconds < 2 * DAY_S else f"{seconds / DAY_S:.1f} days"
