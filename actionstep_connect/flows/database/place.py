"""The place of the rows: which database, which tenant and which table the caller sees.

A router may choose the alias by the thread or by a context variable; a tenant may be a schema of the
session. So the place is asked for once, where the caller is, and every other connection has to prove
that it is there too.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

from django.db import connections, router
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.signals import connection_created

from actionstep_connect.models import Connection


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a caller's connections are stored."""

    alias: str
    #: What tells this table from every other that the alias may lead to.
    table: tuple[Any, ...] = ()
    #: PostgreSQL's, as the caller's session has it.
    search_path: str = ""
    #: The tenant of django-tenants and of packages with the same interface.
    tenant: Any = None

    @classmethod
    def of_caller(cls) -> "Place":
        """Return the place that this thread's connection to the primary sees."""
        alias = chosen_alias() or router.db_for_write(Connection)
        connection = connections[alias]
        table, search_path = _table_and_search_path(connection)
        tenant = getattr(connection, "tenant", None)
        return cls(alias=alias, table=table, search_path=search_path, tenant=tenant)

    @classmethod
    def to_stay_at(cls) -> "Place":
        """Return what this thread's own connection needs to come back to; no query but on PostgreSQL."""
        alias = chosen_alias() or router.db_for_write(Connection)
        if connections[alias].vendor == "postgresql":
            return cls.of_caller()
        return cls(alias=alias)

    def enter(self, connection: BaseDatabaseWrapper) -> None:
        """Set the caller's tenant on `connection`."""
        set_tenant = getattr(connection, "set_tenant", None)
        if set_tenant is not None and self.tenant is not None:
            set_tenant(self.tenant)

    def is_seen_by(self, connection: BaseDatabaseWrapper) -> bool:
        """Return whether `connection` sees the same table. It is also the proof that it works.

        SELECT current_database(), to_regclass(?)::oid, current_setting('search_path')
        """
        return _table_and_search_path(connection)[0] == self.table


@contextmanager
def at(place: Place, *, is_own: bool = False) -> Iterator[None]:
    """Stay at `place`: nothing inside asks the router again.

    A connection that was lost and is opened again is as it was before: the caller's gets its search
    path back, and one of this package's own (`is_own`) commits each statement.
    """
    before, restores = _present.set(place), _restores_search_path.set(not is_own)
    was_own = _is_own.set(is_own or _is_own.get())
    try:
        yield
    finally:
        _is_own.reset(was_own)
        _restores_search_path.reset(restores)
        _present.reset(before)


def chosen_alias() -> str:
    """Return the alias of the place that the code under way stays at, if it stays at one."""
    place = _present.get()
    return place.alias if place else ""


_present: ContextVar[Place | None] = ContextVar("actionstep_connect_place", default=None)
_restores_search_path: ContextVar[bool] = ContextVar(
    "actionstep_connect_restores_search_path", default=False
)
_is_own: ContextVar[bool] = ContextVar("actionstep_connect_is_own_connection", default=False)


def _restore(connection: BaseDatabaseWrapper, **_: Any) -> None:
    place = _present.get()
    if not place or connection.alias != place.alias:
        return
    if _is_own.get() and not connection.get_autocommit():
        connection.set_autocommit(True)  # A site may have set AUTOCOMMIT to False.
    if _restores_search_path.get() and place.search_path and connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT set_config('search_path', %s, false) "
                "WHERE current_setting('search_path') <> %s",
                [place.search_path, place.search_path],
            )


connection_created.connect(_restore, dispatch_uid="actionstep_connect.restore_connection")


def _table_and_search_path(connection: BaseDatabaseWrapper) -> tuple[tuple[Any, ...], str]:
    table = connection.ops.quote_name(Connection._meta.db_table)
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute(
                "SELECT current_setting('search_path'), current_database(), to_regclass(%s)::oid",
                [table],
            )
            search_path, *names = cursor.fetchone()
            return tuple(names), search_path
        if connection.vendor == "mysql":
            cursor.execute("SELECT DATABASE()")
            return tuple(cursor.fetchone()), ""
        if connection.vendor == "sqlite":
            cursor.execute("PRAGMA database_list")
            return tuple(row[2] for row in cursor.fetchall() if row[1] == "main"), ""
    return (), ""
