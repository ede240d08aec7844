"""What a ccxt client can reach: every address that it could send a request to, and whatever leads one elsewhere."""

from __future__ import annotations

import typing
import urllib.request
from collections.abc import Iterator

import aiohttp
import octobot_commons.aiohttp_util as aiohttp_util

from ..core.model import sandbox

_TO_READ = frozenset({"logo", "www", "doc", "docs", "fees", "referral", "api_management"})
"""The groups of a client's URLs that are pages for people. Every other one is taken for something that it asks."""
_LEADS = ("prox", "socks")
"""What is in the name of everything by which ccxt, OctoBot and aiohttp lead requests elsewhere."""
_CERTAIN_SESSIONS = (aiohttp.ClientSession, aiohttp_util.CounterClientSession)
_TRUSTS_ENVIRONMENT = ("aiohttp_trust_env", "trust_env")


def addresses(client: typing.Any) -> list[str]:
    """Every address that a client can send to: its exchange's, and a sentence for each thing that is not certain."""
    urls = texts({group: value for group, value in client.urls.items() if group not in _TO_READ})
    session = getattr(client, "session", None)
    leads = [*_leads(client), *session_leads(session)]
    trusting = any(getattr(client, name, None) for name in _TRUSTS_ENVIRONMENT)
    if trusting or getattr(session, "trust_env", False):
        leads += [f"{url} through a proxy of the environment" for url in urls if is_proxied_by_environment(url)]
    return [*urls, *leads]


def texts(value: typing.Any) -> list[str]:
    """Every text in a tree of dicts."""
    if isinstance(value, dict):
        return [text for part in value.values() for text in texts(part)]
    return [str(value)] if value else []


def _leads(client: typing.Any) -> Iterator[str]:
    """A sentence for each attribute that makes requests go another way: proxies, and functions that name one.

    They are found by their names, in whatever version of ccxt, so that one which is new there is not missed.
    """
    names = set(vars(client)).union(*map(vars, type(client).__mro__))
    for name in sorted(names):
        is_lead = any(part in name.lower() for part in _LEADS) and not _is_plain_method(client, name)
        if is_lead and getattr(client, name, None):
            yield f"what its {name} leads to"


def _is_plain_method(client: typing.Any, name: str) -> bool:
    """Whether it is a method of the client's class, and not a function that somebody has put there to name a proxy."""
    is_bound = getattr(getattr(client, name, None), "__self__", None) is client
    return is_bound and name not in vars(client) and "callback" not in name.lower()


def session_leads(session: typing.Any) -> list[str]:
    """A sentence for each part of an aiohttp session by which a request could go elsewhere than its URL says."""
    if session is None:
        return []  # its client makes one when it is needed, of the plain kind
    session = getattr(session, "unguarded", session)
    if type(session) not in _CERTAIN_SESSIONS:
        return ["what its own session leads to"]
    leads = [name for name in ("_base_url", "_middlewares") if getattr(session, name, None)]
    leads += [name for name, value in vars(session).items() if "proxy" in name and value]
    if session.connector is not None and type(session.connector) is not aiohttp.TCPConnector:
        leads.append("connector")
    return [f"what the {name} of its session leads to" for name in leads]


def is_proxied_by_environment(url: str) -> bool:
    """Whether a session that trusts the environment asks a proxy for this URL, as the environment is now."""
    proxies = urllib.request.getproxies()
    host = sandbox.loopback_host(url)
    return any(kind != "no" for kind in proxies) and (host is None or not urllib.request.proxy_bypass(host))
