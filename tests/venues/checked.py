"""An exchange that answers all that a check asks, that misbehaves in every way that is to be told, and is checked."""

from __future__ import annotations

import contextlib
import typing
from collections.abc import AsyncIterator, Callable
from decimal import Decimal

from octobot_volume_booster.adapters.market_data import Book
from octobot_volume_booster.adapters.venues.wire import Request
from octobot_volume_booster.checks import account, far_order, reading
from octobot_volume_booster.checks.cases import Cases
from octobot_volume_booster.checks.far_order import Trial
from octobot_volume_booster.checks.guard import Guard
from octobot_volume_booster.checks.questions import Questions
from octobot_volume_booster.checks.secrets import Secrets
from octobot_volume_booster.core.model.snapshot import Level
from octobot_volume_booster.core.planning.account_checks import FarOrder, Row

from .contract import Contract, contract
from .exchanges.binance import FakeBinance
from .fake_venue import FakeOrder, FakeVenue, Routes
from .wire import Answer

BTC = "BTC/USDT"
TRIED = {far_order.PLACED, far_order.BY_OUR_ID, far_order.BY_EXCHANGE_ID, far_order.IN_LIST, far_order.CANCELLED}
Turn = Callable[["Checked"], None]
"""Turns a knob of the fake exchange, or of the class that is asked."""


class CheckedBinance(FakeBinance):
    """Binance with an account, a clock and an order book. The knobs last as long as it does."""

    def __init__(self) -> None:
        super().__init__()
        self.clock_off_s = 0.0
        self.balances = {"BTC": "1", "USDT": "1000"}
        self.refuses_keys = False
        self.is_crossed = False
        self.other_error = ""
        """What it says of an order that it does not have."""
        self.shows_for_any_id: FakeOrder | None = None
        self.hides_our_ids = False
        self.hides_orders = False
        self.lists_no_orders = False
        self.cancels: typing.Literal["yes", "no", "it says so"] = "yes"
        self.fills_at_once = False
        self.hides_trades_of_orders = False
        self.trade_changes: dict[str, typing.Any] = {}

    def routes(self) -> Routes:
        return {
            **super().routes(),
            ("GET", "/api/v3/time"): lambda _: Answer({"serverTime": self.now_ms() + int(self.clock_off_s * 1000)}),
            ("GET", "/api/v3/account"): self._account,
            ("GET", "/api/v3/depth"): self._depth,
            ("GET", "/api/v3/order"): self._find_or_not,
            ("POST", "/api/v3/order"): self._order_that_may_fill,
            ("DELETE", "/api/v3/order"): self._cancel_or_not,
            ("GET", "/api/v3/openOrders"): lambda request: (
                Answer([]) if self.lists_no_orders else self._open_orders(request)
            ),
            ("GET", "/api/v3/myTrades"): self._changed_trades,
        }

    def have_traded(self) -> FakeOrder:
        """The account has a trade."""
        order = self.take(client_id="earlier", base="BTC", side="buy", kind="market", quantity=Decimal("0.001"))
        assert order is not None
        return order

    def _account(self, _: Request) -> Answer:
        if self.refuses_keys:
            return Answer({"code": -2015, "msg": "Invalid API-key, IP, or permissions for action."}, 401)
        rows = [{"asset": asset, "free": free, "locked": "0"} for asset, free in self.balances.items()]
        return Answer({"accountType": "SPOT", "uid": 354937868, "balances": rows})

    def _depth(self, _: Request) -> Answer:
        bid, ask = ("60001.00", "60000.00") if self.is_crossed else ("59999.00", "60001.00")
        return Answer({"lastUpdateId": 1, "bids": [[bid, "1"]], "asks": [[ask, "1"]]})

    def _find_or_not(self, request: Request) -> Answer:
        asked = request.query
        is_hidden = self.hides_orders or (self.hides_our_ids and "orderId" not in asked)
        if self.shows_for_any_id is not None and "orderId" not in asked:
            return self._find(Request("GET", f"https://any/api/v3/order?orderId={self.shows_for_any_id.order_id}"))
        found = Answer({"code": -2013, "msg": "Order does not exist."}, 400) if is_hidden else self._find(request)
        if found.status != 200 and self.other_error:
            return Answer({"code": -1000, "msg": self.other_error}, 400)
        return found

    def _order_that_may_fill(self, request: Request) -> Answer:
        answer = self._new_order(request)
        if self.fills_at_once:
            self.fill(self.orders[-1], Decimal("0.5"))
        return answer

    def _cancel_or_not(self, request: Request) -> Answer:
        if self.cancels == "it says so":
            return Answer({"symbol": "BTCUSDT", "orderId": int(request.query["orderId"]), "status": "CANCELED"})
        if self.cancels == "no":
            return Answer({"code": -1000, "msg": "Try again later."}, 400)
        return self._cancel(request)

    def _changed_trades(self, request: Request) -> Answer:
        if self.hides_trades_of_orders and "orderId" in request.query:
            return Answer([])
        answer = self._my_trades(request)
        for row in typing.cast("list[dict[str, typing.Any]]", answer.content):
            row.update(self.trade_changes)
        return answer


