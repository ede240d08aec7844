"""The guards: one small function each, which returns why the campaign must halt, or None.

`GUARDS` are asked at every look, `ORDER_GUARDS` about each order before it is sent. A halt that lasts ends only when a
person resumes the campaign; the others end when their reason is gone. What is merely not right at this moment (no price
or an old one, a rate limit, a trader that is paused, a pace that is too fast) is no halt but a wait: see `policy`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal

from ..accounting.ledger import Progress
from ..model.basics import TEN_THOUSAND, OrderType, Trading, bps
from ..model.orders import OrderIntent
from ..model.snapshot import Equity, MarketSnapshot
from ..settings.schema import Settings, TargetPeriod
from .situation import Situation

HUNDRED = Decimal(100)
REAL_FUNDS_LOCK = "real_funds_lock"
REAL_TRADING_VARIABLE = "VOLUME_BOOSTER_REAL_TRADING"
WASH_TRADING_NOTICE = (
    "Trading with yourself, or between accounts that are yours, is wash trading: many laws and the rules of most "
    "exchanges forbid it. This tool never trades against itself, but it can't see your other accounts."
)
LEAST_FILLS_FOR_COST = 20
"""The share that costs have of the volume says little before so many fills."""
LONGEST_CAMPAIGN_DAYS = 30
"""A market on which the target would take longer than this at the allowed participation is too thin for it."""
HOURS_TOUCHED_BY_A_DAY = 25
REAL_PARTICIPATION_CEILING_PERCENT = Decimal(20)
_POSITION_STAYS = "The position stays as it is: `volume-booster emergency-stop` closes it"


@dataclass(frozen=True, slots=True)
class Halt:
    """Place no order any more, for this reason. `guard` names what tripped; one that lasts needs a person's resume."""

    reason: str
    guard: str = ""
    is_lasting: bool = False


@dataclass(frozen=True, slots=True)
class Gauge:
    """How near a guard is to its limit, both in `unit`."""

    guard: str
    value: float
    limit: float
    unit: str


def real_funds_lock(situation: Situation) -> Halt | None:
    """Real funds need two consents, one in the settings and one in the environment of OctoBot's process."""
    snapshot = situation.snapshot
    if snapshot.trading is not Trading.LIVE:
        return None
    is_set, is_told = situation.settings.i_accept_real_trading, snapshot.risk_inputs.is_real_trading_allowed
    if is_set and is_told:
        return None
    given = [name for name, is_given in (("the setting", is_set), ("the environment", is_told)) if is_given]
    return Halt(
        f"OctoBot's real trader is enabled on {snapshot.exchange}, and no order with real funds is placed unless the "
        f"setting i_accept_real_trading is true and the environment has {REAL_TRADING_VARIABLE}=yes ({_only(given)}). "
        "To rehearse without real funds use `volume-booster sandbox`, or enable the trader simulator and disable the "
        f"trader in the profile. {WASH_TRADING_NOTICE}",
        REAL_FUNDS_LOCK,
    )


def _only(given: list[str]) -> str:
    return f"only {given[0]} says so" if given else "neither says so"


def participation_ceiling(situation: Situation) -> Halt | None:
    """With real money nobody may be more than a fifth of a market."""
    percent = situation.settings.max_participation_percent
    if situation.snapshot.trading is not Trading.LIVE or percent <= REAL_PARTICIPATION_CEILING_PERCENT:
        return None
    ceiling = REAL_PARTICIPATION_CEILING_PERCENT
    return Halt(
        f"max_participation_percent {percent:g} is above {ceiling:g}, the most with real funds: lower it",
        "participation_ceiling",
    )


