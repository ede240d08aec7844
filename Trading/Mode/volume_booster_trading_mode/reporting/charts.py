"""The charts of the report: drawn by matplotlib as SVG inside the page, in the page's own colours.

Nothing in them is fetched or run: no script, no font, no image. A colour is a name in `Ink`, which the page gives a
value for light and for dark.
"""

from __future__ import annotations

import bisect
import io
import re
import typing
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

import matplotlib
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator

from ..core.accounting.ledger import Outcome
from ..core.model.basics import Role, Side
from ..core.model.escape import printable
from ..core.model.formats import shown
from ..core.model.instrument import quote_of
from ..core.model.orders import Fill
from ..core.planning.planner import Plan
from ..journal.journal import HALT, START
from .history import History

MOST_POINTS = 1_200
BAND_POINTS = 60
SIZE_INCHES = (4.67, 2.75)
"""336 units of the drawing: about as wide as it is shown, on a phone and in a column of a wide page, so that its text
is as large as it is drawn."""
TEXT_SIZE = 12
LEAST_LATENCY_S = 0.05
"""Below that there is nothing to see: OctoBot's simulator fills at once."""


@dataclass(frozen=True, slots=True)
class Ink:
    """The colours: what matplotlib draws with, which becomes a variable of the page."""

    name: str
    stand_in: str


TEXT, MUTED, GRID, BASE, BUY, SELL, PLAN, BAD = (
    Ink(name, f"#0a0b{number:02x}")
    for number, name in enumerate(("text", "muted", "grid", "base", "buy", "sell", "plan", "bad"))
)
INKS = (TEXT, MUTED, GRID, BASE, BUY, SELL, PLAN, BAD)
STYLE: typing.Any = {
    "svg.fonttype": "none",
    "svg.hashsalt": "volume-booster",
    "font.size": TEXT_SIZE,
    "axes.edgecolor": GRID.stand_in,
    "axes.labelcolor": MUTED.stand_in,
    "text.color": TEXT.stand_in,
    "xtick.color": MUTED.stand_in,
    "ytick.color": MUTED.stand_in,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": GRID.stand_in,
    "grid.linewidth": 0.7,
    "legend.frameon": False,
    "legend.fontsize": TEXT_SIZE,
    "axes.labelsize": TEXT_SIZE,
    "xtick.labelsize": TEXT_SIZE,
    "ytick.labelsize": TEXT_SIZE,
    "legend.borderpad": 0.1,
    "legend.handlelength": 1.3,
    "legend.columnspacing": 1.0,
}


@dataclass(frozen=True, slots=True)
class Chart:
    """A drawing with its title and what it shows, in words."""

    title: str
    caption: str
    svg: str


def draw_all(history: History) -> list[Chart]:
    """Every chart of a campaign that has something to show: without an order there is none."""
    with matplotlib.rc_context(STYLE):
        charts = [
            *([_volume(history), _cost(history), _result(history)] if history.fills else []),
            *_prices(history),
            *([_inventory(history)] if history.fills else []),
            *_latency(history),
            *([_outcomes(history)] if len(history.outcomes()) > 1 or (history.orders and not history.fills) else []),
        ]
    return [chart for chart in charts if chart is not None]


def _volume(history: History) -> Chart:
    clock, report = _Clock.of(history), history.report
    figure, axes = _figure()
    times, filled = [0.0], [0.0]
    for fill in history.fills:
        times.append(clock.at(fill.at))
        filled.append(filled[-1] + float(fill.volume))
    if history.plan is not None and history.plan.duration_s.is_finite:
        _draw_plan(axes, history.plan, clock)
    axes.step(*_thinned(times, filled), where="post", color=BASE.stand_in, linewidth=1.8, label="filled")
    axes.axhline(float(report.progress.target_quote), color=MUTED.stand_in, linewidth=0.9, linestyle=(0, (2, 3)))
    _mark_events(axes, history, clock)
    axes.set_xlabel(clock.unit)
    axes.set_ylabel(_label(report.quote))
    axes.yaxis.set_major_formatter(_thousands())
    axes.legend(loc="upper left")
    axes.margins(x=0.01)
    return Chart(
        "Volume against plan",
        "Filled volume over time; the shaded band is where 90 of 100 campaigns of the plan are. Dotted: the target.",
        _svg(figure, "volume"),
    )


