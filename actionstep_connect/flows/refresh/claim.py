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
from actionstep_connect.flows.database import primary_connections, update_unlocked
from actionstep_connect.models import Connection
from actionstep_connect.models.connection import NO_LEASE
from actionstep_connect.models.querysets import ConnectionQuerySet, UtcNow

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
    #: The identity of the refresh token that this claim may spend. It stays, whatever is stored.
    generation: int
    owner: str
    #: Whether an earlier attempt with this same refresh token had no answer.
    outcome_was_unknown: bool
    #: The clock of `_elapsed` before the claim: the lease cannot have begun earlier.
    begun: float

    @property
    def id(self) -> UUID:
        """The connection's id."""
        return self.connection.id

    def is_long_enough(self) -> bool:
        """Return whether the lease outlasts one whole exchange that begins now."""
        left = self.begun + lease_length().total_seconds() - _elapsed()
        return left > get_config().http_timeout


def lease_length() -> timedelta:
    """Return how long a claim lasts: two whole exchanges and a minute."""
    return timedelta(seconds=2 * get_config().http_timeout + 60)


def claim_due(*, limit: int, owner: str) -> list[Claim]:
    """Claim up to `limit` due connections, the longest overdue first; none whose lease lapsed."""
    return _claim_batch(due_in_order().unleased(), limit=limit, owner=owner)


def claim_lapsed(*, owner: str) -> list[Claim]:
    """Claim one due connection whose lease lapsed, if there is one.

    It may be what killed its worker, so it is claimed last and alone: it takes no other with it.
    """
    return _claim_batch(due_in_order().lapsed(), limit=1, owner=owner)


def due_in_order() -> ConnectionQuerySet:
    """Return what is due, the longest overdue first, without the columns that a run never reads."""
    return primary_connections().due(now=datetime.now(UTC)).order_by("refresh_at").defer(*_NOT_READ)


def new_owner() -> str:
    """Return the owner of a claim to come."""
    return secrets.token_hex(16)


def claim_one(connection: Connection, *, statuses: Sequence[str], owner: str) -> Claim | None:
    """Claim `connection` if it has one of `statuses` and no process is refreshing it."""
    rows = primary_connections().filter(pk=connection.pk, status__in=statuses).claimable()
    claims = _claim_batch(rows, limit=1, owner=owner)
    return claims[0] if claims else None


def give_back_unsent(connection_id: UUID, *, owner: str) -> None:
    """Release what `owner` claimed, if it did: something struck before anything was sent."""
    give_back(_held(primary_connections().filter(pk=connection_id), owner, begun=0))


def give_back_due(*, owner: str) -> None:
    """Release what `owner` claimed of what is due, if it did: nothing of that was sent."""
    give_back(_held(primary_connections().due(now=datetime.now(UTC)), owner, begun=0))


def give_back(claims: Sequence[Claim]) -> int:
    """Release claims whose token was not sent, as if they had never been made; return how many.

    Raises OperationalError if another transaction has locked one of them.
    """
    released = 0
    for owner, was_unknown in {(claim.owner, claim.outcome_was_unknown) for claim in claims}:
        ids = [
            claim.id
            for claim in claims
            if claim.owner == owner and claim.outcome_was_unknown is was_unknown
        ]
        known = {} if was_unknown else {"outcome_unknown_since": None}
        rows = primary_connections().filter(pk__in=ids, lease_owner=owner)
        released += update_unlocked(rows, **NO_LEASE, **known)
    return released


def _claim_batch(rows: "QuerySet[Connection]", *, limit: int, owner: str) -> list[Claim]:
    if connections[rows.db].features.has_select_for_update_skip_locked:
        return _claim_by_lock(rows, limit=limit, owner=owner)
    return _claim_by_update(rows, limit=limit, owner=owner)


def _claim_by_lock(rows: "QuerySet[Connection]", *, limit: int, owner: str) -> list[Claim]:
    # BEGIN; SELECT … FOR UPDATE SKIP LOCKED LIMIT n; UPDATE … WHERE id IN (…); COMMIT
    # NO KEY where there is such a thing, so that a transaction which only points at the row is not
    # in the way.
    no_key = connections[rows.db].features.has_select_for_no_key_update
    begun = _elapsed()
    with transaction.atomic(using=rows.db):
        locked = list(rows.select_for_update(skip_locked=True, no_key=no_key)[:limit])
        if locked:
            _mark(primary_connections().filter(pk__in=[row.pk for row in locked]), owner)
    return [
        Claim(
            connection=row,
            generation=row.generation,
            owner=owner,
            outcome_was_unknown=row.outcome_unknown_since is not None,
            begun=begun,
        )
        for row in locked
    ]


def _claim_by_update(rows: "QuerySet[Connection]", *, limit: int, owner: str) -> list[Claim]:
    # SELECT id … LIMIT n; UPDATE … WHERE id IN (…) AND free; SELECT … WHERE id IN (…) AND owner = ?
    begun = _elapsed()
    candidates = list(rows.values_list("pk", flat=True)[:limit])
    if not candidates or not _mark(rows.order_by().filter(pk__in=candidates), owner):
        return []
    return _held(primary_connections().filter(pk__in=candidates), owner, begun=begun)


def _held(rows: "QuerySet[Connection]", owner: str, *, begun: float) -> list[Claim]:
    held = rows.filter(lease_owner=owner).order_by("refresh_at")
    return [
        Claim(
            connection=row,
            generation=row.generation,
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


def _elapsed() -> float:
    # Seconds by a clock that no one sets, and that counts while this machine sleeps: its lease ends
    # meanwhile. `time.monotonic` stands still then, on Linux.
    return time.clock_gettime(_CLOCK) if _CLOCK is not None else time.monotonic()


_CLOCK = getattr(time, "CLOCK_BOOTTIME", None)


def _is_older_than_lease(row: Connection) -> bool:
    # Both marks of a first attempt were set by one statement, so their difference is the lease.
    since, until = row.outcome_unknown_since, row.lease_expires_at
    return (
        since is not None
        and until is not None
        and abs(until - lease_length() - since) > _CLOCK_RESOLUTION
    )
