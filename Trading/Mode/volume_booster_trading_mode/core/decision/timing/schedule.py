"""The schedule of a campaign: a straight line from its first order to its deadline, and how far it may fall behind.

The slack shrinks to nothing at the deadline, as in tread.fi's schedule band: early on a resting order has time to fill,
at the end there is none left. All amounts are in the same currency as those of the `Progress`.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from ...accounting.ledger import Progress
from ...accounting.tallies import DAY_S
from ...model.basics import ZERO, ExecutionStyle, Side
from ...model.snapshot import MarketSnapshot
from ...settings.schema import Settings, TargetPeriod, Urgency

HUNDRED = Decimal(100)

SHARE_OF_VOLUME = {
    Urgency.PASSIVE: Decimal("0.025"),
    Urgency.NORMAL: Decimal("0.05"),
    Urgency.AGGRESSIVE: Decimal("0.1"),
}
"""The share of what a market trades in 24 hours that a campaign of this urgency takes part with; the ends are the
presets of tread.fi's market maker bot."""


@dataclass(frozen=True, slots=True)
class Schedule:
    """From `begun_at` to `deadline_at`, in seconds of OctoBot's clock; `slack` is a share of the target, 0 to 1."""

    begun_at: float
    deadline_at: float
    target_quote: Decimal
    slack: Decimal

    def planned_quote(self, now: float) -> Decimal:
        """What the line has at this moment."""
        return self.target_quote * self._passed(now)

    def gap_quote(self, now: float, filled_quote: Decimal) -> Decimal:
        """By how much the line is ahead of what is filled; below zero where the campaign is ahead of it."""
        return self.planned_quote(now) - filled_quote

    def is_behind(self, now: float, filled_quote: Decimal, *, has_slack: bool = True) -> bool:
        """Whether less is filled than the line has, less the slack that is left at this moment."""
        slack_quote = self.target_quote * self.slack * (1 - self._passed(now)) if has_slack else ZERO
        return self.gap_quote(now, filled_quote) > slack_quote

    def _passed(self, now: float) -> Decimal:
        """The share of the time that is over, 0 to 1."""
        whole_s = self.deadline_at - self.begun_at
        if now >= self.deadline_at or whole_s <= 0:
            return Decimal(1)
        return Decimal(str(max(now - self.begun_at, 0.0) / whole_s))


def schedule_of(snapshot: MarketSnapshot, settings: Settings, progress: Progress) -> Schedule | None:
    """The schedule in force on a market as it is seen now; None where there is none."""
    return schedule_at(snapshot.now, settings, progress, snapshot.risk_inputs.day_volume_quote)


def schedule_at(
    now: float, settings: Settings, progress: Progress, day_volume_quote: Decimal | None = None
) -> Schedule | None:
    """The schedule; None where there is none: a pair without a deadline, or orders that follow their own pace.

    It begins with the first order of the target's period. A target of a day ends with the day at the latest.
    """
    length_s = length_of(settings, progress.target_quote, day_volume_quote)
    if length_s is None:
        return None
    begun_at = now if progress.first_order_at is None else min(progress.first_order_at, now)
    deadline_at = begun_at + length_s
    if settings.target_period is TargetPeriod.DAILY:
        deadline_at = min(deadline_at, (begun_at // DAY_S + 1) * DAY_S)
    return Schedule(begun_at, deadline_at, progress.target_quote, settings.schedule_slack_percent / HUNDRED)


def length_of(settings: Settings, target_quote: Decimal, day_volume_quote: Decimal | None) -> float | None:
    """How many seconds the settings leave for a target: by `deadline`, else by `urgency` where the market's volume is
    known, else for passive orders what amounts and pace imply."""
    if not settings.order_type.is_quoting:
        return None
    if settings.deadline is not None:
        return settings.deadline
    share = SHARE_OF_VOLUME.get(settings.urgency)
    if share is not None and day_volume_quote:
        share = min(share, settings.max_participation_percent / HUNDRED)
        return float(target_quote / (day_volume_quote * share)) * DAY_S
    if settings.order_type is ExecutionStyle.PAIR:
        return None
    mean_pause_s = (settings.trade_frequency_min + settings.trade_frequency_max) / 2
    return float(target_quote / chunk_quote(settings)) * mean_pause_s


def chunk_quote(settings: Settings) -> Decimal:
    """The mean order, in quote: what inventory is counted in."""
    ends = [end for side in Side for end in settings.amount_range(side)]
    return sum(ends, ZERO) / len(ends)
