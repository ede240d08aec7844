"""Scripted faults of the local exchange: what fails, for which requests, and when. Pure and seeded.

A script is JSON, a list of faults or ``{"seed": 7, "faults": [...]}``. Each fault is an object::

    {"kind": "answer_lost", "requests": ["POST /api/v3/order"], "after": 1, "times": 2}

Its keys, besides those that a kind has of its own (``KINDS``):

- ``requests``: patterns of method and path, ``*`` matches anything; each kind has its own default.
- ``account``, ``symbol``: only requests of this account, only requests that name this market (``BTCUSDT``); for
  ``changed_rules`` and ``market_maker_gone`` the symbol is the market that changes, for any request.
- ``after``: how many such requests are skipped first. ``times``: how many are hit then; null is unlimited.
- ``probability``: the chance of each to be hit, drawn from the seed.
- ``from_ms``, ``until_ms``: only in this span of the exchange's clock, counted from when the faults were set.
"""

from __future__ import annotations

import enum
import fnmatch
import json
import random
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal

from pydantic import Field, ValidationInfo, field_validator

from ..rest.validation import Checked, DecimalText, Problem, check, own_sentence

ORDER = "POST /api/v3/order"
EVERYTHING = "*"
HISTORY = ("GET /api/v3/myTrades", "GET /api/v3/allOrders")
PRICES = ("GET /api/v3/ticker/*", "GET /api/v3/trades", "GET /api/v3/aggTrades")
BOOKS = ("GET /api/v3/depth", "GET /api/v3/ticker/bookTicker", "GET /api/v3/ticker/24hr")
CLOCK = ("GET /api/v3/time", "* /api/v3/order", "* /api/v3/openOrders", "GET /api/v3/account", *HISTORY)
LONGEST_DELAY_S = 3_600
_NOT_NULL = ("delay_s", "status", "message", "share", "side", "asset", "amount", "offset_ms")
_UNKNOWN_KEY = "is not known here"
_REQUESTS = f"a list of requests such as '{ORDER}'"
_DELAY = f"a number of seconds above 0 and at most {LONGEST_DELAY_S}"
_OFFSET = "a whole number of milliseconds other than 0"


class FaultsError(Exception):
    """An invalid script; ``problems`` has one sentence for each invalid key."""

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__(" ".join(problems))
        self.problems = tuple(problems)


class FaultKind(enum.Enum):
    """The kinds of faults. resources/faults.md documents each."""

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


def _whole(least: int, most: int = 2**53) -> Any:
    return Field(ge=least, le=most, description=f"a whole number from {least} to {most}")


_Pattern = Annotated[str, Field(pattern=r"^(\*|(\*|GET|POST|PUT|DELETE) [/*]\S*)$")]
_Text = Annotated[str | None, Field(min_length=1, description="a text")]
_SHARE = Field(gt=0, le=1, description="a number above 0 and at most 1")
_Rule = Annotated[DecimalText | None, Field(gt=0, description="a decimal in quotation marks, above 0")]


class Fault(Checked):
    """One fault, made by ``parse_faults``. What its kind does not use is None."""

    kind: FaultKind
    requests: Annotated[tuple[_Pattern, ...], Field(strict=False, min_length=1, description=_REQUESTS)]
    account: _Text = None
    symbol: _Text = None
    after: Annotated[int, _whole(0)] = 0
    times: Annotated[int | None, _whole(1)] = None  # None is unlimited
    probability: Annotated[float, _SHARE] = 1.0
    from_ms: Annotated[int, _whole(0)] = 0
    until_ms: Annotated[int | None, _whole(1)] = None
    delay_s: Annotated[float | None, Field(gt=0, le=LONGEST_DELAY_S, description=_DELAY)] = None
    retry_after_s: Annotated[int | None, _whole(0, 86_400)] = None
    status: Annotated[int | None, _whole(500, 599)] = None
    code: Annotated[int | None, _whole(-9_999, -1)] = None  # None: the reply is the message alone, without JSON
    message: _Text = None
    share: Annotated[float | None, _SHARE] = None  # of the rows of an answer
    side: Annotated[Literal["bids", "asks", "both"] | None, Field(description="bids, asks or both")] = None
    asset: _Text = None
    amount: Annotated[DecimalText | None, Field(description="a decimal in quotation marks, other than 0")] = None
    """Negative is taken away."""
    offset_ms: Annotated[int | None, Field(ge=-(2**53), le=2**53, description=_OFFSET)] = None
    """How far the exchange's clock is ahead."""
    tick_quote: _Rule = None
    step_base: _Rule = None
    minimum_notional_quote: _Rule = None

    @field_validator(*_NOT_NULL, mode="before")
    @classmethod
    def _is_given(cls, value: object) -> object:
        if value is None:
            raise ValueError("null")
        return value

    @field_validator("amount", "offset_ms")
    @classmethod
    def _is_not_zero(cls, value: Any) -> Any:
        if not value:
            raise ValueError("zero")
        return value

    @field_validator("until_ms")
    @classmethod
    def _is_after_from_ms(cls, value: int | None, info: ValidationInfo) -> int | None:
        if value is not None and value <= info.data.get("from_ms", 0):
            raise own_sentence("must be above from_ms")
        return value

    def matches(self, request: RequestInfo) -> bool:
        """Whether the request matches, regardless of time and counts."""
        return (
            any(fnmatch.fnmatchcase(f"{request.method} {request.path}", pattern) for pattern in self.requests)
            and self.account in (None, request.account)
            and (self.kind is not FaultKind.BALANCE_DRIFT or request.account is not None)
            and (self.kind in _OF_MARKETS or self.symbol in (None, request.symbol))
        )

    def to_json(self) -> dict[str, Any]:
        """The script's object: ``parse_faults`` reads it back."""
        values = self.model_dump(mode="json")
        return {key: values[key] for key in ("kind", *_COMMON, *KINDS[self.kind].parameters)}


