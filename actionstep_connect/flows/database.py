"""The primary, which alone knows the newest token; and writing to it until it is done."""

import logging
import time
from collections.abc import Callable
from typing import TypeVar

from django.db import InterfaceError, InternalError, OperationalError, connections, router

from actionstep_connect.logs import LogEvent, log
from actionstep_connect.models import Connection
from actionstep_connect.querysets import ConnectionQuerySet

FIRST_PAUSE = 0.1  # seconds between two tries while the database is away, doubled up to
LONGEST_PAUSE = 0.5  # a store must come before another worker's claim, when the database is back

#: How a database says that it is away. PostgreSQL calls a primary that has just become a replica an
#: internal error (25006, read-only transaction).
AWAY = (OperationalError, InterfaceError, InternalError)

T = TypeVar("T")


def database() -> str:
    """Return the alias of the primary."""
    return router.db_for_write(Connection)


def on_primary() -> ConnectionQuerySet:
    """Return all connections, on the primary."""
    return Connection.objects.using(database())


def renew_database_connection() -> None:
    """Drop the connection to the primary, unless a transaction is open on it; the next query opens one."""
    connection = connections[database()]
    if not connection.in_atomic_block:
        connection.close()


def until_done(write: Callable[[], T]) -> T:
    """Repeat `write` while the database is away, for it holds what nobody will give again.

    Inside a transaction it is tried once: a broken transaction is not ours to repeat.
    """
    retries = Retries()
    while True:
        try:
            return write()
        except AWAY as error:
            retries.wait(error)


class Retries:
    """The tries of a write after it failed: at once on a new connection, then after longer pauses."""

    def __init__(self) -> None:
        self._pause = 0.0

    def wait(self, error: Exception) -> None:
        """Drop the connection that failed, and pause. Raises `error` inside a transaction."""
        connection = connections[database()]
        if connection.in_atomic_block:
            raise error
        connection.close()
        if self._pause:
            name = type(error).__name__
            log(logging.WARNING, LogEvent.STORE_REPEATED, error=name, pause=self._pause)
            time.sleep(self._pause)
        self._pause = min(max(self._pause * 2, FIRST_PAUSE), LONGEST_PAUSE)
