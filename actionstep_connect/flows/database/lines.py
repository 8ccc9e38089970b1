"""This package's own database connections: few for each process, used by its threads in turn."""

import asyncio
import os
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress

from django.db import connections, transaction
from django.db.backends.base.base import BaseDatabaseWrapper

from actionstep_connect.flows.database.place import Place
from actionstep_connect.flows.database.primary import DATABASE_UNAVAILABLE
from actionstep_connect.flows.database.refusals import no_connection

CONNECTION_TIMEOUT = 2.0  # seconds to wait for a connection that moves no other work either
CONNECTIONS = 2  # for each process and database; each is used for moments only
MAX_EXCHANGES = 32  # requests to Actionstep in flight for callers that do not send them themselves
LOOKS = 4  # threads beyond these, so that looking at a row waits for no request
LOCK_TIMEOUT = "2s"  # for one try on PostgreSQL, so that a locked row does not keep others waiting


class Line:
    """One database connection, which threads use in turn; closed when no refresh needs it."""

    def __init__(self, alias: str) -> None:
        self.users = 0
        self._alias = alias
        self._lock = threading.Lock()
        self._connection: BaseDatabaseWrapper | None = None
        self._moved_at = float("-inf")
        self._seen: Place | None = None

    def is_moving(self) -> bool:
        """Return whether it has served anyone within CONNECTION_TIMEOUT."""
        return time.monotonic() - self._moved_at < CONNECTION_TIMEOUT

    def sees(self, place: Place, connection: BaseDatabaseWrapper) -> bool:
        """Return whether `connection`, which is lent, reaches `place`; asked once while it is open."""
        if self._seen != place:
            self._seen = place if place.is_seen_by(connection) else None
        return self._seen is not None

    @contextmanager
    def lent(
        self, place: Place, *, is_atomic: bool = True, timeout: float = -1
    ) -> Iterator[BaseDatabaseWrapper]:
        """Make this the present thread's connection to its database, in the caller's place.

        Raises one of DATABASE_UNAVAILABLE, or TemporarilyUnavailable if it is not free in `timeout` seconds.
        """
        while not self._lock.acquire(timeout=timeout):
            if not self.is_moving():
                raise no_connection()
        try:
            connection = self._open(place)
            connections[self._alias] = connection
            try:
                # SQLite refuses at once a transaction that reads before it writes.
                is_postgresql = connection.vendor == "postgresql"
                if is_postgresql and (is_atomic or not place.is_seen_by(connection)):
                    with transaction.atomic(using=self._alias):
                        _set_locally(connection, place)
                        yield connection
                else:
                    yield connection
                self._moved_at = time.monotonic()
            except DATABASE_UNAVAILABLE:
                self._seen = None
                connection.close()
                raise
            finally:
                del connections[self._alias]
        finally:
            self._lock.release()

    def close_if_idle(self) -> None:
        """Close it unless it is needed, or closed."""
        if self._lock.acquire(blocking=False):
            try:
                if self._connection and self._connection.connection and not self.users:
                    self._seen = None
                    with suppress(*DATABASE_UNAVAILABLE):
                        self._connection.close()
            finally:
                self._lock.release()

    def _open(self, place: Place) -> BaseDatabaseWrapper:
        if self._connection is None:
            self._connection = connections.create_connection(self._alias)
            self._connection.inc_thread_sharing()
        open_at(place, self._connection)
        return self._connection


def open_at(place: Place, connection: BaseDatabaseWrapper) -> None:
    """Open `connection` in the caller's place, committing each statement."""
    place.enter(connection)
    connection.ensure_connection()
    if not connection.get_autocommit():  # A site may have set AUTOCOMMIT to False.
        connection.set_autocommit(True)


def _set_locally(connection: BaseDatabaseWrapper, place: Place) -> None:
    # For this transaction only: behind PgBouncer the session may be another client's the next moment.
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT set_config('search_path', %s, true), set_config('lock_timeout', %s, true)",
            [place.search_path, LOCK_TIMEOUT],
        )


class OwnProcess:
    """What this process has of its own: an executor, lines, and requests in flight."""

    def __init__(self) -> None:
        # Threads are started when they are needed.
        self.executor = ThreadPoolExecutor(MAX_EXCHANGES + LOOKS, thread_name_prefix="actionstep")
        self._lock = threading.Lock()
        self._lines: dict[str, list[Line]] = {}
        self._exchanges = 0

    def is_full(self) -> bool:
        """Return whether no more requests may be sent at once."""
        return self._exchanges >= MAX_EXCHANGES

    @contextmanager
    def exchanging(self) -> Iterator[None]:
        """Count one request in flight."""
        with self._lock:
            self._exchanges += 1
        try:
            yield
        finally:
            with self._lock:
                self._exchanges -= 1

    def join_line(self, alias: str) -> Line:
        """Return the line that has the fewest users, and count one more."""
        with self._lock:
            lines = self._lines.setdefault(alias, [Line(alias) for _ in range(CONNECTIONS)])
            line = min(lines, key=lambda each: each.users)
            line.users += 1
            return line

    def leave_line(self, line: Line) -> None:
        """Count one user less."""
        with self._lock:
            line.users -= 1
        if line.users:
            return
        try:
            asyncio.get_running_loop()
        except RuntimeError:
            line.close_if_idle()
        else:
            # Django refuses to close a connection in an event loop. At the end of a process there is no
            # thread, and connections end with it.
            with suppress(RuntimeError):
                self.executor.submit(line.close_if_idle)


_processes: dict[int, OwnProcess] = {}


def own_process() -> OwnProcess:
    """Return what the present process has of its own: after a fork, nothing of its parent's."""
    pid = os.getpid()
    return _processes.get(pid) or _processes.setdefault(pid, OwnProcess())


def finish_under_way() -> None:
    """Wait until every answer that this process waits for is stored. Nothing more is sent after it."""
    process = _processes.get(os.getpid())
    if process is not None:
        process.executor.shutdown()
