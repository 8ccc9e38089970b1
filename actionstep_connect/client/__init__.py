"""Calling Actionstep's REST API as one named user: httpx2 clients that know their connection."""

from collections.abc import Mapping
from functools import cache, lru_cache
from importlib.metadata import version
from secrets import token_hex
from typing import Any, ClassVar

import httpx2
from httpx2._client import BaseClient  # What both clients are, which httpx2 does not export.
from httpx2._types import HeaderTypes

from actionstep_connect.client.async_pools import AsyncSharedTransport
from actionstep_connect.client.bearer import ConnectionBearer, rest_base_url
from actionstep_connect.client.frames import frameless
from actionstep_connect.client.pools import SharedTransport
from actionstep_connect.client.rate_limits import RateLimits
from actionstep_connect.client.reading import aread_within_limit, read_within_limit
from actionstep_connect.client.refusals import error_of
from actionstep_connect.client.retries import MAX_WAIT, TRANSIENT, Failures, attempts, backoff
from actionstep_connect.client.sharing import GivenCookies, connections_for
from actionstep_connect.client.work import AsyncWork, Work
from actionstep_connect.conf import get_config
from actionstep_connect.exceptions import ActionstepConnectError
from actionstep_connect.logs import without_queries
from actionstep_connect.models import Connection

MEDIA_TYPE = "application/vnd.api+json"
FORM = "application/x-www-form-urlencoded"
USER_AGENT = f"django-actionstep-connect/{version('django-actionstep-connect')}"
#: httpx2 copies it; None would be parsed as an empty query, for each client.
NO_PARAMS = httpx2.QueryParams()


def _client_options(
    connection: Connection,
    options: dict[str, Any],
    shared: type[SharedTransport] | type[AsyncSharedTransport],
) -> dict[str, Any]:
    return {
        "timeout": get_config().http_timeout,
        "params": NO_PARAMS,
        **options,
        **connections_for(options, shared),
        "base_url": _url(rest_base_url(connection)),
    }


@lru_cache(maxsize=1024)
def _url(base_url: str) -> httpx2.URL:
    return httpx2.URL(base_url)


@cache
def _usual_headers() -> httpx2.Headers:
    with httpx2.Client(transport=httpx2.BaseTransport()) as client:  # For httpx2's own headers.
        headers = client.headers
    headers.update({"Accept": MEDIA_TYPE, "Content-Type": MEDIA_TYPE, "User-Agent": USER_AGENT})
    return headers


def _form_headers(client: httpx2.Headers, options: Mapping[str, Any]) -> httpx2.Headers:
    """Return the headers of a call that has `files` or `data`, with their type unless one was set."""
    headers = httpx2.Headers(options.get("headers"))
    is_unset = "Content-Type" not in headers and client.get("Content-Type") == MEDIA_TYPE
    if is_unset and options.get("files"):
        headers["Content-Type"] = f"multipart/form-data; boundary={token_hex(16)}"
    elif is_unset and isinstance(options["data"], Mapping):  # Else httpx2 sends it as it is.
        headers["Content-Type"] = FORM
    return headers


class _OneUsersClient(BaseClient):
    """What both clients are before anything is sent, and once an answer is there."""

    _shared: ClassVar[type[SharedTransport] | type[AsyncSharedTransport]]

    def __init__(
        self, connection: Connection, *, max_wait: float = MAX_WAIT, **options: Any
    ) -> None:
        self.connection = connection
        self.max_wait = max_wait
        self._bearer = ConnectionBearer(connection, on_move=self._move)
        self._limits = RateLimits(connection.pk)
        super().__init__(**_client_options(connection, options, self._shared))
        self._cookies = GivenCookies.of(self._cookies)

    @property
    def headers(self) -> httpx2.Headers:
        """Those of each request: this package's, made once for all clients, and its maker's own."""
        return self._headers

    @headers.setter
    def headers(self, own: HeaderTypes) -> None:
        self._headers = _usual_headers().copy()
        if own:
            self._headers.update(own)

    def build_request(self, method: str, url: httpx2.URL | str, **options: Any) -> httpx2.Request:
        """Build a request as httpx2 does. Forms and uploads go out as such, not as JSON:API."""
        if options.get("files") or options.get("data"):
            options["headers"] = _form_headers(self.headers, options)
        return super().build_request(method, url, **options)

    def _refusal_in(self, response: httpx2.Response) -> ActionstepConnectError | None:
        if response.next_request is not None:
            response.next_request.headers.pop("Authorization", None)
        return error_of(response, token=self._bearer.token) if response.is_error else None

    def _move(self, base_url: str) -> None:
        self.base_url = httpx2.URL(base_url)


