"""Accounts of the local exchange: balances, funds locked by orders, and fees. Exact."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal

from ..market.markets import SMALLEST, MarketRules, cut
from .orders import ZERO, Order, Side


def cut_up(amount: Decimal) -> Decimal:
    """The least multiple of 1e-8 that is not below an amount of at least 0."""
    lower = cut(amount)
    return lower if lower == amount else lower + SMALLEST


class FeeAsset(enum.Enum):
    """What fees are paid in: as on Binance in what a trade brings, or always in quote or in base."""

    RECEIVED = "received"
    QUOTE = "quote"
    BASE = "base"


@dataclass(frozen=True, slots=True)
class FeeSchedule:
    """Fees as a share of what is traded; a negative maker rate is a rebate.

    Raises ValueError for a rate that is not between -1 % and 10 %.
    """

    maker_rate: Decimal = Decimal("0.001")
    taker_rate: Decimal = Decimal("0.001")
    asset: FeeAsset = FeeAsset.RECEIVED

    def __post_init__(self) -> None:
        for name in ("maker_rate", "taker_rate"):
            if not Decimal("-0.01") <= getattr(self, name) <= Decimal("0.1"):
                raise ValueError(f"{name} must be between -0.01 and 0.1, not {getattr(self, name)}")

    def fee(
        self, rules: MarketRules, side: Side, quantity_base: Decimal, notional_quote: Decimal, *, is_maker: bool
    ) -> tuple[Decimal, str]:
        """The fee of one trade and its asset; cut to eight decimals, as balances are."""
        in_base = side is Side.BUY if self.asset is FeeAsset.RECEIVED else self.asset is FeeAsset.BASE
        amount, asset = (quantity_base, rules.base) if in_base else (notional_quote, rules.quote)
        rate = self.maker_rate if is_maker else self.taker_rate
        return cut(amount * rate), asset

    def reserve_rate(self, side: Side) -> Decimal:
        """Share of what an order pays that is reserved for fees on top."""
        pays_fee_from_same = self.asset is (FeeAsset.QUOTE if side is Side.BUY else FeeAsset.BASE)
        return max(self.maker_rate, self.taker_rate, ZERO) if pays_fee_from_same else ZERO


@dataclass(slots=True)
class Account:
    """One account. `is_market` marks the market's own: it may go negative, locks nothing, keeps no order history."""

    name: str
    fees: FeeSchedule = FeeSchedule()
    is_market: bool = False
    free: dict[str, Decimal] = field(default_factory=dict)
    locked: dict[str, Decimal] = field(default_factory=dict)
    open_orders: dict[int, Order] = field(default_factory=dict)
    orders: dict[int, Order] = field(default_factory=dict)
    by_client_id: dict[str, Order] = field(default_factory=dict)
    """The latest order with a client order id."""

    def add(self, asset: str, amount: Decimal) -> None:
        self.free[asset] = self.free.get(asset, ZERO) + amount

    def can_pay(self, asset: str, amount: Decimal) -> bool:
        return self.is_market or self.free.get(asset, ZERO) >= amount

    def lock_for(self, order: Order, rules: MarketRules) -> None:
        """Lock what the rest of a resting order may cost, and release what it locked before."""
        if self.is_market:
            return
        asset = rules.quote if order.side is Side.BUY else rules.base
        wanted = self.cost_of(order, order.open_base) if order.is_open else ZERO
        if wanted == order.locked:
            return
        self.add(asset, order.locked - wanted)
        self.locked[asset] = self.locked.get(asset, ZERO) - order.locked + wanted
        order.locked = wanted

    def cost_of(self, order: Order, quantity_base: Decimal) -> Decimal:
        """The most that a quantity of a limit order takes out of the account: price or quantity, and fees on top."""
        rate = self.fees.reserve_rate(order.side)
        if order.side is Side.SELL and not rate and quantity_base % SMALLEST:
            return quantity_base  # the steps of this market are finer
        paid = quantity_base * order.price_quote if order.side is Side.BUY else quantity_base
        return cut_up(paid * (1 + rate))

    def balances(self) -> Mapping[str, tuple[Decimal, Decimal]]:
        """Free and locked amount of every asset that the account ever held."""
        assets = dict.fromkeys((*self.free, *self.locked))
        return {asset: (self.free.get(asset, ZERO), self.locked.get(asset, ZERO)) for asset in assets}


def as_text(amounts: Mapping[str, Decimal]) -> dict[str, str]:
    """Amounts by asset, exact, as JSON holds them."""
    return {asset: str(amount) for asset, amount in amounts.items()}
