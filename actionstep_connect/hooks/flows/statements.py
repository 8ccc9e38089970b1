"""The statements of the receiver, written out: Django would take most of a call's time to put them.

Each is a transaction of its own:

    SELECT … FROM address JOIN subscription WHERE secret_hash IN (…)
    INSERT INTO notification … SELECT … FROM address WHERE secret_hash = ? ON CONFLICT DO NOTHING
    INSERT INTO notification … VALUES (…), (…) ON CONFLICT DO NOTHING
"""

from collections.abc import Collection, Sequence
from datetime import datetime
from functools import cache
from typing import Any, NamedTuple

from django.db import connections, router
from django.db.models.constants import OnConflict

from actionstep_connect.hooks.models import Address, Notification, Subscription

#: `{insert}` and `{suffix}` are what this database has for INSERT … ON CONFLICT DO NOTHING.
_SELECT = (
    "SELECT a.secret_hash, s.id, s.event, s.organisation_id FROM {address} a "
    "JOIN {subscription} s ON s.id = a.subscription_id "
    "WHERE (a.retired_at IS NULL OR a.retired_at > %s) AND a.secret_hash IN "
)
_INSERT_FOR_ADDRESS = (
    "{insert} {notification} ({columns}) SELECT {values} FROM {address} a "
    "WHERE a.secret_hash = %s AND (a.retired_at IS NULL OR a.retired_at > %s) "
    "AND a.subscription_id = %s {suffix}"
)
_INSERT = "{insert} {notification} ({columns}) VALUES "
_MOMENT = Address._meta.get_field("retired_at")
#: In one statement: SQLite may be built with as few as 999 parameters.
MAX_ROWS = 100


class NewNotification(NamedTuple):
    """What is stored of a new notification; all else has its default in the database."""

    digest: str
    lane: str
    resource: str
    row_id: str
    payload: str
    caught_up: bool
    subscription_id: int


_COLUMNS = [*NewNotification._fields, "received_at", "due_at"]
_VALUES = ", ".join(["%s"] * len(_COLUMNS))


def find_subscriptions(
    secret_hashes: Collection[str], *, since: datetime
) -> dict[str, tuple[int, str, int]]:
    """Return whose addresses these are, or were until `since`: key, event and key of the organisation."""
    alias = router.db_for_write(Address)
    marks = ", ".join(["%s"] * len(secret_hashes))
    with connections[alias].cursor() as cursor:
        cursor.execute(f"{_put(_SELECT, alias)}({marks})", [_stored(since, alias), *secret_hashes])
        return {secret_hash: found for secret_hash, *found in cursor.fetchall()}


def insert_for_address(
    row: NewNotification, secret_hash: str, *, now: datetime, since: datetime
) -> bool:
    """Store a notification; return False if it was stored before, or the address is void.

    It is void unless it is the subscription's, or was until `since`.
    """
    alias = router.db_for_write(Notification)
    received = _stored(now, alias)
    address = (secret_hash, _stored(since, alias), row.subscription_id)
    with connections[alias].cursor() as cursor:
        cursor.execute(_put(_INSERT_FOR_ADDRESS, alias), [*row, received, received, *address])
        is_stored = bool(cursor.rowcount > 0)
    commit(alias)
    return is_stored


def insert(rows: Sequence[NewNotification], *, now: datetime) -> None:
    """Store notifications in this order, but for those that were stored before."""
    alias = router.db_for_write(Notification)
    received = _stored(now, alias)
    with connections[alias].cursor() as cursor:
        for start in range(0, len(rows), MAX_ROWS):
            some = rows[start : start + MAX_ROWS]
            marks = ", ".join([f"({_VALUES})"] * len(some))
            values = [value for row in some for value in (*row, received, received)]
            cursor.execute(f"{_put(_INSERT, alias)}{marks} {_put('{suffix}', alias)}", values)
    commit(alias)


def commit(alias: str) -> None:
    """Commit what was written where a site has set AUTOCOMMIT to False: a call is then answered 200."""
    connection = connections[alias]
    if not connection.in_atomic_block and not connection.get_autocommit():
        connection.commit()


@cache
def _put(statement: str, alias: str) -> str:
    """Return a statement in the words of that database."""
    ops = connections[alias].ops
    return statement.format(
        insert=ops.insert_statement(on_conflict=OnConflict.IGNORE),
        notification=ops.quote_name(Notification._meta.db_table),
        columns=", ".join(ops.quote_name(name) for name in _COLUMNS),
        values=_VALUES,
        address=ops.quote_name(Address._meta.db_table),
        subscription=ops.quote_name(Subscription._meta.db_table),
        suffix=ops.on_conflict_suffix_sql([], OnConflict.IGNORE, (), ()),
    )


def _stored(moment: datetime, alias: str) -> Any:
    return _MOMENT.get_db_prep_value(moment, connections[alias])
