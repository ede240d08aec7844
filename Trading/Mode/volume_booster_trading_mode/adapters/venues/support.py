"""What works on an exchange, told without asking it: from its record, and from what OctoBot and ccxt have."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import ccxt

from ...core.model.basics import ExecutionStyle
from ...core.model.escape import quoted
from ...core.model.versions import fails_at_fills_of_futures
from ...core.planning.account_checks import Row, fails, untried, works
from ...core.settings.schema import Settings
from . import VENUES, not_supported, venue_of, working
from .record import CCXT_OF, MarketBuy, Venue

OFFLINE = {"offline_exchange": "binance", "second_offline_exchange": "binance"}
"""The exchanges of this computer, and whose protocol they speak."""
_ONLY_OCTOBOT = frozenset({"coinbasepro", "okcoin", "polymarket", "hollaex_autofilled"})
"""Names that OctoBot has a class for, and ccxt none."""


class UnknownExchangeError(Exception):
    """Nobody knows an exchange of this name; the message says which ones are near."""


@dataclass(frozen=True, slots=True)
class Use:
    """What is to be done there: the settings, the pairs, and whether they are contracts."""

    settings: Settings
    symbols: Sequence[str]
    is_futures: bool


@dataclass(frozen=True, slots=True)
class Versions:
    """Those that run here."""

    octobot: str
    ccxt: str


def name_of(asked: str) -> str:
    """The name that OctoBot and ccxt have for an exchange, by that name or by its title, however it is written.

    :raises UnknownExchangeError: when neither knows one.
    """
    names: dict[str, str] = {name: name for name in (*ccxt.exchanges, *_ONLY_OCTOBOT, *OFFLINE)}
    titles = {venue.title.lower(): venue.ccxt_id for venue in VENUES.values()}
    known = {**names, **titles}
    if (name := known.get(asked.strip().lower())) is not None:
        return name
    near = list(dict.fromkeys(known[one] for one in difflib.get_close_matches(asked.lower(), known, 3, 0.8)))
    hint = f"; did you mean {' or '.join(near)}?" if near else ""
    raise UnknownExchangeError(f"neither ccxt nor OctoBot knows an exchange {quoted(asked)}{hint}")


def title_of(name: str) -> str:
    """What an exchange is called."""
    known = venue_at(name)
    return name if known is None or name in OFFLINE else known.title


def venue_at(name: str) -> Venue | None:
    """The record of an exchange by OctoBot's name of it; None when there is none."""
    return venue_of(OFFLINE.get(name, name))


def refusal(
    known: Venue | None, name: str, octobot_version: str, *, ccxt_id: str = "", is_futures: bool = False
) -> str:
    """Why OctoBot's real trader places no orders on an exchange; empty where it does.

    :param ccxt_id: ccxt's name of it, where OctoBot has another one.
    """
    others = f"Orders are placed on: {', '.join(working())}."
    if known is None:
        return f"no orders are placed on {name}: how it writes an order ({ccxt_id or name}) is not known. {others}"
    if known.refused:
        return f"no orders are placed on {known.title}: {known.refused}. {others}"
    if not is_proven(known, octobot_version):
        lines = " and ".join(sorted(known.proven)) or "no version"
        return f"no orders are placed on {known.title} with OctoBot {octobot_version}: tried with {lines}. {others}"
    if is_futures and not known.is_futures_proven:
        return f"no orders are placed on futures of {known.title}: only its spot markets were tried"
    return ""


def style_refusal(known: Venue | None, style: ExecutionStyle) -> str:
    """Why a campaign of this style places nothing on an exchange; empty where it does."""
    if known is None or known.post_only_params or not style.is_quoting:
        return ""
    return (
        f"order_type {style.value} needs post-only orders, and how {known.title} writes one is not known: choose "
        "limit or market"
    )


def is_proven(known: Venue, octobot_version: str) -> bool:
    return _line_of(known, octobot_version) is not None


