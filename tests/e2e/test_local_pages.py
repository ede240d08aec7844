"""A web page on this machine, in a real Chromium: it can do nothing to the local exchange and use up nothing of it."""

from __future__ import annotations

import asyncio
import json
import pathlib
import time
from collections import Counter
from decimal import Decimal

import pytest
from aiohttp import ClientSession, web

from octobot_volume_booster.offline_exchange.server.app.account_file import DEFAULT_ACCOUNT
from octobot_volume_booster.offline_exchange.server.app.assembly import assemble
from octobot_volume_booster.offline_exchange.server.faults.injection import FaultInjection, fault_routes
from octobot_volume_booster.offline_exchange.server.market.world import MarketScenario
from octobot_volume_booster.offline_exchange.server.rest.api import create_app
from octobot_volume_booster.offline_exchange.server.rest.control import control_routes
from octobot_volume_booster.offline_exchange.server.rest.rate_limits import RateLimits

from .test_page import CHROMIUM, QUIET

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.long,
    pytest.mark.once,
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium is installed here"),
]

ORDER = "/api/v3/order?symbol=BTCUSDT&side=BUY&type=MARKET&quantity=0.01"
PAGE = """<!doctype html><title>a page</title><p id=done></p>
<img src="BASE/api/v3/ticker/24hr?from=image">
<script>
function send(method, url, body, headers) {
  const request = new XMLHttpRequest();
  request.open(method, url, false);
  for (const name in headers || {}) request.setRequestHeader(name, headers[name]);
  try { request.send(body); return request.status + request.responseText; } catch (error) { return "nothing"; }
}
const told = [];
for (let i = 0; i < 90; i++) told.push(send("GET", "BASE/api/v3/ticker/24hr"));
for (const base of ["BASE", "NAME"]) {
  told.push(send("POST", base + "/control/deposit", '{"account": "trader", "asset": "USDT", "amount": "-10000"}'));
  told.push(send("POST", base + "/control/faults", '{"faults": [{"kind": "banned", "code": -1003, "message": "no"}]}'));
  told.push(send("DELETE", base + "/control/faults"));
  told.push(send("POST", base + "ORDER", null, {"X-MBX-APIKEY": "offline-key"}));
  told.push(send("POST", base + "ORDER"));
  told.push(send("GET", base + "/control/accounts"));
}
document.getElementById("done").textContent = told.every(text => text === "nothing") ? "learned nothing" : told.join();
</script>"""


async def started(app: web.Application) -> tuple[web.AppRunner, int]:
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    return runner, runner.addresses[0][1]


async def shown(folder: pathlib.Path, url: str) -> str:
    """The page's document when it has done what it does."""
    assert CHROMIUM is not None
    rules = "--host-resolver-rules=MAP rebound.example 127.0.0.1, MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"
    options = [option for option in QUIET if not option.startswith("--host-resolver-rules")]
    browser = await asyncio.create_subprocess_exec(
        CHROMIUM, *options, rules, f"--user-data-dir={folder / 'profile'}", "--dump-dom", url,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
    out, _ = await asyncio.wait_for(browser.communicate(), 120)
    return out.decode("utf-8", "replace")


async def test_a_page_on_this_machine_changes_nothing_and_uses_nothing_up(tmp_path: pathlib.Path) -> None:
    scenario = MarketScenario(seed=1, start_time=int(time.time()) - 60)
    exchange = assemble(scenario, [DEFAULT_ACCOUNT], time.time, RateLimits()).exchange
    faults = FaultInjection(exchange)
    answers: Counter[int] = Counter()

    @web.middleware
    async def counted(request, handler):
        response = await handler(request)
        answers[response.status] += 1
        return response

    app = create_app(exchange, faults, {**control_routes(exchange), **fault_routes(faults)}, token="of the test")
    app.middlewares.insert(0, counted)
    exchange_runner, port = await started(app)
    text = PAGE.replace("BASE", f"http://127.0.0.1:{port}").replace("NAME", f"http://rebound.example:{port}")
    pages = web.Application()

    async def page(_: web.Request) -> web.Response:
        return web.Response(text=text.replace("ORDER", ORDER), content_type="text/html")

    pages.router.add_get("/", page)
    pages_runner, pages_port = await started(pages)
    try:
        document = await shown(tmp_path, f"http://127.0.0.1:{pages_port}/")
        assert '<p id="done">learned nothing</p>' in document, document
        assert set(answers) == {403} and answers[403] > 100, "the page's requests did not come here"
        async with ClientSession() as session, session.get(f"http://127.0.0.1:{port}/api/v3/ping") as answer:
            assert (answer.status, answer.headers["X-MBX-USED-WEIGHT-1M"]) == (200, "1")
    finally:
        await exchange_runner.cleanup()
        await pages_runner.cleanup()
    assert exchange.venue.engine.accounts["trader"].free["USDT"] == Decimal(10_000)
    assert not exchange.venue.engine.trades
    assert json.dumps(faults.plan.to_json()["faults"]) == "[]"