def _draw_plan(axes: Axes, plan: Plan, clock: _Clock) -> None:
    shares = [number / BAND_POINTS for number in range(BAND_POINTS + 1)]
    quote = [float(plan.target_quote) * share for share in shares]
    low, expected, high = ([clock.seconds(plan.elapsed_s(share)[end]) for share in shares] for end in range(3))
    axes.fill_betweenx(quote, low, high, color=PLAN.stand_in, alpha=0.16, linewidth=0)
    axes.plot(expected, quote, color=PLAN.stand_in, linewidth=1.3, linestyle=(0, (5, 3)), label="plan")


def _mark_events(axes: Axes, history: History, clock: _Clock) -> None:
    """Mark halts, and every start but the first of each market."""
    started: set[str] = set()
    labelled: set[str] = set()
    for event in history.events:
        is_restart = event.kind == START and event.source in started
        started.update([event.source] if event.kind == START else [])
        name = "halt" if event.kind == HALT else "restart" if is_restart else None
        if name is None or clock.at(event.at) < 0:
            continue
        colour = BAD if name == "halt" else MUTED
        label = None if name in labelled else name
        labelled.add(name)
        axes.axvline(clock.at(event.at), color=colour.stand_in, linewidth=1, linestyle=_DASHES[name], label=label)


_DASHES: dict[str, typing.Any] = {"halt": "-", "restart": (0, (4, 2))}


def _cost(history: History) -> Chart | None:
    """None where nothing was paid or earned."""
    split, quote = history.cost_split(), history.report.quote
    parts = {
        "maker fees": split.maker_fees_quote,
        "taker fees": split.taker_fees_quote,
        "spread": split.spread_quote,
        "drift": split.drift_quote,
    }
    if not any(parts.values()):
        return None
    figure, axes = _figure()
    least = max(map(abs, parts.values())) / 2_000  # too small to be visible
    values = [float(value) if abs(value) > least else 0.0 for value in parts.values()]
    colours = [PLAN.stand_in if value >= 0 else BUY.stand_in for value in values]
    bars = axes.barh(list(parts), values, color=colours, height=0.56)
    axes.bar_label(
        bars,
        [f" {shown(Decimal(repr(value)), quote)} " for value in values],
        color=TEXT.stand_in,
        fontsize=TEXT_SIZE,
    )
    axes.axvline(0, color=MUTED.stand_in, linewidth=0.9)
    axes.invert_yaxis()
    axes.grid(axis="y", visible=False)
    axes.margins(x=0.24)
    axes.set_xlabel(_label(quote))
    axes.xaxis.set_major_locator(MaxNLocator(4))
    axes.xaxis.set_major_formatter(_plain_numbers())
    return Chart(
        "What it cost",
        f"{shown(split.cost_quote, quote)} {quote} in all. Spread: how far from the mid orders were priced; drift: "
        "what they cost beyond that against the mid when they filled. Below zero it earned.",
        _svg(figure, "cost"),
    )


def _result(history: History) -> Chart:
    """Cost and profit as they add up: what was bought and not sold again is worth its market's last fill."""
    clock = _Clock.of(history)
    times, cost, profit = [0.0], [0.0], [0.0]
    for at, cost_quote, profit_quote in history.results():
        times.append(clock.at(at))
        cost.append(float(cost_quote))
        profit.append(float(profit_quote))
    figure, axes = _figure()
    for values, ink, name in ((cost, PLAN, "cost"), (profit, BASE, "profit")):
        axes.step(*_thinned(times, values), where="post", color=ink.stand_in, linewidth=1.6, label=name)
    if history.plan is not None and history.plan.duration_s.is_finite:
        takes, costs = float(history.plan.duration_s.expected), float(history.plan.cost_quote.expected)
        axes.plot(
            [0, clock.seconds(takes)],
            [0, costs],
            color=PLAN.stand_in,
            linewidth=1.1,
            linestyle=(0, (5, 3)),
            label="planned cost",
        )
    axes.axhline(0, color=MUTED.stand_in, linewidth=0.8)
    budget = float(history.settings.get("max_total_cost_quote") or 0)
    if 0 < budget < 2 * max(cost):
        axes.axhline(budget, color=BAD.stand_in, linewidth=0.9, linestyle=(0, (4, 3)))
    axes.set_xlabel(clock.unit)
    axes.set_ylabel(history.report.quote)
    axes.yaxis.set_major_formatter(_plain_numbers())
    axes.legend(loc="best", ncols=2)
    axes.margins(x=0.01)
    return Chart(
        "Cost and profit over time",
        "Fees and slippage so far beside those of the plan, and the profit after fees with what is held at its last "
        "price; dashed where near: the budget.",
        _svg(figure, "result"),
    )


def _prices(history: History) -> list[Chart]:
    """One for each market, the busiest four."""
    markets = history.fills_of
    busiest = sorted(markets, key=lambda market: -len(markets[market]))[:4]
    return [_price(history, market, markets[market]) for market in busiest]


