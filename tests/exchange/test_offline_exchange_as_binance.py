"""The offline exchange behaves as OctoBot's own class for Binance: what a rehearsal sends is what would be sent there.

That class is not on PyPI. Where the environment variable VOLUME_BOOSTER_REAL_TENTACLES names the folder of OctoBot's
exchange tentacles (Trading/Exchange of its repository), the two are compared as they are; else by what is known of it.
"""

from __future__ import annotations

import importlib.util
import os
import pathlib
from collections.abc import AsyncIterator
from decimal import Decimal
from types import FunctionType, SimpleNamespace
from typing import Any

import ccxt.async_support as ccxt
import pytest
from faulty_exchange import CREDENTIALS, FaultyExchange, faulty_exchange
from real_octobot import real_exchange_manager

enums = pytest.importorskip("octobot_trading.enums", reason="the tentacle needs OctoBot")

from octobot_volume_booster.offline_exchange.binance_adapter import BinanceAdapter  # noqa: E402
from octobot_volume_booster.offline_exchange.offline_exchange import (  # noqa: E402
    PAUSE_VARIABLE,
    OfflineExchange,
    request_pause_ms,
)

REAL_TENTACLES = "VOLUME_BOOSTER_REAL_TENTACLES"
ITS_OWN = {
    "get_name": "that is what tells the two apart",
    "get_default_reference_market": "USDC, which the offline exchange does not trade",
    "__init__": "counts linear and inverse contracts; the offline exchange has linear ones only",
    "_infer_account_types": "the same",
    "_adapt_order_type": "of stop orders, of which the offline exchange has none",
    **dict.fromkeys(("BUY_STR", "SELL_STR", "LINEAR_TYPE", "INVERSE_TYPE"), "names for itself"),
    **dict.fromkeys(("STOP_ORDERS", "TAKE_PROFITS_ORDERS", "BINANCE_DEFAULT_FUNDING_TIME"), "names for itself"),
}
"""What OctoBot's class has and the offline exchange has not, and why."""
ONLY_NEWER = {"ADJUST_FOR_TIME_DIFFERENCE", "order_request_kwargs_factory", "fetch_stop_order_in_different_request"}
"""What an older OctoBot's class has not, and nobody asks there."""
OURS = {"get_name", "get_rest_name", "load_user_inputs_from_class"}
"""What makes it another exchange."""


@pytest.fixture
def real() -> Any:
    folder = os.environ.get(REAL_TENTACLES)
    if not folder:
        pytest.skip(f"{REAL_TENTACLES} names no folder of OctoBot's exchange tentacles")
    spec = importlib.util.spec_from_file_location(
        "real_binance", pathlib.Path(folder) / "binance" / "binance_exchange.py"
    )
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def flags(one: type) -> dict[str, Any]:
    return {name: value for name, value in vars(one).items() if name.isupper() and name != "PORT_VARIABLE"}


def overridden(one: type) -> set[str]:
    kinds = (FunctionType, classmethod, staticmethod)
    return {name for name, value in vars(one).items() if isinstance(value, kinds)}


def of_manager(*, is_future: bool = False) -> Any:
    return SimpleNamespace(
        exchange_manager=SimpleNamespace(is_future=is_future, config={}), tentacle_config={"port": 8642},
        PORT_VARIABLE=OfflineExchange.PORT_VARIABLE, FETCH_MIN_EXCHANGE_MARKETS=True,
    )  # fmt: skip


def test_every_flag_is_that_of_octobots_class(real: Any) -> None:
    theirs = {name: value for name, value in flags(real.Binance).items() if name not in ITS_OWN}
    ours = {name: value for name, value in flags(OfflineExchange).items() if name not in ONLY_NEWER - set(theirs)}
    assert {name: _plain(getattr(OfflineExchange, name)) for name in theirs} == {
        name: _plain(value) for name, value in theirs.items()
    }
    assert set(ours) <= set(theirs)


def test_every_method_that_octobots_class_overrides_is_overridden(real: Any) -> None:
    theirs = overridden(real.Binance)
    assert theirs - set(ITS_OWN) <= overridden(OfflineExchange)
    assert overridden(OfflineExchange) - theirs - ONLY_NEWER <= OURS
    assert overridden(real.BinanceCCXTAdapter) - set(ITS_OWN) == overridden(BinanceAdapter)


@pytest.mark.parametrize("is_future", [False, True])
def test_every_option_of_the_client_is_that_of_octobots_class(real: Any, is_future: bool) -> None:
    asked = of_manager(is_future=is_future)
    theirs = real.Binance.get_additional_connector_config(asked)
    assert set(theirs) == {"options"}
    del theirs["options"]["fetchMarkets"]
    ours = OfflineExchange.get_additional_connector_config(asked)["options"]
    assert {name: ours[name] for name in theirs["options"]} == theirs["options"]
    assert set(ours) - set(theirs["options"]) == {"fetchMarkets", "fetchCurrencies", "fetchMargins"}


