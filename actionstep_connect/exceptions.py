"""What can go wrong, one class for each reaction of the caller.

ActionstepConnectError
├── NotConnected                 send the user to connect
├── AmbiguousConnection          ask which organisation
├── ReconnectRequired            send the user to connect again
├── ScopeNotGranted              ask the user for one scope more
├── TemporarilyUnavailable       try again after ``retry_after`` seconds
├── ClientRejected               tell the site's admin: its credentials were refused
├── DecryptionFailed             tell the site's admin: the key ring lacks a key, or the row was altered
├── AuthorizationFailed          say why; the user may start again
├── UntrustedHost                correct the address, or API_HOSTS: no token was sent there
├── NotReminded                  say why: the user gets no e-mail
├── ActionstepPermissionDenied   the user's own permissions in Actionstep do not reach that far
├── RateLimited                  try again after ``retry_after`` seconds
├── PartialFailure               look at which rows were refused, and which are left
├── FileRefused                  choose another file, or say why to the user who did
├── TransferInterrupted          go on with ``resume``, after ``retry_after`` seconds
└── ApiError                     Actionstep refused the request itself

Every class carries a stable ``code`` for logs and machines. None carries a token, a code or a secret.
``args`` are the positional arguments that make the error again, as Celery does from JSON.
"""

from collections.abc import Iterable, Mapping
from copyreg import __newobj__  # type: ignore[attr-defined]  # typeshed leaves it out.
from typing import Any

# ruff: noqa: N818 - The names are public and say what happened; only their base ends in Error.


class ActionstepConnectError(Exception):
    """Base of everything that this package raises on purpose."""

    code: str = "error"

    def __init__(self, message: str, code: str = "") -> None:
        code = str(code)  # A plain string, whatever enum it is a member of.
        super().__init__(*([message, code] if code else [message]))
        if code:
            self.code = code

    def __str__(self) -> str:
        return str(self.args[0])

    def __repr__(self) -> str:
        return f"{type(self).__name__}({str(self)!r})"

    def __reduce__(self) -> tuple[Any, ...]:
        # Without __init__, so that a site's subclass survives pickle and copy whatever it takes.
        return __newobj__, (type(self), *self.args), vars(self)


class NotConnected(ActionstepConnectError):
    """The user has no connection to the organisation asked for: send them to connect.

    With the code ``inactive_user`` the user is not active, and connecting would not help.
    """

    code: str = "not_connected"


class AmbiguousConnection(ActionstepConnectError):
    """The user has several connections: pass ``orgkey``, one of ``orgkeys``."""

    code: str = "ambiguous_connection"

    def __init__(self, message: str, orgkeys: Iterable[str]) -> None:
        super().__init__(message)
        self.orgkeys: tuple[str, ...] = tuple(orgkeys)
        self.args: tuple[Any, ...] = (message, self.orgkeys)


class ReconnectRequired(ActionstepConnectError):
    """Actionstep no longer accepts the connection: only its user can renew it, by connecting again."""

    code: str = "reconnect_required"


class ScopeNotGranted(ActionstepConnectError):
    """The user has not granted ``scopes``: ask with ``redirect_to_connect``."""

    code: str = "scope_not_granted"

    def __init__(self, message: str, scopes: Iterable[str]) -> None:
        super().__init__(message)
        self.scopes: tuple[str, ...] = tuple(scopes)
        self.args: tuple[Any, ...] = (message, self.scopes)


class TemporarilyUnavailable(ActionstepConnectError):
    """No token can be had just now and nothing is lost: try again after ``retry_after`` seconds.

    ``outcome_known`` is false where Actionstep may have acted on the request although no usable
    answer came, such as after a time-out.
    """

    code: str = "temporarily_unavailable"

    def __init__(
        self,
        message: str,
        code: str = "",
        retry_after: float | None = None,
        outcome_known: bool = True,
    ) -> None:
        super().__init__(message, code)
        self.retry_after = retry_after
        self.outcome_known = outcome_known
        self.args: tuple[Any, ...] = (message, str(code), retry_after, outcome_known)


class ClientRejected(ActionstepConnectError):
    """Actionstep refused CLIENT_ID or CLIENT_SECRET: no connection is at fault, and none was touched."""

    code: str = "client_rejected"


class DecryptionFailed(ActionstepConnectError):
    """A stored token does not open: its key is missing from ENCRYPTION_KEYS, or the row was altered.

    With the code ``unreadable`` no key is missing: the value was altered, or moved from another user,
    organisation, field or environment. It can never be opened.
    """

    code: str = "decryption_failed"


