"""How a campaign is shared out over its markets: what each may order now, how quickly, and on which side. Pure.

Nothing is kept: allocations follow from what is filled and open, so that a restart changes none. Evenly and by
weight each market has a quota of the whole target, and what a market that can't take orders leaves of its own goes to
the others by their weights. By cost all may order what is left of the target, and the pauses between orders make the
cheapest market the busiest.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from decimal import Decimal

from ..accounting.tallies import Market
from ..model.basics import ONE, TEN_THOUSAND, ZERO, Side
from ..settings.named_values import amount_of
from ..settings.schema import Settings, ShareBy, TargetScope

HUNDRED = Decimal(100)
SLOWEST_PACE = 50.0
"""The pauses of a market with a small share are so many times longer at the most."""
LEAST_EDGE_BPS = Decimal(1)
"""A side is preferred when another exchange's price of it is worse by at least this."""


@dataclass(frozen=True, slots=True)
class MarketState:
    """One market of a campaign as it was seen last. Amounts are in the campaign's currency.

    `committed_quote` is what is filled and open of the target's period, `day_committed_quote` the same of today.
    `is_able`: it can take orders; `cost_bps` is what an order costs there now, None while that is unknown.
    `buy_price` and `sell_price` are the best of the book with the fee taken into them, None where no book is read.
    """

    market: Market
    committed_quote: Decimal = ZERO
    day_committed_quote: Decimal = ZERO
    min_order_quote: Decimal = ZERO
    is_able: bool = True
    cost_bps: Decimal | None = None
    buy_price: Decimal | None = None
    sell_price: Decimal | None = None
    fee_rate: Decimal = ZERO

    @property
    def exchange(self) -> str:
        return self.market[0]

    @property
    def name(self) -> str:
        """Exchange and symbol."""
        return " ".join(self.market)


@dataclass(frozen=True, slots=True)
class Allocation:
    """What one market may do now.

    `headroom_quote` is what it may still order; when that is zero, `reason` says why. Pauses after its orders are
    `pace` times as long. A headroom that `is_a_cap` is not passed, not even by a smallest order. `side` is the one on
    which this exchange is better than another, where there is one.
    """

    headroom_quote: Decimal
    pace: float = 1.0
    reason: str = ""
    is_a_cap: bool = False
    side: Side | None = None
    look_s: float = 1.0
    """How often quotes are looked at."""
    highest_fee_rate: Decimal = ZERO
    """Of all markets: what an open order anywhere may cost."""


def allocation_of(
    own: Market, states: Iterable[MarketState], headroom_quote: Decimal, settings: Settings
) -> Allocation:
    """What a market may do, of a campaign that may still order `headroom_quote`.

    The market that asks counts as one that can take orders: an allocation is what it would have if it can.
    """
    markets = {state.market: replace(state, is_able=state.is_able or state.market == own) for state in states}
    mine = markets[own]
    allocation = _share(mine, list(markets.values()), headroom_quote, settings)
    left_today = _left_today(mine, list(markets.values()), settings)
    if left_today is not None and allocation.headroom_quote > left_today:
        allocation = replace(allocation, headroom_quote=left_today, is_a_cap=True)
        if left_today < mine.min_order_quote or left_today <= 0:
            allocation = replace(allocation, headroom_quote=ZERO, reason=_day_is_full(mine, settings))
    return replace(
        allocation,
        side=_better_side(mine, list(markets.values()), settings),
        highest_fee_rate=max(state.fee_rate for state in markets.values()),
    )


def _share(mine: MarketState, states: list[MarketState], headroom_quote: Decimal, settings: Settings) -> Allocation:
    if not weight_of(mine.market, settings):
        return Allocation(ZERO, reason=f"share_weights gives nothing to {mine.name}: only its price is used")
    if settings.target_scope is TargetScope.PAIR:
        return Allocation(headroom_quote)
    members = [state for state in states if state.is_able and weight_of(state.market, settings)]
    members = [state for state in members if state is mine or _has_room_today(state, states, settings)]
    first = min(_rank(state, settings) for state in members)
    if _rank(mine, settings) > first:
        before = next(state for state in members if _rank(state, settings) == first)
        return Allocation(ZERO, reason=f"{before.exchange} comes first by exchange_priority, and can take orders")
    members = [state for state in members if _rank(state, settings) == first]
    if settings.share_by is ShareBy.COST:
        return _by_cost(mine, members, headroom_quote, settings)
    return _by_weight(mine, members, headroom_quote, settings)


def weight_of(market: Market, settings: Settings) -> Decimal:
    """The weight of a market: 1 where none is named; a weight of 0 keeps it out, however the target is shared out."""
    weight = amount_of(settings.share_weights, *market)
    if weight is None or (weight and settings.share_by is not ShareBy.WEIGHTS):
        return ONE
    return weight


