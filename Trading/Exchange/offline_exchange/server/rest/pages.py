"""Keeps web pages out: a page that a browser on this machine shows may neither change nor use up anything here.

A browser sends requests to this machine for any page. It says so by `Origin`, `Sec-Fetch-Site` (Fetch Metadata Request
Headers, W3C) and `Referer`, and it names the page's own host when a name was made to point here (DNS rebinding).
Programs send none of them. Refused requests reach no route: they cost nothing of the allowances.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Protocol

LOOPBACK_HOST = re.compile(r"(127\.0\.0\.1|localhost|\[::1\])(:[0-9]{1,5})?", re.IGNORECASE)
OWN_SITES = ("same-origin", "none")
"""Of `Sec-Fetch-Site`: from here, or typed into the browser by a person. Another port is "same-site"."""


class Headers(Protocol):
    """The headers of a request, each perhaps several times."""

    def getall(self, key: str, default: Sequence[str]) -> Sequence[str]: ...


def is_from_here(headers: Headers, target: str) -> bool:
    """Whether a request for a `target`, the path as sent, is a program's on this machine."""
    hosts = headers.getall("Host", ())
    if len(hosts) != 1 or not LOOPBACK_HOST.fullmatch(hosts[0]) or not target.startswith("/"):
        return False
    own = f"http://{hosts[0].lower()}"
    return (
        all(origin.lower() == own for origin in headers.getall("Origin", ()))
        and all(site in OWN_SITES for site in headers.getall("Sec-Fetch-Site", ()))
        and all(page.lower().startswith(f"{own}/") for page in headers.getall("Referer", ()))
    )


def has_type(headers: Headers, wanted: str) -> bool:
    """Whether the body's type is said once and is the wanted one; a browser asks first before it sends JSON."""
    types = [text.partition(";")[0].strip().lower() for text in headers.getall("Content-Type", ())]
    return types == [wanted]
