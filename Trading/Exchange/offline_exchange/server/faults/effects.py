"""Effects of faults: on the exchange itself, in place of a reply, and on the rows and books of a reply. Pure."""

from __future__ import annotations

import dataclasses
import random
from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal
from typing import Any

from ..engine.orders import ZERO
from ..market.markets import MarketRules, assets_of
from ..market.tape import SECOND_MS
from ..rest.exchange import Exchange
from ..rest.routes import Reply
from .script import KINDS, Fault, FaultHit, FaultKind, FaultsError, RequestInfo

_NOTHING = "0.00000000"
_STATUSES = {FaultKind.RATE_LIMITED: 429, FaultKind.BANNED: 418, FaultKind.REJECTED: 400}
_TICKER_SIDES = {"bids": ("bidPrice", "bidQty"), "asks": ("askPrice", "askQty")}


def refusal(fault: Fault) -> Reply:
    """The reply of a fault that refuses a request, or pretends to after the exchange has accepted it."""
    status = fault.status or _STATUSES[fault.kind]
    headers = {} if fault.retry_after_s is None else {"Retry-After": str(fault.retry_after_s)}
    message = fault.message or ""
    return Reply(message if fault.code is None else {"code": fault.code, "msg": message}, status, headers)


def check_against(exchange: Exchange, faults: Iterable[Fault]) -> None:
    """Raises FaultsError when faults name an unknown market or asset, or would make invalid rules."""
    rules = exchange.venue.engine.rules
    problems = [
        f"faults[{index}].{problem}" for index, fault in enumerate(faults) for problem in _misfits(rules, fault)
    ]
    if problems:
        raise FaultsError(problems)


def _misfits(markets: Mapping[str, MarketRules], fault: Fault) -> list[str]:
    if fault.symbol is not None and fault.symbol not in markets:
        return [f"symbol must be one of {', '.join(markets)}, not {fault.symbol!r}."]
    assets = assets_of(markets.values())
    if fault.asset is not None and fault.asset not in assets:
        return [f"asset must be one of {', '.join(assets)}, not {fault.asset!r}."]
    try:
        for market_id in _markets_of(markets, fault):
            dataclasses.replace(markets[market_id], **_new_rules(fault))  # type: ignore[arg-type]
    except ValueError as error:
        return [f"kind {fault.kind.value} would make rules that can't be: {error}."]
    return []


def act_on(exchange: Exchange, hits: Iterable[FaultHit], request: RequestInfo) -> None:
    """Apply the faults that change the exchange: rules of its markets and balances of an account."""
    for fault in (hit.fault for hit in hits):
        if fault.kind is FaultKind.CHANGED_RULES:
            for market_id in _markets_of(exchange.venue.engine.rules, fault):
                exchange.change_rules(market_id, _new_rules(fault))
        elif fault.kind is FaultKind.BALANCE_DRIFT:
            _drift(exchange, fault, fault.account or request.account)


def withdrawn_markets(exchange: Exchange, hits: Iterable[FaultHit]) -> set[str]:
    """The markets whose market maker is withdrawn by these faults."""
    gone = [hit.fault for hit in hits if hit.fault.kind is FaultKind.MARKET_MAKER_GONE]
    return {market_id for fault in gone for market_id in _markets_of(exchange.venue.engine.rules, fault)}


def clock_offset_ms(hits: Iterable[FaultHit]) -> int:
    """How far the reported clock is ahead."""
    return sum(hit.fault.offset_ms or 0 for hit in hits if hit.fault.kind is FaultKind.CLOCK_SKEW)


def _markets_of(markets: Iterable[str], fault: Fault) -> list[str]:
    return [fault.symbol] if fault.symbol is not None else list(markets)


def _new_rules(fault: Fault) -> dict[str, Decimal]:
    values = {name: getattr(fault, name) for name in KINDS[FaultKind.CHANGED_RULES].parameters}
    return {name: value for name, value in values.items() if value is not None}


