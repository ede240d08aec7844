"""The log beside the state file: what was answered is there after a kill, and nothing else is made of it."""

from __future__ import annotations

import asyncio
import os
import pathlib
import stat
from collections.abc import Callable
from typing import Any

import pytest
from conftest import TOKEN
from hypothesis import given, settings
from hypothesis import strategies as st
from test_state import ACTIONS, MARKET, PATH, PLANS, SCENARIO, Wall, fresh, order, wait

from octobot_volume_booster.offline_exchange.server.app.assembly import Assembled
from octobot_volume_booster.offline_exchange.server.app.keeper import StateSaver
from octobot_volume_booster.offline_exchange.server.app.operation_log import log_files
from octobot_volume_booster.offline_exchange.server.app.state import StateError, StateText, read_state
from octobot_volume_booster.offline_exchange.server.engine.orders import Kind, Side
from octobot_volume_booster.offline_exchange.server.engine.venue import Venue
from octobot_volume_booster.offline_exchange.server.rest.api import create_app
from octobot_volume_booster.offline_exchange.server.rest.control import control_routes
from octobot_volume_booster.offline_exchange.server.rest.exchange import Exchange

Act = Callable[[Exchange], Any]
BUY = order("alice", Side.BUY, Kind.MARKET, 10, 0, 1)
REST = order("alice", Side.BUY, Kind.LIMIT, 1, 0, 0)


def saver(exchange: Exchange, path: pathlib.Path, *, is_on_disk: bool = False) -> StateSaver:
    made = StateSaver(path, Assembled(exchange, SCENARIO), is_on_disk=is_on_disk)
    made.save_now()
    return made


def after_a_kill(path: pathlib.Path, wall: Wall) -> Exchange:
    """What a new process has that finds the files as they are."""
    saved = read_state(path)
    assert saved is not None
    venue = Venue(PATH)
    saved.restore(venue)
    exchange = Exchange(venue, saved.clock(wall), [plan.credentials for plan in saved.accounts])
    saved.redo(exchange)
    return exchange


def text_of(exchange: Exchange) -> str:
    return StateText().of(exchange, SCENARIO, 0)


def look() -> Act:
    """Draw the present book, as a question of a client does."""
    return lambda exchange: exchange.book(MARKET, exchange.clock.now_ms(), 5)


def move_clock(seconds: int) -> Act:
    return lambda exchange: exchange.move_clock(seconds)


STEPS = st.one_of(ACTIONS, ACTIONS, st.builds(look), st.builds(move_clock, st.integers(1, 900)), st.just("save"))


@settings(max_examples=25, deadline=None)
@given(steps=st.lists(STEPS, max_size=12), after=st.lists(ACTIONS, max_size=4))
def test_a_kill_at_any_moment_forgets_nothing(tmp_path_factory, steps, after) -> None:
    wall, path = Wall(), tmp_path_factory.mktemp("state") / "state.json"
    never_killed = fresh(wall)
    files = saver(never_killed, path)
    for step in steps:
        files.save_now() if step == "save" else step(never_killed)
    asyncio.run(files.settle())
    restarted = after_a_kill(path, wall)
    restarted.clock.offset_ms = never_killed.clock.offset_ms  # `wait` stands for time that passes by itself
    never_killed.record = None
    for exchange in (never_killed, restarted):
        for act in (*after, wait(3_000)):
            act(exchange)
    assert text_of(restarted) == text_of(never_killed)


async def test_every_kind_of_operation_is_in_the_log(tmp_path) -> None:
    wall = Wall()
    exchange = fresh(wall)
    files = saver(exchange, tmp_path / "state.json")
    REST(exchange)
    BUY(exchange)
    exchange.cancel("alice", MARKET, next(iter(exchange.venue.engine.accounts["alice"].open_orders)), wall.now_ms)
    exchange.pay_in("bob", "USDT", -PLANS[1].balances["USDT"])
    exchange.change_rules(MARKET, {"minimum_notional_quote": PLANS[0].balances["BTC"]})
    exchange.set_quotes(MARKET, is_quoting=False)
    exchange.move_clock(600)
    await files.settle()
    assert text_of(after_a_kill(tmp_path / "state.json", wall)) == text_of(exchange)
    assert after_a_kill(tmp_path / "state.json", wall).clock.now_ms() == wall.now_ms + 600_000


@pytest.mark.parametrize("is_on_disk", [False, True])
async def test_whatever_is_cut_off_the_end_only_what_was_not_answered_is_forgotten(tmp_path, is_on_disk) -> None:
    wall, path = Wall(), tmp_path / "state.json"
    exchange = fresh(wall)
    files = saver(exchange, path, is_on_disk=is_on_disk)
    BUY(exchange)
    await files.settle()
    (log,) = log_files(path)
    answered, after_one = log.read_bytes(), text_of(exchange)
    BUY(exchange)
    await files.settle()
    whole, after_two = log.read_bytes(), text_of(exchange)
    for length in range(len(answered), len(whole), 17):
        log.write_bytes(whole[:length])
        assert text_of(after_a_kill(path, wall)) == after_one
    log.write_bytes(answered + bytes(len(whole) - len(answered)))  # as a file system may leave it
    assert text_of(after_a_kill(path, wall)) == after_one
    log.write_bytes(whole)
    assert text_of(after_a_kill(path, wall)) == after_two


