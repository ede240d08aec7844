"""The guards: one small function each, which returns why the campaign must halt, or None.

`GUARDS` are asked at every look, `ORDER_GUARDS` about each order before it is sent. A halt that lasts ends only when a
person resumes the campaign; the others end when their reason is gone. What is merely not right at this moment (no price
or an old one, a rate limit, a trader that is paused, a pace that is too fast) is no halt but a wait: see `policy`.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

from ..accounting.ledger import Progress
from ..model.basics import ZERO, Trading, bps
from ..model.formats import price, signed
from ..model.orders import OrderIntent
from ..model.snapshot import Change, Equity
from ..settings.schema import Settings, TargetPeriod
from . import flattening
from .futures_guards import funding_rate, leverage_limit, liquidation
from .outcomes.halts import HUNDRED as HUNDRED
from .outcomes.halts import Gauge as Gauge
from .outcomes.halts import Halt as Halt
from .outcomes.halts import lasting as _lasting
from .outcomes.halts import percent_of as _percent
from .situation import Situation
from .worst_cost import worst_cost as worst_cost
from .worst_cost import worst_cost_rate as worst_cost_rate
from .worst_cost import worst_open_cost as worst_open_cost
from .worst_cost import worst_unmeasured_cost

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
    volume, shown = snapshot.risk_inputs.day_volume_quote, snapshot.rules.shown
    if volume is None:
        return None
    allowed_a_day = volume * settings.max_participation_percent / HUNDRED
    smallest_quote = snapshot.rules.min_order_notional(snapshot.mid_price)
    if participation_an_hour(volume, settings) < smallest_quote:
        return Halt(
            f"{snapshot.symbol} on {snapshot.exchange} is too thin: it trades {shown(volume)} in 24 h, of which "
            f"max_participation_percent {settings.max_participation_percent:g} is {shown(allowed_a_day)}, less than "
            f"one of the exchange's smallest orders of {shown(smallest_quote)} an hour: choose a market that trades "
            "more",
            "thin_market",
        )
    own_target = snapshot.risk_inputs.own_target_quote
    target_quote = situation.progress.target_quote if own_target is None else own_target
    most_days = 1 if settings.target_period is TargetPeriod.DAILY else LONGEST_CAMPAIGN_DAYS
    if target_quote <= allowed_a_day * most_days:
        return None
    days = f"in {most_days} days" if most_days > 1 else "a day"
    return Halt(
        f"{snapshot.symbol} on {snapshot.exchange} is too thin for the settings: it trades {shown(volume)} in 24 h, "
        f"of which max_participation_percent {settings.max_participation_percent:g} is {shown(allowed_a_day)}, or "
        f"{shown(allowed_a_day * most_days)} {days}; the target is {shown(target_quote)}: lower volume_target or "
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
    settings, progress, shown = situation.settings, situation.progress, situation.snapshot.rules.shown
    rate_bps = bps(progress.guarded_cost_quote, progress.guarded_filled_quote)
    if progress.fills < LEAST_FILLS_FOR_COST or not progress.guarded_filled_quote or rate_bps <= settings.max_cost_bps:
        return None
    return _lasting(
        "cost_rate",
        f"costs are {rate_bps:.2f} bps of the volume ({shown(progress.guarded_cost_quote)} of "
        f"{shown(progress.guarded_filled_quote)}), above max_cost_bps {settings.max_cost_bps:g}",
    )


def daily_loss(situation: Situation) -> Halt | None:
    """Equity against the start of the day, of one pair or of all together."""
    equity = situation.snapshot.risk_inputs.equity
    own = Change(equity.day_start_quote, equity.now_quote)
    return _loss("daily_loss", "today", situation, own, equity.today_of_all)


def drawdown(situation: Situation) -> Halt | None:
    """Equity against its peak, of one pair or of all together."""
    equity = situation.snapshot.risk_inputs.equity
    own = Change(equity.peak_quote, equity.now_quote)
    return _loss("drawdown", "since its peak", situation, own, equity.since_peak_of_all)


def _loss(guard: str, since: str, situation: Situation, own: Change, of_all: Change | None) -> Halt | None:
    """Pairs that share a balance may each be within the limit where all of them are not."""
    snapshot, settings, is_daily = situation.snapshot, situation.settings, guard == "daily_loss"
    most = settings.max_daily_loss_percent if is_daily else settings.max_drawdown_percent
    key = "max_daily_loss_percent" if is_daily else "max_drawdown_percent"
    for change in (own, of_all):
        lost_percent = ZERO if change is None else _percent(change.before_quote - change.now_quote, change.before_quote)
        if change is None or lost_percent < most:
            continue
        before, now = snapshot.rules.shown(change.before_quote), snapshot.rules.shown(change.now_quote)
        by = f"{lost_percent:.2f} %: {key} is {most:g}"
        if change is own:
            return _lasting(guard, f"equity on {snapshot.symbol} fell from {before} to {now} {since}, by {by}")
        return _lasting(guard, f"equity of all pairs together fell from {before} to {now} {since}, by {by}")
    return None


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
        return _exposure_of_all(situation)
    drift, equity_told = signed(equity.drift_quote, snapshot.rules.quote), snapshot.rules.shown(equity.now_quote)
    return _lasting(
        "exposure",
        f"the inventory of {snapshot.symbol} is {drift} away from its start, {percent:.2f} % of the "
        f"equity of {equity_told}: max_exposure_percent is {settings.max_exposure_percent:g}",
    )


def _exposure_of_all(situation: Situation) -> Halt | None:
    """The same of all pairs together: each may be within the limit where all of them are not."""
    equity, rules, most = situation.snapshot.risk_inputs.equity, situation.snapshot.rules, situation.settings
    percent = _percent(equity.drift_of_all_quote, equity.of_all_quote)
    if percent <= most.max_exposure_percent:
        return None
    return _lasting(
        "exposure",
        f"the inventory of all pairs together is {rules.shown(equity.drift_of_all_quote)} away from its "
        f"start, {percent:.2f} % of their equity of {rules.shown(equity.of_all_quote)}: max_exposure_percent is "
        f"{most.max_exposure_percent:g}",
    )


def outside_trades(situation: Situation) -> Halt | None:
    """Somebody else trades the coins of the campaign, such as by OctoBot's `/sell_all`: it does not trade against them.

    What is less than two of the largest orders may be OctoBot's balances that are behind.
    """
    snapshot, settings = situation.snapshot, situation.settings
    base, quote = snapshot.risk_inputs.outside_base, snapshot.risk_inputs.outside_quote
    worth = min(snapshot.rules.notional(abs(base), snapshot.mid_price), abs(quote))
    if worth <= 2 * max(settings.max_buy_amount, settings.max_sell_amount):
        return None
    amounts = f"{signed(quote, snapshot.rules.quote)} {snapshot.rules.quote}"
    return _lasting(
        "outside_trades",
        f"somebody else has traded on the account of {snapshot.exchange}: {base:+f} {snapshot.rules.base} and "
        f"{amounts} are not from the campaign's own fills (coins sold by hand, or /sell_all?). Resume continues "
        "with what is there",
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
        f"the price of {snapshot.symbol} jumped from {price(last)} to {price(snapshot.mid_price)}, by {percent:.2f} %, "
        f"from one look to the next: max_price_jump_percent is {settings.max_price_jump_percent:g}",
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


def cost_budget(intent: OrderIntent, situation: Situation) -> Halt | None:
    """The budget is never exceeded: what the next order and all that is open may cost at worst has to fit into it.

    So has what is filled and not measured yet, and trading the inventory back where an emergency stop does.
    """
    snapshot, settings, progress = situation.snapshot, situation.settings, situation.progress
    smallest_quote = snapshot.rules.min_order_notional(snapshot.mid_price)
    budget_quote = settings.cost_budget(max(progress.target_quote, smallest_quote))
    is_for_all = settings.max_cost_quote is not None
    spent_quote = progress.spent_of_all_quote if is_for_all else progress.guarded_cost_quote
    unmeasured_quote = progress.unmeasured_of_all_quote if is_for_all else progress.guarded_unmeasured_quote
    worst_quote = worst_cost(intent, snapshot, settings) + flattening.reserve(situation, intent)
    worst_quote += worst_open_cost(flattening.over_all(situation) if is_for_all else situation)
    worst_quote += worst_unmeasured_cost(unmeasured_quote, settings)
    if spent_quote + worst_quote <= budget_quote:
        return None
    key = "max_cost_quote" if settings.max_cost_quote is not None else f"max_cost_bps {settings.max_cost_bps:g}"
    shown = snapshot.rules.shown
    return _lasting(
        "cost_budget",
        f"{shown(spent_quote)} of the cost budget of {shown(budget_quote)} ({key}) are spent, and the "
        f"next order with all that is open may cost up to {shown(worst_quote)}{_with_flattening(situation)}",
    )


def _with_flattening(situation: Situation) -> str:
    return ", trading the inventory back included" if flattening.is_reserved(situation) else ""


def total_cost_budget(intent: OrderIntent, situation: Situation) -> Halt | None:
    """A bound on all that the campaign costs, over every pair, day and resume."""
    snapshot, settings, progress = situation.snapshot, situation.settings, situation.progress
    most_quote, shown = settings.max_total_cost_quote, snapshot.rules.shown
    if most_quote is None:
        return None
    worst_quote = worst_cost(intent, snapshot, settings) + flattening.reserve(situation, intent)
    worst_quote += worst_open_cost(flattening.over_all(situation))
    worst_quote += worst_unmeasured_cost(progress.total_unmeasured_quote, settings)
    if progress.total_cost_quote + worst_quote <= most_quote:
        return None
    return _lasting(
        "total_cost_budget",
        f"the campaign has cost {shown(progress.total_cost_quote)} in all, and the next order with all that is open "
        f"may cost up to {shown(worst_quote)}{_with_flattening(situation)}: max_total_cost_quote is "
        f"{shown(most_quote)}",
    )


def position_size(intent: OrderIntent, situation: Situation) -> Halt | None:
    """Orders are cut to `max_position_percent` of equity; one that is larger still is the exchange's smallest."""
    settings, shown = situation.settings, situation.snapshot.rules.shown
    equity_quote = situation.snapshot.risk_inputs.equity.now_quote
    most_quote = largest_order(settings, equity_quote)
    if intent.notional <= max(most_quote, Decimal(0)):
        return None
    return _lasting(
        "position_size",
        f"the smallest order that the exchange takes, {shown(intent.notional)}, is more than max_position_percent "
        f"{settings.max_position_percent:g} of the equity of {shown(equity_quote)}, which is {shown(most_quote)}",
    )


