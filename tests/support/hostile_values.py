"""Values that strangers send, made by the thousand: near to what is right, and far from it.

Each strategy mixes good values with broken ones, because a parser fails at the seam between both.
In CI there are 10,000 cases of each; a failure prints the line that repeats it.
"""

import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import httpx2
from django.db import connection
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, SearchStrategy

from tests.support.hostile_server import grant

VOLUME = 10_000 if os.environ.get("CI") else 500


def cases(share: float = 1) -> int:
    """Return how many cases a test at volume has, or at a share of it where a case is dear.

    A second database sees a tenth: what differs there is what it refuses to store.
    """
    return int(VOLUME * share / (1 if connection.vendor == "sqlite" else 10))


def volume(share: float = 1) -> settings:
    """Return the settings of a generated test with so many `cases`."""
    return settings(
        max_examples=cases(share),
        derandomize=False,  # Other cases every time; the failing ones are printed.
        print_blob=True,
        database=None,  # Nothing is left in the tree.
        deadline=None,  # A case may meet a busy machine.
        suppress_health_check=[
            HealthCheck.function_scoped_fixture,  # Each case leaves the fixture as it was.
            HealthCheck.too_slow,  # As above: the machine may be busy.
        ],
    )


#: Characters that parsers and databases trip over.
STRANGE = (
    "\0", "\t", "\n", "\r", "\x1b", "\x7f", "\x85", "\u00ad", "\u200b", "\u202e", "\u2028", "\ufeff",
    "\ufffe", "\ud800", "\udfff", "\U0010ffff", "\u3002", "\uff0e", "\uff61", "\uff0f", "\u2044", "\u212a",
    "\u0130", "é", "e\u0301", "ß", "\U0001f600", "\uff10", " ", '"', "'", "\\", "/", "%", "<",
    "%00", "%2f", "%0d%0a", "%ff",
)  # fmt: skip

strange_text = st.one_of(
    st.lists(st.sampled_from([*STRANGE, "a", "Z", "7", "acmelaw", "."]), max_size=6).map("".join),
    st.text(max_size=8),
    st.sampled_from(["a" * 101, "a" * 500, "é" * 100, "a" * 5000]),
)

plain_token = st.text(
    st.characters(min_codepoint=0x21, max_codepoint=0x7E), min_size=1, max_size=30
)


def altered(text: SearchStrategy[str]) -> SearchStrategy[str]:
    """Return `text` with some place cut, doubled, or replaced by a strange character."""

    def alter(value: str, start: int, length: int, new: str) -> str:
        start %= len(value) + 1
        return value[:start] + new + value[start + length :]

    piece = st.sampled_from(["", "", *STRANGE, "@", ":", "//", "?", "#", ".", "=", "-", "_", "A"])
    return st.builds(alter, text, st.integers(0, 120), st.integers(0, 3), piece)


# --- Answers of the token endpoint ---------------------------------------------------------------


class Raw(str):
    """JSON text that stands in a body as it is: numbers and names no dictionary can hold."""

    __slots__ = ()


@dataclass(frozen=True)
class TokenAnswer:
    """An answer, and the refresh token that any honest reading of it holds; None where unclear."""

    status: int
    headers: dict[bytes, bytes]
    body: bytes
    refresh_token: str | None

    @property
    def response(self) -> httpx2.Response:
        """The answer as httpx2 gives it."""
        return httpx2.Response(self.status, headers=self.headers, content=self.body)


def good_but(extra: bytes, **headers: str) -> TokenAnswer:
    """Return a good answer with one more member, or with other headers."""
    body = json.dumps(grant()).encode().replace(b"{", b"{" + extra, 1)
    sent = {name.replace("_", "-").encode(): value.encode() for name, value in headers.items()}
    return TokenAnswer(200, sent, body, grant()["refresh_token"])