_COMMON = ("requests", "account", "symbol", "after", "times", "probability", "from_ms", "until_ms")


@dataclass(frozen=True, slots=True)
class RequestInfo:
    """What faults see of a request. ``at_ms`` is the exchange's clock, a UTC epoch."""

    method: str
    path: str
    at_ms: int
    account: str | None = None
    symbol: str | None = None
    symbols: str | None = None  # a list of markets, as sent


@dataclass(frozen=True, slots=True)
class FaultHit:
    """A fault that hits a request; ``index`` is its place in the script."""

    index: int
    fault: Fault


@dataclass(slots=True)
class FaultState:
    """Progress of one fault: requests seen and hit."""

    fault: Fault
    rng: random.Random
    seen: int = 0
    hits: int = 0

    def applies(self, request: RequestInfo, since_start_ms: int) -> bool:
        fault = self.fault
        if not fault.matches(request) or since_start_ms < fault.from_ms:
            return False
        if fault.until_ms is not None and since_start_ms >= fault.until_ms:
            return False
        self.seen += 1
        if self.seen <= fault.after or (fault.times is not None and self.hits >= fault.times):
            return False
        is_hit = self.rng.random() < fault.probability
        self.hits += is_hit
        return is_hit


class FaultSchedule:
    """Which faults hit which request.

    The same script, seed and requests give the same hits; each fault has its own random stream, so that
    adding another changes nothing.
    """

    def __init__(self, faults: Sequence[Fault] = (), seed: int = 0, start_ms: int = 0) -> None:
        self.seed = seed
        self.start_ms = start_ms
        self._states = [
            FaultState(fault, random.Random(f"{seed} {faults[:index].count(fault)} {json.dumps(fault.to_json())}"))
            for index, fault in enumerate(faults)
        ]

    @property
    def faults(self) -> tuple[Fault, ...]:
        """The script."""
        return tuple(state.fault for state in self._states)

    def hits_of(self, request: RequestInfo) -> tuple[FaultHit, ...]:
        """The faults that hit this request, in the order of the script. Call it once for each request: it counts."""
        since_start_ms = request.at_ms - self.start_ms
        return tuple(
            FaultHit(index, state.fault)
            for index, state in enumerate(self._states)
            if state.applies(request, since_start_ms)
        )

    def to_json(self) -> dict[str, Any]:
        """The script, with the number of requests that each fault has seen and hit so far."""
        faults = [{**state.fault.to_json(), "seen": state.seen, "struck": state.hits} for state in self._states]
        return {"seed": self.seed, "faults": faults}


@dataclass(frozen=True, slots=True)
class KindRules:
    """Default requests and times of a kind of fault, and its own keys with their defaults."""

    requests: tuple[str, ...]
    times: int | None
    parameters: Mapping[str, Any] = field(default_factory=dict)
    required: tuple[str, ...] = ()
    one_of: tuple[str, ...] = ()

    def defaults(self) -> dict[str, Any]:
        """The values of omitted keys; required keys have none."""
        values = {"requests": self.requests, "times": self.times, **self.parameters}
        return {key: value for key, value in values.items() if key not in self.required}


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
    FaultKind.SERVER_ERROR: KindRules((ORDER,), 1, {"status": 500, "code": None, "message": "Internal Server Error"}),
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
        ("GET /api/v3/account",), 1, {"asset": None, "amount": None}, required=("asset", "amount")
    ),
    FaultKind.CLOCK_SKEW: KindRules(CLOCK, None, {"offset_ms": None}, required=("offset_ms",)),
}

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
"""Named scripts: ``parse_faults`` takes the name in place of the list."""


def parse_faults(script: object) -> tuple[Fault, ...]:
    """The faults of a script, or of a scenario named by it. Raises FaultsError, naming every invalid key."""
    return parse_script(script)[0]


class _Script(Checked):
    seed: Annotated[int | None, _whole(0)] = None
    faults: Any = None


def parse_script(script: object) -> tuple[tuple[Fault, ...], int | None]:
    """The faults of a script and its seed, if it names one. Raises FaultsError, naming every invalid key."""
    seed: int | None = None
    problems: list[str] = []
    if isinstance(script, Mapping):
        read, wrong = check(_Script, script, _UNKNOWN_KEY)
        problems += _sentences("", wrong, script)
        seed = read.seed if read else None
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
    rules = KINDS[kind]
    known = ("kind", *_COMMON, *rules.parameters)
    problems += [f"{place}.{key} {_UNKNOWN_KEY}; known are {', '.join(known)}." for key in item if key not in known]
    values = {**rules.defaults(), **{key: item[key] for key in known if key in item}, "kind": kind}
    fault, wrong = check(Fault, values, _UNKNOWN_KEY)
    problems += _sentences(f"{place}.", wrong, item)
    problems += [f"{place}.{key} is missing." for key in rules.required if key not in item]
    if rules.one_of and not any(key in item for key in rules.one_of):
        problems.append(f"{place} must have one of {', '.join(rules.one_of)}.")
    return fault


def _sentences(place: str, wrong: Iterable[Problem], values: Mapping[str, Any]) -> list[str]:
    return [
        f"{place}{one.key} {one.text}{f', not {_shown(values[one.key])}' if one.is_value else ''}." for one in wrong
    ]


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
