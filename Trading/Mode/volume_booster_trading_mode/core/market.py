"""The words of the market: sides, rules, balances, a frozen snapshot of one symbol, what we want and what we got."""

from __future__ import annotations

import dataclasses
import decimal
import enum
from dataclasses import dataclass
from decimal import Decimal
from typing import Annotated

ZERO = Decimal(0)
ONE = Decimal(1)
TEN_THOUSAND = Decimal(10_000)


class Unit(enum.Enum):
    """What a number is counted in. The type of a field says it, and `currency` converts by that."""

    CAMPAIGN = "the campaign's currency"
    QUOTE = "the market's quote"
    QUANTITY = "what an order's quantity is: base on spot, contracts on futures"
    NONE = "no currency"


CampaignAmount = Annotated[Decimal, Unit.CAMPAIGN]
QuoteAmount = Annotated[Decimal, Unit.QUOTE]
Quantity = Annotated[Decimal, Unit.QUANTITY]
Ratio = Annotated[Decimal, Unit.NONE]


class Side(enum.Enum):
    """The side of an order, seen from us."""

    BUY = "buy"
    SELL = "sell"

    @property
    def opposite(self) -> Side:
        return Side.SELL if self is Side.BUY else Side.BUY


class Role(enum.Enum):
    """Whether a fill added liquidity to the book (maker) or took it (taker)."""

    MAKER = "maker"
    TAKER = "taker"


class OrderType(enum.Enum):
    LIMIT = "limit"
    MARKET = "market"

    @property
    def role(self) -> Role:
        """The role that its fills are expected to have."""
        return Role.MAKER if self is OrderType.LIMIT else Role.TAKER


class Trading(enum.Enum):
    """Whose money is at work: OctoBot's simulator, its backtesting, a loopback exchange, or a real account."""

    SIMULATION = "simulation"
    BACKTEST = "backtest"
    SANDBOX = "sandbox"
    LIVE = "live"

    @property
    def is_simulated(self) -> bool:
        """Whether OctoBot itself plays the exchange."""
        return self in (Trading.SIMULATION, Trading.BACKTEST)


@dataclass(frozen=True, slots=True)
class Valuation:
    """What a quantity of a market is worth: in the market's quote, and in the currency that the campaign counts in.

    On spot a quantity is in base and worth quantity x price. `contract_size` is what one contract stands for: base, or
    quote where it `is_inverse`. `quote_rate` is what one of the market's quote is worth in the campaign's currency when
    the order is decided on.

    A linear contract (BTC/USDT:USDT) is worth contracts x size x price and gains contracts x size x (exit - entry), in
    quote. An inverse one (BTC/USD:BTC) is worth contracts x size whatever the price, and gains contracts x size x
    (1 / entry - 1 / exit), in base; its fees and margin are in base, too. These are the formulas of Binance's "COIN-M
    Futures Contract Specifications" and "How to Calculate Profit and Loss for COIN-M Futures", and OctoBot's own
    (`linear_position.py`, `inverse_position.py`). What a trade is off the mid, priced at the trade's own price, is then
    contracts x size x (1 / mid - 1 / price) x price = base at the mid x (price - mid), as on spot.
    """

    quote_rate: Ratio = ONE
    contract_size: Ratio = ONE
    is_inverse: bool = False

    def notional(self, quantity: Decimal, price: Decimal) -> Decimal:
        """In the market's quote."""
        if self is SPOT:
            return quantity * price
        contracts = quantity * self.contract_size
        return contracts if self.is_inverse else contracts * price

    def quantity(self, notional: Decimal, price: Decimal) -> Decimal:
        """The quantity that is worth so much of the market's quote."""
        if self is SPOT:
            return notional / price
        return notional / self.contract_size if self.is_inverse else notional / (self.contract_size * price)

    def volume(self, quantity: Decimal, price: Decimal) -> Decimal:
        """In the campaign's currency."""
        if self is SPOT:
            return quantity * price
        return self.notional(quantity, price) * self.quote_rate

    def slippage(self, side: Side, quantity: Decimal, price: Decimal, mid_price: Decimal) -> Decimal:
        """What a trade cost against the mid, in the campaign's currency; negative when it was better than the mid."""
        paid_above_mid = price - mid_price if side is Side.BUY else mid_price - price
        if self is SPOT:
            return quantity * paid_above_mid
        return self.base(quantity, mid_price) * paid_above_mid * self.quote_rate

    def base(self, quantity: Decimal, price: Decimal) -> Decimal:
        """The base that a quantity stands for at a price."""
        contracts = quantity * self.contract_size
        return contracts / price if self.is_inverse else contracts

    def price(self, price: Decimal) -> Decimal:
        """A price of the market in the campaign's currency."""
        return price if self is SPOT else price * self.quote_rate


SPOT = Valuation()
"""Base for quote, in the currency that the campaign counts in."""


