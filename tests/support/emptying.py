"""How a transactional test leaves the database: as Django's ``flush`` does, at a fraction of its cost.

``flush`` truncates every table, for which PostgreSQL makes all their files again, and then has content
types and permissions made again. Here rows are deleted, and those two tables stay while they are what
migrations made of them; behind a test that changed them, ``flush`` runs.
"""

from collections.abc import Generator
from contextlib import contextmanager
from typing import Any, cast

from django.core.management import call_command
from django.core.management.color import no_style
from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.test import TransactionTestCase

#: What migrations fill.
KEPT = ("django_content_type", "auth_permission")
LOOK = "SELECT {}".format(
    ", ".join(f"(SELECT count(*) FROM {name}), (SELECT max(id) FROM {name})" for name in KEPT)
)
#: For each database, what `kept_rows` said of it when it was migrated.
Rows = dict[str, tuple[int, ...]]


@contextmanager
def emptying_by_deletes(migrated: Rows) -> Generator[None]:
    """Let transactional tests end so until the block ends."""
    case = cast("Any", TransactionTestCase)  # Django has no public place for this.
    djangos_own = case._fixture_teardown

    def empty_all(self: Any) -> None:
        for alias in self._databases_names(include_mirrors=False):
            empty(alias, migrated)

    case._fixture_teardown = empty_all
    yield
    case._fixture_teardown = djangos_own


def empty(alias: str, migrated: Rows) -> None:
    """Delete all rows but those that migrations made; these are made again if they were changed."""
    connection = connections[alias]
    if kept_rows(alias) == migrated.get(alias):
        connection.ops.execute_sql_flush(_deletes(connection))
        return
    options = {"verbosity": 0, "interactive": False, "reset_sequences": False}
    call_command("flush", database=alias, **options)
    again = kept_rows(alias)
    if again[::2] == migrated.get(alias, ())[::2]:  # As many, under new ids.
        migrated[alias] = again


def kept_rows(alias: str) -> tuple[int, ...]:
    """Return how many rows each of these tables has, and its highest id."""
    with connections[alias].cursor() as cursor:
        cursor.execute(LOOK)
        return tuple(cursor.fetchone())


def _deletes(connection: BaseDatabaseWrapper) -> list[str]:
    names = connection.introspection.django_table_names(only_existing=True, include_views=False)
    emptied = [name for name in names if name not in KEPT]
    if connection.vendor != "postgresql":
        return connection.ops.sql_flush(no_style(), emptied)
    # A truncation waits until the processes of the test have ended their transactions; so does this.
    tables = [connection.ops.quote_name(name) for name in emptied]
    deletes = [f"DELETE FROM {table}" for table in tables]
    return ["; ".join([f"LOCK TABLE {', '.join(tables)} IN ACCESS EXCLUSIVE MODE", *deletes])]
