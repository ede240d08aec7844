"""The guards of a position on futures: its leverage, what funding costs it, and how near it is to a liquidation."""

from __future__ import annotations

from decimal import Decimal

from ..model.basics import TEN_THOUSAND
from ..model.formats import price
from ..model.snapshot import MarketSnapshot
from ..settings.schema import Settings
from .outcomes.halts import Gauge, Halt, lasting, percent_of
from .situation import Situation

_POSITION_STAYS = "The position stays as it is: `volume-booster emergency-stop` closes it"


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
    return lasting(
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
    assert futures is not None and futures.liquidation_price is not None
    return lasting(
        "liquidation",
        f"the position of {futures.net_quantity:+f} on {snapshot.symbol} is liquidated at "
        f"{price(futures.liquidation_price)}, {percent:.2f} % away from the price of {price(snapshot.mid_price)}: "
        f"min_liquidation_distance_percent is {settings.min_liquidation_distance_percent:g}. {_POSITION_STAYS}",
    )


def liquidation_percent(snapshot: MarketSnapshot) -> Decimal | None:
    """How far the price is from the liquidation, in percent of it, 0 beyond it; None without a position."""
    futures = snapshot.futures
    if futures is None or not futures.net_quantity or not futures.liquidation_price:
        return None
    left = snapshot.mid_price - futures.liquidation_price
    return max(percent_of(left if futures.net_quantity > 0 else -left, snapshot.mid_price), Decimal(0))


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
