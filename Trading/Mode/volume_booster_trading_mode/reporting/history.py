"""Everything in the journal of a campaign, read once: for the report, its page and its tables."""

from __future__ import annotations

import csv
import dataclasses
import functools
import hashlib
import io
import itertools
import json
import pathlib
import typing
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal

from ..core.accounting.cost_parts import CostParts, parts_of_fill
from ..core.accounting.fill_marks import HORIZONS_S
from ..core.accounting.ledger import Holding, Outcome
from ..core.accounting.performance import TradersMetrics, metrics_of, round_trips
from ..core.decision.guards import Gauge, gauges
from ..core.model.basics import ZERO, Role, Side, Trading
from ..core.model.escape import csv_cell
from ..core.model.orders import Fill
from ..core.model.snapshot import Balances, Equity
from ..core.planning.market_conditions import Conditions
from ..core.settings.schema import SettingsError, TargetScope, parse_settings
from ..journal.journal import (
    CONDITIONS,
    DAY,
    ERROR,
    HALT,
    OPEN,
    PEAK,
    Baseline,
    Command,
    EventRow,
    Journal,
    MarkRow,
    SentRow,
)
from .execution import Execution
from .report import CampaignReport, report_of

if typing.TYPE_CHECKING:
    from ..core.planning.planner import Plan

LAST_ORDERS, LAST_WARNINGS, RATED_ORDERS = 5, 3, 200
RATED_S = 10.0


@dataclass(frozen=True, slots=True)
class CostSplit:
    """What the cost is made of, in quote; its sum is the cost.

    `spread_quote` is what orders were priced away from the mid when they were decided on, below zero for a limit order;
    `drift_quote` is what they cost beyond that against the mid when they filled: the book walked down, and for a limit
    order the mid that came to it. Fills that are not measured are left out.
    """

    maker_fees_quote: Decimal
    taker_fees_quote: Decimal
    spread_quote: Decimal
    drift_quote: Decimal

    @property
    def cost_quote(self) -> Decimal:
        return self.maker_fees_quote + self.taker_fees_quote + self.spread_quote + self.drift_quote


@dataclass(frozen=True, slots=True)
class MarketResult:
    """What was traded on one market, in the campaign's currency."""

    exchange: str
    symbol: str
    orders: int = 0
    fills: int = 0
    volume_quote: Decimal = ZERO
    maker_quote: Decimal = ZERO
    bought_quote: Decimal = ZERO
    fees_quote: Decimal = ZERO
    slippage_quote: Decimal = ZERO

    @property
    def cost_quote(self) -> Decimal:
        return self.fees_quote + self.slippage_quote

    def share(self, part_quote: Decimal) -> Decimal:
        """A part of its volume, from 0 to 1."""
        return part_quote / self.volume_quote if self.volume_quote else ZERO

    def with_order(self) -> MarketResult:
        return dataclasses.replace(self, orders=self.orders + 1)

    def with_fill(self, fill: Fill) -> MarketResult:
        return dataclasses.replace(
            self,
            fills=self.fills + 1,
            volume_quote=self.volume_quote + fill.volume,
            maker_quote=self.maker_quote + (fill.volume if fill.role is Role.MAKER else ZERO),
            bought_quote=self.bought_quote + (fill.volume if fill.side is Side.BUY else ZERO),
            fees_quote=self.fees_quote + fill.fee_quote,
            slippage_quote=self.slippage_quote + (fill.slippage_quote or ZERO),
        )


