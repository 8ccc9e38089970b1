"""Rows that other transactions have locked: a run waits briefly for one, and goes on to the others.

    UPDATE … WHERE … AND set_config('lock_timeout', '100ms', true) IS NOT NULL   -- PostgreSQL
    SET STATEMENT innodb_lock_wait_timeout = 1 FOR UPDATE …                      -- MariaDB

The limit is part of the statement, so it costs no statement of its own, and no session keeps it: behind
PgBouncer the session may be another client's the next moment. MySQL has no such form; its own
`innodb_lock_wait_timeout` holds. SQLite locks its whole file, which counts as a database that is away.
"""

from collections.abc import Callable
from typing import Any

from django.db import OperationalError, connections
from django.db.models import BooleanField, Func, QuerySet

from actionstep_connect.flows.conflicts import has_code

POSTGRESQL_TIMEOUT = "100ms"
MARIADB_TIMEOUT = 1  # seconds, the least that it counts in
LOCKED_SQLSTATES = frozenset({"55P03"})
LOCKED_MYSQL_ERRORS = frozenset({1205})


class _LockTimeout(Func):
    # Evaluated for each row that is found, before its lock is waited for; in effect until the end of
    # the statement's transaction.
    template = f"set_config('lock_timeout', '{POSTGRESQL_TIMEOUT}', true) IS NOT NULL"
    output_field = BooleanField()


def update_unlocked(rows: "QuerySet[Any]", **values: Any) -> int:
    """Update `rows`, and return how many there were.

    Raises OperationalError, for which `is_locked` holds, if another transaction keeps one of them
    locked; then none is changed.
    """
    connection: Any = connections[rows.db]  # With `mysql_is_mariadb` on one of its kinds.
    if connection.vendor == "postgresql":
        return rows.filter(_LockTimeout()).update(**values)
    if connection.vendor == "mysql" and connection.mysql_is_mariadb:
        with connection.execute_wrapper(_limit_statement):
            return rows.update(**values)
    return rows.update(**values)


def update_if_free(rows: "QuerySet[Any]", **values: Any) -> int:
    """Do what `update_unlocked` does, but change nothing if a row is locked."""
    try:
        return update_unlocked(rows, **values)
    except OperationalError as error:
        if not is_locked(error):
            raise
        return 0


def is_locked(error: BaseException) -> bool:
    """Return whether a statement failed because another transaction had locked a row."""
    return has_code(error, sqlstates=LOCKED_SQLSTATES, mysql_errors=LOCKED_MYSQL_ERRORS)


def _limit_statement(
    execute: Callable[..., Any], sql: str, params: Any, many: bool, context: Any
) -> Any:
    if sql.startswith("UPDATE"):
        sql = f"SET STATEMENT innodb_lock_wait_timeout = {MARIADB_TIMEOUT} FOR {sql}"
    return execute(sql, params, many, context)
