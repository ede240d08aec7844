"""`volume-booster plan`: estimates the cost and duration of a campaign before it starts."""

from __future__ import annotations

import argparse
import json
import sys
import typing
from decimal import Decimal

import rich.console
import rich.table

from ...core.model.basics import OrderType, Role
from ...core.model.formats import duration, shown
from ...core.model.redact import text_of
from ...core.planning import fee_tiers
from ...core.planning.planner import BAND_PERCENT, Band, Plan, estimate
from ...core.settings.schema import Settings, without_octobot_keys
from ..files import home
from ..files.assumptions import Assumed, assume, read_text
from ..process.watchdog import ExitCode
from . import run


def main(arguments: argparse.Namespace) -> int:
    """Print the plan; exit code 2 when such a campaign is not feasible.

    :raises SettingsError, HomeError, BundleError: when there is nothing to plan.
    """
    settings, config = _settings_and_config(arguments)
    assumed = assume(arguments, config, settings)
    plan = estimate(settings, assumed.conditions, arguments.plan_seed, arguments.deadline)
    gain = _gain(arguments, settings, plan)
    if arguments.json:
        extra = {"symbol": assumed.symbol, "exchange": assumed.exchange, "trading": assumed.trading.value}
        tiers = {} if gain is None else {"fee_tier": gain.to_json()}
        print(json.dumps(plan.to_json() | extra | {"assumptions": list(assumed.sources)} | tiers))
    else:
        _print(plan, assumed, settings, gain)
    for problem in plan.problems:
        print(f"volume-booster: {problem.sentence}", file=sys.stderr)
    return ExitCode.DONE if plan.is_feasible else ExitCode.UNUSABLE


def _settings_and_config(arguments: argparse.Namespace) -> tuple[Settings, dict[str, typing.Any]]:
    """The settings that a run with these arguments would have, and the configuration of its profile."""
    profile = run.find_profile(home.Home(arguments.home.absolute()), arguments.profile)
    requested = dict(arguments.set) | ({} if arguments.target is None else {"volume_target": arguments.target})
    return run.settings_of(without_octobot_keys(home.mode_settings(profile)), requested), home.profile_config(profile)


def _gain(arguments: argparse.Namespace, settings: Settings, plan: Plan) -> fee_tiers.TierGain | None:
    if arguments.fee_tiers is None:
        return None
    try:
        tiers = fee_tiers.read_tiers(read_text(arguments.fee_tiers))
    except fee_tiers.FeeTiersError as error:
        raise home.HomeError(f"{arguments.fee_tiers} is no table of fee tiers: {text_of(error)}") from error
    return fee_tiers.gain(tiers, arguments.volume_30d, settings.volume_target, plan.cost_quote.expected)


def _print(plan: Plan, assumed: Assumed, settings: Settings, gain: fee_tiers.TierGain | None) -> None:
    console, quote = rich.console.Console(), assumed.conditions.rules.quote
    where = f"{assumed.symbol} on {assumed.exchange}, {assumed.trading.value}"
    console.print(plan_table(plan, quote, f"Plan: {shown(plan.target_quote)} {quote} of {where}"))
    lines = [
        f"Each range covers {BAND_PERCENT} % of simulated campaigns.",
        *(_tier_lines(gain, quote, settings) if gain else ()),
        *(f"Note: {note}" for note in plan.notes),
        *(f"Assumed {source}" for source in assumed.sources),
    ]
    for line in lines:
        console.print(line, markup=False, highlight=False)


def plan_table(plan: Plan, quote: str, title: str) -> rich.table.Table:
    """A plan for a person."""
    table = rich.table.Table(title=title, title_justify="left")
    table.add_column("", style="bold", no_wrap=True)
    for name in ("low", "expected", "high"):
        table.add_column(name, justify="right")
    for row in plan_rows(plan, quote):
        table.add_row(*row)
    return table


def plan_rows(plan: Plan, quote: str) -> list[tuple[str, ...]]:
    """The lines of a plan as text: name, low, expected, high."""
    return [
        ("Orders", *_ends(plan.orders, lambda value: f"{value:,.0f}" if value.is_finite() else "endless")),
        ("Duration", *_ends(plan.duration_s, lambda value: duration(float(value)))),
        (f"Fees ({quote})", *_ends(plan.fees_quote, shown)),
        (f"Spread, slippage ({quote})", *_ends(plan.spread_quote, shown)),
        (f"Cost ({quote})", *_ends(plan.cost_quote, shown)),
        ("Cost (bps)", *_ends(plan.cost_bps, lambda value: f"{value:.2f}")),
        ("Capital, in base", "", "", f"{plan.base_needed:.5f}"),
        (f"Capital ({quote})", "", f"turns {plan.turns:.1f} x", shown(plan.quote_needed)),
        (f"Inventory ({quote})", shown(plan.inventory_low_quote), "", shown(plan.inventory_high_quote)),
    ]


def _ends(band: Band, show: typing.Callable[[Decimal], str]) -> tuple[str, str, str]:
    return show(band.low), show(band.expected), show(band.high)


def _tier_lines(gain: fee_tiers.TierGain, quote: str, settings: Settings) -> list[str]:
    reached, before = gain.reached, gain.before
    role = Role.TAKER if settings.order_type is OrderType.MARKET else Role.MAKER
    lines = [f"Fee tier: from {_tier(before)} to {_tier(reached)}"]
    saving = gain.taker_saving_bps if role is Role.TAKER else gain.maker_saving_bps
    break_even = gain.break_even_taker_quote if role is Role.TAKER else gain.break_even_maker_quote
    if break_even is None:
        lines.append(f"It saves nothing as {role.value} on later volume.")
    else:
        lines.append(
            f"It saves {saving:.2f} bps as {role.value} on later volume, and is worth its cost from "
            f"{shown(break_even)} {quote} of that on."
        )
    if gain.missing_quote is not None:
        lines.append(f"To the next tier {shown(gain.missing_quote)} {quote} are missing.")
    return lines


def _tier(tier: fee_tiers.FeeTier) -> str:
    return f"{shown(tier.volume_quote)} (maker {tier.maker_rate:.4%}, taker {tier.taker_rate:.4%})"
