"""Calling Actionstep's REST API as one named user: httpx2 clients that know their connection."""

from collections.abc import AsyncIterator, Iterator, Mapping
from importlib.metadata import version
from secrets import token_hex
from typing import Any

import httpx2

from actionstep_connect.client.answers import (
    Row,
    Walk,
    address_of,
    count_of,
    current_user_of,
    error_of,
)
from actionstep_connect.client.bearer import CURRENT_USER, ConnectionBearer, rest_base_url
from actionstep_connect.client.retries import PASSING, PATIENCE, attempts, backoff
from actionstep_connect.conf import get_config
from actionstep_connect.models import Connection

MEDIA_TYPE = "application/vnd.api+json"
FORM = "application/x-www-form-urlencoded"
USER_AGENT = f"django-actionstep-connect/{version('django-actionstep-connect')}"


def _client_options(connection: Connection, options: dict[str, Any]) -> dict[str, Any]:
    headers = httpx2.Headers(
        {"Accept": MEDIA_TYPE, "Content-Type": MEDIA_TYPE, "User-Agent": USER_AGENT}
    )
    headers.update(options.pop("headers", None))
    return {
        "timeout": get_config().http_timeout,
        **options,
        "headers": headers,
        "base_url": rest_base_url(connection),
    }


def _form_headers(client: httpx2.Headers, of: Mapping[str, Any]) -> httpx2.Headers:
    """Return the headers of a call that has `files` or `data`, with their type unless one was set."""
    headers = httpx2.Headers(of.get("headers"))
    is_unset = "Content-Type" not in headers and client.get("Content-Type") == MEDIA_TYPE
    if is_unset and of.get("files"):
        headers["Content-Type"] = f"multipart/form-data; boundary={token_hex(16)}"
    elif is_unset and isinstance(of["data"], Mapping):  # Else httpx2 sends it as it is.
        headers["Content-Type"] = FORM
    return headers


class ActionstepClient(httpx2.Client):
    """An `httpx2.Client` at `connection`'s own API, as its user.

    Addresses are relative to the API (`"timerecords"`), and every other host is refused. The token is
    refreshed when it must be; redirects are never followed. Idempotent requests are made again after
    429, 502, 503, 504 and lost connections, any other only if nothing was sent; no wait begins later
    than `patience` seconds after the first attempt, and 0 waits for nothing. Other options are
    httpx2's own.

    Besides httpx2's errors, requests raise NotConnected, ReconnectRequired, TemporarilyUnavailable,
    ClientRejected, DecryptionFailed, UntrustedHost, ScopeNotGranted, ActionstepPermissionDenied,
    RateLimited, and ApiError for any other status from 400 up.
    """

    def __init__(
        self, connection: Connection, *, patience: float = PATIENCE, **options: Any
    ) -> None:
        self.connection = connection
        self.patience = patience
        self._bearer = ConnectionBearer(connection, moved=self._move)
        super().__init__(**_client_options(connection, options))

    def build_request(self, method: str, url: httpx2.URL | str, **of: Any) -> httpx2.Request:
        """Build a request as httpx2 does. Forms and uploads go out as such, not as JSON:API."""
        if of.get("files") or of.get("data"):
            of["headers"] = _form_headers(self.headers, of)
        return super().build_request(method, url, **of)

    def send(self, request: httpx2.Request, *, stream: bool = False, **_: Any) -> httpx2.Response:
        """Send `request` with this connection's token, whatever `auth` says."""
        goes_on = backoff(request.method, patience=self.patience)
        try:
            return self._send_once(request, stream=stream)
        except PASSING as error:
            failure = error
        for attempt in attempts(goes_on):
            with attempt:
                if attempt.num == 1:
                    raise failure
                return self._send_once(request, stream=stream)
        raise failure

    def iterate(self, resource: str, **params: Any) -> Iterator[Row]:
        """Yield every row of `resource` that `params` select, a page at a time, as they are asked for."""
        walk = Walk(resource, params)
        while walk.url is not None:
            yield from walk.rows(self.get(walk.url, params=walk.params), token=self._bearer.token)

    def count(self, resource: str, **params: Any) -> int:
        """Return how many rows of `resource` `params` select."""
        url, selection = address_of(resource, params)
        response = self.get(url, params=selection.set("pageSize", 1))
        return count_of(response, token=self._bearer.token)

    def current_user(self) -> Row:
        """Return the user that this client acts as (Actionstep: `users/current`)."""
        response = self.get(CURRENT_USER)
        return current_user_of(response, token=self._bearer.token)

    def _send_once(self, request: httpx2.Request, *, stream: bool) -> httpx2.Response:
        try:
            response = super().send(
                request, stream=stream, auth=self._bearer, follow_redirects=False
            )
        except httpx2.TransportError as error:
            # Without the traceback, for the frames of other libraries hold headers in the clear.
            raise error.with_traceback(None) from None
        if response.next_request is not None:
            response.next_request.headers.pop("Authorization", None)
        if response.is_error:
            try:
                response.read()
            finally:
                response.close()
            raise error_of(response, token=self._bearer.token)
        return response

    def _move(self, base_url: str) -> None:
        self.base_url = httpx2.URL(base_url)


