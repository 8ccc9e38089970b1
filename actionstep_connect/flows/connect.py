"""Connecting: from what Actionstep answered to stored tokens (RFC 6749 §4.1, RFC 7636, RFC 9700)."""

from functools import partial
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from django.contrib.auth.base_user import AbstractBaseUser
from django.db import IntegrityError, transaction
from django.db.models import F, Q, QuerySet

from actionstep_connect import oauth, policy
from actionstep_connect.conf import get_config
from actionstep_connect.crypto import get_key_ring
from actionstep_connect.environments import trusted_api_endpoint
from actionstep_connect.error_codes import ErrorCode
from actionstep_connect.exceptions import AuthorizationFailed
from actionstep_connect.flows.database import (
    primary_alias,
    primary_connections,
    retry_while_unavailable,
    shielded,
)
from actionstep_connect.flows.events import ConnectionChange, announce, write_events
from actionstep_connect.flows.organisation_names import naming_for
from actionstep_connect.models import AuthorizationRequest, Connection, EventKind, Status
from actionstep_connect.models.connection import ACCESS_TOKEN, NO_FAILURES, NO_LEASE, REFRESH_TOKEN
from actionstep_connect.models.querysets import ConnectionQuerySet
from actionstep_connect.oauth import TokenGrant
from actionstep_connect.orgkeys import same_orgkey
from actionstep_connect.secret import Secret

MAX_CODE = 2000

#: The generation of each of a user's connections, by orgkey.
Generations = dict[str, int]


class Connected(NamedTuple):
    """How a connect flow ended well."""

    connection: Connection
    #: The organisation that the user meant to reconnect, if Actionstep answered for another one.
    instead_of: str = ""


def check_answer(*, code: Secret, error: Secret, issuer: Secret | None) -> Secret:
    """Return the authorization code of a callback whose attempt was claimed (RFC 6749 §4.1.2).

    Raises AuthorizationFailed with Actionstep's `error` as code, or `malformed_callback`, or
    `issuer_mismatch` (RFC 9207).
    """
    if issuer is not None and issuer.reveal() not in _issuers():
        raise AuthorizationFailed(
            "The answer came from another issuer than Actionstep.", code=ErrorCode.ISSUER_MISMATCH
        )
    said, refused = len(code.reveal()), error.reveal()
    if bool(said) is bool(refused) or said > MAX_CODE:
        raise AuthorizationFailed(
            "The callback must hold a code or an error, and not both.",
            code=ErrorCode.MALFORMED_CALLBACK,
        )
    if refused:
        known = refused if refused in _ERRORS else ErrorCode.PROVIDER_ERROR
        raise AuthorizationFailed("Actionstep refused the authorization request.", code=known)
    return code


def finish(
    attempt: AuthorizationRequest, *, code: Secret, actor: AbstractBaseUser | None = None
) -> Connected:
    """Exchange `code` and store the connection. It is never repeated.

    `actor` is who acts, where that is another person than the user.

    Raises AuthorizationFailed, UntrustedHost, ClientRejected, DecryptionFailed, or
    TemporarilyUnavailable; then no connection has changed. It is AuthorizationFailed too where the
    user disconnected (`disconnected_meanwhile`) or was deleted (`user_deleted`) during the exchange.
    """
    get_key_ring()  # Fetched before there is a token: no vault may stand between that and its store.
    verifier = attempt.open_code_verifier()
    before = _generations(attempt)
    exchange = partial(
        oauth.exchange_code, code=code, code_verifier=verifier, redirect_uri=attempt.redirect_uri
    )
    return shielded(exchange, partial(_store, attempt, before, actor))


def note_failure(attempt: AuthorizationRequest, *, code: str) -> None:
    """Remember how a used-up attempt failed, for a second arrival of the same callback."""
    _row_of(attempt).update(failure=code, sealed_code_verifier="")


# RFC 6749 §4.1.2.1, and OpenID Connect's for `prompt=none`.
_ERRORS = frozenset(
    {
        ErrorCode.ACCESS_DENIED,
        ErrorCode.INVALID_REQUEST,
        ErrorCode.INVALID_SCOPE,
        ErrorCode.LOGIN_REQUIRED,
        ErrorCode.SERVER_ERROR,
        ErrorCode.TEMPORARILY_UNAVAILABLE,
        ErrorCode.UNAUTHORIZED_CLIENT,
        ErrorCode.UNSUPPORTED_RESPONSE_TYPE,
    }
)


def _issuers() -> set[str]:
    config = get_config()
    origins = {urlsplit(url) for url in (config.authorize_url, config.token_url)}
    return {f"{url.scheme}://{url.netloc}{slash}" for url in origins for slash in ("", "/")}


def _generations(attempt: AuthorizationRequest) -> Generations:
    return dict(_of_user(attempt).values_list("orgkey", "generation"))


def _of_user(attempt: AuthorizationRequest) -> ConnectionQuerySet:
    return primary_connections().filter(user=attempt.user_id, environment=attempt.environment)


