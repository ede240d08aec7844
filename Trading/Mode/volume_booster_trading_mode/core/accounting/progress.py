"""Where a campaign stands: its sums, and what follows from them."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal

from ..model.basics import ZERO, CampaignAmount, Quantity, Side, bps
from .fill_marks import Markouts
from .tallies import GuardBaseline, exact_add

NO_BASELINE = GuardBaseline()


@dataclass(frozen=True, slots=True)
class Holding:
    """What the campaign holds of the base of one market, or owes when it is below zero: see `inventory.Position`."""

    exchange: str
    symbol: str
    base: Quantity
    average_price: CampaignAmount
    last_price: CampaignAmount
    realised_quote: CampaignAmount

    @property
    def value_quote(self) -> Decimal:
        """At the price of the last fill."""
        return self.base * self.last_price


@dataclass(frozen=True, slots=True)
class Whole:
    """The whole campaign, whichever pair a progress is of: what the limits look at that hold over all of it."""

    spent_quote: CampaignAmount = ZERO
    """What it has cost in the progress's period since a person last resumed it."""
    cost_quote: CampaignAmount = ZERO
    """What it has cost since it began, whatever was resumed."""
    before_resumes_quote: CampaignAmount = ZERO
    """What of that came before a person last resumed it."""
    open_quote: CampaignAmount = ZERO
    inventory_quote: CampaignAmount = ZERO
    """What it holds or owes of every base at the prices of the last fills, none taken off another."""
    resting: tuple[tuple[float, str, str], ...] = ()
    """The moment, exchange and symbol of each limit order that may still fill, oldest first, those on their way
    included."""
    unmeasured_quote: CampaignAmount = ZERO
    """The volume of the fills whose mid is not measured, in the period since a person last resumed it."""
    ever_unmeasured_quote: CampaignAmount = ZERO


