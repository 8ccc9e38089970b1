"""Storing: one conditional UPDATE for each answer, repeated until it is done.

    UPDATE … WHERE id = ? AND generation = ?                       -- tokens
    UPDATE … WHERE id = ? AND generation = ? AND lease_owner = ?   -- refusals and failures

None waits long for a row that another transaction has locked (`database.locks`).

What has to be told is stored in one transaction with it (`events`); most answers tell nothing.

`generation` is the identity of the refresh token that was spent. So a late answer never overwrites a
newer token or brings back an ended connection, and a good late answer still heals a row that was
marked dead meanwhile.
"""

import logging
from copy import copy
from datetime import UTC, datetime
from typing import Any

from actionstep_connect import policy
from actionstep_connect.conf import get_config
from actionstep_connect.environments import trusted_api_endpoint
from actionstep_connect.error_codes import ErrorCode
from actionstep_connect.exceptions import (
    ActionstepConnectError,
    ClientRejected,
    TemporarilyUnavailable,
    UntrustedHost,
)
from actionstep_connect.flows.database import primary_connections, update_unlocked
from actionstep_connect.flows.events import ConnectionChange, write_with_events
from actionstep_connect.flows.organisation_names import naming_for
from actionstep_connect.flows.refresh.claim import Claim, give_back
from actionstep_connect.flows.refresh.renew import (
    Failed,
    Outcome,
    Refused,
    Rejected,
    Renewed,
    Unreadable,
    outcome_and_code,
)
from actionstep_connect.logs import LogEvent, log
from actionstep_connect.models import Connection, EventKind, Status, StatusReason
from actionstep_connect.models.connection import ACCESS_TOKEN, NO_FAILURES, NO_LEASE, REFRESH_TOKEN
from actionstep_connect.oauth import TokenGrant
from actionstep_connect.orgkeys import same_orgkey

UNREADABLE_ERROR = "Its tokens cannot be decrypted: the row was altered, or moved to another user."


def store(claim: Claim, outcome: Outcome, *, with_events: bool = True) -> ConnectionChange | None:
    """Store what came of a claim.

    Returns what changed, with its connection as it is stored, or None if the row had moved on
    meanwhile or was given back untouched. The claim stays as it was: a commit may fail, and the
    answer is then stored again.
    `with_events=False` leaves out the audit trail, for tokens that cannot be stored with it. Raises one
    of `DATABASE_UNAVAILABLE` while the database is away or another transaction has
    locked the row: it may be repeated, and has to be.
    """
    by_owner = True
    match outcome:
        case Renewed(grant):
            change = ConnectionChange(claim.connection)
            values = _granted_values(claim.connection, grant, change)
            by_owner = False
        case Refused():
            reason = StatusReason.INTERRUPTED if claim.outcome_was_unknown else StatusReason.REFUSED
            error = "Actionstep refused the refresh token (invalid_grant)."
            change, values = _ending_of(claim, reason, error)
        case Unreadable():
            change, values = _ending_of(claim, StatusReason.UNREADABLE, UNREADABLE_ERROR)
        case Failed(error=failure) | Rejected(error=failure):
            change, values = _failure(claim, failure)
        case _:
            give_back([claim])
            return None
    if not with_events:
        change.events.clear()
    return change if _update(claim, values, change, by_owner=by_owner) else None


def log_refresh(claim: Claim, outcome: Outcome, *, stored: bool) -> None:
    """Log what came of a claim, once it is stored."""
    came_out, code = outcome_and_code(outcome, stored=stored)
    # A rejection may be the site's trouble or this one row's: it is named where people look.
    level = logging.WARNING if isinstance(outcome, Rejected) else logging.INFO
    log(level, LogEvent.REFRESH, connection=claim.id, outcome=came_out or "not_sent", code=code)


