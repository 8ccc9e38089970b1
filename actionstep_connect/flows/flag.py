"""Flagging: connections whose refresh token nears its limit although refreshing was tried."""

from datetime import UTC, datetime, timedelta
from functools import partial

from django.db.models import Q

from actionstep_connect.conf import get_config
from actionstep_connect.flows.database import (
    primary_connections,
    retry_unless_locked,
    update_unlocked,
)
from actionstep_connect.flows.events import ConnectionChange, announce, write_with_events
from actionstep_connect.models import EventKind
from actionstep_connect.models.querysets import ConnectionQuerySet

BATCH = 500


def flag_expiring() -> int:
    """Flag each refresh token once when it comes within WARN_BEFORE of its limit; return how many.

    A connection that is due, or being refreshed, has not been tried since the workers came back: it
    is left to the next run. One of another client id can never be tried, and is flagged nevertheless.
    """
    now, config = datetime.now(UTC), get_config()
    tried = Q(refresh_at__gt=now) | ~Q(client_id=config.client_id)
    rows = (
        primary_connections()
        .in_environment()
        .expiring(now=now, within=config.warn_before)
        .filter(tried, flagged_at=None)
        .claimable()
    )
    flagged = 0
    for connection in rows.order_by("refresh_token_expires_at")[:BATCH]:
        days = max((connection.refresh_token_expires_at or now) - now, timedelta(0)).days
        change = ConnectionChange(connection, [(EventKind.FLAGGED, f"{days} days left")])
        row = rows.filter(pk=connection.pk, generation=connection.generation)
        if retry_unless_locked(partial(_flag, row, change, now=now)):
            connection.flagged_at = now
            announce(change)
            flagged += 1
    return flagged


def _flag(row: ConnectionQuerySet, change: ConnectionChange, *, now: datetime) -> bool:
    return write_with_events(change, lambda: bool(update_unlocked(row, flagged_at=now)))
