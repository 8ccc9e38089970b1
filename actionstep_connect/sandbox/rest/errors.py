"""The shape of one error, as recorded ones have it."""

import secrets
from dataclasses import dataclass

MEDIA_TYPE = "application/vnd.api+json"

INVALID_BODY = "AS-1302"
"""Recorded with status 400 and the title *Invalid JSON Message*."""

ANY_OTHER = "AS-TBC"
"""Recorded for an unknown resource; no other code is known."""

ID_BYTES = 20
"""40 hexadecimal characters."""

TITLES = {
    400: "Bad request",
    403: "Forbidden",
    404: "Not found",
    405: "Method not allowed",
    406: "Not acceptable",
    415: "Unsupported media type",
    429: "Too many requests",
    500: "Internal server error",
}


@dataclass(frozen=True)
class Mistake:
    """What is wrong with a request, and where: a member of the body or a parameter."""

    detail: str
    pointer: str | None = None
    parameter: str | None = None


def error(status: int, title: str, code: str, mistake: Mistake) -> dict[str, object]:
    """Return one error with all the members that recorded ones have."""
    return {
        "id": secrets.token_hex(ID_BYTES),
        "links": {"about": None},
        "status": status,
        "code": code,
        "title": title,
        "detail": mistake.detail,
        "source": {"pointer": mistake.pointer, "parameter": mistake.parameter},
        "meta": {},
        "rls": None,
    }
