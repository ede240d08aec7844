"""The public API as the real ccxt client reads it, and as Binance documents it."""

from decimal import Decimal
from typing import Any

import ccxt.async_support as ccxt
import pytest
from aiohttp.test_utils import TestClient

from octobot_volume_booster.offline_exchange.server.market.price_path import PricePath

START_TIME = 1_700_000_000
NOW_MS = START_TIME * 1_000 + 3_723_456
PATH = PricePath(7, START_TIME)
TIMEFRAMES = ["1s", "1m", "3m", "5m", "15m", "30m", "1h", "2h", "4h", "6h", "8h", "12h", "1d", "3d", "1w", "1M"]


async def get(server: TestClient, route: str, **query: Any) -> tuple[int, Any]:
    async with server.get(f"/api/v3/{route}", params={key: str(value) for key, value in query.items()}) as response:
        return response.status, await response.json()


@pytest.mark.asyncio
async def test_ccxt_loads_markets_with_precisions_and_limits(alice) -> None:
    markets = await alice.load_markets()
    assert set(markets) == {"BTC/USDT", "ETH/USDT"}
    bitcoin = markets["BTC/USDT"]
    assert bitcoin["spot"] and bitcoin["active"] and not bitcoin["margin"]
    assert bitcoin["precision"] == {**bitcoin["precision"], "price": 0.01, "amount": 0.00001}
    assert bitcoin["limits"]["amount"]["min"] == 0.00001
    assert bitcoin["limits"]["price"] == {"min": 0.01, "max": 1_000_000.0}
    assert bitcoin["limits"]["cost"]["min"] == 5.0
    assert markets["ETH/USDT"]["precision"]["amount"] == 0.0001


@pytest.mark.asyncio
async def test_ccxt_reads_the_exchange_time(alice) -> None:
    assert await alice.fetch_time() == NOW_MS


@pytest.mark.asyncio
async def test_ccxt_reads_a_ticker_that_agrees_with_the_path(alice) -> None:
    ticker = await alice.fetch_ticker("BTC/USDT")
    day = PATH.day_statistics("BTCUSDT", NOW_MS)
    assert ticker["timestamp"] == NOW_MS
    assert Decimal(str(ticker["last"])) == day.last.price_quote
    assert Decimal(str(ticker["high"])) == day.high_quote
    assert Decimal(str(ticker["low"])) == day.low_quote
    assert Decimal(str(ticker["baseVolume"])) == day.volume_base
    assert ticker["low"] <= ticker["bid"] < ticker["ask"] <= ticker["high"] + 100


@pytest.mark.asyncio
async def test_ccxt_reads_all_tickers_and_chosen_ones(alice) -> None:
    assert set(await alice.fetch_tickers()) == {"BTC/USDT", "ETH/USDT"}
    assert set(await alice.fetch_tickers(["ETH/USDT"])) == {"ETH/USDT"}
    assert set(await alice.fetch_bids_asks()) == {"BTC/USDT", "ETH/USDT"}
    assert set(await alice.fetch_last_prices()) == {"BTC/USDT", "ETH/USDT"}


@pytest.mark.asyncio
async def test_ccxt_reads_the_newest_trades_with_their_sides(alice) -> None:
    trades = await alice.fetch_trades("BTC/USDT", limit=50)
    expected = PATH.newest_prints("BTCUSDT", NOW_MS, 50)
    assert [trade["id"] for trade in trades] == [str(trade.trade_id) for trade in expected]
    assert [trade["side"] for trade in trades] == ["sell" if trade.buyer_is_maker else "buy" for trade in expected]
    assert [Decimal(trade["info"]["p"]) for trade in trades] == [trade.price_quote for trade in expected]
    assert len(await alice.fetch_trades("BTC/USDT")) == 500


@pytest.mark.asyncio
async def test_ccxt_pages_through_trades_by_time_and_by_id(alice) -> None:
    since = await alice.fetch_trades("ETH/USDT", since=NOW_MS - 60_000, limit=10)
    assert since[0]["timestamp"] >= NOW_MS - 60_000
    following = await alice.fetch_trades("ETH/USDT", limit=1, params={"fromId": int(since[-1]["id"]) + 1})
    assert int(following[0]["id"]) == int(since[-1]["id"]) + 1


