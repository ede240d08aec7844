"""An unfinished campaign of a home: whether it can continue as it is asked for, and what a person wants of it."""

from __future__ import annotations

import pathlib
import typing

from ...core.model.formats import shown
from ...core.settings.schema import Settings, TargetPeriod
from ...reporting.report import CampaignReport
from ..screen import lines

CONTINUE, FRESH, STOP = "continue", "fresh", "stop"
"""What can be answered."""


def ask(report: CampaignReport) -> str:
    """Whether to continue the campaign, to start a new one, or to stop; asked until it is one of them."""
    progress, quote = report.progress, report.quote
    filled, target = shown(progress.filled_quote, quote), shown(progress.target_quote, quote)
    lines.complain(f"there is an unfinished campaign: {filled} of {target} {quote} filled, seed {report.seed}")
    while True:
        try:
            answer = lines.ask("[c]ontinue it, start a [f]resh one, or [s]top? ").lower() or CONTINUE
        except EOFError:
            return STOP
        for word in (CONTINUE, FRESH, STOP):
            if word.startswith(answer):
                return word


def contradictions(
    report: CampaignReport, file: pathlib.Path, settings: Settings, requested: dict[str, typing.Any]
) -> list[str]:
    """Why the campaign can't continue as the command line asks; a new one can.

    :param file: its journal.
    :param requested: the settings that were given on the command line.
    """
    problems, whose = [], f"the campaign in {file}"
    if "seed" in requested and settings.seed != report.seed:
        problems.append(
            f"seed: {whose} has the seed {report.seed} and can't continue with {requested['seed']}: leave the seed out "
            "to continue it, or add --fresh for a new campaign"
        )
    filled, target, quote = report.progress.filled_quote, settings.volume_target, report.quote
    is_total = settings.target_period is TargetPeriod.TOTAL
    is_ending = report.end.is_trading_back and target == report.progress.target_quote
    if "volume_target" in requested and is_total and filled >= target and not is_ending:
        problems.append(
            f"volume_target: {whose} has filled {shown(filled, quote)} already, which is not less than "
            f"{shown(target, quote)}: name a larger target to continue it, or add --fresh for a new campaign"
        )
    return problems
