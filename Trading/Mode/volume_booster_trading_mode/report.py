"""Progress -> words and JSON: what a person or a script reads of a campaign, live or dead."""

from __future__ import annotations

import datetime
import pathlib
import typing
from dataclasses import dataclass
from decimal import Decimal

from .core.ledger import Progress
from .core.market import Fill, OrderIntent, Trading
from .journal import DONE, HALT, START, STOP, EventRow, Journal

CENT = Decimal("0.01")


def money(value: Decimal) -> str:
    """An exact decimal string without exponent, with at least two decimals."""
    whole, _, decimals = f"{value:f}".partition(".")
    return f"{whole}.{decimals.rstrip('0'):0<2}"


def shown(value: Decimal) -> str:
    """An amount for people: to the cent, with thousands separators."""
    return f"{value.quantize(CENT):,}"


def sentence(progress: Progress) -> str:
    """Where the campaign stands."""
    share = progress.filled_quote / progress.target_quote * 100
    return (
        f"{shown(progress.filled_quote)} of {shown(progress.target_quote)} filled ({share:.1f} %), "
        f"fills {progress.fills}, cost {shown(progress.cost_quote)} ({progress.cost_bps:.2f} bps)"
    )


def intent_line(intent: OrderIntent, symbol: str) -> str:
    """An order in one line: side, quantity, price, notional."""
    return _order_line(intent.order_type.value, intent.side.value, intent.quantity, intent.price, symbol)


def fill_line(fill: Fill, symbol: str) -> str:
    """A fill in one line: role, side, quantity, price, notional."""
    return _order_line(fill.role.value, fill.side.value, fill.quantity, fill.price, symbol)


def _order_line(kind: str, side: str, quantity: Decimal, price: Decimal, symbol: str) -> str:
    base, _, quote = symbol.partition("/")
    return f"{kind} {side} {quantity.normalize():f} {base} at {price:,} = {shown(quantity * price)} {quote}"


@dataclass(frozen=True, slots=True)
class CampaignReport:
    """A campaign as its journal tells it."""

    progress: Progress
    state: str
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

    @classmethod
    def not_begun(cls, target_quote: Decimal, octobot_version: str, reason: str, now: float) -> CampaignReport:
        """A simulation that ended before its campaign began."""
        return cls(
            progress=Progress(target_quote), state="stopped", reason=reason, trading=Trading.SIMULATION.value,
            octobot_version=octobot_version, markets=(), seed=None, restarts=0, started_at=now, last_start_at=now,
            ended_at=now, last_fill=None,
        )  # fmt: skip

    @property
    def quote(self) -> str:
        """The quote currency of its markets."""
        return ", ".join(dict.fromkeys(symbol.partition("/")[2] for _, symbol in self.markets))

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
            "started_at": _iso(self.started_at),
            "ended_at": None if self.ended_at is None else _iso(self.ended_at),
            "runtime_s": round(self.runtime_s(now), 1),
        }


def read_report(path: pathlib.Path) -> CampaignReport | None:
    """The report of the campaign in a journal, while it runs or after; None while none has begun.

    :raises JournalError: when the file can't be read.
    """
    journal = Journal.open_to_read(path)
    try:
        campaign, target_quote = journal.campaign(), journal.target_quote()
        if campaign is None or target_quote is None:
            return None
        progress = journal.replay().progress(target_quote)
        events = journal.events()
        state, reason, ended_at = _state(progress, events)
        return CampaignReport(
            progress=progress,
            state=state,
            reason=reason,
            trading=campaign.trading,
            octobot_version=campaign.octobot_version,
            markets=tuple(journal.markets()),
            seed=campaign.seed,
            restarts=_restarts(events),
            started_at=campaign.started_at,
            last_start_at=max((event.at for event in events if event.kind == START), default=campaign.started_at),
            ended_at=ended_at,
            last_fill=journal.last_fill(),
        )
    finally:
        journal.close()


def _state(progress: Progress, events: list[EventRow]) -> tuple[str, str | None, float | None]:
    """The state that the contract names, its reason, and when the campaign ended if it did."""
    if progress.is_done:
        done_at = next((event.at for event in reversed(events) if event.kind == DONE), progress.last_fill_at)
        return "done", None, done_at
    is_stopped = bool(events) and events[-1].kind == STOP
    last = next((event for event in reversed(events) if event.kind != STOP), None)
    if last is not None and last.kind == HALT:
        # OctoBot may be stopped while it is halted: the halt is what a person has to know
        return "halted", last.reason, last.at
    if is_stopped:
        return "stopped", events[-1].reason, events[-1].at
    return "running", (last.reason or None) if last is not None and last.kind != START else None, None


def _restarts(events: list[EventRow]) -> int:
    starts: dict[str, int] = {}
    for event in events:
        if event.kind == START:
            starts[event.source] = starts.get(event.source, 0) + 1
    return max(starts.values(), default=1) - 1


def _iso(at: float) -> str:
    return datetime.datetime.fromtimestamp(at, datetime.timezone.utc).isoformat(timespec="seconds")
