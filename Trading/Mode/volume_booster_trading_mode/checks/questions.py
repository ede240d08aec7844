"""One exchange that is being checked: what is asked of it, and what has been found out so far."""

from __future__ import annotations

import dataclasses
import typing
from collections.abc import Awaitable, Callable, Sequence
from decimal import Decimal

import octobot_trading.enums as trading_enums

from ..adapters import market_data, order_submission
from ..adapters.exchange_client import ExchangeClient, ExchangeUnreachableError
from ..adapters.market_data import Book
from ..adapters.order_submission import Submission
from ..adapters.venues import Venue
from ..core.model.basics import OrderType, Side
from ..core.model.instrument import MarketRules
from ..core.model.orders import OrderIntent
from ..core.planning.account_checks import Row, fails
from .cases import Cases
from .secrets import Secrets

_ORDER_TYPES = {
    (OrderType.MARKET, Side.BUY): trading_enums.TraderOrderType.BUY_MARKET,
    (OrderType.MARKET, Side.SELL): trading_enums.TraderOrderType.SELL_MARKET,
    (OrderType.LIMIT, Side.BUY): trading_enums.TraderOrderType.BUY_LIMIT,
    (OrderType.LIMIT, Side.SELL): trading_enums.TraderOrderType.SELL_LIMIT,
}


@dataclasses.dataclass(slots=True)
class Questions:
    """One exchange, and the symbols to ask about: the first of them in depth."""

    manager: typing.Any
    symbols: Sequence[str]
    secrets: Secrets
    cases: Cases | None = None
    most_quote: Decimal | None = None
    """The largest order of the settings, in quote; None where they are in another currency."""
    told_rules: MarketRules | None = None
    told_book: Book | None = None
    free: dict[str, Decimal] = dataclasses.field(default_factory=dict)
    """What is free of each asset, as far as the exchange tells."""

    @property
    def symbol(self) -> str:
        return self.symbols[0]

    @property
    def client(self) -> typing.Any:
        return self.manager.exchange.connector.client

    @property
    def record(self) -> ExchangeClient:
        return ExchangeClient(self.manager, self.symbol)

    @property
    def venue(self) -> Venue:
        found = order_submission.venue_at(self.manager)
        assert found is not None, "of an exchange that is not known nothing is asked that needs it"
        return found

    @property
    def rules(self) -> MarketRules:
        assert self.told_rules is not None, "asked before the market"
        return self.told_rules

    @property
    def book(self) -> Book:
        assert self.told_book is not None, "asked before the order book"
        return self.told_book

    def now(self) -> float:
        return float(self.manager.exchange.get_exchange_current_time())

    async def ask(self, name: str, question: Callable[[], Awaitable[Row]]) -> Row:
        """The row of one question. Whatever OctoBot, ccxt or the exchange raise is what it comes to."""
        if self.cases is not None:
            self.cases.question = name
        try:
            row = await question()
        except (ExchangeUnreachableError, market_data.NotReadableError) as error:
            row = fails(name, str(error))
        except Exception as error:  # noqa: BLE001 - that a class fails in its own way is what is looked for
            row = fails(name, f"{type(error).__name__}: {error}")
        return self.without_secrets(row)

    def without_secrets(self, row: Row) -> Row:
        return dataclasses.replace(row, text=self.secrets.cut(row.text))

    def submission(self, intent: OrderIntent, may_leave: Callable[[], str]) -> Submission:
        """An order under an id of its own, on its way through the mode's own check of what leaves."""
        return Submission(
            order_id=order_submission.new_order_id(self.venue),
            symbol=self.symbol,
            intent=intent,
            venue=self.venue,
            tolerances=order_submission.tolerances_of(self.rules, Decimal(1)),
            may_leave=may_leave,
        )

    async def carry_out(self, submission: Submission) -> None:
        """Ask OctoBot's class of the exchange for an order, as its trader does."""
        intent, exchange = submission.intent, self.manager.exchange
        with submission.active(exchange):
            await exchange.create_order(
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
