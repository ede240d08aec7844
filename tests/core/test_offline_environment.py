"""What is started on this computer only needs no proxy, and is not stopped by one."""

from __future__ import annotations

import pytest

from octobot_volume_booster.cli.process.octobot_process import offline_environment

PROXIES = ("http_proxy", "HTTPS_PROXY", "ALL_PROXY", "all_proxy", "NO_PROXY", "Ftp_Proxy")


@pytest.mark.parametrize("name", PROXIES)
def test_proxies_of_the_environment_are_left_out(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(name, "socks5://127.0.0.1:1")
    monkeypatch.setenv("PROXY_OF_SOMETHING", "kept")
    environment = offline_environment()
    assert name not in environment and environment["PROXY_OF_SOMETHING"] == "kept"
