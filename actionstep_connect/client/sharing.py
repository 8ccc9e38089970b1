"""Which connections a client uses: the process's shared ones, unless its maker has a say in them."""

import ssl
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Self

import httpx2
from httpx2._utils import get_environment_proxies

from actionstep_connect.client.async_pools import AsyncSharedTransport
from actionstep_connect.client.pools import Route, SharedTransport
from actionstep_connect.environments import PAST_PROXIES
from actionstep_connect.tls import environment_values, shared_ssl_context

#: A client with one of these has connections of its own.
OWN = frozenset(
    {
        "cert",
        "http1",
        "http2",
        "limits",
        "mounts",
        "proxy",
        "transport",
        "trust_env",
        "verify",
    }
)

PROXY_NAMES = tuple(
    spelling
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy")
    for spelling in (name, name.upper())
)


def connections_for(
    options: Mapping[str, Any], shared: type[SharedTransport] | type[AsyncSharedTransport]
) -> dict[str, Any]:
    """Return httpx2's options for the connections of a client that was made with `options`."""
    if options and options.keys() & OWN:
        return {**_shared_certificates(options), **_past_proxies(options)}
    direct, by_pattern = _routes(shared_ssl_context(), environment_values(PROXY_NAMES))
    mounts = {
        pattern: None if route is None else shared(route) for pattern, route in by_pattern.items()
    }
    return {"transport": shared(direct), "mounts": mounts}


@lru_cache(maxsize=8)
def _routes(
    context: ssl.SSLContext, environment: tuple[Any, ...]
) -> tuple[Route, Mapping[str, Route | None]]:
    proxies = _proxies(environment).items()
    by_pattern = {pattern: Route(context, proxy) if proxy else None for pattern, proxy in proxies}
    return Route(context, None), by_pattern


@lru_cache(maxsize=8)
def _proxies(_: tuple[Any, ...]) -> Mapping[str, str | None]:
    """Return which proxy httpx2 finds in the environment for which addresses, if it finds one."""
    found = get_environment_proxies()
    for proxy in filter(None, found.values()):
        httpx2.Proxy(proxy)  # Which refuses what is none, as it does for any client.
    return {**found, **PAST_PROXIES} if any(found.values()) else {}


def _shared_certificates(options: Mapping[str, Any]) -> dict[str, Any]:
    """Share what verifies certificates, unless the caller has a say in it or in the protocol."""
    if options.keys() & {"verify", "cert", "transport", "http1", "http2"}:
        return {}
    return {"verify": shared_ssl_context(trust_env=options.get("trust_env", True))}


def _past_proxies(options: Mapping[str, Any]) -> dict[str, Any]:
    """Keep what leads to this machine from a proxy that the environment names."""
    mounts = options.get("mounts") or {}
    if "proxy" in options or any(pattern.endswith("://") for pattern in mounts):
        return {}  # The caller says where everything goes.
    return {"mounts": {**PAST_PROXIES, **mounts}}


class GivenCookies(httpx2.Cookies):
    """The cookies that a client was given; none that an answer sets is kept."""

    @classmethod
    def of(cls, cookies: httpx2.Cookies) -> Self:
        """Take over `cookies`. A jar costs more than most that a client is made of."""
        given = cls.__new__(cls)
        given.jar = cookies.jar
        return given

    def extract_cookies(self, response: httpx2.Response) -> None:
        """Leave them in the answer."""
