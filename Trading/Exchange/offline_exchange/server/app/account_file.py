"""The accounts of the exchange from a file, and the default account without one."""

from __future__ import annotations

import dataclasses
import json
import pathlib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from typing import Annotated

from pydantic import BeforeValidator, Field

from ..engine.accounts import FeeAsset, FeeSchedule
from ..engine.matching import Engine
from ..engine.venue import CROWD, MARKET_MAKER
from ..market.markets import SMALLEST
from ..rest.exchange import Credentials
from ..rest.validation import Checked, check, own_sentence, rule

_ASSET = re.compile(r"[A-Z0-9]{1,20}")
_FEE_ASSETS = ", ".join(asset.value for asset in FeeAsset)
_LARGEST_BALANCE = Decimal(10) ** 15


class AccountFileError(Exception):
    """An invalid file; the message names every problem with its key, and never a secret."""


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
"""Play money: anyone who can reach this machine's loopback may use it."""


def with_fees(
    accounts: Iterable[AccountPlan], maker: Decimal | None = None, taker: Decimal | None = None
) -> tuple[AccountPlan, ...]:
    """The accounts with other fees, in percent, where they are given."""
    rates = {"maker_rate": maker, "taker_rate": taker}
    changed = {name: percent / 100 for name, percent in rates.items() if percent is not None}
    return tuple(
        dataclasses.replace(one, fees=dataclasses.replace(one.fees, **changed))  # type: ignore[arg-type]
        for one in accounts
    )


def load_accounts(path: pathlib.Path) -> tuple[AccountPlan, ...]:
    """The accounts of a JSON file. Raises AccountFileError."""
    try:
        value = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:  # JSON's message may quote the file: only its class is shown
        reason = error.strerror if isinstance(error, OSError) else "it is not JSON in UTF-8"
        raise AccountFileError(f"cannot read the accounts in {path}: {reason}.") from None
    return parse_accounts(value, str(path))


def parse_accounts(value: object, name: str) -> tuple[AccountPlan, ...]:
    """The accounts of a parsed file that is called `name`. Raises AccountFileError with every problem."""
    items = value.get("accounts") if isinstance(value, dict) else None
    if not isinstance(value, dict) or not items or not _is_list_of_objects(items):
        raise AccountFileError(f'{name} must hold {{"accounts": [...]}} with at least one account.')
    problems: list[str] = []
    plans: list[AccountPlan] = []
    for index, item in enumerate(items):
        account, wrong = check(_Account, item, "is not a key of an account")
        problems += [f"accounts[{index}].{one.key} {one.text}" for one in wrong]
        plans += [] if account is None else [account.plan()]
    problems += [f"{key} is not a key of it" for key in value if key != "accounts"]
    problems += _repeated("name", [plan.credentials.account for plan in plans])
    problems += _repeated("api_key", [plan.credentials.api_key for plan in plans])
    if problems:
        raise AccountFileError(f"{name} cannot be used: {'; '.join(problems)}.")
    return tuple(plans)


def open_accounts(engine: Engine, plans: Iterable[AccountPlan]) -> None:
    """Open them in the engine and pay in what they own."""
    for plan in plans:
        engine.open_account(plan.credentials.account, plan.fees)
        for asset, amount in plan.balances.items():
            engine.pay_in(plan.credentials.account, asset, amount)


def _is_list_of_objects(items: object) -> bool:
    return isinstance(items, list) and all(isinstance(item, dict) for item in items)


def _repeated(key: str, values: Sequence[str]) -> list[str]:
    return [f"{key} must differ from account to account"] if len(set(values)) < len(values) else []


def _finite(value: object) -> Decimal:
    try:
        number = Decimal("NaN" if isinstance(value, bool) or not isinstance(value, (str, int, float)) else str(value))
    except InvalidOperation:
        number = Decimal("NaN")
    if not number.is_finite():
        raise own_sentence('must be a decimal such as "0.1"')
    return number


_Name = Annotated[
    str,
    Field(pattern=r"^[A-Za-z0-9_\-.]{1,40}$"),
    rule(lambda name: name not in (MARKET_MAKER, CROWD), "is the market's own"),
]
_Key = Annotated[str, Field(pattern=r"^[A-Za-z0-9_\-]{1,128}$", description="1 to 128 letters, digits, '_' or '-'")]
_Percent = Annotated[Decimal, BeforeValidator(_finite), Field(ge=-1, le=10, description="from -1 to 10")]
_Asset = Annotated[str, rule(_ASSET.fullmatch, "must be named by capital letters and digits")]
_Balance = Annotated[
    Decimal,
    BeforeValidator(_finite),
    rule(
        lambda amount: 0 <= amount <= _LARGEST_BALANCE and not amount % SMALLEST,
        f"must be from 0 to {_LARGEST_BALANCE:f} with at most eight decimals",
    ),
]


class _Account(Checked):
    """One account of the file. Problems name the key and never the value."""

    name: Annotated[_Name, Field(description="1 to 40 letters, digits, '_', '-' or '.'")]
    api_key: _Key
    api_secret: _Key
    balances: dict[_Asset, _Balance] = Field(default_factory=dict, description='an object such as {"USDT": "10000"}')
    maker_fee_percent: _Percent = Decimal("0.1")
    taker_fee_percent: _Percent = Decimal("0.1")
    fee_asset: Annotated[FeeAsset, Field(strict=False, description=f"one of {_FEE_ASSETS}")] = FeeAsset.RECEIVED

    def plan(self) -> AccountPlan:
        fees = FeeSchedule(self.maker_fee_percent / 100, self.taker_fee_percent / 100, self.fee_asset)
        balances = {asset: amount for asset, amount in self.balances.items() if amount}
        return AccountPlan(Credentials(self.name, self.api_key, self.api_secret), fees, balances)
