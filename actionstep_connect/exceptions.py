"""What can go wrong, one class for each reaction of the caller.

ActionstepConnectError
├── NotConnected                 send the user to connect
├── AmbiguousConnection          ask which organisation
├── ReconnectRequired            send the user to connect again
├── ScopeNotGranted              ask the user for one scope more
├── TemporarilyUnavailable       try again after ``retry_after`` seconds
├── ClientRejected               tell the site's admin: our credentials were refused
├── DecryptionFailed             tell the site's admin: the key ring lacks a key, or the row was altered
├── AuthorizationFailed          say why; the user may start again
├── UntrustedHost                correct the address, or API_HOSTS: no token was sent there
├── NotReminded                  say why: the user gets no e-mail
├── ActionstepPermissionDenied   the user's own permissions in Actionstep do not reach that far
├── RateLimited                  try again after ``retry_after`` seconds
└── ApiError                     Actionstep refused the request itself

Every class carries a stable ``code`` for logs and machines. None carries a token, a code or a secret.
"""

# ruff: noqa: N818 - The names are public and say what happened; only their base ends in Error.


class ActionstepConnectError(Exception):
    """Base of everything that this package raises on purpose."""

    code = "error"

    def __init__(self, message: str, *, code: str = "") -> None:
        super().__init__(message)
        if code:
            self.code = code


class NotConnected(ActionstepConnectError):
    """The user has no connection to the organisation asked for: send them to connect."""

    code = "not_connected"


class AmbiguousConnection(ActionstepConnectError):
    """The user has several connections: pass ``orgkey``, one of ``orgkeys``."""

    code = "ambiguous_connection"

    def __init__(self, message: str, *, orgkeys: tuple[str, ...]) -> None:
        super().__init__(message)
        self.orgkeys = orgkeys


class ReconnectRequired(ActionstepConnectError):
    """Actionstep no longer accepts the connection: only its user can renew it, by connecting again."""

    code = "reconnect_required"


class ScopeNotGranted(ActionstepConnectError):
    """The user has not granted ``scopes``: ask with ``redirect_to_connect``."""

    code = "scope_not_granted"

    def __init__(self, message: str, *, scopes: tuple[str, ...]) -> None:
        super().__init__(message)
        self.scopes = scopes


#: The code of a TemporarilyUnavailable that nobody thought of.
UNFORESEEN = "unforeseen"


class TemporarilyUnavailable(ActionstepConnectError):
    """No token can be had just now and nothing is lost: try again after ``retry_after`` seconds.

    ``outcome_known`` is false where Actionstep may have acted on the request although no usable
    answer came, such as after a time-out.
    """

    code = "temporarily_unavailable"

    def __init__(
        self,
        message: str,
        *,
        code: str = "",
        retry_after: float | None = None,
        outcome_known: bool = True,
    ) -> None:
        super().__init__(message, code=code)
        self.retry_after = retry_after
        self.outcome_known = outcome_known


class ClientRejected(ActionstepConnectError):
    """Actionstep refused CLIENT_ID or CLIENT_SECRET: no connection is at fault, and none was touched."""

    code = "client_rejected"


class DecryptionFailed(ActionstepConnectError):
    """A stored token does not open: its key is missing from ENCRYPTION_KEYS, or the row was altered."""

    code = "decryption_failed"


class AuthorizationFailed(ActionstepConnectError):
    """Actionstep refused a grant or an authorization request: the user may start again.

    ``code`` is Actionstep's own error code (RFC 6749 §4.1.2.1 and §5.2) or one of ours.
    """

    code = "authorization_failed"


class UntrustedHost(ActionstepConnectError):
    """A token was about to go to, or be kept for, an address not trusted with it: none was sent there.

    The address is not in API_HOSTS, or it is no part of the connection's own API.
    """

    code = "untrusted_host"


class NotReminded(ActionstepConnectError):
    """No e-mail will reach the connection's user; ``code`` says why.

    It is ``no_address``, ``inactive_user``, ``not_needed`` (the connection does not need its user),
    ``other_environment`` (this site does not use it), or ``no_site_url`` (nobody knows the address that
    a link in it must have).
    """

    code = "not_reminded"


class ActionstepPermissionDenied(ActionstepConnectError):
    """The authorizing user's own permissions in Actionstep do not allow this request."""

    code = "permission_denied"


class RateLimited(ActionstepConnectError):
    """Actionstep answered 429: try again after ``retry_after`` seconds, if it said so."""

    code = "rate_limited"

    def __init__(self, message: str, *, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class ApiError(ActionstepConnectError):
    """Actionstep refused the request: HTTP ``status``, its own ``code`` (``AS-1302``) and ``detail``.

    With a ``status`` below 400 it answered with something else than was asked for, such as a redirect.
    With a 503 it may say when to try again: after ``retry_after`` seconds.
    """

    code = "api_error"

    def __init__(
        self,
        message: str,
        *,
        code: str = "",
        status: int,
        detail: str = "",
        retry_after: float | None = None,
    ) -> None:
        super().__init__(message, code=code)
        self.status = status
        self.detail = detail
        self.retry_after = retry_after