@dataclass(frozen=True, slots=True)
class Progress:
    """Where a campaign stands, in the campaign's currency."""

    target_quote: CampaignAmount
    bought_quote: CampaignAmount = ZERO
    sold_quote: CampaignAmount = ZERO
    open_buy_quote: CampaignAmount = ZERO
    open_sell_quote: CampaignAmount = ZERO
    open_buy_here_quote: CampaignAmount | None = None
    open_sell_here_quote: CampaignAmount | None = None
    """What of that is open on the market that it is seen from; None for all of it."""
    maker_quote: CampaignAmount = ZERO
    fees_quote: CampaignAmount = ZERO
    slippage_quote: CampaignAmount = ZERO
    """What fills cost against the mid when they filled, of those that are measured."""
    arrival_slippage_quote: CampaignAmount = ZERO
    """What all fills cost against the mid of the decision."""
    unmeasured_quote: CampaignAmount = ZERO
    """The volume of the fills whose mid is not measured."""
    old_kind_quote: CampaignAmount = ZERO
    """The volume of the fills that an older version has measured, against the mid of the decision."""
    markout_quote: CampaignAmount = ZERO
    flattening_quote: CampaignAmount = ZERO
    off_last_mid_quote: CampaignAmount = ZERO
    """What fills cost against the last mid of their market."""
    estimated_fees_quote: CampaignAmount = ZERO
    """What of the fees is an estimate: the exchange has not stated them, or has charged assets without a price."""
    orders: int = 0
    fills: int = 0
    buys: int = 0
    sells: int = 0
    cancelled: int = 0
    rejected: int = 0
    ended: int = 0
    succeeded: int = 0
    """Ended orders that something of was filled."""
    open_orders: int = 0
    failures_in_a_row: int = 0
    losses_in_a_row: int = 0
    """Of the market where there are most, or of the one that decides; round trips are explained in `round_trips`."""
    guard_baseline: GuardBaseline = NO_BASELINE
    unfilled_buys: int = 0
    unfilled_sells: int = 0
    """Open orders that nothing of is filled yet; `buys` and `sells` count those that something of is."""
    first_order_at: float | None = None
    last_fill_at: float | None = None
    markouts: Markouts = field(default_factory=Markouts)
    """Of the whole campaign, also in the progress of one day or one market."""
    holdings: tuple[Holding, ...] = ()
    """Of the whole campaign, also in the progress of one day."""
    whole: Whole | None = None
    """None for all that is in this progress itself."""

    @property
    def filled_quote(self) -> Decimal:
        return exact_add(self.bought_quote, self.sold_quote)

    @property
    def remaining_quote(self) -> Decimal:
        return max(self.target_quote - self.filled_quote, ZERO)

    @property
    def headroom_quote(self) -> Decimal:
        """What new orders may still be placed for: target - filled - open remaining."""
        return self.remaining_quote - self.open_buy_quote - self.open_sell_quote

    @property
    def is_done(self) -> bool:
        return self.filled_quote >= self.target_quote

    @property
    def cost_quote(self) -> Decimal:
        """Fees, and slippage against the mid at the fill of all that is measured."""
        return exact_add(self.fees_quote, self.slippage_quote)

    @property
    def measured_quote(self) -> Decimal:
        """The volume whose slippage is known."""
        return exact_add(self.filled_quote, -self.unmeasured_quote)

    @property
    def cost_bps(self) -> Decimal:
        """Fees of all that is filled, and slippage of all that is measured, each by its own volume."""
        if not self.unmeasured_quote:
            return bps(self.cost_quote, self.filled_quote)
        return bps(self.fees_quote, self.filled_quote) + bps(self.slippage_quote, self.measured_quote)

    @property
    def arrival_cost_bps(self) -> Decimal:
        """The same against the mid of the decision."""
        return bps(exact_add(self.fees_quote, self.arrival_slippage_quote), self.filled_quote)

    @property
    def cost_per_million_quote(self) -> Decimal:
        """What a million of volume costs at this rate."""
        return self.cost_bps * 100

    @property
    def guarded_cost_quote(self) -> Decimal:
        """What it has cost since the start, or since a person last resumed it: what the guards count."""
        return exact_add(self.cost_quote, -self.guard_baseline.cost_quote)

    @property
    def spent_of_all_quote(self) -> Decimal:
        """The same of all pairs together, whichever this progress is of."""
        return self.guarded_cost_quote if self.whole is None else self.whole.spent_quote

    @property
    def total_cost_quote(self) -> Decimal:
        """What all pairs together have cost since the campaign began, whatever was resumed."""
        return self.cost_quote if self.whole is None else self.whole.cost_quote

    @property
    def open_of_all_quote(self) -> Decimal:
        """What is open of all pairs together."""
        return self.open_buy_quote + self.open_sell_quote if self.whole is None else self.whole.open_quote

    @property
    def guarded_filled_quote(self) -> Decimal:
        """What was filled since the start, or since a person last resumed it."""
        return exact_add(self.filled_quote, -self.guard_baseline.filled_quote)

    @property
    def guarded_unmeasured_quote(self) -> Decimal:
        """What of that is not measured."""
        return max(exact_add(self.unmeasured_quote, -self.guard_baseline.unmeasured_quote), ZERO)

    @property
    def unmeasured_of_all_quote(self) -> Decimal:
        """The same of all pairs together, whichever this progress is of."""
        return self.guarded_unmeasured_quote if self.whole is None else self.whole.unmeasured_quote

    @property
    def total_unmeasured_quote(self) -> Decimal:
        """The same of all pairs together since the campaign began, whatever was resumed."""
        return self.unmeasured_quote if self.whole is None else self.whole.ever_unmeasured_quote

    @property
    def maker_share(self) -> float:
        """Share of the filled volume that was filled as maker, 0 to 1."""
        return float(self.maker_quote / self.filled_quote) if self.filled_quote else 0.0

    @property
    def imbalance(self) -> float:
        """|bought - sold| / target."""
        return float(abs(self.bought_quote - self.sold_quote) / self.target_quote)

    @property
    def success_rate(self) -> float:
        """Share of the ended orders that something of was filled, 0 to 1; 0 while none has ended."""
        return self.succeeded / self.ended if self.ended else 0.0

    @property
    def realised_pnl_quote(self) -> Decimal:
        """What round trips earned or lost by the average cost method, before fees."""
        return sum((holding.realised_quote for holding in self.holdings), ZERO)

    @property
    def inventory_quote(self) -> Decimal:
        """What the campaign holds of every base, each at the price of its last fill."""
        return sum((holding.value_quote for holding in self.holdings), ZERO)

    def filled_on(self, side: Side) -> Decimal:
        """What is filled on a side, in quote."""
        return self.bought_quote if side is Side.BUY else self.sold_quote

    def turns(self, side: Side) -> int:
        """How many orders of a side have filled, at least partly, or may still."""
        return self.buys + self.unfilled_buys if side is Side.BUY else self.sells + self.unfilled_sells

    def committed_quote(self, side: Side) -> Decimal:
        """What is filled or still open on a side."""
        return self.filled_on(side) + (self.open_buy_quote if side is Side.BUY else self.open_sell_quote)

    def open_here_quote(self, side: Side) -> Decimal:
        """What is open on a side of the market that it is seen from."""
        here, everywhere = (
            (self.open_buy_here_quote, self.open_buy_quote)
            if side is Side.BUY
            else (self.open_sell_here_quote, self.open_sell_quote)
        )
        return everywhere if here is None else here

    def quote_per_hour(self, now: float) -> Decimal:
        """The average pace since the first order; 0 while there is none to speak of."""
        if self.first_order_at is None or now <= self.first_order_at:
            return ZERO
        return self.filled_quote * 3_600 / Decimal(str(now - self.first_order_at))

    def eta_s(self, now: float) -> float | None:
        """Seconds until the target at the average pace so far; None while there is no pace to speak of."""
        if self.first_order_at is None or not self.filled_quote or now <= self.first_order_at:
            return None
        return float(self.remaining_quote / self.filled_quote) * (now - self.first_order_at)
