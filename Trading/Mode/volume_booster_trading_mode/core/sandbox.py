"""What makes a sandbox: every address that the client can reach is this machine's own loopback. Pure."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from urllib.parse import urlsplit


def reaches_only_loopback(addresses: Iterable[str]) -> bool:
    """Whether all of these URLs, and there is at least one, name a loopback address as a number.

    A name such as localhost does not count: what it stands for is decided elsewhere.
    """
    hosts = [_host(address) for address in addresses]
    return bool(hosts) and all(host is not None and host.is_loopback for host in hosts)


def _host(address: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(urlsplit(address).hostname or "")
    except ValueError:
        return None
