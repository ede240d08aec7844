"""One exchange as OctoBot uses it, on a fake socket: what a contract test sends orders to and asks."""

from __future__ import annotations

import contextlib
import importlib.util
import inspect
import os
import pathlib
import sys
import types
import typing
from collections.abc import AsyncIterator
from decimal import Decimal

import octobot_commons.configuration as configuration
import octobot_commons.enums as commons_enums
import octobot_trading.enums as trading_enums
import octobot_trading.exchanges as exchanges
import octobot_trading.personal_data as personal_data
import trading_backend

from octobot_volume_booster.adapters import market_data, order_submission
from octobot_volume_booster.adapters.exchange_client import ExchangeClient, Found
from octobot_volume_booster.adapters.order_submission import Submission
from octobot_volume_booster.adapters.venues import MarketBuy, Venue, venue_of
from octobot_volume_booster.core.accounting.ledger import OrderRecord
from octobot_volume_booster.core.accounting.reconciliation import ExchangeTrade, SentOrder
from octobot_volume_booster.core.model.basics import OrderType, Side
from octobot_volume_booster.core.model.instrument import MarketRules
from octobot_volume_booster.core.model.orders import OrderIntent

from .fake_venue import FakeVenue
from .stand_ins import STAND_INS
from .wire import Session

REAL_TENTACLES_VARIABLE = "VOLUME_BOOSTER_REAL_TENTACLES"
_ORDER_TYPES = {
    (OrderType.MARKET, Side.BUY): trading_enums.TraderOrderType.BUY_MARKET,
    (OrderType.MARKET, Side.SELL): trading_enums.TraderOrderType.SELL_MARKET,
    (OrderType.LIMIT, Side.BUY): trading_enums.TraderOrderType.BUY_LIMIT,
    (OrderType.LIMIT, Side.SELL): trading_enums.TraderOrderType.SELL_LIMIT,
}


class Contract:
    """An exchange manager of OctoBot's whose exchange talks to a fake one."""

    def __init__(self, manager: typing.Any, fake: FakeVenue, session: Session) -> None:
        self.manager = manager
        self.fake = fake
        self.session = session
        venue = venue_of(fake.ccxt_id)
        assert venue is not None
        self.venue: Venue = venue

    @property
    def client(self) -> typing.Any:
        return self.manager.exchange.connector.client

    def symbol(self, symbol: str) -> str:
        """A market in USDT as this exchange has it."""
        return symbol.replace("/USDT", f"/{self.fake.quote}")

    def record(self, symbol: str) -> ExchangeClient:
        return ExchangeClient(self.manager, self.symbol(symbol))

    def rules(self, symbol: str) -> MarketRules:
        return market_data.read_rules(self.manager, self.symbol(symbol))

    def intent(
        self, side: Side, order_type: OrderType, quantity: str, price: str, *, post_only: bool = False
    ) -> OrderIntent:
        """An order as it would be decided here: a market buy by quote where the exchange takes no other."""
        spends_quote = order_type is OrderType.MARKET and side is Side.BUY and self.venue.market_buy is MarketBuy.QUOTE
        amount, at = Decimal(quantity), Decimal(price)
        quote = amount * at if spends_quote else None
        return OrderIntent(side, order_type, amount, at, at, post_only=post_only, quote_quantity=quote)

    def submission(self, symbol: str, intent: OrderIntent) -> Submission:
        return Submission(
            order_id=order_submission.new_order_id(self.venue),
            symbol=self.symbol(symbol),
            intent=intent,
            venue=self.venue,
            tolerances=order_submission.tolerances_of(self.rules(symbol), Decimal(1)),
            may_leave=lambda: "",
        )

    async def send(self, symbol: str, intent: OrderIntent) -> Submission:
        """Send an order as OctoBot's trader does, with the arguments that it uses."""
        submission = self.submission(symbol, intent)
        await self.carry_out(submission)
        return submission

    async def carry_out(self, submission: Submission) -> typing.Any:
        intent, exchange = submission.intent, self.manager.exchange
        with submission.active(exchange):
            return await exchange.create_order(
                order_type=_ORDER_TYPES[intent.order_type, intent.side],
                symbol=submission.symbol,
                quantity=intent.quantity,
                price=intent.price,
                stop_price=None,
                side=trading_enums.TradeOrderSide(intent.side.value),
                current_price=intent.mid_price,
                reduce_only=False,
                params={},
            )

    async def find(self, submission: Submission) -> Found:
        """Look the order up as the mode does after it was sent."""
        placed_at = self.manager.exchange.get_exchange_current_time()
        return await self.record(submission.symbol).find_order(
            submission.order_id, submission.exchange_order_id, placed_at
        )

    async def trades(self, submission: Submission, found: Found) -> list[ExchangeTrade]:
        assert found.order is not None
        placed_at = self.manager.exchange.get_exchange_current_time()
        return await self.record(submission.symbol).trades_of(found.order, placed_at)

    def sent(self, submission: Submission) -> SentOrder:
        at = self.manager.exchange.get_exchange_current_time()
        return SentOrder(submission.order_id, self.fake.ccxt_id, submission.symbol, OrderRecord(submission.intent, at))

    def order_requests(self) -> list[typing.Any]:
        """The orders that have arrived at the exchange."""
        return [request for request in self.session.requests if self.venue.is_order(request)]