_ODD_JSON: SearchStrategy[Any] = st.one_of(
    strange_text,
    st.sampled_from(
        [
            None, True, False, [], {}, [1], {"a": 1}, "", 0, -1, 1, 3600, "3600", 3599.5, 1e308,
            Raw("NaN"), Raw("Infinity"), Raw("-Infinity"), Raw("1e999"), Raw("9" * 5000),
            Raw("-" + "9" * 5000), Raw("0." + "1" * 5000), Raw('"\\ud800"'), Raw('"\\u0000"'),
            Raw('{"a": 1, "a": 2}'), "9" * 5000, "1_000", "\uff13\uff16", " 3600 ", "1e3", "nan", "0x10",
        ]
    ),
)  # fmt: skip

_ODD_MEMBERS: dict[str, SearchStrategy[Any]] = {
    "access_token": st.one_of(plain_token, _ODD_JSON),
    "refresh_token": st.one_of(plain_token, _ODD_JSON),
    "token_type": st.one_of(st.sampled_from(["Bearer", "BEARER", "mac", "bearer "]), _ODD_JSON),
    "expires_in": _ODD_JSON,
    "scope": st.one_of(
        st.sampled_from(["timerecords", " a  b ", "all", "a\tb", 'a"b', "a,b"]), _ODD_JSON
    ),
    "orgkey": st.one_of(st.sampled_from(["acmelaw", "AcmeLaw", "acmé"]), _ODD_JSON),
    "api_endpoint": _ODD_JSON,
    "error": st.one_of(
        st.sampled_from(["invalid_grant", "invalid_client", "slow_down", "invalid_grant\n"]),
        _ODD_JSON,
    ),
    "more": _ODD_JSON,
}

_ENCODINGS: tuple[Callable[[str], bytes], ...] = (
    lambda text: text.encode("utf-8", "surrogatepass"),
    lambda text: b"\xef\xbb\xbf" + text.encode("utf-8", "surrogatepass"),
    lambda text: text.encode("utf-16", "replace"),
    lambda text: text.encode("utf-16-le", "replace"),
    lambda text: text.encode("utf-32", "replace"),
    lambda text: text.encode("latin-1", "replace"),
)


def _usable(token: object) -> str | None:
    if not isinstance(token, str) or isinstance(token, Raw) or not token.isascii():
        return None
    return token if token and token.isprintable() and " " not in token else None


def _json_text(value: object, *, ascii_only: bool) -> str:
    return value if isinstance(value, Raw) else json.dumps(value, ensure_ascii=ascii_only)


@st.composite
def token_answers(draw: DrawFn) -> TokenAnswer:
    """Return answers of a token endpoint: good ones, and all that a broken one might send."""
    members: dict[str, Any] = grant()
    for name in draw(st.lists(st.sampled_from([*_ODD_MEMBERS, "refresh_token"]), max_size=3)):
        if draw(st.integers(0, 3)):
            members[name] = draw(_ODD_MEMBERS[name])
        else:
            members.pop(name, None)
    ascii_only = draw(st.booleans())
    pairs = [
        f'"{name}": {_json_text(value, ascii_only=ascii_only)}' for name, value in members.items()
    ]
    body = draw(st.sampled_from(_ENCODINGS))("{" + ", ".join(pairs) + "}")
    status = draw(
        st.sampled_from([200, 200, 200, 201, 204, 299, 302, 400, 401, 403, 429, 500, 503])
    )
    refresh_token = _usable(members.get("refresh_token"))
    if draw(st.integers(0, 3)) == 0:
        body, refresh_token = draw(_broken(body)), None
    headers = {b"Content-Type": b"text/html"} | draw(_RETRY_AFTER)
    is_success = 200 <= status < 300
    return TokenAnswer(status, headers, body, refresh_token if is_success else None)


def _broken(body: bytes) -> SearchStrategy[bytes]:
    def cut(start: int, length: int, new: bytes) -> bytes:
        return body[: start % (len(body) + 1)] + new + body[start % (len(body) + 1) + length :]

    return st.one_of(
        st.builds(cut, st.integers(0, 400), st.integers(0, 40), st.binary(max_size=4)),
        st.binary(max_size=40),
        st.sampled_from(
            [
                b"",
                b"{}",
                b"[]",
                b"null",
                b"7",
                b'"text"',
                b"<html>",
                b"[" * 60_000,
                b'{"a":' * 12_000,
            ]
        ),
        st.just(b"[" + body + b"]"),
    )


