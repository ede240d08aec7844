"""What one account can do on one exchange, found out by asking: nothing is changed. A row for each answer."""

from __future__ import annotations

import decimal
import functools
import time
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from decimal import Decimal

import ccxt
import octobot_trading.errors as trading_errors

from ..adapters import market_data, order_submission
from ..adapters.exchange_client import ExchangeUnreachableError, is_caused_by
from ..adapters.exchange_rows import read_trade
from ..adapters.order_submission import SubmissionStatus
from ..adapters.venues import MarketBuy
from ..core.accounting.reconciliation import ExchangeOrder, Standing
from ..core.accounting.trade_ids import ExchangeTrade
from ..core.decision.sizing import smallest_quantity
from ..core.model.basics import OrderType, Side, round_to_step
from ..core.model.instrument import base_of
from ..core.model.orders import OrderIntent
from ..core.planning import account_checks
from ..core.planning.account_checks import Row, fails, untried, works
from .cases import BALANCES
from .questions import Questions

MOST_TRADES = 50
CONNECTION, CLOCK, MARKET, BOOK, KEYS = "connection", "clock", "market", "order book", "keys"
WIRE, OPEN_ORDERS, UNKNOWN_ID, OWN_TRADES = "wire", "open orders", "unknown id", "own trades"
_REFUSED_KEYS = (ccxt.AuthenticationError, trading_errors.AuthenticationError)


@dataclass(frozen=True, slots=True)
class _Step:
    name: str
    question: Callable[[Questions], Awaitable[Row]]
    needs: tuple[str, ...] = ()
    """What must have worked before."""


async def read(questions: Questions, emit: Callable[[Row], None]) -> bool:
    """Ask one thing after the other, each if what it needs has worked; whether an order could be tried now."""
    working: set[str] = set()
    for step in _steps(questions):
        missing = [name for name in step.needs if name not in working]
        if missing:
            row = untried(step.name, f"it needs: {missing[0]}")
        else:
            row = await questions.ask(step.name, functools.partial(step.question, questions))
        if row.ok:
            working.add(row.name)
        emit(row)
    return {WIRE, BALANCES, OPEN_ORDERS, UNKNOWN_ID} <= working


def _of(symbol: str) -> str:
    return f"{MARKET} {symbol}"


def _steps(questions: Questions) -> Iterator[_Step]:
    market = _of(questions.symbol)
    is_used = not order_submission.refusal(questions.manager)
    yield _Step(CONNECTION, _connect)
    yield _Step(CLOCK, _clock, (CONNECTION,))
    for symbol in questions.symbols:
        yield _Step(_of(symbol), functools.partial(_market, symbol=symbol), (CONNECTION,))
    yield _Step(BOOK, _order_book, (CONNECTION, market))
    yield _Step("order size", _order_size, (CONNECTION, market, BOOK))
    if is_used:
        yield _Step(WIRE, wire, (CONNECTION, market, BOOK))
    yield _Step(KEYS, _keys, (CONNECTION,))
    yield _Step(BALANCES, _balances, (CONNECTION, market, KEYS))
    if is_used:
        yield _Step(OPEN_ORDERS, open_orders, (CONNECTION, market, KEYS))
        yield _Step(UNKNOWN_ID, unknown_id, (CONNECTION, market, KEYS))
        yield _Step(OWN_TRADES, own_trades, (CONNECTION, market, KEYS))


async def _connect(questions: Questions) -> Row:
    connector, started_at = questions.manager.exchange.connector, time.monotonic()
    try:
        await questions.record.ask("its markets", lambda: connector._load_markets(connector.client, True))
    except ExchangeUnreachableError as error:
        if is_caused_by(error, _REFUSED_KEYS):
            return fails(CONNECTION, f"OctoBot loads the markets with the keys, and the exchange refuses them: {error}")
        raise
    return works(CONNECTION, f"{len(connector.client.markets or ())} markets in {time.monotonic() - started_at:.1f} s")


async def _clock(questions: Questions) -> Row:
    if not questions.client.has.get("fetchTime"):
        return untried(CLOCK, "this exchange gives no time")
    asked_at = time.time()
    told = float(await questions.record.ask("its time", questions.client.fetch_time)) / 1000
    answered_at = time.time()
    return account_checks.judge_clock(CLOCK, told - (asked_at + answered_at) / 2, (answered_at - asked_at) / 2)


async def _market(questions: Questions, symbol: str) -> Row:
    market = questions.client.markets.get(symbol)
    if market is None:
        base = base_of(symbol)
        others = sorted(one for one in questions.client.markets if one.startswith(f"{base}/"))
        return fails(_of(symbol), f"the exchange does not list it; of {base} it has: {', '.join(others[:5]) or 'none'}")
    if market.get("active") is False:
        return fails(_of(symbol), "the exchange lists it, and it is not traded just now")
    rules = market_data.read_rules(questions.manager, symbol)
    if symbol == questions.symbol:
        questions.told_rules = rules
        if questions.cases is not None:
            questions.cases.market_id = str(market["id"])
    return works(_of(symbol), account_checks.rules_text(rules))


async def _order_book(questions: Questions) -> Row:
    questions.told_book = book = await market_data.read_book(questions.manager, questions.symbol)
    bid, ask = book.bids[0].price, book.asks[0].price
    return works(BOOK, f"bid {bid:f}, ask {ask:f}, spread {account_checks.spread_bps(bid, ask):.2f} bps")


