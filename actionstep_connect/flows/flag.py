"""Flagging: connections whose refresh token nears its limit although refreshing was tried."""

from datetime import UTC, datetime, timedelta
from functools import partial

from django.db import transaction
from django.db.models import Q

from actionstep_connect.conf import get_config
from actionstep_connect.flows.database import on_primary, until_done
from actionstep_connect.flows.events import Change, announce, record
from actionstep_connect.models import EventKind
from actionstep_connect.querysets import ConnectionQuerySet

BATCH = 500


def flag_nearing_limit() -> int:
    """Flag each refresh token once when it comes within WARN_BEFORE of its limit; return how many.

    A connection that is due, or being refreshed, has not been tried since the workers came back: it
    is left to the next run. One of another client id can never be tried, and is flagged all the same.
    """
    now, config = datetime.now(UTC), get_config()
    tried = Q(refresh_at__gt=now) | ~Q(client_id=config.client_id)
    rows = (
        on_primary()
        .here()
        .nearing_limit(now=now, within=config.warn_before)
        .filter(tried, flagged_at=None)
        .free()
    )
    flagged = 0
    for connection in rows.order_by("refresh_token_expires_at")[:BATCH]:
        days = max((connection.refresh_token_expires_at or now) - now, timedelta(0)).days
        change = Change(connection, [(EventKind.FLAGGED, f"{days} days left")])
        row = rows.filter(pk=connection.pk, generation=connection.generation)
        if until_done(partial(_flag, row, change, now=now)):
            connection.flagged_at = now
            announce(change)
            flagged += 1
    return flagged


def _flag(row: ConnectionQuerySet, change: Change, *, now: datetime) -> bool:
    # Both or neither: whoever is flagged without an event would never be told.
    with transaction.atomic(using=row.db):
        return bool(row.update(flagged_at=now)) and record(change)
