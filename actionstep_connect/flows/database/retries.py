"""Writing to the database until it is done, however long it is away."""

import logging
import time
from collections.abc import Callable
from typing import TypeVar

from django.db import connections

from actionstep_connect.flows.conflicts import is_conflict, pause_after_conflict
from actionstep_connect.flows.database.locks import is_locked
from actionstep_connect.flows.database.primary import DATABASE_UNAVAILABLE, primary_alias
from actionstep_connect.logs import LogEvent, log

FIRST_PAUSE = 0.1  # seconds between two tries while the database is away, doubled up to
MAX_PAUSE = 0.5  # a store must come before another worker's claim, when the database is back

T = TypeVar("T")


def retry_while_unavailable(write: Callable[[], T]) -> T:
    """Repeat `write` while the database is away, because it holds what cannot be asked for again.

    Inside a transaction it is tried once: a broken transaction is its owner's to repeat.
    """
    retries = Backoff()
    while True:
        try:
            return write()
        except DATABASE_UNAVAILABLE as error:
            retries.wait(error)


def retry_unless_locked(write: Callable[[], T]) -> T | None:
    """Do what `retry_while_unavailable` does, but return None where another transaction locks the row."""

    def write_if_free() -> T | None:
        try:
            return write()
        except DATABASE_UNAVAILABLE as error:
            if not is_locked(error):
                raise
            return None

    return retry_while_unavailable(write_if_free)


class Backoff:
    """The tries of a write after it failed: at once on a new connection, then after longer pauses."""

    def __init__(self) -> None:
        self._pause = 0.0
        self._conflicts = 0

    def wait(self, error: Exception) -> None:
        """Drop a connection that failed, and pause. Raises `error` inside a transaction."""
        connection = connections[primary_alias()]
        if connection.in_atomic_block:
            raise error
        if is_conflict(error):
            pause_after_conflict(self._conflicts)
            self._conflicts += 1
            return
        if not is_locked(error):
            connection.close()
        self.pause(error)

    def pause(self, error: Exception) -> None:
        """Pause, and log why."""
        if self._pause:
            name = type(error).__name__
            log(logging.WARNING, LogEvent.STORE_REPEATED, error=name, pause=self._pause)
            time.sleep(self._pause)
        self._pause = min(max(self._pause * 2, FIRST_PAUSE), MAX_PAUSE)
