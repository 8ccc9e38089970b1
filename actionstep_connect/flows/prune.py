"""Pruning: what nobody needs any more, so that nothing grows without bound."""

from datetime import UTC, datetime, timedelta
from typing import Any

from django.db.models import QuerySet

from actionstep_connect.conf import get_config
from actionstep_connect.models import AuthorizationRequest, ConnectionEvent, RefreshHour

#: An expired authorization request still answers a second arrival for this long.
REQUEST_RETENTION = timedelta(hours=1)
#: The admin shows the last day.
HOUR_RETENTION = timedelta(days=7)
BATCH = 1000


def prune() -> int:
    """Delete events past EVENT_RETENTION, and requests and hours past use; return how many."""
    now = datetime.now(UTC)
    requests = AuthorizationRequest.objects.filter(expires_at__lt=now - REQUEST_RETENTION)
    events = ConnectionEvent.objects.filter(at__lt=now - get_config().event_retention)
    hours = RefreshHour.objects.filter(hour__lt=now - HOUR_RETENTION)
    return _delete_some(requests) + _delete_some(events) + _delete_some(hours)


def _delete_some(rows: "QuerySet[Any]") -> int:
    # A batch a minute keeps each transaction short; a backlog shrinks from run to run.
    ids = list(rows.order_by("pk").values_list("pk", flat=True)[:BATCH])
    return rows.filter(pk__in=ids).delete()[0] if ids else 0
