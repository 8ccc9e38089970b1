"""Pruning: delete what is no longer needed, so that nothing grows without bound."""

import time
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db.models import QuerySet

from actionstep_connect.conf import get_config
from actionstep_connect.flows.statistics import fold_old_hours
from actionstep_connect.models import AuthorizationRequest, ConnectionEvent

#: An expired authorization request still answers a second arrival for this long.
REQUEST_RETENTION = timedelta(hours=1)
BATCH = 1000
TIMEOUT = 5.0  # seconds in one round for each kind; a backlog shrinks from round to round


def prune() -> int:
    """Delete events past EVENT_RETENTION and authorization requests past use; return how many."""
    now = datetime.now(UTC)
    requests = AuthorizationRequest.objects.filter(expires_at__lt=now - REQUEST_RETENTION)
    events = ConnectionEvent.objects.filter(at__lt=now - get_config().event_retention)
    fold_old_hours()
    return _delete(requests.order_by("expires_at")) + _delete(events.order_by("at"))


def _delete(rows: "QuerySet[Any]") -> int:
    # In batches, which keep each transaction short. Ordered as the index is that finds them.
    deleted, ends = 0, time.monotonic() + TIMEOUT
    while time.monotonic() < ends:
        ids = list(rows.values_list("pk", flat=True)[:BATCH])
        if ids:
            deleted += rows.order_by().filter(pk__in=ids).delete()[0]
        if len(ids) < BATCH:
            break
    return deleted
