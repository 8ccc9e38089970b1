"""What the sandbox can be told to do. A test compares these names with the sandbox's own."""

from collections.abc import Mapping, Sequence
from typing import Literal, TypedDict

Endpoint = Literal["authorize", "token", "api"]

#: ``…_after``: done first, then spoilt, so that a refresh token is spent and its answer lost.
FaultName = Literal[
    "html",
    "empty",
    "list",
    "json_without_error",
    "error_200",
    "oauth_error",
    "redirect",
    "huge",
    "custom",
    "members",
    "slow",
    "slow_after",
    "drip",
    "drop",
    "drop_before",
    "drop_after",
]


class FaultDetails(TypedDict, total=False):
    """When a fault strikes, and what it looks like; `docs/sandbox.md` describes each."""

    times: int | None
    """How often; None: until cleared. Once, if you do not say."""
    skip: int
    """How many requests are served first."""
    after: bool
    """Whether the request is carried out before its answer is spoilt."""
    user: str
    """The sandbox user whose requests it is for."""
    grant_type: Literal["authorization_code", "refresh_token"]
    resource: str
    status: int
    body: str
    content_type: str
    headers: Mapping[str, str]
    retry_after: int | str
    location: str
    seconds: float
    """How long `slow` waits before the answer, and `drip` from its first byte to the last."""
    error: str
    error_description: str
    changes: Mapping[str, object]
    """Members that `members` puts into an otherwise good answer."""
    remove: Sequence[str]


class SandboxOptions(TypedDict, total=False):
    """How the sandbox behaves; ``python -m actionstep_connect.sandbox --help`` describes each."""

    client_id: str
    client_secret: str
    redirect_uris: Sequence[str]
    access_token_lifetime: float
    refresh_token_lifetime: float
    code_lifetime: float
    grace: float
    content_type: str
    region_host: str
    api_endpoint_form: Literal["slash", "bare", "rest"]
    expires_in_as_text: bool
    send_scope: bool
    omit_orgkey_on_refresh: bool
    default_scope: str
    issuer: str
    broken_links: bool
    errors_as_list: bool
    rate_limit: int
    organisation_rate_limit: int
    send_retry_after: bool
    scan_seconds: float
    hook_body: Literal["jsonapi", "jsonapi_snake", "rest"]
    hook_timeout: float
