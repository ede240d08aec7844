"""The styles that the benchmark of cost compares."""

from __future__ import annotations

import pathlib
import random
import sys
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal

from octobot_volume_booster.core.decision.guards import Halt
from octobot_volume_booster.offline_exchange.server.engine.orders import Side

from .cost_desk import CALL_S, Desk, Drop, Outcome, Send, Style, Terms, View, outcome_of

INVENTORY_CHUNKS = 4
_SIDES = {Side.BUY: 1, Side.SELL: -1}


def twap(view: View, rng: random.Random) -> Sequence[Send | Drop]:
    """Takes a chunk whenever the schedule is a chunk ahead, on the side that reduces the inventory."""
    if view.schedule_quote - view.filled_quote < view.terms.chunk_quote:
        left = view.terms.target_quote - view.filled_quote
        if left > view.terms.chunk_quote or view.now < view.terms.deadline_s - 5:
            return ()
    side = Side.SELL if view.drift_base > 0 else Side.BUY if view.drift_base < 0 else rng.choice(tuple(Side))
    price = (view.asks if side is Side.BUY else view.bids)[0][0]
    return (Send(side, view.quantity(view.terms.chunk_quote, price)),)


def peg(view: View, rng: random.Random) -> Sequence[Send | Drop]:
    """Rests a chunk at the others' touch on both sides, post-only, and follows it; never takes."""
    actions: list[Send | Drop] = []
    mid = (view.bids[0][0] + view.asks[0][0]) / 2
    for side, levels in ((Side.BUY, view.bids), (Side.SELL, view.asks)):
        touch = levels[0][0]
        resting = [order for order in view.own if order.side is side]
        actions += [Drop(order.order_id) for order in resting if order.price != touch]
        adds = float(view.drift_base * mid) * _SIDES[side] >= INVENTORY_CHUNKS * view.terms.chunk_quote
        if not adds and not any(order.price == touch for order in resting):
            actions.append(Send(side, view.quantity(view.terms.chunk_quote, touch), touch))
    return actions


STYLES: Mapping[str, Style] = {"twap": twap, "peg": peg}
"""From what is seen to actions."""


def played(style: Style) -> Callable[[Terms, int], Outcome]:
    """A style on one seed, whose chance is of the same seed."""
    return lambda terms, seed: Desk(terms, seed).play(style, random.Random(seed))


def decided(**settings: object) -> Callable[[Terms, int], Outcome]:
    """The mode's own pure `decide` with these settings."""

    def play(terms: Terms, seed: int) -> Outcome:
        sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "exchange"))
        try:
            engine_market = __import__("engine_market")
        finally:
            sys.path.pop(0)
        amounts = {"min": terms.chunk_quote * 0.5, "max": terms.chunk_quote * 1.5}
        pace = terms.deadline_s * terms.chunk_quote / terms.target_quote
        market = engine_market.engine_campaign(
            seed,
            terms.spec,
            call_s=CALL_S,
            fees=(_rate(terms.maker_bps), _rate(terms.taker_bps)),
            volume_target=terms.target_quote,
            trade_frequency_min=pace * 0.4,
            trade_frequency_max=pace * 1.2,
            max_cost_bps=10_000,
            max_slippage_bps=500,
            **{f"{end}_{side}_amount": amount for end, amount in amounts.items() for side in ("buy", "sell")},
            **settings,
        )
        began = market.now
        for decision in market.looks(100_000):
            if isinstance(decision, Halt):
                raise RuntimeError(f"the campaign halted: {decision.reason}")
            if market.now - began >= terms.deadline_s:
                break
        until_ms = int(min(market.now, began + terms.deadline_s) * 1_000)
        return outcome_of(market.venue, engine_market.ME, until_ms, is_done=market.progress.is_done)

    return play


def _rate(fee_bps: float) -> Decimal:
    return Decimal(str(fee_bps)) / 10_000


def limit(terms: Terms, seed: int) -> Outcome:
    """Limit orders of the mode that join the touch: half the spread from the mid."""
    offset = terms.spec.spread_share / 2 * 100
    settings = {"order_type": "limit", "price_offset_percent": offset, "limit_order_timeout": 20}
    return decided(**settings)(terms, seed)


def passive(terms: Terms, seed: int) -> Outcome:
    """The mode's quotes at the touch, with the deadline of the task."""
    return decided(order_type="passive", deadline=terms.deadline_s)(terms, seed)


def pair(terms: Terms, seed: int) -> Outcome:
    """The mode's pairs, one and a half times half the spread from the mid, with the deadline of the task."""
    spacing_bps = round(terms.spec.spread_share / 2 * 10_000 * 1.5, 4)
    return decided(order_type="pair", pair_spacing_bps=spacing_bps, deadline=terms.deadline_s)(terms, seed)


QUOTING = ("passive", "pair")
"""What these do depends on the fees: whether resting pays, and how much of it."""
RUNNERS: Mapping[str, Callable[[Terms, int], Outcome]] = {
    "market": decided(order_type="market"),
    "limit": limit,
    "passive": passive,
    "pair": pair,
    **{name: played(style) for name, style in STYLES.items()},
}
"""Every style by its name; the first is what the others are measured against."""