def _rank(state: MarketState, settings: Settings) -> int:
    """The place of its exchange among those that come first; all that are not named come last, together."""
    names = settings.exchange_priority
    return names.index(state.exchange) if state.exchange in names else len(names)


def _by_weight(
    mine: MarketState, members: list[MarketState], headroom_quote: Decimal, settings: Settings
) -> Allocation:
    """What is missing of this market's quota of all that the members have and may still order."""
    needs = _needs(members, headroom_quote, settings)
    need = _rounded_to_orders(needs, members)[mine.market]
    if need <= 0:
        return Allocation(ZERO, reason=f"{mine.name} has its share; the rest of the target is for the other markets")
    pace = min(float(max(needs.values()) / need), SLOWEST_PACE)
    return Allocation(min(need, headroom_quote), max(pace, 1.0))


def _needs(members: list[MarketState], headroom_quote: Decimal, settings: Settings) -> dict[Market, Decimal]:
    """How much of the headroom each member needs to reach its quota; together they need all of it.

    Quotas are weighted shares of what the members have and the headroom; a member that has more than its quota already
    keeps that, and the quotas of the others are made of what is left.
    """
    sharing, needs = list(members), dict.fromkeys((state.market for state in members), ZERO)
    while sharing:
        whole = headroom_quote + sum((state.committed_quote for state in sharing), ZERO)
        weights = sum((weight_of(state.market, settings) for state in sharing), ZERO)
        missing = {
            state.market: whole * weight_of(state.market, settings) / weights - state.committed_quote
            for state in sharing
        }
        if min(missing.values()) >= 0:
            return needs | missing
        sharing = [state for state in sharing if missing[state.market] >= 0]
    return needs


def _rounded_to_orders(needs: dict[Market, Decimal], members: list[MarketState]) -> dict[Market, Decimal]:
    """A need that is less than the market's smallest order goes to the market that needs most; of equal ones, to the
    one with the smallest order, and then by name."""
    smallest = {state.market: state.min_order_quote for state in members}
    neediest = max(needs, key=lambda market: (needs[market], -smallest[market], market))
    rounded = {market: need if need >= smallest[market] else ZERO for market, need in needs.items()}
    rounded[neediest] += sum(needs.values(), ZERO) - sum(rounded.values(), ZERO)
    return rounded


def _by_cost(mine: MarketState, members: list[MarketState], headroom_quote: Decimal, settings: Settings) -> Allocation:
    """All may take what is left; the pauses share it out. One whose cost is not known yet is found out about first."""
    cheapest = min(members, key=lambda state: (ZERO if state.cost_bps is None else state.cost_bps, state.market))
    if mine is cheapest:
        return Allocation(headroom_quote)
    floor = min(settings.min_share_percent / HUNDRED, ONE / len(members))
    most = ONE - floor * (len(members) - 1)
    return Allocation(headroom_quote, min(max(float(most / floor), 1.0), SLOWEST_PACE))


def _has_room_today(state: MarketState, states: list[MarketState], settings: Settings) -> bool:
    left_today = _left_today(state, states, settings)
    return left_today is None or left_today >= max(state.min_order_quote, Decimal("1e-12"))


def _left_today(mine: MarketState, states: list[MarketState], settings: Settings) -> Decimal | None:
    """What `max_daily_quote` leaves of this day on the market's exchange; None without a cap."""
    cap = amount_of(settings.max_daily_quote, mine.exchange)
    if cap is None:
        return None
    return cap - sum((state.day_committed_quote for state in states if state.exchange == mine.exchange), ZERO)


def _day_is_full(mine: MarketState, settings: Settings) -> str:
    cap = amount_of(settings.max_daily_quote, mine.exchange)
    return f"max_daily_quote of {mine.exchange}, {cap:f}, is reached until 00:00 UTC"


def _better_side(mine: MarketState, states: list[MarketState], settings: Settings) -> Side | None:
    """The side on which this exchange's price of the symbol is better than the best of the others, fees included."""
    others = [state for state in states if state.market[1] == mine.market[1] and state is not mine and state.is_able]
    if not settings.match_across_exchanges or mine.buy_price is None or mine.sell_price is None:
        return None
    cheapest = min((state.buy_price for state in others if state.buy_price is not None), default=None)
    dearest = max((state.sell_price for state in others if state.sell_price is not None), default=None)
    if cheapest is None or dearest is None:
        return None
    gains = {Side.BUY: cheapest - mine.buy_price, Side.SELL: mine.sell_price - dearest}
    side = max(gains, key=lambda one: gains[one])
    return side if gains[side] >= mine.buy_price * LEAST_EDGE_BPS / TEN_THOUSAND else None