def thin_market(situation: Situation) -> Halt | None:
    """A market in which the target can't be reached in reasonable time without being too much of it."""
    snapshot, settings = situation.snapshot, situation.settings
    volume = snapshot.risk_inputs.day_volume_quote
    if volume is None:
        return None
    allowed_a_day = volume * settings.max_participation_percent / HUNDRED
    smallest_quote = snapshot.rules.min_order_notional(snapshot.mid_price)
    if participation_an_hour(volume, settings) < smallest_quote:
        return Halt(
            f"{snapshot.symbol} on {snapshot.exchange} is too thin: it trades {volume:.2f} in 24 h, of which "
            f"max_participation_percent {settings.max_participation_percent:g} is {allowed_a_day:.2f}, less than one "
            f"of the exchange's smallest orders of {smallest_quote:.2f} an hour: choose a market that trades more",
            "thin_market",
        )
    own_target = snapshot.risk_inputs.own_target_quote
    target_quote = situation.progress.target_quote if own_target is None else own_target
    most_days = 1 if settings.target_period is TargetPeriod.DAILY else LONGEST_CAMPAIGN_DAYS
    if target_quote <= allowed_a_day * most_days:
        return None
    days = f"in {most_days} days" if most_days > 1 else "a day"
    return Halt(
        f"{snapshot.symbol} on {snapshot.exchange} is too thin for the settings: it trades {volume:.2f} in 24 h, of "
        f"which max_participation_percent {settings.max_participation_percent:g} is {allowed_a_day:.2f}, or "
        f"{allowed_a_day * most_days:.2f} {days}; the target is {target_quote:.2f}: lower volume_target or "
        "choose a market that trades more",
        "thin_market",
    )


def participation_an_hour(day_volume_quote: Decimal, settings: Settings) -> Decimal:
    """What may be filled in one hour of the clock, in quote.

    24 hours touch 25 hours of the clock, so that no 24 hours hold more than `max_participation_percent`.
    """
    return day_volume_quote * settings.max_participation_percent / HUNDRED / HOURS_TOUCHED_BY_A_DAY


def cost_rate(situation: Situation) -> Halt | None:
    """All-in costs as a share of what was filled."""
    settings, progress = situation.settings, situation.progress
    rate_bps = bps(progress.guarded_cost_quote, progress.guarded_filled_quote)
    if progress.fills < LEAST_FILLS_FOR_COST or not progress.guarded_filled_quote or rate_bps <= settings.max_cost_bps:
        return None
    return _lasting(
        "cost_rate",
        f"costs are {rate_bps:.2f} bps of the volume ({progress.guarded_cost_quote:.2f} of "
        f"{progress.guarded_filled_quote:.2f}), above max_cost_bps {settings.max_cost_bps:g}",
    )


def daily_loss(situation: Situation) -> Halt | None:
    """Equity against the start of the day."""
    snapshot = situation.snapshot
    equity = snapshot.risk_inputs.equity
    return _loss("daily_loss", "today", equity.day_start_quote, snapshot, situation.settings.max_daily_loss_percent)


def drawdown(situation: Situation) -> Halt | None:
    """Equity against its peak."""
    snapshot = situation.snapshot
    equity = snapshot.risk_inputs.equity
    return _loss("drawdown", "since its peak", equity.peak_quote, snapshot, situation.settings.max_drawdown_percent)


def _loss(
    guard: str, since: str, before_quote: Decimal, snapshot: MarketSnapshot, limit_percent: Decimal
) -> Halt | None:
    now_quote = snapshot.risk_inputs.equity.now_quote
    lost_percent = _percent(before_quote - now_quote, before_quote)
    if lost_percent < limit_percent:
        return None
    key = "max_daily_loss_percent" if guard == "daily_loss" else "max_drawdown_percent"
    return _lasting(
        guard,
        f"equity on {snapshot.symbol} fell from {before_quote:.2f} to {now_quote:.2f} {since}, by "
        f"{lost_percent:.2f} %: {key} is {limit_percent:g}",
    )


def consecutive_failures(situation: Situation) -> Halt | None:
    """Orders that were refused, one after the other."""
    settings, progress = situation.settings, situation.progress
    if progress.failures_in_a_row < settings.max_consecutive_failures:
        return None
    return _lasting(
        "consecutive_failures",
        f"{progress.failures_in_a_row} orders in a row were refused or never arrived: max_consecutive_failures is "
        f"{settings.max_consecutive_failures}",
    )


def consecutive_losses(situation: Situation) -> Halt | None:
    """Round trips that each lost much more than they had to."""
    settings, progress = situation.settings, situation.progress
    if progress.losses_in_a_row < settings.max_consecutive_losses:
        return None
    return _lasting(
        "consecutive_losses",
        f"{progress.losses_in_a_row} round trips in a row each lost more than twice what they were planned to cost: "
        f"max_consecutive_losses is {settings.max_consecutive_losses}",
    )


