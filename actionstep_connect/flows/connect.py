"""Connecting: from the user's click to stored tokens (RFC 6749 §4.1, RFC 7636, RFC 9700)."""

import hmac
import secrets
from collections.abc import Iterable, MutableMapping
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from django.contrib.auth.base_user import AbstractBaseUser
from django.db import IntegrityError, transaction
from django.db.models import F

from actionstep_connect import oauth, policy
from actionstep_connect.conf import get_config
from actionstep_connect.crypto import Secret, get_key_ring
from actionstep_connect.environments import is_secure_url, trusted_api_endpoint
from actionstep_connect.exceptions import AuthorizationFailed
from actionstep_connect.flows.database import database, on_primary, until_done
from actionstep_connect.flows.events import Change, tell
from actionstep_connect.models import AuthorizationRequest, Connection, EventKind, Status
from actionstep_connect.models.authorization_request import LIFETIME
from actionstep_connect.models.connection import ACCESS_TOKEN, REFRESH_TOKEN, RELEASED, UNTROUBLED
from actionstep_connect.oauth import TokenGrant
from actionstep_connect.scopes import missing_scopes, unique_scopes

SESSION_KEY = "actionstep_connect"
STATE_BYTES = 32
CODE_VERIFIER_BYTES = 48
LONGEST_STATE = 200
LONGEST_CODE = 2000
MOST_PENDING = 10

Session = MutableMapping[str, Any]


class Connected(NamedTuple):
    """How a connect flow ended well."""

    connection: Connection
    created: bool
    #: The organisation that the user meant to reconnect, if Actionstep answered for another one.
    instead_of: str = ""


def requested_scopes(scopes: Iterable[str] | None) -> tuple[str, ...]:
    """Return the scopes to ask for: SCOPES when none are named.

    Raises AuthorizationFailed (`scope_not_allowed`), naming each one that is not in ALLOWED_SCOPES.
    """
    config = get_config()
    try:
        wanted = unique_scopes(scopes or ()) or config.scopes
    except ValueError as error:
        raise AuthorizationFailed(str(error), code="scope_not_allowed") from error
    if outside := missing_scopes(wanted, config.allowed_scopes):
        raise AuthorizationFailed(
            f"This site may not ask for {', '.join(outside)[:200]}: it is not in ALLOWED_SCOPES.",
            code="scope_not_allowed",
        )
    return wanted


def mark_session(session: Session) -> str:
    """Return the random marker of this browser's session, which gets one if it has none.

    Called when the page is shown, so that two attempts that then begin at once have the same.
    """
    marker = session.get(SESSION_KEY)
    if not isinstance(marker, str) or not marker:
        marker = session[SESSION_KEY] = secrets.token_urlsafe(STATE_BYTES)
    return marker


def begin(
    *,
    user: AbstractBaseUser,
    session: Session,
    scopes: Iterable[str] | None,
    redirect_uri: str,
    next_url: str = "",
    orgkey: str = "",
) -> str:
    """Start an attempt and return the URL at Actionstep to send the user to.

    `next_url` has been checked by the caller, and is checked again when it is used. `orgkey` is the
    organisation that the user means to reconnect. Raises AuthorizationFailed, or
    TemporarilyUnavailable (`keys_unavailable`).
    """
    config, now = get_config(), datetime.now(UTC)
    wanted = requested_scopes(scopes)
    if not is_secure_url(redirect_uri):
        raise AuthorizationFailed(
            f"{redirect_uri[:100]!r} cannot be a redirect URI, which is https and has a plain path: "
            "set REDIRECT_URI.",
            code="insecure_redirect_uri",
        )
    state = Secret(secrets.token_urlsafe(STATE_BYTES))
    verifier = Secret(secrets.token_urlsafe(CODE_VERIFIER_BYTES)) if config.pkce else None
    attempt = AuthorizationRequest(
        state_hash=_hash(state.reveal()),
        user_id=user.pk,
        session_marker=_hash(mark_session(session)),
        environment=config.environment,
        client_id=config.client_id,
        redirect_uri=redirect_uri,
        scopes=wanted,
        orgkey=orgkey,
        next=next_url,
        created_at=now,
        expires_at=now + LIFETIME,
    )
    attempt.sealed_code_verifier = attempt.seal_code_verifier(verifier) if verifier else ""
    attempt.save(force_insert=True)
    _forget_oldest(beside=attempt)
    return oauth.authorization_url(
        state=state,
        code_verifier=verifier,
        redirect_uri=redirect_uri,
        scopes=wanted,
        orgkey=orgkey if config.orgkey_hint else "",
    )


