"""What the API answers, parsed once: rows, counts and the next page."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import httpx2

from actionstep_connect.client.bearer import CURRENT_USER
from actionstep_connect.client.frames import without_frames
from actionstep_connect.client.refusals import error_of, json_of, name_of, unusable
from actionstep_connect.client.values import as_text
from actionstep_connect.exceptions import ApiError
from actionstep_connect.secret import Secret

#: Actionstep: more is ignored without an error.
MAX_PAGE = 200

#: What may come without rows, when there are none.
BESIDE_ROWS = frozenset({"links", "linked", "meta"})

#: Of a count that comes as text.
MAX_DIGITS = 20


Row = dict[str, Any]


class Walk:
    """A walk through the pages of one resource: where to go next, and the rows of what came."""

    def __init__(self, resource: str, params: Mapping[str, Any]) -> None:
        url, selection = address_of(resource, params)
        self._name = name_of(url.path)
        self._seen: set[bytes] = set()
        #: Where the next page is; None after the last.
        self.url: httpx2.URL | None = url
        #: The last page that was read.
        self.payload: Row = {}
        self.params = httpx2.QueryParams(pageSize=MAX_PAGE).merge(selection)

    @property
    def name(self) -> str:
        """The name under which the rows come."""
        return self._name

    @without_frames
    def rows(self, response: httpx2.Response, *, token: Secret) -> list[Row]:
        """Return the rows of a page, and move on. Raises ApiError if the pages lead in a circle."""
        payload = self.payload = payload_of(response, token=token)
        rows = rows_of(response, self._name, payload)
        self._seen.add(response.request.url.raw_path)
        self.url = self._next(payload, response)
        if self.url is not None:
            if self.url.raw_path in self._seen:
                raise unusable(response, "names a next page that was read already")
            # As parameters, because a client's own ones would take the place of a query.
            self.params = self.url.params
            self.url = self.url.copy_with(query=None)
        return rows

    def _next(self, payload: Row, response: httpx2.Response) -> httpx2.URL | None:
        link = _paging(payload, self._name).get("nextPage")
        if not link:
            return None
        try:
            # Only path and query, because its host has been seen broken.
            parts = urlsplit(link)
            target = f"{parts.path}?{parts.query}".encode()
            return response.request.url.copy_with(raw_path=target)
        except (AttributeError, TypeError, ValueError, httpx2.InvalidURL):
            raise unusable(response, "names a next page that is no address") from None


@dataclass(frozen=True, slots=True, repr=False)
class Page:
    """The rows of one answer, and what it says of the others."""

    rows: list[Row]
    payload: Row
    response: httpx2.Response
    record_count: int
    is_last: bool

    @property
    def time(self) -> object:
        """When the server says that it answered."""
        debug = _member(self.payload, "meta", "debug")
        return debug.get("time")

    def unusable(self, what: str) -> ApiError:
        """Return the error that says why this page does not serve."""
        return unusable(self.response, what)


@without_frames
def page_of(response: httpx2.Response, *, token: Secret) -> Page:
    """Return a page of rows. Raises ApiError if the answer is something else."""
    payload, name = payload_of(response, token=token), name_of(response.request.url.path)
    rows, paging = rows_of(response, name, payload), _paging(payload, name)
    return Page(
        rows,
        payload,
        response,
        record_count=whole_number(paging.get("recordCount")) or len(rows),
        is_last=not (paging["nextPage"] if "nextPage" in paging else len(rows) >= MAX_PAGE),
    )


def address_of(resource: str, params: Mapping[str, Any]) -> tuple[httpx2.URL, httpx2.QueryParams]:
    """Return where the rows of `resource` are, and what selects them: its own query, and `params`."""
    url = httpx2.URL(resource)
    given = {name: _spelt(value, name) for name, value in params.items() if value is not None}
    # Apart, because httpx2 lets parameters take the place of a query.
    return url.copy_with(query=None), url.params.merge(given)


def payload_of(response: httpx2.Response, *, token: Secret) -> Row:
    """Return the JSON object of an answer; none for 204. Raises ApiError if it is something else."""
    if response.is_redirect:
        raise unusable(response, f"is a redirect ({response.status_code}), and none is followed")
    if response.status_code == httpx2.codes.NO_CONTENT or not response.content:
        return {}
    payload = json_of(response)
    if not isinstance(payload, dict):
        raise unusable(response, "is not a JSON object")
    if payload.keys() & {"error", "errors"}:
        raise error_of(response, token=token)
    return payload


@without_frames
def json_object_of(response: httpx2.Response, *, token: Secret) -> Row:
    """Return the JSON object of an answer that holds no rows. Raises ApiError if it is none."""
    return payload_of(response, token=token)


def rows_of(response: httpx2.Response, name: str, payload: Row) -> list[Row]:
    """Return the rows of a page: Actionstep sends one as an object, several as an array."""
    if name not in payload and not payload.keys() <= BESIDE_ROWS:
        raise unusable(response, f"holds something else than {name!r}")
    rows = payload.get(name) or []
    rows = rows if isinstance(rows, list) else [rows]
    if not all(isinstance(row, dict) for row in rows):
        raise unusable(response, f"holds {name!r} that are no JSON objects")
    return rows


@without_frames
def count_of(response: httpx2.Response, *, token: Secret) -> int:
    """Return how many rows there are, those of other pages included."""
    payload, name = payload_of(response, token=token), name_of(response.request.url.path)
    rows = rows_of(response, name, payload)
    total = whole_number(_paging(payload, name).get("recordCount", len(rows)))
    if total is None:
        raise unusable(response, "has no number for recordCount")
    return total


@without_frames
def current_user_of(response: httpx2.Response, *, token: Secret) -> Row:
    """Return the user that Actionstep says this is."""
    payload = payload_of(response, token=token)
    for row in rows_of(response, name_of(CURRENT_USER), payload):
        return row
    raise unusable(response, "names no user")


def _spelt(value: Any, name: str) -> str | list[str]:
    if isinstance(value, list | tuple):
        return [as_text(each, name) for each in value]
    return as_text(value, name)


def whole_number(value: object) -> int | None:
    """Return what a JSON number, or digits as text, count; None for all else, `1e999` included."""
    if isinstance(value, str) and value.isascii() and value.isdecimal():
        value = int(value) if len(value) <= MAX_DIGITS else None
    if isinstance(value, float) and value.is_integer():  # Not an infinity, and not NaN.
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        return None
    return value


def _paging(payload: Row, name: str) -> Row:
    return _member(payload, "meta", "paging", name)


def _member(payload: Row, *path: str) -> Row:
    found: Any = payload
    for key in path:
        found = found.get(key) if isinstance(found, dict) else None
    return found if isinstance(found, dict) else {}