@pytest.mark.asyncio
async def test_ccxt_reads_an_order_book_that_is_not_crossed(alice) -> None:
    book = await alice.fetch_order_book("BTC/USDT", limit=20)
    assert len(book["bids"]) == len(book["asks"]) == 20
    assert book["bids"][0][0] < book["asks"][0][0]
    assert len((await alice.fetch_order_book("BTC/USDT"))["bids"]) == 100


@pytest.mark.asyncio
@pytest.mark.parametrize("timeframe", TIMEFRAMES)
async def test_ccxt_reads_candles_of_every_timeframe(alice, timeframe) -> None:
    candles = await alice.fetch_ohlcv("BTC/USDT", timeframe, limit=20)
    expected = PATH.candles("BTCUSDT", timeframe, NOW_MS, 20)
    assert [candle[0] for candle in candles] == [candle.open_time_ms for candle in expected]
    assert Decimal(str(candles[-1][4])) == expected[-1].close_quote


@pytest.mark.asyncio
async def test_ccxt_reads_a_thousand_minutes_and_candles_since_a_moment(alice) -> None:
    assert len(await alice.fetch_ohlcv("BTC/USDT", "1m", limit=1_000)) == 1_000
    since_ms = NOW_MS - 600_000
    candles = await alice.fetch_ohlcv("BTC/USDT", "1m", since=since_ms, limit=3)
    assert [candle[0] - since_ms < 60_000 for candle in candles] == [True, False, False]


@pytest.mark.asyncio
async def test_ccxt_names_a_symbol_that_does_not_exist(alice) -> None:
    await alice.load_markets()
    with pytest.raises(ccxt.BadSymbol):
        await alice.public_get_klines({"symbol": "DOGEUSDT", "interval": "1m"})


@pytest.mark.asyncio
async def test_prices_move_only_when_the_clock_does(server, wall) -> None:
    before = await get(server, "depth", symbol="BTCUSDT")
    assert await get(server, "depth", symbol="BTCUSDT") == before
    wall.now_ms += 1_000
    assert await get(server, "depth", symbol="BTCUSDT") != before


@pytest.mark.asyncio
async def test_money_is_a_string_with_eight_digits_and_on_the_tick(server) -> None:
    _, trades = await get(server, "trades", symbol="ETHUSDT", limit=100)
    for trade in trades:
        assert all(len(trade[key].partition(".")[2]) == 8 for key in ("price", "qty", "quoteQty"))
        assert Decimal(trade["price"]) % Decimal("0.01") == 0
        assert Decimal(trade["qty"]) % Decimal("0.0001") == 0
        assert Decimal(trade["quoteQty"]) == Decimal(trade["price"]) * Decimal(trade["qty"])


@pytest.mark.asyncio
async def test_one_symbol_gives_an_object_and_several_a_list(server) -> None:
    for route in ("ticker/24hr", "ticker/price", "ticker/bookTicker"):
        _, one = await get(server, route, symbol="BTCUSDT")
        _, several = await get(server, route, symbols='["BTCUSDT","ETHUSDT"]')
        _, everything = await get(server, route)
        assert one["symbol"] == "BTCUSDT"
        assert several == everything and several[0] == one


@pytest.mark.asyncio
async def test_the_average_price_lies_within_its_five_minutes(server) -> None:
    _, average = await get(server, "avgPrice", symbol="BTCUSDT")
    candles = PATH.candles("BTCUSDT", "1m", NOW_MS, 6)
    lowest, highest = min(candle.low_quote for candle in candles), max(candle.high_quote for candle in candles)
    assert average["mins"] == 5 and lowest <= Decimal(average["price"]) <= highest


@pytest.mark.asyncio
async def test_answers_count_the_request_weight_of_the_minute(server, wall) -> None:
    used = []
    for _ in range(2):
        async with server.get("/api/v3/klines", params={"symbol": "BTCUSDT", "interval": "1m"}) as response:
            used.append(response.headers["X-MBX-USED-WEIGHT-1M"])
    wall.now_ms += 60_000
    async with server.get("/api/v3/ping") as response:
        used.append(response.headers["X-MBX-USED-WEIGHT"])
    assert used == ["2", "4", "1"]


