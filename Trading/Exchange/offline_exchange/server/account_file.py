"""The accounts of the exchange as a file lists them, and the one that there is without a file."""

from __future__ import annotations

import json
import pathlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from typing import Any

from .accounts import FeeAsset, FeeSchedule
from .exchange import Credentials
from .markets import SMALLEST
from .matching import Engine
from .venue import CROWD, MARKET_MAKER

_NAME = re.compile(r"[A-Za-z0-9_\-.]{1,40}")
_KEY = re.compile(r"[A-Za-z0-9_\-]{1,128}")
_ASSET = re.compile(r"[A-Z0-9]{1,20}")
_KNOWN = ("name", "api_key", "api_secret", "balances", "maker_fee_percent", "taker_fee_percent", "fee_asset")
_LARGEST_BALANCE = Decimal(10) ** 15


class AccountFileError(Exception):
    """The file cannot be used; the message names every problem with its key, and never a secret."""


@dataclass(frozen=True, slots=True)
class AccountPlan:
    """An account to open: its name and keys, its fees, and what it owns at first."""

    credentials: Credentials
    fees: FeeSchedule
    balances: Mapping[str, Decimal] = field(default_factory=dict)


DEFAULT_ACCOUNT = AccountPlan(
    Credentials("trader", "offline-key", "offline-secret"),
    FeeSchedule(),
    {"BTC": Decimal(1), "ETH": Decimal(10), "USDT": Decimal(10_000)},
)
"""Play money: whoever can reach this machine's loopback may have it."""


def load_accounts(path: pathlib.Path) -> tuple[AccountPlan, ...]:
    """The accounts of a JSON file. Raises AccountFileError."""
    try:
        value = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:  # what json says of a file may quote it: only its class is told
        reason = error.strerror if isinstance(error, OSError) else "it is not JSON in UTF-8"
        raise AccountFileError(f"cannot read the accounts in {path}: {reason}.") from None
    return parse_accounts(value, str(path))


def parse_accounts(value: object, name: str) -> tuple[AccountPlan, ...]:
    """The accounts of a parsed file that is called `name`. Raises AccountFileError with every problem."""
    problems: list[str] = []
    items = value.get("accounts") if isinstance(value, dict) else None
    if not isinstance(items, list) or not items or not all(isinstance(item, dict) for item in items):
        raise AccountFileError(f'{name} must hold {{"accounts": [...]}} with at least one account.')
    plans = [_Reader(item, f"accounts[{index}]", problems).plan() for index, item in enumerate(items)]
    problems += [f"{key} is not a key of it" for key in value if key != "accounts"] if isinstance(value, dict) else []
    problems += _repeated("name", (plan.credentials.account for plan in plans))
    problems += _repeated("api_key", (plan.credentials.api_key for plan in plans))
    if problems:
        raise AccountFileError(f"{name} cannot be used: {'; '.join(problems)}.")
    return tuple(plans)


def open_accounts(engine: Engine, plans: Iterable[AccountPlan]) -> None:
    """Open them in the engine and pay in what they own."""
    for plan in plans:
        engine.open_account(plan.credentials.account, plan.fees)
        for asset, amount in plan.balances.items():
            engine.pay_in(plan.credentials.account, asset, amount)


def _repeated(key: str, values: Iterable[str]) -> list[str]:
    known = [value for value in values if value]
    return [f"{key} must differ from account to account"] if len(set(known)) < len(known) else []


@dataclass(slots=True)
class _Reader:
    """Reads one account; what is wrong goes to `problems`, by its key and without its value."""

    item: Mapping[str, Any]
    place: str
    problems: list[str]

    def plan(self) -> AccountPlan:
        for key in self.item:
            if key not in _KNOWN:
                self._blame(key, f"is not a key of an account; known are {', '.join(_KNOWN)}")
        name = self._text("name", _NAME, "1 to 40 letters, digits, '_', '-' or '.'")
        if name in (MARKET_MAKER, CROWD):
            self._blame("name", "is the market's own")
        api_key = self._text("api_key", _KEY, "1 to 128 letters, digits, '_' or '-'")
        api_secret = self._text("api_secret", _KEY, "1 to 128 letters, digits, '_' or '-'")
        fees = FeeSchedule(self._rate("maker_fee_percent"), self._rate("taker_fee_percent"), self._fee_asset())
        return AccountPlan(Credentials(name, api_key, api_secret), fees, self._balances())

    def _blame(self, key: str, problem: str) -> None:
        self.problems.append(f"{self.place}.{key} {problem}")

    def _text(self, key: str, legal: re.Pattern[str], wanted: str) -> str:
        value = self.item.get(key)
        if isinstance(value, str) and legal.fullmatch(value):
            return value
        self._blame(key, f"must be {wanted}" if key in self.item else "is missing")
        return ""

    def _number(self, key: str, value: object) -> Decimal | None:
        try:
            number = Decimal(str(value)) if isinstance(value, (str, int, float)) else Decimal("NaN")
        except InvalidOperation:
            number = Decimal("NaN")
        if number.is_finite() and not isinstance(value, bool):
            return number
        self._blame(key, 'must be a decimal such as "0.1"')
        return None

    def _rate(self, key: str) -> Decimal:
        percent = self._number(key, self.item.get(key, "0.1"))
        if percent is None:
            return Decimal(0)
        if not -1 <= percent <= 10:
            self._blame(key, "must be from -1 to 10")
            return Decimal(0)
        return percent / 100

    def _fee_asset(self) -> FeeAsset:
        value = self.item.get("fee_asset", FeeAsset.RECEIVED.value)
        names = [asset.value for asset in FeeAsset]
        if value in names:
            return FeeAsset(value)
        self._blame("fee_asset", f"must be one of {', '.join(names)}")
        return FeeAsset.RECEIVED

    def _balances(self) -> dict[str, Decimal]:
        value = self.item.get("balances", {})
        if not isinstance(value, dict):
            self._blame("balances", 'must be an object such as {"USDT": "10000"}')
            return {}
        amounts = {asset: self._balance(asset, amount) for asset, amount in value.items()}
        return {asset: amount for asset, amount in amounts.items() if amount}

    def _balance(self, asset: str, value: object) -> Decimal:
        key = f"balances.{asset}"
        if not _ASSET.fullmatch(asset):
            self._blame(key, "must be named by capital letters and digits")
        amount = self._number(key, value)
        if amount is None:
            return Decimal(0)
        if not 0 <= amount <= _LARGEST_BALANCE or amount % SMALLEST:
            self._blame(key, f"must be from 0 to {_LARGEST_BALANCE:f} with at most eight decimals")
            return Decimal(0)
        return amount
