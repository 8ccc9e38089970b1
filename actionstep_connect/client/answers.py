"""What the API says, made ours at the door: rows, counts, the next page, or a typed error."""

from collections.abc import Callable, Mapping
from functools import wraps
from typing import Any, ParamSpec, TypeVar
from urllib.parse import urlsplit

import httpx2

from actionstep_connect.client.bearer import CURRENT_USER
from actionstep_connect.crypto import Secret
from actionstep_connect.exceptions import (
    ActionstepConnectError,
    ActionstepPermissionDenied,
    ApiError,
    RateLimited,
    ScopeNotGranted,
)
from actionstep_connect.oauth.answers import retry_after

#: Actionstep: more is ignored without an error.
LARGEST_PAGE = 200

#: What may come without rows, when there are none.
BESIDE_ROWS = frozenset({"links", "linked", "meta"})

LONGEST_CODE = 100
LONGEST_DETAIL = 300

Row = dict[str, Any]

P = ParamSpec("P")
T = TypeVar("T")


def _without_frames(read: Callable[P, T]) -> Callable[P, T]:
    """Leave the frames of `read` out of its errors: what Actionstep said is in their variables."""

    @wraps(read)
    def reading(*args: P.args, **kwargs: P.kwargs) -> T:
        try:
            return read(*args, **kwargs)
        except ActionstepConnectError as error:
            raise error.with_traceback(None) from None

    return reading


class Walk:
    """A walk through the pages of one resource: where to go next, and the rows of what came."""

    def __init__(self, resource: str, params: Mapping[str, Any]) -> None:
        url, selection = address_of(resource, params)
        self._name = name_of(url.path)
        self._seen: set[bytes] = set()
        #: Where the next page is; None after the last.
        self.url: httpx2.URL | None = url
        self.params = httpx2.QueryParams(pageSize=LARGEST_PAGE).merge(selection)

    @_without_frames
    def rows(self, response: httpx2.Response, *, token: Secret) -> list[Row]:
        """Return the rows of a page, and move on. Raises ApiError if the pages lead in a circle."""
        payload = payload_of(response, token=token)
        rows = rows_of(response, self._name, payload)
        self._seen.add(response.request.url.raw_path)
        self.url = self._next(payload, response)
        if self.url is not None:
            if self.url.raw_path in self._seen:
                raise _unusable(response, "names a next page that was read already")
            # As parameters, for a client's own ones would take the place of a query.
            self.params = self.url.params
            self.url = self.url.copy_with(query=None)
        return rows

    def _next(self, payload: Row, response: httpx2.Response) -> httpx2.URL | None:
        link = _paging(payload, self._name).get("nextPage")
        if not link:
            return None
        try:
            # Only path and query, for its host has been seen broken.
            parts = urlsplit(link)
            target = f"{parts.path}?{parts.query}".encode()
            return response.request.url.copy_with(raw_path=target)
        except (AttributeError, TypeError, ValueError, httpx2.InvalidURL):
            raise _unusable(response, "names a next page that is no address") from None


def address_of(resource: str, params: Mapping[str, Any]) -> tuple[httpx2.URL, httpx2.QueryParams]:
    """Return where the rows of `resource` are, and what selects them: its own query, and `params`."""
    url = httpx2.URL(resource)
    given = {name: _spelt(value) for name, value in params.items() if value is not None}
    # Apart, for httpx2 lets parameters take the place of a query.
    return url.copy_with(query=None), url.params.merge(given)


def name_of(path: str) -> str:
    """Return the name under which the rows at `path` come: `timerecords/1,2` are `timerecords`."""
    return path.rpartition("/rest/")[2].strip("/").partition("/")[0]


def payload_of(response: httpx2.Response, *, token: Secret) -> Row:
    """Return the JSON object of an answer; none for 204. Raises ApiError if it is something else."""
    if response.is_redirect:
        raise _unusable(response, f"is a redirect ({response.status_code}), and none is followed")
    if response.status_code == httpx2.codes.NO_CONTENT or not response.content:
        return {}
    payload = _json(response)
    if not isinstance(payload, dict):
        raise _unusable(response, "is not a JSON object")
    if payload.keys() & {"error", "errors"}:
        raise error_of(response, token=token)
    return payload


