"""A plan against campaigns of the mode itself: OctoBot's simulator, and its real trader on the local exchange."""

from __future__ import annotations

import logging
import pathlib
import statistics
import typing
from collections.abc import Iterator
from decimal import Decimal

import pytest

from octobot_volume_booster.adapters.market_data import read_rules
from octobot_volume_booster.core.accounting.ledger import Progress
from octobot_volume_booster.core.model.basics import OrderType, Trading
from octobot_volume_booster.core.model.instrument import MarketRules
from octobot_volume_booster.core.model.snapshot import Balances
from octobot_volume_booster.core.planning.market_conditions import ORDER_INTERVAL_S, Conditions
from octobot_volume_booster.core.planning.planner import Plan, estimate
from octobot_volume_booster.core.settings.schema import parse_settings
from octobot_volume_booster.offline_exchange.server.market.price_path import MARKETS

from ..exchange.faulty_exchange import CREDENTIALS, THROTTLE_PAUSE_S, FaultyExchange, faulty_exchange
from .conftest import START_PRICE, SYMBOL, MakeBot
from .sandbox_bot import LIMIT, SETTINGS, sandbox_bot

pytestmark = [pytest.mark.long, pytest.mark.once]

SEEDS = range(100)
UNTHROTTLED_S = 0.012
"""From a decision to the answer of its order, where the client lets requests out at once."""
LEAST_INSIDE = 82
"""Of 100 campaigns that each lie inside with a chance of 90 %, fewer than this do in 1 of 200 tests (binomial)."""
SIMULATED: dict[str, typing.Any] = {
    "min_buy_amount": 500, "max_buy_amount": 1_500, "min_sell_amount": 500, "max_sell_amount": 1_500,
}  # fmt: skip
SANDBOX: dict[str, typing.Any] = {"volume_target": 10_000}
BANDS = ("orders", "duration_s", "fees_quote", "spread_quote", "cost_quote", "cost_bps")


@pytest.fixture(autouse=True)
def only_errors_are_logged() -> Iterator[None]:
    logging.disable(logging.WARNING)
    yield
    logging.disable(logging.NOTSET)


def realised(progress: Progress) -> dict[str, float]:
    assert progress.first_order_at is not None and progress.last_fill_at is not None
    return {
        "orders": progress.orders,
        "duration_s": round(progress.last_fill_at - progress.first_order_at, 1),
        "fees_quote": float(progress.fees_quote),
        "spread_quote": float(progress.slippage_quote),
        "cost_quote": float(progress.cost_quote),
        "cost_bps": float(progress.cost_bps),
    }


def inside(plan: Plan, name: str, runs: list[dict[str, float]]) -> int:
    return sum(getattr(plan, name).contains(round(run[name], 8)) for run in runs)


async def test_of_100_campaigns_in_octobots_simulator_as_many_are_inside_as_the_band_promises(
    make_bot: MakeBot,
) -> None:
    runs, bot = [], None
    for seed in SEEDS:
        bot = await make_bot(seed=seed, **SIMULATED)
        await bot.run(200)
        runs.append(realised(bot.progress))
    assert bot is not None
    met = Conditions(read_rules(bot.manager, SYMBOL), START_PRICE, Balances(Decimal(1), Decimal(10_000)))
    plan = estimate(parse_settings(SIMULATED), met)
    for name in BANDS:
        assert inside(plan, name, runs) >= LEAST_INSIDE, (name, getattr(plan, name), [run[name] for run in runs])
    for name, most in (("duration_s", 0.03), ("fees_quote", 0.02), ("orders", 0.03)):
        mean = statistics.mean(run[name] for run in runs)
        assert abs(mean / float(getattr(plan, name).expected) - 1) < most, name


async def test_a_handful_of_campaigns_on_the_local_exchange_is_inside(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of four campaigns and five numbers each, 18 of 20 are expected inside; 11 or fewer would be no chance.

    Three of the numbers go together, and how long it takes depends on what else this computer does, so it is left out.
    """
    runs, plans = [], []
    for seed in range(4):
        monkeypatch.chdir(_folder(tmp_path / str(seed)))
        async with faulty_exchange() as exchange:
            price, balances = exchange.market_price(), _balances(exchange)
            async with sandbox_bot(exchange, seed=seed, **SANDBOX) as bot:
                await bot.until_done()
                await bot.until(lambda: not bot.progress.unmeasured_quote)
                runs.append(realised(bot.progress))
                rules = read_rules(bot.manager, SYMBOL)
            plans.append(estimate(parse_settings(SETTINGS | SANDBOX), _on_the_local_exchange(rules, price, balances)))
    pairs = list(zip(plans, runs, strict=True))
    counts = {name: sum(inside(plan, name, [run]) for plan, run in pairs) for name in BANDS[:1] + BANDS[2:]}
    assert sum(counts.values()) >= 12, (counts, runs, plans[0])


@pytest.mark.parametrize("order_type", OrderType)
async def test_what_a_plan_takes_for_the_clients_throttle_is_what_the_requests_of_a_campaign_cost(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch, order_type: OrderType
) -> None:
    monkeypatch.chdir(tmp_path)
    limit = {**LIMIT, "limit_order_timeout": 5} if order_type is OrderType.LIMIT else {}
    async with faulty_exchange() as exchange, sandbox_bot(exchange, poll_s=None, **SANDBOX, **limit) as bot:
        await bot.until(lambda: bot.progress.fills >= 1)
        began, orders = len(exchange.requests), bot.progress.orders
        await bot.until_done()
        cost = sum(asked.cost for asked in exchange.requests[began:])
        orders = bot.progress.orders - orders
    assert cost * THROTTLE_PAUSE_S / orders == pytest.approx(ORDER_INTERVAL_S[Trading.SANDBOX, order_type], rel=0.4)


def _folder(path: pathlib.Path) -> pathlib.Path:
    path.mkdir()
    return path


def _balances(exchange: FaultyExchange) -> Balances:
    held = exchange.exchange.venue.engine.accounts[CREDENTIALS.account].balances()
    return Balances(held["BTC"][0], held["USDT"][0])


def _on_the_local_exchange(rules: MarketRules, price: Decimal, balances: Balances) -> Conditions:
    spec = MARKETS[0]
    return Conditions(
        rules,
        price,
        balances,
        spread_bps=spec.spread_bps,
        volatility_percent=spec.annual_volatility * 100,
        depth_quote=spec.level_median_quote,
        order_latency_s=UNTHROTTLED_S,
    )
