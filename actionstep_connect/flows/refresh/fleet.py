"""What a run asks and writes of all connections at once."""

from datetime import UTC, datetime

from django.db.models import F

from actionstep_connect import policy
from actionstep_connect.conf import get_config
from actionstep_connect.flows.database import (
    DATABASE_UNAVAILABLE,
    primary_alias,
    primary_connections,
    update_if_free,
)
from actionstep_connect.flows.refresh.pacing import MAX_REJECTIONS
from actionstep_connect.models import Heartbeat, Status


def count_due() -> int:
    """Return how many connections are due now."""
    return primary_connections().due(now=datetime.now(UTC)).count()


def count_fleet() -> int:
    """Return how many connections this site's client serves; no more than matter."""
    config = get_config()
    rows = (
        primary_connections()
        .in_environment()
        .filter(client_id=config.client_id, status=Status.CONNECTED)
    )
    return rows[:MAX_REJECTIONS].count()


def is_writable() -> bool:
    """Return whether the database takes writes at all."""
    # UPDATE heartbeat SET seconds = seconds: a write to a row that nothing holds for long.
    try:
        Heartbeat.objects.using(primary_alias()).update(seconds=F("seconds"))
    except DATABASE_UNAVAILABLE:
        return False
    return True


def repair_clock_damage() -> None:
    """Have refreshed now what a clock that ran ahead has put off for too long."""
    # UPDATE … SET refresh_at = now WHERE … AND refresh_at > now + the longest delay there can be:
    # rows stored while the clock ran ahead would sleep past the real limit of their refresh tokens.
    now = datetime.now(UTC)
    config = get_config()
    rows = primary_connections().filter(
        environment=config.environment,
        client_id=config.client_id,
        refresh_at__gt=now + policy.longest_delay(config),
    )
    update_if_free(rows, refresh_at=now)  # Else the next run's.