def rows_of(response: httpx2.Response, name: str, payload: Row) -> list[Row]:
    """Return the rows of a page: Actionstep sends one as an object, several as an array."""
    if name not in payload and not payload.keys() <= BESIDE_ROWS:
        raise _unusable(response, f"holds something else than {name!r}")
    rows = payload.get(name) or []
    rows = rows if isinstance(rows, list) else [rows]
    if not all(isinstance(row, dict) for row in rows):
        raise _unusable(response, f"holds {name!r} that are no JSON objects")
    return rows


@_without_frames
def count_of(response: httpx2.Response, *, token: Secret) -> int:
    """Return how many rows there are, those of other pages included."""
    payload, name = payload_of(response, token=token), name_of(response.request.url.path)
    rows = rows_of(response, name, payload)
    total = _paging(payload, name).get("recordCount", len(rows))
    try:
        return int(total)
    except (TypeError, ValueError):
        raise _unusable(response, "has no number for recordCount") from None


@_without_frames
def current_user_of(response: httpx2.Response, *, token: Secret) -> Row:
    """Return the user that Actionstep says this is."""
    payload = payload_of(response, token=token)
    for row in rows_of(response, name_of(CURRENT_USER), payload):
        return row
    raise _unusable(response, "names no user")


def error_of(response: httpx2.Response, *, token: Secret) -> ActionstepConnectError:
    """Return the error that an answer means. What Actionstep says is kept, but for `token`."""
    status = response.status_code
    code, detail = _error_members(response, token)
    said = ": ".join(part for part in (code, detail) if part)
    said = f" ({said})" if said else ""
    if status == httpx2.codes.TOO_MANY_REQUESTS:
        seconds = retry_after(response)
        when = "later" if seconds is None else f"in {seconds:.0f} s"
        return RateLimited(
            f"Actionstep asks for fewer requests (429): try again {when}.", retry_after=seconds
        )
    if status == httpx2.codes.FORBIDDEN and code == "insufficient_scope":
        scope = name_of(response.request.url.path)
        return ScopeNotGranted(
            f"The user has not granted {scope!r} in Actionstep: ask with redirect_to_connect.",
            scopes=(scope,),
        )
    if status == httpx2.codes.FORBIDDEN and said:
        return ActionstepPermissionDenied(
            f"This user's own permissions in Actionstep do not allow it{said}."
        )
    message = f"Actionstep answered {status}{said}."
    if status == httpx2.codes.UNAUTHORIZED:
        message = (
            f"Actionstep refused a token that it has only just given{said}. If that goes on, "
            "the user has to connect again."
        )
    return ApiError(
        message, code=code, status=status, detail=detail, retry_after=retry_after(response)
    )


def _spelt(value: Any) -> Any:
    # Actionstep's booleans; httpx2 would send "true" and "false".
    if isinstance(value, list | tuple):
        return [_spelt(each) for each in value]
    return ("T" if value else "F") if isinstance(value, bool) else value


def _unusable(response: httpx2.Response, what: str) -> ApiError:
    return ApiError(
        f"Actionstep's answer {what}: {response.request.url.path}.", status=response.status_code
    )


def _paging(payload: Row, name: str) -> Row:
    found: Any = payload
    for key in ("meta", "paging", name):
        found = found.get(key) if isinstance(found, dict) else None
    return found if isinstance(found, dict) else {}


def _json(response: httpx2.Response) -> Any:
    try:
        return response.json()
    except (ValueError, RecursionError):
        return None


def _error_members(response: httpx2.Response, token: Secret) -> tuple[str, str]:
    """Return Actionstep's own code, and its detail, or else its title."""

    def text(value: object) -> str:
        # In one line, so that it cannot forge another in a log; and no echo of the token.
        line = " ".join(value.split()) if isinstance(value, str) else ""
        return line.replace(token.reveal(), "…")

    payload = _json(response)
    if not isinstance(payload, dict):
        return "", ""
    errors = payload.get("errors")
    first = errors[0] if isinstance(errors, list) and errors else errors
    if not isinstance(first, dict):  # An OAuth-shaped body, as with a 401.
        first = {"code": payload.get("error"), "detail": payload.get("error_description")}
    detail = text(first.get("detail")) or text(first.get("title"))
    return text(first.get("code"))[:LONGEST_CODE], detail[:LONGEST_DETAIL]
