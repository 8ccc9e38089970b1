"""When a connection's organisation is to be asked for its name, and keeping what it answers.

    UPDATE … SET organisation_name_due_at = ? WHERE id = ? AND organisation_name_due_at = ?  -- claim
    UPDATE … SET organisation_name = ?, organisation_name_due_at = ?
        WHERE id = ? AND organisation_name_due_at = ?                                        -- keep

What a connection is due for is its mark: a user who reconnects or disconnects meanwhile moves it, and a late
answer changes nothing.
"""

import random
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from actionstep_connect import policy
from actionstep_connect.flows.database import primary_connections
from actionstep_connect.models import Connection
from actionstep_connect.scopes import AS_COMMON, missing_scopes

#: How often a name that is known is asked for again.
INTERVAL = timedelta(days=30)
#: After an answer without a name.
RETRY_INTERVAL = timedelta(days=1)
#: After no answer.
OUTAGE_INTERVAL = timedelta(hours=1)
#: How long a token must still live for its organisation to be asked: nothing is refreshed for a name.
MIN_VALIDITY = timedelta(minutes=2)

#: What erases a name, with the wish to know it.
UNNAMED: dict[str, Any] = {"organisation_name": "", "organisation_name_due_at": None}


def naming_for(scopes: Iterable[str], *, now: datetime) -> dict[str, Any]:
    """Return the columns of a connection that was granted `scopes` at `now`."""
    if missing_scopes([AS_COMMON], list(scopes)):
        return UNNAMED
    return {"organisation_name_due_at": now}


def due_names(*, now: datetime, limit: int) -> list[Connection]:
    """Return connections whose organisations are to be asked for their names, the longest due first."""
    due = primary_connections().in_environment().filter(organisation_name_due_at__lte=now)
    return list(due.select_related("user").order_by("organisation_name_due_at")[:limit])


def claim(connection: Connection, *, now: datetime) -> bool:
    """Take `connection`, and return whether it can be asked now. One that cannot waits for a refresh."""
    is_live = (
        connection.is_usable
        and connection.access_token_expires_at is not None
        and connection.access_token_expires_at > now + MIN_VALIDITY
    )
    due_at = now + _jittered(RETRY_INTERVAL) if is_live else None
    return _move(connection, organisation_name_due_at=due_at) and is_live


def keep(connection: Connection, name: str, *, now: datetime) -> None:
    """Store the name of a connection that was claimed. Without one, the former stays."""
    if name:
        _move(
            connection,
            organisation_name=name,
            organisation_name_due_at=now + _jittered(INTERVAL),
        )


def ask_again_soon(connection: Connection, *, now: datetime) -> None:
    """Let a connection that was claimed be asked again after an outage."""
    _move(connection, organisation_name_due_at=now + _jittered(OUTAGE_INTERVAL))


def _move(connection: Connection, **values: Any) -> bool:
    rows = primary_connections().filter(
        pk=connection.pk, organisation_name_due_at=connection.organisation_name_due_at
    )
    moved = rows.update(**values) == 1
    if moved:
        for name, value in values.items():
            setattr(connection, name, value)
    return moved


def _jittered(interval: timedelta) -> timedelta:
    return interval * (1 - random.uniform(0, policy.JITTER))  # noqa: S311 - no secret.
