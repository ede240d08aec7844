"""The control interface: what a test or a rehearsal may do that no real exchange allows.

It is off by default. It reads the exact accounts of the exchange and changes its clock, rules and balances. Its bodies
are JSON; its refusals have the shape of the API's.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Annotated, Any, TypeVar

from pydantic import Field, create_model

from ..engine.accounts import Account, as_text
from ..engine.orders import Order, Party, Trade
from ..engine.venue import CROWD, MARKET_MAKER
from ..market.markets import RULES, SMALLEST, assets_of
from .exchange import Exchange
from .query import ApiError, Query
from .validation import Checked, DecimalText, check, rule

LONGEST_ADVANCE_SECONDS = 86_400
_Body = TypeVar("_Body", bound=Checked)


@dataclass(frozen=True, slots=True)
class ControlCall:
    """One request: its parameters, and the JSON object of its body, empty when there is none."""

    query: Query
    body: Mapping[str, Any]


ControlHandler = Callable[[ControlCall], Any]
ControlRoutes = Mapping[tuple[str, str], ControlHandler]
"""Handlers by method and path. A handler gives a JSON body, or raises ControlError or ApiError."""


class ControlError(ApiError):
    """An invalid control request; the message says why, and what would be right."""

    def __init__(self, message: str) -> None:
        super().__init__(-1130, message)


_LIMIT = Decimal(10) ** 15
_Amount = Annotated[
    DecimalText, Field(gt=-_LIMIT, lt=_LIMIT, description='a decimal in quotation marks such as "0.01"')
]


class _Advance(Checked):
    advance_seconds: float = Field(
        ge=0, le=LONGEST_ADVANCE_SECONDS, description=f"a number from 0 to {LONGEST_ADVANCE_SECONDS}"
    )


class _Deposit(Checked):
    account: Any
    asset: Any
    amount: Annotated[_Amount, rule(lambda amount: not amount % SMALLEST, "must have at most eight decimals")]


_rule_fields: Any = dict.fromkeys(RULES, (_Amount, None))
_NewRules = create_model("_NewRules", __base__=Checked, symbol=Any, **_rule_fields)


class _Quotes(Checked):
    symbol: Any
    quoting: bool = Field(description="true or false")


def control_routes(exchange: Exchange) -> ControlRoutes:
    """The handlers of the control interface, by method and path."""
    control = _Control(exchange)
    return {
        ("GET", "/control/clock"): control.clock,
        ("POST", "/control/clock"): control.move_clock,
        ("GET", "/control/tape"): control.tape,
        ("GET", "/control/orders"): control.orders,
        ("GET", "/control/accounts"): control.accounts,
        ("POST", "/control/deposit"): control.deposit,
        ("GET", "/control/rules"): control.rules,
        ("POST", "/control/rules"): control.change_rules,
        ("GET", "/control/quotes"): control.quotes,
        ("POST", "/control/quotes"): control.set_quotes,
    }


class _Control:
    """Each method answers one call. Before it, the market has traded up to the present."""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange
        self._venue = exchange.venue
        self._engine = exchange.venue.engine

    def clock(self, call: ControlCall) -> Any:
        call.query.finish()
        clock = self._exchange.clock
        return {"now_ms": clock.now_ms(), "offset_ms": clock.offset_ms}

    def move_clock(self, call: ControlCall) -> Any:
        self._exchange.move_clock(_read(_Advance, call).advance_seconds)
        return self.clock(call)

    def tape(self, call: ControlCall) -> Any:
        market_id, account = call.query.text("symbol"), call.query.text("account")
        call.query.finish()
        wanted = (trade for trade in self._engine.trades if _is_of(trade, market_id, account))
        return {
            "trades": [_trade(trade) for trade in wanted],
            "self_matches": self._engine.self_matches,
            "prevented_matches": self._engine.prevented_matches,
        }

    def orders(self, call: ControlCall) -> Any:
        name = call.query.text("account")
        call.query.finish()
        accounts = self._accounts() if name is None else [self._account(name)]
        return {"orders": [_order(order) for account in accounts for order in account.orders.values()]}

    def accounts(self, call: ControlCall) -> Any:
        call.query.finish()
        assets = sorted({asset for account in self._engine.accounts.values() for asset in account.balances()})
        return {
            "accounts": {account.name: _balances(account) for account in self._accounts()},
            "market": {name: _balances(self._engine.accounts[name]) for name in (MARKET_MAKER, CROWD)},
            "fees_collected": as_text(self._engine.fees_collected),
            "paid_in": as_text(self._engine.paid_in),
            "surplus": {asset: str(self._engine.surplus(asset)) for asset in assets},
        }

    def deposit(self, call: ControlCall) -> Any:
        body = _read(_Deposit, call)
        account = self._account(body.account)
        assets = assets_of(self._engine.rules.values())
        if body.asset not in assets:
            raise ControlError(f"asset must be one of {', '.join(assets)}.")
        try:
            self._exchange.pay_in(account.name, body.asset, body.amount)
        except ValueError as error:
            raise ControlError(f"{error}.") from error
        return {account.name: _balances(account)}

    def rules(self, call: ControlCall) -> Any:
        call.query.finish()
        return {market_id: rules.as_text() for market_id, rules in self._engine.rules.items()}

    def change_rules(self, call: ControlCall) -> Any:
        market_id = self._market_id(call.body.get("symbol"))
        if not {"symbol"} < set(call.body) <= {"symbol", *RULES}:
            raise ControlError(f"name the symbol and some of {', '.join(RULES)}.")
        changed = _read(_NewRules, call).model_dump(exclude={"symbol"}, exclude_unset=True)
        try:
            self._exchange.change_rules(market_id, changed)
        except ValueError as error:
            raise ControlError(f"{error}.") from error
        return {market_id: self._engine.rules[market_id].as_text()}

    def quotes(self, call: ControlCall) -> Any:
        call.query.finish()
        return {market_id: market_id not in self._venue.without_quotes for market_id in self._engine.rules}

    def set_quotes(self, call: ControlCall) -> Any:
        body = _read(_Quotes, call)
        self._exchange.set_quotes(self._market_id(body.symbol), is_quoting=body.quoting)
        return self.quotes(call)

    def _accounts(self) -> list[Account]:
        return [self._engine.accounts[one.account] for one in self._exchange.credentials]

    def _account(self, name: object) -> Account:
        names = [one.account for one in self._exchange.credentials]
        if name not in names:
            raise ControlError(f"account must be one of {', '.join(names)}.")
        return self._engine.accounts[str(name)]

    def _market_id(self, symbol: object) -> str:
        if symbol not in self._engine.rules:
            raise ControlError(f"symbol must be one of {', '.join(self._engine.rules)}.")
        return str(symbol)


def _read(model: type[_Body], call: ControlCall) -> _Body:
    """The body, if it has the keys of the model. Raises ControlError."""
    required = {key for key, field in model.model_fields.items() if field.is_required()}
    if not required <= set(call.body) <= set(model.model_fields):
        raise ControlError(f"the body must be a JSON object with {', '.join(model.model_fields)}.")
    body, problems = check(model, call.body, "is not known here")
    if body is None:
        raise ControlError(f"{problems[0].key} {problems[0].text}.")
    return body


def _is_of(trade: Trade, market_id: str | None, account: str | None) -> bool:
    accounts = (None, trade.buyer.account, trade.seller.account)
    return market_id in (None, trade.market_id) and account in accounts


def _trade(trade: Trade) -> dict[str, Any]:
    return {
        "id": trade.trade_id,
        "symbol": trade.market_id,
        "time_ms": trade.time_ms,
        "price_quote": _plain(trade.price_quote),
        "quantity_base": _plain(trade.quantity_base),
        "notional_quote": _plain(trade.notional_quote),
        "buyer_is_maker": trade.buyer_is_maker,
        "is_self_match": trade.is_self_match,
        "buyer": _party(trade.buyer),
        "seller": _party(trade.seller),
    }


def _plain(value: Decimal) -> str:
    """All digits, without an exponent."""
    return f"{value:f}"


def _party(party: Party) -> dict[str, Any]:
    return {**dataclasses.asdict(party), "fee": _plain(party.fee)}


def _order(order: Order) -> dict[str, Any]:
    request = order.request
    return {
        "order_id": order.order_id,
        "account": order.account,
        "symbol": request.market_id,
        "client_order_id": request.client_order_id,
        "side": request.side.value,
        "kind": request.kind.value,
        "time_in_force": request.time_in_force.value,
        "self_trade_prevention": request.self_trade_prevention.value,
        "status": order.status.value,
        "price_quote": _plain(order.price_quote),
        "quantity_base": _plain(order.quantity_base),
        "executed_base": _plain(order.executed_base),
        "executed_quote": _plain(order.executed_quote),
        "locked": _plain(order.locked),
        "created_ms": order.created_ms,
        "updated_ms": order.updated_ms,
    }


def _balances(account: Account) -> dict[str, dict[str, str]]:
    return {
        asset: {"free": _plain(free), "locked": _plain(locked)} for asset, (free, locked) in account.balances().items()
    }
