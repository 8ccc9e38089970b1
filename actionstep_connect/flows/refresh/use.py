"""Use: remember, at most once an hour, that a connection is in use."""

import logging
from datetime import UTC, datetime

from asgiref.sync import sync_to_async
from django.db import connections, transaction

from actionstep_connect import policy
from actionstep_connect.conf import get_config
from actionstep_connect.flows.database import (
    DATABASE_UNAVAILABLE,
    in_callers_transaction,
    primary_alias,
    primary_connections,
    update_unlocked,
)
from actionstep_connect.logs import LogEvent, log
from actionstep_connect.models import Connection, Status


def is_use_recent(connection: Connection) -> bool:
    """Return whether the last use on record is recent enough."""
    return datetime.now(UTC) - connection.last_used_at < policy.USE_RESOLUTION


def record_use(connection: Connection) -> None:
    """Record a use, after the caller's transaction if there is one.

    An idle connection whose token still lives goes back to being kept fresh.
    """
    if not in_callers_transaction():
        _try_to_write(connection)
    elif connections[primary_alias()].in_atomic_block:
        transaction.on_commit(lambda: _write_once(connection), using=primary_alias(), robust=True)
    # Where the caller commits by hand there is no such moment: the next use will do.


async def arecord_use(connection: Connection) -> None:
    """Do what `record_use` does, in async code."""
    await sync_to_async(record_use)(connection)


def _try_to_write(connection: Connection) -> None:
    try:
        _write(connection)
    except (
        DATABASE_UNAVAILABLE
    ) as error:  # No reason to refuse a token that lives. The next use will do.
        log(
            logging.WARNING,
            LogEvent.NOT_RECORDED,
            connection=connection.pk,
            error=type(error).__name__,
        )


def _write_once(connection: Connection) -> None:
    if not is_use_recent(connection):
        _try_to_write(connection)


def _write(connection: Connection) -> None:
    now = datetime.now(UTC)
    rows = primary_connections().filter(
        pk=connection.pk, last_used_at__lte=now - policy.USE_RESOLUTION
    )
    update_unlocked(rows, last_used_at=now)
    connection.last_used_at = now
    if get_config().idle_after is not None:
        _resume_keeping_fresh(connection, now)


def _resume_keeping_fresh(connection: Connection, now: datetime) -> None:
    expires_at, limit = connection.access_token_expires_at, connection.refresh_token_expires_at
    if expires_at is None or limit is None:
        return
    refresh_at = max(expires_at - get_config().refresh_before, now)
    primary_connections().filter(
        pk=connection.pk,
        generation=connection.generation,
        status=Status.CONNECTED,
        consecutive_failures=0,
        refresh_at__gt=refresh_at,
    ).update(refresh_at=refresh_at)
