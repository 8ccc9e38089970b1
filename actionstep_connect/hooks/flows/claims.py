"""Claims of notifications: who delivers one, and until when. Those of one row never overtake."""

import secrets
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db import connections, router, transaction
from django.db.models import Exists, F, OuterRef, Q, QuerySet

from actionstep_connect.flows.conflicts import repeated
from actionstep_connect.hooks.models import Notification, State
from actionstep_connect.models.querysets import UtcNow

#: How long a worker may take with what it has claimed. If it dies, another one begins again then.
LEASE = timedelta(minutes=5)
BATCH = 20

NO_LEASE: dict[str, Any] = {"lease_owner": "", "lease_expires_at": None}


def claim(limit: int = BATCH) -> list[Notification]:
    """Claim what is due, the oldest of each row alone; its lease is by the database's clock.

    What was claimed before, by a process that did not come back, is claimed alone, and that counts as
    a failure: if its handler ends the process, no other change ends with it, nor that one forever.
    """
    return repeated(lambda: _claim(limit))


def settle(notification: Notification, **values: Any) -> bool:
    """Store what came of a claimed notification and give it back; False if the claim was lost."""
    mine = notifications().filter(pk=notification.pk, lease_owner=notification.lease_owner)
    return repeated(lambda: mine.update(**NO_LEASE, **values)) == 1


def notifications() -> "QuerySet[Notification]":
    """Return all notifications, on the primary."""
    return Notification.objects.using(router.db_for_write(Notification))


def due() -> "QuerySet[Notification]":
    """Return what waits, is due and unclaimed, and has nothing of its own row before it."""
    earlier = notifications().filter(
        lane=OuterRef("lane"), state=State.WAITING, pk__lt=OuterRef("pk")
    )
    free = Q(lease_expires_at=None) | Q(lease_expires_at__lt=UtcNow())
    waiting = notifications().filter(free, state=State.WAITING, due_at__lte=datetime.now(UTC))
    return waiting.exclude(Exists(earlier)).order_by("due_at")


def _claim(limit: int) -> list[Notification]:
    owner, rows = secrets.token_hex(16), due()
    if connections[rows.db].features.has_select_for_update_skip_locked:
        # BEGIN; SELECT … FOR UPDATE SKIP LOCKED LIMIT n; UPDATE … WHERE id IN (…); COMMIT
        with transaction.atomic(using=rows.db):
            keys, values = _chosen(rows.select_for_update(skip_locked=True)[:limit])
            if keys:
                _mark(notifications().filter(pk__in=keys), owner, values)
    else:
        # SELECT id … LIMIT n; UPDATE … WHERE id IN (…) AND free
        keys, values = _chosen(rows[:limit])
        if keys:
            free = Q(lease_expires_at=None) | Q(lease_expires_at__lt=UtcNow())
            _mark(notifications().filter(free, pk__in=keys, state=State.WAITING), owner, values)
    if not keys:
        return []
    mine = notifications().filter(pk__in=keys, lease_owner=owner)
    return list(mine.select_related("subscription__organisation").order_by("pk"))


def _chosen(rows: "QuerySet[Notification]") -> tuple[list[int], dict[str, Any]]:
    """Return the keys of what is to be claimed at once, and what changes with that."""
    found = list(rows.values_list("pk", "lease_owner"))
    lapsed = [key for key, owner in found if owner]
    if lapsed:
        return lapsed[:1], {"failures": F("failures") + 1}
    return [key for key, _ in found], {}


def _mark(rows: "QuerySet[Notification]", owner: str, values: dict[str, Any]) -> None:
    rows.update(lease_owner=owner, lease_expires_at=UtcNow() + LEASE, **values)