@pytest.mark.parametrize("is_future", [False, True])
def test_what_it_says_of_itself_is_what_octobots_class_says(real: Any, is_future: bool) -> None:
    """But for orders that are changed on spot, which OctoBot's two lines do differently, and nobody here does."""
    asked, order = of_manager(is_future=is_future), SimpleNamespace(reduce_only=True)
    answers = [
        [
            is_future and [one.supports_native_edit_order(asked, kind) for kind in enums.TraderOrderType],
            one.uses_demo_trading_instead_of_sandbox(asked),
            one.get_order_additional_params(asked, order),
            [
                one.is_authenticated_request(asked, url, "POST", {}, body)
                for url in ("http://x/y?signature=1", "http://x/y")
                for body in (None, "a=b&signature=1")
            ],
            sorted(kind.value for kind in one.get_supported_exchange_types()),
        ]
        for one in (OfflineExchange, real.Binance)
    ]
    assert answers[0] == answers[1]


def test_the_client_has_binances_own_throttle_unless_told_otherwise(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(PAUSE_VARIABLE, raising=False)
    assert "rateLimit" not in OfflineExchange.get_additional_connector_config(of_manager())
    assert ccxt.binance().rateLimit == 50
    monkeypatch.setenv(PAUSE_VARIABLE, "2")
    assert OfflineExchange.get_additional_connector_config(of_manager())["rateLimit"] == 2


def test_the_environment_wins_over_the_configured_pause() -> None:
    assert request_pause_ms({}, {}) is None
    assert request_pause_ms({"request_pause_ms": 5}, {}) == 5
    assert request_pause_ms({"request_pause_ms": 5}, {PAUSE_VARIABLE: "7"}) == 7


@pytest.mark.parametrize("pause", [0, -1, 1.5, True, "", "soon", 60_001])
def test_an_unusable_pause_is_told_in_one_sentence(pause: object) -> None:
    with pytest.raises(ValueError, match=r"'request_pause_ms' of .* must be a whole number from 1 to 60000, not "):
        request_pause_ms({"request_pause_ms": pause}, {})


@pytest.fixture
async def exchange() -> AsyncIterator[FaultyExchange]:
    async with faulty_exchange() as faulty:
        yield faulty


async def test_with_octobots_real_trader_on_spot(exchange: FaultyExchange) -> None:
    async with real_exchange_manager(exchange.port, CREDENTIALS.api_key, CREDENTIALS.api_secret) as manager:
        octobot, client = manager.exchange, manager.exchange.connector.client
        assert isinstance(octobot.connector.adapter, BinanceAdapter)
        assert type(manager.exchange_backend).__name__ == "Binance", "its broker code goes by the client"
        assert await octobot.get_account_id() == "1"
        assert octobot.get_max_orders_count("BTC/USDT", enums.TraderOrderType.BUY_LIMIT) == 200
        assert octobot.get_max_orders_count("BTC/USDT", enums.TraderOrderType.STOP_LOSS) == 5
        params = manager.exchange_backend.get_orders_parameters(None)
        assert params == {}
        assert client.options["broker"]["spot"].startswith("x-")
        bought = await octobot.create_order(
            enums.TraderOrderType.BUY_MARKET, "BTC/USDT", Decimal("0.01"), Decimal(60_000)
        )
        sold = await octobot.create_order(
            *(enums.TraderOrderType.SELL_MARKET, "BTC/USDT", Decimal("0.005"), Decimal(60_000)),
            params={"clientOrderId": "mine"},
        )
        assert (bought["status"], sold["status"]) == ("closed", "closed")
        (order,) = exchange.orders("mine")
        assert order.executed_base == Decimal("0.005"), "a market sell is for its quantity"
        trades = await octobot.get_my_recent_trades("BTC/USDT")
        assert {trade["status"] for trade in trades} == {"closed"}
        assert "recvWindow=60000" in client.last_request_url


async def test_with_octobots_real_trader_on_futures(exchange: FaultyExchange) -> None:
    symbol, asked = "BTC/USDT:USDT", exchange.requests
    async with real_exchange_manager(
        exchange.port, CREDENTIALS.api_key, CREDENTIALS.api_secret, symbols=[symbol], is_future=True
    ) as manager:
        octobot = manager.exchange
        assert await octobot.get_account_id() == "local"
        (position,) = await octobot.get_positions(symbols=[symbol])
        assert position["symbol"] == (await octobot.get_position(symbol))["symbol"] == symbol
        assert float((await octobot.get_symbol_leverage(symbol))["leverage"]) == float(position["leverage"])
        assert symbol in await octobot.get_all_currencies_price_ticker()
        assert "USDT" in await octobot.get_balance()
        assert await octobot.get_open_orders(symbol) == []
        assert octobot.get_max_orders_count(symbol, enums.TraderOrderType.BUY_LIMIT) == 200
        rate = await octobot.get_funding_rate(symbol)
        assert rate["next_funding_time"] - rate["last_funding_time"] == 8 * 3_600
    assert "GET /fapi/v2/account" in {one.route for one in asked}


def test_a_pending_order_is_read_as_open() -> None:
    adapter = BinanceAdapter(SimpleNamespace(logger=None, get_uniform_timestamp=None))
    adapter.adapt_quantities_with_contract_size = lambda *_: None  # type: ignore[method-assign]
    order = {"status": "PENDING_NEW", "timestamp": 1_700_000_000_000, "symbol": "BTC/USDT", "type": "limit"}
    assert adapter.fix_order(order, symbol="BTC/USDT")["status"] == "open"


def _plain(value: object) -> object:
    """Lists and tuples of texts alike."""
    if isinstance(value, (list, tuple)):
        return [_plain(one) for one in value]
    return {key: _plain(one) for key, one in value.items()} if isinstance(value, dict) else value
