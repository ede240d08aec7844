"""One market's part in a campaign on several: what it counts in, its allocation, and what the others learn of it."""

from __future__ import annotations

import dataclasses
import random
import typing
from decimal import Decimal

from ..adapters import market_data
from ..campaign.campaign import Campaign
from ..campaign.market_board import STARTS_WITHIN_S
from ..core.accounting import currency
from ..core.accounting.ledger import Progress
from ..core.decision import policy, quoting
from ..core.decision.guards import Halt
from ..core.decision.situation import Situation
from ..core.model.basics import ONE
from ..core.model.instrument import SPOT, Valuation, quote_of
from ..core.model.redact import text_of
from ..core.model.snapshot import MarketSnapshot
from ..core.settings.named_values import unknown_names
from ..core.settings.schema import Settings


class RefusedError(Exception):
    """This market can't take part; one sentence says why and what would do."""


class MarketAllocation:
    """The part of one market. `name` is its exchange and symbol."""

    def __init__(self, exchange_manager: typing.Any, symbol: str, campaign: Campaign, now: float) -> None:
        self._manager = exchange_manager
        self._campaign = campaign
        self._began_at = now
        self._checked: tuple[Settings | None, str] = (None, "")
        self.market = exchange_manager.exchange_name, symbol
        self.name = " ".join(self.market)
        self._twin = campaign.directory.join(self.market, now, market_data.venue_of(exchange_manager))

    def leave(self) -> None:
        """This market's loop ends."""
        self._campaign.directory.leave(self.market)

    def valuation(self, settings: Settings | None, now: float) -> Valuation:
        """What quantities of this market are worth in the campaign's currency.

        :param settings: None while they can't be used: then it counts in what it has counted in so far.
        :raises RefusedError: when it can't take part.
        :raises NotReadableError: when no price is known yet to convert its quote at.
        """
        if self._twin is not None:
            raise RefusedError(
                f"{self.name} is the same market as {self._twin} {self.market[1]}: two accounts there could trade with "
                "each other, so only the first one trades; disable one of the two exchanges"
            )
        counted_in = self._campaign.counted_in or self._quote if settings is None else self._counted_in(settings, now)
        rate = self._rate(counted_in, now)
        return SPOT if rate == ONE else Valuation(quote_rate=rate)

    def _counted_in(self, settings: Settings, now: float) -> str:
        """Worked out once for each settings that can be used."""
        checked, counted_in = self._checked
        if settings is checked:
            return counted_in
        if problem := self._problem(settings):
            raise RefusedError(problem)
        quotes = [quote_of(symbol) for symbol in market_data.enabled_pairs(self._manager)]
        try:
            counted_in = self._campaign.currency(settings, quotes, now)
        except currency.CurrencyError as error:
            raise RefusedError(text_of(error)) from error
        self._checked = settings, counted_in
        return counted_in

    @property
    def _quote(self) -> str:
        return quote_of(self.market[1])

    def _problem(self, settings: Settings) -> str:
        """A sentence for the names in the settings that nothing has."""
        exchanges, pairs = market_data.enabled_exchanges(self._manager), market_data.enabled_pairs(self._manager)
        for key in ("share_weights", "max_daily_quote", "rate_limit_margins", "exchange_priority"):
            value = getattr(settings, key)
            names = value if key == "exchange_priority" else [name for name, _ in value]
            known_pairs = pairs if key == "share_weights" else []
            if unknown := unknown_names(names, exchanges, known_pairs):
                told = ", ".join([*exchanges, *known_pairs])
                return f"{key}: {', '.join(unknown)} is not enabled in this OctoBot; {told} are"
        return ""

    def _rate(self, counted_in: str, now: float) -> Decimal:
        quote = self._quote
        if quote == counted_in:
            return ONE
        rate = self._campaign.directory.rate(quote, counted_in, now)
        if rate is None:
            rate = market_data.known_rate(self._manager, quote, counted_in)
        if rate is not None:
            return currency.rounded_rate(rate)
        why = (
            f"no price of {quote} in {counted_in} is known, so {self.name} can't count towards the target: enable the "
            f"pair {quote}/{counted_in} too (with {quote}/{counted_in} = 0 in share_weights it is not traded)"
        )
        if now - self._began_at < STARTS_WITHIN_S:
            raise market_data.NotReadableError(why)
        raise RefusedError(why)

    def decide(
        self,
        snapshot: MarketSnapshot,
        settings: Settings,
        progress: Progress,
        rng: random.Random,
        hold: str,
        standing: Halt | None,
    ) -> policy.Decision:
        """The decision of this market, made in its own quote; the other markets learn what came of it."""
        directory, rate = self._campaign.directory, snapshot.valuation.quote_rate
        # other markets may have sent one since this one looked
        risk_inputs = dataclasses.replace(snapshot.risk_inputs, last_order_at=self._campaign.last_order_at)
        snapshot = dataclasses.replace(snapshot, risk_inputs=risk_inputs)
        directory.see(self.market, snapshot, settings)
        allocation = self._campaign.allocation(self.market, settings, snapshot.now)
        look_s = quoting.LOOK_S if directory.traded(settings) <= quoting.MARKETS_AT_LOOK_S else 2 * quoting.LOOK_S
        if allocation is not None:
            own_target = self._campaign.committed(self.market, settings, snapshot.now) + allocation.headroom_quote
            headroom_quote = allocation.headroom_quote / rate
            allocation = dataclasses.replace(allocation, headroom_quote=headroom_quote, look_s=look_s)
            risk_inputs = dataclasses.replace(
                snapshot.risk_inputs, highest_fee_rate=allocation.highest_fee_rate, own_target_quote=own_target
            )
            snapshot = dataclasses.replace(snapshot, risk_inputs=risk_inputs)
        situation = Situation(
            currency.snapshot_in_quote(snapshot, rate),
            currency.settings_in_quote(settings, rate),
            currency.progress_in_quote(progress, rate),
        )
        decision = policy.decide(situation, rng, hold, standing, allocation)
        self._tell(decision, snapshot.now)
        return decision

    def _tell(self, decision: policy.Decision, now: float) -> None:
        match decision:
            case Halt():
                self.can_not_trade(now)
            case policy.Wait(is_pace=False, yields_to_other_markets=False):
                self._campaign.directory.can_not_trade(self.market, now, at_once=decision.releases_share)
            case _:
                self._campaign.directory.can_trade(self.market)

    def can_not_trade(self, now: float, *, at_once: bool = True) -> None:
        """Its share goes to the others until it can, `at_once` or when that lasts."""
        self._campaign.directory.can_not_trade(self.market, now, at_once=at_once)

    def is_due_at(self, at: float) -> None:
        """When this market will be on_error of again, if nothing goes wrong."""
        self._campaign.directory.is_due_at(self.market, at)
