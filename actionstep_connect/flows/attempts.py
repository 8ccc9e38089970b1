"""Attempts to connect: begun by a click, bound to one browser, claimed once (RFC 6749 §4.1)."""

import hmac
import secrets
from base64 import urlsafe_b64encode
from collections.abc import Iterable, MutableMapping
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any, NamedTuple
from uuid import UUID

from django.contrib.auth.base_user import AbstractBaseUser
from django.db.models import Q, QuerySet

from actionstep_connect import oauth
from actionstep_connect.conf import get_config
from actionstep_connect.environments import is_secure_url
from actionstep_connect.error_codes import ErrorCode
from actionstep_connect.exceptions import AuthorizationFailed
from actionstep_connect.flows.database import primary_alias
from actionstep_connect.models import AuthorizationRequest
from actionstep_connect.models.authorization_request import LIFETIME, MAX_REDIRECT_URI
from actionstep_connect.scopes import Scopes, missing_scopes, unique_scopes
from actionstep_connect.secret import Secret
from actionstep_connect.sessions import MARKER

MARKER_BYTES = 32
CODE_VERIFIER_BYTES = 48
MAX_STATE = 200
#: For one user, of attempts that wait for their callback, and of those that had it.
MAX_PENDING = 10
MAX_USED = 10

Session = MutableMapping[str, Any]


class Visitor(NamedTuple):
    """Who begins an attempt, or comes back: the user, and what this very browser keeps.

    `browser` is the marker in a cookie of this package. `session` is the one in the session; it is
    empty where an older copy of the session was saved over it.
    """

    user: AbstractBaseUser
    browser: str
    session: str


def new_marker() -> str:
    """Return a random marker for a browser or for its session."""
    return secrets.token_urlsafe(MARKER_BYTES)


def mark_session(session: Session) -> str:
    """Return the marker of this session, which gets one if it has none."""
    marker = session.get(MARKER)
    if not isinstance(marker, str) or not marker:
        marker = session[MARKER] = new_marker()
    return marker


def session_marker(session: Session) -> str:
    """Return the marker of this session, or nothing."""
    marker = session.get(MARKER)
    return marker if isinstance(marker, str) else ""


def requested_scopes(scopes: Scopes | None) -> tuple[str, ...]:
    """Return the scopes to ask for: SCOPES when none are named.

    Raises AuthorizationFailed (`scope_not_allowed`), naming each one that is not in ALLOWED_SCOPES.
    """
    config = get_config()
    try:
        wanted = unique_scopes(scopes or ()) or config.scopes
    except ValueError as error:
        raise AuthorizationFailed(str(error), code=ErrorCode.SCOPE_NOT_ALLOWED) from error
    if outside := missing_scopes(wanted, config.allowed_scopes):
        raise AuthorizationFailed(
            f"This site may not ask for {', '.join(outside)[:200]}: it is not in ALLOWED_SCOPES.",
            code=ErrorCode.SCOPE_NOT_ALLOWED,
        )
    return wanted


def begin(
    visitor: Visitor,
    *,
    scopes: Iterable[str] | None,
    redirect_uri: str,
    next_url: str = "",
    orgkey: str = "",
) -> AuthorizationRequest:
    """Start an attempt; `authorization_url` is where it goes on.

    `next_url` has been checked by the caller, and is checked again when it is used. `orgkey` is the
    organisation that the user means to reconnect. Raises AuthorizationFailed, or
    TemporarilyUnavailable (`keys_unavailable`).
    """
    config, now = get_config(), datetime.now(UTC)
    wanted = requested_scopes(scopes)
    if not is_secure_url(redirect_uri) or len(redirect_uri) > MAX_REDIRECT_URI:
        raise AuthorizationFailed(
            f"{redirect_uri[:100]!r} cannot be a redirect URI, which is https and has a plain path: "
            "set REDIRECT_URI.",
            code=ErrorCode.INSECURE_REDIRECT_URI,
        )
    attempt = AuthorizationRequest(
        user_id=visitor.user.pk,
        browser_marker=_hash(visitor.browser),
        session_marker=_hash(visitor.session),
        environment=config.environment,
        client_id=config.client_id,
        redirect_uri=redirect_uri,
        scopes=wanted,
        orgkey=orgkey,
        next=next_url,
        created_at=now,
        expires_at=now + LIFETIME,
    )
    attempt.state_hash = _hash_state(_state(attempt, visitor))
    if config.pkce:
        verifier = Secret(secrets.token_urlsafe(CODE_VERIFIER_BYTES))
        attempt.sealed_code_verifier = attempt.seal_code_verifier(verifier)
    attempt.save(force_insert=True)
    _forget_oldest(beside=attempt)
    return attempt


def authorization_url(attempt: AuthorizationRequest, visitor: Visitor) -> str:
    """Return the URL at Actionstep to send the user to, as often as the page that leads there is seen.

    Raises DecryptionFailed, or TemporarilyUnavailable (`keys_unavailable`).
    """
    return oauth.authorization_url(
        state=_state(attempt, visitor),
        code_verifier=attempt.open_code_verifier(),
        redirect_uri=attempt.redirect_uri,
        scopes=tuple(attempt.scopes),
        orgkey=attempt.orgkey if get_config().orgkey_hint else "",
    )