async def test_a_line_that_was_changed_is_reported_and_not_played(tmp_path) -> None:
    wall, path = Wall(), tmp_path / "state.json"
    exchange = fresh(wall)
    files = saver(exchange, path)
    for _ in range(3):
        BUY(exchange)
    await files.settle()
    (log,) = log_files(path)
    lines = log.read_bytes().splitlines(keepends=True)
    log.write_bytes(b"".join([lines[0].replace(b"alice", b"alicf"), *lines[1:]]))
    with pytest.raises(StateError, match=r"is damaged.*line 1 of its log is not as it was written"):
        read_state(path)
    log.write_bytes(b"".join(lines[1:]))  # whole lines, but not what happened
    with pytest.raises(StateError, match=r"cannot be continued: submit at \d+ ms came out otherwise"):
        after_a_kill(path, wall)
    log.rename(log.with_name("state.json.log-9"))
    with pytest.raises(StateError, match="its log 1 is missing"):
        read_state(path)


async def test_a_file_that_cannot_be_written_leaves_its_logs_which_have_everything(tmp_path, monkeypatch) -> None:
    wall, path = Wall(), tmp_path / "state.json"
    exchange = fresh(wall)
    files = saver(exchange, path)
    BUY(exchange)
    with monkeypatch.context() as full:
        full.setattr(pathlib.Path, "replace", _no_space)
        for _ in range(2):
            with pytest.raises(StateError, match="cannot write the state"):
                files.save_now()
            BUY(exchange)
    await files.settle()
    assert len(log_files(path)) == 3
    assert text_of(after_a_kill(path, wall)) == text_of(exchange)
    files.save_now()
    assert len(log_files(path)) == 1
    files.close()
    assert log_files(path) == []
    assert text_of(after_a_kill(path, wall)) == text_of(exchange)


async def test_what_cannot_be_remembered_is_answered_as_unknown_and_then_nothing_more_is_done(
    exchange, tmp_path, monkeypatch, aiohttp_signed
) -> None:
    files = StateSaver(tmp_path / "state.json", Assembled(exchange, SCENARIO), is_on_disk=False)
    files.save_now()
    ask = await aiohttp_signed(create_app(exchange, control=control_routes(exchange), settle=files.settle, token=TOKEN))
    buy = {"symbol": MARKET, "side": "BUY", "type": "MARKET", "quantity": "0.01"}
    real_write = os.write
    with monkeypatch.context() as full:
        full.setattr(os, "write", lambda descriptor, data: real_write(descriptor, data[:20]) and _no_space())
        assert await ask("POST", "order", **buy) == (503, {"code": -1007, "msg": _UNKNOWN})
        done = len(exchange.venue.engine.accounts["alice"].orders)
        assert done == 1
        assert (await ask("POST", "order", **buy))[0] == 503
        assert len(exchange.venue.engine.accounts["alice"].orders) == done
    status, answer = await ask("POST", "order", **buy)
    assert status == 200
    (log,) = log_files(tmp_path / "state.json")
    assert log.read_bytes().count(b'"submit"') == 2 and str(answer["orderId"]) in log.read_text()


async def test_many_answers_wait_for_one_flush(tmp_path, monkeypatch) -> None:
    exchange, flushed = fresh(Wall()), []
    files = saver(exchange, tmp_path / "state.json", is_on_disk=True)
    name = "fdatasync" if hasattr(os, "fdatasync") else "fsync"
    real = getattr(os, name)
    monkeypatch.setattr(os, name, lambda descriptor: (flushed.append(descriptor), real(descriptor)))

    async def buy() -> None:
        BUY(exchange)
        await files.settle()

    await asyncio.gather(*(buy() for _ in range(20)))
    assert 1 <= len(flushed) <= 3


@pytest.mark.skipif(os.name == "nt", reason="Windows has no permissions of this kind")
def test_only_the_owner_may_read_the_log(tmp_path) -> None:
    saver(fresh(Wall()), tmp_path / "state.json")
    assert {stat.S_IMODE(file.stat().st_mode) for file in tmp_path.iterdir()} == {0o600}


def test_an_exchange_of_before_there_was_a_log_is_continued(tmp_path) -> None:
    wall, path = Wall(), tmp_path / "state.json"
    exchange = fresh(wall)
    BUY(exchange)
    text = StateText().of(exchange, SCENARIO, 0)
    path.write_text(text.replace('"log": 0,\n', "").replace('"version": 2', '"version": 1'), "utf-8")
    assert text_of(after_a_kill(path, wall)) == text


async def test_a_question_that_draws_nothing_is_not_logged(tmp_path) -> None:
    exchange = fresh(Wall())
    files = saver(exchange, tmp_path / "state.json")
    for _ in range(5):
        exchange.advance(exchange.clock.now_ms())
        exchange.book(MARKET, exchange.clock.now_ms(), 5)
    await files.settle()
    (log,) = log_files(tmp_path / "state.json")
    assert log.read_bytes().count(b"\n") == 1


_UNKNOWN = "Timeout waiting for response from backend server. Send status unknown; execution status unknown."


def _no_space(*_: object) -> Any:
    raise OSError(28, "No space left on device")


@pytest.fixture
async def aiohttp_signed(wall):
    """Serves an application and asks it with alice's key."""
    from aiohttp.test_utils import TestClient, TestServer
    from conftest import Signer

    clients = []

    async def serve(app) -> Signer:
        client = TestClient(TestServer(app))
        await client.start_server()
        clients.append(client)
        return Signer(client, wall)

    yield serve
    for client in clients:
        await client.close()