def _price(history: History, market: tuple[str, str], fills: list[Fill]) -> Chart:
    clock, (exchange, symbol) = _Clock.of(history), market
    figure, axes = _figure()
    sent = [row.order for row in history.orders if (row.order.exchange, row.order.symbol) == market]
    mids = _thinned([clock.at(row.at) for row in sent], [float(row.intent.mid_price) for row in sent])
    axes.plot(*mids, color=MUTED.stand_in, linewidth=1, label="mid at decision")
    for side, ink, mark in ((Side.BUY, BUY, "^"), (Side.SELL, SELL, "v")):
        own = [fill for fill in fills if fill.side is side]
        times, prices = _thinned([clock.at(fill.at) for fill in own], [float(fill.price) for fill in own])
        kind: typing.Any = {"color": ink.stand_in, "s": 26, "linewidths": 0, "marker": mark, "alpha": 0.85}
        axes.scatter(times, prices, label=side.value, **kind)
    axes.set_xlabel(clock.unit)
    axes.set_ylabel(_label(quote_of(symbol)))
    axes.yaxis.set_major_formatter(_plain_numbers())
    axes.legend(loc="best")
    axes.margins(x=0.03, y=0.12)  # a mark at the edge is seen whole
    return Chart(
        f"Price and fills of {symbol}",
        f"On {exchange}: the mid when each order was decided on, and its fills.",
        _svg(figure, f"price{exchange}{symbol}"),
    )


def _inventory(history: History) -> Chart:
    clock, target = _Clock.of(history), float(history.report.progress.target_quote)
    figure, axes = _figure()
    times, net = [0.0], [0.0]
    for fill in history.fills:
        times.append(clock.at(fill.at))
        net.append(net[-1] + float(fill.volume) * (1 if fill.side is Side.BUY else -1))
    points = _thinned(times, net)
    axes.fill_between(*points, step="post", color=BASE.stand_in, alpha=0.15, linewidth=0)
    axes.step(*points, where="post", color=BASE.stand_in, linewidth=1.4)
    axes.axhline(0, color=MUTED.stand_in, linewidth=0.8)
    cap = float(history.settings.get("max_position_imbalance", 0)) * target
    lowest, highest = min(net), max(net)
    for edge in (cap, -cap):
        if cap and lowest - cap / 2 <= edge <= highest + cap / 2:
            axes.axhline(edge, color=BAD.stand_in, linewidth=0.9, linestyle=(0, (4, 3)))
    share = axes.secondary_yaxis("right", functions=_percent_of(target))
    share.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{_unsigned_zero(f'{round(value, 9):g}')} %"))
    axes.set_xlabel(clock.unit)
    axes.set_ylabel(_label(history.report.quote))
    axes.yaxis.set_major_formatter(_thousands())
    axes.margins(x=0.01)
    return Chart(
        "Inventory and imbalance",
        "Bought less sold, in quote and as a share of the target; dashed where near: the cap of the imbalance.",
        _svg(figure, "inventory"),
    )


def _whole(value: float) -> str:
    """Three digits, and all of those before the point."""
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def _latency(history: History) -> list[Chart]:
    """None where everything filled at once."""
    orders = history.order_of
    seconds = sorted(max(fill.at - orders[fill.order_id].order.at, 0.0) for fill in history.fills)
    if not seconds or seconds[-1] < LEAST_LATENCY_S:
        return []
    factor, unit = (1e3, "ms") if seconds and seconds[-1] < 2 else (1.0, "s")
    figure, axes = _figure()
    longest = max(seconds[-1] * factor, 1.0) if seconds else 1.0
    axes.hist([value * factor for value in seconds], bins=30, range=(0, longest), color=BASE.stand_in, alpha=0.8)
    axes.set_xlabel(f"{unit} from sending to fill")
    axes.set_ylabel("fills")
    axes.yaxis.set_major_locator(MaxNLocator(integer=True))
    middle, late = (_at_share(seconds, share) * factor for share in (0.5, 0.95))
    chart = Chart(
        "Fill latency",
        f"Half of the fills came within {_whole(middle)} {unit}, 95 of 100 within {_whole(late)} {unit}.",
        _svg(figure, "latency"),
    )
    return [chart]