REFUSALS = [
    ("klines", {"interval": "1m"}, -1102, "Mandatory parameter 'symbol' was not sent, was empty/null, or malformed."),
    ("klines", {"symbol": "BTCUSDT", "interval": "7m"}, -1120, "Invalid interval."),
    ("klines", {"symbol": "BTCEUR", "interval": "1m"}, -1121, "Invalid symbol."),
    ("depth", {"symbol": "btc/usdt"}, -1100,
     "Illegal characters found in parameter 'symbol'; legal range is '^[A-Z0-9\\-_.]{1,20}$'."),
    ("depth", {"symbol": "BTCUSDT", "limit": "-5"}, -1100,
     "Illegal characters found in parameter 'limit'; legal range is '^[0-9]{1,20}$'."),
    ("depth", {"symbol": "BTCUSDT", "limit": "0"}, -1130, "Data sent for parameter 'limit' is not valid."),
    ("depth", {"symbol": "BTCUSDT", "limit": ""}, -1105, "Parameter 'limit' was empty."),
    ("trades", {"symbol": "BTCUSDT", "limit": "9" * 20}, -1108, "Parameter 'limit' overflowed."),
    ("trades", {"symbol": "BTCUSDT", "fromId": 3}, -1104,
     "Not all sent parameters were read; read '1' parameter(s) but was sent '2'."),
    ("time", {"symbol": "BTCUSDT"}, -1101, "Too many parameters; expected '0' and received '1'."),
    ("aggTrades", {"symbol": "BTCUSDT", "fromId": 3, "startTime": 1}, -1128,
     "Combination of optional parameters invalid."),
    ("aggTrades", {"symbol": "BTCUSDT", "startTime": 1, "endTime": 3_600_002}, -1127,
     "More than 1 hours between startTime and endTime."),
    ("ticker/24hr", {"symbol": "BTCUSDT", "symbols": '["BTCUSDT"]'}, -1128,
     "Combination of optional parameters invalid."),
    ("ticker/price", {"symbols": '["BTCUSDT","BTCUSDT"]'}, -1151, "Symbol is present multiple times in the list."),
]  # fmt: skip


@pytest.mark.asyncio
@pytest.mark.parametrize(("route", "query", "code", "msg"), REFUSALS)
async def test_bad_input_gets_the_error_object_of_the_real_exchange(server, route, query, code, msg) -> None:
    assert await get(server, route, **query) == (400, {"code": code, "msg": msg})


@pytest.mark.asyncio
async def test_a_parameter_sent_twice_is_refused(server) -> None:
    async with server.get("/api/v3/depth?symbol=BTCUSDT&symbol=ETHUSDT") as response:
        assert (await response.json())["code"] == -1101


@pytest.mark.asyncio
@pytest.mark.parametrize("route", ["/api/v3/nothing", "/sapi/v1/capital/config/getall", "/fapi/v1/exchangeInfo", "/"])
async def test_an_unknown_route_is_a_404_in_json(server, route) -> None:
    async with server.get(route) as response:
        assert response.status == 404
        assert set(await response.json()) == {"code", "msg"}


@pytest.mark.asyncio
async def test_a_time_before_or_after_the_path_gives_empty_lists(server) -> None:
    for query in ({"endTime": 1_000}, {"startTime": NOW_MS + 1_000}):
        assert await get(server, "klines", symbol="BTCUSDT", interval="1m", **query) == (200, [])
        assert await get(server, "aggTrades", symbol="BTCUSDT", **query) == (200, [])


@pytest.mark.asyncio
async def test_a_limit_above_the_largest_means_the_largest(server) -> None:
    assert len((await get(server, "aggTrades", symbol="BTCUSDT", limit=5_000))[1]) == 1_000
    assert len((await get(server, "klines", symbol="BTCUSDT", interval="1m", limit=1_500))[1]) == 1_000
    assert len((await get(server, "depth", symbol="BTCUSDT", limit=9_000))[1]["bids"]) == 100
