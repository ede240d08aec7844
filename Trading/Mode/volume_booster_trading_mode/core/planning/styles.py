"""Which way to the target is cheapest: market, limit, passive and pair beside each other. Pure, seeded.

Costs are those of a plan: fees, and what fills cost against the mid when they fill, with what `Conditions` assumes of
orders that rest.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..model.basics import ExecutionStyle
from ..settings.schema import Settings
from . import quoting_simulation, simulation
from .market_conditions import Conditions
from .simulation_state import Outcomes

CAMPAIGNS = 200
STEPS = 300
SEED = 1
SURE = 0.95
"""A style keeps a deadline where so many of the campaigns do."""
WORTH_IT_BPS = 0.1
"""Less than this is no reason to rest."""


@dataclass(frozen=True, slots=True)
class Style:
    """What a campaign is expected to take in one style. A duration of None is endless."""

    cost_bps: float
    duration_s: float | None
    chance_of_deadline: float | None
    """0 to 1; None where there is no deadline."""
    maker_share: float

    def to_json(self) -> dict[str, Any]:
        chance = None if self.chance_of_deadline is None else round(self.chance_of_deadline, 3)
        return {
            "cost_bps": f"{self.cost_bps:.2f}",
            "duration_s": None if self.duration_s is None else round(self.duration_s, 1),
            "chance_of_deadline": chance,
            "maker_share": round(self.maker_share, 4),
        }


@dataclass(frozen=True, slots=True)
class Comparison:
    """The styles by name, the one that is recommended, and why."""

    styles: dict[str, Style]
    recommended: str
    because: str
    deadline_s: float | None

    def to_json(self) -> dict[str, Any]:
        """The fields of the command line's contract."""
        return {
            "styles": {name: style.to_json() for name, style in self.styles.items()},
            "recommended": self.recommended,
            "because": self.because,
        }


def compare(settings: Settings, conditions: Conditions, deadline_s: float | None = None) -> Comparison:
    """All styles under these conditions with the amounts and the pace of these settings; the same for the same.

    :param deadline_s: in which time it has to be done; None: as the settings say, for passive what they imply.
    """
    wanted_s = settings.deadline if deadline_s is None else deadline_s
    changes: dict[str, Any] = {} if wanted_s is None else {"deadline": wanted_s}
    styles = {
        style.value: _style(settings.model_copy(update={**changes, "order_type": style}), conditions, wanted_s)
        for style in (ExecutionStyle.MARKET, ExecutionStyle.LIMIT, ExecutionStyle.PASSIVE, ExecutionStyle.PAIR)
    }
    recommended = _cheapest(styles)
    return Comparison(styles, recommended, _because(styles, recommended, settings, conditions), wanted_s)


def _style(settings: Settings, conditions: Conditions, deadline_s: float | None) -> Style:
    outcomes = _play(settings, conditions)
    filled, finite = outcomes.filled.sum(), np.isfinite(outcomes.duration_s)
    maker_share = float(outcomes.maker.sum() / filled) if filled else 0.0
    cost = float(outcomes.fees.sum() + outcomes.slippage.sum())
    cost_bps = cost / filled * 1e4 if filled else _unfilled_bps(settings, conditions)
    in_time = None if deadline_s is None else float((outcomes.duration_s <= deadline_s * (1 + 1e-6)).mean())
    duration_s = float(outcomes.duration_s.mean()) if finite.all() else None
    return Style(cost_bps, duration_s, in_time, maker_share)


def _play(settings: Settings, conditions: Conditions) -> Outcomes:
    if settings.order_type.is_quoting:
        return quoting_simulation.play_quotes(settings, conditions, SEED, CAMPAIGNS)
    return simulation.play(settings, conditions, SEED, CAMPAIGNS, STEPS)


def _unfilled_bps(settings: Settings, conditions: Conditions) -> float:
    """What an order of this style would cost where none is ever filled."""
    rules = conditions.rules
    if settings.order_type is ExecutionStyle.MARKET:
        return float(rules.taker_fee_rate) * 1e4 + conditions.half_spread * 1e4
    resting = conditions.resting_cost(conditions.adverse_selection_here)
    return (float(rules.maker_fee_rate) + resting) * 1e4


def _cheapest(styles: dict[str, Style]) -> str:
    """Of those that are sure to be in time, or most likely to be: market where nothing saves much, else the quickest of
    those that cost about the least."""
    chances = {name: _chance(style) for name, style in styles.items()}
    least = min(SURE, max(chances.values()))
    able = {name: styles[name].cost_bps for name, chance in chances.items() if chance >= least}
    cheapest_bps = min(able.values())
    market = ExecutionStyle.MARKET.value
    if market in able and able[market] - cheapest_bps < WORTH_IT_BPS:
        return market
    alike = [name for name in able if able[name] - cheapest_bps < WORTH_IT_BPS]
    return min(alike, key=lambda name: (styles[name].duration_s or math.inf, able[name]))


def _chance(style: Style) -> float:
    """Without a deadline, of ever reaching the target."""
    if style.chance_of_deadline is not None:
        return style.chance_of_deadline
    return 0.0 if style.duration_s is None else 1.0


def _because(styles: dict[str, Style], recommended: str, settings: Settings, conditions: Conditions) -> str:
    rules = conditions.rules
    terms = (
        f"maker fee {float(rules.maker_fee_rate) * 1e4:.4g} bps, taker fee {float(rules.taker_fee_rate) * 1e4:.4g} "
        f"bps, half the spread {conditions.half_spread * 1e4:.4g} bps"
    )
    market, best = styles[ExecutionStyle.MARKET.value], styles[recommended]
    if recommended == ExecutionStyle.MARKET.value:
        return f"no way that is in time saves {WORTH_IT_BPS:g} bps against market orders ({terms})"
    saved = market.cost_bps - best.cost_bps
    if saved <= 0:
        return f"{recommended} is the likeliest to be in time, at {-saved:.2f} bps more than market orders ({terms})"
    return f"{recommended} costs {saved:.2f} bps less than market orders and is in time ({terms})"
