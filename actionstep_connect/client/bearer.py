"""The bearer of one connection: to its own API only, for granted scopes only, refreshed after a 401."""

import re
from collections.abc import AsyncGenerator, Callable, Generator
from functools import lru_cache
from urllib.parse import urlsplit

import httpx2

from actionstep_connect.conf import get_config
from actionstep_connect.crypto import Secret
from actionstep_connect.environments import trusted_api_endpoint
from actionstep_connect.exceptions import ScopeNotGranted, UntrustedHost
from actionstep_connect.flows.refresh import (
    akeep_fresh,
    areplace_refused_token,
    keep_fresh,
    replace_refused_token,
)
from actionstep_connect.models import Connection
from actionstep_connect.scopes import ALL

#: The signed-in user. Nobody documents which scope that needs, so Actionstep decides.
CURRENT_USER = "users/current"
MIN_VALIDITY = 60.0  # seconds that a token must still live when a request begins

_SEPARATOR = re.compile(r"[/\\]")
_DOT_SEGMENTS = frozenset({".", ".."})


class ConnectionBearer(httpx2.Auth):
    """Signs requests to `connection`'s own API; a 401 refreshes once and retries once (S43).

    `moved` is called with the new address of the API after an organisation's region has changed.
    """

    def __init__(self, connection: Connection, *, moved: Callable[[str], None]) -> None:
        self._connection = connection
        self._moved = moved
        self._home = rest_base_url(connection)
        self._homes = {self._home: urlsplit(self._home).path}
        self._opened: tuple[str, Secret] | None = None

    @property
    def token(self) -> Secret:
        """The access token, opened once for as long as the row holds the same one."""
        envelope, opened = self._connection.sealed_access_token, self._opened
        if opened is None or opened[0] != envelope:
            opened = self._opened = (envelope, self._connection.open_access_token())
        return opened[1]

    def sync_auth_flow(self, request: httpx2.Request) -> Generator[httpx2.Request, httpx2.Response]:
        """Sign `request`, and once more with another token if Actionstep refuses the first."""
        request.read()  # So that it can be sent again.
        _give_length(request)
        self._check(request)
        keep_fresh(self._connection, min_validity=MIN_VALIDITY)
        try:
            sent = self._sign(request)
            response = yield request
            if _is_refused(response) and replace_refused_token(self._connection, refused=sent):
                self._sign(request)
                yield request
        finally:
            _forget_token(request)

    async def async_auth_flow(
        self, request: httpx2.Request
    ) -> AsyncGenerator[httpx2.Request, httpx2.Response]:
        """Do what `sync_auth_flow` does, in async code."""
        await request.aread()
        _give_length(request)
        self._check(request)
        await akeep_fresh(self._connection, min_validity=MIN_VALIDITY)
        try:
            sent = self._sign(request)
            response = yield request
            if _is_refused(response) and await areplace_refused_token(
                self._connection, refused=sent
            ):
                self._sign(request)
                yield request
        finally:
            _forget_token(request)

    def _check(self, request: httpx2.Request) -> None:
        url = str(request.url)
        home = self._home_of(url)
        path = request.url.path.removeprefix(self._homes[home]) if home else ""
        if home is None or ("." in path and not _DOT_SEGMENTS.isdisjoint(_SEPARATOR.split(path))):
            raise UntrustedHost(
                f"{request.url.host}{request.url.path} is not under this connection's API "
                f"({self._home}): nothing was sent."
            )
        resource, granted = path.strip("/"), self._connection.granted_scopes
        scope = resource.partition("/")[0]
        if scope in granted or ALL in granted or resource in ("", CURRENT_USER):
            return
        raise ScopeNotGranted(
            f"The user has not granted {scope!r}: ask with redirect_to_connect.", scopes=(scope,)
        )

    def _home_of(self, url: str) -> str | None:
        if url.startswith(self._home):
            return self._home
        # Built before the organisation moved, by another thread perhaps.
        return next((home for home in self._homes if url.startswith(home)), None)

    def _sign(self, request: httpx2.Request) -> int:
        """Give `request` the present token, and return its generation."""
        # Before the token, which another caller may replace meanwhile.
        generation = self._connection.generation
        # A refresh may have moved the organisation to another region, and its API to another host.
        home = rest_base_url(self._connection)
        if home != self._home:
            self._home = home
            self._homes[home] = urlsplit(home).path
            self._moved(home)
        if len(self._homes) > 1:
            url = str(request.url)
            request.url = httpx2.URL(home + url.removeprefix(self._home_of(url) or ""))
            request.headers["Host"] = request.url.netloc.decode()
        request.headers["Authorization"] = f"Bearer {self.token.reveal()}"
        return generation


def rest_base_url(connection: Connection) -> str:
    """Return where `connection`'s resources are. Raises UntrustedHost if it is not in API_HOSTS."""
    return _rest_base_url(connection.api_endpoint, get_config().api_hosts)


@lru_cache(maxsize=1024)
def _rest_base_url(api_endpoint: str, api_hosts: tuple[str, ...]) -> str:
    return f"{trusted_api_endpoint(api_endpoint, api_hosts)}rest/"


def _is_refused(response: httpx2.Response) -> bool:
    return response.status_code == httpx2.codes.UNAUTHORIZED


def _give_length(request: httpx2.Request) -> None:
    # A body that has been read need not go out in chunks, which not every server takes.
    if request.headers.pop("Transfer-Encoding", ""):
        request.headers["Content-Length"] = str(len(request.content))


def _forget_token(request: httpx2.Request) -> None:
    # Responses and errors keep their request, and may be logged, pickled or shown.
    request.headers.pop("Authorization", None)
