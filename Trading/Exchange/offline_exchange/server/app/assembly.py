"""Puts an exchange together: from a scenario and a list of accounts, or from a state file that must agree with them."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..engine.clock import ExchangeClock, WallClock
from ..engine.venue import Venue
from ..market.world import MarketScenario
from ..rest.exchange import Exchange
from ..rest.rate_limits import RateLimits
from .account_file import AccountPlan, open_accounts
from .options import option_of
from .state import SavedState


class ContradictionError(Exception):
    """The options contradict the state file; the message says which one."""


@dataclass(frozen=True, slots=True)
class Assembled:
    """An exchange and the scenario that it plays."""

    exchange: Exchange
    scenario: MarketScenario


def assemble(
    scenario: MarketScenario, accounts: Sequence[AccountPlan], wall: WallClock, limits: RateLimits
) -> Assembled:
    """A fresh exchange. Raises ReplayError and ValueError, as MarketScenario.source does."""
    venue = Venue(scenario.source())
    open_accounts(venue.engine, accounts)
    credentials = [account.credentials for account in accounts]
    return Assembled(Exchange(venue, ExchangeClock(wall), credentials, limits), scenario)


def reassemble(saved: SavedState, wall: WallClock, limits: RateLimits) -> Assembled:
    """The exchange of a state file. Raises StateError and ReplayError."""
    venue = Venue(saved.source())
    saved.restore(venue)
    credentials = [account.credentials for account in saved.accounts]
    return Assembled(Exchange(venue, saved.clock(wall), credentials, limits), saved.scenario)


def check_agreement(saved: SavedState, asked: Mapping[str, Any], accounts: Sequence[AccountPlan] | None) -> None:
    """Raises ContradictionError when an option that was given, by its field in MarketScenario, is not the state's."""
    held = saved.scenario.to_json()
    for name, value in asked.items():
        if held.get(name) != value:
            was = f"{held[name]}" if name in held else "no such value"
            raise ContradictionError(
                f"{option_of(name)} {value} contradicts {saved.path}, which has {was}; leave it out."
            )
    if accounts is not None and _identities(accounts) != _identities(saved.accounts):
        raise ContradictionError(f"--accounts contradicts {saved.path}, which has other accounts, keys or fees.")


def _identities(accounts: Sequence[AccountPlan]) -> list[Any]:
    """Everything about accounts but what they own."""
    return sorted(
        (*dataclasses.astuple(one.credentials), one.fees.maker_rate, one.fees.taker_rate, one.fees.asset.value)
        for one in accounts
    )
