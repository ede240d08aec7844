"""What a campaign is expected to take, before it starts: orders, time, cost, capital, and whether it can be done."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from typing import Any

import numpy as np

from ..model.basics import ZERO, ExecutionStyle, OrderType, Role, Side, bps
from ..model.formats import duration
from ..settings import corrections
from ..settings.presets import Preset
from ..settings.schema import Settings, parse_settings
from . import quoting_simulation, simulation
from .feasibility import Forecast, Problem, problems_of
from .market_conditions import Conditions
from .simulation_state import Floats, Outcomes

USUAL_FEE_RATE = Decimal("0.001")
"""The fee that large exchanges take of a trade before any discount, maker and taker alike."""
BAND_PERCENT = 90
"""So many of a hundred campaigns lie inside the band of each number: one in twenty below it, one in twenty above."""
CAMPAIGNS = {OrderType.MARKET: 2_000, OrderType.LIMIT: 500}
MOST_STEPS = {OrderType.MARKET: 1_200, OrderType.LIMIT: 600}
"""Decisions of one campaign that are played; more of them are drawn: see `montecarlo`."""
_QUANTILES = (0.5 - BAND_PERCENT / 200, 0.5 + BAND_PERCENT / 200)
_FINEST = Decimal("1e-8")
_FINEST_SECONDS = Decimal("0.1")


@dataclass(frozen=True, slots=True)
class Band:
    """A number that is not known yet: its mean, and the band in which it lies in 90 of 100 campaigns."""

    low: Decimal
    expected: Decimal
    high: Decimal

    def contains(self, value: Decimal | float) -> bool:
        """Whether a number lies inside, the ends included."""
        return self.low <= Decimal(str(value)) <= self.high

    @property
    def is_finite(self) -> bool:
        return self.expected.is_finite() and self.high.is_finite()


@dataclass(frozen=True, slots=True)
class Plan:
    """What a campaign is expected to take. Amounts in quote where not named otherwise."""

    target_quote: Decimal
    orders: Band
    duration_s: Band
    """From the first order to the last fill."""
    fees_quote: Band
    spread_quote: Band
    """Spread and slippage: what fills cost against the mid when they fill, below zero where they earn."""
    cost_quote: Band
    cost_bps: Band
    maker_share: float
    base_needed: Decimal
    """In base: with less than this, more than 5 in 100 campaigns run short of it at some moment."""
    quote_needed: Decimal
    turns: Decimal
    """How often the capital that is needed is traded: target / (base needed in quote + quote needed)."""
    inventory_low_quote: Decimal
    """The most that is sold beyond what was bought, at some moment of 95 in 100 campaigns at the most; below zero."""
    inventory_high_quote: Decimal
    flattening_quote: Decimal = ZERO
    """What trading the largest of these inventories back costs, with the fee of a taker and half the spread."""
    problems: tuple[Problem, ...] = ()
    notes: tuple[str, ...] = ()
    """What is done otherwise than the settings say, with a notice when it is."""
    assumptions: tuple[str, ...] = ()
    """What the cost rests on, in sentences."""

    @property
    def cost_per_million(self) -> Band:
        """What a million of volume costs."""
        bps_band = self.cost_bps
        return Band(bps_band.low * 100, bps_band.expected * 100, bps_band.high * 100)

    @property
    def flattening_bps(self) -> Decimal:
        """The same as a share of the target."""
        return bps(self.flattening_quote, self.target_quote)

    @property
    def is_feasible(self) -> bool:
        return not self.problems

    def elapsed_s(self, share: float) -> tuple[float, float, float]:
        """Low, expected and high time until a share of the target, 0 to 1, is filled.

        The mean grows with the share and its deviation with the root of it, as those of any sum of independent parts.
        """
        expected, root = float(self.duration_s.expected), math.sqrt(share)
        low, high = (
            expected * share + (float(end) - expected) * root for end in (self.duration_s.low, self.duration_s.high)
        )
        return max(low, 0.0), expected * share, high

    def to_json(self) -> dict[str, Any]:
        """The fields of the command line's contract, and some more; money as decimal strings."""
        return {
            "feasible": self.is_feasible,
            "problems": [problem.sentence for problem in self.problems],
            "nearest": [dict(problem.nearest) for problem in self.problems],
            "target_quote": _plain(self.target_quote),
            "band_percent": BAND_PERCENT,
            "orders": _whole_band(self.orders),
            "duration_s": _seconds_band(self.duration_s),
            **{name: _band(getattr(self, name)) for name in _MONEY_BANDS},
            "cost_per_million_quote": _band(self.cost_per_million),
            "capital": {"base": _plain(self.base_needed), "quote": _plain(self.quote_needed)},
            "turns": round(float(self.turns), 2),
            "inventory_quote": {"low": _plain(self.inventory_low_quote), "high": _plain(self.inventory_high_quote)},
            "ends": {
                **{end: {"cost_quote": "0.00", "cost_bps": "0.00"} for end in ("keep", "drain")},
                "flatten": {"cost_quote": _plain(self.flattening_quote), "cost_bps": f"{self.flattening_bps:.4f}"},
            },
            "maker_share": round(self.maker_share, 4),
            "notes": list(self.notes),
            "rests_on": list(self.assumptions),
        }

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> Plan:
        """The plan of `to_json`; its problems are sentences only."""
        bands = {name: _read_band(values[name]) for name in ("orders", "duration_s", *_MONEY_BANDS)}
        inventory, capital = values["inventory_quote"], values["capital"]
        return cls(
            target_quote=Decimal(values["target_quote"]),
            **bands,
            maker_share=values["maker_share"],
            base_needed=Decimal(capital["base"]),
            quote_needed=Decimal(capital["quote"]),
            turns=Decimal(str(values["turns"])),
            inventory_low_quote=Decimal(inventory["low"]),
            inventory_high_quote=Decimal(inventory["high"]),
            flattening_quote=Decimal(values.get("ends", {}).get("flatten", {}).get("cost_quote", 0)),
            problems=tuple(Problem(sentence) for sentence in values["problems"]),
            notes=tuple(values["notes"]),
            assumptions=tuple(values.get("rests_on", ())),
        )


