"""What is told of an exchange without asking it: of every one that ccxt knows, and of those that nobody does."""

from __future__ import annotations

import dataclasses
import importlib.metadata
import typing

import ccxt
import pytest

from octobot_volume_booster.adapters.venues import VENUES, support
from octobot_volume_booster.adapters.venues.record import BOTH_LINES, CCXT_OF, Lookup, MarketBuy, Venue, refused
from octobot_volume_booster.adapters.venues.support import UnknownExchangeError, Use, Versions
from octobot_volume_booster.core.planning.account_checks import Row
from octobot_volume_booster.core.settings.schema import parse_settings

HERE = Versions("2.0.15", CCXT_OF["2.0.15"])
BINANCE = VENUES["binance"]
SPOT = Use(parse_settings({}), ["BTC/USDT"], is_futures=False)


def rows(name: str, use: Use = SPOT, versions: Versions = HERE) -> dict[str, Row]:
    told = list(support.rows(name, use, versions))
    assert len({row.name for row in told}) == len(told)
    return {row.name: row for row in told}


@pytest.mark.parametrize("name", [*ccxt.exchanges, *support.OFFLINE, "coinbasepro", "okcoin", "polymarket"])
@pytest.mark.parametrize("line", sorted(BOTH_LINES))
def test_of_every_exchange_it_is_told_whether_orders_are_placed_there(name: str, line: str) -> None:
    name = support.name_of(name)
    told, known = rows(name, versions=Versions(line, CCXT_OF[line])), support.venue_at(name)
    is_used = known is not None and not known.refused and line in known.proven
    assert told["support"].ok is is_used
    assert is_used or "Orders are placed on: " in told["support"].text
    assert ("lost answer" in told) is (known is not None and not known.refused)


@pytest.mark.parametrize(
    ("version", "is_tried"),
    [("2.0.15", True), ("2.1.1", True), ("2.1.1-beta2", True), ("2.1.10", False), ("2.1.1.1", False), ("2.0.1", False)],
)
def test_only_a_version_that_was_tried_counts_as_tried(version: str, is_tried: bool) -> None:
    assert support.is_proven(BINANCE, version) is is_tried


@pytest.mark.parametrize("name", ["Coinstore", "coinstore", "no such", ""])
def test_of_a_name_that_neither_knows_exactly_that_is_told(name: str) -> None:
    with pytest.raises(UnknownExchangeError) as unknown:
        support.name_of(name)
    assert str(unknown.value) == f"neither ccxt nor OctoBot knows an exchange {name!r}"


@pytest.mark.parametrize(("name", "near"), [("binanse", "binance"), ("krakan", "kraken"), ("Kucion", "kucoin")])
def test_a_name_that_is_near_another_one_is_asked_about(name: str, near: str) -> None:
    with pytest.raises(UnknownExchangeError, match=rf"did you mean .*{near}"):
        support.name_of(name)


def test_an_exchange_may_be_named_by_its_title_and_in_any_case() -> None:
    assert support.name_of(" BINANCE ") == "binance"
    for venue in VENUES.values():
        assert support.name_of(venue.title) == venue.ccxt_id


@pytest.fixture
def own(monkeypatch: pytest.MonkeyPatch) -> typing.Callable[..., None]:
    """Puts an exchange of the test's own in the place of a known one."""

    def put(venue: Venue) -> None:
        monkeypatch.setitem(VENUES, "binance", venue)

    return put


def like_binance(**changes: typing.Any) -> Venue:
    return dataclasses.replace(BINANCE, **changes)


def test_what_an_exchange_does_its_own_way_is_told(own: typing.Callable[..., None]) -> None:
    own(like_binance(market_buy=MarketBuy.QUOTE, lookup=Lookup(by_client_id=None), post_only_params={}))
    told = rows("binance")
    assert "by the quote to spend" in told["market buy"].text
    assert "a person has to look" in told["lost answer"].text
    assert "post-only is not" in told["order type"].text
    own(like_binance(lookup=Lookup(closed_orders_show_client_id=True)))
    assert "in the lists of open and ended orders" in rows("binance")["lost answer"].text


def test_a_refused_one_says_why_and_one_that_was_not_tried_here_with_what_it_was(
    own: typing.Callable[..., None],
) -> None:
    own(refused("binance", "Binance", "it sends what it likes"))
    assert "on Binance: it sends what it likes" in rows("binance")["support"].text
    own(like_binance(proven=frozenset({"2.1.1"})))
    assert "with OctoBot 2.0.15: tried with 2.1.1" in rows("binance")["support"].text
    assert rows("binance")["lost answer"].ok


def test_another_ccxt_than_the_one_it_was_tried_with_is_told() -> None:
    told = rows("binance", versions=Versions("2.0.15", "4.9.9"))["support"]
    assert told.ok is None and "this is ccxt 4.9.9" in told.text


@pytest.mark.parametrize(
    ("symbols", "is_futures", "are_futures_proven", "ok", "text"),
    [
        (["BTC/USDT", "ETH/USDT"], False, False, True, "BTC/USDT, ETH/USDT"),
        (["BTC/USDT:USDT"], False, True, False, "exchange-type of the profile is spot"),
        (["BTC/USDT:USDT"], True, True, True, "futures were tried"),
        (["BTC/USDT:USDT"], True, False, False, "only its spot markets were tried"),
    ],
)
def test_pairs_are_told_by_what_was_tried(
    own: typing.Callable[..., None], symbols: list[str], is_futures: bool, are_futures_proven: bool, ok: bool, text: str
) -> None:
    own(like_binance(is_futures_proven=are_futures_proven))
    told = rows("binance", Use(parse_settings({}), symbols, is_futures))["pairs"]
    assert told.ok is ok and text in told.text


@pytest.mark.parametrize(("version", "works"), [("2.0.15", True), ("2.0.16", False), ("2.1.1", False), ("3.0.0", True)])
def test_an_octobot_that_fails_at_fills_of_futures_is_told(
    own: typing.Callable[..., None], version: str, works: bool
) -> None:
    own(like_binance(proven=frozenset({version}), is_futures_proven=True))
    told = rows("binance", Use(parse_settings({}), ["BTC/USDT:USDT"], is_futures=True), Versions(version, ""))["pairs"]
    assert told.ok is works and ("fails at every fill" in told.text) is not works
    assert ("futures" in {row.name: row for row in support.overview(version)}["Binance"].text) is works


def test_the_table_has_a_row_for_each_exchange_that_is_known(own: typing.Callable[..., None]) -> None:
    told = {row.name: row for row in support.overview("2.0.15")}
    titles = [venue.title for venue in VENUES.values()]
    assert sorted(told) == sorted([*titles, "Coinstore"]) and not told["Coinstore"].ok
    assert told["Binance"].ok and "spot and futures, market buys by quantity" in told["Binance"].text
    assert not {row.name: row for row in support.overview("9.9")}["Binance"].ok
    own(refused("binance", "Binance", "it sends what it likes"))
    (row,) = (row for row in support.overview("2.0.15") if row.name == "Binance")
    assert (row.ok, row.text) == (False, "refused: it sends what it likes")


def test_the_versions_that_exchanges_were_tried_with_are_those_that_are_installed() -> None:
    assert CCXT_OF[importlib.metadata.version("octobot")] == ccxt.__version__