def exposure(situation: Situation) -> Halt | None:
    """How far the inventory has drifted from where it began."""
    snapshot, settings = situation.snapshot, situation.settings
    equity = snapshot.risk_inputs.equity
    percent = _percent(abs(equity.drift_quote), equity.now_quote)
    if percent <= settings.max_exposure_percent:
        return None
    return _lasting(
        "exposure",
        f"the inventory of {snapshot.symbol} is {equity.drift_quote:+.2f} away from its start, {percent:.2f} % of the "
        f"equity of {equity.now_quote:.2f}: max_exposure_percent is {settings.max_exposure_percent:g}",
    )


def price_jump(situation: Situation) -> Halt | None:
    """A price that can hardly be true."""
    snapshot, settings = situation.snapshot, situation.settings
    last = snapshot.risk_inputs.last_mid_price
    if last is None:
        return None
    percent = _percent(abs(snapshot.mid_price - last), last)
    if percent <= settings.max_price_jump_percent:
        return None
    return _lasting(
        "price_jump",
        f"the price of {snapshot.symbol} jumped from {last} to {snapshot.mid_price}, by {percent:.2f} %, from one look "
        f"to the next: max_price_jump_percent is {settings.max_price_jump_percent:g}",
    )


def clock_set_back(situation: Situation) -> Halt | None:
    """Ages of orders and prices, and days, can't be trusted after that."""
    settings = situation.settings
    back_s = -situation.snapshot.risk_inputs.clock_jump_s
    if back_s <= settings.max_clock_jump:
        return None
    return _lasting(
        "clock_set_back",
        f"the clock was set back by {back_s:.0f} s: max_clock_jump is {settings.max_clock_jump:g} s",
    )


def leverage_limit(situation: Situation) -> Halt | None:
    """A contract has a leverage that it does not go beyond."""
    snapshot, settings = situation.snapshot, situation.settings
    most = None if snapshot.futures is None else snapshot.futures.max_leverage
    if most is None or settings.leverage <= most:
        return None
    return Halt(
        f"leverage {settings.leverage:g} is above the most that {snapshot.symbol} on {snapshot.exchange} allows, "
        f"{most:g}: lower it",
        "leverage_limit",
    )


def funding_rate(situation: Situation) -> Halt | None:
    """What the next funding costs the position; without one, what it would cost on the side that pays."""
    snapshot, settings = situation.snapshot, situation.settings
    paid_bps = funding_bps(snapshot)
    if paid_bps is None or paid_bps <= settings.max_funding_rate_bps:
        return None
    return _lasting(
        "funding_rate",
        f"the next funding on {snapshot.symbol} costs {paid_bps:.2f} bps of a position: max_funding_rate_bps is "
        f"{settings.max_funding_rate_bps:g}. {_POSITION_STAYS}",
    )


def funding_bps(snapshot: MarketSnapshot) -> Decimal | None:
    """What the next funding costs, in 1/10,000 of the position, below zero when it pays; None where it is unknown."""
    futures = snapshot.futures
    if futures is None or futures.funding_rate is None:
        return None
    longs_pay_bps = futures.funding_rate * TEN_THOUSAND
    if not futures.net_quantity:
        return abs(longs_pay_bps)
    return longs_pay_bps if futures.net_quantity > 0 else -longs_pay_bps


def liquidation(situation: Situation) -> Halt | None:
    """How near the price is to the one at which the exchange closes the position by force."""
    snapshot, settings = situation.snapshot, situation.settings
    percent, futures = liquidation_percent(snapshot), snapshot.futures
    if percent is None or percent >= settings.min_liquidation_distance_percent:
        return None
    assert futures is not None
    return _lasting(
        "liquidation",
        f"the position of {futures.net_quantity:+f} on {snapshot.symbol} is liquidated at "
        f"{futures.liquidation_price:g}, {percent:.2f} % away from the price of {snapshot.mid_price:g}: "
        f"min_liquidation_distance_percent is {settings.min_liquidation_distance_percent:g}. {_POSITION_STAYS}",
    )


