"""Scripted faults of the local exchange: what goes wrong, for which requests, and when. Pure and seeded.

A script is JSON, a list of faults or ``{"seed": 7, "faults": [...]}``. Each fault is an object::

    {"kind": "answer_lost", "requests": ["POST /api/v3/order"], "after": 1, "times": 2}

Its keys, besides those that a kind has of its own (``KINDS``):

- ``requests``: patterns of method and path, ``*`` stands for anything; each kind has its own usual ones.
- ``account``, ``symbol``: only requests of this account, only requests that name this market (``BTCUSDT``); for
  ``changed_rules`` and ``market_maker_gone`` the symbol is the market that changes, whatever is asked.
- ``after``: how many such requests are spared first. ``times``: how many are struck then; null is for ever.
- ``probability``: the chance of each to be struck, drawn from the seed.
- ``from_ms``, ``until_ms``: only in this span of the exchange's clock, counted from when the faults were set.
"""

from __future__ import annotations

import enum
import fnmatch
import json
import random
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from decimal import Decimal, InvalidOperation
from typing import Any

ORDER = "POST /api/v3/order"
EVERYTHING = "*"
HISTORY = ("GET /api/v3/myTrades", "GET /api/v3/allOrders")
PRICES = ("GET /api/v3/ticker/*", "GET /api/v3/trades", "GET /api/v3/aggTrades")
BOOKS = ("GET /api/v3/depth", "GET /api/v3/ticker/bookTicker", "GET /api/v3/ticker/24hr")
CLOCK = ("GET /api/v3/time", "* /api/v3/order", "* /api/v3/openOrders", "GET /api/v3/account", *HISTORY)
LONGEST_DELAY_S = 3_600
_PATTERN = re.compile(r"\*|(\*|GET|POST|PUT|DELETE) [/*]\S*")
_WHOLE = "a whole number"


class FaultsError(Exception):
    """A script that cannot be used; ``problems`` has one sentence for each key at fault."""

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__(" ".join(problems))
        self.problems = tuple(problems)


class FaultKind(enum.Enum):
    """What can go wrong. The documentation has a row for each in resources/faults.md."""

    ANSWER_LOST = "answer_lost"
    DISCONNECTED = "disconnected"
    SLOW_ANSWER = "slow_answer"
    LATE_ACCEPTANCE = "late_acceptance"
    RATE_LIMITED = "rate_limited"
    BANNED = "banned"
    SERVER_ERROR = "server_error"
    SERVER_ERROR_AFTER = "server_error_after"
    REJECTED = "rejected"
    DUPLICATE_FILLS = "duplicate_fills"
    LATE_FILLS = "late_fills"
    SHUFFLED_FILLS = "shuffled_fills"
    STALE_TICKER = "stale_ticker"
    EMPTY_BOOK = "empty_book"
    CROSSED_BOOK = "crossed_book"
    MARKET_MAKER_GONE = "market_maker_gone"
    CHANGED_RULES = "changed_rules"
    BALANCE_DRIFT = "balance_drift"
    CLOCK_SKEW = "clock_skew"