class Checked:
    """An exchange that is being checked."""

    def __init__(self, exchange: Contract, cases: Cases | None = None, secrets: Secrets | None = None) -> None:
        self.exchange = exchange
        self.guard = Guard(exchange.client, exchange.venue)
        self.secrets = secrets or Secrets()
        self.secrets.add_of(exchange.client)
        self.cases = cases
        if cases is not None:
            cases.listen(exchange.client)
        self.rows: dict[str, Row] = {}
        self.paused_s = 0.0

    @property
    def fake(self) -> CheckedBinance:
        return typing.cast(CheckedBinance, self.exchange.fake)

    async def read(self, *symbols: str, most_quote: str | None = None) -> bool:
        most = None if most_quote is None else Decimal(most_quote)
        self.questions = Questions(self.exchange.manager, symbols or (BTC,), self.secrets, self.cases, most)
        return await reading.read(self.questions, self.emit)

    async def try_order(self, plan: FarOrder | None = None, may_leave: Callable[[], str] = lambda: "") -> None:
        planned = plan or far_order.plan(self.questions)
        assert isinstance(planned, FarOrder), planned
        await Trial(self.questions, self.guard, may_leave, self.emit, self._pause).run(planned)

    def emit(self, row: Row) -> None:
        assert row.name not in self.rows
        self.rows[row.name] = row

    def changes(self) -> list[typing.Any]:
        """The requests that have arrived and are no questions."""
        is_read = self.exchange.venue.is_read
        return [request for request in self.exchange.session.requests if not is_read(request)]

    async def _pause(self, seconds: float) -> None:
        self.paused_s += seconds


def knob(**knobs: typing.Any) -> Turn:
    def turn(checked: Checked) -> None:
        for name, value in knobs.items():
            assert hasattr(checked.fake, name)
            setattr(checked.fake, name, value)

    return turn


def with_a_trade(**knobs: typing.Any) -> Turn:
    def turn(checked: Checked) -> None:
        knob(**knobs)(checked)
        checked.fake.have_traded()

    return turn


def untold(name: str) -> Turn:
    """ccxt's rows lack a field."""

    def turn(checked: Checked) -> None:
        fetch = checked.exchange.client.fetch_my_trades
        checked.fake.have_traded()
        checked.fake.have_traded()

        async def fetch_without(*asked: typing.Any) -> list[dict[str, typing.Any]]:
            return [row | {name: None} for row in await fetch(*asked)]

        checked.exchange.client.fetch_my_trades = fetch_without

    return turn


def fails_at(method: str, error: Exception) -> Turn:
    """OctoBot's class or ccxt fail in their own way."""

    def turn(checked: Checked) -> None:
        async def fail(*_: typing.Any, **__: typing.Any) -> typing.NoReturn:
            raise error

        setattr(checked.exchange.client, method, fail)

    return turn


@contextlib.asynccontextmanager
async def ready_to_order(fake: type[FakeVenue], source: str) -> AsyncIterator[Checked]:
    """Any exchange, as if its market and order book had been asked for."""
    async with contract(fake, source) as exchange:
        await account.equip(exchange.manager)
        checked = Checked(exchange)
        checked.questions = Questions(exchange.manager, (exchange.symbol(BTC),), checked.secrets)
        checked.questions.told_rules = exchange.rules(exchange.symbol(BTC))
        level = Decimal("0.5")
        checked.questions.told_book = Book(
            (Level(Decimal(59_999), level),), (Level(Decimal(60_001), level),), checked.questions.now()
        )
        yield checked