def _store(
    attempt: AuthorizationRequest,
    before: Generations,
    actor: AbstractBaseUser | None,
    grant: TokenGrant,
) -> Connected:
    # Never the organisation that was wanted: the user may have chosen another one at Actionstep.
    orgkey = retry_while_unavailable(lambda: _spelling(attempt, grant.orgkey or ""))
    connection = Connection(
        user_id=attempt.user_id,
        environment=attempt.environment,
        client_id=attempt.client_id,
        orgkey=orgkey,
    )
    values = _values(connection, attempt, grant)
    change = retry_while_unavailable(
        lambda: _write_and_record(attempt, connection, values, before.get(orgkey), actor)
    )
    announce(change)
    is_as_meant = not attempt.orgkey or same_orgkey(attempt.orgkey, orgkey)
    return Connected(
        connection=change.connection,
        instead_of="" if is_as_meant else attempt.orgkey,
    )


def _gone() -> AuthorizationFailed:
    return AuthorizationFailed(
        "The user was deleted while Actionstep answered.", code=ErrorCode.USER_DELETED
    )


def _row_of(attempt: AuthorizationRequest) -> QuerySet[AuthorizationRequest]:
    return AuthorizationRequest.objects.using(primary_alias()).filter(pk=attempt.pk)


def _spelling(attempt: AuthorizationRequest, orgkey: str) -> str:
    # As the row spells it, if there is one, because its tokens are bound to that.
    for known in _of_user(attempt).values_list("orgkey", flat=True):
        if same_orgkey(known, orgkey):
            return known
    return orgkey


def _values(
    connection: Connection, attempt: AuthorizationRequest, grant: TokenGrant
) -> dict[str, Any]:
    config = get_config()
    if not connection.orgkey or grant.refresh_token is None or grant.api_endpoint is None:
        raise AuthorizationFailed(
            "Actionstep's answer lacks the organisation, the refresh token or the API endpoint.",
            code=ErrorCode.INCOMPLETE_ANSWER,
        )
    limit = grant.requested_at + config.refresh_token_lifetime
    scopes = list(grant.scopes or attempt.scopes)
    return {
        "client_id": attempt.client_id,
        "api_endpoint": trusted_api_endpoint(grant.api_endpoint, config.api_hosts),
        "granted_scopes": scopes,
        **naming_for(scopes, now=grant.requested_at),
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
        **NO_FAILURES,
        **NO_LEASE,
    }


def _write_and_record(
    attempt: AuthorizationRequest,
    connection: Connection,
    values: dict[str, Any],
    before: int | None,
    actor: AbstractBaseUser | None,
) -> ConnectionChange:
    """Store the connection, what is told of it, and the attempt's end, in one transaction."""
    rows = primary_connections().filter(
        user=connection.user_id, environment=connection.environment, orgkey=connection.orgkey
    )
    try:
        with transaction.atomic(using=primary_alias()):
            if (done := _committed(attempt)) is not None:
                return ConnectionChange(done)
            created = _write(rows, connection, values, before)
            stored = rows.select_related("user").first()
            if stored is None:
                raise _gone()
            kind = EventKind.CONNECTED if created else EventKind.RECONNECTED
            change = ConnectionChange(
                stored, [(kind, " ".join(stored.granted_scopes))], actor=actor or stored.user
            )
            write_events(change)
            # Its verifier has served, and is kept no longer.
            _row_of(attempt).update(result=stored, sealed_code_verifier="")
    except IntegrityError as error:  # PostgreSQL and SQLite look for the user when they commit.
        raise _gone() from error
    return change


def _committed(attempt: AuthorizationRequest) -> Connection | None:
    # The database may go away between a commit and its answer. The events of what was committed are
    # then announced by the next run.
    row = _row_of(attempt).select_related("result__user").first()
    return None if row is None else row.result


def _write(
    rows: ConnectionQuerySet, connection: Connection, values: dict[str, Any], before: int | None
) -> bool:
    """Renew the row of this organisation, the only one of `rows`, or insert it; return whether it is new.

    `before` is the row's generation before the exchange. A row that was disconnected since stays so.
    """
    # UPDATE … WHERE user, environment, orgkey AND (status <> disconnected OR generation = before)
    renewable = rows.filter(~Q(status=Status.DISCONNECTED) | Q(generation=before))
    renewed = {**values, "generation": F("generation") + 1}
    if renewable.update(**renewed):
        return False
    # A new instance each time: Django takes one whose INSERT was rolled back for a stored one.
    new = Connection(
        user_id=connection.user_id,
        environment=connection.environment,
        orgkey=connection.orgkey,
        **values,
    )
    try:
        with transaction.atomic(using=primary_alias()):
            new.save(using=primary_alias())
    except IntegrityError as error:
        # Another tab stored the same organisation between the two statements,
        if renewable.update(**renewed):
            return False
        # or the user disconnected it during the exchange,
        if rows.exists():
            raise AuthorizationFailed(
                "The user disconnected this organisation while Actionstep answered.",
                code=ErrorCode.DISCONNECTED_MEANWHILE,
            ) from error
        raise _gone() from error  # or the user is gone.
    return True
