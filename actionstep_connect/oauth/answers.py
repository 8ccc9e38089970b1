"""What the token endpoint answers, parsed once: a TokenGrant or a typed error."""

import json
import math
import re
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Any

import httpx2

from actionstep_connect.error_codes import ErrorCode
from actionstep_connect.exceptions import (
    ActionstepConnectError,
    AuthorizationFailed,
    ClientRejected,
    TemporarilyUnavailable,
)
from actionstep_connect.oauth.grant import TokenGrant
from actionstep_connect.orgkeys import is_orgkey
from actionstep_connect.policy import DOCUMENTED_LIFETIME
from actionstep_connect.scopes import parse_scope
from actionstep_connect.secret import Secret

MAX_BELIEVABLE_LIFETIME = timedelta(days=365)
CLIENT_ERRORS = frozenset({"invalid_client", "unauthorized_client"})

_OBJECT = re.compile(r'\{\s*"')
_DECODER = json.JSONDecoder(strict=False, parse_int=float)
_TOKEN = re.compile(r"[\x21-\x7E]+", re.ASCII)
_ERROR_CODE = re.compile(r"[a-z_]{1,50}", re.ASCII)


def read_answer(response: httpx2.Response, *, requested_at: datetime) -> TokenGrant:
    """Read an answer of the token endpoint, whatever its content type.

    Any 2xx with a usable refresh token is a grant, whatever else is wrong with it, because that token
    is the only one left. Raises AuthorizationFailed (`invalid_grant`), ClientRejected, or
    TemporarilyUnavailable.
    """
    members = _members(response)
    if response.is_success:
        grant = _grant(members or _members_within(response), requested_at=requested_at)
        if grant.refresh_token is not None:
            return grant
        if grant.access_token is not None and "error" not in members:
            return grant
    raise _error(response, members)


def _members(response: httpx2.Response) -> dict[str, Any]:
    # As leniently as possible, because what cannot be read is lost: a number too long for an int, a stray
    # byte or a line break in some other member. What became of those is no character at all.
    content = response.content
    try:
        text = content.decode(json.detect_encoding(content), "surrogateescape")
        members = json.loads(text, strict=False, parse_int=float)
    except (ValueError, RecursionError):
        return {}
    return members if isinstance(members, dict) else {}


def _members_within(response: httpx2.Response) -> dict[str, Any]:
    # A warning of the server's own programming language before the object, or a remark of a proxy's after
    # it, does not make the tokens in it invalid. What it says of errors is not taken from there.
    text = response.content.decode("utf-8", "surrogateescape")
    if (object_begins := _OBJECT.search(text)) is None:
        return {}
    try:
        members, _ = _DECODER.raw_decode(text, object_begins.start())
    except (ValueError, RecursionError):
        return {}
    return members if isinstance(members, dict) else {}


def _grant(members: dict[str, Any], *, requested_at: datetime) -> TokenGrant:
    return TokenGrant(
        requested_at=requested_at,
        access_token=_token(members.get("access_token")) if _is_bearer(members) else None,
        refresh_token=_token(members.get("refresh_token")),
        lifetime=_lifetime(members.get("expires_in")),
        scopes=_scopes(members.get("scope")),
        api_endpoint=_text(members.get("api_endpoint")),
        orgkey=_orgkey(members.get("orgkey")),
    )


def _is_bearer(members: dict[str, Any]) -> bool:
    token_type = members.get("token_type", "bearer")
    return isinstance(token_type, str) and token_type.lower() == "bearer"


def _token(value: object) -> Secret | None:
    return Secret(value) if isinstance(value, str) and _TOKEN.fullmatch(value) else None


def _lifetime(value: object) -> timedelta | None:
    if value is None:
        return DOCUMENTED_LIFETIME
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        return None
    try:
        seconds = float(value)
    except (ValueError, OverflowError):
        return None
    if not math.isfinite(seconds) or not 0 < seconds <= MAX_BELIEVABLE_LIFETIME.total_seconds():
        return None
    return timedelta(seconds=seconds)


def _scopes(value: object) -> tuple[str, ...] | None:
    if not isinstance(value, str):
        return None
    try:
        return parse_scope(value) or None
    except ValueError:
        return None


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and value else None


def _orgkey(value: object) -> str | None:
    return value if isinstance(value, str) and is_orgkey(value) else None


def _error(response: httpx2.Response, members: dict[str, Any]) -> ActionstepConnectError:
    status = response.status_code
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        return TemporarilyUnavailable(
            "Actionstep's token endpoint asks for fewer requests (429).",
            code=ErrorCode.RATE_LIMITED,
            retry_after=retry_after(response),
        )
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return TemporarilyUnavailable(
            f"Actionstep's token endpoint failed ({status}).",
            code=f"status_{status}",
            retry_after=retry_after(response),
            outcome_known=False,
        )
    error = _error_code(members)
    if error == ErrorCode.INVALID_GRANT:
        return AuthorizationFailed("Actionstep refused the grant.", code=error)
    if error in CLIENT_ERRORS:
        return ClientRejected(
            f"Actionstep refused this site's client credentials ({error}): "
            "check CLIENT_ID and CLIENT_SECRET.",
            code=error,
        )
    if error:
        return TemporarilyUnavailable(
            f"Actionstep's token endpoint refused the request ({error}).",
            code=error,
            retry_after=retry_after(response),
        )
    return TemporarilyUnavailable(
        f"Actionstep's token endpoint sent an answer without a usable token ({status}).",
        code=ErrorCode.NO_TOKEN if response.is_success else f"status_{status}",
        retry_after=retry_after(response),
        outcome_known=False,
    )


def _error_code(members: dict[str, Any]) -> str:
    error = members.get("error")
    if error is None:
        return ""
    return error if isinstance(error, str) and _ERROR_CODE.fullmatch(error) else "unknown_error"


def retry_after(response: httpx2.Response) -> float | None:
    """Return `Retry-After` in seconds from now, given as a number or as a date (RFC 9110 §10.2.3)."""
    value = response.headers.get("Retry-After", "").strip()
    if value.isascii() and value.isdigit():
        return float(value[:9])
    try:
        moment = parsedate_to_datetime(value)
    except (OverflowError, TypeError, ValueError):
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return max(0.0, (moment - datetime.now(UTC)).total_seconds())