def tries_with_events(outcome: Outcome) -> tuple[bool, ...]:
    """Return, for each try to store `outcome`, whether its events are to be stored with it.

    Twice, because a time limit may have struck, which is an exception like any other. Then tokens come
    before the audit trail. An ending is stored with its event only: its user has to be told.
    """
    return (True, True) if isinstance(outcome, Refused | Unreadable) else (True, True, False)


def store_failed(claim: Claim, outcome: Outcome, error: Exception) -> None:
    """Note that `outcome` could not be stored, so that its row backs off and the others go first.

    Without an event, which may be what cannot be stored.
    """
    change, values = _failure(claim, unstorable(outcome, error))
    change.events.clear()
    _update(claim, values, change, by_owner=True)


def unstorable(outcome: Outcome, error: Exception) -> TemporarilyUnavailable:
    """Return the error of an answer that could not be stored because of `error`."""
    message = f"Actionstep's answer could not be stored ({type(error).__name__})."
    is_spent = not isinstance(outcome, Refused | Unreadable)
    return TemporarilyUnavailable(message, code=ErrorCode.STORE_FAILED, outcome_known=not is_spent)


def _ending_of(
    claim: Claim, reason: StatusReason, error: str
) -> tuple[ConnectionChange, dict[str, Any]]:
    connection = claim.connection
    if connection.status == Status.RECONNECT_REQUIRED and connection.status_reason:
        reason = StatusReason(connection.status_reason)  # An admin retried it: still so.
    values = {
        "status": Status.RECONNECT_REQUIRED,
        "status_reason": reason,
        "refresh_at": None,
        "outcome_unknown_since": None,
        "last_error": error,
        "last_failed_at": datetime.now(UTC),
        **NO_LEASE,
    }
    return ConnectionChange(connection, ending_events(connection, reason)), values


def _failure(
    claim: Claim, error: TemporarilyUnavailable | ClientRejected
) -> tuple[ConnectionChange, dict[str, Any]]:
    connection, now = claim.connection, datetime.now(UTC)
    failures = connection.consecutive_failures + 1
    values: dict[str, Any] = {
        "consecutive_failures": failures,
        "last_error": str(error)[:200],
        "last_failed_at": now,
        **NO_LEASE,
    }
    if connection.status == Status.CONNECTED:
        values["refresh_at"] = _next_try(error, now=now, failures=failures)
    outcome_known = not isinstance(error, TemporarilyUnavailable) or error.outcome_known
    if outcome_known and not claim.outcome_was_unknown:
        values["outcome_unknown_since"] = None
    change = ConnectionChange(connection)
    if failures == policy.FAILING_AFTER:
        change.events.append((EventKind.REFRESH_FAILING, str(error)))
    return change, values


def _next_try(error: ActionstepConnectError, *, now: datetime, failures: int) -> datetime:
    if isinstance(error, TemporarilyUnavailable):
        return policy.retry_at(now=now, failures=failures, retry_after=error.retry_after)
    return policy.rejected_retry_at(now=now, failures=failures)


def _granted_values(
    connection: Connection, grant: TokenGrant, change: ConnectionChange
) -> dict[str, Any]:
    config = get_config()
    limit = connection.refresh_token_expires_at
    values: dict[str, Any] = {
        "sealed_access_token": connection.seal(ACCESS_TOKEN, grant.access_token),
        "access_token_expires_at": grant.access_token_expires_at,
        "status": Status.CONNECTED,
        "status_reason": "",
        "generation": connection.generation + 1,
        "last_refreshed_at": grant.requested_at,
        **NO_FAILURES,
        **NO_LEASE,
    }
    if grant.refresh_token is not None:
        limit = grant.requested_at + config.refresh_token_lifetime
        values |= {
            "sealed_refresh_token": connection.seal(REFRESH_TOKEN, grant.refresh_token),
            "refresh_token_expires_at": limit,
            "flagged_at": None,
        }
    if _is_recovery(connection, renewed=grant.refresh_token is not None):
        change.events.append((EventKind.RECOVERED, ""))
    values |= _scope_values(connection, grant, change)
    values |= _naming_values(connection, grant)
    values |= _endpoint_values(connection, grant, change)
    if _is_for_another_organisation(connection, grant):
        return values | _organisation_changed(connection, change)
    values["refresh_at"] = policy.refresh_due_at(
        now=grant.requested_at,
        access_token_expires_at=grant.access_token_expires_at,
        refresh_token_expires_at=limit or grant.requested_at + config.refresh_token_lifetime,
        last_used_at=connection.last_used_at,
        config=config,
    )
    return values


