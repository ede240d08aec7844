"""The currency that a campaign counts in, and what a market of another quote sees of it. Pure.

Target, amounts and sums are in the campaign's currency; prices, balances and the exchange's rules are in the quote of a
market. A decision is made in the market's quote: what is in the campaign's currency is brought into it first.
"""

from __future__ import annotations

import dataclasses
import decimal
from collections.abc import Iterable
from decimal import Decimal

from .books import Forgiven
from .ledger import Holding, Progress
from .market import ONE, Equity, View
from .settings import Settings

RATE_DIGITS = decimal.Context(prec=12)
_OF_SETTINGS = (
    "volume_target", "min_buy_amount", "max_buy_amount", "min_sell_amount", "max_sell_amount", "max_cost_quote",
)  # fmt: skip
_OF_PROGRESS = (
    "target_quote", "bought_quote", "sold_quote", "open_buy_quote", "open_sell_quote", "open_buy_here_quote",
    "open_sell_here_quote", "maker_quote", "fees_quote", "slippage_quote", "estimated_fees_quote",
)  # fmt: skip


class CurrencyError(ValueError):
    """The campaign can't tell what its amounts are in; one sentence says why and what would do."""


def campaign_currency(settings: Settings, quotes: Iterable[str], counted_in: str | None) -> str:
    """What target and amounts are in: the one quote that all pairs have, or the one that is set.

    :param quotes: those of all enabled pairs.
    :param counted_in: what the campaign has counted in so far; None for one that begins.
    :raises CurrencyError: when the quotes differ and none is set, or when another one was counted in.
    """
    told = sorted(set(quotes))
    if not settings.target_currency and len(told) > 1 and counted_in is None:
        raise CurrencyError(
            f"the pairs have the quotes {', '.join(told)}: set target_currency to the one that volume_target and the "
            "amounts are in"
        )
    wanted = settings.target_currency or counted_in or told[0]
    if counted_in not in (None, wanted):
        raise CurrencyError(
            f"the campaign has counted in {counted_in} so far, and target_currency is {wanted}: set it back, or "
            "start a new campaign: move campaign.sqlite aside, or start with --fresh, which does that"
        )
    return wanted


def rounded_rate(rate: Decimal) -> Decimal:
    """A rate with twelve digits: what is counted with it stays short and exact."""
    return RATE_DIGITS.plus(rate)


def settings_in_quote(settings: Settings, rate: Decimal) -> Settings:
    """The settings with their amounts in a quote of which one is worth `rate` of the campaign's currency."""
    if rate == ONE:
        return settings
    amounts = {name: getattr(settings, name) for name in _OF_SETTINGS}
    return settings.model_copy(update={name: value and value / rate for name, value in amounts.items()})


def progress_in_quote(progress: Progress, rate: Decimal) -> Progress:
    """The same of a progress."""
    if rate == ONE:
        return progress
    forgiven, holdings = progress.forgiven, progress.holdings
    amounts = {name: getattr(progress, name) for name in _OF_PROGRESS}
    return dataclasses.replace(
        progress,
        **{name: amount and amount / rate for name, amount in amounts.items()},
        forgiven=Forgiven(forgiven.cost_quote / rate, forgiven.filled_quote / rate),
        holdings=tuple(_holding_in_quote(holding, rate) for holding in holdings),
    )


def _holding_in_quote(holding: Holding, rate: Decimal) -> Holding:
    prices = {name: getattr(holding, name) / rate for name in ("average_price", "last_price", "realised_quote")}
    return dataclasses.replace(holding, **prices)


def view_in_quote(view: View, rate: Decimal) -> View:
    """A view of which the equity and what the campaign has filled are in its currency, with those in quote too."""
    if rate == ONE:
        return view
    equity = view.vitals.equity
    in_quote = Equity(*(getattr(equity, field.name) / rate for field in dataclasses.fields(equity)))
    hour_filled, own_target = view.vitals.hour_filled_quote, view.vitals.own_target_quote
    return dataclasses.replace(
        view,
        vitals=dataclasses.replace(
            view.vitals,
            equity=in_quote,
            hour_filled_quote=hour_filled / rate,
            own_target_quote=own_target and own_target / rate,
        ),
    )