def liquidation_percent(snapshot: MarketSnapshot) -> Decimal | None:
    """How far the price is from the liquidation, in percent of it, 0 beyond it; None without a position."""
    futures = snapshot.futures
    if futures is None or not futures.net_quantity or not futures.liquidation_price:
        return None
    left = snapshot.mid_price - futures.liquidation_price
    return max(_percent(left if futures.net_quantity > 0 else -left, snapshot.mid_price), Decimal(0))


def cost_budget(intent: OrderIntent, situation: Situation) -> Halt | None:
    """The budget is never exceeded: what the next order and all that is open may cost at worst has to fit into it."""
    snapshot, settings, progress = situation.snapshot, situation.settings, situation.progress
    smallest_quote = snapshot.rules.min_order_notional(snapshot.mid_price)
    budget_quote = settings.cost_budget(max(progress.target_quote, smallest_quote))
    worst_quote = worst_cost(intent, snapshot, settings) + worst_open_cost(situation)
    if progress.guarded_cost_quote + worst_quote <= budget_quote:
        return None
    key = "max_cost_quote" if settings.max_cost_quote is not None else f"max_cost_bps {settings.max_cost_bps:g}"
    return _lasting(
        "cost_budget",
        f"{progress.guarded_cost_quote:.2f} of the cost budget of {budget_quote:.2f} ({key}) are spent, and the next "
        f"order with all that is open may cost up to {worst_quote:.2f}",
    )


def worst_cost(intent: OrderIntent, snapshot: MarketSnapshot, settings: Settings) -> Decimal:
    """The most that an order may cost, all-in, in quote.

    A limit order costs its fee at most: it fills at its price, or at a better one. A market order takes no level of
    the book that is further from the mid than `max_slippage_bps`, and its fee is charged on what it then comes to;
    OctoBot's own simulator fills it at the price that it is given.
    """
    worth = intent.valuation
    reference_quote = intent.quote_quantity or worth.notional(intent.quantity, max(intent.price, intent.mid_price))
    if snapshot.trading.is_simulated and intent.order_type is OrderType.MARKET:
        slippage_quote = abs(worth.slippage(intent.side, intent.quantity, intent.price, intent.mid_price))
        return slippage_quote / worth.quote_rate + reference_quote * snapshot.rules.worst_fee_rate
    return reference_quote * worst_cost_rate(intent.order_type, snapshot.rules.worst_fee_rate, settings)


def worst_open_cost(situation: Situation) -> Decimal:
    """The most that all that is open may still cost, all-in, in quote."""
    snapshot, settings, progress = situation.snapshot, situation.settings, situation.progress
    open_quote = progress.open_buy_quote + progress.open_sell_quote
    # a sell is written down at the bid, so up to the slippage below the mid that it is measured against
    reference_quote = open_quote * (1 + 2 * _slippage_rate(settings.order_type, settings))
    fee_rate = max(snapshot.rules.worst_fee_rate, snapshot.risk_inputs.highest_fee_rate)
    return reference_quote * worst_cost_rate(settings.order_type, fee_rate, settings)


def worst_cost_rate(order_type: OrderType, fee_rate: Decimal, settings: Settings) -> Decimal:
    """The most that an order may cost, as a ratio of its notional: slippage, and the fee on what it then comes to."""
    slippage_rate = _slippage_rate(order_type, settings)
    return slippage_rate + fee_rate * (1 + slippage_rate)


def _slippage_rate(order_type: OrderType, settings: Settings) -> Decimal:
    return Decimal(0) if order_type is OrderType.LIMIT else settings.max_slippage_bps / TEN_THOUSAND


def position_size(intent: OrderIntent, situation: Situation) -> Halt | None:
    """Orders are cut to `max_position_percent` of equity; one that is larger still is the exchange's smallest."""
    settings = situation.settings
    equity_quote = situation.snapshot.risk_inputs.equity.now_quote
    most_quote = largest_order(settings, equity_quote)
    if intent.notional <= max(most_quote, Decimal(0)):
        return None
    return _lasting(
        "position_size",
        f"the smallest order that the exchange takes, {intent.notional:.2f}, is more than max_position_percent "
        f"{settings.max_position_percent:g} of the equity of {equity_quote:.2f}, which is {most_quote:.2f}",
    )


