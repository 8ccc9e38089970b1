"""Calling Actionstep's REST API as one named user: httpx2 clients that know their connection."""

from collections.abc import AsyncGenerator, AsyncIterator, Generator, Iterator
from importlib.metadata import version
from typing import Any, Self
from urllib.parse import urlsplit

import httpx2

from actionstep_connect.conf import get_config
from actionstep_connect.environments import trusted_api_endpoint
from actionstep_connect.exceptions import (
    ActionstepConnectError,
    ActionstepPermissionDenied,
    ApiError,
    RateLimited,
    ScopeNotGranted,
    UntrustedHost,
)
from actionstep_connect.flows.refresh import (
    afresh_token,
    areplace_refused_token,
    fresh_token,
    replace_refused_token,
)
from actionstep_connect.models import Connection
from actionstep_connect.oauth import retry_after
from actionstep_connect.scopes import missing_scopes

#: Actionstep: more is ignored without an error.
LARGEST_PAGE = 200
MEDIA_TYPE = "application/vnd.api+json"
#: The one address that needs no scope: the signed-in user.
CURRENT_USER = "users/current"
MIN_VALIDITY = 60.0  # seconds that a token must still live when a request begins


class _ConnectionAuth(httpx2.Auth):
    """The bearer of one connection, sent to its own API host only; a 401 refreshes and retries once."""

    requires_request_body = True  # Read before it is sent, so that it can be sent again.

    def __init__(self, connection: Connection, base_url: httpx2.URL) -> None:
        self._connection = connection
        self._base_url = base_url

    def sync_auth_flow(self, request: httpx2.Request) -> Generator[httpx2.Request, httpx2.Response]:
        request.read()
        self._check(request)
        self._aim(request, fresh_token(self._connection, min_validity=MIN_VALIDITY).reveal())
        response = yield request
        if _is_refused(response) and replace_refused_token(self._connection):
            self._aim(request, self._connection.open_access_token().reveal())
            yield request

    async def async_auth_flow(
        self, request: httpx2.Request
    ) -> AsyncGenerator[httpx2.Request, httpx2.Response]:
        await request.aread()
        self._check(request)
        token = await afresh_token(self._connection, min_validity=MIN_VALIDITY)
        self._aim(request, token.reveal())
        response = yield request
        if _is_refused(response) and await areplace_refused_token(self._connection):
            self._aim(request, self._connection.open_access_token().reveal())
            yield request

    def _check(self, request: httpx2.Request) -> None:
        if not str(request.url).startswith(str(self._base_url)):
            raise UntrustedHost(
                f"{request.url.host!r} is not this connection's API ({self._base_url}): nothing was sent."
            )
        resource = request.url.path.removeprefix(self._base_url.path).strip("/")
        granted = self._connection.granted_scopes
        if resource != CURRENT_USER and (
            lacking := missing_scopes([resource.partition("/")[0]], granted)
        ):
            raise ScopeNotGranted(
                f"The user has not granted {', '.join(lacking)}: ask with redirect_to_connect.",
                scopes=lacking,
            )

    def _aim(self, request: httpx2.Request, token: str) -> None:
        # A refresh may have moved the organisation to another region, and its API to another host.
        base_url = rest_base_url(self._connection)
        if base_url != self._base_url:
            rest = str(request.url).removeprefix(str(self._base_url))
            request.url = httpx2.URL(f"{base_url}{rest}")
            request.headers["Host"] = base_url.netloc.decode()
        request.headers["Authorization"] = f"Bearer {token}"


def rest_base_url(connection: Connection) -> httpx2.URL:
    """Return where `connection`'s resources are. Raises UntrustedHost if it is not in API_HOSTS."""
    return httpx2.URL(
        f"{trusted_api_endpoint(connection.api_endpoint, get_config().api_hosts)}rest/"
    )


def _is_refused(response: httpx2.Response) -> bool:
    return response.status_code == httpx2.codes.UNAUTHORIZED


def _client_options(connection: Connection, options: dict[str, Any]) -> dict[str, Any]:
    headers = {
        "Accept": MEDIA_TYPE,
        "Content-Type": MEDIA_TYPE,
        "User-Agent": f"django-actionstep-connect/{version('django-actionstep-connect')}",
        **dict(options.pop("headers", {})),
    }
    return {
        "timeout": get_config().http_timeout,
        **options,
        "headers": headers,
        "base_url": rest_base_url(connection),
    }


class ActionstepClient(httpx2.Client):
    """An `httpx2.Client` at `connection`'s own API, as its user.

    Addresses are relative to the API (`"timerecords"`). The token is refreshed when it must be;
    redirects are never followed. Other options are httpx2's own. Besides httpx2's errors, requests
    raise NotConnected, ReconnectRequired, TemporarilyUnavailable, ClientRejected, UntrustedHost,
    ScopeNotGranted, ActionstepPermissionDenied, RateLimited, and ApiError for any other status
    from 400 up.
    """

    def __init__(self, connection: Connection, **options: Any) -> None:
        self.connection = connection
        super().__init__(**_client_options(connection, options))

    def send(self, request: httpx2.Request, *, stream: bool = False, **_: Any) -> httpx2.Response:
        """Send `request` with this connection's token, whatever `auth` says."""
        auth = _ConnectionAuth(self.connection, self.base_url)
        response = super().send(request, stream=stream, auth=auth, follow_redirects=False)
        self.base_url = rest_base_url(self.connection)
        if response.is_error:
            response.read()
            raise error_of(response)
        return response

    def iterate(self, resource: str, **params: Any) -> Iterator[dict[str, Any]]:
        """Yield every row of `resource` that `params` select, a page at a time, as they are asked for."""
        url: str | None = resource
        query: dict[str, Any] | None = {"pageSize": LARGEST_PAGE, **params}
        while url is not None:
            payload = payload_of(self.get(url, params=query))
            yield from rows_of(payload, resource)
            url, query = next_page(payload, resource, self.base_url), None

    def count(self, resource: str, **params: Any) -> int:
        """Return how many rows of `resource` `params` select."""
        return count_of(payload_of(self.get(resource, params={**params, "pageSize": 1})), resource)

    def current_user(self) -> dict[str, Any]:
        """Return the user that this client acts as (Actionstep: `users/current`)."""
        return next(iter(rows_of(payload_of(self.get(CURRENT_USER)), "users")), {})

    def __enter__(self) -> Self:
        super().__enter__()
        return self


