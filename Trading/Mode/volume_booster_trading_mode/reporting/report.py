"""The report of a campaign, running or not: its fields, as JSON for scripts and as text for people."""

from __future__ import annotations

import contextlib
import dataclasses
import pathlib
import typing
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal

from ..core.accounting.ledger import Holding, Ledger, Progress
from ..core.accounting.tallies import DAY_S, Market, day_of, exact_add
from ..core.decision import campaign_state
from ..core.decision.campaign_state import LIVE, StateName, lasting_control, state_after
from ..core.decision.control import STOP
from ..core.decision.timing.schedule import schedule_at
from ..core.model.basics import ZERO, Trading
from ..core.model.formats import CENT, iso_date, iso_time, money, money_of_quotient
from ..core.model.instrument import quote_of
from ..core.model.orders import Fill
from ..core.settings.schema import EndOfCampaign, Settings, SettingsError, TargetPeriod, TargetScope, parse_settings
from ..journal.journal import CONDITIONS, ERROR, HALT, START, TARGET, WAIT, EventRow, Journal
from . import ending, measured


@dataclass(frozen=True, slots=True)
class Day:
    """The progress of a daily target on one day, from 00:00 UTC."""

    day: int
    progress: Progress

    def to_json(self) -> dict[str, typing.Any]:
        progress = self.progress
        return {
            "day": iso_date(self.day * DAY_S),
            "target_quote": money(progress.target_quote),
            "filled_quote": money(progress.filled_quote),
            **_totals(progress),
        }


@dataclass(frozen=True, slots=True)
class Part:
    """One market of a campaign: its progress, and the kind and reason of its last event."""

    exchange: str
    symbol: str
    progress: Progress
    kind: str | None
    reason: str

    @property
    def name(self) -> str:
        return f"{self.exchange} {self.symbol}"

    @property
    def state(self) -> StateName:
        return state_after(self.kind)

    def share_of(self, whole: Progress) -> float:
        """Of all that is filled, 0 to 1."""
        return float(self.progress.filled_quote / whole.filled_quote) if whole.filled_quote else 0.0

    def to_json(self, whole: Progress) -> dict[str, typing.Any]:
        progress = self.progress
        return {
            "exchange": self.exchange,
            "symbol": self.symbol,
            "filled_quote": money(progress.filled_quote),
            "share": round(self.share_of(whole), 4),
            **_totals(progress),
            "state": self.state,
            "reason": self.reason or None,
        }