class ActionstepClient(_OneUsersClient, Work):
    """An `httpx2.Client` at `connection`'s own API, as its user.

    Addresses are relative to the API (`"timerecords"`), and every other host is refused. The token is
    refreshed when it must be; redirects are never followed. Idempotent requests are made again after
    429, 502, 503, 504 and lost connections, any other only if nothing was sent; no wait begins later
    than `max_wait` seconds after the first attempt, and 0 waits for nothing. Other options are
    httpx2's own.

    Besides httpx2's errors, requests raise NotConnected, ReconnectRequired, TemporarilyUnavailable,
    ClientRejected, DecryptionFailed, UntrustedHost, ScopeNotGranted, ActionstepPermissionDenied,
    RateLimited, and ApiError for any other status from 400 up.
    """

    _shared = SharedTransport

    def send(self, request: httpx2.Request, *, stream: bool = False, **_: Any) -> httpx2.Response:
        """Send `request` with this connection's token, whatever `auth` says."""
        should_retry = backoff(request, max_wait=self.max_wait)
        try:
            return self._send_once(request, stream=stream)
        except TRANSIENT as error:
            failures = Failures(error)
        for attempt in attempts(should_retry):
            with attempt, failures:
                return self._send_once(request, stream=stream, after=failures.last)
        raise failures.last

    def _send_once(
        self, request: httpx2.Request, *, stream: bool, after: Exception | None = None
    ) -> httpx2.Response:
        self._limits.check(after=after)
        try:
            with without_queries():
                response = super().send(
                    request, stream=True, auth=self._bearer, follow_redirects=False
                )
            if response.is_error or not stream:
                read_within_limit(response)
        except httpx2.TransportError as error:
            raise frameless(error) from None
        if (refusal := self._refusal_in(response)) is not None:
            self._limits.note(refusal)
            raise refusal
        return response


class AsyncActionstepClient(_OneUsersClient, AsyncWork):
    """What `ActionstepClient` is, as an `httpx2.AsyncClient`."""

    _shared = AsyncSharedTransport

    async def send(
        self, request: httpx2.Request, *, stream: bool = False, **_: Any
    ) -> httpx2.Response:
        """Send `request` with this connection's token, whatever `auth` says."""
        should_retry = backoff(request, max_wait=self.max_wait)
        try:
            return await self._send_once(request, stream=stream)
        except TRANSIENT as error:
            failures = Failures(error)
        async for attempt in attempts(should_retry):
            with attempt, failures:
                return await self._send_once(request, stream=stream, after=failures.last)
        raise failures.last

    async def _send_once(
        self, request: httpx2.Request, *, stream: bool, after: Exception | None = None
    ) -> httpx2.Response:
        await self._limits.acheck(after=after)
        try:
            with without_queries():
                response = await super().send(
                    request, stream=True, auth=self._bearer, follow_redirects=False
                )
            if response.is_error or not stream:
                await aread_within_limit(response)
        except httpx2.TransportError as error:
            raise frameless(error) from None
        if (refusal := self._refusal_in(response)) is not None:
            await self._limits.anote(refusal)
            raise refusal
        return response
