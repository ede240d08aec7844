"""The words of the market: sides, rules, balances, a frozen snapshot of one symbol, what we want and what we got."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from decimal import Decimal

from .basics import ONE, ZERO, CampaignAmount, Quantity, QuoteAmount, Ratio, Side, Trading
from .instrument import SPOT, MarketRules, Valuation
from .orders import OpenOrder


@dataclass(frozen=True, slots=True)
class Balances:
    """What is free to be put into a new order: base in base currency, quote in quote currency."""

    base_free: Quantity
    quote_free: QuoteAmount


@dataclass(frozen=True, slots=True)
class Level:
    """One price of a side of the order book, and the base that rests there."""

    price: QuoteAmount
    quantity: Quantity


@dataclass(frozen=True, slots=True)
class Change:
    """What something was worth before, and is worth now."""

    before_quote: CampaignAmount
    now_quote: CampaignAmount


@dataclass(frozen=True, slots=True)
class Equity:
    """What a campaign's account of one market is worth, in quote at the present mid.

    It is what the campaign began with and what its own trades have made of that: deposits, withdrawals and what others
    trade on the same account change nothing. `drift_quote` is the value of the base that the campaign has bought beyond
    what it sold, below zero for the opposite.
    """

    now_quote: CampaignAmount
    day_start_quote: CampaignAmount
    peak_quote: CampaignAmount
    drift_quote: CampaignAmount = ZERO
    of_all_quote: CampaignAmount = ZERO
    """What the accounts of all markets of the campaign are worth, each balance counted once; 0 for only one market."""
    drift_of_all_quote: CampaignAmount = ZERO
    """The drifts of all markets, none taken off another; 0 for only one."""
    today_of_all: Change | None = None
    """What all markets together were worth at the start of the day, and are now; None for only one market, and after a
    restart until each was looked at."""
    since_peak_of_all: Change | None = None
    """The same since their highest worth."""


@dataclass(frozen=True, slots=True)
class RiskInputs:
    """What the guards look at beside the market itself."""

    equity: Equity
    last_mid_price: QuoteAmount | None = None
    """The mid of the look before, None when that is too long ago to compare with."""
    clock_jump_s: float = 0.0
    """By how much the clock was ahead of the time passed since the look before; negative: it was set back."""
    day_volume_quote: QuoteAmount | None = None
    """What everybody has traded on this market in 24 hours; None where it is unknown."""
    hour_filled_quote: CampaignAmount = ZERO
    """What this campaign has filled on this market in the present hour of the clock."""
    last_order_at: float | None = None
    """When this bot last sent an order, on whatever market."""
    own_target_quote: CampaignAmount | None = None
    """What this market is to fill of the campaign's target; None for all of it."""
    highest_fee_rate: Ratio = ZERO
    """Of all markets that the campaign trades: what is open anywhere may be charged so much."""
    exchange_orders_per_second: float | None = None
    """How many requests a second the exchange allows; None where it does not say."""
    rate_limit_used: float = 0.0
    """The largest share of any of the exchange's limits that is used up, 0 to 1."""
    rate_limit_resets_in_s: float = 0.0
    outside_base: Quantity = ZERO
    outside_quote: QuoteAmount = ZERO
    """What somebody else has added to the account's base and quote by trading, below zero for what they took."""
    volatility_bps: Ratio | None = None
    """How far the mid moves in a second, as a standard deviation in 1/10,000; None while it is not known."""
    seen_volatility_bps: Ratio | None = None
    """The same by however few looks, for what is kept in reserve; None before the second."""
    cancels_last_minute: int = 0
    """How many orders of the campaign on this exchange were cancelled in the last minute."""
    is_real_trading_allowed: bool = False
    """Whether the environment says that real funds may be traded."""


@dataclass(frozen=True, slots=True)
class FuturesAccount:
    """What stands behind a market of futures, in one-way mode: the open position, and the margin for more.

    Quantities are what an order's quantity is: base, or quote where the contract is inverse. Above zero is long.
    """

    net_quantity: Quantity
    """Of the account, whoever traded it."""
    own_quantity: Quantity
    """What the fills of this campaign have added to it."""
    margin_free_quote: QuoteAmount
    """The margin that is free for new orders, in quote at the present mid."""
    leverage: Ratio = ONE
    max_leverage: Ratio | None = None
    """The most that the contract allows, None where it is unknown."""
    liquidation_price: QuoteAmount | None = None
    """None without a position, or where it is unknown."""
    funding_rate: Ratio | None = None
    """What longs pay to shorts at the next funding, as a ratio of the position; None where it is unknown."""


@dataclass(frozen=True, slots=True)
class MarketSnapshot:
    """Everything that a decision may look at, read at one moment from OctoBot.

    `now` is OctoBot's clock in seconds, `mid_price` OctoBot's market price in quote, `price_age_s` its age in seconds.
    """

    exchange: str
    symbol: str
    trading: Trading
    now: float
    mid_price: QuoteAmount
    price_age_s: float
    rules: MarketRules
    balances: Balances
    risk_inputs: RiskInputs
    open_orders: tuple[OpenOrder, ...] = ()
    best_bid: QuoteAmount | None = None
    best_ask: QuoteAmount | None = None
    """The best prices of the order book, None where it was not read."""
    bids: tuple[Level, ...] = ()
    asks: tuple[Level, ...] = ()
    """The order book, best price first, as far as it was read."""
    running_since: float = 0.0
    """When this run of the bot began, on the same clock as `now`."""
    valuation: Valuation = SPOT
    """What quantities of this market are worth."""
    futures: FuturesAccount | None = None
    """None on spot."""

    @property
    def worth(self) -> Valuation:
        """What a quantity of this market is, by its rules, and is worth in the campaign's currency."""
        if self.rules.valuation is SPOT:
            return self.valuation
        return dataclasses.replace(self.rules.valuation, quote_rate=self.valuation.quote_rate)

    def taker_price(self, side: Side) -> Decimal:
        """The price at which a market order on this side begins to fill, as far as it is known."""
        touch = self.best_ask if side is Side.BUY else self.best_bid
        return self.mid_price if touch is None else touch
