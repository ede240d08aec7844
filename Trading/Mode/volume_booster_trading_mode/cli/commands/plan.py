"""`volume-booster plan`: estimates the cost and duration of a campaign before it starts."""

from __future__ import annotations

import argparse
import functools
import typing
from decimal import Decimal

import rich.table

from ...core.model.basics import OrderType, Role
from ...core.model.formats import duration, quantity, shown
from ...core.model.redact import text_of
from ...core.planning import fee_tiers, styles
from ...core.planning.advice import with_advice
from ...core.planning.planner import BAND_PERCENT, Band, Plan, estimate
from ...core.settings.schema import Settings, without_octobot_keys
from ..arguments.requested import requested_settings
from ..files import chosen, home
from ..files.assumptions import Assumed, assume, read_text
from ..process.watchdog import ExitCode
from ..screen import lines, terminal
from . import bundle, options, run

_COMMANDS = {
    options.OFFLINE_PROFILE: "`volume-booster simulate`",
    options.SANDBOX_PROFILE: "`volume-booster sandbox`",
}


def main(arguments: argparse.Namespace) -> int:
    """Print the plan; exit code 2 when such a campaign is not feasible.

    :raises SettingsError, HomeError, BundleError: when there is nothing to plan.
    """
    octobot_home = home.Home(arguments.home.absolute())
    profile = chosen.choose(octobot_home, arguments.profile, bundle.profiles(), options.OFFLINE_PROFILE)
    settings, config = _settings_and_config(arguments, profile)
    assumed = assume(arguments, config, settings)
    plan = estimate(settings, assumed.conditions, arguments.plan_seed, arguments.deadline)
    plan = with_advice(plan, settings, assumed.conditions, arguments.plan_seed, arguments.deadline)
    gain = _gain(arguments, settings, plan)
    comparison = styles.compare(settings, assumed.conditions, arguments.deadline)
    if arguments.json:
        extra = {"symbol": assumed.symbol, "exchange": assumed.exchange, "trading": assumed.trading.value}
        chosen_by = {"profile": profile.id, "home": str(octobot_home.path), "markets": _markets(config)}
        tiers = {} if gain is None else {"fee_tier": gain.to_json()}
        told = {"assumptions": list(assumed.sources)}
        lines.as_json(plan.to_json() | comparison.to_json() | extra | chosen_by | told | tiers)
    else:
        _say(_first_line(profile, config))
        _print(plan, assumed, settings, gain)
        _print_styles(comparison, is_recommended=plan.is_feasible)
    for problem in plan.problems:
        lines.complain(problem.sentence)
    return ExitCode.DONE if plan.is_feasible else ExitCode.UNUSABLE


def _settings_and_config(
    arguments: argparse.Namespace, profile: chosen.Chosen
) -> tuple[Settings, dict[str, typing.Any]]:
    """The settings that a run with these arguments would have, and the configuration of its profile."""
    config = profile.config()
    of_profile = without_octobot_keys(home.mode_settings(profile.profile))
    return run.settings_of(of_profile, requested_settings(arguments)), config


def _first_line(profile: chosen.Chosen, config: dict[str, typing.Any]) -> str:
    """What is planned, and which of several markets the prices, fees and rules are those of."""
    command = _COMMANDS.get(profile.id, "a run")
    first, *others = _markets(config)
    of = f"; each of its {len(others) + 1} markets is planned like {first}" if others else ""
    return f"This is what {command} with the profile {profile.id} ({profile.why}) would come to{of}."


def _markets(config: dict[str, typing.Any]) -> list[str]:
    exchanges = [name for name, one in config["exchanges"].items() if one.get("enabled", True)]
    return [f"{pair} on {exchange}" for exchange in exchanges for pair in home.enabled_pairs(config)]


def _say(line: str) -> None:
    terminal.wrapped(line)


def _gain(arguments: argparse.Namespace, settings: Settings, plan: Plan) -> fee_tiers.TierGain | None:
    if arguments.fee_tiers is None:
        return None
    try:
        tiers = fee_tiers.read_tiers(read_text(arguments.fee_tiers))
    except fee_tiers.FeeTiersError as error:
        raise home.HomeError(f"{arguments.fee_tiers} is no table of fee tiers: {text_of(error)}") from error
    return fee_tiers.gain(tiers, arguments.volume_30d, settings.volume_target, plan.cost_quote.expected)


