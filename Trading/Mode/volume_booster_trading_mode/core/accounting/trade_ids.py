"""Which trades of an order are new: each counts once, also where an exchange gives trades no id of their own. Pure.

An id that an exchange gives is believed only where it names one trade: not where it is missing, is the order's own id,
is made of what the trade is (as ccxt does for some exchanges), or stands on two trades that differ. Trades without such
an id are told apart by order, time, price and quantity, and equal ones by their number: what an answer shows more often
than it is written down is new. So it does not matter in how many answers, and in which order, the trades of an order
come.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal

from ..model.basics import ZERO, Role

NO_TIME = "-"
_MADE_BY_CCXT = re.compile(r"^\d+-(buy|sell)\b")
"""Time, side, quantity, price and role: the same for two trades of the same."""


@dataclass(frozen=True, slots=True)
class Charge:
    """A part of a fee as it was charged; an `amount` of None is unknown, as is an `asset` of "". Below zero: paid to
    us."""

    amount: Decimal | None
    asset: str = ""


@dataclass(frozen=True, slots=True)
class ExchangeTrade:
    """A trade of our account as the exchange shows it: an id of "" and a time or role of None are unknown.

    `charges` are the parts of its fee; none where no fee is stated.
    """

    trade_id: str
    exchange_order_id: str
    at: float | None
    role: Role | None
    quantity: Decimal
    price: Decimal
    charges: tuple[Charge, ...] = ()


@dataclass(frozen=True, slots=True)
class KnownFill:
    """A fill of an order that is written down."""

    fill_id: str
    at: float
    quantity: Decimal
    price: Decimal


@dataclass(frozen=True, slots=True)
class Names:
    """How the fills of one order are named: by the trade's own id on its market, or by what the trade is."""

    order_id: str
    exchange_order_id: str
    market: str
    """Exchange and symbol."""

    def plain(self, trade_id: str) -> str:
        """By the id that the exchange gives."""
        return f"{self.market} {trade_id}"

    def made(self, trade: ExchangeTrade, number: int) -> str:
        """By what the trade is, and its number among equal ones."""
        at = NO_TIME if trade.at is None else repr(trade.at)
        return f"{self.order_id} {at} {trade.price.normalize():f} {trade.quantity.normalize():f} {number}"

    def is_made(self, fill_id: str) -> bool:
        """Whether a fill is named by what it is."""
        return fill_id.startswith(f"{self.order_id} ")

    def has_no_time(self, fill_id: str) -> bool:
        """Whether the time of this fill was unknown: then that of its reading is written down."""
        return fill_id.startswith(f"{self.order_id} {NO_TIME} ")


def new_trades(
    names: Names,
    trades: Iterable[ExchangeTrade],
    known: Sequence[KnownFill],
    owner_of: Callable[[str], str | None],
    filled_quantity: Decimal | None = None,
    *,
    stays_short: bool = False,
) -> tuple[tuple[str, ExchangeTrade], ...]:
    """The trades of one order that are not written down yet, each with the id that its fill is to have.

    :param trades: those of this order, all or some of them.
    :param known: every fill of this order that is written down.
    :param owner_of: the order that a fill of this id is written down for; None for none.
    :param filled_quantity: what is filled of the order, in base, where that is known: where equal rows may be one trade
        told twice or two trades, it tells which.
    :param stays_short: the trades have been less than that for long: equal rows with an id are taken for several trades
        then, where that makes them as much.
    """
    told = list(trades)
    named = _names_of_one_trade(names, told, known)
    rows = _without_repetitions(told, named, filled_quantity, stays_short=stays_short)
    left = list(known)
    for is_same in (_is_named_so(names, named), _is_equal(names, named), _is_alike(names, named)):
        rows = [row for row in rows if not _take(left, row, is_same)]
    return _with_ids(names, rows, named, {fill.fill_id for fill in known}, owner_of)


def _names_of_one_trade(names: Names, rows: list[ExchangeTrade], known: Sequence[KnownFill]) -> set[str]:
    """The ids that stand for one trade each, as far as can be seen."""
    of_an_order = {"", names.exchange_order_id, names.order_id}
    written = {fill.fill_id: (fill.quantity, fill.price) for fill in known}
    sizes: dict[str, set[tuple[Decimal, Decimal]]] = {}
    for row in rows:
        sizes.setdefault(row.trade_id, set()).add((row.quantity, row.price))
    for trade_id, some in sizes.items():
        some.update({written[plain]} if (plain := names.plain(trade_id)) in written else ())
    return {
        trade_id
        for trade_id, some in sizes.items()
        if trade_id not in of_an_order and not _MADE_BY_CCXT.search(trade_id) and len(some) == 1
    }


def _without_repetitions(
    rows: list[ExchangeTrade], named: set[str], filled_quantity: Decimal | None, *, stays_short: bool
) -> list[ExchangeTrade]:
    """Each trade as often as there are trades like it: a row with an id of its own that comes twice is one trade."""
    once = list({_content(row): row for row in rows}.values())
    likely = [*(row for row in once if row.trade_id in named), *(row for row in rows if row.trade_id not in named)]
    ways = (likely, once, rows) if stays_short else (likely, once)
    return next((way for way in ways if filled_quantity == total(way)), likely)


def total(trades: Iterable[ExchangeTrade]) -> Decimal:
    """What these trades add up to, in base."""
    return sum((trade.quantity for trade in trades), ZERO)


def _content(row: ExchangeTrade) -> tuple[str, float | None, Decimal, Decimal]:
    return row.trade_id, row.at, row.quantity, row.price


_IsSame = Callable[[ExchangeTrade, KnownFill], bool]


def _is_named_so(names: Names, named: set[str]) -> _IsSame:
    """The same trade by its id."""
    return lambda row, fill: row.trade_id in named and fill.fill_id == names.plain(row.trade_id)


def _is_equal(names: Names, named: set[str]) -> _IsSame:
    """The same by what it is, where no id says that it is another one."""

    def is_equal(row: ExchangeTrade, fill: KnownFill) -> bool:
        if (row.quantity, row.price) != (fill.quantity, fill.price) or row.at != fill.at:
            return False
        return row.trade_id not in named or names.is_made(fill.fill_id)

    return is_equal


def _is_alike(names: Names, named: set[str]) -> _IsSame:
    """The same where only one of the two has a time."""

    def is_alike(row: ExchangeTrade, fill: KnownFill) -> bool:
        if (row.quantity, row.price) != (fill.quantity, fill.price):
            return False
        if row.at is not None and not names.has_no_time(fill.fill_id):
            return False
        return row.trade_id not in named or names.is_made(fill.fill_id)

    return is_alike


def _take(left: list[KnownFill], row: ExchangeTrade, is_same: _IsSame) -> bool:
    """Whether a fill of these is the row; it is taken out of them then."""
    for place, fill in enumerate(left):
        if is_same(row, fill):
            del left[place]
            return True
    return False


def _with_ids(
    names: Names, rows: list[ExchangeTrade], named: set[str], used: set[str], owner_of: Callable[[str], str | None]
) -> tuple[tuple[str, ExchangeTrade], ...]:
    news: list[tuple[str, ExchangeTrade]] = []
    for row in rows:
        fill_id = names.plain(row.trade_id)
        # an exchange may number the trades of each order anew
        if row.trade_id not in named or fill_id in used or owner_of(fill_id) is not None:
            fill_id = next(made for number in itertools.count() if (made := names.made(row, number)) not in used)
        used.add(fill_id)
        news.append((fill_id, row))
    return tuple(news)