async def _order_size(questions: Questions) -> Row:
    return account_checks.judge_order_size(
        "order size", questions.rules, questions.book.asks[0].price, questions.most_quote
    )


async def wire(questions: Questions) -> Row:
    """Let each kind of order be made up to the last place before the socket, where it is compared and held back."""
    problems = []
    for what, intent in _tried_orders(questions):
        submission = questions.submission(intent, lambda: "it is only tried")
        await questions.carry_out(submission)
        if submission.status is not SubmissionStatus.WITHHELD:
            problems.append(f"{what}: {submission.reason or 'no request was made of it'}")
    if problems:
        return fails(WIRE, f"orders would not leave as they are decided: {'; '.join(problems)}")
    return works(WIRE, "market, limit and post-only orders would leave as they are decided; none has left")


def _tried_orders(questions: Questions) -> list[tuple[str, OrderIntent]]:
    rules, book = questions.rules, questions.book
    bid, ask = book.bids[0].price, book.asks[0].price
    mid, quantity = (bid + ask) / 2, smallest_quantity(bid, rules) * 3
    quote = round_to_step(
        rules.notional(quantity, ask), rules.quote_step or rules.price_tick, decimal.ROUND_FLOOR
    )  # fmt: skip
    spent = quote if questions.venue.market_buy is MarketBuy.QUOTE else None
    return [
        ("market buy", OrderIntent(Side.BUY, OrderType.MARKET, quantity, ask, mid, quote_quantity=spent)),
        ("market sell", OrderIntent(Side.SELL, OrderType.MARKET, quantity, bid, mid)),
        ("limit buy", OrderIntent(Side.BUY, OrderType.LIMIT, quantity, bid, mid)),
        ("post-only sell", OrderIntent(Side.SELL, OrderType.LIMIT, quantity, ask, mid, post_only=True)),
    ]


async def _keys(questions: Questions) -> Row:
    if not questions.manager.exchange.connector.is_authenticated:
        return fails(KEYS, "OctoBot can't read them, or one that this exchange needs is missing: enter them again")
    if questions.cases is not None:
        questions.cases.question = BALANCES
    try:
        told = await questions.record.ask("the balances", questions.manager.exchange.get_balance)
    except ExchangeUnreachableError as error:
        if is_caused_by(error, (ccxt.InvalidNonce,)):
            return untried(KEYS, f"it needs: {CLOCK}")
        if is_caused_by(error, _REFUSED_KEYS):
            return fails(KEYS, f"the exchange refuses them, or does not let them read: {error}")
        raise
    questions.free = {asset: one["free"] for asset, one in told.items() if "free" in one}
    return works(KEYS, "the exchange takes them")


async def _balances(questions: Questions) -> Row:
    assets = questions.rules.base, questions.rules.quote
    text = ", ".join(f"{questions.free.get(asset, Decimal(0)):f} {asset} free" for asset in assets)
    if not any(questions.free.get(asset) for asset in assets):
        return fails(BALANCES, f"{text}: there is nothing to trade with")
    return works(BALANCES, text)


async def open_orders(questions: Questions) -> Row:
    """The account's open orders on the symbol."""
    found = await questions.record.open_orders()
    return works(OPEN_ORDERS, f"{len(found)} of {questions.symbol}")


async def unknown_id(questions: Questions) -> Row:
    """A look-up of an id that nobody has used: the exchange has to say that there is no such order."""
    order_id = order_submission.new_order_id(questions.venue)
    try:
        found = await questions.record.find_order(order_id, None, questions.now())
    except Exception as error:  # noqa: BLE001 - whatever it is: it is not what means "not found"
        return fails(
            UNKNOWN_ID,
            f"the exchange does not say 'not found' of an order that is not there, but {type(error).__name__}: {error}",
        )
    if found.order is not None:
        return fails(
            UNKNOWN_ID, f"the exchange shows the order {found.order.exchange_order_id} under an id that nobody has"
        )
    if not found.is_conclusive:
        return works(UNKNOWN_ID, "not found, as it must be; here that is no proof that an order is not there")
    return works(UNKNOWN_ID, "not found, as it must be")


async def own_trades(questions: Questions) -> Row:
    """Whether the exchange tells of the account's last trades what is counted by, and finds them by their order."""
    told, venue, client = questions.venue.trades, questions.venue, questions.client
    asked = None if told.of_all_symbols else questions.symbol, None, min(told.page, MOST_TRADES), dict(told.params)
    rows = await questions.record.ask("the trades", lambda: client.fetch_my_trades(*asked))
    own = [row for row in rows if row.get("symbol") in (None, questions.symbol)]
    trades = [read_trade({**row, **venue.trade_row(row)}) for row in own]
    row = account_checks.judge_trades(OWN_TRADES, trades, questions.symbol)
    return await _found_by_order(questions, trades[-1]) or row if row.ok else row


async def _found_by_order(questions: Questions, trade: ExchangeTrade) -> Row | None:
    """None when a trade is among those of its own order, else what is wrong."""
    order_id, at = trade.exchange_order_id, trade.at or questions.now()
    order = ExchangeOrder(order_id, "", None, Standing.UNSEEN)
    if trade.trade_id not in [one.trade_id for one in await questions.record.trades_of(order, at)]:
        return fails(OWN_TRADES, f"the trade {trade.trade_id} is not among those of its order {order_id}")
    return None