def claim_attempt(
    *, state: Secret, user: AbstractBaseUser, session: Session
) -> AuthorizationRequest:
    """Use up the attempt that `state` belongs to, so that no other callback can.

    Raises AuthorizationFailed: `unknown_state`, `other_user`, `other_browser`, `other_environment`,
    `already_used` or `expired`; then nothing has changed.
    """
    # UPDATE … SET used_at WHERE state_hash, user, session_marker, environment, client_id, unexpired, unused
    now, config = datetime.now(UTC), get_config()
    state_hash = _hash_state(state)
    marker = _hash(str(session.get(SESSION_KEY, "")))
    mine = AuthorizationRequest.objects.using(database()).filter(state_hash=state_hash)
    claimed = mine.filter(
        user=user.pk,
        session_marker=marker,
        environment=config.environment,
        client_id=config.client_id,
        expires_at__gt=now,
        used_at=None,
    ).update(used_at=now)
    attempt = mine.first()
    if claimed and attempt is not None:
        return attempt
    raise _why_not(attempt, user=user, marker=marker)


def find_own_attempt(
    *, state: Secret, user: AbstractBaseUser, session: Session
) -> AuthorizationRequest | None:
    """Return the attempt that this very user and browser made, used up or not."""
    return AuthorizationRequest.objects.filter(
        state_hash=_hash_state(state),
        user=user.pk,
        session_marker=_hash(str(session.get(SESSION_KEY, ""))),
    ).first()


def check_answer(*, code: Secret, error: Secret, issuer: Secret | None) -> Secret:
    """Return the authorization code of a callback whose attempt was claimed (RFC 6749 §4.1.2).

    Raises AuthorizationFailed with Actionstep's `error` as code, or `malformed_callback`, or
    `issuer_mismatch` (RFC 9207).
    """
    if issuer is not None and issuer.reveal() not in _issuers():
        raise AuthorizationFailed(
            "The answer came from another issuer than Actionstep.", code="issuer_mismatch"
        )
    said, refused = len(code.reveal()), error.reveal()
    if bool(said) is bool(refused) or said > LONGEST_CODE:
        raise AuthorizationFailed(
            "The callback must hold a code or an error, and not both.", code="malformed_callback"
        )
    if refused:
        known = refused if refused in _ERRORS else "provider_error"
        raise AuthorizationFailed("Actionstep refused the authorization request.", code=known)
    return code


def finish(attempt: AuthorizationRequest, *, code: Secret) -> Connected:
    """Exchange `code` and store the connection. It is never repeated.

    Raises AuthorizationFailed, UntrustedHost, ClientRejected, DecryptionFailed, or
    TemporarilyUnavailable; then no connection has changed.
    """
    get_key_ring()  # Fetched before there is a token: no vault may stand between that and its store.
    verifier = attempt.open_code_verifier()
    grant = oauth.exchange_code(
        code=code, code_verifier=verifier, redirect_uri=attempt.redirect_uri
    )
    return _store(attempt, grant)


def note_failure(attempt: AuthorizationRequest, *, code: str) -> None:
    """Remember how a used-up attempt failed, for a second arrival of the same callback."""
    _close(attempt, failure=code[:50])


# RFC 6749 §4.1.2.1, and OpenID Connect's for `prompt=none`.
_ERRORS = frozenset(
    {
        "access_denied",
        "invalid_request",
        "invalid_scope",
        "login_required",
        "server_error",
        "temporarily_unavailable",
        "unauthorized_client",
        "unsupported_response_type",
    }
)


def _hash(value: str) -> str:
    return sha256(value.encode("utf-8", "surrogatepass")).hexdigest()


def _hash_state(state: Secret) -> str:
    return _hash(state.reveal()) if len(state.reveal()) <= LONGEST_STATE else ""


def _forget_oldest(*, beside: AuthorizationRequest) -> None:
    # Whatever the clocks of other machines say, never the one that has just begun.
    attempts = AuthorizationRequest.objects.using(database()).exclude(pk=beside.pk)
    pending = attempts.filter(user=beside.user_id, used_at=None).order_by("-created_at", "-pk")
    too_many = list(pending.values_list("pk", flat=True)[MOST_PENDING - 1 :])
    if too_many:
        attempts.filter(pk__in=too_many).delete()


def _issuers() -> set[str]:
    config = get_config()
    origins = {urlsplit(url) for url in (config.authorize_url, config.token_url)}
    return {f"{url.scheme}://{url.netloc}{slash}" for url in origins for slash in ("", "/")}