@dataclass(frozen=True, slots=True)
class CampaignReport:
    """A campaign as its journal records it.

    With a daily target `progress` and `state` are those of the day, and `days` is the history, the day itself the last.
    """

    progress: Progress
    state: StateName
    reason: str | None
    trading: str
    octobot_version: str
    markets: tuple[tuple[str, str], ...]
    seed: int | None
    restarts: int
    started_at: float
    last_start_at: float
    ended_at: float | None
    last_fill: tuple[Fill, str] | None
    last_seen_at: float = 0.0
    """When the bot last wrote something down."""
    target_scope: str = TargetScope.TOTAL.value
    target_period: str = TargetPeriod.TOTAL.value
    days: tuple[Day, ...] = ()
    has_noted_done: bool = False
    """Whether the bot has noted, since it was started last, that the target is reached."""
    noted_ends: Mapping[str, str] = field(default_factory=dict)
    """What each market that has ended has noted with that."""
    currency: str | None = None
    """The currency of its amounts; None in a journal of an older version."""
    parts: tuple[Part, ...] = ()
    """Its markets, one by one."""
    pending_commands: tuple[str, ...] = ()
    """What a person wants and the bot has not taken up yet, such as "pause" or "target 30000"."""
    settings: Settings | None = None
    """Those in force; None where a newer or older version wrote them."""
    last_mids: tuple[tuple[Market, Decimal], ...] = ()
    """The mid of each market at which a fill was measured last."""

    @classmethod
    def not_started(
        cls, target_quote: Decimal, trading: Trading, octobot_version: str, reason: str, now: float
    ) -> CampaignReport:
        """A run that ended before its campaign started."""
        return cls(
            progress=Progress(target_quote),
            state="stopped",
            reason=reason,
            trading=trading.value,
            octobot_version=octobot_version,
            markets=(),
            seed=None,
            restarts=0,
            started_at=now,
            last_start_at=now,
            ended_at=now,
            last_fill=None,
            last_seen_at=now,
        )

    @property
    def is_live(self) -> bool:
        """Whether it is running or paused."""
        return self.state in LIVE

    def stopped(self, reason: str, at: float) -> CampaignReport:
        """The same, stopped for a reason that is not in its journal."""
        return dataclasses.replace(self, state="stopped", reason=reason, ended_at=at)

    @property
    def state_text(self) -> str:
        """The state and its reason, for people."""
        return self.state + (f": {self.reason}" if self.reason else "")

    @property
    def markets_text(self) -> str:
        """Its markets, for people."""
        return ", ".join(f"{symbol} on {exchange}" for exchange, symbol in self.markets) or "no order yet"

    @property
    def quote(self) -> str:
        """The currency of its amounts: that of the campaign, else the quotes of its markets."""
        return self.currency or ", ".join(dict.fromkeys(quote_of(symbol) for _, symbol in self.markets))

    @property
    def is_finished(self) -> bool:
        """Whether the target is reached for good: a daily target is followed by that of the next day."""
        return self.state == "done" and self.target_period == TargetPeriod.TOTAL.value and not self.end.is_trading_back

    def runtime_s(self, now: float) -> float:
        return (self.ended_at if self.ended_at is not None else now) - self.started_at

    def to_json(self, now: float) -> dict[str, typing.Any]:
        """The fields of the command line's contract; money as decimal strings, times in ISO 8601, UTC."""
        progress = self.progress
        return {
            "state": self.state,
            "reason": self.reason,
            "trading": self.trading,
            "octobot_version": self.octobot_version,
            "exchanges": list(dict.fromkeys(exchange for exchange, _ in self.markets)),
            "symbols": list(dict.fromkeys(symbol for _, symbol in self.markets)),
            "seed": self.seed,
            "restarts": self.restarts,
            "target_quote": money(progress.target_quote),
            "filled_quote": money(progress.filled_quote),
            "remaining_quote": money(progress.remaining_quote),
            "orders": progress.orders,
            "fills": progress.fills,
            "cancelled": progress.cancelled,
            "rejected": progress.rejected,
            "open_orders": progress.open_orders,
            "buys": progress.buys,
            "sells": progress.sells,
            "maker_share": round(progress.maker_share, 4),
            "fees_quote": money(progress.fees_quote),
            "slippage_quote": money(progress.slippage_quote),
            "cost_quote": money(progress.cost_quote),
            "cost_bps": f"{progress.cost_bps:.2f}",
            "imbalance": round(progress.imbalance, 4),
            "started_at": iso_time(self.started_at),
            "ended_at": None if self.ended_at is None else iso_time(self.ended_at),
            "runtime_s": round(self.runtime_s(now), 1),
            "target_scope": self.target_scope,
            "target_period": self.target_period,
            "bought_quote": money(progress.bought_quote),
            "sold_quote": money(progress.sold_quote),
            "success_rate": round(progress.success_rate, 4),
            "rate_quote_per_hour": money(progress.quote_per_hour(self.until(now)).quantize(CENT)),
            "eta_s": self._eta_s(now),
            "realised_pnl_quote": money_of_quotient(progress.realised_pnl_quote),
            "inventory_quote": money_of_quotient(progress.inventory_quote),
            "inventory": [_holding_json(holding) for holding in progress.holdings],
            "days": [day.to_json() for day in self.days],
            "currency": self.quote or None,
            "markets": [part.to_json(progress) for part in self.parts],
            "estimated_fees_quote": money(progress.estimated_fees_quote),
            "spent_before_resumes_quote": money(self.spent_before_resumes_quote),
            "pending_commands": list(self.pending_commands),
            **self._schedule_json(now),
            **self.end.to_json(),
            **measured.to_json(progress),
        }

    def _schedule_json(self, now: float) -> dict[str, typing.Any]:
        """When quotes have to be done, how far the line is ahead of what is filled, and what was taken to keep it."""
        progress, until = self.progress, self.until(now)
        has_begun = self.settings is not None and progress.first_order_at is not None
        schedule = schedule_at(until, self.settings, progress) if self.settings is not None and has_begun else None
        gap_quote = None if schedule is None else schedule.gap_quote(until, progress.filled_quote)
        return {
            "taker_filled_quote": money(exact_add(progress.filled_quote, -progress.maker_quote)),
            "deadline_at": None if schedule is None else iso_time(schedule.deadline_at),
            "schedule_gap_quote": None if gap_quote is None else money(gap_quote.quantize(CENT)),
        }

    @property
    def spent_before_resumes_quote(self) -> Decimal:
        """What the campaign had cost when a person last resumed it; 0 for one that was never resumed."""
        return ZERO if self.progress.whole is None else self.progress.whole.before_resumes_quote

    @property
    def held_up(self) -> tuple[Part, ...]:
        """The markets that wait or are halted, each with its reason, while the inventory is to go back to its start."""
        kinds = (WAIT, HALT, ERROR)
        return tuple(part for part in self.parts if part.kind in kinds and self.end.is_trading_back)

    @property
    def end(self) -> ending.End:
        """What becomes of the inventory."""
        choice = EndOfCampaign.KEEP if self.settings is None else self.settings.end_of_campaign
        is_reached = self.state == "done"
        is_settled = is_reached and self.has_noted_done
        return ending.End(choice, self.progress.holdings, self.noted_ends, self.quote, is_reached, is_settled)

    @property
    def is_wrapped_up(self) -> bool:
        """Whether the target is reached, the bot has noted it, and no own order is open any more."""
        return self.state == "done" and self.has_noted_done and not self.progress.open_orders

    def until(self, now: float) -> float:
        """The end of the campaign, `now` while it has none."""
        return now if self.ended_at is None else self.ended_at

    def _eta_s(self, now: float) -> float | None:
        eta_s = self.progress.eta_s(now) if self.state == "running" else None
        return None if eta_s is None else round(eta_s, 1)


