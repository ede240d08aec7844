"""The exchange in a file: everything that cannot be redrawn from the seed, so that a restart continues.

The file is one JSON object, an order or a trade on each line, decimals as text. What was done since it was written is
in the log beside it. The restored exchange continues as if it had never stopped: accounts, orders in queue order,
trades, consumed liquidity, and the moment up to which the market has traded.
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import pathlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from ..engine.accounts import Account, FeeAsset, FeeSchedule, as_text
from ..engine.clock import ExchangeClock, WallClock
from ..engine.matching import Engine
from ..engine.orders import Order, Side
from ..engine.venue import Venue
from ..market.markets import MarketRules
from ..market.tape import MarketSource
from ..market.world import MarketScenario
from ..rest.exchange import Credentials, Exchange, Operation
from .account_file import AccountPlan
from .operation_log import flush_folder, read_log
from .operations import DivergedError, clock_offset_ms, redo
from .records import built_order, built_trade, decimals, line_of, order_row, row_of

FORMAT = "volume booster exchange"
VERSION = 3
"""Others can't be continued: the market that they were on is another one by now."""
_NEW_FILE = os.O_CREAT | os.O_EXCL | os.O_WRONLY | getattr(os, "O_BINARY", 0)  # Windows would change line ends


class StateError(Exception):
    """The file cannot be read or written; the message says why in one sentence."""


@dataclass(frozen=True, slots=True)
class SavedState:
    """A state file as read: the scenario, the accounts, and what to restore into a fresh exchange."""

    path: pathlib.Path
    scenario: MarketScenario
    accounts: tuple[AccountPlan, ...]
    _value: Mapping[str, Any]
    _later: tuple[Operation, ...] = ()
    """What was done since the file was written."""

    @property
    def generation(self) -> int:
        """Of the log that begins with the file."""
        return int(self._value.get("log", 0))

    def source(self) -> MarketSource:
        """The other side of the market. Raises StateError, and ReplayError for a recording that is gone."""
        with _readable(self.path):
            return self.scenario.source()

    def clock(self, wall: WallClock) -> ExchangeClock:
        """The clock as it was set, never earlier than what was done last. Raises StateError."""
        with _readable(self.path):
            saved = self._value["clock"]
            not_before_ms = max([int(saved["now_ms"]), *(operation.now_ms for operation in self._later)])
            return ExchangeClock(wall, clock_offset_ms(self._later, int(saved["offset_ms"])), not_before_ms)

    def restore(self, venue: Venue) -> None:
        """Put the file into a fresh venue of the same scenario. Raises StateError when something does not fit."""
        with _readable(self.path):
            _restore(self._value, venue)

    def redo(self, exchange: Exchange) -> None:
        """Do again what was done since, to an exchange on a restored venue. Raises StateError."""
        with _readable(self.path):
            redo(exchange, self._later)


class StateText:
    """Writes the exchange as text. What no longer changes is written once and cached."""

    def __init__(self) -> None:
        self._trades: list[str] = []
        self._ended: dict[int, str] = {}

    def of(self, exchange: Exchange, scenario: MarketScenario, now_ms: int, generation: int = 0) -> str:
        """The whole state; `generation` is that of the log which begins with it."""
        engine = exchange.venue.engine
        self._trades += [line_of(row_of(trade)) for trade in engine.trades[len(self._trades) :]]
        head = {
            "log": generation,
            "world": scenario.to_json(),
            "clock": {"offset_ms": exchange.clock.offset_ms, "now_ms": now_ms},
            "venue": _venue_json(exchange.venue),
            "engine": _engine_json(engine),
            "accounts": [_account_json(engine.accounts[one.account], one) for one in exchange.credentials],
            "market": [_account_json(account, None) for account in engine.accounts.values() if account.is_market],
        }
        parts = [f'"{name}": {line_of(value)}' for name, value in head.items()]
        parts += [_lines("orders", self._orders(engine)), _lines("trades", self._trades)]
        parts.append(f'"format": "{FORMAT}",\n"version": {VERSION}')
        return "{\n" + ",\n".join(parts) + "\n}\n"

    def _orders(self, engine: Engine) -> list[str]:
        lines = []
        for account in engine.accounts.values():
            for order in (account.open_orders if account.is_market else account.orders).values():
                line = self._ended.get(order.order_id) or line_of(order_row(order))
                if not order.is_open and not account.is_market:
                    self._ended[order.order_id] = line
                lines.append(line)
        return lines


def read_state(path: pathlib.Path) -> SavedState | None:
    """The content of the file, None when there is none. Raises StateError; the file is not touched."""
    try:
        text = path.read_text("utf-8")
    except FileNotFoundError:
        return None
    except OSError as error:
        raise StateError(f"cannot read the state in {path}: {error.strerror}.") from error
    except UnicodeDecodeError:
        raise StateError(f"{path} is not a state of this exchange; name another file, or remove it.") from None
    value = _parsed(path, text)
    with _readable(path):
        scenario = MarketScenario(**value["world"])
        later = tuple(read_log(path, int(value.get("log", 0))))
        return SavedState(path, scenario, tuple(_plan(item) for item in value["accounts"]), value, later)