@dataclass(frozen=True)
class History:
    """A campaign with every order and fill of it, and the plan for it where it can be made."""

    report: CampaignReport
    orders: tuple[SentRow, ...]
    fills: tuple[Fill, ...]
    """In the order of time."""
    events: tuple[EventRow, ...]
    commands: tuple[Command, ...]
    settings: dict[str, typing.Any]
    plan: Plan | None

    @functools.cached_property
    def order_of(self) -> dict[str, SentRow]:
        """Every order by its id."""
        return {row.order.order_id: row for row in self.orders}

    @functools.cached_property
    def fills_of(self) -> dict[tuple[str, str], list[Fill]]:
        """The fills of each market, which is its exchange and its symbol, in the order of time."""
        markets: dict[tuple[str, str], list[Fill]] = {}
        for fill in self.fills:
            order = self.order_of[fill.order_id].order
            markets.setdefault((order.exchange, order.symbol), []).append(fill)
        return markets

    @functools.cached_property
    def round_trips_of(self) -> dict[tuple[str, str], list[Decimal]]:
        """The results in quote of the round trips of each market."""
        return {market: round_trips(fills) for market, fills in self.fills_of.items()}

    def outcomes(self) -> dict[str, int]:
        """The number of orders by outcome; those without one are open."""
        filled: dict[str, Decimal] = {}
        for fill in self.fills:
            filled[fill.order_id] = filled.get(fill.order_id, ZERO) + fill.quantity
        counts: dict[str, int] = {}
        for row in self.orders:
            name = row.state(filled.get(row.order.order_id, ZERO))
            counts[name] = counts.get(name, 0) + 1
        names = (*(outcome.value for outcome in Outcome), OPEN)
        return {name: counts[name] for name in names if name in counts}

    def cost_split(self) -> CostSplit:
        """What the cost is made of."""
        orders, fees = self.order_of, dict.fromkeys(Role, ZERO)
        spread = drift = ZERO
        for fill in self.fills:
            intent = orders[fill.order_id].order.intent
            fees[fill.role] += fill.fee_quote
            if fill.slippage_quote is None:
                continue
            planned = fill.valuation.slippage(fill.side, fill.quantity, intent.price, intent.mid_price)
            spread += planned
            drift += fill.slippage_quote - planned
        return CostSplit(fees[Role.MAKER], fees[Role.TAKER], spread, drift)

    def execution(self) -> Execution:
        """What rested and what took, and what came of it."""
        is_simulated = Trading(self.report.trading).is_simulated
        holdings = self.report.progress.holdings
        return Execution.of(self.orders, self.fills, holdings, self.round_trips_of, is_simulated=is_simulated)

    def parts_of_fills(self) -> list[CostParts]:
        """The cost of each fill in parts, in the order of `fills`; they add up to those of the campaign."""
        orders, mids = self.order_of, dict(self.report.last_mids)
        markets = (orders[fill.order_id].order for fill in self.fills)
        of_fills = zip(self.fills, markets, strict=True)
        return [parts_of_fill(fill, mids[order.exchange, order.symbol]) for fill, order in of_fills]

    def metrics(self) -> TradersMetrics:
        """The metrics that traders expect."""
        results = itertools.chain.from_iterable(self.round_trips_of.values())
        return metrics_of(self.fills_of.values(), list(results))

    def results(self) -> Iterator[tuple[float, Decimal, Decimal]]:
        """After each fill its moment, the cost so far, and the profit so far with what is held at its last price.

        Slippage that is not measured is in no cost.
        """
        orders = self.order_of
        held: dict[tuple[str, str], tuple[Decimal, Decimal]] = {}
        cost = spent = ZERO
        for fill in self.fills:
            order, sign = orders[fill.order_id].order, 1 if fill.side is Side.BUY else -1
            base, _ = held.get((order.exchange, order.symbol), (ZERO, ZERO))
            held[order.exchange, order.symbol] = base + sign * fill.quantity, fill.volume / fill.quantity
            cost += fill.fee_quote + (fill.slippage_quote or ZERO)
            spent += sign * fill.volume + fill.fee_quote
            yield fill.at, cost, sum((quantity * price for quantity, price in held.values()), -spent)

    def markets(self) -> list[MarketResult]:
        """What was traded on each market, the largest volume first."""
        orders, results = self.order_of, dict[tuple[str, str], MarketResult]()
        for row in self.orders:
            market = row.order.exchange, row.order.symbol
            results[market] = results.get(market, MarketResult(*market)).with_order()
        for fill in self.fills:
            order = orders[fill.order_id].order
            market = order.exchange, order.symbol
            results[market] = results[market].with_fill(fill)
        return sorted(results.values(), key=lambda result: -result.volume_quote)

    def settings_hash(self) -> str:
        """The same for the same settings and seed."""
        return _hash([json.dumps(self.settings | {"seed": self.report.seed}, sort_keys=True)])

    def decisions_hash(self) -> str:
        """The same for the same decisions: side, kind, quantity and price of every order, market by market."""
        rows = (row.order for row in self.orders)
        return _hash(
            f"{row.exchange} {row.symbol} {row.intent.side.value} {row.intent.order_type.value} "
            f"{row.intent.quantity.normalize():f} {row.intent.price.normalize():f}"
            for row in sorted(rows, key=lambda row: (row.exchange, row.symbol))
        )