def _totals(progress: Progress) -> dict[str, typing.Any]:
    return {
        "orders": progress.orders,
        "fills": progress.fills,
        "cost_quote": money(progress.cost_quote),
        "cost_bps": f"{progress.cost_bps:.2f}",
    }


def _holding_json(holding: Holding) -> dict[str, typing.Any]:
    return {
        "exchange": holding.exchange,
        "symbol": holding.symbol,
        "base": money(holding.base),
        "average_price": money_of_quotient(holding.average_price),
        "value_quote": money_of_quotient(holding.value_quote),
        "realised_pnl_quote": money_of_quotient(holding.realised_quote),
    }


def read_report(path: pathlib.Path, now: float | None = None) -> CampaignReport | None:
    """The report of the campaign in a journal, while it runs or after; None before it has started.

    `now` selects the day of a daily target; None is the day of the last entry in the journal.

    :raises JournalError: when the file can't be read.
    """
    with contextlib.closing(Journal.open_to_read(path, in_depth=False)) as journal:
        return report_of(journal, now)


def report_of(journal: Journal, now: float | None) -> CampaignReport | None:
    """The same of a journal that is open.

    :raises JournalError: when the file can't be read.
    """
    campaign, target_quote = journal.campaign(), _target_quote(journal)
    if campaign is None or target_quote is None:
        return None
    ledger, settings = journal.replay(), journal.settings()
    events = [event for event in journal.events() if event.kind != CONDITIONS]
    scope = settings.get("target_scope", TargetScope.TOTAL.value)
    period = settings.get("target_period", TargetPeriod.TOTAL.value)
    last_seen_at = _last_seen_at(campaign.started_at, ledger, events)
    day = day_of(last_seen_at if now is None else now) if period == TargetPeriod.DAILY.value else None
    targets = _Targets(target_quote, _pairs(ledger, events) if scope == TargetScope.PAIR.value else ())
    progress = targets.progress(ledger, day)
    state = campaign_state.campaign_state(
        events,
        lasting_control(command.kind for command, _ in journal.commands()),
        is_done=targets.are_reached(ledger, day),
        last_fill_at=progress.last_fill_at,
    )
    return CampaignReport(
        progress=progress,
        state=state.name,
        reason=state.reason,
        trading=campaign.trading,
        octobot_version=campaign.octobot_version,
        markets=ledger.markets,
        seed=campaign.seed,
        restarts=campaign_state.restarts(events),
        started_at=campaign.started_at,
        last_start_at=max((event.at for event in events if event.kind == START), default=campaign.started_at),
        ended_at=state.ended_at,
        last_fill=journal.last_fill(),
        last_seen_at=last_seen_at,
        target_scope=scope,
        target_period=period,
        days=() if day is None else _days(journal, ledger, targets, day),
        has_noted_done=campaign_state.has_noted_done(events, ending.awaited(settings, progress)),
        noted_ends=campaign_state.noted_ends(events),
        currency=journal.currency(),
        parts=_parts(ledger, events, target_quote, day),
        pending_commands=_pending(journal),
        settings=_settings(settings),
        last_mids=ledger.last_mids,
    )