_OF_MARKETS = (FaultKind.CHANGED_RULES, FaultKind.MARKET_MAKER_GONE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One thing that goes wrong; ``parse_faults`` makes it. What its kind does not use is None."""

    kind: FaultKind
    requests: tuple[str, ...]
    account: str | None = None
    symbol: str | None = None
    after: int = 0
    times: int | None = None  # None is for ever
    probability: float = 1.0
    from_ms: int = 0
    until_ms: int | None = None
    delay_s: float | None = None
    retry_after_s: int | None = None
    status: int | None = None
    code: int | None = None  # None: the answer is the message alone, no JSON
    message: str | None = None
    share: float | None = None  # of the rows of an answer
    side: str | None = None  # bids, asks or both
    asset: str | None = None
    amount: Decimal | None = None  # negative is taken away
    offset_ms: int | None = None  # how far the exchange's clock is ahead
    tick_quote: Decimal | None = None
    step_base: Decimal | None = None
    minimum_notional_quote: Decimal | None = None

    def concerns(self, asked: Asked) -> bool:
        """Whether it is for this request, whatever the time and the counts."""
        return (
            any(fnmatch.fnmatchcase(f"{asked.method} {asked.path}", pattern) for pattern in self.requests)
            and self.account in (None, asked.account)
            and (self.kind is not FaultKind.BALANCE_DRIFT or asked.account is not None)
            and (self.kind in _OF_MARKETS or self.symbol in (None, asked.symbol))
        )

    def to_json(self) -> dict[str, Any]:
        """The object that ``parse_faults`` makes it from again."""
        keys = ("requests", *(name for name in _COMMON if name != "requests"), *KINDS[self.kind].parameters)
        return {"kind": self.kind.value, **{key: _plain(getattr(self, key)) for key in keys}}


@dataclass(frozen=True, slots=True)
class Asked:
    """One request, as far as faults care. ``at_ms`` is the exchange's clock, a UTC epoch."""

    method: str
    path: str
    at_ms: int
    account: str | None = None
    symbol: str | None = None
    symbols: str | None = None  # a list of markets, as sent


@dataclass(frozen=True, slots=True)
class Strike:
    """A fault that strikes a request; ``index`` is its place in the script."""

    index: int
    fault: Fault


@dataclass(slots=True)
class _Course:
    """How far one fault has come."""

    fault: Fault
    rng: random.Random
    seen: int = 0
    struck: int = 0

    def strikes(self, asked: Asked, since_start_ms: int) -> bool:
        fault = self.fault
        if not fault.concerns(asked) or since_start_ms < fault.from_ms:
            return False
        if fault.until_ms is not None and since_start_ms >= fault.until_ms:
            return False
        self.seen += 1
        if self.seen <= fault.after or (fault.times is not None and self.struck >= fault.times):
            return False
        is_struck = self.rng.random() < fault.probability
        self.struck += is_struck
        return is_struck


class FaultPlan:
    """Which faults strike which request.

    The same script, seed and requests give the same strikes; each fault draws from a stream of its own, so that another
    one beside it changes nothing.
    """

    def __init__(self, faults: Sequence[Fault] = (), seed: int = 0, start_ms: int = 0) -> None:
        self.seed = seed
        self.start_ms = start_ms
        self._courses = [
            _Course(fault, random.Random(f"{seed} {faults[:index].count(fault)} {json.dumps(fault.to_json())}"))
            for index, fault in enumerate(faults)
        ]

    @property
    def faults(self) -> tuple[Fault, ...]:
        """The script."""
        return tuple(course.fault for course in self._courses)

    def strike(self, asked: Asked) -> tuple[Strike, ...]:
        """The faults that strike this request, in the order of the script. It counts: ask once for each request."""
        since_start_ms = asked.at_ms - self.start_ms
        return tuple(
            Strike(index, course.fault)
            for index, course in enumerate(self._courses)
            if course.strikes(asked, since_start_ms)
        )

    def to_json(self) -> dict[str, Any]:
        """The script, and of each fault how many requests it has seen and struck so far."""
        faults = [{**course.fault.to_json(), "seen": course.seen, "struck": course.struck} for course in self._courses]
        return {"seed": self.seed, "faults": faults}


@dataclass(frozen=True, slots=True)
class KindRules:
    """What a kind of fault is for unless told otherwise, and its own keys with their defaults."""

    requests: tuple[str, ...]
    times: int | None
    parameters: Mapping[str, Any] = field(default_factory=dict)
    required: tuple[str, ...] = ()
    one_of: tuple[str, ...] = ()


_BUSY = "Too much request weight used; current limit is 6000 request weight per 1 MINUTE. Please use WebSocket Streams."
_UNKNOWN = "Timeout waiting for response from backend server. Send status unknown; execution status unknown."
_POOR = "Account has insufficient balance for requested action."
_RULES = ("tick_quote", "step_base", "minimum_notional_quote")

KINDS: Mapping[FaultKind, KindRules] = {
    FaultKind.ANSWER_LOST: KindRules((ORDER,), 1),
    FaultKind.DISCONNECTED: KindRules((ORDER,), 1),
    FaultKind.SLOW_ANSWER: KindRules((ORDER,), 1, {"delay_s": 30.0}),
    FaultKind.LATE_ACCEPTANCE: KindRules((ORDER,), 1, {"delay_s": 30.0}),
    FaultKind.RATE_LIMITED: KindRules((ORDER,), 1, {"retry_after_s": None, "code": -1003, "message": _BUSY}),
    FaultKind.BANNED: KindRules((EVERYTHING,), None, {"retry_after_s": 120, "code": -1003, "message": _BUSY}),
    FaultKind.SERVER_ERROR: KindRules(
        (ORDER,), 1, {"status": 500, "code": None, "message": "Internal Server Error"}),
    FaultKind.SERVER_ERROR_AFTER: KindRules((ORDER,), 1, {"status": 503, "code": -1007, "message": _UNKNOWN}),
    FaultKind.REJECTED: KindRules((ORDER,), 1, {"code": -2010, "message": _POOR}),
    FaultKind.DUPLICATE_FILLS: KindRules(HISTORY, None, {"share": 1.0}),
    FaultKind.LATE_FILLS: KindRules(HISTORY, None, {"share": 1.0, "delay_s": 30.0}),
    FaultKind.SHUFFLED_FILLS: KindRules(HISTORY, None),
    FaultKind.STALE_TICKER: KindRules(PRICES, None),
    FaultKind.EMPTY_BOOK: KindRules(BOOKS, None, {"side": "both"}),
    FaultKind.CROSSED_BOOK: KindRules(BOOKS, None),
    FaultKind.MARKET_MAKER_GONE: KindRules((EVERYTHING,), None),
    FaultKind.CHANGED_RULES: KindRules((EVERYTHING,), 1, dict.fromkeys(_RULES), one_of=_RULES),
    FaultKind.BALANCE_DRIFT: KindRules(
        ("GET /api/v3/account",), 1, {"asset": None, "amount": None}, required=("asset", "amount")),
    FaultKind.CLOCK_SKEW: KindRules(CLOCK, None, {"offset_ms": None}, required=("offset_ms",)),
}  # fmt: skip

SCENARIOS: Mapping[str, Sequence[Mapping[str, Any]]] = {
    "lossy_network": (
        {"kind": "answer_lost", "times": None, "probability": 0.1},
        {"kind": "disconnected", "requests": [EVERYTHING], "times": None, "probability": 0.02},
        {"kind": "slow_answer", "requests": [EVERYTHING], "times": None, "probability": 0.05, "delay_s": 3.0},
    ),
    "overloaded": (
        {"kind": "server_error_after", "times": None, "probability": 0.1},
        {"kind": "server_error", "times": None, "probability": 0.05},
        {"kind": "rate_limited", "requests": [EVERYTHING], "times": None, "probability": 0.05, "retry_after_s": 2},
    ),
    "unreliable_history": (
        {"kind": "late_fills", "share": 0.3, "delay_s": 10.0},
        {"kind": "duplicate_fills", "share": 0.3},
        {"kind": "shuffled_fills"},
    ),
}
"""Scripts with a name: ``parse_faults`` takes the name in place of the list."""


def parse_faults(script: object) -> tuple[Fault, ...]:
    """The faults of a script, or of a scenario named by it. Raises FaultsError, naming every key at fault."""
    return parse_script(script)[0]


def parse_script(script: object) -> tuple[tuple[Fault, ...], int | None]:
    """The faults of a script and its seed, if it names one. Raises FaultsError, naming every key at fault."""
    seed: int | None = None
    problems: list[str] = []
    if isinstance(script, Mapping):
        problems += _unknown_keys("", script, ("seed", "faults"))
        seed = _read("", "seed", script.get("seed"), _or_none(_count(0)), problems)
        script = script.get("faults")
    items = SCENARIOS.get(script) if isinstance(script, str) else script
    if not isinstance(items, (list, tuple)):
        names = ", ".join(SCENARIOS)
        raise FaultsError([*problems, f"faults must be a list or one of {names}, not {_shown(script)}."])
    faults = [_parse_fault(f"faults[{index}]", item, problems) for index, item in enumerate(items)]
    if problems:
        raise FaultsError(problems)
    return tuple(fault for fault in faults if fault is not None), seed


def _parse_fault(place: str, item: object, problems: list[str]) -> Fault | None:
    if not isinstance(item, Mapping):
        problems.append(f"{place} must be an object, not {_shown(item)}.")
        return None
    kinds = {kind.value: kind for kind in FaultKind}
    kind = kinds.get(str(item.get("kind")))
    if kind is None:
        problems.append(f"{place}.kind must be one of {', '.join(kinds)}, not {_shown(item.get('kind'))}.")
        return None
    found = len(problems)
    rules = KINDS[kind]
    defaults = {**_COMMON, "requests": list(rules.requests), "times": rules.times, **rules.parameters}
    problems += _unknown_keys(f"{place}.", item, ("kind", *defaults))
    values = {
        key: _read(f"{place}.", key, item.get(key, default), _READERS[key], problems)
        for key, default in defaults.items()
        if key not in rules.required or key in item
    }
    problems += _missing(place, rules, item, values)
    return Fault(kind=kind, **values) if len(problems) == found else None


def _missing(place: str, rules: KindRules, item: Mapping[str, Any], values: Mapping[str, Any]) -> list[str]:
    problems = [f"{place}.{key} is missing." for key in rules.required if key not in item]
    if (
        rules.one_of
        and all(values[key] is None for key in rules.one_of)
        and not any(key in item for key in rules.one_of)
    ):
        problems.append(f"{place} must have one of {', '.join(rules.one_of)}.")
    if values["until_ms"] is not None and values["from_ms"] is not None and values["until_ms"] <= values["from_ms"]:
        problems.append(f"{place}.until_ms must be above from_ms.")
    return problems


def _unknown_keys(place: str, item: Mapping[str, Any], known: Sequence[str]) -> list[str]:
    return [f"{place}{key} is not known here; known are {', '.join(known)}." for key in item if key not in known]


def _read(place: str, key: str, value: object, reader: Callable[[object], Any], problems: list[str]) -> Any:
    """What the reader makes of a value; a problem when it refuses it, with the reader's word for what is right."""
    try:
        return reader(value)
    except ValueError as error:
        problems.append(f"{place}{key} must be {error}, not {_shown(value)}.")
        return None


def _count(least: int, most: int = 2**53) -> Callable[[object], int]:
    """Reads a whole number."""

    def read(value: object) -> int:
        if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
            raise ValueError(f"{_WHOLE} from {least} to {most}")
        return value

    return read


def _share(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 < value <= 1:
        raise ValueError("a number above 0 and at most 1")
    return float(value)


def _delay(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 < value <= LONGEST_DELAY_S:
        raise ValueError(f"a number of seconds above 0 and at most {LONGEST_DELAY_S}")
    return float(value)


def _offset(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 < abs(value) <= 2**53:
        raise ValueError(f"{_WHOLE} of milliseconds other than 0")
    return value


def _text(value: object) -> str:
    if not isinstance(value, str) or not value:
        raise ValueError("a text")
    return value


def _patterns(value: object) -> tuple[str, ...]:
    if not isinstance(value, (list, tuple)) or not value:
        raise ValueError(f"a list of requests such as '{ORDER}'")
    if not all(isinstance(one, str) and _PATTERN.fullmatch(one) for one in value):
        raise ValueError(f"a list of requests such as '{ORDER}'")
    return tuple(value)


def _side(value: object) -> str:
    if value not in ("bids", "asks", "both"):
        raise ValueError("bids, asks or both")
    return str(value)


def _decimal(value: object) -> Decimal:
    try:
        number = Decimal(value) if isinstance(value, (str, int)) and not isinstance(value, bool) else Decimal("NaN")
    except InvalidOperation:
        number = Decimal("NaN")
    if not number.is_finite() or not number:
        raise ValueError("a decimal in quotation marks, other than 0")
    return number


def _positive(value: object) -> Decimal:
    try:
        number = _decimal(value)
    except ValueError:
        number = Decimal(0)
    if number <= 0:
        raise ValueError("a decimal in quotation marks, above 0")
    return number


def _or_none(reader: Callable[[object], Any]) -> Callable[[object], Any]:
    return lambda value: None if value is None else reader(value)


_READERS: Mapping[str, Callable[[object], Any]] = {
    "requests": _patterns,
    "account": _or_none(_text),
    "symbol": _or_none(_text),
    "after": _count(0),
    "times": _or_none(_count(1)),
    "probability": _share,
    "from_ms": _count(0),
    "until_ms": _or_none(_count(1)),
    "delay_s": _delay,
    "retry_after_s": _or_none(_count(0, 86_400)),
    "status": _count(500, 599),
    "code": _or_none(_count(-9_999, -1)),
    "message": _text,
    "share": _share,
    "side": _side,
    "asset": _text,
    "amount": _decimal,
    "offset_ms": _offset,
    **dict.fromkeys(_RULES, _or_none(_positive)),
}
_COMMON = {
    one.name: None if one.name == "requests" else one.default
    for one in fields(Fault)
    if one.name in ("requests", "account", "symbol", "after", "times", "probability", "from_ms", "until_ms")
}


def _plain(value: Any) -> Any:
    """A value as JSON has it."""
    if isinstance(value, Decimal):
        return str(value)
    return list(value) if isinstance(value, tuple) else value


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
