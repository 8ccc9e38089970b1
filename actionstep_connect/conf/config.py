"""The settings as this package holds them, once they are read and checked."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, NamedTuple

from actionstep_connect.check_ids import CheckId
from actionstep_connect.environments import PRODUCTION
from actionstep_connect.secret import Secret

SETTING = "ACTIONSTEP_CONNECT"

#: Where idle renewal falls between a refresh token's issue and the moment it would be flagged.
IDLE_RENEWAL_SHARE = 0.75


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """The settings, read and checked. Times are timedeltas.

    `http_timeout` is in seconds, `max_response_size` in bytes.
    """

    environment: str = PRODUCTION
    client_id: str
    client_secret: Secret
    scopes: tuple[str, ...]
    allowed_scopes: tuple[str, ...]
    #: The keys, or the dotted path of a callable that returns them.
    encryption_keys: tuple[Secret, ...] | str
    redirect_uri: str | None = None
    authorize_url: str
    token_url: str
    api_hosts: tuple[str, ...]
    pkce: bool = True
    token_auth_method: str = "client_secret_post"  # noqa: S105 - the name of a method.
    orgkey_hint: bool = False
    refresh_before: timedelta = timedelta(minutes=10)
    refresh_token_lifetime: timedelta = timedelta(days=21)
    warn_before: timedelta = timedelta(days=7)
    idle_after: timedelta | None = None
    refresh_concurrency: int = 16
    http_timeout: float = 30.0
    max_response_size: int = 33_554_432
    share_rate_limits: bool = True
    notify_users: bool = False
    event_retention: timedelta = timedelta(days=365)
    post_connect_url: str = "actionstep_connect:connections"
    #: The dotted path of a callable: see `impersonation.Impersonator`.
    impersonator: str = "actionstep_connect.impersonation.from_hijack"
    #: What names the user as whom an organisation's REST hooks are registered; a callable or its path.
    hooks_bearer: Callable[..., Any] | str | None = None
    hooks_url: str | None = None
    hooks_read_again: bool = True
    hooks_retention: timedelta = timedelta(days=7)


class Problem(NamedTuple):
    """One thing wrong with the settings: a stable `id`, what is wrong, and what to do."""

    id: CheckId
    message: str
    hint: str
