"""Measures the presets of the local exchange: the tables and the charts of docs/local-market.md.

    python docs/make_market.py

Everything is drawn from a fixed seed, so that the same source makes the same page.
"""

from __future__ import annotations

import math
import pathlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import matplotlib
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from octobot_volume_booster.offline_exchange.server.engine.resting_facts import RestingFacts, resting_facts
from octobot_volume_booster.offline_exchange.server.market.character import PRESETS
from octobot_volume_booster.offline_exchange.server.market.facts import TapeFacts, tape_facts
from octobot_volume_booster.offline_exchange.server.market.price_path import PricePath
from octobot_volume_booster.offline_exchange.server.market.ranges import RANGES, FactRange, values_of
from octobot_volume_booster.offline_exchange.server.market.spec import MARKETS

DOCS = pathlib.Path(__file__).resolve().parent
PAGE, PICTURES = DOCS / "local-market.md", DOCS / "pictures"
BEGIN, END = "<!-- measured: {name} -->", "<!-- end of {name} -->"
SEED, START_TIME, PRINTS, TRIES = 1, 1_700_000_000, 20_000, 400
LEAST_HOURS = 24
STYLE = {
    "svg.hashsalt": "volume booster",
    "svg.fonttype": "none",
    "font.family": "sans-serif",
    "font.size": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
}
COLOURS = dict(zip(PRESETS, ("#1f77b4", "#2a9d8f", "#e07b39", "#7b4fa3"), strict=True))


@dataclass(frozen=True)
class Measured:
    """One preset on its tape."""

    tape: TapeFacts
    resting: RestingFacts

    @property
    def values(self) -> Mapping[str, float]:
        return values_of(self.tape, self.resting)


def measure(name: str) -> Measured:
    """A day of a preset, or some thousand prints."""
    spec = PRESETS[name].of(MARKETS[0])
    hours = max(LEAST_HOURS, math.ceil(PRINTS / spec.prints_per_second / 3_600))
    from_ms = START_TIME * 1_000
    until_ms = from_ms + hours * 3_600_000
    path = PricePath(SEED, START_TIME, [spec], 3_600)
    return Measured(
        tape_facts(path, spec.id, from_ms, until_ms), resting_facts(path, spec.id, from_ms, until_ms, TRIES)
    )


def presets_table() -> str:
    """What each preset is."""
    rows: list[tuple[str, Callable[[str], object]]] = [
        ("spread", lambda name: f"{PRESETS[name].spread_bps:g} bps"),
        ("tick", lambda name: f"{PRESETS[name].tick_bps:g} bps" if PRESETS[name].tick_bps else "the market's own"),
        ("a level of the book, median", lambda name: f"{PRESETS[name].depth_quote:,.0f}"),
        ("volatility of a year", lambda name: f"{PRESETS[name].volatility_percent:g} %"),
        ("prints a second", lambda name: f"{PRESETS[name].prints_per_second:g}"),
        ("a print, median", lambda name: f"{PRESETS[name].print_quote:g}"),
        ("toxicity", lambda name: f"{PRESETS[name].toxicity:g}"),
        ("persistence of signs", lambda name: f"{PRESETS[name].sign_persistence:g}"),
        ("levels stand for, on average", lambda name: f"{PRESETS[name].level_seconds:g} s"),
    ]
    return _table(["", *PRESETS], [[title, *(str(of(name)) for name in PRESETS)] for title, of in rows])


def facts_table(measured: Mapping[str, Measured]) -> str:
    """Each fact of each preset beside its range."""
    rows = [
        [
            one.name,
            *(f"{measured[name].values[one.name]:.2f}" for name in PRESETS),
            f"{one.least:g} to {one.most:g}",
            one.source,
        ]
        for one in RANGES
    ]
    return _table(["fact", *PRESETS, "range", "fact shown by"], rows)


