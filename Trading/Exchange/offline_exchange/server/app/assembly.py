"""Puts an exchange together: from a scenario and a list of accounts, or from a state file that must agree with them."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from ..engine.clock import ExchangeClock, WallClock
from ..engine.venue import Venue
from ..market.markets import cut
from ..market.tape import SECOND_MS, MarketSource
from ..market.world import MarketScenario
from ..rest.exchange import Exchange
from ..rest.rate_limits import RateLimits
from .account_file import DEFAULT_ACCOUNT, AccountPlan, open_accounts, with_fees
from .options import option_of
from .state import SavedState

_ENOUGH_QUOTE = Decimal(10_000)


class ContradictionError(Exception):
    """The options contradict the state file; the message says which one."""


@dataclass(frozen=True, slots=True)
class Assembled:
    """An exchange, the scenario that it plays, and the generation of the state file that it comes from."""

    exchange: Exchange
    scenario: MarketScenario
    generation: int = 0


def assemble(
    scenario: MarketScenario,
    accounts: Sequence[AccountPlan] | None,
    wall: WallClock,
    limits: RateLimits,
    fees: Mapping[str, Decimal | None] | None = None,
) -> Assembled:
    """A fresh exchange, with the default account where no accounts are given.

    :param fees: of every account, in percent, by `maker` and `taker`; those of the accounts where not given.


    Raises ReplayError and ValueError, as MarketScenario.source does.
    """
    venue = Venue(scenario.source())
    accounts = with_fees(accounts or (_with_all_assets(DEFAULT_ACCOUNT, venue.source),), **(fees or {}))
    open_accounts(venue.engine, accounts)
    credentials = [account.credentials for account in accounts]
    return Assembled(Exchange(venue, ExchangeClock(wall), credentials, limits), scenario)


def _with_all_assets(account: AccountPlan, source: MarketSource) -> AccountPlan:
    """An account that can trade on every market: of what it lacks as much as it has of the quote, by value."""
    balances = dict(account.balances)
    for market_id, rules in source.markets.items():
        quote = balances.setdefault(rules.quote, max(_ENOUGH_QUOTE, 1_000 * rules.minimum_notional_quote))
        price_quote = source.last_print(market_id, source.start_time * SECOND_MS).price_quote
        balances.setdefault(rules.base, cut(quote / price_quote))
    return dataclasses.replace(account, balances=balances)


def reassemble(saved: SavedState, wall: WallClock, limits: RateLimits) -> Assembled:
    """The exchange of a state file. Raises StateError and ReplayError."""
    venue = Venue(saved.source())
    saved.restore(venue)
    credentials = [account.credentials for account in saved.accounts]
    exchange = Exchange(venue, saved.clock(wall), credentials, limits)
    saved.redo(exchange)
    return Assembled(exchange, saved.scenario, saved.generation)


def check_agreement(saved: SavedState, asked: Mapping[str, Any], accounts: Sequence[AccountPlan] | None) -> None:
    """Raises ContradictionError when an option that was given, by its field in MarketScenario, is not the state's."""
    held = saved.scenario.to_json()
    for name, value in asked.items():
        if held.get(name) != value:
            was = _shown(held[name]) if name in held else "no such value"
            raise ContradictionError(
                f"{option_of(name)} {_shown(value)} contradicts {saved.path}, which has {was}; leave it out."
            )
    if accounts is not None and _identities(accounts) != _identities(saved.accounts):
        raise ContradictionError(f"--accounts contradicts {saved.path}, which has other accounts, keys or fees.")


def _shown(value: Any) -> str:
    """As the option has it: a market by its name."""
    if isinstance(value, Mapping):
        return str(value["name"])
    return {True: "on", False: "off"}[value] if isinstance(value, bool) else str(value)


def _identities(accounts: Sequence[AccountPlan]) -> list[Any]:
    """Everything about accounts but what they own."""
    return sorted(
        (*dataclasses.astuple(one.credentials), one.fees.maker_rate, one.fees.taker_rate, one.fees.asset.value)
        for one in accounts
    )