_RETRY_AFTER: SearchStrategy[dict[bytes, bytes]] = st.one_of(
    st.just({}),
    st.sampled_from(
        [
            b"7", b"-7", b"7.5", b"9" * 500, b"soon", b"\xff", b"1_0", b"\xb2",
            b"Wed, 21 Oct 2099 07:28:00 GMT", b"Wed, 21 Oct 1999 07:28:00",
            b"Mon, 01 Jan 0001 00:00:00 +2359", b"Fri, 31 Dec 9999 23:59:59 -2359",
            b"Mon, 01 Jan 2024 00:00:00 +99999999999999999999", b"Mon, 01 Jan 99999 00:00:00 GMT",
            b"1 Jan 2024 99:99:99 GMT", b",", b"Mon,", b"0 0 0 0 0", b"Jan 1", b"1 Jan 24 ::",
        ]
    ).map(lambda value: {b"Retry-After": value}),
    st.binary(max_size=12)
    .filter(lambda value: not set(b"\r\n\0") & set(value))
    .map(lambda value: {b"Retry-After": value}),
)  # fmt: skip

# --- Answers of the API ---------------------------------------------------------------------------

_LINKS = st.sampled_from(
    [
        "",
        "/api/rest/timerecords?page=2",
        "http://[",
        "//evil.tld/",
        "?",
        "a" * 70_000,
        7,
        True,
        {},
        [""],
    ]
)
_RECORDS: SearchStrategy[Any] = st.one_of(
    _ODD_JSON, st.sampled_from([{"id": 1}, [{"id": 1}], [], [None], [[{}]], Raw('{"id": 1e999}')])
)


def _object(members: dict[str, Any], *, ascii_only: bool) -> Raw:
    pairs = (
        f'"{name}": {_json_text(each, ascii_only=ascii_only)}' for name, each in members.items()
    )
    return Raw("{" + ", ".join(pairs) + "}")


@st.composite
def api_answers(draw: DrawFn) -> httpx2.Response:
    """Return answers of the API to a request for time records: rows, errors, and what is neither."""
    ascii_only = draw(st.booleans())

    def member(**members: SearchStrategy[Any]) -> Any:
        """Draw an object with some of these members, or something else in its place."""
        if not draw(st.integers(0, 7)):
            return draw(_ODD_JSON)
        kept = {name: draw(each) for name, each in members.items() if draw(st.integers(0, 4))}
        return _object(kept, ascii_only=ascii_only)

    paging = member(recordCount=_ODD_JSON, nextPage=st.one_of(_LINKS, _ODD_JSON))
    meta = member(paging=st.just(member(timerecords=st.just(paging))))
    error = member(code=_ODD_JSON, title=_ODD_JSON, detail=_ODD_JSON)
    members: dict[str, Any] = {"timerecords": draw(_RECORDS), "meta": meta}
    if not draw(st.integers(0, 3)):
        wrong = st.one_of(_ODD_JSON, st.just(error), st.just(Raw(f"[{error}]")))
        members[draw(st.sampled_from(["errors", "error", "error_description"]))] = draw(wrong)
    body = draw(st.sampled_from(_ENCODINGS))(_object(members, ascii_only=ascii_only))
    if not draw(st.integers(0, 7)):
        body = draw(_broken(body))
    status = draw(
        st.sampled_from([200, 200, 200, 200, 204, 206, 302, 400, 401, 403, 404, 429, 500])
    )
    request = httpx2.Request("GET", "https://eu.actionstep.com/api/rest/timerecords")
    headers = {b"Content-Type": b"application/json; charset=utf-16"} | draw(_RETRY_AFTER)
    return httpx2.Response(status, headers=headers, content=body, request=request)


# --- Addresses -----------------------------------------------------------------------------------