class AsyncActionstepClient(httpx2.AsyncClient):
    """What `ActionstepClient` is, as an `httpx2.AsyncClient`."""

    def __init__(
        self, connection: Connection, *, patience: float = PATIENCE, **options: Any
    ) -> None:
        self.connection = connection
        self.patience = patience
        self._bearer = ConnectionBearer(connection, moved=self._move)
        super().__init__(**_client_options(connection, options))

    def build_request(self, method: str, url: httpx2.URL | str, **of: Any) -> httpx2.Request:
        """Build a request as httpx2 does. Forms and uploads go out as such, not as JSON:API."""
        if of.get("files") or of.get("data"):
            of["headers"] = _form_headers(self.headers, of)
        return super().build_request(method, url, **of)

    async def send(
        self, request: httpx2.Request, *, stream: bool = False, **_: Any
    ) -> httpx2.Response:
        """Send `request` with this connection's token, whatever `auth` says."""
        goes_on = backoff(request.method, patience=self.patience)
        try:
            return await self._send_once(request, stream=stream)
        except PASSING as error:
            failure = error
        async for attempt in attempts(goes_on):
            with attempt:
                if attempt.num == 1:
                    raise failure
                return await self._send_once(request, stream=stream)
        raise failure

    async def aiterate(self, resource: str, **params: Any) -> AsyncIterator[Row]:
        """Yield every row of `resource` that `params` select, a page at a time, as they are asked for."""
        walk = Walk(resource, params)
        while walk.url is not None:
            for row in walk.rows(
                await self.get(walk.url, params=walk.params), token=self._bearer.token
            ):
                yield row

    async def count(self, resource: str, **params: Any) -> int:
        """Return how many rows of `resource` `params` select."""
        url, selection = address_of(resource, params)
        response = await self.get(url, params=selection.set("pageSize", 1))
        return count_of(response, token=self._bearer.token)

    async def current_user(self) -> Row:
        """Return the user that this client acts as (Actionstep: `users/current`)."""
        response = await self.get(CURRENT_USER)
        return current_user_of(response, token=self._bearer.token)

    async def _send_once(self, request: httpx2.Request, *, stream: bool) -> httpx2.Response:
        try:
            response = await super().send(
                request, stream=stream, auth=self._bearer, follow_redirects=False
            )
        except httpx2.TransportError as error:
            # Without the traceback, for the frames of other libraries hold headers in the clear.
            raise error.with_traceback(None) from None
        if response.next_request is not None:
            response.next_request.headers.pop("Authorization", None)
        if response.is_error:
            try:
                await response.aread()
            finally:
                await response.aclose()
            raise error_of(response, token=self._bearer.token)
        return response

    def _move(self, base_url: str) -> None:
        self.base_url = httpx2.URL(base_url)
