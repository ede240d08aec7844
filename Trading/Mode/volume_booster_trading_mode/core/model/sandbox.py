"""What makes a sandbox: every address that the client can reach is certain to be this machine's own loopback. Pure."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable

_CERTAIN = re.compile(
    r"(?:http|ws)s?://(?:(\d{1,3}(?:\.\d{1,3}){3})|\[([0-9a-f:]{2,39})\])(?::\d{1,5})?(?:/[\w.~/-]*)?",
    re.ASCII | re.IGNORECASE,
)
"""A scheme, a host as a number, a port and a path of plain letters. Whatever else stands in an address, as a name, a
user, a `{hostname}` to be filled in or a backslash, is read otherwise by one program than by another."""


def reaches_only_loopback(addresses: Iterable[str]) -> bool:
    """Whether all of these URLs, and there is at least one, name a loopback address as a number.

    A name such as localhost does not count: what it stands for is decided elsewhere.
    """
    hosts = [loopback_host(address) for address in addresses]
    return bool(hosts) and None not in hosts


def loopback_host(address: str) -> str | None:
    """The loopback address, as a number, that a URL is certain to name; None when it is not certain."""
    found = _CERTAIN.fullmatch(address)
    host = found and (found[1] or found[2])
    if not host:
        return None
    try:
        return host if ipaddress.ip_address(host).is_loopback else None
    except ValueError:
        return None
