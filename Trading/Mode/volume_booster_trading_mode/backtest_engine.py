from __future__ import annotations
import asyncio, json, pathlib, sys, time, typing

T0=time.time()
import octobot.api as octobot_api
import octobot_backtesting.collectors as collectors
import octobot_commons.constants as C
import octobot_tentacles_manager.api as tm_api
import octobot_tentacles_manager.configuration as tm_configuration

from .campaign import CAMPAIGNS
from .volume_booster_trading import VolumeBoosterTradingMode
from .virtual_time import Timetable
import octobot_trading.api as trading_api
T1=time.time()


async def main(request):
    setup = tm_configuration.TentaclesSetupConfiguration()
    setup.tentacles_activation = {"Trading": {"VolumeBoosterTradingMode": True}}
    CAMPAIGNS.backtest_path = pathlib.Path(request["journal"])
    bt = octobot_api.create_independent_backtesting(request["config"], setup, request["files"], enable_storage=False, enable_logs=False, join_backtesting_timeout=None,
      enforce_total_databases_max_size_after_run=False, config_by_tentacle={"VolumeBoosterTradingMode": request["settings"]})
    t=time.time()
    await octobot_api.initialize_and_run_independent_backtesting(bt)
    ids = octobot_api.get_independent_backtesting_exchange_manager_ids(bt)
    for i in ids:
        Timetable.of(trading_api.get_exchange_manager_from_exchange_id(i)).ends_when_done = request["ends"]
    await octobot_api.join_independent_backtesting(bt, None)
    await octobot_api.stop_independent_backtesting(bt)
    print("imports", T1-T0, "run", time.time()-t)

if __name__ == "__main__":
    req=json.load(sys.stdin)
    with tm_api.local_tentacle_config_proxy(lambda setup, klass: dict(req["settings"]) if klass is VolumeBoosterTradingMode else {}):
        asyncio.run(main(req))