def charged(trade: ExchangeTrade) -> tuple[Decimal | None, str]:
    """The fee of a trade and its asset; None and empty where the exchange does not show one."""
    parts = [(part.amount, part.asset) for part in trade.charges if part.amount]
    assert len(parts) <= 1, "no trade here is charged in two assets"
    return parts[0] if parts else (None, "")


def sources() -> list[str]:
    """The classes that the suite runs against: stand-ins, and OctoBot's own where they are to be had."""
    return ["stand-in", *(["octobot"] if os.environ.get(REAL_TENTACLES_VARIABLE) else [])]


def exchange_class(fake: type[FakeVenue], source: str) -> type[exchanges.RestExchange]:
    return STAND_INS[fake.ccxt_id] if source == "stand-in" else real_class(fake.tentacle)


def real_class(name: str) -> type[exchanges.RestExchange]:
    """OctoBot's own class of an exchange, from the folder that the environment names.

    :raises FileNotFoundError: when it is not there.
    """
    root = pathlib.Path(os.environ[REAL_TENTACLES_VARIABLE])
    path = root / name / f"{name}_exchange.py"
    if not path.is_file():
        raise FileNotFoundError(f"{path} is not there: {REAL_TENTACLES_VARIABLE} names the folder Trading/Exchange")
    module_name = f"real_tentacle_{name}"
    _import_tentacles_from(root)
    if module_name not in sys.modules:
        spec = importlib.util.spec_from_file_location(module_name, path)
        assert spec is not None and spec.loader is not None
        module = sys.modules[module_name] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
    found = [
        one
        for _, one in inspect.getmembers(sys.modules[module_name], inspect.isclass)
        if issubclass(one, exchanges.RestExchange) and one.__module__ == module_name
    ]
    return typing.cast("type[exchanges.RestExchange]", found[0])


def _import_tentacles_from(root: pathlib.Path) -> None:
    """Let classes that build on another one import it as they do in OctoBot, as `tentacles.Trading.Exchange.<name>`."""
    name = ""
    for part in ("tentacles", "Trading", "Exchange"):
        name = f"{name}.{part}".removeprefix(".")
        package = sys.modules.setdefault(name, types.ModuleType(name))
    package.__path__ = [str(root)]


@contextlib.asynccontextmanager
async def contract(fake_class: type[FakeVenue], source: str) -> AsyncIterator[Contract]:
    """An exchange of OctoBot's whose markets are loaded, on a fake socket."""
    fake, name = fake_class(), fake_class.ccxt_id
    manager = exchanges.ExchangeManager(_config(name, fake.credentials), name)
    manager.is_spot_only, manager.use_cached_markets, manager.rest_only = True, False, True
    manager.enable_storage = False
    manager.exchange = exchange_class(fake_class, source)(manager.config, manager, None)
    # OctoBot's classes look orders up in it
    manager.exchange_personal_data.orders_manager = personal_data.OrdersManager(types.SimpleNamespace(simulate=False))
    manager.exchange_backend = trading_backend.exchange_factory.create_exchange_backend(manager.exchange)
    client = manager.exchange.connector.client
    client.enableRateLimit = False
    session = Session(fake.answer)
    client.session = session
    client.open = lambda: None
    client.has["fetchCurrencies"] = False  # an order needs its market, not the list of all coins
    client.options.update(fake.client_options)
    await client.load_markets()
    yield Contract(manager, fake, session)
    client.session = None


def _config(name: str, credentials: dict[str, str]) -> dict[str, typing.Any]:
    secret = {key: configuration.encrypt(value).decode() for key, value in credentials.items()}
    return {
        "crypto-currencies": {"Bitcoin": {"pairs": ["BTC/USDT"], "enabled": True}},
        "exchanges": {name: {"enabled": True, "exchange-type": "spot", "sandboxed": False, **secret}},
        "trading": {"reference-market": "USDT", "risk": 0.5},
        "trader": {"enabled": True, "load-trade-history": False},
        "trader-simulator": {"enabled": False, "starting-portfolio": {}, "fees": {"maker": 0.0, "taker": 0.0}},
        "backtesting": {"files": []},
        "time_frame": [commons_enums.TimeFrames.ONE_MINUTE],
    }