class AsyncActionstepClient(httpx2.AsyncClient):
    """What `ActionstepClient` is, as an `httpx2.AsyncClient`."""

    def __init__(self, connection: Connection, **options: Any) -> None:
        self.connection = connection
        super().__init__(**_client_options(connection, options))

    async def send(
        self, request: httpx2.Request, *, stream: bool = False, **_: Any
    ) -> httpx2.Response:
        """Send `request` with this connection's token, whatever `auth` says."""
        auth = _ConnectionAuth(self.connection, self.base_url)
        response = await super().send(request, stream=stream, auth=auth, follow_redirects=False)
        self.base_url = rest_base_url(self.connection)
        if response.is_error:
            await response.aread()
            raise error_of(response)
        return response

    async def aiterate(self, resource: str, **params: Any) -> AsyncIterator[dict[str, Any]]:
        """Yield every row of `resource` that `params` select, a page at a time, as they are asked for."""
        url: str | None = resource
        query: dict[str, Any] | None = {"pageSize": LARGEST_PAGE, **params}
        while url is not None:
            payload = payload_of(await self.get(url, params=query))
            for row in rows_of(payload, resource):
                yield row
            url, query = next_page(payload, resource, self.base_url), None

    async def count(self, resource: str, **params: Any) -> int:
        """Return how many rows of `resource` `params` select."""
        response = await self.get(resource, params={**params, "pageSize": 1})
        return count_of(payload_of(response), resource)

    async def current_user(self) -> dict[str, Any]:
        """Return the user that this client acts as (Actionstep: `users/current`)."""
        return next(iter(rows_of(payload_of(await self.get(CURRENT_USER)), "users")), {})

    async def __aenter__(self) -> Self:
        await super().__aenter__()
        return self


def payload_of(response: httpx2.Response) -> dict[str, Any]:
    """Return the JSON object of an answer; none for 204. Raises ApiError if it is something else."""
    if response.status_code == httpx2.codes.NO_CONTENT or not response.content:
        return {}
    try:
        payload = response.json()
    except ValueError:
        payload = None
    if not isinstance(payload, dict):
        raise ApiError("Actionstep's answer is not a JSON object.", status=response.status_code)
    return payload


def rows_of(payload: dict[str, Any], resource: str) -> list[dict[str, Any]]:
    """Return the rows of a page: Actionstep sends one as an object, several as an array."""
    rows = payload.get(resource, [])
    return rows if isinstance(rows, list) else [rows]


def count_of(payload: dict[str, Any], resource: str) -> int:
    """Return how many rows there are beside those of this page."""
    paging = _paging(payload, resource)
    return int(paging.get("recordCount", len(rows_of(payload, resource))))


def next_page(payload: dict[str, Any], resource: str, base_url: httpx2.URL) -> str | None:
    """Return the address of the next page on `base_url`'s own host, or None after the last.

    Only path and query of `nextPage` are used: its host has been seen broken.
    """
    link = _paging(payload, resource).get("nextPage")
    if not isinstance(link, str) or not link:
        return None
    parts = urlsplit(link)
    return str(base_url.join(f"{base_url.path}{resource}")) + f"?{parts.query}"


def _paging(payload: dict[str, Any], resource: str) -> dict[str, Any]:
    paging = (payload.get("meta") or {}).get("paging") or {}
    found = paging.get(resource)
    return found if isinstance(found, dict) else {}


def error_of(response: httpx2.Response) -> ActionstepConnectError:
    """Return the error that an answer from 400 up means."""
    status = response.status_code
    code, title, detail = _error_members(response)
    said = ": ".join(part for part in (code, detail or title) if part) or response.reason_phrase
    if status == httpx2.codes.TOO_MANY_REQUESTS:
        return RateLimited(
            "Actionstep asks for fewer requests (429).", retry_after=retry_after(response)
        )
    if status == httpx2.codes.FORBIDDEN and code == "insufficient_scope":
        return ScopeNotGranted(
            f"The user has not granted what {response.request.url.path} needs.", scopes=()
        )
    if status == httpx2.codes.FORBIDDEN:
        return ActionstepPermissionDenied(
            f"This user's own permissions in Actionstep do not allow it ({said})."
        )
    return ApiError(
        f"Actionstep answered {status} ({said}).", code=code, status=status, detail=detail or title
    )


def _error_members(response: httpx2.Response) -> tuple[str, str, str]:
    try:
        payload = response.json()
    except ValueError:
        return "", "", ""
    if not isinstance(payload, dict):
        return "", "", ""
    if isinstance(payload.get("error"), str):  # An OAuth-shaped body, as with a 401.
        return payload["error"][:100], "", str(payload.get("error_description", ""))[:300]
    errors = payload.get("errors")
    first = errors[0] if isinstance(errors, list) and errors else errors
    if not isinstance(first, dict):
        return "", "", ""
    code, title, detail = (str(first.get(key, "")) for key in ("code", "title", "detail"))
    return code[:100], title[:300], detail[:300]