def read_history(path: pathlib.Path, now: float | None = None) -> History | None:
    """The campaign in a journal with all its rows; None before it has started.

    :raises JournalError: when the file can't be read.
    """
    journal = Journal.open_to_read(path, in_depth=False, is_read_whole=True)
    try:
        report = report_of(journal, now)
        if report is None:
            return None
        settings, events = journal.settings(), journal.events()
        return History(
            report=report,
            orders=tuple(journal.sent_orders()),
            fills=tuple(sorted(journal.fills(), key=lambda fill: (fill.at, fill.fill_id))),
            events=tuple(event for event in events if event.kind != CONDITIONS),
            commands=tuple(command for command, _ in journal.commands()),
            settings=settings,
            plan=plan_of(settings, events, report),
        )
    finally:
        journal.close()


@dataclass(frozen=True, slots=True)
class LiveStatus:
    """A running campaign with what a display shows beside its report."""

    report: CampaignReport
    plan: Plan | None
    last_orders: tuple[tuple[SentRow, Decimal], ...]
    """With the quantity that is filled of each; the newest last."""
    warnings: tuple[EventRow, ...]
    balances: Balances | None
    """The balances at the start plus what was traded since; None on several markets, or where they are unknown."""
    gauges: tuple[Gauge, ...]
    """How near each guard is to its limit, on the market where it is nearest."""
    orders_per_second: float
    """Over the ten seconds before the last order."""
    settings: dict[str, typing.Any]


class Watcher:
    """Reads one journal repeatedly; the plan is made again only when its inputs have changed."""

    def __init__(self, path: pathlib.Path) -> None:
        self._path = path
        self._seen = 0
        """Rows up to this number were checked at an earlier look; the report beside it checks all of them each time."""
        self._planned_inputs: typing.Any = None
        self._plan: Plan | None = None

    def live_status(self, report: CampaignReport) -> LiveStatus:
        """What there is beside a current report.

        :raises JournalError: when the file can't be read.
        """
        journal = Journal.open_to_read(self._path, in_depth=False, after=self._seen)
        try:
            self._seen = journal.last_number()
            settings, events, rows = journal.settings(), journal.events(), journal.last_orders(RATED_ORDERS)
            baselines, marks = journal.baselines(), journal.marks()
        finally:
            journal.close()
        warnings = [event for event in events if event.kind in (HALT, ERROR)]
        return LiveStatus(
            report=report,
            plan=self._plan_for(settings, events, report),
            last_orders=tuple(rows[-LAST_ORDERS:]),
            warnings=tuple(warnings[-LAST_WARNINGS:]),
            balances=_balances(baselines, report),
            gauges=gauges_of(settings, baselines, marks, report),
            orders_per_second=_orders_per_second([row.order.at for row, _ in rows]),
            settings=settings,
        )

    def _plan_for(self, settings: dict[str, typing.Any], events: list[EventRow], report: CampaignReport) -> Plan | None:
        met = [event.reason for event in events if event.kind == CONDITIONS]
        inputs = json.dumps(settings), report.progress.target_quote, met
        if inputs != self._planned_inputs:
            self._plan, self._planned_inputs = plan_of(settings, events, report), inputs
        return self._plan


def _balances(baselines: list[Baseline], report: CampaignReport) -> Balances | None:
    """Of a campaign on one market; on several the quote is shared, and its parts are not known."""
    if len(baselines) != 1:
        return None
    progress = report.progress
    base = sum((holding.base for holding in progress.holdings), baselines[0].base)
    return Balances(base, baselines[0].quote + _traded_quote(report))


def _traded_quote(report: CampaignReport) -> Decimal:
    progress = report.progress
    return progress.sold_quote - progress.bought_quote - progress.fees_quote


def gauges_of(
    settings: dict[str, typing.Any], baselines: list[Baseline], marks: list[MarkRow], report: CampaignReport
) -> tuple[Gauge, ...]:
    """How near each guard is to its limit, at the price of the last fill; none where the settings can't be read.

    Of several markets the equity of each is not known here, as the fills of all are added up: then the guards of equity
    are left out.
    """
    try:
        chosen = parse_settings(settings)
    except SettingsError:
        return ()
    holdings = report.progress.holdings
    if len(baselines) == 1 and len(holdings) == 1:
        return gauges(_equity(baselines[0], holdings[0], marks, report), chosen, report.progress)
    nothing = Equity(ZERO, ZERO, ZERO)
    of_equity = {"daily_loss", "drawdown", "exposure"}
    return tuple(gauge for gauge in gauges(nothing, chosen, report.progress) if gauge.guard not in of_equity)


def _equity(baseline: Baseline, holding: Holding, marks: list[MarkRow], report: CampaignReport) -> Equity:
    price = holding.last_price
    now = (baseline.base + holding.base) * price + baseline.quote + _traded_quote(report)
    last = {mark.kind: mark.equity_quote for mark in marks}
    return Equity(now, last.get(DAY, now), max(last.get(PEAK, now), now), holding.base * price)


