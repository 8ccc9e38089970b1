"""Use: remembering, at most once an hour, that a connection serves somebody."""

import logging
from datetime import UTC, datetime

from asgiref.sync import sync_to_async
from django.db import connections, transaction

from actionstep_connect import policy
from actionstep_connect.conf import get_config
from actionstep_connect.flows.database import AWAY, database, on_primary
from actionstep_connect.flows.refresh.outside import in_callers_transaction
from actionstep_connect.logs import LogEvent, log
from actionstep_connect.models import Connection, Status


def is_use_known(connection: Connection) -> bool:
    """Say whether the last use on record is recent enough."""
    return datetime.now(UTC) - connection.last_used_at < policy.USE_RESOLUTION


def touch(connection: Connection) -> None:
    """Record a use, after the caller's transaction if there is one.

    An idle connection whose token still lives goes back to being kept fresh.
    """
    if not in_callers_transaction():
        _try_to_write(connection)
    elif connections[database()].in_atomic_block:
        transaction.on_commit(lambda: _write_once(connection), using=database(), robust=True)
    # Where somebody commits by hand there is no moment of ours: the next use will do.


async def atouch(connection: Connection) -> None:
    """Do what `touch` does, in async code."""
    await sync_to_async(touch)(connection)


def _try_to_write(connection: Connection) -> None:
    try:
        _write(connection)
    except AWAY as error:  # No reason to refuse a token that lives. The next use will do.
        log(
            logging.WARNING,
            LogEvent.NOT_NOTED,
            connection=connection.pk,
            error=type(error).__name__,
        )


def _write_once(connection: Connection) -> None:
    if not is_use_known(connection):
        _write(connection)


def _write(connection: Connection) -> None:
    now = datetime.now(UTC)
    rows = on_primary().filter(pk=connection.pk, last_used_at__lte=now - policy.USE_RESOLUTION)
    rows.update(last_used_at=now)
    connection.last_used_at = now
    if get_config().idle_after is not None:
        _spring_back(connection, now)


def _spring_back(connection: Connection, now: datetime) -> None:
    expires_at, limit = connection.access_token_expires_at, connection.refresh_token_expires_at
    if expires_at is None or limit is None:
        return
    refresh_at = max(expires_at - get_config().refresh_before, now)
    on_primary().filter(
        pk=connection.pk,
        generation=connection.generation,
        status=Status.CONNECTED,
        consecutive_failures=0,
        refresh_at__gt=refresh_at,
    ).update(refresh_at=refresh_at)