def _settings(values: dict[str, typing.Any]) -> Settings | None:
    try:
        return parse_settings(values)
    except SettingsError:
        return None  # of another version: what follows from them is left out of the report


@dataclass(frozen=True, slots=True)
class _Targets:
    """The target: of all markets together, or of each of these pairs."""

    target_quote: Decimal
    pairs: tuple[tuple[str, str], ...]

    def progress(self, ledger: Ledger, day: int | None, target_quote: Decimal | None = None) -> Progress:
        """All together, towards the sum of the targets."""
        target_quote = self.target_quote if target_quote is None else target_quote
        return ledger.progress(target_quote * max(len(self.pairs), 1), day=day)

    def are_reached(self, ledger: Ledger, day: int | None) -> bool:
        if not self.pairs:
            return self.progress(ledger, day).is_done
        return all(ledger.progress(self.target_quote, pair, day).is_done for pair in self.pairs)


def _pending(journal: Journal) -> tuple[str, ...]:
    """The commands that wait for the bot; a stop is only for one that runs."""
    waiting = [command for command, is_handled in journal.commands() if not is_handled and command.kind != STOP]
    return tuple(f"{one.kind.replace('_', '-')} {one.value}".strip() for one in waiting)


def _target_quote(journal: Journal) -> Decimal | None:
    """The target in force, or a newer one that the bot has not taken up yet."""
    waiting = [command.value for command, is_handled in journal.commands() if command.kind == TARGET and not is_handled]
    return Decimal(waiting[-1]) if waiting else journal.target_quote()


def _pairs(ledger: Ledger, events: list[EventRow]) -> tuple[tuple[str, str], ...]:
    """The pairs of the campaign, also those without an order yet: a source is an exchange and a symbol."""
    started = [event.source.rpartition(" ") for event in events if event.kind == START]
    return tuple(dict.fromkeys([*((exchange, symbol) for exchange, _, symbol in started), *ledger.markets]))


def _parts(ledger: Ledger, events: list[EventRow], target_quote: Decimal, day: int | None) -> tuple[Part, ...]:
    """The progress of each market, and its last event."""
    last = {event.source: event for event in events}
    parts = []
    for exchange, symbol in _pairs(ledger, events):
        event = last.get(f"{exchange} {symbol}")
        kind, reason = (None, "") if event is None else (event.kind, event.reason)
        parts.append(Part(exchange, symbol, ledger.progress(target_quote, (exchange, symbol), day), kind, reason))
    return tuple(parts)


def _last_seen_at(started_at: float, ledger: Ledger, events: list[EventRow]) -> float:
    last_fill_at = ledger.progress(CENT).last_fill_at
    return max(started_at, started_at if last_fill_at is None else last_fill_at, *(event.at for event in events))


def _days(journal: Journal, ledger: Ledger, targets: _Targets, today: int) -> tuple[Day, ...]:
    """Every day that was noted or has fills; one without a target of its own has the current one."""
    targets_by_day = journal.days()
    days = sorted({*targets_by_day, *ledger.days, today})
    return tuple(Day(day, targets.progress(ledger, day, targets_by_day.get(day))) for day in days)