_SCHEMES = ("https", "https", "http", "HTTPS", "ftp", "javascript", "", "https\n", "data")
_SEPARATORS = ("://", "://", "://", ":/", ":", ":///", "//", ":\\\\", "://\t", "\uff1a//")
_USERINFO = ("", "", "", "x@", "x:y@", ":@", "eu.actionstep.com@", "evil.tld\\@", "%40", "@")
_HOSTS = (
    "eu.actionstep.com", "ap-southeast-2.actionstep.com", "actionstep.com", "evil.tld", "testserver",
    "actionstep.com.evil.tld", "evilactionstep.com", "eu.actionstep.com.", "eu..actionstep.com",
    "EU.Actionstep.COM", "eu\u3002actionstep\u3002com", "eu.act\u0130onstep.com", "x.\u212aiwi.example",
    "127.0.0.1", "169.254.169.254", "2852039166", "0x7f.1", "[::1]", "[::ffff:1.2.3.4]", "[", "localhost",
    "xn--actionstep-.com", "-.actionstep.com", "*.actionstep.com", "eu_1.actionstep.com", "", "a" * 64 +
    ".actionstep.com", "testserver.evil.tld", "evil.tld#.actionstep.com", "evil.tld?.actionstep.com",
    "evil.tld/.actionstep.com", "evil.tld\\.actionstep.com", "eu.actionstep.com%2eevil.tld",
)  # fmt: skip
_PORTS = (
    "",
    "",
    "",
    ":443",
    ":80",
    ":8443",
    ":",
    ":0443",
    ":99999",
    ":-1",
    ":443:80",
    ":\uff14\uff14\uff13",
    ":x",
)
_PATHS = (
    "", "/", "/api", "/api/", "/api/rest", "/api/rest/", "/api//", "/api/../evil", "/api/./", "//evil.tld",
    "/api/%2e%2e/", "/%2f%2fevil.tld", "/api;x", "/a/b-c_d/", "\\evil.tld", "/\\evil.tld", "/api/é",
)  # fmt: skip
_ENDS = (
    "",
    "",
    "",
    "?",
    "?a=b",
    "#",
    "#x",
    "@evil.tld",
    "\n",
    "\0",
    " ",
    "\t/",
    "?next=//evil.tld",
)

addresses = st.builds(
    "{}{}{}{}{}{}{}".format,
    *map(st.sampled_from, (_SCHEMES, _SEPARATORS, _USERINFO, _HOSTS, _PORTS, _PATHS, _ENDS)),
)
hostile_addresses = st.one_of(addresses, altered(addresses), strange_text)

_site_paths = st.builds(
    "{}{}{}".format,
    st.sampled_from(
        ["", "/", "//", "///", "\\", "/\\", " /", "/ /", "http:", "https:", "http:/", "httpx"]
    ),
    st.sampled_from(
        ["testserver", "evil.tld", "here/", "actionstep/", "é", "a" * 2000, "é" * 1990, "%"]
    ),
    st.sampled_from(["", "/", "?a=b&c=//evil.tld", "#x", "\\@evil.tld", ":80", "@evil.tld"]),
)
hostile_next = st.one_of(hostile_addresses, _site_paths, altered(_site_paths))

# --- Callbacks -----------------------------------------------------------------------------------

#: Stands in a query for the state of the attempt that is under way.
STATE = "STATE"


def _query(pairs: list[tuple[str, str]]) -> str:
    return "&".join(f"{name}={quote(value, errors='surrogatepass')}" for name, value in pairs)


_parameters = st.tuples(
    st.sampled_from(["code", "state", "error", "iss", "error_description", "next", "code[]", "Code"]),
    st.one_of(
        st.sampled_from(
            [
                "", STATE, "canary-code", "access_denied", "server_error", "invalid_scope", "a" * 201,
                "a" * 2001, "https://go.actionstep.com", "https://evil.tld", "//evil.tld/", "None", "*",
            ]
        ),
        strange_text,
    ),
)  # fmt: skip
_near_queries = st.builds(
    lambda first, more: _query([("state", STATE), *first, *more]),
    st.sampled_from(
        [
            [],
            [("code", "canary-code")],
            [("error", "access_denied")],
            [("code", "")],
            [("error", "")],
        ]
    ),
    st.lists(_parameters, max_size=2),
)
callback_queries = st.one_of(
    _near_queries,
    altered(_near_queries),
    st.lists(_parameters, max_size=5).map(_query),
    st.sampled_from(
        ["", "&", "=", "state", "state=%", "code=%zz&state=%ff", "state[]=a", ";", "a" * 9000]
    ),
)
