"""Conflicts: what a database refuses because another transaction came between, and takes the next time.

Under SERIALIZABLE and REPEATABLE READ, PostgreSQL refuses a statement whose rows changed meanwhile
(SQLSTATE 40001); every level has deadlocks (40P01; MySQL 1213; MariaDB 1020). Neither says that the
database is away.
"""

import random
import time
from collections.abc import Callable
from typing import TypeVar

from django.db import OperationalError, connections, router

from actionstep_connect.models import Connection

SQLSTATES = frozenset({"40001", "40P01"})
MYSQL_ERRORS = frozenset({1020, 1213})
MAX_TRIES = 20
FIRST_PAUSE = 0.005  # seconds at most, doubled up to
MAX_PAUSE = 0.25

T = TypeVar("T")


def is_conflict(error: BaseException) -> bool:
    """Return whether the same statement may succeed when it is repeated."""
    return has_code(error, sqlstates=SQLSTATES, mysql_errors=MYSQL_ERRORS)


def has_code(
    error: BaseException, *, sqlstates: frozenset[str], mysql_errors: frozenset[int]
) -> bool:
    """Return whether a database reported one of these codes, by the driver's error behind `error`."""
    cause = error.__cause__ or error
    sqlstate = getattr(cause, "sqlstate", None) or getattr(cause, "pgcode", None)
    number = cause.args[0] if cause.args else None
    return sqlstate in sqlstates or number in mysql_errors


def repeated(work: Callable[[], T]) -> T:
    """Do `work`, again each time that it conflicts; what it does has to be safe to repeat.

    Raises the last conflict when there is no end to them, and the first one inside a transaction,
    which is its owner's to repeat.
    """
    for number in range(MAX_TRIES - 1):
        try:
            return work()
        except OperationalError as error:
            if not is_conflict(error) or _in_transaction():
                raise
            pause_after_conflict(number)
    return work()


def pause_after_conflict(number: int) -> None:
    """Wait for a random time, longer after each conflict, so that rivals part."""
    longest = min(FIRST_PAUSE * 2.0 ** min(number, 16), MAX_PAUSE)
    time.sleep(random.uniform(0, longest))  # noqa: S311 - parts rivals, keeps no secret.


def _in_transaction() -> bool:
    return connections[router.db_for_write(Connection)].in_atomic_block
