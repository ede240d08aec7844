"""The deciding core on the local exchange's own matching engine: no OctoBot, no server, a virtual clock."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from octobot_volume_booster.core.accounting.ledger import Ledger, Outcome, Progress
from octobot_volume_booster.core.accounting.tallies import day_of
from octobot_volume_booster.core.decision.pacing import decision_rng
from octobot_volume_booster.core.decision.policy import Cancel, Decision, Done, Place, decide
from octobot_volume_booster.core.decision.situation import Situation
from octobot_volume_booster.core.model.basics import OrderType, Role, Side, Trading
from octobot_volume_booster.core.model.instrument import MarketRules
from octobot_volume_booster.core.model.orders import Fill, OpenOrder
from octobot_volume_booster.core.model.snapshot import Balances, Equity, Level, MarketSnapshot, RiskInputs
from octobot_volume_booster.core.settings.schema import Settings, parse_settings
from octobot_volume_booster.offline_exchange.server.engine import orders as server
from octobot_volume_booster.offline_exchange.server.engine.venue import Venue
from octobot_volume_booster.offline_exchange.server.market.price_path import MARKETS, MarketSpec, PricePath

EXCHANGE, SYMBOL, ME = "engine", "BTC/USDT", "me"
MARKET_ID = "BTCUSDT"
START_TIME = 1_700_000_000
LEVELS = 20
FEE_RATE = Decimal("0.001")
DAY_VOLUME = Decimal(120_000_000)
LONGEST_LOOK_S = 5.0
_SIDES = {Side.BUY: server.Side.BUY, Side.SELL: server.Side.SELL}


@dataclass
class EngineMarket:
    """One campaign on one market, looked at after every decision."""

    settings: Settings
    seed: int
    spec: MarketSpec = MARKETS[0]
    now: float = float(START_TIME)
    ledger: Ledger = field(default_factory=Ledger)
    placed: int = 0
    _ended: set[str] = field(default_factory=set)
    _seen_trades: int = 0
    _day: tuple[int, Decimal] | None = None
    _peak: Decimal = Decimal(0)
    _last_mid: Decimal | None = None

    def __post_init__(self) -> None:
        self.venue = Venue(PricePath(self.seed, START_TIME, [self.spec]))
        self.engine = self.venue.engine
        self.engine.open_account(ME)
        for asset, amount in (("BTC", Decimal(1)), ("USDT", Decimal(10_000))):
            self.engine.pay_in(ME, asset, amount)
        self.rules = MarketRules(
            *("BTC", "USDT", self.spec.tick_quote, self.spec.step_base, self.spec.step_base),
            *(self.spec.minimum_notional_quote, None, None, FEE_RATE, FEE_RATE),
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
        now_ms = self._now_ms()
        self.venue.advance(now_ms)
        self.take_in()
        book = self.venue.book(MARKET_ID, now_ms, LEVELS)
        bids, asks = (
            tuple(Level(level.price_quote, level.quantity_base) for level in side) for side in (book.bids, book.asks)
        )
        mid = (bids[0].price + asks[0].price) / 2
        free = self.engine.accounts[ME].free
        last, self._last_mid = self._last_mid, mid
        risk_inputs = RiskInputs(
            self._equity(mid),
            last_mid_price=last,
            day_volume_quote=DAY_VOLUME,
            hour_filled_quote=self.ledger.hour_filled((EXCHANGE, SYMBOL), self.now),
        )
        return MarketSnapshot(
            *(EXCHANGE, SYMBOL, Trading.SANDBOX, self.now, mid, 0.0, self.rules),
            Balances(free.get("BTC", Decimal(0)), free.get("USDT", Decimal(0))),
            risk_inputs,
            self._open_orders(),
            bids[0].price,
            asks[0].price,
            bids,
            asks,
        )

    def _equity(self, mid: Decimal) -> Equity:
        base, quote = self.ledger.drift((EXCHANGE, SYMBOL))
        now_quote = (1 + base) * mid + 10_000 + quote
        if self._day is None or self._day[0] != day_of(self.now):
            self._day = day_of(self.now), now_quote
        self._peak = max(self._peak, now_quote)
        return Equity(now_quote, self._day[1], self._peak, base * mid)

    def _open_orders(self) -> tuple[OpenOrder, ...]:
        return tuple(
            OpenOrder(
                order.request.client_order_id,
                Side(order.side.value.lower()),
                order.price_quote,
                order.open_base,
                order.created_ms / 1_000,
            )
            for order in self.engine.account_orders(MARKET_ID)
        )

    def carry_out(self, decision: Decision) -> None:
        match decision:
            case Place():
                self._place(decision)
            case Cancel(orders) | Done(orders):
                for order in orders:
                    mine = self.engine.accounts[ME].by_client_id[order.order_id]
                    if mine.is_open:
                        self.venue.cancel(ME, MARKET_ID, mine.order_id, self._now_ms())
        self.now += min(getattr(decision, "delay_s", 0.0), LONGEST_LOOK_S)

    def _place(self, decision: Place) -> None:
        intent, order_id = decision.intent, f"vb{self.placed}"
        self.placed += 1
        self.ledger.place(order_id, intent, self.now, EXCHANGE, SYMBOL)
        kind, price = server.Kind.MARKET, None
        if intent.order_type is OrderType.LIMIT:
            kind, price = server.Kind.LIMIT, intent.price
        request = server.Request(
            *(MARKET_ID, _SIDES[intent.side], kind, intent.quantity, price), client_order_id=order_id
        )
        self.venue.submit(ME, request, self._now_ms())

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


def engine_campaign(seed: int, spec: MarketSpec = MARKETS[0], **settings: Any) -> EngineMarket:
    """A campaign whose seed draws its market too."""
    return EngineMarket(parse_settings({"volume_target": 50_000, "seed": seed} | settings), seed, spec)