def _print(plan: Plan, assumed: Assumed, settings: Settings, gain: fee_tiers.TierGain | None) -> None:
    quote = assumed.conditions.rules.quote
    where = f"{assumed.symbol} on {assumed.exchange}, {assumed.trading.value}"
    terminal.show(plan_table(plan, quote, f"Plan: {shown(plan.target_quote, quote)} {quote} of {where}"))
    lines = [
        f"Each range covers {BAND_PERCENT} % of simulated campaigns.",
        *(_tier_lines(gain, quote, settings) if gain else ()),
        *(f"Note: {note}" for note in plan.notes),
        *(f"Assumed {source}" for source in (*assumed.sources, *plan.assumptions)),
    ]
    for line in lines:
        terminal.wrapped(line)


def _print_styles(comparison: styles.Comparison, *, is_recommended: bool) -> None:
    """The ways to the target beside each other, and which one is recommended where the plan can be carried out."""
    table = rich.table.Table(title="Ways to the target", title_justify="left")
    table.add_column("order_type", style="bold", no_wrap=True)
    for name in ("all-in cost (bps)", "duration", "in time", "maker"):
        table.add_column(name, justify="right")
    for name, style in comparison.styles.items():
        took = "endless" if style.duration_s is None else duration(style.duration_s)
        chance = "" if style.chance_of_deadline is None else f"{style.chance_of_deadline:.0%}"
        table.add_row(name, f"{style.cost_bps:.2f}", took, chance, f"{style.maker_share:.0%}")
    terminal.show(table)
    if is_recommended:
        terminal.wrapped(f"Recommended: order_type {comparison.recommended}: {comparison.because}.")


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
    money = functools.partial(shown, quote=quote)
    return [
        ("Orders", *_ends(plan.orders, lambda value: f"{value:,.0f}" if value.is_finite() else "endless")),
        ("Duration", *_ends(plan.duration_s, lambda value: duration(float(value)))),
        (f"Fees ({quote})", *_ends(plan.fees_quote, money)),
        (f"Spread, slippage ({quote})", *_ends(plan.spread_quote, money)),
        (f"Cost ({quote})", *_ends(plan.cost_quote, money)),
        ("Cost (bps)", *_ends(plan.cost_bps, lambda value: f"{value:.2f}")),
        (f"{quote} per million", *_ends(plan.cost_per_million, money)),
        ("Capital, in base", "", "", quantity(plan.base_needed)),
        (f"Capital ({quote})", "", f"turns {plan.turns:.1f} x", money(plan.quote_needed)),
        (f"Inventory ({quote})", money(plan.inventory_low_quote), "", money(plan.inventory_high_quote)),
        (f"Flattening ({quote})", "", f"{plan.flattening_bps:.2f} bps", money(plan.flattening_quote)),
    ]


def _ends(band: Band, show: typing.Callable[[Decimal], str]) -> tuple[str, str, str]:
    return show(band.low), show(band.expected), show(band.high)


def _tier_lines(gain: fee_tiers.TierGain, quote: str, settings: Settings) -> list[str]:
    reached, before = gain.reached, gain.before
    role = Role.TAKER if settings.order_type.sends is OrderType.MARKET else Role.MAKER
    lines = [f"Fee tier: from {_tier(before, quote)} to {_tier(reached, quote)}"]
    saving = gain.taker_saving_bps if role is Role.TAKER else gain.maker_saving_bps
    break_even = gain.break_even_taker_quote if role is Role.TAKER else gain.break_even_maker_quote
    if break_even is None:
        lines.append(f"It saves nothing as {role.value} on later volume.")
    else:
        lines.append(
            f"It saves {saving:.2f} bps as {role.value} on later volume, and is worth its cost from "
            f"{shown(break_even, quote)} {quote} of that on."
        )
    if gain.missing_quote is not None:
        lines.append(f"To the next tier {shown(gain.missing_quote, quote)} {quote} are missing.")
    return lines


def _tier(tier: fee_tiers.FeeTier, quote: str) -> str:
    return f"{shown(tier.volume_quote, quote)} (maker {tier.maker_rate:.4%}, taker {tier.taker_rate:.4%})"