def _outcomes(history: History) -> Chart:
    outcomes = history.outcomes() or {"sent": 0}
    figure, axes = _figure()
    colours = [BUY.stand_in if name == Outcome.FILLED.value else MUTED.stand_in for name in outcomes]
    bars = axes.barh(list(outcomes), list(outcomes.values()), color=colours, height=0.56)
    axes.bar_label(bars, [f" {count:,} " for count in outcomes.values()], color=TEXT.stand_in, fontsize=TEXT_SIZE)
    axes.invert_yaxis()
    axes.grid(axis="y", visible=False)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.set_xlim(0, max(*outcomes.values(), 1) * 1.15)
    axes.set_ylim(max(len(outcomes), 3) - 0.5, -0.5)
    axes.set_xlabel("orders")
    maker = sum((fill.volume for fill in history.fills if fill.role is Role.MAKER), Decimal(0))
    share, told = history.report.progress.maker_share, shown(maker, history.report.quote)
    return Chart(
        "What became of the orders",
        f"{len(history.orders):,} orders sent; {share:.1%} of the volume ({told}) was filled as maker.",
        _svg(figure, "outcomes"),
    )


@dataclass(frozen=True, slots=True)
class _Clock:
    """Time since first order, in a readable unit."""

    start: float
    divisor: float
    unit: str

    @classmethod
    def of(cls, history: History) -> _Clock:
        start = min((row.order.at for row in history.orders), default=history.report.started_at)
        last = max((fill.at for fill in history.fills), default=start)
        span = last - start
        if span < 180:
            return cls(start, 1, "seconds since first order")
        if span < 3 * 3_600:
            return cls(start, 60, "minutes since first order")
        return cls(start, 3_600, "hours since first order")

    def at(self, moment: float) -> float:
        return (moment - self.start) / self.divisor

    def seconds(self, seconds: float) -> float:
        return seconds / self.divisor


def _thinned(times: Sequence[float], values: Sequence[float]) -> tuple[list[float], list[float]]:
    """At most so many points, evenly taken in time, the last one among them."""
    if len(times) <= MOST_POINTS:
        return list(times), list(values)
    step = (times[-1] - times[0]) / (MOST_POINTS - 1)
    moments = (times[0] + step * number for number in range(MOST_POINTS))
    picked = sorted({min(bisect.bisect_left(times, moment), len(times) - 1) for moment in moments})
    return [times[index] for index in picked], [values[index] for index in picked]


def _figure() -> tuple[Figure, Axes]:
    """A drawing whose labels all have room."""
    figure = Figure(figsize=SIZE_INCHES, layout="constrained")
    return figure, figure.add_subplot()


_OPENING = r'<svg class="chart" role="img" viewBox="\1" xmlns:xlink="http://www.w3.org/1999/xlink">'


def _svg(figure: Figure, name: str) -> str:
    """The drawing as an element of a page: ids of its own, the page's colours and font, and as wide as its place."""
    text = io.StringIO()
    figure.savefig(text, format="svg", transparent=True, metadata={"Date": None, "Creator": None})
    svg = text.getvalue()
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg, flags=re.DOTALL)
    prefix = re.sub(r"\W", "", name)
    svg = re.sub(r'\bid="', f'id="{prefix}-', svg)
    svg = re.sub(r'(xlink:href="#|url\(#)', rf"\1{prefix}-", svg)
    svg = re.sub(r"font: ([\d.]+)px [^;\"]*", r"font-size: \1px", svg)
    svg = re.sub(r'<svg [^>]*viewBox="([^"]*)"[^>]*>', _OPENING, svg, count=1)
    for ink in INKS:
        svg = svg.replace(ink.stand_in, f"var(--{ink.name})")
    return svg.strip()


def _percent_of(whole: float) -> typing.Any:
    """The two directions of a second axis that shows shares of a whole."""
    return lambda part: part / whole * 100, lambda percent: percent * whole / 100


def _at_share(ordered: list[float], share: float) -> float:
    return ordered[min(int(len(ordered) * share), len(ordered) - 1)] if ordered else 0.0


def _label(text: str) -> str:
    """A name on an axis: a dollar sign in it is no formula."""
    return printable(text).replace("$", r"\$")


def _thousands() -> FuncFormatter:
    return FuncFormatter(lambda value, _: f"{value:,.0f}" if abs(value) >= 10 else _decimals(value))


def _plain_numbers() -> FuncFormatter:
    return FuncFormatter(lambda value, _: _decimals(value))


def _decimals(value: float) -> str:
    """A number at a tick: ten digits, neither an exponent nor the sign of a zero."""
    whole, _, decimals = f"{Decimal(f'{value:.10g}') + 0:,f}".partition(".")
    decimals = decimals.rstrip("0")
    return f"{whole}.{decimals}" if decimals else whole


def _unsigned_zero(text: str) -> str:
    """Without the sign of what is rounded to nothing."""
    return text if text.strip("-0.,") else text.lstrip("-")