def largest_order(settings: Settings, equity_quote: Decimal) -> Decimal:
    """The largest order, in quote, that `max_position_percent` allows."""
    return equity_quote * settings.max_position_percent / HUNDRED


def _lasting(guard: str, reason: str) -> Halt:
    return Halt(reason, guard, is_lasting=True)


def _percent(part: Decimal, whole: Decimal) -> Decimal:
    return part / whole * HUNDRED if whole > 0 else Decimal(0)


Guard = Callable[[Situation], Halt | None]
OrderGuard = Callable[[OrderIntent, Situation], Halt | None]

LOCKS: tuple[Guard, ...] = (real_funds_lock, participation_ceiling, leverage_limit)
"""Before anything else, even before a target that is reached."""
GUARDS: tuple[Guard, ...] = (
    thin_market,
    cost_rate,
    daily_loss,
    drawdown,
    consecutive_failures,
    consecutive_losses,
    exposure,
    price_jump,
    clock_set_back,
    funding_rate,
    liquidation,
)
ORDER_GUARDS: tuple[OrderGuard, ...] = (cost_budget, position_size)


def first_halt(guards: tuple[Guard, ...], situation: Situation) -> Halt | None:
    """The first of these guards that says stop."""
    return next((halt for guard in guards if (halt := guard(situation)) is not None), None)


def order_halt(intent: OrderIntent, situation: Situation) -> Halt | None:
    """The first guard that forbids an order."""
    halts = (guard(intent, situation) for guard in ORDER_GUARDS)
    return next((halt for halt in halts if halt is not None), None)


def gauges(equity: Equity, settings: Settings, progress: Progress) -> tuple[Gauge, ...]:
    """How near the guards that count are to their limits, for a person to see."""
    budget_quote = settings.cost_budget(progress.target_quote)
    rate_bps = bps(progress.guarded_cost_quote, progress.guarded_filled_quote)
    drift_percent = _percent(abs(equity.drift_quote), equity.now_quote)
    day_percent, peak_percent = (
        _percent(max(before - equity.now_quote, Decimal(0)), before)
        for before in (equity.day_start_quote, equity.peak_quote)
    )
    return (
        Gauge("cost_rate", float(rate_bps), float(settings.max_cost_bps), "bps"),
        Gauge("cost_budget", float(progress.guarded_cost_quote), float(budget_quote), "quote"),
        Gauge("daily_loss", float(day_percent), float(settings.max_daily_loss_percent), "%"),
        Gauge("drawdown", float(peak_percent), float(settings.max_drawdown_percent), "%"),
        Gauge("exposure", float(drift_percent), float(settings.max_exposure_percent), "%"),
        Gauge("consecutive_failures", progress.failures_in_a_row, settings.max_consecutive_failures, "orders"),
        Gauge("consecutive_losses", progress.losses_in_a_row, settings.max_consecutive_losses, "round trips"),
    )


def futures_gauges(snapshot: MarketSnapshot, settings: Settings) -> tuple[Gauge, ...]:
    """How near the guards of a futures position are to their limits, as far as these are known."""
    funding, distance = funding_bps(snapshot), liquidation_percent(snapshot)
    shown = []
    if funding is not None:
        shown.append(Gauge("funding_rate", float(funding), float(settings.max_funding_rate_bps), "bps"))
    if distance is not None:
        least = float(settings.min_liquidation_distance_percent)
        shown.append(Gauge("liquidation", float(distance), least, "% away"))
    return tuple(shown)


def position_sentence(snapshot: MarketSnapshot, settings: Settings) -> str:
    """The position on futures and how near its guards are, in words; empty on spot."""
    if snapshot.futures is None:
        return ""
    near = (
        f"{gauge.guard.replace('_', ' ')} {gauge.value:.4g}/{gauge.limit:g} {gauge.unit}"
        for gauge in futures_gauges(snapshot, settings)
    )
    return ", ".join([f"Position {snapshot.futures.net_quantity:+f} at leverage {snapshot.futures.leverage:g}", *near])
