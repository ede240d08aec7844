"""The tentacle's promise: whatever it is told, the client reaches this machine only."""

import importlib
import subprocess
import sys
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlsplit

import pytest


@pytest.fixture
def tentacle() -> Any:
    pytest.importorskip("octobot_trading.exchanges", reason="the tentacle needs OctoBot")
    return importlib.import_module("octobot_volume_booster.offline_exchange.offline_exchange")


def hosts(urls: dict[str, Any]) -> set[str]:
    return {
        host
        for url in urls.values()
        for host in (hosts(url) if isinstance(url, dict) else {f"{urlsplit(url).scheme}://{urlsplit(url).netloc}"})
    }


def test_the_server_starts_without_importing_octobot() -> None:
    code = (
        "import sys, octobot_volume_booster.offline_exchange.server.__main__\n"
        "sys.exit(any(name.startswith('octobot_') and not name.startswith('octobot_volume') for name in sys.modules))"
    )
    assert subprocess.run([sys.executable, "-c", code], timeout=90, check=False).returncode == 0


def test_the_front_door_names_what_it_does_not_have() -> None:
    door = importlib.import_module("octobot_volume_booster.offline_exchange")
    assert door.__all__ == ["OfflineExchange", "SecondOfflineExchange"]
    with pytest.raises(AttributeError, match="nothing"):
        _ = door.nothing


def test_the_environment_wins_over_the_configured_port(tentacle) -> None:
    assert tentacle.exchange_port({"port": 8642}, {}) == 8642
    assert tentacle.exchange_port({"port": 8642}, {"VOLUME_BOOSTER_EXCHANGE_PORT": "9000"}) == 9000
    assert tentacle.exchange_port({}, {"VOLUME_BOOSTER_EXCHANGE_PORT": "65535"}) == 65535


@pytest.mark.parametrize("port", [0, 65536, -1, 8642.5, True, None, "", "host:80", "80@evil", "\u0663"])
def test_an_unusable_port_is_told_in_one_sentence(tentacle, port) -> None:
    with pytest.raises(ValueError, match="configuration must be a whole number from 1 to 65535, not "):
        tentacle.exchange_port({"port": port}, {})


def test_an_unusable_port_of_the_environment_is_told_too(tentacle) -> None:
    with pytest.raises(ValueError, match="VOLUME_BOOSTER_EXCHANGE_PORT must be a whole number"):
        tentacle.exchange_port({"port": 8642}, {"VOLUME_BOOSTER_EXCHANGE_PORT": "example.org:80"})


def asked_by(tentacle, *, is_future=False) -> SimpleNamespace:
    manager = SimpleNamespace(is_future=is_future)
    port = {"port": 8642}
    return SimpleNamespace(tentacle_config=port, PORT_VARIABLE=tentacle.PORT_VARIABLE, exchange_manager=manager)


def test_where_octobot_trades_futures_its_client_reads_contracts(tentacle, monkeypatch) -> None:
    monkeypatch.delenv("VOLUME_BOOSTER_EXCHANGE_PORT", raising=False)
    config = tentacle.OfflineExchange.get_additional_connector_config(asked_by(tentacle, is_future=True))
    assert config["options"]["fetchMarkets"] == {"types": ["linear"]}
    assert hosts(config["urls"]) == {"http://127.0.0.1:8642"}


def test_every_address_of_the_client_is_loopback(tentacle, monkeypatch) -> None:
    monkeypatch.delenv("VOLUME_BOOSTER_EXCHANGE_PORT", raising=False)
    exchange = asked_by(tentacle)
    configured = tentacle.OfflineExchange.get_additional_connector_config(exchange)
    assert hosts(configured["urls"]) == {"http://127.0.0.1:8642"}
    client = tentacle.ccxt.binance(configured)
    for group in ("api", "test", "demo"):
        assert hosts(client.urls[group]) == {"http://127.0.0.1:8642"}
    assert client.urls["api"]["public"] == "http://127.0.0.1:8642/api/v3"


def test_each_connector_gets_a_configuration_of_its_own(tentacle) -> None:
    exchange = asked_by(tentacle)
    first = tentacle.OfflineExchange.get_additional_connector_config(exchange)
    first.pop("options")
    assert "options" in tentacle.OfflineExchange.get_additional_connector_config(exchange)


def test_the_front_door_leads_to_the_tentacle(tentacle) -> None:
    door = importlib.import_module("octobot_volume_booster.offline_exchange")
    assert door.OfflineExchange is tentacle.OfflineExchange
    assert tentacle.OfflineExchange.get_name() == "offline_exchange"
    assert tentacle.OfflineExchange.get_rest_name(None) == "binance"
