"""Actionstep's environments, and which hosts may be sent a token in each of them."""

import re
from collections.abc import Iterable
from typing import NamedTuple

from actionstep_connect.exceptions import UntrustedHost

PRODUCTION = "production"
STAGING = "staging"


class Endpoints(NamedTuple):
    """Where an environment authorizes, gives tokens, and serves its API."""

    authorize_url: str
    token_url: str
    api_hosts: tuple[str, ...]


#: Actionstep: the two environments whose endpoints it documents.
KNOWN_ENDPOINTS = {
    PRODUCTION: Endpoints(
        authorize_url="https://go.actionstep.com/api/oauth/authorize",
        token_url="https://api.actionstep.com/api/oauth/token",  # noqa: S106 - an address.
        api_hosts=("*.actionstep.com",),
    ),
    STAGING: Endpoints(
        authorize_url="https://go.actionstepstaging.com/api/oauth/authorize",
        token_url="https://api.actionstepstaging.com/api/oauth/token",  # noqa: S106 - an address.
        api_hosts=("*.actionstepstaging.com",),
    ),
}

LOOPBACK_HOSTS = frozenset({"127.0.0.1", "localhost", "[::1]"})
#: The same as `urlsplit` and httpx2 name them.
LOOPBACK = frozenset(host.strip("[]") for host in LOOPBACK_HOSTS)
#: For httpx2's `mounts`: what leads to this machine goes through no proxy, whatever the environment says.
PAST_PROXIES = {f"all://{host}": None for host in LOOPBACK_HOSTS}

_LABEL = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
_HOST = rf"{_LABEL}(?:\.{_LABEL})*|\[::1\]"
_ORIGIN = rf"(?P<scheme>https?)://(?P<host>{_HOST})(?::(?P<port>[1-9][0-9]{{0,4}}))?"
# Everything that a URL could hide behind (user info, query, fragment, dots in the path, percent
# encoding, non-ASCII) is simply not in this pattern.
_ENDPOINT = re.compile(rf"{_ORIGIN}(?P<path>(?:/[A-Za-z0-9_-]+)*)/?", re.ASCII)
# A site may be mounted under any path of RFC 3986's unreserved characters and percent-encodings. A
# browser takes `.` and `..`, encoded or not, as steps to elsewhere.
_SEGMENT = r"(?!(?:\.|%2[Ee]){1,2}(?:/|\Z))(?:[A-Za-z0-9._~-]|%[0-9A-Fa-f]{2})+"
_SITE_URL = re.compile(rf"{_ORIGIN}(?:/{_SEGMENT})*/?", re.ASCII)
_HOST_PATTERN = re.compile(
    rf"\*\.(?:{_LABEL}\.)+(?=[a-z]){_LABEL}|(?:{_HOST})(?::[1-9][0-9]{{0,4}})?", re.ASCII
)
_IP_ADDRESS = re.compile(r"[0-9.]+|.*\.[0-9]+|0x[0-9a-f]+|\[.*", re.ASCII)
MAX_URL = 500


def is_host_pattern(pattern: str) -> bool:
    """Return whether `pattern` can be in API_HOSTS: `host`, `*.domain.tld`, or `host:port`."""
    return _HOST_PATTERN.fullmatch(pattern) is not None


def is_secure_url(url: str) -> bool:
    """Return whether `url`, one of a site's own, is plain https, or http to this very machine."""
    return _is_secure(_match(_SITE_URL, url))


def is_secure_endpoint(url: str) -> bool:
    """Return whether `url`, which may be sent secrets, is so too, and has nothing odd in its path."""
    return _is_secure(_match(_ENDPOINT, url))


def trusted_api_endpoint(api_endpoint: str, api_hosts: Iterable[str]) -> str:
    """Return `api_endpoint` in its one normal form, `https://HOST/api/`.

    Actionstep sends it with or without its final slash, and once ending in `/api/rest`. Raises
    UntrustedHost for anything that is not plain https to one of `api_hosts`; plain http is allowed
    to a loopback host that `api_hosts` names with its port.
    """
    # With its final slash it must still fit its column, and match again when it is used.
    match = _match(_ENDPOINT, f"{api_endpoint.removesuffix('/')}/")
    if match is None or not _is_trusted(match, api_hosts):
        raise UntrustedHost(
            f"The API endpoint {api_endpoint[:100]!r} is not https to a host in API_HOSTS, "
            "so no token is sent there."
        )
    path = match["path"].removesuffix("/rest")
    port = f":{match['port']}" if match["port"] not in (None, "443") else ""
    return f"{match['scheme']}://{match['host']}{port}{path}/"


def _is_secure(match: re.Match[str] | None) -> bool:
    return match is not None and (match["scheme"] == "https" or match["host"] in LOOPBACK_HOSTS)


def _match(pattern: re.Pattern[str], url: str) -> re.Match[str] | None:
    # Before lower(), which makes ASCII letters of some others.
    if len(url) > MAX_URL or not url.isascii():
        return None
    scheme, separator, rest = url.partition("://")
    authority, slash, path = rest.partition("/")
    return pattern.fullmatch(f"{scheme.lower()}{separator}{authority.lower()}{slash}{path}")


def _is_trusted(match: re.Match[str], api_hosts: Iterable[str]) -> bool:
    host, port = match["host"], match["port"]
    netloc = f"{host}:{port}" if port else host
    if netloc in api_hosts and (match["scheme"] == "https" or host in LOOPBACK_HOSTS):
        return True
    if match["scheme"] != "https" or port not in (None, "443") or _IP_ADDRESS.fullmatch(host):
        return False
    return any(
        host.endswith(pattern[1:]) if pattern.startswith("*.") else host == pattern
        for pattern in api_hosts
    )