class AuthorizationFailed(ActionstepConnectError):
    """Actionstep refused a grant or an authorization request: the user may start again.

    ``code`` is Actionstep's own error code (RFC 6749 §4.1.2.1 and §5.2) or one of this package's.
    """

    code: str = "authorization_failed"


class UntrustedHost(ActionstepConnectError):
    """A token was about to go to, or be kept for, an address not trusted with it: none was sent there.

    The address is not in API_HOSTS, or it is no part of the connection's own API.
    """

    code: str = "untrusted_host"


class NotReminded(ActionstepConnectError):
    """No e-mail will reach the connection's user; ``code`` says why.

    It is ``no_address``, ``inactive_user``, ``not_needed`` (the connection does not need its user),
    ``other_environment`` (this site does not use it), or ``no_site_url`` (no setting gives the address that
    a link in it must have).
    """

    code: str = "not_reminded"


class ActionstepPermissionDenied(ActionstepConnectError):
    """The authorizing user's own permissions in Actionstep do not allow this request."""

    code: str = "permission_denied"


class RateLimited(ActionstepConnectError):
    """Actionstep answered 429: try again after ``retry_after`` seconds, if it said so."""

    code: str = "rate_limited"

    def __init__(self, message: str, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after
        self.args: tuple[Any, ...] = (message, retry_after)


class PartialFailure(ActionstepConnectError):
    """Some of many rows were not written. All are named by their place among those given, from 0.

    ``done`` has the id of each row that was written, ``failed`` what Actionstep said of each that it
    refused. ``unknown`` may have been written, because no answer came: look before you send them again.
    ``left`` were not sent; ``__cause__`` says why.
    """

    code: str = "partial_failure"

    def __init__(
        self,
        message: str,
        done: Mapping[Any, Any],
        failed: Mapping[Any, str],
        unknown: Iterable[int],
        left: Iterable[int],
    ) -> None:
        super().__init__(message)
        # JSON, as in a result of Celery, has no numbers for keys.
        self.done: dict[int, Any] = {int(number): key for number, key in done.items()}
        self.failed: dict[int, str] = {int(number): said for number, said in failed.items()}
        self.unknown: tuple[int, ...] = tuple(unknown)
        self.left: tuple[int, ...] = tuple(left)
        self.args: tuple[Any, ...] = (message, self.done, self.failed, self.unknown, self.left)


class FileRefused(ActionstepConnectError):
    """Actionstep does not take this file: its type, or what it says in ``detail``. Nothing is kept of it.

    ``__cause__`` is its answer. Without one, nothing was sent.
    """

    code = "file_refused"

    def __init__(self, message: str, detail: str = "") -> None:
        super().__init__(message)
        self.detail = detail
        self.args: tuple[Any, ...] = (message, detail)


class TransferInterrupted(ActionstepConnectError):
    """A file is on its way in part: ``part``, counted from 1, did not arrive. ``__cause__`` says why.

    An upload goes on where it ended with ``upload(…, resume=error.resume)``; without a ``resume``, and
    a download, begins again. ``part_count`` is 0 where the length is not known.
    """

    code = "transfer_interrupted"

    def __init__(
        self,
        message: str,
        part: int,
        part_count: int = 0,
        resume: str = "",
        retry_after: float | None = None,
    ) -> None:
        super().__init__(message)
        self.part = part
        self.part_count = part_count
        self.resume = resume
        self.retry_after = retry_after
        self.args: tuple[Any, ...] = (message, part, part_count, resume, retry_after)


class ApiError(ActionstepConnectError):
    """Actionstep refused the request: HTTP ``status``, its own ``code`` (``AS-1302``) and ``detail``.

    With a ``status`` below 400 it answered with something else than was asked for, such as a redirect.
    With a 503 it may say when to try again: after ``retry_after`` seconds.
    """

    code: str = "api_error"

    def __init__(
        self,
        message: str,
        status: int,
        code: str = "",
        detail: str = "",
        retry_after: float | None = None,
    ) -> None:
        super().__init__(message, code)
        self.status = status
        self.detail = detail
        self.retry_after = retry_after
        self.args: tuple[Any, ...] = (message, status, str(code), detail, retry_after)

    def __repr__(self) -> str:
        # Without what Actionstep says, which may name people: retries are logged with this.
        return f"{type(self).__name__}(status={self.status}, code={self.code!r})"