@dataclass(frozen=True, slots=True)
class MarketRules:
    """What the exchange accepts on one symbol. Prices in quote per base, quantities in base, notionals in quote.

    A maximum of None means that the exchange states none. On futures the `valuation` says what a quantity is.
    """

    base: str
    quote: str
    price_tick: QuoteAmount
    quantity_step: Quantity
    min_quantity: Quantity
    min_notional: QuoteAmount
    max_quantity: Quantity | None = None
    max_notional: QuoteAmount | None = None
    maker_fee_rate: Ratio = ZERO
    taker_fee_rate: Ratio = ZERO
    valuation: Valuation = SPOT
    quote_step: QuoteAmount | None = None
    """Where market buys are placed by the quote to spend: the step of that amount. None where they are by quantity."""
    price_digits: int | None = None
    """The most significant digits that a price may have; None where only its tick counts."""
    widest_tick: QuoteAmount | None = None
    """Where significant digits count: the tick that is never exceeded, 1 where whole prices may have any number."""

    def fee_rate(self, role: Role) -> Decimal:
        """What a fill of this role is charged, as a ratio of its notional; below zero where it is paid."""
        return self.maker_fee_rate if role is Role.MAKER else self.taker_fee_rate

    @property
    def worst_fee_rate(self) -> Decimal:
        """The most that a fill is charged, as a ratio of its notional; never below zero."""
        return max(self.maker_fee_rate, self.taker_fee_rate, ZERO)

    def tick_at(self, price: Decimal) -> Decimal:
        """The step of prices as high as this one. It is a multiple of that of lower prices."""
        if self.price_digits is None:
            return self.price_tick
        tick = ONE.scaleb(price.adjusted() + 1 - self.price_digits)
        if self.widest_tick is not None:
            tick = min(tick, self.widest_tick)
        return max(tick, self.price_tick)

    def min_order_notional(self, price: Decimal) -> Decimal:
        """The smallest notional, in quote, of an order that the exchange accepts at this price."""
        quantity = max(
            round_to_step(self.min_quantity, self.quantity_step, decimal.ROUND_CEILING),
            round_to_step(self.quantity(self.min_notional, price), self.quantity_step, decimal.ROUND_CEILING),
            self.quantity_step,
        )
        return self.notional(quantity, price)

    def notional(self, quantity: Decimal, price: Decimal) -> Decimal:
        """What a quantity is worth at a price, in quote."""
        return self.valuation.notional(quantity, price)

    def quantity(self, notional: Decimal, price: Decimal) -> Decimal:
        """How much is worth so much quote at a price."""
        return self.valuation.quantity(notional, price)


@dataclass(frozen=True, slots=True)
class Balances:
    """What is free to be put into a new order: base in base currency, quote in quote currency."""

    base_free: Quantity
    quote_free: QuoteAmount


@dataclass(frozen=True, slots=True)
class OpenOrder:
    """An order of this bot that rests on the exchange, or is on its way to or from it."""

    order_id: str
    side: Side
    price: QuoteAmount
    remaining_quantity: Quantity
    placed_at: float
    is_ours: bool = True
    """False for an order of this bot that another trading mode or a person placed: never touched, never crossed."""
    is_cancelling: bool = False
    """Its cancellation is asked for and not confirmed yet: until it is, the order may still fill."""


@dataclass(frozen=True, slots=True)
class Level:
    """One price of a side of the order book, and the base that rests there."""

    price: QuoteAmount
    quantity: Quantity


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


@dataclass(frozen=True, slots=True)
class OrderIntent:
    """An order that we want.

    `price` is the limit price, or for a market order the price that it is expected to fill at. `mid_price`
    is the market price when the decision was made: what the fill's slippage is measured against.
    """

    side: Side
    order_type: OrderType
    quantity: Quantity
    price: QuoteAmount
    mid_price: QuoteAmount
    valuation: Valuation = SPOT
    reduce_only: bool = False
    """On futures: it may make the open position smaller, and nothing else."""
    post_only: bool = False
    """A limit order that the exchange refuses where it would take."""
    quote_quantity: QuoteAmount | None = None
    """For a market buy on an exchange that only takes an amount of quote to spend: that amount. `quantity` is then what
    it is expected to buy. None for an order by quantity."""

    @property
    def notional(self) -> Decimal:
        """In the market's quote: of an order that spends quote the most that it can come to."""
        if self.quote_quantity is not None:
            return self.quote_quantity
        return self.valuation.notional(self.quantity, self.price)

    @property
    def volume(self) -> Decimal:
        """The same in the campaign's currency."""
        if self.quote_quantity is not None:
            return self.quote_quantity * self.valuation.quote_rate
        return self.valuation.volume(self.quantity, self.price)


@dataclass(frozen=True, slots=True)
class Fill:
    """A trade that happened, reported once.

    `fill_id` is unique; `fee_quote` is the fee in the campaign's currency, at the fill's own price; `fee` is the same
    as it was charged, in `fee_asset`, which may be base, quote or a third one.
    """

    fill_id: str
    order_id: str
    at: float
    side: Side
    role: Role
    quantity: Quantity
    price: QuoteAmount
    fee_quote: CampaignAmount
    mid_price: QuoteAmount
    fee: Decimal = ZERO
    fee_asset: str = ""
    valuation: Valuation = SPOT
    estimated_fee_quote: CampaignAmount = ZERO
    """What of `fee_quote` is an estimate: the exchange has not stated it, or has charged an asset without a price."""
    fee_told: str = ""
    """The fee in words, where it is not one amount in one asset with a price."""

    @property
    def notional(self) -> Decimal:
        """In the market's quote."""
        return self.valuation.notional(self.quantity, self.price)

    @property
    def volume(self) -> Decimal:
        """In the campaign's currency."""
        return self.valuation.volume(self.quantity, self.price)

    @property
    def slippage_quote(self) -> Decimal:
        """What the fill cost against the mid at decision time, in the campaign's currency; below zero for a gain."""
        return self.valuation.slippage(self.side, self.quantity, self.price, self.mid_price)


def bps(part: Decimal, whole: Decimal) -> Decimal:
    """`part` of `whole` in basis points (1/10,000); 0 of nothing is 0."""
    return part / whole * TEN_THOUSAND if whole else ZERO


def round_to_step(value: Decimal, step: Decimal, rounding: str) -> Decimal:
    """The multiple of `step` next to `value` in the direction of `rounding` (a constant of the decimal module)."""
    return (value / step).to_integral_value(rounding=rounding) * step