def _drift(exchange: Exchange, fault: Fault, account: str | None) -> None:
    """An unannounced deposit or withdrawal; at most what is free is taken."""
    accounts = exchange.venue.engine.accounts
    if account is None or account not in accounts or fault.asset is None or fault.amount is None:
        return
    free = accounts[account].free.get(fault.asset, ZERO)
    exchange.pay_in(account, fault.asset, max(fault.amount, -free))


class AnswerChanges:
    """Changes the body of a successful reply. The same seed does the same to the same row."""

    def __init__(self, seed: int = 0) -> None:
        self._seed = seed
        self._frozen: dict[tuple[object, ...], Any] = {}
        self._changes: Mapping[FaultKind, Callable[[FaultHit, RequestInfo, Any], Any]] = {
            FaultKind.DUPLICATE_FILLS: self._duplicated,
            FaultKind.LATE_FILLS: self._on_time,
            FaultKind.SHUFFLED_FILLS: self._shuffled,
            FaultKind.STALE_TICKER: self._first,
            FaultKind.EMPTY_BOOK: _emptied,
            FaultKind.CROSSED_BOOK: _crossed,
        }

    def apply(self, hits: Iterable[FaultHit], request: RequestInfo, body: Any) -> Any:
        """The body that the client receives; the given one is not modified."""
        for hit in hits:
            change = self._changes.get(hit.fault.kind)
            body = body if change is None else change(hit, request, body)
        return body

    def _duplicated(self, hit: FaultHit, request: RequestInfo, rows: Any) -> Any:
        if not isinstance(rows, list):
            return rows
        return [copy for row in rows for copy in ([row, dict(row)] if self._is_drawn(hit, row) else [row])]

    def _on_time(self, hit: FaultHit, request: RequestInfo, rows: Any) -> Any:
        if not isinstance(rows, list):
            return rows
        newest_ms = request.at_ms - (hit.fault.delay_s or 0) * SECOND_MS
        return [row for row in rows if row["time"] <= newest_ms or not self._is_drawn(hit, row)]

    def _shuffled(self, hit: FaultHit, request: RequestInfo, rows: Any) -> Any:
        """Never in the right order, given enough rows."""
        if not isinstance(rows, list):
            return rows
        shuffled = random.Random(f"{self._seed} {hit.index} {len(rows)}").sample(rows, len(rows))
        return shuffled if shuffled != rows else rows[::-1]

    def _first(self, hit: FaultHit, request: RequestInfo, body: Any) -> Any:
        return self._frozen.setdefault((hit.index, request.path, request.symbol, request.symbols), body)

    def _is_drawn(self, hit: FaultHit, row: Mapping[str, Any]) -> bool:
        share = 1.0 if hit.fault.share is None else hit.fault.share
        drawn = random.Random(f"{self._seed} {hit.index} {row.get('orderId')} {row.get('id')}").random()
        return drawn < share


def _emptied(hit: FaultHit, request: RequestInfo, body: Any) -> Any:
    sides = [side for side in _TICKER_SIDES if hit.fault.side in (side, "both", None)]
    if isinstance(body, list):
        return [_emptied(hit, request, one) for one in body]
    keys = [key for side in sides for key in _TICKER_SIDES[side]]
    return {**body, **{side: [] for side in sides if side in body}, **{key: _NOTHING for key in keys if key in body}}


def _crossed(hit: FaultHit, request: RequestInfo, body: Any) -> Any:
    """Swap best bid and best ask."""
    if isinstance(body, list):
        return [_crossed(hit, request, one) for one in body]
    if body.get("bids") and body.get("asks"):
        (bid, *bids), (ask, *asks) = body["bids"], body["asks"]
        return {**body, "bids": [[ask[0], bid[1]], *bids], "asks": [[bid[0], ask[1]], *asks]}
    if Decimal(body.get("bidPrice", 0)) and Decimal(body.get("askPrice", 0)):
        return {**body, "bidPrice": body["askPrice"], "askPrice": body["bidPrice"]}
    return body
