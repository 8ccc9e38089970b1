"""Read one page of each resource as a user, and compare its shape with the facts."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass

import httpx2

from actionstep_connect.api import ActionstepClient
from actionstep_connect.exceptions import (
    ActionstepPermissionDenied,
    ApiError,
    RateLimited,
    ScopeNotGranted,
    UntrustedHost,
)
from actionstep_connect.management.comparison.facts import Described
from actionstep_connect.management.comparison.shapes import differences

MEDIA_TYPE = "application/vnd.api+json"
HEADER_NAME = re.compile(r"[a-z][a-z0-9-]{0,59}", re.ASCII)
USUAL_HEADERS = frozenset(
    {
        *("cache-control", "connection", "content-encoding", "content-length", "content-type"),
        *("content-security-policy", "date", "keep-alive", "referrer-policy", "server"),
        *("transfer-encoding", "vary", "x-content-type-options", "x-frame-options"),
    }
)
"""Of any web server, and those that the sandbox sends."""


@dataclass(frozen=True)
class Outcome:
    """How one resource compares: what differs, or why it was not compared."""

    name: str
    differences: tuple[str, ...] = ()
    skipped: str = ""
    headers: frozenset[str] = frozenset()
    """Names of headers that are not usual."""


def compare(client: ActionstepClient, described: list[Described]) -> Iterator[Outcome]:
    """Read the first page of each resource with GET, one after the other."""
    for one in described:
        yield _compare(client, one)


def _compare(client: ActionstepClient, described: Described) -> Outcome:
    try:
        response = client.get(described.name)
    except ScopeNotGranted:
        return Outcome(described.name, skipped="another scope is needed (`insufficient_scope`)")
    except ActionstepPermissionDenied:
        return Outcome(described.name, skipped="the user's own permissions do not allow it")
    except RateLimited:
        return Outcome(described.name, skipped="too many requests (429); run it again later")
    except ApiError as error:
        if error.status < httpx2.codes.BAD_REQUEST:
            return Outcome(described.name, skipped=f"no answer that can be read ({error.code})")
        return Outcome(described.name, (f"A GET is answered with status {error.status}.",))
    except (httpx2.HTTPError, UntrustedHost) as error:
        return Outcome(described.name, skipped=f"no answer ({type(error).__name__})")
    return _examine(described, response)


def _examine(described: Described, response: httpx2.Response) -> Outcome:
    headers = frozenset(
        name
        for name in response.headers
        if name not in USUAL_HEADERS and HEADER_NAME.fullmatch(name)
    )
    if response.status_code == httpx2.codes.NO_CONTENT:
        return Outcome(described.name, skipped="there are no rows", headers=headers)
    found = list(_of_head(response))
    try:
        document = json.loads(response.content)
    except ValueError:
        return Outcome(described.name, (*found, "The answer is not JSON."), headers=headers)
    found += differences(described, document)
    return Outcome(described.name, tuple(found), headers=headers)


def _of_head(response: httpx2.Response) -> Iterator[str]:
    if response.status_code != httpx2.codes.OK:
        yield f"A GET is answered with status {response.status_code}."
    media_type = response.headers.get("Content-Type", "").partition(";")[0].strip().lower()
    if media_type != MEDIA_TYPE:
        is_json = media_type in {"application/json", "text/json"}
        yield f"Content-Type is {media_type if is_json else 'another one'}, not {MEDIA_TYPE}."
