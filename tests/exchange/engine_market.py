"""The deciding core on the local exchange's own matching engine: no OctoBot, no server, a virtual clock.

Orders of every style; fills are measured as the mode measures them, at the first look at the others' book after them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from octobot_volume_booster.core.accounting.fill_marks import LATEST_S, Measured
from octobot_volume_booster.core.accounting.ledger import Ledger, Outcome, Progress
from octobot_volume_booster.core.accounting.tallies import day_of
from octobot_volume_booster.core.decision.policy import Cancel, Decision, Done, Place, decide
from octobot_volume_booster.core.decision.situation import Situation
from octobot_volume_booster.core.decision.timing.pacing import decision_rng
from octobot_volume_booster.core.decision.timing.volatility import VolatilityMeter
from octobot_volume_booster.core.model.basics import OrderType, Role, Side, Trading
from octobot_volume_booster.core.model.books import levels_of_others
from octobot_volume_booster.core.model.instrument import MarketRules
from octobot_volume_booster.core.model.orders import Fill, OpenOrder, OrderIntent
from octobot_volume_booster.core.model.snapshot import Balances, Equity, Level, MarketSnapshot, RiskInputs
from octobot_volume_booster.core.settings.schema import Settings, parse_settings
from octobot_volume_booster.offline_exchange.server.engine import orders as server
from octobot_volume_booster.offline_exchange.server.engine.accounts import FeeSchedule
from octobot_volume_booster.offline_exchange.server.engine.venue import Venue
from octobot_volume_booster.offline_exchange.server.market.price_path import MARKETS, MarketSpec, PricePath

EXCHANGE, SYMBOL, ME = "engine", "BTC/USDT", "me"
MARKET = (EXCHANGE, SYMBOL)
MARKET_ID = "BTCUSDT"
START_TIME = 1_700_000_000
LEVELS = 20
FEE_RATE = Decimal("0.001")
DAY_VOLUME = Decimal(120_000_000)
LONGEST_LOOK_S = 5.0
RESTING_LOOK_S = 2.0
"""How often the market is looked at while orders rest, as the mode does it."""
_SIDES = {Side.BUY: server.Side.BUY, Side.SELL: server.Side.SELL}


@dataclass
class EngineMarket:
    """One campaign on one market, looked at after every decision."""

    settings: Settings
    seed: int
    spec: MarketSpec = MARKETS[0]
    now: float = float(START_TIME)
    call_s: float = 0.0
    """How long each request takes."""
    fees: tuple[Decimal, Decimal] = (FEE_RATE, FEE_RATE)
    """Maker and taker, as ratios."""
    ledger: Ledger = field(default_factory=Ledger)
    measured: list[Measured] = field(default_factory=list)
    """The marks of fills, in the order in which they were taken."""
    placed: int = 0
    _ended: set[str] = field(default_factory=set)
    _seen_trades: int = 0
    _day: tuple[int, Decimal] | None = None
    _peak: Decimal = Decimal(0)
    _last_mid: Decimal | None = None
    _volatility: VolatilityMeter = field(default_factory=VolatilityMeter)
    _cancelled_at: list[float] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.venue = Venue(PricePath(self.seed, START_TIME, [self.spec]))
        self.engine = self.venue.engine
        self.engine.open_account(ME, FeeSchedule(*self.fees))
        for asset, amount in (("BTC", Decimal(1)), ("USDT", Decimal(10_000))):
            self.engine.pay_in(ME, asset, amount)
        self.rules = MarketRules(
            *("BTC", "USDT", self.spec.tick_quote, self.spec.step_base, self.spec.step_base),
            *(self.spec.minimum_notional_quote, None, None, *self.fees),
        )

    @property
    def progress(self) -> Progress:
        return self.ledger.progress(self.settings.volume_target)

    def looks(self, most: int) -> Iterator[Decision]:
        """Every decision after it was carried out, until the target is reached."""
        for _ in range(most):
            snapshot = self.snapshot()
            rng = decision_rng(self.seed, EXCHANGE, SYMBOL, self.placed)
            decision = decide(Situation(snapshot, self.settings, self.progress), rng)
            self.carry_out(decision)
            self.take_in()
            yield decision
            if isinstance(decision, Done) and not decision.leftovers:
                return

    def snapshot(self) -> MarketSnapshot:
        self.look()
        bids, asks = self.book_of_others()
        mid = (bids[0].price + asks[0].price) / 2
        self._volatility.see(self.now, mid)
        free = self.engine.accounts[ME].free
        last, self._last_mid = self._last_mid, mid
        risk_inputs = RiskInputs(
            self._equity(mid),
            last_mid_price=last,
            day_volume_quote=DAY_VOLUME,
            hour_filled_quote=self.ledger.hour_filled(MARKET, self.now),
            volatility_bps=self._volatility.bps,
            seen_volatility_bps=self._volatility.seen_bps,
            cancels_last_minute=sum(at > self.now - 60 for at in self._cancelled_at),
        )
        return MarketSnapshot(
            *(EXCHANGE, SYMBOL, Trading.SANDBOX, self.now, mid, 0.0, self.rules),
            Balances(free.get("BTC", Decimal(0)), free.get("USDT", Decimal(0))),
            risk_inputs,
            self.open_orders(),
            bids[0].price,
            asks[0].price,
            bids,
            asks,
        )

    def look(self) -> None:
        """Take in what has happened, and measure the fills that are due at the others' mid of now."""
        self.venue.advance(self._now_ms())
        self.take_in()
        due = [
            (fill.fill_id, after_s)
            for fill in self.ledger.marks.awaited(MARKET)
            for after_s in fill.due_s
            if 0 <= self.now - fill.at - after_s <= LATEST_S[after_s]
        ]
        if due:
            bids, asks = self.book_of_others()
            for fill_id, after_s in due:
                if measured := self.ledger.mark(fill_id, after_s, self.now, (bids[0].price + asks[0].price) / 2):
                    self.measured.append(measured)

    def book_of_others(self) -> tuple[tuple[Level, ...], tuple[Level, ...]]:
        """Bids and asks without our own orders, best price first."""
        book, own = self.venue.book(MARKET_ID, self._now_ms(), LEVELS), self.open_orders()
        bids, asks = (
            levels_of_others(side, (Level(level.price_quote, level.quantity_base) for level in levels), own)
            for side, levels in ((Side.BUY, book.bids), (Side.SELL, book.asks))
        )
        return bids, asks

    def _equity(self, mid: Decimal) -> Equity:
        base, quote = self.ledger.drift(MARKET)
        now_quote = (1 + base) * mid + 10_000 + quote
        if self._day is None or self._day[0] != day_of(self.now):
            self._day = day_of(self.now), now_quote
        self._peak = max(self._peak, now_quote)
        return Equity(now_quote, self._day[1], self._peak, base * mid)

    def open_orders(self) -> tuple[OpenOrder, ...]:
        return tuple(
            OpenOrder(
                order.request.client_order_id,
                Side(order.side.value.lower()),
                order.price_quote,
                order.open_base,
                order.created_ms / 1_000,
                fills_since=self.ledger.fills_since(order.request.client_order_id),
            )
            for order in self.engine.account_orders(MARKET_ID)
        )

    def carry_out(self, decision: Decision) -> None:
        match decision:
            case Place():
                self._place(decision)
            case Cancel(orders) | Done(orders):
                for order in orders:
                    self._cancel(order.order_id)
        self.look()
        self._pass(min(getattr(decision, "delay_s", 0.0), LONGEST_LOOK_S))

    def _pass(self, seconds: float) -> None:
        """Wait, and look on the way while orders rest."""
        until = self.now + seconds
        while self.now + RESTING_LOOK_S < until and self.open_orders():
            self.now += RESTING_LOOK_S
            self.look()
        self.now = until

    def _call(self) -> int:
        """A request is on its way: when it arrives."""
        self.now += self.call_s
        self.venue.advance(self._now_ms())
        return self._now_ms()

    def _place(self, decision: Place) -> None:
        intent, order_id = decision.intent, f"vb{self.placed}"
        self.placed += 1
        self.ledger.place(order_id, intent, self.now, EXCHANGE, SYMBOL)
        kind, price = _kind(intent)
        request = server.Request(MARKET_ID, _SIDES[intent.side], kind, intent.quantity, price, client_order_id=order_id)
        try:
            self.venue.submit(ME, request, self._call())
        except server.RefusedError as refused:
            if refused.reason is not server.Reason.WOULD_TAKE:
                raise
            self.ledger.close(order_id, Outcome.CANCELLED)

    def _cancel(self, order_id: str) -> None:
        now_ms, mine = self._call(), self.engine.accounts[ME].by_client_id[order_id]
        self._cancelled_at.append(self.now)
        if mine.is_open:
            self.venue.cancel(ME, MARKET_ID, mine.order_id, now_ms)

    def take_in(self) -> None:
        """What the exchange's tape says, into the ledger."""
        trades = self.engine.trades
        for trade in trades[self._seen_trades :]:
            party, is_buyer = (trade.buyer, True) if trade.buyer.account == ME else (trade.seller, False)
            intent = self.ledger.record(party.client_order_id).intent
            fee = party.fee if party.fee_asset == "USDT" else party.fee * trade.price_quote
            role = Role.MAKER if trade.buyer_is_maker is is_buyer else Role.TAKER
            amounts = trade.quantity_base, trade.price_quote, fee, intent.mid_price
            at = trade.time_ms / 1_000
            self.ledger.apply(Fill(str(trade.trade_id), party.client_order_id, at, intent.side, role, *amounts))
        self._seen_trades = len(trades)
        for order_id in self.ledger.open_order_ids:
            if not self.engine.accounts[ME].by_client_id[order_id].is_open:
                self.ledger.close(order_id, Outcome.CANCELLED)

    def _now_ms(self) -> int:
        return int(self.now * 1_000)


def _kind(intent: OrderIntent) -> tuple[server.Kind, Decimal | None]:
    """What the exchange calls it, and its price where it has one."""
    if intent.order_type is OrderType.MARKET:
        return server.Kind.MARKET, None
    return (server.Kind.LIMIT_MAKER if intent.post_only else server.Kind.LIMIT), intent.price


def engine_campaign(
    seed: int, spec: MarketSpec = MARKETS[0], *, call_s: float = 0.0,
    fees: tuple[Decimal, Decimal] = (FEE_RATE, FEE_RATE), **settings: Any,
) -> EngineMarket:  # fmt: skip
    """A campaign whose seed draws its market too.

    :param call_s: how long each request takes.
    :param fees: maker and taker, as ratios.
    """
    chosen = parse_settings({"volume_target": 50_000, "seed": seed} | settings)
    return EngineMarket(chosen, seed, spec, call_s=call_s, fees=fees)