def _is_recovery(connection: Connection, *, renewed: bool) -> bool:
    return (
        connection.consecutive_failures >= policy.FAILING_AFTER
        or connection.status != Status.CONNECTED
        or (renewed and connection.flagged_at is not None)
    )


def _scope_values(
    connection: Connection, grant: TokenGrant, change: ConnectionChange
) -> dict[str, Any]:
    if grant.scopes is None:  # RFC 6749 §5.1: as before.
        return {}
    if set(grant.scopes) != set(connection.granted_scopes):
        change.events.append((EventKind.SCOPES_CHANGED, " ".join(grant.scopes)))
    return {"granted_scopes": list(grant.scopes)}


def _naming_values(connection: Connection, grant: TokenGrant) -> dict[str, Any]:
    scopes = connection.granted_scopes if grant.scopes is None else grant.scopes
    naming = naming_for(scopes, now=grant.requested_at)
    # One that is due already, or later, keeps its time.
    is_known = naming["organisation_name_due_at"] and connection.organisation_name_due_at
    return {} if is_known else naming


def _endpoint_values(
    connection: Connection, grant: TokenGrant, change: ConnectionChange
) -> dict[str, Any]:
    if grant.api_endpoint is None:
        return {}
    try:
        return {"api_endpoint": trusted_api_endpoint(grant.api_endpoint, get_config().api_hosts)}
    except UntrustedHost as error:
        refusal = str(error)[:200]
        if connection.last_error != refusal:  # Once, not with every refresh.
            change.events.append((EventKind.ENDPOINT_REFUSED, refusal))
        return {"last_error": refusal}


def _is_for_another_organisation(connection: Connection, grant: TokenGrant) -> bool:
    if grant.orgkey is not None:
        return not same_orgkey(grant.orgkey, connection.orgkey)
    return connection.status_reason == StatusReason.ORGANISATION_CHANGED  # As before.


def _organisation_changed(connection: Connection, change: ConnectionChange) -> dict[str, Any]:
    # The tokens are another organisation's: kept, because they may be all there is, and never used.
    reason = StatusReason.ORGANISATION_CHANGED
    change.events = ending_events(connection, reason)
    return {"status": Status.RECONNECT_REQUIRED, "status_reason": reason, "refresh_at": None}


def ending_events(connection: Connection, reason: StatusReason) -> list[tuple[EventKind, str]]:
    """Return what to tell when only its user can bring `connection` back."""
    # What an admin retried in vain has not ended again: it is reported once.
    if (connection.status, connection.status_reason) == (Status.RECONNECT_REQUIRED, reason):
        return []
    return [(EventKind.RECONNECT_REQUIRED, str(reason.label))]


def _update(
    claim: Claim, values: dict[str, Any], change: ConnectionChange, *, by_owner: bool
) -> bool:
    """Write `values` with the events of `change`, unless the row has moved on."""
    fence: dict[str, Any] = {"pk": claim.id, "generation": claim.generation}
    if by_owner:
        fence["lease_owner"] = claim.owner
    rows = primary_connections().filter(**fence)
    stored = write_with_events(change, lambda: update_unlocked(rows, **values) == 1)
    if stored:
        change.connection = copy(claim.connection)
        for name, value in values.items():
            setattr(change.connection, name, value)
    return stored
