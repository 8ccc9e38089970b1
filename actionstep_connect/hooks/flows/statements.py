"""The two statements of the receiver, written out: Django would take most of a call's time to put them.

A look-up, and an insert that is a transaction of its own and makes sure that the address still counts.
Several rows at once, which are rare, are Django's.
"""

from datetime import datetime
from typing import Any

from django.db import connections, models, router
from django.db.models.constants import OnConflict

from actionstep_connect.hooks.models import Address, Notification, Subscription

_SELECT = (
    "SELECT s.id, s.event, s.organisation_id FROM {address} a "
    "JOIN {subscription} s ON s.id = a.subscription_id WHERE {valid}"
)
#: `{insert}` and `{suffix}` are what this database has for INSERT … ON CONFLICT DO NOTHING.
_INSERT = (
    "{insert} {notification} ({columns}) SELECT {values} FROM {address} a "
    "WHERE {valid} AND a.subscription_id = %s {suffix}"
)
_VALID = "a.secret_hash = %s AND (a.retired_at IS NULL OR a.retired_at > %s)"
_MOMENT = Address._meta.get_field("retired_at")
_COLUMNS = [field for field in Notification._meta.concrete_fields if not field.primary_key]


def find_subscription(secret_hash: str, *, since: datetime) -> Subscription | None:
    """Return whose address it is, or was until `since`."""
    connection = connections[router.db_for_write(Address)]
    with connection.cursor() as cursor:
        cursor.execute(_put(_SELECT, connection), _address(secret_hash, since, connection))
        found = cursor.fetchone()
    if found is None:
        return None
    key, event, organisation = found
    return Subscription(pk=key, event=event, organisation_id=organisation)


def insert(row: Notification, secret_hash: str, *, since: datetime) -> bool:
    """Store a notification, in one statement; False if it was stored before, or the address is void.

    It is void unless it is the subscription's, or was until `since`.
    """
    connection = connections[router.db_for_write(Notification)]
    values = [_stored(field, row, connection) for field in _COLUMNS]
    address = _address(secret_hash, since, connection)
    with connection.cursor() as cursor:
        cursor.execute(_put(_INSERT, connection), [*values, *address, row.subscription_id])
        return bool(cursor.rowcount > 0)


def _put(statement: str, connection: Any) -> str:
    ops, quote = connection.ops, connection.ops.quote_name
    return statement.format(
        insert=ops.insert_statement(on_conflict=OnConflict.IGNORE),
        notification=quote(Notification._meta.db_table),
        columns=", ".join(quote(field.column) for field in _COLUMNS),
        values=", ".join(["%s"] * len(_COLUMNS)),
        address=quote(Address._meta.db_table),
        subscription=quote(Subscription._meta.db_table),
        valid=_VALID,
        suffix=ops.on_conflict_suffix_sql(_COLUMNS, OnConflict.IGNORE, (), ()),
    )


def _address(secret_hash: str, since: datetime, connection: Any) -> list[Any]:
    return [secret_hash, _MOMENT.get_db_prep_value(since, connection)]


def _stored(field: "models.Field[Any, Any]", row: Notification, connection: Any) -> Any:
    return field.get_db_prep_save(getattr(row, field.attname), connection)