def write_state(path: pathlib.Path, text: str) -> None:
    """Write the file in one step: it always holds a whole state, and only its owner may read it. Raises StateError."""
    temporary = path.with_name(f"{path.name}.tmp")
    try:
        with contextlib.suppress(FileNotFoundError):
            temporary.unlink()
        descriptor = os.open(temporary, _NEW_FILE, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8", newline="\n") as file:
            file.write(text)
            file.flush()
            os.fsync(descriptor)
        temporary.replace(path)
        flush_folder(path.parent)
    except OSError as error:
        raise StateError(f"cannot write the state to {path}: {error.strerror}.") from error


def _parsed(path: pathlib.Path, text: str) -> dict[str, Any]:
    try:
        value = json.loads(text)
    except ValueError:
        value = None
    if not isinstance(value, dict) or value.get("format") != FORMAT:
        raise StateError(f"{path} is not a state of this exchange; name another file, or remove it.")
    if value.get("version") != VERSION:
        raise StateError(f"{path} was written by another version of this exchange ({value.get('version')}).")
    return value


@contextlib.contextmanager
def _readable(path: pathlib.Path) -> Iterator[None]:
    """Translate any error of the content into one StateError."""
    try:
        yield
    except OSError as error:
        raise StateError(f"cannot read the log of the state in {path}: {error.strerror}.") from error
    except DivergedError as error:
        raise StateError(f"{path} cannot be continued: {error}; name another file.") from error
    except (KeyError, IndexError, TypeError, ValueError, AttributeError, ArithmeticError) as error:
        raise StateError(f"{path} is damaged ({type(error).__name__}: {error}); name another file.") from error


def _lines(name: str, lines: Iterable[str]) -> str:
    return f'"{name}": [\n' + ",\n".join(lines) + "\n]"


def _venue_json(venue: Venue) -> dict[str, Any]:
    return {
        "at_ms": venue._at_ms,
        "ladder_ms": venue._ladder_ms,
        "taken": [[*place, taken.base, taken.second] for place, taken in venue._taken.items()],
        "actions": venue._actions,
        "without_quotes": sorted(venue.without_quotes),
        "withdrawn": sorted(venue._withdrawn),
    }


def _engine_json(engine: Engine) -> dict[str, Any]:
    return {
        "last_order_id": engine.last_order_id,
        "last_trade_ids": engine.last_trade_ids,
        "self_matches": engine.self_matches,
        "prevented_matches": engine.prevented_matches,
        "fees_collected": as_text(engine.fees_collected),
        "paid_in": as_text(engine.paid_in),
        "rules": {market_id: rules.as_text() for market_id, rules in engine.rules.items()},
    }


def _account_json(account: Account, credentials: Credentials | None) -> dict[str, Any]:
    return {
        "name": account.name,
        "api_key": credentials and credentials.api_key,
        "api_secret": credentials and credentials.api_secret,
        "maker_rate": str(account.fees.maker_rate),
        "taker_rate": str(account.fees.taker_rate),
        "fee_asset": account.fees.asset.value,
        "free": as_text(account.free),
        "locked": as_text(account.locked),
    }


def _restore(value: Mapping[str, Any], venue: Venue) -> None:
    engine = venue.engine
    for item in (*value["accounts"], *value["market"]):
        account = engine.accounts.get(item["name"]) or engine.open_account(item["name"], _fees(item))
        account.free, account.locked = decimals(item["free"]), decimals(item["locked"])
    _restore_engine(engine, value["engine"])
    for order in sorted((built_order(item) for item in value["orders"]), key=lambda order: order.order_id):
        _restore_order(engine, order)
    engine.trades += [built_trade(item) for item in value["trades"]]
    _restore_venue(venue, value["venue"])


def _restore_engine(engine: Engine, saved: Mapping[str, Any]) -> None:
    for name in ("last_order_id", "self_matches", "prevented_matches"):
        setattr(engine, name, int(saved[name]))
    engine.last_trade_ids.update(saved["last_trade_ids"])
    engine.fees_collected, engine.paid_in = decimals(saved["fees_collected"]), decimals(saved["paid_in"])
    for market_id, rules in saved["rules"].items():
        engine.rules[market_id] = _changed(engine.rules[market_id], decimals(rules))


def _changed(rules: MarketRules, values: Mapping[str, Decimal]) -> MarketRules:
    return dataclasses.replace(rules, **values)  # type: ignore[arg-type]


def _restore_order(engine: Engine, order: Order) -> None:
    """Orders come in the order of their ids, which is their queue order at one price."""
    account, market_id = engine.accounts[order.account], order.request.market_id
    if not account.is_market:
        account.orders[order.order_id] = order
        account.by_client_id[order.request.client_order_id] = order
    if order.is_open:
        account.open_orders[order.order_id] = order
        engine._books[market_id][order.side].add(order)
        engine._watched[market_id] += not account.is_market


def _restore_venue(venue: Venue, saved: Mapping[str, Any]) -> None:
    for trade in venue.engine.trades:
        venue.tape.add(trade)
    venue._seen_trades = len(venue.engine.trades)
    venue._at_ms.update(saved["at_ms"])
    venue._ladder_ms.update(saved["ladder_ms"])
    venue._actions = int(saved["actions"])
    venue.without_quotes.update(saved["without_quotes"])
    venue._withdrawn.update(saved["withdrawn"])
    for market_id, side, base, second in saved["taken"]:
        taken = venue._taken[market_id, Side(side)]
        taken.base, taken.second = Decimal(base), int(second)


def _plan(item: Mapping[str, Any]) -> AccountPlan:
    return AccountPlan(Credentials(item["name"], item["api_key"], item["api_secret"]), _fees(item))


def _fees(item: Mapping[str, Any]) -> FeeSchedule:
    return FeeSchedule(Decimal(item["maker_rate"]), Decimal(item["taker_rate"]), FeeAsset(item["fee_asset"]))