def _why_not(
    attempt: AuthorizationRequest | None, *, user: AbstractBaseUser, marker: str
) -> AuthorizationFailed:
    config = get_config()
    if attempt is None:
        return AuthorizationFailed("No attempt to connect has this state.", code="unknown_state")
    if attempt.user_id != user.pk:
        return AuthorizationFailed("Another user started this attempt.", code="other_user")
    if not hmac.compare_digest(attempt.session_marker, marker):
        return AuthorizationFailed("Another browser started this attempt.", code="other_browser")
    if (attempt.environment, attempt.client_id) != (config.environment, config.client_id):
        return AuthorizationFailed(
            "The site's environment or client changed since this attempt began.",
            code="other_environment",
        )
    if attempt.used_at is not None:
        return AuthorizationFailed("This attempt was used already.", code="already_used")
    return AuthorizationFailed("This attempt took longer than ten minutes.", code="expired")


def _store(attempt: AuthorizationRequest, grant: TokenGrant) -> Connected:
    # Never the organisation that was wanted: the user may have chosen another one at Actionstep.
    orgkey = until_done(lambda: _spelling(attempt, grant.orgkey or ""))
    connection = Connection(
        user_id=attempt.user_id,
        environment=attempt.environment,
        client_id=attempt.client_id,
        orgkey=orgkey,
    )
    values = _values(connection, attempt, grant)
    created = until_done(lambda: _write(connection, values))
    stored = (
        on_primary()
        .select_related("user")
        .get(user=attempt.user_id, environment=attempt.environment, orgkey=orgkey)
    )
    _close(attempt, result=stored)
    kind = EventKind.CONNECTED if created else EventKind.RECONNECTED
    tell([Change(stored, [(kind, " ".join(stored.granted_scopes))], actor=stored.user)])
    instead_of = attempt.orgkey if attempt.orgkey not in ("", orgkey) else ""
    return Connected(connection=stored, created=created, instead_of=instead_of)


def _close(attempt: AuthorizationRequest, **ending: Any) -> None:
    # Its verifier has served, and is kept no longer.
    AuthorizationRequest.objects.filter(pk=attempt.pk).update(**ending, sealed_code_verifier="")


def _spelling(attempt: AuthorizationRequest, orgkey: str) -> str:
    # As the row spells it, if there is one: its tokens are bound to that, and MySQL finds it by either.
    rows = on_primary().filter(
        user=attempt.user_id, environment=attempt.environment, orgkey__iexact=orgkey
    )
    return rows.values_list("orgkey", flat=True).first() or orgkey


def _values(
    connection: Connection, attempt: AuthorizationRequest, grant: TokenGrant
) -> dict[str, Any]:
    config = get_config()
    if not connection.orgkey or grant.refresh_token is None or grant.api_endpoint is None:
        raise AuthorizationFailed(
            "Actionstep's answer lacks the organisation, the refresh token or the API endpoint.",
            code="incomplete_answer",
        )
    limit = grant.requested_at + config.refresh_token_lifetime
    return {
        "client_id": attempt.client_id,
        "api_endpoint": trusted_api_endpoint(grant.api_endpoint, config.api_hosts),
        "granted_scopes": list(grant.scopes or attempt.scopes),
        "sealed_access_token": connection.seal(ACCESS_TOKEN, grant.access_token),
        "sealed_refresh_token": connection.seal(REFRESH_TOKEN, grant.refresh_token),
        "access_token_expires_at": grant.access_token_expires_at,
        "refresh_token_expires_at": limit,
        "status": Status.CONNECTED,
        "status_reason": "",
        "refresh_at": policy.refresh_due_at(
            now=grant.requested_at,
            access_token_expires_at=grant.access_token_expires_at,
            refresh_token_expires_at=limit,
            last_used_at=grant.requested_at,
            config=config,
        ),
        "flagged_at": None,
        "connected_at": grant.requested_at,
        "last_refreshed_at": None,
        "last_used_at": grant.requested_at,
        **UNTROUBLED,
        **RELEASED,
    }


def _write(connection: Connection, values: dict[str, Any]) -> bool:
    """Renew the row of this organisation, or insert it; return whether it is new."""
    mine = on_primary().filter(
        user=connection.user_id, environment=connection.environment, orgkey=connection.orgkey
    )
    if mine.update(**values, generation=F("generation") + 1):
        return False
    for name, value in values.items():
        setattr(connection, name, value)
    try:
        with transaction.atomic(using=database()):
            connection.save(force_insert=True, using=database())
    except IntegrityError:
        # Another tab stored the same organisation between the two statements, or the user is gone.
        if not mine.update(**values, generation=F("generation") + 1):
            raise
        return False
    return True