def claim_attempt(state: Secret, visitor: Visitor) -> AuthorizationRequest:
    """Use up the attempt that `state` belongs to, so that no other callback can.

    Raises AuthorizationFailed: `unknown_state`, `other_user`, `other_browser`, `other_environment`,
    `already_used` or `expired`; then nothing has changed.
    """
    # UPDATE … SET used_at WHERE state_hash, user, markers, environment, client_id, unexpired, unused
    now, config = datetime.now(UTC), get_config()
    mine = _attempts().filter(state_hash=_hash_state(state))
    claimed = mine.filter(
        _began_with(visitor),
        environment=config.environment,
        client_id=config.client_id,
        expires_at__gt=now,
        used_at=None,
    ).update(used_at=now)
    attempt = mine.first()
    if claimed and attempt is not None:
        return attempt
    raise _why_not(attempt, visitor)


def find_attempt(state: Secret, visitor: Visitor) -> AuthorizationRequest | None:
    """Return the attempt that this very user and browser made, used up or not."""
    return _attempts().filter(_began_with(visitor), state_hash=_hash_state(state)).first()


def get_attempt(handle: str, visitor: Visitor) -> AuthorizationRequest | None:
    """Do what `find_attempt` does, by the handle in the addresses of this site."""
    try:
        UUID(handle)
    except ValueError:
        return None
    return _attempts().filter(_began_with(visitor), handle=handle).first()


def is_being_finished(attempt: AuthorizationRequest) -> bool:
    """Return whether its callback is with Actionstep at this moment, as far as can be known."""
    if attempt.used_at is None or attempt.result_id is not None or attempt.failure:
        return False
    longest = timedelta(seconds=2 * get_config().http_timeout)
    return datetime.now(UTC) - attempt.used_at < longest


def is_pending(attempt: AuthorizationRequest) -> bool:
    """Return whether it still waits for its callback."""
    return attempt.used_at is None and attempt.expires_at > datetime.now(UTC)


def _attempts() -> QuerySet[AuthorizationRequest]:
    return AuthorizationRequest.objects.using(primary_alias())


def _began_with(visitor: Visitor) -> Q:
    """Return the filter for what this user began in this browser, without signing out since.

    A session that lost its marker proves nothing: a slow request may have saved an older copy of it.
    Signing in gives each session a marker, so one that signed out has another.
    """
    mine = Q(user=visitor.user.pk, browser_marker=_hash(visitor.browser))
    return mine & Q(session_marker=_hash(visitor.session)) if visitor.session else mine


def _state(attempt: AuthorizationRequest, visitor: Visitor) -> Secret:
    # As random as the browser's marker (256 bits), and made again without being stored anywhere.
    code = hmac.digest(visitor.browser.encode(), attempt.handle.bytes, sha256)
    return Secret(urlsafe_b64encode(code).rstrip(b"=").decode())


def _hash(value: str) -> str:
    return sha256(value.encode("utf-8", "surrogatepass")).hexdigest()


def _hash_state(state: Secret) -> str:
    return _hash(state.reveal()) if len(state.reveal()) <= MAX_STATE else ""


def _forget_oldest(*, beside: AuthorizationRequest) -> None:
    # Whatever the clocks of other machines say, never the one that has just begun.
    others = _attempts().exclude(pk=beside.pk).filter(user=beside.user_id)
    newest = others.order_by("-created_at", "-pk").values_list("pk", flat=True)
    too_many = [
        *newest.filter(used_at=None)[MAX_PENDING - 1 :],
        *newest.exclude(used_at=None)[MAX_USED:],
    ]
    if too_many:
        _attempts().filter(pk__in=too_many).delete()


def _why_not(attempt: AuthorizationRequest | None, visitor: Visitor) -> AuthorizationFailed:
    config = get_config()
    if attempt is None:
        return AuthorizationFailed(
            "No attempt to connect has this state.", code=ErrorCode.UNKNOWN_STATE
        )
    if attempt.user_id != visitor.user.pk:
        return AuthorizationFailed("Another user started this attempt.", code=ErrorCode.OTHER_USER)
    if not _attempts().filter(_began_with(visitor), pk=attempt.pk).exists():
        return AuthorizationFailed(
            "Another browser started this attempt.", code=ErrorCode.OTHER_BROWSER
        )
    if (attempt.environment, attempt.client_id) != (config.environment, config.client_id):
        return AuthorizationFailed(
            "The site's environment or client changed since this attempt began.",
            code=ErrorCode.OTHER_ENVIRONMENT,
        )
    if attempt.used_at is not None:
        return AuthorizationFailed(
            "This attempt has already been used.", code=ErrorCode.ALREADY_USED
        )
    return AuthorizationFailed("This attempt took longer than ten minutes.", code=ErrorCode.EXPIRED)
