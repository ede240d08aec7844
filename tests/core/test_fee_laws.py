"""Fees in whatever form: what is told counts to the last digit, what is not told is estimated, marked, and never less
than nothing."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies import LAW, multiples

from octobot_volume_booster.campaign.campaign import Campaign
from octobot_volume_booster.core.accounting import fees
from octobot_volume_booster.core.accounting.fees import NOT_TOLD, Fee, Hop, fee_of
from octobot_volume_booster.core.accounting.tallies import DAY_S
from octobot_volume_booster.core.accounting.trade_ids import Charge
from octobot_volume_booster.core.model.basics import OrderType, Role, Side
from octobot_volume_booster.core.model.instrument import MarketRules
from octobot_volume_booster.core.model.orders import Fill, OrderIntent
from octobot_volume_booster.journal.journal import Journal

PRICE = Decimal(60_000)
NOTIONAL = Decimal(600)
PRICES = {"BNB": Decimal(600), "KCS": Decimal("0.125")}
MARKET = ("offline", "BTC/USDT")


def rules(maker: str = "0.0008", taker: str = "0.001") -> MarketRules:
    steps = Decimal("0.01"), Decimal("0.00001"), Decimal(0), Decimal(5)
    return MarketRules("BTC", "USDT", *steps, maker_fee_rate=Decimal(maker), taker_fee_rate=Decimal(taker))


def fee(*charges: Charge, role: Role = Role.TAKER, maker: str = "0.0008") -> Fee:
    return fee_of(charges, PRICE, NOTIONAL, role, rules(maker), PRICES.get)


def charge(amount: str | None, asset: str = "") -> Charge:
    return Charge(None if amount is None else Decimal(amount), asset)


@pytest.mark.parametrize(
    ("charges", "expected"),
    [
        ([charge("0.6", "USDT")], Fee(Decimal("0.6"), amount=Decimal("0.6"), asset="USDT")),
        ([charge("0.00001", "BTC")], Fee(Decimal("0.6"), amount=Decimal("0.00001"), asset="BTC")),
        ([charge("0.001", "BNB")], Fee(Decimal("0.6"), amount=Decimal("0.001"), asset="BNB")),
        ([charge("0", "USDT")], Fee(Decimal(0), asset="USDT")),
        ([charge("0")], Fee(Decimal(0))),
        ([charge("0", "POINT")], Fee(Decimal(0), asset="POINT")),
        ([charge("-0.06", "USDT")], Fee(Decimal("-0.06"), amount=Decimal("-0.06"), asset="USDT")),
        ([charge("-0.0001", "BNB")], Fee(Decimal("-0.06"), amount=Decimal("-0.0001"), asset="BNB")),
        (
            [charge("0.0005", "BNB"), charge("0.3", "USDT"), charge("0.000001", "BTC")],
            Fee(Decimal("0.66"), told="0.0005 BNB + 0.3 USDT + 0.000001 BTC"),
        ),
    ],
)
def test_a_fee_that_is_told_and_has_a_price_is_worth_what_it_is_and_is_no_estimate(charges, expected) -> None:
    assert fee(*charges) == expected


@pytest.mark.parametrize(
    ("charges", "known", "told"),
    [
        ([], "0", NOT_TOLD),
        ([charge(None)], "0", NOT_TOLD),
        ([charge(None, "USDT")], "0", NOT_TOLD),
        ([charge("0.6")], "0", "0.6 of an asset not told"),
        ([charge("12", "POINT")], "0", "12 POINT"),
        ([charge("-3", "POINT")], "0", "-3 POINT"),
        ([charge("0.0001", "BNB"), charge("12", "POINT")], "0.06", "0.0001 BNB + 12 POINT"),
        ([charge("-0.06", "USDT"), charge(None)], "-0.06", "-0.06 USDT + not told"),
    ],
)
@pytest.mark.parametrize(("role", "rate"), [(Role.TAKER, "0.001"), (Role.MAKER, "0.0008")])
def test_what_is_not_told_or_has_no_price_is_the_markets_rate_for_the_role_and_marked(
    charges, known, told, role, rate
) -> None:
    estimated = NOTIONAL * Decimal(rate)
    result = fee(*charges, role=role)
    assert (result.quote, result.estimated_quote, result.told) == (Decimal(known) + estimated, estimated, told)


def test_where_the_market_pays_for_making_what_is_not_told_counts_as_nothing_and_is_marked() -> None:
    result = fee(role=Role.MAKER, maker="-0.0001")
    assert (result.quote, result.estimated_quote, result.told) == (0, 0, NOT_TOLD)


# --- ways to a price -------------------------------------------------------------------------------------------------

ASSETS = ("A", "B", "C", "D", "E")


@st.composite
def exchanges(draw: st.DrawFn) -> tuple[dict[str, Decimal], dict[str, Decimal]]:
    """What each asset is worth, and the price of each market between them, each market one way round."""
    worth = {asset: draw(multiples(Decimal("0.5"), 1, 8)) for asset in ASSETS}
    pairs = draw(st.sets(st.tuples(st.sampled_from(ASSETS), st.sampled_from(ASSETS)), max_size=8))
    listed = {f"{base}/{quote}" for base, quote in pairs if base < quote}
    turned = {f"{quote}/{base}" if draw(st.booleans()) else f"{base}/{quote}" for base, quote in
              (symbol.split("/") for symbol in sorted(listed))}  # fmt: skip
    return worth, {symbol: worth[symbol[0]] / worth[symbol[2]] for symbol in turned}


def hops_between(asset: str, quote: str, symbols: list[str]) -> int | None:
    """The fewest markets from one to the other, by brute force."""
    reached, steps = {asset}, 0
    while quote not in reached:
        further = reached | {one for symbol in symbols for one in symbol.split("/") if reached & set(symbol.split("/"))}
        if further == reached:
            return None
        reached, steps = further, steps + 1
    return steps


@LAW
@given(exchanges())
def test_an_asset_is_worth_the_same_over_every_way_and_the_shortest_way_comes_first(exchange) -> None:
    worth, prices = exchange
    markets = [(symbol, *symbol.split("/")) for symbol in prices]
    found = list(fees.ways("A", "E", markets))
    lengths = [len(way) for way in found]
    shortest = hops_between("A", "E", list(prices))
    assert lengths == sorted(lengths)
    assert (lengths[0] if lengths else None) == (shortest if (shortest or 9) <= fees.MOST_HOPS else None)
    for way in found:
        assert len({hop.symbol for hop in way}) == len(way)
        price = fees.price_along(way, prices.get)
        assert price is not None and abs(price - worth["A"] / worth["E"]) < Decimal("1e-20")


def test_a_coin_without_a_market_to_the_quote_is_valued_over_the_one_that_most_markets_are_with() -> None:
    symbols = ["BTC/EUR", "BNB/USDT", "EUR/USDT", "BNB/ABC", "ABC/EUR", "BTC/USDT"]
    way = next(fees.ways("BNB", "EUR", [(symbol, *symbol.split("/")) for symbol in symbols]))
    assert way == (Hop("BNB/USDT", is_inverted=False), Hop("EUR/USDT", is_inverted=True))
    prices = {"BNB/USDT": Decimal(654), "EUR/USDT": Decimal("1.09")}
    assert fees.price_along(way, prices.get) == 600


def test_without_a_market_on_the_way_or_without_its_price_there_is_none() -> None:
    assert list(fees.ways("POINT", "EUR", [("BTC/EUR", "BTC", "EUR")])) == []
    assert fees.price_along((Hop("BNB/EUR", is_inverted=False),), {"BNB/EUR": Decimal(0)}.get) is None
    assert fees.price_along((Hop("BNB/EUR", is_inverted=False),), {}.get) is None


@pytest.mark.parametrize(
    ("ticker", "expected"),
    [
        ({"last": 2.5, "bid": 1, "ask": 2}, "2.5"),
        ({"last": None, "bid": 1, "ask": 2}, "1.5"),
        ({"last": 0, "bid": 1, "ask": None}, None),
        ({"last": "nan"}, None),
        ({}, None),
    ],
)
def test_a_ticker_has_its_last_price_or_that_between_the_best_two(ticker, expected) -> None:
    assert fees.ticker_price(ticker) == (None if expected is None else Decimal(expected))


# --- an estimate in the books ----------------------------------------------------------------------------------------


@st.composite
def fills(draw: st.DrawFn) -> list[Fill]:
    intent = OrderIntent(Side.BUY, OrderType.LIMIT, Decimal(1), Decimal(100), Decimal(100))
    told = []
    for number in range(draw(st.integers(1, 6))):
        estimated = draw(st.sampled_from((Decimal(0), Decimal("0.1"), Decimal("0.25"))))
        amounts = Decimal("0.1"), Decimal(100), estimated + draw(multiples(Decimal("0.01"), -5, 5)), intent.mid_price
        at = float(draw(st.integers(0, 3)) * DAY_S)
        note = (estimated, "1 POINT") if draw(st.booleans()) or estimated else (Decimal(0), "")
        told.append(Fill(f"f{number}", f"vb{number % 2}", at, Side.BUY, Role.TAKER, *amounts, Decimal(1), "POINT",
                         estimated_fee_quote=note[0], fee_told=note[1]))  # fmt: skip
    return told


@LAW
@given(fills(), st.data())
def test_what_is_estimated_adds_up_day_by_day_and_is_the_same_when_it_is_replayed(told, data) -> None:
    journal = Journal.create_or_open(None)
    campaign = Campaign(journal)
    intent = OrderIntent(Side.BUY, OrderType.LIMIT, Decimal(1), Decimal(100), Decimal(100))
    for order_id in ("vb0", "vb1"):
        campaign.place(order_id, *MARKET, intent, 1.0)
    for fill in data.draw(st.permutations([*told, *told])):
        campaign.fill(fill)
        if data.draw(st.booleans()):
            journal.add_sums(campaign.ledger)
    estimated = sum((fill.estimated_fee_quote for fill in told), Decimal(0))
    for ledger in (campaign.ledger, journal.replay(), journal.replay(from_the_first_row=True)):
        progress = ledger.progress(Decimal(1_000))
        assert progress.estimated_fees_quote == estimated
        assert progress.fees_quote == sum((fill.fee_quote for fill in told), Decimal(0))
        assert sum(ledger.progress(Decimal(1_000), day=day).estimated_fees_quote for day in ledger.days) == estimated
    assert sorted(journal.fills(), key=lambda fill: fill.fill_id) == told
    journal.close()
