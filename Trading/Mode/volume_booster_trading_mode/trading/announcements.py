"""What a person is notified of without asking: the plan at the start, and progress on the way."""

from __future__ import annotations

import asyncio
import statistics

from ..adapters.runtime import notifications
from ..adapters.runtime.error_log import log_error
from ..campaign.campaign import Campaign
from ..core.accounting.ledger import Progress
from ..core.decision import futures_position
from ..core.model import formats
from ..core.model.basics import ONE
from ..core.model.formats import duration
from ..core.model.redact import text_of
from ..core.model.snapshot import MarketSnapshot
from ..core.notify import progress_lines
from ..core.notify.milestones import milestone
from ..core.notify.notices import Notice, audience, audience_label
from ..core.planning import styles
from ..core.planning.advice import with_advice
from ..core.planning.market_conditions import ORDER_INTERVAL_S, ORDER_LATENCY_S, USUAL_VOLATILITY_PERCENT, Conditions
from ..core.planning.planner import Plan, estimate
from ..core.planning.simulation import LEVEL_LOG_DEVIATION
from ..core.settings.schema import Settings, TargetScope
from .session import Session

WATCH = "`volume-booster watch` shows it live, and OctoBot's web page under Trading; Pause or Stop there holds it."
HOLD_IT = "Pause or Stop on the mode's page in OctoBot's web page, or `volume-booster pause`, holds it."
MEND_PLAN = "change what is named on the mode's page in OctoBot's web page, which takes effect at once."

NO_BOOK = (
    "OctoBot's simulator has no order book: quotes stand one basis point from its price and fill whole when it touches "
    "them, so what they cost here says nothing of a real market; `volume-booster sandbox` has a book"
)
MEDIAN_ERROR = 1.2533
"""Standard error of the median of n normal numbers, in their deviations over the root of n."""


class Announcements:
    """Of one loop: it looks at each tick, and speaks when there is something to say."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._has_begun = False
        self._planning: asyncio.Task[None] | None = None

    async def look(self, campaign: Campaign, snapshot: MarketSnapshot, settings: Settings, progress: Progress) -> None:
        """Tell the plan when this run begins, and progress each time that enough more of the target is filled.

        Of pairs that share a target the one that looks first tells it.
        """
        source, whose = self._session.source, audience(self._session.source, settings)
        if not self._has_begun:
            self._has_begun = True
            self._begin(campaign, snapshot, settings, progress)
        reached = milestone(progress, settings.notify_every_percent)
        before = campaign.told_percent.setdefault(whose, reached)
        campaign.told_percent[whose] = reached
        if before < reached < 100:
            shown = audience_label(source, settings, len(campaign.sources))
            text = f"{shown}, {reached:g} %: {progress_lines.sentence(progress, self._session.currency)}"
            await notifications.notify(campaign, self._session.now(), Notice(f"{whose} {reached:g} %", text, WATCH))

    def _begin(self, campaign: Campaign, snapshot: MarketSnapshot, settings: Settings, progress: Progress) -> None:
        """Write down what the plan starts from; and where it is not a backtest, which has its own clock, tell it."""
        if progress.is_done or snapshot.valuation.quote_rate != ONE:
            return  # a plan is told in the campaign's currency, by a market of that quote
        conditions = self._conditions(snapshot, campaign, settings)
        if settings.order_type.is_quoting and snapshot.trading.is_simulated:
            self._session.logger.warning("%s: %s", self._session.source, NO_BOOK)
        is_first = campaign.note_conditions(self._session.now(), self._session.source, conditions)
        if self._session.manager.is_backtesting:
            return
        if not campaign.is_news(f"plan of {audience(self._session.source, settings)}", "told"):
            return
        rest = settings.model_copy(update={"volume_target": progress.remaining_quote})
        begins = "begins" if is_first else "goes on"
        # trading does not wait for it
        self._planning = asyncio.get_running_loop().create_task(self._announce_plan(campaign, rest, conditions, begins))

    async def _announce_plan(self, campaign: Campaign, settings: Settings, conditions: Conditions, begins: str) -> None:
        logger = self._session.logger
        source = audience_label(self._session.source, settings, len(campaign.sources))
        try:
            plan = await asyncio.to_thread(_plan, settings, conditions)
            told = plan_sentence(plan, conditions.rules.quote, conditions.pairs)
            (logger.warning if plan.problems else logger.info)("Plan of %s: %s", source, told)
            comparison = await asyncio.to_thread(styles.compare, settings, conditions)
            logger.info("Recommended for %s: order_type %s: %s", source, comparison.recommended, comparison.because)
            advice = MEND_PLAN if plan.problems else HOLD_IT
            notice = Notice(f"plan of {source}", f"{source} {begins}: {told}", advice, is_urgent=True)
            await notifications.notify(campaign, self._session.now(), notice)
        except Exception as error:  # noqa: BLE001 - a task of its own: nobody else would hear of it, and trading continues
            log_error(logger, error, f"The plan of {source} could not be made: {text_of(error)}")

    def end(self) -> None:
        """Nothing is told any more."""
        if self._planning is not None:
            self._planning.cancel()

    def _conditions(self, snapshot: MarketSnapshot, campaign: Campaign, settings: Settings) -> Conditions:
        is_shared = settings.target_scope is TargetScope.TOTAL
        spread_bps, depth_quote, levels = 0.0, None, snapshot.bids + snapshot.asks
        if snapshot.best_bid is not None and snapshot.best_ask is not None:
            spread_bps = float((snapshot.best_ask - snapshot.best_bid) / snapshot.mid_price * 10_000)
        if levels:
            depth_quote = statistics.median(
                float(snapshot.rules.notional(level.quantity, level.price)) for level in levels
            )
        volume = snapshot.risk_inputs.day_volume_quote
        return Conditions(
            rules=futures_position.planning_rules(snapshot.rules, snapshot.mid_price),
            price=snapshot.mid_price,
            balances=snapshot.balances,
            spread_bps=spread_bps,
            volatility_percent=USUAL_VOLATILITY_PERCENT,
            depth_quote=depth_quote,
            depth_log_error=MEDIAN_ERROR * LEVEL_LOG_DEVIATION / len(levels) ** 0.5 if levels else 0.0,
            order_latency_s=ORDER_LATENCY_S[snapshot.trading],
            order_interval_s=ORDER_INTERVAL_S.get((snapshot.trading, settings.order_type.sends), 0.0),
            market_quote_per_hour=None if volume is None else volume / 24,
            pairs=max(campaign.directory.traded(settings), 1) if is_shared else 1,
        )


def _plan(settings: Settings, conditions: Conditions) -> Plan:
    return with_advice(estimate(settings, conditions), settings, conditions)


def plan_sentence(plan: Plan, quote: str, pairs: int = 1) -> str:
    """A plan in one sentence."""
    orders, seconds, cost = plan.orders, plan.duration_s, plan.cost_quote
    if plan.problems:
        return "; ".join([*(one.reason for one in plan.problems[:-1]), plan.problems[-1].sentence])
    low, expected, high = (duration(float(end)) for end in (seconds.low, seconds.expected, seconds.high))
    shared = f" on {pairs} markets" if pairs > 1 else ""
    return (
        f"{formats.shown(plan.target_quote, quote)} {quote}{shared} in about {orders.expected:,} orders and {expected} "
        f"({low} to {high}), at a cost of about {formats.shown(cost.expected, quote)} {quote} "
        f"({plan.cost_bps.expected:.2f} bps)"
    )