def _orders_per_second(sent_at: list[float]) -> float:
    if not sent_at:
        return 0.0
    return sum(at > sent_at[-1] - RATED_S for at in sent_at) / RATED_S


def with_report(history: History, report: CampaignReport) -> History:
    """The same with another report, such as one that says whether a bot runs the campaign."""
    return dataclasses.replace(history, report=report)


def plan_of(settings: dict[str, typing.Any], events: Iterable[EventRow], report: CampaignReport) -> Plan | None:
    """The plan of the whole campaign, from its settings and first conditions; None where they are unknown."""
    met = [event.reason for event in events if event.kind == CONDITIONS]
    try:
        target_quote = report.progress.target_quote
        chosen = parse_settings(settings).model_copy(update={"volume_target": target_quote})
        conditions = Conditions.from_json(json.loads(met[0]))
    except (SettingsError, LookupError, ValueError, TypeError, ArithmeticError):
        return None
    # numpy: only where there is something to plan
    from ..core.planning.advice import without_advice
    from ..core.planning.planner import estimate

    if chosen.target_scope is TargetScope.PAIR and len(met) > 1:
        conditions = dataclasses.replace(conditions, pairs=len(met))
    return without_advice(estimate(chosen, conditions))


ORDER_COLUMNS = (
    "order_id", "at", "exchange", "symbol", "side", "order_type", "quantity", "price", "mid_price", "accepted_at",
    "exchange_order_id", "filled_quantity", "outcome", "ended_at", "reason",
)  # fmt: skip
FILL_COLUMNS = (
    "fill_id", "order_id", "at", "exchange", "symbol", "side", "role", "quantity", "price", "notional_quote",
    "fee_quote", "fee", "fee_asset", "mid_price", "slippage_quote", "volume", "estimated_fee_quote", "fee_told",
    "mid_at_fill", "mid_1s", "mid_10s", "mid_60s", "arrival_slippage_quote", "half_spread_quote", "markout_quote",
    "flattening_quote", "inventory_quote", "measured",
)  # fmt: skip


def orders_csv(history: History) -> str:
    """Every order as a row of ORDER_COLUMNS; times in seconds since 1970, UTC."""
    filled: dict[str, Decimal] = {}
    for fill in history.fills:
        filled[fill.order_id] = filled.get(fill.order_id, ZERO) + fill.quantity
    return _csv(ORDER_COLUMNS, (_order_cells(row, filled.get(row.order.order_id, ZERO)) for row in history.orders))


def _order_cells(row: SentRow, filled: Decimal) -> list[typing.Any]:
    order, intent = row.order, row.order.intent
    return [
        order.order_id, order.at, order.exchange, order.symbol, intent.side.value, intent.order_type.value,
        intent.quantity, intent.price, intent.mid_price, row.accepted_at, row.exchange_order_id, filled,
        row.state(filled), row.ended_at, row.reason,
    ]  # fmt: skip


def fills_csv(history: History) -> str:
    """Every fill as a row of FILL_COLUMNS; times in seconds since 1970, UTC."""
    orders = history.order_of
    return _csv(
        FILL_COLUMNS,
        (
            [
                fill.fill_id, fill.order_id, fill.at, orders[fill.order_id].order.exchange,
                orders[fill.order_id].order.symbol, fill.side.value, fill.role.value, fill.quantity, fill.price,
                fill.notional, fill.fee_quote, fill.fee, fill.fee_asset, fill.mid_price, fill.slippage_quote,
                fill.volume, fill.estimated_fee_quote, fill.fee_told, *_measured_cells(fill, parts),
            ]
            for fill, parts in zip(history.fills, history.parts_of_fills(), strict=True)
        ),
    )  # fmt: skip


def _measured_cells(fill: Fill, parts: CostParts) -> list[typing.Any]:
    mids = dict(fill.marks)
    kind = "at decision" if fill.is_of_old_kind else "no" if fill.mid_at_fill is None else "at fill"
    return [
        fill.mid_at_fill, *(mids.get(after_s) for after_s in HORIZONS_S), fill.arrival_slippage_quote,
        parts.half_spread, parts.markout, parts.flattening, parts.inventory, kind,
    ]  # fmt: skip


def _csv(columns: tuple[str, ...], rows: Iterable[list[typing.Any]]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    for row in rows:
        writer.writerow(map(csv_cell, row))
    return text.getvalue()


def _hash(lines: Iterable[str]) -> str:
    digest = hashlib.sha256()
    for line in lines:
        digest.update(line.encode() + b"\n")
    return digest.hexdigest()