def largest_order(settings: Settings, equity_quote: Decimal) -> Decimal:
    """The largest order, in quote, that `max_position_percent` allows."""
    return equity_quote * settings.max_position_percent / HUNDRED


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
    outside_trades,
    price_jump,
    clock_set_back,
    funding_rate,
    liquidation,
)
ORDER_GUARDS: tuple[OrderGuard, ...] = (cost_budget, total_cost_budget, position_size)


def first_halt(guards: tuple[Guard, ...], situation: Situation) -> Halt | None:
    """The first of these guards that says stop."""
    return next((halt for guard in guards if (halt := guard(situation)) is not None), None)


def order_halt(intent: OrderIntent, situation: Situation) -> Halt | None:
    """The first guard that forbids an order."""
    halts = (guard(intent, situation) for guard in ORDER_GUARDS)
    return next((halt for halt in halts if halt is not None), None)


def _quote_gauge(guard: str, spent_quote: Decimal, most_quote: Decimal) -> Gauge:
    return Gauge(guard, float(spent_quote), float(most_quote), "quote")


def gauges(equity: Equity, settings: Settings, progress: Progress) -> tuple[Gauge, ...]:
    """How near the guards that count are to their limits, for a person to see."""
    budget_quote = settings.cost_budget(progress.target_quote)
    spent_quote = progress.guarded_cost_quote if settings.max_cost_quote is None else progress.spent_of_all_quote
    most_quote = settings.max_total_cost_quote
    total = () if most_quote is None else (_quote_gauge("total_cost_budget", progress.total_cost_quote, most_quote),)
    rate_bps = bps(progress.guarded_cost_quote, progress.guarded_filled_quote)
    drift_percent = _percent(abs(equity.drift_quote), equity.now_quote)
    day_percent, peak_percent = (
        _percent(max(before - equity.now_quote, Decimal(0)), before)
        for before in (equity.day_start_quote, equity.peak_quote)
    )
    return (
        Gauge("cost_rate", float(rate_bps), float(settings.max_cost_bps), "bps"),
        _quote_gauge("cost_budget", spent_quote, budget_quote),
        *total,
        Gauge("daily_loss", float(day_percent), float(settings.max_daily_loss_percent), "%"),
        Gauge("drawdown", float(peak_percent), float(settings.max_drawdown_percent), "%"),
        Gauge("exposure", float(drift_percent), float(settings.max_exposure_percent), "%"),
        Gauge("consecutive_failures", progress.failures_in_a_row, settings.max_consecutive_failures, "orders"),
        Gauge("consecutive_losses", progress.losses_in_a_row, settings.max_consecutive_losses, "round trips"),
    )
