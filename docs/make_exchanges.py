"""Writes the table of exchanges into docs/exchanges.md, from what the mode knows of them: python docs/make_exchanges.py

tests/venues holds that what the table says was tried, and that the page has this very table.
"""

from __future__ import annotations

import pathlib

from octobot_volume_booster.adapters.venues import VENUES, MarketBuy, Venue
from octobot_volume_booster.adapters.venues.record import BOTH_LINES, CCXT_OF

PAGE = pathlib.Path(__file__).with_name("exchanges.md")
FUTURES = "linear ones, with OctoBot 2.0.15"
BEGIN, END = "<!-- table of exchanges -->", "<!-- end of the table -->"


def table() -> str:
    """The table in Markdown: what works, by name, then what does not."""
    works = sorted((venue for venue in VENUES.values() if not venue.refused), key=lambda one: one.title.lower())
    others = sorted((venue for venue in VENUES.values() if venue.refused), key=lambda one: one.title.lower())
    lines = [f"OctoBot {line} (ccxt {CCXT_OF[line]})" for line in sorted(BOTH_LINES)]
    head = ["exchange", *lines, "market buys", "an answer that was lost", "futures"]
    rows = [head, ["---"] * len(head), *map(_row, works)]
    refused = [["exchange", "why no orders are placed"], ["---", "---"], *([one.title, one.refused] for one in others)]
    return "\n".join([*map(_line, rows), "", "Refused:", "", *map(_line, refused)])


def _row(venue: Venue) -> list[str]:
    proven = ["works" if line in venue.proven else "not tried" for line in sorted(BOTH_LINES)]
    buys = "by quantity" if venue.market_buy is MarketBuy.QUANTITY else "by the quote to spend"
    found = "the order is found by our id" if venue.lookup.is_conclusive else "found, or a person is asked"
    return [venue.title, *proven, buys, found, FUTURES if venue.is_futures_proven else "refused"]


def _line(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |"


def page_with_table(page: str) -> str:
    """The page with the table of today between its marks."""
    before, _, rest = page.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n\n{table()}\n\n{END}{after}"


if __name__ == "__main__":
    PAGE.write_text(page_with_table(PAGE.read_text("utf-8")), "utf-8")
