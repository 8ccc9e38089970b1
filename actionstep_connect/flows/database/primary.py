"""The primary, which alone knows the newest token, and the caller's connection to it."""

from django.db import InterfaceError, InternalError, OperationalError, connections, router

from actionstep_connect.flows.conflicts import has_code
from actionstep_connect.flows.database.place import chosen_alias
from actionstep_connect.models import Connection
from actionstep_connect.models.querysets import ConnectionQuerySet

#: How a database says that it is away. PostgreSQL calls a primary that has just become a replica an
#: internal error (25006, read-only transaction).
DATABASE_UNAVAILABLE = (OperationalError, InterfaceError, InternalError)

READ_ONLY_SQLSTATES = frozenset({"25006"})
READ_ONLY_MYSQL_ERRORS = frozenset({1290, 1792, 1836})


def primary_alias() -> str:
    """Return the alias of the primary: what the router says, once in each refresh and each run."""
    return chosen_alias() or router.db_for_write(Connection)


def primary_connections() -> ConnectionQuerySet:
    """Return all connections, on the primary."""
    return Connection.objects.using(primary_alias())


def renew_database_connection() -> None:
    """Drop the connection to the primary, unless a transaction is open on it; the next query opens one."""
    connection = connections[primary_alias()]
    if not connection.in_atomic_block:
        connection.close()


def is_read_only(error: BaseException) -> bool:
    """Return whether a statement failed because what this connection leads to takes no writes.

    It may lead to a server that was the primary: one that was demoted may keep its sessions.
    """
    return has_code(error, sqlstates=READ_ONLY_SQLSTATES, mysql_errors=READ_ONLY_MYSQL_ERRORS)


def drop_lost_connection() -> bool:
    """Close the connection to the primary if it was lost, and return whether it was.

    The next query opens one; inside a transaction there is none to come.
    """
    connection = connections[primary_alias()]
    is_lost = (
        not connection.in_atomic_block
        and connection.connection is not None
        and not connection.is_usable()
    )
    if is_lost:
        connection.close()
    return is_lost


def in_callers_transaction() -> bool:
    """Return whether this thread is inside a transaction that is not a TestCase's."""
    connection = connections[primary_alias()]
    if in_test_case():
        return False
    is_open = connection.connection is not None
    # One that is not open yet will be as its settings say.
    commits = connection.get_autocommit() if is_open else connection.settings_dict["AUTOCOMMIT"]
    return connection.in_atomic_block or not commits


def in_test_case() -> bool:
    """Return whether Django's TestCase opened a block anywhere in this thread's stack."""
    return any(
        getattr(block, "_from_testcase", False)
        for block in connections[primary_alias()].atomic_blocks
    )