_MONEY_BANDS = ("fees_quote", "spread_quote", "cost_quote", "cost_bps")


def estimate(settings: Settings, conditions: Conditions, seed: int = 0, deadline_s: float | None = None) -> Plan:
    """The plan of a campaign with these settings under these conditions; the same arguments, the same plan.

    :param deadline_s: in which time it has to be done; None where there is none.
    """
    if settings.order_type.is_quoting and deadline_s is not None:
        settings = settings.model_copy(update={"deadline": deadline_s})
    wanted_s = quoting_simulation.schedule_s(settings, conditions) if deadline_s is None else deadline_s
    smallest = conditions.rules.min_order_notional(conditions.price)
    usable, notes = corrections.raise_to_minimum(settings, smallest)
    kind = usable.order_type.sends
    if usable.order_type.is_quoting:
        outcomes = quoting_simulation.play_quotes(usable, conditions, seed, CAMPAIGNS[kind])
    else:
        outcomes = simulation.play(usable, conditions, seed, CAMPAIGNS[kind], MOST_STEPS[kind])
    assumptions = (conditions.assumption,) if usable.order_type is not ExecutionStyle.MARKET else ()
    plan = replace(_plan(usable, conditions, outcomes, (*notes, *_notes(usable, conditions))), assumptions=assumptions)
    forecast = Forecast(
        duration_s=float(plan.duration_s.expected),
        orders=float(plan.orders.expected),
        cost_quote=plan.cost_quote.high,
        cost_bps=plan.cost_bps.high,
        stuck_share=float(outcomes.is_stuck.mean()),
        inventory_quote=max(abs(plan.inventory_low_quote), abs(plan.inventory_high_quote)) * conditions.pairs,
        deadline_s=wanted_s,
    )
    return replace(plan, problems=problems_of(settings, conditions, forecast))


def _plan(settings: Settings, conditions: Conditions, outcomes: Outcomes, notes: tuple[str, ...]) -> Plan:
    pairs, out = conditions.pairs, outcomes
    # of several pairs each has its own stream: their sums are those of so many campaigns, taken at random
    filled, orders, fees, slippage, maker = (
        _summed(values, pairs) for values in (out.filled, out.orders, out.fees, out.slippage, out.maker)
    )
    cost = fees + slippage
    base_needed, quote_needed = (float(np.quantile(used, _QUANTILES[1])) for used in (out.base_used, out.quote_used))
    base, quote = _needed(base_needed, settings), _needed(quote_needed, settings)
    capital = (base * conditions.price + quote) * pairs
    with np.errstate(divide="ignore", invalid="ignore"):
        cost_bps = np.where(filled > 0, cost / filled * 1e4, 0.0)
    lowest = _decimal(float(np.quantile(out.lowest_inventory, _QUANTILES[0])), _FINEST, ROUND_FLOOR)
    highest = _decimal(float(np.quantile(out.highest_inventory, _QUANTILES[1])), _FINEST, ROUND_CEILING)
    flattening_rate = Decimal(repr(conditions.half_spread)) + conditions.rules.fee_rate(Role.TAKER)
    return Plan(
        target_quote=settings.volume_target,
        orders=_banded(orders, Decimal(1)),
        duration_s=_banded(out.duration_s, _FINEST_SECONDS),
        fees_quote=_banded(fees),
        spread_quote=_banded(slippage),
        cost_quote=_banded(cost),
        cost_bps=_banded(cost_bps),
        maker_share=float(maker.sum() / filled.sum()) if filled.sum() else 0.0,
        base_needed=base,
        quote_needed=quote,
        turns=settings.volume_target / capital if capital else ZERO,
        inventory_low_quote=lowest,
        inventory_high_quote=highest,
        flattening_quote=(max(abs(lowest), abs(highest)) * pairs * flattening_rate).quantize(_FINEST),
        notes=notes,
    )


