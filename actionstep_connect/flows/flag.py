"""Flagging: connections whose refresh token nears its limit although refreshing was tried."""

from datetime import UTC, datetime

from django.db.models import Q

from actionstep_connect.conf import get_config
from actionstep_connect.flows.database import on_primary
from actionstep_connect.flows.events import Change, tell
from actionstep_connect.models import EventKind

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
    flagged = []
    for connection in rows.order_by("refresh_token_expires_at")[:BATCH]:
        if rows.filter(pk=connection.pk, generation=connection.generation).update(flagged_at=now):
            connection.flagged_at = now
            days = max((connection.refresh_token_expires_at or now) - now, now - now).days
            flagged.append(Change(connection, [(EventKind.FLAGGED, f"{days} days left")]))
    tell(flagged)
    return len(flagged)