def _table(head: list[str], rows: list[list[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


Drawing = Callable[[Axes, Mapping[str, Measured]], None]


def by_key(of: Callable[[Measured], Mapping[int, float]]) -> Drawing:
    """Lines over seconds or lags."""

    def draw(axes: Axes, measured: Mapping[str, Measured]) -> None:
        for name, one in measured.items():
            points = of(one)
            axes.plot(list(points), list(points.values()), marker="o", color=COLOURS[name], label=name)
        axes.set_xscale("log")
        axes.set_xticks(list(of(next(iter(measured.values())))))
        axes.xaxis.set_major_formatter("{x:g}")
        axes.minorticks_off()

    return draw


def bars(of: Callable[[Measured], float]) -> Drawing:
    """A bar for each preset."""

    def draw(axes: Axes, measured: Mapping[str, Measured]) -> None:
        axes.bar(list(measured), [of(one) for one in measured.values()], color=[COLOURS[name] for name in measured])
        axes.axhline(0, color="#888888", linewidth=0.8)

    return draw


def chances(axes: Axes, measured: Mapping[str, Measured]) -> None:
    """Chances of a fill behind a short and a long queue."""
    for number, (name, one) in enumerate(measured.items()):
        for queue, style in (("short queue", "-"), ("long queue", "--")):
            points = one.resting.fill_probability[queue]
            label = f"{name}, {queue}" if number == 0 else name if style == "-" else None
            axes.plot(list(points), list(points.values()), style, marker="o", color=COLOURS[name], label=label)
    axes.set_ylim(0, 1)
    axes.set_xticks([10, 60])


CHARTS: Mapping[str, tuple[str, str, str, Drawing, str | None]] = {
    "markout": (
        "How far the mid has followed a print", "seconds after the print", "share of the half spread",
        by_key(lambda one: one.tape.markout), "mark-out of a print after 10 s / half spread",
    ),
    "signs": (
        "Correlation of the sides of two prints", "prints apart", "correlation",
        by_key(lambda one: one.tape.sign_correlation), None,
    ),
    "counts": (
        "Dispersion of the number of prints", "window, seconds", "variance / mean",
        by_key(lambda one: one.tape.dispersion), "dispersion of counts in 10 s",
    ),
    "tails": (
        "Kurtosis of returns", "seconds", "kurtosis, 3 is normal",
        by_key(lambda one: one.tape.kurtosis), "kurtosis of returns of 10 s",
    ),
    "ratio": (
        "Spread over volatility per trade", "", "ratio", bars(lambda one: one.tape.spread_ratio),
        "spread / volatility per trade",
    ),
    "resting": (
        "What an order at the touch keeps", "", "share of the half spread, 10 s after the fill",
        bars(lambda one: one.resting.kept_after), "realised spread at the touch / half spread",
    ),
    "fills": ("Chance that an order at the touch is filled", "seconds", "share", chances, None),
}  # fmt: skip


def draw_charts(measured: Mapping[str, Measured]) -> None:
    """A file for each fact; the range that a market has to keep within is shaded."""
    PICTURES.mkdir(exist_ok=True)
    ranges = {one.name: one for one in RANGES}
    for name, (title, x_label, y_label, draw, fact) in CHARTS.items():
        with matplotlib.rc_context(STYLE):
            figure = Figure(figsize=(5.2, 2.9), layout="constrained")
            axes = figure.subplots()
            draw(axes, measured)
            axes.set(title=title, xlabel=x_label, ylabel=y_label)
            if fact is not None:
                _shade(axes, ranges[fact])
            if axes.get_legend_handles_labels()[1]:
                axes.legend(frameon=False, fontsize=8)
            figure.savefig(PICTURES / f"market-{name}.svg", metadata={"Date": None})


def _shade(axes: Axes, known: FactRange) -> None:
    """The range, as far as it is within sight."""
    low, high = axes.get_ylim()
    axes.axhspan(max(known.least, low), min(known.most, high), color="#dddddd", alpha=0.5, zorder=0, linewidth=0)
    axes.set_ylim(low, high)


def with_part(page: str, name: str, text: str) -> str:
    """The page with a measured part between its marks."""
    before, begin, rest = page.partition(BEGIN.format(name=name))
    _, end, after = rest.partition(END.format(name=name))
    assert begin and end, f"{PAGE.name} has no marks for {name}"
    return f"{before}{begin}\n\n{text}\n\n{end}{after}"


def main() -> None:
    measured = {name: measure(name) for name in PRESETS}
    page = with_part(PAGE.read_text("utf-8"), "presets", presets_table())
    page = with_part(page, "facts", facts_table(measured))
    draw_charts(measured)
    PAGE.write_text(page, "utf-8")


if __name__ == "__main__":
    main()
