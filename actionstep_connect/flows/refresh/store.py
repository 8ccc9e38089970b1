"""Storing: one conditional UPDATE for each answer, which whoever has it repeats until it is done.

    UPDATE … WHERE id = ? AND generation = ?                       -- tokens
    UPDATE … WHERE id = ? AND generation = ? AND lease_owner = ?   -- refusals and failures

`generation` is the identity of the refresh token that was spent. So a late answer never overwrites a
newer token or brings back an ended connection, and a good late answer still heals a row that was
marked dead meanwhile.
"""

import logging
from datetime import UTC, datetime
from typing import Any

from actionstep_connect import policy
from actionstep_connect.conf import get_config
from actionstep_connect.environments import trusted_api_endpoint
from actionstep_connect.exceptions import TemporarilyUnavailable, UntrustedHost
from actionstep_connect.flows.database import on_primary
from actionstep_connect.flows.events import Change
from actionstep_connect.flows.refresh.claim import Claim, give_back
from actionstep_connect.flows.refresh.renew import (
    Failed,
    Outcome,
    Refused,
    Renewed,
    name_of,
)
from actionstep_connect.logs import LogEvent, log
from actionstep_connect.models import Connection, EventKind, Status, StatusReason
from actionstep_connect.models.connection import ACCESS_TOKEN, REFRESH_TOKEN, RELEASED, UNTROUBLED
from actionstep_connect.oauth import TokenGrant


def store(claim: Claim, outcome: Outcome) -> Change | None:
    """Store what came of a claim, and bring its connection up to date.

    Returns what changed, or None if the row had moved on meanwhile or was given back untouched.
    Raises one of `AWAY` while the database is away: it may be repeated, and has to be.
    """
    change = _store(claim, outcome)
    name, code = name_of(outcome, stored=change is not None)
    log(logging.INFO, LogEvent.REFRESH, connection=claim.id, outcome=name, code=code)
    return change


def _store(claim: Claim, outcome: Outcome) -> Change | None:
    match outcome:
        case Renewed(grant):
            return _store_grant(claim, grant)
        case Refused():
            return _store_refusal(claim)
        case Failed(error):
            return _store_failure(claim, error)
        case _:
            give_back([claim])
            return None


def _store_grant(claim: Claim, grant: TokenGrant) -> Change | None:
    change = Change(claim.connection)
    values = _granted_values(claim.connection, grant, change)
    return change if _update(claim, values, by_owner=False) else None


def _store_refusal(claim: Claim) -> Change | None:
    connection = claim.connection
    reason = StatusReason.INTERRUPTED if claim.outcome_was_unknown else StatusReason.REFUSED
    if connection.status == Status.RECONNECT_REQUIRED and connection.status_reason:
        reason = StatusReason(connection.status_reason)  # Tried once more by an admin: still so.
    values = {
        "status": Status.RECONNECT_REQUIRED,
        "status_reason": reason,
        "refresh_at": None,
        "outcome_unknown_since": None,
        "last_error": "Actionstep refused the refresh token (invalid_grant).",
        "last_failed_at": datetime.now(UTC),
        **RELEASED,
    }
    change = Change(connection, _ending(connection, reason))
    return change if _update(claim, values, by_owner=True) else None


def _store_failure(claim: Claim, error: TemporarilyUnavailable) -> Change | None:
    connection, now = claim.connection, datetime.now(UTC)
    failures = connection.consecutive_failures + 1
    values: dict[str, Any] = {
        "consecutive_failures": failures,
        "last_error": str(error)[:200],
        "last_failed_at": now,
        **RELEASED,
    }
    if connection.status == Status.CONNECTED:
        values["refresh_at"] = policy.retry_at(
            now=now, failures=failures, retry_after=error.retry_after
        )
    if error.outcome_known and not claim.outcome_was_unknown:
        values["outcome_unknown_since"] = None
    change = Change(connection)
    if failures == policy.FAILING_AFTER:
        change.events.append((EventKind.REFRESH_FAILING, str(error)))
    return change if _update(claim, values, by_owner=True) else None


def _granted_values(connection: Connection, grant: TokenGrant, change: Change) -> dict[str, Any]:
    config = get_config()
    limit = connection.refresh_token_expires_at
    values: dict[str, Any] = {
        "sealed_access_token": connection.seal(ACCESS_TOKEN, grant.access_token),
        "access_token_expires_at": grant.access_token_expires_at,
        "status": Status.CONNECTED,
        "status_reason": "",
        "generation": connection.generation + 1,
        "last_refreshed_at": grant.requested_at,
        **UNTROUBLED,
        **RELEASED,
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


def _scope_values(connection: Connection, grant: TokenGrant, change: Change) -> dict[str, Any]:
    if grant.scopes is None:  # RFC 6749 §5.1: as before.
        return {}
    if set(grant.scopes) != set(connection.granted_scopes):
        change.events.append((EventKind.SCOPES_CHANGED, " ".join(grant.scopes)[:300]))
    return {"granted_scopes": list(grant.scopes)}


def _endpoint_values(connection: Connection, grant: TokenGrant, change: Change) -> dict[str, Any]:
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
        return grant.orgkey.casefold() != connection.orgkey.casefold()
    return connection.status_reason == StatusReason.ORGANISATION_CHANGED  # As before.


def _organisation_changed(connection: Connection, change: Change) -> dict[str, Any]:
    # The tokens are another organisation's: kept, for they may be all there is, and never used.
    reason = StatusReason.ORGANISATION_CHANGED
    change.events = _ending(connection, reason)
    return {"status": Status.RECONNECT_REQUIRED, "status_reason": reason, "refresh_at": None}


def _ending(connection: Connection, reason: StatusReason) -> list[tuple[EventKind, str]]:
    # What an admin tried once more in vain has not ended again: nobody is told twice.
    if (connection.status, connection.status_reason) == (Status.RECONNECT_REQUIRED, reason):
        return []
    return [(EventKind.RECONNECT_REQUIRED, str(reason.label))]


def _update(claim: Claim, values: dict[str, Any], *, by_owner: bool) -> bool:
    """Write `values` unless the row has moved on."""
    fence: dict[str, Any] = {"pk": claim.id, "generation": claim.generation}
    if by_owner:
        fence["lease_owner"] = claim.owner
    stored = on_primary().filter(**fence).update(**values) == 1
    if stored:
        for name, value in values.items():
            setattr(claim.connection, name, value)
    return stored
