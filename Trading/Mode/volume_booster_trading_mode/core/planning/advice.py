"""Settings by which a campaign that can't be done could be done: advised only where following them was tried. Pure.

Each reason of `feasibility` suggests what would end it. All that is suggested is followed together, and the plan is
made again, until nothing stands in the way: what one suggestion brings up (a larger order that the balance does not pay
for) is answered by the next. What is out of a setting's bounds, or does not help, is not advised at all.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from types import MappingProxyType

from ..model.snapshot import Balances
from ..settings.corrections import swap_inverted_ranges
from ..settings.presets import decided_by
from ..settings.schema import Settings, SettingsError, parse_settings
from .feasibility import Problem
from .market_conditions import Conditions
from .planner import Plan, estimate

MOST_TRIES = 5
"""So often a plan is made again with what has been suggested so far."""
BALANCE = "--balance "
NOTHING: Mapping[str, str] = MappingProxyType({})


def with_advice(
    plan: Plan, settings: Settings, conditions: Conditions, seed: int = 0, deadline_s: float | None = None
) -> Plan:
    """The plan, each of its problems with all that has to be changed for it to be feasible; with nothing where that is
    not known.

    :param plan: what `estimate` has made of the other arguments.
    """
    return _advised(plan, _advice(plan, settings, conditions, seed, deadline_s))


def without_advice(plan: Plan) -> Plan:
    """The plan with its reasons only: what they suggest has not been tried."""
    return _advised(plan, NOTHING)


def _advised(plan: Plan, advice: Mapping[str, str]) -> Plan:
    return replace(plan, problems=tuple(Problem(problem.reason, advice) for problem in plan.problems))


def _advice(
    plan: Plan, settings: Settings, conditions: Conditions, seed: int, deadline_s: float | None
) -> Mapping[str, str]:
    advice: dict[str, str] = {}
    for _ in range(MOST_TRIES):
        if plan.is_feasible:
            return advice
        before, advice = advice, _merged(advice, plan.problems)
        if advice == before or (tried := followed(advice, settings, conditions)) is None:
            return NOTHING
        plan = estimate(*tried, seed, deadline_s)
    return advice if plan.is_feasible else NOTHING


def _merged(advice: Mapping[str, str], problems: tuple[Problem, ...]) -> dict[str, str]:
    """What was advised, and what these problems suggest; of two amounts of one balance the larger."""
    merged = dict(advice)
    for problem in problems:
        for key, value in problem.nearest.items():
            is_less = key.startswith(BALANCE) and key in merged and Decimal(value) < Decimal(merged[key])
            merged[key] = merged[key] if is_less else value
    return merged


def followed(
    advice: Mapping[str, str], settings: Settings, conditions: Conditions
) -> tuple[Settings, Conditions] | None:
    """Settings and conditions of a person who follows an advice on the command line; None where it would be refused."""
    wanted = {key: value for key, value in advice.items() if not key.startswith(BALANCE)}
    if set(wanted) & set(decided_by(settings.preset)):
        return None
    corrected, _ = swap_inverted_ranges(settings.to_config() | wanted)
    try:
        chosen = parse_settings(corrected)
    except SettingsError:
        return None
    rules, free = conditions.rules, conditions.balances
    base, quote = (advice.get(f"{BALANCE}{asset}") for asset in (rules.base, rules.quote))
    balances = Balances(
        free.base_free if base is None else Decimal(base), free.quote_free if quote is None else Decimal(quote)
    )
    return chosen, replace(conditions, balances=balances)
