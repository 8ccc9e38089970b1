"""The bearer of one connection: to its own API only, for granted scopes only, refreshed after a 401."""

import re
from collections.abc import AsyncGenerator, Callable, Generator
from functools import lru_cache
from urllib.parse import urlsplit
from weakref import WeakMethod

import httpx2
from django.db.models import QuerySet

from actionstep_connect.client.reading import aread_within_limit, read_within_limit
from actionstep_connect.client.scope import scopes_of
from actionstep_connect.conf import get_config
from actionstep_connect.environments import trusted_api_endpoint
from actionstep_connect.exceptions import ScopeNotGranted, UntrustedHost
from actionstep_connect.flows.refresh import (
    akeep_fresh,
    aopen_for_use,
    areplace_refused_token,
    keep_fresh,
    open_for_use,
    replace_refused_token,
)
from actionstep_connect.models import Connection
from actionstep_connect.scopes import ALL
from actionstep_connect.secret import Secret

#: The signed-in user. It is not documented which scope that needs, so Actionstep decides.
CURRENT_USER = "users/current"
MIN_VALIDITY = 60.0  # seconds that a token must still live when a request begins

_SEPARATOR = re.compile(r"[/\\]")
#: A plain number, because it is compared for each answer.
_UNAUTHORIZED = int(httpx2.codes.UNAUTHORIZED)
_DOT_SEGMENTS = frozenset({".", ".."})


