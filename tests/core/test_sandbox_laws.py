"""What counts as this machine's own loopback: only what is certain to, however an address is written."""

from __future__ import annotations

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies import LAW

from octobot_volume_booster.core.model.sandbox import loopback_host, reaches_only_loopback

CERTAIN = [
    "http://127.0.0.1:8642/api/v3", "http://127.9.9.9", "https://[::1]:8642/api", "http://127.0.0.1", "ws://127.0.0.1/",
    "HTTP://127.0.0.1", "wss://127.255.255.254:1/a.b/c_d-e~",
]  # fmt: skip
UNCERTAIN = [
    "https://api.binance.com", "http://localhost:8642", "http://127.0.0.1.example.org", "http://127.0.0.1@evil.org",
    "http://10.0.0.1", "http://0.0.0.0:1", "127.0.0.1:8642", "", "http://[", "a proxy of the environment",
    "http://127.0.0.1:8642@evil.org/", "http://evil.org\\@127.0.0.1/", "http://127.0.0.1\\.evil.org",
    "http://{hostname}@127.0.0.1/", "http://127.0.0.1{hostname}/", "http://127.0.0.1/{hostname}", "http://127.1",
    "http://2130706433", "http://0x7f.0.0.1", "http://0177.0.0.1", "http://127.0.0.1#@evil.org", "http://127.0.0.1?a",
    "http://127.0.0.1 ", " http://127.0.0.1", "http://127.0.0.1\n", "http://127.0.0.1\t.evil.org", "//127.0.0.1",
    "socks5://127.0.0.1", "file://127.0.0.1/etc", "http://[::ffff:8.8.8.8]", "http://[::]", "http://[::1%25eth0]",
    "http://[fe80::1]", "http://[::ffff:127.0.0.1]", "http://\uff11\uff12\uff17.0.0.1", "http://127.0.0.1\u3002evil.org",
    "http://127.0.0.1:80:90", "http://127.0.0.1:", "http://127.0.0.256", "http://128.0.0.1", "http://localhost",
]  # fmt: skip
"""A loopback address that is written so that it could be read otherwise counts as uncertain, too."""


@pytest.mark.parametrize("address", CERTAIN)
def test_a_loopback_address_makes_a_sandbox(address: str) -> None:
    assert reaches_only_loopback([address])


@pytest.mark.parametrize("address", UNCERTAIN)
def test_one_other_address_is_enough_to_make_it_real(address: str) -> None:
    assert not reaches_only_loopback(["http://127.0.0.1:8642", address])


def test_a_client_without_addresses_is_no_sandbox() -> None:
    assert not reaches_only_loopback([])


@LAW
@given(st.ip_addresses())
def test_the_number_decides(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> None:
    host = f"[{address}]" if address.version == 6 else str(address)
    assert not reaches_only_loopback([f"http://{host}/"]) or address.is_loopback


@LAW
@given(st.text(max_size=30), st.text(max_size=30))
def test_whatever_is_added_to_it_is_certain_to_be_itself_or_nothing(before: str, after: str) -> None:
    assert loopback_host(f"{before}http://127.0.0.1{after}") in (None, "127.0.0.1")