def _needed(used: float, settings: Settings) -> Decimal:
    """A start balance of which so much can be used, the buffer left aside."""
    return _decimal(used / (1 - float(settings.fee_buffer_percent) / 100), _FINEST, ROUND_CEILING)


def _summed(values: Floats, pairs: int) -> Floats:
    return np.asarray(sum((np.roll(values, 37 * pair) for pair in range(1, pairs)), values))


def _banded(values: Floats, unit: Decimal = _FINEST) -> Band:
    """The mean and the band of drawn numbers; the ends are drawn numbers themselves, rounded outwards."""
    if not np.isfinite(values).all():
        return Band(Decimal("Infinity"), Decimal("Infinity"), Decimal("Infinity"))
    low, high = (float(np.quantile(values, q, method=how)) for q, how in zip(_QUANTILES, _OUTWARDS, strict=True))
    mean = float(values.mean())  # of a skewed number it may lie outside: then the band is made wider
    low, high = min(low, mean), max(high, mean)
    return Band(_decimal(low, unit, ROUND_FLOOR), _decimal(mean, unit), _decimal(high, unit, ROUND_CEILING))


_OUTWARDS: tuple[Any, Any] = ("lower", "higher")


def _decimal(value: float, unit: Decimal, rounding: str | None = None) -> Decimal:
    return Decimal(repr(value)).quantize(unit, rounding)


def _notes(settings: Settings, conditions: Conditions) -> tuple[str, ...]:
    """What of the settings the exchange's largest order cuts."""
    rules = conditions.rules
    limits = [
        limit for limit in (rules.max_notional, rules.max_quantity and rules.max_quantity * conditions.price) if limit
    ]
    largest = max(settings.max_buy_amount, settings.max_sell_amount)
    if limits and largest > min(limits):
        return (f"orders above {rules.shown(min(limits))}, the exchange's largest, are cut to it",)
    return ()


def _plain(value: Decimal) -> str:
    """An exact decimal string, at least two decimals."""
    if not value.is_finite():
        return "infinity"
    whole, _, decimals = f"{value + 0:f}".partition(".")  # and no zero below zero
    return f"{whole}.{decimals.rstrip('0'):0<2}"


def _band(band: Band) -> dict[str, Any]:
    return {name: _plain(getattr(band, name)) for name in Band.__slots__}


def _whole_band(band: Band) -> dict[str, Any]:
    return {name: int(getattr(band, name)) if band.is_finite else None for name in Band.__slots__}


def _seconds_band(band: Band) -> dict[str, Any]:
    return {name: float(getattr(band, name)) if band.is_finite else None for name in Band.__slots__}


def _read_band(values: dict[str, Any]) -> Band:
    return Band(**{name: Decimal("Infinity" if values[name] is None else str(values[name])) for name in Band.__slots__})


@dataclass(frozen=True, slots=True)
class Expectation:
    """The mean of a campaign in which every order fills: how many orders, how many seconds, which fees in quote."""

    orders: int
    duration_s: float
    fees_quote: Decimal
    fees_bps: Decimal


def expect(
    settings: Settings, maker_fee_rate: Decimal = USUAL_FEE_RATE, taker_fee_rate: Decimal = USUAL_FEE_RATE
) -> Expectation:
    """The mean campaign: amounts and delays are uniform, both sides equally often, so the means are the midpoints."""
    ends = [end for side in Side for end in settings.amount_range(side)]
    orders = settings.volume_target / (sum(ends, Decimal(0)) / len(ends))
    mean_delay_s = (settings.trade_frequency_min + settings.trade_frequency_max) / 2
    rate = maker_fee_rate if settings.order_type.sends is OrderType.LIMIT else taker_fee_rate
    fees_quote = settings.volume_target * rate
    return Expectation(
        orders=max(round(orders), 1),
        duration_s=float(orders) * mean_delay_s,
        fees_quote=fees_quote,
        fees_bps=bps(fees_quote, settings.volume_target),
    )


def explain(preset: Preset) -> str:
    """A preset in one line, with what the default target is expected to take with it."""
    settings = parse_settings({"preset": preset.value})
    expected = expect(settings)
    low, high = settings.amount_range(Side.BUY)
    bound = "at least" if settings.order_type.sends is OrderType.LIMIT else "about"
    return (
        f"{settings.order_type.value} orders of {low:g} to {high:g} every {settings.trade_frequency_min:g} to "
        f"{settings.trade_frequency_max:g} s: {bound} {expected.orders} orders, {duration(expected.duration_s)} and "
        f"{expected.fees_quote:.2f} of fees ({expected.fees_bps:.0f} bps) for {settings.volume_target:,}"
    )
