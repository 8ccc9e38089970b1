"""Values that strangers send, made by the thousand: near to what is right, and far from it.

Each maker mixes good values with broken ones, because a parser fails at the seam between both.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import Any
from urllib.parse import quote

import httpx2

from tests.support.hostile_server import grant
from tests.support.volume import Maker, among, one_of

#: Characters that parsers and databases trip over.
STRANGE = (
    "\0", "\t", "\n", "\r", "\x1b", "\x7f", "\x85", "\u00ad", "\u200b", "\u202e", "\u2028", "\ufeff",
    "\ufffe", "\ud800", "\udfff", "\U0010ffff", "\u3002", "\uff0e", "\uff61", "\uff0f", "\u2044", "\u212a",
    "\u0130", "é", "e\u0301", "ß", "\U0001f600", "\uff10", " ", '"', "'", "\\", "/", "%", "<",
    "%00", "%2f", "%0d%0a", "%ff",
)  # fmt: skip

#: Up to where characters are taken from: ASCII, Latin, the first plane, all of Unicode.
_PLANES = (0x80, 0x100, 0x10000, 0x110000)


def _odd_pieces(random: Random) -> str:
    return "".join(random.choices([*STRANGE, "a", "Z", "7", "acmelaw", "."], k=random.randrange(7)))


def _any_characters(random: Random) -> str:
    plane = random.choice(_PLANES)
    return "".join(chr(random.randrange(plane)) for _ in range(random.randrange(9)))


strange_text = one_of(
    _odd_pieces, _any_characters, among("a" * 101, "a" * 500, "é" * 100, "a" * 5000)
)


def plain_token(random: Random) -> str:
    """Return visible ASCII, as tokens are."""
    return "".join(chr(random.randrange(0x21, 0x7F)) for _ in range(random.randrange(1, 31)))


def some_bytes(longest: int) -> Maker[bytes]:
    """Return what makes up to so many bytes."""
    return lambda random: random.randbytes(random.randrange(longest + 1))


_PIECES = ("", "", *STRANGE, "@", ":", "//", "?", "#", ".", "=", "-", "_", "A")


def altered(text: Maker[str]) -> Maker[str]:
    """Return `text` with some place cut, doubled, or replaced by a strange character."""

    def alter(random: Random) -> str:
        value = text(random)
        start = random.randrange(len(value) + 1)
        return value[:start] + random.choice(_PIECES) + value[start + random.randrange(4) :]

    return alter


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


_odd_json: Maker[Any] = one_of(
    strange_text,
    among(
        None, True, False, [], {}, [1], {"a": 1}, "", 0, -1, 1, 3600, "3600", 3599.5, 10**9, 1e308,
        Raw("NaN"), Raw("Infinity"), Raw("-Infinity"), Raw("1e999"), Raw("9" * 5000),
        Raw("-" + "9" * 5000), Raw("0." + "1" * 5000), Raw('"\\ud800"'), Raw('"\\u0000"'),
        Raw('{"a": 1, "a": 2}'), "9" * 5000, "1_000", "\uff13\uff16", " 3600 ", "1e3", "nan", "0x10",
    ),
)  # fmt: skip

_ODD_MEMBERS: dict[str, Maker[Any]] = {
    "access_token": one_of(plain_token, _odd_json),
    "refresh_token": one_of(plain_token, _odd_json),
    "token_type": one_of(among("Bearer", "BEARER", "mac", "bearer "), _odd_json),
    "expires_in": _odd_json,
    "scope": one_of(among("timerecords", " a  b ", "all", "a\tb", 'a"b', "a,b"), _odd_json),
    "orgkey": one_of(among("acmelaw", "AcmeLaw", "acmé"), _odd_json),
    "api_endpoint": _odd_json,
    "error": one_of(
        among("invalid_grant", "invalid_client", "slow_down", "invalid_grant\n"), _odd_json
    ),
    "more": _odd_json,
}
_ODD_NAMES = (*_ODD_MEMBERS, "refresh_token")
_STATUSES = (200, 200, 200, 201, 204, 299, 302, 400, 401, 403, 429, 500, 503)

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


def _object(members: dict[str, Any], *, ascii_only: bool) -> Raw:
    pairs = (
        f'"{name}": {_json_text(each, ascii_only=ascii_only)}' for name, each in members.items()
    )
    return Raw("{" + ", ".join(pairs) + "}")


def token_answer(random: Random) -> TokenAnswer:
    """Return an answer of a token endpoint: a good one, or what a broken one might send."""
    members: dict[str, Any] = grant()
    for name in random.choices(_ODD_NAMES, k=random.randrange(4)):
        if random.randrange(4):
            members[name] = _ODD_MEMBERS[name](random)
        else:
            members.pop(name, None)
    body = random.choice(_ENCODINGS)(_object(members, ascii_only=random.random() < 0.5))
    status = random.choice(_STATUSES)
    refresh_token = _usable(members.get("refresh_token"))
    if not random.randrange(4):
        body, refresh_token = _broken(random, body), None
    headers = {b"Content-Type": b"text/html"} | _retry_after(random)
    is_success = 200 <= status < 300
    return TokenAnswer(status, headers, body, refresh_token if is_success else None)


_ODD_BODIES = (
    b"", b"{}", b"[]", b"null", b"7", b'"text"', b"<html>", b"[" * 60_000, b'{"a":' * 12_000
)  # fmt: skip
_few_bytes, _more_bytes = some_bytes(4), some_bytes(40)


def _broken(random: Random, body: bytes) -> bytes:
    match random.randrange(4):
        case 0:
            start = random.randrange(len(body) + 1)
            return body[:start] + _few_bytes(random) + body[start + random.randrange(41) :]
        case 1:
            return _more_bytes(random)
        case 2:
            return random.choice(_ODD_BODIES)
        case _:
            return b"[" + body + b"]"


def _header_value(random: Random) -> bytes:
    return some_bytes(12)(random).translate(None, b"\r\n\0")


_retry_after_value = one_of(
    among(
        b"7", b"-7", b"7.5", b"9" * 500, b"soon", b"\xff", b"1_0", b"\xb2",
        b"Wed, 21 Oct 2099 07:28:00 GMT", b"Wed, 21 Oct 1999 07:28:00",
        b"Mon, 01 Jan 0001 00:00:00 +2359", b"Fri, 31 Dec 9999 23:59:59 -2359",
        b"Mon, 01 Jan 2024 00:00:00 +99999999999999999999", b"Mon, 01 Jan 99999 00:00:00 GMT",
        b"1 Jan 2024 99:99:99 GMT", b",", b"Mon,", b"0 0 0 0 0", b"Jan 1", b"1 Jan 24 ::",
    ),
    _header_value,
)  # fmt: skip


def _retry_after(random: Random) -> dict[bytes, bytes]:
    return {b"Retry-After": _retry_after_value(random)} if random.randrange(3) else {}


# --- Answers of the API ---------------------------------------------------------------------------

_link = among(
    "", "/api/rest/timerecords?page=2", "http://[", "//evil.tld/", "?", "a" * 70_000, 7, True, {}, [""]
)  # fmt: skip
_records: Maker[Any] = one_of(
    _odd_json, among({"id": 1}, [{"id": 1}], [], [None], [[{}]], Raw('{"id": 1e999}'))
)
_next_page: Maker[Any] = one_of(_link, _odd_json)
_API_STATUSES = (200, 200, 200, 200, 204, 206, 302, 400, 401, 403, 404, 429, 500)


@dataclass(frozen=True)
class ApiAnswer:
    """An answer to a request for time records."""

    status: int
    headers: dict[bytes, bytes]
    body: bytes

    @property
    def response(self) -> httpx2.Response:
        """The answer as httpx2 gives it."""
        request = httpx2.Request("GET", "https://eu.actionstep.com/api/rest/timerecords")
        return httpx2.Response(
            self.status, headers=self.headers, content=self.body, request=request
        )


def api_answer(random: Random) -> ApiAnswer:
    """Return an answer of the API: rows, an error, or what is neither."""
    ascii_only = random.random() < 0.5

    def member(**members: Any) -> Any:
        """Return an object with some of these members, or something else in its place."""
        if not random.randrange(8):
            return _odd_json(random)
        kept = {name: value for name, value in members.items() if random.randrange(5)}
        return _object(kept, ascii_only=ascii_only)

    paging = member(recordCount=_odd_json(random), nextPage=_next_page(random))
    meta = member(paging=member(timerecords=paging))
    members: dict[str, Any] = {"timerecords": _records(random), "meta": meta}
    if not random.randrange(4):
        error = member(code=_odd_json(random), title=_odd_json(random), detail=_odd_json(random))
        wrong = random.choice([_odd_json(random), error, Raw(f"[{error}]")])
        members[random.choice(["errors", "error", "error_description"])] = wrong
    body = random.choice(_ENCODINGS)(_object(members, ascii_only=ascii_only))
    if not random.randrange(8):
        body = _broken(random, body)
    headers = {b"Content-Type": b"application/json; charset=utf-16"} | _retry_after(random)
    return ApiAnswer(random.choice(_API_STATUSES), headers, body)


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

_ADDRESS = (_SCHEMES, _SEPARATORS, _USERINFO, _HOSTS, _PORTS, _PATHS, _ENDS)
_SITE_PATH = (
    ("", "/", "//", "///", "\\", "/\\", " /", "/ /", "http:", "https:", "http:/", "httpx"),
    ("testserver", "evil.tld", "here/", "actionstep/", "é", "a" * 2000, "é" * 1990, "%"),
    ("", "/", "?a=b&c=//evil.tld", "#x", "\\@evil.tld", ":80", "@evil.tld"),
)


def _joined(*parts: tuple[str, ...]) -> Maker[str]:
    """Return what joins one of each; half of them are the first, with which nothing is wrong."""
    return lambda random: "".join(
        part[0] if random.random() < 0.5 else random.choice(part) for part in parts
    )


_address, _site_path = _joined(*_ADDRESS), _joined(*_SITE_PATH)
hostile_address = one_of(_address, altered(_address), strange_text)
hostile_next = one_of(hostile_address, _site_path, altered(_site_path))

# --- Callbacks -----------------------------------------------------------------------------------

#: Stands in a query for the state of the attempt that is under way.
STATE = "STATE"


def _query(pairs: list[tuple[str, str]]) -> str:
    return "&".join(f"{name}={quote(value, errors='surrogatepass')}" for name, value in pairs)


_NAMES = ("code", "state", "error", "iss", "error_description", "next", "code[]", "Code")
_argument = one_of(
    among(
        "", STATE, "canary-code", "access_denied", "server_error", "invalid_scope", "a" * 201,
        "a" * 2001, "https://go.actionstep.com", "https://evil.tld", "//evil.tld/", "None", "*",
    ),
    strange_text,
)  # fmt: skip
_ENDINGS: tuple[list[tuple[str, str]], ...] = (
    [],
    [("code", "canary-code")],
    [("error", "access_denied")],
    [("code", "")],
    [("error", "")],
)


def _parameters(random: Random, longest: int) -> list[tuple[str, str]]:
    number = random.randrange(longest + 1)
    return [(random.choice(_NAMES), _argument(random)) for _ in range(number)]


def _near_query(random: Random) -> str:
    return _query([("state", STATE), *random.choice(_ENDINGS), *_parameters(random, 2)])


def _any_query(random: Random) -> str:
    return _query(_parameters(random, 5))


callback_query = one_of(
    _near_query,
    altered(_near_query),
    _any_query,
    among("", "&", "=", "state", "state=%", "code=%zz&state=%ff", "state[]=a", ";", "a" * 9000),
)
