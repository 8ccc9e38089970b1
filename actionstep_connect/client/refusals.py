"""What it means that the API refuses, or that its answer does not serve: one typed error for each."""

from typing import Any

import httpx2

from actionstep_connect.client.scope import scopes_of
from actionstep_connect.exceptions import (
    ActionstepConnectError,
    ActionstepPermissionDenied,
    ApiError,
    RateLimited,
    ScopeNotGranted,
)
from actionstep_connect.oauth.answers import retry_after
from actionstep_connect.secret import Secret

MAX_CODE = 100
MAX_DETAIL = 300


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
        resource = name_of(response.request.url.path)
        scope = next(iter(scopes_of(response.request, resource)), resource)
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


def unusable(response: httpx2.Response, what: str) -> ApiError:
    """Return the error that says why an answer does not serve."""
    return ApiError(
        f"Actionstep's answer {what}: {response.request.url.path}.", status=response.status_code
    )


def name_of(path: str) -> str:
    """Return the name under which the rows at `path` come: `timerecords/1,2` are `timerecords`."""
    return path.rpartition("/rest/")[2].strip("/").partition("/")[0]


def json_of(response: httpx2.Response) -> Any:
    """Return what an answer holds as JSON, or None."""
    try:
        return response.json()
    except (ValueError, RecursionError):
        return None


def _error_members(response: httpx2.Response, token: Secret) -> tuple[str, str]:
    """Return Actionstep's own code, and its detail, or else its title."""

    def text(value: object) -> str:
        # In one line, so that it cannot forge another in a log; and no echo of the token.
        line = " ".join(value.split()) if isinstance(value, str) else ""
        line = line.replace(token.reveal(), "…")
        return "".join(each if each.isprintable() else "\N{REPLACEMENT CHARACTER}" for each in line)

    payload = json_of(response)
    if not isinstance(payload, dict):
        return "", ""
    errors = payload.get("errors")
    first = errors[0] if isinstance(errors, list) and errors else errors
    if not isinstance(first, dict):  # An OAuth-shaped body, as with a 401.
        first = {"code": payload.get("error"), "detail": payload.get("error_description")}
    detail = text(first.get("detail")) or text(first.get("title"))
    return text(first.get("code"))[:MAX_CODE], detail[:MAX_DETAIL]
