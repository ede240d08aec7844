"""Where a check places no order: without both consents for real funds, and where the real trader places none."""

from __future__ import annotations

import json
import pathlib
import typing
from dataclasses import replace

import pytest

from octobot_volume_booster.adapters.venues import VENUES
from octobot_volume_booster.adapters.venues.record import refused
from octobot_volume_booster.checks import account, engine, far_order
from octobot_volume_booster.core.decision.guards import REAL_TRADING_VARIABLE
from octobot_volume_booster.core.planning.account_checks import CheckRequest, Row

from .checked import BTC, Checked, knob


@pytest.fixture
async def live(checked: Checked, tmp_path: pathlib.Path) -> CheckRequest:
    """A real account: its class reaches the exchange itself. The settings are in a file that is not there yet."""
    await account.equip(checked.exchange.manager)
    return CheckRequest("binance", [BTC], str(tmp_path), str(tmp_path / "settings.json"), {}, None, True, "")


async def tried(checked: Checked, request: CheckRequest) -> Row:
    is_ready = await checked.read()
    await engine.try_order(request, checked.questions, checked.guard, is_ready, checked.emit)
    return checked.rows[far_order.PLACED]


NO_CONSENT = [None, "", "not JSON", "[]", "null", "{}", *(
    json.dumps({"i_accept_real_trading": value}) for value in (None, False, "true", "nope", 1, [True])
)]  # fmt: skip


@pytest.mark.parametrize("settings", NO_CONSENT)
async def test_with_real_funds_nothing_is_placed_without_the_setting(
    checked: Checked, live: CheckRequest, monkeypatch: pytest.MonkeyPatch, settings: str | None
) -> None:
    monkeypatch.setenv(REAL_TRADING_VARIABLE, "yes")
    if settings is not None:
        write(live.settings, settings)
    row = await tried(checked, live)
    assert row.ok is False and "i_accept_real_trading" in row.text and REAL_TRADING_VARIABLE not in row.text
    assert not checked.changes()


def write(file: str, content: str) -> None:
    pathlib.Path(file).write_text(content, "utf-8")


@pytest.mark.parametrize("environment", [None, "", "no", "YES", "true"])
async def test_with_real_funds_nothing_is_placed_without_the_environment(
    checked: Checked, live: CheckRequest, monkeypatch: pytest.MonkeyPatch, environment: str | None
) -> None:
    monkeypatch.delenv(REAL_TRADING_VARIABLE, raising=False)
    if environment is not None:
        monkeypatch.setenv(REAL_TRADING_VARIABLE, environment)
    write(live.settings, '{"i_accept_real_trading": true}')
    row = await tried(checked, live)
    assert row.ok is False and f"{REAL_TRADING_VARIABLE}=yes" in row.text and "i_accept" not in row.text
    assert not checked.changes()


async def test_with_real_funds_and_both_consents_one_is_placed_and_cancelled(
    checked: Checked, live: CheckRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(REAL_TRADING_VARIABLE, "yes")
    write(live.settings, '{"i_accept_real_trading": true}')
    assert (await tried(checked, live)).ok
    assert [order.status for order in checked.fake.orders] == ["canceled"]


async def test_a_consent_that_is_withdrawn_on_the_way_still_counts(
    checked: Checked, live: CheckRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(REAL_TRADING_VARIABLE, "yes")
    write(live.settings, '{"i_accept_real_trading": true}')
    create = checked.exchange.client.create_order

    async def withdrawn_before(*order: typing.Any) -> typing.Any:
        write(live.settings, '{"i_accept_real_trading": false}')
        return await create(*order)

    checked.exchange.client.create_order = withdrawn_before
    assert await checked.read()
    write(live.settings, '{"i_accept_real_trading": true}')
    await engine.try_order(live, checked.questions, checked.guard, True, checked.emit)
    assert "i_accept_real_trading" in checked.rows[far_order.PLACED].text and not checked.changes()


@pytest.mark.parametrize("knobs", [{"other_error": "Busy."}, {"balances": {"ETH": "1"}}, {"is_crossed": True}])
async def test_an_order_that_could_not_be_seen_afterwards_is_not_placed(
    checked: Checked, live: CheckRequest, monkeypatch: pytest.MonkeyPatch, knobs: dict[str, typing.Any]
) -> None:
    monkeypatch.setenv(REAL_TRADING_VARIABLE, "yes")
    write(live.settings, '{"i_accept_real_trading": true}')
    knob(**knobs)(checked)
    row = await tried(checked, live)
    assert row.ok is None and "it needs" in row.text
    assert not checked.changes()


@pytest.mark.parametrize("venue", ["refused", "unproven", "unknown"])
async def test_on_an_exchange_where_no_orders_are_placed_none_is_tried(
    checked: Checked, live: CheckRequest, monkeypatch: pytest.MonkeyPatch, venue: str
) -> None:
    known = VENUES["binance"]
    monkeypatch.setenv(REAL_TRADING_VARIABLE, "yes")
    write(live.settings, '{"i_accept_real_trading": true}')
    if venue == "unknown":
        monkeypatch.delitem(VENUES, "binance")
    else:
        other = refused("binance", "Binance", "why") if venue == "refused" else replace(known, proven=frozenset())
        monkeypatch.setitem(VENUES, "binance", other)
    row = await tried(checked, live)
    assert row.ok is False and "no orders are placed on" in row.text
    assert not {"wire", "open orders", "unknown id", "own trades"} & set(checked.rows)
    assert all(request.method == "GET" for request in checked.exchange.session.requests)
