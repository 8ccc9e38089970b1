"""Claiming: who may spend a refresh token, and until when.

A claim is a lease on a row with a random owner, on the database's clock. It commits before anything
is sent and marks the outcome as unknown, so that a process killed at any later moment leaves a row
that says so. The refresh token is read under the lease, never before.
"""

import secrets
import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from django.db import connections, transaction
from django.db.models import F, QuerySet
from django.db.models.functions import Coalesce

from actionstep_connect.conf import get_config
from actionstep_connect.flows.database import on_primary
from actionstep_connect.models import Connection
from actionstep_connect.models.connection import RELEASED
from actionstep_connect.querysets import ConnectionQuerySet, UtcNow

_NOT_READ = (
    "api_endpoint",
    "sealed_access_token",
    "access_token_expires_at",
    "refresh_at",
    "remind_at",
    "last_failed_at",
    "connected_at",
    "last_refreshed_at",
    "lease_owner",
    "lease_expires_at",
)
# Some databases keep milliseconds, some microseconds.
_CLOCK_RESOLUTION = timedelta(milliseconds=2)


class Claim(NamedTuple):
    """The right to spend the refresh token of `connection`, which was read under the lease."""

    connection: Connection
    owner: str
    #: Whether an earlier attempt with this same refresh token had no answer.
    outcome_was_unknown: bool
    #: The monotonic clock before the claim: the lease cannot have begun earlier.
    begun: float

    @property
    def id(self) -> UUID:
        """The connection's id."""
        return self.connection.id

    @property
    def generation(self) -> int:
        """The identity of the refresh token that this claim may spend."""
        return self.connection.generation

    def is_long_enough(self) -> bool:
        """Say whether the lease outlasts one whole exchange that begins now."""
        left = self.begun + lease_length().total_seconds() - time.monotonic()
        return left > get_config().http_timeout


def lease_length() -> timedelta:
    """Return how long a claim lasts: two whole exchanges and a minute."""
    return timedelta(seconds=2 * get_config().http_timeout + 60)


def claim_due(*, limit: int) -> list[Claim]:
    """Claim up to `limit` due connections; those whose lease lapsed come last.

    A lapsed lease may belong to a row that kills its workers: it must not starve the others.
    """
    due = due_in_order()
    claims = _claim_batch(due.unleased(), limit=limit)
    if len(claims) < limit:
        claims += _claim_batch(due.lapsed(), limit=limit - len(claims))
    return claims


def due_in_order() -> ConnectionQuerySet:
    """Return what is due, the longest overdue first, without the columns that a run never reads."""
    return on_primary().due(now=datetime.now(UTC)).order_by("refresh_at").defer(*_NOT_READ)


def claim_one(connection: Connection, *, statuses: Sequence[str]) -> Claim | None:
    """Claim `connection` if it has one of `statuses` and nobody is refreshing it."""
    rows = on_primary().filter(pk=connection.pk, status__in=statuses).free()
    claims = _claim_batch(rows, limit=1)
    return claims[0] if claims else None


def give_back(claims: Sequence[Claim]) -> None:
    """Release claims whose token was not sent, as if they had never been made."""
    for owner, was_unknown in {(claim.owner, claim.outcome_was_unknown) for claim in claims}:
        ids = [
            claim.id
            for claim in claims
            if claim.owner == owner and claim.outcome_was_unknown is was_unknown
        ]
        known = {} if was_unknown else {"outcome_unknown_since": None}
        on_primary().filter(pk__in=ids, lease_owner=owner).update(**RELEASED, **known)


def _claim_batch(rows: "QuerySet[Connection]", *, limit: int) -> list[Claim]:
    if connections[rows.db].features.has_select_for_update_skip_locked:
        return _claim_by_lock(rows, limit=limit)
    return _claim_by_update(rows, limit=limit)


def _claim_by_lock(rows: "QuerySet[Connection]", *, limit: int) -> list[Claim]:
    # BEGIN; SELECT … FOR UPDATE SKIP LOCKED LIMIT n; UPDATE … WHERE id IN (…); COMMIT
    # NO KEY where there is such a thing, so that a transaction which only points at the row is not
    # in our way.
    no_key = connections[rows.db].features.has_select_for_no_key_update
    owner, begun = secrets.token_hex(16), time.monotonic()
    with transaction.atomic(using=rows.db):
        locked = list(rows.select_for_update(skip_locked=True, no_key=no_key)[:limit])
        if locked:
            _mark(on_primary().filter(pk__in=[row.pk for row in locked]), owner)
    return [
        Claim(
            connection=row,
            owner=owner,
            outcome_was_unknown=row.outcome_unknown_since is not None,
            begun=begun,
        )
        for row in locked
    ]


def _claim_by_update(rows: "QuerySet[Connection]", *, limit: int) -> list[Claim]:
    # SELECT id … LIMIT n; UPDATE … WHERE id IN (…) AND free; SELECT … WHERE id IN (…) AND owner = ?
    owner, begun = secrets.token_hex(16), time.monotonic()
    candidates = list(rows.values_list("pk", flat=True)[:limit])
    if not candidates or not _mark(rows.order_by().filter(pk__in=candidates), owner):
        return []
    held = on_primary().filter(pk__in=candidates, lease_owner=owner).order_by("refresh_at")
    return [
        Claim(
            connection=row,
            owner=owner,
            outcome_was_unknown=_is_older_than_lease(row),
            begun=begun,
        )
        for row in held
    ]


def _mark(rows: "QuerySet[Connection]", owner: str) -> int:
    return rows.update(
        lease_owner=owner,
        lease_expires_at=UtcNow() + lease_length(),
        outcome_unknown_since=Coalesce(F("outcome_unknown_since"), UtcNow()),
    )


def _is_older_than_lease(row: Connection) -> bool:
    # Both marks of a first attempt were set by one statement, so their difference is the lease.
    since, until = row.outcome_unknown_since, row.lease_expires_at
    return (
        since is not None
        and until is not None
        and abs(until - lease_length() - since) > _CLOCK_RESOLUTION
    )