class ConnectionBearer(httpx2.Auth):
    """Signs requests to `connection`'s own API; a 401 refreshes once and retries once (S43).

    `on_move`, a method, is called with the new address of the API after an organisation's region has changed.
    """

    def __init__(self, connection: Connection, *, on_move: Callable[[str], None]) -> None:
        self._connection = connection
        # Weakly, or each client would be a cycle that only the garbage collector ends.
        self._on_move = WeakMethod(on_move)
        self._base_url = rest_base_url(connection)
        self._known_base_urls = {self._base_url: urlsplit(self._base_url).path}
        self._opened: tuple[str, Secret] | None = None

    @property
    def token(self) -> Secret:
        """The access token that was sent last, to be kept out of what is told of its answer."""
        return self._opened[1] if self._opened else self._connection.open_access_token()

    def _token(self) -> Secret:
        envelope = self._connection.sealed_access_token
        return self._kept() or self._keep(envelope, open_for_use(self._connection))

    async def _atoken(self) -> Secret:
        envelope = self._connection.sealed_access_token
        return self._kept() or self._keep(envelope, await aopen_for_use(self._connection))

    def _kept(self) -> Secret | None:
        """Return the token that was opened, for as long as the row holds the same one."""
        if self._opened is None or not self._connection.is_user_known():
            return None
        envelope, token = self._opened
        return token if envelope == self._connection.sealed_access_token else None

    def _keep(self, envelope: str, token: Secret) -> Secret:
        self._opened = (envelope, token)
        return token

    def sync_auth_flow(self, request: httpx2.Request) -> Generator[httpx2.Request, httpx2.Response]:
        """Sign `request`, and again with another token if Actionstep refuses the first."""
        request.read()  # So that it can be sent again.
        _give_length(request)
        if self._lacks(scopes := self._check(request)):
            self._refuse(scopes, _known(self._connection, _granted(self._connection).first()))
        keep_fresh(self._connection, min_validity=MIN_VALIDITY)
        # The generation before its token, which another caller may replace meanwhile.
        sent = self._connection.generation
        self._sign(request, self._token())
        try:
            response = yield request
            if _is_refused(response) and replace_refused_token(self._connection, refused=sent):
                read_within_limit(response)  # Before httpx2 reads it, however large it is.
                self._sign(request, self._token())
                yield request
        finally:
            _forget_token(request)

    async def async_auth_flow(
        self, request: httpx2.Request
    ) -> AsyncGenerator[httpx2.Request, httpx2.Response]:
        """Do what `sync_auth_flow` does, in async code."""
        await request.aread()
        _give_length(request)
        if self._lacks(scopes := self._check(request)):
            granted = await _granted(self._connection).afirst()
            self._refuse(scopes, _known(self._connection, granted))
        await akeep_fresh(self._connection, min_validity=MIN_VALIDITY)
        sent = self._connection.generation
        self._sign(request, await self._atoken())
        try:
            response = yield request
            if _is_refused(response) and await areplace_refused_token(
                self._connection, refused=sent
            ):
                await aread_within_limit(response)
                self._sign(request, await self._atoken())
                yield request
        finally:
            _forget_token(request)

    def _check(self, request: httpx2.Request) -> tuple[str, ...]:
        """Return the scopes any of which `request` is known to need. Raises UntrustedHost."""
        url = str(request.url)
        base_url = self._base_url_of(url)
        path = request.url.path.removeprefix(self._known_base_urls[base_url]) if base_url else ""
        if base_url is None or (
            "." in path and not _DOT_SEGMENTS.isdisjoint(_SEPARATOR.split(path))
        ):
            raise UntrustedHost(
                f"{request.url.host}{request.url.path} is not under this connection's API "
                f"({self._base_url}): nothing was sent."
            )
        resource = path.strip("/")
        return () if resource == CURRENT_USER else scopes_of(request, resource)

    def _lacks(self, scopes: tuple[str, ...]) -> bool:
        granted = self._connection.granted_scopes
        return bool(scopes) and ALL not in granted and not set(scopes) & set(granted)

    def _refuse(self, scopes: tuple[str, ...], granted: list[str]) -> None:
        """Raise ScopeNotGranted unless the primary says that one of `scopes` was granted meanwhile."""
        self._connection.granted_scopes = granted
        if self._lacks(scopes):
            raise ScopeNotGranted(
                f"The user has not granted {scopes[0]!r}: ask with redirect_to_connect.",
                scopes=scopes[:1],
            )

    def _base_url_of(self, url: str) -> str | None:
        if url.startswith(self._base_url):
            return self._base_url
        # Built before the organisation moved, by another thread perhaps.
        return next(
            (base_url for base_url in self._known_base_urls if url.startswith(base_url)), None
        )

    def _sign(self, request: httpx2.Request, token: Secret) -> None:
        """Put the present token into `request`."""
        # A refresh may have moved the organisation to another region, and its API to another host.
        base_url = rest_base_url(self._connection)
        if base_url != self._base_url:
            self._base_url = base_url
            self._known_base_urls[base_url] = urlsplit(base_url).path
            if on_move := self._on_move():
                on_move(base_url)
        if len(self._known_base_urls) > 1:
            url = str(request.url)
            request.url = httpx2.URL(base_url + url.removeprefix(self._base_url_of(url) or ""))
            request.headers["Host"] = request.url.netloc.decode()
        request.headers["Authorization"] = f"Bearer {token.reveal()}"


def _granted(connection: Connection) -> QuerySet[Connection, list[str]]:
    rows = Connection.objects.on_primary().filter(pk=connection.pk)
    return rows.values_list("granted_scopes", flat=True)


def _known(connection: Connection, granted: list[str] | None) -> list[str]:
    return connection.granted_scopes if granted is None else granted


def rest_base_url(connection: Connection) -> str:
    """Return where `connection`'s resources are. Raises UntrustedHost if it is not in API_HOSTS."""
    return _rest_base_url(connection.api_endpoint, get_config().api_hosts)


@lru_cache(maxsize=1024)
def _rest_base_url(api_endpoint: str, api_hosts: tuple[str, ...]) -> str:
    return f"{trusted_api_endpoint(api_endpoint, api_hosts)}rest/"


def _is_refused(response: httpx2.Response) -> bool:
    return response.status_code == _UNAUTHORIZED


def _give_length(request: httpx2.Request) -> None:
    # A body that has been read need not go out in chunks, which not every server takes.
    if "Transfer-Encoding" in request.headers:
        del request.headers["Transfer-Encoding"]
        request.headers["Content-Length"] = str(len(request.content))


def _forget_token(request: httpx2.Request) -> None:
    # Responses and errors keep their request, and may be logged, pickled or shown.
    del request.headers["Authorization"]