def _line_of(known: Venue, octobot_version: str) -> str | None:
    """The version that an exchange was tried with and that this one is, maybe with a suffix; 2.1.10 is not 2.1.1."""
    return next(
        (line for line in known.proven if re.fullmatch(rf"{re.escape(line)}([^\d.].*)?", octobot_version)), None
    )


def rows(name: str, use: Use, versions: Versions) -> Iterator[Row]:
    """What of this use is possible on an exchange; what is not known is not told."""
    known = venue_at(name)
    if refused := refusal(known, name, versions.octobot):
        yield fails("support", refused)
    if known is None or known.refused:
        return
    if not refused:
        yield _proven(known, versions)
    yield _market_buy(known)
    yield works("lost answer", _lost_answer(known))
    yield _order_type(known, use.settings.order_type)
    yield _pairs(known, use, versions)


def _proven(known: Venue, versions: Versions) -> Row:
    tried_with = CCXT_OF.get(_line_of(known, versions.octobot) or "", "")
    if versions.ccxt != tried_with:
        return untried(
            "support",
            f"tried with OctoBot {versions.octobot} and ccxt {tried_with}, and this is ccxt {versions.ccxt}: with the "
            "keys of a home it is checked what leaves",
        )
    return works("support", f"tried with OctoBot {versions.octobot} and ccxt {versions.ccxt}")


def _market_buy(known: Venue) -> Row:
    if known.market_buy is MarketBuy.QUANTITY:
        return works("market buy", "by quantity: what is bought is what was decided")
    return works("market buy", "by the quote to spend: what fills is what counts")


def _lost_answer(known: Venue) -> str:
    if known.lookup.is_asked_by_client_id:
        return "the order is looked up by our id"
    if known.lookup.is_conclusive:
        return "the order is looked for by our id in the lists of open and ended orders"
    return "the order is looked for in lists; one that is not found there halts, and a person has to look"


def _order_type(known: Venue, order_type: ExecutionStyle) -> Row:
    if refused := style_refusal(known, order_type):
        return fails("order type", refused)
    post_only = "is possible" if known.post_only_params else "is not"
    return works("order type", f"order_type {order_type.value} is possible; post-only {post_only}")


def _pairs(known: Venue, use: Use, versions: Versions) -> Row:
    told = ", ".join(use.symbols)
    if use.is_futures:
        refused = _futures_refusal(known, versions.octobot)
        return fails("pairs", refused) if refused else works("pairs", f"{told}: futures were tried")
    contracts = [symbol for symbol in use.symbols if ":" in symbol]
    if contracts:
        return fails("pairs", f"{', '.join(contracts)} is a contract, and the exchange-type of the profile is spot")
    return works("pairs", f"{told}: spot; whether they are listed is asked with the keys of a home")


def _futures_refusal(known: Venue, octobot_version: str) -> str:
    if fails_at_fills_of_futures(octobot_version):
        return f"OctoBot {octobot_version} fails at every fill of its real trader on futures: use OctoBot 2.0.15"
    return refusal(known, known.title, octobot_version, is_futures=True)


def overview(octobot_version: str) -> list[Row]:
    """A row for each exchange that is known or asked for: whether orders are placed there, how, or why not."""
    unknown = [fails(title, not_supported.UNKNOWN_WHY) for title in not_supported.UNKNOWN.values()]
    rows = [*(_overview(venue, octobot_version) for venue in VENUES.values()), *unknown]
    return sorted(rows, key=lambda row: (row.ok is not True, row.name.lower()))


def _overview(known: Venue, octobot_version: str) -> Row:
    if known.refused:
        return fails(known.title, f"refused: {known.refused}")
    if not is_proven(known, octobot_version):
        return fails(known.title, f"not tried with OctoBot {octobot_version}")
    return works(known.title, _how(known, octobot_version))


def _how(known: Venue, octobot_version: str) -> str:
    by = "market buys by the quote to spend" if known.market_buy is MarketBuy.QUOTE else "market buys by quantity"
    is_on_futures = known.is_futures_proven and not fails_at_fills_of_futures(octobot_version)
    return f"works on {'spot and futures' if is_on_futures else 'spot'}, {by}"
