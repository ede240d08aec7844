"""An exchange that answers all that a check asks, and misbehaves in every way that is to be told."""

from __future__ import annotations

import typing
from decimal import Decimal

from octobot_volume_booster.venues.wire import Request

from .exchanges.binance import FakeBinance
from .fake_venue import FakeOrder, Routes
from .wire import Answer


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
        self.cancels = True
        self.fills_at_once = False
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
        return self._cancel(request) if self.cancels else Answer({"code": -2011, "msg": "Try again later."}, 400)

    def _changed_trades(self, request: Request) -> Answer:
        answer = self._my_trades(request)
        for row in typing.cast("list[dict[str, typing.Any]]", answer.content):
            row.update(self.trade_changes)
        return answer
